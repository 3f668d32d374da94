/*
 * test_getting_started.c - the tour's tests, in the tour's order.
 *
 *	cc -o test_getting_started test_getting_started.c $(pkg-config --cflags --libs stoa-test check)
 */
#include <check.h>
#include <stdlib.h>

#include <stoa_test.h>

/* Two values are the same when they are the same JSON. */
#define SAME(got, want) \
	do { \
		struct stoa_value got_ = (got), want_ = (want); \
		ck_assert_str_eq(stoa_to_json(got_), stoa_to_json(want_)); \
	} while (0)

/* GOT(client, event, arguments...): the next event that the client received. */
#define GOT(client, event, ...) \
	SAME(stoa_test_received(client), stoa_object("name", event, "args", stoa_array(__VA_ARGS__), "namespace", "/"))

#define GOT_NOTHING(client) ck_assert(stoa_type(stoa_test_received(client)) == STOA_NULL)

static struct stoa_test *t;

static void open_tour(void)
{
	t = stoa_test_open("./getting-started.so", NULL);
}

static void close_tour(void)
{
	stoa_test_close(t);
}

/* A client that has been greeted. */
static struct stoa_test_client *greeted(void)
{
	struct stoa_test_client *c = stoa_test_connect(t);

	GOT(c, "my response", stoa_object("data", "Connected"));
	return c;
}

/* --- Connecting --------------------------------------------------------------------------------------------------- */

START_TEST(a_bad_token_is_refused)
{
	struct stoa_test_client *c = stoa_test_connect(t, .auth = stoa_object("token", "bad"));

	ck_assert(!stoa_test_connected(c));
	SAME(stoa_test_refusal(c), stoa_object("message", "unauthorized!"));
}
END_TEST

START_TEST(another_token_is_not)
{
	struct stoa_test_client *c = stoa_test_connect(t, .auth = stoa_object("token", "good"));

	ck_assert(stoa_test_connected(c));
	GOT(c, "my response", stoa_object("data", "Connected"));
	stoa_test_disconnect(c);
	ck_assert(!stoa_test_connected(c));
}
END_TEST

/* --- Values come and go ------------------------------------------------------------------------------------------- */

START_TEST(what_is_sent_comes_back)
{
	struct stoa_test_client *c = greeted();

	stoa_test_send(c, "hello");
	GOT(c, "message", "hello");
	stoa_test_emit(c, "json", stoa_object("a", stoa_array(1, 2.5, NULL)));
	GOT(c, "json", stoa_object("a", stoa_array(1, 2.5, NULL)));
	stoa_test_emit(c, "my_event", 1, "two", stoa_array(3));
	GOT(c, "my response", 1, "two", stoa_array(3));
}
END_TEST

/* --- Acknowledging ------------------------------------------------------------------------------------------------ */

START_TEST(events_are_acknowledged)
{
	struct stoa_test_client *c = greeted();

	SAME(stoa_test_call(c, "my event", "x"), stoa_array("one", 2));
	GOT(c, "my response", "x");
	SAME(stoa_test_call(c, "echo", true, "two"), stoa_array(true, "two"));
}
END_TEST

START_TEST(binary_comes_back_whole)
{
	struct stoa_test_client *c = greeted();
	struct stoa_value acked = stoa_test_call(c, "echo", stoa_bytes("\0\1\2", 3));
	struct stoa_bytes bytes;

	ck_assert(stoa_read(stoa_at(acked, 0), &bytes) == 0);
	ck_assert_mem_eq(bytes.at, "\0\1\2", 3);
	ck_assert_uint_eq(bytes.size, 3);
}
END_TEST

START_TEST(the_server_asks)
{
	struct stoa_test_client *c = greeted();

	stoa_test_emit(c, "ask");
	GOT(c, "question", stoa_spread(*stoa_list()));
	stoa_test_answer(c, "forty-two", 42);
	GOT(c, "answered", "forty-two", 42);
}
END_TEST

START_TEST(no_answer_is_no_harm)
{
	struct stoa_test_client *c = greeted();

	stoa_test_emit(c, "ask");
	GOT(c, "question", stoa_spread(*stoa_list()));
	stoa_test_pass(t, 5000);
	GOT_NOTHING(c);
}
END_TEST

/* --- Everybody, and rooms ----------------------------------------------------------------------------------------- */

START_TEST(everybody_hears_a_broadcast)
{
	struct stoa_test_client *a = greeted(), *b = greeted();

	stoa_test_emit(a, "my broadcast event", stoa_object("data", 1));
	GOT(a, "my response", stoa_object("data", 1));
	GOT(b, "my response", stoa_object("data", 1));
}
END_TEST

START_TEST(rooms_are_joined_left_and_closed)
{
	struct stoa_test_client *a = greeted(), *b = greeted();

	stoa_test_emit(a, "join", stoa_object("username", "a", "room", "r"));
	GOT(a, "message", "a has entered the room.");
	stoa_test_emit(b, "my room event", stoa_object("room", "r", "data", 1));
	GOT(a, "my response", stoa_object("data", 1));
	GOT_NOTHING(b);

	stoa_test_emit(b, "join", stoa_object("username", "b", "room", "r"));
	GOT(a, "message", "b has entered the room.");
	stoa_test_emit(a, "leave", stoa_object("username", "a", "room", "r"));
	GOT_NOTHING(a);

	stoa_test_emit(a, "close room", stoa_object("room", "r"));
	stoa_test_emit(a, "my room event", stoa_object("room", "r", "data", 2));
	GOT(b, "message", "b has entered the room.");
	GOT(b, "message", "a has left the room.");
	GOT_NOTHING(b);
}
END_TEST

/* --- Errors ------------------------------------------------------------------------------------------------------- */

START_TEST(errors_have_a_handler_and_an_ack)
{
	struct stoa_test_client *c = greeted();

	SAME(stoa_test_call(c, "my error event", 1), stoa_array(stoa_object("error", "this event always fails")));
	GOT(c, "error event", stoa_object("event", "my error event", "args", stoa_array(1)));
}
END_TEST

/* --- Without a client --------------------------------------------------------------------------------------------- */

START_TEST(the_tick_is_an_option)
{
	struct stoa_test *ticking = stoa_test_open("./getting-started.so", stoa_names("tick=1000"));
	struct stoa_test_client *c = stoa_test_connect(ticking);

	GOT(c, "my response", stoa_object("data", "Connected"));
	stoa_test_pass(ticking, 999);
	GOT_NOTHING(c);
	stoa_test_pass(ticking, 2001);
	for (int i = 0; i < 3; i++)
		GOT(c, "some event", stoa_object("data", 42));
	GOT_NOTHING(c);
	stoa_test_close(ticking);
}
END_TEST

/* --- A namespace of its own --------------------------------------------------------------------------------------- */

START_TEST(a_namespace_is_a_world_of_its_own)
{
	struct stoa_test_client *c = stoa_test_connect(t, "/test");

	stoa_test_emit(c, "my_event", 1, "two");
	SAME(stoa_test_received(c),
		stoa_object("name", "my_response", "args", stoa_array(1, "two"), "namespace", "/test"));
}
END_TEST

static Suite *tour(void)
{
	Suite *s = suite_create("getting-started");
	TCase *c = tcase_create("tour");

	tcase_add_checked_fixture(c, open_tour, close_tour);
	tcase_add_test(c, a_bad_token_is_refused);
	tcase_add_test(c, another_token_is_not);
	tcase_add_test(c, what_is_sent_comes_back);
	tcase_add_test(c, events_are_acknowledged);
	tcase_add_test(c, binary_comes_back_whole);
	tcase_add_test(c, the_server_asks);
	tcase_add_test(c, no_answer_is_no_harm);
	tcase_add_test(c, everybody_hears_a_broadcast);
	tcase_add_test(c, rooms_are_joined_left_and_closed);
	tcase_add_test(c, errors_have_a_handler_and_an_ack);
	tcase_add_test(c, the_tick_is_an_option);
	tcase_add_test(c, a_namespace_is_a_world_of_its_own);
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	SRunner *runner = srunner_create(tour());
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
