/* rooms.c - the rooms of the event's client as they will be when what the handler has noted so far is carried out. */
#include "internal.h"

struct rooms {
	struct arena *arena;
	struct slice *at;
	size_t count, cap;
	bool failed;
};

static size_t find(const struct rooms *r, struct slice room)
{
	size_t i = 0;

	while (i < r->count && !slice_equal(r->at[i], room))
		i++;
	return i;
}

static bool has(const struct rooms *r, struct slice room)
{
	return find(r, room) < r->count;
}

static bool has_any(const struct rooms *r, const struct slice *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (has(r, names[i]))
			return true;
	return false;
}

static void grow(struct rooms *r)
{
	size_t cap = r->cap ? 2 * r->cap : 8;
	struct slice *at = arena_take(r->arena, cap * sizeof(*at));

	if (at == NULL) {
		r->failed = true;
		return;
	}
	if (r->count)
		memcpy(at, r->at, r->count * sizeof(*at));
	r->at = at;
	r->cap = cap;
}

static void add(struct rooms *r, struct slice room)
{
	if (has(r, room))
		return;
	if (r->count == r->cap)
		grow(r);
	if (!r->failed)
		r->at[r->count++] = room;
}

static void drop(struct rooms *r, struct slice room)
{
	size_t i = find(r, room);

	if (i == r->count)
		return;
	r->count--;
	memmove(&r->at[i], &r->at[i + 1], (r->count - i) * sizeof(*r->at));
}

/* From the port: the names are the host's, so they are copied. */
static void add_copy(void *to, struct slice room)
{
	struct rooms *r = to;
	const char *copy = arena_copy(r->arena, room.at, room.size);

	if (copy)
		add(r, slice_of(copy, room.size));
	else
		r->failed = true;
}

/* Whether the target chooses this client: its own sid is one of its rooms. */
static bool chooses(const struct effect_target *to, const struct stoa_event *ev, const struct rooms *r)
{
	if (strcmp(to->nsp, ev->nsp) != 0 || to->skip_self || has_any(r, to->skip, to->n_skip))
		return false;
	return to->n_rooms == 0 || has_any(r, to->rooms, to->n_rooms);
}

static void apply(struct rooms *r, const struct stoa_event *ev)
{
	for (const struct effect *e = ev->app->batch.first; e; e = e->next) {
		if (e->kind == EFFECT_JOIN && chooses(&e->to, ev, r))
			add(r, e->room);
		else if (e->kind == EFFECT_LEAVE && chooses(&e->to, ev, r))
			drop(r, e->room);
	}
}

static struct stoa_value texts(struct rooms *r)
{
	struct stoa_value *items = arena_take(r->arena, r->count * sizeof(*items));

	for (size_t i = 0; items && i < r->count; i++) {
		const char *copy = arena_copy(r->arena, r->at[i].at, r->at[i].size);
		if (copy == NULL)
			return value_broken();
		items[i] = value_text(slice_of(copy, r->at[i].size));
	}
	return items ? value_array(items, r->count) : value_broken();
}

struct stoa_value do_rooms(struct stoa_event *ev)
{
	struct rooms r = { .arena = &ev->app->arena };

	if (ev->client == NULL)
		return value_null();
	/* A client is in its own room from the first; while it connects the host need not know it yet. */
	if (ev->in->kind == APP_CONNECT)
		add_copy(&r, slice_str(ev->sid));
	ev->app->port->rooms(ev->app->port->ctx, ev->client, add_copy, &r);
	apply(&r, ev);
	return r.failed ? value_broken() : texts(&r);
}
