/* hub_internal.h - what the files of this folder share. Who sits where is in hub.c, who hears what in hub_broadcast.c. */
#ifndef STOA_HUB_HUB_INTERNAL_H
#define STOA_HUB_HUB_INTERNAL_H

#include "hub.h"

/* NULL: nobody is in it. A client's own id is not among them. */
static inline struct hub_room *hub_room_find(const struct hub_namespace *n, struct slice name)
{
	struct table_node *node = table_find(&n->rooms, name);

	return node ? table_item(node, struct hub_room, node) : NULL;
}

#endif
