/* pace.c - see pace.h. */
#include "pace.h"

enum { WHOLE = 1000 };

void pace_begin(struct pace *p, int64_t now_ms, int64_t end_ms, int64_t rate)
{
	*p = (struct pace){ .rate = rate, .last_ms = now_ms - PACE_TICK_MS, .end_ms = end_ms };
}

static int64_t rate_of(const struct pace *p, int64_t now_ms, size_t left)
{
	int64_t time_ms = p->end_ms - now_ms, needed;

	if (p->rate)
		return p->rate;
	/* They go at the beginning of each tick, the last of them at the beginning of the last. */
	needed = ((int64_t)left * 1000 + time_ms - 1) / time_ms;
	return needed > PACE_LEAST ? needed : PACE_LEAST;
}

size_t pace_take(struct pace *p, int64_t now_ms, size_t left)
{
	int64_t since_ms = now_ms - p->last_ms, rate, most;
	size_t n;

	p->last_ms = now_ms;
	if (p->rate == 0 && now_ms + PACE_TICK_MS >= p->end_ms)
		return left;
	rate = rate_of(p, now_ms, left);
	p->credit += since_ms * rate;
	most = PACE_LATE_MS * rate;
	if (most < WHOLE) /* the rest of a whole one must find room */
		most += WHOLE;
	if (p->credit > most)
		p->credit = most;
	n = (size_t)(p->credit / WHOLE);
	if (n > left)
		n = left;
	p->credit -= (int64_t)n * WHOLE;
	return n;
}
