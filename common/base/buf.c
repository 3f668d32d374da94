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

void buf_add(struct buf *b, const void *at, size_t size)
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

void buf_add_slow(struct buf *b, char c)
{
	buf_add(b, &c, 1);
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
