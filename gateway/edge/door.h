/*
 * door.h - who gets a session: what door.c (limits, refusals) and ask.c (the layer above is asked) share.
 *
 * A question that is not answered at once parks its request: the connection stays as it is, its head is kept, and
 * edge_decide() goes on where it stopped.
 */
#ifndef STOA_EDGE_DOOR_H
#define STOA_EDGE_DOOR_H

#include "edge_internal.h"

/* One that waits. Its client's connection points to it. */
struct question {
	struct map_node node; /* its key is the number */
	uint64_t number;
	struct http_conn *client;
	struct address *address; /* it counts as a session of it */
	bool upgrade;
	struct buf head; /* the request's, anew */
};

struct door {
	const struct edge_door_ops *ops;
	void *ctx;
	uint64_t asked, in_hand;       /* numbers: the last one, the one being asked; 0: none */
	struct edge_decision decision; /* of the one being asked; slices of `text` */
	struct buf text;
	struct map waiting;
	struct buf error; /* of the refusal in hand */
};

#endif
