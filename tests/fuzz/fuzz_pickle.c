/*
 * fuzz_pickle.c - a pickle that is taken is a tree within the limits, which encodes; one that is not leaves nothing.
 */
#include "json.h"
#include "pickle.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

struct count {
	size_t values, text_bytes;
};

static void count_tree(struct stoa_value v, struct count *c, unsigned depth)
{
	size_t n = v.kind_ == VALUE_OBJECT ? 2 * v.size_ : v.kind_ == VALUE_ARRAY ? v.size_ : 0;
	const struct stoa_value *items = v.as_.at;

	require(depth > 0);
	c->values++;
	if (v.kind_ == VALUE_TEXT || v.kind_ == VALUE_BYTES)
		c->text_bytes += v.size_;
	if (v.kind_ == VALUE_TEXT)
		require(value_slice(v).at[v.size_] == '\0');
	for (size_t i = 0; i < n; i++)
		count_tree(items[i], c, depth - 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pickle_rules rules = { .max_bytes = 1 << 16,
		.max_values = 2000,
		.max_text_bytes = 1 << 16,
		.max_depth = 30,
		.max_int_bytes = 128 };
	struct arena arena = ARENA_INIT;
	struct buf text = BUF_INIT;
	struct count c = { 0, 0 };
	struct stoa_value v;

	if (pickle_decode(&arena, slice_of(data, size), &rules, &v)) {
		require(v.kind_ == VALUE_BROKEN);
	} else {
		count_tree(v, &c, rules.max_depth + 1);
		require(c.values <= rules.max_values && c.text_bytes <= rules.max_text_bytes);
		require(json_encode(&text, v, NULL) == 0);
	}
	require(arena.total_bytes <= 64 * size + 64 * rules.max_values + 4096);
	arena_fini(&arena);
	buf_fini(&text);
	return 0;
}
