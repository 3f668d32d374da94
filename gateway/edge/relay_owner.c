/*
 * relay_owner.c - requests that another gateway brings for its clients: they come to the internal listener, and are
 * served as the client's own. See relay.h.
 */
#include "log.h"
#include "metrics.h"
#include "relay.h"

/* Its sender sees by the field that it is not the session's answer. */
static void deny(struct http_conn *c)
{
	struct relays *all = edge_of(c)->relays;
	int64_t times;

	metrics_count(M_RELAYS_DENIED);
	if (sample_take(&all->denied, loop_now(all->edge->config.loop), &times))
		log_warn("relay-refused", LOG_S("why", "it came without our secret"), LOG_I("count", times));
	http_conn_answer(
		c, &(struct http_answer){ .status = 403, .headers = SLICE("Stoa-Relay: denied\r\n"), .close = true });
}

/* The gateway between ends: a poll of the session that waits is answered, so that the client comes by another way. */
static void release(struct http_conn *c, const struct http_head *head)
{
	struct session *s = sessions_find(edge_of(c)->config.sessions, http_query_get(head->query, "sid"));

	if (s)
		session_poll_release(s);
	http_conn_answer(c, &(struct http_answer){ .status = 204, .close = true });
}

static void request(struct http_conn *c, const struct http_head *head)
{
	struct forwarded from;

	/* A handshake is answered by whoever gets it. */
	if (!relay_read_origin(edge_of(c)->relays, head, &from) || http_query_get(head->query, "sid").size == 0) {
		deny(c);
		return;
	}
	metrics_count(M_RELAYS_SERVED);
	if (slice_equal(head->method_text, SLICE(RELAY_RELEASE)))
		release(c, head);
	else
		edge_clients_ops.request(c, head);
}

static void body(struct http_conn *c, struct slice bytes)
{
	edge_clients_ops.body(c, bytes);
}

static void too_large(struct http_conn *c)
{
	edge_clients_ops.too_large(c);
}

static void gone(struct http_conn *c)
{
	edge_clients_ops.gone(c);
}

const struct http_service_ops edge_relayed_ops = {
	.request = request,
	.body = body,
	.too_large = too_large,
	.gone = gone,
};

void relay_take(struct http_conn *c, const struct http_head *head)
{
	if (c->user == NULL) /* else it has spoken to the API before */
		http_conn_move(c, &edge_of(c)->relayed);
	if (c->user == NULL)
		request(c, head);
	else
		deny(c);
}
