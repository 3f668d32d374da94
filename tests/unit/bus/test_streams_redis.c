/* test_streams_redis.c - the streams over a Redis that is a script: when they are up, and what they do not send. */
#include "streams_fixture.h"

#include <errno.h>
#include <unistd.h>

#include "metrics.h"

/* --- Up and down -------------------------------------------------------------------------------------------------- */

START_TEST(fresh_is_another_run)
{
	static const struct {
		const char *info, *heard;
	} runs[] = {
		{ RUN_1, "up;" },
		{ RUN_2, "up fresh;" },
		{ RUN_2, "up;" },
		{ "-NOPERM no\r\n", "up fresh;" },
		{ "-NOPERM no\r\n", "up fresh;" },
		{ RUN_2, "up fresh;" }, /* it was not known in between */
		{ "$9\r\nrun_id:\r\n\r\n", "up fresh;" },
		{ ":1\r\n", "up fresh;" },
		{ "$0\r\n\r\n", "up fresh;" },
		{ "$-1\r\n", "up fresh;" },
		{ "$7\r\nrun_id:\r\n", "up fresh;" },
		{ "$74\r\nrun_id:1234567890123456789012345678901234567890123456789012345678901234567\r\n",
			"up fresh;" },
	};

	begin();
	ck_assert_int_eq(metrics_get(M_STREAMS_UP), 1);
	for (size_t i = 0; i < sizeof(runs) / sizeof(runs[0]); i++) {
		close(commands);
		hears("down ended;");
		ck_assert(!streams->is_up && metrics_get(M_STREAMS_UP) == 0);
		ck_assert_int_eq(streams->ops->length(streams, SLICE("s"), NULL, NULL), -ENOTCONN);
		take_commands(runs[i].info);
		hears(runs[i].heard);
	}
	ck_assert_ptr_null(streams_redis_trouble(streams));
	end();
}
END_TEST

/* Of a run that was never up the next one tells as well. */
START_TEST(fresh_is_not_lost_with_a_connection)
{
	int64_t fresh = metrics_get(M_STREAMS_FRESH);

	open_streams();
	streams->ops->listen(streams, SLICE("c"));
	commands = take_pinged();
	subscriber = take_pinged();
	expects(subscriber, "SUBSCRIBE c");
	answer_info(RUN_1);
	run_turns(3);
	ck_assert(!streams->is_up);
	close(commands);
	take_commands(RUN_1);
	says(subscriber, "*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n");
	hears("up fresh;listening;");
	ck_assert_int_eq(metrics_get(M_STREAMS_FRESH), fresh + 1);
	end();
}
END_TEST

/* Whichever is lost, everything asked has been answered then, and all are needed again. */
START_TEST(one_connection_down_is_all_down)
{
	begin();
	streams->ops->listen(streams, SLICE("c"));
	subscriber = take_pinged();
	expects(subscriber, "SUBSCRIBE c");
	says(subscriber, "*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n");
	hears("listening;");
	says(subscriber, "*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$2\r\nhi\r\n");
	hears("c hi;");
	ck_assert_int_eq(streams->ops->read(streams, SLICE("me"), &SLICE("s"), 1, 5, 0), 0);
	reader = take_pinged();
	expects(reader, "XREADGROUP GROUP g me COUNT 5 STREAMS s >");
	ck_assert_int_eq(streams->ops->length(streams, SLICE("s"), on_answer, named("a")), 0);
	ck_assert_int_eq(streams->ops->length(streams, SLICE("s"), on_answer, named("b")), 0);
	expects(commands, "XLEN s");
	expects(commands, "XLEN s");
	close(subscriber);
	hears("a=-107 ;b=-107 ;end -107;down ended;");
	expects_end(reader);            /* nobody would hear what it is given */
	says(commands, ":3\r\n:4\r\n"); /* for nobody */
	subscriber = take_with_reader();
	expects(subscriber, "SUBSCRIBE c");
	says(subscriber, "*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n");
	hears("up;listening;");
	ck_assert_int_eq(streams->ops->length(streams, SLICE("s"), on_answer, named("c")), 0);
	expects(commands, "XLEN s");
	says(commands, ":5\r\n");
	hears("c=5 ;");
	end();
}
END_TEST

START_TEST(lost_in_the_middle)
{
	begin();
	ck_assert_int_eq(streams->ops->length(streams, SLICE("s"), on_answer, named("a")), 0);
	ck_assert_int_eq(streams->ops->ack(streams, SLICE("s"), SLICE("1-1"), on_answer, named("b")), 0);
	ck_assert_int_eq(streams->ops->list(streams, SLICE("ks"), SLICE("k:"), on_pair, on_answer, named("c")), 0);
	expects(commands, "XLEN s");
	expects(commands, "XDEL s 1-1");
	expects(commands, "XACK s g 1-1");
	says(commands, ":1\r\n:1\r\n");
	close(commands);
	hears("a=1 ;b=-107 ;c=-107 ;down ended;");
	end();
}
END_TEST

static bool is_open_again(void *ctx)
{
	(void)ctx;
	return redis_ready(((struct streams_redis *)(void *)streams)->commands);
}

/* A read that waits in Redis may take entries until its time is over. */
START_TEST(up_again_when_the_lost_read_is_over)
{
	int64_t lost_ms;

	command_timeout_ms = 1000 * 1000;
	begin();
	command_timeout_ms = 60 * 1000;
	ck_assert_int_eq(streams->ops->read(streams, SLICE("me"), &SLICE("s"), 1, 5, 700), 0);
	reader = take_pinged();
	lost_ms = loop_now(&fx.loop);
	expects(reader, "XREADGROUP GROUP g me COUNT 5 BLOCK 700 STREAMS s >");
	close(commands);
	hears("end -107;down ended;");
	expects_end(reader);
	commands = take_with_reader();
	answer_info(RUN_1);
	run_until(is_open_again, NULL, "the connection");
	hears("up;");
	ck_assert_int_ge(loop_now(&fx.loop) - lost_ms, 690);
	/* Of another run it is not: this one would take longer than the test may. */
	ck_assert_int_eq(streams->ops->read(streams, SLICE("me"), &SLICE("s"), 1, 5, 400000), 0);
	expects(reader, "XREADGROUP GROUP g me COUNT 5 BLOCK 400000 STREAMS s >");
	close(commands);
	hears("end -107;down ended;");
	expects_end(reader);
	commands = take_with_reader();
	answer_info(RUN_2);
	hears("up fresh;");
	end();
}
END_TEST

static bool one_of_two_speaks(int first, int second)
{
	int fds[] = { first, second };

	run_until(one_speaks, fds, "the one that speaks");
	return fds[0] == first;
}

/* Both are gone, and Redis is known before the reader is back. */
START_TEST(up_with_both)
{
	int fds[2];
	bool swapped;

	begin();
	ck_assert_int_eq(streams->ops->read(streams, SLICE("me"), &SLICE("s"), 1, 5, 10), 0);
	reader = take_pinged();
	expects(reader, "XREADGROUP GROUP g me COUNT 5 BLOCK 10 STREAMS s >");
	close(commands);
	hears("end -107;down ended;");
	expects_end(reader);
	fds[0] = take_pinged();
	fds[1] = take_pinged();
	swapped = !one_of_two_speaks(fds[0], fds[1]);
	commands = fds[swapped];
	close(fds[!swapped]); /* the reader, before Redis has said who it is */
	reader = take_connection();
	expects(reader, "PING");
	answer_info(RUN_2);
	run_turns(5);
	ck_assert(!streams->is_up);
	says(reader, "+PONG\r\n");
	hears("up fresh;");
	end();
}
END_TEST

START_TEST(up_with_its_reader)
{
	begin();
	ck_assert_int_eq(streams->ops->read(streams, SLICE("me"), &SLICE("s"), 1, 5, 0), 0);
	reader = take_pinged();
	expects(reader, "XREADGROUP GROUP g me COUNT 5 STREAMS s >");
	says(reader, "*0\r\n");
	hears("end 0;");
	close(reader);
	hears("down ended;");
	reader = take_connection();
	expects(reader, "PING");
	run_turns(5);
	ck_assert(!streams->is_up);
	says(reader, "+PONG\r\n");
	hears("up;");
	end();
}
END_TEST

START_TEST(a_read_waits_for_its_connection)
{
	begin();
	ck_assert_int_eq(streams->ops->read(streams, SLICE("me"), &SLICE("s"), 1, 5, 100000), 0);
	ck_assert_int_eq(streams->ops->read(streams, SLICE("me"), &SLICE("s"), 1, 5, 1), -EBUSY);
	ck_assert_int_eq(streams->ops->read(streams, SLICE("me"), NULL, 0, 5, 1), -EBUSY);
	reader = take_pinged();
	expects(reader, "XREADGROUP GROUP g me COUNT 5 BLOCK 30000 STREAMS s >"); /* half of the deadline at most */
	says(reader, "*-1\r\n");
	hears("end 0;");
	ck_assert_int_eq(streams->ops->read(streams, SLICE("me"), NULL, 0, 5, 1), -EINVAL);
	end();
}
END_TEST

/* --- Limits ------------------------------------------------------------------------------------------------------- */

START_TEST(what_is_too_large_is_not_sent)
{
	char bytes[51] = { 0 };
	struct slice fits = slice_of(bytes, 50), large = slice_of(bytes, 51), pair[] = { slice_of(bytes, 1), fits };
	const struct streams_ops *ops;

	begin();
	ops = streams->ops;
	ck_assert_int_eq(ops->add(streams, SLICE("s"), large, 9, NULL, NULL), -EMSGSIZE);
	ck_assert_int_eq(ops->note(streams, SLICE("s"), pair, 1, 9, NULL, NULL), -EMSGSIZE);
	ck_assert_int_eq(ops->put(streams, SLICE("k"), large, 9, NULL, NULL), -EMSGSIZE);
	ck_assert_int_eq(ops->field_put(streams, SLICE("k"), SLICE("f"), large, NULL, NULL), -EMSGSIZE);
	ck_assert_int_eq(ops->publish(streams, SLICE("k"), large, NULL, NULL), -EMSGSIZE);
	ck_assert_int_eq(
		ops->field_to_entry(streams, SLICE("k"), SLICE("h"), SLICE("f"), SLICE("s"), large, NULL, NULL),
		-EMSGSIZE);
	ck_assert_int_eq(ops->add(streams, SLICE("s"), fits, 9, NULL, NULL), 0);
	ck_assert_int_eq(ops->put(streams, SLICE("k"), fits, 9, NULL, NULL), 0);
	ck_assert_int_eq(ops->field_put(streams, SLICE("k"), SLICE("f"), fits, NULL, NULL), 0);
	ck_assert_int_eq(ops->publish(streams, SLICE("k"), fits, NULL, NULL), 0);
	ck_assert_int_eq(ops->note(streams, SLICE("s"), pair, 0, 9, NULL, NULL), -EINVAL);
	ck_assert_int_eq(ops->claim(streams, SLICE("c"), SLICE("s"), SLICE("x"), 9, NULL, NULL), -EINVAL);
	ck_assert_int_eq(ops->pending(streams, SLICE("s"), SLICE("x"), 9, NULL, NULL, NULL), -EINVAL);
	end();
}
END_TEST

static int ack(void)
{
	return streams->ops->ack(streams, SLICE("s"), SLICE("1-1"), NULL, NULL);
}

static int length(void)
{
	return streams->ops->length(streams, SLICE("s"), NULL, NULL);
}

/* Both commands of an acknowledgement or none. */
START_TEST(a_queue_that_is_full)
{
	int n = 0;

	open_streams();
	((struct streams_redis *)(void *)streams)->config.redis.max_queue = 1000;
	take_commands(RUN_1);
	hears("up fresh;");
	while (ack() == 0)
		n++;
	ck_assert_int_eq(ack(), -ENOBUFS);
	ck_assert_int_gt(n, 5);
	while (length() == 0) /* which still has room */
		n++;
	ck_assert_int_eq(length(), -ENOBUFS);
	end();
}
END_TEST

Suite *suite(void)
{
	const struct redis_test tests[] = {
		REDIS_TEST(fresh_is_another_run),
		REDIS_TEST(fresh_is_not_lost_with_a_connection),
		REDIS_TEST(one_connection_down_is_all_down),
		REDIS_TEST(lost_in_the_middle),
		REDIS_TEST(up_again_when_the_lost_read_is_over),
		REDIS_TEST(up_with_both),
		REDIS_TEST(up_with_its_reader),
		REDIS_TEST(a_read_waits_for_its_connection),
		REDIS_TEST(what_is_too_large_is_not_sent),
		REDIS_TEST(a_queue_that_is_full),
	};

	return redis_suite("streams-redis", tests, sizeof(tests) / sizeof(tests[0]));
}
