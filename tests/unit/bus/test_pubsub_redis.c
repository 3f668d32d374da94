/* test_pubsub_redis.c - the bus over a Redis that is a script: when it is up, what waits, and what is answered. */
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "metrics.h"
#include "pubsub_redis.h"
#include "redis_fixture.h"

static struct pubsub_redis_config config;
static struct pubsub *bus;
static int commands, subscriber;

static void on_message(void *ctx, int64_t now_ms, struct slice channel, struct slice payload)
{
	(void)ctx;
	(void)now_ms;
	buf_printf(&fx.heard, "%.*s %.*s;", SLICE_ARG(channel), SLICE_ARG(payload));
}

static void on_up(void *ctx, int64_t now_ms, bool gap)
{
	(void)ctx;
	(void)now_ms;
	buf_add_str(&fx.heard, gap ? "up gap;" : "up;");
}

static void on_down(void *ctx, int64_t now_ms, const char *why)
{
	(void)ctx;
	(void)now_ms;
	buf_printf(&fx.heard, "down %s;", why);
}

static void on_answer(void *to, int64_t now_ms, int64_t result, struct slice text)
{
	const char *name = to;

	(void)now_ms;
	buf_printf(&fx.heard, "%s=%lld %.*s;", name, (long long)result, SLICE_ARG(text));
}

static const struct pubsub_events events = { on_message, on_up, on_down };

static void *named(const char *name)
{
	return (void *)(uintptr_t)name;
}

static void want(const char *name)
{
	bus->ops->want(bus, SUBSCRIPTION_CHANNEL, slice_str(name));
}

static int publish(const char *payload)
{
	return bus->ops->publish(bus, SLICE("c"), slice_str(payload));
}

/* --- The other side ----------------------------------------------------------------------------------------------- */

/* Both connections, in whatever order they come; both say PING first, and the subscriber then SUBSCRIBE. */
static void open_bus(void)
{
	char why[300] = "";

	bus = pubsub_redis_open(&fx.loop, &config, &events, &fx, why, sizeof(why));
	ck_assert_msg(bus != NULL, "%s", why);
}

static void begin_with(int64_t probe_interval_ms, int64_t wait_ms)
{
	start(NULL);
	config = (struct pubsub_redis_config){ .redis = fx.config,
		.probe_channel = SLICE("probe"),
		.probe_interval_ms = probe_interval_ms,
		.max_publish = 50,
		.max_waiting = 20,
		.wait_ms = wait_ms };
	open_bus();
}

static void begin(void)
{
	begin_with(60 * 1000, 60 * 1000);
}

static int take_pinged(void)
{
	int fd = take_connection();

	expects(fd, "PING");
	says(fd, "+PONG\r\n");
	return fd;
}

/* The connections are opened in this order, and on one listener they are accepted in it. */
static void take_both(void)
{
	commands = take_pinged();
	subscriber = take_pinged();
}

static void confirm(const char *name)
{
	char text[100];

	snprintf(text, sizeof(text), "*3\r\n$9\r\nsubscribe\r\n$%zu\r\n%s\r\n:1\r\n", strlen(name), name);
	says(subscriber, text);
}

struct probe {
	size_t size;
	char bytes[200], nonce[17];
};

static bool has_probe(void *ctx)
{
	struct probe *p = ctx;
	ssize_t n = recv(commands, p->bytes + p->size, 51 - p->size, 0);

	if (n > 0)
		p->size += (size_t)n;
	return p->size == 51;
}

/* "*3 $7 PUBLISH $5 probe $16 <nonce>" */
static void take_probe(struct probe *p)
{
	*p = (struct probe){ 0 };
	run_until(has_probe, p, "a probe");
	ck_assert_int_eq(memcmp(p->bytes, "*3\r\n$7\r\nPUBLISH\r\n$5\r\nprobe\r\n$16\r\n", 33), 0);
	memcpy(p->nonce, p->bytes + 33, 16);
	says(commands, ":1\r\n");
}

static void return_probe(const char *nonce)
{
	char text[100];

	snprintf(text, sizeof(text), "*3\r\n$7\r\nmessage\r\n$5\r\nprobe\r\n$16\r\n%s\r\n", nonce);
	says(subscriber, text);
}

static void become_up(const char *heard)
{
	struct probe p;

	take_both();
	expects(subscriber, "SUBSCRIBE probe");
	confirm("probe");
	take_probe(&p);
	return_probe(p.nonce);
	hears(heard);
}

static void end(void)
{
	pubsub_redis_close(bus);
	bus = NULL;
	run_turns(3);
	close(commands);
	close(subscriber);
	stop();
}

/* --- Up and down -------------------------------------------------------------------------------------------------- */

START_TEST(up_when_subscribed_and_the_probe_is_back)
{
	struct probe p;

	begin();
	want("r");
	ck_assert_ptr_nonnull(pubsub_redis_trouble(bus));
	take_both();
	expects(subscriber, "SUBSCRIBE probe r");
	confirm("probe");
	run_turns(3);
	ck_assert(!bus->is_up && !bus->ops->is_live(bus, SUBSCRIPTION_CHANNEL, SLICE("r")));
	confirm("r");
	take_probe(&p);
	ck_assert(!bus->is_up && bus->ops->is_live(bus, SUBSCRIPTION_CHANNEL, SLICE("r")));
	return_probe("another nonce...");
	run_turns(3);
	ck_assert(!bus->is_up);
	return_probe(p.nonce);
	hears("up;");
	ck_assert(bus->is_up && pubsub_redis_trouble(bus) == NULL);
	close(subscriber);
	hears("down ended;");
	ck_assert(!bus->is_up);
	subscriber = take_pinged();
	expects(subscriber, "SUBSCRIBE probe r");
	confirm("probe");
	confirm("r");
	take_probe(&p);
	return_probe(p.nonce);
	hears("up gap;");
	end();
}
END_TEST

START_TEST(a_probe_that_does_not_come_back_ends_the_subscriber)
{
	int64_t deaf = metrics_get(M_BUS_DEAF);
	struct probe p;

	begin_with(200, 60 * 1000);
	take_both();
	expects(subscriber, "SUBSCRIBE probe");
	confirm("probe");
	take_probe(&p);
	expects_end(subscriber);
	ck_assert_int_eq(metrics_get(M_BUS_DEAF), deaf + 1);
	subscriber = take_pinged();
	expects(subscriber, "SUBSCRIBE probe");
	end();
}
END_TEST

START_TEST(a_refused_subscription_keeps_it_down)
{
	begin();
	want("secret");
	take_both();
	expects(subscriber, "SUBSCRIBE probe secret");
	says(subscriber, "-NOPERM no\r\n");
	expects_end(subscriber);
	ck_assert(!bus->is_up);
	ck_assert_ptr_nonnull(pubsub_redis_trouble(bus));
	subscriber = take_pinged();
	end();
}
END_TEST

/* --- Messages ----------------------------------------------------------------------------------------------------- */

START_TEST(what_fits_a_name_and_a_pattern_comes_once)
{
	begin();
	become_up("up;");
	bus->ops->want(bus, SUBSCRIPTION_PATTERN, SLICE("r*"));
	want("r1");
	expects(subscriber, "PSUBSCRIBE r*");
	expects(subscriber, "SUBSCRIBE r1");
	says(subscriber, "*3\r\n$10\r\npsubscribe\r\n$2\r\nr*\r\n:2\r\n");
	says(subscriber, "*4\r\n$8\r\npmessage\r\n$2\r\nr*\r\n$2\r\nr1\r\n$1\r\nA\r\n");
	hears("r1 A;"); /* not subscribed to by its name yet */
	confirm("r1");
	says(subscriber, "*3\r\n$7\r\nmessage\r\n$2\r\nr1\r\n$1\r\nB\r\n"
			 "*4\r\n$8\r\npmessage\r\n$2\r\nr*\r\n$2\r\nr1\r\n$1\r\nB\r\n"
			 "*4\r\n$8\r\npmessage\r\n$2\r\nr*\r\n$2\r\nr2\r\n$1\r\nC\r\n");
	hears("r1 B;r2 C;");
	/* Given up, and wanted again before Redis has answered: it still sends both. */
	bus->ops->drop(bus, SUBSCRIPTION_CHANNEL, SLICE("r1"));
	expects(subscriber, "UNSUBSCRIBE r1");
	want("r1");
	expects(subscriber, "SUBSCRIBE r1");
	says(subscriber, "*3\r\n$7\r\nmessage\r\n$2\r\nr1\r\n$1\r\nD\r\n"
			 "*4\r\n$8\r\npmessage\r\n$2\r\nr*\r\n$2\r\nr1\r\n$1\r\nD\r\n"
			 "*3\r\n$11\r\nunsubscribe\r\n$2\r\nr1\r\n:2\r\n"
			 "*4\r\n$8\r\npmessage\r\n$2\r\nr*\r\n$2\r\nr1\r\n$1\r\nE\r\n");
	hears("r1 D;r1 E;");
	end();
}
END_TEST

/* --- Publishing --------------------------------------------------------------------------------------------------- */

START_TEST(what_waits_is_bounded_and_keeps_its_order)
{
	int64_t full = metrics_get(M_BUS_UNPUBLISHED_FULL), large = metrics_get(M_BUS_UNPUBLISHED_LARGE);
	struct probe p;

	begin();
	ck_assert_int_eq(publish("123456789"), 0); /* with the channel's name 10 of 20 bytes */
	ck_assert_int_eq(publish("abcdefghij"), -ENOBUFS);
	ck_assert_int_eq(publish("abcdefghi"), 0);
	ck_assert_int_eq(publish(""), -ENOBUFS);
	ck_assert_int_eq(publish("123456789 123456789 123456789 123456789 123456789 1"), -EMSGSIZE);
	ck_assert_int_eq(metrics_get(M_BUS_UNPUBLISHED_FULL), full + 2);
	ck_assert_int_eq(metrics_get(M_BUS_UNPUBLISHED_LARGE), large + 1);
	take_both();
	expects(subscriber, "SUBSCRIBE probe");
	confirm("probe");
	take_probe(&p);
	return_probe(p.nonce);
	expects(commands, "PUBLISH c 123456789");
	expects(commands, "PUBLISH c abcdefghi");
	hears("up;");
	ck_assert_int_eq(publish("direct"), 0);
	expects(commands, "PUBLISH c direct");
	end();
}
END_TEST

START_TEST(what_waits_goes_out_without_the_subscriber_too)
{
	begin();
	ck_assert_int_eq(publish("early"), 0);
	take_both();
	expects(subscriber, "SUBSCRIBE probe"); /* and never confirms */
	expects(commands, "PUBLISH c early");
	end();
}
END_TEST

static bool is_late(void *ctx)
{
	return publish("123456789 12345678") == 0 || *(int64_t *)ctx == 0;
}

START_TEST(what_waited_too_long_makes_room)
{
	int64_t late = metrics_get(M_BUS_UNPUBLISHED_LATE), one = 1;
	begin_with(60 * 1000, 50);
	ck_assert_int_eq(publish("123456789 12345678"), 0);
	run_until(is_late, &one, "the first to be too late");
	ck_assert_int_eq(metrics_get(M_BUS_UNPUBLISHED_LATE), late + 1);
	take_both();
	end();
}
END_TEST

static void on_moved(void *to, int64_t now_ms)
{
	(void)to;
	(void)now_ms;
	buf_printf(&fx.heard, "%llu of %llu;", (unsigned long long)bus->over, (unsigned long long)bus->sent);
}

/* Answered, refused, or lost with the link: it is over; what waits was never under way. */
START_TEST(how_far_what_was_published_is)
{
	begin();
	bus->moved = on_moved;
	ck_assert_int_eq(publish("waits"), 0);
	ck_assert_uint_eq(bus->sent, 0);
	become_up("up;");
	expects(commands, "PUBLISH c waits");
	ck_assert_int_eq(publish("a"), 0);
	ck_assert_int_eq(publish("b"), 0);
	ck_assert_int_eq(bus->ops->count(bus, SLICE("c"), on_answer, named("n")), 0);
	ck_assert_int_eq(publish("c"), 0);
	ck_assert_uint_eq(bus->sent, 4);
	ck_assert_uint_eq(bus->over, 0);
	expects(commands, "PUBLISH c a");
	expects(commands, "PUBLISH c b");
	expects(commands, "PUBSUB NUMSUB c");
	expects(commands, "PUBLISH c c");
	says(commands, ":1\r\n:1\r\n-NOPERM no\r\n");
	hears("1 of 4;2 of 4;3 of 4;");
	says(commands, "*2\r\n$1\r\nc\r\n:1\r\n");
	hears("n=1 ;");
	close(commands);
	hears("4 of 4;down ended;");
	commands = take_pinged();
	end();
}
END_TEST

/* --- Questions ---------------------------------------------------------------------------------------------------- */

START_TEST(questions_are_answered_once_and_in_order)
{
	begin();
	ck_assert_int_eq(bus->ops->count(bus, SLICE("c"), on_answer, named("early")), -ENOTCONN);
	become_up("up;");
	ck_assert_int_eq(bus->ops->count(bus, SLICE("c"), on_answer, named("count")), 0);
	ck_assert_int_eq(bus->ops->look_up(bus, SLICE("k"), on_answer, named("get")), 0);
	ck_assert_int_eq(bus->ops->look_up(bus, SLICE("k"), on_answer, named("none")), 0);
	ck_assert_int_eq(bus->ops->release(bus, SLICE("k"), on_answer, named("del")), 0);
	expects(commands, "PUBSUB NUMSUB c");
	expects(commands, "GET k");
	expects(commands, "GET k");
	expects(commands, "DEL k");
	says(commands, "*2\r\n$1\r\nc\r\n:3\r\n$1\r\nv\r\n$-1\r\n:1\r\n");
	hears("count=3 ;get=1 v;none=0 ;del=1 ;");
	end();
}
END_TEST

START_TEST(errors_and_other_shapes_are_told_apart_from_lost_links)
{
	begin();
	become_up("up;");
	ck_assert_int_eq(bus->ops->count(bus, SLICE("c"), on_answer, named("error")), 0);
	ck_assert_int_eq(bus->ops->count(bus, SLICE("c"), on_answer, named("shape")), 0);
	ck_assert_int_eq(bus->ops->look_up(bus, SLICE("k"), on_answer, named("type")), 0);
	ck_assert_int_eq(bus->ops->look_up(bus, SLICE("k"), on_answer, named("lost")), 0);
	expects(commands, "PUBSUB NUMSUB c");
	expects(commands, "PUBSUB NUMSUB c");
	says(commands, "-NOPERM no\r\n*2\r\n$1\r\nc\r\n$1\r\n3\r\n-WRONGTYPE no\r\n");
	hears("error=-71 ;shape=-71 ;type=-71 ;");
	close(commands);
	run_turns(3);
	hears("lost=-107 ;down ended;");
	commands = take_pinged();
	end();
}
END_TEST

static void claim(const char *name)
{
	ck_assert_int_eq(bus->ops->claim(bus, SLICE("k"), SLICE("me"), 5000, on_answer, named(name)), 0);
	expects(commands, "SET k me NX PX 5000");
	expects(commands, "GET k");
}

START_TEST(a_lease_is_taken_kept_or_somebody_elses)
{
	begin();
	become_up("up;");
	claim("taken");
	says(commands, "+OK\r\n$2\r\nme\r\n");
	hears("taken=1 me;");
	claim("kept");
	says(commands, "$-1\r\n$2\r\nme\r\n");
	expects(commands, "PEXPIRE k 5000");
	says(commands, ":1\r\n");
	hears("kept=1 ;");
	claim("expired");
	says(commands, "$-1\r\n$2\r\nme\r\n");
	expects(commands, "PEXPIRE k 5000");
	says(commands, ":0\r\n");
	hears("expired=0 ;");
	claim("theirs");
	says(commands, "$-1\r\n$3\r\nyou\r\n");
	hears("theirs=0 you;");
	claim("refused");
	says(commands, "-NOPERM no\r\n-NOPERM no\r\n");
	hears("refused=-71 ;");
	end();
}
END_TEST

START_TEST(closing_forgets_the_answers_that_are_due)
{
	begin();
	become_up("up;");
	ck_assert_int_eq(bus->ops->count(bus, SLICE("c"), on_answer, named("count")), 0);
	expects(commands, "PUBSUB NUMSUB c");
	claim("claim");
	end(); /* hears nothing more */
}
END_TEST

Suite *suite(void)
{
	const struct redis_test tests[] = {
		REDIS_TEST(up_when_subscribed_and_the_probe_is_back),
		REDIS_TEST(a_probe_that_does_not_come_back_ends_the_subscriber),
		REDIS_TEST(a_refused_subscription_keeps_it_down),
		REDIS_TEST(what_fits_a_name_and_a_pattern_comes_once),
		REDIS_TEST(what_waits_is_bounded_and_keeps_its_order),
		REDIS_TEST(what_waits_goes_out_without_the_subscriber_too),
		REDIS_TEST(what_waited_too_long_makes_room),
		REDIS_TEST(how_far_what_was_published_is),
		REDIS_TEST(questions_are_answered_once_and_in_order),
		REDIS_TEST(errors_and_other_shapes_are_told_apart_from_lost_links),
		REDIS_TEST(a_lease_is_taken_kept_or_somebody_elses),
		REDIS_TEST(closing_forgets_the_answers_that_are_due),
	};

	return redis_suite("pubsub-redis", tests, sizeof(tests) / sizeof(tests[0]));
}
