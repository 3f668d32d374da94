/* streams_redis_reading.c - read(): a connection that waits; and what an entry looks like. See streams_redis_internal.h. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "alloc.h"
#include "streams_redis_internal.h"

/* --- Entries ------------------------------------------------------------------------------------------------------ */

static size_t count_digits(struct slice text)
{
	size_t n = 0;

	while (n < text.size && text.at[n] >= '0' && text.at[n] <= '9')
		n++;
	return n;
}

bool is_stream_id(struct slice text)
{
	size_t ms = count_digits(text);
	struct slice rest = slice_from(text, ms);

	return text.size <= STREAM_ID_MAX && ms > 0 && rest.size > 1 && rest.at[0] == '-' &&
	       count_digits(slice_from(rest, 1)) == rest.size - 1;
}

static bool is_fields(const struct redis_reply *reply)
{
	if (reply->type != REDIS_ARRAY || reply->count % 2 != 0)
		return false;
	for (size_t i = 0; i < reply->count; i++)
		if (reply->items[i].type != REDIS_STRING)
			return false;
	return true;
}

bool entry_of(const struct streams_redis *s, const struct redis_reply *reply, struct streams_entry *e)
{
	const struct redis_reply *fields;

	if (reply->type != REDIS_ARRAY || reply->count < 2 || reply->items[0].type != REDIS_STRING ||
		!is_stream_id(reply->items[0].text) || !is_fields(&reply->items[1]))
		return false;
	fields = &reply->items[1];
	e->id = reply->items[0].text;
	e->record = slice_of(NULL, 0);
	e->deliveries = 1;
	for (size_t i = 0; i < fields->count; i += 2) {
		if (!slice_equal(fields->items[i].text, s->config.field))
			continue;
		e->record = fields->items[i + 1].text;
		break;
	}
	return true;
}

/* --- The answer --------------------------------------------------------------------------------------------------- */

static bool is_asked_for(const struct streams_redis *s, struct slice stream)
{
	for (size_t i = 0; i < s->reading.n_streams; i++)
		if (slice_equal(s->reading.argv[s->reading.first_stream + i], stream))
			return true;
	return false;
}

/* [stream, [entry, ..]] */
static bool is_stream(const struct streams_redis *s, const struct redis_reply *reply)
{
	struct streams_entry e;

	if (reply->type != REDIS_ARRAY || reply->count != 2 || reply->items[0].type != REDIS_STRING ||
		!is_asked_for(s, reply->items[0].text) || reply->items[1].type != REDIS_ARRAY)
		return false;
	for (size_t i = 0; i < reply->items[1].count; i++)
		if (!entry_of(s, &reply->items[1].items[i], &e))
			return false;
	return true;
}

/* All of it is looked at before any of it is told. */
static bool is_right(const struct streams_redis *s, const struct redis_reply *reply)
{
	if (reply->type == REDIS_NIL)
		return true;
	if (reply->type != REDIS_ARRAY)
		return false;
	for (size_t i = 0; i < reply->count; i++)
		if (!is_stream(s, &reply->items[i]))
			return false;
	return true;
}

static void tell_stream(struct streams_redis *s, int64_t now_ms, const struct redis_reply *reply)
{
	for (size_t i = 0; i < reply->items[1].count && !s->closed; i++) {
		struct streams_entry e = { .stream = reply->items[0].text };

		entry_of(s, &reply->items[1].items[i], &e);
		s->base.events->entry(s->base.ctx, now_ms, &e);
	}
}

static void end(struct streams_redis *s, int64_t now_ms, int result)
{
	s->reading.is_asked = s->reading.is_out = false;
	s->base.events->read_end(s->base.ctx, now_ms, result);
}

/* "UNBLOCKED the stream key no longer exists": Redis 7.2 on. */
static bool has_no_group(const struct redis_reply *reply)
{
	return is_no_group(reply) || (reply->type == REDIS_ERROR && slice_starts(reply->text, SLICE("UNBLOCKED ")));
}

static void was_read(void *ctx, enum redis_outcome outcome, const struct redis_reply *reply)
{
	struct streams_redis *s = ctx;
	int64_t now_ms = loop_now(s->loop);

	if (!s->reading.is_out || outcome != REDIS_ANSWERED) /* reading_lost() tells */
		return;
	if (has_no_group(reply)) {
		end(s, now_ms, -ENOENT);
		return;
	}
	if (!is_right(s, reply)) {
		if (reply->type != REDIS_ERROR)
			streams_redis_wrong(s, "XREADGROUP");
		end(s, now_ms, -EPROTO);
		return;
	}
	for (size_t i = 0; i < reply->count && reply->type == REDIS_ARRAY && !s->closed; i++)
		tell_stream(s, now_ms, &reply->items[i]);
	if (!s->closed)
		end(s, now_ms, 0);
}

/* --- Asking ------------------------------------------------------------------------------------------------------- */

static struct slice copy(struct slice text)
{
	return slice_of(must_strndup(text.at, text.size), text.size);
}

void reading_close(struct streams_redis *s)
{
	for (size_t i = 0; i < s->reading.argc; i++)
		free((void *)(uintptr_t)s->reading.argv[i].at);
	free(s->reading.argv);
	s->reading.argv = NULL;
	s->reading.argc = 0;
}

static void keep(struct streams_redis *s, struct slice text)
{
	s->reading.argv[s->reading.argc++] = copy(text);
}

/* XREADGROUP GROUP g c COUNT n [BLOCK ms] STREAMS s.. >.. */
static void keep_command(
	struct streams_redis *s, struct slice consumer, const struct slice *streams, size_t n, size_t count)
{
	char number[NUMBER_MAX];

	reading_close(s);
	s->reading.argv = must_alloc((9 + 2 * n) * sizeof(*s->reading.argv));
	keep(s, SLICE("XREADGROUP"));
	keep(s, SLICE("GROUP"));
	keep(s, s->config.group);
	keep(s, consumer);
	keep(s, SLICE("COUNT"));
	keep(s, number_text(number, (int64_t)count));
	if (s->reading.block_ms > 0) {
		keep(s, SLICE("BLOCK"));
		keep(s, number_text(number, s->reading.block_ms));
	}
	keep(s, SLICE("STREAMS"));
	s->reading.first_stream = s->reading.argc;
	s->reading.n_streams = n;
	for (size_t i = 0; i < n; i++)
		keep(s, streams[i]);
	for (size_t i = 0; i < n; i++)
		keep(s, SLICE(">"));
}

static int send(struct streams_redis *s)
{
	int error = redis_command(s->reader, s->reading.argv, s->reading.argc, was_read, s);

	s->reading.is_out = error == 0;
	s->reading.sent_ms = loop_now(s->loop);
	return error;
}

int streams_redis_read(struct streams *base, struct slice consumer, const struct slice *streams, size_t n, size_t count,
	int64_t block_ms)
{
	struct streams_redis *s = streams_of(base);
	int64_t most_ms = s->config.redis.command_timeout_ms / 2;
	int error = 0;

	if (!base->is_up)
		return -ENOTCONN;
	if (s->reading.is_asked)
		return -EBUSY;
	if (n == 0)
		return -EINVAL;
	if (s->reader == NULL && !streams_redis_open_reader(s))
		return -EINVAL;
	s->reading.block_ms = block_ms < most_ms ? block_ms : most_ms;
	keep_command(s, consumer, streams, n, count);
	if (redis_ready(s->reader))
		error = send(s);
	s->reading.is_asked = error == 0;
	return error;
}

void reading_ready(struct streams_redis *s)
{
	if (s->reading.is_asked && !s->reading.is_out && send(s) < 0)
		redis_leave(s->reader, REDIS_TROUBLE_MEMORY);
}

/* One that waits in Redis could be given entries there which nobody would hear of. */
void reading_lost(struct streams_redis *s, int64_t now_ms)
{
	if (s->reading.is_out) {
		s->reading.until_ms = s->reading.sent_ms + s->reading.block_ms;
		redis_leave(s->reader, REDIS_TROUBLE_ENDED);
	}
	if (s->reading.is_asked)
		end(s, now_ms, -ENOTCONN);
}
