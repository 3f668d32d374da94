/*
 * test_cluster.c - gateways on a net of the tests (tests/sim), step by step: what a random run does not come by, since nobody
 * says it, or at that moment.
 */
#include <stdio.h>
#include <stdlib.h>

#include "cluster_internal.h"
#include "metrics.h"
#include "station.h"
#include "test_main.h"

enum { GATEWAYS = 3, STEP_MS = 400 };

static struct net net;
static struct station at[GATEWAYS];
static struct visitor v[GATEWAYS];
static int open_stations;

static void pass(int64_t ms)
{
	int64_t end_ms = net.now_ms + ms;

	stations_turn(&net, at, GATEWAYS);
	while (net.now_ms < end_ms) {
		int64_t next = stations_next_ms(&net, at, GATEWAYS);

		net.now_ms = next < end_ms ? next : end_ms;
		stations_turn(&net, at, GATEWAYS);
	}
}

/* So many gateways, with a visitor each in the namespace. */
static void begin(int gateways, const char *nsp)
{
	char name[16];

	net_init(&net, 7);
	net.now_ms = 5000;
	open_stations = gateways;
	for (int i = 0; i < gateways; i++) {
		snprintf(name, sizeof(name), "g%d", i);
		station_open(&at[i], &net, name, false, false);
	}
	pass(STEP_MS);
	for (int i = 0; i < gateways; i++)
		visitor_open(&v[i], &at[i], nsp);
	pass(STEP_MS);
}

static void end(void)
{
	for (int i = 0; i < open_stations; i++)
		station_close(&at[i]);
	for (int i = 0; i < open_stations; i++)
		visitor_fini(&v[i]);
	net_fini(&net);
}

/* All that a visitor has heard since, as text: "event items;", acks as "=items;". */
static const char *heard(int who)
{
	static char text[2000];
	struct sim_message *m;
	struct sio_packet p;
	size_t size = 0;

	text[0] = '\0';
	for (; visitor_hear(&v[who], &p, &m); free(m)) {
		if (p.type == SIO_EVENT)
			size += (size_t)snprintf(
				text + size, sizeof(text) - size, "%.*s %.*s;", SLICE_ARG(p.event), SLICE_ARG(p.items));
		else if (p.type == SIO_ACK)
			size += (size_t)snprintf(text + size, sizeof(text) - size, "=%.*s;", SLICE_ARG(p.items));
	}
	return text;
}

static void join_all(void)
{
	for (int i = 0; i < open_stations; i++)
		visitor_say(&v[i], -1, "[\"join\",\"r\"]");
	pass(STEP_MS);
	for (int i = 0; i < open_stations; i++)
		heard(i);
}

/* --- Messages ----------------------------------------------------------------------------------------------------- */

static void publish_broadcast(const char *channel, const char *nsp, const char *room, bool latest)
{
	struct stoa_value data[] = { value_text(SLICE("said")), value_int(1) };
	struct slice name = slice_str(room);
	struct wire_broadcast b = { .uid = SLICE("emitter"), .nsp = slice_str(nsp), .data = value_array(data, 2) };
	struct arena arena = ARENA_INIT;
	struct buf payload = BUF_INIT;

	b.opts = (struct wire_opts){ .rooms = { &name, 1 }, .latest = latest };
	ck_assert_int_eq(wire_broadcast_encode(&payload, &arena, &b), 0);
	net_publish(&net, slice_str(channel), buf_slice(&payload));
	buf_fini(&payload);
	arena_fini(&arena);
	pass(STEP_MS);
}

START_TEST(a_message_of_another_namespace_is_nobodys)
{
	begin(1, "/");
	join_all();
	publish_broadcast("socket.io#/#r#", "/", "r", false);
	ck_assert_str_eq(heard(0), "\"said\" 1;");
	publish_broadcast("socket.io#/#r#", "/chat", "r", false);
	publish_broadcast("socket.io#/#", "/chat", "r", false);
	publish_broadcast("socket.io#/chat#", "/", "r", false);
	ck_assert_str_eq(heard(0), "");
	end();
}
END_TEST

static void publish_bytes(const char *channel, struct slice payload)
{
	net_publish(&net, slice_str(channel), payload);
	pass(STEP_MS);
}

/* What is passed over is not judged: this event has no name. With one room of ours among those named it is. */
START_TEST(what_is_for_others_is_not_decoded)
{
	const struct slice others = SLICE("\x93\xA5other\x82\xA4type\x02\xA4\144ata\x90\x81\xA5rooms\x92\xA1x\xA1y");
	const struct slice ours = SLICE("\x93\xA5other\x82\xA4type\x02\xA4\144ata\x90\x81\xA5rooms\x92\xA1x\xA1r");
	const struct slice strange = SLICE("\x93\xA5other\x82\xA4type\x02\xA4\144ata\x90\x81\xA5rooms\x92\xA1x\x07");
	int64_t dropped = metrics_get(M_BUS_DROPPED);

	begin(1, "/");
	join_all();
	publish_bytes("socket.io#/#", others);
	publish_bytes("socket.io#/#x#", ours); /* nobody here is in the channel's room */
	ck_assert_int_eq(metrics_get(M_BUS_DROPPED), dropped);
	publish_bytes("socket.io#/#", ours);
	ck_assert_int_eq(metrics_get(M_BUS_DROPPED), dropped + 1);
	publish_bytes("socket.io#/#r#", others);
	ck_assert_int_eq(metrics_get(M_BUS_DROPPED), dropped + 2);
	publish_bytes("socket.io#/#", strange);
	ck_assert_int_eq(metrics_get(M_BUS_DROPPED), dropped + 3);
	ck_assert_str_eq(heard(0), "");
	end();
}
END_TEST

/* A client's own id is a room, and one of several is enough. */
START_TEST(one_of_several_rooms_is_enough)
{
	struct slice rooms[] = { SLICE("elsewhere"), SLICE("r") };
	struct stoa_value data[] = { value_text(SLICE("said")), value_int(2) };
	struct wire_broadcast b = { .uid = SLICE("emitter"), .nsp = SLICE("/"), .data = value_array(data, 2) };
	struct arena arena = ARENA_INIT;
	struct buf payload = BUF_INIT;

	begin(1, "/");
	join_all();
	for (int i = 0; i < 2; i++) {
		if (i)
			rooms[1] = slice_str(v[0].sid);
		b.opts = (struct wire_opts){ .rooms = { rooms, 2 } };
		buf_clear(&payload);
		ck_assert_int_eq(wire_broadcast_encode(&payload, &arena, &b), 0);
		publish_bytes("socket.io#/#", buf_slice(&payload));
		ck_assert_str_eq(heard(0), "\"said\" 2;");
	}
	buf_fini(&payload);
	arena_fini(&arena);
	end();
}
END_TEST

/* A client chose a namespace whose channels are another one's rooms. */
START_TEST(a_namespace_with_a_sharp_is_heard_nowhere)
{
	begin(2, "/any-x");
	join_all();
	visitor_close(&v[1]);
	pass(STEP_MS);
	visitor_fini(&v[1]);
	visitor_open(&v[1], &at[0], "/any-x#r");
	pass(STEP_MS);
	heard(1);
	ck_assert_str_ne(v[1].sid, "");
	ck_assert(!net_holds(at[0].port, SUBSCRIPTION_CHANNEL, SLICE("socket.io-request#/any-x#r#")));
	publish_broadcast("socket.io#/any-x#r#", "/any-x", "r", false);
	ck_assert_str_eq(heard(0), "\"said\" 1;");
	end();
}
END_TEST

START_TEST(the_latest_replaces_what_waits_at_another_gateway_too)
{
	begin(2, "/");
	join_all();
	v[1].ws.stuck = true;
	visitor_say(&v[0], -1, "[\"latest\",\"r\",1]"); /* fills the socket, as far as the session knows */
	pass(STEP_MS);
	visitor_say(&v[0], -1, "[\"latest\",\"r\",2]");
	visitor_say(&v[0], -1, "[\"latest\",\"r\",3]");
	visitor_say(&v[0], -1, "[\"emit\",[\"r\"],[],0,4]");
	visitor_say(&v[0], -1, "[\"latest\",\"r\",5]");
	pass(STEP_MS);
	ck_assert_str_eq(heard(1), "\"said\" 1;");
	v[1].ws.stuck = false;
	session_ws_writable(&v[1].ws.ws);
	pass(STEP_MS);
	ck_assert_str_eq(heard(1), "\"said\" 4;\"said\" 5;");
	publish_broadcast("socket.io#/#r#", "/", "r", true);
	ck_assert_str_eq(heard(1), "\"said\" 1;");
	end();
}
END_TEST

/* --- Questions ---------------------------------------------------------------------------------------------------- */

/* A gateway that died before the question was not counted, though it is still known: when that comes out, the one that is
 * silent is still waited for. */
START_TEST(one_that_was_gone_before_is_not_taken_for_one_that_answered)
{
	begin(3, "/");
	station_close(&at[1]);
	visitor_say(&v[0], 1, "[\"servers\",6000,\"nobody\"]");
	pass(STATION_LOST_MS + 2 * STATION_BEAT_MS);
	ck_assert_str_eq(heard(0), "");
	pass(6000);
	ck_assert_str_eq(heard(0), "=-110,0,[\"g2\"];");
	end();
}
END_TEST

START_TEST(one_that_goes_is_waited_for_no_longer)
{
	begin(3, "/");
	net_cut(at[1].port, NET_COMMANDS, 60 * 1000, false);
	visitor_say(&v[0], 1, "[\"servers\",60000,\"hello\"]");
	pass(STEP_MS);
	ck_assert_str_eq(heard(0), "");
	station_close(&at[1]);
	pass(STATION_LOST_MS + 2 * STATION_BEAT_MS);
	ck_assert_str_eq(heard(0), "=0,1,[];");
	end();
}
END_TEST

START_TEST(clients_that_went_with_their_gateway_are_told_as_gone)
{
	begin(3, "/");
	visitor_say(&v[0], 1, "[\"ask\",[],60000]");
	pass(STEP_MS);
	visitor_answer(&v[0], 0, "[1]");
	visitor_answer(&v[2], 0, "[1]");
	pass(STEP_MS);
	station_close(&at[1]);
	pass(STATION_LOST_MS + 2 * STATION_BEAT_MS);
	ck_assert_ptr_nonnull(strstr(heard(0), "=-107,2,[];"));
	end();
}
END_TEST

START_TEST(without_a_bus_the_nodes_are_named)
{
	begin(2, "/");
	net_cut(at[0].port, NET_COMMANDS, 60 * 1000, false);
	visitor_say(&v[0], 1, "[\"fetch\",[],1000]");
	pass(STEP_MS);
	ck_assert_str_eq(heard(0), "=0,1,[\"g1\"];");
	end();
}
END_TEST

/* Other servers' times, and ours to them, are no reason to overflow. */
START_TEST(times_without_bounds)
{
	static const char request[] = "\x86\xa3uid\xa1x\xa9requestId\xa1q\xa4type\x07\xa6packet\x83\xa4type\x02"
				      "\xa4"
				      "data\x91\xa8question\xa3nsp\xa1/\xa4opts\x83\xa5rooms\x90\xa6"
				      "except\x90"
				      "\xa5"
				      "flags\x81\xa7timeout\xcf\x7f\xff\xff\xff\xff\xff\xff\xff\xa1z\xc0";

	begin(2, "/");
	visitor_say(&v[0], 1, "[\"ask\",[],9223372036854775807]");
	net_publish(&net, SLICE("socket.io-request#/#"), slice_of(request, sizeof(request) - 1));
	pass(STEP_MS);
	ck_assert_ptr_nonnull(strstr(heard(0), "\"question\""));
	ck_assert_ptr_nonnull(strstr(heard(1), "\"question\""));
	ck_assert_uint_eq(map_count(&at[1].sim.cluster->asked), 2);
	end();
}
END_TEST

static void publish_response(const char *json)
{
	net_publish(&net, SLICE("socket.io-response#/#"), slice_str(json));
	pass(STEP_MS);
}

static const char *request_id(void)
{
	static char id[40];
	struct map_node *n = at[0].sim.cluster->requests.nodes;

	ck_assert_ptr_nonnull(n);
	snprintf(id, sizeof(id), "%.*s", SLICE_ARG(n->key));
	return id;
}

START_TEST(answers_of_strangers_and_answers_twice)
{
	char json[200];

	begin(3, "/");
	visitor_say(&v[0], 1, "[\"servers\",5000,\"nobody\"]");
	pass(STEP_MS);
	/* The one that answered says it again, and a count is no answer to this. */
	snprintf(json, sizeof(json), "{\"requestId\":\"%s\",\"type\":6,\"data\":1,\"uid\":\"%s\"}", request_id(),
		at[2].sim.cluster->uid);
	publish_response(json);
	publish_response(json);
	snprintf(json, sizeof(json), "{\"requestId\":\"%s\",\"type\":8,\"clientCount\":1e300}", request_id());
	publish_response(json);
	publish_response("{\"requestId\":\"nobody's\",\"type\":6,\"data\":1}");
	ck_assert_str_eq(heard(0), "");
	pass(5000);
	ck_assert_str_eq(heard(0), "=-110,1,[\"g1\"];");
	end();
}
END_TEST

/* --- Nodes -------------------------------------------------------------------------------------------------------- */

/* A gateway that stood still for a while itself blames nobody for it. */
START_TEST(a_pause_of_our_own_is_nobodys_death)
{
	begin(2, "/");
	pass(2000);
	at[0].is_open = false; /* its loop does not run; the net still hands messages in, late */
	net.max_delay_ms = 0;
	net.now_ms += 10 * STATION_LOST_MS;
	at[0].is_open = true;
	at[0].sim.now_ms = net.now_ms;
	timers_run(&at[0].sim.timers, net.now_ms);
	ck_assert_uint_eq(nodes_count(cluster_nodes(at[0].sim.cluster)), 1);
	end();
}
END_TEST

START_TEST(another_name_leaves_us_who_we_are)
{
	struct cluster *c;
	char uid[NODE_UID_SIZE + 1], id[NODE_ID_SIZE + 1];

	begin(2, "/");
	c = at[0].sim.cluster;
	visitor_close(&v[0]);
	pass(STEP_MS);
	memcpy(uid, c->uid, sizeof(uid));
	memcpy(id, c->self.id, sizeof(id));
	cluster_rename(c);
	cluster_beat_soon(c, net.now_ms);
	pass(2000);
	ck_assert_str_eq(c->uid, uid);
	ck_assert_str_ne(c->self.id, id);
	ck_assert_uint_eq(nodes_count(cluster_nodes(at[1].sim.cluster)), 1);
	ck_assert_ptr_nonnull(nodes_find(cluster_nodes(at[1].sim.cluster), slice_str(c->self.id)));
	end();
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("cluster");
	TCase *tc = tcase_create("cluster");

	tcase_add_test(tc, a_message_of_another_namespace_is_nobodys);
	tcase_add_test(tc, what_is_for_others_is_not_decoded);
	tcase_add_test(tc, one_of_several_rooms_is_enough);
	tcase_add_test(tc, a_namespace_with_a_sharp_is_heard_nowhere);
	tcase_add_test(tc, the_latest_replaces_what_waits_at_another_gateway_too);
	tcase_add_test(tc, one_that_was_gone_before_is_not_taken_for_one_that_answered);
	tcase_add_test(tc, one_that_goes_is_waited_for_no_longer);
	tcase_add_test(tc, clients_that_went_with_their_gateway_are_told_as_gone);
	tcase_add_test(tc, without_a_bus_the_nodes_are_named);
	tcase_add_test(tc, times_without_bounds);
	tcase_add_test(tc, answers_of_strangers_and_answers_twice);
	tcase_add_test(tc, a_pause_of_our_own_is_nobodys_death);
	tcase_add_test(tc, another_name_leaves_us_who_we_are);
	suite_add_tcase(s, tc);
	return s;
}
