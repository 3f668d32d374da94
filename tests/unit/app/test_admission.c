/* test_admission.c - requests before there is a client, and clients on their way out. */
#include <errno.h>
#include <stdio.h>

#include "rig.h"

static int handler(struct stoa_event *ev)
{
	return rig.fn ? rig.fn(ev) : 0;
}

static void setup(struct stoa_app *app)
{
	stoa_on_server(app, "handshake", handler, CTX("the ctx"));
	stoa_on_server(app, "connection_error", handler, NULL);
}

static void no_handlers(struct stoa_app *app)
{
	stoa_on(app, "/", "go", handler, NULL);
}

static void begin(void)
{
	rig_begin();
	ck_assert_ptr_nonnull(rig_open(setup));
	rig_log();
}

static const char *admit(stoa_fn *fn)
{
	rig.fn = fn;
	app_admit(rig.app, rig.now_ms, &(struct app_request){ .handshake = &rig.handshake, .transport = "polling" });
	return rig_log();
}

/* --- "handshake" -------------------------------------------------------------------------------------------------- */

static int look(struct stoa_event *ev)
{
	ck_assert_str_eq(stoa_query(ev, "token"), "t 1");
	ck_assert_str_eq(stoa_header(ev, "X-Color"), "blue");
	ck_assert_str_eq(stoa_cookie(ev, "a"), "b");
	ck_assert_str_eq(stoa_address(ev), "192.0.2.7");
	ck_assert_str_eq(stoa_transport(ev), "polling");
	ck_assert_str_eq(stoa_name(ev), "handshake");
	ck_assert_str_eq(stoa_namespace(ev), "/");
	ck_assert_str_eq(stoa_ctx(ev), "the ctx");
	ck_assert_ptr_null(stoa_sid(ev));
	ck_assert_ptr_null(stoa_reason(ev));
	IS((int64_t)stoa_size(stoa_args(ev)), 0);
	IS((int64_t)stoa_size(stoa_auth(ev)), 0);
	IS(stoa_type(stoa_rooms(ev)), STOA_NULL);
	return 0;
}

START_TEST(it_sees_the_request_and_no_client)
{
	rig.handshake = (struct app_handshake){
		.query = SLICE("token=t+1"), .headers = SLICE("x-color: blue\ncookie: a=b\n"), .address = "192.0.2.7"
	};
	ck_assert_str_eq(admit(look), "admit\n");
}
END_TEST

static int agree(struct stoa_event *ev)
{
	(void)ev;
	return 1;
}
static int fail_with_words(struct stoa_event *ev)
{
	return stoa_fail(ev, "no ticket", stoa_object("left", "out"));
}
static int fail_and_return_0(struct stoa_event *ev)
{
	(void)stoa_fail(ev, "no ticket");
	return 0;
}
static int fail_with_a_number(struct stoa_event *ev)
{
	(void)ev;
	return -EIO;
}
static int fail_with_no_text(struct stoa_event *ev)
{
	return stoa_fail(ev, "a\xff"
			     "b");
}

START_TEST(what_it_returns_decides)
{
	ck_assert_str_eq(admit(agree), "admit\n");
	ck_assert_str_eq(admit(fail_with_words), "deny no ticket\n");
	ck_assert_str_eq(admit(fail_and_return_0), "deny no ticket\n");
	ck_assert_str_eq(admit(fail_with_a_number), "deny Forbidden\n");
	ck_assert_str_eq(admit(fail_with_no_text), "deny a\xEF\xBF\xBD"
						   "b\n");
}
END_TEST

START_TEST(without_a_handler_all_come_in)
{
	ck_assert_ptr_nonnull(rig_open(no_handlers));
	ck_assert_str_eq(admit(NULL), "admit\n");
	ck_assert(!app_hears_connection_errors(rig.app));
	app_connection_error(rig.app, 0, &(struct app_request){ .transport = NULL }, SLICE("{}"));
	ck_assert_str_eq(rig_log(), "");
}
END_TEST

static int emit_too(struct stoa_event *ev)
{
	IS(stoa_emit(stoa_to(ev, "door"), "knock"), 0);
	IS(stoa_emit(ev, "knock"), -EDESTADDRREQ);
	return stoa_fail(ev, "shut");
}

START_TEST(the_decision_comes_before_what_else_is_done)
{
	ck_assert_str_eq(admit(emit_too), "deny shut\nemit [\"knock\"] to door\n");
}
END_TEST

/* --- Headers ------------------------------------------------------------------------------------------------------ */

static int set_some(struct stoa_event *ev)
{
	IS(stoa_set_header(ev, "Set-Cookie", "a=b"), 0);
	IS(stoa_set_session_header(ev, "X-Node", "7"), 0);
	IS(stoa_set_header(ev, "Set-Cookie", "c=d"), 0);
	return 0;
}
static int set_and_fail(struct stoa_event *ev)
{
	IS(stoa_set_header(ev, "Retry-After", "5"), 0);
	return stoa_fail(ev, "later");
}

START_TEST(headers_go_with_the_decision)
{
	ck_assert_str_eq(admit(set_some), "admit [Set-Cookie: a=b\r\nSet-Cookie: c=d\r\n] session [X-Node: 7\r\n]\n");
	ck_assert_str_eq(admit(set_and_fail), "deny later [Retry-After: 5\r\n]\n");
	ck_assert_str_eq(admit(agree), "admit\n");
}
END_TEST

static const struct {
	const char *name, *value;
} bad_headers[] = {
	{ "X-A", "a\r\nX-B: c" },
	{ "X-A", "a\nb" },
	{ "X-A", "tab\t" },
	{ "X-A", "gr\xc3\xbcn" },
	{ "X-A", NULL },
	{ NULL, "a" },
	{ "", "a" },
	{ "X A", "a" },
	{ "X-A:", "a" },
	{ "X-\xc3\xbc", "a" },
	{ "X-A\r\nX-B", "a" },
	{ "content-length", "5" },
	{ "Content-Type", "text/html" },
	{ "Transfer-Encoding", "chunked" },
	{ "CONNECTION", "close" },
	{ "Upgrade", "x" },
	{ "Keep-Alive", "1" },
	{ "Trailer", "x" },
	{ "TE", "x" },
	{ "Date", "now" },
	{ "Cache-Control", "x" },
	{ "Sec-WebSocket-Protocol", "x" },
	{ "Access-Control-Allow-Origin", "*" },
	{ "Proxy-Connection", "x" },
};
static size_t row;

static int set_bad(struct stoa_event *ev)
{
	IS(stoa_set_header(ev, bad_headers[row].name, bad_headers[row].value), -EINVAL);
	IS(stoa_set_session_header(ev, bad_headers[row].name, bad_headers[row].value), -EINVAL);
	return 0;
}

START_TEST(a_header_that_may_not_be_is_refused)
{
	row = (size_t)_i;
	ck_assert_str_eq(admit(set_bad), "admit\n");
}
END_TEST

/* "X: " and CRLF are 5 bytes. */
static int set_until_full(struct stoa_event *ev)
{
	static char half[1024 - 5 + 1];

	memset(half, 'x', sizeof(half) - 1);
	IS(stoa_set_header(ev, "X", half), 0);
	IS(stoa_set_session_header(ev, "X", stoa_format("%sx", half)), -ENOSPC);
	IS(stoa_set_session_header(ev, "X", half), 0);
	IS(stoa_set_header(ev, "X", ""), -ENOSPC);
	return 0;
}

START_TEST(headers_are_bounded)
{
	const char *log = admit(set_until_full);

	ck_assert_uint_eq(strlen(log), strlen("admit [] session []\n") + 2048);
}
END_TEST

static int set_in_error(struct stoa_event *ev)
{
	IS(stoa_set_header(ev, "X", "y"), -EINVAL);
	IS(stoa_set_header(NULL, "X", "y"), -EINVAL);
	return 0;
}

START_TEST(headers_belong_to_a_handshake)
{
	rig.fn = set_in_error;
	app_connection_error(rig.app, 0, &(struct app_request){ .handshake = &rig.handshake }, SLICE("{}"));
	ck_assert_str_eq(rig_log(), "");
}
END_TEST

/* --- "connection_error" ------------------------------------------------------------------------------------------- */

static int hear(struct stoa_event *ev)
{
	const char *message, *sid;
	int code;

	IS(stoa_unpack(ev, stoa_fields("code", &code, "message", &message, "context", stoa_fields("sid", &sid))), 0);
	ck_assert_str_eq(stoa_name(ev), "connection_error");
	ck_assert_str_eq(stoa_address(ev), "192.0.2.7");
	ck_assert_ptr_null(stoa_transport(ev));
	ck_assert_ptr_null(stoa_sid(ev));
	IS((int64_t)stoa_size(stoa_args(ev)), 1);
	return stoa_emit(stoa_to(ev, "admins"), "refused", code, message, sid);
}

START_TEST(a_refusal_is_told_as_node_tells_it)
{
	rig.handshake.address = "192.0.2.7";
	rig.fn = hear;
	ck_assert(app_hears_connection_errors(rig.app));
	app_connection_error(rig.app, 0, &(struct app_request){ .handshake = &rig.handshake },
		SLICE("{\"code\":1,\"message\":\"Session ID unknown\",\"context\":{\"sid\":\"x\\n\"}}"));
	ck_assert_str_eq(rig_log(), "emit [\"refused\",1,\"Session ID unknown\",\"x\\n\"] to admins\n");
}
END_TEST

/* --- "disconnecting" ---------------------------------------------------------------------------------------------- */

static int say(struct stoa_event *ev)
{
	return stoa_emit(stoa_to(ev, "r"), "said", stoa_name(ev), stoa_reason(ev), stoa_sid(ev), stoa_rooms(ev));
}

static void setup_leaving(struct stoa_app *app)
{
	stoa_on(app, "/", "disconnecting", say, NULL);
	stoa_on(app, "/", "disconnect", say, NULL);
	stoa_on(app, "/", "*", say, NULL);
	stoa_on(app, "/plain", "disconnect", say, NULL);
	stoa_on(app, "/plain", "*", say, NULL);
}

START_TEST(disconnecting_comes_first_with_the_same_rooms)
{
	static const char *const rooms[] = { "A", "r", NULL };

	ck_assert_ptr_nonnull(rig_open(setup_leaving));
	rig.rooms = rooms;
	rig_disconnect("transport close");
	ck_assert_str_eq(rig_log(), "emit [\"said\",\"disconnecting\",\"transport close\",\"A\",[\"A\",\"r\"]] to r\n"
				    "emit [\"said\",\"disconnect\",\"transport close\",\"A\",[\"A\",\"r\"]] to r\n");
}
END_TEST

START_TEST(without_a_handler_there_is_only_disconnect)
{
	ck_assert_ptr_nonnull(rig_open(setup_leaving));
	rig.nsp = "/plain";
	rig_disconnect("ping timeout");
	ck_assert_str_eq(rig_log(), "emit [\"said\",\"disconnect\",\"ping timeout\",\"A\",[]] to r nsp=/plain\n");
}
END_TEST

static int fail_then(struct stoa_event *ev)
{
	(void)ev;
	return -EIO;
}

static void setup_failing(struct stoa_app *app)
{
	stoa_on(app, "/", "disconnecting", fail_then, NULL);
	stoa_on(app, "/", "disconnect", say, NULL);
}

START_TEST(a_disconnecting_that_fails_stops_nothing)
{
	ck_assert_ptr_nonnull(rig_open(setup_failing));
	rig_disconnect("ping timeout");
	ck_assert_str_eq(rig_log(), "emit [\"said\",\"disconnect\",\"ping timeout\",\"A\",[]] to r\n");
}
END_TEST

TCase *case_admission(void)
{
	TCase *c = tcase_create("admission");

	tcase_add_checked_fixture(c, begin, rig_end);
	tcase_add_test(c, it_sees_the_request_and_no_client);
	tcase_add_test(c, what_it_returns_decides);
	tcase_add_test(c, without_a_handler_all_come_in);
	tcase_add_test(c, the_decision_comes_before_what_else_is_done);
	tcase_add_test(c, headers_go_with_the_decision);
	tcase_add_loop_test(
		c, a_header_that_may_not_be_is_refused, 0, (int)(sizeof(bad_headers) / sizeof(*bad_headers)));
	tcase_add_test(c, headers_are_bounded);
	tcase_add_test(c, headers_belong_to_a_handshake);
	tcase_add_test(c, a_refusal_is_told_as_node_tells_it);
	tcase_add_test(c, disconnecting_comes_first_with_the_same_rooms);
	tcase_add_test(c, without_a_handler_there_is_only_disconnect);
	tcase_add_test(c, a_disconnecting_that_fails_stops_nothing);
	return c;
}
