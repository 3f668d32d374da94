/*
 * timers.h - deadlines, very many of them, without a clock: time is an argument.
 *
 * A struct timer is embedded in what it serves and owned by it; a zeroed timer is idle. timer_set() replaces an earlier
 * deadline. Everything is O(1), however many there are: timers stand in the slots of a wheel, 256 of a millisecond, 256 of 256
 * milliseconds, and so on, and come into a finer slot when a coarser one's time has come. A deadline that moves later costs a
 * store (it is looked at when the old one comes up), so a heartbeat that is put off with every packet is free.
 * Of one deadline, timers that were not put off run in the order in which they were set.
 *
 * A timer's function runs from timers_run(), once, with the timer idle again: it may set it anew, stop others and
 * free its own object.
 */
#ifndef STOA_IO_TIMERS_H
#define STOA_IO_TIMERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct timer;
typedef void timer_fn(struct timer *t, int64_t now_ms);

/* A place in a ring. A ring has a head, whose links are NULL before its first use. */
struct timer_link {
	struct timer_link *next, *prev;
};

struct timer {
	struct timer_link link; /* first; `next` NULL: idle */
	timer_fn *fn;
	int64_t due_ms; /* what its owner asked for; where it stands may be earlier */
};

enum { TIMER_SLOTS = 256, TIMER_LEVELS = 4 }; /* the coarsest slots are of 4.7 hours, and go 49 days ahead */

struct timers {
	uint32_t count;                                     /* timers that are set */
	int64_t at_ms;                                      /* slots up to this time are empty */
	int64_t next_ms;                                    /* no slot in use begins earlier */
	uint64_t used[TIMER_LEVELS][TIMER_SLOTS / 64];      /* a bit for each slot that has timers */
	struct timer_link due;                              /* their time has come: the earliest first */
	struct timer_link slots[TIMER_LEVELS][TIMER_SLOTS]; /* of one deadline: who was set first is first */
};

#define TIMERS_INIT ((struct timers){ 0 })

void timers_fini(struct timers *ts); /* forgets all timers, runs none */

void timer_set(struct timers *ts, struct timer *t, timer_fn *fn, int64_t due_ms);
void timer_stop(struct timers *ts, struct timer *t); /* idle is fine */
static inline bool timer_is_set(const struct timer *t)
{
	return t->link.next != NULL;
}

/* Runs what is due at now_ms, earliest first, and no more of them than there were timers at the start, so that a turn
 * always ends: one that is set meanwhile for a time that is due too runs now or in the next run. */
void timers_run(struct timers *ts, int64_t now_ms);

/* When timers_run() should be called next at the latest; INT64_MAX: no timer. May be earlier than any due_ms. */
int64_t timers_next_ms(const struct timers *ts);

#endif
