/* wants.c - the rooms of those who are away. See recovery_internal.h. */
#include <stdlib.h>

#include "alloc.h"
#include "recovery_internal.h"

static struct want *find(const struct recovery *r, struct slice nsp, struct slice room, struct buf *key)
{
	struct map_node *node;

	packets_key(key, nsp, room);
	node = key->failed ? NULL : map_find(&r->wants, buf_slice(key));
	return node ? map_item(node, struct want, node) : NULL;
}

bool recovery_awaits(const struct recovery *r, struct slice nsp, struct slice room)
{
	struct buf key = BUF_INIT;
	bool is;

	if (r == NULL || map_count(&r->wants) == 0)
		return false;
	is = find(r, nsp, room, &key) != NULL;
	buf_fini(&key);
	return is;
}

static void add(struct recovery *r, struct slice nsp, struct slice room)
{
	struct buf key = BUF_INIT;
	struct want *w = find(r, nsp, room, &key);

	if (w == NULL && !key.failed) {
		w = must_alloc(sizeof(*w) + key.size);
		memcpy(w->name, key.at, key.size);
		w->nsp_size = nsp.size;
		w->node.key = slice_of(w->name, key.size);
		map_add(&r->wants, &w->node);
		if (r->ops)
			r->ops->want(r->ctx, nsp, room);
	}
	if (w)
		w->count++;
	buf_fini(&key);
}

static void take_away(struct recovery *r, struct slice nsp, struct slice room)
{
	struct buf key = BUF_INIT;
	struct want *w = find(r, nsp, room, &key);

	buf_fini(&key);
	if (w == NULL || --w->count)
		return;
	if (r->ops)
		r->ops->drop(r->ctx, nsp, room);
	map_remove(&r->wants, &w->node);
	free(w);
}

void wants_add(struct recovery *r, const struct recovery_saved *s)
{
	add(r, s->nsp, slice_of(NULL, 0));
	for (size_t i = 0; i < s->n_rooms; i++)
		add(r, s->nsp, s->room[i]);
}

void wants_remove(struct recovery *r, const struct recovery_saved *s)
{
	for (size_t i = 0; i < s->n_rooms; i++)
		take_away(r, s->nsp, s->room[i]);
	take_away(r, s->nsp, slice_of(NULL, 0));
}

void wants_fini(struct recovery *r)
{
	struct map_node *node, *next;

	map_foreach(&r->wants, node, next)
	{
		struct want *w = map_item(node, struct want, node);

		map_remove(&r->wants, &w->node);
		free(w);
	}
}
