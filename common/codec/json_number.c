/* json_number.c - see json_number.h. */
#include "json_number.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	DIGITS_MAX = 800,      /* 767 decide every double; of more it matters only whether one of them is not 0 */
	HEAD_DIGITS = 19,      /* as many as always fit 64 bits */
	EXACT_POWER = 22,      /* the largest power of ten that is exact as a double */
	EXPONENT_MAX = 100000, /* beyond it, with DIGITS_MAX digits, lies only infinity or 0 */
	U64_DIGITS = 20,
	NUMBER_TEXT_MAX = 32, /* 25 is the longest: -1.2345678901234567e-308 */
};

static const double powers[EXACT_POWER + 1] = { 1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12,
	1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22 };

/* A number as read: its significant digits, the last of which counts 10^exponent. */
struct reading {
	bool negative;
	bool cut; /* digits that did not fit were not all 0 */
	size_t count;
	int64_t exponent;
	uint64_t head;                /* the first HEAD_DIGITS as a number */
	char digits[DIGITS_MAX + 32]; /* room for the exponent behind them */
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static void add_digit(struct reading *r, char c)
{
	if (r->count == 0 && c == '0')
		return;
	if (r->count == DIGITS_MAX) {
		r->exponent++;
		r->cut |= c != '0';
		return;
	}
	if (r->count < HEAD_DIGITS)
		r->head = r->head * 10 + (uint64_t)(c - '0');
	r->digits[r->count++] = c;
}

static const char *read_digits(struct reading *r, const char *p, const char *end, int64_t exponent_each)
{
	for (; p < end && is_digit(*p); p++) {
		r->exponent += exponent_each;
		add_digit(r, *p);
	}
	return p;
}

/* Stops growing where it no longer matters but could not be outweighed by the digits of any text in memory. */
static int64_t read_exponent(const char *p, const char *end)
{
	bool negative = p < end && *p == '-';
	int64_t n = 0;

	if (p < end && (*p == '-' || *p == '+'))
		p++;
	for (; p < end && is_digit(*p); p++)
		if (n < INT64_MAX / 1000)
			n = n * 10 + (*p - '0');
	return negative ? -n : n;
}

static void read_number(struct reading *r, struct slice token)
{
	const char *p = token.at, *end = p + token.size;

	r->negative = p < end && *p == '-';
	r->cut = false;
	r->count = 0;
	r->exponent = 0;
	r->head = 0;
	p = read_digits(r, p + r->negative, end, 0);
	if (p < end && *p == '.')
		p = read_digits(r, p + 1, end, -1);
	if (p < end && (*p == 'e' || *p == 'E'))
		r->exponent += read_exponent(p + 1, end);
}

/* strtod() of a text without a point, so that no locale can matter. */
static double convert(struct reading *r)
{
	int64_t exponent = r->exponent;

	if (r->cut) {
		r->digits[r->count++] = '1';
		exponent--;
	}
	if (exponent > EXPONENT_MAX)
		exponent = EXPONENT_MAX;
	if (exponent < -EXPONENT_MAX)
		exponent = -EXPONENT_MAX;
	snprintf(r->digits + r->count, sizeof(r->digits) - r->count, "e%" PRId64, exponent);
	return strtod(r->digits, NULL);
}

/* Few digits and a small exponent: both parts are exact doubles, so that one operation rounds once. */
static bool is_exact(const struct reading *r)
{
	return r->count <= HEAD_DIGITS && r->head <= (UINT64_C(1) << DBL_MANT_DIG) && r->exponent >= -EXACT_POWER &&
	       r->exponent <= EXACT_POWER;
}

double json_number_double(struct slice token)
{
	struct reading r;
	double f;

	read_number(&r, token);
	if (r.count == 0)
		f = 0;
	else if (!is_exact(&r))
		f = convert(&r);
	else if (r.exponent < 0)
		f = (double)r.head / powers[-r.exponent];
	else
		f = (double)r.head * powers[r.exponent];
	return r.negative ? -f : f;
}

/* Whether the digits are all there is and fit 64 bits. */
static bool read_integer(struct slice digits, uint64_t *u)
{
	*u = 0;
	for (size_t i = 0; i < digits.size; i++) {
		if (!is_digit(digits.at[i]))
			return false;
		if (__builtin_mul_overflow(*u, 10u, u) || __builtin_add_overflow(*u, (uint64_t)(digits.at[i] - '0'), u))
			return false;
	}
	return true;
}

struct stoa_value json_number_value(struct slice token)
{
	bool negative = token.size && token.at[0] == '-';
	uint64_t u;

	if (!read_integer(slice_from(token, negative), &u))
		return value_float(json_number_double(token));
	if (!negative)
		return value_uint(u);
	if (u == 0)
		return value_float(-0.0);
	if (u > (uint64_t)INT64_MAX + 1)
		return value_float(json_number_double(token));
	return value_int((int64_t)(0 - u));
}

/* A number to write: m * 10^exponent. */
struct decimal {
	uint64_t m;
	int exponent;
};

/*
 * The common case, without printf: few digits behind the point, 15 in all. So many digits stand for one double only,
 * so whatever reads back as f is its shortest form. Both parts of the division are exact.
 */
static bool few_digits(double f, struct decimal *d)
{
	for (int power = 0; power <= 9 && f * powers[power] < 1e15; power += 3) {
		d->m = (uint64_t)(f * powers[power] + 0.5);
		d->exponent = -power;
		if ((double)d->m / powers[power] == f)
			return true;
	}
	return false;
}

static bool reads_back(const struct decimal *d, double f)
{
	char text[NUMBER_TEXT_MAX];

	snprintf(text, sizeof(text), "%" PRIu64 "e%d", d->m, d->exponent);
	return strtod(text, NULL) == f;
}

/* f to `count` digits; whatever stands between digits is the locale's point. */
static void round_to(double f, int count, struct decimal *d)
{
	char text[NUMBER_TEXT_MAX + 16]; /* a point of several bytes */
	const char *p = text;

	snprintf(text, sizeof(text), "%.*e", count - 1, f);
	for (d->m = 0; *p && *p != 'e'; p++)
		if (is_digit(*p))
			d->m = d->m * 10 + (uint64_t)(*p - '0');
	d->exponent = (int)strtol(*p ? p + 1 : p, NULL, 10) - (count - 1);
}

/*
 * The shortest decimal that reads back as f, and of several the closest. The closest of `count` digits is it unless f
 * is a power of two, below which doubles lie closer: then the next one above may read back though the closest, below,
 * does not. Fewer than 15 digits need no attempt of their own unless f is subnormal and has few itself.
 */
static void shortest(double f, struct decimal *d)
{
	int exponent;
	bool power_of_two = frexp(f, &exponent) == 0.5;

	for (int count = f < DBL_MIN ? 1 : DBL_DIG;; count++) {
		round_to(f, count, d);
		if (count == DBL_DECIMAL_DIG || reads_back(d, f))
			return;
		d->m++;
		if (power_of_two && reads_back(d, f))
			return;
	}
}

/* Writes the digits of u before `end`; where they begin. */
static char *digits_before(char *end, uint64_t u)
{
	do {
		*--end = (char)('0' + u % 10);
		u /= 10;
	} while (u);
	return end;
}

void json_number_add_uint(struct buf *to, uint64_t u)
{
	char text[U64_DIGITS], *end = text + sizeof(text), *at = digits_before(end, u);

	buf_add(to, at, (size_t)(end - at));
}

void json_number_add_int(struct buf *to, int64_t i)
{
	if (i < 0)
		buf_add_char(to, '-');
	json_number_add_uint(to, i < 0 ? 0 - (uint64_t)i : (uint64_t)i);
}

static void add_zeros(struct buf *to, int n)
{
	while (n-- > 0)
		buf_add_char(to, '0');
}

static void add_exponential(struct buf *to, struct slice digits, int exponent, const struct json_number_style *style)
{
	buf_add_char(to, digits.at[0]);
	if (digits.size > 1) {
		buf_add_char(to, '.');
		buf_add_slice(to, slice_from(digits, 1));
	}
	buf_printf(to, "e%c%0*d", exponent < 0 ? '-' : '+', style->exponent_digits, abs(exponent));
}

/* `point` is where the decimal point stands, counted from the first digit. */
static void add_decimal(struct buf *to, struct slice digits, int point, const struct json_number_style *style)
{
	int count = (int)digits.size;

	if (point > style->most || point <= style->least) {
		add_exponential(to, digits, point - 1, style);
	} else if (point <= 0) {
		buf_add_str(to, "0.");
		add_zeros(to, -point);
		buf_add_slice(to, digits);
	} else if (point < count) {
		buf_add_slice(to, slice_first(digits, (size_t)point));
		buf_add_char(to, '.');
		buf_add_slice(to, slice_from(digits, (size_t)point));
	} else {
		buf_add_slice(to, digits);
		add_zeros(to, point - count);
		buf_add_str(to, style->whole);
	}
}

void json_number_add_finite(struct buf *to, double f, const struct json_number_style *style)
{
	char text[U64_DIGITS], *end = text + sizeof(text), *at;
	struct decimal d;

	if (f < 0)
		buf_add_char(to, '-');
	if (!few_digits(fabs(f), &d))
		shortest(fabs(f), &d);
	for (; d.m % 10 == 0; d.exponent++)
		d.m /= 10;
	at = digits_before(end, d.m);
	add_decimal(to, slice_of(at, (size_t)(end - at)), (int)(end - at) + d.exponent, style);
}

void json_number_add(struct buf *to, double f)
{
	/* ECMAScript's Number::toString. */
	static const struct json_number_style style = { .most = 21, .least = -6, .exponent_digits = 1, .whole = "" };

	if (!isfinite(f))
		buf_add_str(to, "null");
	else if (f == 0)
		buf_add_char(to, '0');
	else
		json_number_add_finite(to, f, &style);
}
