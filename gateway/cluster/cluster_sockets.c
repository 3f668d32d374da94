/* cluster_sockets.c - a client as other servers see it, and theirs as we do. */
#include <time.h>

#include "clock.h"
#include "cluster_internal.h"
#include "http1.h"
#include "json.h"

/* --- Ours --------------------------------------------------------------------------------------------------------- */

static struct stoa_value text_of(struct stoa_value from, const char *key)
{
	struct stoa_value v = value_get(from, slice_str(key));

	return v.kind_ == VALUE_TEXT ? v : value_text(SLICE(""));
}

static bool names_of(struct cluster *c, struct stoa_value list, struct wire_names *names)
{
	names->at = arena_take(&c->scratch, list.size_ * sizeof(*names->at));
	names->count = names->at ? list.size_ : 0;
	for (size_t i = 0; i < names->count; i++)
		names->at[i] = value_slice(value_at(list, i));
	return names->at != NULL;
}

/* As Date.prototype.toString() writes it for UTC. */
static struct slice time_text(struct arena *arena, int64_t wall_ms)
{
	time_t seconds = (time_t)(wall_ms / 1000);
	struct tm tm;
	char text[80];
	size_t size;

	gmtime_r(&seconds, &tm);
	size = strftime(text, sizeof(text), "%a %b %d %Y %H:%M:%S GMT+0000 (Coordinated Universal Time)", &tm);
	return slice_of(arena_copy(arena, text, size), size);
}

/* The path and query that the client asked for. The path is not kept: all of ours come by one. */
static struct slice url_of(struct cluster *c, const struct session *s)
{
	struct buf b = BUF_INIT;
	struct slice url;

	buf_printf(&b, "%s/?", c->config.path);
	buf_add_slice(&b, session_handshake(s).query);
	url = slice_of(arena_copy(&c->scratch, b.at, b.size), b.size);
	buf_fini(&b);
	return url;
}

/* What the client passed as `auth` stays here: it is a secret as often as not, and Redis has other readers. */
bool cluster_socket_of(struct cluster *c, int64_t now_ms, const struct client *client, struct wire_socket *socket)
{
	const struct session *s = client_session(client);
	struct buf json = BUF_INIT;
	struct stoa_value v, handshake;
	bool ok;

	client_describe(client, &json);
	v = json.failed ? value_broken()
			: json_decode(&c->scratch, slice_of(arena_copy(&c->scratch, json.at, json.size), json.size),
				  NULL, 0);
	buf_fini(&json);
	handshake = value_get(v, SLICE("handshake"));
	*socket = (struct wire_socket){ .id = value_slice(text_of(v, "id")),
		.data = value_get(v, SLICE("data")),
		.headers = value_get(handshake, SLICE("headers")),
		.query = value_get(handshake, SLICE("query")),
		.address = value_slice(text_of(handshake, "address")),
		.url = url_of(c, s),
		.issued_ms = clock_wall_ms() - (now_ms - s->opened_ms) };
	socket->time = time_text(&c->scratch, socket->issued_ms);
	ok = names_of(c, value_get(v, SLICE("rooms")), &socket->rooms);
	return ok && v.kind_ == VALUE_OBJECT && socket->url.at && socket->time.at;
}

/* --- Theirs ------------------------------------------------------------------------------------------------------- */

static struct stoa_value or_empty(struct stoa_value object)
{
	return object.kind_ == VALUE_OBJECT ? object : value_object(NULL, 0);
}

static struct stoa_value rooms_of(struct arena *arena, const struct wire_names *names)
{
	struct stoa_value *at = arena_take(arena, names->count * sizeof(*at));

	for (size_t i = 0; at && i < names->count; i++)
		at[i] = value_text(names->at[i]);
	return at ? value_array(at, names->count) : value_broken();
}

static struct stoa_value object_of(struct arena *arena, const struct wire_object *o)
{
	struct stoa_value *pairs = arena_take(arena, 2 * o->members * sizeof(*pairs));

	if (pairs == NULL)
		return value_broken();
	memcpy(pairs, o->pairs, 2 * o->members * sizeof(*pairs));
	return value_object(pairs, o->members);
}

struct stoa_value cluster_describe(struct cluster *c, const struct wire_socket *s)
{
	struct wire_object all = { 0 }, handshake = { 0 };

	wire_put(&handshake, SLICE("address"), value_text(s->address));
	wire_put(&handshake, SLICE("query"), or_empty(s->query));
	wire_put(&handshake, SLICE("headers"), or_empty(s->headers));
	if (s->has_auth)
		wire_put(&handshake, SLICE("auth"), s->auth);
	wire_put(&all, SLICE("id"), value_text(s->id));
	wire_put(&all, SLICE("rooms"), rooms_of(&c->arena, &s->rooms));
	wire_put(&all, SLICE("data"), s->data);
	wire_put(&all, SLICE("handshake"), object_of(&c->arena, &handshake));
	return object_of(&c->arena, &all);
}
