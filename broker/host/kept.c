/* kept.c - the state of clients, each a piece of memory of its own. */
#include "host_internal.h"

#include <stdlib.h>

/* Bytes are laid out twice: first to know how many there are (at NULL), then to copy them. */
struct layout {
	char *at;
	size_t used;
};

static void *take(struct layout *l, size_t size, size_t align)
{
	size_t begin = (l->used + align - 1) / align * align;

	l->used = begin + size;
	return l->at ? l->at + begin : NULL;
}

/* With a NUL behind it. */
static struct slice lay_bytes(struct layout *l, struct slice s)
{
	char *to = take(l, s.size + 1, 1);

	if (to == NULL)
		return slice_of("", 0);
	if (s.size)
		memcpy(to, s.at, s.size);
	to[s.size] = '\0';
	return slice_of(to, s.size);
}

static const char *lay_text(struct layout *l, const char *text)
{
	return text ? lay_bytes(l, slice_str(text)).at : NULL;
}

static const struct slice *lay_rooms(struct layout *l, const struct client_state *from)
{
	struct slice *to = take(l, from->n_rooms * sizeof(*to), _Alignof(struct slice));

	for (size_t i = 0; i < from->n_rooms; i++) {
		struct slice room = lay_bytes(l, from->rooms[i]);
		if (to)
			to[i] = room;
	}
	return to;
}

static const struct state_datum *lay_session(struct layout *l, const struct client_state *from)
{
	struct state_datum *to = take(l, from->n_session * sizeof(*to), _Alignof(struct state_datum));

	for (size_t i = 0; i < from->n_session; i++) {
		struct slice key = lay_bytes(l, from->session[i].key), json = lay_bytes(l, from->session[i].json);
		if (to)
			to[i] = (struct state_datum){ key, json };
	}
	return to;
}

static struct client_state lay_state(struct layout *l, const struct client_state *from)
{
	struct client_state to = *from;

	to.rooms = lay_rooms(l, from);
	to.session = lay_session(l, from);
	to.handshake.query = lay_bytes(l, from->handshake.query);
	to.handshake.headers = lay_bytes(l, from->handshake.headers);
	to.handshake.address = lay_text(l, from->handshake.address);
	to.auth = lay_bytes(l, from->auth);
	to.claims = lay_bytes(l, from->claims);
	to.transport = lay_text(l, from->transport);
	return to;
}

static struct kept *kept_new(struct slice sid, uint64_t state_n, const struct client_state *state)
{
	struct layout l = { NULL, sizeof(struct kept) };
	struct kept *c;

	lay_bytes(&l, sid);
	lay_state(&l, state);
	c = malloc(l.used);
	if (c == NULL)
		return NULL;
	*c = (struct kept){ .state_n = state_n, .bytes = l.used };
	l = (struct layout){ (char *)c, sizeof(*c) };
	c->by_sid.key = lay_bytes(&l, sid);
	c->state = lay_state(&l, state);
	return c;
}

static void drop(struct kept_clients *k, struct kept *c)
{
	map_remove(&k->by_sid, &c->by_sid);
	TAILQ_REMOVE(&k->by_use, c, by_use);
	k->count--;
	k->bytes -= c->bytes;
	free(c);
}

static struct kept *find(const struct kept_clients *k, struct slice sid)
{
	struct map_node *node = map_find(&k->by_sid, sid);

	return node ? map_item(node, struct kept, by_sid) : NULL;
}

static bool is_too_much(const struct kept_clients *k)
{
	return k->count > k->max_count || (k->max_bytes && k->bytes > k->max_bytes);
}

void kept_init(struct kept_clients *k, size_t max_count, size_t max_bytes)
{
	*k = (struct kept_clients){ .max_count = max_count, .max_bytes = max_bytes };
	TAILQ_INIT(&k->by_use);
}

void kept_fini(struct kept_clients *k)
{
	while (!TAILQ_EMPTY(&k->by_use))
		drop(k, TAILQ_FIRST(&k->by_use));
}

const struct kept *kept_find(struct kept_clients *k, struct slice sid)
{
	struct kept *c = find(k, sid);

	if (c == NULL || c == TAILQ_FIRST(&k->by_use))
		return c;
	TAILQ_REMOVE(&k->by_use, c, by_use);
	TAILQ_INSERT_HEAD(&k->by_use, c, by_use);
	return c;
}

/* The one that was put is in use, however little may be kept. */
const struct kept *kept_put(
	struct kept_clients *k, struct slice sid, uint64_t state_n, const struct client_state *state)
{
	struct kept *c = kept_new(sid, state_n, state);

	kept_drop(k, sid);
	if (c == NULL)
		return NULL;
	map_add(&k->by_sid, &c->by_sid);
	TAILQ_INSERT_HEAD(&k->by_use, c, by_use);
	k->count++;
	k->bytes += c->bytes;
	while (k->count > 1 && is_too_much(k))
		drop(k, TAILQ_LAST(&k->by_use, kept_list));
	return c;
}

void kept_drop(struct kept_clients *k, struct slice sid)
{
	struct kept *c = find(k, sid);

	if (c)
		drop(k, c);
}

bool host_knows(const struct host *h, struct slice sid, uint64_t state_n)
{
	const struct kept *c = find(&h->kept, sid);

	return c && c->state_n == state_n;
}
