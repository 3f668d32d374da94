/* server_redis.c - a broker and Redis: the application's record, and what the intake hears of it. */
#include "server_redis.h"

#include <stdio.h>
#include <stdlib.h>

#include "log.h"

enum { PUT_APP_MS = 10 * 1000, RETRY_MS = 1000 };

void server_fail(struct server *s, const char *why)
{
	s->status = EXIT_FAILURE;
	snprintf(s->why, sizeof(s->why), "%s", why);
	loop_stop(&s->loop);
}

/* --- The application's record ------------------------------------------------------------------------------------- */

static void put_app_again(struct timer *t, int64_t now_ms)
{
	(void)now_ms;
	server_look_at_app((struct server *)(void *)((char *)t - offsetof(struct server, put_app)));
}

/* A later one heals what was deleted in Redis. What another broker has loaded since then stays: while versions change, the
 * latest counts. */
static void plan_put(struct server *s, int64_t after_ms)
{
	timer_set(&s->loop.timers, &s->put_app, put_app_again, loop_now(&s->loop) + after_ms);
}

/* Whether it is on its way. */
static bool put_app(struct server *s, bool changed)
{
	struct slice key = buf_slice(&s->app_key), record = buf_slice(&s->app);

	if (s->streams->ops->put(s->streams, key, record, 0, NULL, NULL) < 0)
		return false;
	if (changed)
		s->streams->ops->publish(s->streams, key, record, NULL, NULL);
	return true;
}

/* The number of partitions in a record; 0: it is none. */
static unsigned partitions_of(struct slice text)
{
	struct record_rules rules = RECORD_RULES;
	struct arena arena = ARENA_INIT;
	struct app_record r;
	unsigned n = app_record_read(&arena, text, &rules, &r) ? 0 : r.partitions;

	arena_fini(&arena);
	return n;
}

static void begin_intake(struct server *s)
{
	if (s->is_told)
		return;
	s->is_told = true;
	intake_events.up(s->intake, loop_now(&s->loop), s->is_fresh);
	s->is_fresh = false;
}

static bool fits(struct server *s, struct slice found)
{
	unsigned there = partitions_of(found), here = (unsigned)s->options->partitions;
	char why[200];

	if (there == 0 || there == here)
		return true;
	snprintf(why, sizeof(why),
		"the application \"%s\" has %u partitions in this Redis, and %u here: brokers of one application have "
		"the same number",
		s->options->gateway.app_name, there, here);
	server_fail(s, why);
	return false;
}

static void on_app(void *to, int64_t now_ms, int64_t result, struct slice found)
{
	struct server *s = to;

	(void)now_ms;
	if (!s->is_up || s->state > SERVER_SERVING)
		return;
	if (result < 0) {
		plan_put(s, RETRY_MS);
		return;
	}
	if (result > 0 && !fits(s, found))
		return;
	if (result == 0 || s->app_is_news)
		s->app_is_news = !put_app(s, result == 0 || !slice_equal(found, buf_slice(&s->app)));
	plan_put(s, PUT_APP_MS);
	begin_intake(s);
}

void server_look_at_app(struct server *s)
{
	if (s->is_up && s->state == SERVER_SERVING &&
		s->streams->ops->get(s->streams, buf_slice(&s->app_key), on_app, s) < 0)
		plan_put(s, RETRY_MS);
}

/* --- Redis: as the intake hears it, but for its beginning --------------------------------------------------------- */

static void on_up(void *ctx, int64_t now_ms, bool fresh)
{
	struct server *s = ctx;

	(void)now_ms;
	s->is_up = true;
	s->is_fresh |= fresh; /* until the intake has heard of it */
	server_look_at_app(s);
}

static void on_down(void *ctx, int64_t now_ms, const char *why)
{
	struct server *s = ctx;

	s->is_up = false;
	if (s->is_told)
		intake_events.down(s->intake, now_ms, why);
	s->is_told = false;
}

static void on_entry(void *ctx, int64_t now_ms, const struct streams_entry *e)
{
	struct server *s = ctx;

	intake_events.entry(s->intake, now_ms, e);
}

static void on_read_end(void *ctx, int64_t now_ms, int result)
{
	struct server *s = ctx;

	intake_events.read_end(s->intake, now_ms, result);
}

static void on_message(void *ctx, int64_t now_ms, struct slice channel, struct slice payload)
{
	struct server *s = ctx;

	if (intake_events.message)
		intake_events.message(s->intake, now_ms, channel, payload);
}

static void on_listening(void *ctx, int64_t now_ms)
{
	struct server *s = ctx;

	if (intake_events.listening)
		intake_events.listening(s->intake, now_ms);
}

static const struct streams_events streams_events = { on_up, on_down, on_entry, on_read_end, on_message, on_listening };

void server_connect(struct server *s)
{
	char why[512];

	s->streams = streams_redis_open(&s->loop, &s->redis, &streams_events, s, why, sizeof(why));
	if (s->streams)
		intake_join(s->intake, loop_now(&s->loop), s->streams);
	else
		server_fail(s, why);
}
