/* graveyard.c - see graveyard.h. */
#include "graveyard.h"

#include <assert.h>

void graveyard_bury(struct graveyard *y, struct grave *g, void (*free_fn)(struct grave *g))
{
	assert(g->free == NULL);
	g->free = free_fn;
	g->next = y->first;
	y->first = g;
}

void graveyard_dig(struct graveyard *y)
{
	while (y->first) {
		struct grave *g = y->first;

		y->first = g->next;
		g->free(g);
	}
}
