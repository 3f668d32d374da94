/*
 * polling.c - what comes to the clients' listener: Engine.IO's requests are checked and routed in the reference's order
 * (protocol.md 2.2), the GETs and POSTs of polling sessions are answered here; upgrade.c and files.c have the rest.
 */
#include <stdlib.h>

#include "alloc.h"
#include "cookie.h"
#include "cors.h"
#include "edge_internal.h"
#include "files.h"
#include "log.h"
#include "metrics.h"
#include "relay.h"

/* What a connection lends to a session; made for its first request that does not upgrade. */
struct polling {
	struct session_poll poll;
	struct session_post post;
	struct http_conn *conn;
	struct buf headers;          /* CORS lines of the answer due */
	enum http_encoding encoding; /* that the request takes */
	bool old_explorer;
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

static void put_polling_lines(struct polling *p)
{
	if (p->old_explorer)
		buf_add_str(&p->headers, "X-XSS-Protection: 0\r\n");
	buf_add_str(&p->headers, "cache-control: no-store\r\n");
}

/* What is to be sent of a payload; adds the line that says how. */
static struct slice encode(struct polling *p, struct slice payload)
{
	struct edge *e = edge_of(p->conn);
	struct slice smaller;

	if (p->encoding == HTTP_IDENTITY || p->poll.uncompressed ||
		payload.size < (size_t)e->config.options->compression_threshold ||
		!compressor_run(e->compressor, p->encoding, payload, &smaller))
		return payload;
	http_put_header(&p->headers, "Content-Encoding", slice_str(http_encoding_name(p->encoding)));
	return smaller;
}

static void answer_payload(struct session_poll *poll, struct slice payload, bool open)
{
	struct polling *p = (struct polling *)(void *)((char *)poll - offsetof(struct polling, poll));

	(void)open;
	payload = encode(p, payload);
	put_polling_lines(p);
	http_conn_answer(p->conn,
		&(struct http_answer){
			.status = 200, .type = poll->type, .headers = buf_slice(&p->headers), .body = payload });
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

/* What is known to take an answer for a page, and to "mend" it, as the reference has it. */
static bool is_old_explorer(const struct http_head *head)
{
	struct slice agent = http_field_get(head, HTTP_F_USER_AGENT);

	return agent.size && (memmem(agent.at, agent.size, ";MSIE", 5) || memmem(agent.at, agent.size, "Trident/", 8));
}

static void lend(struct http_conn *c, const struct http_head *head, struct slice lines)
{
	bool compresses =
		edge_of(c)->config.options->http_compression && http_field_count(head, HTTP_F_ACCEPT_ENCODING);
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
	buf_add_slice(&p->headers, lines);
	p->encoding = compresses ? http_encoding_choose(head, HTTP_GZIP | HTTP_DEFLATE) : HTTP_IDENTITY;
	p->old_explorer = is_old_explorer(head);
}

/* --- Handshake, GET, POST ------------------------------------------------------------------------------------ */

/* Its answer goes out at the end of the turn. */
static void open_session(struct http_conn *c, const struct session_handshake *h)
{
	struct edge *e = edge_of(c);
	struct session *s = session_open_polling(e->config.sessions, loop_now(e->config.loop), h, &polling_of(c)->poll);

	if (s) {
		cookie_put(&polling_of(c)->headers, e->config.options, s->sid);
	} else {
		metrics_count(M_HANDSHAKES_REFUSED);
		answer_empty(c, 503);
	}
}

/* Status 0: not at all. */
static bool refuse_for_now(struct http_conn *c, int status)
{
	if (status == 0)
		return false;
	metrics_count(M_HANDSHAKES_REFUSED);
	buf_add_str(&polling_of(c)->headers, "Retry-After: 1\r\n");
	answer_empty(c, status);
	return true;
}

static void refuse_unavailable(struct http_conn *c, struct slice why)
{
	struct buf *headers = &polling_of(c)->headers;

	metrics_count(M_HANDSHAKES_REFUSED);
	buf_add_str(headers, "Retry-After: 1\r\n");
	http_conn_answer(c, &(struct http_answer){ .status = 503,
				    .type = "text/plain; charset=utf-8",
				    .headers = buf_slice(headers),
				    .body = why });
}

static void decided(
	struct http_conn *c, const struct eio_request *r, struct session_handshake *h, const struct edge_decision *d)
{
	struct buf *headers = &polling_of(c)->headers;
	enum eio_error error = d->refused ? EIO_OK : eio_read_protocol(edge_of(c), r, h);

	if (d->unavailable) {
		refuse_unavailable(c, d->message);
		return;
	}
	if (error != EIO_OK) {
		refuse(c, r, &(struct refusal){ .error = error });
		return;
	}
	buf_add_slice(headers, d->headers);
	buf_add_slice(headers, d->session_headers);
	h->lines = d->session_headers;
	if (d->refused)
		refuse(c, r, &(struct refusal){ .error = EIO_FORBIDDEN, .words = d->message });
	else
		open_session(c, h);
}

/* The CORS lines of what is answered to it, until the next request. */
static struct slice cors_lines(struct edge *e, const struct eio_request *r)
{
	buf_clear(&e->lines);
	cors_put(&e->lines, e->config.options, r->origin_valid ? r->origin : (struct slice){ 0 }, r->origin_allowed);
	return buf_slice(&e->lines);
}

void handshake_decided(struct http_conn *c, const struct http_head *head, bool upgrade, const struct edge_decision *d)
{
	struct edge *e = edge_of(c);
	char address[EDGE_ADDRESS_SIZE];
	struct session_handshake h = { 0 };
	struct eio_request r;

	eio_request_read(e, c, head, &r);
	edge_describe(e, c, head, address, &h);
	if (upgrade)
		upgrade_decided(c, &r, cors_lines(e, &r), &h, d);
	else if (e->headers.failed)
		refuse_for_now(c, 503);
	else
		decided(c, &r, &h, d);
}

static void handshake(struct http_conn *c, const struct eio_request *r)
{
	struct edge *e = edge_of(c);
	char address[EDGE_ADDRESS_SIZE];
	struct session_handshake h = { 0 };
	struct edge_decision answer;

	edge_describe(e, c, r->head, address, &h);
	if (e->server.ending || e->headers.failed) {
		metrics_count(M_HANDSHAKES_REFUSED);
		answer_empty(c, 503);
		return;
	}
	if (refuse_for_now(c, door_admits(e, h.address)))
		return;
	switch (door_ask(c, r->head, &h, false, &answer)) {
	case DOOR_DECIDED:
		decided(c, r, &h, &answer);
		break;
	case DOOR_FULL:
		refuse_for_now(c, 503);
		break;
	case DOOR_PARKED:
		break;
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
	struct slice type = http_field_get(head, HTTP_F_CONTENT_TYPE);

	post->octets = slice_equal_nocase(type, SLICE("application/octet-stream"));
	if (!session_post_begin(s, now, post)) {
		answer_empty(c, 400);
	} else if (post->octets && !session_takes_octets(s)) {
		session_post_gone(post, now);
		answer_empty(c, 400);
	} else {
		http_conn_want_body(c, (size_t)e->config.options->max_http_buffer_size);
	}
}

static void post_body(struct http_conn *c, struct slice body)
{
	struct polling *p = polling_of(c);

	if (c->relay) {
		relay_body(c, body);
		return;
	}
	session_post_end(&p->post, loop_now(edge_of(c)->config.loop), body);
	put_polling_lines(p);
	http_conn_answer(c,
		&(struct http_answer){
			.status = 200, .type = "text/html", .headers = buf_slice(&p->headers), .body = SLICE("ok") });
}

static void post_too_large(struct http_conn *c)
{
	if (c->relay) {
		relay_too_large(c);
		return;
	}
	http_server_limit(&edge_of(c)->server, LIMIT_PAYLOAD);
	session_post_cancel(&polling_of(c)->post);
	answer_empty(c, 413);
}

static void gone(struct http_conn *c)
{
	struct polling *p = polling_of(c);
	int64_t now = loop_now(edge_of(c)->config.loop);

	if (c->relay) {
		relay_gone(c);
	} else if (c->question) {
		door_gone(c);
	} else if (p) {
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
	return eio_is_3(r) == s->eio3 ? EIO_OK : EIO_PROTOCOL_MISMATCH;
}

static enum eio_error check_handshake(const struct eio_request *r)
{
	if (r->head->method != HTTP_GET)
		return EIO_BAD_METHOD;
	return slice_equal(r->transport, SLICE("polling")) ? EIO_OK : EIO_NO_UPGRADE;
}

void polling_answer_stranger(struct http_conn *c, const struct http_head *head)
{
	struct eio_request r;

	eio_request_read(edge_of(c), c, head, &r);
	if (door_answers_stranger(c, head))
		refuse(c, &r, &(struct refusal){ .error = EIO_SESSION_UNKNOWN });
}

/* A session that is not here may be another gateway's. */
static void route_stranger(struct http_conn *c, const struct eio_request *r)
{
	switch (relay_request(c, r, false)) {
	case RELAY_TAKEN:
		break;
	case RELAY_FULL:
		buf_add_str(&polling_of(c)->headers, "Retry-After: 1\r\n");
		answer_empty(c, 503);
		break;
	case RELAY_NOT:
		polling_answer_stranger(c, r->head);
		break;
	}
}

static void route_session(struct http_conn *c, const struct eio_request *r)
{
	struct session *s = sessions_find(edge_of(c)->config.sessions, r->sid);
	enum eio_error error = check_session(r, s);

	if (s == NULL) {
		route_stranger(c, r);
		return;
	}
	buf_add_slice(&polling_of(c)->headers, session_handshake(s).lines);
	if (error != EIO_OK)
		refuse(c, r, &(struct refusal){ .error = error, .previous = session_transport(s) });
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
	else if (!r->origin_valid)
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

static void answer_preflight(struct http_conn *c, const struct http_head *head)
{
	struct edge *e = edge_of(c);

	cors_put_preflight(&e->lines, e->config.options, head);
	http_conn_answer(c, &(struct http_answer){ .status = 204, .headers = buf_slice(&e->lines) });
}

/* Other protocols than WebSocket may be offered on any request (Java's client offers h2c) and are passed over. */
static bool is_upgrade(const struct eio_request *r)
{
	return r->head->upgrade && (http_list_has(http_field_get(r->head, HTTP_F_UPGRADE), "websocket") ||
					   slice_equal(r->transport, SLICE("websocket")));
}

/* As the reference's, the answer to a preflight asks nothing of query and path. */
static bool is_preflight(const struct edge *e, const struct eio_request *r)
{
	return r->head->method == HTTP_OPTIONS && r->origin_allowed && r->origin_valid &&
	       e->config.options->cors_allowed_origins.count > 0;
}

static void engineio_request(struct http_conn *c, const struct http_head *head, struct slice name)
{
	struct edge *e = edge_of(c);
	struct eio_request r;
	struct slice lines;

	eio_request_read(e, c, head, &r);
	lines = cors_lines(e, &r);
	if (is_preflight(e, &r)) {
		answer_preflight(c, head);
		return;
	}
	if (files_serve_client(c, head, e->client_dir, name, lines))
		return;
	if (!r.origin_allowed)
		eio_log_refused_origin(e, c, &r);
	if (is_upgrade(&r)) {
		upgrade_request(c, &r, lines);
		return;
	}
	lend(c, head, lines);
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
	else if (head->upgrade && http_list_has(http_field_get(head, HTTP_F_UPGRADE), "websocket"))
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
