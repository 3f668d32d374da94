/* intake.c - the intake begins and ends; Redis comes, goes and tells; the turn's work. */
#include "intake.h"

#include <stdlib.h>

#include "alloc.h"
#include "intake_internal.h"
#include "log.h"

/* A lease is kept three times before it is over; that another broker's is over is seen a little sooner. */
enum { LOOKS_A_BEAT = 2 };

/* --- The turn's work ---------------------------------------------------------------------------------------------- */

static void on_work(struct timer *t, int64_t now_ms)
{
	struct intake *in = map_item(t, struct intake, work);

	parts_work(in, now_ms);
	reading_work(in, now_ms);
}

void intake_soon(struct intake *in, int64_t now_ms)
{
	if (!timer_is_set(&in->work))
		timer_set(in->timers, &in->work, on_work, now_ms);
}

static void on_length(void *to, int64_t now_ms, int64_t result, struct slice text)
{
	struct part *p = to;

	(void)now_ms;
	(void)text;
	p->length_asked = false;
	if (result >= 0)
		p->backlog = (size_t)result;
}

static void ask_lengths(struct intake *in)
{
	for (unsigned i = 0; i < in->config.partitions; i++) {
		struct part *p = &in->parts[i];

		if (!part_is_held(p))
			p->backlog = 0;
		else if (!p->length_asked)
			p->length_asked = ops_of(in)->length(in->streams, p->events, on_length, p) == 0;
	}
}

static void show(const struct intake *in, int64_t now_ms)
{
	struct intake_view v = intake_view(in, now_ms);

	metrics_set(M_BROKER_PARTITIONS, v.partitions);
	metrics_set(M_BROKER_BROKERS, v.brokers);
	metrics_set(M_BROKER_IN_WORK, (int64_t)v.in_work);
	metrics_set(M_BROKER_UNCONFIRMED, (int64_t)v.unconfirmed);
	metrics_set(M_BROKER_BACKLOG, (int64_t)v.backlog);
	metrics_set(M_BROKER_OLDEST, v.oldest_ms);
}

static void on_beat(struct timer *t, int64_t now_ms)
{
	struct intake *in = map_item(t, struct intake, beat);

	timer_set(in->timers, t, on_beat, now_ms + in->config.lease_ms / (3 * LOOKS_A_BEAT));
	if (in->up && in->n_beats % LOOKS_A_BEAT == 0) {
		leases_keep(in, now_ms);
		ask_lengths(in);
	}
	if (in->up)
		brokers_beat(in, now_ms);
	in->n_beats++;
	show(in, now_ms);
	intake_soon(in, now_ms);
}

/* --- Redis -------------------------------------------------------------------------------------------------------- */

static void on_up(void *ctx, int64_t now_ms, bool fresh)
{
	struct intake *in = ctx;

	in->up = true;
	in->read_after_ms = 0;
	parts_up(in, now_ms, fresh);
	brokers_beat(in, now_ms);
	intake_soon(in, now_ms);
}

static void on_down(void *ctx, int64_t now_ms, const char *why)
{
	struct intake *in = ctx;

	in->up = false;
	(void)why;
	gateways_forgive(in);
	intake_soon(in, now_ms);
}

static void on_entry(void *ctx, int64_t now_ms, const struct streams_entry *from)
{
	struct intake *in = ctx;
	struct part *p = part_of_stream(in, from->stream);
	struct entry *e = p && from->id.size < ID_MAX ? entry_find(p, from->id) : NULL;

	if (p == NULL || from->id.size >= ID_MAX)
		return;
	if (p->claim_asked)
		id_set(&p->after, from->id);
	if (e) {
		if (e->phase == ENTRY_TAKING)
			e->deliveries = from->deliveries;
	} else if (part_may_begin(p, now_ms)) {
		jobs_begin(in, now_ms, p, from, p->claim_asked);
	}
}

static void on_read_end(void *ctx, int64_t now_ms, int result)
{
	reading_end(ctx, now_ms, result);
}

static void on_message(void *ctx, int64_t now_ms, struct slice channel, struct slice payload)
{
	(void)ctx;
	(void)now_ms;
	(void)channel;
	(void)payload;
}

static void on_listening(void *ctx, int64_t now_ms)
{
	(void)ctx;
	(void)now_ms;
}

const struct streams_events intake_events = { .up = on_up,
	.down = on_down,
	.entry = on_entry,
	.read_end = on_read_end,
	.message = on_message,
	.listening = on_listening };

/* --- Life --------------------------------------------------------------------------------------------------------- */

static void init_slots(struct intake *in)
{
	in->slots = must_alloc(in->config.slots * sizeof(*in->slots));
	for (unsigned i = 0; i < in->config.slots; i++)
		known_init(&in->slots[i].known);
}

struct intake *intake_new(
	const struct intake_config *config, struct timers *timers, const struct intake_ops *ops, void *ctx)
{
	struct intake *in = must_alloc(sizeof(*in));

	*in = (struct intake){ .config = *config, .timers = timers, .ops = ops, .ctx = ctx };
	in->started_ms = config->wall_ms();
	in->peers = must_alloc((PEERS_MAX + 1) * sizeof(*in->peers));
	TAILQ_INIT(&in->finished);
	LIST_INIT(&in->sent);
	known_init(&in->begun);
	known_init(&in->ended);
	brokers_init(in);
	init_slots(in);
	parts_init(in);
	reading_init(in);
	return in;
}

void intake_join(struct intake *in, int64_t now_ms, struct streams *streams)
{
	in->streams = streams;
	brokers_slots_changed(in, now_ms);
	timer_set(in->timers, &in->beat, on_beat, now_ms);
	timer_set(in->timers, &in->looks, looks_on_timer, now_ms);
	timer_set(in->timers, &in->gateways_due, gateways_on_timer, now_ms + in->config.gateway_check_ms);
}

void intake_leave(struct intake *in, int64_t now_ms, void (*done)(void *to), void *to)
{
	in->leaving = true;
	in->left = done;
	in->left_to = to;
	brokers_goodbye(in);
	parts_leave(in, now_ms);
	intake_soon(in, now_ms);
}

void intake_slot_is(struct intake *in, int64_t now_ms, unsigned slot, bool runs)
{
	in->slots[slot].runs = runs;
	if (!runs)
		known_clear(&in->slots[slot].known);
	brokers_slots_changed(in, now_ms);
	intake_soon(in, now_ms);
}

static void stop_timers(struct intake *in)
{
	struct timer *all[] = { &in->beat, &in->work, &in->looks, &in->gateways_due, &in->more };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		timer_stop(in->timers, all[i]);
}

void intake_free(struct intake *in)
{
	if (in == NULL)
		return;
	stop_timers(in);
	entries_fini(in, in->parts);
	gateways_fini(in);
	parts_fini(in);
	reading_fini(in);
	for (unsigned i = 0; i < in->config.slots; i++)
		known_clear(&in->slots[i].known);
	known_clear(&in->begun);
	known_clear(&in->ended);
	free(in->slots);
	free(in->peers);
	arena_fini(&in->arena);
	buf_fini(&in->name);
	buf_fini(&in->record);
	buf_fini(&in->said);
	buf_fini(&in->list_name);
	buf_fini(&in->key_prefix);
	free(in);
}

/* --- Looked at ---------------------------------------------------------------------------------------------------- */

static void view_part(struct part *p, struct intake_view *v, int64_t wall_ms)
{
	struct entry *e;

	v->partitions += part_is_held(p);
	v->backlog += p->backlog;
	TAILQ_FOREACH (e, &p->entries, in_part)
		if (e->is_read && e->phase != ENTRY_PUBLISHED && wall_ms - e->at_ms > v->oldest_ms)
			v->oldest_ms = wall_ms - e->at_ms;
}

struct intake_view intake_view(const struct intake *in, int64_t now_ms)
{
	struct intake_view v = { .brokers = in->brokers, .in_work = in->in_work, .unconfirmed = in->unconfirmed };
	int64_t wall_ms = in->config.wall_ms();

	(void)now_ms;
	for (unsigned i = 0; i < in->config.partitions; i++)
		view_part(&in->parts[i], &v, wall_ms);
	return v;
}

bool intake_holds(const struct intake *in, unsigned partition)
{
	return partition < in->config.partitions && part_is_held(&in->parts[partition]);
}
