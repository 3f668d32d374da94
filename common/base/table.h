/*
 * table.h - a map (map.h) for a great many: sessions, clients' ids, rooms. A third of the memory for each, in no order.
 *
 * It grows a bucket at a time ("linear hashing", Litwin): nobody waits while all of a large table finds new places.
 * When most have gone it gives memory back as soon as one comes, or when the last one goes. The hash is map.h's, keyed,
 * since peers choose the keys. The table owns neither keys nor values: the item embeds a struct table_node, whose key
 * lives as long as it is in.
 */
#ifndef STOA_BASE_TABLE_H
#define STOA_BASE_TABLE_H

#include <stdint.h>

#include "slice.h"

struct table_node {
	struct table_node *next; /* in its bucket */
	const char *key;
	uint32_t key_size;
	uint32_t hash;
};

struct table {
	struct table_node **buckets; /* NULL while it is empty */
	size_t n_buckets, cap;       /* cap: a power of two, n_buckets more than half of it */
	size_t count;
};

#define TABLE_INIT ((struct table){ 0 })

/* The object in which `node` is the field `field`. */
#define table_item(node, type, field) ((type *)(void *)((char *)(node)-offsetof(type, field)))

/* A node that is to go into a table under this key, of less than 4 GiB. */
static inline struct table_node table_node(struct slice key)
{
	return (struct table_node){ .key = key.at, .key_size = (uint32_t)key.size };
}
static inline struct slice table_key(const struct table_node *node)
{
	return slice_of(node->key, node->key_size);
}

struct table_node *table_find(const struct table *t, struct slice key); /* NULL: not there */
void table_add(struct table *t, struct table_node *node);               /* its key is not in t */
void table_remove(struct table *t, struct table_node *node);            /* it is in t; its key stays known */
static inline size_t table_count(const struct table *t)
{
	return t->count;
}

/* All, each once, in no order: the first for node NULL, then the one behind it; NULL: that was the last. */
struct table_node *table_next(const struct table *t, const struct table_node *node);

/* The first of those in a bucket, from 0 to n_buckets; `next` leads to the others. NULL: there is none, or no such bucket. For a
 * walk in parts, between which items go but none come. */
static inline struct table_node *table_bucket(const struct table *t, size_t bucket)
{
	return bucket < t->n_buckets ? t->buckets[bucket] : NULL;
}

/* The node just seen may be removed; nothing may be added meanwhile. */
#define table_foreach(t, node, following) \
	for ((node) = table_next((t), NULL); (node) && ((following) = table_next((t), (node)), 1); (node) = (following))

#endif
