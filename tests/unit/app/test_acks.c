/* test_acks.c - acks now, later, never. */
#include "rig.h"

#include <errno.h>

#include "metrics.h"

static struct stoa_ack taken[8];
static size_t n_taken;

static int nothing(struct stoa_event *ev)
{
	(void)ev;
	return 0;
}

static int acks(struct stoa_event *ev)
{
	return stoa_ack(ev, "one", 2);
}

static int acks_twice(struct stoa_event *ev)
{
	IS(stoa_ack(ev, 1), 0);
	IS(stoa_ack(ev, 2), -EALREADY);
	return 0;
}

static int acks_none(struct stoa_event *ev)
{
	return stoa_ack(ev, stoa_spread(*stoa_list()));
}

START_TEST(acks_now)
{
	rig_go_ack(acks, "", 5);
	ck_assert_str_eq(rig_log(), "ack 5 [\"one\",2] to A\n");
	rig_go(acks, "");
	ck_assert_str_eq(rig_log(), "");
	rig_go_ack(nothing, "", 6);
	ck_assert_str_eq(rig_log(), "ack 6 [] to A\n");
	rig_go_ack(acks_twice, "", 7);
	ck_assert_str_eq(rig_log(), "ack 7 [1] to A\n");
	rig_go_ack(acks_none, "", 8);
	ck_assert_str_eq(rig_log(), "ack 8 [] to A\n");
}
END_TEST

static int acks_badly(struct stoa_event *ev)
{
	IS(stoa_ack(ev, "\xFF"), -EINVAL);
	return stoa_ack(ev, "well");
}

START_TEST(an_ack_that_could_not_be_noted_is_still_to_be_given)
{
	rig_go_ack(acks_badly, "", 1);
	ck_assert_str_eq(rig_log(), "ack 1 [\"well\"] to A\n");
}
END_TEST

/* --- Later -------------------------------------------------------------------------------------------------------- */

static int defers(struct stoa_event *ev)
{
	taken[n_taken++] = stoa_defer(ev);
	return 0;
}

static int uses_first(struct stoa_event *ev)
{
	(void)ev;
	return stoa_ack(taken[0], "late", stoa_bytes("abc", 3));
}

START_TEST(acks_later)
{
	n_taken = 0;
	rig_go_ack(defers, "", 5);
	ck_assert_str_eq(rig_log(), "");
	rig_go(uses_first, "");
	ck_assert_str_eq(rig_log(), "ack 5 [\"late\",{\"_placeholder\":true,\"num\":0}] <abc> to A by sid\n");
	rig_go_ack(uses_first, "", 6);
	ck_assert_str_eq(rig_log(), "ack 6 [{\"error\":\"Operation already in progress\"}] to A\n");
	rig_pass(1000);
	ck_assert_str_eq(rig_log(), "");
}
END_TEST

static int defers_and_acks(struct stoa_event *ev)
{
	struct stoa_ack first = stoa_defer(ev), second = stoa_defer(ev);

	IS(stoa_ack(ev, 1), -EALREADY);
	IS(stoa_ack(second, 1), -EALREADY);
	return stoa_ack(first, "in the same handler");
}

static int acks_and_defers(struct stoa_event *ev)
{
	stoa_ack(ev, 1);
	IS(stoa_ack(stoa_defer(ev), 2), -EALREADY);
	return 0;
}

static int defers_unasked(struct stoa_event *ev)
{
	return stoa_ack(stoa_defer(ev), 1);
}

START_TEST(an_ack_is_taken_once)
{
	rig_go_ack(defers_and_acks, "", 5);
	ck_assert_str_eq(rig_log(), "ack 5 [\"in the same handler\"] to A by sid\n");
	rig_go_ack(acks_and_defers, "", 6);
	ck_assert_str_eq(rig_log(), "ack 6 [1] to A\n");
	rig_go(defers_unasked, "");
	ck_assert_str_eq(rig_log(), "");
}
END_TEST

START_TEST(an_ack_never_used_is_a_failure)
{
	int64_t before = metrics_get(M_LIMIT_ACK_TIME);

	n_taken = 0;
	rig_go_ack(defers, "", 5);
	ck_assert_int_eq(app_due_ms(rig.app), rig.now_ms + 500);
	rig_pass(499);
	ck_assert_str_eq(rig_log(), "");
	rig_pass(1);
	ck_assert_str_eq(rig_log(), "ack 5 [{\"error\":\"operation has timed out\"}] to A by sid\n");
	ck_assert_int_eq(metrics_get(M_LIMIT_ACK_TIME), before + 1);
	rig_go_ack(uses_first, "", 6);
	ck_assert_ptr_nonnull(strstr(rig_log(), "ack 6 [{\"error\""));
}
END_TEST

static int defers_and_fails(struct stoa_event *ev)
{
	taken[0] = stoa_defer(ev);
	return stoa_fail(ev, "after all");
}

START_TEST(an_event_that_fails_answers_at_once)
{
	rig_go_ack(defers_and_fails, "", 5);
	ck_assert_str_eq(rig_log(), "ack 5 [{\"error\":\"after all\"}] to A\n");
	rig_go_ack(uses_first, "", 6);
	ck_assert_ptr_nonnull(strstr(rig_log(), "ack 6 [{\"error\""));
	ck_assert_int_eq(app_due_ms(rig.app), INT64_MAX);
}
END_TEST

static int defers_too_many(struct stoa_event *ev)
{
	struct stoa_ack a = stoa_defer(ev);

	IS(stoa_ack(a, 1), -EAGAIN);
	return 0;
}

START_TEST(deferred_acks_are_bounded)
{
	int64_t before = metrics_get(M_LIMIT_TIMERS);

	n_taken = 0;
	for (int i = 0; i < 5; i++)
		rig_go_ack(defers, "", i);
	ck_assert_str_eq(rig_log(), "");
	rig_go_ack(defers_too_many, "", 9);
	ck_assert_str_eq(rig_log(), "ack 9 [{\"error\":\"too many deferred acks\"}] to A\n");
	ck_assert_int_eq(metrics_get(M_LIMIT_TIMERS), before + 1);
	rig_go(uses_first, "");
	rig_log();
	rig_go_ack(defers, "", 10);
	ck_assert_str_eq(rig_log(), "");
}
END_TEST

START_TEST(the_end_of_the_process_answers_them)
{
	n_taken = 0;
	rig_go_ack(defers, "", 5);
	app_stop(rig.app, rig.now_ms);
	ck_assert_str_eq(rig_log(), "ack 5 [{\"error\":\"the server is stopping\"}] to A by sid\n");
}
END_TEST

/* --- In what the event began -------------------------------------------------------------------------------------- */

static int gives_asked(struct stoa_event *ev)
{
	IS(stoa_ack(stoa_asked(ev), (const char *)stoa_ctx(ev)), 0);
	return 0;
}

static int defers_then_begins(struct stoa_event *ev)
{
	stoa_defer(ev);
	ck_assert_int_gt(stoa_after(ev, 10, gives_asked, CTX("timer")), 0);
	return stoa_call(ev, 100, gives_asked, CTX("answer"), "q");
}

static int times_then_defers(struct stoa_event *ev)
{
	ck_assert_int_gt(stoa_after(ev, 10, gives_asked, CTX("timer")), 0);
	stoa_defer(ev);
	return 0;
}

static int begins_then_defers(struct stoa_event *ev)
{
	ck_assert_int_gt(stoa_after(ev, 10, gives_asked, CTX("timer")), 0);
	IS(stoa_fetch_sockets(ev, 100, gives_asked, CTX("found")), 0);
	stoa_defer(ev);
	return 0;
}

START_TEST(what_was_begun_carries_the_ack)
{
	rig.expect = 1;
	rig_go_ack(defers_then_begins, "", 5);
	rig_log();
	rig_answer(rig.call, "");
	ck_assert_str_eq(rig_log(), "ack 5 [\"answer\"] to A by sid\n");
	rig_pass(1000); /* the first of several is the answer */
	ck_assert_str_eq(rig_log(), "");
	rig_go_ack(begins_then_defers, "", 6);
	ck_assert_str_eq(rig_log(), "fetch to A\nack 6 [\"found\"] to A by sid\n");
	rig_pass(1000);
	ck_assert_str_eq(rig_log(), "");
	rig_go_ack(times_then_defers, "", 7);
	rig_pass(10);
	ck_assert_str_eq(rig_log(), "ack 7 [\"timer\"] to A by sid\n");
	ck_assert_int_eq(app_due_ms(rig.app), INT64_MAX);
}
END_TEST

static int begins_another(struct stoa_event *ev)
{
	ck_assert_int_gt(stoa_after(ev, 10, gives_asked, CTX("second")), 0);
	return 0;
}

static int begins_a_chain(struct stoa_event *ev)
{
	stoa_defer(ev);
	ck_assert_int_gt(stoa_after(ev, 10, begins_another, NULL), 0);
	return 0;
}

START_TEST(what_these_begin_carries_it_too)
{
	rig_go_ack(begins_a_chain, "", 5);
	rig_pass(19);
	ck_assert_str_eq(rig_log(), "");
	rig_pass(1);
	ck_assert_str_eq(rig_log(), "ack 5 [\"second\"] to A by sid\n");
}
END_TEST

static int begins_only(struct stoa_event *ev)
{
	ck_assert_int_gt(stoa_after(ev, 10, gives_asked, CTX("never")), 0);
	IS(stoa_ack(stoa_asked(ev), "not in the event itself"), 0);
	return 0;
}

static int begins_and_asks_itself(struct stoa_event *ev)
{
	struct stoa_ack own = stoa_defer(ev);

	IS(stoa_ack(stoa_asked(ev), "not in the event itself"), 0);
	return stoa_ack(own, "own");
}

static int begins_and_acks(struct stoa_event *ev)
{
	begins_only(ev);
	return stoa_ack(stoa_defer(ev), "now");
}

static int begins_and_fails(struct stoa_event *ev)
{
	begins_only(ev);
	stoa_defer(ev);
	return stoa_fail(ev, "after all");
}

START_TEST(everywhere_else_there_is_an_empty_one)
{
	rig_go_ack(begins_only, "", 5);
	ck_assert_str_eq(rig_log(), "ack 5 [] to A\n");
	rig_go(begins_only, "");
	rig_go_ack(begins_and_asks_itself, "", 6);
	ck_assert_str_eq(rig_log(), "ack 6 [\"own\"] to A by sid\n");
	rig_go_ack(begins_and_acks, "", 7);
	ck_assert_str_eq(rig_log(), "ack 7 [\"now\"] to A by sid\n");
	rig_go_ack(begins_and_fails, "", 8);
	ck_assert_str_eq(rig_log(), "ack 8 [{\"error\":\"after all\"}] to A\n");
	rig_pass(1000);
	ck_assert_str_eq(rig_log(), "");
}
END_TEST

static int begins_after_the_ack_timeout(struct stoa_event *ev)
{
	stoa_defer(ev);
	ck_assert_int_gt(stoa_after(ev, 501, gives_asked, CTX("too late")), 0);
	return 0;
}

START_TEST(an_ack_that_timed_out_is_an_empty_one)
{
	rig_go_ack(begins_after_the_ack_timeout, "", 5);
	rig_pass(500);
	ck_assert_str_eq(rig_log(), "ack 5 [{\"error\":\"operation has timed out\"}] to A by sid\n");
	rig_pass(1);
	ck_assert_str_eq(rig_log(), "");
}
END_TEST

TCase *case_acks(void)
{
	TCase *tc = tcase_create("acks");

	tcase_add_checked_fixture(tc, rig_begin, rig_end);
	tcase_add_test(tc, acks_now);
	tcase_add_test(tc, an_ack_that_could_not_be_noted_is_still_to_be_given);
	tcase_add_test(tc, acks_later);
	tcase_add_test(tc, an_ack_is_taken_once);
	tcase_add_test(tc, an_ack_never_used_is_a_failure);
	tcase_add_test(tc, an_event_that_fails_answers_at_once);
	tcase_add_test(tc, deferred_acks_are_bounded);
	tcase_add_test(tc, the_end_of_the_process_answers_them);
	tcase_add_test(tc, what_was_begun_carries_the_ack);
	tcase_add_test(tc, what_these_begin_carries_it_too);
	tcase_add_test(tc, everywhere_else_there_is_an_empty_one);
	tcase_add_test(tc, an_ack_that_timed_out_is_an_empty_one);
	return tc;
}
