/* redis_push.c - see redis_reply.h: the arrays that a subscriber's connection brings. */
#include "redis_reply.h"

static const struct verb {
	struct slice word;
	enum redis_push_kind kind;
	enum redis_names names;
} verbs[] = {
	{ { "message", 7 }, REDIS_PUSH_MESSAGE, REDIS_CHANNELS },
	{ { "pmessage", 8 }, REDIS_PUSH_MESSAGE, REDIS_PATTERNS },
	{ { "smessage", 8 }, REDIS_PUSH_MESSAGE, REDIS_SHARDED },
	{ { "subscribe", 9 }, REDIS_PUSH_SUBSCRIBED, REDIS_CHANNELS },
	{ { "psubscribe", 10 }, REDIS_PUSH_SUBSCRIBED, REDIS_PATTERNS },
	{ { "ssubscribe", 10 }, REDIS_PUSH_SUBSCRIBED, REDIS_SHARDED },
	{ { "unsubscribe", 11 }, REDIS_PUSH_UNSUBSCRIBED, REDIS_CHANNELS },
	{ { "punsubscribe", 12 }, REDIS_PUSH_UNSUBSCRIBED, REDIS_PATTERNS },
	{ { "sunsubscribe", 12 }, REDIS_PUSH_UNSUBSCRIBED, REDIS_SHARDED },
	{ { "pong", 4 }, REDIS_PUSH_PONG, REDIS_CHANNELS },
};

static const struct verb *verb_of(const struct redis_reply *reply)
{
	if (reply->type != REDIS_ARRAY || reply->count == 0 || reply->items[0].type != REDIS_STRING)
		return NULL;
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (slice_equal(reply->items[0].text, verbs[i].word))
			return &verbs[i];
	return NULL;
}

static bool all_strings(const struct redis_reply *items, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (items[i].type != REDIS_STRING)
			return false;
	return true;
}

static bool read_message(const struct redis_reply *reply, struct redis_push *push)
{
	size_t last = push->names == REDIS_PATTERNS ? 3 : 2;

	if (reply->count != last + 1 || !all_strings(reply->items + 1, last))
		return false;
	push->name = reply->items[1].text;
	push->channel = reply->items[last - 1].text;
	push->payload = reply->items[last].text;
	return true;
}

static bool read_confirmation(const struct redis_reply *reply, struct redis_push *push)
{
	if (reply->count != 3 || reply->items[1].type != REDIS_STRING || reply->items[2].type != REDIS_INTEGER)
		return false;
	push->name = reply->items[1].text;
	push->count = reply->items[2].integer;
	return true;
}

static bool read_pong(const struct redis_reply *reply, struct redis_push *push)
{
	(void)push;
	return reply->count == 2 && reply->items[1].type == REDIS_STRING;
}

void redis_push_of(const struct redis_reply *reply, struct redis_push *push)
{
	static bool (*const readers[])(const struct redis_reply *reply, struct redis_push *push) = {
		[REDIS_PUSH_MESSAGE] = read_message,
		[REDIS_PUSH_SUBSCRIBED] = read_confirmation,
		[REDIS_PUSH_UNSUBSCRIBED] = read_confirmation,
		[REDIS_PUSH_PONG] = read_pong,
	};
	const struct verb *verb = verb_of(reply);

	*push = (struct redis_push){ .kind = REDIS_PUSH_NONE };
	if (verb == NULL)
		return;
	push->names = verb->names;
	push->kind = readers[verb->kind](reply, push) ? verb->kind : REDIS_PUSH_BAD;
}
