/* test_testing.c - every sentence of stoa_test.h. The application is subject.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <stoa_test.h>

#include "test_main.h"

#define SAME(got, want) \
	do { \
		struct stoa_value got_ = (got), want_ = (want); \
		ck_assert_str_eq(stoa_to_json(got_), stoa_to_json(want_)); \
	} while (0)
#define GOT(client, event, ...) \
	SAME(stoa_test_received(client), stoa_object("name", event, "args", stoa_array(__VA_ARGS__), "namespace", "/"))
#define GOT_NOTHING(client) ck_assert_int_eq(stoa_type(stoa_test_received(client)), STOA_NULL)
#define NOTHING             stoa_spread(*stoa_list())

static struct stoa_test *t;

static void open_subject(void)
{
	t = stoa_test_open(SUBJECT, NULL);
}

static void close_subject(void)
{
	stoa_test_close(t);
	t = NULL;
}

/* --- Values ------------------------------------------------------------------------------------------------------- */

/* Before any test is open, and in every form. */
START_TEST(values_are_built_anywhere)
{
	struct stoa_value *list = stoa_list(), *dict = stoa_dict();
	const char *text = "";
	int n = 0;

	stoa_append(list, 1);
	stoa_append(list, stoa_bytes("abc", 3));
	stoa_put(dict, "list", *list);
	stoa_put(dict, "text", stoa_format("%d%s", 4, "2"));
	SAME(*dict, stoa_json("{\"list\":[1,\"<3 bytes>\"],\"text\":\"42\"}"));
	ck_assert_int_eq(stoa_read(*dict, stoa_fields("text", &text)), 0);
	ck_assert_str_eq(text, "42");
	ck_assert_int_eq(stoa_read(stoa_at(stoa_get(*dict, "list"), 0), &n), 0);
	ck_assert_int_eq(n, 1);
	ck_assert_uint_eq(stoa_size(stoa_array(1, stoa_spread(*list))), 3);
}
END_TEST

START_TEST(built_values_outlive_one_test_of_two)
{
	struct stoa_test *first = stoa_test_open(SUBJECT, NULL), *second = stoa_test_open(SUBJECT, NULL);
	struct stoa_value v = stoa_object("a", stoa_text("b"));

	stoa_test_close(first);
	SAME(v, stoa_json("{\"a\":\"b\"}"));
	stoa_test_close(second);
}
END_TEST

/* In handlers the application's own memory is used meanwhile, and after them the program's again. */
START_TEST(values_built_survive_handlers)
{
	struct stoa_test_client *c = stoa_test_connect(t);
	struct stoa_value *list = stoa_list();

	stoa_append(list, "one");
	SAME(stoa_test_call(c, "echo", stoa_spread(*list)), stoa_array("one"));
	ck_assert_int_eq(stoa_append(list, "two"), 0);
	SAME(*list, stoa_array("one", "two"));
}
END_TEST

START_TEST(what_was_received_stays)
{
	struct stoa_test_client *c = stoa_test_connect(t);
	struct stoa_value first, second, acked;

	acked = stoa_test_call(c, "echo", "first", stoa_object("a", 1));
	stoa_test_emit(c, "echo", "second");
	first = stoa_test_received(c);
	second = stoa_test_received(c);
	stoa_test_disconnect(c);
	stoa_test_pass(t, 100000);
	SAME(stoa_get(first, "args"), stoa_array("first", stoa_object("a", 1)));
	SAME(stoa_get(second, "args"), stoa_array("second"));
	SAME(acked, stoa_get(first, "args"));
}
END_TEST

/* --- The application ---------------------------------------------------------------------------------------------- */

START_TEST(options_are_the_applications)
{
	struct stoa_test *ticking = stoa_test_open(SUBJECT, stoa_names("tick=5"));
	struct stoa_test_client *c = stoa_test_connect(ticking);

	stoa_test_pass(ticking, 4);
	GOT_NOTHING(c);
	stoa_test_pass(ticking, 1);
	GOT(c, "tick", NOTHING);
	GOT_NOTHING(c);
	stoa_test_close(ticking);
}
END_TEST

/* What the subject noted while `run` drove it, and when it was closed. */
static void trace(void (*run)(struct stoa_test *tracing), char *text, size_t size)
{
	char path[] = "/tmp/stoa-test-XXXXXX";
	int fd = mkstemp(path);
	struct stoa_test *tracing = stoa_test_open(SUBJECT, stoa_names(stoa_format("trace=%s", path)));
	ssize_t got;

	ck_assert_int_ge(fd, 0);
	run(tracing);
	stoa_test_close(tracing);
	got = read(fd, text, size - 1);
	ck_assert_int_gt(got, 0);
	text[got] = '\0';
	close(fd);
	unlink(path);
}

static void connect_one(struct stoa_test *tracing)
{
	stoa_test_connect(tracing);
}

START_TEST(close_ends_in_order)
{
	char text[128];

	trace(connect_one, text, sizeof(text));
	ck_assert_str_eq(text, "start\nserver shutting down\nstop\n");
}
END_TEST

static void begin_two(struct stoa_test *tracing)
{
	struct stoa_test_client *c = stoa_test_connect(tracing);

	stoa_test_emit(c, "background");
	stoa_test_pass(tracing, 500);    /* it sleeps */
	stoa_test_emit(c, "background"); /* not begun */
}

START_TEST(close_ends_background_tasks)
{
	char text[128];

	trace(begin_two, text, sizeof(text));
	ck_assert_str_eq(text, "start\nserver shutting down\ncounted\ncounted\nstop\n");
}
END_TEST

static void knock_once(struct stoa_test *tracing)
{
	stoa_test_connect(tracing, .query = "banned=1");
}

START_TEST(a_refused_handshake_is_reported)
{
	char text[256];

	trace(knock_once, text, sizeof(text));
	ck_assert_str_eq(
		text, "start\n{\"code\":4,\"message\":\"go away\",\"context\":{\"message\":\"go away\"}}\nstop\n");
}
END_TEST

START_TEST(close_of_nothing_is_fine)
{
	stoa_test_close(NULL);
}
END_TEST

START_TEST(each_test_has_its_clock)
{
	struct stoa_test *other = stoa_test_open(SUBJECT, NULL);
	struct stoa_test_client *a = stoa_test_connect(t), *b = stoa_test_connect(other);

	stoa_test_emit(a, "later", 10);
	stoa_test_emit(b, "later", 10);
	stoa_test_pass(t, 10);
	GOT(a, "later", NOTHING);
	GOT_NOTHING(b);
	stoa_test_pass(other, 10);
	GOT(b, "later", NOTHING);
	stoa_test_close(other);
}
END_TEST

START_TEST(tests_of_one_module_share_its_variables)
{
	struct stoa_test *other = stoa_test_open(SUBJECT, NULL);

	SAME(stoa_test_call(stoa_test_connect(t), "count"), stoa_array(1));
	SAME(stoa_test_call(stoa_test_connect(other), "count"), stoa_array(2));
	stoa_test_close(other);
	close_subject(); /* the last of them unloads it */
	open_subject();
	SAME(stoa_test_call(stoa_test_connect(t), "count"), stoa_array(1));
}
END_TEST

/* --- Time --------------------------------------------------------------------------------------------------------- */

START_TEST(nothing_later_happens_by_itself)
{
	struct stoa_test_client *c = stoa_test_connect(t);

	stoa_test_emit(c, "later", 1);
	stoa_test_emit(c, "echo");
	GOT(c, "echo", NOTHING);
	stoa_test_pass(t, 0);
	GOT_NOTHING(c);
	stoa_test_pass(t, 1);
	GOT(c, "later", NOTHING);
}
END_TEST

START_TEST(what_is_due_at_once_happens_at_once)
{
	struct stoa_test_client *c = stoa_test_connect(t);

	stoa_test_emit(c, "later", 0);
	GOT(c, "later", NOTHING);
}
END_TEST

START_TEST(timers_run_in_their_own_time)
{
	struct stoa_test_client *c = stoa_test_connect(t);

	stoa_test_emit(c, "defer", 20); /* not asked for: the ack goes nowhere */
	stoa_test_emit(c, "later", 30);
	stoa_test_emit(c, "later", 10);
	stoa_test_call(c, "defer", 20);
	stoa_test_pass(t, 15);
	GOT(c, "later", NOTHING);
	GOT_NOTHING(c);
	stoa_test_pass(t, 100);
	GOT(c, "later", NOTHING);
	GOT_NOTHING(c);
}
END_TEST

/* An hour of pings, which the client answers. */
START_TEST(clients_stay)
{
	struct stoa_test_client *c = stoa_test_connect(t);

	stoa_test_pass(t, 3600 * 1000);
	ck_assert(stoa_test_connected(c));
	GOT_NOTHING(c);
}
END_TEST

START_TEST(background_tasks_begin_with_the_next_pass)
{
	struct stoa_test_client *c = stoa_test_connect(t);

	stoa_test_emit(c, "background");
	GOT_NOTHING(c);
	stoa_test_pass(t, 0);
	GOT(c, "counted", 1);
	GOT_NOTHING(c);
}
END_TEST

START_TEST(background_tasks_sleep_in_the_tests_time)
{
	struct stoa_test_client *a = stoa_test_connect(t), *b = stoa_test_connect(t);

	stoa_test_emit(a, "background");
	stoa_test_pass(t, 400);
	stoa_test_emit(b, "background");
	stoa_test_pass(t, 599);
	GOT(a, "counted", 1);
	GOT_NOTHING(a);
	GOT(b, "counted", 1);
	stoa_test_pass(t, 1);
	GOT(a, "counted", 2);
	GOT_NOTHING(b);
	stoa_test_pass(t, 2399);
	GOT(a, "counted", 3);
	GOT(a, "done", 0);
	GOT(b, "counted", 2);
	GOT(b, "counted", 3);
	GOT_NOTHING(b);
	stoa_test_pass(t, 1);
	GOT(b, "done", 0);
}
END_TEST

/* One that begins another at once does not stop the clock. */
START_TEST(time_passes_whatever_begins)
{
	struct stoa_test_client *c = stoa_test_connect(t);

	stoa_test_emit(c, "again");
	stoa_test_pass(t, 0);
	SAME(stoa_test_call(c, "count"), stoa_array(3));
	stoa_test_pass(t, 10);
	ck_assert(stoa_test_connected(c));
}
END_TEST

START_TEST(what_a_task_begins_is_for_later)
{
	struct stoa_test_client *c = stoa_test_connect(t);

	stoa_test_emit(c, "spawn");
	stoa_test_pass(t, 0);
	SAME(stoa_test_call(c, "count"), stoa_array(2));
	stoa_test_pass(t, 10);
}
END_TEST

/* --- Connecting --------------------------------------------------------------------------------------------------- */

START_TEST(a_visitor_is_seen)
{
	struct stoa_test_client *c = stoa_test_connect(t, "/", .auth = stoa_object("token", "x"), .query = "a=%20b&c=2",
		.headers = stoa_names("X-One: 1", "Cookie: id=7"), .address = "192.0.2.7");

	SAME(stoa_test_call(c, "who"), stoa_array(stoa_object("auth", stoa_object("token", "x"), "query", " b", "eio",
					       "4", "transport", "websocket", "by", "websocket", "header", "1",
					       "cookie", "7", "address", "192.0.2.7", "sid", stoa_test_sid(c))));
}
END_TEST

START_TEST(a_plain_visitor_is_local)
{
	struct stoa_test_client *c = stoa_test_connect(t);

	SAME(stoa_test_call(c, "who"), stoa_array(stoa_object("auth", stoa_json("{}"), "query", NULL, "eio", "4",
					       "transport", "websocket", "by", "websocket", "header", NULL, "cookie",
					       NULL, "address", "127.0.0.1", "sid", stoa_test_sid(c))));
}
END_TEST

START_TEST(a_refusal_has_message_and_data)
{
	struct stoa_test_client *c = stoa_test_connect(t, "/news", .auth = stoa_object("do", "refuse"));

	ck_assert(!stoa_test_connected(c));
	ck_assert_ptr_null(stoa_test_sid(c));
	SAME(stoa_test_refusal(c), stoa_object("message", "not you", "data", stoa_object("code", 7)));
}
END_TEST

START_TEST(a_handshake_refuses)
{
	struct stoa_test_client *c = stoa_test_connect(t, .query = "banned=1");

	ck_assert(!stoa_test_connected(c));
	ck_assert_ptr_null(stoa_test_sid(c));
	SAME(stoa_test_refusal(c), stoa_object("message", "go away"));
	ck_assert(stoa_test_connected(stoa_test_connect(t)));
}
END_TEST

START_TEST(no_refusal_is_null)
{
	struct stoa_test_client *c = stoa_test_connect(t);

	ck_assert(stoa_test_connected(c));
	ck_assert_int_eq(stoa_type(stoa_test_refusal(c)), STOA_NULL);
}
END_TEST

START_TEST(an_unknown_namespace_refuses)
{
	SAME(stoa_test_refusal(stoa_test_connect(t, "/nowhere")), stoa_object("message", "Invalid namespace"));
}
END_TEST

START_TEST(accepted_and_sent_away_at_once)
{
	struct stoa_test_client *c = stoa_test_connect(t, .auth = stoa_object("do", "disconnect"));

	ck_assert(!stoa_test_connected(c));
	ck_assert_ptr_nonnull(stoa_test_sid(c));
	ck_assert_int_eq(stoa_type(stoa_test_refusal(c)), STOA_NULL);
}
END_TEST

START_TEST(namespaces_share_a_connection)
{
	struct stoa_test_client *c = stoa_test_connect(t, .query = "a=1");
	struct stoa_test_client *news = stoa_test_connect(t, "/news", .beside = c);

	ck_assert_str_ne(stoa_test_sid(c), stoa_test_sid(news));
	SAME(stoa_get(stoa_at(stoa_test_call(news, "who"), 0), "query"), stoa_text("1"));
	stoa_test_emit(c, "news", 1); /* to the sender in another namespace */
	GOT_NOTHING(c);
	SAME(stoa_test_received(news), stoa_object("name", "news", "args", stoa_array(1), "namespace", "/news"));
}
END_TEST

START_TEST(a_namespace_can_be_joined_again)
{
	struct stoa_test_client *c = stoa_test_connect(t), *news = stoa_test_connect(t, "/news", .beside = c);
	struct stoa_test_client *again;

	stoa_test_disconnect(news);
	again = stoa_test_connect(t, "/news", .beside = c);
	ck_assert(stoa_test_connected(again));
	ck_assert(!stoa_test_connected(news));
	stoa_test_emit(again, "echo", 1);
	GOT_NOTHING(news);
}
END_TEST

/* --- Leaving ------------------------------------------------------------------------------------------------------ */

START_TEST(a_client_leaves)
{
	struct stoa_test_client *c = stoa_test_connect(t), *other = stoa_test_connect(t);

	stoa_test_disconnect(c);
	ck_assert(!stoa_test_connected(c));
	ck_assert_ptr_nonnull(stoa_test_sid(c));
	GOT(other, "gone", "client namespace disconnect");
	GOT_NOTHING(c);
}
END_TEST

START_TEST(a_client_leaves_one_namespace)
{
	struct stoa_test_client *c = stoa_test_connect(t), *news = stoa_test_connect(t, "/news", .beside = c);

	stoa_test_disconnect(c);
	ck_assert(stoa_test_connected(news));
	stoa_test_emit(news, "echo", 1);
	ck_assert_int_eq(stoa_type(stoa_test_received(news)), STOA_OBJECT);
}
END_TEST

START_TEST(a_connection_is_lost)
{
	struct stoa_test_client *c = stoa_test_connect(t), *news = stoa_test_connect(t, "/news", .beside = c);
	struct stoa_test_client *other = stoa_test_connect(t);

	stoa_test_drop(news);
	ck_assert(!stoa_test_connected(c));
	ck_assert(!stoa_test_connected(news));
	GOT(other, "gone", "transport close");
	GOT_NOTHING(other);
}
END_TEST

START_TEST(the_application_disconnects)
{
	struct stoa_test_client *c = stoa_test_connect(t), *news = stoa_test_connect(t, "/news", .beside = c);
	struct stoa_test_client *other = stoa_test_connect(t);

	stoa_test_emit(c, "echo", "last words");
	stoa_test_emit(c, "leave");
	ck_assert(!stoa_test_connected(c));
	ck_assert(stoa_test_connected(news));
	GOT(c, "echo", "last words"); /* what was received stays to be taken */
	GOT_NOTHING(c);
	GOT(other, "gone", "server namespace disconnect");
}
END_TEST

START_TEST(the_application_ends_the_connection)
{
	struct stoa_test_client *c = stoa_test_connect(t), *news = stoa_test_connect(t, "/news", .beside = c);

	stoa_test_emit(news, "leave all");
	ck_assert(!stoa_test_connected(c));
	ck_assert(!stoa_test_connected(news));
}
END_TEST

/* A message that the gateway's edge would not take. */
START_TEST(limits_apply)
{
	struct stoa_test_client *c = stoa_test_connect(t), *other = stoa_test_connect(t);
	char *large = malloc(1000001);

	ck_assert_ptr_nonnull(large);
	memset(large, 'x', 1000000);
	large[1000000] = '\0';
	stoa_test_emit(c, "echo", large);
	free(large);
	ck_assert(!stoa_test_connected(c));
	GOT_NOTHING(c);
	GOT(other, "gone", "transport error");
}
END_TEST

/* --- Events ------------------------------------------------------------------------------------------------------- */

START_TEST(events_come_in_order)
{
	struct stoa_test_client *c = stoa_test_connect(t);

	stoa_test_emit(c, "echo", 1, stoa_array("two", NULL), true);
	stoa_test_emit(c, "echo");
	stoa_test_send(c, "three", 3);
	GOT(c, "echo", 1, stoa_array("two", NULL), true);
	GOT(c, "echo", NOTHING);
	GOT(c, "echo", "three", 3);
	GOT_NOTHING(c);
}
END_TEST

START_TEST(binary_goes_both_ways)
{
	struct stoa_test_client *c = stoa_test_connect(t);
	struct stoa_value acked, event;
	struct stoa_bytes one, two;

	acked = stoa_test_call(c, "echo", stoa_bytes("\0\xff", 2), stoa_object("deep", stoa_bytes("", 0)));
	event = stoa_test_received(c);
	ck_assert_int_eq(stoa_read(stoa_at(acked, 0), &one), 0);
	ck_assert_uint_eq(one.size, 2);
	ck_assert_mem_eq(one.at, "\0\xff", 2);
	ck_assert_int_eq(stoa_read(stoa_at(stoa_get(event, "args"), 1), stoa_fields("deep", &two)), 0);
	ck_assert_uint_eq(two.size, 0);
}
END_TEST

START_TEST(acks_come_at_once_or_later)
{
	struct stoa_test_client *c = stoa_test_connect(t);

	ck_assert_int_eq(stoa_type(stoa_test_call(c, "defer", 20)), STOA_NULL);
	ck_assert_int_eq(stoa_type(stoa_test_call(c, "defer", 10)), STOA_NULL);
	SAME(stoa_test_call(c, "echo", 1), stoa_array(1));
	ck_assert_int_eq(stoa_type(stoa_test_acked(c)), STOA_NULL);
	stoa_test_pass(t, 10);
	SAME(stoa_test_acked(c), stoa_json("[\"at last\",\"<1 bytes>\"]"));
	ck_assert_int_eq(stoa_type(stoa_test_acked(c)), STOA_NULL);
	stoa_test_pass(t, 10);
	SAME(stoa_test_acked(c), stoa_json("[\"at last\",\"<1 bytes>\"]"));
}
END_TEST

/* A call gets its own ack, whatever else came. */
START_TEST(late_acks_wait_for_who_takes_them)
{
	struct stoa_test_client *c = stoa_test_connect(t);

	stoa_test_call(c, "defer", 10);
	stoa_test_call(c, "defer", 20);
	stoa_test_pass(t, 10);
	SAME(stoa_test_call(c, "echo", 1), stoa_array(1));
	stoa_test_pass(t, 10);
	SAME(stoa_test_call(c, "echo", 2), stoa_array(2));
	SAME(stoa_test_acked(c), stoa_json("[\"at last\",\"<1 bytes>\"]"));
	SAME(stoa_test_acked(c), stoa_json("[\"at last\",\"<1 bytes>\"]"));
	ck_assert_int_eq(stoa_type(stoa_test_acked(c)), STOA_NULL);
}
END_TEST

START_TEST(an_event_nobody_handles_is_not_acked)
{
	struct stoa_test_client *c = stoa_test_connect(t);

	ck_assert_int_eq(stoa_type(stoa_test_call(c, "nobody")), STOA_NULL);
	stoa_test_pass(t, 100000);
	ck_assert_int_eq(stoa_type(stoa_test_acked(c)), STOA_NULL);
}
END_TEST

START_TEST(questions_are_answered)
{
	struct stoa_test_client *c = stoa_test_connect(t);

	stoa_test_emit(c, "ask");
	SAME(stoa_get(stoa_test_received(c), "args"), stoa_array("<2 bytes>"));
	stoa_test_answer(c, "yes", stoa_bytes("\1", 1));
	SAME(stoa_get(stoa_test_received(c), "args"), stoa_array("", "yes", "<1 bytes>"));
}
END_TEST

START_TEST(questions_run_out_of_time)
{
	struct stoa_test_client *c = stoa_test_connect(t);

	stoa_test_emit(c, "ask");
	stoa_test_received(c);
	stoa_test_pass(t, 999);
	GOT_NOTHING(c);
	stoa_test_pass(t, 1);
	GOT(c, "answered", "operation has timed out");
}
END_TEST

/* --- Misuse ------------------------------------------------------------------------------------------------------- */

static struct stoa_test_client *client(void)
{
	return stoa_test_connect(t);
}

static struct stoa_test_client *left(void)
{
	struct stoa_test_client *c = client();

	stoa_test_disconnect(c);
	return c;
}

/* clang-format off */
static void open_null(void) { stoa_test_open(NULL, NULL); }
static void open_missing(void) { stoa_test_open("missing.so", NULL); }
static void open_option(void) { stoa_test_open(SUBJECT, stoa_names("tick")); }
static void pass_back(void) { stoa_test_pass(t, -1); }
static void pass_null(void) { stoa_test_pass(NULL, 1); }
static void connect_null(void) { stoa_test_connect(NULL); }
static void connect_relative(void) { stoa_test_connect(t, "chat"); }
static void connect_comma(void) { stoa_test_connect(t, "/a,b"); }
static void connect_auth(void) { stoa_test_connect(t, .auth = stoa_text("x")); }
static void connect_auth_binary(void) { stoa_test_connect(t, .auth = stoa_object("x", stoa_bytes("a", 1))); }
static void connect_query(void) { stoa_test_connect(t, .query = "?a=1"); }
static void connect_header(void) { stoa_test_connect(t, .headers = stoa_names("Cookie")); }
static void connect_header_lines(void) { stoa_test_connect(t, .headers = stoa_names("A: b\r\nC: d")); }
static void connect_twice(void) { stoa_test_connect(t, .beside = client()); }
static void connect_beside(void) { stoa_test_connect(t, "/news", .beside = left()); }
static void connect_beside_query(void) { stoa_test_connect(t, "/news", .beside = client(), .query = "a=1"); }
static void connect_beside_other(void)
{
	stoa_test_connect(stoa_test_open(SUBJECT, NULL), "/news", .beside = client());
}
static void connected_null(void) { stoa_test_connected(NULL); }
static void emit_left(void) { stoa_test_emit(left(), "echo"); }
static void emit_refused(void) { stoa_test_emit(stoa_test_connect(t, "/nowhere"), "echo"); }
static void emit_denied(void) { stoa_test_emit(stoa_test_connect(t, .query = "banned"), "echo"); }
static void emit_reserved(void) { stoa_test_emit(client(), "connect"); }
static void emit_unnamed(void) { stoa_test_emit(client(), (const char *)NULL); }
static void emit_no_text(void) { stoa_test_emit(client(), "echo", "\xff"); }
static void emit_no_json(void) { stoa_test_emit(client(), "echo", stoa_json("{")); }
static void call_left(void) { stoa_test_call(left(), "echo"); }
static void disconnect_twice(void) { stoa_test_disconnect(left()); }
static void drop_twice(void) { stoa_test_drop(left()); }
static void answer_nothing(void) { stoa_test_answer(client(), 1); }
/* clang-format on */

static void answer_unasked(void)
{
	struct stoa_test_client *c = client();

	stoa_test_emit(c, "echo", 1);
	stoa_test_received(c);
	stoa_test_answer(c, 1);
}

static void close_restless(void)
{
	stoa_test_emit(client(), "restless");
	stoa_test_pass(t, 10);
	stoa_test_close(t);
}

static void answer_twice(void)
{
	struct stoa_test_client *c = client();

	stoa_test_emit(c, "ask");
	stoa_test_received(c);
	stoa_test_answer(c, 1);
	stoa_test_answer(c, 1);
}

static const struct {
	void (*run)(void);
	const char *says;
} misuses[] = {
	{ open_null, "stoa_test_open: the module is NULL" },
	{ open_missing, "stoa_test_open: missing.so: no such file" },
	{ open_option, "stoa_test_open: an option is \"name=value\", not \"tick\"" },
	{ pass_back, "stoa_test_pass: time does not go back: -1 ms" },
	{ pass_null, "stoa_test_pass: the test is NULL" },
	{ connect_null, "stoa_test_connect: the test is NULL" },
	{ connect_relative, "stoa_test_connect: a namespace begins with '/' and has no comma: \"chat\"" },
	{ connect_comma, "stoa_test_connect: a namespace begins with '/' and has no comma: \"/a,b\"" },
	{ connect_auth, "stoa_test_connect: auth is an object" },
	{ connect_auth_binary, "stoa_test_connect: auth cannot hold binary data" },
	{ connect_query, "stoa_test_connect: a query begins behind the '?'" },
	{ connect_header, "stoa_test_connect: a header is one line \"Name: value\", not \"Cookie\"" },
	{ connect_header_lines, "stoa_test_connect: a header is one line \"Name: value\", not \"A: b" },
	{ connect_twice, "stoa_test_connect: the client `beside`, or another on its connection, is in / already" },
	{ connect_beside, "stoa_test_connect: the connection of the client `beside` has ended" },
	{ connect_beside_query, "stoa_test_connect: query, headers and address are those of the client `beside`" },
	{ connect_beside_other, "stoa_test_connect: `beside` is a client of another test" },
	{ connected_null, "stoa_test_connected: the client is NULL" },
	{ emit_left, "stoa_test_emit: the client is no longer connected to /" },
	{ emit_refused, "stoa_test_emit: the client was refused in /nowhere" },
	{ emit_denied, "stoa_test_emit: the client was refused in /" },
	{ emit_reserved, "stoa_test_emit: the gateway would close the connection: reserved event name: [\"connect\"]" },
	{ emit_unnamed, "stoa_test_emit: the event's name is NULL" },
	{ emit_no_text, "stoa_test_emit: a value cannot be sent" },
	{ emit_no_json, "stoa_test_emit: a value cannot be sent" },
	{ call_left, "stoa_test_call: the client is no longer connected to /" },
	{ disconnect_twice, "stoa_test_disconnect: the client is no longer connected to /" },
	{ drop_twice, "stoa_test_drop: the client's connection has ended already" },
	{ close_restless, "stoa_test_close: a background task goes on though stoa_sleep() says -ECANCELED" },
	{ answer_nothing, "stoa_test_answer: no event was taken by stoa_test_received() before it" },
	{ answer_unasked, "stoa_test_answer: the event taken last asks for no answer, or has it: {\"name\":\"echo\"" },
	{ answer_twice,
		"stoa_test_answer: the event taken last asks for no answer, or has it: {\"name\":\"question\"" },
};

/* Runs it in a child, and reads what it said before it aborted. */
static void say_and_abort(void (*run)(void), char *said, size_t size, int *status)
{
	int ends[2];
	size_t n = 0;
	ssize_t got;
	pid_t pid;

	ck_assert_int_eq(pipe(ends), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
		dup2(ends[1], STDERR_FILENO);
		close(ends[0]);
		close(ends[1]);
		run();
		_exit(0);
	}
	close(ends[1]);
	while (n < size - 1 && (got = read(ends[0], said + n, size - 1 - n)) > 0)
		n += (size_t)got;
	said[n] = '\0';
	close(ends[0]);
	ck_assert_int_eq(waitpid(pid, status, 0), pid);
}

START_TEST(misuse_aborts_with_a_sentence)
{
	char said[4096];
	int status;

	say_and_abort(misuses[_i].run, said, sizeof(said), &status);
	ck_assert_msg(strstr(said, misuses[_i].says) != NULL, "it said: %s; not: %s", said, misuses[_i].says);
	ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT, "it did not abort: %d", status);
}
END_TEST

/* ------------------------------------------------------------------------------------------------------------------ */

static TCase *cases_alone(void)
{
	TCase *c = tcase_create("alone");

	tcase_add_test(c, values_are_built_anywhere);
	tcase_add_test(c, built_values_outlive_one_test_of_two);
	tcase_add_test(c, options_are_the_applications);
	tcase_add_test(c, close_ends_in_order);
	tcase_add_test(c, close_of_nothing_is_fine);
	tcase_add_test(c, close_ends_background_tasks);
	tcase_add_test(c, a_refused_handshake_is_reported);
	return c;
}

static TCase *cases_driven(void)
{
	const TTest *const driven[] = { values_built_survive_handlers, what_was_received_stays, each_test_has_its_clock,
		tests_of_one_module_share_its_variables, nothing_later_happens_by_itself,
		what_is_due_at_once_happens_at_once, timers_run_in_their_own_time, clients_stay,
		background_tasks_begin_with_the_next_pass, background_tasks_sleep_in_the_tests_time,
		time_passes_whatever_begins, what_a_task_begins_is_for_later, a_handshake_refuses, a_visitor_is_seen,
		a_plain_visitor_is_local, a_refusal_has_message_and_data, no_refusal_is_null,
		an_unknown_namespace_refuses, accepted_and_sent_away_at_once, namespaces_share_a_connection,
		a_namespace_can_be_joined_again, a_client_leaves, a_client_leaves_one_namespace, a_connection_is_lost,
		the_application_disconnects, the_application_ends_the_connection, limits_apply, events_come_in_order,
		binary_goes_both_ways, acks_come_at_once_or_later, late_acks_wait_for_who_takes_them,
		an_event_nobody_handles_is_not_acked, questions_are_answered, questions_run_out_of_time };
	TCase *c = tcase_create("driven");

	tcase_add_checked_fixture(c, open_subject, close_subject);
	for (size_t i = 0; i < sizeof(driven) / sizeof(driven[0]); i++)
		tcase_add_test(c, driven[i]);
	tcase_add_loop_test(c, misuse_aborts_with_a_sentence, 0, (int)(sizeof(misuses) / sizeof(misuses[0])));
	return c;
}

Suite *suite(void)
{
	Suite *s = suite_create("testing");

	suite_add_tcase(s, cases_alone());
	suite_add_tcase(s, cases_driven());
	return s;
}
