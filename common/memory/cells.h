/*
 * cells.h - libevent's small pieces in a place of their own.
 *
 * libevent keeps 16 bytes for each descriptor number that it ever watched, until its base is freed, and asks for them when a
 * connection is accepted: among the pieces of that very connection. Of ten thousand clients that have gone, each leaves such
 * a piece behind in the middle of what is free, and no page around it can be given back. Here they stand side by side, and
 * take 16 bytes and not the 32 of a malloc.
 *
 * What is larger, or does not fit any more, comes from malloc. Any thread may call libevent.
 */
#ifndef STOA_MEMORY_CELLS_H
#define STOA_MEMORY_CELLS_H

#include <stdbool.h>
#include <stddef.h>

enum { CELL_BYTES = 16 };

/* Has libevent take its memory here from now on. Once, before the process uses it. */
void cells_for_libevent(void);

/* What it is handed; for tests. */
void cells_open(size_t bytes); /* addresses are set aside for them; memory is taken as it is needed */
void *cells_malloc(size_t size);
void *cells_realloc(void *old, size_t size);
void cells_free(void *piece); /* also malloc's own, NULL too */
bool cells_has(const void *piece);

#endif
