/*
 * fuzz_resp.c - any bytes from Redis: read whole and in pieces with the same result, within the limits, and looked at as
 * a subscriber would.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "buf.h"
#include "redis_reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LIMIT = 1000, PIECE = 7 };

#define REQUIRE(condition) \
	do { \
		if (!(condition)) { \
			fprintf(stderr, "not so: %s (line %d)\n", #condition, __LINE__); \
			abort(); \
		} \
	} while (0)

static void add(struct buf *to, const struct redis_reply *reply, int depth)
{
	REQUIRE(depth <= 9);
	buf_printf(to, "%d %lld %zu %zu ", (int)reply->type, (long long)reply->integer, reply->text.size, reply->count);
	buf_add_slice(to, reply->text);
	REQUIRE(reply->type == REDIS_ARRAY || reply->count == 0);
	for (size_t i = 0; i < reply->count; i++)
		add(to, &reply->items[i], depth + 1);
}

static void add_push(struct buf *to, const struct redis_reply *reply)
{
	struct redis_push push;

	redis_push_of(reply, &push);
	REQUIRE(push.kind != REDIS_PUSH_MESSAGE || reply->count >= 3);
	buf_printf(to, "%d %d %lld ", (int)push.kind, (int)push.names, (long long)push.count);
	buf_add_slice(to, push.name);
	buf_add_slice(to, push.channel);
	buf_add_slice(to, push.payload);
}

static enum redis_read read_all(struct redis_reader *r, struct slice bytes, size_t piece, struct buf *to)
{
	enum redis_read how = REDIS_READ_MORE;
	const struct redis_reply *reply;

	while (bytes.size && how == REDIS_READ_MORE) {
		size_t size = bytes.size < piece ? bytes.size : piece;

		redis_reader_feed(r, slice_first(bytes, size));
		bytes = slice_from(bytes, size);
		while ((how = redis_reader_next(r, &reply)) == REDIS_READ_REPLY) {
			size_t before = to->size;

			add(to, reply, 1);
			add_push(to, reply);
			REQUIRE(to->size - before < 100 * LIMIT);
		}
	}
	return how;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct redis_reader *r = redis_reader_new(LIMIT);
	struct buf whole = BUF_INIT, pieces = BUF_INIT;
	enum redis_read how = read_all(r, slice_of(data, size), size, &whole), again;

	redis_reader_reset(r);
	again = read_all(r, slice_of(data, size), PIECE, &pieces);
	/* One that is both may be found out as either, by what came first. */
	REQUIRE((how == REDIS_READ_MORE) == (again == REDIS_READ_MORE));
	REQUIRE(how != REDIS_READ_MORE || slice_equal(buf_slice(&whole), buf_slice(&pieces)));
	redis_reader_free(r);
	buf_fini(&whole);
	buf_fini(&pieces);
	return 0;
}
