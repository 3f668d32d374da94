/* test_crew.c - worker processes: what they do, and how they end. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "metrics.h"
#include "rig.h"

static const char *const short_of_time[] = { "--handler-timeout", "300ms", NULL };

static void begin_one(void)
{
	rig_begin();
	rig_start(1, NULL);
	rig_wait("slot 0 runs");
	rig_wait("batch [\"start\",PID] to ");
}

/* --- As it should be ---------------------------------------------------------------------------------------------- */

START_TEST(events_are_answered_in_order)
{
	for (int i = 0; i < 200; i++)
		rig_give(0, "say", "\"x\"");
	ck_assert_str_eq(rig_wait("done 1 "), "done 1 [\"said\",\"x\",1,1,PID]");
	for (int i = 2; i <= 200; i++) {
		char expected[64];

		snprintf(expected, sizeof(expected), "done %d [\"said\",\"x\",%d,1,PID]", i, i);
		ck_assert_str_eq(rig_wait("done "), expected);
	}
	ck_assert_int_ne(rig.pid, getpid());
}
END_TEST

START_TEST(slots_are_processes)
{
	long first;

	rig_start(3, NULL);
	for (int i = 0; i < 3; i++)
		rig_wait(" runs");
	ck_assert_int_eq((int)crew_running(rig.crew), 3);
	rig_give(0, "say", "0");
	rig_wait("done 1 ");
	first = rig.pid;
	rig_give(2, "say", "2");
	rig_wait("done 2 ");
	ck_assert_int_ne(first, rig.pid);
}
END_TEST

START_TEST(what_comes_later_is_a_batch)
{
	rig_give(0, "after", "1");
	ck_assert_str_eq(rig_wait("done 1"), "done 1 nothing");
	ck_assert_str_eq(rig_wait("batch"), "batch [\"later\",0] to gw01");
}
END_TEST

START_TEST(an_answer_leaves_no_batch_of_its_own)
{
	rig_give(0, "call", "");
	rig_wait("done 1 [\"q\"]");
	rig_answer(0, "test.0.1", "5");
	ck_assert_str_eq(rig_wait("["), "batch [\"answered\",5] to gw01");
	ck_assert_str_eq(rig_wait("done 2"), "done 2 nothing");
	rig_answer(0, "test.0.0", "6"); /* for one before it */
	ck_assert_str_eq(rig_wait("done 3"), "done 3 nothing");
}
END_TEST

START_TEST(tasks_run_where_it_leads)
{
	crew_lead(rig.crew, 0, true);
	rig_wait("batch [\"beat\"] to ");
	rig_give(0, "exit", "0"); /* and its successor knows */
	rig_wait("failed 1");
	rig_wait("slot 0 runs");
	rig_wait("batch [\"start\",PID] to ");
	rig_wait("batch [\"beat\"] to ");
	crew_lead(rig.crew, 0, false);
	rig_give(0, "say", "1");
	rig_wait("done 2");
	rig.quiet_batches = true;
	rig.batches = 0;
	rig_give(0, "after", "100");
	rig_give(0, "say", "1");
	rig_wait("done 4");
	ck_assert_int_eq((int)rig.batches, 0);
}
END_TEST

START_TEST(malformed_events_fail)
{
	rig_give_record(0, SLICE("{}"), 1);
	ck_assert_str_eq(rig_wait("failed"), "failed 1 malformed a record without a version");
	rig_give(0, "say", "1");
	ck_assert_str_eq(rig_wait("done"), "done 2 [\"said\",1,1,1,PID]");
}
END_TEST

START_TEST(state_is_asked_for)
{
	struct buf record = BUF_INIT;
	struct event_record r = { .kind = RECORD_EVENT,
		.node = SLICE("gw01"),
		.nsp = SLICE("/"),
		.sid = SLICE("gw01S"),
		.n = 1,
		.at_ms = 1,
		.name = SLICE("\"say\""),
		.state_n = 3 };

	ck_assert_int_eq(event_record_put(&record, VALUE_JSON, &r), 0);
	rig_give_record(0, buf_slice(&record), 1);
	rig_wait("failed 1 no state");
	buf_fini(&record);
}
END_TEST

/* However long it had waited: the partition may be another broker's. */
START_TEST(nothing_is_begun_past_its_lease)
{
	rig_give(0, "say", "1");
	rig_wait("done 1");
	crew_lease(rig.crew, 0, loop_now(&rig.loop) - 1);
	rig_give(0, "say", "2");
	rig_wait("failed 2 late");
	rig_give(0, "exit", "0");
	rig_wait("failed 3 late");
	crew_lease(rig.crew, 0, INT64_MAX);
	rig_give(0, "exit", "0");
	rig_wait("failed 4 crashed");
	rig_give(0, "say", "5"); /* the successor knows, too */
	rig_wait("done 5");
}
END_TEST

START_TEST(attempts_are_told)
{
	struct buf record = BUF_INIT;
	struct event_record r = { .kind = RECORD_EVENT,
		.node = SLICE("gw01"),
		.nsp = SLICE("/"),
		.sid = SLICE("gw01S"),
		.n = 1,
		.at_ms = 1,
		.name = SLICE("\"say\""),
		.items = SLICE("0") };

	ck_assert_int_eq(event_record_put(&record, VALUE_JSON, &r), 0);
	rig_give_record(0, buf_slice(&record), 7);
	ck_assert_str_eq(rig_wait("done"), "done 1 [\"said\",0,1,7,PID]");
	buf_fini(&record);
}
END_TEST

/* --- How they end ------------------------------------------------------------------------------------------------- */

static const struct {
	const char *event, *items, *trace, *frame;
} ends[] = {
	{ "crash", "4096", "failed 2 crashed SIGSEGV", "crew-" },
	{ "abort", "", "failed 2 crashed SIGABRT", "abort" },
	{ "overflow", "", "failed 2 crashed SIGSEGV", "crew-" },
	{ "exit", "3", "failed 2 crashed ", "" },
	{ "exit", "0", "failed 2 crashed ", "" },
};

/* The event in hand fails, with where it was; those behind it are handled by the successor, in order. */
START_TEST(a_crash_costs_its_event_alone)
{
	int64_t ended = metrics_get(M_CREW_ENDED);
	long before;

	rig_give(0, "say", "1");
	rig_give(0, ends[_i].event, ends[_i].items);
	rig_give(0, "say", "3");
	rig_give(0, "say", "4");
	rig_wait("done 1 ");
	before = rig.pid;
	rig_wait(ends[_i].trace);
	if (memmem(rig.trace.at, rig.trace.size, ends[_i].frame, strlen(ends[_i].frame)) == NULL)
		ck_abort_msg("no %s in: %.1000s", ends[_i].frame, rig.trace.at);
	rig_wait("slot 0 rests");
	rig_wait("slot 0 runs");
	ck_assert_str_eq(rig_wait("done 3"), "done 3 [\"said\",3,1,1,PID]");
	ck_assert_str_eq(rig_wait("done 4"), "done 4 [\"said\",4,2,1,PID]");
	ck_assert_int_ne(before, rig.pid);
	ck_assert_int_eq(metrics_get(M_CREW_ENDED), ended + 1);
	ck_assert_int_eq(metrics_get(M_CREW_RUNNING), 1);
}
END_TEST

static void begin_short(void)
{
	rig_begin();
	rig_start(1, short_of_time);
	rig_wait("slot 0 runs");
}

START_TEST(a_handler_that_hangs_is_killed)
{
	int64_t timeouts = metrics_get(M_CREW_TIMEOUTS);

	rig_give(0, "hang", "");
	rig_give(0, "say", "2");
	rig_wait("failed 1 timeout it took too long");
	ck_assert_ptr_nonnull(memmem(rig.trace.at, rig.trace.size, "pause", 5));
	ck_assert_str_eq(rig_wait("done 2"), "done 2 [\"said\",2,1,1,PID]");
	ck_assert_int_eq(metrics_get(M_CREW_TIMEOUTS), timeouts + 1);
}
END_TEST

START_TEST(a_timer_that_hangs_is_killed)
{
	rig_give(0, "hang-later", "");
	rig_wait("done 1");
	rig_wait("slot 0 rests");
	rig_give(0, "say", "2");
	ck_assert_str_eq(rig_wait("done 2"), "done 2 [\"said\",2,1,1,PID]");
	ck_assert(!rig_has("failed"));
}
END_TEST

START_TEST(one_that_is_killed_from_outside)
{
	rig_give(0, "say", "1");
	rig_wait("done 1");
	kill((pid_t)rig.pid, SIGKILL);
	rig_wait("slot 0 rests");
	rig_give(0, "say", "2");
	ck_assert_str_eq(rig_wait("done 2"), "done 2 [\"said\",2,1,1,PID]");
	ck_assert(!rig_has("failed"));
}
END_TEST

START_TEST(one_that_makes_no_sense_is_killed)
{
	int64_t nonsense = metrics_get(M_CREW_NONSENSE);

	rig_give(0, _i ? "close" : "nonsense", "");
	rig_give(0, "say", "2");
	rig_wait("failed 1 crashed");
	rig_wait("done 2");
	ck_assert_int_eq(metrics_get(M_CREW_NONSENSE), nonsense + 1);
}
END_TEST

/* It says more than a socket holds, again and again; and others have their turn. */
START_TEST(a_flood_is_taken)
{
	for (int i = 0; i < 20; i++)
		rig_give(0, "flood", "10000");
	rig_wait("done 20 [\"flood\",0,");
	rig_give(0, "say", "1");
	rig_wait("done 21");
}
END_TEST

/* --- Numbers ------------------------------------------------------------------------------------------------------ */

START_TEST(what_workers_count_is_ours)
{
	int64_t before = metrics_get(M_HANDLER_TIME_SUM), n = 0;

	rig_give(0, "say", "1");
	rig_give(0, "exit", "0");
	rig_wait("failed 2");
	rig_wait("slot 0 runs");
	for (int i = 0; i <= M_HANDLER_TIME_LONGER - M_HANDLER_TIME; i++)
		n += metrics_get((enum metric_id)(M_HANDLER_TIME + i));
	ck_assert_int_ge(n, 0);
	ck_assert_int_ge(metrics_get(M_HANDLER_TIME_SUM), before);
}
END_TEST

/* --- Beginning and ending ----------------------------------------------------------------------------------------- */

static void begin_none(void)
{
	rig_begin();
}

static const struct {
	const char *module, *why;
} faults[] = {
	{ "crew-broken", "it is broken" },
	{ "crew-crashing", ".so cannot be loaded: it was ended by SIGABRT" },
};

START_TEST(a_module_that_cannot_be_loaded)
{
	rig_copy(faults[_i].module);
	rig_start(2, NULL);
	ck_assert_ptr_nonnull(strstr(rig_wait("loaded not: "), faults[_i].why));
	rig_turns(3);
	ck_assert(!rig_has("runs"));
}
END_TEST

/* Crashes as it begins: tried again, later each time, and in the end it runs. */
START_TEST(crash_loops_back_off)
{
	char mark[320];
	const char *flags[] = { "--set", NULL, NULL };
	char option[340];
	FILE *f;

	snprintf(mark, sizeof(mark), "%s.mark", rig.module);
	snprintf(option, sizeof(option), "mark=%s", mark);
	flags[1] = option;
	f = fopen(mark, "w");
	ck_assert_ptr_nonnull(f);
	fclose(f);
	rig_start(1, flags);
	for (int i = 0; i < 4; i++) {
		rig_wait("slot 0 runs");
		rig_wait("slot 0 rests");
	}
	rig_give(0, "say", "1");
	unlink(mark);
	rig_wait("done 1 [\"said\",1,1,1,PID]");
}
END_TEST

START_TEST(they_stop_when_they_have_finished)
{
	for (int i = 0; i < 50; i++)
		rig_give(0, "say", "1");
	rig_give(0, "after", "60000");
	crew_stop(rig.crew, 30000);
	rig_wait("done 50");
	rig_wait("done 51");
	ck_assert_str_eq(rig_wait("batch"), "batch [\"later\",-125] to gw01");
	rig_wait("batch [\"stop\",PID] to ");
	rig_wait("stopped");
	ck_assert(!rig_has("failed"));
	ck_assert_int_eq((int)crew_running(rig.crew), 0);
}
END_TEST

START_TEST(one_that_does_not_stop_is_killed)
{
	rig_give(0, "hang", "");
	rig_turns(2);
	crew_stop(rig.crew, 100);
	rig_wait("stopped");
}
END_TEST

START_TEST(a_crew_that_never_ran_stops_too)
{
	rig_start(2, NULL);
	crew_stop(rig.crew, 30000);
	rig_wait("stopped");
}
END_TEST

TCase *case_messages(void);
TCase *case_reload(void);

static TCase *cases(const char *name, void (*begin)(void))
{
	TCase *tc = tcase_create(name);

	tcase_add_checked_fixture(tc, begin, rig_end);
	tcase_set_timeout(tc, 120);
	return tc;
}

Suite *suite(void)
{
	Suite *s = suite_create("crew");
	TCase *one = cases("crew", begin_one), *hasty = cases("hasty", begin_short),
	      *none = cases("begins", begin_none);

	tcase_add_test(one, events_are_answered_in_order);
	tcase_add_test(one, what_comes_later_is_a_batch);
	tcase_add_test(one, an_answer_leaves_no_batch_of_its_own);
	tcase_add_test(one, tasks_run_where_it_leads);
	tcase_add_test(one, malformed_events_fail);
	tcase_add_test(one, state_is_asked_for);
	tcase_add_test(one, nothing_is_begun_past_its_lease);
	tcase_add_test(one, attempts_are_told);
	tcase_add_loop_test(one, a_crash_costs_its_event_alone, 0, sizeof(ends) / sizeof(ends[0]));
	tcase_add_test(one, one_that_is_killed_from_outside);
	tcase_add_loop_test(one, one_that_makes_no_sense_is_killed, 0, 2);
	tcase_add_test(one, a_flood_is_taken);
	tcase_add_test(one, what_workers_count_is_ours);
	tcase_add_test(one, they_stop_when_they_have_finished);
	tcase_add_test(one, one_that_does_not_stop_is_killed);
	tcase_add_test(hasty, a_handler_that_hangs_is_killed);
	tcase_add_test(hasty, a_timer_that_hangs_is_killed);
	tcase_add_test(none, slots_are_processes);
	tcase_add_loop_test(none, a_module_that_cannot_be_loaded, 0, sizeof(faults) / sizeof(faults[0]));
	tcase_add_test(none, crash_loops_back_off);
	tcase_add_test(none, a_crew_that_never_ran_stops_too);
	suite_add_tcase(s, case_messages());
	suite_add_tcase(s, one);
	suite_add_tcase(s, hasty);
	suite_add_tcase(s, none);
	suite_add_tcase(s, case_reload());
	return s;
}
