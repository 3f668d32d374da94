/* subscriptions_redis.c - see subscriptions_redis.h. */
#include "subscriptions_redis.h"

#include "metrics.h"

enum { SUBSCRIBE_AT_ONCE = 128 };

static const enum redis_names redis_kinds[] = {
	[SUBSCRIPTION_CHANNEL] = REDIS_CHANNELS,
	[SUBSCRIPTION_PATTERN] = REDIS_PATTERNS,
};

int subscriptions_send(struct subscriptions *names, struct redis *subscriber, redis_reply_fn *answered, void *ctx)
{
	struct slice at[SUBSCRIBE_AT_ONCE];
	struct subscription_batch batch;
	int error = 0;

	while (error == 0 && (batch = subscriptions_next(names, at, SUBSCRIBE_AT_ONCE)).n > 0) {
		enum redis_names kind = redis_kinds[batch.kind];

		metrics_add(batch.subscribe ? M_BUS_SUBSCRIBES : M_BUS_UNSUBSCRIBES, (int64_t)batch.n);
		error = batch.subscribe ? redis_subscribe(subscriber, kind, at, batch.n, answered, ctx)
					: redis_unsubscribe(subscriber, kind, at, batch.n, NULL, NULL);
	}
	return error;
}

void subscriptions_heard(struct subscriptions *names, const struct redis_push *m)
{
	if (m->names != REDIS_SHARDED)
		subscriptions_answered(
			names, m->names == REDIS_PATTERNS ? SUBSCRIPTION_PATTERN : SUBSCRIPTION_CHANNEL, m->name);
}
