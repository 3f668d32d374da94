/* ebb.c - see ebb.h. */
#include "ebb.h"

#include "log.h"
#include "metrics.h"

enum { FALL = 8 }; /* an eighth of the most is a fall */

void ebb_init(struct ebb *e, struct timers *timers, void (*give_back)(void), int64_t (*clock_ms)(void))
{
	*e = (struct ebb){ .timers = timers, .give_back = give_back, .clock_ms = clock_ms };
}

static bool has_fallen(const struct ebb *e)
{
	int64_t fall = e->most - e->in_use;

	return fall >= EBB_LEAST_BYTES && fall >= e->most / FALL;
}

static void give_back(struct timer *t, int64_t now_ms)
{
	struct ebb *e = (struct ebb *)(void *)((char *)t - offsetof(struct ebb, timer));
	int64_t began_ms, took_ms;

	if (!has_fallen(e)) /* they have come back meanwhile */
		return;
	began_ms = e->clock_ms();
	e->give_back();
	took_ms = e->clock_ms() - began_ms;
	e->most = e->in_use;
	e->rest_until_ms = now_ms + took_ms * EBB_REST;
	metrics_count(M_MEMORY_RETURNS);
	log_debug("memory-given-back", LOG_I("ms", took_ms));
}

void ebb_see(struct ebb *e, int64_t in_use, int64_t now_ms)
{
	int64_t due_ms = now_ms + EBB_WAIT_MS;

	e->in_use = in_use;
	if (in_use > e->most)
		e->most = in_use;
	if (timer_is_set(&e->timer) || !has_fallen(e))
		return;
	timer_set(e->timers, &e->timer, give_back, due_ms > e->rest_until_ms ? due_ms : e->rest_until_ms);
}
