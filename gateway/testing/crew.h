/*
 * crew.h - background tasks on a made-up clock: each has a thread, but only one of all runs at a time, and only while the
 * test waits for it in crew_work(). So a test sees the same order every time, and a task that sleeps wakes when the clock
 * says so.
 */
#ifndef STOA_TESTING_CREW_H
#define STOA_TESTING_CREW_H

#include <pthread.h>

#include "app.h"

struct worker;

struct crew {
	struct app_threads threads; /* for the application */
	pthread_mutex_t lock;
	pthread_cond_t passed;
	struct worker *workers; /* in the order they were started */
	struct worker *turn;    /* who runs; NULL: the test */
	int64_t now_ms;
	bool woken;  /* the application wants dispatch_tick() */
	bool ending; /* nobody sleeps any more */
};

void crew_init(struct crew *c);
void crew_fini(struct crew *c); /* all work has ended */

/* Runs all that is new and all whose sleep is over, each until it sleeps or ends. True: somebody ran. What they start
 * is for the next call. */
bool crew_work(struct crew *c, int64_t now_ms);
int64_t crew_next_ms(const struct crew *c); /* when crew_work() has something to do; INT64_MAX: never. New: INT64_MIN */

#endif
