/*
 * cluster_joins.c - rooms that clients of other processes were told to join a moment ago. Those processes subscribe to the
 * room's channel when they hear of it; what is published meanwhile goes to the namespace's channel, which they hear
 * already. Both come by the same connection, so the order holds.
 */
#include <stdlib.h>

#include "alloc.h"
#include "cluster_internal.h"

enum { JOIN_MS = 5000, JOINS_MAX = 10000 };

struct cluster_join {
	struct map_node by_name; /* "nsp#room" */
	int64_t until_ms;
	char name[];
};

static struct cluster_join *find(const struct cluster *c, struct slice name)
{
	struct map_node *n = map_find(&c->joins, name);

	return n ? map_item(n, struct cluster_join, by_name) : NULL;
}

static struct slice name_of(struct buf *b, struct slice nsp, struct slice room)
{
	buf_clear(b);
	buf_add_slice(b, nsp);
	buf_add_char(b, '#');
	buf_add_slice(b, room);
	return b->failed ? slice_of(NULL, 0) : buf_slice(b);
}

static void note(struct cluster *c, int64_t now_ms, struct slice name)
{
	struct cluster_join *j = find(c, name);

	if (j == NULL && map_count(&c->joins) < JOINS_MAX) {
		j = must_alloc(sizeof(*j) + name.size);
		memcpy(j->name, name.at, name.size);
		j->by_name.key = slice_of(j->name, name.size);
		map_add(&c->joins, &j->by_name);
	}
	if (j)
		j->until_ms = now_ms + JOIN_MS;
}

void cluster_joins_note(struct cluster *c, int64_t now_ms, struct slice nsp, const struct wire_names *rooms)
{
	struct buf b = BUF_INIT;

	for (size_t i = 0; i < rooms->count; i++) {
		struct slice name = name_of(&b, nsp, rooms->at[i]);

		if (name.size)
			note(c, now_ms, name);
	}
	buf_fini(&b);
}

/* With as many as can be kept, any room may be one of those that were not. */
bool cluster_joins_has(const struct cluster *c, struct slice nsp, const struct wire_names *rooms)
{
	struct buf b = BUF_INIT;
	bool has = map_count(&c->joins) >= JOINS_MAX;

	for (size_t i = 0; i < rooms->count && !has && map_count(&c->joins); i++)
		has = find(c, name_of(&b, nsp, rooms->at[i])) != NULL;
	buf_fini(&b);
	return has;
}

void cluster_joins_expire(struct cluster *c, int64_t now_ms)
{
	struct map_node *n, *next;

	map_foreach(&c->joins, n, next)
	{
		struct cluster_join *j = map_item(n, struct cluster_join, by_name);

		if (j->until_ms > now_ms)
			continue;
		map_remove(&c->joins, n);
		free(j);
	}
}

void cluster_joins_fini(struct cluster *c)
{
	cluster_joins_expire(c, INT64_MAX);
}
