/* streams_redis_entries.c - entries, and what is pending. See streams_redis_internal.h. */
#include <errno.h>
#include <stdlib.h>

#include "alloc.h"
#include "streams_redis_internal.h"

enum { PAIRS_MAX = 32 };

/* --- Appending ---------------------------------------------------------------------------------------------------- */

/* XADD can only drop others for a bound, not refuse. */
const char script_add[] = "if redis.call('XLEN',KEYS[1])>=tonumber(ARGV[1]) then return false end\n"
			  "return redis.pcall('XADD',KEYS[1],'*',ARGV[2],ARGV[3])";

static int64_t read_added(struct question *q, const struct redis_reply *reply, struct slice *text)
{
	int64_t result = answer_text(q, reply, text);

	return result == 1 && !is_stream_id(*text) ? -EPROTO : result;
}

int streams_redis_add(struct streams *s, struct slice stream, struct slice record, size_t max_entries,
	streams_answer_fn *answer, void *to)
{
	static const struct question_kind kind = { "add", read_added, -EPROTO };
	char number[NUMBER_MAX];
	struct question *q;

	if (record.size > streams_of(s)->config.max_publish)
		return -EMSGSIZE;
	q = question_new(s, &kind, 0, answer, to);
	if (q == NULL)
		return -ENOTCONN;
	return question_eval(q, script_add, stream,
		(struct slice[]){ number_text(number, (int64_t)max_entries), streams_of(s)->config.field, record }, 3);
}

int streams_redis_note(struct streams *s, struct slice stream, const struct slice *pairs, size_t n, size_t max_entries,
	streams_answer_fn *answer, void *to)
{
	static const struct question_kind kind = { "note", read_added, -EPROTO };
	char number[NUMBER_MAX];
	struct slice argv[6 + 2 * PAIRS_MAX] = { SLICE("XADD"), stream, SLICE("MAXLEN"), SLICE("="),
		number_text(number, (int64_t)max_entries), SLICE("*") };
	size_t size = 0;

	if (n == 0 || n > PAIRS_MAX)
		return -EINVAL;
	for (size_t i = 0; i < 2 * n; i++) {
		argv[6 + i] = pairs[i];
		size += pairs[i].size;
	}
	if (size > streams_of(s)->config.max_publish)
		return -EMSGSIZE;
	return streams_ask(s, &kind, argv, 6 + 2 * n, answer, to);
}

/* --- Acknowledging ------------------------------------------------------------------------------------------------ */

static void was_deleted(void *ctx, enum redis_outcome outcome, const struct redis_reply *reply)
{
	struct question *q = ctx;

	/* Of a link that is lost the second command tells. */
	q->failed = outcome == REDIS_ANSWERED && reply->type == REDIS_ERROR;
}

/* Removed first: if only that is done, what is left is pending without an entry, which a claim() clears away; the other way
 * round it would be an entry that nobody ever gets. */
int streams_redis_ack(struct streams *s, struct slice stream, struct slice id, streams_answer_fn *answer, void *to)
{
	enum { WORDS_BYTES = 200 }; /* of both commands, more than what is not the stream and the id */
	static const struct question_kind kind = { "ack", answer_integer, 0 };
	struct slice del[] = { SLICE("XDEL"), stream, id };
	struct slice ack[] = { SLICE("XACK"), stream, streams_of(s)->config.group, id };
	size_t size = 2 * (stream.size + id.size) + streams_of(s)->config.group.size + WORDS_BYTES;
	struct question *q = question_new(s, &kind, 0, answer, to);
	int error;

	if (q == NULL)
		return -ENOTCONN;
	error = redis_queued_bytes(q->streams->commands) + size > q->streams->config.redis.max_queue ? -ENOBUFS : 0;
	if (error == 0)
		error = redis_command(q->streams->commands, del, 3, was_deleted, q);
	if (error) {
		question_free(q);
		return error;
	}
	error = question_ask(q, ack, 4);
	return error;
}

/* --- Looking ------------------------------------------------------------------------------------------------------ */

/* Without bringing the entry along. */
const char script_find[] = "return #redis.call('XRANGE',KEYS[1],ARGV[1],ARGV[1])";

int streams_redis_find(struct streams *s, struct slice stream, struct slice id, streams_answer_fn *answer, void *to)
{
	static const struct question_kind kind = { "find", answer_integer, 0 };
	struct question *q = question_new(s, &kind, 0, answer, to);

	return q ? question_eval(q, script_find, stream, &id, 1) : -ENOTCONN;
}

int streams_redis_length(struct streams *s, struct slice stream, streams_answer_fn *answer, void *to)
{
	static const struct question_kind kind = { "length", answer_integer, 0 };

	return streams_ask(s, &kind, (struct slice[]){ SLICE("XLEN"), stream }, 2, answer, to);
}

/* --- Groups ------------------------------------------------------------------------------------------------------- */

static void created(void *ctx, enum redis_outcome outcome, const struct redis_reply *reply)
{
	struct question *q = ctx;

	if (outcome == REDIS_ANSWERED && reply->type == REDIS_ERROR && slice_starts(reply->text, SLICE("BUSYGROUP ")))
		question_tell(q, q->is_told ? -ENOTCONN : 0, slice_of(NULL, 0));
	else if (question_is_answered(q, outcome, reply))
		question_tell(q, answer_ok(q, reply, NULL), slice_of(NULL, 0));
}

int streams_redis_create(struct streams *s, struct slice stream, streams_answer_fn *answer, void *to)
{
	static const struct question_kind kind = { "create", answer_ok, -EPROTO };
	struct slice argv[] = { SLICE("XGROUP"), SLICE("CREATE"), stream, streams_of(s)->config.group, SLICE("0"),
		SLICE("MKSTREAM") };
	struct question *q = question_new(s, &kind, 0, answer, to);
	int error;

	if (q == NULL)
		return -ENOTCONN;
	error = redis_command(q->streams->commands, argv, 6, created, q);
	if (error)
		question_free(q);
	return error;
}

const char script_leave[] = "local p=redis.pcall('XPENDING',KEYS[1],ARGV[1],'-','+',1,ARGV[2])\n"
			    "if p.err then return p end\n"
			    "if #p>0 then return 0 end\n"
			    "redis.call('XGROUP','DELCONSUMER',KEYS[1],ARGV[1],ARGV[2])\n"
			    "return 1";

int streams_redis_leave(
	struct streams *s, struct slice consumer, struct slice stream, streams_answer_fn *answer, void *to)
{
	static const struct question_kind kind = { "leave", answer_integer, 1 };
	struct question *q = question_new(s, &kind, 0, answer, to);

	if (q == NULL)
		return -ENOTCONN;
	return question_eval(q, script_leave, stream, (struct slice[]){ q->streams->config.group, consumer }, 2);
}

/* --- What is pending ---------------------------------------------------------------------------------------------- */

/*
 * XAUTOCLAIM does not say how often an entry was given; XPENDING does, and must be of the same moment. An entry that was
 * removed is not in XCLAIM's answer (Redis 7), or is nil there (6.2, which also keeps it pending).
 */
const char script_claim[] = "local out={}\n"
			    "repeat\n"
			    " local p=redis.pcall('XPENDING',KEYS[1],ARGV[1],ARGV[3],'+',ARGV[4])\n"
			    " if p.err then return p end\n"
			    " for _,e in ipairs(p) do\n"
			    "  local c=redis.call('XCLAIM',KEYS[1],ARGV[1],ARGV[2],0,e[1],'RETRYCOUNT',e[4])\n"
			    "  if c[1] then out[#out+1]={e[1],c[1][2],e[4]}\n"
			    "  else redis.call('XACK',KEYS[1],ARGV[1],e[1]) end\n"
			    " end\n"
			    "until #out>0 or #p==0\n"
			    "return out";

const char script_take[] = "local p=redis.pcall('XPENDING',KEYS[1],ARGV[1],ARGV[3],ARGV[3],1)\n"
			   "if p.err then return p end\n"
			   "if #p==0 then return {} end\n"
			   "local c=redis.call('XCLAIM',KEYS[1],ARGV[1],ARGV[2],0,ARGV[3])\n"
			   "if c[1] then return {{p[1][1],c[1][2],p[1][4]+1}} end\n"
			   "redis.call('XACK',KEYS[1],ARGV[1],ARGV[3])\n"
			   "return {}";

/* [id, fields, deliveries] */
static bool is_claimed(const struct streams_redis *s, const struct redis_reply *reply, struct streams_entry *e)
{
	if (!entry_of(s, reply, e) || reply->count != 3 || reply->items[2].type != REDIS_INTEGER ||
		reply->items[2].integer < 0)
		return false;
	e->deliveries = (uint64_t)reply->items[2].integer;
	return true;
}

static int64_t read_claimed(struct question *q, const struct redis_reply *reply, struct slice *text)
{
	struct streams_redis *s = q->streams;
	struct streams_entry e = { .stream = q->stream };
	int64_t now_ms = loop_now(s->loop);

	(void)text;
	if (reply->type != REDIS_ARRAY)
		return -EPROTO;
	for (size_t i = 0; i < reply->count; i++)
		if (!is_claimed(s, &reply->items[i], &e))
			return -EPROTO;
	for (size_t i = 0; i < reply->count && !s->closed; i++) {
		is_claimed(s, &reply->items[i], &e);
		s->base.events->entry(s->base.ctx, now_ms, &e);
	}
	return (int64_t)reply->count;
}

static struct question *question_on(
	struct streams *s, const struct question_kind *kind, struct slice stream, streams_answer_fn *answer, void *to)
{
	struct question *q = question_new(s, kind, stream.size, answer, to);

	if (q == NULL)
		return NULL;
	memcpy(q->bytes, stream.at, stream.size);
	q->stream = slice_of(q->bytes, stream.size);
	return q;
}

/* "(id", or "-". */
static struct slice behind(char at[STREAM_ID_MAX + 1], struct slice after)
{
	if (after.size == 0)
		return SLICE("-");
	at[0] = '(';
	memcpy(at + 1, after.at, after.size);
	return slice_of(at, after.size + 1);
}

int streams_redis_claim(struct streams *s, struct slice consumer, struct slice stream, struct slice after, size_t count,
	streams_answer_fn *answer, void *to)
{
	static const struct question_kind kind = { "claim", read_claimed, -ENOENT };
	char from[STREAM_ID_MAX + 1], number[NUMBER_MAX];
	struct question *q;

	if (after.size && !is_stream_id(after))
		return -EINVAL;
	q = question_on(s, &kind, stream, answer, to);
	if (q == NULL)
		return -ENOTCONN;
	return question_eval(q, script_claim, stream,
		(struct slice[]){
			q->streams->config.group, consumer, behind(from, after), number_text(number, (int64_t)count) },
		4);
}

int streams_redis_take(struct streams *s, struct slice consumer, struct slice stream, struct slice id,
	streams_answer_fn *answer, void *to)
{
	static const struct question_kind kind = { "take", read_claimed, 0 };
	struct question *q = question_on(s, &kind, stream, answer, to);

	if (q == NULL)
		return -ENOTCONN;
	return question_eval(q, script_take, stream, (struct slice[]){ q->streams->config.group, consumer, id }, 3);
}

/* [[id, consumer, idle, deliveries], ..] */
static int64_t read_pending(struct question *q, const struct redis_reply *reply, struct slice *text)
{
	(void)text;
	if (reply->type != REDIS_ARRAY)
		return -EPROTO;
	for (size_t i = 0; i < reply->count; i++) {
		const struct redis_reply *one = &reply->items[i];

		if (one->type != REDIS_ARRAY || one->count != 4 || one->items[0].type != REDIS_STRING ||
			!is_stream_id(one->items[0].text))
			return -EPROTO;
	}
	for (size_t i = 0; i < reply->count && q->each.id && !q->streams->closed; i++)
		q->each.id(q->to, reply->items[i].items[0].text);
	return (int64_t)reply->count;
}

int streams_redis_pending(struct streams *s, struct slice stream, struct slice after, size_t count,
	void (*each)(void *to, struct slice id), streams_answer_fn *answer, void *to)
{
	static const struct question_kind kind = { "pending", read_pending, 0 };
	char from[STREAM_ID_MAX + 1], number[NUMBER_MAX];
	struct slice argv[] = { SLICE("XPENDING"), stream, streams_of(s)->config.group, SLICE("-"), SLICE("+"),
		number_text(number, (int64_t)count) };
	struct question *q;

	if (after.size && !is_stream_id(after))
		return -EINVAL;
	argv[3] = behind(from, after);
	q = question_new(s, &kind, 0, answer, to);
	if (q == NULL)
		return -ENOTCONN;
	q->each.id = each;
	return question_ask(q, argv, 6);
}
