/* request.c - what a request says of itself: what it asks of Engine.IO, from where, and whether its origin may. */
#include <arpa/inet.h>
#include <stdio.h>
#include <sys/socket.h>

#include "cors.h"
#include "edge_internal.h"
#include "jsonp.h"
#include "log.h"
#include "relay.h"

enum { LOGGED_MAX = 200 }; /* bytes of a peer's text in a log line */

/* --- Where it comes from ------------------------------------------------------------------------------------- */

/* False: the peer is gone. */
static bool peer_address(const struct http_conn *c, struct net_address *to)
{
	struct sockaddr_storage peer = { 0 };
	socklen_t size = sizeof(peer);
	const struct sockaddr_in *in = (const void *)&peer;
	const struct sockaddr_in6 *in6 = (const void *)&peer;

	if (getpeername(c->fd, (struct sockaddr *)&peer, &size) < 0)
		return false;
	*to = (struct net_address){ .bytes = { [10] = 0xff, [11] = 0xff } };
	if (peer.ss_family == AF_INET)
		memcpy(to->bytes + 12, &in->sin_addr, 4);
	else
		memcpy(to->bytes, &in6->sin6_addr, 16);
	return true;
}

bool edge_read_origin(
	const struct edge *e, const struct http_conn *c, const struct http_head *head, struct forwarded *from)
{
	struct net_address peer;

	*from = (struct forwarded){ .scheme = SCHEME_UNKNOWN };
	if (c->service == &e->relayed)
		return relay_read_origin(e->relays, head, from);
	if (!peer_address(c, &peer))
		return false;
	forwarded_read(&e->proxies, &peer, head, from);
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

void edge_describe(struct edge *e, const struct http_conn *c, const struct http_head *head, char *address,
	struct session_handshake *h)
{
	struct buf *to = &e->headers;

	buf_clear(to);
	for (size_t i = 0; i < head->n_headers; i++) {
		for (size_t j = 0; j < head->headers[i].name.size; j++)
			buf_add_char(to, ascii_lower(head->headers[i].name.at[j]));
		buf_add_str(to, ": ");
		buf_add_slice(to, head->headers[i].value);
		buf_add_char(to, '\n');
	}
	edge_client_address(e, c, head, address);
	h->query = head->query;
	h->headers = buf_slice(to);
	h->address = slice_str(address);
}

/* --- What it asks for ---------------------------------------------------------------------------------------- */

/* Host and scheme as the client had them. */
static struct cors_self self_of(const struct edge *e, const struct http_conn *c, const struct http_head *head)
{
	struct cors_self self = { .host = http_header_get(head, "Host") };
	struct forwarded from;

	if ((e->proxies.count == 0 && c->service != &e->relayed) || !edge_read_origin(e, c, head, &from))
		return self;
	self.scheme = from.scheme;
	if (from.host.at)
		self.host = from.host;
	return self;
}

/* Of two origins one may be allowed and the other be what somebody else reads. */
static bool has_one_origin_at_most(const struct http_head *head)
{
	size_t n = 0;

	for (size_t i = 0; i < head->n_headers; i++)
		n += slice_equal_nocase(head->headers[i].name, SLICE("Origin"));
	return n <= 1;
}

void eio_request_read(
	const struct edge *e, const struct http_conn *c, const struct http_head *head, struct eio_request *r)
{
	struct cors_self self = self_of(e, c, head);

	*r = (struct eio_request){ .head = head,
		.transport = http_query_get(head->query, "transport"),
		.sid = http_query_get(head->query, "sid"),
		.eio = http_query_get(head->query, "EIO"),
		.origin = http_header_get(head, "Origin"),
		.host = self.host };
	r->has_sid = r->sid.size > 0;
	r->origin_valid = cors_origin_is_valid(r->origin) && has_one_origin_at_most(head);
	r->origin_allowed = !r->origin_valid || cors_allows(&e->config.options->cors_allowed_origins, r->origin, &self);
}

enum eio_error eio_read_protocol(const struct edge *e, const struct eio_request *r, struct session_handshake *h)
{
	struct slice j = http_query_get(r->head->query, "j");

	h->eio3 = eio_is_3(r);
	h->base64 = http_query_get(r->head->query, "b64").size > 0;
	h->jsonp = j.at && slice_equal(r->transport, SLICE("polling"));
	if (h->eio3 && !e->config.options->allow_eio3)
		return EIO_VERSION;
	if (h->jsonp && (!e->config.options->jsonp || !jsonp_index(j, &h->jsonp_index)))
		return EIO_JSONP;
	return EIO_OK;
}

/* --- A refused origin ---------------------------------------------------------------------------------------- */

/* A proxy that is not trusted says what would make it our own origin: then it is the proxy that is to be named. */
static bool wants_trust(const struct edge *e, const struct http_conn *c, const struct eio_request *r, char *proxy)
{
	struct cors_self claimed = { .host = forwarded_host_claimed(r->head) };
	struct net_address peer;

	if (e->config.options->cors_allowed_origins.set || !peer_address(c, &peer) ||
		proxies_trust(&e->proxies, &peer) || !cors_is_own(r->origin, &claimed))
		return false;
	net_address_format(&peer, proxy);
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
