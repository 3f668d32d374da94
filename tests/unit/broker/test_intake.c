/* test_intake.c - the life of an event in one broker: given, answered, acknowledged; retried, given up. */
#include <stdio.h>
#include <stdlib.h>

#include "intake_fixture.h"
#include "metrics.h"
#include "test_main.h"

static struct fx fx;

static void begin(void)
{
	fx_init(&fx, 1);
}

static void end(void)
{
	fx_fini(&fx);
}

/* One broker that holds everything, one gateway. */
static struct broker *alone(void)
{
	struct broker *b = fx_broker(&fx, 0);

	fx_gate(&fx, 0, "gate");
	fx_run(&fx, 100);
	ck_assert_uint_eq(fx_held(b), fx.config.partitions);
	return b;
}

/* --- Given and answered ------------------------------------------------------------------------------------------- */

START_TEST(an_event_is_given_published_and_acknowledged)
{
	struct broker *b = alone();

	fx_event(&fx, 3, "gate", "gateA", 1);
	ck_assert_uint_eq(b->n_jobs, 1);
	ck_assert_uint_eq(fx_job(b, 0)->partition, 3);
	ck_assert_int_eq(fx_job(b, 0)->attempt, 1);
	ck_assert_uint_eq(intake_view(b->in, fx.now_ms).in_work, 1);
	fx_done(b, fx_job(b, 0));
	ck_assert_uint_gt(intake_view(b->in, fx.now_ms).unconfirmed, 0);
	fx_run(&fx, CONFIRM_MS);
	ck_assert_uint_eq(fx.gates[0].n_heard, 1);
	ck_assert_str_eq(fx.gates[0].heard[0].sid, "gateA");
	ck_assert_uint_eq(fx_length(&fx, 3), 0);
	ck_assert_uint_eq(intake_view(b->in, fx.now_ms).unconfirmed, 0);
	ck_assert_uint_eq(intake_view(b->in, fx.now_ms).in_work, 0);
	ck_assert_int_eq(metrics_get(M_BROKER_HANDLED), 1);
}
END_TEST

START_TEST(a_batch_is_published_again_until_it_is_acknowledged)
{
	struct broker *b = alone();
	struct gate *g = &fx.gates[0];

	g->acks = false;
	fx_event(&fx, 3, "gate", "gateA", 1);
	fx_done(b, fx_job(b, 0));
	fx_run(&fx, CONFIRM_MS - 1);
	ck_assert_uint_eq(g->n_heard, 1);
	fx_run(&fx, CONFIRM_MS);
	ck_assert_uint_eq(g->n_heard, 2);
	ck_assert_uint_eq(g->heard[1].size, g->heard[0].size);
	ck_assert_mem_eq(g->heard[1].bytes, g->heard[0].bytes, g->heard[0].size);
	g->acks = true;
	fx_run(&fx, 10 * CONFIRM_MS);
	ck_assert_uint_eq(g->n_heard, 3);
	ck_assert_uint_eq(fx_pending(&fx, 3), 0);
	ck_assert_uint_eq(b->given, 1);
	ck_assert_int_eq(metrics_get(M_BROKER_REPUBLISHED), 2);
}
END_TEST

START_TEST(an_event_without_a_batch_is_acknowledged_by_the_broker)
{
	struct broker *b = alone();
	struct event_record r = fx_record("gate", "", 1);

	r.kind = RECORD_ANSWER;
	r.answer = (struct answer_record){ .to = SLICE("b0"), .call = 7, .op = ANSWER_EXPECT, .count = 2 };
	fx_add(&fx, 5, &r);
	fx_done_without(b, fx_job(b, 0));
	fx_run(&fx, 0);
	ck_assert_uint_eq(fx_length(&fx, 5), 0);
	ck_assert_uint_eq(fx.gates[0].n_heard, 0);
}
END_TEST

START_TEST(one_event_of_a_client_at_a_time)
{
	struct broker *b = alone();

	fx.gates[0].acks = false;
	fx_event(&fx, 3, "gate", "gateA", 1);
	fx_event(&fx, 3, "gate", "gateB", 1);
	fx_event(&fx, 3, "gate", "gateA", 2); /* its gateway gave the first up, and that is not over here */
	ck_assert_uint_eq(b->n_jobs, 2);
	fx_run(&fx, 5 * CONFIRM_MS);
	ck_assert_uint_eq(b->n_jobs, 2);
	fx_done(b, fx_job(b, 0));
	fx_run(&fx, 5 * CONFIRM_MS);
	ck_assert_uint_eq(b->n_jobs, 2);
	ck_assert_uint_eq(fx_read(&fx, fx_job(b, 1)->record).n, 2);
}
END_TEST

START_TEST(the_next_number_says_that_the_last_was_executed)
{
	struct broker *b = alone();

	for (uint64_t n = 1; n <= 5; n++) {
		fx_event(&fx, 3, "gate", "gateA", n);
		ck_assert_uint_eq(b->n_jobs, 1);
		ck_assert_int_eq(fx_job(b, 0)->attempt, 1);
		fx_done(b, fx_job(b, 0));
		fx_run(&fx, 0); /* less than a look */
	}
	ck_assert_uint_eq(fx.gates[0].n_heard, 5);
}
END_TEST

START_TEST(an_event_that_is_there_twice_is_handled_once)
{
	struct broker *b = alone();

	fx_event(&fx, 3, "gate", "gateA", 4);
	fx_event(&fx, 3, "gate", "gateA", 4);
	ck_assert_uint_eq(b->n_jobs, 1);
	fx_done(b, fx_job(b, 0));
	fx_run(&fx, CONFIRM_MS / 4);
	ck_assert_uint_eq(b->n_jobs, 0); /* the gateway acknowledges the other one, too, in this time */
	fx_run(&fx, 10 * CONFIRM_MS);
	ck_assert_uint_eq(b->n_jobs, 1); /* it did not */
	ck_assert_int_gt(fx_job(b, 0)->attempt, 1);
}
END_TEST

START_TEST(the_same_number_again_waits_for_the_acknowledgement)
{
	struct broker *b = alone();

	fx.gates[0].acks = false;
	fx_event(&fx, 3, "gate", "gateA", 4);
	fx_done(b, fx_job(b, 0));
	fx_event(&fx, 3, "gate", "gateA", 4);
	fx_event(&fx, 3, "gate", "gateA", 3);
	fx_run(&fx, 5 * CONFIRM_MS);
	ck_assert_uint_eq(b->given, 1);
	ck_assert_uint_gt(fx.gates[0].n_heard, 2);
}
END_TEST

START_TEST(a_copy_of_what_is_over_is_not_handled)
{
	struct broker *b = alone();

	fx.gates[0].acks = false;
	fx_event(&fx, 3, "gate", "gateA", 4);
	fx_done(b, fx_job(b, 0));
	fx_event(&fx, 3, "gate", "gateA", 5);
	fx_event(&fx, 3, "gate", "gateA", 4);
	fx_run(&fx, 0);
	ck_assert_uint_eq(fx_length(&fx, 3), 2); /* the copy is acknowledged at once */
	ck_assert_uint_eq(b->n_jobs, 1);
	fx.gates[0].acks = true;
	fx_done(b, fx_job(b, 0));
	fx_run(&fx, 5 * CONFIRM_MS);
	fx_event(&fx, 3, "gate", "gateA", 4);
	fx_run(&fx, 5 * CONFIRM_MS);
	ck_assert_uint_eq(b->given, 2);
	ck_assert_uint_eq(fx_length(&fx, 3), 0);
}
END_TEST

START_TEST(what_comes_while_it_is_looked_is_kept_as_well)
{
	struct broker *b = alone();
	size_t heard[40] = { 0 };
	char sid[32];

	streams_sim_set_delay(fx.sim, 40);
	fx.gates[0].acks = false;
	for (int i = 0; i < 40; i++) {
		snprintf(sid, sizeof(sid), "gate%d", i);
		fx_event(&fx, (unsigned)i % 2, "gate", sid, 1);
		fx_run(&fx, 23);
		while (b->n_jobs) {
			ck_assert_int_eq(fx_job(b, 0)->attempt, 1); /* nor is it taken for one that was lost */
			fx_done(b, fx_job(b, 0));
		}
	}
	fx_run(&fx, 400);
	while (b->n_jobs)
		fx_done(b, fx_job(b, 0));
	fx_run(&fx, 3 * CONFIRM_MS);
	for (size_t i = 0; i < fx.gates[0].n_heard; i++)
		heard[atoi(fx.gates[0].heard[i].sid + 4)]++;
	for (int i = 0; i < 40; i++)
		ck_assert_uint_ge(heard[i], 2);
	ck_assert_uint_eq(b->given, 40);
}
END_TEST

/* --- Retried and given up ----------------------------------------------------------------------------------------- */

START_TEST(a_crash_is_tried_again_so_often)
{
	struct broker *b = alone();

	fx_event(&fx, 3, "gate", "gateA", 1);
	for (int attempt = 1; attempt <= 3; attempt++) {
		ck_assert_uint_eq(b->n_jobs, 1);
		ck_assert_int_eq(fx_job(b, 0)->attempt, attempt);
		ck_assert_uint_eq(fx_dead(&fx), 0);
		fx_fail(b, fx_job(b, 0), attempt == 2 ? JOB_TIMEOUT : JOB_CRASHED);
		fx_run(&fx, 0);
	}
	ck_assert_uint_eq(b->n_jobs, 0);
	ck_assert_uint_eq(fx_dead(&fx), 1);
	ck_assert(fx_dead_is(&fx, 0, "reason", "crashed"));
	ck_assert(fx_dead_is(&fx, 0, "attempts", "3"));
	ck_assert(fx_dead_is(&fx, 0, "partition", "3"));
	ck_assert(fx_dead_is(&fx, 0, "backtrace", "somewhere+0x17"));
	ck_assert_uint_eq(fx.gates[0].n_heard, 1);
	ck_assert(fx.gates[0].heard[0].failed);
	ck_assert_uint_eq(fx.gates[0].heard[0].n, 1);
	ck_assert_uint_eq(fx_length(&fx, 3), 0);
	ck_assert_int_eq(metrics_get(M_BROKER_RETRIES_CRASHED), 1);
	ck_assert_int_eq(metrics_get(M_BROKER_RETRIES_TIMEOUT), 1);
	ck_assert_int_eq(metrics_get(M_BROKER_DEAD_CRASHED), 1);
}
END_TEST

START_TEST(the_record_of_a_dead_letter_is_the_event_s)
{
	struct broker *b = alone();
	char record[600];

	fx.config.max_attempts = 1;
	fx_event(&fx, 3, "gate", "gateA", 1);
	snprintf(record, sizeof(record), "%.*s", SLICE_ARG(fx_job(b, 0)->record));
	for (int i = 0; i < 3; i++) {
		fx_fail(b, fx_job(b, 0), JOB_TIMEOUT);
		fx_run(&fx, 0);
	}
	ck_assert(fx_dead_is(&fx, 0, "record", record));
	ck_assert(fx_dead_is(&fx, 0, "reason", "timeout"));
}
END_TEST

START_TEST(what_its_gateway_gave_up_is_not_tried_again)
{
	struct broker *b = alone();
	struct streams *s = fx.gates[0].streams;

	fx_event(&fx, 3, "gate", "gateA", 1);
	s->ops->ack(s, SLICE("stoa:events:test:3"), fx_job(b, 0)->id, NULL, NULL);
	fx_run(&fx, 0);
	fx_fail(b, fx_job(b, 0), JOB_CRASHED);
	fx_run(&fx, 5000);
	ck_assert_uint_eq(b->given, 1);
	ck_assert_uint_eq(fx_dead(&fx), 0);
	ck_assert_int_eq(metrics_get(M_BROKER_GIVEN_UP), 1);
}
END_TEST

START_TEST(the_batch_of_what_its_gateway_gave_up_is_not_kept)
{
	struct broker *b = alone();
	struct streams *s = fx.gates[0].streams;

	fx_event(&fx, 3, "gate", "gateA", 1);
	s->ops->ack(s, SLICE("stoa:events:test:3"), fx_job(b, 0)->id, NULL, NULL);
	fx_run(&fx, 2 * CONFIRM_MS);
	fx_done(b, fx_job(b, 0));
	ck_assert_uint_eq(intake_view(b->in, fx.now_ms).unconfirmed, 0);
	fx_run(&fx, 0);
	ck_assert_uint_eq(fx.gates[0].n_heard, 1); /* it may have been Redis that forgot it */
}
END_TEST

START_TEST(an_answer_that_cannot_be_run_is_told_to_nobody)
{
	struct broker *b = alone();
	struct event_record r = fx_record("gate", "", 1);

	r.kind = RECORD_ANSWER;
	r.answer = (struct answer_record){ .to = SLICE("b0"), .call = 7, .op = ANSWER_EXPECT, .count = 2 };
	fx_add(&fx, 5, &r);
	fx_fail(b, fx_job(b, 0), JOB_MALFORMED);
	fx_run(&fx, 0);
	ck_assert_uint_eq(fx_dead(&fx), 1);
	ck_assert_uint_eq(fx_length(&fx, 5), 0);
	ck_assert_uint_eq(fx.gates[0].n_heard, 0);
}
END_TEST

START_TEST(what_cannot_be_read_is_a_dead_letter_and_others_go_on)
{
	static const char *const records[] = { "", "{", "{}", "[]", "{\"v\":2}", "\xc1", "\x80",
		"{\"v\":1,\"node\":\"gate\"}" };
	struct broker *b = alone();
	size_t n = sizeof(records) / sizeof(records[0]);

	for (size_t i = 0; i < n; i++)
		fx_add_bytes(&fx, 3, slice_str(records[i]));
	fx_event(&fx, 3, "gate", "gateA", 1);
	ck_assert_uint_eq(b->n_jobs, 1);
	ck_assert_uint_eq(fx_dead(&fx), n);
	ck_assert(fx_dead_is(&fx, 1, "reason", "malformed"));
	ck_assert(fx_dead_is(&fx, 1, "record", "{"));
	ck_assert_uint_eq(fx_length(&fx, 3), 1);
	ck_assert_int_eq(metrics_get(M_BROKER_DEAD_MALFORMED), (int64_t)n);
}
END_TEST

START_TEST(the_worker_may_find_it_malformed)
{
	struct broker *b = alone();

	fx_event(&fx, 3, "gate", "gateA", 1);
	fx_fail(b, fx_job(b, 0), JOB_MALFORMED);
	fx_run(&fx, 0);
	ck_assert_uint_eq(fx_dead(&fx), 1);
	ck_assert(fx.gates[0].heard[0].failed);
}
END_TEST

START_TEST(the_oldest_dead_letters_go)
{
	struct broker *b;

	fx.config.max_dead = 2;
	b = alone();
	for (uint64_t n = 1; n <= 3; n++) {
		fx_event(&fx, 3, "gate", "gateA", n);
		fx_fail(b, fx_job(b, 0), JOB_MALFORMED);
		fx_run(&fx, 0);
		ck_assert_uint_eq(fx_dead(&fx), n < 2 ? n : 2);
	}
}
END_TEST

static void slots_run(struct broker *b, bool run)
{
	intake_slot_is(b->in, fx.now_ms, 0, run);
	intake_slot_is(b->in, fx.now_ms, 1, run);
	fx_run(&fx, LEASE_MS);
}

START_TEST(what_is_too_old_is_not_begun)
{
	struct broker *b = alone();
	struct event_record r = fx_record("gate", "gateA", 1);

	fx_event(&fx, 4, "gate", "gateX", 1);
	fx_done(b, fx_job(b, 0));
	slots_run(b, false);
	fx_add(&fx, 3, &r);
	r.sid = SLICE("gateB");
	r.kind = RECORD_DISCONNECT; /* these are owed */
	r.reason = SLICE("transport close");
	fx_add(&fx, 3, &r);
	fx_event(&fx, 3, "gate", "gateC", 1);
	fx_run(&fx, 31000);
	fx_event(&fx, 4, "gate", "gateD", 1);
	slots_run(b, true);
	ck_assert_uint_eq(b->n_jobs, 2);
	ck_assert_int_eq(metrics_get(M_BROKER_TOO_OLD), 2);
}
END_TEST

START_TEST(age_needs_both_clocks)
{
	struct broker *b = alone();
	struct event_record r = fx_record("gate", "gateA", 1);

	r.at_ms -= 3600 * 1000; /* its gateway's clock is an hour late */
	fx_add(&fx, 3, &r);
	ck_assert_uint_eq(b->n_jobs, 1);
	slots_run(b, false);
	r = fx_record("gate", "gateB", 1);
	r.at_ms += 3600 * 1000;
	fx_add(&fx, 3, &r);
	r = fx_record("gate", "gateC", 1);
	fx_add(&fx, 3, &r);
	fx_run(&fx, 31000);
	slots_run(b, true);
	ck_assert_uint_eq(b->n_jobs, 2);
	ck_assert(slice_equal(fx_read(&fx, fx_job(b, 1)->record).sid, SLICE("gateB")));
	ck_assert_int_eq(metrics_get(M_BROKER_TOO_OLD), 1);
	ck_assert_uint_eq(fx_length(&fx, 3), 2);
}
END_TEST

/* --- Credit ------------------------------------------------------------------------------------------------------- */

START_TEST(a_slot_gets_no_more_than_its_credit)
{
	struct broker *b;
	char sid[32];

	fx.config.slots = 1;
	fx.config.partitions = 4;
	fx.config.credits = 8;
	b = alone();
	for (int i = 0; i < 40; i++) {
		snprintf(sid, sizeof(sid), "gate%d", i);
		fx_event(&fx, (unsigned)i % 4, "gate", sid, 1);
		ck_assert_uint_le(b->n_jobs, 8);
	}
	ck_assert_uint_ge(b->n_jobs, 7); /* many small reads cost more than they bring */
	for (int i = 0; i < 32; i++) {
		fx_done(b, fx_job(b, 0));
		fx_run(&fx, 10);
		ck_assert_uint_le(b->n_jobs, 8);
		ck_assert_uint_ge(b->n_jobs, 6);
	}
	fx_done(b, fx_job(b, 0));
	fx_run(&fx, 10);
	ck_assert_uint_eq(b->given, 40);
}
END_TEST

START_TEST(a_slot_without_a_process_gets_nothing_and_others_go_on)
{
	struct broker *b = alone();
	char sid[32];

	intake_slot_is(b->in, fx.now_ms, 0, false);
	fx_run(&fx, 300);
	for (int i = 0; i < 16; i++) {
		snprintf(sid, sizeof(sid), "gate%d", i);
		fx_event(&fx, (unsigned)i, "gate", sid, 1);
	}
	fx_run(&fx, 20);
	ck_assert_uint_eq(b->n_jobs, 8);
	for (size_t i = 0; i < b->n_jobs; i++)
		ck_assert_uint_eq(fx_job(b, i)->slot, 1);
	intake_slot_is(b->in, fx.now_ms, 0, true);
	fx_run(&fx, 300);
	ck_assert_uint_eq(b->n_jobs, 16);
}
END_TEST

START_TEST(partitions_are_spread_over_the_slots)
{
	unsigned n[4] = { 0 };
	struct broker *b;
	char sid[32];

	fx.config.slots = 4;
	b = alone();
	for (int i = 0; i < 16; i++) {
		snprintf(sid, sizeof(sid), "gate%d", i);
		fx_event(&fx, (unsigned)i, "gate", sid, 1);
	}
	fx_run(&fx, 20);
	for (size_t i = 0; i < b->n_jobs; i++)
		n[fx_job(b, i)->slot]++;
	for (int i = 0; i < 4; i++)
		ck_assert_uint_eq(n[i], 4);
}
END_TEST

/* --- The client's state ------------------------------------------------------------------------------------------- */

static void add_with_state(uint64_t n, uint64_t state_n, bool has_state)
{
	struct event_record r = fx_record("gate", "gateA", n);
	struct slice room = SLICE("gateA");

	r.state_n = state_n;
	r.has_state = has_state;
	r.state = (struct client_state){
		.handshake = { .address = "192.0.2.1" }, .transport = "websocket", .rooms = &room, .n_rooms = 1
	};
	fx_add(&fx, 3, &r);
}

static struct job *only(struct broker *b)
{
	ck_assert_uint_eq(b->n_jobs, 1);
	return fx_job(b, 0);
}

START_TEST(the_state_is_fetched_when_the_slot_has_not_that_version)
{
	struct broker *b = alone();

	fx_put_client(&fx, 3, "gate", "gateA", 5);
	add_with_state(1, 5, false);
	ck_assert_uint_gt(only(b)->client.size, 0);
	fx_done(b, only(b));
	add_with_state(2, 5, false);
	ck_assert_uint_eq(only(b)->client.size, 0); /* it was given it */
	fx_done(b, only(b));
	add_with_state(3, 6, true);
	ck_assert_uint_eq(only(b)->client.size, 0); /* it carries it */
	fx_done(b, only(b));
	add_with_state(4, 6, false);
	ck_assert_uint_eq(only(b)->client.size, 0);
	fx_done(b, only(b));
	fx_put_client(&fx, 3, "gate", "gateA", 7);
	add_with_state(5, 7, false);
	ck_assert_uint_gt(only(b)->client.size, 0); /* another version */
	fx_done(b, only(b));
	intake_slot_is(b->in, fx.now_ms, 0, false);
	intake_slot_is(b->in, fx.now_ms, 1, false);
	intake_slot_is(b->in, fx.now_ms, 0, true);
	intake_slot_is(b->in, fx.now_ms, 1, true);
	add_with_state(6, 7, false);
	ck_assert_uint_gt(only(b)->client.size, 0); /* another process */
}
END_TEST

START_TEST(a_worker_that_lacks_the_state_gets_it_once)
{
	struct broker *b = alone();

	fx_put_client(&fx, 3, "gate", "gateA", 6);
	add_with_state(1, 6, true);
	fx_done(b, only(b));
	add_with_state(2, 6, false);
	fx_fail(b, only(b), JOB_NO_STATE);
	fx_run(&fx, 0);
	ck_assert_uint_gt(only(b)->client.size, 0);
	ck_assert_int_eq(only(b)->attempt, 1);
	fx_fail(b, only(b), JOB_NO_STATE);
	fx_run(&fx, 0);
	ck_assert_uint_eq(b->n_jobs, 0);
	ck_assert_uint_eq(fx_dead(&fx), 1);
	ck_assert(fx_dead_is(&fx, 0, "reason", "no state"));
}
END_TEST

START_TEST(no_more_clients_are_remembered_than_may_be)
{
	struct broker *b;

	fx.config.max_clients = 1;
	fx.config.slots = 1;
	b = alone();
	fx_put_client(&fx, 3, "gate", "gateA", 6);
	add_with_state(1, 6, true);
	fx_done(b, only(b));
	add_with_state(2, 6, false);
	ck_assert_uint_eq(only(b)->client.size, 0);
	fx_done(b, only(b));
	struct event_record r = fx_record("gate", "gateB", 1);
	r.state_n = 1;
	r.has_state = true;
	r.state.transport = "polling";
	r.state.handshake.address = "192.0.2.1";
	fx_add(&fx, 3, &r);
	fx_done(b, only(b));
	add_with_state(3, 6, false);
	ck_assert_uint_gt(only(b)->client.size, 0);
}
END_TEST

/* --- What is not kept --------------------------------------------------------------------------------------------- */

START_TEST(past_max_unconfirmed_batches_are_published_once)
{
	struct broker *b;

	fx.config.max_unconfirmed = 1;
	b = alone();
	fx.gates[0].acks = false;
	fx_event(&fx, 3, "gate", "gateA", 1);
	fx_event(&fx, 4, "gate", "gateB", 1);
	fx_done(b, fx_job(b, 0));
	ck_assert_uint_eq(intake_view(b->in, fx.now_ms).unconfirmed, 0);
	fx_run(&fx, 10 * CONFIRM_MS);
	ck_assert_uint_eq(fx.gates[0].n_heard, 1);
	ck_assert_uint_eq(b->n_jobs, 2); /* handled again: nobody acknowledged */
	ck_assert_int_eq(fx_job(b, 1)->attempt, 2);
	ck_assert_int_eq(metrics_get(M_BROKER_NOT_KEPT), 1);
	fx.gates[0].acks = true;
	fx_done(b, fx_job(b, 1));
	fx_run(&fx, 10 * CONFIRM_MS);
	ck_assert_uint_eq(b->n_jobs, 1);
}
END_TEST

START_TEST(while_batches_take_the_memory_nothing_is_read)
{
	struct broker *b;

	fx.config.max_unconfirmed = 700;
	b = alone();
	fx.gates[0].acks = false;
	fx_event(&fx, 3, "gate", "gateA", 1);
	fx_done(b, only(b));
	ck_assert_uint_gt(intake_view(b->in, fx.now_ms).unconfirmed, 525);
	fx_run(&fx, 300);
	fx_event(&fx, 3, "gate", "gateB", 1);
	fx_run(&fx, 10 * CONFIRM_MS);
	ck_assert_uint_eq(b->n_jobs, 0);
	fx.gates[0].acks = true;
	fx_run(&fx, 2 * CONFIRM_MS);
	ck_assert_uint_eq(b->n_jobs, 1);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("intake");
	TCase *t = tcase_create("intake");

	tcase_add_checked_fixture(t, begin, end);
	tcase_add_test(t, an_event_is_given_published_and_acknowledged);
	tcase_add_test(t, a_batch_is_published_again_until_it_is_acknowledged);
	tcase_add_test(t, an_event_without_a_batch_is_acknowledged_by_the_broker);
	tcase_add_test(t, one_event_of_a_client_at_a_time);
	tcase_add_test(t, the_next_number_says_that_the_last_was_executed);
	tcase_add_test(t, an_event_that_is_there_twice_is_handled_once);
	tcase_add_test(t, the_same_number_again_waits_for_the_acknowledgement);
	tcase_add_test(t, a_copy_of_what_is_over_is_not_handled);
	tcase_add_test(t, what_comes_while_it_is_looked_is_kept_as_well);
	tcase_add_test(t, a_crash_is_tried_again_so_often);
	tcase_add_test(t, the_record_of_a_dead_letter_is_the_event_s);
	tcase_add_test(t, what_its_gateway_gave_up_is_not_tried_again);
	tcase_add_test(t, the_batch_of_what_its_gateway_gave_up_is_not_kept);
	tcase_add_test(t, an_answer_that_cannot_be_run_is_told_to_nobody);
	tcase_add_test(t, what_cannot_be_read_is_a_dead_letter_and_others_go_on);
	tcase_add_test(t, the_worker_may_find_it_malformed);
	tcase_add_test(t, the_oldest_dead_letters_go);
	tcase_add_test(t, what_is_too_old_is_not_begun);
	tcase_add_test(t, age_needs_both_clocks);
	tcase_add_test(t, a_slot_gets_no_more_than_its_credit);
	tcase_add_test(t, a_slot_without_a_process_gets_nothing_and_others_go_on);
	tcase_add_test(t, partitions_are_spread_over_the_slots);
	tcase_add_test(t, the_state_is_fetched_when_the_slot_has_not_that_version);
	tcase_add_test(t, a_worker_that_lacks_the_state_gets_it_once);
	tcase_add_test(t, no_more_clients_are_remembered_than_may_be);
	tcase_add_test(t, past_max_unconfirmed_batches_are_published_once);
	tcase_add_test(t, while_batches_take_the_memory_nothing_is_read);
	suite_add_tcase(s, t);
	return s;
}
