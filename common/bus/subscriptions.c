/* subscriptions.c - see subscriptions.h. */
#include "subscriptions.h"

#include <stdlib.h>

#include "alloc.h"

struct subscription {
	struct map_node node;
	struct subscription *next_changed;
	enum subscription_kind kind;
	uint32_t users, awaited; /* answers to come */
	bool asked;              /* the last command about it was a SUBSCRIBE */
	bool held;               /* the last answer was to one: answers come in turn */
	bool in_changed;
	char name[];
};

void subscriptions_init(struct subscriptions *s)
{
	*s = (struct subscriptions){ 0 };
	s->changed_end = &s->changed;
}

static void forget(struct subscriptions *s, struct subscription *one)
{
	map_remove(&s->names[one->kind], &one->node);
	free(one);
}

void subscriptions_fini(struct subscriptions *s)
{
	struct map_node *n, *next;

	for (int kind = 0; kind < SUBSCRIPTION_KINDS; kind++)
		map_foreach(&s->names[kind], n, next) forget(s, map_item(n, struct subscription, node));
	subscriptions_init(s);
}

static struct subscription *find(const struct subscriptions *s, enum subscription_kind kind, struct slice name)
{
	struct map_node *n = map_find(&s->names[kind], name);

	return n ? map_item(n, struct subscription, node) : NULL;
}

static struct subscription *add(struct subscriptions *s, enum subscription_kind kind, struct slice name)
{
	struct subscription *one = must_alloc(sizeof(*one) + name.size);

	*one = (struct subscription){ .kind = kind };
	memcpy(one->name, name.at, name.size);
	one->node.key = slice_of(one->name, name.size);
	map_add(&s->names[kind], &one->node);
	return one;
}

/* Notes that there is, or may be, something to tell. */
static void note(struct subscriptions *s, struct subscription *one)
{
	if (one->in_changed)
		return;
	one->in_changed = true;
	one->next_changed = NULL;
	*s->changed_end = one;
	s->changed_end = &one->next_changed;
}

void subscriptions_want(struct subscriptions *s, enum subscription_kind kind, struct slice name)
{
	struct subscription *one = find(s, kind, name);

	if (one == NULL)
		one = add(s, kind, name);
	if (one->users++ == 0)
		note(s, one);
}

void subscriptions_drop(struct subscriptions *s, enum subscription_kind kind, struct slice name)
{
	struct subscription *one = find(s, kind, name);

	if (one && one->users > 0 && --one->users == 0)
		note(s, one);
}

static struct subscription *take_changed(struct subscriptions *s)
{
	struct subscription *one = s->changed;

	s->changed = one->next_changed;
	if (s->changed == NULL)
		s->changed_end = &s->changed;
	one->in_changed = false;
	return one;
}

/* Nobody wants it and Redis knows: it can go. */
static bool is_over(const struct subscription *one)
{
	return one->users == 0 && !one->asked && one->awaited == 0 && !one->in_changed;
}

/* Leaves the first that has something to tell in front; NULL: there is none. */
static struct subscription *first_changed(struct subscriptions *s)
{
	while (s->changed && (s->changed->users > 0) == s->changed->asked) {
		struct subscription *one = take_changed(s);

		if (is_over(one))
			forget(s, one);
	}
	return s->changed;
}

static void tell(struct subscriptions *s, struct subscription *one)
{
	one->asked = !one->asked;
	if (one->awaited++ == 0)
		s->unsettled++;
}

struct subscription_batch subscriptions_next(struct subscriptions *s, struct slice *names, size_t max)
{
	struct subscription *one = first_changed(s);
	struct subscription_batch batch = { .kind = one ? one->kind : SUBSCRIPTION_CHANNEL,
		.subscribe = one && !one->asked };

	while (one && batch.n < max && one->kind == batch.kind && !one->asked == batch.subscribe) {
		take_changed(s);
		tell(s, one);
		names[batch.n++] = one->node.key;
		one = first_changed(s);
	}
	return batch;
}

void subscriptions_answered(struct subscriptions *s, enum subscription_kind kind, struct slice name)
{
	struct subscription *one = find(s, kind, name);

	if (one == NULL || one->awaited == 0)
		return;
	one->held = !one->held;
	if (--one->awaited == 0)
		s->unsettled--;
	if (is_over(one))
		forget(s, one);
}

void subscriptions_lost(struct subscriptions *s)
{
	struct map_node *n, *next;

	s->unsettled = 0;
	for (int kind = 0; kind < SUBSCRIPTION_KINDS; kind++) {
		map_foreach(&s->names[kind], n, next)
		{
			struct subscription *one = map_item(n, struct subscription, node);

			one->asked = one->held = false;
			one->awaited = 0;
			if (one->users > 0)
				note(s, one);
			else if (is_over(one))
				forget(s, one);
		}
	}
}

bool subscriptions_is_live(const struct subscriptions *s, enum subscription_kind kind, struct slice name)
{
	const struct subscription *one = find(s, kind, name);

	return one && one->asked && one->awaited == 0;
}

bool subscriptions_is_held(const struct subscriptions *s, enum subscription_kind kind, struct slice name)
{
	const struct subscription *one = find(s, kind, name);

	return one && one->held;
}

bool subscriptions_are_settled(const struct subscriptions *s)
{
	for (const struct subscription *one = s->changed; one; one = one->next_changed)
		if ((one->users > 0) != one->asked)
			return false;
	return s->unsettled == 0;
}

size_t subscriptions_count(const struct subscriptions *s, enum subscription_kind kind)
{
	return map_count(&s->names[kind]);
}
