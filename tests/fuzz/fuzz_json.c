/*
 * fuzz_json.c - what the JSON checker accepts decodes, encodes, and is accepted again, always to the same text.
 *
 * The first byte picks the rules: the depth (low four bits) and the number of attachments. The rest is the text.
 */
#include "json.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct slice attachments[] = { { "a", 1 }, { "", 0 }, { "ccc", 3 } };

static void require(bool holds)
{
	if (!holds)
		abort();
}

/* A decoded text encoded: `out` is what was read from it, `blobs` its attachments. */
static void recode(
	struct slice text, const struct slice *blobs, size_t n_blobs, struct buf *out, struct json_blobs *found)
{
	struct arena arena = ARENA_INIT;
	struct stoa_value v = json_decode(&arena, text, blobs, n_blobs), copy = value_copy(&arena, v);
	struct buf log = BUF_INIT;

	require(v.kind_ != VALUE_BROKEN && copy.kind_ != VALUE_BROKEN);
	require(arena.total_bytes <= 3 * JSON_ARENA_FACTOR * text.size + 256);
	require(json_encode(out, v, found) == 0);
	require(json_encode(&log, copy, NULL) == 0);
	buf_fini(&log);
	arena_fini(&arena);
}

/* The items of an array, walked one by one and put together again, are the array. */
static void check_items(struct slice text, const struct json_rules *rules, size_t n_blobs)
{
	struct json_items it = json_items_of(text, rules);
	struct arena arena = ARENA_INIT;
	struct buf joined = BUF_INIT, array = BUF_INIT, items = BUF_INIT, again = BUF_INIT;
	struct stoa_value v;
	struct slice item;

	while (json_items_next(&it, &item)) {
		buf_add_str(&joined, joined.size ? " ,\n" : "");
		buf_add_slice(&joined, item);
	}
	require(it.error == NULL);
	v = value_of_items(&arena, buf_slice(&joined), JSON_REWRITE | JSON_BLOBS, attachments, n_blobs);
	require(json_encode(&array, json_decode(&arena, text, attachments, n_blobs), NULL) == 0);
	require(json_encode(&items, value_copy(&arena, v), NULL) == 0);
	require(json_encode(&again, json_decode(&arena, buf_slice(&items), NULL, 0), NULL) == 0);
	require(slice_equal(buf_slice(&array), buf_slice(&again)));
	buf_fini(&joined);
	buf_fini(&array);
	buf_fini(&items);
	buf_fini(&again);
	arena_fini(&arena);
}

static void check_text(struct slice text, const struct json_rules *rules, unsigned flags)
{
	size_t n_blobs = rules->blobs > 0 ? (size_t)rules->blobs : 0;
	struct json_rules again = *rules;
	struct json_blobs found = { NULL, 0, 0 }, found_again = { NULL, 0, 0 };
	struct buf once = BUF_INIT, twice = BUF_INIT;

	recode(text, attachments, n_blobs, &once, &found);
	require((found.count > 0) == ((flags & JSON_BLOBS) != 0));
	if (rules->blobs >= 0)
		again.blobs = (long)found.count;
	require(json_check(buf_slice(&once), &again, &flags) == NULL);
	require(!(flags & JSON_REWRITE));
	recode(buf_slice(&once), found.at, found.count, &twice, &found_again);
	require(slice_equal(buf_slice(&once), buf_slice(&twice)));
	require(found.count == found_again.count);
	for (size_t i = 0; i < found.count; i++)
		require(slice_equal(found.at[i], found_again.at[i]));
	buf_fini(&once);
	buf_fini(&twice);
	json_blobs_fini(&found);
	json_blobs_fini(&found_again);
}

/* Nothing may be read or written out of bounds even when nobody checked the text. */
static void decode_unchecked(struct slice text)
{
	struct arena arena = { .limit_bytes = 1 << 16 };

	json_decode(&arena, text, attachments, 3);
	json_decode_text(&arena, text);
	value_open(value_of_items(&arena, text, 0, attachments, 3));
	arena_fini(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct json_rules rules;
	struct slice text;
	unsigned flags;

	if (size == 0)
		return 0;
	rules = (struct json_rules){ .max_depth = data[0] & 0x0Fu, .blobs = (data[0] >> 4) % 5 - 1 };
	text = slice_of(data + 1, size - 1);
	decode_unchecked(text);
	if (json_check(text, &rules, &flags))
		return 0;
	check_text(text, &rules, flags);
	if (slice_starts(text, SLICE("[")))
		check_items(text, &rules, rules.blobs > 0 ? (size_t)rules.blobs : 0);
	return 0;
}
