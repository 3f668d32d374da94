/* intake_fixture.c - see intake_fixture.h. */
#include "intake_fixture.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "log.h"
#include "metrics.h"
#include "streams_sim_internal.h"

static int64_t wall_now_ms;

static int64_t wall_ms(void)
{
	return wall_now_ms;
}

/* --- Workers ------------------------------------------------------------------------------------------------------ */

static void give(void *ctx, struct job *job)
{
	struct broker *b = ctx;

	ck_assert_uint_lt(b->n_jobs, JOBS);
	b->jobs[b->n_jobs++] = job;
	b->given++;
	if (b->fx->on_give)
		b->fx->on_give(b, job);
}

static void lead(void *ctx, unsigned slot, bool leads)
{
	struct broker *b = ctx;

	ck_assert(b->leads[slot] != leads);
	b->leads[slot] = leads;
}

static void lease(void *ctx, unsigned partition, int64_t until_ms)
{
	struct broker *b = ctx;

	b->until_ms[partition] = until_ms;
}

static const struct intake_ops ops = { .give = give, .lead = lead, .lease = lease };

struct job *fx_job(struct broker *b, size_t i)
{
	ck_assert_uint_lt(i, b->n_jobs);
	return b->jobs[i];
}

static void take_out(struct broker *b, struct job *job)
{
	size_t i = 0;

	while (b->jobs[i] != job)
		ck_assert_uint_lt(++i, b->n_jobs);
	b->n_jobs--;
	memmove(&b->jobs[i], &b->jobs[i + 1], (b->n_jobs - i) * sizeof(b->jobs[0]));
}

void fx_done(struct broker *b, struct job *job)
{
	struct slice room = SLICE("lobby");
	struct event_record r = fx_read(b->fx, job->record);
	char sid[32];
	struct effect e = {
		.kind = EFFECT_EMIT, .to = { .rooms = &room, .n_rooms = 1 }, .json = SLICE("[\"said\",1]")
	};
	struct batch_record batch = { .by = slice_str(b->id),
		.id = job->id,
		.partition = job->partition,
		.nsp = r.nsp,
		.sid = r.sid,
		.n = r.n,
		.effects = &e };

	snprintf(sid, sizeof(sid), "%.*s", SLICE_ARG(r.sid));
	e.to.nsp = "/";
	e.to.sid = r.sid.size ? sid : NULL;
	e.to.sid_nsp = r.sid.size ? "/" : NULL;
	buf_clear(&b->fx->record);
	ck_assert_int_eq(batch_record_put(&b->fx->record, VALUE_JSON, &batch), 0);
	take_out(b, job);
	intake_done(b->in, b->fx->now_ms, job, buf_slice(&b->fx->record));
}

void fx_done_without(struct broker *b, struct job *job)
{
	take_out(b, job);
	intake_done(b->in, b->fx->now_ms, job, slice_of(NULL, 0));
}

void fx_fail(struct broker *b, struct job *job, enum job_failure why)
{
	take_out(b, job);
	intake_failed(b->in, b->fx->now_ms, job, why, SLICE("somewhere+0x17"));
}

/* --- Brokers ------------------------------------------------------------------------------------------------------ */

struct broker *fx_broker(struct fx *fx, int i)
{
	struct broker *b = &fx->brokers[i];
	static int incarnation;

	ck_assert_ptr_null(b->in);
	*b = (struct broker){ .fx = fx };
	snprintf(b->id, sizeof(b->id), "b%d.%d", i, ++incarnation);
	fx->config.broker = fx->config.name = slice_str(b->id);
	b->in = intake_new(&fx->config, &b->timers, &ops, b);
	b->streams = streams_sim_open(fx->sim, &intake_events, b->in);
	intake_join(b->in, fx->now_ms, b->streams);
	for (unsigned slot = 0; slot < fx->config.slots; slot++)
		intake_slot_is(b->in, fx->now_ms, slot, true);
	return b;
}

void fx_kill(struct broker *b)
{
	if (b->in == NULL)
		return;
	streams_sim_close(b->streams);
	intake_free(b->in);
	ck_assert_int_eq(timers_next_ms(&b->timers) == INT64_MAX || b->timers.count == 0, 1);
	timers_fini(&b->timers);
	b->in = NULL;
	b->n_jobs = 0;
}

void fx_pause(struct broker *b, int64_t ms)
{
	b->paused_until_ms = b->fx->now_ms + ms;
	streams_sim_hold(b->streams, ms);
}

static void on_left(void *to)
{
	struct broker *b = to;

	ck_assert(!b->left);
	b->left = true;
}

void fx_leave(struct broker *b)
{
	intake_leave(b->in, b->fx->now_ms, on_left, b);
}

unsigned fx_held(const struct broker *b)
{
	unsigned n = 0;

	for (unsigned i = 0; b->in && i < b->fx->config.partitions; i++)
		n += intake_holds(b->in, i);
	return n;
}

/* --- Gateways ----------------------------------------------------------------------------------------------------- */

static void copy_text(char *to, size_t size, struct slice text)
{
	ck_assert_uint_lt(text.size, size);
	if (text.size)
		memcpy(to, text.at, text.size);
	to[text.size] = '\0';
}

static void on_acked(void *to, int64_t now_ms, int64_t result, struct slice text)
{
	struct unacked *u = to;

	(void)now_ms;
	(void)text;
	u->again = result < 0;
	u->used = u->again;
}

static void ask_to_ack(struct gate *g, struct unacked *u)
{
	struct buf name = BUF_INIT;

	name_events(&name, g->fx->config.app, u->partition);
	u->again = g->streams->ops->ack(g->streams, buf_slice(&name), slice_str(u->id), on_acked, u) != 0;
	buf_fini(&name);
}

/* What the link took with it is said again, before anything else. */
void fx_ack(struct gate *g, unsigned partition, struct slice id)
{
	size_t i = 0;

	while (g->unacked[i].used)
		ck_assert_uint_lt(++i, UNACKED);
	g->unacked[i] = (struct unacked){ .used = true, .partition = partition };
	copy_text(g->unacked[i].id, sizeof(g->unacked[i].id), id);
	ask_to_ack(g, &g->unacked[i]);
}

static void on_batch(void *ctx, int64_t now_ms, struct slice channel, struct slice payload)
{
	struct gate *g = ctx;
	struct heard *h = &g->heard[g->n_heard];
	struct batch_record b;

	(void)now_ms;
	(void)channel;
	ck_assert_uint_lt(++g->n_heard, HEARD);
	arena_reset(&g->fx->arena);
	ck_assert_ptr_null(batch_record_peek(&g->fx->arena, payload, &b));
	copy_text(h->id, sizeof(h->id), b.id);
	copy_text(h->sid, sizeof(h->sid), b.sid);
	copy_text(h->bytes, sizeof(h->bytes), payload);
	h->size = payload.size;
	h->n = b.n;
	h->failed = b.failed.size != 0;
	if (g->acks && b.id.size)
		fx_ack(g, b.partition, b.id);
	if (g->fx->on_heard)
		g->fx->on_heard(g, h);
}

static void on_gate_up(void *ctx, int64_t now_ms, bool fresh)
{
	struct gate *g = ctx;
	struct buf name = BUF_INIT;

	(void)now_ms;
	(void)fresh;
	for (size_t i = 0; i < UNACKED; i++)
		if (g->unacked[i].used && g->unacked[i].again)
			ask_to_ack(g, &g->unacked[i]);
	name_gateway(&name, g->fx->config.app, slice_str(g->node));
	g->streams->ops->put(g->streams, buf_slice(&name), SLICE("gateway"), 1000 * 1000, NULL, NULL);
	buf_fini(&name);
}

static void on_gate_down(void *ctx, int64_t now_ms, const char *why)
{
	(void)ctx;
	(void)now_ms;
	(void)why;
}

static void on_gate_listening(void *ctx, int64_t now_ms)
{
	(void)ctx;
	(void)now_ms;
}

static void on_gate_entry(void *ctx, int64_t now_ms, const struct streams_entry *e)
{
	(void)ctx;
	(void)now_ms;
	(void)e;
}

static void on_gate_read(void *ctx, int64_t now_ms, int result)
{
	(void)ctx;
	(void)now_ms;
	ck_assert_int_eq(result, 0);
}

static const struct streams_events gate_events = { .entry = on_gate_entry,
	.read_end = on_gate_read,
	.up = on_gate_up,
	.down = on_gate_down,
	.message = on_batch,
	.listening = on_gate_listening };

struct gate *fx_gate(struct fx *fx, int i, const char *node)
{
	struct gate *g = &fx->gates[i];
	struct buf name = BUF_INIT;

	*g = (struct gate){ .fx = fx, .acks = true };
	snprintf(g->node, sizeof(g->node), "%s", node);
	g->streams = streams_sim_open(fx->sim, &gate_events, g);
	name_batches(&name, fx->config.app, slice_str(node));
	g->streams->ops->listen(g->streams, buf_slice(&name));
	buf_fini(&name);
	fx_run(fx, 1);
	return g;
}

void fx_gate_forgets_key(struct gate *g)
{
	buf_clear(&g->fx->name);
	name_gateway(&g->fx->name, g->fx->config.app, slice_str(g->node));
	streams_sim_drop_key(g->fx->sim, buf_slice(&g->fx->name));
}

void fx_gate_dies(struct gate *g, bool key_too)
{
	if (g->streams)
		streams_sim_close(g->streams);
	g->streams = NULL;
	if (key_too)
		fx_gate_forgets_key(g);
}

/* --- Events ------------------------------------------------------------------------------------------------------- */

struct event_record fx_record(const char *node, const char *sid, uint64_t n)
{
	return (struct event_record){ .kind = RECORD_EVENT,
		.node = slice_str(node),
		.nsp = SLICE("/"),
		.sid = slice_str(sid),
		.n = n,
		.at_ms = wall_ms(),
		.name = SLICE("\"say\""),
		.items = SLICE("1") };
}

void fx_add_bytes(struct fx *fx, unsigned partition, struct slice bytes)
{
	struct streams *s = fx->adder.streams;

	ck_assert(s->is_up);
	buf_clear(&fx->name);
	name_events(&fx->name, fx->config.app, partition);
	ck_assert_int_eq(s->ops->add(s, buf_slice(&fx->name), bytes, 100000, NULL, NULL), 0);
	fx_run(fx, 0);
}

void fx_add(struct fx *fx, unsigned partition, const struct event_record *r)
{
	buf_clear(&fx->record);
	ck_assert_int_eq(event_record_put(&fx->record, VALUE_JSON, r), 0);
	fx_add_bytes(fx, partition, buf_slice(&fx->record));
}

void fx_event(struct fx *fx, unsigned partition, const char *node, const char *sid, uint64_t n)
{
	struct event_record r = fx_record(node, sid, n);

	fx_add(fx, partition, &r);
}

struct event_record fx_read(struct fx *fx, struct slice record)
{
	struct event_record r;

	arena_reset(&fx->arena);
	ck_assert_ptr_null(event_record_read(&fx->arena, record, &fx->config.rules, &r));
	return r;
}

void fx_put_client(struct fx *fx, unsigned partition, const char *node, const char *sid, uint64_t state_n)
{
	struct streams *s = fx->adder.streams;
	struct slice room = slice_str(sid);
	struct client_record c = { .node = slice_str(node),
		.nsp = SLICE("/"),
		.sid = slice_str(sid),
		.n = 3,
		.state_n = state_n,
		.state = { .handshake = { .address = "192.0.2.1" },
			.transport = "websocket",
			.rooms = &room,
			.n_rooms = 1 } };

	buf_clear(&fx->record);
	buf_clear(&fx->name);
	ck_assert_int_eq(client_record_put(&fx->record, VALUE_JSON, &c), 0);
	name_clients(&fx->name, fx->config.app, partition);
	s->ops->field_put(s, buf_slice(&fx->name), slice_str(sid), buf_slice(&fx->record), NULL, NULL);
	fx_run(fx, 0);
}

void fx_forget(struct fx *fx)
{
	store_clear(&fx->sim->store);
}

/* --- Looking ------------------------------------------------------------------------------------------------------ */

static struct slice events_name(struct fx *fx, unsigned partition)
{
	buf_clear(&fx->name);
	name_events(&fx->name, fx->config.app, partition);
	return buf_slice(&fx->name);
}

size_t fx_pending(struct fx *fx, unsigned partition)
{
	return streams_sim_pending(fx->sim, events_name(fx, partition));
}

size_t fx_length(struct fx *fx, unsigned partition)
{
	return streams_sim_length(fx->sim, events_name(fx, partition));
}

static struct slice dead_name(struct fx *fx)
{
	buf_clear(&fx->name);
	name_dead(&fx->name, fx->config.app);
	return buf_slice(&fx->name);
}

size_t fx_dead(struct fx *fx)
{
	return streams_sim_length(fx->sim, dead_name(fx));
}

bool fx_dead_is(struct fx *fx, size_t i, const char *name, const char *value)
{
	struct slice found;

	return streams_sim_note(fx->sim, dead_name(fx), i, slice_str(name), &found) &&
	       slice_equal(found, slice_str(value));
}

/* --- Time --------------------------------------------------------------------------------------------------------- */

static int64_t next_ms(const struct fx *fx)
{
	int64_t next = streams_sim_next_ms(fx->sim);

	for (int i = 0; i < BROKERS; i++) {
		const struct broker *b = &fx->brokers[i];
		int64_t due = b->in ? timers_next_ms(&b->timers) : INT64_MAX;

		if (due < b->paused_until_ms)
			due = b->paused_until_ms;
		next = due < next ? due : next;
	}
	return next;
}

static void step(struct fx *fx)
{
	wall_now_ms = STREAMS_SIM_WALL_MS + fx->now_ms;
	streams_sim_run(fx->sim, fx->now_ms);
	for (int i = 0; i < BROKERS; i++)
		if (fx->brokers[i].in && fx->brokers[i].paused_until_ms <= fx->now_ms)
			timers_run(&fx->brokers[i].timers, fx->now_ms);
}

void fx_run(struct fx *fx, int64_t ms)
{
	int64_t end = fx->now_ms + ms, next;

	step(fx);
	while ((next = next_ms(fx)) <= end) {
		fx->now_ms = next > fx->now_ms ? next : fx->now_ms;
		step(fx);
	}
	fx->now_ms = end;
	step(fx);
}

/* --- Life --------------------------------------------------------------------------------------------------------- */

static void overheard(void *ctx, struct slice channel, struct slice payload)
{
	struct fx *fx = ctx;

	if (fx->on_publish)
		fx->on_publish(channel);
	if (!slice_starts(channel, SLICE("cluster")))
		return;
	fx->broadcasts++;
	copy_text(fx->last_broadcast, sizeof(fx->last_broadcast), channel);
	(void)payload;
}

void fx_init(struct fx *fx, uint64_t seed)
{
	*fx = (struct fx){ .now_ms = 1000 };
	log_set_level(LOG_NONE);
	wall_now_ms = STREAMS_SIM_WALL_MS + fx->now_ms;
	fx->sim = streams_sim_new(seed);
	streams_sim_overhear(fx->sim, overheard, fx);
	fx->config = (struct intake_config){ .app = "test",
		.redis_key = SLICE("cluster"),
		.partitions = PARTITIONS,
		.slots = 2,
		.credits = 64,
		.max_attempts = 3,
		.lease_ms = LEASE_MS,
		.confirm_ms = CONFIRM_MS,
		.handover_ms = 5000,
		.max_age_ms = 30000,
		.gateway_check_ms = 1000,
		.gateway_gone_ms = 2000,
		.max_unconfirmed = 1000 * 1000,
		.max_dead = 100,
		.max_clients = 1000,
		.encoding = VALUE_JSON,
		.rules = RECORD_RULES,
		.wall_ms = wall_ms };
	fx->adder = (struct gate){ .fx = fx, .node = "adds" };
	fx->adder.streams = streams_sim_open(fx->sim, &gate_events, &fx->adder);
	fx_run(fx, 1);
	memset(metrics_values, 0, METRIC_COUNT * sizeof(metrics_values[0]));
}

void fx_fini(struct fx *fx)
{
	for (int i = 0; i < BROKERS; i++)
		fx_kill(&fx->brokers[i]);
	for (int i = 0; i < GATES; i++)
		streams_sim_close(fx->gates[i].streams);
	streams_sim_close(fx->adder.streams);
	streams_sim_free(fx->sim);
	arena_fini(&fx->arena);
	buf_fini(&fx->record);
	buf_fini(&fx->name);
}
