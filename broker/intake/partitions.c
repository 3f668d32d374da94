/* partitions.c - what is ours: up to our share, until it is handed over or lost. */
#include <stdlib.h>

#include "alloc.h"
#include "intake_internal.h"
#include "log.h"

/* --- What a partition is ------------------------------------------------------------------------------------------ */

bool part_is_ours(const struct part *p)
{
	return p->state == PART_CLAIMING || p->state == PART_READING || p->state == PART_LEAVING;
}

bool part_is_held(const struct part *p)
{
	return part_is_ours(p) || p->state == PART_SUSPENDED;
}

bool part_may_begin(const struct part *p, int64_t now_ms)
{
	return part_is_ours(p) && now_ms < p->until_ms;
}

/* Of our share: what is handed over is not. */
static bool is_kept(enum part_state state)
{
	return state == PART_CLAIMING || state == PART_READING || state == PART_SUSPENDED;
}

static unsigned count(const struct intake *in, bool (*is)(const struct part *p))
{
	unsigned n = 0;

	for (unsigned i = 0; i < in->config.partitions; i++)
		n += is(&in->parts[i]);
	return n;
}

static bool part_is_kept(const struct part *p)
{
	return is_kept(p->state);
}

static bool part_is_asked(const struct part *p)
{
	return p->state == PART_ASKED;
}

static bool part_is_leaving(const struct part *p)
{
	return p->state == PART_LEAVING || p->state == PART_RELEASING;
}

unsigned parts_held(const struct intake *in)
{
	return count(in, part_is_kept);
}

unsigned parts_asked(const struct intake *in)
{
	return count(in, part_is_asked);
}

void part_enter(struct part *p, enum part_state state)
{
	bool was = is_kept(p->state), is = is_kept(state);

	p->state = state;
	if (was != is)
		p->in->slots[p->slot].n_parts += is ? 1U : -1U;
}

/* --- Who runs what one process runs ------------------------------------------------------------------------------- */

static void lead(struct part *p, bool leads)
{
	struct intake *in = p->in;

	if (p->number != 0 || in->leads == leads)
		return;
	in->leads = leads;
	if (leads)
		in->lead_slot = p->slot;
	in->ops->lead(in->ctx, in->lead_slot, leads);
}

/* What was given under a lease that is over is not begun under the next one: others may have had the partition meanwhile. */
void part_tell_lease(struct part *p)
{
	if (p->in->ops->lease)
		p->in->ops->lease(p->in->ctx, p->number, part_is_ours(p) ? p->until_ms : 0);
}

/* --- Ours, and not any more --------------------------------------------------------------------------------------- */

static void make(struct part *p)
{
	ops_of(p->in)->create(p->in->streams, p->events, NULL, NULL);
}

static void begin(struct part *p, int64_t now_ms)
{
	struct intake *in = p->in;

	make(p);
	part_enter(p, PART_CLAIMING);
	reading_claim(p);
	lead(p, true);
	if (in->leaving)
		parts_leave(in, now_ms);
	intake_soon(in, now_ms);
}

static unsigned idlest_slot(const struct intake *in)
{
	unsigned best = 0;

	for (unsigned i = 1; i < in->config.slots; i++)
		if (in->slots[i].n_parts < in->slots[best].n_parts)
			best = i;
	return best;
}

void part_acquire(struct part *p, int64_t now_ms)
{
	metrics_count(M_BROKER_LEASES_TAKEN);
	log_info("partition-taken", LOG_I("partition", p->number));
	p->slot = idlest_slot(p->in);
	p->scan_wanted = true;
	p->leave_by_ms = 0;
	begin(p, now_ms);
}

static bool is_at_worker(const struct part *p)
{
	struct entry *e;

	TAILQ_FOREACH (e, &p->entries, in_part)
		if (e->phase == ENTRY_GIVEN)
			return true;
	return false;
}

/* Others may have had the partition meanwhile, and handled what waits at our workers, and what follows it: that comes back
 * first. */
static void resume(struct part *p, int64_t now_ms)
{
	struct entry *e, *next;

	if (p->state != PART_SUSPENDED || p->until_ms <= now_ms || is_at_worker(p))
		return;
	begin(p, now_ms);
	part_tell_lease(p);
	entries_foreach(p, e, next) jobs_again(e, now_ms);
}

void part_suspend(struct part *p)
{
	struct entry *e, *next;

	if (!part_is_ours(p))
		return;
	part_enter(p, PART_SUSPENDED);
	timer_stop(p->in->timers, &p->expiry);
	p->until_ms = 0;
	part_tell_lease(p);
	lead(p, false);
	entries_foreach(p, e, next)
	{
		if (e->phase == ENTRY_FETCHING)
			entry_over(e);
	}
}

void part_lost(struct part *p, int64_t now_ms)
{
	struct entry *e, *next;

	metrics_count(M_BROKER_LEASES_LOST);
	log_warn("lease-lost", LOG_I("partition", p->number));
	timer_stop(p->in->timers, &p->expiry);
	part_enter(p, PART_FREE);
	part_tell_lease(p);
	lead(p, false);
	entries_foreach(p, e, next) confirm_lost(e);
	intake_soon(p->in, now_ms);
}

/* --- Our share ---------------------------------------------------------------------------------------------------- */

/* Of the slot with most of them, and the first partition last, since it leads. */
static struct part *to_hand_over(struct intake *in)
{
	struct part *best = NULL;

	for (unsigned i = in->config.partitions; i-- > 0;) {
		struct part *p = &in->parts[i];

		if (!is_kept(p->state))
			continue;
		if (best == NULL || (i && in->slots[p->slot].n_parts > in->slots[best->slot].n_parts))
			best = p;
	}
	return best;
}

static void hand_over(struct part *p, int64_t now_ms)
{
	log_info("partition-handed-over", LOG_I("partition", p->number));
	if (p->state == PART_SUSPENDED) {
		part_lost(p, now_ms);
		return;
	}
	part_enter(p, PART_LEAVING);
	p->leave_by_ms = 0;
	looks_soon(p->in, now_ms);
	intake_soon(p->in, now_ms);
}

/* One that is on its way out is kept after all. */
static bool take_back(struct intake *in)
{
	for (unsigned i = 0; i < in->config.partitions; i++) {
		struct part *p = &in->parts[i];

		if (p->state != PART_LEAVING)
			continue;
		part_enter(p, PART_CLAIMING);
		reading_claim(p);
		return true;
	}
	return false;
}

void parts_balance(struct intake *in, int64_t now_ms)
{
	if (in->leaving)
		return;
	while (parts_held(in) > in->target)
		hand_over(to_hand_over(in), now_ms);
	while (parts_held(in) < in->target && take_back(in))
		intake_soon(in, now_ms);
	in->tried = 0;
	in->try_at = in->rank * (in->config.partitions / (in->brokers ? in->brokers : 1));
	leases_try(in, now_ms);
}

void parts_leave(struct intake *in, int64_t now_ms)
{
	for (unsigned i = 0; i < in->config.partitions; i++)
		if (is_kept(in->parts[i].state))
			hand_over(&in->parts[i], now_ms);
}

/* --- Handed over -------------------------------------------------------------------------------------------------- */

static bool is_drained(struct part *p, int64_t now_ms)
{
	struct entry *e;

	if (p->in_read || p->claim_asked)
		return false;
	TAILQ_FOREACH (e, &p->entries, in_part)
		if (e->phase != ENTRY_PUBLISHED)
			return false;
	if (TAILQ_EMPTY(&p->entries))
		return true;
	if (p->leave_by_ms == 0)
		p->leave_by_ms = now_ms + p->in->config.handover_ms;
	return now_ms >= p->leave_by_ms;
}

static void release(struct part *p)
{
	struct intake *in = p->in;
	struct entry *e;

	while ((e = TAILQ_FIRST(&p->entries)))
		entry_over(e);
	metrics_count(M_BROKER_LEASES_HANDED_OVER);
	timer_stop(in->timers, &p->expiry);
	lead(p, false);
	ops_of(in)->leave(in->streams, in->config.broker, p->events, NULL, NULL);
	lease_give_up(p);
	part_tell_lease(p);
}

void parts_work(struct intake *in, int64_t now_ms)
{
	for (unsigned i = 0; i < in->config.partitions; i++) {
		resume(&in->parts[i], now_ms);
		if (in->parts[i].state == PART_LEAVING && is_drained(&in->parts[i], now_ms))
			release(&in->parts[i]);
	}
	if (in->left == NULL || (in->up && count(in, part_is_leaving) + parts_asked(in)))
		return;
	void (*left)(void *to) = in->left;
	in->left = NULL;
	left(in->left_to);
}

/* --- Redis comes, the intake begins and ends ---------------------------------------------------------------------- */

/* One that has forgotten may have given a lease of ours to another by now: nothing is begun before it was taken again. What
 * was being read when the link was lost is pending. */
void parts_up(struct intake *in, int64_t now_ms, bool fresh)
{
	struct entry *e, *next;

	for (unsigned i = 0; i < in->config.partitions; i++) {
		struct part *p = &in->parts[i];

		if (fresh)
			part_suspend(p);
		if (!part_is_ours(p))
			continue;
		if (p->state != PART_LEAVING) {
			part_enter(p, PART_CLAIMING);
			reading_claim(p);
		}
		entries_foreach(p, e, next) jobs_again(e, now_ms);
	}
	leases_keep(in, now_ms);
}

struct part *part_of_stream(struct intake *in, struct slice stream)
{
	size_t at = stream.size;
	unsigned number = 0, unit = 1;

	for (; at > 0 && stream.at[at - 1] >= '0' && stream.at[at - 1] <= '9' && unit <= PARTITIONS_MAX;
		at--, unit *= 10)
		number += (unsigned)(stream.at[at - 1] - '0') * unit;
	if (number >= in->config.partitions || !slice_equal(stream, in->parts[number].events))
		return NULL;
	return &in->parts[number];
}

static struct slice name_for(struct intake *in, void (*name)(struct buf *, const char *, unsigned), unsigned number)
{
	buf_clear(&in->name);
	name(&in->name, in->config.app, number);
	return slice_of(must_strndup(in->name.at, in->name.size), in->name.size);
}

void parts_init(struct intake *in)
{
	in->parts = must_alloc(in->config.partitions * sizeof(*in->parts));
	for (unsigned i = 0; i < in->config.partitions; i++) {
		struct part *p = &in->parts[i];

		p->in = in;
		p->number = i;
		p->events = name_for(in, name_events, i);
		p->clients = name_for(in, name_clients, i);
		p->lease = name_for(in, name_lease, i);
		TAILQ_INIT(&p->entries);
	}
}

void parts_fini(struct intake *in)
{
	for (unsigned i = 0; i < in->config.partitions; i++) {
		struct part *p = &in->parts[i];

		timer_stop(in->timers, &p->expiry);
		free((void *)(uintptr_t)p->events.at);
		free((void *)(uintptr_t)p->clients.at);
		free((void *)(uintptr_t)p->lease.at);
	}
	free(in->parts);
}
