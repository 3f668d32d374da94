/* test_limits.c - what an application may use, and what is said when it wants more. */
#include "rig.h"

#include <errno.h>
#include <string.h>

#include "metrics.h"

/* --- Attachments -------------------------------------------------------------------------------------------------- */

static int repeats(struct stoa_event *ev)
{
	struct stoa_value one = stoa_at(stoa_args(ev), 0);

	IS(stoa_emit(ev, "three", one, one, one), 0);
	IS(stoa_emit(ev, "four", one, one, one, one), -E2BIG);
	IS(stoa_call(ev, 10, repeats, NULL, "four", one, one, one, one), -E2BIG);
	return stoa_emit(ev, "after");
}

START_TEST(attachments_that_go_out_are_bounded)
{
	struct slice blob = SLICE("abc");
	int64_t before = metrics_get(M_LIMIT_ATTACHMENTS);

	rig_watch_errors();
	rig.fn = repeats;
	rig_event_blobs("go", "{\"_placeholder\":true,\"num\":0}", &blob, 1);
	ck_assert_ptr_nonnull(strstr(rig_log(), " <abc> <abc> <abc> to A\nemit [\"after\"] to A\n"));
	IS(metrics_get(M_LIMIT_ATTACHMENTS), before + 2);
	ck_assert_ptr_nonnull(strstr(rig_errors(), "more attachments than max_attachments"));
}
END_TEST

/* --- Memory ------------------------------------------------------------------------------------------------------- */

static int hoards(struct stoa_event *ev)
{
	int error = 0;

	for (int i = 0; i < 1000 && error == 0; i++)
		error = stoa_emit(ev, "x", stoa_format("%01000d", i));
	return stoa_ack(ev, error);
}

static void setup_hoard(struct stoa_app *app)
{
	stoa_on(app, "/", "hoard", hoards, NULL);
	stoa_on(app, "/", "connect", hoards, NULL);
}

START_TEST(a_handler_that_takes_too_much_memory_is_named)
{
	int64_t before = metrics_get(M_LIMIT_HANDLER_MEMORY);

	rig.limits.max_handler_bytes = 20000;
	rig.limits.max_effects = 0;
	rig_open(setup_hoard);
	rig_watch_errors();
	rig_event("hoard", "", 1);
	/* It is answered all the same. */
	ck_assert_ptr_nonnull(strstr(rig_log(), "\nack 1 "));
	ck_assert_ptr_nonnull(strstr(rig_errors(), " handler out of memory max_handler_memory=20000 event=hoard"));
	IS(metrics_get(M_LIMIT_HANDLER_MEMORY), before + 1);
	rig_connect();
	ck_assert_int_eq(strncmp(rig_log(), "accept\n", 7), 0);
}
END_TEST

/* --- Time --------------------------------------------------------------------------------------------------------- */

static int nothing(struct stoa_event *ev)
{
	(void)ev;
	return 0;
}

static void setup_nothing(struct stoa_app *app)
{
	stoa_on(app, "/", "go", nothing, NULL);
}

START_TEST(a_slow_handler_is_named)
{
	int64_t before = metrics_get(M_SLOW_HANDLERS);

	rig.limits.slow_handler_ms = 100;
	rig_open(setup_nothing);
	rig_watch_errors();
	rig.clock_step_ms = 100;
	rig_event("go", "", -1);
	ck_assert_str_eq(rig_errors(), "");
	rig.clock_step_ms = 101;
	rig_event("go", "", -1);
	ck_assert_ptr_nonnull(strstr(rig_errors(), "ms=101 event=go nsp=/ sid=A"));
	IS(metrics_get(M_SLOW_HANDLERS), before + 1);
}
END_TEST

/* --- The log ------------------------------------------------------------------------------------------------------ */

static int fails_thrice(struct stoa_event *ev)
{
	for (int i = 0; i < 3; i++)
		stoa_emit(ev, "connect");
	stoa_join_room(ev, NULL);
	return 0;
}

static size_t lines(const char *text, const char *with)
{
	size_t n = 0;

	for (const char *at = strstr(text, with); at; at = strstr(at + 1, with))
		n++;
	return n;
}

START_TEST(failing_calls_are_said_once_a_second)
{
	const char *said;

	rig_watch_errors();
	rig.clock_step_ms = 0;
	rig_go(fails_thrice, "");
	said = rig_errors();
	IS((int64_t)lines(said, "call=stoa_emit"), 1);
	IS((int64_t)lines(said, "call=stoa_join_room"), 1);
	rig_go(fails_thrice, "");
	ck_assert_str_eq(rig_errors(), "");
	rig.clock_ms += 1000;
	rig_go(fails_thrice, "");
	said = rig_errors();
	IS((int64_t)lines(said, "call=stoa_emit"), 1);
	IS((int64_t)lines(said, "unsaid=5"), 1);
	IS((int64_t)lines(said, "unsaid=1"), 1);
}
END_TEST

static int emits_with_flags(struct stoa_event *ev)
{
	return stoa_emit(stoa_to(ev, .latest = true, .uncompressed = true), "e");
}

START_TEST(flags_travel_with_the_effect)
{
	rig_go(emits_with_flags, "");
	ck_assert_str_eq(rig_log(), "emit [\"e\"] to A latest uncompressed\n");
}
END_TEST

TCase *case_limits(void)
{
	TCase *tc = tcase_create("limits");

	tcase_add_checked_fixture(tc, rig_begin, rig_end);
	tcase_add_test(tc, attachments_that_go_out_are_bounded);
	tcase_add_test(tc, a_handler_that_takes_too_much_memory_is_named);
	tcase_add_test(tc, a_slow_handler_is_named);
	tcase_add_test(tc, failing_calls_are_said_once_a_second);
	tcase_add_test(tc, flags_travel_with_the_effect);
	return tc;
}
