/*
 * backoff.h - how long to wait before a process that ended is started again: 100 ms, and twice as long each time that it
 * did not live for 10 s, up to 10 s.
 */
#ifndef STOA_HOSTING_BACKOFF_H
#define STOA_HOSTING_BACKOFF_H

#include <stdint.h>

enum { BACKOFF_FIRST_MS = 100, BACKOFF_MAX_MS = 10 * 1000, BACKOFF_CALM_MS = 10 * 1000 };

struct backoff {
	int64_t delay_ms; /* 0: it has not ended yet */
};

/* Called once for each end; lived_ms is its last life. */
int64_t backoff_next(struct backoff *b, int64_t lived_ms);

#endif
