/* request.c - what a request says of itself: what it asks of Engine.IO, from where, and whether its origin may. */
#include <stdio.h>

#include "cors.h"
#include "edge_internal.h"
#include "jsonp.h"
#include "log.h"
#include "relay.h"

enum { LOGGED_MAX = 200 }; /* bytes of a peer's text in a log line */

/* --- Where it comes from ------------------------------------------------------------------------------------- */

bool edge_read_origin(
	const struct edge *e, const struct http_conn *c, const struct http_head *head, struct forwarded *from)
{
	*from = (struct forwarded){ .scheme = SCHEME_UNKNOWN };
	if (c->service == &e->relayed)
		return relay_read_origin(e->relays, head, from);
	forwarded_read(&e->proxies, &c->peer, head, from);
	/* A trusted proxy may speak TLS to us for a client that does not. */
	if (edge_is_secure(c) && !proxies_trust(&e->proxies, &c->peer))
		from->scheme = SCHEME_HTTPS;
	return true;
}

void edge_client_address(
	const struct edge *e, const struct http_conn *c, const struct http_head *head, char address[EDGE_ADDRESS_SIZE])
{
	struct forwarded from;

	address[0] = '\0';
	if (edge_read_origin(e, c, head, &from))
		net_address_format(&from.client, address);
}

/* "name: value\n" of each, the names in lower case. */
static void put_headers(struct buf *to, const struct http_head *head)
{
	size_t size = 0;
	char *at;

	for (size_t i = 0; i < head->n_headers; i++)
		size += head->headers[i].name.size + head->headers[i].value.size + strlen(": \n");
	at = buf_reserve(to, size);
	if (at == NULL)
		return;
	to->size += size;
	for (size_t i = 0; i < head->n_headers; i++) {
		struct slice name = head->headers[i].name, value = head->headers[i].value;

		for (size_t j = 0; j < name.size; j++)
			*at++ = ascii_lower(name.at[j]);
		*at++ = ':';
		*at++ = ' ';
		if (value.size)
			memcpy(at, value.at, value.size);
		at += value.size;
		*at++ = '\n';
	}
}

void edge_describe(struct edge *e, const struct http_conn *c, const struct http_head *head, char *address,
	struct session_handshake *h)
{
	buf_clear(&e->headers);
	put_headers(&e->headers, head);
	edge_client_address(e, c, head, address);
	h->query = head->query;
	h->headers = buf_slice(&e->headers);
	h->address = slice_str(address);
}

/* --- What it asks for ---------------------------------------------------------------------------------------- */

/* Host and scheme as the client had them. */
static struct cors_self self_of(const struct edge *e, const struct http_conn *c, const struct http_head *head)
{
	struct cors_self self = { .host = http_field_get(head, HTTP_F_HOST) };
	struct forwarded from;

	if ((e->proxies.count == 0 && c->service == &e->clients.service) || !edge_read_origin(e, c, head, &from))
		return self;
	self.scheme = from.scheme;
	if (from.host.at)
		self.host = from.host;
	return self;
}

static const struct {
	struct slice name;
	size_t at;
} asked[] = {
	{ { "transport", 9 }, offsetof(struct eio_request, transport) },
	{ { "sid", 3 }, offsetof(struct eio_request, sid) },
	{ { "EIO", 3 }, offsetof(struct eio_request, eio) },
	{ { "b64", 3 }, offsetof(struct eio_request, b64) },
	{ { "j", 1 }, offsetof(struct eio_request, j) },
};

static bool is_asked(struct slice name, struct slice asked_)
{
	return name.size == asked_.size && name.at[0] == asked_.at[0] && memcmp(name.at, asked_.at, name.size) == 0;
}

static void read_query(struct eio_request *r, struct slice query)
{
	struct slice name, value;

	while (http_query_next(&query, &name, &value))
		for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++)
			if (is_asked(name, asked[i].name)) {
				*(struct slice *)(void *)((char *)r + asked[i].at) = value;
				break;
			}
}

void eio_request_read(
	const struct edge *e, const struct http_conn *c, const struct http_head *head, struct eio_request *r)
{
	struct cors_self self = self_of(e, c, head);

	*r = (struct eio_request){ .head = head, .origin = http_field_get(head, HTTP_F_ORIGIN), .host = self.host };
	read_query(r, head->query);
	r->has_sid = r->sid.size > 0;
	/* Of two origins one may be allowed and the other be what somebody else reads. */
	r->origin_valid = cors_origin_is_valid(r->origin) && http_field_count(head, HTTP_F_ORIGIN) <= 1;
	r->origin_allowed = !r->origin_valid || cors_allows(&e->config.options->cors_allowed_origins, r->origin, &self);
}

enum eio_error eio_read_protocol(const struct edge *e, const struct eio_request *r, struct session_handshake *h)
{
	h->eio3 = eio_is_3(r);
	h->base64 = r->b64.size > 0;
	h->jsonp = r->j.at && slice_equal(r->transport, SLICE("polling"));
	if (h->eio3 && !e->config.options->allow_eio3)
		return EIO_VERSION;
	if (h->jsonp && (!e->config.options->jsonp || !jsonp_index(r->j, &h->jsonp_index)))
		return EIO_JSONP;
	return EIO_OK;
}

/* --- A refused origin ---------------------------------------------------------------------------------------- */

/* A proxy that is not trusted says what would make it our own origin: then it is the proxy that is to be named. */
static bool wants_trust(const struct edge *e, const struct http_conn *c, const struct eio_request *r, char *proxy)
{
	struct cors_self claimed = { .host = forwarded_host_claimed(r->head) };

	if (e->config.options->cors_allowed_origins.set || proxies_trust(&e->proxies, &c->peer) ||
		!cors_is_own(r->origin, &claimed))
		return false;
	net_address_format(&c->peer, proxy);
	return true;
}

void eio_log_refused_origin(struct edge *e, const struct http_conn *c, const struct eio_request *r)
{
	struct slice origin = slice_first(r->origin, r->origin.size < LOGGED_MAX ? r->origin.size : LOGGED_MAX);
	struct slice host = slice_first(r->host, r->host.size < LOGGED_MAX ? r->host.size : LOGGED_MAX);
	char line[64 + LOGGED_MAX] = "", proxy[NET_ADDRESS_SIZE];
	int64_t count;

	if (!sample_take(&e->refused_origins, loop_now(e->config.loop), &count))
		return;
	if (wants_trust(e, c, r, proxy))
		snprintf(line, sizeof(line), "trusted_proxies = %s", proxy);
	else if (origin.size == r->origin.size && cors_is_option(origin))
		snprintf(line, sizeof(line), "cors_allowed_origins = %.*s", SLICE_ARG(origin));
	log_warn("origin refused", LOG_T("origin", origin), LOG_T("host", host), LOG_S("allow_with", line),
		LOG_I("count", count));
}
