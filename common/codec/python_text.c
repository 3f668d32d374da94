/* python_text.c - see python_text.h. */
#include "python_text.h"

#include "base64.h"
#include "json_number.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

struct writer {
	struct buf *to;
	struct json_blobs *blobs;
	unsigned depth;
};

static int add_value(struct writer *w, struct stoa_value v);

/* --- Numbers ------------------------------------------------------------------------------------------------------ */

void python_float_add(struct buf *to, double f)
{
	/* float_repr_style "short" of CPython's pystrtod.c: an exponent from 1e16 on and below 1e-4, always a point. */
	static const struct json_number_style style = { .most = 16, .least = -4, .exponent_digits = 2, .whole = ".0" };

	if (isnan(f))
		buf_add_str(to, "NaN");
	else if (isinf(f))
		buf_add_str(to, f < 0 ? "-Infinity" : "Infinity");
	else if (f == 0)
		buf_add_str(to, signbit(f) ? "-0.0" : "0.0");
	else
		json_number_add_finite(to, f, &style);
}

/* --- Text --------------------------------------------------------------------------------------------------------- */

static void add_unit(struct buf *to, unsigned unit)
{
	buf_printf(to, "\\u%04x", unit);
}

static void add_code(struct buf *to, unsigned code)
{
	if (code >= 0x10000) {
		add_unit(to, 0xD800 + ((code - 0x10000) >> 10));
		add_unit(to, 0xDC00 + ((code - 0x10000) & 0x3FF));
		return;
	}
	add_unit(to, code);
}

static void add_ascii(struct buf *to, char c)
{
	static const char letters[] = {
		['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r', ['"'] = '"', ['\\'] = '\\'
	};
	unsigned char u = (unsigned char)c;

	if (u < sizeof(letters) && letters[u]) {
		buf_add_char(to, '\\');
		buf_add_char(to, letters[u]);
	} else if (u < 0x20 || u == 0x7F) {
		add_unit(to, u);
	} else {
		buf_add_char(to, c);
	}
}

/* The character beyond ASCII that s begins with, a lone surrogate among them; its size, 0 when there is none. */
static size_t take_code(struct slice s, unsigned *code)
{
	static const unsigned least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned char lead = (unsigned char)s.at[0];
	size_t n = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;

	if (lead < 0xC0 || lead > 0xF7 || n > s.size)
		return 0;
	*code = lead & (0x7Fu >> n);
	for (size_t i = 1; i < n; i++) {
		unsigned char c = (unsigned char)s.at[i];
		if ((c & 0xC0) != 0x80)
			return 0;
		*code = *code << 6 | (c & 0x3F);
	}
	return *code >= least[n] && *code <= 0x10FFFF ? n : 0;
}

static int add_text(struct buf *to, struct slice s)
{
	unsigned code;
	size_t n;

	buf_add_char(to, '"');
	while (s.size) {
		n = 1;
		if ((unsigned char)s.at[0] < 0x80)
			add_ascii(to, s.at[0]);
		else if ((n = take_code(s, &code)))
			add_code(to, code);
		else
			return -EINVAL;
		s = slice_from(s, n);
	}
	buf_add_char(to, '"');
	return 0;
}

/* --- Values ------------------------------------------------------------------------------------------------------- */

static int note(struct json_blobs *blobs, struct slice bytes)
{
	if (blobs->count == blobs->cap) {
		size_t cap = blobs->cap ? 2 * blobs->cap : 4;
		struct slice *at = realloc(blobs->at, cap * sizeof(*at));
		if (at == NULL)
			return -ENOMEM;
		blobs->at = at;
		blobs->cap = cap;
	}
	blobs->at[blobs->count++] = bytes;
	return 0;
}

static int add_bytes(struct writer *w, struct slice bytes)
{
	if (w->blobs) {
		buf_printf(w->to, "{\"_placeholder\": true, \"num\": %zu}", w->blobs->count);
		return note(w->blobs, bytes);
	}
	buf_add_char(w->to, '"');
	base64_encode(w->to, bytes);
	buf_add_char(w->to, '"');
	return 0;
}

static int add_array(struct writer *w, struct stoa_value v)
{
	const struct stoa_value *at = v.as_.at;
	int error = 0;

	buf_add_char(w->to, '[');
	for (size_t i = 0; i < v.size_ && error == 0; i++) {
		buf_add_str(w->to, i ? ", " : "");
		error = add_value(w, at[i]);
	}
	buf_add_char(w->to, ']');
	return error;
}

static bool is_undefined(struct stoa_value v)
{
	return v.kind_ == VALUE_NULL && (v.flags_ & VALUE_UNDEFINED);
}

static int add_object(struct writer *w, struct stoa_value v)
{
	const struct stoa_value *at = v.as_.at, *end = at ? at + 2 * v.size_ : NULL;
	const char *comma = "";
	int error = 0;

	buf_add_char(w->to, '{');
	for (; at < end && error == 0; at += 2) {
		if (is_undefined(at[1]))
			continue;
		buf_add_str(w->to, comma);
		comma = ", ";
		error = at[0].kind_ == VALUE_TEXT ? add_text(w->to, value_slice(at[0])) : -EINVAL;
		buf_add_str(w->to, ": ");
		if (error == 0)
			error = add_value(w, at[1]);
	}
	buf_add_char(w->to, '}');
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

static int add_float(struct writer *w, double f)
{
	if (isfinite(f))
		python_float_add(w->to, f);
	else
		buf_add_str(w->to, "null");
	return 0;
}

static int add_value(struct writer *w, struct stoa_value v)
{
	v = value_open(v);
	switch ((enum value_kind)v.kind_) {
	case VALUE_NULL:
		buf_add_str(w->to, "null");
		return 0;
	case VALUE_BOOL:
		buf_add_str(w->to, v.as_.i ? "true" : "false");
		return 0;
	case VALUE_INT:
		json_number_add_int(w->to, v.as_.i);
		return 0;
	case VALUE_UINT:
		json_number_add_uint(w->to, v.as_.u);
		return 0;
	case VALUE_FLOAT:
		return add_float(w, v.as_.f);
	case VALUE_TEXT:
		return add_text(w->to, value_slice(v));
	case VALUE_BYTES:
		return add_bytes(w, value_slice(v));
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

int python_json_add(struct buf *to, struct stoa_value v, struct json_blobs *blobs)
{
	struct writer w = { to, blobs, 0 };
	size_t size = to->size;
	int error = add_value(&w, v);

	if (error == 0 && to->failed)
		error = -ENOMEM;
	if (error)
		to->size = size;
	return error;
}
