/*
 * fuzz_msgpack.c - what the MessagePack checker accepts decodes, encodes, and is accepted again, always to the same
 * bytes; msgpack-c reads it too.
 *
 * The first byte picks the depth (low four bits). The rest are the bytes.
 */
#include <msgpack/object.h>
#include <msgpack/unpack.h>
#include <stdlib.h>

#include "json.h"
#include "msgpack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LIBRARY_DEPTH = 31 }; /* what msgpack-c unpacks */

static void require(bool holds)
{
	if (!holds)
		abort();
}

/* Encoded in the dialect, and that again: the first may change what is written in another way, the second nothing. */
static void recode(struct stoa_value v, enum msgpack_dialect dialect)
{
	static const struct msgpack_rules any = { VALUE_DEPTH_MAX };
	struct buf once = BUF_INIT, twice = BUF_INIT, json = BUF_INIT;
	struct arena arena = ARENA_INIT;
	struct stoa_value again;

	require(msgpack_encode(&once, v, dialect) == 0);
	require(msgpack_check(buf_slice(&once), &any) == NULL);
	again = msgpack_decode(&arena, buf_slice(&once), dialect);
	require(again.kind_ != VALUE_BROKEN);
	require(msgpack_encode(&twice, again, dialect) == 0);
	require(slice_equal(buf_slice(&once), buf_slice(&twice)));
	require(json_encode(&json, v, NULL) == 0); /* a large double without a fraction is an integer from now on */
	buf_fini(&once);
	buf_fini(&twice);
	buf_fini(&json);
	arena_fini(&arena);
}

/* JSON of the bytes is that of their tree, attachments and all; of bytes that nobody checked as well. */
static void to_json(struct slice bytes, bool bus)
{
	struct arena arena = ARENA_INIT;
	struct stoa_value raw = bus ? value_of_bus(&arena, bytes) : value_of_msgpack(&arena, bytes);
	struct stoa_value tree = msgpack_decode(&arena, bytes, bus ? MSGPACK_BUS : MSGPACK_CLIENT);
	struct json_blobs blobs[2] = { { NULL, 0, 0 }, { NULL, 0, 0 } };
	struct buf out[2] = { BUF_INIT, BUF_INIT };

	require(json_encode(&out[0], raw, &blobs[0]) == json_encode(&out[1], tree, &blobs[1]));
	require(slice_equal(buf_slice(&out[0]), buf_slice(&out[1])));
	require(blobs[0].count == blobs[1].count);
	for (size_t i = 0; i < blobs[0].count; i++)
		require(slice_equal(blobs[0].at[i], blobs[1].at[i]));
	for (int i = 0; i < 2; i++) {
		json_blobs_fini(&blobs[i]);
		buf_fini(&out[i]);
	}
	arena_fini(&arena);
}

/* Passed on, it is what it was; one level opened, or copied, it is the same value. */
static void pass_on(struct slice bytes)
{
	struct arena arena = ARENA_INIT;
	struct stoa_value raw = value_of_msgpack(&arena, bytes), items = value_of_msgpack_items(&arena, bytes);
	struct stoa_value spread = { .kind_ = VALUE_SPREAD, .as_.at = &items };
	struct buf out = BUF_INIT, opened = BUF_INIT, copied = BUF_INIT;

	require(msgpack_encode(&out, value_copy(&arena, raw), MSGPACK_CLIENT) == 0);
	require(slice_equal(buf_slice(&out), bytes));
	buf_clear(&out);
	require(msgpack_encode_list(&out, &spread, 1, MSGPACK_CLIENT) == 0);
	require(out.at[0] == '\x91' && slice_equal(slice_from(buf_slice(&out), 1), bytes));
	require(value_open(items).size_ == 1);
	require(json_encode(&opened, value_open(items), NULL) == 0);
	require(json_encode(&copied, value_copy(&arena, items), NULL) == 0);
	require(slice_equal(buf_slice(&opened), buf_slice(&copied)));
	buf_fini(&out);
	buf_fini(&opened);
	buf_fini(&copied);
	arena_fini(&arena);
}

static void require_library(struct slice bytes)
{
	msgpack_unpacked result;
	size_t offset = 0;

	msgpack_unpacked_init(&result);
	require(msgpack_unpack_next(&result, bytes.at, bytes.size, &offset) == MSGPACK_UNPACK_SUCCESS);
	require(offset == bytes.size);
	msgpack_unpacked_destroy(&result);
}

static void check(struct slice bytes, unsigned depth)
{
	struct arena arena = ARENA_INIT;

	for (int dialect = MSGPACK_CLIENT; dialect <= MSGPACK_BUS; dialect++) {
		struct stoa_value v = msgpack_decode(&arena, bytes, (enum msgpack_dialect)dialect);

		require(v.kind_ != VALUE_BROKEN);
		require(arena.total_bytes <= MSGPACK_ARENA_FACTOR * bytes.size + 64);
		recode(v, (enum msgpack_dialect)dialect);
		arena_reset(&arena);
	}
	require(msgpack_count(bytes) == 1);
	pass_on(bytes);
	if (depth < LIBRARY_DEPTH)
		require_library(bytes);
	arena_fini(&arena);
}

/* Nothing may be read or written out of bounds even when nobody checked the bytes. */
static void decode_unchecked(struct slice bytes)
{
	struct arena arena = { .limit_bytes = 1 << 16 };

	msgpack_decode(&arena, bytes, MSGPACK_CLIENT);
	msgpack_decode(&arena, bytes, MSGPACK_BUS);
	value_open(value_of_msgpack_items(&arena, bytes));
	msgpack_decode_items(&arena, bytes, 3);
	arena_fini(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct msgpack_rules rules;
	struct slice bytes;

	if (size == 0)
		return 0;
	rules = (struct msgpack_rules){ .max_depth = data[0] & 0x0Fu };
	bytes = slice_of(data + 1, size - 1);
	decode_unchecked(bytes);
	to_json(bytes, false);
	to_json(bytes, true);
	if (msgpack_check(bytes, &rules) == NULL)
		check(bytes, rules.max_depth);
	return 0;
}
