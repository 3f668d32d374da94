/*
 * msgpack_decode.c - checked bytes to values; see msgpack.h.
 *
 * A head says how many values follow, so each array is made in its size at once and filled in place. Bytes were
 * checked, but nothing here relies on that to stay within them or to take no more of the arena than they are worth.
 */
#include "msgpack_parts.h"

#include <inttypes.h>
#include <stdio.h>

struct decoder {
	struct slice rest;
	struct arena *arena;
	enum msgpack_dialect dialect;
	unsigned depth;
	char *text; /* where the next text goes */
	bool items; /* arrays and maps stay as they are: VALUE_RAW */
};

static bool decode_value(struct decoder *d, struct stoa_value *to);

static uint64_t number_of(struct slice bytes)
{
	uint64_t n = 0;

	for (size_t i = 0; i < bytes.size; i++)
		n = n << 8 | (unsigned char)bytes.at[i];
	return n;
}

/* Two's complement of as many bytes as there are. */
static int64_t signed_of(struct slice bytes)
{
	unsigned unused = 64 - 8 * (unsigned)bytes.size;

	return (int64_t)(number_of(bytes) << unused) >> unused;
}

static struct stoa_value float_of(struct slice bytes)
{
	uint64_t wide = number_of(bytes);
	uint32_t narrow = (uint32_t)wide;
	float f;
	double g;

	memcpy(&f, &narrow, sizeof(f));
	memcpy(&g, &wide, sizeof(g));
	return value_float(bytes.size == sizeof(f) ? (double)f : g);
}

/* --- Leaves ------------------------------------------------------------------------------------------------------- */

static void read_date(struct msgpack_leaf *leaf, int64_t ms)
{
	size_t size = date_put(leaf->date, ms);

	leaf->v = size ? value_text(slice_of(leaf->date, size)) : value_null();
	leaf->v.flags_ = size ? VALUE_DATE : 0;
}

/* Seconds and nanoseconds; what is less than a millisecond is cut off towards 1970, as a Date cuts it. */
static int64_t timestamp_ms(int64_t seconds, uint32_t nanoseconds)
{
	int64_t ms = nanoseconds / 1000000;

	if (seconds < -DATE_MS_MAX / 1000 - 1 || seconds > DATE_MS_MAX / 1000)
		return INT64_MAX;
	if (seconds < 0 && nanoseconds % 1000000)
		ms++;
	return seconds * 1000 + ms;
}

/* The format's timestamp of 4, 8 or 12 bytes. */
static int64_t timestamp_of(struct slice body)
{
	uint64_t both;

	if (body.size == 4)
		return timestamp_ms((int64_t)number_of(body), 0);
	if (body.size == 12)
		return timestamp_ms(signed_of(slice_from(body, 4)), (uint32_t)number_of(slice_first(body, 4)));
	both = number_of(body);
	return timestamp_ms((int64_t)(both & 0x3FFFFFFFF), (uint32_t)(both >> 34));
}

/* [type, bytes] */
static void read_pair(struct msgpack_leaf *leaf, int8_t type, struct slice body)
{
	leaf->pair[0] = value_int(type);
	leaf->pair[1] = value_bytes(body);
	leaf->v = value_array(leaf->pair, 2);
}

/* `fixed`: its size is in its first byte. Only so are one byte undefined and eight bytes a date: of any other size, and
 * with a size of its own, it is an ArrayBuffer. */
static void read_ext(
	struct msgpack_leaf *leaf, int8_t type, bool fixed, struct slice body, enum msgpack_dialect dialect)
{
	bool is_timestamp = body.size == 12 ? !fixed : fixed && (body.size == 4 || body.size == 8);

	if (type == -1 && dialect == MSGPACK_BUS && is_timestamp) {
		read_date(leaf, timestamp_of(body));
	} else if (type == 0 && fixed && body.size == 8) {
		read_date(leaf, signed_of(body));
	} else if (type == 0 && fixed && body.size == 1) {
		leaf->v = value_null();
		leaf->v.flags_ = VALUE_UNDEFINED;
	} else if (type != 0 || fixed) {
		read_pair(leaf, type, body);
	} else {
		leaf->v = value_bytes(body);
		leaf->v.flags_ = VALUE_ARRAYBUFFER;
	}
}

void msgpack_read_leaf(
	struct slice bytes, const struct msgpack_head *head, enum msgpack_dialect dialect, struct msgpack_leaf *leaf)
{
	unsigned char first = (unsigned char)bytes.at[0];
	struct slice body = msgpack_body(bytes, head);

	switch (head->form) {
	case MSGPACK_NIL:
		leaf->v = value_null();
		return;
	case MSGPACK_BOOL:
		leaf->v = value_bool(first & 1);
		return;
	case MSGPACK_UINT:
		leaf->v = body.size ? value_uint(number_of(body)) : value_int(first);
		return;
	case MSGPACK_INT:
		leaf->v = value_int(body.size ? signed_of(body) : (int8_t)first);
		return;
	case MSGPACK_FLOAT:
		leaf->v = float_of(body);
		return;
	case MSGPACK_TEXT:
		leaf->v = value_text(body);
		return;
	case MSGPACK_BYTES:
		leaf->v = value_bytes(body);
		return;
	case MSGPACK_EXT:
		read_ext(leaf, head->type, first >= 0xD4, body, dialect);
		return;
	case MSGPACK_ARRAY:
	case MSGPACK_MAP:
		break;
	}
	leaf->v = value_broken();
}

/* --- Trees -------------------------------------------------------------------------------------------------------- */

/* One piece of the arena serves all texts: what is left of the bytes when the first one's head has been read, and that
 * head, are enough, since every head makes room for a NUL. */
static bool decode_text(struct decoder *d, struct slice body, struct stoa_value *to)
{
	if (d->text == NULL)
		d->text = arena_take(d->arena, d->rest.size + body.size + 1);
	if (d->text == NULL)
		return false;
	if (body.size)
		memcpy(d->text, body.at, body.size);
	d->text[body.size] = '\0';
	*to = value_text(slice_of(d->text, body.size));
	d->text += body.size + 1;
	return true;
}

/* What was read in place, as long as the tree lives; binary stays where it is. */
static bool keep_leaf(struct decoder *d, const struct msgpack_leaf *leaf, struct stoa_value *to)
{
	bool copied = leaf->v.kind_ == VALUE_ARRAY || (leaf->v.flags_ & VALUE_DATE);
	size_t size = leaf->v.kind_ == VALUE_ARRAY ? sizeof(leaf->pair) : leaf->v.size_;

	*to = leaf->v;
	if (leaf->v.kind_ == VALUE_TEXT && !copied)
		return decode_text(d, value_slice(leaf->v), to);
	if (copied)
		to->as_.at = arena_copy(d->arena, leaf->v.as_.at, size);
	return to->as_.at != NULL || !copied;
}

/* A key; integers are text, as in JavaScript. */
static bool decode_key(struct decoder *d, struct stoa_value *to)
{
	char digits[24], *copy;
	int n;

	if (!decode_value(d, to))
		return false;
	if (to->kind_ == VALUE_TEXT)
		return to->flags_ == 0;
	if (to->kind_ != VALUE_INT && to->kind_ != VALUE_UINT)
		return false;
	n = to->kind_ == VALUE_INT ? snprintf(digits, sizeof(digits), "%" PRId64, to->as_.i)
				   : snprintf(digits, sizeof(digits), "%" PRIu64, to->as_.u);
	copy = arena_copy(d->arena, digits, (size_t)n);
	*to = value_text(slice_of(copy, (size_t)n));
	return copy != NULL;
}

static bool decode_container(struct decoder *d, const struct msgpack_head *head, struct stoa_value *to)
{
	bool is_map = head->form == MSGPACK_MAP, whole;
	size_t n = is_map ? 2 * (size_t)head->count : head->count;
	struct stoa_value *nodes;

	if (d->depth == VALUE_DEPTH_MAX || n > d->rest.size)
		return false;
	nodes = arena_take(d->arena, n * sizeof(*nodes));
	whole = nodes != NULL;
	d->depth++;
	for (size_t i = 0; i < n && whole; i++)
		whole = is_map && i % 2 == 0 ? decode_key(d, &nodes[i]) : decode_value(d, &nodes[i]);
	d->depth--;
	*to = is_map ? value_object(nodes, head->count) : value_array(nodes, head->count);
	return whole;
}

/* An array or map that is an item of a list, left as it came; one without anything in it is not worth it. */
static bool keep_raw(struct decoder *d, struct stoa_value *to)
{
	struct slice value = d->rest;

	if (!msgpack_skip(&d->rest))
		return false;
	value.size -= d->rest.size;
	*to = value_of_msgpack(d->arena, value);
	return to->kind_ != VALUE_BROKEN;
}

static bool decode_value(struct decoder *d, struct stoa_value *to)
{
	struct msgpack_leaf leaf;
	struct msgpack_head head;
	struct slice bytes = d->rest;

	if (!msgpack_read_value_head(bytes, &head))
		return false;
	if (d->items && head.count)
		return keep_raw(d, to);
	d->rest = slice_from(bytes, head.size + head.body);
	if (msgpack_is_container(head.form))
		return decode_container(d, &head, to);
	msgpack_read_leaf(bytes, &head, d->dialect, &leaf);
	return keep_leaf(d, &leaf, to);
}

struct stoa_value msgpack_decode(struct arena *arena, struct slice bytes, enum msgpack_dialect dialect)
{
	struct decoder d = { .rest = bytes, .arena = arena, .dialect = dialect };
	struct stoa_value v = value_broken();

	return decode_value(&d, &v) && d.rest.size == 0 ? v : value_broken();
}

struct stoa_value msgpack_decode_items(struct arena *arena, struct slice bytes, size_t n)
{
	struct decoder d = { .rest = bytes, .arena = arena, .dialect = MSGPACK_CLIENT, .items = true };
	struct stoa_value *items = n <= bytes.size ? arena_take(arena, n * sizeof(*items)) : NULL;
	bool whole = items != NULL;

	for (size_t i = 0; i < n && whole; i++)
		whole = decode_value(&d, &items[i]);
	return whole && d.rest.size == 0 ? value_array(items, n) : value_broken();
}
