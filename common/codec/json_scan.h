/*
 * json_scan.h - what the JSON checker, decoder and encoder share; private to json_*.c and value.c.
 *
 * Positions are pointers into the text with its end beside them. Nothing here reads at or past `end`.
 */
#ifndef STOA_CODEC_JSON_SCAN_H
#define STOA_CODEC_JSON_SCAN_H

#include "json.h"

#include <endian.h>

static inline const char *json_skip_space(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
		p++;
	return p;
}

/* What follows `part`, which lies in `text`, without white space at its front. */
static inline struct slice json_rest_behind(struct slice text, struct slice part)
{
	const char *end = text.at + text.size, *p = json_skip_space(part.at + part.size, end);

	return slice_of(p, (size_t)(end - p));
}

/* Neither quote, backslash nor control character; with `ascii` none above 0x7F either. */
static inline bool json_is_plain(char c, bool ascii)
{
	unsigned char u = (unsigned char)c;

	return u >= 0x20 && u != '"' && u != '\\' && !(ascii && u >= 0x80);
}

/* Which of a word's bytes are not plain, by their top bits. Subtracting sets a byte's top bit where it was too small, and
 * the carry of such a byte spoils only bytes behind it, so the first hit is always true. */
static inline uint64_t json_word_hits(uint64_t word, bool ascii)
{
	const uint64_t ones = 0x0101010101010101u, tops = 0x80 * ones;
	uint64_t hits = (word - 0x20 * ones) | ((word ^ '"' * ones) - ones) | ((word ^ '\\' * ones) - ones);

	return ((hits & ~word) | (ascii ? word : 0)) & tops;
}

enum { JSON_BLOCK = 16 };

typedef signed char json_block __attribute__((vector_size(JSON_BLOCK)));

/* Which bytes of a block are not plain. As signed bytes those above 0x7F are below 0x20 too. */
static inline json_block json_block_hits(const char *p, bool ascii)
{
	typedef unsigned char bytes __attribute__((vector_size(JSON_BLOCK)));
	json_block b;

	memcpy(&b, p, sizeof(b));
	return (b == '"') | (b == '\\') | (ascii ? b < 0x20 : (json_block)((bytes)b < 0x20));
}

/* The place of the first hit, or JSON_BLOCK. */
static inline size_t json_first_hit(json_block found)
{
	uint64_t hits[2];

	memcpy(hits, &found, sizeof(hits));
	if ((hits[0] | hits[1]) == 0)
		return JSON_BLOCK;
	if (hits[0])
		return (size_t)__builtin_ctzll(le64toh(hits[0])) / 8;
	return sizeof(*hits) + (size_t)__builtin_ctzll(le64toh(hits[1])) / 8;
}

/* The first byte from p on that is not plain, or end: two blocks at a time, then one, then eight bytes, and what is left of
 * four and more as two halves that may overlap. */
static inline const char *json_skip_plain(const char *p, const char *end, bool ascii)
{
	uint64_t word, hits;
	uint32_t low, high;

	for (; end - p >= 2 * JSON_BLOCK; p += 2 * JSON_BLOCK)
		if (json_first_hit(json_block_hits(p, ascii) | json_block_hits(p + JSON_BLOCK, ascii)) < JSON_BLOCK)
			break;
	for (; end - p >= JSON_BLOCK; p += JSON_BLOCK) {
		size_t plain = json_first_hit(json_block_hits(p, ascii));

		if (plain < JSON_BLOCK)
			return p + plain;
	}
	for (; end - p >= (ptrdiff_t)sizeof(word); p += sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		hits = json_word_hits(le64toh(word), ascii);
		if (hits)
			return p + __builtin_ctzll(hits) / 8;
	}
	if (end - p >= (ptrdiff_t)sizeof(low)) {
		memcpy(&low, p, sizeof(low));
		memcpy(&high, end - sizeof(high), sizeof(high));
		if (json_word_hits((uint64_t)high << 32 | low, ascii) == 0)
			return end;
	}
	while (p < end && json_is_plain(*p, ascii))
		p++;
	return p;
}

/* The first byte from p on that is ASCII, or end: characters beyond ASCII never hold such a byte. */
static inline const char *json_skip_non_ascii(const char *p, const char *end)
{
	while (p < end && (unsigned char)*p >= 0x80)
		p++;
	return p;
}

/* The value of four hexadecimal digits, or -1 when there are fewer before `end`. */
static inline int json_hex4(const char *p, const char *end)
{
	int code = 0;

	if (end - p < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		char c = ascii_lower(p[i]);
		if (c >= '0' && c <= '9')
			code = code * 16 + (c - '0');
		else if (c >= 'a' && c <= 'f')
			code = code * 16 + (c - 'a' + 10);
		else
			return -1;
	}
	return code;
}

/* What the one-letter escape \c stands for, or -1 when there is none. */
static inline int json_short_escape(char c)
{
	switch (c) {
	case '"':
	case '\\':
	case '/':
		return c;
	case 'b':
		return '\b';
	case 'f':
		return '\f';
	case 'n':
		return '\n';
	case 'r':
		return '\r';
	case 't':
		return '\t';
	default:
		return -1;
	}
}

/* Checks the one value that `text` begins with (white space before it allowed), itself inside `depth` others. *value
 * is its text. NULL, or why it is malformed. */
const char *json_scan_value(
	struct slice text, const struct json_rules *rules, unsigned depth, unsigned *flags, struct slice *value);

/* Decodes the inside of an array, "a,b". Arrays and objects in it stay as they are: VALUE_RAW, with their own flags. */
struct stoa_value json_decode_items(struct arena *arena, struct slice text, const struct slice *blobs, size_t n_blobs);

#endif
