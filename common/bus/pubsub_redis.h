/*
 * pubsub_redis.h - pubsub.h over two connections to Redis: one that subscribes, one for everything else.
 *
 * Down and up. It is up when both connections are ready, every name wanted is subscribed, and a probe came back: a
 * message published by the one connection to a channel of our own and heard by the other. A probe goes out every
 * probe_interval_ms; one that is not back after twice that shows a deaf subscriber (a Redis that lost the subscriptions,
 * a firewall that lets only one direction through), which is left and connected anew. Whenever either connection is
 * lost it is down at once; connections mend themselves (redis.h).
 *
 * What is published while the commands' connection is away waits, at most max_waiting bytes and wait_ms long, and goes
 * out in order when we hear again (the others then will too), or a second after the connection is back; what does not fit is refused with -ENOBUFS, what waited too long is dropped and counted.
 * What was written when the link broke may or may not have been published: it is counted as unknown and not sent again.
 */
#ifndef STOA_BUS_PUBSUB_REDIS_H
#define STOA_BUS_PUBSUB_REDIS_H

#include "pubsub.h"
#include "redis.h"

struct pubsub_redis;

struct pubsub_redis_config {
	struct redis_config redis;  /* borrowed for as long as the bus lives */
	struct slice probe_channel; /* nobody else's; copied */
	int64_t probe_interval_ms;
	size_t max_publish; /* bytes of one message */
	size_t max_waiting;
	int64_t wait_ms;
};

/* Begins to connect. NULL and one sentence in `why`, as redis_open(). events and ctx may be called from the next turn on,
 * never from inside a call of pubsub.h. */
struct pubsub *pubsub_redis_open(struct loop *loop, const struct pubsub_redis_config *config,
	const struct pubsub_events *events, void *ctx, char *why, size_t why_size);
/* No callback runs any more, answers that are due neither. NULL is fine. */
void pubsub_redis_close(struct pubsub *p);

/* Why it is down, a static text; NULL: it is up. */
const char *pubsub_redis_trouble(const struct pubsub *p);

#endif
