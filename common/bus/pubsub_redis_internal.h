/*
 * pubsub_redis_internal.h - what the files of the bus over Redis share.
 *
 *	pubsub_redis.c          the connections, the subscriptions, the probe
 *	pubsub_redis_waiting.c  publishing, also while the connection is away
 *	pubsub_redis_asking.c   commands that have an answer
 */
#ifndef STOA_BUS_PUBSUB_REDIS_INTERNAL_H
#define STOA_BUS_PUBSUB_REDIS_INTERNAL_H

#include "pubsub_redis.h"

enum { PROBE_SIZE = 16, SEND_ANYWAY_MS = 1000, SEND_AGAIN_MS = 20 };

/* A message that waits for the connection. */
struct waiting {
	struct waiting *next;
	int64_t since_ms;
	size_t channel_size, payload_size;
	char bytes[]; /* channel, payload */
};

struct asking;

struct pubsub_redis {
	struct pubsub base; /* first */
	struct loop *loop;
	struct pubsub_redis_config config;
	char *own_channel;
	struct slice probe_channel;
	struct redis *commands, *subscriber;
	struct subscriptions names;
	struct timer flush, probe, send;
	int64_t probe_sent_ms;
	bool probe_is_out, was_up;
	char nonce[PROBE_SIZE + 1];
	const char *trouble; /* NULL: up */
	struct {
		struct waiting *first, **end;
		size_t bytes;
	} waiting;
	struct asking *asking; /* answers to come */
	struct grave grave;
};

static inline struct pubsub_redis *bus_of(struct pubsub *p)
{
	return (struct pubsub_redis *)(void *)p;
}
static inline struct pubsub_redis *bus_of_probe(struct timer *t)
{
	return (struct pubsub_redis *)(void *)((char *)t - offsetof(struct pubsub_redis, probe));
}
static inline struct pubsub_redis *bus_of_flush(struct timer *t)
{
	return (struct pubsub_redis *)(void *)((char *)t - offsetof(struct pubsub_redis, flush));
}
static inline struct pubsub_redis *bus_of_send(struct timer *t)
{
	return (struct pubsub_redis *)(void *)((char *)t - offsetof(struct pubsub_redis, send));
}
static inline struct pubsub_redis *bus_of_grave(struct grave *g)
{
	return (struct pubsub_redis *)(void *)((char *)g - offsetof(struct pubsub_redis, grave));
}

int waiting_publish(struct pubsub *p, struct slice channel, struct slice payload);
void pubsub_redis_send_again(struct timer *t, int64_t now_ms);
void waiting_send(struct pubsub_redis *b, int64_t now_ms); /* if the connection is ready */
void waiting_fini(struct pubsub_redis *b);

int asking_count(struct pubsub *p, struct slice channel, pubsub_answer_fn *answer, void *to);
int asking_claim(
	struct pubsub *p, struct slice key, struct slice value, int64_t ttl_ms, pubsub_answer_fn *answer, void *to);
int asking_look_up(struct pubsub *p, struct slice key, pubsub_answer_fn *answer, void *to);
int asking_release(struct pubsub *p, struct slice key, pubsub_answer_fn *answer, void *to);
void asking_close(struct pubsub_redis *b); /* the connection is closed: nothing will be answered */

#endif
