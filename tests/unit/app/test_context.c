/* test_context.c - what happened, and how the client came. */
#include "rig.h"

static int say_where(struct stoa_event *ev)
{
	IS(stoa_attempt(ev), 1);
	IS(stoa_status(ev), 0);
	ck_assert_str_eq(stoa_error(ev), "");
	return stoa_emit(ev, "e", (const char *)stoa_ctx(ev), stoa_sid(ev), stoa_namespace(ev), stoa_name(ev),
		stoa_args(ev), stoa_reason(ev), stoa_transport(ev), stoa_address(ev));
}

static void setup(struct stoa_app *app)
{
	static char text[] = "ctx";

	stoa_on(app, "/", "connect", say_where, text);
	stoa_on(app, "/", "disconnect", say_where, text);
	stoa_on(app, "/", "x", say_where, text);
}

START_TEST(what_happened)
{
	ck_assert_ptr_nonnull(rig_open(setup));
	rig_connect();
	ck_assert_str_eq(rig_log(), "accept\nemit [\"e\",\"ctx\",\"A\",\"/\",\"connect\",[],null,\"websocket\","
				    "\"192.0.2.1\"] to A\n");
	rig.transport = "polling";
	rig_event("x", "1,2", -1);
	ck_assert_str_eq(
		rig_log(), "emit [\"e\",\"ctx\",\"A\",\"/\",\"x\",[1,2],null,\"polling\",\"192.0.2.1\"] to A\n");
	rig_disconnect("ping timeout");
	ck_assert_str_eq(rig_log(), "emit [\"e\",\"ctx\",\"A\",\"/\",\"disconnect\",[],\"ping timeout\",\"polling\","
				    "\"192.0.2.1\"] to A\n");
}
END_TEST

/* --- The handshake ------------------------------------------------------------------------------------------------ */

static const char *asked;

static int say_query(struct stoa_event *ev)
{
	return stoa_emit(ev, "q", stoa_query(ev, asked));
}

static int say_header(struct stoa_event *ev)
{
	return stoa_emit(ev, "h", stoa_header(ev, asked));
}

static int say_cookie(struct stoa_event *ev)
{
	return stoa_emit(ev, "c", stoa_cookie(ev, asked));
}

static const struct {
	const char *name, *log;
} queries[] = {
	{ "a", "emit [\"q\",\"1\"] to A\n" },
	{ "b", "emit [\"q\",\"x y&z\"] to A\n" },
	{ "empty", "emit [\"q\",\"\"] to A\n" },
	{ "flag", "emit [\"q\",\"\"] to A\n" },
	{ "twice", "emit [\"q\",\"second\"] to A\n" },
	{ "none", "emit [\"q\",null] to A\n" },
	{ "nul", "emit [\"q\",null] to A\n" },
	{ "bad", "emit [\"q\",\"\xEF\xBF\xBD\"] to A\n" },
	{ "broken", "emit [\"q\",\"%zz\"] to A\n" },
};

START_TEST(query)
{
	rig.handshake.query = SLICE("a=1&b=x+y%26z&empty=&flag&twice=first&twice=second&nul=a%00b&bad=%FF&broken=%zz");
	asked = queries[_i].name;
	rig_go(say_query, "");
	ck_assert_str_eq(rig_log(), queries[_i].log);
}
END_TEST

#define HEADERS \
	"host: example.org\ncookie: a=1; b=\"two\"; c = 3 ;=x;d\nx-list: one\nx-list: two\nempty: \ncookie: a=9; " \
	"e=5\n" \
	"latin: caf\xE9\n"

static const struct {
	const char *name, *log;
} headers[] = {
	{ "Host", "emit [\"h\",\"example.org\"] to A\n" },
	{ "x-LIST", "emit [\"h\",\"one, two\"] to A\n" },
	{ "empty", "emit [\"h\",\"\"] to A\n" },
	{ "none", "emit [\"h\",null] to A\n" },
	{ "hos", "emit [\"h\",null] to A\n" },
	{ "latin", "emit [\"h\",\"caf\xEF\xBF\xBD\"] to A\n" },
	{ "cookie", "emit [\"h\",\"a=1; b=\\\"two\\\"; c = 3 ;=x;d; a=9; e=5\"] to A\n" },
};

START_TEST(header)
{
	rig.handshake.headers = SLICE(HEADERS);
	asked = headers[_i].name;
	rig_go(say_header, "");
	ck_assert_str_eq(rig_log(), headers[_i].log);
}
END_TEST

static const struct {
	const char *name, *log;
} cookies[] = {
	{ "a", "emit [\"c\",\"1\"] to A\n" },
	{ "b", "emit [\"c\",\"two\"] to A\n" },
	{ "c", "emit [\"c\",\"3\"] to A\n" },
	{ "d", "emit [\"c\",null] to A\n" },
	{ "e", "emit [\"c\",\"5\"] to A\n" },
	{ "A", "emit [\"c\",null] to A\n" },
};

START_TEST(cookie)
{
	rig.handshake.headers = SLICE(HEADERS);
	asked = cookies[_i].name;
	rig_go(say_cookie, "");
	ck_assert_str_eq(rig_log(), cookies[_i].log);
}
END_TEST

START_TEST(nothing_came_along)
{
	asked = "a";
	rig_go(say_query, "");
	rig_go(say_header, "");
	rig_go(say_cookie, "");
	ck_assert_str_eq(rig_log(), "emit [\"q\",null] to A\nemit [\"h\",null] to A\nemit [\"c\",null] to A\n");
}
END_TEST

static int say_auth(struct stoa_event *ev)
{
	const char *token = "none";

	if (stoa_read(stoa_auth(ev), stoa_fields("token", &token)) < 0)
		token = "unread";
	return stoa_emit(ev, "auth", stoa_auth(ev), token);
}

START_TEST(auth)
{
	rig_go(say_auth, "");
	ck_assert_str_eq(rig_log(), "emit [\"auth\",{},\"unread\"] to A\n");
	rig.auth = "{\"token\":\"t\",\"n\":1.5}";
	rig_go(say_auth, "");
	ck_assert_str_eq(rig_log(), "emit [\"auth\",{\"token\":\"t\",\"n\":1.5},\"t\"] to A\n");
}
END_TEST

static int say_claims(struct stoa_event *ev)
{
	const char *sub = "nobody";

	if (stoa_read(stoa_claims(ev), stoa_fields("sub", &sub)) < 0)
		sub = "nobody";
	return stoa_emit(ev, "claims", stoa_claims(ev), sub);
}

START_TEST(claims)
{
	rig.auth = "{\"sub\":\"eve\"}"; /* says nothing */
	rig_go(say_claims, "");
	ck_assert_str_eq(rig_log(), "emit [\"claims\",{},\"nobody\"] to A\n");
	rig.claims = "{\"sub\":\"ada\",\"exp\":1.5}";
	rig_go(say_claims, "");
	ck_assert_str_eq(rig_log(), "emit [\"claims\",{\"sub\":\"ada\",\"exp\":1.5},\"ada\"] to A\n");
}
END_TEST

/* --- Logging ------------------------------------------------------------------------------------------------------ */

static int logs(struct stoa_event *ev)
{
	stoa_log(ev, STOA_INFO, "hello %d\n\x1b[31m", 5);
	stoa_log(NULL, STOA_ERROR, "without an event");
	stoa_log(ev, STOA_DEBUG, "small");
	return 0;
}

START_TEST(logging)
{
	const char *lines;

	rig_watch_errors();
	rig_go(logs, "");
	lines = rig_errors();
	ck_assert_ptr_nonnull(strstr(lines, "hello 5"));
	ck_assert_ptr_null(strchr(lines, '\x1b'));
	ck_assert_ptr_nonnull(strstr(lines, "sid=A"));
	ck_assert_ptr_nonnull(strstr(lines, "event=go"));
	ck_assert_ptr_nonnull(strstr(lines, "without an event"));
	ck_assert_ptr_nonnull(strstr(lines, "small"));
}
END_TEST

#define COUNT(array) (int)(sizeof(array) / sizeof(*(array)))

TCase *case_context(void)
{
	TCase *tc = tcase_create("context");

	tcase_add_checked_fixture(tc, rig_begin, rig_end);
	tcase_add_test(tc, what_happened);
	tcase_add_loop_test(tc, query, 0, COUNT(queries));
	tcase_add_loop_test(tc, header, 0, COUNT(headers));
	tcase_add_loop_test(tc, cookie, 0, COUNT(cookies));
	tcase_add_test(tc, nothing_came_along);
	tcase_add_test(tc, auth);
	tcase_add_test(tc, claims);
	tcase_add_test(tc, logging);
	return tc;
}
