/* pickle_encode.c - writing of pickle.h: protocol 3, nothing memoized, nothing but data. */
#include "pickle_parts.h"

#include "buf.h"

#include <endian.h>
#include <errno.h>

struct writer {
	struct buf *to;
	unsigned depth;
};

static int add_value(struct writer *w, struct stoa_value v);

/* An opcode and n bytes of a number, little end first. */
static void add_op(struct buf *to, char op, uint64_t number, size_t n)
{
	number = htole64(number);
	buf_add_char(to, op);
	buf_add(to, &number, n);
}

/* LONG1: two's complement, of which the ninth byte says that it is not negative. */
static void add_long(struct buf *to, uint64_t number, char size)
{
	buf_add_char(to, '\x8a');
	add_op(to, size, number, sizeof(number));
	if (size > (char)sizeof(number))
		buf_add_char(to, '\0');
}

static void add_int(struct buf *to, int64_t i)
{
	if (i >= 0 && i <= UINT8_MAX)
		add_op(to, 'K', (uint64_t)i, 1);
	else if (i >= INT32_MIN && i <= INT32_MAX)
		add_op(to, 'J', (uint64_t)i, 4);
	else
		add_long(to, (uint64_t)i, 8);
}

static void add_float(struct buf *to, double f)
{
	uint64_t bits;

	memcpy(&bits, &f, sizeof(bits));
	bits = htobe64(bits);
	buf_add_char(to, 'G');
	buf_add(to, &bits, sizeof(bits));
}

static int add_bytes(struct buf *to, char op, struct slice s)
{
	if (s.size > UINT32_MAX)
		return -EINVAL;
	add_op(to, op, s.size, 4);
	buf_add_slice(to, s);
	return 0;
}

static int add_text(struct buf *to, struct slice s)
{
	return pickle_text_valid(s) ? add_bytes(to, 'X', s) : -EINVAL;
}

static bool is_undefined(struct stoa_value v)
{
	return v.kind_ == VALUE_NULL && (v.flags_ & VALUE_UNDEFINED);
}

static int add_array(struct writer *w, struct stoa_value v)
{
	const struct stoa_value *at = v.as_.at;
	int error = 0;

	buf_add_str(w->to, pickle_is_tuple(v) ? "(" : "](");
	for (size_t i = 0; i < v.size_ && error == 0; i++)
		error = add_value(w, at[i]);
	buf_add_char(w->to, pickle_is_tuple(v) ? 't' : 'e');
	return error;
}

static int add_object(struct writer *w, struct stoa_value v)
{
	const struct stoa_value *at = v.as_.at;
	int error = 0;

	buf_add_str(w->to, "}(");
	for (size_t i = 0; i < v.size_ && error == 0; i++) {
		if (is_undefined(at[2 * i + 1]))
			continue;
		error = at[2 * i].kind_ == VALUE_TEXT ? add_text(w->to, value_slice(at[2 * i])) : -EINVAL;
		if (error == 0)
			error = add_value(w, at[2 * i + 1]);
	}
	buf_add_char(w->to, 'u');
	return error;
}

static int add_container(struct writer *w, struct stoa_value v)
{
	int error;

	if (w->depth == VALUE_DEPTH_MAX)
		return -EINVAL;
	w->depth++;
	error = v.kind_ == VALUE_ARRAY ? add_array(w, v) : add_object(w, v);
	w->depth--;
	return error;
}

static int add_value(struct writer *w, struct stoa_value v)
{
	v = value_open(v);
	switch ((enum value_kind)v.kind_) {
	case VALUE_NULL:
		buf_add_char(w->to, 'N');
		return 0;
	case VALUE_BOOL:
		buf_add_char(w->to, v.as_.i ? '\x88' : '\x89');
		return 0;
	case VALUE_INT:
		add_int(w->to, v.as_.i);
		return 0;
	case VALUE_UINT:
		add_long(w->to, v.as_.u, 9);
		return 0;
	case VALUE_FLOAT:
		add_float(w->to, v.as_.f);
		return 0;
	case VALUE_TEXT:
		return add_text(w->to, value_slice(v));
	case VALUE_BYTES:
		return add_bytes(w->to, 'B', value_slice(v));
	case VALUE_ARRAY:
	case VALUE_OBJECT:
		return add_container(w, v);
	case VALUE_RAW:
	case VALUE_SPREAD:
	case VALUE_BROKEN:
		break;
	}
	return -EINVAL;
}

int pickle_encode(struct buf *to, struct stoa_value v)
{
	struct writer w = { to, 0 };
	size_t size = to->size;
	int error;

	buf_add_str(to, "\x80\x03");
	error = add_value(&w, v);
	buf_add_char(to, '.');
	if (error == 0 && to->failed)
		error = -ENOMEM;
	if (error)
		to->size = size;
	return error;
}

struct stoa_value pickle_tuple(const struct stoa_value *items, size_t n)
{
	struct stoa_value v = value_array(items, n);

	v.flags_ = PICKLE_IS_TUPLE;
	return v;
}
