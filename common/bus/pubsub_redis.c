/* pubsub_redis.c - the two connections, the probe, and when it is up. See pubsub_redis.h. */
#include "pubsub_redis_internal.h"

#include <errno.h>
#include <stdlib.h>

#include "alloc.h"
#include "log.h"
#include "metrics.h"
#include "random.h"
#include "subscriptions_redis.h"

/* --- Up and down -------------------------------------------------------------------------------------------------- */

static void go_down(struct pubsub_redis *b, int64_t now_ms, const char *why)
{
	b->trouble = why;
	timer_stop(&b->loop->timers, &b->probe);
	if (!b->base.is_up)
		return;
	b->base.is_up = false;
	metrics_set(M_BUS_UP, 0);
	b->base.events->down(b->base.ctx, now_ms, why);
}

static void go_up(struct pubsub_redis *b, int64_t now_ms)
{
	bool gap = b->was_up;

	b->trouble = NULL;
	b->base.is_up = b->was_up = true;
	timer_stop(&b->loop->timers, &b->send);
	waiting_send(b, now_ms);
	metrics_set(M_BUS_UP, 1);
	if (gap)
		metrics_count(M_BUS_GAPS);
	b->base.events->up(b->base.ctx, now_ms, gap);
}

/* --- The probe ---------------------------------------------------------------------------------------------------- */

static void probe(struct timer *t, int64_t now_ms);

static void send_probe(struct pubsub_redis *b, int64_t now_ms)
{
	struct slice argv[] = { SLICE("PUBLISH"), b->probe_channel, slice_of(b->nonce, PROBE_SIZE) };

	random_id(b->nonce, PROBE_SIZE);
	b->probe_sent_ms = now_ms;
	/* One that did not go out says nothing about who hears: it is tried again. */
	b->probe_is_out = redis_command(b->commands, argv, 3, NULL, NULL) == 0;
	timer_set(&b->loop->timers, &b->probe, probe, now_ms + (b->probe_is_out ? 2 : 1) * b->config.probe_interval_ms);
}

/* Due: to send the next, or because the last has not come back. */
static void probe(struct timer *t, int64_t now_ms)
{
	struct pubsub_redis *b = bus_of_probe(t);

	if (!b->probe_is_out) {
		send_probe(b, now_ms);
		return;
	}
	metrics_count(M_BUS_DEAF);
	go_down(b, now_ms, "deaf");
	redis_leave(b->subscriber, REDIS_TROUBLE_SILENT);
}

static void heard_probe(struct pubsub_redis *b, int64_t now_ms, struct slice nonce)
{
	if (!b->probe_is_out || !slice_equal(nonce, slice_of(b->nonce, PROBE_SIZE)))
		return;
	b->probe_is_out = false;
	metrics_set(M_BUS_LAG, now_ms - b->probe_sent_ms);
	timer_set(&b->loop->timers, &b->probe, probe, b->probe_sent_ms + b->config.probe_interval_ms);
	if (!b->base.is_up && subscriptions_are_settled(&b->names))
		go_up(b, now_ms);
}

/* Both connections stand and all is subscribed: what is missing is the proof. */
static void try_up(struct pubsub_redis *b, int64_t now_ms)
{
	metrics_set(M_BUS_UNSETTLED, !subscriptions_are_settled(&b->names));
	if (b->base.is_up || !redis_ready(b->commands) || !redis_ready(b->subscriber))
		return;
	if (subscriptions_are_settled(&b->names) && !b->probe_is_out)
		send_probe(b, now_ms);
}

/* --- Subscriptions ------------------------------------------------------------------------------------------------ */

/* Refused, as a rule by an ACL: what we cannot hear we must not pretend to. It is tried again with the connection. */
static void subscribed(void *ctx, enum redis_outcome outcome, const struct redis_reply *reply)
{
	struct pubsub_redis *b = ctx;

	if (outcome != REDIS_ANSWERED || reply->type != REDIS_ERROR)
		return;
	go_down(b, loop_now(b->loop), "a subscription was refused");
	redis_leave(b->subscriber, REDIS_TROUBLE_NO_PERMISSION);
}

static void flush_names(struct timer *t, int64_t now_ms)
{
	struct pubsub_redis *b = bus_of_flush(t);

	if (!redis_ready(b->subscriber))
		return;
	if (subscriptions_send(&b->names, b->subscriber, subscribed, b) < 0) {
		go_down(b, now_ms, "no room for a subscription");
		redis_leave(b->subscriber, REDIS_TROUBLE_MEMORY);
		return;
	}
	metrics_set(M_BUS_SUBSCRIPTIONS, (int64_t)(subscriptions_count(&b->names, SUBSCRIPTION_CHANNEL) +
						   subscriptions_count(&b->names, SUBSCRIPTION_PATTERN)));
	try_up(b, now_ms);
}

static void flush_soon(struct pubsub_redis *b)
{
	metrics_set(M_BUS_UNSETTLED, 1);
	if (!timer_is_set(&b->flush))
		timer_set(&b->loop->timers, &b->flush, flush_names, loop_now(b->loop));
}

static void on_subscription(void *ctx, const struct redis_push *m)
{
	struct pubsub_redis *b = ctx;

	subscriptions_heard(&b->names, m);
	try_up(b, loop_now(b->loop));
}

static void want(struct pubsub *p, enum subscription_kind kind, struct slice name)
{
	struct pubsub_redis *b = bus_of(p);

	subscriptions_want(&b->names, kind, name);
	flush_soon(b);
}

static void drop(struct pubsub *p, enum subscription_kind kind, struct slice name)
{
	struct pubsub_redis *b = bus_of(p);

	subscriptions_drop(&b->names, kind, name);
	flush_soon(b);
}

static bool is_live(const struct pubsub *p, enum subscription_kind kind, struct slice name)
{
	return subscriptions_is_live(&((const struct pubsub_redis *)(const void *)p)->names, kind, name);
}

/* --- The connections ---------------------------------------------------------------------------------------------- */

/* A channel that fits both a name and a pattern of ours comes twice: as the name once, and once for each pattern. */
static void on_message(void *ctx, const struct redis_push *m)
{
	struct pubsub_redis *b = ctx;
	int64_t now_ms = loop_now(b->loop);

	if (slice_equal(m->channel, b->probe_channel)) {
		heard_probe(b, now_ms, m->payload);
		return;
	}
	if (m->names == REDIS_PATTERNS && subscriptions_is_held(&b->names, SUBSCRIPTION_CHANNEL, m->channel))
		return;
	metrics_count(M_BUS_RECEIVED);
	metrics_add(M_BUS_BYTES_RECEIVED, (int64_t)m->payload.size);
	b->base.events->message(b->base.ctx, now_ms, m->channel, m->payload);
}

static void subscriber_is_ready(void *ctx)
{
	struct pubsub_redis *b = ctx;

	flush_soon(b);
}

static void subscriber_is_lost(void *ctx, enum redis_trouble why)
{
	struct pubsub_redis *b = ctx;

	b->probe_is_out = false;
	subscriptions_lost(&b->names);
	go_down(b, loop_now(b->loop), redis_trouble_name(why));
}

void pubsub_redis_send_again(struct timer *t, int64_t now_ms)
{
	waiting_send(bus_of_send(t), now_ms);
}

static void commands_are_ready(void *ctx)
{
	struct pubsub_redis *b = ctx;
	int64_t now_ms = loop_now(b->loop);

	/* What waited goes out when we hear again, since the others will about then; but not much later without that. */
	timer_set(&b->loop->timers, &b->send, pubsub_redis_send_again, now_ms + SEND_ANYWAY_MS);
	try_up(b, now_ms);
}

static void commands_are_lost(void *ctx, enum redis_trouble why)
{
	struct pubsub_redis *b = ctx;

	b->probe_is_out = false;
	timer_stop(&b->loop->timers, &b->send);
	go_down(b, loop_now(b->loop), redis_trouble_name(why));
}

static const struct redis_ops commands_ops = { .ready = commands_are_ready, .lost = commands_are_lost };
static const struct redis_ops subscriber_ops = {
	.ready = subscriber_is_ready, .lost = subscriber_is_lost, .message = on_message, .subscription = on_subscription
};

/* --- Life --------------------------------------------------------------------------------------------------------- */

static const struct pubsub_ops ops = { .publish = waiting_publish,
	.count = asking_count,
	.claim = asking_claim,
	.look_up = asking_look_up,
	.release = asking_release,
	.want = want,
	.drop = drop,
	.is_live = is_live };

struct pubsub *pubsub_redis_open(struct loop *loop, const struct pubsub_redis_config *config,
	const struct pubsub_events *events, void *ctx, char *why, size_t why_size)
{
	struct pubsub_redis *b = must_alloc(sizeof(*b));

	*b = (struct pubsub_redis){ .base = { .ops = &ops, .events = events, .ctx = ctx },
		.loop = loop,
		.config = *config,
		.trouble = "connecting" };
	b->own_channel = must_strndup(config->probe_channel.at, config->probe_channel.size);
	b->probe_channel = slice_of(b->own_channel, config->probe_channel.size);
	subscriptions_init(&b->names);
	b->waiting.end = &b->waiting.first;
	subscriptions_want(&b->names, SUBSCRIPTION_CHANNEL, b->probe_channel);
	b->commands = redis_open(loop, &b->config.redis, REDIS_COMMANDS, &commands_ops, b, why, why_size);
	if (b->commands)
		b->subscriber = redis_open(loop, &b->config.redis, REDIS_SUBSCRIBER, &subscriber_ops, b, why, why_size);
	if (b->subscriber)
		return &b->base;
	pubsub_redis_close(&b->base);
	return NULL;
}

static void free_bus(struct grave *g)
{
	struct pubsub_redis *b = bus_of_grave(g);

	subscriptions_fini(&b->names);
	waiting_fini(b);
	free(b->own_channel);
	free(b);
}

void pubsub_redis_close(struct pubsub *p)
{
	struct pubsub_redis *b = p ? bus_of(p) : NULL;

	if (b == NULL)
		return;
	redis_close(b->commands);
	redis_close(b->subscriber);
	asking_close(b);
	timer_stop(&b->loop->timers, &b->probe);
	timer_stop(&b->loop->timers, &b->flush);
	timer_stop(&b->loop->timers, &b->send);
	metrics_set(M_BUS_UP, 0);
	graveyard_bury(&b->loop->graveyard, &b->grave, free_bus);
}

/* What a connection fails of now says more than how it was lost. */
static const char *trouble_of(const struct redis *r)
{
	enum redis_trouble trouble = redis_ready(r) ? REDIS_TROUBLE_COUNT : redis_trouble(r);

	return trouble == REDIS_TROUBLE_COUNT ? NULL : redis_trouble_name(trouble);
}

const char *pubsub_redis_trouble(const struct pubsub *p)
{
	const struct pubsub_redis *b = (const struct pubsub_redis *)(const void *)p;
	const char *commands = trouble_of(b->commands), *subscriber = trouble_of(b->subscriber);

	if (p->is_up)
		return NULL;
	return commands ? commands : subscriber ? subscriber : b->trouble;
}
