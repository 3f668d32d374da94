/*
 * buf.h - bytes that grow at the end.
 *
 * BUF_INIT (all zero) is an empty buffer that owns nothing. `at` is valid for `size` bytes and moves when the buffer
 * grows. A buffer never shrinks by itself: buf_clear() keeps the memory, buf_fini() returns it.
 *
 * Growing does not abort, because peers size what is written here. A failed append leaves the bytes as they were and
 * sets `failed`, which stays until buf_clear(): write everything, then ask once.
 */
#ifndef STOA_BASE_BUF_H
#define STOA_BASE_BUF_H

#include "slice.h"

struct buf {
	char *at;
	size_t size, cap;
	bool failed; /* an append found no memory; what follows it is missing */
};

#define BUF_INIT ((struct buf){ 0 })

void buf_fini(struct buf *b);  /* frees; b is BUF_INIT again */
void buf_clear(struct buf *b); /* empty, memory kept, `failed` reset */

/* Room for n more bytes at b->at + b->size; the caller writes them and adds to `size`. NULL: no memory. */
char *buf_reserve(struct buf *b, size_t n);

void buf_add_int(struct buf *b, int64_t n); /* its decimal digits, as "%" PRId64 has them */
void buf_add_uint(struct buf *b, uint64_t n);
/* The same into memory of the caller's; how many. */
enum { INT_DIGITS_MAX = 20 };
size_t int_digits(char to[INT_DIGITS_MAX], int64_t n);
void buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_drop_front(struct buf *b, size_t n); /* the first n bytes go, the rest moves up */

/* buf_add() and buf_add_char() with no room left, or nothing to add. */
void buf_add_slow(struct buf *b, const void *at, size_t size);

static inline void buf_add(struct buf *b, const void *at, size_t size)
{
	if (size == 0 || size > b->cap - b->size || b->failed) {
		buf_add_slow(b, at, size);
		return;
	}
	memcpy(b->at + b->size, at, size);
	b->size += size;
}
static inline void buf_add_slice(struct buf *b, struct slice s)
{
	buf_add(b, s.at, s.size);
}
static inline void buf_add_str(struct buf *b, const char *text)
{
	buf_add(b, text, strlen(text));
}
static inline struct slice buf_slice(const struct buf *b)
{
	return (struct slice){ b->at, b->size };
}

static inline void buf_add_char(struct buf *b, char c)
{
	if (b->size < b->cap)
		b->at[b->size++] = c;
	else
		buf_add_slow(b, &c, 1);
}

#endif
