/* shop.c - see shop.h. */
#include "shop.h"

#include <stdio.h>
#include <stdlib.h>

#include "alloc.h"
#include "ledger.h"

int64_t shop_wall_ms;
bool shop_trace;

static int64_t wall_ms(void)
{
	return shop_wall_ms;
}

static uint32_t roll(struct shop *s, uint32_t below)
{
	*s->random = *s->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)((*s->random >> 33) % below);
}

/* --- A process ---------------------------------------------------------------------------------------------------- */

static void take_batch(void *ctx, bool event, struct slice node, struct slice record)
{
	struct slot *slot = ctx;

	if (event)
		buf_add_slice(&slot->batch, record);
	else if (slot->shop->intake)
		intake_send(slot->shop->intake, slot->shop->now_ms, node, record);
}

static const struct host_ops host_ops = { .batch = take_batch };

static void tell_slot(struct slot *slot)
{
	bool runs = slot->host != NULL;

	if (slot->told == runs)
		return;
	slot->told = runs;
	intake_slot_is(slot->shop->intake, slot->shop->now_ms, slot->number, runs);
}

static void begin_process(struct slot *slot)
{
	static const char *const none[][2] = { { NULL, NULL } };
	struct app_setup setup = { .limits = { .max_json_depth = 20,
					   .max_room_bytes = 200,
					   .max_timers = 1000,
					   .max_effects = 1000,
					   .ack_timeout_ms = 4000, /* as the gateways' */
					   .max_attachments = 10,
					   .max_answers = 1000 },
		.options = none };
	struct host_config config = {
		.by = slot->by, .rules = RECORD_RULES, .encoding = VALUE_JSON, .max_clients = SHOP_CLIENTS_MAX
	};
	struct shop *s = slot->shop;
	char why[300];

	snprintf(slot->by, sizeof(slot->by), "%s/%u/%u", s->name, slot->number, ++s->incarnations);
	slot->host = host_new(&config, &slot->timers, &host_ops, slot);
	setup.port = host_port(slot->host);
	slot->app = app_from("the simulation", stoa_module_setup, &setup, why, sizeof(why));
	if (slot->app == NULL) {
		fprintf(stderr, "%s\n", why);
		abort();
	}
	host_start(slot->host, slot->app, s->now_ms);
	if (slot->leads)
		host_lead(slot->host, s->now_ms, true);
	slot->starts_ms = INT64_MAX;
}

/* `orderly`: it may say what is left to say. */
static void end_process(struct slot *slot, bool orderly)
{
	if (slot->host == NULL)
		return;
	if (orderly)
		host_stop(slot->host, slot->shop->now_ms);
	app_free(slot->app);
	host_free(slot->host);
	timers_fini(&slot->timers);
	slot->timers = TIMERS_INIT;
	slot->host = NULL;
	slot->app = NULL;
}

static void tell(const struct slot *slot, const char *what, const struct job *job)
{
	static const char *const fates[] = { "done", "crash before", "crash after", "timeout" };

	if (shop_trace)
		fprintf(stderr, "%8lld   %s/%u %s: %.*s of partition %u, attempt %d, fate %s, %.*s\n",
			(long long)slot->shop->now_ms, slot->shop->name, slot->number, what, SLICE_ARG(job->id),
			job->partition, job->attempt, fates[slot->fate],
			(int)(job->record.size < 120 ? job->record.size : 120), job->record.at);
}

/* --- Events ------------------------------------------------------------------------------------------------------- */

static enum fate some_fate(struct shop *s)
{
	if (roll(s, 1000) < s->dice->timeouts)
		return FATE_TIMEOUT;
	if (roll(s, 1000) < s->dice->crashes)
		return roll(s, 2) ? FATE_CRASH_BEFORE : FATE_CRASH_AFTER;
	return FATE_DONE;
}

/* What the handler leaves is told even when it cannot be run. */
static const char *run_event(struct slot *slot, const struct job *job)
{
	buf_clear(&slot->batch);
	return host_event(
		slot->host, slot->shop->now_ms, job->record, job->client, job->id, job->partition, job->attempt);
}

static struct job *take_first(struct slot *slot)
{
	struct job *job = slot->queue[0];

	slot->n_queue--;
	memmove(slot->queue, slot->queue + 1, slot->n_queue * sizeof(slot->queue[0]));
	slot->done_ms = INT64_MAX;
	return job;
}

static bool is_late(const struct slot *slot)
{
	return slot->shop->now_ms >= slot->shop->leases[slot->queue[0]->partition];
}

/* The handler runs now and what it leaves waits: from when it is begun others may have the event. */
static void begin_next(struct slot *slot)
{
	struct shop *s = slot->shop;

	while (slot->host && slot->n_queue && slot->done_ms == INT64_MAX && is_late(slot)) {
		tell(slot, "is late", slot->queue[0]);
		intake_failed(s->intake, s->now_ms, take_first(slot), JOB_LATE, SLICE(""));
	}
	if (slot->host == NULL || slot->n_queue == 0 || slot->done_ms != INT64_MAX)
		return;
	slot->fate = some_fate(s);
	slot->done_ms = s->now_ms + (roll(s, 1000) < s->dice->slow ? roll(s, s->dice->slow_ms)
					    : roll(s, 4)           ? 0
								   : roll(s, 25));
	if (slot->fate == FATE_TIMEOUT)
		slot->done_ms = s->now_ms + SHOP_HANDLER_TIMEOUT_MS;
	tell(slot, "begins", slot->queue[0]);
	slot->wrong = slot->fate == FATE_CRASH_BEFORE ? NULL : run_event(slot, slot->queue[0]);
}

static void lose_process(struct slot *slot)
{
	struct shop *s = slot->shop;
	bool in_hand = slot->done_ms != INT64_MAX;

	end_process(slot, false);
	slot->starts_ms = s->now_ms + 20 + roll(s, 600);
	slot->reloads = false;
	tell_slot(slot);
	if (!in_hand)
		return;
	if (slot->fate == FATE_TIMEOUT)
		s->timeouts++;
	else
		s->crashes++;
	intake_failed(s->intake, s->now_ms, take_first(slot), slot->fate == FATE_TIMEOUT ? JOB_TIMEOUT : JOB_CRASHED,
		SLICE("made up"));
}

/* Nobody writes such records here. */
static _Noreturn void malformed(const struct shop *s, const char *wrong)
{
	fprintf(stderr, "%s: an event cannot be run: %s\n", s->name, wrong);
	abort();
}

static void finish(struct slot *slot)
{
	struct shop *s = slot->shop;
	struct job *job;

	tell(slot, "ends", slot->queue[0]);
	if (slot->fate != FATE_DONE) {
		lose_process(slot);
		return;
	}
	s->handled++;
	job = take_first(slot);
	if (slot->wrong == host_no_state)
		intake_failed(s->intake, s->now_ms, job, JOB_NO_STATE, SLICE(""));
	else if (slot->wrong)
		malformed(s, slot->wrong);
	else
		intake_done(s->intake, s->now_ms, job, buf_slice(&slot->batch));
}

/* --- What the intake wants ---------------------------------------------------------------------------------------- */

static void give(void *ctx, struct job *job)
{
	struct shop *s = ctx;
	struct slot *slot = &s->slots[job->slot];

	if (slot->n_queue == SLOT_QUEUE)
		abort(); /* past its credits */
	slot->queue[slot->n_queue++] = job;
	tell(slot, "is given", job); /* and begun in the slot's turn */
}

static void lead(void *ctx, unsigned number, bool leads)
{
	struct shop *s = ctx;
	struct slot *slot = &s->slots[number];

	slot->leads = leads;
	if (slot->host)
		host_lead(slot->host, s->now_ms, leads);
}

static void lease(void *ctx, unsigned partition, int64_t until_ms)
{
	((struct shop *)ctx)->leases[partition] = until_ms;
}

static const struct intake_ops intake_ops = { give, lead, lease };

/* --- What Redis tells --------------------------------------------------------------------------------------------- */

/* The application's record, which is the program's to write. */
static void put_app(struct shop *s)
{
	struct buf key = BUF_INIT, record = BUF_INIT;
	const struct slot *slot = s->slots;

	while (slot->app == NULL && slot + 1 < s->slots + s->n_slots)
		slot++;
	name_app(&key, "sim");
	if (slot->app && host_describe(&record, slot->app, SHOP_PARTITIONS) == 0)
		s->streams->ops->put(s->streams, buf_slice(&key), buf_slice(&record), 0, NULL, NULL);
	buf_fini(&key);
	buf_fini(&record);
}

static void on_up(void *ctx, int64_t now_ms, bool fresh)
{
	struct shop *s = ctx;

	s->now_ms = now_ms;
	put_app(s);
	intake_events.up(s->intake, now_ms, fresh);
}

static void on_down(void *ctx, int64_t now_ms, const char *why)
{
	struct shop *s = ctx;

	s->now_ms = now_ms;
	intake_events.down(s->intake, now_ms, why);
}

static void on_entry(void *ctx, int64_t now_ms, const struct streams_entry *e)
{
	struct shop *s = ctx;

	s->now_ms = now_ms;
	intake_events.entry(s->intake, now_ms, e);
}

static void on_read_end(void *ctx, int64_t now_ms, int result)
{
	struct shop *s = ctx;

	s->now_ms = now_ms;
	intake_events.read_end(s->intake, now_ms, result);
}

static void on_message(void *ctx, int64_t now_ms, struct slice channel, struct slice payload)
{
	intake_events.message(((struct shop *)ctx)->intake, now_ms, channel, payload);
}

static void on_listening(void *ctx, int64_t now_ms)
{
	intake_events.listening(((struct shop *)ctx)->intake, now_ms);
}

static const struct streams_events shop_events = { .up = on_up,
	.down = on_down,
	.entry = on_entry,
	.read_end = on_read_end,
	.message = on_message,
	.listening = on_listening };

/* --- Life --------------------------------------------------------------------------------------------------------- */

void shop_open(struct shop *s, const char *name, struct streams *streams, int64_t now_ms, uint64_t *random,
	const struct shop_dice *dice, unsigned slots)
{
	struct intake_config config = { .app = "sim",
		.partitions = SHOP_PARTITIONS,
		.slots = slots,
		.redis_key = SLICE("socket.io"),
		.credits = 4,
		.max_attempts = SHOP_ATTEMPTS_MAX,
		.lease_ms = SHOP_LEASE_MS,
		.confirm_ms = SHOP_CONFIRM_MS,
		.handover_ms = 3000,
		.max_age_ms = SHOP_AGE_MAX_MS,
		.gateway_check_ms = 300,
		.gateway_gone_ms = 1000,
		.max_unconfirmed = 100000,
		.max_dead = 1000,
		.max_clients = SHOP_CLIENTS_MAX,
		.encoding = VALUE_JSON,
		.rules = RECORD_RULES,
		.wall_ms = wall_ms };

	*s = (struct shop){ .streams = streams, .random = random, .dice = dice, .n_slots = slots, .now_ms = now_ms };
	snprintf(s->name, sizeof(s->name), "%s", name);
	s->is_open = true;
	config.broker = config.name = slice_str(s->name);
	s->intake = intake_new(&config, &s->timers, &intake_ops, s);
	streams->events = &shop_events;
	streams->ctx = s;
	for (unsigned i = 0; i < slots; i++) {
		s->slots[i] = (struct slot){ .shop = s, .number = i, .done_ms = INT64_MAX };
		begin_process(&s->slots[i]);
	}
	intake_join(s->intake, now_ms, streams);
	for (unsigned i = 0; i < slots; i++)
		tell_slot(&s->slots[i]);
}

void shop_close(struct shop *s)
{
	struct intake *in = s->intake;

	if (!s->is_open)
		return;
	s->is_open = false;
	s->intake = NULL; /* nobody sends anything more */
	for (unsigned i = 0; i < s->n_slots; i++) {
		end_process(&s->slots[i], false);
		buf_fini(&s->slots[i].batch);
	}
	intake_free(in);
	timers_fini(&s->timers);
}

static void has_left(void *to)
{
	((struct shop *)to)->left = true;
}

void shop_leave(struct shop *s)
{
	intake_leave(s->intake, s->now_ms, has_left, s);
}

void shop_reload(struct shop *s)
{
	for (unsigned i = 0; i < s->n_slots; i++)
		s->slots[i].reloads = s->slots[i].host != NULL;
}

void shop_kill(struct shop *s, unsigned number)
{
	struct slot *slot = &s->slots[number % s->n_slots];

	if (slot->host && slot->fate == FATE_TIMEOUT && slot->done_ms != INT64_MAX)
		slot->fate = FATE_CRASH_BEFORE;
	if (slot->host)
		lose_process(slot);
}

/* --- Time --------------------------------------------------------------------------------------------------------- */

/* The successor takes over between two events. */
static void reload(struct slot *slot)
{
	slot->reloads = false;
	end_process(slot, true);
	begin_process(slot);
	tell_slot(slot);
}

static void slot_turn(struct slot *slot)
{
	int64_t now_ms = slot->shop->now_ms;

	if (slot->host == NULL && slot->starts_ms <= now_ms) {
		begin_process(slot);
		tell_slot(slot);
	}
	if (slot->host && slot->done_ms <= now_ms)
		finish(slot);
	if (slot->host && slot->done_ms == INT64_MAX)
		timers_run(&slot->timers, now_ms);
	if (slot->host && slot->reloads && slot->done_ms == INT64_MAX)
		reload(slot);
	begin_next(slot);
}

void shop_turn(struct shop *s, int64_t now_ms)
{
	s->now_ms = now_ms;
	timers_run(&s->timers, now_ms);
	for (unsigned i = 0; i < s->n_slots; i++)
		slot_turn(&s->slots[i]);
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

int64_t shop_next_ms(const struct shop *s)
{
	int64_t next = timers_next_ms(&s->timers);

	for (const struct slot *slot = s->slots; slot < s->slots + s->n_slots; slot++) {
		if (slot->host == NULL)
			next = earlier(next, slot->starts_ms);
		else if (slot->done_ms != INT64_MAX)
			next = earlier(next, slot->done_ms);
		else
			next = slot->n_queue ? s->now_ms : earlier(next, timers_next_ms(&slot->timers));
	}
	return next;
}
