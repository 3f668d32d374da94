/* msgpack_encode.c - values to bytes, as notepack.io would write them; see msgpack.h. */
#include "date.h"
#include "msgpack.h"
#include "utf8.h"

#include <errno.h>
#include <math.h>
#include <msgpack/pack.h>
#include <msgpack/timestamp.h>

struct encoder {
	msgpack_packer to;
	struct buf *buf;
	enum msgpack_dialect dialect;
	unsigned depth;
};

static int encode_value(struct encoder *e, struct stoa_value v);

static int write_buf(void *to, const char *at, size_t size)
{
	buf_add(to, at, size);
	return 0;
}

static void encoder_init(struct encoder *e, struct buf *to, enum msgpack_dialect dialect)
{
	msgpack_packer_init(&e->to, to, write_buf);
	e->buf = to;
	e->dialect = dialect;
	e->depth = 0;
}

/* --- Leaves ------------------------------------------------------------------------------------------------------- */

/* The first doubles beyond the types. */
static const double int64_end = 9223372036854775808.0, uint64_end = 18446744073709551616.0;

static void pack_float(msgpack_packer *to, double f)
{
	if (isnan(f))
		msgpack_pack_double(to, (double)NAN); /* all are one in JavaScript */
	else if (f > floor(f) || f < -int64_end || f >= uint64_end)
		msgpack_pack_double(to, f);
	else if (f < 0)
		msgpack_pack_int64(to, (int64_t)f);
	else
		msgpack_pack_uint64(to, (uint64_t)f);
}

/* A lone surrogate in its three bytes: as many as U+FFFD has, which is written for it. */
static bool is_surrogate(struct slice s)
{
	return s.size >= 3 && s.at[0] == '\xED' && (unsigned char)s.at[1] >= 0xA0 && (unsigned char)s.at[1] <= 0xBF &&
	       (unsigned char)s.at[2] >= 0x80 && (unsigned char)s.at[2] <= 0xBF;
}

static int add_with_surrogates(struct buf *to, struct slice text)
{
	while (text.size) {
		size_t n = 0;

		if (is_surrogate(text)) {
			buf_add_str(to, "\xEF\xBF\xBD");
			text = slice_from(text, 3);
			continue;
		}
		while (n < text.size && !is_surrogate(slice_from(text, n)))
			n++;
		if (!utf8_valid(slice_first(text, n)))
			return -EINVAL;
		buf_add(to, text.at, n);
		text = slice_from(text, n);
	}
	return 0;
}

static int encode_text(struct encoder *e, struct slice text)
{
	if (text.size > UINT32_MAX)
		return -EINVAL;
	msgpack_pack_str(&e->to, text.size);
	if (!utf8_valid(text))
		return add_with_surrogates(e->buf, text);
	buf_add_slice(e->buf, text);
	return 0;
}

/* socket.io-msgpack-parser's ext 0: a date is eight bytes of milliseconds. */
static void pack_client_date(struct encoder *e, int64_t ms)
{
	uint64_t bits = (uint64_t)ms;

	buf_add(e->buf, "\xD7\x00", 2);
	for (int shift = 56; shift >= 0; shift -= 8)
		buf_add_char(e->buf, (char)(bits >> shift));
}

static void pack_timestamp(struct encoder *e, int64_t ms)
{
	int64_t seconds = ms / 1000 - (ms % 1000 < 0);
	msgpack_timestamp t = { seconds, (uint32_t)(ms - seconds * 1000) * 1000000 };

	msgpack_pack_timestamp(&e->to, &t);
}

static int encode_date(struct encoder *e, struct slice text)
{
	int64_t ms;

	if (!date_parse(text, &ms))
		return encode_text(e, text);
	if (e->dialect == MSGPACK_CLIENT)
		pack_client_date(e, ms);
	else
		pack_timestamp(e, ms);
	return 0;
}

/* Never the heads of a fixed size that msgpack-c would take: ext 0 of one byte is undefined. */
static void put_arraybuffer_head(struct buf *to, size_t size)
{
	unsigned length = size < 0x100 ? 1 : size < 0x10000 ? 2 : 4;

	buf_add_char(to, (char)(length == 1 ? 0xC7 : length == 2 ? 0xC8 : 0xC9));
	while (length-- > 0)
		buf_add_char(to, (char)(size >> 8 * length));
	buf_add_char(to, 0);
}

static int encode_bytes(struct encoder *e, struct stoa_value v)
{
	if (v.size_ > UINT32_MAX)
		return -EINVAL;
	if ((v.flags_ & VALUE_ARRAYBUFFER) && e->dialect == MSGPACK_CLIENT)
		put_arraybuffer_head(e->buf, v.size_);
	else
		msgpack_pack_bin(&e->to, v.size_);
	buf_add_slice(e->buf, value_slice(v));
	return 0;
}

static void encode_null(struct encoder *e, struct stoa_value v)
{
	if ((v.flags_ & VALUE_UNDEFINED) && e->dialect == MSGPACK_CLIENT)
		msgpack_put_undefined(e->buf);
	else
		msgpack_pack_nil(&e->to);
}

/* --- Containers --------------------------------------------------------------------------------------------------- */

static int encode_items(struct encoder *e, const struct stoa_value *items, size_t n)
{
	int error = 0;

	for (size_t i = 0; i < n && error == 0; i++)
		error = encode_value(e, items[i]);
	return error;
}

static int encode_array(struct encoder *e, struct stoa_value v)
{
	if (v.size_ > UINT32_MAX)
		return -EINVAL;
	msgpack_pack_array(&e->to, v.size_);
	return encode_items(e, v.as_.at, v.size_);
}

static bool is_left_out(const struct encoder *e, struct stoa_value member)
{
	return e->dialect == MSGPACK_BUS && member.kind_ == VALUE_NULL && (member.flags_ & VALUE_UNDEFINED);
}

static size_t count_members(const struct encoder *e, struct stoa_value v)
{
	const struct stoa_value *pairs = v.as_.at;
	size_t n = 0;

	for (size_t i = 0; i < v.size_; i++)
		n += !is_left_out(e, pairs[2 * i + 1]);
	return n;
}

static int encode_object(struct encoder *e, struct stoa_value v)
{
	const struct stoa_value *pair = v.as_.at;
	size_t members = count_members(e, v);
	int error = members > UINT32_MAX ? -EINVAL : 0;

	msgpack_pack_map(&e->to, members);
	for (size_t i = 0; i < v.size_ && error == 0; i++, pair += 2) {
		if (is_left_out(e, pair[1]))
			continue;
		error = pair[0].kind_ == VALUE_TEXT ? encode_text(e, value_slice(pair[0])) : -EINVAL;
		if (error == 0)
			error = encode_value(e, pair[1]);
	}
	return error;
}

static int encode_container(struct encoder *e, struct stoa_value v)
{
	int error;

	if (e->depth == VALUE_DEPTH_MAX)
		return -EINVAL;
	e->depth++;
	error = v.kind_ == VALUE_ARRAY ? encode_array(e, v) : encode_object(e, v);
	e->depth--;
	return error;
}

/* Bytes as they came, where they may stay so: they are a client's, and so is the dialect. */
static bool is_verbatim(const struct encoder *e, const struct value_raw *raw)
{
	return raw->encoding == VALUE_MSGPACK && !raw->is_bus && e->dialect == MSGPACK_CLIENT;
}

static int encode_raw(struct encoder *e, struct stoa_value v)
{
	const struct value_raw *raw = v.as_.at;

	if (!is_verbatim(e, raw))
		return encode_value(e, value_open(v));
	if (raw->items)
		msgpack_pack_array(&e->to, raw->n_items);
	buf_add_slice(e->buf, raw->text);
	return 0;
}

static int encode_value(struct encoder *e, struct stoa_value v)
{
	switch ((enum value_kind)v.kind_) {
	case VALUE_NULL:
		encode_null(e, v);
		return 0;
	case VALUE_BOOL:
		v.as_.i ? msgpack_pack_true(&e->to) : msgpack_pack_false(&e->to);
		return 0;
	case VALUE_INT:
		msgpack_pack_int64(&e->to, v.as_.i);
		return 0;
	case VALUE_UINT:
		msgpack_pack_uint64(&e->to, v.as_.u);
		return 0;
	case VALUE_FLOAT:
		pack_float(&e->to, v.as_.f);
		return 0;
	case VALUE_TEXT:
		return v.flags_ & VALUE_DATE ? encode_date(e, value_slice(v)) : encode_text(e, value_slice(v));
	case VALUE_BYTES:
		return encode_bytes(e, v);
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

/* What was appended stays only when all of it could be. */
static int finish(struct encoder *e, size_t size, int error)
{
	if (error == 0 && !e->buf->failed)
		return 0;
	e->buf->size = size;
	return error ? error : -ENOMEM;
}

int msgpack_encode(struct buf *to, struct stoa_value v, enum msgpack_dialect dialect)
{
	struct encoder e;
	size_t size = to->size;

	encoder_init(&e, to, dialect);
	return finish(&e, size, encode_value(&e, v));
}

/* --- Lists with spreads ------------------------------------------------------------------------------------------- */

/* How many values `v` stands for in a list; negative: it does not belong there. */
static int64_t spread_count(struct stoa_value v)
{
	const struct value_raw *raw;
	struct stoa_value array;

	if (v.kind_ != VALUE_SPREAD)
		return 1;
	array = *(const struct stoa_value *)v.as_.at;
	raw = array.kind_ == VALUE_RAW ? array.as_.at : NULL;
	if (raw && raw->items && raw->encoding == VALUE_MSGPACK)
		return (int64_t)raw->n_items;
	array = value_open(array);
	return array.kind_ == VALUE_ARRAY ? (int64_t)array.size_ : -EINVAL;
}

static int encode_spread(struct encoder *e, struct stoa_value array)
{
	const struct value_raw *raw = array.kind_ == VALUE_RAW ? array.as_.at : NULL;

	if (raw && raw->items && is_verbatim(e, raw)) {
		buf_add_slice(e->buf, raw->text);
		return 0;
	}
	array = value_open(array);
	return array.kind_ == VALUE_ARRAY ? encode_items(e, array.as_.at, array.size_) : -EINVAL;
}

static int encode_list(struct encoder *e, const struct stoa_value *values, size_t n)
{
	int64_t count = 0, more;
	int error = 0;

	for (size_t i = 0; i < n; i++) {
		more = spread_count(values[i]);
		if (more < 0)
			return -EINVAL;
		count += more;
	}
	if (count > UINT32_MAX)
		return -EINVAL;
	msgpack_pack_array(&e->to, (size_t)count);
	for (size_t i = 0; i < n && error == 0; i++)
		error = values[i].kind_ == VALUE_SPREAD ? encode_spread(e, *(const struct stoa_value *)values[i].as_.at)
							: encode_value(e, values[i]);
	return error;
}

int msgpack_encode_list(struct buf *to, const struct stoa_value *values, size_t n, enum msgpack_dialect dialect)
{
	struct encoder e;
	size_t size = to->size;

	encoder_init(&e, to, dialect);
	return finish(&e, size, encode_list(&e, values, n));
}

/* --- Heads -------------------------------------------------------------------------------------------------------- */

void msgpack_put_map(struct buf *to, size_t members)
{
	struct encoder e;

	encoder_init(&e, to, MSGPACK_CLIENT);
	msgpack_pack_map(&e.to, members);
}

void msgpack_put_array(struct buf *to, size_t items)
{
	struct encoder e;

	encoder_init(&e, to, MSGPACK_CLIENT);
	msgpack_pack_array(&e.to, items);
}

void msgpack_put_text(struct buf *to, struct slice text)
{
	struct encoder e;

	encoder_init(&e, to, MSGPACK_CLIENT);
	msgpack_pack_str(&e.to, text.size);
	buf_add_slice(to, text);
}

void msgpack_put_undefined(struct buf *to)
{
	buf_add(to, "\xD4\x00\x00", 3);
}
