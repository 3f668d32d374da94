/*
 * sample.h - log lines about peers' misbehaviour: at most one a second for each cause, with the count since the last.
 * A zeroed one is ready. Counters in metrics.h count them all.
 */
#ifndef STOA_BASE_SAMPLE_H
#define STOA_BASE_SAMPLE_H

#include <stdbool.h>
#include <stdint.h>

struct sample {
	int64_t next_ms, count;
};

/* Whether to log now; *count says how many there were, this one included. */
static inline bool sample_take(struct sample *s, int64_t now_ms, int64_t *count)
{
	s->count++;
	if (now_ms < s->next_ms)
		return false;
	*count = s->count;
	s->count = 0;
	s->next_ms = now_ms + 1000;
	return true;
}

#endif
