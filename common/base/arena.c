/* arena.c - see arena.h. */
#include "arena.h"

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

static size_t rest_of_chunk(const struct arena *a)
{
	return a->chunks ? (size_t)(a->chunks->at + a->chunks->cap - a->at) : 0;
}

/* The newest chunk has `room` behind a->at, of which no more is given than the limit allows. */
static void set_room(struct arena *a, size_t room)
{
	size_t left = a->limit_bytes > a->total_bytes ? a->limit_bytes - a->total_bytes : 0;

	a->room = a->limit_bytes && left < room ? left : room;
}

void arena_limit(struct arena *a, size_t limit_bytes)
{
	a->limit_bytes = limit_bytes;
	set_room(a, rest_of_chunk(a));
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
	a->at = first ? first->at : NULL;
	a->total_bytes = 0;
	a->refused = false;
	set_room(a, first ? first->cap : 0);
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
	a->at = c->at;
	return true;
}

void *arena_take_more(struct arena *a, size_t size)
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
	if ((a->chunks == NULL || rest_of_chunk(a) < need) && !add_chunk(a, need))
		return NULL;
	piece = a->at;
	a->at += need;
	a->total_bytes += need;
	set_room(a, rest_of_chunk(a));
	return piece;
}

void *arena_zero(struct arena *a, size_t size)
{
	void *piece = arena_take(a, size);

	if (piece && size)
		memset(piece, 0, size);
	return piece;
}

void *arena_zero_beyond(struct arena *a, size_t size)
{
	size_t limit_bytes = a->limit_bytes;
	void *piece;

	if (a->room > size + alignof(max_align_t))
		return arena_zero(a, size);
	arena_limit(a, 0);
	piece = arena_zero(a, size);
	arena_limit(a, limit_bytes);
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
