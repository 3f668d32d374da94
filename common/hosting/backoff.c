/* backoff.c - see backoff.h. */
#include "backoff.h"

int64_t backoff_next(struct backoff *b, int64_t lived_ms)
{
	if (b->delay_ms == 0 || lived_ms >= BACKOFF_CALM_MS)
		b->delay_ms = BACKOFF_FIRST_MS;
	else if (b->delay_ms > BACKOFF_MAX_MS / 2)
		b->delay_ms = BACKOFF_MAX_MS;
	else
		b->delay_ms *= 2;
	return b->delay_ms;
}
