/* known.c - what is known of clients, and need not be for ever: the longest unused goes when there are too many. */
#include <stdlib.h>

#include "alloc.h"
#include "intake_internal.h"

struct known {
	TAILQ_ENTRY(known) by_age;
	struct map_node node;
	uint64_t number;
	char sid[];
};

static struct known *find(const struct known_table *t, struct slice sid)
{
	struct map_node *node = map_find(&t->by_sid, sid);

	return node ? map_item(node, struct known, node) : NULL;
}

static void drop(struct known_table *t, struct known *k)
{
	map_remove(&t->by_sid, &k->node);
	TAILQ_REMOVE(&t->by_age, k, by_age);
	t->count--;
	free(k);
}

void known_init(struct known_table *t)
{
	TAILQ_INIT(&t->by_age);
}

bool known_has(const struct known_table *t, struct slice sid, uint64_t number)
{
	const struct known *k = find(t, sid);

	return k && k->number == number;
}

static struct known *add(struct known_table *t, size_t max, struct slice sid)
{
	struct known *k;

	if (t->count >= max && t->count)
		drop(t, TAILQ_FIRST(&t->by_age));
	k = must_alloc(sizeof(*k) + sid.size);
	memcpy(k->sid, sid.at, sid.size);
	k->node.key = slice_of(k->sid, sid.size);
	map_add(&t->by_sid, &k->node);
	t->count++;
	return k;
}

void known_note(struct known_table *t, size_t max, struct slice sid, uint64_t number)
{
	struct known *k = find(t, sid);

	if (k)
		TAILQ_REMOVE(&t->by_age, k, by_age);
	else
		k = add(t, max, sid);
	k->number = number;
	TAILQ_INSERT_TAIL(&t->by_age, k, by_age);
}

uint64_t known_get(const struct known_table *t, struct slice sid)
{
	const struct known *k = find(t, sid);

	return k ? k->number : 0;
}

void known_drop(struct known_table *t, struct slice sid)
{
	struct known *k = find(t, sid);

	if (k)
		drop(t, k);
}

void known_clear(struct known_table *t)
{
	while (!TAILQ_EMPTY(&t->by_age))
		drop(t, TAILQ_FIRST(&t->by_age));
}
