/*
 * map.h - a table from bytes to pointers (uthash behind one file).
 *
 * Peers choose the keys (room names, namespaces, sids), so the hash is keyed: SipHash with a key drawn per process.
 * The map owns neither keys nor values: the item embeds a struct map_node, whose key lives as long as it is in.
 */
#ifndef STOA_BASE_MAP_H
#define STOA_BASE_MAP_H

#define HASH_FUNCTION(keyptr, keylen, hashv) ((hashv) = map_hash((keyptr), (keylen)))
#define HASH_NONFATAL_OOM                    0
#include <stddef.h>
#include <stdint.h>

unsigned map_hash(const void *key, size_t size);

#include <uthash.h>

#include "slice.h"

struct map_node {
	struct slice key;
	UT_hash_handle hh;
};

struct map {
	struct map_node *nodes;
};

#define MAP_INIT ((struct map){ 0 })

/* The object in which `node` is the field `field`. */
#define map_item(node, type, field) ((type *)(void *)((char *)(node)-offsetof(type, field)))

struct map_node *map_find(const struct map *m, struct slice key); /* NULL: not there */
void map_add(struct map *m, struct map_node *node);               /* node->key is set and not yet in m */
void map_remove(struct map *m, struct map_node *node);
size_t map_count(const struct map *m);

/* In order of insertion; the node just seen may be removed. */
#define map_foreach(m, node, next) for ((node) = (m)->nodes; (node) && ((next) = (node)->hh.next, 1); (node) = (next))

#endif
