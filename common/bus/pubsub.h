/*
 * pubsub.h - channels between processes, and the few keys that live as long as their owner: what we use of Redis, as a
 * table of functions. pubsub_redis.h fills it with Redis; the tests' simulated cluster with a net of its own.
 *
 * Everything received is hostile until decoded. A message reaches every process that is subscribed when it is published,
 * at most once, those of one publisher in order. Who is not connected misses it, and is told so by up(gap).
 */
#ifndef STOA_BUS_PUBSUB_H
#define STOA_BUS_PUBSUB_H

#include "slice.h"
#include "subscriptions.h"

struct pubsub;

/* The layer above. Slices live until the function returns. */
struct pubsub_events {
	/* On a channel that is wanted: once, when its name and a pattern fit; but once for each pattern that fits. */
	void (*message)(void *ctx, int64_t now_ms, struct slice channel, struct slice payload);
	/* Everything wanted is subscribed, and a message of our own came back: from here on nothing is missed. `gap`: it
	 * was so before, and messages of the time between are lost. */
	void (*up)(void *ctx, int64_t now_ms, bool gap);
	/* Not any more: the connection is lost, silent or deaf. `why` is a static text. */
	void (*down)(void *ctx, int64_t now_ms, const char *why);
};

/* Answers to what was asked, once each, in the order asked; never from inside the asking function. `result` below 0 is
 * -errno: -ENOTCONN (the link went before the answer), -EPROTO (an error reply, or another shape than expected). */
typedef void pubsub_answer_fn(void *to, int64_t now_ms, int64_t result, struct slice text);

struct pubsub_ops {
	/* Sends, in order with everything else that is published and asked here. 0; -ENOTCONN: down; -ENOBUFS: the queue
	 * is full (redis_max_queue); -EMSGSIZE: above redis_max_publish. Only 0 has sent anything. */
	int (*publish)(struct pubsub *p, struct slice channel, struct slice payload);
	/* How many processes, this one included, are subscribed to the channel. As publish(); 0: `answer` comes. */
	int (*count)(struct pubsub *p, struct slice channel, pubsub_answer_fn *answer, void *to);
	/* Takes a key for ttl_ms, or keeps it so long from now: 1 when it is ours, 0 when another value is there (`text`).
	 * Keys and values are a few dozen bytes, without NULs. */
	int (*claim)(struct pubsub *p, struct slice key, struct slice value, int64_t ttl_ms, pubsub_answer_fn *answer,
		void *to);
	/* The value of a key: 1 and the text, 0 when nobody has it. */
	int (*look_up)(struct pubsub *p, struct slice key, pubsub_answer_fn *answer, void *to);
	/* Gives a key up that claim() said is ours. */
	int (*release)(struct pubsub *p, struct slice key, pubsub_answer_fn *answer, void *to);
	/* See subscriptions.h; told to the other side at the end of the turn. */
	void (*want)(struct pubsub *p, enum subscription_kind kind, struct slice name);
	void (*drop)(struct pubsub *p, enum subscription_kind kind, struct slice name);
	/* Whether it holds now, so that count() counts us. */
	bool (*is_live)(const struct pubsub *p, enum subscription_kind kind, struct slice name);
};

struct pubsub {
	const struct pubsub_ops *ops;
	const struct pubsub_events *events;
	void *ctx;  /* of events */
	bool is_up; /* between up() and down() */
	/* How far what is published has come: messages that went out, and of these, how many, the first ones, the other side
	 * has answered for, or never will since the link broke. What waits for the link is in neither. `moved` (NULL: nobody
	 * wants to know) is called when `over` has grown. */
	uint64_t sent, over;
	void (*moved)(void *to, int64_t now_ms);
	void *moved_to;
};

#endif
