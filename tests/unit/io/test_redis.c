/*
 * test_redis.c - a connection to a Redis that is a script: where it is, every answer that it may give to the opening,
 * trying again, and closing in every state and callback.
 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "clock.h"
#include "metrics.h"
#include "redis_fixture.h"

/* To the scripted Redis: what stands before its port in the URL, and behind it. */
static void start_with(const char *before, const char *behind)
{
	char url[200];

	start(NULL);
	snprintf(url, sizeof(url), "%s:%d%s", before, fx.port, behind);
	redis_url_fini(&fx.config.url);
	ck_assert_ptr_null(redis_url_parse(url, &fx.config.url));
}

/* What comes next after a failure is tried at once. */
static void hurry(void)
{
	if (redis_state(fx.redis) == REDIS_WAITING) /* and not on its way already */
		timer_set(&fx.loop.timers, &fx.redis->timer, fx.redis->timer.fn, 0);
}

/* --- Opening ------------------------------------------------------------------------------------------------------ */

START_TEST(logs_in_selects_and_names_itself_one_after_the_other)
{
	int fd;

	start_with("redis://me:p%40ss@127.0.0.1", "/7");
	fx.config.name = "stoa-gw";
	open_redis(REDIS_COMMANDS);
	fd = take_connection();
	expects(fd, "AUTH me p@ss");
	ck_assert_int_eq(redis_state(fx.redis), REDIS_OPENING);
	ck_assert_int_eq(command("a", "GET x"), -ENOTCONN);
	says(fd, "+OK\r\n");
	expects(fd, "SELECT 7");
	says(fd, "+OK\r\n");
	expects(fd, "CLIENT SETNAME stoa-gw");
	says(fd, "+OK\r\n");
	expects(fd, "PING");
	ck_assert(!redis_ready(fx.redis));
	says(fd, "+PONG\r\n");
	hears("ready;");
	ck_assert_int_eq(metrics_get(M_REDIS_CONNECTED_COMMANDS), 1);
	close_redis();
	expects_end(fd);
	stop();
}
END_TEST

START_TEST(a_password_without_a_user)
{
	int fd;

	start_with("redis://:secret@127.0.0.1", "");
	open_redis(REDIS_SUBSCRIBER);
	fd = take_connection();
	expects(fd, "AUTH secret");
	says(fd, "+OK\r\n");
	expects(fd, "PING");
	says(fd, "+PONG\r\n");
	hears("ready;");
	close(fd);
	stop();
}
END_TEST

/* The answers to AUTH, SELECT, CLIENT SETNAME and PING, up to the one that decides; NULL: Redis closes. */
static const struct {
	const char *answers[4];
	enum redis_trouble trouble; /* REDIS_TROUBLE_COUNT: ready */
} openings[] = {
	{ { "-WRONGPASS invalid username-password pair or user is disabled.\r\n" }, REDIS_TROUBLE_AUTH },
	{ { "-ERR invalid password\r\n" }, REDIS_TROUBLE_AUTH },
	{ { "-ERR AUTH <password> called without any password configured for the default user.\r\n" },
		REDIS_TROUBLE_AUTH },
	{ { "-ERR unknown command 'AUTH', with args beginning with: 's3cret'\r\n" }, REDIS_TROUBLE_AUTH },
	{ { "-ERR max number of clients reached\r\n" }, REDIS_TROUBLE_MAX_CLIENTS },
	{ { "-DENIED Redis is running in protected mode\r\n" }, REDIS_TROUBLE_DENIED },
	{ { "+NO\r\n" }, REDIS_TROUBLE_PROTOCOL },
	{ { ":1\r\n" }, REDIS_TROUBLE_PROTOCOL },
	{ { "*0\r\n" }, REDIS_TROUBLE_PROTOCOL },
	{ { "HTTP/1.1 400 Bad Request\r\n" }, REDIS_TROUBLE_PROTOCOL },
	{ { "$99999999999\r\n" }, REDIS_TROUBLE_TOO_LARGE },
	{ { NULL }, REDIS_TROUBLE_ENDED },
	{ { "+OK\r\n", "-ERR DB index is out of range\r\n" }, REDIS_TROUBLE_DATABASE },
	{ { "+OK\r\n", "-NOPERM this user has no permissions to run the 'select' command\r\n" },
		REDIS_TROUBLE_DATABASE },
	{ { "+OK\r\n", "-LOADING Redis is loading the dataset in memory\r\n" }, REDIS_TROUBLE_LOADING },
	{ { "+OK\r\n", "+OK\r\n", "-NOAUTH Authentication required.\r\n" }, REDIS_TROUBLE_NOAUTH },
	{ { "+OK\r\n", "+OK\r\n", "+OK\r\n", "-LOADING Redis is loading the dataset in memory\r\n" },
		REDIS_TROUBLE_LOADING },
	{ { "+OK\r\n", "+OK\r\n", "+OK\r\n", "-NOAUTH Authentication required.\r\n" }, REDIS_TROUBLE_NOAUTH },
	{ { "+OK\r\n", "+OK\r\n", "+OK\r\n", "+PANG\r\n" }, REDIS_TROUBLE_PROTOCOL },
	{ { "+OK\r\n", "+OK\r\n", "-NOPERM no\r\n", "+PONG\r\n" }, REDIS_TROUBLE_COUNT },
	{ { "+OK\r\n", "+OK\r\n", "-ERR unknown command 'CLIENT'\r\n", "+PONG\r\n" }, REDIS_TROUBLE_COUNT },
	{ { "+OK\r\n", "+OK\r\n", "+OK\r\n", "-NOPERM no\r\n" }, REDIS_TROUBLE_COUNT },
	{ { "+OK\r\n", "+OK\r\n", "+OK\r\n", "-MISCONF Redis is configured to save RDB snapshots\r\n" },
		REDIS_TROUBLE_COUNT },
};

/* Answers until the row has no more to say. */
static int play(int row)
{
	static const char *const commands[] = { "AUTH me s3cret", "SELECT 3", "CLIENT SETNAME n", "PING" };
	int fd = take_connection();

	for (int i = 0; i < 4; i++) {
		expects(fd, commands[i]);
		if (openings[row].answers[i])
			says(fd, openings[row].answers[i]);
		if (i == 3 || openings[row].answers[i + 1] == NULL)
			break;
	}
	return fd;
}

START_TEST(every_answer_of_the_opening_is_checked)
{
	const char *log;
	int fd;

	start_with("redis://me:s3cret@127.0.0.1", "/3");
	fx.config.name = "n";
	catch_log();
	open_redis(REDIS_COMMANDS);
	fd = play(_i);
	if (openings[_i].trouble == REDIS_TROUBLE_COUNT) {
		hears("ready;");
		close(fd);
		hears("lost ended;");
		caught_log();
	} else {
		if (openings[_i].answers[0] == NULL)
			close(fd);
		wait_for_trouble(openings[_i].trouble);
		ck_assert_int_eq(redis_trouble(fx.redis), openings[_i].trouble);
		if (openings[_i].answers[0])
			expects_end(fd);
		hurry(); /* the same again: no second line in the log */
		close(play(_i));
		wait_for_trouble(openings[_i].trouble);
		log = caught_log();
		ck_assert_msg(occurrences(log, "redis-trouble") == 1, "%s", log);
		ck_assert_ptr_nonnull(strstr(log, redis_trouble_hint(openings[_i].trouble)));
		ck_assert_msg(strstr(log, "s3cret") == NULL, "%s", log);
		ck_assert_ptr_nonnull(strstr(log, "me:***@127.0.0.1"));
		hears(""); /* neither ready nor lost */
	}
	stop();
}
END_TEST

START_TEST(every_answer_one_byte_at_a_time)
{
	static const char answers[] = "+PONG\r\n";
	int fd;

	start(NULL);
	open_redis(REDIS_COMMANDS);
	fd = take_connection();
	expects(fd, "PING");
	for (size_t i = 0; i < sizeof(answers) - 1; i++) {
		ck_assert(!redis_ready(fx.redis));
		says_bytes(fd, answers + i, 1);
		run_turns(2);
	}
	hears("ready;");
	close(fd);
	stop();
}
END_TEST

START_TEST(words_before_a_close_are_heard_even_if_we_write_too_late)
{
	int fd;

	start(NULL);
	open_redis(REDIS_COMMANDS);
	wait_for_state(REDIS_OPENING);
	fd = take_connection();
	says(fd, "-ERR max number of clients reached\r\n");
	close(fd); /* with our PING unread: a reset */
	wait_for_trouble(REDIS_TROUBLE_MAX_CLIENTS);
	stop();
}
END_TEST

START_TEST(a_redis_that_never_answers_the_opening)
{
	int fd;

	start(NULL);
	fx.config.connect_timeout_ms = 50;
	open_redis(REDIS_COMMANDS);
	fd = take_connection();
	wait_for_trouble(REDIS_TROUBLE_TIMEOUT);
	expects_end(fd);
	fd = take_connection(); /* and again */
	close(fd);
	stop();
}
END_TEST

/* --- Where it is -------------------------------------------------------------------------------------------------- */

START_TEST(nobody_there_and_then_somebody)
{
	start(NULL);
	close(fx.listener);
	open_redis(REDIS_COMMANDS);
	wait_for_trouble(REDIS_TROUBLE_CONNECT);
	wait_for_trouble(REDIS_TROUBLE_CONNECT);
	listen_as_redis();
	close(take_ready());
	hears("lost ended;");
	stop();
}
END_TEST

START_TEST(a_name_is_resolved)
{
	start_with("redis://localhost", "");
	open_redis(REDIS_COMMANDS);
	close(take_ready());
	stop();
}
END_TEST

START_TEST(a_name_that_does_not_exist)
{
	start("redis://stoa-test.invalid");
	fx.config.connect_timeout_ms = 100; /* where no resolver answers */
	open_redis(REDIS_COMMANDS);
	wait_for_state(REDIS_WAITING);
	run_turns(1);
	while (redis_trouble(fx.redis) == REDIS_TROUBLE_COUNT)
		run_turns(1);
	ck_assert(redis_trouble(fx.redis) == REDIS_TROUBLE_RESOLVE || redis_trouble(fx.redis) == REDIS_TROUBLE_TIMEOUT);
	stop();
}
END_TEST

START_TEST(closing_while_a_name_is_asked_for)
{
	start("redis://stoa-test.invalid");
	open_redis(REDIS_COMMANDS);
	run_turns(2);
	stop();
}
END_TEST

START_TEST(a_unix_socket_that_is_not_there)
{
	start("unix:///nowhere/at/all.sock");
	open_redis(REDIS_COMMANDS);
	wait_for_trouble(REDIS_TROUBLE_CONNECT);
	stop();
}
END_TEST

START_TEST(the_wait_doubles_up_to_five_seconds_and_begins_anew)
{
	start(NULL);
	close(fx.listener);
	fx.listener = -1;
	open_redis(REDIS_COMMANDS);
	for (int i = 0; i < 10; i++) {
		int64_t most = i < 7 ? 50 << i : 5000, wait;

		wait_for_trouble(REDIS_TROUBLE_CONNECT);
		wait = fx.redis->again_ms - fx.redis->seen_ms[REDIS_TROUBLE_CONNECT];
		ck_assert_msg(wait >= most / 2 && wait <= most, "%d: %lld", i, (long long)wait);
		hurry();
	}
	listen_as_redis();
	hurry();
	close(take_ready());
	fx.redis->ready_ms -= 1000; /* it had been ready for a second */
	hears("lost ended;");
	ck_assert_int_le(fx.redis->again_ms - fx.redis->seen_ms[REDIS_TROUBLE_ENDED], 50);
	stop();
}
END_TEST

START_TEST(a_connection_that_is_ended_again_and_again_is_calm)
{
	const char *log;

	start(NULL);
	catch_log();
	open_redis(REDIS_COMMANDS);
	for (int i = 0; i < 8; i++) {
		int64_t most = i < 5 ? 50 << i : 1000, wait;
		int fd = take_ready();

		fx.redis->ready_ms =
			clock_now_ms() + 1000 * 1000; /* on a slow machine, too, it was ready for a moment */
		close(fd);
		hears("lost ended;");
		wait = fx.redis->again_ms - fx.redis->seen_ms[REDIS_TROUBLE_ENDED];
		ck_assert_msg(wait >= most / 2 && wait <= most, "%d: %lld", i, (long long)wait);
		hurry();
	}
	log = caught_log();
	ck_assert_msg(occurrences(log, "redis-trouble") == 1, "%s", log);
	ck_assert_msg(occurrences(log, "redis-ready") == 2, "%s", log);
	stop();
}
END_TEST

/* --- Closing inside callbacks ------------------------------------------------------------------------------------- */

static int closed_in;

static void close_now(const char *where)
{
	if (strcmp(where, ((const char *const[]){ "ready", "lost", "message", "subscription", "answer" })[closed_in]) !=
		0)
		return;
	ck_assert_ptr_nonnull(fx.redis);
	redis_close(fx.redis);
	fx.redis = NULL;
}

static void close_at_ready(void *ctx)
{
	(void)ctx;
	close_now("ready");
	if (fx.redis)
		buf_add_str(&fx.heard, "ready;");
}

static void close_at_lost(void *ctx, enum redis_trouble why)
{
	(void)ctx;
	(void)why;
	close_now("lost");
}

static void close_at_message(void *ctx, const struct redis_push *m)
{
	(void)ctx;
	close_now("message");
	ck_assert(slice_equal(m->payload, SLICE("hi"))); /* still there */
}

static void close_at_subscription(void *ctx, const struct redis_push *m)
{
	(void)ctx;
	close_now("subscription");
	ck_assert(slice_equal(m->name, SLICE("a")));
}

static void close_at_answer(void *ctx, enum redis_outcome outcome, const struct redis_reply *reply)
{
	(void)ctx;
	(void)reply;
	ck_assert_int_eq(outcome, REDIS_ANSWERED);
	close_now("answer");
}

static bool is_gone(void *ctx)
{
	(void)ctx;
	return fx.redis == NULL;
}

START_TEST(closing_inside_any_callback)
{
	static const struct redis_ops closing = { .ready = close_at_ready,
		.lost = close_at_lost,
		.message = close_at_message,
		.subscription = close_at_subscription };
	char why[100];
	int fd;

	start(NULL);
	closed_in = _i;
	fx.redis = redis_open(&fx.loop, &fx.config, REDIS_SUBSCRIBER, &closing, &fx, why, sizeof(why));
	fd = take_connection();
	expects(fd, "PING");
	says(fd, "+PONG\r\n");
	if (_i > 0) {
		hears("ready;");
		redis_subscribe(fx.redis, REDIS_CHANNELS, &SLICE("a"), 1, close_at_answer, NULL);
		expects(fd, "SUBSCRIBE a");
		if (_i > 2)
			says(fd, "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n");
		if (_i == 2)
			says(fd, "*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$2\r\nhi\r\n*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$"
				 "2\r\nhi\r\n");
		if (_i == 1) {
			says(fd, "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n");
			run_turns(5);
			close(fd);
			fd = -1;
		}
	}
	run_until(is_gone, NULL, "the close");
	run_turns(3);
	if (fd >= 0)
		expects_end(fd);
	stop();
}
END_TEST

START_TEST(closing_in_every_state)
{
	int fd = -1;

	start(NULL);
	open_redis(REDIS_COMMANDS);
	if (_i == 1)
		run_turns(1);
	if (_i == 2)
		fd = take_connection();
	if (_i == 3) {
		fd = take_ready();
		ck_assert_int_eq(command("never", "GET x"), 0);
	}
	if (_i == 4) {
		close(take_ready());
		hears("lost ended;");
	}
	close_redis();
	hears("");
	if (fd >= 0)
		expects_end(fd);
	stop();
}
END_TEST

START_TEST(closing_when_the_loop_does_not_turn_again)
{
	int fd;

	start(NULL);
	open_redis(REDIS_COMMANDS);
	fd = take_ready();
	ck_assert_int_eq(command("never", "GET x"), 0);
	redis_close(fx.redis);
	fx.redis = NULL;
	stop();
	close(fd);
}
END_TEST

Suite *suite(void)
{
	const struct redis_test tests[] = {
		REDIS_TEST(logs_in_selects_and_names_itself_one_after_the_other),
		REDIS_TEST(a_password_without_a_user),
		REDIS_TESTS(every_answer_of_the_opening_is_checked, openings),
		REDIS_TEST(every_answer_one_byte_at_a_time),
		REDIS_TEST(words_before_a_close_are_heard_even_if_we_write_too_late),
		REDIS_TEST(a_redis_that_never_answers_the_opening),
		REDIS_TEST(nobody_there_and_then_somebody),
		REDIS_TEST(a_name_is_resolved),
		REDIS_TEST(a_name_that_does_not_exist),
		REDIS_TEST(closing_while_a_name_is_asked_for),
		REDIS_TEST(a_unix_socket_that_is_not_there),
		REDIS_TEST(the_wait_doubles_up_to_five_seconds_and_begins_anew),
		REDIS_TEST(a_connection_that_is_ended_again_and_again_is_calm),
		{ closing_inside_any_callback, "closing_inside_any_callback", 5 },
		REDIS_TEST(closing_when_the_loop_does_not_turn_again),
		{ closing_in_every_state, "closing_in_every_state", 5 },
	};

	return redis_suite("redis", tests, sizeof(tests) / sizeof(tests[0]));
}
