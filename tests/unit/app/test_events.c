/* test_events.c - connect, middleware, the batch, and an event that nobody handles. */
#include "rig.h"

#include <errno.h>

static int refuse_as;
static const char *refuse_with;
static bool refuse_data;

static int on_connect(struct stoa_event *ev)
{
	const char *token;

	stoa_emit(ev, "hello");
	stoa_join_room(ev, "lobby");
	if (refuse_as == STOA_EINPUT && stoa_unpack(ev, &token) < 0)
		return STOA_EINPUT;
	if (refuse_with)
		return refuse_data ? stoa_fail(ev, refuse_with, stoa_object("content", "later"))
				   : stoa_fail(ev, refuse_with);
	return refuse_as;
}

static int echo(struct stoa_event *ev)
{
	return stoa_emit(ev, "echo", stoa_spread(stoa_args(ev)));
}

static int seen(struct stoa_event *ev)
{
	return stoa_emit(ev, "seen", (const char *)stoa_ctx(ev), stoa_name(ev));
}

static int error_seen(struct stoa_event *ev)
{
	return stoa_emit(ev, "error", stoa_name(ev), stoa_error(ev));
}

static void setup_connect(struct stoa_app *app)
{
	refuse_as = 0;
	refuse_with = NULL;
	refuse_data = false;
	stoa_on(app, "/", "connect", on_connect, NULL);
	stoa_on_error(app, "*", error_seen, NULL);
}

START_TEST(accepting_comes_first)
{
	ck_assert_ptr_nonnull(rig_open(setup_connect));
	rig_connect();
	ck_assert_str_eq(rig_log(), "accept\nemit [\"hello\"] to A\njoin lobby to A\n");
}
END_TEST

/* The effects still go; no error handler sees a refusal. */
#define AFTER "emit [\"hello\"] to A\njoin lobby to A\n"

START_TEST(refusing_comes_first)
{
	ck_assert_ptr_nonnull(rig_open(setup_connect));
	refuse_as = -EACCES;
	rig_connect();
	ck_assert_str_eq(rig_log(), "refuse {\"message\":\"Connection rejected by server\"}\n" AFTER);
	refuse_as = STOA_EINPUT;
	rig_connect();
	ck_assert_str_eq(rig_log(), "refuse {\"message\":\"argument 1: expected text\"}\n" AFTER);
	refuse_as = 0;
	refuse_with = "not \"you\"";
	rig_connect();
	ck_assert_str_eq(rig_log(), "refuse {\"message\":\"not \\\"you\\\"\"}\n" AFTER);
	refuse_data = true;
	rig_connect();
	ck_assert_str_eq(
		rig_log(), "refuse {\"message\":\"not \\\"you\\\"\",\"data\":{\"content\":\"later\"}}\n" AFTER);
}
END_TEST

static int fails_quietly(struct stoa_event *ev)
{
	stoa_fail(ev, "said and not returned");
	return 0;
}

static int fails_with_bytes(struct stoa_event *ev)
{
	return stoa_fail(ev, "m", stoa_bytes("abc", 3));
}

static int fails_without_words(struct stoa_event *ev)
{
	return stoa_fail(ev, (const char *)NULL);
}

static void setup_fails(struct stoa_app *app)
{
	stoa_on(app, "/", "connect", fails_quietly, NULL);
	stoa_on(app, "/bytes", "connect", fails_with_bytes, NULL);
	stoa_on(app, "/null", "connect", fails_without_words, NULL);
	stoa_on(app, "/bytes", "go", fails_with_bytes, NULL);
}

START_TEST(failing_counts_even_when_it_is_not_returned)
{
	ck_assert_ptr_nonnull(rig_open(setup_fails));
	rig_connect();
	ck_assert_str_eq(rig_log(), "refuse {\"message\":\"said and not returned\"}\n");
	rig.nsp = "/null";
	rig_connect();
	ck_assert_str_eq(rig_log(), "refuse {\"message\":\"\"}\n");
}
END_TEST

START_TEST(a_refusal_carries_no_binary)
{
	ck_assert_ptr_nonnull(rig_open(setup_fails));
	rig.nsp = "/bytes";
	rig_connect();
	ck_assert_str_eq(rig_log(), "refuse {\"message\":\"m\"}\n");
	rig_event("go", "", 4);
	ck_assert_str_eq(rig_log(),
		"ack 4 [{\"error\":\"m\",\"data\":{\"_placeholder\":true,\"num\":0}}] <abc> to A nsp=/bytes\n");
}
END_TEST

/* --- Middleware --------------------------------------------------------------------------------------------------- */

static int stops(struct stoa_event *ev)
{
	if (strcmp(stoa_name(ev), "stop") == 0)
		return stoa_fail(ev, "stopped");
	return 0;
}

static void setup_uses(struct stoa_app *app)
{
	stoa_use(app, "*", seen, CTX("every"));
	stoa_on(app, "/a", "x", echo, NULL);
	stoa_on(app, "/a", "stop", echo, NULL);
	stoa_on(app, "/b", "x", echo, NULL);
	stoa_use(app, "/a", stops, NULL);
	stoa_use(app, "/a", seen, CTX("last"));
}

START_TEST(middleware_runs_in_order)
{
	ck_assert_ptr_nonnull(rig_open(setup_uses));
	rig.nsp = "/a";
	rig_event("x", "1", -1);
	ck_assert_str_eq(rig_log(), "emit [\"seen\",\"every\",\"x\"] to A nsp=/a\n"
				    "emit [\"seen\",\"last\",\"x\"] to A nsp=/a\n"
				    "emit [\"echo\",1] to A nsp=/a\n");
	rig.nsp = "/b";
	rig_event("x", "1", -1);
	ck_assert_str_eq(rig_log(), "emit [\"seen\",\"every\",\"x\"] to A nsp=/b\nemit [\"echo\",1] to A nsp=/b\n");
}
END_TEST

START_TEST(middleware_sees_connects_and_what_nobody_handles)
{
	ck_assert_ptr_nonnull(rig_open(setup_uses));
	rig.nsp = "/b";
	rig_connect();
	ck_assert_str_eq(rig_log(), "accept\nemit [\"seen\",\"every\",\"connect\"] to A nsp=/b\n");
	rig_event("unknown", "", 5);
	ck_assert_str_eq(rig_log(), "emit [\"seen\",\"every\",\"unknown\"] to A nsp=/b\n");
	rig_disconnect("transport close");
	ck_assert_str_eq(rig_log(), "emit [\"seen\",\"every\",\"disconnect\"] to A nsp=/b\n");
}
END_TEST

START_TEST(middleware_stops_an_event)
{
	ck_assert_ptr_nonnull(rig_open(setup_uses));
	rig.nsp = "/a";
	rig_event("stop", "", 5);
	ck_assert_str_eq(rig_log(), "emit [\"seen\",\"every\",\"stop\"] to A nsp=/a\n"
				    "ack 5 [{\"error\":\"stopped\"}] to A nsp=/a\n");
}
END_TEST

static int no_entry(struct stoa_event *ev)
{
	return stoa_fail(ev, "no entry");
}

static void setup_gate(struct stoa_app *app)
{
	stoa_on(app, "*", "x", echo, NULL);
	stoa_use(app, "/admin", no_entry, NULL);
}

START_TEST(middleware_guards_a_namespace_that_another_pattern_handles)
{
	ck_assert_ptr_nonnull(rig_open(setup_gate));
	rig.nsp = "/admin";
	rig_connect();
	ck_assert_str_eq(rig_log(), "refuse {\"message\":\"no entry\"}\n");
	rig.nsp = "/other";
	rig_connect();
	ck_assert_str_eq(rig_log(), "accept\n");
}
END_TEST

/* --- The batch ---------------------------------------------------------------------------------------------------- */

static int batch(struct stoa_event *ev)
{
	stoa_join_room(ev, "r");
	stoa_emit(stoa_to(ev, "r"), "a", 1);
	stoa_ack(ev, "one", 2);
	stoa_leave_room(ev, "r");
	stoa_disconnect(ev);
	stoa_disconnect_transport(ev);
	return 0;
}

START_TEST(effects_keep_their_order)
{
	rig_go_ack(batch, "", 7);
	ck_assert_str_eq(rig_log(), "join r to A\nemit [\"a\",1] to r\nack 7 [\"one\",2] to A\nleave r to A\n"
				    "disconnect to A\ndisconnect transport to A\n");
}
END_TEST

static int batch_and_error(struct stoa_event *ev)
{
	stoa_emit(ev, "a");
	return -1;
}

START_TEST(effects_go_also_when_the_handler_fails)
{
	rig_go(batch_and_error, "");
	ck_assert_str_eq(rig_log(), "emit [\"a\"] to A\n");
}
END_TEST

START_TEST(nobody_handles_it)
{
	rig_event("unknown", "1", 3);
	ck_assert_str_eq(rig_log(), "");
}
END_TEST

START_TEST(arguments_pass_through_as_they_came)
{
	rig_go(echo, "1.50, {\"b\":1,\"a\":[true,null]},\"\\u00e9\\ud800\"");
	ck_assert_str_eq(rig_log(), "emit [\"echo\",1.50, {\"b\":1,\"a\":[true,null]},\"\\u00e9\\ud800\"] to A\n");
	rig_go(echo, "");
	ck_assert_str_eq(rig_log(), "emit [\"echo\"] to A\n");
}
END_TEST

START_TEST(binary_passes_through)
{
	struct slice blobs[] = { SLICE("one"), SLICE("two") };

	rig.fn = echo;
	rig_event_blobs("go", "{\"_placeholder\":true,\"num\":1},[{\"_placeholder\":true,\"num\":0}]", blobs, 2);
	ck_assert_str_eq(rig_log(), "emit [\"echo\",{\"_placeholder\":true,\"num\":0},"
				    "[{\"_placeholder\":true,\"num\":1}]] <two> <one> to A\n");
}
END_TEST

/* --- Start and stop ----------------------------------------------------------------------------------------------- */

static int server_seen(struct stoa_event *ev)
{
	ck_assert_ptr_null(stoa_sid(ev));
	ck_assert_str_eq(stoa_namespace(ev), "/");
	IS(stoa_emit(ev, "x"), -EDESTADDRREQ);
	return stoa_emit(stoa_to(ev, .broadcast = true), stoa_name(ev));
}

static void setup_server(struct stoa_app *app)
{
	stoa_on_server(app, "start", server_seen, NULL);
	stoa_on_server(app, "stop", server_seen, NULL);
}

START_TEST(start_and_stop)
{
	ck_assert_ptr_nonnull(rig_open(setup_server));
	app_start(rig.app, 1);
	ck_assert_str_eq(rig_log(), "emit [\"start\"] to broadcast\n");
	app_stop(rig.app, 2);
	ck_assert_str_eq(rig_log(), "emit [\"stop\"] to broadcast\n");
	app_stop(rig.app, 3);
	ck_assert_str_eq(rig_log(), "");
}
END_TEST

TCase *case_events(void)
{
	TCase *tc = tcase_create("events");

	tcase_add_checked_fixture(tc, rig_begin, rig_end);
	tcase_add_test(tc, accepting_comes_first);
	tcase_add_test(tc, refusing_comes_first);
	tcase_add_test(tc, failing_counts_even_when_it_is_not_returned);
	tcase_add_test(tc, a_refusal_carries_no_binary);
	tcase_add_test(tc, middleware_runs_in_order);
	tcase_add_test(tc, middleware_sees_connects_and_what_nobody_handles);
	tcase_add_test(tc, middleware_stops_an_event);
	tcase_add_test(tc, middleware_guards_a_namespace_that_another_pattern_handles);
	tcase_add_test(tc, effects_keep_their_order);
	tcase_add_test(tc, effects_go_also_when_the_handler_fails);
	tcase_add_test(tc, nobody_handles_it);
	tcase_add_test(tc, arguments_pass_through_as_they_came);
	tcase_add_test(tc, binary_passes_through);
	tcase_add_test(tc, start_and_stop);
	return tc;
}
