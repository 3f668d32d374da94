/*
 * door.c - who gets a session: the limits of addresses, and refusals, of which the layer above is told in the words of
 * Node's connection_error (protocol.md 2.2).
 */
#include <stdlib.h>

#include "door.h"
#include "json.h"
#include "metrics.h"
#include "utf8.h"

static const struct {
	int code;
	const char *text, *name; /* name: context.name of Node's */
} errors[EIO_ERRORS] = {
	[EIO_TRANSPORT_UNKNOWN] = { 0, "Transport unknown", NULL },
	[EIO_SESSION_UNKNOWN] = { 1, "Session ID unknown", NULL },
	[EIO_BAD_METHOD] = { 2, "Bad handshake method", NULL },
	[EIO_INVALID_ORIGIN] = { 3, "Bad request", "INVALID_ORIGIN" },
	[EIO_TRANSPORT_MISMATCH] = { 3, "Bad request", "TRANSPORT_MISMATCH" },
	[EIO_PROTOCOL_MISMATCH] = { 3, "Bad request", "PROTOCOL_MISMATCH" },
	[EIO_NO_UPGRADE] = { 3, "Bad request", "TRANSPORT_HANDSHAKE_ERROR" },
	[EIO_BAD_WEBSOCKET] = { 3, "Bad request", "WEBSOCKET_HANDSHAKE_ERROR" },
	[EIO_ORIGIN] = { 4, "Not an accepted origin.", NULL },
	[EIO_FORBIDDEN] = { 4, "Forbidden", NULL },
	[EIO_VERSION] = { 5, "Unsupported protocol version", NULL },
	[EIO_JSONP] = { 3, "JSONP is not enabled, or j is not a number", "JSONP" },
};

void door_free(struct edge *e)
{
	struct door *d = e->door;

	if (d == NULL)
		return;
	door_forget_all(e);
	buf_fini(&d->text);
	buf_fini(&d->error);
	free(d);
}

/* --- Limits ------------------------------------------------------------------------------------------------- */

int door_admits(struct edge *e, struct slice address)
{
	switch (addresses_admit(&e->config.sessions->addresses, address, loop_now(e->config.loop))) {
	case ADDRESS_SESSIONS:
	case ADDRESS_OPENS:
		return 429;
	case ALL_OPENS:
		return 503;
	case ADDRESS_STRANGERS:
	case ADDRESS_EVENTS:
	case CLIENT_EVENTS:
	case ADDRESS_LIMITS:
		break;
	}
	return 0;
}

bool door_answers_stranger(struct http_conn *c, const struct http_head *head)
{
	struct edge *e = edge_of(c);
	char address[EDGE_ADDRESS_SIZE];

	edge_client_address(e, c, head, address);
	if (addresses_answer_stranger(&e->config.sessions->addresses, slice_str(address), loop_now(e->config.loop)))
		return true;
	http_conn_close(c, "too many unknown sessions");
	return false;
}

/* --- Refusals ------------------------------------------------------------------------------------------------ */

int refusal_code(const struct refusal *why)
{
	return errors[why->error].code;
}

int refusal_status(const struct refusal *why)
{
	return refusal_code(why) == errors[EIO_FORBIDDEN].code ? 403 : 400;
}

struct slice refusal_text(const struct refusal *why)
{
	return why->words.size ? why->words : slice_str(errors[why->error].text);
}

/* Text of a peer's, which need not be UTF-8. */
static void put_text(struct buf *to, struct slice text)
{
	struct buf mended = BUF_INIT;

	utf8_mend(&mended, text);
	json_encode_text(to, buf_slice(&mended));
	buf_fini(&mended);
}

void door_put_error(struct buf *to, const struct refusal *why)
{
	buf_printf(to, "{\"code\":%d,\"message\":", refusal_code(why));
	put_text(to, refusal_text(why));
	buf_add_char(to, '}');
}

static void put_member(struct buf *to, const char *key, struct slice value)
{
	buf_add_str(to, to->at[to->size - 1] == '{' ? "\"" : ",\"");
	buf_add_str(to, key);
	buf_add_str(to, "\":");
	put_text(to, value);
}

/* What Node's context holds, by the kind of error. */
static void put_context(struct buf *to, const struct eio_request *r, const struct refusal *why)
{
	if (errors[why->error].name)
		put_member(to, "name", slice_str(errors[why->error].name));
	if (why->error == EIO_TRANSPORT_UNKNOWN || why->error == EIO_TRANSPORT_MISMATCH)
		put_member(to, "transport", r->transport);
	if (why->error == EIO_TRANSPORT_MISMATCH && why->previous)
		put_member(to, "previousTransport", slice_str(why->previous));
	if (why->error == EIO_SESSION_UNKNOWN)
		put_member(to, "sid", r->sid);
	if (why->error == EIO_BAD_METHOD)
		put_member(to, "method", r->head->method_text);
	if (why->error == EIO_INVALID_ORIGIN || why->error == EIO_ORIGIN)
		put_member(to, "origin", r->origin);
	if (why->error == EIO_FORBIDDEN)
		put_member(to, "message", refusal_text(why));
	if (why->error == EIO_PROTOCOL_MISMATCH)
		buf_printf(to, ",\"protocol\":%d,\"previousProtocol\":%d", eio_is_3(r) ? 3 : 4, eio_is_3(r) ? 4 : 3);
	if (why->error == EIO_VERSION)
		buf_add_str(to, "\"protocol\":3");
}

static const char *transport_of(const struct eio_request *r)
{
	if (slice_equal(r->transport, SLICE("polling")))
		return "polling";
	return slice_equal(r->transport, SLICE("websocket")) ? "websocket" : NULL;
}

static void tell(struct http_conn *c, const struct eio_request *r, const struct refusal *why)
{
	struct edge *e = edge_of(c);
	struct door *d = e->door;
	char address[EDGE_ADDRESS_SIZE];
	struct session_handshake h = { 0 };

	edge_describe(e, c, r->head, address, &h);
	buf_clear(&d->error);
	door_put_error(&d->error, why);
	if (d->error.failed || e->headers.failed)
		return;
	d->error.size--; /* its brace */
	buf_add_str(&d->error, ",\"context\":{");
	put_context(&d->error, r, why);
	buf_add_str(&d->error, "}}");
	if (!d->error.failed)
		d->ops->refused(d->ctx, loop_now(e->config.loop),
			&(struct edge_request){ .handshake = &h, .transport = transport_of(r) }, buf_slice(&d->error));
}

void door_refused(struct http_conn *c, const struct eio_request *r, const struct refusal *why)
{
	const struct door *d = edge_of(c)->door;

	if (!r->has_sid)
		metrics_count(M_HANDSHAKES_REFUSED);
	if (why->error == EIO_SESSION_UNKNOWN)
		metrics_count(M_UNKNOWN_SIDS);
	if (d && d->ops->hears(d->ctx))
		tell(c, r, why);
}
