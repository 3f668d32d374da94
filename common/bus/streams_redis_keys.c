/* streams_redis_keys.c - keys, hashes, publishing. See streams_redis_internal.h. */
#include <errno.h>

#include "streams_redis_internal.h"

/* --- Leases ------------------------------------------------------------------------------------------------------- */

const char script_claim_key[] = "local v=redis.call('GET',KEYS[1])\n"
				"if v and v~=ARGV[1] then return v end\n"
				"local r=redis.pcall('SET',KEYS[1],ARGV[1],'PX',ARGV[2])\n"
				"if r.err then return r end\n"
				"return 1";

/* 1, or the other's value. */
static int64_t read_key_claimed(struct question *q, const struct redis_reply *reply, struct slice *text)
{
	(void)q;
	if (reply->type == REDIS_INTEGER && reply->integer == 1)
		return 1;
	if (reply->type != REDIS_STRING)
		return -EPROTO;
	*text = reply->text;
	return 0;
}

int streams_redis_claim_key(
	struct streams *s, struct slice key, struct slice value, int64_t ttl_ms, streams_answer_fn *answer, void *to)
{
	static const struct question_kind kind = { "claim_key", read_key_claimed, -EPROTO };
	struct question *q = question_new(s, &kind, 0, answer, to);
	char number[NUMBER_MAX];

	if (q == NULL)
		return -ENOTCONN;
	return question_eval(q, script_claim_key, key, (struct slice[]){ value, number_text(number, ttl_ms) }, 2);
}

const char script_release_key[] = "if redis.call('GET',KEYS[1])~=ARGV[1] then return 0 end\n"
				  "return redis.call('DEL',KEYS[1])";

int streams_redis_release_key(
	struct streams *s, struct slice key, struct slice value, streams_answer_fn *answer, void *to)
{
	static const struct question_kind kind = { "release_key", answer_integer, -EPROTO };
	struct question *q = question_new(s, &kind, 0, answer, to);

	return q ? question_eval(q, script_release_key, key, &value, 1) : -ENOTCONN;
}

/* --- Values ------------------------------------------------------------------------------------------------------- */

int streams_redis_put(
	struct streams *s, struct slice key, struct slice value, int64_t ttl_ms, streams_answer_fn *answer, void *to)
{
	static const struct question_kind kind = { "put", answer_ok, -EPROTO };
	char number[NUMBER_MAX];
	struct slice argv[] = { SLICE("SET"), key, value, SLICE("PX"), number_text(number, ttl_ms) };

	if (value.size > streams_of(s)->config.max_publish)
		return -EMSGSIZE;
	return streams_ask(s, &kind, argv, ttl_ms ? 5 : 3, answer, to);
}

int streams_redis_get(struct streams *s, struct slice key, streams_answer_fn *answer, void *to)
{
	static const struct question_kind kind = { "get", answer_text, -EPROTO };

	return streams_ask(s, &kind, (struct slice[]){ SLICE("GET"), key }, 2, answer, to);
}

/* --- Hashes ------------------------------------------------------------------------------------------------------- */

int streams_redis_field_put(struct streams *s, struct slice hash, struct slice field, struct slice value,
	streams_answer_fn *answer, void *to)
{
	static const struct question_kind kind = { "field_put", answer_integer, -EPROTO };

	if (value.size > streams_of(s)->config.max_publish)
		return -EMSGSIZE;
	return streams_ask(s, &kind, (struct slice[]){ SLICE("HSET"), hash, field, value }, 4, answer, to);
}

int streams_redis_field_get(
	struct streams *s, struct slice hash, struct slice field, streams_answer_fn *answer, void *to)
{
	static const struct question_kind kind = { "field_get", answer_text, -EPROTO };

	return streams_ask(s, &kind, (struct slice[]){ SLICE("HGET"), hash, field }, 3, answer, to);
}

int streams_redis_field_drop(
	struct streams *s, struct slice hash, struct slice field, streams_answer_fn *answer, void *to)
{
	static const struct question_kind kind = { "field_drop", answer_integer, -EPROTO };

	return streams_ask(s, &kind, (struct slice[]){ SLICE("HDEL"), hash, field }, 3, answer, to);
}

static int64_t read_number(struct slice text)
{
	int64_t number = 0;

	if (text.size == 0 || text.size > 18)
		return -1;
	for (size_t i = 0; i < text.size; i++) {
		if (text.at[i] < '0' || text.at[i] > '9')
			return -1;
		number = number * 10 + (text.at[i] - '0');
	}
	return number;
}

/* The next cursor of HSCAN's answer [cursor, [text, ..]]; -1: it is none. */
static int64_t scan_cursor(const struct redis_reply *reply)
{
	if (reply->type != REDIS_ARRAY || reply->count != 2 || reply->items[0].type != REDIS_STRING ||
		reply->items[1].type != REDIS_ARRAY)
		return -1;
	for (size_t i = 0; i < reply->items[1].count; i++)
		if (reply->items[1].items[i].type != REDIS_STRING)
			return -1;
	return read_number(reply->items[0].text);
}

static int64_t read_scanned(struct question *q, const struct redis_reply *reply, struct slice *text)
{
	int64_t next = scan_cursor(reply);

	(void)text;
	if (next < 0 || reply->items[1].count % 2 != 0)
		return -EPROTO;
	for (size_t i = 0; i < reply->items[1].count && q->each.pair && !q->streams->closed; i += 2)
		q->each.pair(q->to, reply->items[1].items[i].text, reply->items[1].items[i + 1].text);
	return next;
}

int streams_redis_field_scan(struct streams *s, struct slice hash, uint64_t cursor,
	void (*each)(void *to, struct slice field, struct slice value), streams_answer_fn *answer, void *to)
{
	static const struct question_kind kind = { "field_scan", read_scanned, -EPROTO };
	char number[NUMBER_MAX];
	struct slice argv[] = { SLICE("HSCAN"), hash, number_text(number, (int64_t)cursor), SLICE("COUNT"),
		SLICE("100") };
	struct question *q = question_new(s, &kind, 0, answer, to);

	if (q == NULL)
		return -ENOTCONN;
	q->each.pair = each;
	return question_ask(q, argv, 5);
}

/* The field goes last: when there is no memory for the entry, it is still there. */
const char script_field_to_entry[] = "if redis.call('EXISTS',KEYS[3])==1 then return 0 end\n"
				     "if not redis.call('HGET',KEYS[1],ARGV[1]) then return 0 end\n"
				     "local id=redis.pcall('XADD',KEYS[2],'*',ARGV[2],ARGV[3])\n"
				     "if type(id)=='table' then return id end\n"
				     "return redis.call('HDEL',KEYS[1],ARGV[1])";

int streams_redis_field_to_entry(struct streams *s, struct slice unless, struct slice hash, struct slice field,
	struct slice stream, struct slice record, streams_answer_fn *answer, void *to)
{
	static const struct question_kind kind = { "field_to_entry", answer_integer, -EPROTO };
	const struct slice argv[] = { SLICE("EVAL"), slice_str(script_field_to_entry), SLICE("3"), hash, stream, unless,
		field, streams_of(s)->config.field, record };

	if (record.size > streams_of(s)->config.max_publish)
		return -EMSGSIZE;
	return streams_ask(s, &kind, argv, 9, answer, to);
}

/* --- Channels ----------------------------------------------------------------------------------------------------- */

int streams_redis_publish(
	struct streams *s, struct slice channel, struct slice payload, streams_answer_fn *answer, void *to)
{
	static const struct question_kind kind = { "publish", answer_integer, -EPROTO };

	if (payload.size > streams_of(s)->config.max_publish)
		return -EMSGSIZE;
	return streams_ask(s, &kind, (struct slice[]){ SLICE("PUBLISH"), channel, payload }, 3, answer, to);
}
