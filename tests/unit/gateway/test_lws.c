/*
 * test_lws.c - what our patches of libwebsockets must not lose, where the gateway has no use for it: timers of lws's own,
 * input that is left over (deploy/patches/libwebsockets, idle-timer-when-it-is-needed). libwebsockets ("lws") alone, on a
 * loop of libevent and socket pairs; a callback does what the test wants to happen inside of an event.
 */
#include <event2/event.h>
#include <fcntl.h>
#include <libwebsockets.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "test_main.h"

enum { PATIENCE_MS = 20000, LONG_US = 1000 * 1000 * 1000, SHORT_US = 3000 };

static struct event_base *base;
static struct lws_context *context;
static struct lws_vhost *vhost;

static struct {
	void (*deed)(struct lws *wsi); /* at a message */
	size_t messages, timers, ends;
} seen;

static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t size)
{
	(void)user;
	(void)in;
	(void)size;
	if (reason == LWS_CALLBACK_RECEIVE) {
		seen.messages++;
		if (seen.deed)
			seen.deed(wsi);
	}
	seen.timers += reason == LWS_CALLBACK_TIMER;
	seen.ends += reason == LWS_CALLBACK_CLOSED;
	return 0;
}

/* Turns of the loop until *count is `wanted`. */
static void wait_for(const size_t *count, size_t wanted)
{
	int64_t until = clock_now_ms() + PATIENCE_MS;

	while (*count < wanted) {
		ck_assert_msg(clock_now_ms() < until, "%zu instead of %zu", *count, wanted);
		event_base_loop(base, EVLOOP_ONCE);
	}
}

static void say(int fd, int times)
{
	static const unsigned char message[] = { 0x82, 0x81, 1, 2, 3, 4, 'x' ^ 1 };

	while (times--)
		ck_assert_int_eq(write(fd, message, sizeof(message)), sizeof(message));
}

static int events(void)
{
	return event_base_get_num_events(base, EVENT_BASE_COUNT_ADDED);
}

/* A peer of a new WebSocket. */
static int client(struct lws **wsi)
{
	int fds[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
	*wsi = lws_adopt_websocket(vhost, fds[1]);
	ck_assert_ptr_nonnull(*wsi);
	return fds[0];
}

/* lws has begun: its idle timer has run, and the loop waits for its own look at the system, every half a minute. */
static void settle(int fd)
{
	int before = events();

	say(fd, 1);
	wait_for(&seen.messages, 1);
	ck_assert_int_eq(events(), before + 1);
	event_base_loop(base, EVLOOP_ONCE);
	ck_assert_int_eq(events(), before + 1);
}

static void setup(void)
{
	static const struct lws_protocols protocols[] = {
		{ .name = "test", .callback = on_event, .rx_buffer_size = 128 }, { 0 }
	};
	static const lws_retry_bo_t no_keepalive = { 0 };
	struct lws_context_creation_info info = { .port = CONTEXT_PORT_NO_LISTEN_SERVER,
		.options = LWS_SERVER_OPTION_LIBEVENT | LWS_SERVER_OPTION_EXPLICIT_VHOSTS,
		.foreign_loops = (void *[]){ NULL },
		.protocols = protocols,
		.retry_and_idle_policy = &no_keepalive,
		.gid = -1,
		.uid = -1 };

	memset(&seen, 0, sizeof(seen));
	lws_set_log_level(LLL_ERR, NULL);
	base = event_base_new();
	info.foreign_loops[0] = base;
	context = lws_create_context(&info);
	vhost = lws_create_vhost(context, &info);
	ck_assert_ptr_nonnull(vhost);
}

static void teardown(void)
{
	lws_context_destroy(context);
	event_base_free(base);
}

/* --- Timers ------------------------------------------------------------------------------------------------------- */

START_TEST(an_event_that_leaves_nothing_sets_no_timer)
{
	struct lws *wsi;
	int fd = client(&wsi), before;

	settle(fd);
	before = events();
	say(fd, 1);
	wait_for(&seen.messages, 2);
	ck_assert_int_eq(events(), before);
	close(fd);
}
END_TEST

static lws_sorted_usec_list_t suls[2];
static size_t runs;

static void run(lws_sorted_usec_list_t *sul)
{
	(void)sul;
	runs++;
}

static void schedule_late(struct lws *wsi)
{
	lws_sul_schedule(lws_get_context(wsi), 0, &suls[0], run, LONG_US);
}

static void schedule_soon(struct lws *wsi)
{
	lws_sul_schedule(lws_get_context(wsi), 0, &suls[1], run, SHORT_US);
}

static void schedule_and_put_off(struct lws *wsi)
{
	schedule_soon(wsi);
	lws_sul_cancel(&suls[1]);
	lws_sul_schedule(lws_get_context(wsi), 0, &suls[1], run, 2 * SHORT_US);
}

/* Earlier than what the loop waits for, whatever that is, again and again. */
START_TEST(what_an_event_schedules_is_run)
{
	static void (*const deeds[])(struct lws *) = { schedule_soon, schedule_and_put_off };
	struct lws *wsi;
	int fd = client(&wsi);

	runs = 0;
	if (_i & 1)
		settle(fd);
	seen.deed = schedule_late;
	say(fd, 1);
	wait_for(&seen.messages, (_i & 1) + 1U);
	for (size_t n = 1; n <= 3; n++) {
		seen.deed = deeds[_i >> 1];
		say(fd, 1);
		wait_for(&runs, n);
	}
	lws_sul_cancel(&suls[0]);
	close(fd);
}
END_TEST

static void set_timer(struct lws *wsi)
{
	lws_set_timer_usecs(wsi, SHORT_US);
}

static void set_timeout(struct lws *wsi)
{
	lws_set_timeout(wsi, PENDING_TIMEOUT_CLOSE_SEND, 1);
}

START_TEST(a_connections_timer_is_run)
{
	struct lws *wsi;
	int fd = client(&wsi);

	settle(fd);
	seen.deed = set_timer;
	say(fd, 1);
	wait_for(&seen.timers, 1);
	close(fd);
}
END_TEST

START_TEST(a_closing_that_takes_too_long_is_ended)
{
	struct lws *wsi;
	int fd = client(&wsi);

	settle(fd);
	seen.deed = set_timeout;
	say(fd, 1);
	wait_for(&seen.ends, 1);
	close(fd);
}
END_TEST

/* --- Input -------------------------------------------------------------------------------------------------------- */

static struct lws *paused;

static void pause_first(struct lws *wsi)
{
	if (seen.messages > 2)
		return;
	paused = wsi;
	lws_rx_flow_control(wsi, 0);
}

static void resume_paused(struct lws *wsi)
{
	(void)wsi;
	seen.deed = NULL;
	lws_rx_flow_control(paused, 1);
}

/* Messages of one read: the first of them pauses, and another connection has them go on. */
START_TEST(input_that_is_left_is_taken_later)
{
	struct lws *one, *other;
	int fd = client(&one), beside = client(&other);

	settle(fd);
	seen.deed = pause_first;
	say(fd, 5);
	wait_for(&seen.messages, 2);
	for (int i = 0; i < 5; i++)
		event_base_loop(base, EVLOOP_NONBLOCK);
	ck_assert_uint_eq(seen.messages, 2);
	seen.deed = resume_paused;
	say(beside, 1);
	wait_for(&seen.messages, 1 + 5 + 1);
	close(fd);
	close(beside);
}
END_TEST

/* --- Taking over -------------------------------------------------------------------------------------------------- */

/* Asking for O_NONBLOCK once more would put back what else stands there. */
START_TEST(a_socket_stays_as_it_is)
{
	int fds[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
	ck_assert_int_eq(fcntl(fds[1], F_SETFL, O_NONBLOCK | O_APPEND), 0);
	ck_assert_ptr_nonnull(lws_adopt_websocket(vhost, fds[1]));
	ck_assert_int_eq(fcntl(fds[1], F_GETFL) & (O_NONBLOCK | O_APPEND), O_NONBLOCK | O_APPEND);
	close(fds[0]);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("lws");
	TCase *t = tcase_create("lws");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, an_event_that_leaves_nothing_sets_no_timer);
	tcase_add_loop_test(t, what_an_event_schedules_is_run, 0, 4);
	tcase_add_test(t, a_connections_timer_is_run);
	tcase_add_test(t, a_closing_that_takes_too_long_is_ended);
	tcase_add_test(t, input_that_is_left_is_taken_later);
	tcase_add_test(t, a_socket_stays_as_it_is);
	suite_add_tcase(s, t);
	return s;
}
