/* test_lost.c - gateways that are gone: their batches, their clients; and batches that nobody asked for. */
#include <stdio.h>

#include "intake_fixture.h"
#include "metrics.h"
#include "streams_sim_internal.h"
#include "test_main.h"

static struct fx fx;
static struct broker *b;

static void begin(void)
{
	fx_init(&fx, 3);
	fx_gate(&fx, 0, "gate");
	fx_gate(&fx, 1, "live");
	b = fx_broker(&fx, 0);
	fx_run(&fx, 100);
}

static void end(void)
{
	fx_fini(&fx);
}

/* --- Batches ------------------------------------------------------------------------------------------------------ */

START_TEST(the_broadcasts_of_a_lost_gateway_are_published_once)
{
	fx_event(&fx, 3, "gate", "gateA", 1);
	fx_gate_dies(&fx.gates[0], true);
	fx_done(b, fx_job(b, 0));
	fx_run(&fx, fx.config.gateway_gone_ms - 100);
	ck_assert_uint_eq(fx.broadcasts, 0); /* it may come back */
	fx_run(&fx, 5000);
	ck_assert_uint_eq(fx.broadcasts, 1);
	ck_assert_str_eq(fx.last_broadcast, "cluster#/#");
	ck_assert_uint_eq(fx_length(&fx, 3), 0);
	ck_assert_int_eq(metrics_get(M_BROKER_ORPHANED), 1);
	ck_assert_uint_eq(b->given, 1);
	/* Known to be gone: at once. */
	fx_event(&fx, 3, "gate", "gateB", 1);
	fx_done(b, fx_job(b, 0));
	fx_run(&fx, 0);
	ck_assert_uint_eq(fx.broadcasts, 2);
}
END_TEST

START_TEST(a_gateway_that_does_not_listen_for_a_while_is_not_lost)
{
	fx_event(&fx, 3, "gate", "gateA", 1);
	streams_sim_cut(fx.gates[0].streams, 10 * 1000, SIM_SENT_LOST);
	fx_done(b, fx_job(b, 0));
	fx_run(&fx, 9000);
	ck_assert_uint_eq(fx.gates[0].n_heard, 0);
	fx_run(&fx, 3000);
	ck_assert_uint_eq(fx.gates[0].n_heard, 1);
	ck_assert_uint_eq(fx.broadcasts, 0);
	ck_assert_uint_eq(fx_length(&fx, 3), 0);
}
END_TEST

START_TEST(who_listens_is_not_lost_without_its_key_either)
{
	fx.gates[0].acks = false;
	fx_gate_forgets_key(&fx.gates[0]);
	fx_event(&fx, 3, "gate", "gateA", 1);
	fx_run(&fx, 5000);
	fx_done(b, fx_job(b, 0));
	fx_run(&fx, 10 * 1000);
	ck_assert_uint_gt(fx.gates[0].n_heard, 2);
	ck_assert_uint_eq(fx.broadcasts, 0);
	ck_assert_uint_eq(fx_length(&fx, 3), 1);
}
END_TEST

START_TEST(after_redis_has_forgotten_gateways_have_time_to_come_back)
{
	fx_event(&fx, 3, "gate", "gateA", 1);
	streams_sim_cut(fx.gates[0].streams, fx.config.gateway_gone_ms, SIM_SENT_LOST);
	streams_sim_restart(fx.sim, 200, true);
	fx_done(b, fx_job(b, 0));
	fx_run(&fx, 10 * 1000);
	ck_assert_uint_eq(fx.broadcasts, 0);
	fx_event(&fx, 3, "gate", "gateA", 1); /* it adds again what is open */
	fx_done(b, fx_job(b, 0));
	fx_run(&fx, 10 * 1000);
	ck_assert_uint_eq(fx.gates[0].n_heard, 1);
	ck_assert_uint_eq(fx.broadcasts, 0);
}
END_TEST

START_TEST(of_a_batch_that_is_acknowledged_meanwhile_nothing_is_published)
{
	struct streams *s = fx.gates[1].streams;
	char id[44];

	fx_event(&fx, 3, "gate", "gateA", 1);
	snprintf(id, sizeof(id), "%.*s", SLICE_ARG(fx_job(b, 0)->id));
	fx_gate_dies(&fx.gates[0], true);
	fx_done(b, fx_job(b, 0));
	fx_run(&fx, 100);
	s->ops->ack(s, SLICE("stoa:events:test:3"), slice_str(id), NULL, NULL);
	fx_run(&fx, 5000);
	ck_assert_uint_eq(fx.broadcasts, 0);
}
END_TEST

static char acked_id[44];

static void acknowledge_meanwhile(struct slice channel)
{
	struct stream_id id;

	if (!slice_starts(channel, SLICE("stoa:batches:")) || !stream_id_read(slice_str(acked_id), &id))
		return;
	store_ack(&fx.sim->store, SLICE("stoa:events:test:3"), id, true);
}

START_TEST(who_acknowledged_first_has_done_it)
{
	fx_event(&fx, 3, "gate", "gateA", 1);
	fx_gate_dies(&fx.gates[0], true);
	fx_run(&fx, 5000);
	snprintf(acked_id, sizeof(acked_id), "%.*s", SLICE_ARG(fx_job(b, 0)->id));
	fx.on_publish = acknowledge_meanwhile;
	fx_done(b, fx_job(b, 0));
	fx_run(&fx, 5000);
	ck_assert_uint_eq(fx.broadcasts, 0);
	ck_assert_uint_eq(intake_view(b->in, fx.now_ms).unconfirmed, 0);
}
END_TEST

START_TEST(who_was_away_itself_forgives)
{
	fx_event(&fx, 3, "gate", "gateA", 1);
	streams_sim_cut(fx.gates[0].streams, 6000, SIM_SENT_LOST); /* it is back when it puts its key again */
	fx_gate_forgets_key(&fx.gates[0]);
	fx_run(&fx, 1200); /* its key was seen to be missing */
	streams_sim_cut(b->streams, 4000, SIM_SENT_LOST);
	fx_done(b, fx_job(b, 0));
	fx_run(&fx, 12 * 1000);
	ck_assert_uint_eq(fx.broadcasts, 0);
	ck_assert_uint_ge(fx.gates[0].n_heard, 1);
}
END_TEST

START_TEST(the_next_event_does_not_hide_what_a_lost_gateway_left)
{
	struct event_record bye = fx_record("gate", "gateA", 2);

	fx_event(&fx, 3, "gate", "gateA", 1);
	fx_gate_dies(&fx.gates[0], true);
	fx_run(&fx, 1500); /* its key is seen to be missing */
	fx_done(b, fx_job(b, 0));
	bye.kind = RECORD_DISCONNECT;
	bye.reason = SLICE("transport close");
	fx_add(&fx, 3, &bye);
	ck_assert_uint_eq(b->n_jobs, 0);
	fx_run(&fx, 10 * 1000);
	ck_assert_uint_eq(fx.broadcasts, 1);
	ck_assert_uint_eq(b->n_jobs, 1);
}
END_TEST

/* --- Clients ------------------------------------------------------------------------------------------------------ */

START_TEST(the_clients_of_a_lost_gateway_are_told_gone_once)
{
	struct event_record r;

	for (int i = 0; i < 40; i++) {
		char sid[32];

		snprintf(sid, sizeof(sid), "%s%d", i % 2 ? "gate" : "live", i);
		fx_put_client(&fx, (unsigned)i % 16, i % 2 ? "gate" : "live", sid, 4);
	}
	fx_event(&fx, 3, "gate", "gateA", 1); /* so it is known that there is this gateway */
	fx_done(b, fx_job(b, 0));
	fx_gate_dies(&fx.gates[0], true);
	fx_run(&fx, 10 * 1000);
	ck_assert_uint_eq(b->n_jobs, 20);
	for (size_t i = 0; i < 20; i++) {
		r = fx_read(&fx, fx_job(b, i)->record);
		ck_assert_int_eq(r.kind, RECORD_DISCONNECT);
		ck_assert(slice_equal(r.reason, SLICE("transport close")));
		ck_assert(slice_equal(r.node, SLICE("gate")) && slice_starts(r.sid, SLICE("gate")));
		ck_assert(r.has_state && r.state_n == 4 && r.n == INTAKE_LOST_N);
		ck_assert_str_eq(r.state.transport, "websocket");
	}
	ck_assert_int_eq(metrics_get(M_BROKER_CLIENTS_ENDED), 20);
	while (b->n_jobs)
		fx_done(b, fx_job(b, 0));
	fx_run(&fx, 60 * 1000);
	ck_assert_uint_eq(b->given, 21);
	ck_assert_uint_eq(fx.broadcasts, 21); /* the first event's, too */
	ck_assert_uint_eq(streams_sim_fields(fx.sim, SLICE("stoa:clients:test:1")), 0);
	ck_assert_uint_eq(streams_sim_fields(fx.sim, SLICE("stoa:clients:test:0")), 3);
}
END_TEST

START_TEST(many_clients_of_a_lost_gateway)
{
	for (int i = 0; i < 300; i++) {
		char sid[32];

		snprintf(sid, sizeof(sid), "gate%d", i);
		fx_put_client(&fx, 3, "gate", sid, 4);
	}
	fx_event(&fx, 3, "gate", "gateA", 1);
	fx_done(b, fx_job(b, 0));
	fx_gate_dies(&fx.gates[0], true);
	for (int i = 0; i < 1000; i++) {
		fx_run(&fx, 10);
		while (b->n_jobs)
			fx_done(b, fx_job(b, 0));
	}
	ck_assert_uint_eq(b->given, 301);
	ck_assert_uint_eq(streams_sim_fields(fx.sim, SLICE("stoa:clients:test:3")), 0);
}
END_TEST

START_TEST(a_disconnect_that_a_lost_gateway_brought_itself_is_the_only_one)
{
	struct event_record bye = fx_record("gate", "gateA", 4);

	fx_put_client(&fx, 3, "gate", "gateA", 4);
	fx_put_client(&fx, 3, "gate", "gateB", 4);
	fx.gates[0].acks = false;
	bye.kind = RECORD_DISCONNECT;
	bye.reason = SLICE("transport close");
	fx_add(&fx, 3, &bye);
	fx_done(b, fx_job(b, 0));
	intake_slot_is(
		b->in, fx.now_ms, 0, false); /* the other is not read before it is known that the gateway is gone */
	intake_slot_is(b->in, fx.now_ms, 1, false);
	fx_run(&fx, 300);
	bye.sid = SLICE("gateB");
	fx_add(&fx, 3, &bye);
	fx_gate_dies(&fx.gates[0], true);
	fx_run(&fx, 5000);
	ck_assert_uint_gt(fx_length(&fx, 3), 1);
	for (unsigned slot = 0; slot < 2; slot++)
		intake_slot_is(b->in, fx.now_ms, slot, true);
	for (int i = 0; i < 100; i++) {
		fx_run(&fx, 100);
		while (b->n_jobs)
			fx_done(b, fx_job(b, 0));
	}
	ck_assert_uint_eq(b->given, 2);
	ck_assert_uint_eq(fx_length(&fx, 3), 0);
	ck_assert_uint_eq(streams_sim_fields(fx.sim, SLICE("stoa:clients:test:3")), 0);
}
END_TEST

START_TEST(a_disconnect_of_a_broker_s_says_nothing_of_the_event_before)
{
	struct event_record bye = fx_record("gate", "gateA", INTAKE_LOST_N);

	fx.gates[0].acks = false;
	fx_event(&fx, 3, "gate", "gateA", 1);
	fx_done(b, fx_job(b, 0));
	bye.kind = RECORD_DISCONNECT;
	bye.reason = SLICE("transport close");
	fx_add(&fx, 3, &bye);
	fx_run(&fx, 3 * CONFIRM_MS);
	ck_assert_uint_eq(b->n_jobs, 0);
	fx.gates[0].acks = true;
	fx_run(&fx, 5 * CONFIRM_MS);
	ck_assert_uint_eq(b->n_jobs, 1);
}
END_TEST

START_TEST(whose_a_client_is_its_record_says)
{
	fx_put_client(&fx, 3, "live", "gateA", 4); /* an id that begins as the other's */
	fx_event(&fx, 4, "gate", "gateB", 1);
	fx_done(b, fx_job(b, 0));
	fx_gate_dies(&fx.gates[0], true);
	fx_run(&fx, 20 * 1000);
	ck_assert_uint_eq(b->n_jobs, 0);
}
END_TEST

START_TEST(whoever_takes_a_partition_looks_for_lost_clients)
{
	fx_put_client(&fx, 3, "dead", "deadA", 1);
	fx_kill(b);
	b = fx_broker(&fx, 0);
	fx_run(&fx, LEASE_MS * 2 + fx.config.gateway_gone_ms + 3 * fx.config.gateway_check_ms);
	ck_assert_uint_eq(b->n_jobs, 1);
}
END_TEST

START_TEST(a_record_of_a_client_that_cannot_be_read_goes)
{
	struct streams *s = fx.adder.streams;

	s->ops->field_put(s, SLICE("stoa:clients:test:3"), SLICE("deadX"), SLICE("{\"v\":1"), NULL, NULL);
	fx_put_client(&fx, 3, "dead", "deadA", 1);
	fx_kill(b);
	b = fx_broker(&fx, 0);
	fx_run(&fx, 20 * 1000);
	ck_assert_uint_eq(b->n_jobs, 1);
	ck_assert_uint_eq(streams_sim_fields(fx.sim, SLICE("stoa:clients:test:3")), 0);
}
END_TEST

START_TEST(a_cut_link_does_not_lose_a_disconnect)
{
	for (int i = 0; i < 30; i++) {
		char sid[32];

		snprintf(sid, sizeof(sid), "gate%d", i);
		fx_put_client(&fx, (unsigned)i % 16, "gate", sid, 4);
	}
	fx_event(&fx, 3, "gate", "gateA", 1);
	fx_done(b, fx_job(b, 0));
	fx_gate_dies(&fx.gates[0], true);
	streams_sim_set_delay(fx.sim, 15);
	for (int i = 0; i < 40; i++) {
		fx_run(&fx, 400);
		streams_sim_cut(b->streams, 100,
			i % 3 == 0   ? SIM_SENT_LOST
			: i % 3 == 1 ? SIM_SENT_SOME
				     : SIM_SENT_DONE);
	}
	fx_run(&fx, 20 * 1000);
	ck_assert_uint_eq(b->n_jobs, 30);
}
END_TEST

/* --- Batches that nobody asked for -------------------------------------------------------------------------------- */

static struct slice later_batch(const char *sid)
{
	struct slice room = SLICE("lobby");
	struct effect e = {
		.kind = EFFECT_EMIT, .to = { .nsp = "/", .rooms = &room, .n_rooms = 1 }, .json = SLICE("[\"x\"]")
	};
	struct batch_record batch = { .by = SLICE("b0"), .nsp = SLICE("/"), .sid = slice_str(sid), .effects = &e };

	if (sid) {
		e.to.sid = sid;
		e.to.sid_nsp = "/";
	}
	buf_clear(&fx.record);
	ck_assert_int_eq(batch_record_put(&fx.record, VALUE_JSON, &batch), 0);
	return buf_slice(&fx.record);
}

START_TEST(a_batch_without_an_event_goes_to_the_client_s_gateway)
{
	intake_send(b->in, fx.now_ms, SLICE("live"), later_batch("liveA"));
	fx_run(&fx, 10 * 1000);
	ck_assert_uint_eq(fx.gates[1].n_heard, 1);
	ck_assert_uint_eq(fx.gates[0].n_heard, 0);
	ck_assert_uint_eq(fx.broadcasts, 0);
}
END_TEST

START_TEST(without_a_client_to_any_gateway_and_always_the_same)
{
	struct gate *first;

	fx_event(&fx, 3, "gate", "gateA", 1);
	fx_event(&fx, 3, "live", "liveA", 1);
	fx_run(&fx, 100);
	for (int i = 0; i < 5; i++)
		intake_send(b->in, fx.now_ms, slice_of(NULL, 0), later_batch(NULL));
	fx_run(&fx, 100);
	first = fx.gates[0].n_heard ? &fx.gates[0] : &fx.gates[1];
	ck_assert_uint_eq(first->n_heard, 5);
	fx_gate_dies(first, true);
	intake_send(b->in, fx.now_ms, slice_of(NULL, 0), later_batch(NULL));
	fx_run(&fx, 100);
	ck_assert_uint_eq(fx.gates[0].n_heard + fx.gates[1].n_heard, 6);
	ck_assert_uint_eq(fx.broadcasts, 0);
}
END_TEST

START_TEST(to_a_lost_gateway_its_broadcasts_are_published)
{
	fx_gate_dies(&fx.gates[0], true);
	intake_send(b->in, fx.now_ms, SLICE("gate"), later_batch("gateA"));
	fx_run(&fx, 100);
	ck_assert_uint_eq(fx.broadcasts, 1);
	fx_gate_dies(&fx.gates[1], true);
	intake_send(b->in, fx.now_ms, slice_of(NULL, 0), later_batch(NULL));
	fx_run(&fx, 100);
	ck_assert_uint_eq(fx.broadcasts, 2);
}
END_TEST

START_TEST(while_redis_is_away_it_is_lost_and_counted)
{
	streams_sim_cut(b->streams, 1000, SIM_SENT_LOST);
	intake_send(b->in, fx.now_ms, SLICE("live"), later_batch("liveA"));
	fx_run(&fx, 3000);
	ck_assert_uint_eq(fx.gates[1].n_heard, 0);
	ck_assert_int_eq(metrics_get(M_BROKER_UNSENT), 1);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("lost");
	TCase *t = tcase_create("lost");

	tcase_add_checked_fixture(t, begin, end);
	tcase_add_test(t, the_broadcasts_of_a_lost_gateway_are_published_once);
	tcase_add_test(t, a_gateway_that_does_not_listen_for_a_while_is_not_lost);
	tcase_add_test(t, who_listens_is_not_lost_without_its_key_either);
	tcase_add_test(t, after_redis_has_forgotten_gateways_have_time_to_come_back);
	tcase_add_test(t, of_a_batch_that_is_acknowledged_meanwhile_nothing_is_published);
	tcase_add_test(t, who_acknowledged_first_has_done_it);
	tcase_add_test(t, who_was_away_itself_forgives);
	tcase_add_test(t, the_next_event_does_not_hide_what_a_lost_gateway_left);
	tcase_add_test(t, the_clients_of_a_lost_gateway_are_told_gone_once);
	tcase_add_test(t, many_clients_of_a_lost_gateway);
	tcase_add_test(t, a_disconnect_that_a_lost_gateway_brought_itself_is_the_only_one);
	tcase_add_test(t, a_disconnect_of_a_broker_s_says_nothing_of_the_event_before);
	tcase_add_test(t, whose_a_client_is_its_record_says);
	tcase_add_test(t, whoever_takes_a_partition_looks_for_lost_clients);
	tcase_add_test(t, a_record_of_a_client_that_cannot_be_read_goes);
	tcase_add_test(t, a_cut_link_does_not_lose_a_disconnect);
	tcase_add_test(t, a_batch_without_an_event_goes_to_the_client_s_gateway);
	tcase_add_test(t, without_a_client_to_any_gateway_and_always_the_same);
	tcase_add_test(t, to_a_lost_gateway_its_broadcasts_are_published);
	tcase_add_test(t, while_redis_is_away_it_is_lost_and_counted);
	suite_add_tcase(s, t);
	return s;
}
