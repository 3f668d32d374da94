/*
 * timers.h - deadlines, many of them, without a clock: time is an argument.
 *
 * A struct timer is embedded in what it serves and owned by it; a zeroed timer is idle. timer_set() replaces an earlier
 * deadline. A deadline that moves later costs a store (the heap is mended when the old one comes up), so a heartbeat
 * that is put off with every packet is free; one that moves earlier costs O(log n).
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

struct timer {
	timer_fn *fn;
	int64_t due_ms; /* what its owner asked for */
	int64_t key_ms; /* where it stands in the heap; <= due_ms */
	uint32_t place; /* in the heap, from 1; 0: idle */
};

struct timers {
	struct timer **heap; /* [1..count] */
	uint32_t count, cap;
};

#define TIMERS_INIT ((struct timers){ 0 })

void timers_fini(struct timers *ts); /* forgets all timers, runs none */

void timer_set(struct timers *ts, struct timer *t, timer_fn *fn, int64_t due_ms);
void timer_stop(struct timers *ts, struct timer *t); /* idle is fine */
static inline bool timer_is_set(const struct timer *t)
{
	return t->place != 0;
}

/* Runs what is due at now_ms, earliest first, and no more of them than there were timers at the start, so that a turn
 * always ends: one that is set meanwhile for a time that is due too runs now or in the next run. */
void timers_run(struct timers *ts, int64_t now_ms);

/* When timers_run() should be called next at the latest; INT64_MAX: no timer. May be earlier than any due_ms. */
int64_t timers_next_ms(const struct timers *ts);

#endif
