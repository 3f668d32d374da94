/*
 * rate.h - so many a second, and a burst: a token bucket in one number (the "generic cell rate algorithm"), without a
 * clock: time is an argument. A zeroed one is full.
 */
#ifndef STOA_BASE_RATE_H
#define STOA_BASE_RATE_H

#include <stdbool.h>
#include <stdint.h>

struct rate {
	int64_t full_us; /* when the bucket will be full again */
};

/* Takes one of `per_second` (1 to a million), of which `burst` (at least 1) may come at once. False: there is none left,
 * and nothing is taken. */
static inline bool rate_take(struct rate *r, int64_t per_second, int64_t burst, int64_t now_ms)
{
	int64_t now_us = now_ms * 1000, one_us = 1000000 / per_second;
	int64_t full_us = r->full_us > now_us ? r->full_us : now_us;

	if (full_us - now_us > (burst - 1) * one_us)
		return false;
	r->full_us = full_us + one_us;
	return true;
}

#endif
