/* redis_fixture.c - see redis_fixture.h. */
#include "redis_fixture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "alloc.h"
#include "clock.h"
#include "log.h"
#include "metrics.h"

enum { DEADLINE_MS = 50 * 1000, TICK_MS = 2, WORDS = 2000 };

struct redis_fixture fx;

/* --- The loop ----------------------------------------------------------------------------------------------------- */

struct wait {
	struct timer tick;
	bool (*done)(void *ctx);
	void *ctx;
	const char *what;
	int64_t deadline_ms;
	int turns; /* left, when there is no `done` */
};
static struct wait *waiting;

static void tick(struct timer *t, int64_t now_ms)
{
	timer_set(&fx.loop.timers, t, tick, now_ms + TICK_MS);
}

static void turn_ended(void *ctx, int64_t now_ms)
{
	struct wait *w = waiting;

	(void)ctx;
	if (w->done ? w->done(w->ctx) : w->turns-- <= 0) {
		loop_stop(&fx.loop);
		return;
	}
	if (now_ms < w->deadline_ms)
		return;
	buf_add_char(&fx.heard, '\0');
	ck_abort_msg("waited too long for: %s; state %s; heard: %s", w->what,
		fx.redis ? redis_state_name(redis_state(fx.redis)) : "none", fx.heard.at);
}

static void wait_for(struct wait *w)
{
	struct wait *outer = waiting;

	w->deadline_ms = clock_now_ms() + DEADLINE_MS;
	waiting = w;
	tick(&w->tick, clock_now_ms());
	loop_run(&fx.loop);
	timer_stop(&fx.loop.timers, &w->tick);
	waiting = outer;
}

void run_until(bool (*done)(void *ctx), void *ctx, const char *what)
{
	wait_for(&(struct wait){ .done = done, .ctx = ctx, .what = what });
}

void run_turns(int count)
{
	wait_for(&(struct wait){ .turns = count, .what = "turns" });
}

static bool has_state(void *ctx)
{
	return redis_state(fx.redis) == *(enum redis_state *)ctx;
}

void wait_for_state(enum redis_state state)
{
	run_until(has_state, &state, redis_state_name(state));
}

/* --- What the callbacks hear -------------------------------------------------------------------------------------- */

static void on_ready(void *ctx)
{
	ck_assert_ptr_eq(ctx, &fx);
	buf_add_str(&fx.heard, "ready;");
}

static void on_lost(void *ctx, enum redis_trouble why)
{
	ck_assert_ptr_eq(ctx, &fx);
	buf_printf(&fx.heard, "lost %s;", redis_trouble_name(why));
}

static void on_message(void *ctx, const struct redis_push *m)
{
	ck_assert_ptr_eq(ctx, &fx);
	fx.messages++;
	if (m->payload.size > 100)
		buf_printf(&fx.heard, "message %.*s of %zu;", SLICE_ARG(m->channel), m->payload.size);
	else
		buf_printf(&fx.heard, "message %.*s %.*s;", SLICE_ARG(m->channel), SLICE_ARG(m->payload));
}

static void on_subscription(void *ctx, const struct redis_push *m)
{
	ck_assert_ptr_eq(ctx, &fx);
	buf_printf(&fx.heard, "%c%.*s;", m->kind == REDIS_PUSH_SUBSCRIBED ? '+' : '-', SLICE_ARG(m->name));
}

static const struct redis_ops ops = {
	.ready = on_ready, .lost = on_lost, .message = on_message, .subscription = on_subscription
};

struct heard {
	const char *text;
	bool more; /* than that was heard */
};

static bool has_heard(void *ctx)
{
	struct heard *h = ctx;
	size_t size = strlen(h->text);

	h->more = fx.heard.size > size;
	return fx.heard.size >= size || (fx.heard.size && memcmp(fx.heard.at, h->text, fx.heard.size) != 0);
}

void hears(const char *text)
{
	struct heard h = { text, false };

	run_until(has_heard, &h, text);
	buf_add_char(&fx.heard, '\0');
	ck_assert_str_eq(fx.heard.at, text);
	buf_clear(&fx.heard);
}

int64_t troubles(enum redis_trouble trouble)
{
	return metrics_get((enum metric_id)(M_REDIS_TROUBLE_RESOLVE + (int)trouble));
}

static int64_t seen[REDIS_TROUBLE_COUNT];

static bool one_more(void *ctx)
{
	enum redis_trouble trouble = *(enum redis_trouble *)ctx;

	return troubles(trouble) > seen[trouble];
}

void wait_for_trouble(enum redis_trouble trouble)
{
	run_until(one_more, &trouble, redis_trouble_name(trouble));
	seen[trouble]++;
}

/* --- Commands ----------------------------------------------------------------------------------------------------- */

static void add_reply(const struct redis_reply *reply)
{
	static const char *const marks[] = { "", "+", "-", ":", "nil", "array" };

	buf_add_str(&fx.heard, marks[reply->type]);
	if (reply->type == REDIS_INTEGER)
		buf_printf(&fx.heard, "%lld", (long long)reply->integer);
	else if (reply->type == REDIS_ERROR)
		buf_add_slice(&fx.heard, slice_first(reply->text, slice_find(reply->text, ' ')));
	else if (reply->text.size > 100)
		buf_printf(&fx.heard, "of %zu", reply->text.size);
	else
		buf_add_slice(&fx.heard, reply->text);
}

static void answered(void *ctx, enum redis_outcome outcome, const struct redis_reply *reply)
{
	char *name = ctx;

	ck_assert((outcome == REDIS_ANSWERED) == (reply != NULL));
	buf_printf(&fx.heard, "%s=", name);
	if (reply)
		add_reply(reply);
	else
		buf_add_str(&fx.heard, outcome == REDIS_UNSENT ? "unsent" : "unknown");
	buf_add_char(&fx.heard, ';');
}

static size_t split(const char *words, struct slice *at)
{
	size_t n = 0;

	while (*words) {
		size_t size = strcspn(words, " ");

		ck_assert_uint_lt(n, WORDS);
		at[n++] = strncmp(words, "''", size) == 0 && size == 2 ? slice_of("", 0) : slice_of(words, size);
		words += size + (words[size] == ' ');
	}
	return n;
}

/* `name` is a literal: it is kept. */
static void *keep(const char *name)
{
	return (void *)(uintptr_t)name;
}

int command(const char *name, const char *words)
{
	static struct slice argv[WORDS];

	return redis_command(fx.redis, argv, split(words, argv), name ? answered : NULL, keep(name));
}

int subscribe(const char *name, enum redis_names names, const char *words)
{
	static struct slice at[WORDS];

	return redis_subscribe(fx.redis, names, at, split(words, at), name ? answered : NULL, keep(name));
}

int unsubscribe(const char *name, enum redis_names names, const char *words)
{
	static struct slice at[WORDS];

	return redis_unsubscribe(fx.redis, names, at, split(words, at), name ? answered : NULL, keep(name));
}

/* --- Start and stop ----------------------------------------------------------------------------------------------- */

void start(const char *url)
{
	char text[64];
	const char *wrong;

	signal(SIGPIPE, SIG_IGN);
	fx = (struct redis_fixture){ .config = { REDIS_CONFIG_DEFAULTS }, .listener = -1 };
	fx.config.connect_timeout_ms = fx.config.command_timeout_ms = 60 * 1000;
	ck_assert_int_eq(loop_init(&fx.loop), 0);
	loop_on_turn_end(&fx.loop, turn_ended, NULL);
	for (int i = 0; i < REDIS_TROUBLE_COUNT; i++)
		seen[i] = troubles((enum redis_trouble)i);
	if (url == NULL) {
		listen_as_redis();
		snprintf(text, sizeof(text), "redis://127.0.0.1:%d", fx.port);
	}
	wrong = redis_url_parse(url ? url : text, &fx.config.url);
	ck_assert_msg(wrong == NULL, "%s", wrong);
}

void open_redis(enum redis_role role)
{
	char why[300] = "";

	fx.redis = redis_open(&fx.loop, &fx.config, role, &ops, &fx, why, sizeof(why));
	ck_assert_msg(fx.redis != NULL, "%s", why);
}

void close_redis(void)
{
	redis_close(fx.redis);
	fx.redis = NULL;
	run_turns(3);
}

void stop(void)
{
	if (fx.redis)
		close_redis();
	ck_assert_int_eq(metrics_get(M_REDIS_QUEUED), 0);
	ck_assert_int_eq(metrics_get(M_REDIS_CONNECTED_COMMANDS), 0);
	ck_assert_int_eq(metrics_get(M_REDIS_CONNECTED_SUBSCRIBER), 0);
	if (fx.listener >= 0)
		close(fx.listener);
	redis_url_fini(&fx.config.url);
	loop_fini(&fx.loop);
	buf_fini(&fx.heard);
}

/* --- The scripted Redis ------------------------------------------------------------------------------------------- */

void listen_as_redis(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(at);

	at.sin_port = htons((uint16_t)fx.port); /* the one it had, when it listens again */
	fx.listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	setsockopt(fx.listener, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int));
	ck_assert_int_eq(bind(fx.listener, (struct sockaddr *)&at, sizeof(at)), 0);
	ck_assert_int_eq(listen(fx.listener, 16), 0);
	getsockname(fx.listener, (struct sockaddr *)&at, &size);
	fx.port = ntohs(at.sin_port);
}

static bool has_connection(void *ctx)
{
	int *fd = ctx;

	*fd = accept4(fx.listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	return *fd >= 0;
}

int take_connection(void)
{
	int fd;

	run_until(has_connection, &fd, "a connection");
	return fd;
}

struct transfer {
	int fd;
	char *at;
	size_t size, done;
};

static bool has_received(void *ctx)
{
	struct transfer *t = ctx;
	ssize_t n = recv(t->fd, t->at + t->done, t->size - t->done, 0);

	ck_assert_msg(n != 0, "closed after %zu of %zu bytes", t->done, t->size);
	if (n > 0)
		t->done += (size_t)n;
	return t->done == t->size;
}

static bool has_sent(void *ctx)
{
	struct transfer *t = ctx;
	ssize_t n = send(t->fd, t->at + t->done, t->size - t->done, MSG_NOSIGNAL);

	if (n > 0)
		t->done += (size_t)n;
	return t->done == t->size || (n < 0 && errno != EAGAIN);
}

void expects(int fd, const char *words)
{
	static struct slice argv[WORDS];

	expects_command(fd, argv, split(words, argv));
}

void expects_command(int fd, const struct slice *argv, size_t argc)
{
	struct buf wire = BUF_INIT;
	struct transfer t = { .fd = fd };

	buf_printf(&wire, "*%zu\r\n", argc);
	for (size_t i = 0; i < argc; i++) {
		buf_printf(&wire, "$%zu\r\n", argv[i].size);
		buf_add_slice(&wire, argv[i]);
		buf_add_str(&wire, "\r\n");
	}
	t.size = wire.size;
	t.at = must_alloc(t.size);
	run_until(has_received, &t, argv[0].at);
	ck_assert_msg(memcmp(t.at, wire.at, t.size) == 0, "expected: %.*s\ngot: %.*s", (int)wire.size, wire.at,
		(int)t.size, t.at);
	free(t.at);
	buf_fini(&wire);
}

void expects_bytes(int fd, size_t count)
{
	struct transfer t = { fd, must_alloc(count), count, 0 };

	run_until(has_received, &t, "bytes");
	free(t.at);
}

void says_bytes(int fd, const void *at, size_t size)
{
	struct transfer t = { fd, (char *)(uintptr_t)at, size, 0 };

	run_until(has_sent, &t, "bytes to be taken");
}

void says(int fd, const char *text)
{
	says_bytes(fd, text, strlen(text));
}

static bool has_ended(void *ctx)
{
	char any[4096];
	ssize_t n = recv(*(int *)ctx, any, sizeof(any), 0);

	return n == 0 || (n < 0 && errno != EAGAIN);
}

void expects_end(int fd)
{
	run_until(has_ended, &fd, "the end of the connection");
	close(fd);
}

int take_ready(void)
{
	int fd = take_connection();

	expects(fd, "PING");
	says(fd, "+PONG\r\n");
	hears("ready;");
	return fd;
}

/* --- The log ------------------------------------------------------------------------------------------------------ */

static int log_file = -1, real_stderr = -1;

void catch_log(void)
{
	log_file = memfd_create("log", MFD_CLOEXEC);
	real_stderr = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	ck_assert(log_file >= 0 && real_stderr >= 0);
	dup2(log_file, STDERR_FILENO);
}

const char *caught_log(void)
{
	static char text[65536];
	ssize_t n = pread(log_file, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	dup2(real_stderr, STDERR_FILENO);
	close(real_stderr);
	close(log_file);
	real_stderr = log_file = -1;
	return text;
}

int occurrences(const char *text, const char *part)
{
	int n = 0;

	for (; (text = strstr(text, part)); text++)
		n++;
	return n;
}

/* --- Suites ------------------------------------------------------------------------------------------------------- */

Suite *redis_suite(const char *name, const struct redis_test *tests, size_t count)
{
	Suite *s = suite_create(name);

	for (size_t i = 0; i < count; i++) {
		TCase *tc = tcase_create(tests[i].name);

		tcase_set_timeout(tc, 60);
		tcase_add_loop_test(tc, tests[i].test, 0, tests[i].times);
		suite_add_tcase(s, tc);
	}
	return s;
}
