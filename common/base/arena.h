/*
 * arena.h - memory with one lifetime: taken piece by piece, given back all at once.
 *
 * ARENA_INIT is an empty arena that owns nothing. Pieces are aligned for any type and never move. The first chunk is
 * kept by arena_reset(), so that a handler that builds little allocates nothing in the long run.
 */
#ifndef STOA_BASE_ARENA_H
#define STOA_BASE_ARENA_H

#include <stdalign.h>

#include "slice.h"

struct arena_chunk;

struct arena {
	struct arena_chunk *chunks; /* newest first */
	char *at;                   /* the next piece of the newest .. */
	size_t room;                /* .. and how much may be taken there without a further look */
	size_t total_bytes;         /* taken since the last reset */
	size_t limit_bytes;         /* 0: none; past it arena_take() answers NULL. See arena_limit() */
	bool refused;               /* it did, since the last reset */
};

#define ARENA_INIT ((struct arena){ 0 })

void arena_limit(struct arena *a, size_t limit_bytes); /* from now on; 0: none */
void arena_fini(struct arena *a);                      /* frees all; a is empty again, its limit kept */
void arena_reset(struct arena *a);                     /* every piece is gone; one chunk is kept */

void *arena_take_more(struct arena *a, size_t size); /* the rest of arena_take() */

/* size bytes, not zeroed; NULL when memory or the limit is used up. size 0 gives a valid pointer. */
static inline void *arena_take(struct arena *a, size_t size)
{
	size_t align = alignof(max_align_t), need = (size + align - 1) & ~(align - 1);
	void *piece = a->at;

	if (need - 1 >= a->room) /* 0 too, and what overflows */
		return arena_take_more(a, size);
	a->at += need;
	a->room -= need;
	a->total_bytes += need;
	return piece;
}
void *arena_zero(struct arena *a, size_t size);                 /* the same, zeroed */
void *arena_zero_beyond(struct arena *a, size_t size);          /* the same, whatever the limit */
char *arena_copy(struct arena *a, const void *at, size_t size); /* with a NUL behind it */
char *arena_vprintf(struct arena *a, const char *format, __builtin_va_list args) __attribute__((format(printf, 2, 0)));

#endif
