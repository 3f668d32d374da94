/* test_leases.c - several brokers: shares, take-over, hand-over, and a Redis that goes away. */
#include <stdio.h>

#include "intake_fixture.h"
#include "metrics.h"
#include "test_main.h"

static struct fx fx;

static void begin(void)
{
	fx_init(&fx, 2);
	fx_gate(&fx, 0, "gate");
}

static void end(void)
{
	fx_fini(&fx);
}

static unsigned holders(unsigned partition)
{
	unsigned n = 0;

	for (int i = 0; i < BROKERS; i++)
		n += fx.brokers[i].in && intake_holds(fx.brokers[i].in, partition);
	return n;
}

static void check_each_is_held_once(void)
{
	for (unsigned i = 0; i < fx.config.partitions; i++)
		ck_assert_uint_eq(holders(i), 1);
}

static int leaders(void)
{
	int n = 0;

	for (int i = 0; i < BROKERS; i++)
		for (int slot = 0; slot < 8; slot++)
			n += fx.brokers[i].in && fx.brokers[i].leads[slot];
	return n;
}

/* --- Shares ------------------------------------------------------------------------------------------------------- */

START_TEST(brokers_share_and_move_the_least)
{
	static const struct {
		int64_t moved; /* handed over, in all, when the i-th has come */
		unsigned least, most;
	} steps[] = { { 0, 16, 16 }, { 8, 8, 8 }, { 8 + 5, 5, 6 }, { 8 + 5 + 4, 4, 4 }, { 8 + 5 + 4 + 3, 3, 4 } };

	for (int i = 0; i < 5; i++) {
		fx_broker(&fx, i);
		fx_run(&fx, 3 * LEASE_MS);
		check_each_is_held_once();
		for (int k = 0; k <= i; k++) {
			ck_assert_uint_ge(fx_held(&fx.brokers[k]), steps[i].least);
			ck_assert_uint_le(fx_held(&fx.brokers[k]), steps[i].most);
		}
		ck_assert_int_eq(metrics_get(M_BROKER_LEASES_HANDED_OVER), steps[i].moved);
		ck_assert_int_eq(leaders(), 1);
	}
	fx_run(&fx, 30 * LEASE_MS);
	ck_assert_int_eq(metrics_get(M_BROKER_LEASES_HANDED_OVER), 8 + 5 + 4 + 3); /* and that was all */
	ck_assert_int_eq(metrics_get(M_BROKER_LEASES_EXPIRED), 0);
	ck_assert_int_eq(metrics_get(M_BROKER_LEASES_LOST), 0);
}
END_TEST

START_TEST(more_brokers_than_partitions)
{
	fx.config.partitions = 4;
	for (int i = 0; i < 6; i++)
		fx_broker(&fx, i);
	fx_run(&fx, 5 * LEASE_MS);
	check_each_is_held_once();
	for (int i = 0; i < 6; i++)
		ck_assert_uint_le(fx_held(&fx.brokers[i]), 1);
}
END_TEST

START_TEST(brokers_that_start_together_settle)
{
	int64_t moved;

	for (int i = 0; i < 4; i++)
		fx_broker(&fx, i);
	fx_run(&fx, 3 * LEASE_MS);
	check_each_is_held_once();
	moved = metrics_get(M_BROKER_LEASES_HANDED_OVER);
	ck_assert_int_le(moved, 12); /* the first to ask may have been alone for a moment */
	for (int i = 0; i < 4; i++)
		ck_assert_uint_eq(fx_held(&fx.brokers[i]), 4);
	fx_run(&fx, 10 * LEASE_MS);
	ck_assert_int_eq(metrics_get(M_BROKER_LEASES_HANDED_OVER), moved);
}
END_TEST

START_TEST(a_broker_without_workers_holds_nothing)
{
	struct broker *a = fx_broker(&fx, 0), *b = fx_broker(&fx, 1);

	fx_run(&fx, 2 * LEASE_MS);
	ck_assert_uint_eq(fx_held(a), 8);
	for (unsigned slot = 0; slot < 2; slot++)
		intake_slot_is(a->in, fx.now_ms, slot, false);
	fx_run(&fx, LEASE_MS); /* it may be about to start one */
	ck_assert_uint_eq(fx_held(a), 8);
	fx_run(&fx, 3 * LEASE_MS);
	ck_assert_uint_eq(fx_held(a), 0);
	ck_assert_uint_eq(fx_held(b), 16);
	intake_slot_is(a->in, fx.now_ms, 0, true);
	fx_run(&fx, 2 * LEASE_MS);
	ck_assert_uint_eq(fx_held(a), 8);
}
END_TEST

/* --- Taken over --------------------------------------------------------------------------------------------------- */

START_TEST(what_a_killed_broker_had_is_taken_over_in_order)
{
	struct broker *a = fx_broker(&fx, 0), *b;
	char sid[32];

	fx_run(&fx, 100);
	for (int i = 0; i < 10; i++) {
		snprintf(sid, sizeof(sid), "gate%d", i);
		fx_event(&fx, 3, "gate", sid, 1);
	}
	ck_assert_uint_eq(a->n_jobs, 10);
	fx_kill(a);
	fx_event(&fx, 3, "gate", "gateX", 1);
	b = fx_broker(&fx, 1);
	fx_run(&fx, LEASE_MS + LEASE_MS / 3 + 100);
	ck_assert_uint_eq(b->n_jobs, 11);
	for (int i = 0; i < 10; i++) {
		snprintf(sid, sizeof(sid), "gate%d", i);
		ck_assert(slice_equal(fx_read(&fx, fx_job(b, (size_t)i)->record).sid, slice_str(sid)));
		ck_assert_int_eq(fx_job(b, (size_t)i)->attempt, 2);
	}
	ck_assert_int_eq(fx_job(b, 10)->attempt, 1);
	ck_assert_int_eq(leaders(), 1);
}
END_TEST

START_TEST(brokers_may_die_as_often_as_they_like)
{
	struct broker *b = fx_broker(&fx, 0);

	fx_run(&fx, 100);
	fx_event(&fx, 3, "gate", "gateA", 1);
	for (int i = 0; i < 8; i++) {
		ck_assert_uint_eq(b->n_jobs, 1);
		ck_assert_int_eq(fx_job(b, 0)->attempt, i ? 2 : 1);
		fx_kill(b);
		b = fx_broker(&fx, 0);
		fx_run(&fx, 2 * LEASE_MS);
	}
	fx_fail(b, fx_job(b, 0), JOB_CRASHED);
	fx_run(&fx, 0);
	fx_kill(b);
	b = fx_broker(&fx, 0);
	fx_run(&fx, 2 * LEASE_MS);
	ck_assert_uint_eq(fx_dead(&fx), 0);
	ck_assert_uint_eq(b->n_jobs, 1);
	fx_fail(b, fx_job(b, 0), JOB_CRASHED); /* the second, whoever counted the first */
	fx_run(&fx, 0);
	fx_fail(b, fx_job(b, 0), JOB_CRASHED);
	fx_run(&fx, 0);
	ck_assert_uint_eq(fx_dead(&fx), 1);
	ck_assert(fx_dead_is(&fx, 0, "attempts", "3"));
}
END_TEST

START_TEST(more_pending_than_credit_is_claimed_before_what_is_new)
{
	struct broker *a, *b;
	char sid[32];

	fx.config.partitions = 1;
	fx.config.slots = 1;
	a = fx_broker(&fx, 0);
	fx_run(&fx, 100);
	for (int i = 0; i < 30; i++) {
		snprintf(sid, sizeof(sid), "gate%02d", i);
		fx_event(&fx, 0, "gate", sid, 1);
	}
	ck_assert_uint_eq(a->n_jobs, 30);
	fx_kill(a);
	fx_event(&fx, 0, "gate", "gate30", 1);
	fx.config.credits = 4;
	b = fx_broker(&fx, 1);
	fx_run(&fx, 2 * LEASE_MS);
	for (int i = 0; i <= 30; i++) {
		ck_assert_uint_le(b->n_jobs, 4);
		snprintf(sid, sizeof(sid), "gate%02d", i);
		ck_assert(slice_equal(fx_read(&fx, fx_job(b, 0)->record).sid, slice_str(sid)));
		fx_done(b, fx_job(b, 0));
		fx_run(&fx, 10);
	}
}
END_TEST

/* --- Standing still ----------------------------------------------------------------------------------------------- */

START_TEST(a_broker_that_stood_still_begins_nothing)
{
	struct broker *a = fx_broker(&fx, 0), *b;
	size_t given;

	fx_run(&fx, 100);
	fx_event(&fx, 3, "gate", "gateA", 1);
	b = fx_broker(&fx, 1);
	fx_pause(a, 3 * LEASE_MS);
	fx_event(&fx, 3, "gate", "gateB", 1);
	fx_event(&fx, 5, "gate", "gateC", 1);
	given = a->given;
	fx_run(&fx, 3 * LEASE_MS - 1);
	ck_assert_uint_eq(fx_held(b), 16);
	ck_assert_uint_eq(b->n_jobs, 3);
	ck_assert_uint_eq(a->given, given);
	fx_run(&fx, 50); /* it wakes, and has not been told anything */
	ck_assert_uint_eq(a->given, given);
	fx_done(a, fx_job(a, 0)); /* late: its gateway sees to that */
	fx_run(&fx, 3 * LEASE_MS);
	ck_assert_uint_eq(a->given, given);
	check_each_is_held_once();
	ck_assert_uint_eq(fx_held(a), 8);
}
END_TEST

START_TEST(a_lease_counts_from_the_asking)
{
	struct broker *a = fx_broker(&fx, 0);

	streams_sim_set_delay(fx.sim, 40);
	fx_run(&fx, 2 * LEASE_MS / 3 + 1);
	fx_pause(a, 2 * LEASE_MS); /* the answer to what it asked is on its way, and a read waits */
	fx_event(&fx, 3, "gate", "gateA", 1);
	fx_run(&fx, 2 * LEASE_MS);
	ck_assert_uint_eq(a->given, 0); /* it has heard both by now */
	ck_assert_int_lt(a->until_ms[3], fx.now_ms);
	fx_run(&fx, LEASE_MS);
	ck_assert_uint_eq(a->given, 1);
	ck_assert_int_eq(metrics_get(M_BROKER_LEASES_LOST), 0);
}
END_TEST

START_TEST(what_a_late_reader_took_is_found)
{
	struct broker *a = fx_broker(&fx, 0);
	struct streams *thief;

	fx_run(&fx, 300);
	intake_slot_is(a->in, fx.now_ms, 0, false); /* so that it does not read for a moment */
	intake_slot_is(a->in, fx.now_ms, 1, false);
	fx_run(&fx, 300);
	fx_event(&fx, 3, "gate", "gateA", 1);
	thief = fx.adder.streams;
	struct slice name = SLICE("stoa:events:test:3");
	ck_assert_int_eq(thief->ops->read(thief, SLICE("thief"), &name, 1, 10, 0), 0);
	fx_run(&fx, 10);
	ck_assert_uint_eq(fx_pending(&fx, 3), 1);
	intake_slot_is(a->in, fx.now_ms, 0, true);
	intake_slot_is(a->in, fx.now_ms, 1, true);
	fx_run(&fx, 4 * CONFIRM_MS);
	ck_assert_uint_eq(a->n_jobs, 1);
	ck_assert_int_eq(fx_job(a, 0)->attempt, 2);
}
END_TEST

START_TEST(what_waited_at_a_worker_past_the_lease_is_not_begun)
{
	struct broker *a = fx_broker(&fx, 0);

	fx_run(&fx, 100);
	fx_event(&fx, 3, "gate", "gateA", 1);
	fx_event(&fx, 3, "gate", "gateB", 1);
	ck_assert_int_gt(a->until_ms[3], fx.now_ms);
	ck_assert(intake_may_begin(a->in, fx.now_ms, fx_job(a, 1)));
	streams_sim_cut(a->streams, 2 * LEASE_MS, SIM_SENT_LOST);
	fx_run(&fx, LEASE_MS);
	ck_assert_int_eq(a->until_ms[3], 0);
	ck_assert(!intake_may_begin(a->in, fx.now_ms, fx_job(a, 1)));
	fx_run(&fx, 2 * LEASE_MS);
	ck_assert(
		!intake_may_begin(a->in, fx.now_ms, fx_job(a, 1))); /* others may have had it: first these come back */
	ck_assert_int_eq(a->until_ms[3], 0);
	fx_event(&fx, 4, "gate", "gateC", 1);
	fx_event(&fx, 3, "gate", "gateD", 1);
	ck_assert_uint_eq(a->n_jobs, 3);
	fx_done(a, fx_job(a, 0)); /* it was at this one all the time */
	fx_run(&fx, 100);
	ck_assert_uint_eq(a->n_jobs, 2);
	fx_fail(a, fx_job(a, 0), JOB_LATE);
	fx_run(&fx, 300);
	ck_assert_uint_eq(a->n_jobs, 3);
	ck_assert(slice_equal(fx_read(&fx, fx_job(a, 1)->record).sid, SLICE("gateB")));
	ck_assert_int_eq(fx_job(a, 1)->attempt, 2);
	ck_assert_int_gt(a->until_ms[3], fx.now_ms);
	ck_assert_uint_eq(fx.gates[0].n_heard, 1);
	fx_fail(a, fx_job(a, 1), JOB_LATE); /* by its own clock */
	fx_run(&fx, 300);
	ck_assert_uint_eq(a->n_jobs, 3);
	ck_assert_uint_eq(fx_dead(&fx), 0);
}
END_TEST

START_TEST(a_lost_partition_is_not_taken_again_before_its_events_are_back)
{
	struct broker *a = fx_broker(&fx, 0), *b;

	fx_run(&fx, 100);
	fx_event(&fx, 3, "gate", "gateA", 1);
	b = fx_broker(&fx, 1);
	streams_sim_cut(a->streams, 2 * LEASE_MS, SIM_SENT_LOST);
	fx_run(&fx, 4 * LEASE_MS);
	ck_assert(intake_holds(b->in, 3));
	fx_kill(b);
	fx_run(&fx, 3 * LEASE_MS);
	ck_assert_uint_eq(fx_held(a), 15);
	fx_done(a, fx_job(a, 0));
	fx_run(&fx, LEASE_MS);
	ck_assert_uint_eq(fx_held(a), 16);
}
END_TEST

START_TEST(without_its_lease_nothing_is_taken_again)
{
	struct broker *a = fx_broker(&fx, 0), *b;

	fx_run(&fx, 100);
	fx_event(&fx, 3, "gate", "gateA", 1);
	b = fx_broker(&fx, 1);
	fx_pause(a, 2 * LEASE_MS);
	fx_run(&fx, 2 * LEASE_MS - 1);
	ck_assert_uint_eq(b->n_jobs, 1);
	streams_sim_set_delay(fx.sim, 30);
	fx_run(&fx, 1);
	fx_fail(a, fx_job(a, 0), JOB_CRASHED); /* it has woken, and has not asked yet whose the partition is */
	fx_run(&fx, 1000);
	ck_assert_uint_eq(a->n_jobs, 0);
	fx_fail(b, fx_job(b, 0), JOB_CRASHED);
	fx_run(&fx, 200);
	ck_assert_int_eq(fx_job(b, 0)->attempt, 3); /* claimed, and failed once */
}
END_TEST

START_TEST(groups_that_vanish_unseen_are_made_again)
{
	struct broker *a = fx_broker(&fx, 0);

	fx_run(&fx, 100);
	fx_forget(&fx);
	fx_run(&fx, 3 * CONFIRM_MS);
	fx_event(&fx, 3, "gate", "gateA", 1);
	fx_run(&fx, 300);
	ck_assert_uint_eq(a->n_jobs, 1);
}
END_TEST

/* --- Handed over -------------------------------------------------------------------------------------------------- */

START_TEST(who_leaves_finishes_what_it_has)
{
	struct broker *a = fx_broker(&fx, 0), *b;

	fx_run(&fx, 100);
	fx_event(&fx, 3, "gate", "gateA", 1);
	b = fx_broker(&fx, 1);
	fx_leave(a);
	fx_run(&fx, 2 * LEASE_MS);
	ck_assert_uint_eq(fx_held(b), 15);
	ck_assert_uint_eq(fx_held(a), 1);
	ck_assert(!a->left);
	fx_event(&fx, 3, "gate", "gateB", 1);
	fx.gates[0].acks = false;
	fx_done(a, fx_job(a, 0));
	fx_run(&fx, CONFIRM_MS);
	ck_assert(!a->left); /* its batch is not acknowledged */
	fx.gates[0].acks = true;
	fx_run(&fx, 2 * LEASE_MS);
	ck_assert(a->left);
	ck_assert_uint_eq(fx_held(b), 16);
	ck_assert_uint_eq(b->n_jobs, 1);
	ck_assert(slice_equal(fx_read(&fx, fx_job(b, 0)->record).sid, SLICE("gateB")));
	ck_assert_int_eq(fx_job(b, 0)->attempt, 1);
	ck_assert_int_eq(leaders(), 1);
}
END_TEST

START_TEST(who_leaves_does_not_wait_for_a_gateway_for_ever)
{
	struct broker *a = fx_broker(&fx, 0);

	fx_run(&fx, 100);
	fx.gates[0].acks = false;
	fx_event(&fx, 3, "gate", "gateA", 1);
	fx_done(a, fx_job(a, 0));
	fx_leave(a);
	fx_run(&fx, fx.config.handover_ms - 100);
	ck_assert(!a->left);
	fx_run(&fx, 1000);
	ck_assert(a->left);
	ck_assert_uint_eq(fx_pending(&fx, 3), 1);
}
END_TEST

START_TEST(who_leaves_is_succeeded_at_once)
{
	struct broker *a = fx_broker(&fx, 0), *b = fx_broker(&fx, 1);

	fx_run(&fx, 2 * LEASE_MS);
	fx_leave(a);
	fx_run(&fx, LEASE_MS / 3 + 100);
	ck_assert(a->left);
	ck_assert_uint_eq(fx_held(b), 16);
}
END_TEST

START_TEST(a_hand_over_is_taken_back_when_the_other_dies)
{
	struct broker *a = fx_broker(&fx, 0), *b;
	char sid[32];

	fx_run(&fx, 100);
	for (int i = 0; i < 16; i++) {
		snprintf(sid, sizeof(sid), "gate%d", i);
		fx_event(&fx, (unsigned)i, "gate", sid, 1);
	}
	b = fx_broker(&fx, 1);
	fx_run(&fx, LEASE_MS / 3 + 10);
	ck_assert_uint_eq(fx_held(a), 16); /* eight of them wait for their events */
	fx_kill(b);
	fx_run(&fx, 2 * LEASE_MS);
	for (int i = 0; i < 16; i++) {
		snprintf(sid, sizeof(sid), "other%d", i);
		fx_event(&fx, (unsigned)i, "gate", sid, 1);
	}
	ck_assert_uint_eq(a->n_jobs, 32);
	ck_assert_int_eq(metrics_get(M_BROKER_LEASES_HANDED_OVER), 0);
}
END_TEST

/* --- Redis goes away ---------------------------------------------------------------------------------------------- */

START_TEST(while_redis_is_away_jobs_finish_and_batches_wait)
{
	struct broker *a = fx_broker(&fx, 0);

	fx_run(&fx, 100);
	fx_event(&fx, 3, "gate", "gateA", 1);
	fx_event(&fx, 3, "gate", "gateB", 1);
	streams_sim_cut(a->streams, 1000, SIM_SENT_LOST);
	fx_done(a, fx_job(a, 0));
	fx_run(&fx, 900);
	ck_assert_uint_eq(fx.gates[0].n_heard, 0);
	ck_assert(a->in && fx_held(a) == 16);
	fx_run(&fx, 1000);
	ck_assert_uint_eq(fx.gates[0].n_heard, 1);
	fx_done(a, fx_job(a, 0));
	fx_run(&fx, 2 * CONFIRM_MS);
	ck_assert_uint_eq(fx.gates[0].n_heard, 2);
	ck_assert_uint_eq(a->given, 2);
	ck_assert_uint_eq(fx_length(&fx, 3), 0);
}
END_TEST

START_TEST(what_the_link_took_with_it_is_published_at_once_when_it_is_back)
{
	struct broker *a = fx_broker(&fx, 0);

	fx_run(&fx, 100);
	fx_event(&fx, 3, "gate", "gateA", 1);
	streams_sim_set_delay(fx.sim, 50);
	fx_done(a, fx_job(a, 0));
	streams_sim_cut(a->streams, 100, SIM_SENT_LOST);
	fx_run(&fx, CONFIRM_MS / 2);
	ck_assert_uint_eq(fx.gates[0].n_heard, 1);
}
END_TEST

START_TEST(longer_than_the_lease_too_when_nobody_else_is_there)
{
	struct broker *a = fx_broker(&fx, 0);

	fx_run(&fx, 100);
	fx_event(&fx, 3, "gate", "gateA", 1);
	streams_sim_cut(a->streams, 3 * LEASE_MS, SIM_SENT_LOST);
	fx_done(a, fx_job(a, 0));
	fx_run(&fx, 2 * LEASE_MS);
	ck_assert_int_eq(leaders(), 0);
	ck_assert_int_eq(metrics_get(M_BROKER_LEASES_EXPIRED), 16);
	fx_run(&fx, 2 * LEASE_MS);
	ck_assert_uint_eq(fx.gates[0].n_heard, 1);
	ck_assert_uint_eq(a->given, 1);
	ck_assert_int_eq(leaders(), 1);
	fx_event(&fx, 3, "gate", "gateA", 2);
	ck_assert_uint_eq(a->given, 2);
}
END_TEST

START_TEST(another_takes_over_and_the_late_batch_is_still_published)
{
	struct broker *a = fx_broker(&fx, 0), *b;

	fx_run(&fx, 100);
	fx_event(&fx, 3, "gate", "gateA", 1);
	b = fx_broker(&fx, 1);
	streams_sim_cut(a->streams, 3 * LEASE_MS, SIM_SENT_LOST);
	fx.gates[0].acks = false;
	fx_done(a, fx_job(a, 0));
	fx_run(&fx, 2 * LEASE_MS);
	ck_assert_uint_eq(b->n_jobs, 1);
	ck_assert_int_eq(fx_job(b, 0)->attempt, 2);
	fx_run(&fx, 2 * LEASE_MS);
	ck_assert_uint_eq(fx.gates[0].n_heard, 1);
	ck_assert_uint_eq(intake_view(a->in, fx.now_ms).unconfirmed, 0);
}
END_TEST

START_TEST(what_a_lost_read_took_is_claimed)
{
	struct broker *a = fx_broker(&fx, 0);

	fx_run(&fx, 100);
	streams_sim_cut(a->streams, 500, SIM_SENT_DONE);
	fx_event(&fx, 3, "gate", "gateA", 1); /* to the read that waits there */
	ck_assert_uint_eq(fx_pending(&fx, 3), 1);
	fx_run(&fx, 1000);
	ck_assert_uint_eq(a->n_jobs, 1);
}
END_TEST

START_TEST(a_redis_that_forgot_is_furnished_again)
{
	struct broker *a = fx_broker(&fx, 0), *b = fx_broker(&fx, 1);
	struct broker *with;

	fx_run(&fx, 2 * LEASE_MS);
	fx_event(&fx, 3, "gate", "gateA", 1);
	with = a->n_jobs ? a : b;
	streams_sim_restart(fx.sim, 500, true);
	fx_done(with, fx_job(with, 0));
	fx_run(&fx, 2 * LEASE_MS);
	ck_assert_uint_eq(fx.gates[0].n_heard, 1); /* its gateway still waits for it */
	check_each_is_held_once();
	ck_assert_int_eq(leaders(), 1);
	for (int i = 0; i < 16; i++) {
		char sid[32];

		snprintf(sid, sizeof(sid), "gate%d", i);
		fx_event(&fx, (unsigned)i, "gate", sid, 1);
	}
	fx_run(&fx, 300);
	ck_assert_uint_eq(a->n_jobs, 8);
	ck_assert_uint_eq(b->n_jobs, 8);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("leases");
	TCase *t = tcase_create("leases");

	tcase_add_checked_fixture(t, begin, end);
	tcase_add_test(t, brokers_share_and_move_the_least);
	tcase_add_test(t, more_brokers_than_partitions);
	tcase_add_test(t, brokers_that_start_together_settle);
	tcase_add_test(t, a_broker_without_workers_holds_nothing);
	tcase_add_test(t, what_a_killed_broker_had_is_taken_over_in_order);
	tcase_add_test(t, brokers_may_die_as_often_as_they_like);
	tcase_add_test(t, more_pending_than_credit_is_claimed_before_what_is_new);
	tcase_add_test(t, a_broker_that_stood_still_begins_nothing);
	tcase_add_test(t, what_a_late_reader_took_is_found);
	tcase_add_test(t, who_leaves_finishes_what_it_has);
	tcase_add_test(t, who_leaves_does_not_wait_for_a_gateway_for_ever);
	tcase_add_test(t, who_leaves_is_succeeded_at_once);
	tcase_add_test(t, a_hand_over_is_taken_back_when_the_other_dies);
	tcase_add_test(t, while_redis_is_away_jobs_finish_and_batches_wait);
	tcase_add_test(t, what_the_link_took_with_it_is_published_at_once_when_it_is_back);
	tcase_add_test(t, longer_than_the_lease_too_when_nobody_else_is_there);
	tcase_add_test(t, another_takes_over_and_the_late_batch_is_still_published);
	tcase_add_test(t, what_a_lost_read_took_is_claimed);
	tcase_add_test(t, a_redis_that_forgot_is_furnished_again);
	tcase_add_test(t, groups_that_vanish_unseen_are_made_again);
	tcase_add_test(t, what_waited_at_a_worker_past_the_lease_is_not_begun);
	tcase_add_test(t, a_lost_partition_is_not_taken_again_before_its_events_are_back);
	tcase_add_test(t, without_its_lease_nothing_is_taken_again);
	tcase_add_test(t, a_lease_counts_from_the_asking);
	suite_add_tcase(s, t);
	return s;
}
