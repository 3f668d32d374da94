/* test_errors.c - events that fail: who sees them, what the client is told, what is logged. */
#include "rig.h"

#include <errno.h>

#include "metrics.h"

static int fail_as;
static const char *fail_with;
static bool handler_acks, error_acks, error_fails;

static int fails(struct stoa_event *ev)
{
	int n;

	if (handler_acks)
		stoa_ack(ev, "done before");
	if (fail_with)
		return stoa_fail(ev, fail_with, stoa_array(1, 2));
	if (fail_as == STOA_EINPUT)
		return stoa_unpack(ev, &n);
	return fail_as;
}

static int on_error(struct stoa_event *ev)
{
	stoa_emit(ev, (const char *)stoa_ctx(ev), stoa_name(ev), stoa_args(ev), stoa_status(ev), stoa_error(ev));
	if (error_acks)
		stoa_ack(ev, "from the error handler");
	return error_fails ? stoa_fail(ev, "worse") : 0;
}

static void reset(void)
{
	fail_as = -1;
	fail_with = NULL;
	handler_acks = error_acks = error_fails = false;
}

static void setup_plain(struct stoa_app *app)
{
	reset();
	stoa_on(app, "/", "go", fails, NULL);
}

static void setup_handlers(struct stoa_app *app)
{
	reset();
	stoa_on(app, "*", "go", fails, NULL);
	stoa_on_error(app, "*", on_error, CTX("default"));
	stoa_on_error(app, "/chat", on_error, CTX("chat"));
	stoa_on_error(app, "/game-*", on_error, CTX("game"));
}

static const struct {
	int status;
	const char *items, *ack;
} plain[] = {
	{ -1, "", "ack 1 [{\"error\":\"the handler failed\"}] to A\n" },
	{ -ENOENT, "", "ack 1 [{\"error\":\"No such file or directory\"}] to A\n" },
	{ -ETIMEDOUT, "", "ack 1 [{\"error\":\"operation has timed out\"}] to A\n" },
	{ -1000000, "", "ack 1 [{\"error\":\"the handler failed\"}] to A\n" },
	{ STOA_EINPUT, "\"x\"", "ack 1 [{\"error\":\"argument 1: expected integer\"}] to A\n" },
};

START_TEST(the_ack_tells)
{
	ck_assert_ptr_nonnull(rig_open(setup_plain));
	fail_as = plain[_i].status;
	rig_event("go", plain[_i].items, 1);
	ck_assert_str_eq(rig_log(), plain[_i].ack);
	rig_event("go", plain[_i].items, -1);
	ck_assert_str_eq(rig_log(), "");
}
END_TEST

START_TEST(failing_with_data)
{
	ck_assert_ptr_nonnull(rig_open(setup_plain));
	fail_with = "no";
	rig_event("go", "", 1);
	ck_assert_str_eq(rig_log(), "ack 1 [{\"error\":\"no\",\"data\":[1,2]}] to A\n");
}
END_TEST

START_TEST(an_ack_given_before_stands)
{
	ck_assert_ptr_nonnull(rig_open(setup_plain));
	handler_acks = true;
	rig_event("go", "", 1);
	ck_assert_str_eq(rig_log(), "ack 1 [\"done before\"] to A\n");
}
END_TEST

START_TEST(it_is_logged_and_counted)
{
	int64_t before = metrics_get(M_HANDLER_ERRORS);
	const char *line;

	ck_assert_ptr_nonnull(rig_open(setup_plain));
	rig_watch_errors();
	fail_with = "it broke";
	rig_event("go", "", -1);
	line = rig_errors();
	ck_assert_ptr_nonnull(strstr(line, "it broke"));
	ck_assert_ptr_nonnull(strstr(line, "event=go"));
	ck_assert_ptr_nonnull(strstr(line, "sid=A"));
	ck_assert_int_eq(metrics_get(M_HANDLER_ERRORS), before + 1);
}
END_TEST

/* --- Error handlers ----------------------------------------------------------------------------------------------- */

static const struct {
	const char *nsp, *log;
} handlers[] = {
	{ "/", "emit [\"default\",\"go\",[5],-2,\"No such file or directory\"] to A\n" },
	{ "/chat", "emit [\"chat\",\"go\",[5],-2,\"No such file or directory\"] to A nsp=/chat\n" },
	{ "/game-1", "emit [\"game\",\"go\",[5],-2,\"No such file or directory\"] to A nsp=/game-1\n" },
};

START_TEST(the_most_exact_error_handler_sees_it)
{
	ck_assert_ptr_nonnull(rig_open(setup_handlers));
	rig.nsp = handlers[_i].nsp;
	fail_as = -ENOENT;
	rig_event("go", "5", -1);
	ck_assert_str_eq(rig_log(), handlers[_i].log);
}
END_TEST

START_TEST(what_the_error_handler_acks_is_the_ack)
{
	ck_assert_ptr_nonnull(rig_open(setup_handlers));
	fail_with = "no";
	error_acks = true;
	rig_event("go", "", 1);
	ck_assert_str_eq(
		rig_log(), "emit [\"default\",\"go\",[],-1,\"no\"] to A\nack 1 [\"from the error handler\"] to A\n");
}
END_TEST

START_TEST(an_ack_that_nobody_gave_carries_the_error)
{
	ck_assert_ptr_nonnull(rig_open(setup_handlers));
	fail_with = "no";
	rig_event("go", "", 1);
	ck_assert_str_eq(rig_log(), "emit [\"default\",\"go\",[],-1,\"no\"] to A\n"
				    "ack 1 [{\"error\":\"no\",\"data\":[1,2]}] to A\n");
}
END_TEST

START_TEST(an_error_handler_that_fails_goes_no_further)
{
	ck_assert_ptr_nonnull(rig_open(setup_handlers));
	rig_watch_errors();
	fail_with = "no";
	error_fails = true;
	rig_event("go", "", 1);
	ck_assert_str_eq(rig_log(), "emit [\"default\",\"go\",[],-1,\"no\"] to A\n"
				    "ack 1 [{\"error\":\"no\",\"data\":[1,2]}] to A\n");
	ck_assert_ptr_nonnull(strstr(rig_errors(), "worse"));
}
END_TEST

static int bad_message(struct stoa_event *ev)
{
	return stoa_fail(ev, "\xFF");
}

START_TEST(a_message_that_cannot_be_sent)
{
	rig_go_ack(bad_message, "", 1);
	ck_assert_str_eq(rig_log(), "ack 1 [{\"error\":\"the handler failed\"}] to A\n");
}
END_TEST

TCase *case_errors(void)
{
	TCase *tc = tcase_create("errors");

	tcase_add_checked_fixture(tc, rig_begin, rig_end);
	tcase_add_loop_test(tc, the_ack_tells, 0, (int)(sizeof(plain) / sizeof(*plain)));
	tcase_add_test(tc, failing_with_data);
	tcase_add_test(tc, an_ack_given_before_stands);
	tcase_add_test(tc, it_is_logged_and_counted);
	tcase_add_loop_test(tc, the_most_exact_error_handler_sees_it, 0, (int)(sizeof(handlers) / sizeof(*handlers)));
	tcase_add_test(tc, what_the_error_handler_acks_is_the_ack);
	tcase_add_test(tc, an_ack_that_nobody_gave_carries_the_error);
	tcase_add_test(tc, an_error_handler_that_fails_goes_no_further);
	tcase_add_test(tc, a_message_that_cannot_be_sent);
	return tc;
}
