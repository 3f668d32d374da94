/* table.c - see table.h. */
#include "table.h"

#include <stdlib.h>

#include "alloc.h"
#include "map.h"

enum { FIRST_BUCKETS = 16, SPARSE = 8 };

/* Buckets below n_buckets - cap / 2 are split already: what was in them is in them or cap / 2 further. */
static size_t bucket_of(const struct table *t, uint32_t hash)
{
	size_t at = hash & (t->cap - 1);

	return at < t->n_buckets ? at : at - t->cap / 2;
}

/* The first buckets there must be. With no memory for more the lists grow longer, and that is all. False: that is so. */
static bool has_place(struct table *t)
{
	struct table_node **more;

	if (t->n_buckets < t->cap)
		return true;
	if (t->cap == 0) {
		t->buckets = must_alloc(FIRST_BUCKETS * sizeof(*t->buckets));
		t->cap = t->n_buckets = FIRST_BUCKETS;
		return false;
	}
	more = realloc(t->buckets, t->cap * 2 * sizeof(*more));
	if (more == NULL)
		return false;
	t->buckets = more;
	t->cap *= 2;
	return true;
}

/* One more bucket, and into it what belongs there of the one that had its items until now. */
static void split(struct table *t)
{
	struct table_node **at = &t->buckets[t->n_buckets - t->cap / 2], **moved = &t->buckets[t->n_buckets];
	size_t fresh = t->n_buckets++;

	while (*at) {
		if (bucket_of(t, (*at)->hash) == fresh) {
			*moved = *at;
			*at = (*at)->next;
			moved = &(*moved)->next;
		} else {
			at = &(*at)->next;
		}
	}
	*moved = NULL;
}

/* Half as many places: each list of the upper half goes before the one that its items would be in. */
static void fold(struct table *t)
{
	size_t half = t->cap / 2;
	struct table_node **fewer;

	for (size_t i = half; i < t->n_buckets; i++) {
		struct table_node **end = &t->buckets[i];

		while (*end)
			end = &(*end)->next;
		*end = t->buckets[i - half];
		t->buckets[i - half] = t->buckets[i];
	}
	t->cap = t->n_buckets = half;
	fewer = realloc(t->buckets, half * sizeof(*fewer));
	if (fewer)
		t->buckets = fewer;
}

struct table_node *table_find(const struct table *t, struct slice key)
{
	struct table_node *node;
	uint32_t hash;

	if (t->count == 0)
		return NULL;
	hash = map_hash(key.at, key.size);
	node = t->buckets[bucket_of(t, hash)];
	while (node && (node->hash != hash || !slice_equal(table_key(node), key)))
		node = node->next;
	return node;
}

void table_add(struct table *t, struct table_node *node)
{
	struct table_node **bucket;

	/* Many have gone. Here and not when they went: they may be on a walk over all. */
	while (t->cap > FIRST_BUCKETS && t->count < t->cap / SPARSE)
		fold(t);
	if (t->count >= t->n_buckets && has_place(t))
		split(t);
	node->hash = map_hash(node->key, node->key_size);
	bucket = &t->buckets[bucket_of(t, node->hash)];
	node->next = *bucket;
	*bucket = node;
	t->count++;
}

void table_remove(struct table *t, struct table_node *node)
{
	struct table_node **at = &t->buckets[bucket_of(t, node->hash)];

	while (*at != node)
		at = &(*at)->next;
	*at = node->next;
	node->next = NULL;
	if (--t->count)
		return;
	free(t->buckets);
	*t = TABLE_INIT;
}

struct table_node *table_next(const struct table *t, const struct table_node *node)
{
	size_t i = 0;

	if (node && node->next)
		return node->next;
	if (node)
		i = bucket_of(t, node->hash) + 1;
	while (i < t->n_buckets && t->buckets[i] == NULL)
		i++;
	return i < t->n_buckets ? t->buckets[i] : NULL;
}
