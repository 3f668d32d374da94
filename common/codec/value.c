/* value.c - see value.h. */
#include "value.h"

#include "json_scan.h"
#include "msgpack.h"

static struct stoa_value new_raw(struct arena *arena, struct value_raw what)
{
	struct value_raw *raw = arena_take(arena, sizeof(*raw));

	if (raw == NULL)
		return value_broken();
	*raw = what;
	raw->arena = arena;
	raw->opened = false;
	return (struct stoa_value){ .kind_ = VALUE_RAW, .as_.at = raw };
}

/* Without a placeholder in the text the attachments are none of its business. */
static struct stoa_value raw_of(struct arena *arena, struct value_raw what, unsigned flags)
{
	what.verbatim = !(flags & (JSON_REWRITE | JSON_BLOBS));
	if (!(flags & JSON_BLOBS))
		what.n_blobs = 0;
	return new_raw(arena, what);
}

struct stoa_value value_of_json(
	struct arena *arena, struct slice text, unsigned flags, const struct slice *blobs, size_t n_blobs)
{
	return raw_of(arena, (struct value_raw){ .text = text, .blobs = blobs, .n_blobs = n_blobs }, flags);
}

struct stoa_value value_of_items(
	struct arena *arena, struct slice text, unsigned flags, const struct slice *blobs, size_t n_blobs)
{
	struct value_raw what = { .text = text, .items = true, .blobs = blobs, .n_blobs = n_blobs };

	/* White space alone is no items: a spread of it must leave no comma. */
	if (text.size) {
		const char *end = text.at + text.size, *begin = json_skip_space(text.at, end);
		what.text = slice_of(begin, (size_t)(end - begin));
	}
	return raw_of(arena, what, flags);
}

struct stoa_value value_of_msgpack(struct arena *arena, struct slice bytes)
{
	return new_raw(arena, (struct value_raw){ .text = bytes, .encoding = VALUE_MSGPACK });
}

struct stoa_value value_of_bus(struct arena *arena, struct slice bytes)
{
	return new_raw(arena, (struct value_raw){ .text = bytes, .encoding = VALUE_MSGPACK, .is_bus = true });
}

struct stoa_value value_of_msgpack_items(struct arena *arena, struct slice bytes)
{
	return new_raw(arena,
		(struct value_raw){
			.text = bytes, .encoding = VALUE_MSGPACK, .items = true, .n_items = msgpack_count(bytes) });
}

static struct stoa_value open_json(const struct value_raw *raw)
{
	return raw->items ? json_decode_items(raw->arena, raw->text, raw->blobs, raw->n_blobs)
			  : json_decode(raw->arena, raw->text, raw->blobs, raw->n_blobs);
}

static struct stoa_value open_msgpack(const struct value_raw *raw)
{
	return raw->items ? msgpack_decode_items(raw->arena, raw->text, raw->n_items)
			  : msgpack_decode(raw->arena, raw->text, raw->is_bus ? MSGPACK_BUS : MSGPACK_CLIENT);
}

struct stoa_value value_open(struct stoa_value v)
{
	struct value_raw *raw;

	if (v.kind_ != VALUE_RAW)
		return v;
	raw = (struct value_raw *)(uintptr_t)v.as_.at; /* the one node that changes */
	if (!raw->opened) {
		raw->tree = raw->encoding == VALUE_JSON ? open_json(raw) : open_msgpack(raw);
		raw->opened = true;
	}
	return raw->tree;
}

struct stoa_value value_at(struct stoa_value v, size_t i)
{
	v = value_open(v);
	return v.kind_ == VALUE_ARRAY && i < v.size_ ? ((const struct stoa_value *)v.as_.at)[i] : value_null();
}

struct stoa_value value_get(struct stoa_value v, struct slice key)
{
	const struct stoa_value *pairs;

	v = value_open(v);
	pairs = v.as_.at;
	if (v.kind_ != VALUE_OBJECT)
		return value_null();
	for (size_t i = v.size_; i-- > 0;)
		if (pairs[2 * i].kind_ == VALUE_TEXT && slice_equal(value_slice(pairs[2 * i]), key))
			return pairs[2 * i + 1];
	return value_null();
}

/* One value_copy(). Values of one event share their attachments, so the copies do: the last list is remembered. */
struct copier {
	struct arena *to;
	unsigned depth;
	const struct slice *blobs;
	size_t n_blobs;
	struct slice *copied;
};

static struct stoa_value copy_value(struct copier *c, struct stoa_value v);

static bool copy_slice(struct copier *c, struct slice *s)
{
	s->at = arena_copy(c->to, s->at, s->size);
	return s->at != NULL;
}

static struct stoa_value copy_leaf(struct copier *c, struct stoa_value v)
{
	v.as_.at = arena_copy(c->to, v.as_.at, v.size_);
	return v.as_.at ? v : value_broken();
}

static struct stoa_value copy_nodes(struct copier *c, struct stoa_value v, size_t n)
{
	const struct stoa_value *from = v.as_.at;
	struct stoa_value *to = arena_take(c->to, n * sizeof(*to));
	bool whole = to != NULL && c->depth < VALUE_DEPTH_MAX;

	c->depth++;
	for (size_t i = 0; whole && i < n; i++) {
		to[i] = copy_value(c, from[i]);
		whole = to[i].kind_ != VALUE_BROKEN;
	}
	c->depth--;
	v.as_.at = to;
	return whole ? v : value_broken();
}

static bool copy_blobs(struct copier *c, const struct value_raw *raw)
{
	if (raw->n_blobs == 0 || (c->copied && c->blobs == raw->blobs && c->n_blobs == raw->n_blobs))
		return true;
	c->blobs = raw->blobs;
	c->n_blobs = raw->n_blobs;
	c->copied = arena_take(c->to, raw->n_blobs * sizeof(*c->copied));
	for (size_t i = 0; c->copied && i < raw->n_blobs; i++) {
		c->copied[i] = raw->blobs[i];
		if (!copy_slice(c, &c->copied[i]))
			c->copied = NULL;
	}
	return c->copied != NULL;
}

static struct stoa_value copy_raw(struct copier *c, const struct value_raw *raw)
{
	struct value_raw copy = *raw;

	if (!copy_slice(c, &copy.text) || !copy_blobs(c, raw))
		return value_broken();
	copy.blobs = raw->n_blobs ? c->copied : NULL;
	return new_raw(c->to, copy);
}

static struct stoa_value copy_value(struct copier *c, struct stoa_value v)
{
	switch ((enum value_kind)v.kind_) {
	case VALUE_TEXT:
	case VALUE_BYTES:
		return copy_leaf(c, v);
	case VALUE_ARRAY:
		return copy_nodes(c, v, v.size_);
	case VALUE_OBJECT:
		return copy_nodes(c, v, 2 * v.size_);
	case VALUE_SPREAD:
		return copy_nodes(c, v, 1);
	case VALUE_RAW:
		return copy_raw(c, v.as_.at);
	case VALUE_NULL:
	case VALUE_BOOL:
	case VALUE_INT:
	case VALUE_UINT:
	case VALUE_FLOAT:
	case VALUE_BROKEN:
		break;
	}
	return v;
}

struct stoa_value value_copy(struct arena *to, struct stoa_value v)
{
	struct copier c = { .to = to };

	return copy_value(&c, v);
}
