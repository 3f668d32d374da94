/*
 * upgrade.c - from a request to a WebSocket: what is wrong with it is answered here, before any 101, in the reference's
 * order and words (protocol.md 2.2); what is right goes to ws.h.
 */
#include <stdlib.h>

#include "alloc.h"
#include "cors.h"
#include "edge_internal.h"
#include "log.h"
#include "metrics.h"

enum { PROTOCOL_MAX = 256 }; /* of a subprotocol's name that is echoed: the 101 has to fit into one buffer */

/* From the acceptance of an upgrade until its WebSocket is open. A sid, not a session: it may end meanwhile. */
struct upgrade {
	struct edge *edge;
	char sid[SID_SIZE];
	bool has_sid;
	struct session_handshake handshake; /* points into `copied` */
	char copied[];
};

void upgrade_refuse(struct http_conn *c, int status, const char *text, const char *lines)
{
	char answer[512];
	int n = snprintf(answer, sizeof(answer),
		"HTTP/1.1 %d %s\r\nConnection: close\r\nContent-type: text/html\r\nContent-Length: %zu\r\n%s\r\n%s",
		status, http_status_text(status), strlen(text), lines, text);

	log_debug("upgrade refused", LOG_I("fd", c->fd), LOG_S("why", text));
	http_conn_answer_raw(c, slice_of(answer, (size_t)n));
}

/* --- Checks -------------------------------------------------------------------------------------------------- */

static enum eio_error check_engineio(const struct edge *e, const struct eio_request *r)
{
	if (!r->origin_allowed)
		return EIO_FORBIDDEN;
	if (!eio_transport_enabled(e, r->transport))
		return EIO_TRANSPORT_UNKNOWN;
	if (!cors_origin_is_valid(r->origin))
		return EIO_BAD_REQUEST;
	if (r->has_sid && !sessions_find(e->config.sessions, r->sid))
		return EIO_SESSION_UNKNOWN;
	if (r->head->method != HTTP_GET)
		return EIO_BAD_METHOD;
	if (!slice_equal(r->transport, SLICE("websocket")))
		return EIO_BAD_REQUEST;
	if (!slice_equal(r->eio, SLICE("4")))
		return r->has_sid ? EIO_BAD_REQUEST : EIO_VERSION;
	return EIO_OK;
}

static size_t header_count(const struct http_head *head, struct slice name)
{
	size_t n = 0;

	for (size_t i = 0; i < head->n_headers; i++)
		n += slice_equal_nocase(head->headers[i].name, name);
	return n;
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
	if (!slice_equal_nocase(http_header_get(head, "Upgrade"), SLICE("websocket")) ||
		header_count(head, SLICE("Upgrade")) != 1)
		return "Invalid Upgrade header";
	if (header_count(head, SLICE("Sec-WebSocket-Key")) != 1 || !is_key(http_header_get(head, "Sec-WebSocket-Key")))
		return "Missing or invalid Sec-WebSocket-Key header";
	if (header_count(head, SLICE("Sec-WebSocket-Version")) != 1 ||
		!slice_equal(http_header_get(head, "Sec-WebSocket-Version"), SLICE("13"))) {
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

static struct slice keep(char **to, struct slice s)
{
	struct slice kept = slice_of(*to, s.size);

	if (s.size)
		memcpy(*to, s.at, s.size);
	*to += s.size;
	return kept;
}

/* NULL: no memory. */
static struct upgrade *upgrade_new(struct http_conn *c, const struct eio_request *r)
{
	struct edge *e = edge_of(c);
	char address[EDGE_ADDRESS_SIZE], *to;
	struct session_handshake h = { 0 };
	struct upgrade *u;

	if (!r->has_sid)
		edge_describe(e, c, r->head, address, &h);
	u = calloc(1, sizeof(*u) + h.query.size + h.headers.size + h.address.size);
	if (u == NULL)
		return NULL;
	to = u->copied;
	u->edge = e;
	u->has_sid = r->has_sid;
	if (r->has_sid)
		memcpy(u->sid, r->sid.at, SID_SIZE); /* its session was found: it has that size */
	u->handshake.query = keep(&to, h.query);
	u->handshake.headers = keep(&to, h.headers);
	u->handshake.address = keep(&to, h.address);
	return u;
}

static void opened(void *ctx, struct session_ws *ws, int64_t now_ms)
{
	struct upgrade *u = ctx;
	struct sessions *all = u->edge->config.sessions;
	struct session *s;

	if (u->has_sid) {
		s = sessions_find(all, slice_of(u->sid, SID_SIZE));
		if (s == NULL || !session_upgrade_begin(s, now_ms, ws))
			ws->ops->close(ws, 0);
	} else if (!session_open_ws(all, now_ms, &u->handshake, ws)) {
		metrics_count(M_HANDSHAKES_REFUSED);
		ws->ops->close(ws, 1013); /* try again later */
	}
	free(u);
}

static void hand_over(struct http_conn *c, const struct eio_request *r, struct slice cors)
{
	struct edge *e = edge_of(c);
	struct upgrade *u = upgrade_new(c, r);
	struct buf extra = BUF_INIT;
	struct ws_accept accept = {
		.key = http_header_get(r->head, "Sec-WebSocket-Key"), .rest = c->rest, .opened = opened, .ctx = u
	};

	if (u == NULL) {
		metrics_count(M_OUT_OF_MEMORY);
		upgrade_refuse(c, 503, "Out of memory", "");
		return;
	}
	buf_add_slice(&extra, cors);
	put_protocol(&extra, http_header_get(r->head, "Sec-WebSocket-Protocol"));
	accept.extra = buf_slice(&extra);
	accept.fd = http_conn_give_away(c);
	if (ws_accept(e->ws, &accept) < 0)
		free(u);
	buf_fini(&extra);
}

void upgrade_request(struct http_conn *c, const struct eio_request *r, struct slice cors)
{
	struct edge *e = edge_of(c);
	enum eio_error error = check_engineio(e, r);
	const char *lines = "", *wrong = error == EIO_OK ? check_websocket(r->head, &lines) : eio_error_text(error);

	if (wrong == NULL && e->server.ending && !r->has_sid)
		upgrade_refuse(c, 503, "Shutting down", "");
	else if (wrong == NULL)
		hand_over(c, r, cors);
	else
		upgrade_refuse(c, error == EIO_FORBIDDEN ? 403 : 400, wrong, lines);
	if (wrong && !r->has_sid)
		metrics_count(M_HANDSHAKES_REFUSED);
}
