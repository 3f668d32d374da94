/* json_encode_msgpack.c - MessagePack to JSON in one pass; see json_encode_parts.h. */
#include "json_encode_parts.h"
#include "json_number.h"
#include "msgpack_parts.h"

#include <errno.h>

struct source {
	struct slice rest;
	enum msgpack_dialect dialect;
};

static int put_one(struct json_encoder *e, struct source *s);

/* A member that is undefined is left out. */
static bool is_undefined(struct slice bytes)
{
	return bytes.size >= 3 && bytes.at[0] == '\xD4' && bytes.at[1] == 0;
}

static int put_items(struct json_encoder *e, struct source *s, size_t n)
{
	int error = 0;

	buf_add_char(e->to, '[');
	for (size_t i = 0; i < n && error == 0; i++) {
		if (i)
			buf_add_char(e->to, ',');
		error = put_one(e, s);
	}
	buf_add_char(e->to, ']');
	return error;
}

/* Text, or an integer, which is text in JavaScript. */
static bool is_key(enum msgpack_form form)
{
	return form == MSGPACK_TEXT || form == MSGPACK_UINT || form == MSGPACK_INT;
}

static int put_key(struct json_encoder *e, struct slice bytes, const struct msgpack_head *head)
{
	struct msgpack_leaf leaf;
	int error;

	if (head->form == MSGPACK_TEXT)
		return json_put_text(e->to, msgpack_body(bytes, head));
	msgpack_read_leaf(bytes, head, MSGPACK_CLIENT, &leaf);
	buf_add_char(e->to, '"');
	error = json_put_value(e, leaf.v);
	buf_add_char(e->to, '"');
	return error;
}

static int put_member(struct json_encoder *e, struct source *s, bool *first)
{
	struct slice key = s->rest;
	struct msgpack_head head;
	int error;

	if (!msgpack_read_value_head(key, &head) || !is_key(head.form))
		return -EINVAL;
	s->rest = slice_from(key, head.size + head.body);
	if (is_undefined(s->rest)) {
		s->rest = slice_from(s->rest, 3);
		return 0;
	}
	if (!*first)
		buf_add_char(e->to, ',');
	*first = false;
	error = put_key(e, key, &head);
	buf_add_char(e->to, ':');
	return error ? error : put_one(e, s);
}

static int put_members(struct json_encoder *e, struct source *s, size_t n)
{
	bool first = true;
	int error = 0;

	buf_add_char(e->to, '{');
	for (size_t i = 0; i < n && error == 0; i++)
		error = put_member(e, s, &first);
	buf_add_char(e->to, '}');
	return error;
}

static int put_container(struct json_encoder *e, struct source *s, enum msgpack_form form, size_t n)
{
	int error;

	if (e->depth == VALUE_DEPTH_MAX)
		return -EINVAL;
	e->depth++;
	error = form == MSGPACK_ARRAY ? put_items(e, s, n) : put_members(e, s, n);
	e->depth--;
	return error;
}

static int put_one(struct json_encoder *e, struct source *s)
{
	struct slice bytes = s->rest;
	struct msgpack_leaf leaf;
	struct msgpack_head head;

	if (!msgpack_read_value_head(bytes, &head))
		return -EINVAL;
	s->rest = slice_from(bytes, head.size + head.body);
	if (msgpack_is_container(head.form))
		return put_container(e, s, head.form, head.count);
	if (head.form == MSGPACK_TEXT)
		return json_put_text(e->to, msgpack_body(bytes, &head));
	msgpack_read_leaf(bytes, &head, s->dialect, &leaf);
	return json_put_value(e, leaf.v);
}

int json_put_msgpack(struct json_encoder *e, const struct value_raw *raw)
{
	struct source s = { raw->text, raw->is_bus ? MSGPACK_BUS : MSGPACK_CLIENT };
	int error = raw->items ? put_container(e, &s, MSGPACK_ARRAY, raw->n_items) : put_one(e, &s);

	return error == 0 && s.rest.size ? -EINVAL : error;
}
