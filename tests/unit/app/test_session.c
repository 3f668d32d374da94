/* test_session.c - sessions, and who is there. */
#include "rig.h"

#include <errno.h>
#include <string.h>

#include "metrics.h"

static const char *const kept[] = { "\"a\"", "1", "\"b\"", "[true]", NULL };

static int shows(struct stoa_event *ev)
{
	return stoa_emit(ev, "session", stoa_session(ev));
}

START_TEST(a_session_is_what_the_host_kept)
{
	rig_go(shows, "");
	ck_assert_str_eq(rig_log(), "emit [\"session\",{}] to A\n");
	rig.session = kept;
	rig_go(shows, "");
	ck_assert_str_eq(rig_log(), "emit [\"session\",{\"a\":1,\"b\":[true]}] to A\n");
}
END_TEST

static int changes(struct stoa_event *ev)
{
	IS(stoa_session_put(ev, "a", NULL), 0);
	IS(stoa_session_put(ev, "b", stoa_object("x", 2)), 0);
	IS(stoa_session_put(ev, "c\"", "text"), 0);
	ck_assert_ptr_null(stoa_key(stoa_session(ev), 5));
	IS(stoa_type(stoa_get(stoa_session(ev), "a")), STOA_NULL);
	ck_assert_uint_eq(stoa_size(stoa_session(ev)), 2);
	return stoa_emit(
		ev, "session", stoa_get(stoa_get(stoa_session(ev), "b"), "x"), stoa_get(stoa_session(ev), "c\""));
}

START_TEST(changes_are_seen_at_once_and_carried_out_in_order)
{
	rig.session = kept;
	rig_go(changes, "");
	ck_assert_str_eq(rig_log(),
		"session \"a\"= to A\nsession \"b\"={\"x\":2} to A\nsession \"c\\\"\"=\"text\" to A\n"
		"emit [\"session\",2,\"text\"] to A\n");
}
END_TEST

static int fills(struct stoa_event *ev)
{
	/* {"a":"x..x"} of 40 bytes, then one more, then two keys that fit and one that does not */
	IS(stoa_session_put(ev, "a", stoa_format("%032d", 0)), 0);
	IS(stoa_session_put(ev, "a", stoa_format("%033d", 0)), -E2BIG);
	IS(stoa_session_put(ev, "a", stoa_format("%024d", 0)), 0);
	IS(stoa_session_put(ev, "b", 12), 0);
	IS(stoa_session_put(ev, "c", 1), -E2BIG);
	IS(stoa_session_put(ev, "c", NULL), 0);
	return 0;
}

START_TEST(a_session_is_bounded)
{
	int64_t before = metrics_get(M_LIMIT_SESSION);

	rig_go(fills, "");
	IS(metrics_get(M_LIMIT_SESSION), before + 2);
}
END_TEST

static int misuses(struct stoa_event *ev)
{
	IS(stoa_session_put(ev, NULL, 1), -EINVAL);
	IS(stoa_session_put(ev, "\xFF", 1), -EINVAL);
	IS(stoa_session_put(ev, "a", stoa_bytes("x", 1)), -EINVAL);
	IS(stoa_session_put(ev, "a", "\xFF"), -EINVAL);
	IS(stoa_session_put(NULL, "a", 1), -EINVAL);
	return 0;
}

START_TEST(what_a_session_cannot_hold)
{
	rig_go(misuses, "");
	ck_assert_str_eq(rig_log(), "");
}
END_TEST

static int later(struct stoa_event *ev)
{
	IS(stoa_type(stoa_session(ev)), STOA_NULL);
	IS(stoa_session_put(ev, "a", 1), 0);
	return 0;
}

static int sets_timer(struct stoa_event *ev)
{
	return stoa_after(ev, 1, later, NULL) > 0 ? 0 : -1;
}

START_TEST(in_a_timer_it_is_null_and_can_be_put)
{
	rig.session = kept;
	rig_go(sets_timer, "");
	rig_pass(1);
	ck_assert_str_eq(rig_log(), "session \"a\"=1 to A by sid\n");
}
END_TEST

static int ticks(struct stoa_event *ev)
{
	IS(stoa_type(stoa_session(ev)), STOA_NULL);
	IS(stoa_session_put(ev, "a", 1), -EDESTADDRREQ);
	return 0;
}

static void setup_tick(struct stoa_app *app)
{
	stoa_every(app, "tick", 10, ticks, NULL);
}

START_TEST(without_a_client_there_is_none)
{
	rig_open(setup_tick);
	app_start(rig.app, rig.now_ms);
	rig_pass(10);
	ck_assert_str_eq(rig_log(), "");
}
END_TEST

/* --- fetch_sockets ------------------------------------------------------------------------------------------------ */

static int found(struct stoa_event *ev)
{
	struct stoa_value *ids = stoa_list();

	ck_assert_str_eq(stoa_name(ev), "fetch_sockets");
	IS(stoa_type(stoa_missing(ev)), STOA_ARRAY);
	ck_assert_uint_eq(stoa_size(stoa_missing(ev)), 0);
	while (stoa_next(ev)) {
		const char *id;

		IS(stoa_unpack(ev, stoa_fields("id", &id)), 0);
		stoa_append(ids, id);
	}
	return stoa_emit(ev, "found", *ids, stoa_status(ev));
}

static int fetches(struct stoa_event *ev)
{
	return stoa_fetch_sockets(stoa_to(ev, "r", .skip = stoa_names("s")), 100, found, NULL);
}

static void fetch(const char *const *clients, const char *answer)
{
	rig.found = clients;
	rig_go(fetches, "");
	ck_assert_str_eq(rig_log(), answer);
}

START_TEST(who_is_there_is_one_answer_each)
{
	static const char *const two[] = { "{\"id\":\"A\"}", "{\"id\":\"B\"}", NULL };

	fetch(two, "fetch to r skip=s\nemit [\"found\",[\"A\",\"B\"],0] to A by sid\n");
	fetch(NULL, "fetch to r skip=s\nemit [\"found\",[],0] to A by sid\n");
}
END_TEST

START_TEST(the_answers_are_bounded)
{
	static char large[6000] = "{\"id\":\"A\",\"data\":\"";
	static const char *const one[] = { "{\"id\":\"B\"}", large, NULL };
	static const char *const four[] = { "{\"id\":\"1\"}", "{\"id\":\"2\"}", "{\"id\":\"3\"}", "{\"id\":\"4\"}",
		NULL };
	int64_t count = metrics_get(M_LIMIT_ANSWERS), memory = metrics_get(M_LIMIT_ANSWER_MEMORY);

	fetch(four, "fetch to r skip=s\nemit [\"found\",[\"1\",\"2\",\"3\"],-7] to A by sid\n");
	IS(metrics_get(M_LIMIT_ANSWERS), count + 1);
	memset(large + strlen(large), 'x', 5900);
	memcpy(large + 5950, "\"}", 3);
	fetch(one, "fetch to r skip=s\nemit [\"found\",[\"B\"],-7] to A by sid\n");
	IS(metrics_get(M_LIMIT_ANSWER_MEMORY), memory + 1);
}
END_TEST

/* --- Other servers ------------------------------------------------------------------------------------------------ */

static int none_answered(struct stoa_event *ev)
{
	ck_assert(!stoa_next(ev));
	IS(stoa_status(ev), 0);
	return stoa_emit(ev, stoa_name(ev));
}

static int asks_servers(struct stoa_event *ev)
{
	IS(stoa_server_side_emit(ev, 0, none_answered, NULL, "e"), -EINVAL);
	IS(stoa_server_side_emit(ev, 10, none_answered, NULL, "stop"), -EINVAL);
	IS(stoa_server_side_emit(ev, 10, none_answered, NULL, "connect"), -EINVAL);
	IS(stoa_server_side_emit(ev, 0, NULL, NULL, "silent", 1), 0);
	return stoa_server_side_emit(ev, 10, none_answered, NULL, "asked", 1, "two");
}

START_TEST(a_server_alone_has_no_others)
{
	rig_go(asks_servers, "");
	ck_assert_str_eq(rig_log(), "servers [\"silent\",1] to broadcast\nservers [\"asked\",1,\"two\"] to broadcast\n"
				    "emit [\"asked\"] to A by sid\n");
	IS(app_due_ms(rig.app), INT64_MAX);
}
END_TEST

TCase *case_session(void)
{
	TCase *tc = tcase_create("session");

	tcase_add_checked_fixture(tc, rig_begin, rig_end);
	tcase_add_test(tc, a_session_is_what_the_host_kept);
	tcase_add_test(tc, changes_are_seen_at_once_and_carried_out_in_order);
	tcase_add_test(tc, a_session_is_bounded);
	tcase_add_test(tc, what_a_session_cannot_hold);
	tcase_add_test(tc, in_a_timer_it_is_null_and_can_be_put);
	tcase_add_test(tc, without_a_client_there_is_none);
	tcase_add_test(tc, who_is_there_is_one_answer_each);
	tcase_add_test(tc, the_answers_are_bounded);
	tcase_add_test(tc, a_server_alone_has_no_others);
	return tc;
}
