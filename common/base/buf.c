/* buf.c - see buf.h. */
#include "buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void buf_fini(struct buf *b)
{
	free(b->at);
	*b = BUF_INIT;
}

void buf_clear(struct buf *b)
{
	b->size = 0;
	b->failed = false;
}

static bool grow(struct buf *b, size_t n)
{
	size_t cap = b->cap ? b->cap : 64;
	char *at;

	if (n > SIZE_MAX / 2 - b->size)
		return false;
	while (cap < b->size + n)
		cap *= 2;
	at = realloc(b->at, cap);
	if (at == NULL)
		return false;
	b->at = at;
	b->cap = cap;
	return true;
}

char *buf_reserve(struct buf *b, size_t n)
{
	/* Also for n = 0 the answer is no NULL, which means failure. */
	if (b->failed || ((b->at == NULL || b->cap - b->size < n) && !grow(b, n))) {
		b->failed = true;
		return NULL;
	}
	return b->at + b->size;
}

void buf_add_slow(struct buf *b, const void *at, size_t size)
{
	char *to;

	if (size == 0)
		return;
	to = buf_reserve(b, size);
	if (to == NULL)
		return;
	memcpy(to, at, size);
	b->size += size;
}

static size_t uint_digits(char *to, uint64_t n)
{
	size_t count = 1, at;

	for (uint64_t power = 10; n >= power && count < INT_DIGITS_MAX; power *= 10)
		count++;
	for (at = count; at; n /= 10)
		to[--at] = (char)('0' + n % 10);
	return count;
}

size_t int_digits(char to[INT_DIGITS_MAX], int64_t n)
{
	if (n >= 0)
		return uint_digits(to, (uint64_t)n);
	to[0] = '-';
	return 1 + uint_digits(to + 1, 0 - (uint64_t)n); /* 19 at most */
}

void buf_add_int(struct buf *b, int64_t n)
{
	char digits[INT_DIGITS_MAX];

	buf_add(b, digits, int_digits(digits, n));
}

void buf_add_uint(struct buf *b, uint64_t n)
{
	char digits[INT_DIGITS_MAX];

	if (b->cap - b->size >= sizeof(digits) && !b->failed)
		b->size += uint_digits(b->at + b->size, n);
	else
		buf_add(b, digits, uint_digits(digits, n));
}

void buf_printf(struct buf *b, const char *format, ...)
{
	va_list args, again;
	int n;
	char *to;

	va_start(args, format);
	va_copy(again, args);
	n = vsnprintf(NULL, 0, format, args);
	to = n < 0 ? NULL : buf_reserve(b, (size_t)n + 1);
	if (to) {
		vsnprintf(to, (size_t)n + 1, format, again);
		b->size += (size_t)n;
	}
	va_end(again);
	va_end(args);
}

void buf_drop_front(struct buf *b, size_t n)
{
	b->size -= n;
	if (b->size)
		memmove(b->at, b->at + n, b->size);
}
