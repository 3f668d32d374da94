/* redis_reply.c - see redis_reply.h. */
#include "redis_reply.h"

#include <hiredis/read.h>
#include <stdlib.h>

#include "alloc.h"
#include "arena.h"

enum {
	LINE_MAX_BYTES = 64 * 1024,
	TREE_SLACK_BYTES = 64 * 1024 /* what a tree may always take, however small max_message is */
};

struct redis_reader {
	redisReader *hiredis;
	struct arena tree;
	size_t max_message;
	size_t fed; /* bytes since the last reply ended */
	struct redis_reply root;
	enum redis_read ended; /* REDIS_READ_MORE: it has not */
	char why[160];
};

/* --- hiredis' reader makes our tree ------------------------------------------------------------------------------- */

static struct redis_reader *reader_of(const redisReadTask *task)
{
	return task->privdata;
}

static struct redis_reply *place_of(const redisReadTask *task)
{
	struct redis_reply *array = task->parent ? task->parent->obj : NULL;

	return array ? &array->items[task->idx] : &reader_of(task)->root;
}

/* hiredis wants a pointer that is not NULL for what was made. */
static void *put(const redisReadTask *task, struct redis_reply reply)
{
	struct redis_reply *place = place_of(task);

	*place = reply;
	return place;
}

static void *make_string(const redisReadTask *task, char *at, size_t size)
{
	static const enum redis_type types[] = {
		[REDIS_REPLY_STRING] = REDIS_STRING,
		[REDIS_REPLY_STATUS] = REDIS_STATUS,
		[REDIS_REPLY_ERROR] = REDIS_ERROR,
	};
	char *copy = arena_take(&reader_of(task)->tree, size);

	if (copy == NULL)
		return NULL;
	if (size)
		memcpy(copy, at, size);
	return put(task, (struct redis_reply){ .type = types[task->type], .text = { copy, size } });
}

static void *make_array(const redisReadTask *task, int count)
{
	struct redis_reply reply = { .type = REDIS_ARRAY, .count = (size_t)count };

	if (count == 0)
		return put(task, reply);
	reply.items = arena_zero(&reader_of(task)->tree, reply.count * sizeof(*reply.items));
	return reply.items ? put(task, reply) : NULL;
}

static void *make_integer(const redisReadTask *task, long long value)
{
	return put(task, (struct redis_reply){ .type = REDIS_INTEGER, .integer = value });
}

static void *make_nil(const redisReadTask *task)
{
	return put(task, (struct redis_reply){ .type = REDIS_NIL });
}

static void leave_to_the_arena(void *reply)
{
	(void)reply;
}

static redisReplyObjectFunctions makers = { make_string, make_array, make_integer, make_nil, leave_to_the_arena };

/* --- The reader --------------------------------------------------------------------------------------------------- */

static void begin(struct redis_reader *r)
{
	r->hiredis = redisReaderCreateWithFunctions(&makers);
	r->ended = r->hiredis ? REDIS_READ_MORE : REDIS_READ_NOMEM;
	if (r->hiredis)
		r->hiredis->privdata = r;
	r->fed = 0;
	r->why[0] = '\0';
}

struct redis_reader *redis_reader_new(size_t max_message)
{
	struct redis_reader *r = must_alloc(sizeof(*r));

	r->max_message = max_message;
	arena_limit(&r->tree, 2 * max_message + TREE_SLACK_BYTES);
	begin(r);
	return r;
}

static void end(struct redis_reader *r)
{
	if (r->hiredis)
		redisReaderFree(r->hiredis);
	r->hiredis = NULL;
}

void redis_reader_free(struct redis_reader *r)
{
	if (r == NULL)
		return;
	end(r);
	arena_fini(&r->tree);
	free(r);
}

void redis_reader_reset(struct redis_reader *r)
{
	end(r);
	arena_reset(&r->tree);
	begin(r);
}

const char *redis_reader_why(const struct redis_reader *r)
{
	return r->why;
}

static enum redis_read stop(struct redis_reader *r, enum redis_read how, const char *why)
{
	size_t size = strnlen(why, sizeof(r->why) - 1);

	memcpy(r->why, why, size);
	r->why[size] = '\0';
	r->ended = how;
	return how;
}

void redis_reader_feed(struct redis_reader *r, struct slice bytes)
{
	if (r->ended != REDIS_READ_MORE || bytes.size == 0)
		return;
	if (redisReaderFeed(r->hiredis, bytes.at, bytes.size) != REDIS_OK)
		stop(r, REDIS_READ_NOMEM, "no memory for what was received");
	r->fed += bytes.size;
}

static size_t buffered(const struct redis_reader *r)
{
	return r->hiredis->len - r->hiredis->pos;
}

/* The length that a bulk string's header tells, once that is complete: "123\r\n". */
static bool announced(struct slice head, size_t *size)
{
	size_t digits = slice_find(head, '\r'), value = 0;

	if (digits == head.size)
		return false;
	for (size_t i = 0; i < digits && i < 19; i++) {
		if (head.at[i] < '0' || head.at[i] > '9')
			return false;
		value = value * 10 + (size_t)(head.at[i] - '0');
	}
	*size = value;
	return true;
}

/* Nothing is complete: whether it is worth waiting for. */
static enum redis_read wait_for_more(struct redis_reader *r)
{
	const redisReader *h = r->hiredis;
	struct slice rest = slice_of(h->buf + h->pos, buffered(r));
	bool is_bulk = h->ridx >= 0 && h->rstack[h->ridx].type == REDIS_REPLY_STRING;
	size_t size = 0;

	if (r->fed > r->max_message)
		return stop(r, REDIS_READ_LARGE, "larger than the limit");
	if (is_bulk && announced(slice_first(rest, rest.size < 32 ? rest.size : 32), &size)) {
		if (size > r->max_message)
			return stop(r, REDIS_READ_LARGE, "announced as larger than the limit");
	} else if (rest.size > LINE_MAX_BYTES || (is_bulk && rest.size > 32)) {
		return stop(r, REDIS_READ_BAD, "a line does not end");
	}
	return REDIS_READ_MORE;
}

static enum redis_read failed(struct redis_reader *r)
{
	if (r->tree.refused)
		return stop(r, REDIS_READ_LARGE, "takes more memory than the limit");
	if (r->hiredis->err == REDIS_ERR_OOM)
		return stop(r, REDIS_READ_NOMEM, "no memory for what was received");
	return stop(r, REDIS_READ_BAD, r->hiredis->errstr);
}

/* A new tree where one may be begun: the one before is done with. */
enum redis_read redis_reader_next(struct redis_reader *r, const struct redis_reply **reply)
{
	void *made = NULL;
	size_t size;

	if (r->ended != REDIS_READ_MORE)
		return r->ended;
	if (r->hiredis->ridx < 0)
		arena_reset(&r->tree);
	if (redisReaderGetReply(r->hiredis, &made) != REDIS_OK)
		return failed(r);
	if (made == NULL)
		return wait_for_more(r);
	size = r->fed - buffered(r);
	r->fed = buffered(r);
	if (size > r->max_message)
		return stop(r, REDIS_READ_LARGE, "larger than the limit");
	*reply = &r->root;
	return REDIS_READ_REPLY;
}
