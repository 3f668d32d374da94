/* emitter_links.c - the two connections to Redis. See emitter_internal.h. */
#include <errno.h>
#include <stdio.h>

#include "emitter_internal.h"

enum { NAMES_AT_ONCE = 64 };

/* --- Commands ----------------------------------------------------------------------------------------------------- */

static void tell(struct stoa_emitter *e, bool connected, const char *why)
{
	bool was = e->in_callback;

	if (e->state == NULL)
		return;
	e->in_callback = true;
	e->state(e->state_ctx, connected, why);
	if (!e->closed)
		e->in_callback = was;
}

static void commands_are_ready(void *ctx)
{
	struct stoa_emitter *e = ctx;

	calls_send(e);
	tell(e, true, "");
}

/* Calls that were sent have been told by their commands. */
static void commands_are_lost(void *ctx, enum redis_trouble why)
{
	tell(ctx, false, redis_trouble_hint(why));
}

/* Trying again does not mend these. */
static bool is_lasting(enum redis_trouble why)
{
	return why == REDIS_TROUBLE_AUTH || why == REDIS_TROUBLE_NOAUTH || why == REDIS_TROUBLE_DATABASE ||
	       why == REDIS_TROUBLE_DENIED || why == REDIS_TROUBLE_TLS;
}

static int error_of(enum redis_trouble why)
{
	return why == REDIS_TROUBLE_AUTH || why == REDIS_TROUBLE_NOAUTH || why == REDIS_TROUBLE_DENIED ||
			       why == REDIS_TROUBLE_NO_PERMISSION
		       ? -EACCES
		       : -ENOTCONN;
}

static void failed(void *ctx, enum redis_trouble why)
{
	struct stoa_emitter *e = ctx;

	if (e->impatient || is_lasting(why))
		calls_fail(e, error_of(why), redis_trouble_hint(why), true);
	tell(e, false, redis_trouble_hint(why));
}

/* --- Answers ------------------------------------------------------------------------------------------------------ */

static const enum redis_names names_of[] = {
	[SUBSCRIPTION_CHANNEL] = REDIS_CHANNELS,
	[SUBSCRIPTION_PATTERN] = REDIS_PATTERNS,
};

/* Redis refused names that a call hears its answers by. */
static void subscribed(void *ctx, enum redis_outcome outcome, const struct redis_reply *reply)
{
	char why[EMITTER_WHY_MAX];

	if (outcome != REDIS_ANSWERED || reply->type != REDIS_ERROR)
		return;
	snprintf(why, sizeof(why), "Redis refused to let us hear answers: %.*s", SLICE_ARG(reply->text));
	calls_fail(ctx, -EACCES, why, false);
}

/* What has changed about the names that are wanted. */
static void tell_names(struct stoa_emitter *e)
{
	struct slice names[NAMES_AT_ONCE];
	struct subscription_batch batch;
	int error = 0;

	if (e->subscriber == NULL || !redis_ready(e->subscriber))
		return;
	while (error == 0 && (batch = subscriptions_next(&e->names, names, NAMES_AT_ONCE)).n)
		error = batch.subscribe
				? redis_subscribe(e->subscriber, names_of[batch.kind], names, batch.n, subscribed, e)
				: redis_unsubscribe(e->subscriber, names_of[batch.kind], names, batch.n, NULL, NULL);
	/* Only without memory: from the start, then. */
	if (error)
		redis_leave(e->subscriber, REDIS_TROUBLE_MEMORY);
}

static void subscriber_is_ready(void *ctx)
{
	tell_names(ctx);
}

/* Answers may have been missed. */
static void subscriber_is_lost(void *ctx, enum redis_trouble why)
{
	struct stoa_emitter *e = ctx;

	subscriptions_lost(&e->names);
	for (struct call *c = e->calls, *next; c; c = next) {
		next = c->next;
		if (c->answers && c->stage != CALL_WAITS)
			call_end(c, -ECONNRESET, redis_trouble_hint(why));
	}
}

static void subscriber_failed(void *ctx, enum redis_trouble why)
{
	struct stoa_emitter *e = ctx;

	for (struct call *c = e->calls, *next; c; c = next) {
		next = c->next;
		if (c->answers && c->stage == CALL_WAITS && (e->impatient || is_lasting(why)))
			call_end(c, error_of(why), redis_trouble_hint(why));
	}
}

static void subscription_changed(void *ctx, const struct redis_push *m)
{
	struct stoa_emitter *e = ctx;

	subscriptions_answered(
		&e->names, m->names == REDIS_PATTERNS ? SUBSCRIPTION_PATTERN : SUBSCRIPTION_CHANNEL, m->name);
	calls_send(e);
}

static bool is_of_nodes(const struct stoa_emitter *e, struct slice channel)
{
	return slice_starts(channel, e->key) && slice_equal(slice_from(channel, e->key.size), SLICE("-nodes#"));
}

static void message(void *ctx, const struct redis_push *m)
{
	struct stoa_emitter *e = ctx;

	if (is_of_nodes(e, m->channel))
		nodes_heard(e, m->payload);
	else
		ask_heard(e, m->payload);
	if (!e->closed)
		arena_reset(&e->arena);
}

/* --- Names that are heard ----------------------------------------------------------------------------------------- */

static const struct redis_ops commands_ops = {
	.ready = commands_are_ready, .lost = commands_are_lost, .failed = failed
};
static const struct redis_ops subscriber_ops = { .ready = subscriber_is_ready,
	.lost = subscriber_is_lost,
	.message = message,
	.subscription = subscription_changed,
	.failed = subscriber_failed };

bool links_open(struct stoa_emitter *e)
{
	e->commands = redis_open(&e->loop, &e->redis, REDIS_COMMANDS, &commands_ops, e, e->why, sizeof(e->why));
	return e->commands != NULL;
}

void links_close(struct stoa_emitter *e)
{
	redis_close(e->commands);
	redis_close(e->subscriber);
	e->commands = e->subscriber = NULL;
}

void links_hear(struct stoa_emitter *e, const struct call *c)
{
	for (size_t i = 0; i < 2; i++)
		if (c->hears[i].size)
			subscriptions_want(&e->names, SUBSCRIPTION_CHANNEL, c->hears[i]);
	/* Its options have been tried by the connection for commands. */
	if (e->subscriber == NULL)
		e->subscriber =
			redis_open(&e->loop, &e->redis, REDIS_SUBSCRIBER, &subscriber_ops, e, e->why, sizeof(e->why));
	tell_names(e);
}

void links_unhear(struct stoa_emitter *e, const struct call *c)
{
	for (size_t i = 0; i < 2; i++)
		if (c->hears[i].size)
			subscriptions_drop(&e->names, SUBSCRIPTION_CHANNEL, c->hears[i]);
	tell_names(e);
}

bool links_hears(const struct stoa_emitter *e, const struct call *c)
{
	for (size_t i = 0; i < 2; i++)
		if (c->hears[i].size && !subscriptions_is_live(&e->names, SUBSCRIPTION_CHANNEL, c->hears[i]))
			return false;
	return true;
}
