/*
 * polling.c - what comes to the clients' listener: Engine.IO's requests are checked and routed in the reference's order
 * (protocol.md 2.2), the GETs and POSTs of polling sessions are answered here; upgrade.c and files.c have the rest.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "alloc.h"
#include "cors.h"
#include "edge_internal.h"
#include "files.h"
#include "log.h"
#include "metrics.h"

/* What a connection lends to a session; made for its first polling request. */
struct polling {
	struct session_poll poll;
	struct session_post post;
	struct http_conn *conn;
	struct buf headers; /* CORS lines of the answer due */
};

bool eio_transport_enabled(const struct edge *e, struct slice name)
{
	if (slice_equal(name, SLICE("polling")))
		return e->transports & TRANSPORT_POLLING;
	return slice_equal(name, SLICE("websocket")) && e->transports & TRANSPORT_WEBSOCKET;
}

/* --- Answers ------------------------------------------------------------------------------------------------- */

static struct polling *polling_of(struct http_conn *c)
{
	return c->user;
}

static void answer_empty(struct http_conn *c, int status)
{
	http_conn_answer(c, &(struct http_answer){ .status = status, .headers = buf_slice(&polling_of(c)->headers) });
}

static void refuse(struct http_conn *c, const struct eio_request *r, const struct refusal *why)
{
	struct buf body = BUF_INIT;

	door_refused(c, r, why);
	log_debug("request refused", LOG_I("fd", c->fd), LOG_T("why", refusal_text(why)));
	door_put_error(&body, why);
	http_conn_answer(c, &(struct http_answer){ .status = refusal_status(why),
				    .type = "application/json",
				    .headers = buf_slice(&polling_of(c)->headers),
				    .body = buf_slice(&body) });
	buf_fini(&body);
}

static void answer_payload(struct session_poll *poll, struct slice payload, bool open)
{
	struct polling *p = (struct polling *)(void *)((char *)poll - offsetof(struct polling, poll));

	(void)open;
	buf_add_str(&p->headers, "cache-control: no-store\r\n");
	http_conn_answer(p->conn, &(struct http_answer){ .status = 200,
					  .type = "text/plain; charset=UTF-8",
					  .headers = buf_slice(&p->headers),
					  .body = payload });
}

static void abort_post(struct session_post *post)
{
	struct polling *p = (struct polling *)(void *)((char *)post - offsetof(struct polling, post));

	http_conn_close(p->conn, "two POSTs at once");
}

static void free_polling(void *user)
{
	struct polling *p = user;

	buf_fini(&p->headers);
	free(p);
}

static void lend(struct http_conn *c)
{
	struct polling *p = c->user;

	if (p == NULL) {
		p = must_alloc(sizeof(*p));
		p->poll.answer = answer_payload;
		p->post.abort = abort_post;
		p->conn = c;
		c->user = p;
		c->free_user = free_polling;
	}
	buf_clear(&p->headers);
}

/* --- Handshake, GET, POST ------------------------------------------------------------------------------------ */

static void put_peer_address(const struct http_conn *c, char *address)
{
	struct sockaddr_storage peer = { 0 };
	socklen_t size = sizeof(peer);
	const struct sockaddr_in *in = (const void *)&peer;
	const struct sockaddr_in6 *in6 = (const void *)&peer;

	address[0] = '\0';
	if (getpeername(c->fd, (struct sockaddr *)&peer, &size) < 0)
		return;
	if (peer.ss_family == AF_INET)
		inet_ntop(AF_INET, &in->sin_addr, address, EDGE_ADDRESS_SIZE);
	else if (peer.ss_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr))
		inet_ntop(AF_INET, &in6->sin6_addr.s6_addr[12], address, EDGE_ADDRESS_SIZE);
	else if (peer.ss_family == AF_INET6)
		inet_ntop(AF_INET6, &in6->sin6_addr, address, EDGE_ADDRESS_SIZE);
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
	put_peer_address(c, address);
	h->query = head->query;
	h->headers = buf_slice(to);
	h->address = slice_str(address);
}

static void handshake(struct http_conn *c, const struct eio_request *r)
{
	struct edge *e = edge_of(c);
	struct buf *headers = &polling_of(c)->headers;
	char address[EDGE_ADDRESS_SIZE];
	struct session_handshake h = { 0 };
	struct edge_decision answer;

	edge_describe(e, c, r->head, address, &h);
	if (e->server.ending || e->headers.failed) {
		metrics_count(M_HANDSHAKES_REFUSED);
		answer_empty(c, 503);
		return;
	}
	door_ask(e, &h, "polling", &answer);
	buf_add_slice(headers, answer.headers);
	buf_add_slice(headers, answer.session_headers);
	h.lines = answer.session_headers;
	if (answer.refused) {
		refuse(c, r, &(struct refusal){ .error = EIO_FORBIDDEN, .words = answer.message });
	} else if (!session_open_polling(e->config.sessions, loop_now(e->config.loop), &h, &polling_of(c)->poll)) {
		metrics_count(M_HANDSHAKES_REFUSED);
		answer_empty(c, 503);
	}
}

static void begin_get(struct http_conn *c, struct session *s)
{
	if (!session_poll_begin(s, loop_now(edge_of(c)->config.loop), &polling_of(c)->poll))
		answer_empty(c, 400);
}

static void begin_post(struct http_conn *c, const struct http_head *head, struct session *s)
{
	struct edge *e = edge_of(c);
	struct session_post *post = &polling_of(c)->post;
	int64_t now = loop_now(e->config.loop);

	if (!session_post_begin(s, now, post)) {
		answer_empty(c, 400);
	} else if (slice_equal_nocase(http_header_get(head, "Content-Type"), SLICE("application/octet-stream"))) {
		session_post_gone(post, now);
		answer_empty(c, 400);
	} else {
		http_conn_want_body(c, (size_t)e->config.options->max_http_buffer_size);
	}
}

static void post_body(struct http_conn *c, struct slice body)
{
	struct polling *p = polling_of(c);

	session_post_end(&p->post, loop_now(edge_of(c)->config.loop), body);
	buf_add_str(&p->headers, "cache-control: no-store\r\n");
	http_conn_answer(c,
		&(struct http_answer){
			.status = 200, .type = "text/html", .headers = buf_slice(&p->headers), .body = SLICE("ok") });
}

static void post_too_large(struct http_conn *c)
{
	http_server_limit(&edge_of(c)->server, LIMIT_PAYLOAD);
	session_post_cancel(&polling_of(c)->post);
	answer_empty(c, 413);
}

static void gone(struct http_conn *c)
{
	struct polling *p = polling_of(c);
	int64_t now = loop_now(edge_of(c)->config.loop);

	if (p) {
		session_poll_gone(&p->poll, now);
		session_post_gone(&p->post, now);
	}
}

/* --- Routing ------------------------------------------------------------------------------------------------- */

static enum eio_error check_session(const struct eio_request *r, const struct session *s)
{
	if (s == NULL)
		return EIO_SESSION_UNKNOWN;
	if (!slice_equal(r->transport, slice_str(session_transport(s))))
		return EIO_TRANSPORT_MISMATCH;
	return slice_equal(r->eio, SLICE("4")) ? EIO_OK : EIO_PROTOCOL_MISMATCH;
}

static enum eio_error check_handshake(const struct eio_request *r)
{
	if (r->head->method != HTTP_GET)
		return EIO_BAD_METHOD;
	if (!slice_equal(r->transport, SLICE("polling")))
		return EIO_NO_UPGRADE;
	return slice_equal(r->eio, SLICE("4")) ? EIO_OK : EIO_VERSION;
}

static void route_session(struct http_conn *c, const struct eio_request *r)
{
	struct session *s = sessions_find(edge_of(c)->config.sessions, r->sid);
	enum eio_error error = check_session(r, s);

	if (s)
		buf_add_slice(&polling_of(c)->headers, s->handshake.lines);
	if (error != EIO_OK)
		refuse(c, r, &(struct refusal){ .error = error, .previous = s ? session_transport(s) : NULL });
	else if (r->head->method == HTTP_GET)
		begin_get(c, s);
	else if (r->head->method == HTTP_POST)
		begin_post(c, r->head, s);
	else
		answer_empty(c, 500);
}

static void route_polling(struct http_conn *c, const struct eio_request *r)
{
	enum eio_error error = EIO_OK;

	if (!r->origin_allowed)
		error = EIO_ORIGIN;
	else if (!eio_transport_enabled(edge_of(c), r->transport))
		error = EIO_TRANSPORT_UNKNOWN;
	else if (!cors_origin_is_valid(r->origin))
		error = EIO_INVALID_ORIGIN;
	else if (!r->has_sid)
		error = check_handshake(r);
	if (error != EIO_OK)
		refuse(c, r, &(struct refusal){ .error = error });
	else if (r->has_sid)
		route_session(c, r);
	else
		handshake(c, r);
}

static void log_refused_origin(struct edge *e, const struct eio_request *r)
{
	struct slice origin = slice_first(r->origin, r->origin.size < 200 ? r->origin.size : 200);
	char line[256];
	int64_t count;

	if (!sample_take(&e->refused_origins, loop_now(e->config.loop), &count))
		return;
	snprintf(line, sizeof(line), "cors_allowed_origins = %.*s", SLICE_ARG(origin));
	log_warn("origin refused", LOG_T("origin", origin),
		LOG_T("host", slice_first(r->host, r->host.size < 200 ? r->host.size : 200)), LOG_S("allow_with", line),
		LOG_I("count", count));
}

static void read_request(const struct edge *e, const struct http_head *head, struct eio_request *r)
{
	*r = (struct eio_request){ .head = head,
		.transport = http_query_get(head->query, "transport"),
		.sid = http_query_get(head->query, "sid"),
		.eio = http_query_get(head->query, "EIO"),
		.origin = http_header_get(head, "Origin"),
		.host = http_header_get(head, "Host") };
	r->has_sid = r->sid.size > 0;
	r->origin_allowed = cors_allows(&e->config.options->cors_allowed_origins, r->origin, r->host);
}

static void answer_preflight(struct http_conn *c, const struct http_head *head)
{
	cors_put_preflight(&polling_of(c)->headers, head);
	answer_empty(c, 204);
}

/* Other protocols than WebSocket may be offered on any request (Java's client offers h2c) and are passed over. */
static bool is_upgrade(const struct eio_request *r)
{
	return r->head->upgrade && (http_list_has(http_header_get(r->head, "Upgrade"), "websocket") ||
					   slice_equal(r->transport, SLICE("websocket")));
}

static void engineio_request(struct http_conn *c, const struct http_head *head, struct slice name)
{
	struct edge *e = edge_of(c);
	const struct config_list *allowed = &e->config.options->cors_allowed_origins;
	struct eio_request r;
	struct buf *headers;

	lend(c);
	headers = &polling_of(c)->headers;
	read_request(e, head, &r);
	cors_put(headers, allowed, r.origin_allowed && cors_origin_is_valid(r.origin) ? r.origin : (struct slice){ 0 },
		e->config.options->cors_credentials);
	if (files_serve_client(c, head, e->client_dir, name, buf_slice(headers)))
		return;
	if (!r.origin_allowed)
		log_refused_origin(e, &r);
	if (is_upgrade(&r))
		upgrade_request(c, &r, buf_slice(headers));
	else if (head->method == HTTP_OPTIONS && r.origin_allowed && allowed->count > 0)
		answer_preflight(c, head);
	else
		route_polling(c, &r);
}

/* True: the path is Engine.IO's, and *name is what follows its prefix. */
static bool is_engineio(const struct edge *e, struct slice path, struct slice *name)
{
	if (!slice_starts(path, e->path) || path.size == e->path.size || path.at[e->path.size] != '/')
		return false;
	*name = slice_from(path, e->path.size + 1);
	return true;
}

static void request(struct http_conn *c, const struct http_head *head)
{
	struct edge *e = edge_of(c);
	struct slice name;

	if (is_engineio(e, head->path, &name))
		engineio_request(c, head, name);
	else if (head->upgrade && http_list_has(http_header_get(head, "Upgrade"), "websocket"))
		upgrade_refuse(c, 404, SLICE("Not Found"), SLICE(""));
	else
		files_serve(c, head, e->public_dir);
}

const struct http_service_ops edge_clients_ops = {
	.request = request,
	.body = post_body,
	.too_large = post_too_large,
	.gone = gone,
};
