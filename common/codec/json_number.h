/*
 * json_number.h - JSON's numbers to C's and back, as JavaScript does it; private to the codecs.
 *
 * Reading rounds correctly, writing gives the shortest text that reads back the same. Neither depends on the locale,
 * which an application module may have set.
 */
#ifndef STOA_CODEC_JSON_NUMBER_H
#define STOA_CODEC_JSON_NUMBER_H

#include "buf.h"
#include "value.h"

/* The number that `token` (JSON's grammar) stands for; infinite when it is too large. Linear in the token's size. */
double json_number_double(struct slice token);

/* The same as a value: integers that fit 64 bits stay integers, all others and -0 are doubles. */
struct stoa_value json_number_value(struct slice token);

/* Appends the number as JSON.stringify() writes it: NaN and infinities as null, -0 as 0. */
void json_number_add(struct buf *to, double f);

/* How the digits of a number are set out. A decimal point that would stand more than `most` places behind the first digit,
 * or `least` or less, makes an exponent of at least so many digits; `whole` follows a number without a fraction. */
struct json_number_style {
	int most, least, exponent_digits;
	const char *whole;
};
/* Appends the shortest digits that read back as f, which is finite and not 0. */
void json_number_add_finite(struct buf *to, double f, const struct json_number_style *style);
void json_number_add_int(struct buf *to, int64_t i);
void json_number_add_uint(struct buf *to, uint64_t u);

#endif
