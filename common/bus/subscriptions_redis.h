/* subscriptions_redis.h - subscriptions.h told to a connection that subscribes. */
#ifndef STOA_BUS_SUBSCRIPTIONS_REDIS_H
#define STOA_BUS_SUBSCRIPTIONS_REDIS_H

#include "redis.h"
#include "subscriptions.h"

/* Sends all that Redis has not been told. 0, or redis_command()'s error: then the bookkeeping has as told what was not, and
 * only a new connection makes that true again. `answered`: once for each SUBSCRIBE, see redis_subscribe(). */
int subscriptions_send(struct subscriptions *names, struct redis *subscriber, redis_reply_fn *answered, void *ctx);

/* What redis_ops.subscription() was told. */
void subscriptions_heard(struct subscriptions *names, const struct redis_push *m);

#endif
