/* http1_text.h - what the files of http1.h share about characters; for them alone. */
#ifndef STOA_CODEC_HTTP1_TEXT_H
#define STOA_CODEC_HTTP1_TEXT_H

#include <endian.h>

#include "slice.h"

/* The value of a hexadecimal digit; -1 for any other character. */
static inline int http_hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = ascii_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Eight bytes at a time, the first of them the lowest. */
#define HTTP_EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

static inline uint64_t http_eight(const char *at)
{
	uint64_t x;

	memcpy(&x, at, sizeof(x));
	return le64toh(x);
}

/* Not 0: one of the bytes is less than n, which is 128 at most. */
static inline uint64_t http_any_below(uint64_t x, unsigned n)
{
	return (x - HTTP_EACH(n)) & ~x & HTTP_EACH(0x80);
}

/* Not 0: one of the bytes is less than n, or above '~'; n is 128 at most. */
static inline uint64_t http_any_outside(uint64_t x, unsigned n)
{
	return ((x - HTTP_EACH(n)) | (x + HTTP_EACH(1)) | x) & HTTP_EACH(0x80);
}

/* Where the first such byte is, of what is not 0. Bits that stand for bytes behind it may be wrong. */
static inline size_t http_first_of(uint64_t any)
{
	return (size_t)__builtin_ctzll(any) / 8;
}

/* Sixteen bytes at a time. A comparison sets all bits of a byte. */
enum { HTTP_BLOCK = 16 };
typedef signed char http_block __attribute__((vector_size(HTTP_BLOCK)));

static inline http_block http_block_at(const char *at)
{
	http_block b;

	memcpy(&b, at, sizeof(b));
	return b;
}

static inline bool http_block_any(http_block b)
{
	uint64_t halves[2];

	memcpy(halves, &b, sizeof(halves));
	return halves[0] | halves[1];
}

#endif
