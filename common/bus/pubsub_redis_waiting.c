/* pubsub_redis_waiting.c - publishing; what waits while the connection is away. */
#include <errno.h>
#include <stdlib.h>

#include "metrics.h"
#include "pubsub_redis_internal.h"

static void published(void *ctx, enum redis_outcome outcome, const struct redis_reply *reply)
{
	struct pubsub_redis *b = ctx;

	if (outcome != REDIS_ANSWERED || reply->type == REDIS_ERROR)
		metrics_count(outcome == REDIS_UNKNOWN ? M_BUS_UNPUBLISHED_UNKNOWN : M_BUS_UNPUBLISHED_FAILED);
	b->base.over++;
	if (b->base.moved)
		b->base.moved(b->base.moved_to, loop_now(b->loop));
}

static int send_now(struct pubsub_redis *b, struct slice channel, struct slice payload)
{
	struct slice argv[] = { SLICE("PUBLISH"), channel, payload };
	int error = redis_command(b->commands, argv, 3, published, b);

	if (error)
		return error;
	b->base.sent++;
	metrics_count(M_BUS_PUBLISHED);
	metrics_add(M_BUS_BYTES_PUBLISHED, (int64_t)payload.size);
	return 0;
}

static struct waiting *take(struct pubsub_redis *b)
{
	struct waiting *w = b->waiting.first;

	b->waiting.first = w->next;
	if (w->next == NULL)
		b->waiting.end = &b->waiting.first;
	b->waiting.bytes -= w->channel_size + w->payload_size;
	return w;
}

/* What nobody would be sent any more takes nobody's place. */
static void drop_late(struct pubsub_redis *b, int64_t now_ms)
{
	while (b->waiting.first && now_ms - b->waiting.first->since_ms > b->config.wait_ms) {
		metrics_count(M_BUS_UNPUBLISHED_LATE);
		free(take(b));
	}
}

static int keep(struct pubsub_redis *b, struct slice channel, struct slice payload)
{
	size_t size = channel.size + payload.size;
	struct waiting *w;

	drop_late(b, loop_now(b->loop));
	if (size > b->config.max_waiting - b->waiting.bytes)
		return -ENOBUFS;
	w = malloc(sizeof(*w) + size);
	if (w == NULL)
		return -ENOMEM;
	*w = (struct waiting){
		.since_ms = loop_now(b->loop), .channel_size = channel.size, .payload_size = payload.size
	};
	memcpy(w->bytes, channel.at, channel.size);
	if (payload.size)
		memcpy(w->bytes + channel.size, payload.at, payload.size);
	*b->waiting.end = w;
	b->waiting.end = &w->next;
	b->waiting.bytes += size;
	return 0;
}

static int publish(struct pubsub_redis *b, struct slice channel, struct slice payload)
{
	if (payload.size > b->config.max_publish)
		return -EMSGSIZE;
	/* Behind what waits, so that the order holds. */
	if (!redis_ready(b->commands) || b->waiting.first)
		return keep(b, channel, payload);
	return send_now(b, channel, payload);
}

int waiting_publish(struct pubsub *p, struct slice channel, struct slice payload)
{
	int error = publish(bus_of(p), channel, payload);

	if (error == -ENOBUFS)
		metrics_count(M_BUS_UNPUBLISHED_FULL);
	else if (error == -EMSGSIZE)
		metrics_count(M_BUS_UNPUBLISHED_LARGE);
	else if (error)
		metrics_count(M_BUS_UNPUBLISHED_FAILED);
	return error;
}

void waiting_send(struct pubsub_redis *b, int64_t now_ms)
{
	drop_late(b, now_ms);
	while (b->waiting.first && redis_ready(b->commands)) {
		struct waiting *w = b->waiting.first;
		struct slice channel = slice_of(w->bytes, w->channel_size);
		struct slice payload = slice_of(w->bytes + w->channel_size, w->payload_size);
		int error = send_now(b, channel, payload);

		/* The connection's queue is full: the rest follows when some of it is answered. */
		if (error == -ENOBUFS && redis_queued_bytes(b->commands)) {
			timer_set(&b->loop->timers, &b->send, pubsub_redis_send_again, now_ms + SEND_AGAIN_MS);
			return;
		}
		if (error)
			metrics_count(M_BUS_UNPUBLISHED_FAILED);
		free(take(b));
	}
}

void waiting_fini(struct pubsub_redis *b)
{
	while (b->waiting.first)
		free(take(b));
}
