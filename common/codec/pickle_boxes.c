/* pickle_boxes.c - opcodes of lists, tuples and dicts, and the tree that is built of them in the end; see pickle.c. */
#include "pickle_parts.h"

#include "python_text.h"

static struct pickle_box *new_box(struct pickle_reader *r, enum value_kind kind, bool tuple)
{
	struct pickle_box *at = pickle_grow(r, r->boxes, &r->cap_boxes, r->n_boxes, sizeof(*at));

	if (at == NULL)
		return NULL;
	r->boxes = at;
	at += r->n_boxes++;
	*at = (struct pickle_box){ .kind = kind, .tuple = tuple };
	return at;
}

/* The box that was made last, pushed. */
static bool push_box(struct pickle_reader *r)
{
	struct stoa_value v = { .flags_ = PICKLE_IS_BOX, .as_.u = r->n_boxes - 1 };

	return pickle_push(r, v);
}

/* The box that v names, of that kind and not a tuple; NULL with the error set. */
static struct pickle_box *box_of(struct pickle_reader *r, struct stoa_value v, enum value_kind kind)
{
	struct pickle_box *box = v.flags_ & PICKLE_IS_BOX ? &r->boxes[v.as_.u] : NULL;

	if (box == NULL || box->tuple || box->kind != kind) {
		r->error = PICKLE_MALFORMED;
		return NULL;
	}
	return box;
}

/* --- Opcodes ------------------------------------------------------------------------------------------------------ */

bool pickle_op_empty_list(struct pickle_reader *r)
{
	return new_box(r, VALUE_ARRAY, false) && push_box(r);
}

bool pickle_op_empty_dict(struct pickle_reader *r)
{
	return new_box(r, VALUE_OBJECT, false) && push_box(r);
}

/* The n topmost values become one tuple. */
static bool tuple_of(struct pickle_reader *r, size_t n)
{
	struct pickle_box *box = n == 0 || pickle_top(r, n) ? new_box(r, VALUE_ARRAY, true) : NULL;

	if (box == NULL)
		return false;
	r->stack.count -= n;
	for (size_t i = 0; i < n; i++)
		if (!pickle_add(r, &box->items, r->stack.at[r->stack.count + i]))
			return false;
	return push_box(r);
}

bool pickle_op_empty_tuple(struct pickle_reader *r)
{
	return tuple_of(r, 0);
}

bool pickle_op_tuple1(struct pickle_reader *r)
{
	return tuple_of(r, 1);
}

bool pickle_op_tuple2(struct pickle_reader *r)
{
	return tuple_of(r, 2);
}

bool pickle_op_tuple3(struct pickle_reader *r)
{
	return tuple_of(r, 3);
}

bool pickle_op_tuple(struct pickle_reader *r)
{
	size_t height;

	return pickle_pop_mark(r, &height) && tuple_of(r, r->stack.count - height);
}

bool pickle_op_mark(struct pickle_reader *r)
{
	size_t *at = pickle_grow(r, r->marks, &r->cap_marks, r->n_marks, sizeof(*at));

	if (at == NULL)
		return false;
	r->marks = at;
	r->marks[r->n_marks++] = r->stack.count;
	/* A mark stands before items of its own, or before none, once for a value. */
	return r->n_marks <= r->rules->max_values ? true : pickle_fail(r, PICKLE_TOO_RICH);
}

/* The n topmost values go to the list below them. */
static bool append(struct pickle_reader *r, size_t n)
{
	struct stoa_value *at = pickle_top(r, n + 1);
	struct pickle_box *list = at ? box_of(r, *at, VALUE_ARRAY) : NULL;

	if (list == NULL)
		return false;
	r->stack.count -= n;
	for (size_t i = 0; i < n; i++)
		if (!pickle_add(r, &list->items, at[1 + i]))
			return false;
	return true;
}

bool pickle_op_append(struct pickle_reader *r)
{
	return append(r, 1);
}

bool pickle_op_appends(struct pickle_reader *r)
{
	size_t height;

	return pickle_pop_mark(r, &height) && append(r, r->stack.count - height);
}

static bool key_number(struct pickle_reader *r, struct stoa_value *key)
{
	struct buf text = BUF_INIT;
	struct slice s;
	bool kept;

	if (key->kind_ == VALUE_FLOAT)
		python_float_add(&text, key->as_.f);
	else if (key->kind_ == VALUE_INT)
		buf_printf(&text, "%lld", (long long)key->as_.i);
	else
		buf_printf(&text, "%llu", (unsigned long long)key->as_.u);
	s = buf_slice(&text);
	kept = text.failed ? pickle_fail(r, PICKLE_NO_MEMORY) : pickle_keep(r, &s);
	*key = value_text(s);
	buf_fini(&text);
	return kept;
}

/* A key as json.dumps() makes it text. */
static bool key_text(struct pickle_reader *r, struct stoa_value *key)
{
	if (key->flags_ & PICKLE_IS_BOX)
		return pickle_fail(r, "pickle key is no text");
	switch ((enum value_kind)key->kind_) {
	case VALUE_TEXT:
		return true;
	case VALUE_NULL:
		*key = value_text(SLICE("null"));
		return true;
	case VALUE_BOOL:
		*key = value_text(key->as_.i ? SLICE("true") : SLICE("false"));
		return true;
	case VALUE_INT:
	case VALUE_UINT:
	case VALUE_FLOAT:
		return key_number(r, key);
	case VALUE_BYTES:
	case VALUE_ARRAY:
	case VALUE_OBJECT:
	case VALUE_RAW:
	case VALUE_SPREAD:
	case VALUE_BROKEN:
		break;
	}
	return pickle_fail(r, "pickle key is no text");
}

/* The n topmost values, keys and values in turn, go to the dict below them. */
static bool set_items(struct pickle_reader *r, size_t n)
{
	struct stoa_value *at = n % 2 == 0 ? pickle_top(r, n + 1) : NULL;
	struct pickle_box *dict = at ? box_of(r, *at, VALUE_OBJECT) : NULL;

	if (dict == NULL)
		return pickle_fail(r, PICKLE_MALFORMED);
	r->stack.count -= n;
	for (size_t i = 0; i < n; i += 2)
		if (!key_text(r, &at[1 + i]) || !pickle_add(r, &dict->items, at[1 + i]) ||
			!pickle_add(r, &dict->items, at[2 + i]))
			return false;
	return true;
}

bool pickle_op_setitem(struct pickle_reader *r)
{
	return set_items(r, 2);
}

bool pickle_op_setitems(struct pickle_reader *r)
{
	size_t height;

	return pickle_pop_mark(r, &height) && set_items(r, r->stack.count - height);
}

/* --- From boxes to a tree ----------------------------------------------------------------------------------------- */

bool pickle_build(struct pickle_reader *r, struct stoa_value *v);

static bool build_items(struct pickle_reader *r, const struct pickle_box *box, struct stoa_value *to)
{
	for (size_t i = 0; i < box->items.count; i++) {
		to[i] = box->items.at[i];
		if (!pickle_build(r, &to[i]))
			return false;
	}
	return true;
}

static bool build_box(struct pickle_reader *r, struct stoa_value *v)
{
	const struct pickle_box *box = &r->boxes[v->as_.u];
	struct stoa_value *to;
	size_t n = box->items.count;

	if (r->depth == r->rules->max_depth || r->depth == VALUE_DEPTH_MAX)
		return pickle_fail(r, "pickle too deep");
	/* All at once, so that what a cycle or a bomb takes before it is refused is bounded too. */
	if (n > r->rules->max_values - r->values)
		return pickle_fail(r, PICKLE_TOO_RICH);
	r->values += n;
	to = arena_take(r->arena, n * sizeof(*to));
	if (to == NULL)
		return pickle_fail(r, PICKLE_NO_MEMORY);
	r->depth++;
	if (!build_items(r, box, to))
		return false;
	r->depth--;
	*v = box->kind == VALUE_OBJECT ? value_object(to, n / 2) : value_array(to, n);
	v->flags_ = box->tuple ? PICKLE_IS_TUPLE : 0;
	return true;
}

/* Replaces a value of the machine by its tree. */
bool pickle_build(struct pickle_reader *r, struct stoa_value *v)
{
	if (v->flags_ & PICKLE_IS_BOX)
		return build_box(r, v);
	r->text_bytes += v->size_;
	return r->text_bytes <= r->rules->max_text_bytes ? true : pickle_fail(r, PICKLE_TOO_RICH);
}
