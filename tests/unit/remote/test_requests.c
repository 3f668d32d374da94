/* test_requests.c - handshakes, refused requests, other servers' events, and what the application asks. */
#include <errno.h>
#include <stdio.h>

#include "metrics.h"
#include "msgpack.h"
#include "remote_fixture.h"
#include "test_main.h"

static struct fixture f;
static struct peer a, b;

static void close_it(void)
{
	fixture_close(&f);
	peer_fini(&a);
	peer_fini(&b);
	a = b = (struct peer){ .last = "" };
}

static bool is(struct slice s, const char *text)
{
	return slice_equal(s, slice_str(text));
}

#define assert_is(slice_, text_)   ck_assert_msg(is((slice_), (text_)), "%.*s", SLICE_ARG(slice_))
#define assert_hears(peer_, text_) ck_assert_str_eq(peer_hears(&f, (peer_)), (text_))

/* --- Handshakes ---------------------------------------------------------------------------------------------------- */

static struct {
	int count;
	bool admitted;
	char text[200];
} said;

static void decided(void *to, const struct effect *e, const char *trouble)
{
	ck_assert_ptr_eq(to, &said);
	said.count++;
	said.admitted = e && e->kind == EFFECT_ADMIT;
	snprintf(said.text, sizeof(said.text), "%.*s", SLICE_ARG(e ? e->text : slice_str(trouble)));
}

static bool ask(void)
{
	struct app_handshake h = { SLICE("a=1"), SLICE("host: here\n"), "192.0.2.7" };
	struct app_request request = { .handshake = &h, .transport = "polling" };
	bool later;

	said.count = 0;
	later = dispatch_admit(&f.sim.dispatch, f.sim.now_ms, &request, decided, &said);
	sim_turn(&f.sim);
	return later;
}

static void open_hearing(void)
{
	fixture_open(&f, NULL);
	f.app.hears_handshakes = true;
}

START_TEST(nobody_hears_handshakes)
{
	fixture_open(&f, NULL);
	ck_assert(!ask());
	ck_assert(said.count == 1 && said.admitted);
	fixture_nothing(&f);
	close_it();
}
END_TEST

START_TEST(handshakes_are_asked_for)
{
	struct event_record e;

	open_hearing();
	ck_assert(ask());
	e = fixture_event(&f);
	ck_assert_int_eq(e.kind, RECORD_HANDSHAKE);
	ck_assert_uint_eq(e.sid.size, 0);
	assert_is(e.state.handshake.query, "a=1");
	ck_assert_str_eq(e.state.transport, "polling");
	ck_assert_int_eq(said.count, 0);
	fixture_answer(&f, &e, "{\"do\":\"admit\"}");
	ck_assert(said.count == 1 && said.admitted);
	fixture_answer(&f, &e, "{\"do\":\"admit\"}");
	ck_assert_int_eq(said.count, 1);
	ck_assert(ask());
	e = fixture_event(&f);
	fixture_answer(&f, &e, "{\"do\":\"deny\",\"message\":\"go away\"}");
	ck_assert(said.count == 1 && !said.admitted);
	ck_assert_str_eq(said.text, "go away");
	ck_assert_uint_eq(remote_events(f.remote), 0);
	close_it();
}
END_TEST

START_TEST(handshakes_have_a_deadline)
{
	struct event_record e;

	open_hearing();
	ck_assert(ask());
	e = fixture_event(&f);
	fixture_pass(&f, 1000);
	ck_assert(said.count == 1 && !said.admitted);
	ck_assert_str_eq(said.text, "The application did not answer in time");
	fixture_answer(&f, &e, "{\"do\":\"admit\"}");
	ck_assert_int_eq(said.count, 1);
	close_it();
}
END_TEST

START_TEST(handshakes_without_an_answer)
{
	struct event_record e;

	open_hearing();
	ck_assert(ask());
	e = fixture_event(&f);
	fixture_answer(&f, &e, "");
	ck_assert(said.count == 1 && !said.admitted);
	ck_assert_str_eq(said.text, "The application failed");
	close_it();
}
END_TEST

START_TEST(who_asked_has_left)
{
	struct event_record e;

	open_hearing();
	ck_assert(ask());
	e = fixture_event(&f);
	dispatch_forget_request(&f.sim.dispatch, &said);
	dispatch_forget_request(&f.sim.dispatch, &said);
	fixture_answer(&f, &e, "{\"do\":\"admit\"}");
	ck_assert_int_eq(said.count, 0);
	close_it();
}
END_TEST

START_TEST(handshakes_while_the_application_is_unknown)
{
	fixture_open_away(&f, NULL);
	ck_assert(ask());
	ck_assert_int_eq(said.count, 0);
	fixture_ready(&f, true);
	ck_assert(said.count == 1 && said.admitted);
	fixture_nothing(&f);
	close_it();
}
END_TEST

START_TEST(handshakes_at_the_end)
{
	open_hearing();
	ck_assert(ask());
	remote_end(f.remote, f.sim.now_ms);
	ck_assert(said.count == 1 && !said.admitted);
	ck_assert_uint_eq(remote_events(f.remote), 0);
	close_it();
}
END_TEST

START_TEST(refused_requests)
{
	struct app_handshake h = { SLICE("a=1"), SLICE(""), "192.0.2.7" };
	struct app_request request = { .handshake = &h };
	struct event_record e;

	fixture_open(&f, NULL);
	ck_assert(!dispatch_hears_refusals(&f.sim.dispatch));
	f.app.hears_refusals = true;
	ck_assert(dispatch_hears_refusals(&f.sim.dispatch));
	dispatch_refused(&f.sim.dispatch, f.sim.now_ms, &request, SLICE("{\"code\":3}"));
	e = fixture_event(&f);
	ck_assert_int_eq(e.kind, RECORD_REFUSED);
	assert_is(e.error, "{\"code\":3}");
	fixture_answer(&f, &e, "");
	ck_assert_uint_eq(remote_events(f.remote), 0);
	close_it();
}
END_TEST

/* --- Other servers ------------------------------------------------------------------------------------------------- */

START_TEST(server_events)
{
	struct app_event_in in = {
		.kind = APP_SERVER, .name = SLICE("\"news\""), .items = SLICE("1,2"), .wants_ack = true, .ack_id = 9
	};
	struct event_record e;

	fixture_open(&f, NULL);
	peer_join(&f, &a);
	dispatch_begin(&f.sim.dispatch, f.sim.now_ms);
	f.sim.dispatch.runner->server_event(f.sim.dispatch.runner_ctx, f.sim.now_ms, "/", &in);
	dispatch_end(&f.sim.dispatch);
	e = fixture_event(&f);
	ck_assert_int_eq(e.kind, RECORD_SERVER);
	assert_is(e.nsp, "/");
	assert_is(e.name, "\"news\"");
	assert_is(e.items, "1,2");
	ck_assert(e.wants_ack && e.ack_id == 9 && e.sid.size == 0);
	fixture_answer(&f, &e, "{\"do\":\"emit\",\"all\":true,\"data\":[\"news\"]}");
	assert_hears(&a, "2[\"news\"]");
	close_it();
}
END_TEST

/* --- Questions ----------------------------------------------------------------------------------------------------- */

static struct event_record begin_event(void)
{
	struct event_record e;

	peer_join(&f, &a);
	peer_say(&f, &a, "2[\"go\"]");
	e = fixture_event(&f);
	return e;
}

static void assert_answer(struct event_record *e, enum answer_op op, uint64_t call)
{
	*e = fixture_event(&f);
	ck_assert_int_eq(e->kind, RECORD_ANSWER);
	ck_assert_int_eq(e->answer.op, op);
	assert_is(e->answer.to, "worker");
	ck_assert_uint_eq(e->answer.call, call);
}

START_TEST(a_client_answers)
{
	struct event_record e;

	fixture_open(&f, NULL);
	e = begin_event();
	fixture_answer(&f, &e, "{\"do\":\"call\",\"data\":[\"what\",1],\"call\":55,\"timeout\":5000}");
	assert_hears(&a, "20[\"what\",1]");
	assert_answer(&e, ANSWER_EXPECT, 55);
	ck_assert_uint_eq(e.answer.count, 1);
	remote_carried(f.remote, f.sim.now_ms, f.numbers[f.n_sent - 1]);
	peer_say(&f, &a, "30[\"that\"]");
	assert_answer(&e, ANSWER_GIVEN, 55);
	assert_is(e.items, "\"that\"");
	ck_assert_uint_eq(remote_events(f.remote), 1);
	remote_carried(f.remote, f.sim.now_ms, f.numbers[f.n_sent - 1]);
	ck_assert_uint_eq(remote_events(f.remote), 0);
	close_it();
}
END_TEST

START_TEST(an_answer_stays_behind_its_clients_events)
{
	struct event_record e;

	fixture_open(&f, NULL);
	e = begin_event();
	fixture_answer(&f, &e, "{\"do\":\"call\",\"data\":[\"what\"],\"call\":55,\"timeout\":5000}");
	assert_answer(&e, ANSWER_EXPECT, 55);
	peer_say(&f, &a, "2[\"first\"]");
	peer_say(&f, &a, "30[]");
	e = fixture_event(&f);
	assert_is(e.name, "\"first\"");
	fixture_nothing(&f);
	fixture_answer(&f, &e, "");
	assert_answer(&e, ANSWER_GIVEN, 55);
	close_it();
}
END_TEST

START_TEST(who_is_asked_goes)
{
	struct event_record e;

	fixture_open(&f, NULL);
	e = begin_event();
	fixture_answer(&f, &e, "{\"do\":\"call\",\"data\":[\"what\"],\"call\":55,\"timeout\":5000}");
	assert_answer(&e, ANSWER_EXPECT, 55);
	peer_leave(&f, &a);
	assert_answer(&e, ANSWER_GONE, 55);
	remote_carried(f.remote, f.sim.now_ms, f.numbers[f.n_sent - 1]);
	ck_assert_int_eq(fixture_event(&f).kind, RECORD_DISCONNECT);
	close_it();
}
END_TEST

START_TEST(calls_of_two_workers)
{
	struct event_record e;
	char text[300];

	fixture_open(&f, NULL);
	peer_join(&f, &a);
	for (int i = 0; i < 2; i++) {
		snprintf(text, sizeof(text),
			"{\"v\":1,\"by\":\"w%d\",\"nsp\":\"/"
			"\",\"effects\":[{\"do\":\"call\",\"all\":true,\"data\":[\"q\"],\"call\":1,\"timeout\":5000}]}",
			i);
		fixture_batch(&f, text);
		ck_assert_int_eq(fixture_event(&f).answer.op, ANSWER_EXPECT);
	}
	assert_hears(&a, "20[\"q\"]");
	assert_hears(&a, "21[\"q\"]");
	peer_say(&f, &a, "31[2]");
	e = fixture_event(&f);
	ck_assert_int_eq(e.answer.op, ANSWER_GIVEN);
	assert_is(e.answer.to, "w1");
	assert_is(e.items, "2");
	close_it();
}
END_TEST

START_TEST(answers_out_of_time_are_nothing)
{
	struct event_record e;

	fixture_open(&f, NULL);
	e = begin_event();
	fixture_answer(&f, &e, "{\"do\":\"call\",\"data\":[\"what\"],\"call\":55,\"timeout\":100}");
	assert_answer(&e, ANSWER_EXPECT, 55);
	fixture_pass(&f, 119);
	fixture_nothing(&f);
	fixture_pass(&f, 1);
	assert_answer(&e, ANSWER_END, 55);
	ck_assert_int_eq(e.answer.status, -ETIMEDOUT);
	peer_say(&f, &a, "30[\"that\"]");
	fixture_nothing(&f);
	close_it();
}
END_TEST

START_TEST(who_is_there)
{
	struct event_record e;

	fixture_open(&f, NULL);
	peer_join(&f, &b);
	e = begin_event();
	fixture_answer(&f, &e, "{\"do\":\"fetch\",\"all\":true,\"call\":56,\"timeout\":1000}");
	assert_answer(&e, ANSWER_FOUND, 56);
	ck_assert(slice_find(e.answer.found, '{') == 0);
	assert_answer(&e, ANSWER_FOUND, 56);
	assert_answer(&e, ANSWER_EXPECT, 56);
	ck_assert_uint_eq(e.answer.count, 2);
	close_it();
}
END_TEST

START_TEST(other_servers_are_nobody_alone)
{
	struct event_record e;

	fixture_open(&f, NULL);
	e = begin_event();
	fixture_answer(&f, &e,
		"{\"do\":\"servers\",\"data\":[\"news\"],\"call\":57,\"timeout\":1000},{\"do\":\"servers\",\"data\":["
		"\"more\"]}");
	assert_answer(&e, ANSWER_EXPECT, 57);
	ck_assert_uint_eq(e.answer.count, 0);
	fixture_nothing(&f);
	close_it();
}
END_TEST

/* --- MessagePack --------------------------------------------------------------------------------------------------- */

static void peer_sends(struct peer *p, const char *bytes, size_t size)
{
	session_ws_message(&p->ws.ws, f.sim.now_ms, true, slice_of(bytes, size));
	sim_turn(&f.sim);
}

/* Everything is in the clients' own encoding. */
START_TEST(msgpack)
{
	static const char *const options[] = { "parser=msgpack", NULL };
	static const char connect[] = "\x82\xA4type\x00\xA3nsp\xA1/";
	static const char event[] = "\x83\xA4type\x02\xA3nsp\xA1/\xA4"
				    "data\x92\xA3one\xC4\x01x";
	struct session_handshake h = { .query = SLICE("EIO=4"), .headers = SLICE(""), .address = SLICE("192.0.2.7") };
	struct batch_record batch = { .by = SLICE("worker"), .id = SLICE("0-0"), .nsp = SLICE("/") };
	struct effect accept = { .kind = EFFECT_ACCEPT, .to = { .nsp = "/" } };
	struct buf text = BUF_INIT;
	struct event_record e;

	fixture_open(&f, options);
	sim_ws_init(&a.ws);
	session_open_ws(&f.sim.sessions, f.sim.now_ms, &h, &a.ws.ws);
	peer_sends(&a, connect, sizeof(connect) - 1);
	e = fixture_event(&f);
	ck_assert_int_eq(e.kind, RECORD_CONNECT);
	ck_assert_int_eq(record_encoding(buf_slice(&f.sent[0])), VALUE_MSGPACK);
	batch.sid = e.sid;
	batch.n = 1;
	batch.effects = &accept;
	ck_assert_int_eq(batch_record_put(&text, VALUE_MSGPACK, &batch), 0);
	remote_batch(f.remote, f.sim.now_ms, buf_slice(&text));
	peer_sends(&a, event, sizeof(event) - 1);
	e = fixture_event(&f);
	ck_assert_int_eq(e.kind, RECORD_EVENT);
	assert_is(e.name, "\xA3one");
	assert_is(e.items, "\xC4\x01x");
	buf_fini(&text);
	close_it();
}
END_TEST

TCase *requests_case(void)
{
	TCase *t = tcase_create("requests");

	tcase_add_test(t, nobody_hears_handshakes);
	tcase_add_test(t, handshakes_are_asked_for);
	tcase_add_test(t, handshakes_have_a_deadline);
	tcase_add_test(t, handshakes_without_an_answer);
	tcase_add_test(t, who_asked_has_left);
	tcase_add_test(t, handshakes_while_the_application_is_unknown);
	tcase_add_test(t, handshakes_at_the_end);
	tcase_add_test(t, refused_requests);
	tcase_add_test(t, server_events);
	tcase_add_test(t, a_client_answers);
	tcase_add_test(t, an_answer_stays_behind_its_clients_events);
	tcase_add_test(t, who_is_asked_goes);
	tcase_add_test(t, calls_of_two_workers);
	tcase_add_test(t, answers_out_of_time_are_nothing);
	tcase_add_test(t, who_is_there);
	tcase_add_test(t, other_servers_are_nobody_alone);
	tcase_add_test(t, msgpack);
	return t;
}
