/*
 * test_redis_subscriber.c - subscriptions at a Redis that is a script: confirmations, messages and their size, strange
 * messages, floods.
 */
#include <errno.h>
#include <unistd.h>

#include "redis_fixture.h"

static const char message[] = "*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$2\r\nhi\r\n";

static int take_subscriber(void)
{
	open_redis(REDIS_SUBSCRIBER);
	return take_ready();
}

START_TEST(names_are_confirmed_one_by_one_and_the_command_once)
{
	int fd;

	start(NULL);
	fd = take_subscriber();
	ck_assert_int_eq(command("x", "GET x"), -EINVAL);
	ck_assert_int_eq(subscribe("s", REDIS_CHANNELS, "a b"), 0);
	ck_assert_int_eq(subscribe("p", REDIS_PATTERNS, "a* b*"), 0);
	expects(fd, "SUBSCRIBE a b");
	expects(fd, "PSUBSCRIBE a* b*");
	says(fd, "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n");
	hears("+a;");
	says(fd, "*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$2\r\nhi\r\n*3\r\n$9\r\nsubscribe\r\n$1\r\nb\r\n:2\r\n");
	hears("message a hi;+b;s=array;");
	says(fd, "*3\r\n$10\r\npsubscribe\r\n$2\r\na*\r\n:3\r\n*3\r\n$10\r\npsubscribe\r\n$2\r\nb*\r\n:4\r\n");
	hears("+a*;+b*;p=array;");
	says(fd, "*4\r\n$8\r\npmessage\r\n$2\r\na*\r\n$1\r\na\r\n$0\r\n\r\n");
	hears("message a ;");
	ck_assert_int_eq(unsubscribe("u", REDIS_CHANNELS, "b a"), 0);
	expects(fd, "UNSUBSCRIBE b a");
	says(fd, "*3\r\n$11\r\nunsubscribe\r\n$1\r\nb\r\n:3\r\n*3\r\n$11\r\nunsubscribe\r\n$1\r\na\r\n:2\r\n");
	hears("-b;-a;u=array;");
	close(fd);
	hears("lost ended;");
	stop();
}
END_TEST

START_TEST(a_refused_subscription_is_told_once_and_keeps_the_connection)
{
	int fd;

	start(NULL);
	fd = take_subscriber();
	ck_assert_int_eq(subscribe("s", REDIS_CHANNELS, "a b"), 0);
	ck_assert_int_eq(subscribe("t", REDIS_CHANNELS, "c"), 0);
	expects(fd, "SUBSCRIBE a b");
	says(fd, "-NOPERM this user has no permissions to access one of the channels used as arguments\r\n"
		 "*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n");
	hears("s=-NOPERM;+c;t=array;");
	ck_assert(redis_ready(fx.redis));
	close(fd);
	stop();
}
END_TEST

START_TEST(pings_of_a_subscriber_with_and_without_names)
{
	int fd;

	start(NULL);
	fx.config.command_timeout_ms = 400;
	fd = take_subscriber();
	expects(fd, "PING");
	says(fd, "+PONG\r\n");
	expects(fd, "PING");
	says(fd, "*2\r\n$4\r\npong\r\n$0\r\n\r\n");
	expects(fd, "PING");
	ck_assert_int_eq(subscribe("s", REDIS_CHANNELS, "a"), 0);
	expects(fd, "SUBSCRIBE a");
	says(fd, "*2\r\n$4\r\npong\r\n$0\r\n\r\n*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n");
	hears("+a;s=array;");
	close(fd);
	stop();
}
END_TEST

START_TEST(sharded_names_may_be_taken_away)
{
	int fd;

	start(NULL);
	fd = take_subscriber();
	ck_assert_int_eq(subscribe("s", REDIS_SHARDED, "a"), 0);
	expects(fd, "SSUBSCRIBE a");
	says(fd, "*3\r\n$10\r\nssubscribe\r\n$1\r\na\r\n:1\r\n*3\r\n$8\r\nsmessage\r\n$1\r\na\r\n$2\r\nhi\r\n");
	hears("+a;s=array;message a hi;");
	says(fd, "*3\r\n$12\r\nsunsubscribe\r\n$1\r\na\r\n:0\r\n");
	hears("-a;");
	close(fd);
	hears("lost ended;");
	stop();
}
END_TEST

static const char *const strange[] = {
	"*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n",    /* not asked for */
	"*3\r\n$11\r\nunsubscribe\r\n$1\r\na\r\n:1\r\n", /* the same */
	"*2\r\n$4\r\npong\r\n$0\r\n\r\n",
	"*2\r\n$7\r\nmessage\r\n$1\r\na\r\n",
	"+OK\r\n",
	"*1\r\n$5\r\nhello\r\n",
	"\x16\x03\x01",
};

START_TEST(strange_messages_end_it)
{
	int fd;

	start(NULL);
	fd = take_subscriber();
	says(fd, strange[_i]);
	hears("lost protocol;");
	expects_end(fd);
	stop();
}
END_TEST

START_TEST(an_answer_where_a_confirmation_was_due_ends_it)
{
	int fd;

	start(NULL);
	fd = take_subscriber();
	ck_assert_int_eq(subscribe("s", REDIS_CHANNELS, "a"), 0);
	expects(fd, "SUBSCRIBE a");
	says(fd, "+OK\r\n");
	hears("s=unknown;lost protocol;");
	expects_end(fd);
	stop();
}
END_TEST

/* A message that is `size` bytes on the wire; size has five digits. */
static void say_message_of(int fd, size_t size)
{
	struct buf wire = BUF_INIT;

	buf_printf(&wire, "*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$%zu\r\n", size - 34);
	while (wire.size < size - 2)
		buf_add_char(&wire, 'x');
	buf_add_str(&wire, "\r\n");
	says_bytes(fd, wire.at, wire.size);
	buf_fini(&wire);
}

START_TEST(a_message_at_the_limit_and_one_past_it)
{
	int fd;

	start(NULL);
	fx.config.max_message = 50000;
	fd = take_subscriber();
	say_message_of(fd, 50000);
	hears("message c of 49966;");
	say_message_of(fd, 50001);
	hears("lost too-large;");
	expects_end(fd);
	stop();
}
END_TEST

static int64_t turns_with_messages, most_in_a_turn, messages_before;

static bool has_all(void *ctx)
{
	int64_t now = fx.messages - messages_before;

	messages_before = fx.messages;
	if (now > 0)
		turns_with_messages++;
	if (now > most_in_a_turn)
		most_in_a_turn = now;
	return fx.messages == *(long *)ctx;
}

START_TEST(a_flood_leaves_turns_to_others)
{
	long many = 20000;
	struct buf wire = BUF_INIT;
	int fd;

	start(NULL);
	fd = take_subscriber();
	for (long i = 0; i < many; i++)
		buf_add_str(&wire, message);
	turns_with_messages = most_in_a_turn = messages_before = 0;
	for (size_t sent = 0; sent < wire.size;) {
		ssize_t n = send(fd, wire.at + sent, wire.size - sent, 0);

		if (n > 0)
			sent += (size_t)n;
		run_until(has_all, &fx.messages, "a turn");
	}
	run_until(has_all, &many, "all messages");
	ck_assert_int_le(most_in_a_turn, 512);
	ck_assert_int_ge(turns_with_messages, many / 512);
	buf_clear(&fx.heard);
	buf_fini(&wire);
	close(fd);
	hears("lost ended;");
	stop();
}
END_TEST

START_TEST(messages_before_a_close_are_all_heard)
{
	struct buf wire = BUF_INIT;
	long many = 3000;
	int fd;

	start(NULL);
	fd = take_subscriber();
	for (long i = 0; i < many; i++)
		buf_add_str(&wire, message);
	says_bytes(fd, wire.at, wire.size);
	close(fd);
	wait_for_state(REDIS_WAITING);
	ck_assert_int_eq(fx.messages, many);
	buf_fini(&wire);
	stop();
}
END_TEST

Suite *suite(void)
{
	const struct redis_test tests[] = {
		REDIS_TEST(names_are_confirmed_one_by_one_and_the_command_once),
		REDIS_TEST(a_refused_subscription_is_told_once_and_keeps_the_connection),
		REDIS_TEST(pings_of_a_subscriber_with_and_without_names),
		REDIS_TEST(sharded_names_may_be_taken_away),
		REDIS_TESTS(strange_messages_end_it, strange),
		REDIS_TEST(an_answer_where_a_confirmation_was_due_ends_it),
		REDIS_TEST(a_message_at_the_limit_and_one_past_it),
		REDIS_TEST(a_flood_leaves_turns_to_others),
		REDIS_TEST(messages_before_a_close_are_all_heard),
	};

	return redis_suite("redis-subscriber", tests, sizeof(tests) / sizeof(tests[0]));
}
