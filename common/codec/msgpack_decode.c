/*
 * msgpack_decode.c - checked bytes to values; see msgpack.h.
 *
 * A head says how many values follow, so each array is made in its size at once and filled in place. Bytes were
 * checked, but nothing here relies on that to stay within them or to take no more of the arena than they are worth.
 */
#include "date.h"
#include "msgpack.h"

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

static bool decode_date(struct decoder *d, int64_t ms, struct stoa_value *to)
{
	char text[DATE_TEXT_MAX], *copy;
	size_t size = date_put(text, ms);

	if (size == 0) {
		*to = value_null();
		return true;
	}
	copy = arena_copy(d->arena, text, size);
	*to = value_text(slice_of(copy, size));
	to->flags_ = VALUE_DATE;
	return copy != NULL;
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
static bool decode_pair(struct decoder *d, int8_t type, struct slice body, struct stoa_value *to)
{
	struct stoa_value *pair = arena_take(d->arena, 2 * sizeof(*pair));

	if (pair == NULL)
		return false;
	pair[0] = value_int(type);
	pair[1] = value_bytes(body);
	*to = value_array(pair, 2);
	return true;
}

/* `fixed`: its size is in its first byte. Only so are one byte undefined and eight bytes a date: of any other size, and
 * with a size of its own, it is an ArrayBuffer. */
static bool decode_ext(
	struct decoder *d, const struct msgpack_head *head, bool fixed, struct slice body, struct stoa_value *to)
{
	bool is_timestamp = body.size == 12 ? !fixed : fixed && (body.size == 4 || body.size == 8);

	if (head->type == -1 && d->dialect == MSGPACK_BUS && is_timestamp)
		return decode_date(d, timestamp_of(body), to);
	if (head->type == 0 && fixed && body.size == 8)
		return decode_date(d, signed_of(body), to);
	if (head->type == 0 && fixed && body.size == 1) {
		*to = value_null();
		to->flags_ = VALUE_UNDEFINED;
		return true;
	}
	if (head->type != 0 || fixed)
		return decode_pair(d, head->type, body, to);
	*to = value_bytes(body);
	to->flags_ = VALUE_ARRAYBUFFER;
	return true;
}

/* A key; integers are text, as in JavaScript. */
static bool decode_key(struct decoder *d, struct stoa_value *to)
{
	char digits[24], *copy;
	int n;

	if (!decode_value(d, to))
		return false;
	if (to->kind_ == VALUE_TEXT)
		return true;
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

static bool decode_leaf(struct decoder *d, const struct msgpack_head *head, unsigned char first, struct slice body,
	struct stoa_value *to)
{
	switch (head->form) {
	case MSGPACK_NIL:
		*to = value_null();
		return true;
	case MSGPACK_BOOL:
		*to = value_bool(first & 1);
		return true;
	case MSGPACK_UINT:
		*to = body.size ? value_uint(number_of(body)) : value_int(first);
		return true;
	case MSGPACK_INT:
		*to = value_int(body.size ? signed_of(body) : (int8_t)first);
		return true;
	case MSGPACK_FLOAT:
		*to = float_of(body);
		return true;
	case MSGPACK_TEXT:
		return decode_text(d, body, to);
	case MSGPACK_BYTES:
		*to = value_bytes(body);
		return true;
	case MSGPACK_EXT:
		return decode_ext(d, head, first >= 0xD4, body, to);
	case MSGPACK_ARRAY:
	case MSGPACK_MAP:
		break;
	}
	return false;
}

/* An array or map that is an item of a list, left as it came; one without anything in it is not worth it. */
static bool keep_raw(struct decoder *d, struct stoa_value *to)
{
	struct msgpack_rules rules = { VALUE_DEPTH_MAX };
	struct slice value;

	if (msgpack_scan(d->rest, &rules, 0, &value))
		return false;
	d->rest = slice_from(d->rest, value.size);
	*to = value_of_msgpack(d->arena, value);
	return to->kind_ != VALUE_BROKEN;
}

static bool decode_value(struct decoder *d, struct stoa_value *to)
{
	struct msgpack_head head;
	unsigned char first;
	struct slice body;

	if (!msgpack_head(d->rest, &head) || head.body > d->rest.size - head.size)
		return false;
	if (d->items && head.count)
		return keep_raw(d, to);
	first = (unsigned char)d->rest.at[0];
	body = slice_first(slice_from(d->rest, head.size), head.body);
	d->rest = slice_from(d->rest, head.size + head.body);
	if (head.form == MSGPACK_ARRAY || head.form == MSGPACK_MAP)
		return decode_container(d, &head, to);
	return decode_leaf(d, &head, first, body, to);
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
