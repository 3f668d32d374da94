/* crew.c - see crew.h. The baton is `turn`: whoever has it runs, everybody else waits for it. */
#include "crew.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "alloc.h"

enum { PATIENCE = 1000 }; /* sleeps refused to one who should have ended */

enum stage { NEW, RUNS, SLEEPS, ENDED };

struct worker {
	struct crew *crew;
	struct worker *next;
	struct app_job *job;
	pthread_t thread;
	enum stage stage;
	int64_t due_ms; /* of SLEEPS */
	int refused;
};

/* --- The baton. The lock is held -------------------------------------------------------------------------------- */

static void give(struct crew *c, struct worker *to)
{
	c->turn = to;
	pthread_cond_broadcast(&c->passed);
}

static void await(struct crew *c, struct worker *w)
{
	while (c->turn != w)
		pthread_cond_wait(&c->passed, &c->lock);
}

/* --- A worker's side ---------------------------------------------------------------------------------------------- */

static void *work(void *arg)
{
	struct worker *w = arg;
	struct crew *c = w->crew;

	pthread_mutex_lock(&c->lock);
	await(c, w);
	pthread_mutex_unlock(&c->lock);
	app_job_run(w->job);
	pthread_mutex_lock(&c->lock);
	w->stage = ENDED;
	give(c, NULL);
	pthread_mutex_unlock(&c->lock);
	return NULL;
}

static void lose_patience(void)
{
	fprintf(stderr, "stoa_test_close: a background task goes on though stoa_sleep() says -ECANCELED\n");
	abort();
}

static int sleep_for(void *ctx, int64_t ms)
{
	struct crew *c = ctx;
	struct worker *w;
	bool ending;

	pthread_mutex_lock(&c->lock);
	w = c->turn;
	if (!c->ending) {
		w->due_ms = c->now_ms + ms;
		w->stage = SLEEPS;
		give(c, NULL);
		await(c, w);
	} else if (++w->refused > PATIENCE) {
		lose_patience();
	}
	ending = c->ending;
	pthread_mutex_unlock(&c->lock);
	return ending ? -ECANCELED : 0;
}

static void wake(void *ctx)
{
	struct crew *c = ctx;

	pthread_mutex_lock(&c->lock);
	c->woken = true;
	pthread_mutex_unlock(&c->lock);
}

static int start(void *ctx, struct app_job *job)
{
	struct crew *c = ctx;
	struct worker *w = must_alloc(sizeof(*w)), **end = &c->workers;

	w->crew = c;
	w->job = job;
	pthread_mutex_lock(&c->lock);
	while (*end)
		end = &(*end)->next;
	*end = w;
	pthread_mutex_unlock(&c->lock);
	return 0;
}

/* --- The test's side ---------------------------------------------------------------------------------------------- */

/* Until it sleeps or ends. */
static void run(struct crew *c, struct worker *w)
{
	if (w->stage == NEW && pthread_create(&w->thread, NULL, work, w) != 0) {
		fprintf(stderr, "stoa_test: no thread for a background task\n");
		abort();
	}
	pthread_mutex_lock(&c->lock);
	w->stage = RUNS;
	give(c, w);
	await(c, NULL);
	pthread_mutex_unlock(&c->lock);
}

static void bury(struct crew *c)
{
	struct worker **at = &c->workers;

	while (*at) {
		struct worker *w = *at;

		if (w->stage != ENDED) {
			at = &w->next;
			continue;
		}
		*at = w->next;
		pthread_join(w->thread, NULL);
		free(w);
	}
}

static bool is_due(const struct worker *w, int64_t now_ms)
{
	return w->stage == NEW || (w->stage == SLEEPS && w->due_ms <= now_ms);
}

bool crew_work(struct crew *c, int64_t now_ms)
{
	struct worker *last = c->workers;
	bool any = false;

	c->now_ms = now_ms;
	while (last && last->next)
		last = last->next;
	for (struct worker *w = c->workers; w; w = w == last ? NULL : w->next) {
		if (!is_due(w, now_ms))
			continue;
		run(c, w);
		any = true;
	}
	bury(c);
	return any;
}

int64_t crew_next_ms(const struct crew *c)
{
	int64_t next = INT64_MAX;

	for (const struct worker *w = c->workers; w; w = w->next) {
		int64_t due = w->stage == NEW ? INT64_MIN : w->due_ms;

		next = due < next ? due : next;
	}
	return next;
}

/* Sleepers hear of the end; who never began is run too, and app_job_run() knows that it is late. */
static void end(void *ctx)
{
	struct crew *c = ctx;

	c->ending = true;
	while (c->workers) {
		run(c, c->workers);
		bury(c);
	}
}

void crew_init(struct crew *c)
{
	*c = (struct crew){ .threads = { .start = start, .sleep = sleep_for, .wake = wake, .end = end, .ctx = c } };
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->passed, NULL);
}

void crew_fini(struct crew *c)
{
	pthread_cond_destroy(&c->passed);
	pthread_mutex_destroy(&c->lock);
}
