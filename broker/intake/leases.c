/* leases.c - the keys that say whose a partition is: asked for, kept, given up; what Redis says of them. */
#include <errno.h>

#include "intake_internal.h"
#include "log.h"

/* --- Asked for ---------------------------------------------------------------------------------------------------- */

static void on_lease(void *to, int64_t now_ms, int64_t result, struct slice text);

static int ask(struct part *p, int64_t now_ms)
{
	struct intake *in = p->in;
	int error = ops_of(in)->claim_key(in->streams, p->lease, in->config.broker, in->config.lease_ms, on_lease, p);

	if (error)
		return error;
	p->lease_asked = true;
	p->asked_ms = now_ms;
	return 0;
}

void leases_try(struct intake *in, int64_t now_ms)
{
	unsigned n = in->config.partitions, have = parts_held(in) + parts_asked(in);

	for (; have < in->target && in->tried < n && !in->leaving; in->tried++) {
		struct part *p = &in->parts[(in->try_at + in->tried) % n];

		if (p->state != PART_FREE || p->lease_asked || !TAILQ_EMPTY(&p->entries))
			continue;
		if (ask(p, now_ms))
			return;
		part_enter(p, PART_ASKED);
		have++;
	}
}

static void on_more(struct timer *t, int64_t now_ms)
{
	struct intake *in = map_item(t, struct intake, more);

	in->tried = 0;
	if (in->up)
		leases_try(in, now_ms);
}

/* All that we lack are others': theirs end soon, who are dead or hand over. */
static void try_later(struct intake *in, int64_t now_ms)
{
	if (in->tried == in->config.partitions && parts_held(in) + parts_asked(in) < in->target &&
		!timer_is_set(&in->more))
		timer_set(in->timers, &in->more, on_more, now_ms + in->config.lease_ms / 10);
}

/* --- Given up ----------------------------------------------------------------------------------------------------- */

static void on_released(void *to, int64_t now_ms, int64_t result, struct slice text)
{
	struct part *p = to;

	(void)result;
	(void)text;
	if (p->state == PART_RELEASING)
		part_enter(p, PART_FREE);
	intake_soon(p->in, now_ms);
}

void lease_give_up(struct part *p)
{
	struct intake *in = p->in;

	part_enter(p, PART_RELEASING);
	if (ops_of(in)->release_key(in->streams, p->lease, in->config.broker, on_released, p))
		part_enter(p, PART_FREE);
}

/* --- What Redis says ---------------------------------------------------------------------------------------------- */

static void on_expiry(struct timer *t, int64_t now_ms)
{
	struct part *p = map_item(t, struct part, expiry);

	if (!part_is_ours(p))
		return;
	metrics_count(M_BROKER_LEASES_EXPIRED);
	log_warn("lease-expired", LOG_I("partition", p->number));
	part_suspend(p);
	intake_soon(p->in, now_ms);
}

/* From the asking on: Redis has begun to count later. */
static void lease_given(struct part *p, int64_t now_ms)
{
	if (p->state == PART_FREE) /* not wanted any more */
		lease_give_up(p);
	if (p->state == PART_RELEASING)
		return;
	p->until_ms = p->asked_ms + p->in->config.lease_ms;
	timer_set(p->in->timers, &p->expiry, on_expiry, p->until_ms);
	if (p->state == PART_ASKED)
		part_acquire(p, now_ms);
	else if (p->state == PART_SUSPENDED)
		intake_soon(p->in, now_ms); /* it is resumed when nothing of it is at a worker any more */
	part_tell_lease(p);
}

static void lease_denied(struct part *p, int64_t now_ms)
{
	if (part_is_held(p))
		part_lost(p, now_ms);
	else if (p->state == PART_ASKED)
		part_enter(p, PART_FREE);
	leases_try(p->in, now_ms);
	try_later(p->in, now_ms);
}

static void on_lease(void *to, int64_t now_ms, int64_t result, struct slice text)
{
	struct part *p = to;

	(void)text;
	p->lease_asked = false;
	if (result == 1)
		lease_given(p, now_ms);
	else if (result == 0)
		lease_denied(p, now_ms);
	else if (p->state == PART_ASKED)
		part_enter(p, PART_FREE);
}

void leases_keep(struct intake *in, int64_t now_ms)
{
	for (unsigned i = 0; i < in->config.partitions; i++)
		if (part_is_held(&in->parts[i]) && !in->parts[i].lease_asked)
			ask(&in->parts[i], now_ms);
}
