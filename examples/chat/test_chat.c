/*
 * test_chat.c - the chat's tests: what its handlers do to clients, without a server and without waiting.
 *
 *	cc -o test_chat test_chat.c $(pkg-config --cflags --libs stoa-test check) && ./test_chat
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
static struct stoa_test_client *ada, *bob;

static void open_chat(void)
{
	t = stoa_test_open("./chat.so", NULL);
	ada = stoa_test_connect(t, .auth = stoa_object("name", "Ada"));
	bob = stoa_test_connect(t, .auth = stoa_object("name", "Bob"));
}

static void close_chat(void)
{
	stoa_test_close(t);
}

START_TEST(joining_is_announced_in_the_room)
{
	stoa_test_emit(ada, "join", stoa_object("room", "tea"));
	stoa_test_emit(bob, "join", stoa_object("room", "tea"));

	GOT(ada, "join", "Ada joined the room");
	GOT(ada, "join", "Bob joined the room");
	GOT(bob, "join", "Bob joined the room");
	GOT_NOTHING(bob);
}
END_TEST

START_TEST(messages_stay_in_their_room)
{
	stoa_test_emit(ada, "join", stoa_object("room", "tea"));
	GOT(ada, "join", "Ada joined the room");

	stoa_test_emit(bob, "chat", stoa_object("room", "tea", "message", "hello"));
	GOT(ada, "chat", "hello");
	GOT_NOTHING(bob);
}
END_TEST

START_TEST(who_left_hears_no_more)
{
	stoa_test_emit(ada, "join", stoa_object("room", "tea"));
	stoa_test_emit(bob, "join", stoa_object("room", "tea"));
	stoa_test_emit(ada, "leave", stoa_object("room", "tea"));
	stoa_test_emit(bob, "chat", stoa_object("room", "tea", "message", "alone"));

	GOT(ada, "join", "Ada joined the room");
	GOT(ada, "join", "Bob joined the room");
	GOT_NOTHING(ada);
	GOT(bob, "join", "Bob joined the room");
	GOT(bob, "leave", "Ada left the room");
	GOT(bob, "chat", "alone");
}
END_TEST

START_TEST(who_gives_no_name_is_someone)
{
	struct stoa_test_client *c = stoa_test_connect(t);

	stoa_test_emit(c, "join", stoa_object("room", "tea"));
	GOT(c, "join", "Someone joined the room");
}
END_TEST

START_TEST(a_message_without_a_room_is_answered_with_what_is_missing)
{
	SAME(stoa_test_call(ada, "chat", stoa_object("message", "where?")),
		stoa_array(stoa_object("error", "argument 1: expected object with text `room`")));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("chat");
	TCase *c = tcase_create("chat");
	SRunner *runner = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(c, open_chat, close_chat);
	tcase_add_test(c, joining_is_announced_in_the_room);
	tcase_add_test(c, messages_stay_in_their_room);
	tcase_add_test(c, who_left_hears_no_more);
	tcase_add_test(c, who_gives_no_name_is_someone);
	tcase_add_test(c, a_message_without_a_room_is_answered_with_what_is_missing);
	suite_add_tcase(s, c);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
