/*
 * streams_redis_list.c - list(): keys that begin so, by SCAN, and their values, by MGET. See streams_redis_internal.h.
 *
 * SCAN may tell a key twice, and one that begins otherwise never (the pattern is ours). A key that went in between has no
 * value and is left out.
 */
#include <errno.h>
#include <stdlib.h>

#include "alloc.h"
#include "buf.h"
#include "map.h"
#include "streams_redis_internal.h"

struct list_key {
	struct map_node node;
	char text[];
};

struct list {
	struct buf pattern;
	struct map keys;
	size_t n;
};

void list_free(struct list *l)
{
	struct map_node *at, *next;

	if (l == NULL)
		return;
	map_foreach(&l->keys, at, next)
	{
		map_remove(&l->keys, at);
		free(map_item(at, struct list_key, node));
	}
	buf_fini(&l->pattern);
	free(l);
}

/* --- SCAN's and HSCAN's answers ----------------------------------------------------------------------------------- */

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

int64_t scan_cursor(const struct redis_reply *reply)
{
	if (reply->type != REDIS_ARRAY || reply->count != 2 || reply->items[0].type != REDIS_STRING ||
		reply->items[1].type != REDIS_ARRAY)
		return -1;
	for (size_t i = 0; i < reply->items[1].count; i++)
		if (reply->items[1].items[i].type != REDIS_STRING)
			return -1;
	return read_number(reply->items[0].text);
}

/* --- The values --------------------------------------------------------------------------------------------------- */

static void tell_values(struct question *q, const struct redis_reply *reply)
{
	struct streams_redis *s = q->streams;
	struct map_node *at, *next;
	int64_t found = 0;
	size_t i = 0;

	map_foreach(&q->list->keys, at, next)
	{
		const struct redis_reply *value = &reply->items[i++];

		if (value->type != REDIS_STRING)
			continue;
		q->each.pair(q->to, at->key, value->text);
		found++;
		if (s->closed)
			return;
	}
	question_tell(q, found, slice_of(NULL, 0));
}

static void got_values(void *ctx, enum redis_outcome outcome, const struct redis_reply *reply)
{
	struct question *q = ctx;

	if (!question_is_answered(q, outcome, reply))
		return;
	if (reply->type == REDIS_ARRAY && reply->count == q->list->n) {
		tell_values(q, reply);
		return;
	}
	streams_redis_wrong(q->streams, "MGET");
	question_tell(q, -EPROTO, slice_of(NULL, 0));
}

static void get_values(struct question *q)
{
	struct slice *argv;
	struct map_node *at, *next;
	size_t n = 1;
	int error;

	if (q->list->n == 0) {
		question_tell(q, 0, slice_of(NULL, 0));
		return;
	}
	argv = must_alloc((q->list->n + 1) * sizeof(*argv));
	argv[0] = SLICE("MGET");
	map_foreach(&q->list->keys, at, next) argv[n++] = at->key;
	error = redis_command(q->streams->commands, argv, n, got_values, q);
	free(argv);
	if (error)
		question_tell(q, error, slice_of(NULL, 0));
}

/* --- The keys ----------------------------------------------------------------------------------------------------- */

static int scan(struct question *q, struct slice cursor);

static void keep_key(struct list *l, struct slice key)
{
	struct list_key *k;

	if (l->n >= LIST_MAX || map_find(&l->keys, key))
		return;
	k = must_alloc(sizeof(*k) + key.size);
	memcpy(k->text, key.at, key.size);
	k->node.key = slice_of(k->text, key.size);
	map_add(&l->keys, &k->node);
	l->n++;
}

static void scanned(void *ctx, enum redis_outcome outcome, const struct redis_reply *reply)
{
	struct question *q = ctx;
	int64_t cursor;
	int error = 0;

	if (!question_is_answered(q, outcome, reply))
		return;
	cursor = scan_cursor(reply);
	if (cursor < 0) {
		streams_redis_wrong(q->streams, "SCAN");
		question_tell(q, -EPROTO, slice_of(NULL, 0));
		return;
	}
	for (size_t i = 0; i < reply->items[1].count; i++)
		keep_key(q->list, reply->items[1].items[i].text);
	if (cursor)
		error = scan(q, reply->items[0].text);
	else
		get_values(q);
	if (error)
		question_tell(q, error, slice_of(NULL, 0));
}

static int scan(struct question *q, struct slice cursor)
{
	struct slice argv[] = { SLICE("SCAN"), cursor, SLICE("MATCH"), buf_slice(&q->list->pattern), SLICE("COUNT"),
		SLICE("1000") };

	return redis_command(q->streams->commands, argv, 6, scanned, q);
}

/* What a pattern of Redis means otherwise stands behind a backslash. */
static void add_pattern(struct buf *to, struct slice prefix)
{
	for (size_t i = 0; i < prefix.size; i++) {
		if (strchr("*?[]\\", prefix.at[i]))
			buf_add_char(to, '\\');
		buf_add_char(to, prefix.at[i]);
	}
	buf_add_char(to, '*');
}

static int64_t read_nothing(struct question *q, const struct redis_reply *reply, struct slice *text)
{
	(void)q;
	(void)reply;
	(void)text;
	return -EPROTO;
}

int streams_redis_list(struct streams *s, struct slice prefix,
	void (*each)(void *to, struct slice key, struct slice value), streams_answer_fn *answer, void *to)
{
	static const struct question_kind kind = { "list", read_nothing, -EPROTO };
	struct question *q = question_new(s, &kind, 0, answer, to);
	int error;

	if (q == NULL)
		return -ENOTCONN;
	q->each.pair = each;
	q->list = must_alloc(sizeof(*q->list));
	add_pattern(&q->list->pattern, prefix);
	error = q->list->pattern.failed ? -ENOMEM : scan(q, SLICE("0"));
	if (error)
		question_free(q);
	return error;
}
