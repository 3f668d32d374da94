/* hub.c - see hub.h: namespaces, rooms and who sits where. Who hears what is in hub_broadcast.c. */
#include "hub_internal.h"

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

static struct hub_room *room_of(struct hub_namespace *n, struct slice name)
{
	struct hub_room *r = hub_room_find(n, name);

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
	return hub_find(n, room) || hub_room_find(n, room);
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
	r = hub_room_find(m->nsp, room);
	if (r && sits_in(m, r, &place))
		return 0;
	if (m->n_places >= h->max_rooms)
		return -ENOSPC;
	r = room_of(m->nsp, room);
	if (r == NULL)
		return -ENOMEM;
	error = sit(m, r);
	if (m->memory)
		m->memory->joined = m->nsp->said;
	drop_if_empty(m->nsp, r);
	return error;
}

void hub_leave(struct hub *h, struct hub_member *m, struct slice room)
{
	struct hub_room *r = hub_room_find(m->nsp, room);
	uint32_t place;

	(void)h;
	if (r == NULL || !sits_in(m, r, &place))
		return;
	if (m->memory && m->memory->left < r->said)
		m->memory->left = r->said;
	rise(m, place);
}

/* --- What was said ------------------------------------------------------------------------------------------------ */

static void note_room(const struct hub_namespace *n, struct slice name, uint64_t said)
{
	struct hub_room *r = hub_room_find(n, name);

	if (r)
		r->said = said;
}

static void note_said(const struct hub_namespace *n, struct slice name, uint64_t said)
{
	const struct hub_member *own = hub_find(n, name);

	note_room(n, name, said);
	if (own && own->memory)
		own->memory->said = said;
}

void hub_note_said(const struct hub_target *t, uint64_t said)
{
	if (t->nsp == NULL)
		return;
	t->nsp->said = said;
	if (t->n_rooms == 0)
		t->nsp->everybody->said = said;
	for (size_t i = 0; i < t->n_rooms; i++)
		note_said(t->nsp, t->rooms[i], said);
	for (size_t i = 0; i < t->n_skip; i++)
		note_room(t->nsp, t->skip[i], said);
}

static uint64_t greater(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

uint64_t hub_said_to(const struct hub_member *m)
{
	uint64_t said = m->nsp ? m->nsp->everybody->said : 0;

	if (m->memory)
		said = greater(said, m->memory->said);
	for (uint32_t i = 0; i < m->n_places; i++)
		said = greater(said, m->places[i].room->said);
	return said;
}
