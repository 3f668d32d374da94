/* json_check.c - RFC 8259 by recursive descent, in one pass and without allocation; see json.h. */
#include "json_number.h"
#include "json_scan.h"
#include "utf8.h"

#include <math.h>

static const char malformed_text[] = "malformed JSON";
static const char not_utf8_text[] = "JSON is not UTF-8";
static const char too_deep_text[] = "JSON too deep";
static const char illegal_attachments_text[] = "illegal attachments";

enum {
	SAFE_DIGITS = 308,    /* a number below 10^308 is a finite double */
	SAFE_FRACTION = -323, /* a multiple of 10^-323 does not round to 0, unless it is 0 */
};

struct check {
	const char *end;
	unsigned depth, max_depth;
	long blobs;
	unsigned flags;
	const char *error;
};

/* What is known of an object that may turn out to be a placeholder; of a name that comes twice, the last counts. */
struct placeholder {
	bool is_one;
	bool num_fits;
};

/* The check_ functions take the position of what they check, and return the one behind it or NULL with c->error set. */
static const char *check_value(struct check *c, const char *p);

static const char *fail(struct check *c, const char *why)
{
	c->error = why;
	return NULL;
}

static const char *check_word(struct check *c, const char *p, struct slice word)
{
	if (!slice_starts(slice_of(p, (size_t)(c->end - p)), word))
		return fail(c, malformed_text);
	return p + word.size;
}

static const char *skip_digits(const char *p, const char *end)
{
	while (p < end && *p >= '0' && *p <= '9')
		p++;
	return p;
}

/* One digit or more. */
static const char *check_digits(struct check *c, const char *p)
{
	const char *behind = skip_digits(p, c->end);

	return behind == p ? fail(c, malformed_text) : behind;
}

/* The digits p to `end` of an exponent, as far as it matters. */
static int exponent_of(const char *p, const char *end)
{
	bool negative = *p == '-';
	int n = 0;

	for (p += *p == '-' || *p == '+'; p < end && n < 1000000; p++)
		n = n * 10 + (*p - '0');
	return negative ? -n : n;
}

/* What printing the number again would change: decided exactly, but called only for those that look as if. */
static void check_rewrite(struct check *c, const char *p, const char *end)
{
	double f = json_number_double(slice_of(p, (size_t)(end - p)));

	if (isinf(f) || (f == 0 && signbit(f)))
		c->flags |= JSON_REWRITE;
}

/* The rest of a number that is no plain integer: p is behind its first digits, of which there are `whole`. */
static const char *check_fraction(struct check *c, const char *number, const char *p, ptrdiff_t whole)
{
	bool negative = *number == '-';
	ptrdiff_t fraction = 0;
	int exponent = 0;

	if (p < c->end && *p == '.') {
		const char *point = p;
		p = check_digits(c, p + 1);
		if (p == NULL)
			return NULL;
		fraction = p - point - 1;
	}
	if (p < c->end && (*p == 'e' || *p == 'E')) {
		const char *mark = p + 1;
		p = check_digits(c, mark + (mark < c->end && (*mark == '-' || *mark == '+')));
		if (p == NULL)
			return NULL;
		exponent = exponent_of(mark, p);
	}
	if (whole + exponent > SAFE_DIGITS || (negative && (number[1] == '0' || exponent - fraction < SAFE_FRACTION)))
		check_rewrite(c, number, p);
	return p;
}

static const char *check_number(struct check *c, const char *number)
{
	const char *first = number + (*number == '-'), *p;

	if (first < c->end && *first == '0')
		p = first + 1;
	else
		p = check_digits(c, first);
	if (p == NULL)
		return NULL;
	if ((p == c->end || (*p != '.' && *p != 'e' && *p != 'E')) && p - first <= SAFE_DIGITS) {
		if (*first == '0' && first != number)
			c->flags |= JSON_REWRITE;
		return p;
	}
	return check_fraction(c, number, p, p - first);
}

static const char *check_escape(struct check *c, const char *p)
{
	if (c->end - p < 2)
		return fail(c, malformed_text);
	if (p[1] == 'u')
		return json_hex4(p + 2, c->end) < 0 ? fail(c, malformed_text) : p + 6;
	return json_short_escape(p[1]) < 0 ? fail(c, malformed_text) : p + 2;
}

static const char *check_non_ascii(struct check *c, const char *p)
{
	const char *behind = json_skip_non_ascii(p, c->end);

	return utf8_valid(slice_of(p, (size_t)(behind - p))) ? behind : fail(c, not_utf8_text);
}

/* From the opening quote on. */
static const char *check_text(struct check *c, const char *p)
{
	p++;
	while (p) {
		p = json_skip_plain(p, c->end, true);
		if (p == c->end)
			return fail(c, malformed_text);
		if (*p == '"')
			return p + 1;
		if (*p == '\\')
			p = check_escape(c, p);
		else if ((unsigned char)*p >= 0x80)
			p = check_non_ascii(c, p);
		else
			return fail(c, malformed_text);
	}
	return NULL;
}

/* Whether a key token, quotes included, is this name however it is escaped. The name is ASCII. */
static bool is_name(struct slice token, struct slice name)
{
	const char *p = token.at + 1, *end = token.at + token.size - 1;
	size_t i = 0;

	for (; p < end && i < name.size; i++) {
		int c = (unsigned char)*p;
		if (c != '\\') {
			p++;
		} else if (p[1] == 'u') {
			c = json_hex4(p + 2, end);
			p += 6;
		} else {
			c = json_short_escape(p[1]);
			p += 2;
		}
		if (c != name.at[i])
			return false;
	}
	return p == end && i == name.size;
}

/* Whether the token is digits alone and below `limit`. */
static bool is_index(struct slice token, long limit)
{
	long n = 0;

	for (size_t i = 0; i < token.size && n < limit; i++) {
		if (token.at[i] < '0' || token.at[i] > '9')
			return false;
		if (n > (limit - (token.at[i] - '0')) / 10)
			return false;
		n = n * 10 + (token.at[i] - '0');
	}
	return n < limit;
}

static void note_member(const struct check *c, struct slice key, struct slice value, struct placeholder *object)
{
	if (is_name(key, SLICE("_placeholder")))
		object->is_one = slice_equal(value, SLICE("true"));
	else if (is_name(key, SLICE("num")))
		object->num_fits = is_index(value, c->blobs);
}

static const char *check_member(struct check *c, const char *key, struct placeholder *object)
{
	const char *behind_key, *value, *p;

	if (key == c->end || *key != '"')
		return fail(c, malformed_text);
	behind_key = check_text(c, key);
	if (behind_key == NULL)
		return NULL;
	p = json_skip_space(behind_key, c->end);
	if (p == c->end || *p != ':')
		return fail(c, malformed_text);
	value = json_skip_space(p + 1, c->end);
	p = check_value(c, value);
	if (p && c->blobs >= 0)
		note_member(c, slice_of(key, (size_t)(behind_key - key)), slice_of(value, (size_t)(p - value)), object);
	return p;
}

static const char *check_comma(struct check *c, const char *p)
{
	if (p == c->end || *p != ',')
		return fail(c, malformed_text);
	return json_skip_space(p + 1, c->end);
}

/* From the opening bracket to the closing one: an array's items, or an object's members. */
static const char *check_inside(struct check *c, const char *p, char close, struct placeholder *object)
{
	p = json_skip_space(p + 1, c->end);
	if (p < c->end && *p == close)
		return p;
	while (p) {
		p = object ? check_member(c, p, object) : check_value(c, p);
		if (p == NULL)
			return NULL;
		p = json_skip_space(p, c->end);
		if (p < c->end && *p == close)
			return p;
		p = check_comma(c, p);
	}
	return NULL;
}

static const char *check_array(struct check *c, const char *p)
{
	if (c->depth == c->max_depth)
		return fail(c, too_deep_text);
	c->depth++;
	p = check_inside(c, p, ']', NULL);
	c->depth--;
	return p ? p + 1 : NULL;
}

static const char *check_object(struct check *c, const char *p)
{
	struct placeholder object = { false, false };

	if (c->depth == c->max_depth)
		return fail(c, too_deep_text);
	c->depth++;
	p = check_inside(c, p, '}', &object);
	c->depth--;
	if (p && object.is_one) {
		if (!object.num_fits)
			return fail(c, illegal_attachments_text);
		c->flags |= JSON_BLOBS;
	}
	return p ? p + 1 : NULL;
}

static const char *check_value(struct check *c, const char *p)
{
	if (p == c->end)
		return fail(c, malformed_text);
	switch (*p) {
	case '"':
		return check_text(c, p);
	case '{':
		return check_object(c, p);
	case '[':
		return check_array(c, p);
	case 't':
		return check_word(c, p, SLICE("true"));
	case 'f':
		return check_word(c, p, SLICE("false"));
	case 'n':
		return check_word(c, p, SLICE("null"));
	default:
		return check_number(c, p);
	}
}

const char *json_scan_value(
	struct slice text, const struct json_rules *rules, unsigned depth, unsigned *flags, struct slice *value)
{
	struct check c = {
		.end = text.at + text.size, .depth = depth, .max_depth = rules->max_depth, .blobs = rules->blobs
	};
	const char *begin = json_skip_space(text.at, c.end), *behind;

	if (c.max_depth > VALUE_DEPTH_MAX)
		c.max_depth = VALUE_DEPTH_MAX;
	behind = check_value(&c, begin);
	if (behind == NULL)
		return c.error;
	*flags |= c.flags;
	*value = slice_of(begin, (size_t)(behind - begin));
	return NULL;
}

const char *json_check(struct slice text, const struct json_rules *rules, unsigned *flags)
{
	struct slice value = { 0 };
	const char *error;

	*flags = 0;
	if (text.size == 0)
		return malformed_text;
	error = json_scan_value(text, rules, 0, flags, &value);
	if (error)
		return error;
	return json_rest_behind(text, value).size ? malformed_text : NULL;
}
