/*
 * streams_redis.h - streams.h over connections to Redis (6.2 or later): one for commands, one that reads and waits, opened
 * with the first read(), and one that subscribes, opened with the first listen().
 *
 * Down and up. It is up when every connection that is in use is ready, all channels are subscribed, and Redis has said
 * which run of it this is (INFO server; where an ACL denies that, every connection counts as another run: fresh). When any
 * of them is lost it is down at once, so that whoever is above has one state to restore, not three.
 *
 * A read() that waited in Redis when its connection was lost may be given entries there until its time is over, so a Redis
 * that is not fresh is up again only then.
 *
 * What needs more than one step at once (an append with a bound, a take-over, a lease) is a script of a few lines, sent with
 * every command: no state in Redis to lose. The rights of an ACL user: +@stream +@scripting +info +get +set +del +hset +hget
 * +hdel +hscan +sadd +srem +srandmember +exists +expire +publish +subscribe +ping, on the keys and channels of records.h.
 */
#ifndef STOA_BUS_STREAMS_REDIS_H
#define STOA_BUS_STREAMS_REDIS_H

#include "redis.h"
#include "streams.h"

struct streams_redis_config {
	struct redis_config redis; /* borrowed for as long as the streams live */
	struct slice group, field; /* records_group, records_field; borrowed */
	size_t max_publish;        /* bytes of one record, value or message */
};

/* Begins to connect. NULL and one sentence in `why`, as redis_open(). events and ctx may be called from the next turn on,
 * never from inside a call of streams.h. The config is copied. */
struct streams *streams_redis_open(struct loop *loop, const struct streams_redis_config *config,
	const struct streams_events *events, void *ctx, char *why, size_t why_size);
/* No callback runs any more, answers that are due neither. NULL is fine. */
void streams_redis_close(struct streams *s);

/* Why it is down, a static text; NULL: it is up. */
const char *streams_redis_trouble(const struct streams *s);

#endif
