/*
 * subscriptions.h - which channels are wanted, and what the other side was told of it. Pure bookkeeping, no I/O.
 *
 * Names are wanted and dropped one by one, as often as somebody needs them; what differs from what was asked of Redis
 * so far is taken out in batches, at the end of a turn of the loop: a room that comes and goes within a turn costs
 * nothing, and a thousand joins are a few commands. A name whose last user went is released.
 *
 * Redis answers each name of a SUBSCRIBE or UNSUBSCRIBE once, in order. A name is live when every answer to it is there
 * and the last was to a SUBSCRIBE. When the link is lost all of it is asked for anew.
 */
#ifndef STOA_BUS_SUBSCRIPTIONS_H
#define STOA_BUS_SUBSCRIPTIONS_H

#include "map.h"

/* A channel's name, or a pattern as PSUBSCRIBE takes it. */
enum subscription_kind { SUBSCRIPTION_CHANNEL, SUBSCRIPTION_PATTERN, SUBSCRIPTION_KINDS };

struct subscription;

struct subscriptions {
	struct map names[SUBSCRIPTION_KINDS];
	struct subscription *changed, **changed_end; /* what Redis has not been told */
	size_t unsettled;                            /* names with an answer to come */
};

void subscriptions_init(struct subscriptions *s);
void subscriptions_fini(struct subscriptions *s);

/* Counted: wanted twice must be dropped twice. The name is copied. Aborts without memory (alloc.h): callers bound how
 * many there are. Dropping what is not wanted does nothing. */
void subscriptions_want(struct subscriptions *s, enum subscription_kind kind, struct slice name);
void subscriptions_drop(struct subscriptions *s, enum subscription_kind kind, struct slice name);

/* One command's worth: `subscribe` says which command, `kind` of which form, names[0..n) what it names. 0: Redis has
 * been told everything. The slices are good until the next call to anything here. At most `max` names. */
struct subscription_batch {
	enum subscription_kind kind;
	bool subscribe;
	size_t n;
};
struct subscription_batch subscriptions_next(struct subscriptions *s, struct slice *names, size_t max);

/* Redis's answer to one name. */
void subscriptions_answered(struct subscriptions *s, enum subscription_kind kind, struct slice name);

/* The link is gone and with it every subscription: subscriptions_next() begins from nothing. */
void subscriptions_lost(struct subscriptions *s);

bool subscriptions_is_live(const struct subscriptions *s, enum subscription_kind kind, struct slice name);
/* Whether Redis's messages that come now are still, or already, of this subscription too. */
bool subscriptions_is_held(const struct subscriptions *s, enum subscription_kind kind, struct slice name);
/* Whether every name wanted is live and nothing else is. */
bool subscriptions_are_settled(const struct subscriptions *s);
size_t subscriptions_count(const struct subscriptions *s, enum subscription_kind kind);

#endif
