/*
 * test_redis_commands.c - commands to a Redis that is a script: answers and who gets them, the queue and its limit, errors,
 * and silence.
 */
#include <errno.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "alloc.h"
#include "metrics.h"
#include "redis_fixture.h"

/* --- Commands ----------------------------------------------------------------------------------------------------- */

START_TEST(answers_come_in_order_and_once)
{
	int fd;

	start(NULL);
	open_redis(REDIS_COMMANDS);
	fd = take_ready();
	ck_assert_int_eq(command("a", "GET x"), 0);
	ck_assert_int_eq(command("b", "PUBLISH ch ''"), 0);
	ck_assert_int_eq(command(NULL, "GET nobody-cares"), 0);
	ck_assert_int_eq(command("c", "GET y"), 0);
	ck_assert_uint_gt(redis_queued_bytes(fx.redis), 0);
	expects(fd, "GET x");
	expects(fd, "PUBLISH ch ''");
	expects(fd, "GET nobody-cares");
	expects(fd, "GET y");
	says(fd, "$2\r\nxx\r\n:3\r\n$-1\r\n-ERR");
	hears("a=xx;b=:3;");
	says(fd, " no\r\n");
	hears("c=-ERR;");
	ck_assert_uint_eq(redis_queued_bytes(fx.redis), 0);
	close(fd);
	hears("lost ended;");
	stop();
}
END_TEST

START_TEST(arguments_are_any_bytes)
{
	struct slice argv[20] = { SLICE("SET"), { "a\r\n\0b", 5 } };
	static const char wire[] = "*20\r\n$3\r\nSET\r\n$5\r\na\r\n\0b\r\n$0\r\n\r\n";
	char got[sizeof(wire) - 1];
	int fd;

	start(NULL);
	open_redis(REDIS_COMMANDS);
	fd = take_ready();
	ck_assert_int_eq(redis_command(fx.redis, argv, 20, NULL, NULL), 0);
	run_turns(3);
	ck_assert_int_eq(recv(fd, got, sizeof(got), MSG_WAITALL), sizeof(got));
	ck_assert_int_eq(memcmp(got, wire, sizeof(got)), 0);
	expects_bytes(fd, 17 * 6);
	close(fd);
	stop();
}
END_TEST

START_TEST(what_cannot_be_a_command)
{
	int fd;

	start(NULL);
	open_redis(REDIS_COMMANDS);
	ck_assert_int_eq(command("a", "GET x"), -ENOTCONN);
	fd = take_ready();
	ck_assert_int_eq(redis_command(fx.redis, NULL, 0, NULL, NULL), -EINVAL);
	ck_assert_int_eq(command("a", "'' x"), -EINVAL);
	ck_assert_int_eq(subscribe("a", REDIS_CHANNELS, "c"), -EINVAL);
	ck_assert_uint_eq(redis_queued_bytes(fx.redis), 0);
	close(fd);
	stop();
}
END_TEST

/* "SET xxx..", so long that it is `size` bytes on the wire. */
static char *large_set(size_t size)
{
	size_t digits = size < 10000 + 30 ? 4 : 7, value = size - strlen("*2\r\n$3\r\nSET\r\n$\r\n\r\n") - digits;
	char *text = must_alloc(value + 5);

	memset(text, 'x', value + 4);
	memcpy(text, "SET ", 4);
	return text;
}

START_TEST(the_queue_is_full_at_the_limit_and_not_before)
{
	int64_t refused = metrics_get(M_REDIS_REFUSED);
	char *large;
	int fd;

	start(NULL);
	fx.config.max_queue = 10000;
	open_redis(REDIS_COMMANDS);
	fd = take_ready();
	large = large_set(10000);
	ck_assert_int_eq(command("a", large), 0);
	ck_assert_uint_eq(redis_queued_bytes(fx.redis), 10000);
	ck_assert_int_eq(command("b", "GET x"), -ENOBUFS);
	ck_assert_int_eq(metrics_get(M_REDIS_REFUSED), refused + 1);
	expects_bytes(fd, 10000);
	ck_assert_int_eq(command("b", "GET x"), -ENOBUFS); /* written is not answered */
	says(fd, "+OK\r\n");
	hears("a=+OK;");
	free(large);
	large = large_set(10001);
	ck_assert_int_eq(command("c", large), -ENOBUFS);
	ck_assert_int_eq(command("b", "GET x"), 0);
	expects(fd, "GET x");
	says(fd, "+x\r\n");
	hears("b=+x;");
	free(large);
	close(fd);
	stop();
}
END_TEST

/* A command that no socket buffer holds, between two small ones. */
START_TEST(what_was_not_written_is_told_from_what_may_have_arrived)
{
	char *large = large_set(6 * 1000 * 1000);
	int fd;

	start(NULL);
	open_redis(REDIS_COMMANDS);
	fd = take_ready();
	ck_assert_int_eq(command("a", "GET x"), 0);
	expects(fd, "GET x");
	ck_assert_int_eq(command("b", "GET y"), 0);
	ck_assert_int_eq(command("c", large), 0);
	ck_assert_int_eq(command("d", "GET z"), 0);
	run_turns(10);
	says(fd, "+x\r\n");
	hears("a=+x;");
	close(fd);
	hears("b=unknown;c=unsent;d=unsent;lost ended;");
	ck_assert_uint_eq(redis_queued_bytes(fx.redis), 0);
	ck_assert_int_eq(command("e", "GET z"), -ENOTCONN);
	free(large);
	close(take_ready()); /* nothing is sent again */
	stop();
}
END_TEST

/* As when a write fails before it was noticed that there is something to read. */
START_TEST(an_answer_before_a_failed_write_is_heard)
{
	int fd;

	start(NULL);
	open_redis(REDIS_COMMANDS);
	fd = take_ready();
	ck_assert_int_eq(command("a", "GET x"), 0);
	expects(fd, "GET x");
	event_del(fx.redis->input);
	says(fd, "+last\r\n");
	close(fd);
	ck_assert_int_eq(command("b", "GET y"), 0); /* is answered with a reset */
	run_turns(3);
	ck_assert_int_eq(command("c", "GET z"), 0);
	hears("a=+last;b=unknown;c=unsent;lost ended;");
	stop();
}
END_TEST

START_TEST(many_commands_are_pipelined)
{
	enum { MANY = 5000 };
	struct buf answers = BUF_INIT, expected = BUF_INIT;
	int fd;

	start(NULL);
	open_redis(REDIS_COMMANDS);
	fd = take_ready();
	for (int i = 0; i < MANY; i++) {
		ck_assert_int_eq(command("n", "INCR x"), 0);
		buf_printf(&answers, ":%d\r\n", i);
		buf_printf(&expected, "n=:%d;", i);
	}
	expects_bytes(fd, MANY * strlen("*2\r\n$4\r\nINCR\r\n$1\r\nx\r\n"));
	says_bytes(fd, answers.at, answers.size);
	buf_add_char(&expected, '\0');
	hears(expected.at);
	buf_fini(&answers);
	buf_fini(&expected);
	close(fd);
	stop();
}
END_TEST

static const struct {
	const char *error;
	enum redis_trouble trouble;
	bool leaves;
} errors[] = {
	{ "LOADING Redis is loading", REDIS_TROUBLE_LOADING, true },
	{ "READONLY You can't write against a read only replica.", REDIS_TROUBLE_READ_ONLY, true },
	{ "MASTERDOWN Link with MASTER is down", REDIS_TROUBLE_READ_ONLY, true },
	{ "NOAUTH Authentication required.", REDIS_TROUBLE_NOAUTH, true },
	{ "NOPERM this user has no permissions", REDIS_TROUBLE_NO_PERMISSION, false },
	{ "ERR The user executing the script can't run this command or subcommand", REDIS_TROUBLE_NO_PERMISSION,
		false },
	{ "MISCONF Redis is configured to save", REDIS_TROUBLE_MISCONF, false },
	{ "OOM command not allowed", REDIS_TROUBLE_OUT_OF_MEMORY, false },
	{ "BUSY Redis is busy running a script", REDIS_TROUBLE_BUSY, false },
	{ "MOVED 3999 127.0.0.1:6381", REDIS_TROUBLE_CLUSTER, false },
	{ "CROSSSLOT Keys in request", REDIS_TROUBLE_CLUSTER, false },
	{ "ERR unknown command 'X', with args beginning with: 'payl0ad'", REDIS_TROUBLE_OTHER, false },
};

START_TEST(errors_are_answers_logged_once_and_some_end_the_connection)
{
	char line[200];
	const char *log;
	int fd;

	start(NULL);
	catch_log();
	open_redis(REDIS_COMMANDS);
	fd = take_ready();
	snprintf(line, sizeof(line), "-%s\r\n", errors[_i].error);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(command("a", "X payl0ad"), 0);
		expects(fd, "X payl0ad");
		says(fd, line);
		wait_for_trouble(errors[_i].trouble);
		ck_assert_int_eq(strncmp(fx.heard.at, "a=-", 3), 0);
		buf_drop_front(&fx.heard, slice_find(buf_slice(&fx.heard), ';') + 1);
		if (!errors[_i].leaves)
			continue;
		snprintf(line, sizeof(line), "lost %s;", redis_trouble_name(errors[_i].trouble));
		hears(line);
		snprintf(line, sizeof(line), "-%s\r\n", errors[_i].error);
		expects_end(fd);
		fd = take_ready();
	}
	log = caught_log();
	ck_assert_msg(occurrences(log, "redis-trouble") == 1, "%s", log);
	ck_assert_ptr_nonnull(strstr(log, redis_trouble_hint(errors[_i].trouble)));
	ck_assert_ptr_null(strstr(log, "payl0ad"));
	close(fd);
	stop();
}
END_TEST

START_TEST(an_answer_to_no_command_ends_it)
{
	int fd;

	start(NULL);
	open_redis(REDIS_COMMANDS);
	fd = take_ready();
	says(fd, "+OK\r\n");
	hears("lost protocol;");
	expects_end(fd);
	stop();
}
END_TEST

/* --- Silence ------------------------------------------------------------------------------------------------------ */

START_TEST(a_quiet_connection_is_pinged_and_left_when_nothing_comes)
{
	int fd;

	start(NULL);
	fx.config.command_timeout_ms = 200;
	open_redis(REDIS_COMMANDS);
	fd = take_ready();
	for (int i = 0; i < 3; i++) {
		expects(fd, "PING");
		says(fd, i == 1 ? "-MISCONF no\r\n" : "+PONG\r\n"); /* either is a sign of life */
	}
	expects(fd, "PING");
	hears("lost silent;");
	expects_end(fd);
	stop();
}
END_TEST

START_TEST(a_command_without_an_answer_ends_it)
{
	int fd;

	start(NULL);
	fx.config.command_timeout_ms = 200;
	open_redis(REDIS_COMMANDS);
	fd = take_ready();
	ck_assert_int_eq(command("a", "GET x"), 0);
	expects(fd, "GET x");
	hears("a=unknown;lost silent;");
	expects_end(fd);
	stop();
}
END_TEST

/* An answer that takes ten times as long as silence may, but never stops. */
START_TEST(an_answer_that_still_arrives_is_no_silence)
{
	int fd;

	start(NULL);
	fx.config.command_timeout_ms = 2000;
	open_redis(REDIS_COMMANDS);
	fd = take_ready();
	ck_assert_int_eq(command("a", "GET x"), 0);
	expects(fd, "GET x");
	says(fd, "$20\r\n");
	for (int i = 0; i < 20; i++) {
		int64_t due;

		says(fd, "x");
		due = fx.redis->received_ms;
		while (fx.redis->received_ms == due)
			run_turns(1);
		/* As if all but the last of it had passed. */
		timer_set(&fx.loop.timers, &fx.redis->timer, fx.redis->timer.fn, 0);
		fx.redis->queue.at[fx.redis->queue.first].given_ms -= 1900;
		run_turns(1);
	}
	says(fd, "\r\n");
	hears("a=xxxxxxxxxxxxxxxxxxxx;");
	close(fd);
	stop();
}
END_TEST

START_TEST(the_owner_may_leave)
{
	int fd;

	start(NULL);
	open_redis(REDIS_COMMANDS);
	redis_leave(fx.redis, REDIS_TROUBLE_SILENT); /* not ready: nothing */
	fd = take_ready();
	ck_assert_int_eq(command("a", "GET x"), 0);
	redis_leave(fx.redis, REDIS_TROUBLE_SILENT);
	ck_assert_uint_eq(fx.heard.size, 0);
	ck_assert_int_eq(command("b", "GET x"), -ENOTCONN);
	hears("a=unsent;lost silent;");
	expects_end(fd);
	close(take_ready());
	stop();
}
END_TEST

Suite *suite(void)
{
	const struct redis_test tests[] = {
		REDIS_TEST(answers_come_in_order_and_once),
		REDIS_TEST(arguments_are_any_bytes),
		REDIS_TEST(what_cannot_be_a_command),
		REDIS_TEST(the_queue_is_full_at_the_limit_and_not_before),
		REDIS_TEST(what_was_not_written_is_told_from_what_may_have_arrived),
		REDIS_TEST(an_answer_before_a_failed_write_is_heard),
		REDIS_TEST(many_commands_are_pipelined),
		REDIS_TESTS(errors_are_answers_logged_once_and_some_end_the_connection, errors),
		REDIS_TEST(an_answer_to_no_command_ends_it),
		REDIS_TEST(a_quiet_connection_is_pinged_and_left_when_nothing_comes),
		REDIS_TEST(a_command_without_an_answer_ends_it),
		REDIS_TEST(an_answer_that_still_arrives_is_no_silence),
		REDIS_TEST(the_owner_may_leave),
	};

	return redis_suite("redis-commands", tests, sizeof(tests) / sizeof(tests[0]));
}
