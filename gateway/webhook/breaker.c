/* breaker.c - see breaker.h. */
#include "breaker.h"

bool breaker_would_admit(const struct breaker *b, int64_t now_ms)
{
	return b->state == BREAKER_CLOSED || (b->state == BREAKER_OPEN && now_ms >= b->until_ms);
}

bool breaker_admit(struct breaker *b, int64_t now_ms, bool *is_probe)
{
	*is_probe = false;
	if (!breaker_would_admit(b, now_ms))
		return false;
	if (b->state == BREAKER_CLOSED)
		return true;
	b->state = BREAKER_HALF_OPEN;
	*is_probe = true;
	return true;
}

/* Those that were under way when it opened count too: who answers is there. */
bool breaker_succeeded(struct breaker *b)
{
	bool was_closed = b->state == BREAKER_CLOSED;

	b->state = BREAKER_CLOSED;
	b->failures = 0;
	return !was_closed;
}

bool breaker_failed(struct breaker *b, int64_t now_ms)
{
	if (b->state == BREAKER_OPEN)
		return false;
	if (b->state == BREAKER_CLOSED && ++b->failures < b->max_failures)
		return false;
	b->state = BREAKER_OPEN;
	b->failures = 0;
	b->until_ms = now_ms + b->rest_ms;
	return true;
}

void breaker_unknown(struct breaker *b, bool is_probe)
{
	if (is_probe && b->state == BREAKER_HALF_OPEN)
		b->state = BREAKER_OPEN; /* until_ms is past: the next one may */
}
