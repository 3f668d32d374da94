/* api_list.c - who is there: rooms, sockets, namespaces, and how many. Pages are sorted by name (api_page.h). */
#include <inttypes.h>

#include "api_internal.h"
#include "api_page.h"
#include "json.h"

/* --- One page ----------------------------------------------------------------------------------------------------- */

static bool begin_page(struct api_call *c, struct page *p)
{
	int64_t max = c->limit ? c->limit : c->api->options->api_max_list;

	return page_init(p, &c->api->arena, (size_t)max, c->cursor) || api_no_memory(c);
}

/* {"rooms":[..],"next":".."}. A page ends early when it is large: entries have rooms of their own. */
static void put_page(const struct api_call *c, struct buf *to, const char *what, struct page *p,
	void (*put)(const struct api_call *c, struct buf *to, const struct page_entry *e))
{
	size_t begin = to->size, i = 0;

	page_sort(p);
	buf_printf(to, "{\"%s\":[", what);
	while (i < p->count && (i == 0 || to->size - begin < (size_t)c->api->options->api_max_body)) {
		if (i > 0)
			buf_add_char(to, ',');
		put(c, to, &p->at[i++]);
	}
	buf_add_char(to, ']');
	if (i < p->count || p->more) {
		buf_add_str(to, ",\"next\":");
		json_encode_text(to, p->at[i - 1].name);
	}
	buf_add_char(to, '}');
}

static size_t clients_of(const struct hub_namespace *n)
{
	return n ? n->everybody->count : 0;
}

static size_t rooms_of(const struct hub_namespace *n)
{
	return n ? table_count(&n->rooms) : 0;
}

/* --- Rooms -------------------------------------------------------------------------------------------------------- */

/* A client's own id is a room that it is always in, also when others have joined it. */
static void put_room(const struct api_call *c, struct buf *to, const struct page_entry *e)
{
	const struct hub_room *r = e->item;
	bool owned = hub_find(hub_namespace(c->api->hub, c->namespace), e->name) != NULL;

	buf_add_str(to, "{\"room\":");
	json_encode_text(to, e->name);
	buf_printf(to, ",\"clients\":%zu}", (size_t)r->count + owned);
}

bool api_rooms(struct api_call *c, struct buf *answer)
{
	struct hub_namespace *n = hub_namespace(c->api->hub, c->namespace);
	struct table_node *node = NULL, *next;
	struct table none = TABLE_INIT;
	struct page p;

	if (!begin_page(c, &p))
		return false;
	table_foreach(n ? &n->rooms : &none, node, next)
		page_offer(&p, table_key(node), table_item(node, struct hub_room, node));
	put_page(c, answer, "rooms", &p, put_room);
	return true;
}

/* --- Sockets ------------------------------------------------------------------------------------------------------ */

static void put_name(void *to, struct slice room)
{
	struct buf *b = to;

	if (b->size && b->at[b->size - 1] != '[')
		buf_add_char(b, ',');
	json_encode_text(b, room);
}

static void put_socket(const struct api_call *c, struct buf *to, const struct page_entry *e)
{
	const struct client *client = client_of(e->item);
	const struct session *s = client_session(client);

	buf_add_str(to, "{\"sid\":");
	json_encode_text(to, slice_str(client->sid));
	buf_printf(to, ",\"transport\":\"%s\",\"address\":", session_transport(s));
	json_encode_text(to, session_handshake(s).address);
	buf_printf(to, ",\"age_ms\":%" PRId64 ",\"rooms\":[", c->now_ms - s->opened_ms);
	client_rooms(client, put_name, to);
	buf_add_str(to, "]}");
}

static void offer_socket(void *to, struct hub_member *m)
{
	page_offer(to, table_key(&m->by_sid), m);
}

bool api_sockets(struct api_call *c, struct buf *answer)
{
	struct hub_target t = api_target(c, &c->to);
	struct page p;

	if (c->to.given && c->to.count == 0)
		return api_fail(c, 400, "to", "no room in `to`");
	if (!begin_page(c, &p))
		return false;
	hub_select(c->api->hub, &t, offer_socket, &p);
	put_page(c, answer, "sockets", &p, put_socket);
	return true;
}

/* --- Namespaces and numbers --------------------------------------------------------------------------------------- */

static void put_namespace(const struct api_call *c, struct buf *to, const struct page_entry *e)
{
	(void)c;
	buf_add_str(to, "{\"namespace\":");
	json_encode_text(to, e->name);
	buf_printf(to, ",\"clients\":%zu,\"rooms\":%zu}", clients_of(e->item), rooms_of(e->item));
}

bool api_namespaces(struct api_call *c, struct buf *answer)
{
	struct map_node *node, *next;
	struct page p;

	if (!begin_page(c, &p))
		return false;
	map_foreach(&c->api->hub->namespaces, node, next)
		page_offer(&p, node->key, map_item(node, struct hub_namespace, node));
	put_page(c, answer, "namespaces", &p, put_namespace);
	return true;
}

static void count_one(void *to, struct hub_member *m)
{
	(void)m;
	++*(size_t *)to;
}

/* Of rooms: clients, each counted once. Of the whole namespace: its rooms too. */
bool api_counts(struct api_call *c, struct buf *answer)
{
	struct hub_target t = api_target(c, &c->to);
	size_t clients = 0;

	if (c->to.given && c->to.count == 0)
		return api_fail(c, 400, "to", "no room in `to`");
	hub_select(c->api->hub, &t, count_one, &clients);
	buf_printf(answer, "{\"clients\":%zu", clients);
	if (c->to.count == 0)
		buf_printf(answer, ",\"rooms\":%zu", rooms_of(t.nsp));
	buf_add_char(answer, '}');
	return true;
}
