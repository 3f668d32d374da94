/* test_host.c - what a host does beside the application's own doing: state, whose batch, what cannot be run or written. */
#include <stdio.h>
#include <stdlib.h>

#include "metrics.h"
#include "ways.h"

static void begin(void)
{
	ways_begin(VALUE_JSON, false);
	ways_log();
}

static const char *run(struct slice record, struct slice client)
{
	ways.events = 0;
	return host_event(ways.host, ways.now_ms, record, client, SLICE("17-0"), 3, 1);
}

static const struct said who = { .kind = RECORD_EVENT, .event = "who", .ack = 1 };

/* --- State -------------------------------------------------------------------------------------------------------- */

static struct slice client_record(uint64_t state_n)
{
	static struct buf to;
	struct client_record c = { .node = SLICE("gw01"),
		.nsp = SLICE("/"),
		.sid = SLICE("gw01S"),
		.n = 4,
		.state_n = state_n,
		.state = ways.state };

	buf_clear(&to);
	ck_assert_int_eq(client_record_put(&to, VALUE_JSON, &c), 0);
	return buf_slice(&to);
}

START_TEST(state_is_kept)
{
	ck_assert(!host_knows(ways.host, SLICE("gw01S"), 1));
	ck_assert_ptr_null(run(ways_record(&who, true), slice_of(NULL, 0)));
	ck_assert(host_knows(ways.host, SLICE("gw01S"), 1));
	ck_assert(!host_knows(ways.host, SLICE("gw01S"), 2));
	ways.state.auth = SLICE("{\"is\":\"not told\"}");
	ways_log();
	ck_assert_ptr_null(run(ways_record(&who, false), slice_of(NULL, 0)));
	ck_assert_ptr_nonnull(strstr(ways_log(), "{\"user\":\"Ann\""));
}
END_TEST

START_TEST(state_that_is_not_here)
{
	ck_assert_ptr_eq(run(ways_record(&who, false), slice_of(NULL, 0)), host_no_state);
	ck_assert_int_eq(ways.events, 0);
	ck_assert_str_eq(ways_log(), "");
	ck_assert_ptr_null(run(ways_record(&who, true), slice_of(NULL, 0)));
	ways.state_n = 2; /* an older one does not do */
	ck_assert_ptr_eq(run(ways_record(&who, false), slice_of(NULL, 0)), host_no_state);
	ck_assert_ptr_eq(run(ways_record(&who, false), client_record(1)), host_no_state);
	ck_assert_ptr_eq(run(ways_record(&who, false), SLICE("{\"v\":1}")), host_no_state);
	ck_assert_ptr_null(run(ways_record(&who, false), client_record(2)));
	ck_assert(host_knows(ways.host, SLICE("gw01S"), 2));
	ways.state_n = 3; /* a newer one is the same client's, handed over again */
	ck_assert_ptr_null(run(ways_record(&who, false), client_record(4)));
}
END_TEST

START_TEST(state_ends_with_its_client)
{
	SAY(.kind = RECORD_CONNECT);
	ck_assert(host_knows(ways.host, SLICE("gw01S"), 1));
	SAY(.kind = RECORD_DISCONNECT, .reason = "transport close");
	ck_assert(!host_knows(ways.host, SLICE("gw01S"), 1));
	ways.state.handshake.query = SLICE("token=x");
	SAY(.kind = RECORD_CONNECT); /* refused: it will not be told gone */
	ck_assert(!host_knows(ways.host, SLICE("gw01S"), 1));
}
END_TEST

START_TEST(without_state_there_is_none)
{
	ways.state_n = 0;
	ck_assert_ptr_null(run(ways_record(&who, false), slice_of(NULL, 0)));
	ck_assert_ptr_nonnull(strstr(ways_log(), "ack [\"gw01S\",\"/\",null,null,null,null"));
}
END_TEST

/* --- Whose batch -------------------------------------------------------------------------------------------------- */

START_TEST(batches_answer_their_events)
{
	ways_event("echo", "1", -1);
	ck_assert_ptr_nonnull(strstr(ways.last.at, "\"id\":\"17-0\""));
	ck_assert_ptr_nonnull(strstr(ways.last.at, "\"by\":\"broker-1.7\""));
	ck_assert_str_eq(ways.node, "gw01");
	SAY(.kind = RECORD_EVENT, .event = "nothing", .node = "gw02", .sid = "gw02T");
	ck_assert_str_eq(ways.node, "gw02");
}
END_TEST

START_TEST(what_comes_later_goes_where_its_client_is)
{
	SAY(.kind = RECORD_EVENT, .event = "after", .node = "gw02", .sid = "/x#not-by-its-id", .partition = 5);
	ways_event("echo", "", -1);
	ck_assert_str_eq(ways.node, "gw01");
	ways_pass(50);
	ck_assert_str_eq(ways.node, "gw02");
	ways_lead(true);
	ways_pass(100);
	ck_assert_str_eq(ways.node, "");
}
END_TEST

/* Whoever waits for the ack is at another gateway than the event that gives it. */
START_TEST(an_ack_finds_its_gateway)
{
	SAY(.kind = RECORD_EVENT, .event = "defer", .node = "gw02", .sid = "gw02T", .ack = 9);
	ways_log();
	ways_event("give", "", -1);
	ck_assert_str_eq(ways_log(),
		"[gw01S /]\n  emit [\"giving\"] to / gw01S of /\n  emit [\"given\"] to / gw01S of /\n"
		"[gw02T /]\n  ack [\"late\"] id 9 to / gw02T of /\n");
	ck_assert_str_eq(ways.node, "gw02");
	SAY(.kind = RECORD_SERVER, .event = "wait", .node = "gw03", .ack = 10);
	ways_log();
	ways_event("give", "", 2);
	ck_assert_str_eq(ways_log(),
		"[gw01S /]\n  emit [\"giving\"] to / gw01S of /\n  emit [\"given\"] to / gw01S of /\n"
		"  ack [] id 2 to / gw01S of /\n[-]\n  ack [\"late\"] id 10 to / - of -\n");
	ck_assert_str_eq(ways.node, "gw03");
}
END_TEST

START_TEST(later_batches_come_behind_the_events)
{
	ways_event("after", "", -1);
	ways_log();
	ways_event("cancel", "", -1);
	ck_assert_str_eq(ways_log(), "[gw01S /]\n  emit [\"cancelled\"] to / gw01S of /\n"
				     "[gw01S /]\n  emit [\"rang\",-125,\"after\"] to / gw01S of /\n");
}
END_TEST

START_TEST(an_ack_that_is_still_to_come_is_said)
{
	ways_event("defer", "", 4);
	ck_assert(ways.deferred);
	ways_event("give", "", -1);
	ck_assert(!ways.deferred);
	ways_event("defer", "", -1); /* nobody asked */
	ck_assert(!ways.deferred);
	ways_event("echo", "", 5);
	ck_assert(!ways.deferred);
	ways_event("fail", "", 5);
	ck_assert(!ways.deferred);
	SAY(.kind = RECORD_SERVER, .event = "wait", .ack = 10);
	ck_assert(ways.deferred);
	SAY(.kind = RECORD_DISCONNECT, .reason = "transport close");
	ck_assert(!ways.deferred);
}
END_TEST

/* Also behind one that left nothing. */
START_TEST(later_batches_are_not_the_events)
{
	ways_event("after", "", -1);
	ways_log();
	ways_event("hush", "", -1);
	ck_assert_str_eq(ways_log(), "[gw01S /]\n  emit [\"rang\",-125,\"after\"] to / gw01S of /\n");
	ck_assert_ptr_null(memmem(ways.last.at, ways.last.size, "\"id\"", 4));
}
END_TEST

START_TEST(answers_to_others_are_dropped)
{
	int64_t stray = metrics_get(M_ANSWERS_STRAY);

	ways_event("call", "", -1);
	ways_log();
	ways.config.by = "broker-1.6"; /* the one before this */
	ways_answer(ANSWER_GIVEN, "1", 0);
	ck_assert_int_eq(metrics_get(M_ANSWERS_STRAY), stray + 1);
	ck_assert_str_eq(ways_log(), "");
	ways.config.by = "broker-1.7";
	ways_answer(ANSWER_GIVEN, "1", 0);
	ck_assert_str_eq(ways_log(), "[gw01S /]\n  emit [\"answered\",0,[1],1,[]] to / gw01S of /\n");
}
END_TEST

/* --- What cannot be ----------------------------------------------------------------------------------------------- */

START_TEST(malformed_records_run_nothing)
{
	struct slice whole = ways_record(&who, true);
	char *copy;

	ck_assert_ptr_nonnull(run(SLICE("{}"), slice_of(NULL, 0)));
	ck_assert_ptr_nonnull(run(SLICE("\x81"), slice_of(NULL, 0)));
	for (size_t n = 0; n < whole.size; n++) {
		copy = malloc(n);
		if (n)
			memcpy(copy, whole.at, n);
		ck_assert_ptr_nonnull(run(slice_of(copy, n), slice_of(NULL, 0)));
		free(copy);
	}
	ck_assert_int_eq(ways.events, 0);
	ck_assert_str_eq(ways_log(), "");
}
END_TEST

START_TEST(the_encoding_is_the_applications)
{
	struct buf packed = BUF_INIT;

	ways.encoding = VALUE_MSGPACK;
	buf_add_slice(&packed, ways_record(&who, true));
	ways.encoding = VALUE_JSON;
	ck_assert_str_eq(
		run(buf_slice(&packed), slice_of(NULL, 0)), "it is in another encoding than this application's parser");
	buf_fini(&packed);
}
END_TEST

START_TEST(a_batch_that_is_too_large_is_a_failed_event)
{
	static char items[1003];
	int64_t lost = metrics_get(M_BATCHES_UNSENDABLE);

	memset(items, 'x', sizeof(items) - 1);
	items[0] = items[sizeof(items) - 2] = '"';
	ways_end();
	ways_max_bytes = 1700; /* room for the event, and not for its echo and ack */
	begin();
	ways_event("echo", items, 1);
	ck_assert_str_eq(ways_log(), "[gw01S /] failed The answer could not be sent\n");
	ck_assert_int_eq(metrics_get(M_BATCHES_UNSENDABLE), lost + 1);
	ways_event("who", "", 1);
	ck_assert_ptr_nonnull(strstr(ways_log(), "ack [\"gw01S\""));
	ways_max_bytes = 0;
}
END_TEST

/* --- The application's record ------------------------------------------------------------------------------------- */

START_TEST(the_application_is_described)
{
	struct record_rules rules = RECORD_RULES;
	struct arena arena = ARENA_INIT;
	struct buf text = BUF_INIT;
	struct app_record r;

	ck_assert_int_eq(host_describe(&text, ways.app, 32), 0);
	ck_assert_ptr_null(app_record_read(&arena, buf_slice(&text), &rules, &r));
	ck_assert_int_eq((int)r.partitions, 32);
	ck_assert_int_eq((int)r.n_namespaces, 2);
	ck_assert(app_record_has_namespace(&r, SLICE("/")));
	ck_assert(app_record_has_namespace(&r, SLICE("/game-7")));
	ck_assert(!app_record_has_namespace(&r, SLICE("/other")));
	ck_assert_int_eq((int)r.n_one_process, 1);
	ck_assert(slice_equal(r.one_process[0], SLICE("/game-*")));
	ck_assert(r.hears_handshakes);
	ck_assert(r.hears_refusals);
	buf_fini(&text);
	arena_fini(&arena);
}
END_TEST

TCase *case_same(void);
TCase *case_kept(void);

Suite *suite(void)
{
	Suite *s = suite_create("host");
	TCase *tc = tcase_create("host");

	tcase_add_checked_fixture(tc, begin, ways_end);
	tcase_add_test(tc, state_is_kept);
	tcase_add_test(tc, state_that_is_not_here);
	tcase_add_test(tc, state_ends_with_its_client);
	tcase_add_test(tc, without_state_there_is_none);
	tcase_add_test(tc, batches_answer_their_events);
	tcase_add_test(tc, what_comes_later_goes_where_its_client_is);
	tcase_add_test(tc, an_ack_finds_its_gateway);
	tcase_add_test(tc, later_batches_come_behind_the_events);
	tcase_add_test(tc, an_ack_that_is_still_to_come_is_said);
	tcase_add_test(tc, later_batches_are_not_the_events);
	tcase_add_test(tc, answers_to_others_are_dropped);
	tcase_add_test(tc, malformed_records_run_nothing);
	tcase_add_test(tc, the_encoding_is_the_applications);
	tcase_add_test(tc, a_batch_that_is_too_large_is_a_failed_event);
	tcase_add_test(tc, the_application_is_described);
	suite_add_tcase(s, tc);
	suite_add_tcase(s, case_same());
	suite_add_tcase(s, case_kept());
	return s;
}
