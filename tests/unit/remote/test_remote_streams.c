/*
 * test_remote_streams.c - the carrier over streams: a gateway (gate.h) between a made-up Redis and a broker that is this
 * test. The gateway's other connection, by which it tells others, answers when the test lets it.
 */
#include <stdio.h>

#include "gate.h"
#include "metrics.h"
#include "remote.h"
#include "remote_streams.h"
#include "test_main.h"

enum { ENTRIES_MAX = 32 };

#define EVENTS  SLICE("stoa:events:sim:0")
#define CLIENTS SLICE("stoa:clients:sim:0")
#define APP     "{\"v\":1,\"partitions\":1,\"namespaces\":[\"/\"]}"
#define TOLD    "{\"do\":\"emit\",\"rooms\":[\"r\"],\"data\":[\"hi\"]}"
#define ECHO    "{\"do\":\"emit\",\"data\":[\"hi\"]}"

static struct {
	struct net net;
	struct streams_sim *redis;
	struct gate gate;
	struct streams *broker;
	struct visitor v;
	struct arena arena;
	struct event_record events[ENTRIES_MAX];
	char ids[ENTRIES_MAX][48];
	size_t n, answered;
	bool deaf; /* what the gateway publishes is not answered */
} fx;

/* --- The broker ---------------------------------------------------------------------------------------------------- */

static void on_up(void *ctx, int64_t now_ms, bool fresh)
{
	(void)ctx;
	(void)now_ms;
	(void)fresh;
}

static void on_down(void *ctx, int64_t now_ms, const char *why)
{
	(void)ctx;
	(void)now_ms;
	(void)why;
}

static void on_entry(void *ctx, int64_t now_ms, const struct streams_entry *e)
{
	const char *copy = arena_copy(&fx.arena, e->record.at, e->record.size), *why;

	(void)ctx;
	(void)now_ms;
	ck_assert_uint_lt(fx.n, ENTRIES_MAX);
	why = event_record_read(&fx.arena, slice_of(copy, e->record.size), &RECORD_RULES, &fx.events[fx.n]);
	ck_assert_msg(why == NULL, "%s", why);
	snprintf(fx.ids[fx.n++], sizeof(fx.ids[0]), "%.*s", SLICE_ARG(e->id));
}

static void on_read(void *ctx, int64_t now_ms, int result)
{
	(void)ctx;
	(void)now_ms;
	(void)result;
}

static const struct streams_events broker_events = {
	.up = on_up, .down = on_down, .entry = on_entry, .read_end = on_read
};

/* --- Time ---------------------------------------------------------------------------------------------------------- */

static void pass(int64_t ms)
{
	int64_t end_ms = fx.net.now_ms + ms;

	for (int64_t now_ms = fx.net.now_ms; now_ms <= end_ms; now_ms += 5) {
		gates_wall_ms = STREAMS_SIM_WALL_MS + now_ms;
		fx.broker->ops->read(fx.broker, SLICE("b"), &EVENTS, 1, 100, 0);
		streams_sim_run(fx.redis, now_ms);
		if (fx.deaf)
			fx.net.now_ms = now_ms;
		else
			net_run(&fx.net, now_ms);
		gate_turn(&fx.gate, now_ms);
	}
	streams_sim_run(fx.redis, end_ms);
}

/* --- Life ---------------------------------------------------------------------------------------------------------- */

static void appear(void)
{
	const struct streams_ops *ops = fx.broker->ops;

	ops->create(fx.broker, EVENTS, NULL, NULL);
	ops->put(fx.broker, SLICE("stoa:broker:sim:b"), SLICE("{}"), 0, NULL, NULL);
	ops->enlist(fx.broker, SLICE("stoa:brokers:sim"), SLICE("stoa:broker:sim:"), SLICE("b"), NULL, NULL);
	ops->put(fx.broker, SLICE("stoa:app:sim"), SLICE(APP), 0, NULL, NULL);
}

static void begin_without_broker(void)
{
	memset(&fx, 0, sizeof(fx));
	net_init(&fx.net, 1);
	fx.net.max_delay_ms = 0;
	fx.redis = streams_sim_new(1);
	fx.broker = streams_sim_open(fx.redis, &broker_events, NULL);
	gate_open(&fx.gate, &fx.net, fx.redis, "g", 10);
	pass(100);
}

static const struct event_record *event(size_t i, enum record_kind kind)
{
	ck_assert_msg(fx.n > i, "only %zu events came", fx.n);
	ck_assert_int_eq(fx.events[i].kind, kind);
	return &fx.events[i];
}

static void publish_batch(size_t i, const char *effects)
{
	const struct event_record *e = &fx.events[i];
	struct buf channel = BUF_INIT, text = BUF_INIT;

	name_batches(&channel, GATE_APP, e->node);
	buf_printf(&text,
		"{\"v\":1,\"by\":\"b\",\"id\":\"%s\",\"partition\":0,\"nsp\":\"/\",\"sid\":\"%.*s\",\"n\":%llu,"
		"\"effects\":[%s]}",
		fx.ids[i], SLICE_ARG(e->sid), (unsigned long long)e->n, effects);
	ck_assert_uint_eq(streams_sim_publish(fx.redis, buf_slice(&channel), buf_slice(&text)), 1);
	buf_fini(&channel);
	buf_fini(&text);
	pass(50);
}

/* A client that is in the room. */
static void begin(void)
{
	begin_without_broker();
	appear();
	pass(2000);
	visitor_open(&fx.v, &fx.gate.station, "/");
	pass(50);
	event(0, RECORD_CONNECT);
	publish_batch(0, "{\"do\":\"accept\"},{\"do\":\"join\",\"room\":\"r\"}");
	ck_assert_uint_eq(streams_sim_length(fx.redis, EVENTS), 0);
}

static void end(void)
{
	gate_close(&fx.gate);
	streams_sim_close(fx.broker);
	streams_sim_free(fx.redis);
	net_fini(&fx.net);
	visitor_fini(&fx.v);
	arena_fini(&fx.arena);
}

static void say(void)
{
	visitor_say(&fx.v, -1, "[\"x\"]");
	pass(50);
}

static size_t heard(void)
{
	struct sio_packet p;
	struct sim_message *m;
	size_t n = 0;

	for (; visitor_hear(&fx.v, &p, &m); free(m))
		n += p.type == SIO_EVENT;
	return n;
}

/* --- Who is there -------------------------------------------------------------------------------------------------- */

START_TEST(brokers_come_and_go)
{
	struct slice value;

	begin_without_broker();
	ck_assert_str_eq(remote_trouble(fx.gate.remote), "no broker has been seen");
	appear();
	pass(2000);
	ck_assert_ptr_null(remote_trouble(fx.gate.remote));
	ck_assert_int_eq(metrics_get(M_DISPATCH_BROKERS), 1);
	streams_sim_drop_key(fx.redis, SLICE("stoa:broker:sim:b"));
	pass(2000);
	ck_assert_str_eq(remote_trouble(fx.gate.remote), "no broker is there");
	ck_assert(!streams_sim_field(fx.redis, SLICE("stoa:brokers:sim"), SLICE("b"), &value));
	appear();
	pass(2000);
	ck_assert_ptr_null(remote_trouble(fx.gate.remote));
	end();
}
END_TEST

/* Its lease, and its name among those of the others; again when Redis has forgotten. */
START_TEST(a_gateway_is_found)
{
	const char *node;
	struct slice value;
	char key[40];

	begin_without_broker();
	node = fx.gate.station.sim.sessions.node_id;
	snprintf(key, sizeof(key), "stoa:gateway:sim:%s", node);
	ck_assert(streams_sim_key(fx.redis, slice_str(key), &value));
	ck_assert(slice_equal(value, SLICE("g")));
	ck_assert(streams_sim_field(fx.redis, SLICE("stoa:gateways:sim"), slice_str(node), &value));
	streams_sim_restart(fx.redis, 100, true);
	pass(50);
	ck_assert(!streams_sim_field(fx.redis, SLICE("stoa:gateways:sim"), slice_str(node), &value));
	pass(200);
	ck_assert(streams_sim_key(fx.redis, slice_str(key), &value));
	ck_assert(streams_sim_field(fx.redis, SLICE("stoa:gateways:sim"), slice_str(node), &value));
	end();
}
END_TEST

/* --- What waits for what was published ----------------------------------------------------------------------------- */

START_TEST(an_entry_stays_until_others_are_told)
{
	begin();
	fx.deaf = true;
	say();
	say();
	ck_assert_uint_eq(streams_sim_length(fx.redis, EVENTS), 1);
	publish_batch(1, TOLD);
	ck_assert_uint_eq(heard(), 1); /* it is carried out all the same */
	ck_assert_uint_eq(streams_sim_length(fx.redis, EVENTS), 1);
	ck_assert_uint_eq(streams_sim_pending(fx.redis, EVENTS), 1);
	ck_assert_uint_eq(fx.n, 2); /* and the client's next one waits */
	publish_batch(1, TOLD);     /* once more: nothing is done, and nothing let go */
	ck_assert_uint_eq(heard(), 0);
	ck_assert_uint_eq(streams_sim_pending(fx.redis, EVENTS), 1);
	fx.deaf = false;
	pass(50);
	ck_assert_uint_eq(fx.n, 3);
	ck_assert_uint_eq(event(2, RECORD_EVENT)->n, 3);
	ck_assert_uint_eq(streams_sim_length(fx.redis, EVENTS), 1); /* that one */
	end();
}
END_TEST

START_TEST(who_tells_others_nothing_waits_for_nothing)
{
	begin();
	fx.deaf = true;
	say();
	publish_batch(1, TOLD);
	ck_assert_uint_eq(streams_sim_length(fx.redis, EVENTS), 1);
	visitor_fini(&fx.v);
	visitor_open(&fx.v, &fx.gate.station, "/"); /* another */
	pass(50);
	event(2, RECORD_CONNECT);
	publish_batch(2, "{\"do\":\"accept\"}");
	ck_assert_uint_eq(streams_sim_length(fx.redis, EVENTS), 1);
	say();
	event(3, RECORD_EVENT);
	publish_batch(3, ECHO);
	ck_assert_uint_eq(streams_sim_length(fx.redis, EVENTS), 1);
	end();
}
END_TEST

/* The state of who has left goes with the entry: who takes it over needs both. */
START_TEST(a_state_stays_with_its_entry)
{
	begin();
	visitor_close(&fx.v);
	pass(50);
	event(1, RECORD_DISCONNECT);
	fx.deaf = true;
	publish_batch(1, TOLD);
	ck_assert_uint_eq(streams_sim_length(fx.redis, EVENTS), 1);
	ck_assert_uint_eq(streams_sim_fields(fx.redis, CLIENTS), 1);
	fx.deaf = false;
	pass(50);
	ck_assert_uint_eq(streams_sim_length(fx.redis, EVENTS), 0);
	ck_assert_uint_eq(streams_sim_fields(fx.redis, CLIENTS), 0);
	end();
}
END_TEST

/* Nothing will be answered any more: what is not known to be lost is not waited for. */
START_TEST(a_link_that_breaks_lets_go)
{
	begin();
	fx.deaf = true;
	say();
	publish_batch(1, TOLD);
	ck_assert_uint_eq(streams_sim_length(fx.redis, EVENTS), 1);
	net_cut(fx.gate.station.port, NET_COMMANDS, 1000, false);
	pass(50);
	ck_assert_uint_eq(streams_sim_length(fx.redis, EVENTS), 0);
	end();
}
END_TEST

/* The streams' link breaks first: it is taken out when that is back, and before the next one goes in. */
START_TEST(what_is_let_go_while_redis_is_away)
{
	begin();
	fx.deaf = true;
	say();
	say();
	publish_batch(1, TOLD);
	streams_sim_cut(fx.gate.streams, 200, SIM_SENT_LOST);
	fx.deaf = false;
	pass(100);
	ck_assert_uint_eq(streams_sim_length(fx.redis, EVENTS), 1);
	ck_assert_uint_eq(fx.n, 2);
	pass(300);
	ck_assert_uint_eq(fx.n, 3);
	ck_assert_uint_eq(streams_sim_length(fx.redis, EVENTS), 1);
	end();
}
END_TEST

START_TEST(leaving_waits_for_it)
{
	struct slice value;
	char key[40];

	begin();
	snprintf(key, sizeof(key), "stoa:gateway:sim:%s", fx.gate.station.sim.sessions.node_id);
	visitor_close(&fx.v);
	pass(50);
	event(1, RECORD_DISCONNECT);
	fx.deaf = true;
	publish_batch(1, TOLD);
	gate_leave(&fx.gate);
	pass(50);
	ck_assert_uint_eq(remote_events(fx.gate.remote), 0);
	ck_assert(!fx.gate.left);
	ck_assert(streams_sim_key(fx.redis, slice_str(key), &value));
	fx.deaf = false;
	pass(50);
	ck_assert(fx.gate.left);
	ck_assert_uint_eq(streams_sim_length(fx.redis, EVENTS), 0);
	ck_assert(!streams_sim_key(fx.redis, slice_str(key), &value));
	end();
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("remote-streams");
	TCase *t = tcase_create("remote-streams");

	tcase_add_test(t, brokers_come_and_go);
	tcase_add_test(t, a_gateway_is_found);
	tcase_add_test(t, an_entry_stays_until_others_are_told);
	tcase_add_test(t, who_tells_others_nothing_waits_for_nothing);
	tcase_add_test(t, a_state_stays_with_its_entry);
	tcase_add_test(t, a_link_that_breaks_lets_go);
	tcase_add_test(t, what_is_let_go_while_redis_is_away);
	tcase_add_test(t, leaving_waits_for_it);
	suite_add_tcase(s, t);
	return s;
}
