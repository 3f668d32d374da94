/* test_jobs.c - background tasks, their work run on the test's own thread; test_threads.c has others. */
#include "rig.h"

#include <errno.h>
#include <string.h>

#include "metrics.h"

static stoa_fn *work, *done;
static struct stoa_ack taken;
static int dones, works;

static int is_done(struct stoa_event *ev)
{
	dones++;
	return stoa_emit(ev, "done", (const char *)stoa_ctx(ev), stoa_name(ev), stoa_status(ev), stoa_error(ev));
}

static int starts(struct stoa_event *ev)
{
	taken = stoa_defer(ev);
	return stoa_start_background_task(ev, work, done, CTX("ctx"));
}

static void start(stoa_fn *work_, stoa_fn *done_)
{
	work = work_;
	done = done_;
	dones = works = 0;
	rig_go_ack(starts, "1,2", 7);
	IS(rig.n_jobs, 1);
}

/* --- What work is ------------------------------------------------------------------------------------------------- */

static int looks(struct stoa_event *ev)
{
	works++;
	ck_assert_str_eq(stoa_sid(ev), "A");
	ck_assert_str_eq(stoa_namespace(ev), "/");
	ck_assert_str_eq(stoa_name(ev), "go");
	ck_assert_str_eq(stoa_ctx(ev), "ctx");
	ck_assert_uint_eq(stoa_size(stoa_args(ev)), 0);
	IS(stoa_type(stoa_rooms(ev)), STOA_NULL);
	IS(stoa_type(stoa_session(ev)), STOA_NULL);
	ck_assert_ptr_null(stoa_query(ev, "a"));
	IS(stoa_after(ev, 1, is_done, NULL), -EINVAL);
	stoa_cancel(ev, 1);
	IS(stoa_ack(ev, 1), 0); /* nobody asked it */
	return 5;
}

START_TEST(work_has_its_origin_and_done_its_result)
{
	start(looks, is_done);
	IS(works, 0);
	rig_work();
	IS(works, 1);
	IS(dones, 0);
	ck_assert_int_gt(rig.woken, 0);
	rig_tick();
	ck_assert_str_eq(rig_log(), "emit [\"done\",\"ctx\",\"go\",5,\"\"] to A by sid\n");
	IS(dones, 1);
}
END_TEST

static int fails(struct stoa_event *ev)
{
	stoa_fail(ev, stoa_format("no %s", "luck"));
	stoa_sleep(ev, 1); /* what was built is gone, the message is not */
	return 0;
}

START_TEST(work_that_fails_says_why)
{
	start(fails, is_done);
	rig_work();
	rig_tick();
	ck_assert_str_eq(rig_log(), "emit [\"done\",\"ctx\",\"go\",-1,\"no luck\"] to A by sid\n");
}
END_TEST

START_TEST(without_done_a_failure_is_logged)
{
	rig_watch_errors();
	start(fails, NULL);
	rig_work();
	rig_tick();
	ck_assert_ptr_nonnull(strstr(rig_errors(), "no luck"));
}
END_TEST

/* --- What work does ----------------------------------------------------------------------------------------------- */

static int answered(struct stoa_event *ev)
{
	return stoa_emit(ev, "answered", stoa_name(ev), stoa_spread(stoa_args(ev)), stoa_status(ev));
}

static int does_all(struct stoa_event *ev)
{
	IS(stoa_emit(ev, "one", stoa_bytes("abc", 3)), 0);
	IS(stoa_emit(stoa_to(ev, "r", .skip_self = true, .namespace = "/o"), "two"), 0);
	IS(stoa_join_room(ev, "room"), 0);
	IS(stoa_leave_room(stoa_to(ev, "B"), "room"), 0);
	IS(stoa_session_put(ev, "k", 1), 0);
	IS(stoa_ack(taken, "late"), 0);
	IS(stoa_call(ev, 100, answered, NULL, "q", 1), 0);
	IS(stoa_fetch_sockets(stoa_to(ev, "r"), 100, answered, NULL), 0);
	IS(stoa_disconnect(ev), 0);
	return 0;
}

START_TEST(what_work_does_leaves_in_order)
{
	start(does_all, NULL);
	rig_work();
	ck_assert_str_eq(rig_log(), "");
	rig_tick();
	ck_assert_str_eq(rig_log(), "emit [\"one\",{\"_placeholder\":true,\"num\":0}] <abc> to A by sid\n"
				    "emit [\"two\"] to r skip_self nsp=/o\n"
				    "join room to A by sid\nleave room to B\nsession \"k\"=1 to A by sid\n"
				    "ack 7 [\"late\"] to A by sid\n"
				    "call [\"q\",1] to A by sid\nfetch to r\ndisconnect to A by sid\n"
				    "emit [\"answered\",\"fetch_sockets\",0] to A by sid\n");
	rig_answer(rig.call, "\"yes\"");
	ck_assert_str_eq(rig_log(), "emit [\"answered\",\"q\",\"yes\",0] to A by sid\n");
}
END_TEST

static int errs(struct stoa_event *ev)
{
	IS(stoa_emit(ev, "connect"), -EINVAL);
	IS(stoa_emit(ev, "e", "\xFF"), -EINVAL);
	IS(stoa_join_room(ev, "longer than twenty bytes"), -ENAMETOOLONG);
	IS(stoa_call(ev, 0, answered, NULL, "q"), -EINVAL);
	IS(stoa_emit(ev, "e", stoa_bytes("a", 1), stoa_bytes("a", 1), stoa_bytes("a", 1), stoa_bytes("a", 1)), -E2BIG);
	IS(stoa_ack(taken, 1), 0);
	IS(stoa_ack(taken, 2), 0); /* that it was given is known on the loop only */
	return 0;
}

START_TEST(what_cannot_be_done_is_told_at_once)
{
	int64_t attachments = metrics_get(M_LIMIT_ATTACHMENTS), names = metrics_get(M_LIMIT_ROOM_NAME);

	rig_watch_errors();
	start(errs, NULL);
	rig_work();
	rig_tick();
	ck_assert_str_eq(rig_log(), "ack 7 [1] to A by sid\n");
	ck_assert_ptr_nonnull(strstr(rig_errors(), "this ack was given before"));
	IS(metrics_get(M_LIMIT_ATTACHMENTS), attachments + 1);
	IS(metrics_get(M_LIMIT_ROOM_NAME), names + 1);
}
END_TEST

static int hurries(struct stoa_event *ev)
{
	int sent = 0;

	while (stoa_emit(ev, "e", sent) == 0)
		sent++;
	IS(stoa_emit(ev, "e"), -ENOSPC);
	works = sent;
	return 0;
}

START_TEST(work_that_is_ahead_of_the_loop_is_told)
{
	int64_t before = metrics_get(M_LIMIT_EFFECTS);

	start(hurries, is_done);
	rig_work();
	IS(works, 10);
	rig_tick();
	ck_assert_ptr_nonnull(strstr(rig_log(), "emit [\"e\",9] to A by sid\nemit [\"done\""));
	IS(metrics_get(M_LIMIT_EFFECTS), before + 2);
}
END_TEST

static int asks_often(struct stoa_event *ev)
{
	for (int i = 0; i < 6; i++)
		IS(stoa_call(stoa_to(ev, "r"), 100, answered, NULL, "q"), 0);
	return 0;
}

START_TEST(a_question_too_many_is_answered_by_the_event)
{
	start(asks_often, NULL);
	rig_work();
	rig_tick();
	ck_assert_ptr_nonnull(strstr(rig_log(), "to r\nemit [\"answered\",\"q\",-11] to A by sid\n"));
}
END_TEST

/* --- Memory ------------------------------------------------------------------------------------------------------- */

static int builds_for_ever(struct stoa_event *ev)
{
	for (int i = 0; i < 1000; i++) {
		ck_assert_str_ne(stoa_format("%01000d", i), "\xFF");
		IS(stoa_sleep(ev, 3), 0);
	}
	return 0;
}

static int builds_too_much(struct stoa_event *ev)
{
	for (int i = 0; i < 1000; i++)
		stoa_format("%01000d", i);
	return stoa_emit(ev, "e", stoa_format("%01000d", 0)) == 0 ? 0 : 1;
}

static int calls_starts(struct stoa_event *ev)
{
	return starts(ev);
}

static void setup_small(struct stoa_app *app)
{
	stoa_on(app, "/", "go", calls_starts, NULL);
}

START_TEST(sleeping_ends_the_life_of_what_was_built)
{
	int64_t before = metrics_get(M_LIMIT_HANDLER_MEMORY);

	rig.limits.max_handler_bytes = 20000;
	rig_open(setup_small);
	work = builds_for_ever;
	done = NULL;
	rig_event("go", "", -1);
	rig_work();
	rig_tick();
	IS(rig.slept_ms, 3000);
	IS(metrics_get(M_LIMIT_HANDLER_MEMORY), before);
	work = builds_too_much;
	done = is_done;
	rig_event("go", "", -1);
	rig_work();
	rig_tick();
	ck_assert_str_eq(rig_log(), "emit [\"done\",\"ctx\",\"go\",1,\"\"] to A by sid\n");
	IS(metrics_get(M_LIMIT_HANDLER_MEMORY), before + 1);
}
END_TEST

/* --- How many, and the end ---------------------------------------------------------------------------------------- */

static int nothing(struct stoa_event *ev)
{
	(void)ev;
	return 0;
}

static int starts_three(struct stoa_event *ev)
{
	IS(stoa_start_background_task(ev, nothing, is_done, CTX("1")), 0);
	IS(stoa_start_background_task(ev, nothing, is_done, CTX("2")), 0);
	IS(stoa_start_background_task(ev, nothing, is_done, CTX("3")), -EAGAIN);
	IS(stoa_start_background_task(ev, NULL, is_done, CTX("3")), -EINVAL);
	IS(stoa_start_background_task(NULL, nothing, is_done, CTX("3")), -EINVAL);
	IS(stoa_sleep(ev, 1), -EINVAL);
	return 0;
}

START_TEST(there_are_so_many)
{
	int64_t refused = metrics_get(M_LIMIT_TASKS), running = metrics_get(M_TASKS);

	dones = 0;
	rig_go(starts_three, "");
	IS(metrics_get(M_TASKS), running + 2);
	IS(metrics_get(M_LIMIT_TASKS), refused + 1);
	rig_work();
	rig_tick();
	IS(dones, 2);
	IS(metrics_get(M_TASKS), running);
	rig_go(starts_three, "");
}
END_TEST

static int starts_another(struct stoa_event *ev)
{
	return stoa_start_background_task(ev, nothing, is_done, CTX("inner"));
}

START_TEST(work_may_start_more)
{
	start(starts_another, is_done);
	app_job_run(rig.jobs[0]);
	IS(rig.n_jobs, 2);
	rig.jobs[0] = rig.jobs[1];
	rig.n_jobs = 1;
	rig_work();
	rig_tick();
	ck_assert_str_eq(rig_log(), "emit [\"done\",\"ctx\",\"go\",0,\"\"] to A by sid\n"
				    "emit [\"done\",\"inner\",\"go\",0,\"\"] to A by sid\n");
}
END_TEST

static int must_not_run(struct stoa_event *ev)
{
	(void)ev;
	ck_abort_msg("work ran though the process is ending");
	return 0;
}

static int starts_at_the_end(struct stoa_event *ev)
{
	IS(stoa_start_background_task(ev, must_not_run, is_done, NULL), -ECANCELED);
	return 0;
}

static void setup_stop(struct stoa_app *app)
{
	stoa_on(app, "/", "go", calls_starts, NULL);
	stoa_on_server(app, "stop", starts_at_the_end, NULL);
}

START_TEST(work_that_has_not_begun_at_the_end_is_cancelled)
{
	rig_open(setup_stop);
	start(must_not_run, is_done);
	app_stop(rig.app, rig.now_ms);
	ck_assert_ptr_nonnull(strstr(rig_log(), "emit [\"done\",\"ctx\",\"go\",-125,\"cancelled\"] to A by sid\n"));
	IS((int64_t)app_jobs_left(rig.app), 0);
	IS(dones, 1);
}
END_TEST

START_TEST(an_application_that_is_freed_runs_done_too)
{
	start(must_not_run, is_done);
	app_free(rig.app);
	rig.app = NULL;
	IS(dones, 1);
	ck_assert_str_eq(rig_log(), "");
}
END_TEST

/* --- The ack of the event that began it --------------------------------------------------------------------------- */

static int gives_asked(struct stoa_event *ev)
{
	IS(stoa_ack(stoa_asked(ev), (const char *)stoa_ctx(ev)), 0);
	return 0;
}

static int gives_nothing(struct stoa_event *ev)
{
	(void)ev;
	return 0;
}

static int work_asks(struct stoa_event *ev)
{
	return stoa_call(ev, 100, gives_asked, CTX("answer"), "q");
}

static int starts_then_defers(struct stoa_event *ev)
{
	IS(stoa_start_background_task(ev, work, done, CTX("ctx")), 0);
	stoa_defer(ev);
	return 0;
}

static int starts_only(struct stoa_event *ev)
{
	return stoa_start_background_task(ev, work, done, CTX("ctx"));
}

START_TEST(work_and_done_carry_the_ack)
{
	start(gives_nothing, gives_asked);
	rig_work();
	rig_tick();
	ck_assert_str_eq(rig_log(), "ack 7 [\"ctx\"] to A by sid\n");
	rig_go_ack(starts_then_defers, "", 8);
	rig_work();
	rig_tick();
	ck_assert_str_eq(rig_log(), "ack 8 [\"ctx\"] to A by sid\n");
	start(gives_asked, gives_asked);
	rig_work();
	rig_tick();
	ck_assert_str_eq(rig_log(), "ack 7 [\"ctx\"] to A by sid\n");
	start(work_asks, NULL);
	rig.expect = 1;
	rig_work();
	rig_tick();
	rig_log();
	rig_answer(rig.call, "");
	ck_assert_str_eq(rig_log(), "ack 7 [\"answer\"] to A by sid\n");
}
END_TEST

START_TEST(an_ack_that_was_not_taken_out_is_told_of_in_the_log)
{
	work = gives_asked;
	done = gives_asked;
	rig_go_ack(starts_only, "", 9);
	ck_assert_str_eq(rig_log(), "ack 9 [] to A\n");
	rig_watch_errors();
	rig_work();
	rig_tick();
	ck_assert_str_eq(rig_log(), "");
	ck_assert_ptr_nonnull(strstr(rig_errors(), "call=stoa_ack"));
}
END_TEST

TCase *case_jobs(void)
{
	TCase *tc = tcase_create("jobs");

	tcase_add_checked_fixture(tc, rig_begin, rig_end);
	tcase_add_test(tc, work_has_its_origin_and_done_its_result);
	tcase_add_test(tc, work_that_fails_says_why);
	tcase_add_test(tc, without_done_a_failure_is_logged);
	tcase_add_test(tc, what_work_does_leaves_in_order);
	tcase_add_test(tc, what_cannot_be_done_is_told_at_once);
	tcase_add_test(tc, work_that_is_ahead_of_the_loop_is_told);
	tcase_add_test(tc, a_question_too_many_is_answered_by_the_event);
	tcase_add_test(tc, sleeping_ends_the_life_of_what_was_built);
	tcase_add_test(tc, there_are_so_many);
	tcase_add_test(tc, work_may_start_more);
	tcase_add_test(tc, work_that_has_not_begun_at_the_end_is_cancelled);
	tcase_add_test(tc, an_application_that_is_freed_runs_done_too);
	tcase_add_test(tc, work_and_done_carry_the_ack);
	tcase_add_test(tc, an_ack_that_was_not_taken_out_is_told_of_in_the_log);
	return tc;
}
