/* tool_watch.c - what passes through Redis: a subscriber that only listens. */
#include "tool_watch.h"

#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "clock.h"
#include "log.h"
#include "redis.h"

struct watch {
	const struct tool_args *args;
	struct loop loop;
	struct redis_config config;
	struct redis *redis;
	struct slice key;
	struct buf patterns[2];
	size_t n_patterns, confirmed;
	struct watch_count count;
	int64_t lines;
	struct arena arena;
	enum tool_exit status;
	bool was_ready;
};

static void end(struct watch *w, enum tool_exit status)
{
	w->status = status;
	loop_stop(&w->loop);
}

/* --- What is listened to ------------------------------------------------------------------------------------------ */

/* Redis's wildcards in a name stand for themselves. */
static void add_literally(struct buf *to, struct slice s)
{
	for (size_t i = 0; i < s.size; i++) {
		if (memchr("*?[]\\", s.at[i], 5))
			buf_add_char(to, '\\');
		buf_add_char(to, s.at[i]);
	}
}

/* KEY#NSP#*, or of all namespaces KEY#/\*. */
static void make_pattern(struct watch *w, struct slice infix)
{
	struct buf *to = &w->patterns[w->n_patterns++];
	const char *nsp = w->args->namespace;

	add_literally(to, w->key);
	buf_add_slice(to, infix);
	if (nsp == NULL || nsp[0] != '/')
		buf_add_char(to, '/');
	add_literally(to, slice_str(nsp));
	buf_add_str(to, nsp ? "#*" : "*");
}

static void subscribed(void *ctx, enum redis_outcome outcome, const struct redis_reply *reply)
{
	struct watch *w = ctx;

	if (outcome == REDIS_ANSWERED && reply->type == REDIS_ERROR) {
		tool_complain("Redis refused: %.*s", SLICE_ARG(reply->text));
		end(w, TOOL_FAILED);
	}
}

static void on_ready(void *ctx)
{
	struct watch *w = ctx;
	struct slice names[2];

	for (size_t i = 0; i < w->n_patterns; i++)
		names[i] = buf_slice(&w->patterns[i]);
	w->confirmed = 0;
	redis_subscribe(w->redis, REDIS_PATTERNS, names, w->n_patterns, subscribed, w);
}

/* For those who start it and then something that is to be seen. */
static void on_subscription(void *ctx, const struct redis_push *m)
{
	struct watch *w = ctx;

	(void)m;
	if (++w->confirmed < w->n_patterns)
		return;
	fprintf(stderr, w->was_ready ? "stoa: connected again\n" : "stoa: watching; Ctrl-C ends it\n");
	w->was_ready = true;
}

static void on_lost(void *ctx, enum redis_trouble why)
{
	(void)ctx;
	tool_complain("%s; trying again, what is emitted meanwhile is missed", redis_trouble_hint(why));
}

/* At first, it is not tried for long. */
static void on_failed(void *ctx, enum redis_trouble why)
{
	struct watch *w = ctx;

	if (w->was_ready)
		return;
	tool_complain("%s", redis_trouble_hint(why));
	end(w, TOOL_FAILED);
}

/* --- What comes --------------------------------------------------------------------------------------------------- */

static bool is_wanted(const struct wire_channel *channel)
{
	return channel->kind == WIRE_CHANNEL_BROADCAST || channel->kind == WIRE_CHANNEL_ROOM ||
	       channel->kind == WIRE_CHANNEL_REQUEST;
}

static void on_message(void *ctx, const struct redis_push *m)
{
	struct watch *w = ctx;
	struct wire_channel channel;

	if (w->loop.stopped || !wire_channel_parse(m->channel, w->key, &channel) || !is_wanted(&channel))
		return;
	watch_show(w->args, &w->arena, &channel, m->payload, &w->count);
	arena_reset(&w->arena);
	w->lines++;
	/* Nobody reads it any more, or all that was wanted has been seen. */
	if (fflush(stdout) != 0 || w->lines == w->args->count)
		end(w, TOOL_DONE);
}

static const struct redis_ops ops = {
	.ready = on_ready, .lost = on_lost, .message = on_message, .subscription = on_subscription, .failed = on_failed
};

static void on_signal(evutil_socket_t number, short what, void *ctx)
{
	(void)number;
	(void)what;
	end(ctx, TOOL_DONE);
}

/* --- Life --------------------------------------------------------------------------------------------------------- */

static bool configure(struct watch *w)
{
	const struct tool_args *a = w->args;
	const char *wrong, *key = tool_redis_option(a->redis_key, "STOA_REDIS_KEY");

	w->config = (struct redis_config){ .name = "stoa-watch",
		.ca_file = tool_redis_option(a->redis_ca_file, "STOA_REDIS_CA_FILE"),
		.cert_file = tool_redis_option(a->redis_cert_file, "STOA_REDIS_CERT_FILE"),
		.key_file = tool_redis_option(a->redis_key_file, "STOA_REDIS_KEY_FILE"),
		.server_name = tool_redis_option(a->redis_server_name, "STOA_REDIS_SERVER_NAME"),
		REDIS_CONFIG_DEFAULTS };
	w->config.max_message = 64 * 1024 * 1024;
	wrong = redis_url_parse(tool_redis_option(a->redis, "STOA_REDIS_URL"), &w->config.url);
	if (wrong)
		tool_complain("--redis: %s", wrong);
	w->key = slice_str(key ? key : "socket.io");
	make_pattern(w, SLICE("#"));
	if (a->requests)
		make_pattern(w, SLICE("-request#"));
	return wrong == NULL;
}

static void watch(struct watch *w)
{
	struct event *interrupt = evsignal_new(w->loop.base, SIGINT, on_signal, w);
	struct event *terminate = evsignal_new(w->loop.base, SIGTERM, on_signal, w);
	int64_t since = clock_now_ms();
	char why[200];

	event_add(interrupt, NULL);
	event_add(terminate, NULL);
	w->redis = redis_open(&w->loop, &w->config, REDIS_SUBSCRIBER, &ops, w, why, sizeof(why));
	if (w->redis)
		loop_run(&w->loop);
	else
		tool_complain("%s", why);
	redis_close(w->redis);
	if (w->was_ready)
		watch_sum_up(&w->count, clock_now_ms() - since);
	event_free(interrupt);
	event_free(terminate);
}

enum tool_exit tool_watch(const struct tool_args *a)
{
	struct watch w = { .args = a, .status = TOOL_FAILED };

	log_set_level(LOG_NONE);
	signal(SIGPIPE, SIG_IGN);
	if (!configure(&w))
		w.status = TOOL_USAGE;
	else if (loop_init(&w.loop) == 0) {
		watch(&w);
		loop_fini(&w.loop);
	}
	for (size_t i = 0; i < w.n_patterns; i++)
		buf_fini(&w.patterns[i]);
	redis_url_fini(&w.config.url);
	arena_fini(&w.arena);
	return w.status;
}
