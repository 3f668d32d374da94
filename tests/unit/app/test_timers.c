/* test_timers.c - stoa_after(), stoa_cancel(), stoa_every(). */
#include "rig.h"

#include <errno.h>
#include <stdlib.h>

#include "metrics.h"

static int64_t numbers[20000];
static int64_t delay;
static int ran, cancelled;

static int fires(struct stoa_event *ev)
{
	ran++;
	return stoa_emit(ev, "fired", (const char *)stoa_ctx(ev), stoa_name(ev), stoa_sid(ev), stoa_namespace(ev),
		stoa_status(ev), stoa_error(ev));
}

static int begins(struct stoa_event *ev)
{
	static char ctx[] = "ctx";

	numbers[0] = stoa_after(ev, delay, fires, ctx);
	ck_assert_int_gt(numbers[0], 0);
	return 0;
}

START_TEST(once_after)
{
	delay = 50;
	rig_go(begins, "");
	ck_assert_int_eq(app_due_ms(rig.app), rig.now_ms + 50);
	rig_pass(49);
	ck_assert_str_eq(rig_log(), "");
	rig_pass(1);
	ck_assert_str_eq(rig_log(), "emit [\"fired\",\"ctx\",\"go\",\"A\",\"/\",0,\"\"] to A by sid\n");
	ck_assert_int_eq(app_due_ms(rig.app), INT64_MAX);
	rig_pass(1000);
	ck_assert_str_eq(rig_log(), "");
}
END_TEST

START_TEST(below_zero_is_zero)
{
	delay = -5;
	rig_go(begins, "");
	ck_assert_str_eq(rig_log(), "");
	rig_pass(0);
	ck_assert_ptr_nonnull(strstr(rig_log(), "fired"));
	delay = INT64_MAX;
	rig_go(begins, "");
	ck_assert_int_eq(app_due_ms(rig.app), INT64_MAX);
}
END_TEST

static int cancels(struct stoa_event *ev)
{
	stoa_emit(ev, "before");
	stoa_cancel(ev, numbers[0]);
	stoa_cancel(ev, numbers[0]);
	stoa_cancel(ev, 0);
	stoa_cancel(ev, -1);
	stoa_cancel(ev, 123456);
	return stoa_emit(ev, "after");
}

START_TEST(cancelling)
{
	delay = 50;
	rig_go(begins, "");
	rig_go(cancels, "");
	ck_assert_str_eq(rig_log(), "emit [\"before\"] to A\nemit [\"after\"] to A\n"
				    "emit [\"fired\",\"ctx\",\"go\",\"A\",\"/\",-125,\"cancelled\"] to A by sid\n");
	rig_go(cancels, "");
	ck_assert_str_eq(rig_log(), "emit [\"before\"] to A\nemit [\"after\"] to A\n");
}
END_TEST

/* One that is due in the same turn, but has not run. */
static int cancels_other(struct stoa_event *ev)
{
	stoa_cancel(ev, numbers[1]);
	stoa_cancel(ev, numbers[0]); /* itself */
	return 0;
}

static int begins_two(struct stoa_event *ev)
{
	numbers[0] = stoa_after(ev, 10, cancels_other, NULL);
	numbers[1] = stoa_after(ev, 10, fires, NULL);
	return 0;
}

START_TEST(cancelling_what_is_due)
{
	rig_go(begins_two, "");
	rig_pass(10);
	ck_assert_str_eq(rig_log(), "emit [\"fired\",null,\"go\",\"A\",\"/\",-125,\"cancelled\"] to A by sid\n");
	ck_assert_int_eq(app_due_ms(rig.app), INT64_MAX);
}
END_TEST

static int again(struct stoa_event *ev)
{
	ran++;
	return stoa_after(ev, 0, again, NULL) > 0 ? 0 : -1;
}

START_TEST(a_turn_ends)
{
	ran = 0;
	rig_go(again, "");
	app_tick(rig.app, rig.now_ms);
	app_tick(rig.app, rig.now_ms);
	ck_assert_int_eq(ran, 3);
	ck_assert_int_le(app_due_ms(rig.app), rig.now_ms);
}
END_TEST

static int begins_many(struct stoa_event *ev)
{
	for (int i = 0; i < 5; i++)
		ck_assert_int_gt(stoa_after(ev, 10, fires, NULL), 0);
	IS(stoa_after(ev, 10, fires, NULL), -EAGAIN);
	IS(stoa_after(ev, 10, NULL, NULL), -EINVAL);
	return 0;
}

START_TEST(timers_are_bounded)
{
	int64_t before = metrics_get(M_LIMIT_TIMERS);

	ran = 0;
	rig_go(begins_many, "");
	ck_assert_int_eq(metrics_get(M_LIMIT_TIMERS), before + 1);
	rig_pass(10);
	ck_assert_int_eq(ran, 5);
	rig_go(begins_many, "");
}
END_TEST

static int re_arms(struct stoa_event *ev)
{
	return ++ran < 10 && stoa_after(ev, 10, re_arms, NULL) < 0 ? -1 : 0;
}

START_TEST(a_timer_that_runs_has_left_its_place)
{
	rig.limits.max_timers = 1;
	rig_end();
	rig_begin();
	ran = 0;
	rig_go(re_arms, "");
	rig_pass(1000);
	ck_assert_int_eq(ran, 10);
}
END_TEST

/* --- Many --------------------------------------------------------------------------------------------------------- */

static int64_t last_due;

static int in_order(struct stoa_event *ev)
{
	int64_t due = (int64_t)(intptr_t)stoa_ctx(ev);

	if (stoa_status(ev) == -ECANCELED) {
		cancelled++;
		return 0;
	}
	ck_assert_int_ge(due, last_due);
	ck_assert_int_le(due, rig.now_ms);
	last_due = due;
	ran++;
	return 0;
}

static int begins_thousands(struct stoa_event *ev)
{
	srand(1);
	for (size_t i = 0; i < 20000; i++) {
		int64_t ms = rand() % 5000;
		numbers[i] = stoa_after(ev, ms, in_order, (void *)(intptr_t)(rig.now_ms + ms));
		ck_assert_int_gt(numbers[i], 0);
	}
	for (size_t i = 0; i < 20000; i += 3)
		stoa_cancel(ev, numbers[i]);
	return 0;
}

static int go_thousands(struct stoa_event *ev)
{
	return begins_thousands(ev);
}

static void setup_thousands(struct stoa_app *app)
{
	stoa_on(app, "/", "go", go_thousands, NULL);
}

START_TEST(twenty_thousand_in_order)
{
	rig.limits.max_timers = 20000;
	ck_assert_ptr_nonnull(rig_open(setup_thousands));
	ran = cancelled = 0;
	last_due = 0;
	rig_event("go", "", -1);
	ck_assert_int_eq(cancelled, 6667);
	rig_pass(6000);
	ck_assert_int_eq(ran + cancelled, 20000);
	ck_assert_int_eq(app_due_ms(rig.app), INT64_MAX);
}
END_TEST

/* --- The end ------------------------------------------------------------------------------------------------------ */

static int restarts(struct stoa_event *ev)
{
	cancelled++;
	IS(stoa_status(ev), -ECANCELED);
	IS(stoa_after(ev, 1, restarts, NULL), -ECANCELED);
	IS(stoa_call(ev, 1, restarts, NULL, "q"), -ECANCELED);
	return stoa_emit(ev, "bye");
}

static int begins_restart(struct stoa_event *ev)
{
	stoa_after(ev, 100, restarts, NULL);
	return stoa_call(ev, 100, restarts, NULL, "q");
}

START_TEST(the_end_cancels)
{
	cancelled = 0;
	rig_go(begins_restart, "");
	rig_log();
	app_stop(rig.app, rig.now_ms);
	ck_assert_int_eq(cancelled, 2);
	ck_assert_str_eq(rig_log(), "emit [\"bye\"] to A by sid\nemit [\"bye\"] to A by sid\n");
}
END_TEST

START_TEST(freeing_cancels_in_silence)
{
	cancelled = 0;
	rig_go(begins_restart, "");
	rig_log();
	app_free(rig.app);
	rig.app = NULL;
	ck_assert_int_eq(cancelled, 2);
	ck_assert_str_eq(rig_log(), "");
	app_free(NULL);
}
END_TEST

/* --- Tasks -------------------------------------------------------------------------------------------------------- */

static int ticks(struct stoa_event *ev)
{
	ck_assert_ptr_null(stoa_sid(ev));
	ran++;
	IS(stoa_emit(ev, "x"), -EDESTADDRREQ);
	return stoa_emit(stoa_to(ev, .broadcast = true), stoa_name(ev), stoa_namespace(ev));
}

static int fails(struct stoa_event *ev)
{
	(void)ev;
	return -1;
}

static int failed_task(struct stoa_event *ev)
{
	return stoa_emit(stoa_to(ev, .broadcast = true), "failed", stoa_name(ev));
}

static void setup_tasks(struct stoa_app *app)
{
	stoa_every(app, "tick", 100, ticks, NULL);
	stoa_every(app, "never", 0, ticks, NULL);
	stoa_every(app, "fails", 250, fails, NULL);
	stoa_on_error(app, "*", failed_task, NULL);
}

START_TEST(tasks)
{
	ck_assert_ptr_nonnull(rig_open(setup_tasks));
	ck_assert_int_eq(app_due_ms(rig.app), INT64_MAX);
	app_start(rig.app, rig.now_ms);
	rig_pass(99);
	ck_assert_str_eq(rig_log(), "");
	rig_pass(1);
	ck_assert_str_eq(rig_log(), "emit [\"tick\",\"/\"] to broadcast\n");
	rig_pass(100);
	ck_assert_str_eq(rig_log(), "emit [\"tick\",\"/\"] to broadcast\n");
	rig_pass(50);
	ck_assert_str_eq(rig_log(), "emit [\"failed\",\"fails\"] to broadcast\n");
}
END_TEST

START_TEST(a_late_tick_is_one_tick)
{
	ck_assert_ptr_nonnull(rig_open(setup_tasks));
	app_start(rig.app, rig.now_ms);
	ran = 0;
	rig.now_ms += 350;
	app_tick(rig.app, rig.now_ms);
	ck_assert_int_eq(ran, 1);
	ck_assert_int_eq(app_due_ms(rig.app), rig.now_ms + 50); /* on the old beat */
	app_stop(rig.app, rig.now_ms);
	rig_pass(1000);
	ck_assert_int_eq(ran, 1);
}
END_TEST

TCase *case_timers(void)
{
	TCase *tc = tcase_create("timers");

	tcase_add_checked_fixture(tc, rig_begin, rig_end);
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, once_after);
	tcase_add_test(tc, below_zero_is_zero);
	tcase_add_test(tc, cancelling);
	tcase_add_test(tc, cancelling_what_is_due);
	tcase_add_test(tc, a_turn_ends);
	tcase_add_test(tc, timers_are_bounded);
	tcase_add_test(tc, a_timer_that_runs_has_left_its_place);
	tcase_add_test(tc, twenty_thousand_in_order);
	tcase_add_test(tc, the_end_cancels);
	tcase_add_test(tc, freeing_cancels_in_silence);
	tcase_add_test(tc, tasks);
	tcase_add_test(tc, a_late_tick_is_one_tick);
	return tc;
}
