/* tool_store.c - see tool_store.h. */
#include "tool_store.h"

#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "alloc.h"
#include "log.h"
#include "records.h"
#include "redis.h"

/* Queued until it is ready, then with an answer to come. */
struct said {
	struct said *next;
	struct tool_store *store;
	tool_heard_fn *heard;
	void *ctx;
	size_t argc;
	struct slice argv[];
};

struct tool_store {
	struct loop loop;
	struct redis_config config;
	struct redis *redis;
	struct said *first, **end; /* not sent */
	size_t awaited;            /* answers */
	bool failed;
};

static void fail(struct tool_store *s, const char *why)
{
	if (!s->failed)
		tool_complain("%s", why);
	s->failed = true;
	loop_stop(&s->loop);
}

/* --- Saying ------------------------------------------------------------------------------------------------------- */

static void free_said(struct said *q)
{
	for (size_t i = 0; i < q->argc; i++)
		free((void *)(uintptr_t)q->argv[i].at);
	free(q);
}

static void complain_of(const struct redis_reply *reply)
{
	char text[200];

	snprintf(text, sizeof(text), "%.*s", SLICE_ARG(reply->text));
	tool_complain("Redis refused: %s", text);
}

static void answered(void *ctx, enum redis_outcome outcome, const struct redis_reply *reply)
{
	struct said *q = ctx;
	struct tool_store *s = q->store;

	s->awaited--;
	if (outcome == REDIS_ANSWERED && reply->type == REDIS_ERROR) {
		if (!s->failed)
			complain_of(reply);
		s->failed = true;
	} else if (outcome == REDIS_ANSWERED && q->heard) {
		q->heard(q->ctx, reply);
	}
	free_said(q);
	if (s->awaited == 0 && s->first == NULL)
		loop_stop(&s->loop);
}

/* What does not fit follows when some of it is answered. */
static void send_waiting(void *ctx, int64_t now_ms)
{
	struct tool_store *s = ctx;

	(void)now_ms;
	while (s->first && redis_ready(s->redis)) {
		struct said *q = s->first, *next = q->next;
		int error = redis_command(s->redis, q->argv, q->argc, answered, q);

		if (error && s->awaited)
			return;
		if (error) {
			fail(s, "the command is too large");
			return;
		}
		s->awaited++;
		s->first = next;
		if (next == NULL)
			s->end = &s->first;
	}
}

void tool_store_say(struct tool_store *s, const struct slice *argv, size_t argc, tool_heard_fn *heard, void *ctx)
{
	struct said *q = must_alloc(sizeof(*q) + argc * sizeof(*argv));

	q->store = s;
	q->heard = heard;
	q->ctx = ctx;
	q->argc = argc;
	for (size_t i = 0; i < argc; i++)
		q->argv[i] = slice_of(must_strndup(argv[i].size ? argv[i].at : "", argv[i].size), argv[i].size);
	*s->end = q;
	s->end = &q->next;
}

bool tool_store_wait(struct tool_store *s)
{
	send_waiting(s, 0);
	if (!s->failed && (s->first || s->awaited))
		loop_run(&s->loop);
	return !s->failed;
}

bool tool_store_ask(struct tool_store *s, const struct slice *argv, size_t argc, tool_heard_fn *heard, void *ctx)
{
	tool_store_say(s, argv, argc, heard, ctx);
	return tool_store_wait(s);
}

/* --- The connection ----------------------------------------------------------------------------------------------- */

static const char *why_of(enum redis_trouble trouble)
{
	if (trouble == REDIS_TROUBLE_SILENT || trouble == REDIS_TROUBLE_TIMEOUT)
		return "Redis did not answer in time";
	return redis_trouble_hint(trouble);
}

static void failed(void *ctx, enum redis_trouble trouble)
{
	fail(ctx, why_of(trouble));
}

static const struct redis_ops ops = { .failed = failed, .lost = failed };

static const char *configure(struct tool_store *s, const struct tool_args *a)
{
	struct redis_config *c = &s->config;

	*c = (struct redis_config){ REDIS_CONFIG_DEFAULTS };
	c->name = "stoa";
	c->ca_file = tool_redis_option(a->redis_ca_file, "STOA_REDIS_CA_FILE");
	c->cert_file = tool_redis_option(a->redis_cert_file, "STOA_REDIS_CERT_FILE");
	c->key_file = tool_redis_option(a->redis_key_file, "STOA_REDIS_KEY_FILE");
	c->server_name = tool_redis_option(a->redis_server_name, "STOA_REDIS_SERVER_NAME");
	c->connect_timeout_ms = c->command_timeout_ms = a->timeout_ms;
	c->max_queue = 2 * c->max_message; /* a letter and what is around it */
	c->max_message = 4 * c->max_message;
	return redis_url_parse(tool_redis_option(a->redis, "STOA_REDIS_URL"), &c->url);
}

struct tool_store *tool_store_open(const struct tool_args *a)
{
	struct tool_store *s = must_alloc(sizeof(*s));
	char text[300] = "out of memory";
	const char *why;

	signal(SIGPIPE, SIG_IGN);
	log_set_level(LOG_NONE);
	s->end = &s->first;
	why = configure(s, a);
	if (why == NULL && loop_init(&s->loop) == 0) {
		loop_on_turn_end(&s->loop, send_waiting, s);
		s->redis = redis_open(&s->loop, &s->config, REDIS_COMMANDS, &ops, s, text, sizeof(text));
	}
	if (s->redis)
		return s;
	tool_complain("--redis: %s", why ? why : text);
	tool_store_close(s);
	return NULL;
}

void tool_store_close(struct tool_store *s)
{
	if (s == NULL)
		return;
	redis_close(s->redis);
	while (s->first) {
		struct said *q = s->first;

		s->first = q->next;
		free_said(q);
	}
	if (s->loop.base) {
		event_base_loop(s->loop.base, EVLOOP_NONBLOCK); /* a lookup that was given up is freed by a turn */
		loop_fini(&s->loop);
	}
	redis_url_fini(&s->config.url);
	free(s);
}

const char *tool_app_name(const struct tool_args *a)
{
	const char *name = tool_redis_option(a->app_name, "STOA_APP_NAME");

	if (name == NULL)
		return "app";
	if (app_name_ok(name))
		return name;
	tool_complain("--app-name %s: 1 to %d of A-Z, a-z, 0-9, _, . and - were expected", name, APP_NAME_MAX);
	return NULL;
}
