/*
 * routes.c - what comes to the clients' listener: Engine.IO's requests are checked and routed in the reference's order
 * (protocol.md 2.2). Handshakes are decided here; polling.c, upgrade.c and files.c have the rest.
 */
#include "cors.h"
#include "edge_internal.h"
#include "files.h"
#include "metrics.h"
#include "relay.h"

bool eio_transport_enabled(const struct edge *e, struct slice name)
{
	if (slice_equal(name, SLICE("polling")))
		return e->transports & TRANSPORT_POLLING;
	return slice_equal(name, SLICE("websocket")) && e->transports & TRANSPORT_WEBSOCKET;
}

/* --- Handshakes ---------------------------------------------------------------------------------------------- */

/* Status 0: not at all. */
static bool refuse_for_now(struct http_conn *c, int status)
{
	if (status == 0)
		return false;
	metrics_count(M_HANDSHAKES_REFUSED);
	buf_add_str(polling_lines(c), "Retry-After: 1\r\n");
	polling_answer_empty(c, status);
	return true;
}

static void refuse_unavailable(struct http_conn *c, struct slice why)
{
	struct buf *headers = polling_lines(c);

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
	struct buf *headers = polling_lines(c);
	enum eio_error error = d->refused ? EIO_OK : eio_read_protocol(edge_of(c), r, h);

	if (d->unavailable) {
		refuse_unavailable(c, d->message);
		return;
	}
	if (error != EIO_OK) {
		polling_refuse(c, r, &(struct refusal){ .error = error });
		return;
	}
	buf_add_slice(headers, d->headers);
	buf_add_slice(headers, d->session_headers);
	h->lines = d->session_headers;
	if (d->refused)
		polling_refuse(c, r, &(struct refusal){ .error = EIO_FORBIDDEN, .words = d->message });
	else
		polling_open(c, h);
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
		polling_answer_empty(c, 503);
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
		polling_refuse(c, &r, &(struct refusal){ .error = EIO_SESSION_UNKNOWN });
}

/* A session that is not here may be another gateway's. */
static void route_stranger(struct http_conn *c, const struct eio_request *r)
{
	switch (relay_request(c, r, false)) {
	case RELAY_TAKEN:
		break;
	case RELAY_FULL:
		buf_add_str(polling_lines(c), "Retry-After: 1\r\n");
		polling_answer_empty(c, 503);
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
	buf_add_slice(polling_lines(c), session_handshake(s).lines);
	if (error != EIO_OK)
		polling_refuse(c, r, &(struct refusal){ .error = error, .previous = session_transport(s) });
	else if (r->head->method == HTTP_GET)
		polling_get(c, s);
	else if (r->head->method == HTTP_POST)
		polling_post(c, r->head, s);
	else
		polling_answer_empty(c, 500);
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
		polling_refuse(c, r, &(struct refusal){ .error = error });
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
	polling_lend(c, head, lines);
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

	if (e->config.options->https_redirect && redirect_to_https(c, head))
		return;
	if (is_engineio(e, head->path, &name))
		engineio_request(c, head, name);
	else if (head->upgrade && http_list_has(http_field_get(head, HTTP_F_UPGRADE), "websocket"))
		upgrade_refuse(c, 404, SLICE("Not Found"), SLICE(""));
	else
		files_serve(c, head, e->public_dir);
}

const struct http_service_ops edge_clients_ops = {
	.request = request,
	.body = polling_body,
	.too_large = polling_too_large,
	.gone = polling_gone,
};
