/*
 * pace.h - how many of those that are to go may go now, so that all have gone when the time is over and not many more than
 * need be at once. Time is an argument.
 *
 * With a rate it is that many a second, to the end; without one as many as it takes for those who are left to be gone at
 * end_ms, and PACE_LEAST a second at least. What a pause of the caller made late is made up for, PACE_LATE_MS of it at most:
 * without a rate the rest of it is spread over the time that is left.
 */
#ifndef STOA_PROCESS_PACE_H
#define STOA_PROCESS_PACE_H

#include <stddef.h>
#include <stdint.h>

enum { PACE_LEAST = 500, PACE_TICK_MS = 50, PACE_LATE_MS = 200 };

struct pace {
	int64_t rate; /* a second; 0: see above */
	int64_t last_ms, end_ms;
	int64_t credit; /* in thousandths of one */
};

/* The first pace_take(), at now_ms, is of PACE_TICK_MS. */
void pace_begin(struct pace *p, int64_t now_ms, int64_t end_ms, int64_t rate);
/* So many of `left` may go now: they count as gone. Called every PACE_TICK_MS or so. */
size_t pace_take(struct pace *p, int64_t now_ms, size_t left);

#endif
