/*
 * graveyard.h - frees objects after the callback that closed them has returned.
 *
 * Whoever closes an object unlinks it from everything, marks it closed and buries it. The loop digs at the end of the
 * turn. So nothing in a callback frees its own connection, session or client, however deep the call was.
 */
#ifndef STOA_IO_GRAVEYARD_H
#define STOA_IO_GRAVEYARD_H

#include <stddef.h>

struct grave {
	struct grave *next;
	void (*free)(struct grave *g);
};

struct graveyard {
	struct grave *first;
};

#define GRAVEYARD_INIT ((struct graveyard){ 0 })

/* `g` is embedded in the object; free_fn gets it back once. Burying twice is a bug. */
void graveyard_bury(struct graveyard *y, struct grave *g, void (*free_fn)(struct grave *g));
void graveyard_dig(struct graveyard *y); /* frees all, also what is buried meanwhile */

#endif
