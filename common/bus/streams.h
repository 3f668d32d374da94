/*
 * streams.h - streams of entries between processes, and the leases, hashes and channels around them: what gateways and
 * brokers use of Redis, as a table of functions. streams_redis.h fills it with Redis; the tests' simulated cluster with
 * one of its own.
 *
 * A stream holds entries in order, each with an id ("1700000000000-0"). Consumers of one group (records_group) share a
 * stream: an entry is given to one of them, and stays pending with it until it is acknowledged, which also removes it.
 *
 * Nothing waits, and nothing answers from inside the asking call. What is asked is done in the order asked and answered once
 * each in that order, but for read(), which has a connection of its own. `result`
 * below 0 is -errno: -ENOTCONN (the link went before the answer: it may or may not have been done), -EPROTO (an error
 * reply, or another shape than expected; it was logged), -ENOENT (claim() and read(): the stream has no group).
 */
#ifndef STOA_BUS_STREAMS_H
#define STOA_BUS_STREAMS_H

#include "slice.h"

struct streams;

typedef void streams_answer_fn(void *to, int64_t now_ms, int64_t result, struct slice text);

/* One entry that was read or claimed. `deliveries`: how often it was given to anybody, this time included. `record` is empty
 * when it has no such field: nobody of ours wrote it. */
struct streams_entry {
	struct slice stream, id, record;
	uint64_t deliveries;
};

/* The layer above. Slices live until the function returns. */
struct streams_events {
	/* Everything may be asked from here on, and what listen() named is heard. `fresh`: this is not the Redis of before, or
	 * it has forgotten (another run id, or the first time): streams, groups, hashes and leases may be gone, or not. What
	 * was given to a read() that has ended with -ENOTCONN is pending: claim() it. */
	void (*up)(void *ctx, int64_t now_ms, bool fresh);
	void (*down)(
		void *ctx, int64_t now_ms, const char *why); /* all that was asked has been answered with -ENOTCONN */
	/* Of read(): each entry, then read_end(), once per read(); of claim() and take(): entries alone. -ENOENT: a stream has
	 * no group (create() it). */
	void (*entry)(void *ctx, int64_t now_ms, const struct streams_entry *e);
	void (*read_end)(void *ctx, int64_t now_ms, int result);
	/* On a channel that listen() named. */
	void (*message)(void *ctx, int64_t now_ms, struct slice channel, struct slice payload);
	/* Messages of the channels may have been missed until now; called with every (re)subscription, after up(). */
	void (*listening)(void *ctx, int64_t now_ms);
};

struct streams_ops {
	/* Each returns 0; -ENOTCONN: down; -ENOBUFS: the queue is full (redis_max_queue); -EMSGSIZE (redis_max_publish);
	 * -ENOMEM. Only 0 has sent anything. `answer` NULL: nobody cares. */

	/* Appends, unless the stream holds max_entries already: 1 and the id, or 0. */
	int (*add)(struct streams *s, struct slice stream, struct slice record, size_t max_entries,
		streams_answer_fn *answer, void *to);
	/* Appends an entry of other fields, for people (dead letters): `pairs` are n names, each with its value behind it. Of
	 * more than max_entries the oldest go. 1 and the id. */
	int (*note)(struct streams *s, struct slice stream, const struct slice *pairs, size_t n, size_t max_entries,
		streams_answer_fn *answer, void *to);
	/* Acknowledges and removes: 1, or 0: it was not pending (any more). */
	int (*ack)(struct streams *s, struct slice stream, struct slice id, streams_answer_fn *answer, void *to);
	/* Whether the entry is in the stream: 1 or 0. */
	int (*find)(struct streams *s, struct slice stream, struct slice id, streams_answer_fn *answer, void *to);
	int (*length)(struct streams *s, struct slice stream, streams_answer_fn *answer, void *to);

	/* Makes stream and group, which begins with the stream's first entry: 1, or 0 when they are there. */
	int (*create)(struct streams *s, struct slice stream, streams_answer_fn *answer, void *to);
	/* Waits at most block_ms (0: not at all; at most half of redis_command_timeout) for entries that nobody was given yet, at
	 * most `count` of each stream, for events.entry(); one read() at a time (-EBUSY). */
	int (*read)(struct streams *s, struct slice consumer, const struct slice *streams, size_t n, size_t count,
		int64_t block_ms);
	/* Takes over pending entries of the group, of any consumer, from `after` on (exclusive; empty: from the first), at
	 * most `count`: events.entry() with each, oldest first, before `answer` with how many. Its deliveries stay as they are
	 * (XCLAIM with RETRYCOUNT): who changes is no failure of the event's.
	 * What was removed while it was pending is acknowledged and not told: fewer than `count` does not say that there are
	 * no more; 0 does. */
	int (*claim)(struct streams *s, struct slice consumer, struct slice stream, struct slice after, size_t count,
		streams_answer_fn *answer, void *to);
	/* The same for one that is pending, once more: 1, its deliveries having gone up by one, or 0 when it is not pending
	 * (acknowledged, or removed). */
	int (*take)(struct streams *s, struct slice consumer, struct slice stream, struct slice id,
		streams_answer_fn *answer, void *to);
	/* What is pending in the group, with any consumer, from `after` on (exclusive; empty: from the first), at most `count`:
	 * the id of each, oldest first, before `answer` with how many; 0: there are no more. */
	int (*pending)(struct streams *s, struct slice stream, struct slice after, size_t count,
		void (*each)(void *to, struct slice id), streams_answer_fn *answer, void *to);
	/* The consumer will not come back: it is forgotten and the answer 1, or 0 and it stays, when something is pending with it
	 * (DELCONSUMER would lose that to all). */
	int (*leave)(
		struct streams *s, struct slice consumer, struct slice stream, streams_answer_fn *answer, void *to);

	/* Takes a key for ttl_ms, or keeps it so long from now: 1 when it is ours, 0 and the text when another value is there. */
	int (*claim_key)(struct streams *s, struct slice key, struct slice value, int64_t ttl_ms,
		streams_answer_fn *answer, void *to);
	/* Gives a key up, if its value is still this: 1, or 0. */
	int (*release_key)(
		struct streams *s, struct slice key, struct slice value, streams_answer_fn *answer, void *to);
	/* A value of any size; ttl_ms 0: for ever. */
	int (*put)(struct streams *s, struct slice key, struct slice value, int64_t ttl_ms, streams_answer_fn *answer,
		void *to);
	int (*get)(struct streams *s, struct slice key, streams_answer_fn *answer, void *to); /* 1 and the text, or 0 */

	/*
	 * Lists of names, for what is to be found by others: each name has a key, prefix and name, that runs out (put(),
	 * claim_key()), and is in the list for as long as its owner says so with each renewal of that. Whatever else is in
	 * this Redis costs nothing. A list that Redis has lost is made anew by the next renewals, and one that nobody
	 * renews goes after a day.
	 */

	/* Adds the name to the list: 1, or 0 when it was there. A few others of the list, picked by chance, are taken off if
	 * their keys are gone. */
	int (*enlist)(struct streams *s, struct slice list, struct slice prefix, struct slice name,
		streams_answer_fn *answer, void *to);
	/* How many names of the list have their keys, each told to `each` with its key's value before `answer`; the others
	 * are taken off. A few dozen (brokers): of more than 1024 names chance picks so many. */
	int (*list)(struct streams *s, struct slice list, struct slice prefix,
		void (*each)(void *to, struct slice name, struct slice value), streams_answer_fn *answer, void *to);

	/* Fields of a hash. field_drop(): 1, or 0 when it was not there: whoever got the 1 did it. */
	int (*field_put)(struct streams *s, struct slice hash, struct slice field, struct slice value,
		streams_answer_fn *answer, void *to);
	int (*field_get)(struct streams *s, struct slice hash, struct slice field, streams_answer_fn *answer, void *to);
	int (*field_drop)(
		struct streams *s, struct slice hash, struct slice field, streams_answer_fn *answer, void *to);
	/* Some of its fields from `cursor` (0: from the beginning), each told before `answer`, whose result is the next
	 * cursor, 0 when all were seen. */
	int (*field_scan)(struct streams *s, struct slice hash, uint64_t cursor,
		void (*each)(void *to, struct slice field, struct slice value), streams_answer_fn *answer, void *to);

	/* Removes a field of a hash and appends the record to the stream, both at once, if the field was there and the key
	 * `unless` is not: 1, or 0. */
	int (*field_to_entry)(struct streams *s, struct slice unless, struct slice hash, struct slice field,
		struct slice stream, struct slice record, streams_answer_fn *answer, void *to);

	/* The result: how many processes were subscribed. */
	int (*publish)(
		struct streams *s, struct slice channel, struct slice payload, streams_answer_fn *answer, void *to);
	/* From now on, across reconnections. A few channels; before up() as well. */
	void (*listen)(struct streams *s, struct slice channel);
};

struct streams {
	const struct streams_ops *ops;
	const struct streams_events *events;
	void *ctx; /* of events */
	bool is_up;
};

#endif
