/* cells.c - see cells.h. */
#include "cells.h"

#include <event2/event.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { RESERVED_BYTES = 16 * 1024 * 1024 }; /* a million descriptors */

struct cell {
	struct cell *next;
	char rest[CELL_BYTES - sizeof(struct cell *)];
};

static struct {
	pthread_mutex_t lock;
	struct cell *at, *end; /* all of them; NULL: none */
	struct cell *fresh;    /* this and those behind it were never taken */
	struct cell *free;
} cells = { .lock = PTHREAD_MUTEX_INITIALIZER };

void cells_open(size_t bytes)
{
	void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (at == MAP_FAILED) /* then all comes from malloc */
		return;
	cells.at = cells.fresh = at;
	cells.end = cells.at + bytes / CELL_BYTES;
	cells.free = NULL;
}

bool cells_has(const void *piece)
{
	const struct cell *cell = piece;

	return cell >= cells.at && cell < cells.end;
}

static void *take(void)
{
	struct cell *cell;

	pthread_mutex_lock(&cells.lock);
	cell = cells.free;
	if (cell)
		cells.free = cell->next;
	else if (cells.fresh != cells.end)
		cell = cells.fresh++;
	pthread_mutex_unlock(&cells.lock);
	return cell;
}

void *cells_malloc(size_t size)
{
	void *piece = size <= CELL_BYTES ? take() : NULL;

	return piece ? piece : malloc(size);
}

void cells_free(void *piece)
{
	struct cell *cell = piece;

	if (!cells_has(piece)) {
		free(piece);
		return;
	}
	pthread_mutex_lock(&cells.lock);
	cell->next = cells.free;
	cells.free = cell;
	pthread_mutex_unlock(&cells.lock);
}

void *cells_realloc(void *old, size_t size)
{
	void *new;

	if (!cells_has(old))
		return old ? realloc(old, size) : cells_malloc(size);
	new = cells_malloc(size);
	if (new == NULL)
		return NULL;
	memcpy(new, old, size < CELL_BYTES ? size : CELL_BYTES);
	cells_free(old);
	return new;
}

void cells_for_libevent(void)
{
	cells_open(RESERVED_BYTES);
	event_set_mem_functions(cells_malloc, cells_realloc, cells_free);
}
