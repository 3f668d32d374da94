/* timers.c - see timers.h: a binary heap of pointers that know their place. */
#include "timers.h"

#include <stdlib.h>

#include "alloc.h"

static void put(struct timers *ts, uint32_t place, struct timer *t)
{
	ts->heap[place] = t;
	t->place = place;
}

static void sift_up(struct timers *ts, uint32_t place, struct timer *t)
{
	while (place > 1 && ts->heap[place / 2]->key_ms > t->key_ms) {
		put(ts, place, ts->heap[place / 2]);
		place /= 2;
	}
	put(ts, place, t);
}

static void sift_down(struct timers *ts, uint32_t place, struct timer *t)
{
	for (;;) {
		uint32_t child = place * 2;

		if (child < ts->count && ts->heap[child + 1]->key_ms < ts->heap[child]->key_ms)
			child++;
		if (child > ts->count || ts->heap[child]->key_ms >= t->key_ms)
			break;
		put(ts, place, ts->heap[child]);
		place = child;
	}
	put(ts, place, t);
}

static void insert(struct timers *ts, struct timer *t)
{
	if (ts->count + 1 >= ts->cap) {
		ts->cap = ts->cap ? ts->cap * 2 : 64;
		ts->heap = must_realloc(ts->heap, ts->cap * sizeof(struct timer *));
	}
	t->key_ms = t->due_ms;
	sift_up(ts, ++ts->count, t);
}

void timers_fini(struct timers *ts)
{
	for (uint32_t i = 1; i <= ts->count; i++)
		ts->heap[i]->place = 0;
	free(ts->heap);
	*ts = TIMERS_INIT;
}

void timer_set(struct timers *ts, struct timer *t, timer_fn *fn, int64_t due_ms)
{
	t->fn = fn;
	t->due_ms = due_ms;
	if (t->place == 0) {
		insert(ts, t);
	} else if (due_ms < t->key_ms) {
		t->key_ms = due_ms;
		sift_up(ts, t->place, t);
	}
}

void timer_stop(struct timers *ts, struct timer *t)
{
	uint32_t place = t->place;
	struct timer *last;

	if (place == 0)
		return;
	t->place = 0;
	last = ts->heap[ts->count--];
	if (last == t)
		return;
	if (place > 1 && ts->heap[place / 2]->key_ms > last->key_ms)
		sift_up(ts, place, last);
	else
		sift_down(ts, place, last);
}

/* The first timer whose key is due: mended if it was put off, taken out if it is really due (then returned). */
static struct timer *take_due(struct timers *ts, int64_t now_ms)
{
	while (ts->count && ts->heap[1]->key_ms <= now_ms) {
		struct timer *t = ts->heap[1];

		if (t->due_ms <= now_ms) {
			timer_stop(ts, t);
			return t;
		}
		t->key_ms = t->due_ms;
		sift_down(ts, 1, t);
	}
	return NULL;
}

void timers_run(struct timers *ts, int64_t now_ms)
{
	/* Those due now are run; those that they set for now are not, for there are only so many turns of this loop. */
	uint32_t most = ts->count;
	struct timer *t;

	while (most-- && (t = take_due(ts, now_ms)))
		t->fn(t, now_ms);
}

int64_t timers_next_ms(const struct timers *ts)
{
	return ts->count ? ts->heap[1]->key_ms : INT64_MAX;
}
