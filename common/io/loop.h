/*
 * loop.h - the one loop of a process: libevent's base, our timers, the end of a turn.
 *
 * A turn: libevent hands out what is ready, due timers run, then the turn-end functions run in the order they were
 * added (flush output), then the graveyard is dug. The time of a turn is read once, when it starts to do something.
 */
#ifndef STOA_IO_LOOP_H
#define STOA_IO_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "graveyard.h"
#include "timers.h"

struct event;
struct event_base;

enum { LOOP_TURN_END_MAX = 4 };

struct loop {
	struct event_base *base;
	struct event *wake; /* ends the wait when the next timer is due */
	struct event *turn; /* of somebody else's base: the end of a turn. NULL: the base is ours */
	int64_t wake_ms;    /* for when it is set; INT64_MAX: not */
	struct timers timers;
	struct graveyard graveyard;
	int64_t turn_ms; /* now, as of this turn: read it with loop_now() */
	uint64_t turns;  /* so many have ended */
	bool stopped;
	struct {
		void (*fn)(void *ctx, int64_t now_ms);
		void *ctx;
	} turn_end[LOOP_TURN_END_MAX];
	int turn_ends;
	struct {
		void (*fn)(void *ctx, int64_t now_ms, int64_t took_ms);
		void *ctx;
	} turn_took;
};

int loop_init(struct loop *l); /* 0, or -ENOMEM */
/* The same on a base that somebody else runs. A turn begins with the first loop_now() and ends behind everything that
 * libevent has ready then: whoever sets a timer or buries something from outside of callbacks calls loop_now() first. */
int loop_attach(struct loop *l, struct event_base *base);
void loop_fini(struct loop *l); /* digs the graveyard, frees the base if it is ours; every event must be gone */

void loop_on_turn_end(struct loop *l, void (*fn)(void *ctx, int64_t now_ms), void *ctx);
/* Tells how long each turn held up the next, before that begins: from when it first asked for the time to its end. */
void loop_on_turn_took(struct loop *l, void (*fn)(void *ctx, int64_t now_ms, int64_t took_ms), void *ctx);
void loop_run(struct loop *l);  /* until loop_stop(); not of somebody else's base */
void loop_poll(struct loop *l); /* one turn of it, without waiting */
void loop_stop(struct loop *l); /* from inside: the turn is finished first */

/* Time for callbacks: the clock is read at most once per turn. */
int64_t loop_now(struct loop *l);

#endif
