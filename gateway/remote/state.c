/* state.c - the state of clients, and its versions. See remote_internal.h. */
#include <stdlib.h>

#include "alloc.h"
#include "metrics.h"
#include "remote_internal.h"

/* --- What it is made of ------------------------------------------------------------------------------------------- */

static void add_to_print(void *to, struct slice room)
{
	unsigned *rooms = to;

	*rooms = *rooms * 31 + map_hash(room.at, room.size);
}

static struct state_print print_of(const struct client *c)
{
	struct state_print print = { .data = c->data_version, .transport = session_transport(client_session(c)) };

	client_rooms(c, add_to_print, &print.rooms);
	return print;
}

static bool is_same(const struct state_print *a, const struct state_print *b)
{
	return a->rooms == b->rooms && a->data == b->data && strcmp(a->transport, b->transport) == 0;
}

struct filling {
	struct arena *arena;
	struct slice *rooms;
	struct state_datum *session;
	size_t n_rooms, n_session, room_count, datum_count;
};

static void count_room(void *to, struct slice room)
{
	struct filling *f = to;

	(void)room;
	f->n_rooms++;
}

static void fill_room(void *to, struct slice room)
{
	struct filling *f = to;

	f->rooms[f->room_count++] = room;
}

static void count_datum(void *to, struct slice key, struct slice json)
{
	struct filling *f = to;

	(void)key;
	(void)json;
	f->n_session++;
}

static void fill_datum(void *to, struct slice key, struct slice json)
{
	struct filling *f = to;

	f->session[f->datum_count++] = (struct state_datum){ key, json };
}

/* The lists are in the arena; what they name stays the client's. */
static struct client_state state_of(struct arena *arena, const struct client *c)
{
	struct session_handshake h = session_handshake(client_session(c));
	struct filling f = { .arena = arena };

	client_rooms(c, count_room, &f);
	client_data(c, count_datum, &f);
	f.rooms = arena_take(arena, f.n_rooms * sizeof(*f.rooms));
	f.session = arena_take(arena, f.n_session * sizeof(*f.session));
	if (f.rooms)
		client_rooms(c, fill_room, &f);
	if (f.session)
		client_data(c, fill_datum, &f);
	return (struct client_state){ .handshake = { h.query, h.headers, h.address.at },
		.auth = client_auth(c),
		.claims = client_claims(c),
		.transport = session_transport(client_session(c)),
		.recovered = c->recovered,
		.rooms = f.rooms,
		.n_rooms = f.room_count,
		.session = f.session,
		.n_session = f.datum_count };
}

/* --- Versions ------------------------------------------------------------------------------------------------------ */

bool state_now(struct lane *l, struct client_state *state)
{
	struct state_print print;
	bool is_new = l->state_n == 0 || l->state_changed;

	if (l->client) {
		print = print_of(l->client);
		is_new |= !is_same(&print, &l->print);
		l->print = print;
		*state = state_of(&l->remote->arena, l->client);
	} else {
		*state = l->kept->state;
	}
	l->state_changed = false;
	l->state_n += is_new;
	return is_new;
}

void state_put(struct lane *l, int64_t now_ms)
{
	struct remote *r = l->remote;
	struct client_record record = { .node = slice_of(r->dispatch->clients->sessions->node_id, NODE_ID_SIZE),
		.nsp = l->nsp,
		.sid = l->sid,
		.n = l->last_n };
	struct buf text = BUF_INIT;

	if (l->client == NULL && l->kept == NULL)
		return;
	state_now(l, &record.state);
	record.state_n = l->state_n;
	if (client_record_put(&text, r->encoding, &record) < 0)
		metrics_count(M_OUT_OF_MEMORY);
	else if (r->carrier->put_state(r->carrier_ctx, now_ms, l->nsp, l->sid, buf_slice(&text)) < 0)
		lane_todo(l, TODO_STATE);
	buf_fini(&text);
}

/* --- Kept ---------------------------------------------------------------------------------------------------------- */

static struct slice keep_text(struct kept_state *k, struct slice text)
{
	char *copy = arena_copy(&k->arena, text.at, text.size);

	return slice_of(copy ? copy : "", copy ? text.size : 0);
}

static void keep_rooms(struct kept_state *k, const struct client_state *from)
{
	struct slice *rooms = arena_take(&k->arena, from->n_rooms * sizeof(*rooms));

	k->state.rooms = rooms;
	k->state.n_rooms = rooms ? from->n_rooms : 0;
	for (size_t i = 0; i < k->state.n_rooms; i++)
		rooms[i] = keep_text(k, from->rooms[i]);
}

static void keep_session(struct kept_state *k, const struct client_state *from)
{
	struct state_datum *session = arena_take(&k->arena, from->n_session * sizeof(*session));

	k->state.session = session;
	k->state.n_session = session ? from->n_session : 0;
	for (size_t i = 0; i < k->state.n_session; i++)
		session[i] =
			(struct state_datum){ keep_text(k, from->session[i].key), keep_text(k, from->session[i].json) };
}

static void keep(struct lane *l, const struct client_state *from)
{
	struct kept_state *k = must_alloc(sizeof(*k));

	k->state.handshake = (struct app_handshake){ keep_text(k, from->handshake.query),
		keep_text(k, from->handshake.headers), keep_text(k, slice_str(from->handshake.address)).at };
	k->state.auth = keep_text(k, from->auth);
	k->state.claims = keep_text(k, from->claims);
	k->state.transport = from->transport; /* static */
	k->state.recovered = from->recovered;
	keep_rooms(k, from);
	keep_session(k, from);
	k->bytes = sizeof(*k) + k->arena.total_bytes;
	l->remote->bytes += k->bytes;
	l->kept = k;
}

void state_keep(struct lane *l)
{
	struct client_state state = state_of(&l->remote->arena, l->client);
	struct state_print print = print_of(l->client);

	if (l->kept)
		return;
	l->state_changed = l->state_n == 0 || !is_same(&print, &l->print);
	keep(l, &state);
	arena_reset(&l->remote->arena);
}

void state_keep_request(struct lane *l, const struct app_request *request)
{
	keep(l, &(struct client_state){ .handshake = *request->handshake, .transport = request->transport });
}

void state_free(struct lane *l)
{
	if (l->kept == NULL)
		return;
	l->remote->bytes -= l->kept->bytes;
	metrics_set(M_DISPATCH_WAITING_BYTES, (int64_t)l->remote->bytes);
	arena_fini(&l->kept->arena);
	free(l->kept);
	l->kept = NULL;
}
