/* test_calls.c - stoa_call() and its answers. */
#include "rig.h"

#include <errno.h>

#include "metrics.h"

static bool to_many;
static int ran;

static int answered(struct stoa_event *ev)
{
	const char *text = "none";

	ran++;
	if (stoa_unpack(ev, &text) < 0)
		text = "unread";
	return stoa_emit(
		ev, "answered", (const char *)stoa_ctx(ev), stoa_name(ev), text, stoa_status(ev), stoa_error(ev));
}

static int answered_many(struct stoa_event *ev)
{
	struct stoa_value *list = stoa_list();
	int n = 0;

	ran++;
	while (stoa_next(ev)) {
		const char *text = "unread";
		if (stoa_unpack(ev, &text) == 0)
			n++;
		stoa_append(list, text);
	}
	ck_assert(!stoa_next(ev));
	ck_assert_uint_eq(stoa_size(stoa_args(ev)), 0);
	return stoa_emit(ev, "all", *list, n, stoa_status(ev));
}

static int asks(struct stoa_event *ev)
{
	static char ctx[] = "ctx";

	if (to_many)
		return stoa_call(stoa_to(ev, "r"), 100, answered_many, NULL, "q");
	return stoa_call(ev, 100, answered, ctx, "question", 1, stoa_bytes("abc", 3));
}

static void ask(bool many, int expect)
{
	ran = 0;
	to_many = many;
	rig.expect = expect;
	rig_go(asks, "");
	if (many)
		ck_assert_ptr_nonnull(strstr(rig_log(), "call [\"q\"] to r\n"));
}

START_TEST(one_client_answers)
{
	ask(false, 1);
	ck_assert_str_eq(rig_log(), "call [\"question\",1,{\"_placeholder\":true,\"num\":0}] <abc> to A\n");
	rig_answer(rig.call, "\"yes\"");
	ck_assert_str_eq(rig_log(), "emit [\"answered\",\"ctx\",\"question\",\"yes\",0,\"\"] to A by sid\n");
	rig_answer(rig.call, "\"again\"");
	rig_gone(rig.call);
	rig_pass(1000);
	ck_assert_int_eq(ran, 1);
	ck_assert_int_eq(app_due_ms(rig.app), INT64_MAX);
}
END_TEST

START_TEST(one_client_is_expected_of_itself)
{
	ask(false, -1);
	rig_log();
	rig_answer(rig.call, "5");
	ck_assert_str_eq(rig_log(), "emit [\"answered\",\"ctx\",\"question\",\"unread\",0,\"\"] to A by sid\n");
}
END_TEST

START_TEST(one_client_does_not_answer)
{
	int64_t before = metrics_get(M_CALL_TIMEOUTS);

	ask(false, 1);
	rig_log();
	rig_pass(99);
	ck_assert_str_eq(rig_log(), "");
	rig_pass(1);
	ck_assert_str_eq(rig_log(), "emit [\"answered\",\"ctx\",\"question\",\"unread\",-110,"
				    "\"operation has timed out\"] to A by sid\n");
	ck_assert_int_eq(metrics_get(M_CALL_TIMEOUTS), before + 1);
	rig_answer(rig.call, "1");
	ck_assert_int_eq(ran, 1);
}
END_TEST

START_TEST(one_client_leaves)
{
	ask(false, 1);
	rig_log();
	rig_gone(rig.call);
	ck_assert_str_eq(rig_log(), "emit [\"answered\",\"ctx\",\"question\",\"unread\",-107,"
				    "\"the client has disconnected\"] to A by sid\n");
	ask(false, 0);
	ck_assert_ptr_nonnull(strstr(rig_log(), "\"unread\",-107,"));
}
END_TEST

START_TEST(several_answer)
{
	ask(true, 3);
	rig_answer(rig.call, "\"one\"");
	rig_answer(rig.call, "5");
	ck_assert_int_eq(ran, 0);
	rig_answer(rig.call, "\"three\",\"more\"");
	ck_assert_str_eq(rig_log(), "emit [\"all\",[\"one\",\"unread\",\"three\"],2,0] to A by sid\n");
}
END_TEST

START_TEST(several_but_one_left)
{
	ask(true, 2);
	rig_gone(rig.call);
	rig_answer(rig.call, "\"one\"");
	ck_assert_str_eq(rig_log(), "emit [\"all\",[\"one\"],1,-107] to A by sid\n");
}
END_TEST

START_TEST(several_but_one_is_silent)
{
	ask(true, 2);
	rig_answer(rig.call, "\"one\"");
	rig_pass(100);
	ck_assert_str_eq(rig_log(), "emit [\"all\",[\"one\"],1,-110] to A by sid\n");
}
END_TEST

START_TEST(nobody_is_there)
{
	ran = 0;
	to_many = true;
	rig.expect = 0;
	rig_go(asks, "");
	ck_assert_str_eq(rig_log(), "call [\"q\"] to r\nemit [\"all\",[],0,0] to A by sid\n");
}
END_TEST

START_TEST(the_number_of_clients_may_come_last)
{
	ask(true, -1);
	rig_answer(rig.call, "\"one\"");
	app_call_expect(rig.app, rig.call, 1);
	ck_assert_int_eq(ran, 0);
	ck_assert_int_le(app_due_ms(rig.app), rig.now_ms);
	rig_pass(0);
	ck_assert_str_eq(rig_log(), "emit [\"all\",[\"one\"],1,0] to A by sid\n");
	app_call_expect(rig.app, 12345, 1);
}
END_TEST

static int walks_one(struct stoa_event *ev)
{
	int n = 0, loops = 0;

	while (stoa_next(ev)) {
		loops++;
		IS(stoa_unpack(ev, &n), 0);
	}
	return stoa_emit(ev, "walked", loops, n);
}

static int asks_walking(struct stoa_event *ev)
{
	return stoa_call(ev, 100, walks_one, NULL, "q");
}

START_TEST(a_single_answer_may_be_walked_too)
{
	rig_go(asks_walking, "");
	rig_log();
	rig_answer(rig.call, "7");
	ck_assert_str_eq(rig_log(), "emit [\"walked\",1,7] to A by sid\n");
}
END_TEST

static int counts(struct stoa_event *ev)
{
	size_t before = stoa_answers(ev), steps = 0;

	while (stoa_next(ev))
		steps += stoa_answers(ev) == before;
	return stoa_emit(ev, "counted", before, steps, stoa_answers(ev), stoa_status(ev));
}

static int asks_to_count(struct stoa_event *ev)
{
	ck_assert_uint_eq(stoa_answers(ev), 0);
	return stoa_call(stoa_to(ev, "r"), 100, counts, NULL, "q");
}

START_TEST(answers_are_counted)
{
	rig.expect = 3;
	rig_go(asks_to_count, "1,2");
	rig_log();
	rig_answer(rig.call, "1");
	rig_answer(rig.call, "");
	rig_pass(100);
	ck_assert_str_eq(rig_log(), "emit [\"counted\",2,2,2,-110] to A by sid\n");
	rig.expect = 0;
	rig_go(asks_to_count, "");
	ck_assert_ptr_nonnull(strstr(rig_log(), "emit [\"counted\",0,0,0,0] to A by sid\n"));
}
END_TEST

static int answer_with_bytes(struct stoa_event *ev)
{
	return stoa_emit(ev, "got", stoa_spread(stoa_args(ev)));
}

static int asks_bytes(struct stoa_event *ev)
{
	return stoa_call(ev, 100, answer_with_bytes, NULL, "q");
}

START_TEST(answers_carry_binary)
{
	char bytes[] = "xyz";
	struct slice blob = slice_of(bytes, 3);

	rig_go(asks_bytes, "");
	rig_log();
	app_answer(
		rig.app, rig.now_ms, rig.call, "A", SLICE("{\"_placeholder\":true,\"num\":0},1"), JSON_BLOBS, &blob, 1);
	ck_assert_str_eq(rig_log(), "emit [\"got\",{\"_placeholder\":true,\"num\":0},1] <xyz> to A by sid\n");
}
END_TEST

static int cannot(struct stoa_event *ev)
{
	IS(stoa_call(ev, 0, answered, NULL, "q"), -EINVAL);
	IS(stoa_call(ev, -1, answered, NULL, "q"), -EINVAL);
	IS(stoa_call(ev, 1, NULL, NULL, "q"), -EINVAL);
	IS(stoa_call(ev, 1, answered, NULL, "connect"), -EINVAL);
	IS(stoa_call(ev, 1, answered, NULL, "q", "\xFF"), -EINVAL);
	for (int i = 0; i < 5; i++)
		IS(stoa_call(ev, INT64_MAX, answered, NULL, "q"), 0);
	IS(stoa_call(ev, 1, answered, NULL, "q"), -EAGAIN);
	return 0;
}

START_TEST(what_cannot_be_asked)
{
	ran = 0;
	rig.expect = -1;
	rig_go(cannot, "");
	rig_pass(100);
	ck_assert_int_eq(ran, 0);
	app_stop(rig.app, rig.now_ms);
	ck_assert_int_eq(ran, 5);
}
END_TEST

static int fails(struct stoa_event *ev)
{
	return stoa_fail(ev, "the answer is wrong");
}

static int asks_failing(struct stoa_event *ev)
{
	return stoa_call(ev, 100, fails, NULL, "q");
}

static int on_error(struct stoa_event *ev)
{
	return stoa_emit(ev, "error", stoa_name(ev), stoa_args(ev), stoa_error(ev));
}

static void setup_failing(struct stoa_app *app)
{
	stoa_on(app, "/chat", "ask", asks_failing, NULL);
	stoa_on_error(app, "/chat", on_error, NULL);
}

START_TEST(a_later_event_may_fail)
{
	ck_assert_ptr_nonnull(rig_open(setup_failing));
	rig.nsp = "/chat";
	rig_event("ask", "", -1);
	rig_log();
	rig_answer(rig.call, "1");
	ck_assert_str_eq(rig_log(), "emit [\"error\",\"q\",[1],\"the answer is wrong\"] to A by sid nsp=/chat\n");
}
END_TEST

TCase *case_calls(void)
{
	TCase *tc = tcase_create("calls");

	tcase_add_checked_fixture(tc, rig_begin, rig_end);
	tcase_add_test(tc, one_client_answers);
	tcase_add_test(tc, one_client_is_expected_of_itself);
	tcase_add_test(tc, one_client_does_not_answer);
	tcase_add_test(tc, one_client_leaves);
	tcase_add_test(tc, several_answer);
	tcase_add_test(tc, several_but_one_left);
	tcase_add_test(tc, several_but_one_is_silent);
	tcase_add_test(tc, nobody_is_there);
	tcase_add_test(tc, the_number_of_clients_may_come_last);
	tcase_add_test(tc, a_single_answer_may_be_walked_too);
	tcase_add_test(tc, answers_are_counted);
	tcase_add_test(tc, answers_carry_binary);
	tcase_add_test(tc, what_cannot_be_asked);
	tcase_add_test(tc, a_later_event_may_fail);
	return tc;
}
