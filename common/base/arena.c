/* arena.c - see arena.h. */
#include "arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { FIRST_CHUNK_BYTES = 4096 - 64 };

struct arena_chunk {
	struct arena_chunk *older;
	size_t cap;
	alignas(max_align_t) char at[];
};

static void free_chunks(struct arena_chunk *c)
{
	while (c) {
		struct arena_chunk *older = c->older;
		free(c);
		c = older;
	}
}

void arena_fini(struct arena *a)
{
	free_chunks(a->chunks);
	*a = (struct arena){ .limit_bytes = a->limit_bytes };
}

void arena_reset(struct arena *a)
{
	struct arena_chunk *first = a->chunks;

	/* Only the oldest chunk has the ordinary size; a large one is not worth keeping. */
	while (first && first->older) {
		struct arena_chunk *older = first->older;
		free(first);
		first = older;
	}
	if (first && first->cap > FIRST_CHUNK_BYTES) {
		free(first);
		first = NULL;
	}
	a->chunks = first;
	a->used = 0;
	a->total_bytes = 0;
	a->refused = false;
}

static bool add_chunk(struct arena *a, size_t size)
{
	size_t cap = a->chunks ? a->chunks->cap * 2 : FIRST_CHUNK_BYTES;
	struct arena_chunk *c;

	if (cap < size)
		cap = size;
	c = malloc(sizeof(*c) + cap);
	if (c == NULL)
		return false;
	c->older = a->chunks;
	c->cap = cap;
	a->chunks = c;
	a->used = 0;
	return true;
}

void *arena_take(struct arena *a, size_t size)
{
	size_t align = alignof(max_align_t), need;
	void *piece;

	if (size > SIZE_MAX / 2)
		return NULL;
	need = (size + align - 1) & ~(align - 1);
	if (a->limit_bytes && (a->total_bytes > a->limit_bytes || need > a->limit_bytes - a->total_bytes)) {
		a->refused = true;
		return NULL;
	}
	if ((a->chunks == NULL || a->chunks->cap - a->used < need) && !add_chunk(a, need))
		return NULL;
	piece = a->chunks->at + a->used;
	a->used += need;
	a->total_bytes += need;
	return piece;
}

void *arena_zero(struct arena *a, size_t size)
{
	void *piece = arena_take(a, size);

	if (piece && size)
		memset(piece, 0, size);
	return piece;
}

char *arena_copy(struct arena *a, const void *at, size_t size)
{
	char *copy = arena_take(a, size + 1);

	if (copy == NULL)
		return NULL;
	if (size)
		memcpy(copy, at, size);
	copy[size] = '\0';
	return copy;
}

char *arena_vprintf(struct arena *a, const char *format, va_list args)
{
	va_list again;
	int n;
	char *text = NULL;

	va_copy(again, args);
	n = vsnprintf(NULL, 0, format, args);
	if (n >= 0)
		text = arena_take(a, (size_t)n + 1);
	if (text)
		vsnprintf(text, (size_t)n + 1, format, again);
	va_end(again);
	return text;
}
