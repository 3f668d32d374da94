/* pubsub_redis_asking.c - commands that have an answer: how many subscribe, and keys that are leased. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "alloc.h"
#include "pubsub_redis_internal.h"

enum { CLAIM_BYTES = 1024 }; /* more than both commands of a claim */

/* One answer to come; in a list so that a close can free those that will not. */
struct asking {
	struct asking *next, **link;
	struct pubsub_redis *bus;
	pubsub_answer_fn *answer;
	void *to;
	/* Of a claim: */
	int64_t ttl_ms;
	bool was_set;            /* SET NX took the key */
	const char *key, *value; /* in `texts` */
	char texts[];
};

static struct asking *asking_new(
	struct pubsub *p, pubsub_answer_fn *answer, void *to, struct slice key, struct slice value)
{
	struct pubsub_redis *b = bus_of(p);
	struct asking *a = must_alloc(sizeof(*a) + key.size + value.size + 2);

	a->next = b->asking;
	a->link = &b->asking;
	a->bus = b;
	a->answer = answer;
	a->to = to;
	if (key.size)
		memcpy(a->texts, key.at, key.size);
	if (value.size)
		memcpy(a->texts + key.size + 1, value.at, value.size);
	a->key = a->texts;
	a->value = a->texts + key.size + 1;
	if (b->asking)
		b->asking->link = &a->next;
	b->asking = a;
	return a;
}

static void unlink_and_free(struct asking *a)
{
	*a->link = a->next;
	if (a->next)
		a->next->link = a->link;
	free(a);
}

/* The question is over before it is answered: the answer may ask again. */
static void tell(struct asking *a, int64_t result, struct slice text)
{
	pubsub_answer_fn *answer = a->answer;
	struct pubsub_redis *b = a->bus;
	void *to = a->to;

	unlink_and_free(a);
	answer(to, loop_now(b->loop), result, text);
}

/* Whether there is an answer of the right type; if not, the question has been told so. */
static bool is_answer(struct asking *a, enum redis_outcome outcome, const struct redis_reply *reply, bool right)
{
	if (outcome == REDIS_ANSWERED && reply->type != REDIS_ERROR && right)
		return true;
	tell(a, outcome == REDIS_ANSWERED ? -EPROTO : -ENOTCONN, slice_of(NULL, 0));
	return false;
}

static int ask(
	struct pubsub *p, const struct slice *argv, size_t argc, redis_reply_fn *fn, pubsub_answer_fn *answer, void *to)
{
	struct asking *a = asking_new(p, answer, to, slice_of(NULL, 0), slice_of(NULL, 0));
	int error = redis_command(bus_of(p)->commands, argv, argc, fn, a);

	if (error)
		unlink_and_free(a);
	return error;
}

void asking_close(struct pubsub_redis *b)
{
	while (b->asking)
		unlink_and_free(b->asking);
}

/* --- Counting ----------------------------------------------------------------------------------------------------- */

static void counted(void *ctx, enum redis_outcome outcome, const struct redis_reply *reply)
{
	bool right = reply && reply->type == REDIS_ARRAY && reply->count == 2 && reply->items[1].type == REDIS_INTEGER;

	if (is_answer(ctx, outcome, reply, right))
		tell(ctx, reply->items[1].integer, slice_of(NULL, 0));
}

int asking_count(struct pubsub *p, struct slice channel, pubsub_answer_fn *answer, void *to)
{
	struct slice argv[] = { SLICE("PUBSUB"), SLICE("NUMSUB"), channel };

	return ask(p, argv, 3, counted, answer, to);
}

/* --- Leases ------------------------------------------------------------------------------------------------------- */

static void looked_up(void *ctx, enum redis_outcome outcome, const struct redis_reply *reply)
{
	bool right = reply && (reply->type == REDIS_STRING || reply->type == REDIS_NIL);

	if (is_answer(ctx, outcome, reply, right))
		tell(ctx, reply->type == REDIS_STRING, reply->text);
}

int asking_look_up(struct pubsub *p, struct slice key, pubsub_answer_fn *answer, void *to)
{
	struct slice argv[] = { SLICE("GET"), key };

	return ask(p, argv, 2, looked_up, answer, to);
}

static void was_set(void *ctx, enum redis_outcome outcome, const struct redis_reply *reply)
{
	struct asking *a = ctx;

	/* What failed here fails in the second command as well, which tells. */
	a->was_set = outcome == REDIS_ANSWERED && reply->type == REDIS_STATUS;
}

static void prolonged(void *ctx, enum redis_outcome outcome, const struct redis_reply *reply)
{
	bool right = reply && reply->type == REDIS_INTEGER;

	if (is_answer(ctx, outcome, reply, right))
		tell(ctx, reply->integer == 1, slice_of(NULL, 0)); /* 0: it ran out in between */
}

static struct slice number_of(char *at, size_t size, int64_t number)
{
	snprintf(at, size, "%" PRId64, number);
	return slice_str(at);
}

static void prolong(struct asking *a)
{
	char ttl[24];
	struct slice argv[] = { SLICE("PEXPIRE"), slice_str(a->key), number_of(ttl, sizeof(ttl), a->ttl_ms) };
	int error;

	error = redis_command(a->bus->commands, argv, 3, prolonged, a);
	if (error)
		tell(a, error, slice_of(NULL, 0));
}

/* The answer to the GET behind the SET NX: taken just now, ours already, or somebody's. */
static void who_has_it(void *ctx, enum redis_outcome outcome, const struct redis_reply *reply)
{
	struct asking *a = ctx;
	bool right = reply && (reply->type == REDIS_STRING || reply->type == REDIS_NIL);

	if (!is_answer(a, outcome, reply, right))
		return;
	if (!a->was_set && slice_equal(reply->text, slice_str(a->value)))
		prolong(a);
	else
		tell(a, a->was_set, reply->text);
}

int asking_claim(
	struct pubsub *p, struct slice key, struct slice value, int64_t ttl_ms, pubsub_answer_fn *answer, void *to)
{
	struct redis *r = bus_of(p)->commands;
	struct asking *a = asking_new(p, answer, to, key, value);
	char ttl[24];
	struct slice set[] = { SLICE("SET"), key, value, SLICE("NX"), SLICE("PX"),
		number_of(ttl, sizeof(ttl), ttl_ms) };
	struct slice get[] = { SLICE("GET"), key };
	int error;

	a->ttl_ms = ttl_ms;
	/* Both or none: a SET without its GET would be a lease that nobody knows of. */
	error = redis_queued_bytes(r) + CLAIM_BYTES > bus_of(p)->config.redis.max_queue ? -ENOBUFS : 0;
	if (error == 0)
		error = redis_command(r, set, 6, was_set, a);
	if (error == 0)
		error = redis_command(r, get, 2, who_has_it, a);
	if (error)
		unlink_and_free(a);
	return error;
}

static void released(void *ctx, enum redis_outcome outcome, const struct redis_reply *reply)
{
	bool right = reply && reply->type == REDIS_INTEGER;

	if (is_answer(ctx, outcome, reply, right))
		tell(ctx, reply->integer, slice_of(NULL, 0));
}

int asking_release(struct pubsub *p, struct slice key, pubsub_answer_fn *answer, void *to)
{
	struct slice argv[] = { SLICE("DEL"), key };

	return ask(p, argv, 2, released, answer, to);
}
