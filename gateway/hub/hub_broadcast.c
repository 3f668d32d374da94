/* hub_broadcast.c - see hub.h: whom a target selects, and the fan-out to them. */
#include "hub_internal.h"

#include "metrics.h"

/* --- Selection ---------------------------------------------------------------------------------------------------- */

struct selection {
	void (*each)(void *to, struct hub_member *m);
	void *to;
};

/* A new mark that no member bears. When the counter wraps, marks of old could be met again: clear them all. */
static uint32_t new_mark(struct hub *h)
{
	struct map_node *node, *next;

	if (++h->mark != 0)
		return h->mark;
	map_foreach(&h->namespaces, node, next)
	{
		struct hub_room *all = map_item(node, struct hub_namespace, node)->everybody;

		for (uint32_t i = 0; i < all->count; i++)
			all->seats[i].member->mark = 0;
	}
	return h->mark = 1;
}

/* Every member of the room, and the client of that id, that does not bear the mark yet; then it does. `s` may be
 * NULL: only mark. */
static void visit(struct hub_member *m, uint32_t mark, const struct selection *s)
{
	if (m->mark == mark)
		return;
	m->mark = mark;
	if (s)
		s->each(s->to, m);
}

static void visit_room(const struct hub_room *r, uint32_t mark, const struct selection *s)
{
	for (uint32_t i = 0; r && i < r->count; i++)
		visit(r->seats[i].member, mark, s);
}

static void visit_name(const struct hub_namespace *n, struct slice name, uint32_t mark, const struct selection *s)
{
	struct hub_member *own = hub_find(n, name);

	if (own)
		visit(own, mark, s);
	visit_room(hub_room_find(n, name), mark, s);
}

/* A member left out bears the mark before anybody is selected. */
static uint32_t mark_skipped(struct hub *h, const struct hub_target *t)
{
	uint32_t mark = new_mark(h);

	for (size_t i = 0; i < t->n_skip; i++)
		visit_name(t->nsp, t->skip[i], mark, NULL);
	return mark;
}

static void select_marked(struct hub *h, const struct hub_target *t, const struct selection *s)
{
	uint32_t mark = mark_skipped(h, t);

	if (t->n_rooms == 0)
		visit_room(t->nsp->everybody, mark, s);
	for (size_t i = 0; i < t->n_rooms; i++)
		visit_name(t->nsp, t->rooms[i], mark, s);
}

struct without {
	const struct selection *s;
	const struct hub_member *skip;
};

static void unless_skipped(void *to, struct hub_member *m)
{
	const struct without *w = to;

	if (m != w->skip)
		w->s->each(w->s->to, m);
}

void hub_select(struct hub *h, const struct hub_target *t, void (*each)(void *to, struct hub_member *m), void *to)
{
	struct selection all = { each, to };
	struct without w = { &all, t->skip_member };
	struct selection some = { unless_skipped, &w };

	if (t->nsp)
		select_marked(h, t, t->skip_member ? &some : &all);
}

/* --- Fan-out ------------------------------------------------------------------------------------------------------ */

struct delivery {
	struct frame *frame;
	size_t count;
	size_t lent; /* of them those whose references are not counted yet */
	bool is_volatile, latest;
};

static bool push_latest(struct out *out, struct frame *f)
{
	bool dropped, queued = out_push_latest(out, f, &dropped);

	if (dropped)
		metrics_count(M_LATEST_DROPPED);
	return queued;
}

static void deliver(struct delivery *d, struct out *out)
{
	if (d->latest)
		d->count += push_latest(out, d->frame);
	else if (!d->is_volatile || out_is_empty(out))
		d->lent += out_lend(out, d->frame);
	else
		metrics_count(M_VOLATILE_DROPPED);
}

static size_t delivered(struct delivery *d)
{
	frame_ref_times(d->frame, d->lent);
	metrics_add(M_DELIVERIES, (int64_t)(d->count + d->lent));
	return d->count + d->lent;
}

static void deliver_to(void *to, struct hub_member *m)
{
	deliver(to, m->out);
}

/* The one room of a simple broadcast, whose members are all met once without marks; NULL: not that simple. */
static const struct hub_room *only_room(const struct hub_target *t)
{
	if (t->n_skip)
		return NULL;
	if (t->n_rooms == 0)
		return t->nsp->everybody;
	if (t->n_rooms == 1 && hub_find(t->nsp, t->rooms[0]) == NULL)
		return hub_room_find(t->nsp, t->rooms[0]);
	return NULL;
}

enum { AHEAD = 8 };

static void deliver_room(struct delivery *d, const struct hub_room *r, const struct hub_member *skip)
{
	for (uint32_t i = 0; i < r->count; i++)
		if (r->seats[i].member != skip)
			deliver(d, r->seats[i].out);
}

/* The same of what is neither volatile nor the latest: all that is done for each member stands here. */
static void lend_to_room(struct delivery *d, const struct hub_room *r, const struct hub_member *skip)
{
	const struct hub_seat *seat = r->seats, *end = seat + r->count;
	struct frame *f = d->frame;
	size_t lent = 0;

	for (; seat < end; seat++) {
		/* The records of a large room are not in the cache. */
		if (end - seat > AHEAD)
			__builtin_prefetch(seat[AHEAD].out, 1);
		if (seat->member != skip)
			lent += out_lend(seat->out, f);
	}
	d->lent += lent;
}

/* Whether it is a large fan-out by the number of members, whoever of them is left out; `only`: see only_room(). */
static bool is_large(const struct hub_target *t, const struct hub_room *only)
{
	size_t count = 0;

	/* Nobody is in a room who is not in the namespace. */
	if (only || t->nsp->everybody->count < OUT_BULK)
		return only && only->count >= OUT_BULK;
	if (t->n_rooms == 0)
		return true;
	for (size_t i = 0; i < t->n_rooms; i++) {
		const struct hub_room *r = hub_room_find(t->nsp, t->rooms[i]);

		count += r ? r->count : 0;
	}
	return count >= OUT_BULK;
}

bool hub_deliver(const struct hub_target *t, struct hub_member *m, struct frame *f)
{
	struct delivery d = { .frame = f, .is_volatile = t->is_volatile, .latest = t->latest };

	deliver(&d, m->out);
	return delivered(&d);
}

size_t hub_broadcast(struct hub *h, const struct hub_target *t, struct frame *f)
{
	struct delivery d = { .frame = f, .is_volatile = t->is_volatile, .latest = t->latest };
	const struct hub_room *only = t->nsp ? only_room(t) : NULL;
	struct out_lane *bulk = t->nsp && is_large(t, only) ? t->nsp->everybody->seats[0].out->lane : NULL;

	if (bulk)
		out_bulk(bulk, true);
	if (only && !t->is_volatile && !t->latest)
		lend_to_room(&d, only, t->skip_member);
	else if (only)
		deliver_room(&d, only, t->skip_member);
	else
		hub_select(h, t, deliver_to, &d);
	if (bulk)
		out_bulk(bulk, false);
	return delivered(&d);
}
