/* streams_redis.c - the connections, the channels, up and down. See streams_redis.h. */
#include <errno.h>
#include <stdlib.h>

#include "alloc.h"
#include "log.h"
#include "metrics.h"
#include "streams_redis_internal.h"
#include "subscriptions_redis.h"

#define OF(type_, member_) ((struct streams_redis *)(void *)((char *)(type_)-offsetof(struct streams_redis, member_)))

/* --- Up and down -------------------------------------------------------------------------------------------------- */

static void go_down(struct streams_redis *s, const char *why)
{
	int64_t now_ms = loop_now(s->loop);

	s->trouble = why;
	timer_stop(&s->loop->timers, &s->hold);
	if (!s->base.is_up)
		return;
	s->base.is_up = false;
	metrics_set(M_STREAMS_UP, 0);
	questions_lost(s);
	if (!s->closed)
		reading_lost(s, now_ms);
	if (!s->closed)
		s->base.events->down(s->base.ctx, now_ms, why);
}

static void tell_listening(struct streams_redis *s, int64_t now_ms)
{
	if (s->subscriber && s->base.events->listening)
		s->base.events->listening(s->base.ctx, now_ms);
}

static void go_up(struct streams_redis *s, int64_t now_ms)
{
	bool fresh = s->run.is_fresh;

	s->trouble = NULL;
	s->base.is_up = true;
	s->run.is_fresh = false;
	metrics_set(M_STREAMS_UP, 1);
	if (fresh)
		metrics_count(M_STREAMS_FRESH);
	log_info("streams-up", LOG_I("fresh", fresh));
	s->base.events->up(s->base.ctx, now_ms, fresh);
	if (!s->closed && s->base.is_up)
		tell_listening(s, now_ms);
}

static bool is_ready(const struct streams_redis *s)
{
	if (!redis_ready(s->commands) || !s->run.is_known)
		return false;
	if (s->reader && !redis_ready(s->reader))
		return false;
	return s->subscriber == NULL || (redis_ready(s->subscriber) && subscriptions_are_settled(&s->names));
}

static void try_up(struct streams_redis *s);

static void held(struct timer *t, int64_t now_ms)
{
	(void)now_ms;
	try_up(OF(t, hold));
}

static void try_up(struct streams_redis *s)
{
	int64_t now_ms = loop_now(s->loop);

	if (s->base.is_up || !is_ready(s))
		return;
	if (!s->run.is_other && now_ms < s->reading.until_ms) {
		timer_set(&s->loop->timers, &s->hold, held, s->reading.until_ms);
		return;
	}
	go_up(s, now_ms);
}

/* --- Which Redis this is ------------------------------------------------------------------------------------------ */

/* "run_id:<40 hex digits>\r\n", among others. Empty: it is not there. */
static struct slice run_id_of(struct slice info)
{
	const struct slice name = SLICE("run_id:");

	while (info.size) {
		struct slice line = slice_first(info, slice_find(info, '\n'));

		if (slice_starts(line, name)) {
			line = slice_from(line, name.size);
			return slice_first(line, slice_find(line, '\r'));
		}
		info = slice_from(info, line.size < info.size ? line.size + 1 : line.size);
	}
	return info;
}

static void keep_run(struct streams_redis *s, struct slice id)
{
	bool is_readable = id.size > 0 && id.size <= RUN_ID_MAX, was_known = s->run.id[0] != '\0';
	bool is_same = is_readable && slice_equal(id, slice_str(s->run.id));

	s->run.is_known = true;
	s->run.is_fresh |= !is_same;
	s->run.is_other = is_readable && was_known && !is_same;
	memset(s->run.id, 0, sizeof(s->run.id));
	if (is_readable)
		memcpy(s->run.id, id.at, id.size);
}

static void heard_info(void *ctx, enum redis_outcome outcome, const struct redis_reply *reply)
{
	struct streams_redis *s = ctx;

	if (outcome != REDIS_ANSWERED)
		return;
	keep_run(s, reply->type == REDIS_STRING ? run_id_of(reply->text) : slice_of(NULL, 0));
	try_up(s);
}

/* --- The connections ---------------------------------------------------------------------------------------------- */

static void commands_are_ready(void *ctx)
{
	struct streams_redis *s = ctx;

	if (redis_command(s->commands, (struct slice[]){ SLICE("INFO"), SLICE("server") }, 2, heard_info, s) < 0)
		redis_leave(s->commands, REDIS_TROUBLE_MEMORY);
}

static void commands_are_lost(void *ctx, enum redis_trouble why)
{
	struct streams_redis *s = ctx;

	s->run.is_known = false;
	go_down(s, redis_trouble_name(why));
}

static void reader_is_ready(void *ctx)
{
	struct streams_redis *s = ctx;

	reading_ready(s);
	try_up(s);
}

static void reader_is_lost(void *ctx, enum redis_trouble why)
{
	go_down(ctx, redis_trouble_name(why));
}

static const struct redis_ops commands_ops = { .ready = commands_are_ready, .lost = commands_are_lost };
static const struct redis_ops reader_ops = { .ready = reader_is_ready, .lost = reader_is_lost };

bool streams_redis_open_reader(struct streams_redis *s)
{
	char why[300];

	s->reader = redis_open(s->loop, &s->config.redis, REDIS_COMMANDS, &reader_ops, s, why, sizeof(why));
	if (s->reader == NULL)
		log_error("streams-reader", LOG_S("why", why));
	return s->reader != NULL;
}

/* --- Channels ----------------------------------------------------------------------------------------------------- */

/* Refused, as a rule by an ACL: what we cannot hear we must not pretend to. It is tried again with the connection. */
static void subscribed(void *ctx, enum redis_outcome outcome, const struct redis_reply *reply)
{
	struct streams_redis *s = ctx;

	if (outcome != REDIS_ANSWERED || reply->type != REDIS_ERROR)
		return;
	redis_leave(s->subscriber, REDIS_TROUBLE_NO_PERMISSION);
	go_down(s, "a subscription was refused");
}

static void flush_names(struct timer *t, int64_t now_ms)
{
	struct streams_redis *s = OF(t, flush);

	(void)now_ms;
	if (redis_ready(s->subscriber) && subscriptions_send(&s->names, s->subscriber, subscribed, s) < 0)
		redis_leave(s->subscriber, REDIS_TROUBLE_MEMORY);
}

static void flush_soon(struct streams_redis *s)
{
	if (!timer_is_set(&s->flush))
		timer_set(&s->loop->timers, &s->flush, flush_names, loop_now(s->loop));
}

static void subscriber_is_ready(void *ctx)
{
	flush_soon(ctx);
}

static void subscriber_is_lost(void *ctx, enum redis_trouble why)
{
	struct streams_redis *s = ctx;

	subscriptions_lost(&s->names);
	go_down(s, redis_trouble_name(why));
}

static void on_subscription(void *ctx, const struct redis_push *m)
{
	struct streams_redis *s = ctx;

	subscriptions_heard(&s->names, m);
	if (!subscriptions_are_settled(&s->names))
		return;
	if (s->base.is_up)
		tell_listening(s, loop_now(s->loop));
	else
		try_up(s);
}

static void on_message(void *ctx, const struct redis_push *m)
{
	struct streams_redis *s = ctx;

	if (s->base.events->message)
		s->base.events->message(s->base.ctx, loop_now(s->loop), m->channel, m->payload);
}

static const struct redis_ops subscriber_ops = {
	.ready = subscriber_is_ready, .lost = subscriber_is_lost, .message = on_message, .subscription = on_subscription
};

static void listen_to(struct streams *base, struct slice channel)
{
	struct streams_redis *s = streams_of(base);
	char why[300];

	subscriptions_want(&s->names, SUBSCRIPTION_CHANNEL, channel);
	if (s->subscriber == NULL)
		s->subscriber =
			redis_open(s->loop, &s->config.redis, REDIS_SUBSCRIBER, &subscriber_ops, s, why, sizeof(why));
	if (s->subscriber)
		flush_soon(s);
	else
		log_error("streams-subscriber", LOG_S("why", why));
}

/* --- Life --------------------------------------------------------------------------------------------------------- */

static const struct streams_ops ops = { .add = streams_redis_add,
	.note = streams_redis_note,
	.ack = streams_redis_ack,
	.find = streams_redis_find,
	.length = streams_redis_length,
	.create = streams_redis_create,
	.read = streams_redis_read,
	.claim = streams_redis_claim,
	.take = streams_redis_take,
	.pending = streams_redis_pending,
	.leave = streams_redis_leave,
	.claim_key = streams_redis_claim_key,
	.release_key = streams_redis_release_key,
	.put = streams_redis_put,
	.get = streams_redis_get,
	.enlist = streams_redis_enlist,
	.list = streams_redis_list,
	.field_put = streams_redis_field_put,
	.field_get = streams_redis_field_get,
	.field_drop = streams_redis_field_drop,
	.field_scan = streams_redis_field_scan,
	.field_to_entry = streams_redis_field_to_entry,
	.publish = streams_redis_publish,
	.listen = listen_to };

struct streams *streams_redis_open(struct loop *loop, const struct streams_redis_config *config,
	const struct streams_events *events, void *ctx, char *why, size_t why_size)
{
	struct streams_redis *s = must_alloc(sizeof(*s));

	*s = (struct streams_redis){ .base = { .ops = &ops, .events = events, .ctx = ctx },
		.loop = loop,
		.config = *config,
		.trouble = "connecting" };
	TAILQ_INIT(&s->questions);
	subscriptions_init(&s->names);
	s->commands = redis_open(loop, &s->config.redis, REDIS_COMMANDS, &commands_ops, s, why, why_size);
	if (s->commands)
		return &s->base;
	streams_redis_close(&s->base);
	return NULL;
}

static void free_streams(struct grave *g)
{
	struct streams_redis *s = OF(g, grave);

	questions_free(s);
	reading_close(s);
	subscriptions_fini(&s->names);
	free(s);
}

void streams_redis_close(struct streams *base)
{
	struct streams_redis *s = base ? streams_of(base) : NULL;

	if (s == NULL)
		return;
	s->closed = true;
	s->base.is_up = false;
	redis_close(s->commands);
	redis_close(s->reader);
	redis_close(s->subscriber);
	timer_stop(&s->loop->timers, &s->flush);
	timer_stop(&s->loop->timers, &s->hold);
	metrics_set(M_STREAMS_UP, 0);
	graveyard_bury(&s->loop->graveyard, &s->grave, free_streams);
}

/* What a connection fails of now says more than how it was lost. */
static const char *trouble_of(const struct redis *r)
{
	enum redis_trouble trouble = r == NULL || redis_ready(r) ? REDIS_TROUBLE_COUNT : redis_trouble(r);

	return trouble == REDIS_TROUBLE_COUNT ? NULL : redis_trouble_name(trouble);
}

const char *streams_redis_trouble(const struct streams *base)
{
	const struct streams_redis *s = (const struct streams_redis *)(const void *)base;
	const struct redis *const connections[] = { s->commands, s->reader, s->subscriber };

	for (size_t i = 0; !base->is_up && i < 3; i++)
		if (trouble_of(connections[i]))
			return trouble_of(connections[i]);
	return base->is_up ? NULL : s->trouble;
}
