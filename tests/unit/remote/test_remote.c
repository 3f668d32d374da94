/* test_remote.c - queues, deadlines, refusals, batches and states of clients whose application runs elsewhere. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "metrics.h"
#include "remote_fixture.h"
#include "test_main.h"

static struct fixture f;
static struct peer a, b, c, d;

static void open_with(const char *const *options)
{
	fixture_open(&f, options);
}

static void open_it(void)
{
	open_with(NULL);
}

static void close_it(void)
{
	fixture_close(&f);
	peer_fini(&a);
	peer_fini(&b);
	peer_fini(&c);
	peer_fini(&d);
	a = b = c = d = (struct peer){ .last = "" };
}

static bool is(struct slice s, const char *text)
{
	return slice_equal(s, slice_str(text));
}

#define assert_is(slice_, text_)   ck_assert_msg(is((slice_), (text_)), "%.*s", SLICE_ARG(slice_))
#define assert_hears(peer_, text_) ck_assert_str_eq(peer_hears(&f, (peer_)), (text_))

/* --- Connecting ---------------------------------------------------------------------------------------------------- */

START_TEST(connect_waits_for_the_verdict)
{
	struct event_record e;

	open_it();
	peer_open(&f, &a);
	assert_hears(&a, "");
	e = fixture_event(&f);
	ck_assert_int_eq(e.kind, RECORD_CONNECT);
	ck_assert_uint_eq(e.n, 1);
	assert_is(e.nsp, "/");
	ck_assert(e.has_state && e.state_n == 1);
	assert_is(e.state.handshake.headers, "host: here\n");
	ck_assert_uint_eq(e.state.n_rooms, 1);
	ck_assert(slice_equal(e.state.rooms[0], e.sid));
	fixture_answer(&f, &e,
		"{\"do\":\"accept\"},{\"do\":\"join\",\"room\":\"r\"},{\"do\":\"emit\",\"rooms\":[\"r\"],\"data\":["
		"\"hi\"]}");
	ck_assert_msg(strncmp(peer_hears(&f, &a), "0{\"sid\"", 7) == 0, "%s", a.last);
	assert_hears(&a, "2[\"hi\"]");
	ck_assert_uint_eq(f.executed, 1);
	close_it();
}
END_TEST

START_TEST(connect_is_refused)
{
	struct event_record e;

	open_it();
	peer_open(&f, &a);
	e = fixture_event(&f);
	fixture_answer(&f, &e, "{\"do\":\"refuse\",\"data\":{\"message\":\"no\",\"data\":{\"code\":7}}}");
	assert_hears(&a, "4{\"message\":\"no\",\"data\":{\"code\":7}}");
	ck_assert_uint_eq(f.dropped, 1);
	ck_assert_uint_eq(remote_events(f.remote), 0);
	peer_leave(&f, &a);
	fixture_nothing(&f);
	close_it();
}
END_TEST

START_TEST(a_batch_without_a_verdict_refuses)
{
	struct event_record e;

	open_it();
	peer_open(&f, &a);
	e = fixture_event(&f);
	fixture_answer(&f, &e, "{\"do\":\"emit\",\"data\":[\"hi\"]}");
	assert_hears(&a, "4{\"message\":\"The application failed\"}");
	ck_assert_uint_eq(f.executed, 1);
	close_it();
}
END_TEST

START_TEST(connect_is_given_up)
{
	struct event_record e;

	open_it();
	peer_open(&f, &a);
	e = fixture_event(&f);
	fixture_pass(&f, 999);
	assert_hears(&a, "");
	fixture_pass(&f, 1);
	assert_hears(&a, "4{\"message\":\"The application did not answer in time\"}");
	ck_assert_uint_eq(f.forgotten, 1);
	/* It comes late: the client is not in, and the application hears that it went. */
	fixture_answer(&f, &e, "{\"do\":\"accept\"},{\"do\":\"emit\",\"data\":[\"hi\"]}");
	assert_hears(&a, "");
	ck_assert_uint_eq(f.executed, 1);
	e = fixture_event(&f);
	ck_assert_int_eq(e.kind, RECORD_DISCONNECT);
	ck_assert_uint_eq(e.n, 2);
	assert_is(e.reason, "transport close");
	fixture_answer(&f, &e, "");
	ck_assert_uint_eq(remote_events(f.remote), 0);
	close_it();
}
END_TEST

START_TEST(a_late_refusal_is_nothing)
{
	struct event_record e;

	open_it();
	peer_open(&f, &a);
	e = fixture_event(&f);
	fixture_pass(&f, 1000);
	fixture_answer(&f, &e, "{\"do\":\"refuse\",\"data\":{\"message\":\"no\"}}");
	fixture_nothing(&f);
	close_it();
}
END_TEST

START_TEST(who_was_given_up_is_forgotten_in_time)
{
	struct event_record e;

	open_it();
	peer_open(&f, &a);
	e = fixture_event(&f);
	fixture_pass(&f, 1000 + 10 * 1000);
	fixture_answer(&f, &e, "{\"do\":\"accept\"}");
	fixture_nothing(&f);
	close_it();
}
END_TEST

START_TEST(gone_before_the_verdict)
{
	struct event_record e;

	open_it();
	peer_open(&f, &a);
	e = fixture_event(&f);
	peer_leave(&f, &a);
	fixture_nothing(&f);
	fixture_answer(&f, &e, "{\"do\":\"accept\"},{\"do\":\"join\",\"room\":\"r\"}");
	e = fixture_event(&f);
	ck_assert_int_eq(e.kind, RECORD_DISCONNECT);
	ck_assert_uint_eq(e.state.n_rooms, 0);
	ck_assert(!e.has_state);
	close_it();
}
END_TEST

START_TEST(gone_before_the_refusal)
{
	struct event_record e;

	open_it();
	peer_open(&f, &a);
	e = fixture_event(&f);
	peer_leave(&f, &a);
	fixture_answer(&f, &e, "{\"do\":\"refuse\",\"data\":{\"message\":\"no\"}}");
	fixture_nothing(&f);
	ck_assert_uint_eq(remote_events(f.remote), 0);
	close_it();
}
END_TEST

START_TEST(gone_before_it_was_sent)
{
	fixture_open_away(&f, NULL);
	peer_open(&f, &a);
	peer_leave(&f, &a);
	fixture_ready(&f, true);
	fixture_nothing(&f);
	ck_assert_uint_eq(remote_events(f.remote), 0);
	close_it();
}
END_TEST

START_TEST(talk_before_the_verdict_waits)
{
	struct event_record e;

	open_it();
	peer_open(&f, &a);
	e = fixture_event(&f);
	peer_say(&f, &a, "2[\"early\",1]");
	peer_say(&f, &a, "25[\"second\"]");
	fixture_nothing(&f);
	ck_assert(!a.ws.closed);
	fixture_answer(&f, &e, "{\"do\":\"accept\"}");
	ck_assert_msg(strncmp(peer_hears(&f, &a), "0{\"sid\"", 7) == 0, "%s", a.last);
	e = fixture_event(&f);
	assert_is(e.name, "\"early\"");
	fixture_answer(&f, &e, "");
	e = fixture_event(&f);
	ck_assert(e.wants_ack && e.ack_id == 5);
	close_it();
}
END_TEST

START_TEST(talk_before_a_refusal_ends_the_connection)
{
	struct event_record e;

	open_it();
	peer_open(&f, &a);
	e = fixture_event(&f);
	peer_say(&f, &a, "2[\"early\"]");
	fixture_answer(&f, &e, "{\"do\":\"refuse\",\"data\":{\"message\":\"no\"}}");
	assert_hears(&a, "4{\"message\":\"no\"}");
	ck_assert(a.ws.closed);
	fixture_nothing(&f);
	close_it();
}
END_TEST

START_TEST(nonsense_before_the_verdict_is_told_of_behind_it)
{
	struct event_record e;

	open_it();
	peer_open(&f, &a);
	e = fixture_event(&f);
	peer_say(&f, &a, "2[\"early\"]");
	peer_say(&f, &a, "2nonsense");
	peer_say(&f, &a, "2[\"never\"]");
	ck_assert(!a.ws.closed);
	fixture_answer(&f, &e, "{\"do\":\"accept\"}");
	ck_assert_msg(strncmp(peer_hears(&f, &a), "0{\"sid\"", 7) == 0, "%s", a.last);
	ck_assert(a.ws.closed);
	e = fixture_event(&f);
	assert_is(e.name, "\"early\"");
	fixture_answer(&f, &e, "");
	ck_assert_int_eq(fixture_event(&f).kind, RECORD_DISCONNECT);
	close_it();
}
END_TEST

START_TEST(one_namespace_does_not_hold_up_another)
{
	struct event_record e, other;

	open_it();
	peer_join(&f, &a);
	peer_say(&f, &a, "0/chat-1,");
	e = fixture_event(&f);
	peer_say(&f, &a, "2[\"elsewhere\"]");
	other = fixture_event(&f);
	assert_is(other.name, "\"elsewhere\"");
	fixture_answer(&f, &other, "");
	peer_say(&f, &a, "2/chat-1,[\"early\"]");
	peer_say(&f, &a, "0/chat-1,");
	peer_say(&f, &a, "2[\"behind\"]"); /* what waits keeps its order */
	fixture_nothing(&f);
	fixture_answer(&f, &e, "{\"do\":\"accept\"}");
	assert_is(fixture_event(&f).name, "\"early\"");
	ck_assert(a.ws.closed); /* in that namespace already */
	close_it();
}
END_TEST

START_TEST(too_much_before_the_verdict)
{
	static const char *const options[] = { "max_waiting_events=2", NULL };
	int64_t before = metrics_get(M_LIMIT_WAITING_EVENTS);

	open_with(options);
	peer_open(&f, &a);
	peer_say(&f, &a, "2[\"one\"]");
	peer_say(&f, &a, "2[\"two\"]");
	ck_assert(!a.ws.closed);
	peer_say(&f, &a, "2[\"three\"]");
	ck_assert(a.ws.closed);
	ck_assert_int_eq(metrics_get(M_LIMIT_WAITING_EVENTS), before + 1);
	close_it();
}
END_TEST

START_TEST(gone_with_what_it_said_early)
{
	struct event_record e;

	open_it();
	peer_open(&f, &a);
	e = fixture_event(&f);
	peer_say(&f, &a, "2[\"early\"]");
	peer_leave(&f, &a);
	fixture_answer(&f, &e, "{\"do\":\"accept\"}");
	ck_assert_int_eq(fixture_event(&f).kind, RECORD_DISCONNECT);
	close_it();
}
END_TEST

START_TEST(unknown_namespaces)
{
	open_it();
	peer_open_in(&f, &a, "EIO=4", "/no");
	assert_hears(&a, "4/no,{\"message\":\"Invalid namespace\"}");
	peer_open_in(&f, &b, "EIO=4", "/chat-1");
	assert_is(fixture_event(&f).nsp, "/chat-1");
	close_it();
}
END_TEST

START_TEST(unknown_namespaces_are_known_later)
{
	fixture_open_away(&f, NULL);
	peer_open_in(&f, &a, "EIO=4", "/no");
	assert_hears(&a, "");
	fixture_ready(&f, true);
	assert_hears(&a, "4/no,{\"message\":\"Invalid namespace\"}");
	fixture_nothing(&f);
	close_it();
}
END_TEST

START_TEST(always_connect)
{
	static const char *const options[] = { "always_connect=true", NULL };
	struct event_record e;

	open_with(options);
	peer_open(&f, &a);
	e = fixture_event(&f);
	assert_hears(&a, "");
	fixture_answer(&f, &e, "{\"do\":\"refuse\",\"data\":{\"message\":\"no\"}}");
	ck_assert_msg(strncmp(peer_hears(&f, &a), "0{\"sid\"", 7) == 0, "%s", a.last);
	assert_hears(&a, "1");
	close_it();
}
END_TEST

START_TEST(connect_timeout_while_it_waits)
{
	static const char *const options[] = { "connect_timeout=300ms", NULL };
	struct event_record e;

	open_with(options);
	peer_open(&f, &a);
	e = fixture_event(&f);
	fixture_pass(&f, 300);
	ck_assert(a.ws.closed);
	fixture_answer(&f, &e, "{\"do\":\"accept\"}");
	ck_assert_int_eq(fixture_event(&f).kind, RECORD_DISCONNECT);
	close_it();
}
END_TEST

/* --- Events -------------------------------------------------------------------------------------------------------- */

START_TEST(one_at_a_time_in_order)
{
	struct event_record e;

	open_it();
	peer_join(&f, &a);
	peer_say(&f, &a, "2[\"one\",1]");
	peer_say(&f, &a, "27[\"two\"]");
	peer_say(&f, &a, "2[\"three\"]");
	e = fixture_event(&f);
	fixture_nothing(&f);
	ck_assert_int_eq(e.kind, RECORD_EVENT);
	ck_assert_uint_eq(e.n, 2);
	assert_is(e.name, "\"one\"");
	assert_is(e.items, "1");
	ck_assert(!e.wants_ack);
	fixture_answer(&f, &e, "{\"do\":\"emit\",\"data\":[\"got\",1]}");
	assert_hears(&a, "2[\"got\",1]");
	e = fixture_event(&f);
	fixture_nothing(&f);
	assert_is(e.name, "\"two\"");
	ck_assert(e.wants_ack && e.ack_id == 7);
	fixture_answer(&f, &e, "{\"do\":\"ack\",\"ack\":7,\"data\":[\"yes\"]}");
	assert_hears(&a, "37[\"yes\"]");
	assert_is(fixture_event(&f).name, "\"three\"");
	close_it();
}
END_TEST

START_TEST(clients_do_not_wait_for_each_other)
{
	open_it();
	peer_join(&f, &a);
	peer_join(&f, &b);
	peer_say(&f, &a, "2[\"one\"]");
	peer_say(&f, &b, "2[\"two\"]");
	assert_is(fixture_event(&f).name, "\"one\"");
	assert_is(fixture_event(&f).name, "\"two\"");
	close_it();
}
END_TEST

START_TEST(doubled_batches_are_carried_out_once)
{
	struct event_record e;

	open_it();
	peer_join(&f, &a);
	peer_say(&f, &a, "2[\"one\"]");
	e = fixture_event(&f);
	fixture_answer(&f, &e, "{\"do\":\"emit\",\"data\":[\"got\"]}");
	fixture_answer(&f, &e, "{\"do\":\"emit\",\"data\":[\"got\"]}");
	assert_hears(&a, "2[\"got\"]");
	assert_hears(&a, "");
	ck_assert_uint_eq(f.executed, 3); /* the doubled one need not be kept for us either */
	close_it();
}
END_TEST

START_TEST(an_event_is_given_up)
{
	struct event_record e;

	open_it();
	peer_join(&f, &a);
	peer_say(&f, &a, "21[\"one\"]");
	fixture_pass(&f, 400);
	peer_say(&f, &a, "22[\"two\"]");
	e = fixture_event(&f);
	fixture_pass(&f, 599);
	assert_hears(&a, "");
	fixture_pass(&f, 1);
	assert_hears(&a, "31[{\"error\":\"The application did not answer in time\"}]");
	ck_assert_uint_eq(f.forgotten, 1);
	/* A late batch is nothing any more, also when the next event is under way. */
	fixture_answer(&f, &e, "{\"do\":\"ack\",\"ack\":1,\"data\":[]}");
	assert_hears(&a, "");
	assert_is(fixture_event(&f).name, "\"two\"");
	fixture_pass(&f, 400);
	assert_hears(&a, "32[{\"error\":\"The application did not answer in time\"}]");
	close_it();
}
END_TEST

START_TEST(what_waits_longer_than_its_time_is_never_sent)
{
	struct event_record e;

	open_it();
	peer_join(&f, &a);
	peer_say(&f, &a, "21[\"one\"]");
	peer_say(&f, &a, "22[\"two\"]");
	e = fixture_event(&f);
	fixture_pass(&f, 1000);
	assert_hears(&a, "31[{\"error\":\"The application did not answer in time\"}]");
	assert_hears(&a, "32[{\"error\":\"The application did not answer in time\"}]");
	(void)e;
	close_it();
}
END_TEST

START_TEST(failed_events)
{
	struct event_record e;
	int64_t before = metrics_get(M_DISPATCH_REFUSED_FAILED);

	open_it();
	peer_join(&f, &a);
	peer_say(&f, &a, "21[\"one\"]");
	e = fixture_event(&f);
	fixture_fail(&f, &e, "It broke");
	assert_hears(&a, "31[{\"error\":\"It broke\"}]");
	ck_assert_uint_eq(f.executed, 2);
	ck_assert_uint_eq(f.forgotten, 0);
	peer_say(&f, &a, "2[\"two\"]");
	e = fixture_event(&f);
	fixture_fail(&f, &e, "It broke");
	assert_hears(&a, "");
	ck_assert_int_eq(metrics_get(M_DISPATCH_REFUSED_FAILED) - before, 2);
	peer_open(&f, &b);
	e = fixture_event(&f);
	fixture_fail(&f, &e, "It broke");
	assert_hears(&b, "4{\"message\":\"It broke\"}");
	close_it();
}
END_TEST

START_TEST(malformed_batches)
{
	struct event_record e;
	char text[300];

	open_it();
	peer_join(&f, &a);
	peer_say(&f, &a, "21[\"one\"]");
	e = fixture_event(&f);
	fixture_batch(&f, "");
	fixture_batch(&f, "{}");
	fixture_batch(&f, "\x81");
	assert_hears(&a, "");
	snprintf(text, sizeof(text),
		"{\"v\":1,\"by\":\"w\",\"id\":\"7-0\",\"partition\":0,\"nsp\":\"/"
		"\",\"sid\":\"%.*s\",\"n\":2,\"effects\":[{\"do\":\"dance\"}]}",
		SLICE_ARG(e.sid));
	fixture_batch(&f, text);
	assert_hears(&a, "31[{\"error\":\"The application failed\"}]");
	close_it();
}
END_TEST

START_TEST(a_batch_of_a_timer)
{
	char text[300];
	struct event_record e;

	open_it();
	peer_open(&f, &a);
	e = fixture_event(&f);
	fixture_answer(&f, &e, "{\"do\":\"accept\"}");
	peer_hears(&f, &a);
	snprintf(text, sizeof(text),
		"{\"v\":1,\"by\":\"w\",\"nsp\":\"/"
		"\",\"sid\":\"%.*s\",\"effects\":[{\"do\":\"emit\",\"data\":[\"tick\"]}]}",
		SLICE_ARG(e.sid));
	fixture_batch(&f, text);
	assert_hears(&a, "2[\"tick\"]");
	fixture_batch(&f,
		"{\"v\":1,\"by\":\"w\",\"nsp\":\"/\",\"effects\":[{\"do\":\"emit\",\"all\":true,\"data\":[\"all\"]}]}");
	assert_hears(&a, "2[\"all\"]");
	ck_assert_uint_eq(f.executed, 1);
	close_it();
}
END_TEST

/* --- Acks that come later ------------------------------------------------------------------------------------------- */

static void give_later(const struct event_record *e)
{
	char text[300];

	snprintf(text, sizeof(text),
		"{\"v\":1,\"by\":\"w\",\"nsp\":\"/"
		"\",\"sid\":\"%.*s\",\"effects\":[{\"do\":\"ack\",\"ack\":%d,\"data\":[\"late\"]}]}",
		SLICE_ARG(e->sid), (int)e->ack_id);
	fixture_batch(&f, text);
}

START_TEST(a_deferred_ack_is_given)
{
	struct event_record e;

	open_it();
	peer_join(&f, &a);
	peer_say(&f, &a, "21[\"one\"]");
	e = fixture_event(&f);
	fixture_defer(&f, &e);
	give_later(&e);
	assert_hears(&a, "31[\"late\"]");
	fixture_pass(&f, 10000);
	assert_hears(&a, "");
	close_it();
}
END_TEST

/* Whoever had it is gone: past ack_timeout, and what the application's own word may take. */
START_TEST(a_deferred_ack_is_never_given)
{
	struct event_record e;

	open_it();
	peer_join(&f, &a);
	for (int i = 1; i <= 3; i++) {
		char text[40];

		snprintf(text, sizeof(text), "2%d[\"one\"]", i);
		peer_say(&f, &a, text);
		e = fixture_event(&f);
		fixture_defer(&f, &e);
	}
	fixture_pass(&f, 3000 + 1999);
	assert_hears(&a, "");
	fixture_pass(&f, 1);
	assert_hears(&a, "31[{\"error\":\"The application did not answer in time\"}]");
	assert_hears(&a, "32[{\"error\":\"The application did not answer in time\"}]");
	fixture_pass(&f, 10000);
	assert_hears(&a, ""); /* one past max_deferred_acks: not watched */
	give_later(&e);
	assert_hears(&a, "33[\"late\"]");
	close_it();
}
END_TEST

START_TEST(a_deferred_ack_of_one_who_went)
{
	struct event_record e;

	open_it();
	peer_join(&f, &a);
	peer_say(&f, &a, "21[\"one\"]");
	e = fixture_event(&f);
	fixture_defer(&f, &e);
	peer_leave(&f, &a);
	e = fixture_event(&f);
	ck_assert_int_eq(e.kind, RECORD_DISCONNECT);
	fixture_pass(&f, 10000);
	fixture_answer(&f, &e, "");
	ck_assert_uint_eq(remote_events(f.remote), 0);
	close_it();
}
END_TEST

/* --- Going --------------------------------------------------------------------------------------------------------- */

/* Its carrier keeps the batch for a while: nothing else of this client goes, and all of others. */
START_TEST(a_batch_that_is_held_holds_up_its_client)
{
	struct event_record e, old;

	open_it();
	peer_join(&f, &a);
	peer_join(&f, &b);
	ck_assert_uint_eq(f.executed_anew, 2);
	f.holds = true;
	peer_say(&f, &a, "2[\"x\"]");
	peer_say(&f, &a, "2[\"y\"]");
	old = e = fixture_event(&f);
	fixture_answer(&f, &e, "{\"do\":\"emit\",\"data\":[\"hi\"]}");
	assert_hears(&a, "2[\"hi\"]");
	fixture_nothing(&f);
	fixture_answer(&f, &e, ""); /* once more: held as well */
	ck_assert_uint_eq(f.executed, 4);
	ck_assert_uint_eq(f.executed_anew, 3);
	f.holds = false;
	peer_say(&f, &b, "2[\"z\"]");
	e = fixture_event(&f);
	assert_is(e.name, "\"z\"");
	remote_released(f.remote, f.sim.now_ms, SLICE("nobody"));
	remote_released(f.remote, f.sim.now_ms, old.sid);
	fixture_nothing(&f);
	remote_released(f.remote, f.sim.now_ms, old.sid);
	e = fixture_event(&f);
	assert_is(e.name, "\"y\"");
	fixture_answer(&f, &e, "");
	remote_released(f.remote, f.sim.now_ms, old.sid); /* none is held */
	peer_leave(&f, &a);
	ck_assert_int_eq(fixture_event(&f).kind, RECORD_DISCONNECT);
	close_it();
}
END_TEST

START_TEST(disconnect_goes_behind_what_waits)
{
	struct event_record e;

	open_it();
	peer_join(&f, &a);
	peer_say(&f, &a, "2[\"one\"]");
	peer_say(&f, &a, "2[\"two\"]");
	peer_leave(&f, &a);
	e = fixture_event(&f);
	assert_is(e.name, "\"one\"");
	fixture_nothing(&f);
	fixture_answer(&f, &e, "");
	e = fixture_event(&f);
	assert_is(e.name, "\"two\"");
	fixture_answer(&f, &e, "{\"do\":\"join\",\"room\":\"late\"}");
	e = fixture_event(&f);
	ck_assert_int_eq(e.kind, RECORD_DISCONNECT);
	ck_assert_uint_eq(e.n, 4);
	assert_is(e.reason, "transport close");
	ck_assert_uint_eq(f.dropped, 0);
	fixture_pass(&f, 100000); /* it has no deadline */
	ck_assert_uint_eq(remote_events(f.remote), 1);
	ck_assert_uint_eq(f.dropped, 0);
	fixture_answer(&f, &e, "");
	ck_assert_uint_eq(f.dropped, 1);
	ck_assert_uint_eq(remote_events(f.remote), 0);
	close_it();
}
END_TEST

START_TEST(disconnect_has_the_rooms_and_the_session)
{
	struct event_record e;

	open_it();
	peer_join(&f, &a);
	peer_say(&f, &a, "2[\"one\"]");
	e = fixture_event(&f);
	fixture_answer(&f, &e, "{\"do\":\"join\",\"room\":\"r\"},{\"do\":\"session\",\"key\":\"k\",\"value\":[1]}");
	peer_leave(&f, &a);
	e = fixture_event(&f);
	ck_assert(e.has_state && e.state_n == 2);
	ck_assert_uint_eq(e.state.n_rooms, 2);
	assert_is(e.state.rooms[1], "r");
	ck_assert_uint_eq(e.state.n_session, 1);
	assert_is(e.state.session[0].json, "[1]");
	close_it();
}
END_TEST

START_TEST(an_effect_ends_its_client)
{
	struct event_record e;

	open_it();
	peer_join(&f, &a);
	peer_say(&f, &a, "2[\"one\"]");
	peer_say(&f, &a, "2[\"two\"]");
	e = fixture_event(&f);
	fixture_answer(&f, &e, "{\"do\":\"disconnect\"}");
	assert_hears(&a, "1");
	assert_is(fixture_event(&f).name, "\"two\"");
	close_it();
}
END_TEST

START_TEST(an_orderly_end)
{
	struct event_record e;

	open_it();
	peer_join(&f, &a);
	peer_join(&f, &b);
	sessions_drop(&f.sim.sessions, f.sim.now_ms);
	sim_turn(&f.sim);
	remote_end(f.remote, f.sim.now_ms);
	ck_assert_uint_eq(remote_events(f.remote), 2);
	for (int i = 0; i < 2; i++) {
		e = fixture_event(&f);
		ck_assert_int_eq(e.kind, RECORD_DISCONNECT);
		fixture_answer(&f, &e, "");
	}
	ck_assert_uint_eq(remote_events(f.remote), 0);
	close_it();
}
END_TEST

/* --- Limits -------------------------------------------------------------------------------------------------------- */

START_TEST(max_waiting_events)
{
	int64_t before = metrics_get(M_LIMIT_WAITING_EVENTS);

	open_it();
	peer_join(&f, &a);
	peer_say(&f, &a, "21[\"one\"]");
	peer_say(&f, &a, "22[\"two\"]");
	peer_say(&f, &a, "23[\"three\"]");
	assert_hears(&a, "");
	ck_assert_int_eq(metrics_get(M_LIMIT_WAITING_EVENTS), before);
	peer_say(&f, &a, "24[\"four\"]");
	assert_hears(&a, "34[{\"error\":\"The server is busy\"}]");
	peer_say(&f, &a, "2[\"five\"]");
	assert_hears(&a, "");
	ck_assert_int_eq(metrics_get(M_LIMIT_WAITING_EVENTS), before + 2);
	peer_leave(&f, &a); /* what is owed is not refused */
	ck_assert_uint_eq(remote_events(f.remote), 4);
	close_it();
}
END_TEST

START_TEST(max_waiting_memory)
{
	static const char *const options[] = { "max_waiting_memory=12KB", NULL };
	int64_t before = metrics_get(M_LIMIT_WAITING_MEMORY);
	char text[3000];

	open_with(options);
	peer_join(&f, &a);
	peer_join(&f, &b);
	memset(text, 'x', sizeof(text));
	memcpy(text, "21[\"one\",\"", 10);
	memcpy(text + 2900, "\"]", 3);
	for (int i = 0; i < 3; i++)
		peer_say(&f, &a, text);
	assert_hears(&a, "");
	peer_say(&f, &b, text);
	assert_hears(&b, "31[{\"error\":\"The server is busy\"}]");
	ck_assert_int_eq(metrics_get(M_LIMIT_WAITING_MEMORY), before + 1);
	close_it();
}
END_TEST

START_TEST(backlog)
{
	int64_t before = metrics_get(M_LIMIT_BACKLOG);

	open_it();
	peer_join(&f, &a);
	peer_say(&f, &a, "21[\"one\"]");
	remote_refuse(f.remote, f.sim.now_ms, f.numbers[f.n_sent - 1], REFUSED_BACKLOG);
	assert_hears(&a, "31[{\"error\":\"The server is busy\"}]");
	peer_open(&f, &b);
	remote_refuse(f.remote, f.sim.now_ms, f.numbers[f.n_sent - 1], REFUSED_BACKLOG);
	assert_hears(&b, "4{\"message\":\"The server is busy\"}");
	remote_refuse(f.remote, f.sim.now_ms, f.numbers[f.n_sent - 1], REFUSED_BACKLOG); /* it is over */
	ck_assert_int_eq(metrics_get(M_LIMIT_BACKLOG), before + 2);
	close_it();
}
END_TEST

START_TEST(too_large)
{
	open_it();
	peer_join(&f, &a);
	f.send_answers = -EMSGSIZE;
	peer_say(&f, &a, "21[\"one\"]");
	assert_hears(&a, "31[{\"error\":\"The message is too large\"}]");
	f.send_answers = 0;
	peer_say(&f, &a, "2[\"two\"]");
	assert_is(fixture_event(&f).name, "\"two\"");
	close_it();
}
END_TEST

START_TEST(nobody_is_there)
{
	fixture_open_away(&f, NULL);
	ck_assert_str_eq(remote_trouble(f.remote), "no broker has been seen");
	peer_open(&f, &a);
	fixture_pass(&f, 499);
	peer_open(&f, &b);
	fixture_pass(&f, 1);
	assert_hears(&b, "");
	peer_open(&f, &c);
	assert_hears(&c, "4{\"message\":\"The application is not there\"}");
	fixture_pass(&f, 500);
	assert_hears(&a, "4{\"message\":\"The application did not answer in time\"}");
	fixture_ready(&f, true);
	ck_assert(remote_trouble(f.remote) == NULL);
	ck_assert_int_eq(fixture_event(&f).kind, RECORD_CONNECT); /* the second's */
	close_it();
}
END_TEST

START_TEST(nobody_is_there_any_more)
{
	open_it();
	peer_join(&f, &a);
	remote_served(f.remote, f.sim.now_ms, false);
	ck_assert_str_eq(remote_trouble(f.remote), "no broker is there");
	fixture_pass(&f, 499);
	peer_say(&f, &a, "21[\"one\"]");
	assert_hears(&a, "");
	fixture_pass(&f, 1);
	peer_say(&f, &a, "22[\"two\"]");
	assert_hears(&a, "32[{\"error\":\"The application is not there\"}]");
	peer_open(&f, &b);
	assert_hears(&b, "4{\"message\":\"The application is not there\"}");
	remote_served(f.remote, f.sim.now_ms, true);
	peer_say(&f, &a, "23[\"three\"]");
	assert_hears(&a, "");
	close_it();
}
END_TEST

/* --- The carrier comes and goes ------------------------------------------------------------------------------------ */

START_TEST(what_comes_while_it_is_away_waits)
{
	struct event_record e;

	open_it();
	peer_join(&f, &a);
	remote_away(f.remote, f.sim.now_ms);
	peer_say(&f, &a, "2[\"one\"]");
	peer_say(&f, &a, "2[\"two\"]");
	fixture_nothing(&f);
	remote_ready(f.remote, f.sim.now_ms, false);
	fixture_pass(&f, 1);
	e = fixture_event(&f);
	assert_is(e.name, "\"one\"");
	ck_assert(!e.again && !e.has_state);
	fixture_nothing(&f);
	close_it();
}
END_TEST

START_TEST(what_was_lost_is_sent_again)
{
	struct event_record e;

	open_it();
	peer_join(&f, &a);
	peer_say(&f, &a, "2[\"one\"]");
	e = fixture_event(&f);
	remote_away(f.remote, f.sim.now_ms);
	remote_ready(f.remote, f.sim.now_ms, false);
	fixture_pass(&f, 1);
	ck_assert_uint_eq(f.checked, 1);
	fixture_nothing(&f);
	f.n_put = 0;
	remote_away(f.remote, f.sim.now_ms);
	fixture_ready(&f, true);
	fixture_pass(&f, 1);
	ck_assert_uint_eq(f.n_put, 1);
	e = fixture_event(&f);
	assert_is(e.name, "\"one\"");
	ck_assert(e.again && e.has_state && e.n == 2);
	fixture_answer(&f, &e, "{\"do\":\"emit\",\"data\":[\"got\"]}");
	fixture_answer(&f, &e, "{\"do\":\"emit\",\"data\":[\"got\"]}"); /* of the first time */
	assert_hears(&a, "2[\"got\"]");
	assert_hears(&a, "");
	close_it();
}
END_TEST

START_TEST(not_now_is_tried_again)
{
	open_it();
	peer_join(&f, &a);
	f.send_answers = -EAGAIN;
	peer_say(&f, &a, "2[\"one\"]");
	fixture_pass(&f, 50);
	fixture_nothing(&f);
	f.send_answers = 0;
	fixture_pass(&f, 50);
	assert_is(fixture_event(&f).name, "\"one\"");
	close_it();
}
END_TEST

/* --- Taken for dead ------------------------------------------------------------------------------------------------ */

START_TEST(who_is_still_known_goes_on)
{
	struct event_record e;

	open_it();
	peer_open(&f, &a);
	e = fixture_event(&f);
	fixture_answer(&f, &e, "{\"do\":\"accept\"}");
	peer_hears(&f, &a);
	remote_doubt(f.remote, f.sim.now_ms);
	peer_say(&f, &a, "2[\"one\"]");
	fixture_pass(&f, 1);
	ck_assert_uint_eq(f.looked, 1);
	fixture_nothing(&f);
	remote_look_again(f.remote, e.sid);
	fixture_ready(&f, false);
	fixture_pass(&f, 1);
	ck_assert_uint_eq(f.looked, 2);
	remote_state_is(f.remote, f.sim.now_ms, e.sid, true);
	ck_assert_uint_eq(f.n_put, 2);
	assert_is(fixture_event(&f).name, "\"one\"");
	remote_state_is(f.remote, f.sim.now_ms, e.sid, false); /* nobody asked */
	ck_assert(!a.ws.closed);
	close_it();
}
END_TEST

START_TEST(who_was_told_gone_is_closed)
{
	struct event_record e;

	open_it();
	peer_open(&f, &a);
	e = fixture_event(&f);
	fixture_answer(&f, &e, "{\"do\":\"accept\"}");
	peer_hears(&f, &a);
	peer_say(&f, &a, "2[\"one\"]");
	e = fixture_event(&f);
	peer_join(&f, &b);
	remote_doubt(f.remote, f.sim.now_ms);
	peer_say(&f, &a, "2[\"two\"]");
	fixture_pass(&f, 1);
	ck_assert_uint_eq(f.looked, 2);
	remote_state_is(f.remote, f.sim.now_ms, e.sid, false);
	fixture_pass(&f, 1);
	ck_assert(a.ws.closed && !b.ws.closed);
	ck_assert_uint_eq(f.forgotten, 1);
	ck_assert_uint_eq(remote_events(f.remote), 0);
	fixture_nothing(&f); /* and no disconnect */
	close_it();
}
END_TEST

START_TEST(an_empty_redis_says_nothing_of_anybody)
{
	open_it();
	peer_join(&f, &a);
	remote_away(f.remote, f.sim.now_ms);
	remote_doubt(f.remote, f.sim.now_ms);
	peer_say(&f, &a, "2[\"one\"]");
	fixture_ready(&f, true);
	fixture_pass(&f, 1);
	ck_assert_uint_eq(f.looked, 0);
	assert_is(fixture_event(&f).name, "\"one\"");
	close_it();
}
END_TEST

/* --- States -------------------------------------------------------------------------------------------------------- */

START_TEST(states_have_versions)
{
	struct event_record e;
	struct client_record kept;

	open_it();
	peer_join(&f, &a);
	ck_assert_uint_eq(f.n_put, 1);
	peer_say(&f, &a, "2[\"one\"]");
	e = fixture_event(&f);
	ck_assert(!e.has_state && e.state_n == 1);
	fixture_answer(&f, &e, "{\"do\":\"join\",\"room\":\"r\"},{\"do\":\"session\",\"key\":\"k\",\"value\":1}");
	peer_say(&f, &a, "2[\"two\"]");
	e = fixture_event(&f);
	ck_assert(e.has_state && e.state_n == 2);
	ck_assert_uint_eq(e.state.n_rooms, 2);
	ck_assert_uint_eq(f.n_put, 2);
	ck_assert(client_record_read(&f.arena, buf_slice(&f.put), &RECORD_RULES, &kept) == NULL);
	ck_assert_uint_eq(kept.state_n, 2);
	ck_assert_uint_eq(kept.n, 3);
	assert_is(kept.state.session[0].json, "1");
	fixture_answer(&f, &e, "{\"do\":\"session\",\"key\":\"k\"}");
	peer_say(&f, &a, "2[\"three\"]");
	e = fixture_event(&f);
	ck_assert(e.has_state && e.state_n == 3 && e.state.n_session == 0);
	fixture_answer(&f, &e, "{\"do\":\"leave\",\"room\":\"r\"}");
	peer_say(&f, &a, "2[\"four\"]");
	e = fixture_event(&f);
	ck_assert(e.has_state && e.state_n == 4 && e.state.n_rooms == 1);
	close_it();
}
END_TEST

START_TEST(a_state_that_was_not_kept_is_put_again)
{
	struct event_record e;

	open_it();
	peer_open(&f, &a);
	e = fixture_event(&f);
	ck_assert_uint_eq(f.n_put, 1);
	remote_put_again(f.remote, f.sim.now_ms, e.sid);
	remote_put_again(f.remote, f.sim.now_ms, SLICE("nobody"));
	fixture_pass(&f, 50);
	ck_assert_uint_eq(f.n_put, 2);
	close_it();
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("remote");
	TCase *t = tcase_create("remote");

	tcase_add_test(t, connect_waits_for_the_verdict);
	tcase_add_test(t, connect_is_refused);
	tcase_add_test(t, a_batch_without_a_verdict_refuses);
	tcase_add_test(t, connect_is_given_up);
	tcase_add_test(t, a_late_refusal_is_nothing);
	tcase_add_test(t, who_was_given_up_is_forgotten_in_time);
	tcase_add_test(t, gone_before_the_verdict);
	tcase_add_test(t, gone_before_the_refusal);
	tcase_add_test(t, gone_before_it_was_sent);
	tcase_add_test(t, talk_before_the_verdict_waits);
	tcase_add_test(t, talk_before_a_refusal_ends_the_connection);
	tcase_add_test(t, nonsense_before_the_verdict_is_told_of_behind_it);
	tcase_add_test(t, one_namespace_does_not_hold_up_another);
	tcase_add_test(t, too_much_before_the_verdict);
	tcase_add_test(t, gone_with_what_it_said_early);
	tcase_add_test(t, unknown_namespaces);
	tcase_add_test(t, unknown_namespaces_are_known_later);
	tcase_add_test(t, always_connect);
	tcase_add_test(t, connect_timeout_while_it_waits);
	tcase_add_test(t, one_at_a_time_in_order);
	tcase_add_test(t, clients_do_not_wait_for_each_other);
	tcase_add_test(t, doubled_batches_are_carried_out_once);
	tcase_add_test(t, an_event_is_given_up);
	tcase_add_test(t, what_waits_longer_than_its_time_is_never_sent);
	tcase_add_test(t, failed_events);
	tcase_add_test(t, malformed_batches);
	tcase_add_test(t, a_batch_of_a_timer);
	tcase_add_test(t, a_deferred_ack_is_given);
	tcase_add_test(t, a_deferred_ack_is_never_given);
	tcase_add_test(t, a_deferred_ack_of_one_who_went);
	tcase_add_test(t, a_batch_that_is_held_holds_up_its_client);
	tcase_add_test(t, disconnect_goes_behind_what_waits);
	tcase_add_test(t, disconnect_has_the_rooms_and_the_session);
	tcase_add_test(t, an_effect_ends_its_client);
	tcase_add_test(t, an_orderly_end);
	tcase_add_test(t, max_waiting_events);
	tcase_add_test(t, max_waiting_memory);
	tcase_add_test(t, backlog);
	tcase_add_test(t, too_large);
	tcase_add_test(t, nobody_is_there);
	tcase_add_test(t, nobody_is_there_any_more);
	tcase_add_test(t, what_comes_while_it_is_away_waits);
	tcase_add_test(t, what_was_lost_is_sent_again);
	tcase_add_test(t, not_now_is_tried_again);
	tcase_add_test(t, who_is_still_known_goes_on);
	tcase_add_test(t, who_was_told_gone_is_closed);
	tcase_add_test(t, an_empty_redis_says_nothing_of_anybody);
	tcase_add_test(t, states_have_versions);
	tcase_add_test(t, a_state_that_was_not_kept_is_put_again);
	suite_add_tcase(s, t);
	suite_add_tcase(s, requests_case());
	return s;
}
