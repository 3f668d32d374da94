/* walk.c - values looked at, shown, and kept beyond the handler. */
#include "internal.h"

#include <stdlib.h>

enum stoa_type walk_type(struct stoa_value v)
{
	switch ((enum value_kind)value_open(v).kind_) {
	case VALUE_BOOL:
		return STOA_BOOL;
	case VALUE_INT:
	case VALUE_UINT:
		return STOA_INT;
	case VALUE_FLOAT:
		return STOA_FLOAT;
	case VALUE_TEXT:
		return STOA_TEXT;
	case VALUE_BYTES:
		return STOA_BYTES;
	case VALUE_ARRAY:
		return STOA_ARRAY;
	case VALUE_OBJECT:
		return STOA_OBJECT;
	case VALUE_NULL:
	case VALUE_RAW:
	case VALUE_SPREAD:
	case VALUE_BROKEN:
		break;
	}
	return STOA_NULL;
}

size_t walk_length(struct stoa_value v)
{
	v = value_open(v);
	return walk_type(v) >= STOA_TEXT ? v.size_ : 0;
}

struct stoa_value walk_at(struct stoa_value v, size_t i)
{
	const struct stoa_value *nodes;

	v = value_open(v);
	nodes = v.as_.at;
	if (v.kind_ == VALUE_ARRAY && i < v.size_)
		return nodes[i];
	if (v.kind_ == VALUE_OBJECT && i < v.size_)
		return nodes[2 * i + 1];
	return value_null();
}

const char *walk_key(struct stoa_value v, size_t i)
{
	v = value_open(v);
	if (v.kind_ != VALUE_OBJECT || i >= v.size_)
		return NULL;
	return ((const struct stoa_value *)v.as_.at)[2 * i].as_.at;
}

struct stoa_value walk_get(struct stoa_value v, const char *key)
{
	return key ? value_get(v, slice_str(key)) : value_null();
}

const char *walk_to_json(struct stoa_value v)
{
	struct arena *arena = app_work();
	struct buf to = BUF_INIT;
	const char *text = NULL;

	if (arena && json_encode(&to, v, NULL) == 0 && !to.failed)
		text = arena_copy(arena, to.at, to.size);
	buf_fini(&to);
	return text ? text : "null";
}

/* --- Keeping ------------------------------------------------------------------------------------------------------ */

/* One block of memory, filled in a walk. The first walk, `at` being NULL, only measures. */
struct block {
	char *at;
	size_t used;
	bool broken;
};

static struct stoa_value place(struct block *b, struct stoa_value v, unsigned depth);

static void *piece(struct block *b, size_t size)
{
	size_t align = sizeof(struct stoa_value) >= 8 ? 8 : sizeof(void *);
	void *at = b->at ? b->at + b->used : NULL;

	b->used += (size + align - 1) / align * align;
	return at;
}

static struct stoa_value place_leaf(struct block *b, struct stoa_value v)
{
	char *to = piece(b, v.size_ + 1);

	if (to && v.size_)
		memcpy(to, v.as_.at, v.size_);
	if (to)
		to[v.size_] = '\0';
	v.as_.at = to;
	v.flags_ &= VALUE_MARKS;
	return v;
}

static struct stoa_value place_nodes(struct block *b, struct stoa_value v, size_t n, unsigned depth)
{
	const struct stoa_value *from = v.as_.at;
	struct stoa_value *to = piece(b, n * sizeof(*to));

	for (size_t i = 0; i < n && !b->broken; i++) {
		struct stoa_value copy = place(b, from[i], depth + 1);
		if (to)
			to[i] = copy;
	}
	v.as_.at = to;
	v.flags_ = 0;
	return v;
}

/* Raw text is decoded first: a value that is kept outlives the memory that it would decode into later. */
static struct stoa_value place(struct block *b, struct stoa_value v, unsigned depth)
{
	enum { DEEPEST = 1000 };

	v = value_open(v);
	b->broken |= depth > DEEPEST || v.kind_ == VALUE_BROKEN || v.kind_ == VALUE_SPREAD;
	if (b->broken)
		return value_null();
	if (v.kind_ == VALUE_TEXT || v.kind_ == VALUE_BYTES)
		return place_leaf(b, v);
	if (v.kind_ == VALUE_ARRAY)
		return place_nodes(b, v, v.size_, depth);
	return v.kind_ == VALUE_OBJECT ? place_nodes(b, v, 2 * v.size_, depth) : v;
}

struct stoa_value *walk_keep(struct stoa_value v)
{
	struct block b = { .at = NULL };
	struct stoa_value *kept;

	piece(&b, sizeof(*kept));
	place(&b, v, 0);
	if (b.broken)
		return NULL;
	b.at = malloc(b.used);
	if (b.at == NULL)
		return NULL;
	b.used = 0;
	kept = piece(&b, sizeof(*kept));
	*kept = place(&b, v, 0);
	return kept;
}
