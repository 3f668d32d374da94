/* pickle_scalars.c - opcodes of plain values, text and binary; see pickle.c. */
#include "pickle_parts.h"

#include "utf8.h"

#include <endian.h>
#include <math.h>

enum { INT_BYTES_MAX = 256 };

/* --- Numbers and words -------------------------------------------------------------------------------------------- */

bool pickle_op_none(struct pickle_reader *r)
{
	return pickle_push(r, value_null());
}

bool pickle_op_true(struct pickle_reader *r)
{
	return pickle_push(r, value_bool(true));
}

bool pickle_op_false(struct pickle_reader *r)
{
	return pickle_push(r, value_bool(false));
}

bool pickle_op_binint(struct pickle_reader *r)
{
	uint64_t n;

	return pickle_take_number(r, 4, &n) && pickle_push(r, value_int((int32_t)(uint32_t)n));
}

bool pickle_op_binint1(struct pickle_reader *r)
{
	uint64_t n;

	return pickle_take_number(r, 1, &n) && pickle_push(r, value_int((int64_t)n));
}

bool pickle_op_binint2(struct pickle_reader *r)
{
	uint64_t n;

	return pickle_take_number(r, 2, &n) && pickle_push(r, value_int((int64_t)n));
}

bool pickle_op_binfloat(struct pickle_reader *r)
{
	struct slice bytes;
	uint64_t bits;
	double f;

	if (!pickle_take(r, sizeof(bits), &bytes))
		return false;
	memcpy(&bits, bytes.at, sizeof(bits));
	bits = be64toh(bits);
	memcpy(&f, &bits, sizeof(f));
	return pickle_push(r, value_float(f));
}

/* The magnitude, little end first, to the nearest double: the first 64 bits with a 1 at their end when any bit behind
 * them is set round as the whole does. */
static double nearest_double(const unsigned char *magnitude, size_t n)
{
	uint64_t head = 0, rest = 0;
	int bits = 0;

	while (n > 0 && head >> 56 == 0) {
		head = head << 8 | magnitude[--n];
		bits = (int)n * 8;
	}
	while (n > 0)
		rest |= magnitude[--n];
	return ldexp((double)(head | (rest != 0)), bits);
}

/* Two's complement of more than 64 bits. */
static double big_int(struct slice bytes)
{
	unsigned char magnitude[INT_BYTES_MAX];
	bool negative = (unsigned char)bytes.at[bytes.size - 1] >= 0x80;
	unsigned carry = 1;

	memcpy(magnitude, bytes.at, bytes.size);
	for (size_t i = 0; negative && i < bytes.size; i++) {
		carry += magnitude[i] ^ 0xFFu;
		magnitude[i] = (unsigned char)carry;
		carry >>= 8;
	}
	return negative ? -nearest_double(magnitude, bytes.size) : nearest_double(magnitude, bytes.size);
}

/* Two's complement, little end first, without the bytes that only repeat the sign. */
static struct slice shortest_int(struct slice bytes)
{
	while (bytes.size > 1) {
		unsigned char last = (unsigned char)bytes.at[bytes.size - 1];
		bool sign = (unsigned char)bytes.at[bytes.size - 2] >= 0x80;
		if (last != (sign ? 0xFF : 0x00))
			break;
		bytes.size--;
	}
	return bytes;
}

static bool push_int(struct pickle_reader *r, struct slice bytes)
{
	bool negative = bytes.size && (unsigned char)bytes.at[bytes.size - 1] >= 0x80;
	uint64_t n = negative ? UINT64_MAX : 0;

	if (bytes.size > r->rules->max_int_bytes || bytes.size > INT_BYTES_MAX)
		return pickle_fail(r, "pickle integer too large");
	bytes = shortest_int(bytes);
	if (bytes.size > sizeof(n) + 1 || (bytes.size == sizeof(n) + 1 && bytes.at[sizeof(n)] != 0))
		return pickle_push(r, value_float(big_int(bytes)));
	for (size_t i = bytes.size; i-- > 0;)
		n = n << 8 | (unsigned char)bytes.at[i];
	return pickle_push(r, bytes.size > sizeof(n) ? value_uint(n) : value_int((int64_t)n));
}

bool pickle_op_long1(struct pickle_reader *r)
{
	struct slice bytes;

	return pickle_take_counted(r, 1, &bytes) && push_int(r, bytes);
}

bool pickle_op_long4(struct pickle_reader *r)
{
	struct slice bytes;

	return pickle_take_counted(r, 4, &bytes) && push_int(r, bytes);
}

/* --- Text and binary ---------------------------------------------------------------------------------------------- */

/* Where the next surrogate, in its three bytes, begins; or the end. 0xED only ever begins a character. */
static size_t find_surrogate(struct slice s)
{
	for (size_t i = 0; i < s.size; i++) {
		i += slice_find(slice_from(s, i), (char)0xED);
		if (s.size - i < 3)
			return s.size;
		if ((unsigned char)s.at[i + 1] >= 0xA0)
			return i;
	}
	return s.size;
}

bool pickle_text_valid(struct slice s)
{
	size_t at;

	if (utf8_valid(s))
		return true;
	while ((at = find_surrogate(s)) < s.size) {
		unsigned char second = (unsigned char)s.at[at + 1], third = (unsigned char)s.at[at + 2];
		if (second > 0xBF || third < 0x80 || third > 0xBF || !utf8_valid(slice_first(s, at)))
			return false;
		s = slice_from(s, at + 3);
	}
	return utf8_valid(s);
}

static bool text_of(struct pickle_reader *r, size_t counted)
{
	struct slice s;

	if (!pickle_take_counted(r, counted, &s))
		return false;
	if (!pickle_text_valid(s))
		return pickle_fail(r, "pickle text is not UTF-8");
	return pickle_keep(r, &s) && pickle_push(r, value_text(s));
}

static bool bytes_of(struct pickle_reader *r, size_t counted)
{
	struct slice s;

	return pickle_take_counted(r, counted, &s) && pickle_keep(r, &s) && pickle_push(r, value_bytes(s));
}

bool pickle_op_short_text(struct pickle_reader *r)
{
	return text_of(r, 1);
}

bool pickle_op_text(struct pickle_reader *r)
{
	return text_of(r, 4);
}

bool pickle_op_long_text(struct pickle_reader *r)
{
	return text_of(r, 8);
}

bool pickle_op_short_bytes(struct pickle_reader *r)
{
	return bytes_of(r, 1);
}

bool pickle_op_bytes(struct pickle_reader *r)
{
	return bytes_of(r, 4);
}

bool pickle_op_long_bytes(struct pickle_reader *r)
{
	return bytes_of(r, 8);
}
