/* wire.c - see wire.h. */
#include "wire.h"

#include "json.h"
#include "json_number.h"
#include "msgpack_parts.h"

#include <math.h>
#include <stdlib.h>

static const char no_memory[] = "no memory";

/* --- Events ------------------------------------------------------------------------------------------------------- */

/* The first item of the array that MessagePack begins with, in place; null: it has none. False: it is no array. */
static bool first_of_msgpack(struct slice bytes, enum msgpack_dialect dialect, struct msgpack_leaf *name)
{
	struct msgpack_head head;

	name->v = value_null();
	if (!msgpack_read_head(bytes, &head) || head.form != MSGPACK_ARRAY)
		return false;
	bytes = slice_from(bytes, head.size);
	if (head.count && msgpack_read_value_head(bytes, &head) && !msgpack_is_container(head.form))
		msgpack_read_leaf(bytes, &head, dialect, name);
	return true;
}

/* Without decoding what is only passed on. */
static bool event_name(struct stoa_value data, struct msgpack_leaf *name)
{
	const struct value_raw *raw = data.kind_ == VALUE_RAW ? data.as_.at : NULL;

	if (raw && raw->encoding == VALUE_MSGPACK && !raw->items)
		return first_of_msgpack(raw->text, raw->is_bus ? MSGPACK_BUS : MSGPACK_CLIENT, name);
	name->v = value_at(data, 0);
	return value_open(data).kind_ == VALUE_ARRAY;
}

const char *wire_check_event(struct stoa_value data)
{
	static const char *const reserved[] = { "connect", "connect_error", "disconnect", "disconnecting",
		"newListener", "removeListener" };
	struct msgpack_leaf leaf;
	struct stoa_value name;

	if (!event_name(data, &leaf))
		return "event is no array";
	name = leaf.v;
	if (name.kind_ == VALUE_INT || name.kind_ == VALUE_UINT)
		return NULL;
	if (name.kind_ == VALUE_FLOAT && isfinite(name.as_.f))
		return NULL;
	if (name.kind_ != VALUE_TEXT)
		return "event without a name";
	for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
		if (slice_equal(value_slice(name), slice_str(reserved[i])))
			return "reserved event name";
	return NULL;
}

/* --- Names -------------------------------------------------------------------------------------------------------- */

struct slice wire_text_of(struct stoa_value v)
{
	return v.kind_ == VALUE_TEXT ? value_slice(v) : SLICE("");
}

/* A number's text as JavaScript has it: 42.0 is 42. */
static bool number_name(struct arena *arena, struct stoa_value v, struct slice *name)
{
	struct buf text = BUF_INIT;

	if (v.kind_ == VALUE_INT)
		json_number_add_int(&text, v.as_.i);
	else if (v.kind_ == VALUE_UINT)
		json_number_add_uint(&text, v.as_.u);
	else
		json_number_add(&text, v.as_.f);
	*name = slice_of(text.failed ? NULL : arena_copy(arena, text.at, text.size), text.size);
	buf_fini(&text);
	return name->at != NULL;
}

bool wire_name_of(struct arena *arena, struct stoa_value v, struct slice *name)
{
	v = value_open(v);
	switch ((enum value_kind)v.kind_) {
	case VALUE_TEXT:
		*name = value_slice(v);
		return true;
	case VALUE_INT:
	case VALUE_UINT:
		return number_name(arena, v, name);
	case VALUE_FLOAT:
		return isfinite(v.as_.f) && number_name(arena, v, name);
	case VALUE_NULL:
	case VALUE_BOOL:
	case VALUE_BYTES:
	case VALUE_ARRAY:
	case VALUE_OBJECT:
	case VALUE_RAW:
	case VALUE_SPREAD:
	case VALUE_BROKEN:
		break;
	}
	return false;
}

static int compare_slices(struct slice a, struct slice b)
{
	size_t n = a.size < b.size ? a.size : b.size;
	int order = n ? memcmp(a.at, b.at, n) : 0;

	return order ? order : (a.size > b.size) - (a.size < b.size);
}

/* By name, and equal names by place: they are pointers into one array. */
static int compare_places(const void *a, const void *b)
{
	const struct slice *x = *(struct slice *const *)a, *y = *(struct slice *const *)b;
	int order = compare_slices(*x, *y);

	return order ? order : (x > y) - (x < y);
}

/* Leaves each name once, its first. Sorted places, since whoever publishes chooses the names. */
static const char *drop_twins(struct wire_names *names)
{
	struct slice **places;
	size_t kept = 0;
	char *twin;

	if (names->count < 2)
		return NULL;
	places = malloc(names->count * (sizeof(*places) + 1));
	if (places == NULL)
		return no_memory;
	twin = (char *)(places + names->count);
	memset(twin, 0, names->count);
	for (size_t i = 0; i < names->count; i++)
		places[i] = names->at + i;
	qsort(places, names->count, sizeof(struct slice *), compare_places);
	for (size_t i = 1; i < names->count; i++)
		twin[places[i] - names->at] = slice_equal(*places[i], *places[i - 1]);
	for (size_t i = 0; i < names->count; i++)
		if (!twin[i])
			names->at[kept++] = names->at[i];
	names->count = kept;
	free(places);
	return NULL;
}

/* Every `step`-th of the nodes, from the first on. */
static const char *names_of_nodes(struct arena *arena, const struct stoa_value *nodes, size_t n, size_t step,
	const struct wire_rules *rules, struct wire_names *names)
{
	if (n > rules->max_names)
		return "too many names";
	names->at = arena_take(arena, n * sizeof(*names->at));
	if (names->at == NULL)
		return no_memory;
	for (size_t i = 0; i < n; i++)
		names->count += wire_name_of(arena, nodes[i * step], &names->at[names->count]);
	return drop_twins(names);
}

const char *wire_names_of(struct arena *arena, struct stoa_value list, const struct wire_rules *rules,
	struct wire_names *names, bool *empty)
{
	const struct stoa_value *nodes;

	list = value_open(list);
	nodes = list.as_.at;
	*names = (struct wire_names){ NULL, 0 };
	*empty = list.kind_ == VALUE_NULL || list.size_ == 0;
	if (list.kind_ == VALUE_NULL || (list.kind_ == VALUE_TEXT && list.size_ == 0))
		return NULL;
	if (list.kind_ == VALUE_TEXT)
		return names_of_nodes(arena, &list, 1, 1, rules, names);
	if (list.kind_ == VALUE_ARRAY)
		return names_of_nodes(arena, nodes, list.size_, 1, rules, names);
	if (list.kind_ == VALUE_OBJECT)
		return names_of_nodes(arena, list.size_ ? nodes + 1 : nodes, list.size_, 2, rules, names);
	return "names are no list";
}

/* An integer as JavaScript prints it, and so exactly the name of a numeric room. */
static bool is_integer_name(struct slice s, int64_t *i)
{
	bool negative = s.size && s.at[0] == '-';
	size_t at = negative;

	if (s.size - at == 0 || s.size - at > 15 || (s.at[at] == '0' && s.size > 1))
		return false;
	for (*i = 0; at < s.size; at++) {
		if (s.at[at] < '0' || s.at[at] > '9')
			return false;
		*i = *i * 10 + (s.at[at] - '0');
	}
	*i = negative ? -*i : *i;
	return true;
}

struct stoa_value wire_names_value(struct arena *arena, const struct wire_names *names, bool both)
{
	struct stoa_value *items = arena_take(arena, 2 * names->count * sizeof(*items));
	size_t n = 0;
	int64_t i64;

	if (items == NULL)
		return value_broken();
	for (size_t i = 0; i < names->count; i++) {
		items[n++] = value_text(names->at[i]);
		if (both && is_integer_name(names->at[i], &i64))
			items[n++] = value_int(i64);
	}
	return value_array(items, n);
}

/* --- Payloads ----------------------------------------------------------------------------------------------------- */

static const char *read_json(
	struct arena *arena, struct slice text, const struct wire_rules *rules, struct stoa_value *v)
{
	struct json_rules json = { .max_depth = rules->max_depth, .blobs = JSON_NO_BLOBS };
	unsigned flags;
	const char *error = json_check(text, &json, &flags);

	if (error)
		return error;
	*v = json_decode(arena, text, NULL, 0);
	return v->kind_ == VALUE_BROKEN ? no_memory : NULL;
}

static const char *check_size(struct slice payload, const struct wire_rules *rules)
{
	if (payload.size == 0)
		return "empty message";
	return payload.size > rules->max_bytes ? "message too large" : NULL;
}

const char *wire_check_msgpack(struct slice payload, const struct wire_rules *rules)
{
	struct msgpack_rules msgpack = { .max_depth = rules->max_depth };
	const char *error = check_size(payload, rules);

	return error ? error : msgpack_check(payload, &msgpack);
}

const char *wire_read_msgpack(
	struct arena *arena, struct slice payload, const struct wire_rules *rules, struct stoa_value *v)
{
	const char *error = wire_check_msgpack(payload, rules);

	if (error)
		return error;
	*v = msgpack_decode(arena, payload, MSGPACK_BUS);
	return v->kind_ == VALUE_BROKEN ? no_memory : NULL;
}

const char *wire_read_object(
	struct arena *arena, struct slice payload, const struct wire_rules *rules, struct stoa_value *v)
{
	const char *error = check_size(payload, rules);

	if (error)
		return error;
	error = slice_starts(payload, SLICE("{")) ? read_json(arena, payload, rules, v)
						  : wire_read_msgpack(arena, payload, rules, v);
	if (error == NULL && v->kind_ != VALUE_OBJECT)
		error = "message is no object";
	return error;
}

/* --- Node's Buffers in JSON --------------------------------------------------------------------------------------- */

struct plain {
	struct arena *arena;
	unsigned depth;
};

static struct stoa_value plain_value(struct plain *p, struct stoa_value v);

/* Its text, since a node for every byte would be 24 times as much. */
static struct stoa_value plain_buffer(struct plain *p, struct slice bytes)
{
	struct buf text = BUF_INIT;
	struct stoa_value v = value_broken();
	char *kept;

	buf_add_str(&text, "{\"type\":\"Buffer\",\"data\":[");
	for (size_t i = 0; i < bytes.size; i++) {
		if (i)
			buf_add_char(&text, ',');
		json_number_add_uint(&text, (unsigned char)bytes.at[i]);
	}
	buf_add_str(&text, "]}");
	kept = text.failed ? NULL : arena_copy(p->arena, text.at, text.size);
	if (kept)
		v = value_of_json(p->arena, slice_of(kept, text.size), 0, NULL, 0);
	buf_fini(&text);
	return v;
}

static struct stoa_value plain_nodes(struct plain *p, struct stoa_value v, size_t n)
{
	const struct stoa_value *from = v.as_.at;
	struct stoa_value *to = p->depth < VALUE_DEPTH_MAX ? arena_take(p->arena, n * sizeof(*to)) : NULL;

	if (to == NULL)
		return value_broken();
	p->depth++;
	for (size_t i = 0; i < n; i++) {
		to[i] = plain_value(p, from[i]);
		if (to[i].kind_ == VALUE_BROKEN)
			return value_broken();
	}
	p->depth--;
	v.as_.at = to;
	return v;
}

static struct stoa_value plain_value(struct plain *p, struct stoa_value v)
{
	v = value_open(v);
	if (v.kind_ == VALUE_BYTES)
		return plain_buffer(p, value_slice(v));
	if (v.kind_ == VALUE_ARRAY)
		return plain_nodes(p, v, v.size_);
	if (v.kind_ == VALUE_OBJECT)
		return plain_nodes(p, v, 2 * v.size_);
	return v;
}

struct stoa_value wire_plain_json(struct arena *arena, struct stoa_value v)
{
	struct plain p = { arena, 0 };

	return plain_value(&p, v);
}
