/* test_reload.c - another module in the place of the first, while events come. */
#include <stdio.h>
#include <stdlib.h>

#include "metrics.h"
#include "rig.h"

static void begin(void)
{
	rig_begin();
	rig_start(2, NULL);
	rig_wait(" runs");
	rig_wait(" runs");
}

START_TEST(events_move_to_the_new_one)
{
	int64_t reloads = metrics_get(M_RELOADS), started = metrics_get(M_CREW_STARTED);

	rig_give(0, "say", "1");
	rig_wait("done 1 [\"said\",1,1,1,PID]");
	rig_copy("crew-other");
	crew_reload(rig.crew);
	rig_wait("batch [\"stop\",PID]");
	rig_wait("batch [\"stop\",PID]");
	rig_wait("loaded 2");
	rig_give(0, "say", "2");
	rig_give(1, "say", "3");
	rig_wait("done 2 [\"said otherwise\",2]");
	ck_assert(!rig_has("rests"));
	ck_assert_int_eq(metrics_get(M_RELOADS), reloads + 1);
	ck_assert_int_eq(metrics_get(M_CREW_STARTED), started + 2);
	ck_assert_int_eq(metrics_get(M_CREW_RUNNING), 2);
}
END_TEST

/* Each event once, in order, by the old one up to some event and by the new one from then on. */
START_TEST(no_event_is_lost)
{
	bool is_new = false;

	rig_copy("crew-other");
	for (int i = 1; i <= 300; i++) {
		rig_give(0, "say", "\"x\"");
		if (i == 100)
			crew_reload(rig.crew);
		if (i % 10 == 0)
			rig_turns(1);
	}
	rig_wait("loaded 2");
	for (int i = 0; i < 10; i++)
		rig_give(0, "say", "\"x\"");
	rig.seen = 0;
	for (int i = 1; i <= 310; i++) {
		char expected[64];
		const char *line = rig_wait("done ");

		snprintf(expected, sizeof(expected), "done %d [\"said otherwise\",\"x\"]", i);
		is_new |= strcmp(line, expected) == 0;
		if (!is_new)
			snprintf(expected, sizeof(expected), "done %d [\"said\",\"x\",%d,1,PID]", i, i);
		ck_assert_str_eq(line, expected);
	}
	ck_assert(is_new);
	ck_assert(!rig_has("failed"));
}
END_TEST

static const char *const faults[][2] = { { "crew-broken", "it is broken" }, { "crew-crashing", "SIGABRT" } };

START_TEST(a_broken_one_changes_nothing)
{
	int64_t failed = metrics_get(M_RELOADS_FAILED);
	long before;

	rig_give(0, "say", "1");
	rig_wait("done 1 ");
	before = rig.pid;
	rig_copy(faults[_i][0]);
	crew_reload(rig.crew);
	ck_assert_ptr_nonnull(strstr(rig_wait("loaded not: "), faults[_i][1]));
	rig_give(0, "say", "2");
	ck_assert_str_eq(rig_wait("done 2"), "done 2 [\"said\",2,2,1,PID]");
	ck_assert_int_eq(before, rig.pid);
	ck_assert_int_eq(metrics_get(M_RELOADS_FAILED), failed + 1);
	rig_copy("crew-other"); /* and the next is one again */
	crew_reload(rig.crew);
	rig_wait("batch [\"stop\",PID]");
	rig_wait("batch [\"stop\",PID]");
	rig_wait("loaded 2");
	rig_give(0, "say", "3");
	rig_wait("done 3 [\"said otherwise\",3]");
}
END_TEST

START_TEST(the_last_of_many_counts)
{
	rig_copy("crew-broken");
	crew_reload(rig.crew);
	crew_reload(rig.crew);
	rig_copy("crew-other");
	crew_reload(rig.crew);
	rig_wait("batch [\"stop\",PID]");
	rig_wait("batch [\"stop\",PID]");
	rig_wait("loaded 2");
	rig_give(1, "say", "1");
	rig_wait("done 1 [\"said otherwise\",1]");
}
END_TEST

/* The old one crashes over what it had: the rest of that goes to the new one. */
START_TEST(a_crash_while_it_goes)
{
	rig_copy("crew-other");
	rig_give(0, "say", "1");
	rig_give(0, "crash", "4096");
	rig_give(0, "say", "3");
	crew_reload(rig.crew);
	rig_wait("done 1 [\"said\",1,1,1,PID]");
	rig_wait("failed 2 crashed");
	rig_wait("done 3 [\"said otherwise\",3]");
	rig_give(1, "say", "4");
	rig_wait("done 4 [\"said");
	rig_give(0, "say", "5");
	rig_wait("done 5 [\"said otherwise\",5]");
}
END_TEST

START_TEST(a_stop_ends_it)
{
	rig_copy("crew-other");
	crew_reload(rig.crew);
	crew_stop(rig.crew, 30000);
	rig_wait("batch [\"stop\",PID]");
	rig_wait("batch [\"stop\",PID]");
	rig_wait("stopped");
	ck_assert(!rig_has("loaded 2"));
}
END_TEST

TCase *case_reload(void);
TCase *case_reload(void)
{
	TCase *tc = tcase_create("reload");

	tcase_add_checked_fixture(tc, begin, rig_end);
	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, events_move_to_the_new_one);
	tcase_add_test(tc, no_event_is_lost);
	tcase_add_loop_test(tc, a_broken_one_changes_nothing, 0, sizeof(faults) / sizeof(faults[0]));
	tcase_add_test(tc, the_last_of_many_counts);
	tcase_add_test(tc, a_crash_while_it_goes);
	tcase_add_test(tc, a_stop_ends_it);
	return tc;
}
