/* hub.c - see hub.h. */
#include "hub.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "metrics.h"

void hub_init(struct hub *h, uint32_t max_rooms)
{
	*h = (struct hub){ .max_rooms = max_rooms };
}

void hub_fini(struct hub *h)
{
	assert(map_count(&h->namespaces) == 0);
	(void)h;
}

void hub_listen(struct hub *h, const struct hub_ops *ops, void *ctx)
{
	assert(map_count(&h->namespaces) == 0);
	h->ops = ops;
	h->ctx = ctx;
}

/* --- Rooms -------------------------------------------------------------------------------------------------------- */

static struct hub_room *room_new(struct slice name)
{
	struct hub_room *r = calloc(1, sizeof(*r) + name.size + 1);

	if (r == NULL)
		return NULL;
	if (name.size)
		memcpy(r->name, name.at, name.size);
	r->node = table_node(slice_of(r->name, name.size));
	return r;
}

static void room_free(struct hub_room *r)
{
	if (r)
		free(r->seats);
	free(r);
}

static struct hub_room *find_room(const struct hub_namespace *n, struct slice name)
{
	struct table_node *node = table_find(&n->rooms, name);

	return node ? table_item(node, struct hub_room, node) : NULL;
}

static struct hub_room *room_of(struct hub_namespace *n, struct slice name)
{
	struct hub_room *r = find_room(n, name);

	if (r)
		return r;
	r = room_new(name);
	if (r) {
		table_add(&n->rooms, &r->node);
		metrics_add(M_ROOMS, 1);
		if (n->hub->ops)
			n->hub->ops->room_begins(n->hub->ctx, n, name);
	}
	return r;
}

static void drop_if_empty(struct hub_namespace *n, struct hub_room *r)
{
	if (r->count)
		return;
	if (n->hub->ops)
		n->hub->ops->room_ends(n->hub->ctx, n, table_key(&r->node));
	table_remove(&n->rooms, &r->node);
	metrics_add(M_ROOMS, -1);
	room_free(r);
}

/* --- Seats -------------------------------------------------------------------------------------------------------- */

/* An array that doubles: room for one more of `size` bytes. The new array, or NULL and nothing changed. */
static void *one_more(void *array, uint32_t count, uint32_t *cap, size_t size)
{
	uint32_t more = *cap ? *cap * 2 : 1;
	void *grown;

	if (count < *cap)
		return array;
	grown = realloc(array, more * size);
	if (grown)
		*cap = more;
	return grown;
}

static bool has_free_seat(struct hub_room *r)
{
	struct hub_seat *seats = one_more(r->seats, r->count, &r->cap, sizeof(*seats));

	if (seats)
		r->seats = seats;
	return seats != NULL;
}

static bool has_free_place(struct hub_member *m)
{
	struct hub_place *places = one_more(m->places, m->n_places, &m->cap, sizeof(*places));

	if (places)
		m->places = places;
	return places != NULL;
}

static int sit(struct hub_member *m, struct hub_room *r)
{
	if (!has_free_seat(r) || !has_free_place(m))
		return -ENOMEM;
	r->seats[r->count] = (struct hub_seat){ m->out, m, (int32_t)m->n_places };
	m->places[m->n_places++] = (struct hub_place){ r, r->count++ };
	return 0;
}

static int sit_among_everybody(struct hub_member *m, struct hub_room *everybody)
{
	if (!has_free_seat(everybody))
		return -ENOMEM;
	m->seat = everybody->count;
	everybody->seats[everybody->count++] = (struct hub_seat){ m->out, m, HUB_EVERYBODY };
	return 0;
}

enum { SHRINK_LEAST = 64 };

/* After a spike a room that lasts gives back what the many took. */
static void shrink(struct hub_room *r)
{
	uint32_t half = r->cap / 2;
	struct hub_seat *seats;

	if (r->cap < SHRINK_LEAST || r->count > r->cap / 4)
		return;
	seats = realloc(r->seats, half * sizeof(*seats));
	if (seats == NULL)
		return;
	r->seats = seats;
	r->cap = half;
}

/* The room's array stays dense: the last moves into the hole, and its member is told. */
static void free_seat(struct hub_room *r, uint32_t seat)
{
	struct hub_seat *moved = &r->seats[seat];

	*moved = r->seats[--r->count];
	if (moved->place == HUB_EVERYBODY)
		moved->member->seat = seat;
	else
		moved->member->places[moved->place].seat = seat;
	shrink(r);
}

/* So does the member's, and the room is told. */
static void rise(struct hub_member *m, uint32_t place)
{
	struct hub_place left = m->places[place], *moved = &m->places[place];

	free_seat(left.room, left.seat);
	*moved = m->places[--m->n_places];
	if (place < m->n_places)
		moved->room->seats[moved->seat].place = (int32_t)place;
	drop_if_empty(m->nsp, left.room);
}

static bool sits_in(const struct hub_member *m, const struct hub_room *r, uint32_t *place)
{
	for (*place = 0; *place < m->n_places; (*place)++)
		if (m->places[*place].room == r)
			return true;
	return false;
}

/* --- Namespaces --------------------------------------------------------------------------------------------------- */

struct hub_namespace *hub_namespace(const struct hub *h, struct slice name)
{
	struct map_node *node = map_find(&h->namespaces, name);

	return node ? map_item(node, struct hub_namespace, node) : NULL;
}

static struct hub_namespace *namespace_of(struct hub *h, struct slice name)
{
	struct hub_namespace *n = hub_namespace(h, name);

	if (n)
		return n;
	n = calloc(1, sizeof(*n) + name.size + 1);
	if (n == NULL)
		return NULL;
	n->everybody = room_new(SLICE(""));
	if (n->everybody == NULL) {
		free(n);
		return NULL;
	}
	memcpy(n->name, name.at, name.size);
	n->hub = h;
	n->node.key = slice_of(n->name, name.size);
	map_add(&h->namespaces, &n->node);
	if (h->ops)
		h->ops->namespace_begins(h->ctx, n);
	return n;
}

static void drop_namespace_if_empty(struct hub *h, struct hub_namespace *n)
{
	if (n->everybody->count)
		return;
	if (h->ops)
		h->ops->namespace_ends(h->ctx, n);
	map_remove(&h->namespaces, &n->node);
	room_free(n->everybody);
	free(n);
}

struct hub_member *hub_find(const struct hub_namespace *n, struct slice sid)
{
	struct table_node *node = table_find(&n->sids, sid);

	return node ? table_item(node, struct hub_member, by_sid) : NULL;
}

bool hub_has_room(const struct hub_namespace *n, struct slice room)
{
	return hub_find(n, room) || find_room(n, room);
}

int hub_enter(struct hub *h, struct hub_member *m, struct slice nsp)
{
	struct hub_namespace *n = namespace_of(h, nsp);
	int error = n ? sit_among_everybody(m, n->everybody) : -ENOMEM;

	if (error) {
		if (n)
			drop_namespace_if_empty(h, n);
		return error;
	}
	m->nsp = n;
	table_add(&n->sids, &m->by_sid);
	metrics_add(M_CLIENTS, 1);
	return 0;
}

void hub_exit(struct hub *h, struct hub_member *m)
{
	struct hub_namespace *n = m->nsp;

	if (n == NULL)
		return;
	while (m->n_places)
		rise(m, m->n_places - 1);
	free(m->places);
	m->places = NULL;
	m->cap = 0;
	free_seat(n->everybody, m->seat);
	table_remove(&n->sids, &m->by_sid);
	m->nsp = NULL;
	metrics_add(M_CLIENTS, -1);
	drop_namespace_if_empty(h, n);
}

int hub_join(struct hub *h, struct hub_member *m, struct slice room)
{
	struct hub_room *r;
	uint32_t place;
	int error;

	if (slice_equal(room, table_key(&m->by_sid)))
		return 0;
	r = find_room(m->nsp, room);
	if (r && sits_in(m, r, &place))
		return 0;
	if (m->n_places >= h->max_rooms)
		return -ENOSPC;
	r = room_of(m->nsp, room);
	if (r == NULL)
		return -ENOMEM;
	error = sit(m, r);
	drop_if_empty(m->nsp, r);
	return error;
}

void hub_leave(struct hub *h, struct hub_member *m, struct slice room)
{
	struct hub_room *r = find_room(m->nsp, room);
	uint32_t place;

	(void)h;
	if (r && sits_in(m, r, &place))
		rise(m, place);
}

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
	visit_room(find_room(n, name), mark, s);
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
		return find_room(t->nsp, t->rooms[0]);
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
		const struct hub_room *r = find_room(t->nsp, t->rooms[i]);

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
