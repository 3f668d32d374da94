/*
 * upgrade.c - from a request to a WebSocket: what is wrong with it is answered here, before any 101, in the reference's
 * order and words (protocol.md 2.2); what is right goes to ws.h.
 */
#include "edge_internal.h"
#include "log.h"
#include "metrics.h"
#include "relay.h"

enum { PROTOCOL_MAX = 256 }; /* of a subprotocol's name that is echoed: the 101 has to fit into one buffer */

/* While ws_accept() makes a WebSocket of a request. */
struct upgrade {
	struct edge *edge;
	struct http_conn *conn;
	const struct eio_request *request;
	const struct session_handshake *handshake; /* described when there is no sid */
};

void upgrade_refuse(struct http_conn *c, int status, struct slice text, struct slice lines)
{
	struct buf answer = BUF_INIT;

	buf_printf(&answer, "HTTP/1.1 %d %s\r\nConnection: close\r\nContent-type: text/html\r\nContent-Length: %zu\r\n",
		status, http_status_text(status), text.size);
	buf_add_slice(&answer, lines);
	buf_add_str(&answer, "\r\n");
	buf_add_slice(&answer, text);
	log_debug("upgrade refused", LOG_I("fd", c->fd), LOG_T("why", text));
	http_conn_answer_raw(c, buf_slice(&answer));
	buf_fini(&answer);
}

/* --- Checks -------------------------------------------------------------------------------------------------- */

static enum eio_error check_engineio(const struct edge *e, const struct eio_request *r)
{
	const struct session *s = r->has_sid ? sessions_find(e->config.sessions, r->sid) : NULL;

	if (!r->origin_allowed)
		return EIO_ORIGIN;
	if (!eio_transport_enabled(e, r->transport))
		return EIO_TRANSPORT_UNKNOWN;
	if (!r->origin_valid)
		return EIO_INVALID_ORIGIN;
	if (r->has_sid && s == NULL)
		return EIO_SESSION_UNKNOWN;
	if (s && eio_is_3(r) != s->eio3)
		return EIO_PROTOCOL_MISMATCH;
	return r->head->method == HTTP_GET ? EIO_OK : EIO_BAD_METHOD;
}

/* 16 bytes in base64: 22 characters and "==". */
static bool is_key(struct slice key)
{
	if (key.size != 24 || key.at[22] != '=' || key.at[23] != '=')
		return false;
	for (size_t i = 0; i < 22; i++) {
		char c = key.at[i], l = ascii_lower(c);

		if (!(l >= 'a' && l <= 'z') && !(c >= '0' && c <= '9') && c != '+' && c != '/')
			return false;
	}
	return true;
}

/* What is wrong with the WebSocket part; NULL: nothing. */
static const char *check_websocket(const struct http_head *head, const char **lines)
{
	*lines = "";
	if (!slice_equal_nocase(http_field_get(head, HTTP_F_UPGRADE), SLICE("websocket")) ||
		http_field_count(head, HTTP_F_UPGRADE) != 1)
		return "Invalid Upgrade header";
	if (http_field_count(head, HTTP_F_WEBSOCKET_KEY) != 1 || !is_key(http_field_get(head, HTTP_F_WEBSOCKET_KEY)))
		return "Missing or invalid Sec-WebSocket-Key header";
	if (http_field_count(head, HTTP_F_WEBSOCKET_VERSION) != 1 ||
		!slice_equal(http_field_get(head, HTTP_F_WEBSOCKET_VERSION), SLICE("13"))) {
		*lines = "Sec-WebSocket-Version: 13\r\n";
		return "Missing or invalid Sec-WebSocket-Version header";
	}
	if (head->content_length > 0 || head->chunked)
		return "Bad request";
	return NULL;
}

/* --- Hand-over ----------------------------------------------------------------------------------------------- */

static bool is_token(struct slice s)
{
	for (size_t i = 0; i < s.size; i++)
		if (s.at[i] <= 0x20 || s.at[i] >= 0x7f || strchr("()<>@,;:\\\"/[]?={}", s.at[i]))
			return false;
	return s.size > 0;
}

/* The reference answers the first protocol offered, whatever it is. */
static void put_protocol(struct buf *to, struct slice offered)
{
	struct slice first = slice_first(offered, slice_find(offered, ','));

	while (first.size && (first.at[first.size - 1] == ' ' || first.at[first.size - 1] == '\t'))
		first.size--;
	if (first.size <= PROTOCOL_MAX && is_token(first))
		http_put_header(to, "Sec-WebSocket-Protocol", first);
}

static void taken(void *ctx)
{
	const struct upgrade *u = ctx;

	http_conn_give_away(u->conn);
}

static void opened(void *ctx, struct session_ws *ws, int64_t now_ms)
{
	const struct upgrade *u = ctx;
	const struct eio_request *r = u->request;
	struct sessions *all = u->edge->config.sessions;
	struct session *s;

	ws->base64 = u->handshake->base64;
	if (!slice_equal(r->transport, SLICE("websocket"))) {
		ws->ops->close(ws, 0); /* pointless: completed and closed at once, as the reference does */
	} else if (r->has_sid) {
		s = sessions_find(all, r->sid);
		if (s == NULL || !session_upgrade_begin(s, now_ms, ws))
			ws->ops->close(ws, 0);
	} else if (!session_open_ws(all, now_ms, u->handshake, ws)) {
		metrics_count(M_HANDSHAKES_REFUSED);
		ws->ops->close(ws, 1013); /* try again later */
	}
}

/* `lines` are for the 101, beside `cors` and those of the session. What is pointed to lasts until ws_accept() returns. */
static void hand_over(struct http_conn *c, const struct eio_request *r, struct slice cors,
	const struct session_handshake *h, struct slice lines)
{
	struct edge *e = edge_of(c);
	struct upgrade u = { .edge = e, .conn = c, .request = r, .handshake = h };
	struct buf *extra = &e->extra;
	struct ws_accept accept = { .key = http_field_get(r->head, HTTP_F_WEBSOCKET_KEY),
		.rest = http_conn_rest(c),
		.taken = taken,
		.opened = opened,
		.ctx = &u };

	buf_clear(extra);
	buf_add_slice(extra, cors);
	buf_add_slice(extra, lines);
	buf_add_slice(extra, h->lines);
	put_protocol(extra, http_field_get(r->head, HTTP_F_WEBSOCKET_PROTOCOL));
	accept.form = ws_deflate_agree(ws_engine_deflate(e->ws), r->head, extra);
	if (extra->failed) {
		metrics_count(M_OUT_OF_MEMORY);
		upgrade_refuse(c, 503, SLICE("Out of memory"), SLICE(""));
		return;
	}
	accept.extra = buf_slice(extra);
	accept.fd = http_conn_lend(c);
	ws_accept(e->ws, &accept);
}

/* --- The request --------------------------------------------------------------------------------------------- */

/* As raw as the reference's, and 400 whatever it is; but an origin is refused with the status that HTTP has for it. */
static void refuse(struct http_conn *c, const struct eio_request *r, const struct refusal *why, struct slice lines)
{
	door_refused(c, r, why);
	upgrade_refuse(c, why->error == EIO_ORIGIN ? 403 : 400, refusal_text(why), lines);
}

/* What comes after the question whether the request may. False: it was refused. */
static bool is_websocket(struct http_conn *c, const struct eio_request *r)
{
	const char *lines, *wrong = check_websocket(r->head, &lines);

	if (wrong)
		refuse(c, r, &(struct refusal){ .error = EIO_BAD_WEBSOCKET, .words = slice_str(wrong) },
			slice_str(lines));
	else if (!r->has_sid && eio_is_3(r) && !edge_of(c)->config.options->allow_eio3)
		refuse(c, r, &(struct refusal){ .error = EIO_VERSION }, SLICE(""));
	else
		return true;
	return false;
}

/* A WebSocket for a session that there is. */
static void upgrade_session(struct http_conn *c, const struct eio_request *r, struct slice cors)
{
	const struct session *s = sessions_find(edge_of(c)->config.sessions, r->sid);
	struct session_handshake h = { .lines = session_handshake(s).lines };

	eio_read_protocol(edge_of(c), r, &h); /* its session's */
	if (is_websocket(c, r))
		hand_over(c, r, cors, &h, SLICE(""));
}

static void refuse_forbidden(struct http_conn *c, const struct eio_request *r, const struct edge_decision *answer)
{
	struct buf lines = BUF_INIT;

	buf_add_slice(&lines, answer->headers);
	buf_add_slice(&lines, answer->session_headers);
	refuse(c, r, &(struct refusal){ .error = EIO_FORBIDDEN, .words = answer->message }, buf_slice(&lines));
	buf_fini(&lines);
}

static void refuse_unavailable(struct http_conn *c, struct slice why)
{
	metrics_count(M_HANDSHAKES_REFUSED);
	upgrade_refuse(c, 503, why, SLICE("Retry-After: 1\r\n"));
}

/* Status 0: not at all. */
static bool refuse_for_now(struct http_conn *c, int status)
{
	if (status == 0)
		return false;
	metrics_count(M_HANDSHAKES_REFUSED);
	upgrade_refuse(c, status, slice_str(http_status_text(status)), SLICE("Retry-After: 1\r\n"));
	return true;
}

void upgrade_decided(struct http_conn *c, const struct eio_request *r, struct slice cors, struct session_handshake *h,
	const struct edge_decision *d)
{
	eio_read_protocol(edge_of(c), r, h); /* that it is taken is asked in is_websocket() */
	h->lines = d->session_headers;
	if (d->unavailable)
		refuse_unavailable(c, d->message);
	else if (d->refused)
		refuse_forbidden(c, r, d);
	else if (is_websocket(c, r))
		hand_over(c, r, cors, h, d->headers);
}

/* A session that begins with a WebSocket. */
static void open_session(struct http_conn *c, const struct eio_request *r, struct slice cors)
{
	struct edge *e = edge_of(c);
	char address[EDGE_ADDRESS_SIZE];
	struct session_handshake h = { 0 };
	struct edge_decision answer;

	edge_describe(e, c, r->head, address, &h);
	if (refuse_for_now(c, door_admits(e, h.address)))
		return;
	switch (door_ask(c, r->head, &h, true, &answer)) {
	case DOOR_DECIDED:
		upgrade_decided(c, r, cors, &h, &answer);
		break;
	case DOOR_FULL:
		refuse_for_now(c, 503);
		break;
	case DOOR_PARKED:
		break;
	}
}

void upgrade_answer_stranger(struct http_conn *c, const struct http_head *head)
{
	struct eio_request r;

	eio_request_read(edge_of(c), c, head, &r);
	if (door_answers_stranger(c, head))
		refuse(c, &r, &(struct refusal){ .error = EIO_SESSION_UNKNOWN }, SLICE(""));
}

/* A session that is not here may be another gateway's. */
static void upgrade_stranger(struct http_conn *c, const struct eio_request *r)
{
	switch (relay_request(c, r, true)) {
	case RELAY_TAKEN:
		break;
	case RELAY_FULL:
		upgrade_refuse(c, 503, slice_str(http_status_text(503)), SLICE("Retry-After: 1\r\n"));
		break;
	case RELAY_NOT:
		upgrade_answer_stranger(c, r->head);
		break;
	}
}

void upgrade_request(struct http_conn *c, const struct eio_request *r, struct slice cors)
{
	struct edge *e = edge_of(c);
	struct refusal why = { .error = check_engineio(e, r) };

	if (why.error == EIO_SESSION_UNKNOWN) {
		upgrade_stranger(c, r);
	} else if (why.error != EIO_OK) {
		refuse(c, r, &why, SLICE(""));
	} else if (r->has_sid) {
		upgrade_session(c, r, cors);
	} else if (e->server.ending) {
		metrics_count(M_HANDSHAKES_REFUSED);
		upgrade_refuse(c, 503, SLICE("Shutting down"), SLICE(""));
	} else {
		open_session(c, r, cors);
	}
}
