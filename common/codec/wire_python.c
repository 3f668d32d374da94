/* wire_python.c - reading of wire_python.h. */
#include "wire_python_parts.h"

#include "base64.h"
#include "json.h"

static const char no_memory[] = "no memory";
static const char illegal_binary[] = "illegal attachments";

const char *const wire_python_methods[WIRE_PYTHON_METHODS] = { [WIRE_PYTHON_EMIT] = "emit",
	[WIRE_PYTHON_CALLBACK] = "callback",
	[WIRE_PYTHON_DISCONNECT] = "disconnect",
	[WIRE_PYTHON_ENTER_ROOM] = "enter_room",
	[WIRE_PYTHON_LEAVE_ROOM] = "leave_room",
	[WIRE_PYTHON_CLOSE_ROOM] = "close_room" };

bool wire_python_has_sid(enum wire_python_method method)
{
	return method != WIRE_PYTHON_EMIT && method != WIRE_PYTHON_CLOSE_ROOM;
}

bool wire_python_has_room(enum wire_python_method method)
{
	return method == WIRE_PYTHON_ENTER_ROOM || method == WIRE_PYTHON_LEAVE_ROOM || method == WIRE_PYTHON_CLOSE_ROOM;
}

/* --- Reading: text ------------------------------------------------------------------------------------------------ */

/* Behind the string that begins at p, or end. */
static const char *skip_string(const char *p, const char *end)
{
	for (p++; p < end && *p != '"'; p++)
		if (*p == '\\' && p + 1 < end)
			p++;
	return p < end ? p + 1 : end;
}

/* The size of the literal that p begins with and JSON lacks; 0: none. */
static size_t foreign_literal(const char *p, const char *end)
{
	static const struct slice literals[] = { { "NaN", 3 }, { "Infinity", 8 }, { "-Infinity", 9 } };

	for (size_t i = 0; i < sizeof(literals) / sizeof(literals[0]); i++)
		if (slice_starts(slice_of(p, (size_t)(end - p)), literals[i]))
			return literals[i].size;
	return 0;
}

/* The text with null for Python's other numbers. It grows by a third at most. */
static struct slice without_nan(struct arena *arena, struct slice text)
{
	const char *p = text.at, *end = text.at + text.size;
	char *begin = arena_take(arena, text.size + text.size / 3 + 1), *to = begin;

	while (begin && p < end) {
		size_t n = foreign_literal(p, end);

		if (n) {
			memcpy(to, "null", 4);
			to += 4;
		} else {
			n = *p == '"' ? (size_t)(skip_string(p, end) - p) : 1;
			memcpy(to, p, n);
			to += n;
		}
		p += n;
	}
	return slice_of(begin, begin ? (size_t)(to - begin) : 0);
}

static const char *read_json(
	struct arena *arena, struct slice text, const struct wire_rules *rules, struct stoa_value *v)
{
	struct json_rules json = { .max_depth = rules->max_depth, .blobs = JSON_NO_BLOBS };
	unsigned flags;
	const char *error = json_check(text, &json, &flags);

	if (error) {
		text = without_nan(arena, text);
		if (text.at == NULL)
			return no_memory;
		error = json_check(text, &json, &flags);
	}
	if (error)
		return error;
	*v = json_decode(arena, text, NULL, 0);
	return v->kind_ == VALUE_BROKEN ? no_memory : NULL;
}

static bool is_pickle(struct slice payload)
{
	return slice_starts(payload, SLICE("\x80"));
}

static const char *read_tree(
	struct arena *arena, struct slice payload, const struct wire_rules *rules, struct stoa_value *v)
{
	if (payload.size == 0)
		return "empty message";
	if (payload.size > rules->max_bytes)
		return "message too large";
	if (slice_starts(payload, SLICE("{")))
		return read_json(arena, payload, rules, v);
	if (is_pickle(payload))
		return rules->pickle.max_bytes ? pickle_decode(arena, payload, &rules->pickle, v) : "pickles are off";
	return "neither JSON nor a pickle";
}

/* --- Reading: binary ---------------------------------------------------------------------------------------------- */

struct restorer {
	struct arena *arena;
	const struct stoa_value *blobs;
	size_t n_blobs;
	bool failed;
};

static struct stoa_value restore(struct restorer *r, struct stoa_value v);

static struct stoa_value fail_restore(struct restorer *r)
{
	r->failed = true;
	return value_null();
}

static struct stoa_value restore_nodes(struct restorer *r, struct stoa_value v, size_t n)
{
	const struct stoa_value *from = v.as_.at;
	struct stoa_value *to = arena_take(r->arena, n * sizeof(*to));

	if (to == NULL)
		return fail_restore(r);
	for (size_t i = 0; i < n && !r->failed; i++)
		to[i] = restore(r, from[i]);
	v.as_.at = to;
	return v;
}

static struct stoa_value restore_object(struct restorer *r, struct stoa_value v)
{
	struct stoa_value is_one = value_get(v, SLICE("_placeholder")), num = value_get(v, SLICE("num"));

	if (is_one.kind_ != VALUE_BOOL || !is_one.as_.i)
		return restore_nodes(r, v, 2 * v.size_);
	if (num.kind_ != VALUE_INT || num.as_.i < 0 || (uint64_t)num.as_.i >= r->n_blobs)
		return fail_restore(r);
	return r->blobs[num.as_.i];
}

/* v with its placeholders replaced. As deep as what was read, which is bounded. */
static struct stoa_value restore(struct restorer *r, struct stoa_value v)
{
	if (v.kind_ == VALUE_OBJECT)
		return restore_object(r, v);
	return v.kind_ == VALUE_ARRAY ? restore_nodes(r, v, v.size_) : v;
}

static bool read_base64(struct arena *arena, struct stoa_value text, struct stoa_value *bytes)
{
	struct slice s = value_slice(text);
	char *to = text.kind_ == VALUE_TEXT ? arena_take(arena, s.size / 4 * 3 + 3) : NULL;

	if (to == NULL)
		return false;
	*bytes = value_bytes(slice_of(to, base64_decode(to, s)));
	return true;
}

/* [value with placeholders, base64, ..] becomes the value. */
static const char *restore_binary(struct arena *arena, struct stoa_value *data)
{
	struct stoa_value list = *data, *blobs;
	struct restorer r = { .arena = arena };

	if (list.kind_ != VALUE_ARRAY || list.size_ == 0)
		return illegal_binary;
	r.n_blobs = list.size_ - 1;
	r.blobs = blobs = arena_take(arena, r.n_blobs * sizeof(*blobs));
	if (blobs == NULL)
		return no_memory;
	for (size_t i = 0; i < r.n_blobs; i++)
		if (!read_base64(arena, value_at(list, i + 1), &blobs[i]))
			return illegal_binary;
	*data = restore(&r, value_at(list, 0));
	return r.failed ? illegal_binary : NULL;
}

/* --- Reading: messages -------------------------------------------------------------------------------------------- */

struct message {
	struct arena *arena;
	const struct wire_rules *rules;
	struct stoa_value v;
	bool pickled;
};

static struct stoa_value get(const struct message *m, const char *key)
{
	return value_get(m->v, slice_str(key));
}

/* Whether `data` is the list of the arguments, rather than one of them. */
static bool is_args(const struct message *m, struct stoa_value data)
{
	if (m->pickled)
		return pickle_is_tuple(data);
	if (data.kind_ != VALUE_ARRAY)
		return false;
	return get(m, "binary").kind_ == VALUE_BOOL || m->rules->python_list_is_args;
}

/* [event, ..args] */
static const char *make_event(const struct message *m, struct stoa_value data, struct wire_python *to)
{
	bool list = is_args(m, data);
	size_t n = list ? data.size_ : data.kind_ != VALUE_NULL;
	struct stoa_value *items = arena_take(m->arena, (n + 1) * sizeof(*items));

	if (items == NULL)
		return no_memory;
	items[0] = get(m, "event");
	for (size_t i = 0; i < n; i++)
		items[i + 1] = list ? value_at(data, i) : data;
	to->data = value_array(items, n + 1);
	return wire_check_event(to->data);
}

/* Anything but [room, namespace, id] is no callback, as in Python. */
static void read_callback(const struct message *m, struct wire_python *to)
{
	struct stoa_value callback = get(m, "callback"), id = value_at(callback, 2);

	if (callback.kind_ != VALUE_ARRAY || callback.size_ != 3 || to->host_id.size == 0)
		return;
	if (id.kind_ != VALUE_INT || id.as_.i < 0)
		return;
	to->id = (uint64_t)id.as_.i;
	to->wants_callback = wire_name_of(m->arena, value_at(callback, 0), &to->callback_room);
}

static const char *read_emit(const struct message *m, struct wire_python *to)
{
	struct stoa_value data = get(m, "data"), binary = get(m, "binary"), room = get(m, "room");
	const char *error = NULL;
	bool empty;

	if (binary.kind_ == VALUE_BOOL && binary.as_.i && !m->pickled)
		error = restore_binary(m->arena, &data);
	if (error == NULL)
		error = make_event(m, data, to);
	to->everybody = room.kind_ == VALUE_NULL;
	/* A text of no characters is a room here, where a list of no names is nobody. */
	if (error == NULL)
		error = wire_names_of(m->arena,
			room.kind_ == VALUE_ARRAY || to->everybody ? room : value_array(&room, 1), m->rules, &to->rooms,
			&empty);
	if (error == NULL)
		error = wire_names_of(m->arena, get(m, "skip_sid"), m->rules, &to->skip, &empty);
	read_callback(m, to);
	return error;
}

static const char *read_answer(const struct message *m, struct wire_python *to)
{
	struct stoa_value id = get(m, "id");

	to->args = get(m, "args");
	if (id.kind_ != VALUE_INT || id.as_.i < 0)
		return "callback without an id";
	to->id = (uint64_t)id.as_.i;
	if (to->host_id.size == 0)
		return "callback for nobody";
	return to->args.kind_ == VALUE_ARRAY ? NULL : "callback without arguments";
}

static const char *read_names(const struct message *m, struct wire_python *to)
{
	if (wire_python_has_sid(to->method) && !wire_name_of(m->arena, get(m, "sid"), &to->sid))
		return "message without a client";
	if (wire_python_has_room(to->method) && !wire_name_of(m->arena, get(m, "room"), &to->room))
		return "message without a room";
	return NULL;
}

static bool read_method(const struct message *m, struct wire_python *to)
{
	struct slice name = wire_text_of(get(m, "method"));

	for (size_t i = 0; i < WIRE_PYTHON_METHODS; i++)
		if (slice_equal(name, slice_str(wire_python_methods[i]))) {
			to->method = (enum wire_python_method)i;
			return true;
		}
	return false;
}

static const char *read_message(const struct message *m, struct wire_python *to)
{
	const char *error;

	if (m->v.kind_ != VALUE_OBJECT)
		return "message is no object";
	if (!read_method(m, to))
		return "unknown method";
	to->nsp = wire_text_of(get(m, "namespace"));
	to->host_id = wire_text_of(get(m, "host_id"));
	if (to->nsp.size == 0)
		return "message without a namespace";
	error = read_names(m, to);
	if (error == NULL && to->method == WIRE_PYTHON_EMIT)
		error = read_emit(m, to);
	if (error == NULL && to->method == WIRE_PYTHON_CALLBACK)
		error = read_answer(m, to);
	return error;
}

const char *wire_python_decode(
	struct arena *arena, struct slice payload, const struct wire_rules *rules, struct wire_python *to)
{
	struct message m = { .arena = arena, .rules = rules, .pickled = is_pickle(payload) };
	const char *error = read_tree(arena, payload, rules, &m.v);

	*to = (struct wire_python){ .method = WIRE_PYTHON_EMIT };
	return error ? error : read_message(&m, to);
}
