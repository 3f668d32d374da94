/* wire_python_encode.c - writing of wire_python.h. */
#include "wire_python_parts.h"

#include "base64.h"
#include "python_text.h"

#include <errno.h>

struct writer {
	struct buf *to;
	struct arena *arena;
	bool begun;
	int error; /* the first */
};

static void put_raw(struct writer *w, const char *key)
{
	buf_add_str(w->to, w->begun ? ", \"" : "{\"");
	buf_add_str(w->to, key);
	buf_add_str(w->to, "\": ");
	w->begun = true;
}

static void put(struct writer *w, const char *key, struct stoa_value v)
{
	put_raw(w, key);
	if (w->error == 0)
		w->error = python_json_add(w->to, v, NULL);
}

static void put_text(struct writer *w, const char *key, struct slice s)
{
	put(w, key, value_text(s));
}

/* A name alone, a list of several, or null. */
static void put_names(struct writer *w, const char *key, const struct wire_names *names)
{
	if (names->count == 0)
		put(w, key, value_null());
	else if (names->count == 1)
		put_text(w, key, names->at[0]);
	else
		put(w, key, wire_names_value(w->arena, names, false));
}

static void add_base64(struct buf *to, const struct json_blobs *blobs)
{
	for (size_t i = 0; i < blobs->count; i++) {
		buf_add_str(to, ", \"");
		base64_encode(to, blobs->at[i]);
		buf_add_char(to, '"');
	}
	buf_add_char(to, ']');
}

/* "data" and "binary" of the arguments, as one value. */
static void put_value(struct writer *w, struct stoa_value v)
{
	struct json_blobs blobs = { NULL, 0, 0 };
	struct buf text = BUF_INIT;

	put_raw(w, "data");
	if (w->error == 0)
		w->error = python_json_add(&text, v, &blobs);
	if (blobs.count)
		buf_add_char(w->to, '[');
	buf_add_slice(w->to, buf_slice(&text));
	if (blobs.count)
		add_base64(w->to, &blobs);
	put(w, "binary", value_bool(blobs.count > 0));
	json_blobs_fini(&blobs);
	buf_fini(&text);
}

static void put_data(struct writer *w, struct stoa_value data, enum wire_python_form form)
{
	struct stoa_value whole = value_open(data), first = value_open(value_at(data, 1));
	const struct stoa_value *items = whole.as_.at;
	size_t n = whole.size_ - 1;

	if (form == WIRE_PYTHON_ANY && n == 0)
		put_value(w, value_null());
	else if (form == WIRE_PYTHON_ANY && n == 1 && first.kind_ != VALUE_ARRAY && first.kind_ != VALUE_NULL)
		put_value(w, first);
	else
		put_value(w, value_array(items + 1, n));
}

static void put_callback(struct writer *w, const struct wire_python *m)
{
	struct stoa_value items[3] = { value_text(m->callback_room), value_text(m->nsp), value_uint(m->id) };

	put(w, "callback", m->wants_callback ? value_array(items, 3) : value_null());
}

static void put_emit(struct writer *w, const struct wire_python *m, enum wire_python_form form)
{
	put(w, "event", value_at(m->data, 0));
	put_data(w, m->data, form);
	put_text(w, "namespace", m->nsp);
	put_names(w, "room", &m->rooms);
	put_names(w, "skip_sid", &m->skip);
	put_callback(w, m);
	put_text(w, "host_id", m->host_id);
}

static void put_answer(struct writer *w, const struct wire_python *m)
{
	put_text(w, "host_id", m->host_id);
	put_text(w, "sid", m->sid);
	put_text(w, "namespace", m->nsp);
	put(w, "id", value_uint(m->id));
	put(w, "args", m->args);
}

static void put_order(struct writer *w, const struct wire_python *m)
{
	if (wire_python_has_sid(m->method))
		put_text(w, "sid", m->sid);
	if (wire_python_has_room(m->method))
		put_text(w, "room", m->room);
	put_text(w, "namespace", m->nsp);
	put_text(w, "host_id", m->host_id);
}

static bool can_be_sent(const struct wire_python *m)
{
	if (!slice_starts(m->nsp, SLICE("/")) || m->host_id.size == 0 ||
		(wire_python_has_sid(m->method) && m->sid.size == 0))
		return false;
	if (m->method == WIRE_PYTHON_EMIT)
		return m->everybody == (m->rooms.count == 0) && wire_check_event(m->data) == NULL;
	return m->method != WIRE_PYTHON_CALLBACK || value_open(m->args).kind_ == VALUE_ARRAY;
}

static int encode_json(struct buf *to, struct arena *arena, const struct wire_python *m, enum wire_python_form form)
{
	struct writer w = { .to = to, .arena = arena };

	put_text(&w, "method", slice_str(wire_python_methods[m->method]));
	if (m->method == WIRE_PYTHON_EMIT)
		put_emit(&w, m, form);
	else if (m->method == WIRE_PYTHON_CALLBACK)
		put_answer(&w, m);
	else
		put_order(&w, m);
	buf_add_char(to, '}');
	return w.error == 0 && to->failed ? -ENOMEM : w.error;
}

/* --- Pickles ------------------------------------------------------------------------------------------------------ */

static struct stoa_value names_value(struct arena *arena, const struct wire_names *names)
{
	if (names->count == 0)
		return value_null();
	return names->count == 1 ? value_text(names->at[0]) : wire_names_value(arena, names, false);
}

/* A tuple is several arguments; anything else is one, and None is none. */
static struct stoa_value data_value(struct stoa_value data)
{
	struct stoa_value whole = value_open(data);
	const struct stoa_value *items = whole.as_.at;

	if (whole.size_ == 2 && !pickle_is_tuple(items[1]) && value_open(items[1]).kind_ != VALUE_NULL)
		return items[1];
	return whole.size_ == 1 ? value_null() : pickle_tuple(items + 1, whole.size_ - 1);
}

/* `callback` has room for three. */
static void put_emit_value(
	struct wire_object *o, struct arena *arena, const struct wire_python *m, struct stoa_value *callback)
{
	callback[0] = value_text(m->callback_room);
	callback[1] = value_text(m->nsp);
	callback[2] = value_uint(m->id);
	wire_put(o, SLICE("event"), value_at(m->data, 0));
	wire_put(o, SLICE("data"), data_value(m->data));
	wire_put(o, SLICE("namespace"), value_text(m->nsp));
	wire_put(o, SLICE("room"), names_value(arena, &m->rooms));
	wire_put(o, SLICE("skip_sid"), names_value(arena, &m->skip));
	wire_put(o, SLICE("callback"), m->wants_callback ? pickle_tuple(callback, 3) : value_null());
	wire_put(o, SLICE("host_id"), value_text(m->host_id));
}

static void put_other_value(struct wire_object *o, const struct wire_python *m)
{
	struct stoa_value args = value_open(m->args);

	if (wire_python_has_sid(m->method))
		wire_put(o, SLICE("sid"), value_text(m->sid));
	if (wire_python_has_room(m->method))
		wire_put(o, SLICE("room"), value_text(m->room));
	wire_put(o, SLICE("namespace"), value_text(m->nsp));
	wire_put(o, SLICE("host_id"), value_text(m->host_id));
	if (m->method != WIRE_PYTHON_CALLBACK)
		return;
	wire_put(o, SLICE("id"), value_uint(m->id));
	wire_put(o, SLICE("args"), pickle_tuple(args.as_.at, args.size_));
}

static int encode_pickle(struct buf *to, struct arena *arena, const struct wire_python *m)
{
	struct wire_object o = { .members = 0 };
	struct stoa_value callback[3];

	wire_put(&o, SLICE("method"), value_text(slice_str(wire_python_methods[m->method])));
	if (m->method == WIRE_PYTHON_EMIT)
		put_emit_value(&o, arena, m, callback);
	else
		put_other_value(&o, m);
	return pickle_encode(to, wire_object_value(&o));
}

int wire_python_encode(struct buf *to, struct arena *arena, const struct wire_python *m, enum wire_python_form form)
{
	size_t size = to->size;
	int error;

	if (!can_be_sent(m))
		return -EINVAL;
	error = form == WIRE_PYTHON_PICKLE ? encode_pickle(to, arena, m) : encode_json(to, arena, m, form);
	if (error)
		to->size = size;
	return error;
}
