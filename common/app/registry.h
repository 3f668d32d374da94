/* registry.h - what is kept of what STOA_APP said: setup.c writes it, registry.c looks it up. */
#ifndef STOA_APP_REGISTRY_H
#define STOA_APP_REGISTRY_H

#include "internal.h"

/* One event of a namespace, by its name. */
struct named {
	struct map_node by_name;
	struct handler handler;
};

struct nsp {
	struct nsp *next;
	struct pattern pattern;
	struct map events;
	struct handler connect, disconnecting, disconnect, any;
};

static inline bool pattern_equal(struct pattern a, struct pattern b)
{
	return a.is_prefix == b.is_prefix && slice_equal(a.text, b.text);
}

#endif
