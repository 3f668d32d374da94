/* json_encode.c - values to text, as JSON.stringify() would write them; see json.h. */
#include "json_encode_parts.h"
#include "json_number.h"
#include "json_scan.h"
#include "utf8.h"

#include <errno.h>
#include <stdlib.h>

void json_blobs_fini(struct json_blobs *blobs)
{
	free(blobs->at);
	*blobs = (struct json_blobs){ NULL, 0, 0 };
}

static int note_blob(struct json_blobs *blobs, struct slice bytes)
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

static int encode_bytes(struct json_encoder *e, struct slice bytes)
{
	if (e->blobs == NULL) {
		buf_add_char(e->to, '"');
		buf_add_char(e->to, '<');
		json_number_add_uint(e->to, bytes.size);
		buf_add_str(e->to, " bytes>\"");
		return 0;
	}
	buf_add_str(e->to, "{\"_placeholder\":true,\"num\":");
	json_number_add_uint(e->to, e->blobs->count);
	buf_add_char(e->to, '}');
	return note_blob(e->blobs, bytes);
}

/* \uXXXX, as JavaScript writes it. */
static void add_unicode_escape(struct buf *to, unsigned code)
{
	static const char hex[] = "0123456789abcdef";

	buf_add(to, "\\u", 2);
	for (int shift = 12; shift >= 0; shift -= 4)
		buf_add_char(to, hex[code >> shift & 0xF]);
}

/* A quote, a backslash or a control character. */
static void add_escape(struct buf *to, char c)
{
	static const char letters[0x20] = { ['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't' };
	char letter = (unsigned char)c < sizeof(letters) ? letters[(unsigned char)c] : c;

	if (letter == 0) {
		add_unicode_escape(to, (unsigned char)c);
		return;
	}
	buf_add_char(to, '\\');
	buf_add_char(to, letter);
}

/* Where the next surrogate, in its three bytes, begins; or end. 0xED only ever begins a character. */
static const char *find_surrogate(const char *p, const char *end)
{
	for (; end - p >= 3; p++) {
		p = memchr(p, 0xED, (size_t)(end - p));
		if (p == NULL || end - p < 3)
			return end;
		if ((unsigned char)p[1] >= 0xA0)
			return p;
	}
	return end;
}

static int add_surrogate(struct buf *to, const char *p)
{
	unsigned second = (unsigned char)p[1], third = (unsigned char)p[2];

	if (second > 0xBF || third < 0x80 || third > 0xBF)
		return -EINVAL;
	add_unicode_escape(to, 0xD000 | (second & 0x3F) << 6 | (third & 0x3F));
	return 0;
}

/* Bytes beyond ASCII that are not all UTF-8: surrogates are among them, or they are refused. */
static int add_with_surrogates(struct buf *to, const char *p, const char *end)
{
	while (p < end) {
		const char *next = find_surrogate(p, end);
		struct slice plain = slice_of(p, (size_t)(next - p));

		if (!utf8_valid(plain))
			return -EINVAL;
		buf_add_slice(to, plain);
		if (next == end)
			break;
		if (add_surrogate(to, next) < 0)
			return -EINVAL;
		p = next + 3;
	}
	return 0;
}

static int add_non_ascii(struct buf *to, const char *p, const char *end)
{
	struct slice run = slice_of(p, (size_t)(end - p));

	if (!utf8_valid(run))
		return add_with_surrogates(to, p, end);
	buf_add_slice(to, run);
	return 0;
}

/* Nothing in it is to be escaped or looked at: most text is so. */
static void add_plain(struct buf *to, struct slice s)
{
	char *at = buf_reserve(to, s.size + 2);

	if (at == NULL)
		return;
	at[0] = '"';
	if (s.size)
		memcpy(at + 1, s.at, s.size);
	at[s.size + 1] = '"';
	to->size += s.size + 2;
}

static int add_text(struct buf *to, const char *p, const char *end)
{
	int error = 0;

	buf_add_char(to, '"');
	while (p < end && error == 0) {
		const char *run = p;

		p = json_skip_plain(run, end, true);
		buf_add(to, run, (size_t)(p - run));
		if (p == end)
			break;
		run = p;
		if ((unsigned char)*p >= 0x80) {
			p = json_skip_non_ascii(run, end);
			error = add_non_ascii(to, run, p);
		} else {
			add_escape(to, *p++);
		}
	}
	buf_add_char(to, '"');
	return error;
}

int json_put_text(struct buf *to, struct slice s)
{
	if (s.size && json_skip_plain(s.at, s.at + s.size, true) < s.at + s.size)
		return add_text(to, s.at, s.at + s.size);
	add_plain(to, s);
	return 0;
}

static int encode_text(struct json_encoder *e, struct stoa_value v)
{
	if (!(v.flags_ & VALUE_PLAIN))
		return json_put_text(e->to, value_slice(v));
	add_plain(e->to, value_slice(v));
	return 0;
}

/* An array's items without its brackets. */
static int encode_inside(struct json_encoder *e, const struct stoa_value *items, size_t n)
{
	int error = 0;

	for (size_t i = 0; i < n && error == 0; i++) {
		if (i)
			buf_add_char(e->to, ',');
		error = json_put_value(e, items[i]);
	}
	return error;
}

static int encode_array(struct json_encoder *e, struct stoa_value v)
{
	int error;

	buf_add_char(e->to, '[');
	error = encode_inside(e, v.as_.at, v.size_);
	buf_add_char(e->to, ']');
	return error;
}

static int encode_object(struct json_encoder *e, struct stoa_value v)
{
	const struct stoa_value *pair = v.as_.at, *end = pair ? pair + 2 * v.size_ : NULL;
	bool first = true;
	int error = 0;

	buf_add_char(e->to, '{');
	for (; pair < end && error == 0; pair += 2) {
		if (pair[1].kind_ == VALUE_NULL && (pair[1].flags_ & VALUE_UNDEFINED))
			continue;
		if (!first)
			buf_add_char(e->to, ',');
		first = false;
		error = pair[0].kind_ == VALUE_TEXT ? encode_text(e, pair[0]) : -EINVAL;
		buf_add_char(e->to, ':');
		if (error == 0)
			error = json_put_value(e, pair[1]);
	}
	buf_add_char(e->to, '}');
	return error;
}

static int encode_container(struct json_encoder *e, struct stoa_value v)
{
	int error;

	if (e->depth == VALUE_DEPTH_MAX)
		return -EINVAL;
	e->depth++;
	error = v.kind_ == VALUE_ARRAY ? encode_array(e, v) : encode_object(e, v);
	e->depth--;
	return error;
}

static int encode_raw(struct json_encoder *e, struct stoa_value v)
{
	const struct value_raw *raw = v.as_.at;

	if (raw->encoding == VALUE_MSGPACK)
		return json_put_msgpack(e, raw);
	if (!raw->verbatim)
		return json_put_value(e, value_open(v));
	if (raw->items)
		buf_add_char(e->to, '[');
	buf_add_slice(e->to, raw->text);
	if (raw->items)
		buf_add_char(e->to, ']');
	return 0;
}

int json_put_value(struct json_encoder *e, struct stoa_value v)
{
	switch ((enum value_kind)v.kind_) {
	case VALUE_NULL:
		buf_add(e->to, "null", 4);
		return 0;
	case VALUE_BOOL:
		buf_add_str(e->to, v.as_.i ? "true" : "false");
		return 0;
	case VALUE_INT:
		json_number_add_int(e->to, v.as_.i);
		return 0;
	case VALUE_UINT:
		json_number_add_uint(e->to, v.as_.u);
		return 0;
	case VALUE_FLOAT:
		json_number_add(e->to, v.as_.f);
		return 0;
	case VALUE_TEXT:
		return encode_text(e, v);
	case VALUE_BYTES:
		return encode_bytes(e, value_slice(v));
	case VALUE_ARRAY:
	case VALUE_OBJECT:
		return encode_container(e, v);
	case VALUE_RAW:
		return encode_raw(e, v);
	case VALUE_SPREAD:
	case VALUE_BROKEN:
		break;
	}
	return -EINVAL;
}

/* The array's items among others; it is empty without a trace. */
static int encode_spread(struct json_encoder *e, struct stoa_value array)
{
	const struct value_raw *raw = array.kind_ == VALUE_RAW ? array.as_.at : NULL;

	if (raw && raw->items && raw->verbatim) {
		buf_add_slice(e->to, raw->text);
		return 0;
	}
	array = value_open(array);
	if (array.kind_ != VALUE_ARRAY)
		return -EINVAL;
	return encode_inside(e, array.as_.at, array.size_);
}

static int encode_items(struct json_encoder *e, const struct stoa_value *values, size_t n)
{
	size_t begin = e->to->size, before;
	int error = 0;

	for (size_t i = 0; i < n && error == 0; i++) {
		/* The comma is written when something follows it. */
		before = e->to->size;
		if (before != begin)
			buf_add_char(e->to, ',');
		if (values[i].kind_ != VALUE_SPREAD) {
			error = json_put_value(e, values[i]);
			continue;
		}
		error = encode_spread(e, *(const struct stoa_value *)values[i].as_.at);
		if (e->to->size == before + (before != begin))
			e->to->size = before;
	}
	return error;
}

/* What was appended stays only when all of it could be. */
static int finish(struct json_encoder *e, size_t size, size_t count, int error)
{
	if (error == 0 && !e->to->failed)
		return 0;
	e->to->size = size;
	if (e->blobs)
		e->blobs->count = count;
	return error ? error : -ENOMEM;
}

int json_encode(struct buf *to, struct stoa_value v, struct json_blobs *blobs)
{
	struct json_encoder e = { to, blobs, 0 };
	size_t size = to->size, count = blobs ? blobs->count : 0;

	return finish(&e, size, count, json_put_value(&e, v));
}

int json_encode_items(struct buf *to, const struct stoa_value *values, size_t n, struct json_blobs *blobs)
{
	struct json_encoder e = { to, blobs, 0 };
	size_t size = to->size, count = blobs ? blobs->count : 0;

	return finish(&e, size, count, encode_items(&e, values, n));
}

int json_encode_text(struct buf *to, struct slice s)
{
	struct json_encoder e = { to, NULL, 0 };
	size_t size = to->size;

	return finish(&e, size, 0, json_put_text(to, s));
}
