/* conn.c - the packets of one connection: which client they concern, attachments, the time to join. See client.h. */
#include <stdlib.h>

#include "client.h"
#include "client_internal.h"
#include "log.h"
#include "metrics.h"
#include "trace.h"

/* --- The connection's clients ------------------------------------------------------------------------------------- */

struct client *conn_find(const struct conn *conn, struct slice nsp)
{
	struct client *c = conn->clients;

	while (c && !slice_equal(c->nsp, nsp))
		c = c->next_in_conn;
	return c;
}

void conn_unlink(struct conn *conn, struct client *c)
{
	struct client **at = &conn->clients;

	while (*at != c)
		at = &(*at)->next_in_conn;
	*at = c->next_in_conn;
	conn->n_clients--;
}

static struct conn *conn_of_timer(struct timer *t)
{
	return (struct conn *)(void *)((char *)t - offsetof(struct conn, deadline));
}

static void out_of_time(struct timer *t, int64_t now_ms)
{
	metrics_count(M_LIMIT_CONNECT_TIME);
	session_close(conn_of_timer(t)->session, now_ms, CLOSE_FORCED);
}

static void set_deadline(struct conn *conn, int64_t now_ms)
{
	struct clients *all = conn->all;

	timer_set(all->sessions->timers, &conn->deadline, out_of_time, now_ms + all->config.connect_timeout_ms);
}

void conn_joined(struct conn *conn)
{
	if (!conn->joined_once)
		timer_stop(conn->all->sessions->timers, &conn->deadline);
	conn->joined_once = true;
}

/* --- Packets ------------------------------------------------------------------------------------------------------ */

static void refuse_packet(struct conn *conn, int64_t now_ms, const char *why)
{
	metrics_count(M_BAD_SOCKETIO);
	log_debug("invalid-packet", LOG_S("sid", conn->session->sid), LOG_S("why", why));
	session_close(conn->session, now_ms, CLOSE_FORCED);
}

static void send_connect_error(struct conn *conn, struct slice nsp, struct slice message)
{
	const struct sio_parser *parser = conn->all->config.parser;
	struct buf payload = BUF_INIT;
	struct frame *f = NULL;

	parser->put_message(&payload, message);
	if (!payload.failed)
		f = parser->frame(
			&(struct sio_out){ .type = SIO_CONNECT_ERROR, .nsp = nsp, .json = buf_slice(&payload) });
	buf_fini(&payload);
	if (f && conn->all->config.show_packets)
		trace_out(conn->session->sid, f);
	if (f)
		out_push(&conn->session->out, f);
	frame_unref(f);
}

/* Leaving is never refused, and neither are answers: they were asked for. */
static bool is_within_rate(struct conn *conn, int64_t now_ms)
{
	if (session_take_event(conn->session, now_ms))
		return true;
	log_debug("too-many-events", LOG_S("sid", conn->session->sid));
	session_close(conn->session, now_ms, CLOSE_FORCED);
	return false;
}

/* What it asks to be let in with is kept as JSON, whatever it came in. */
static struct client *new_client(struct conn *conn, const struct sio_packet *p)
{
	const struct sio_parser *parser = conn->all->config.parser;
	struct sio_packet asking = *p;
	struct buf auth = BUF_INIT;
	struct client *c = NULL;

	if (parser->encoding == VALUE_JSON || conn_is_eio3(conn))
		return client_new(conn, p);
	if (parser->auth(&auth, p) == 0) {
		asking.data = buf_slice(&auth);
		c = client_new(conn, &asking);
	}
	buf_fini(&auth);
	return c;
}

static void ask_in(struct client *c, int64_t now_ms)
{
	struct clients *all = c->conn->all;

	if (all->gate == NULL) {
		client_pass(c, now_ms);
		return;
	}
	c->at_gate = true;
	if (all->gate->connect(all->gate_ctx, c, now_ms) == GATE_OPEN)
		client_pass(c, now_ms);
}

/* Applications know names as C's strings: one with a NUL inside would be taken for another. */
static bool is_name(struct slice nsp)
{
	return nsp.at[0] == '/' && slice_find(nsp, '\0') == nsp.size;
}

static void on_connect(struct conn *conn, int64_t now_ms, const struct sio_packet *p)
{
	struct clients *all = conn->all;
	struct client *c;

	if (!is_within_rate(conn, now_ms))
		return;
	if (conn_find(conn, p->nsp)) {
		refuse_packet(conn, now_ms, "already connected to this namespace");
	} else if ((conn_is_eio3(conn) ? eio3_sid_size(p->nsp) : p->nsp.size) > all->config.max_name_bytes) {
		metrics_count(M_LIMIT_ROOM_NAME);
		refuse_packet(conn, now_ms, "namespace name too long");
	} else if (!is_name(p->nsp) || !all->ops->has_namespace(all->ctx, p->nsp)) {
		send_connect_error(conn, p->nsp, SLICE("Invalid namespace"));
	} else if (conn->n_clients >= all->config.max_namespaces) {
		metrics_count(M_LIMIT_NAMESPACES);
		send_connect_error(conn, p->nsp, SLICE("Too many namespaces"));
	} else if ((c = new_client(conn, p))) {
		ask_in(c, now_ms);
	} else {
		session_close(conn->session, now_ms, CLOSE_FORCED);
	}
}

static bool is_for_the_gate(struct client *c, int64_t now_ms, const struct sio_packet *p)
{
	struct clients *all = c->conn->all;

	return c->pass && all->gate->event(all->gate_ctx, c, now_ms, p);
}

/* A whole packet for a client that is in the namespace. */
static void on_packet(
	struct conn *conn, int64_t now_ms, const struct sio_packet *p, const struct slice *blobs, size_t n)
{
	struct client *c = conn_find(conn, p->nsp);

	if (c == NULL || c->state != CLIENT_JOINED) {
		refuse_packet(conn, now_ms, "not connected to this namespace");
		return;
	}
	switch (p->type) {
	case SIO_EVENT:
	case SIO_BINARY_EVENT:
		metrics_count(M_EVENTS_RECEIVED);
		if (is_within_rate(conn, now_ms) && !is_for_the_gate(c, now_ms, p))
			conn->all->ops->event(conn->all->ctx, c, now_ms, p, blobs, n);
		break;
	case SIO_ACK:
	case SIO_BINARY_ACK:
		client_answered(c, now_ms, p, blobs, n);
		break;
	case SIO_DISCONNECT:
		client_leave(c, now_ms, CLOSE_CLIENT_NAMESPACE);
		break;
	case SIO_CONNECT:
	case SIO_CONNECT_ERROR: /* on_connect() and sio_parse() saw to them */
		break;
	}
}

/* --- Attachments -------------------------------------------------------------------------------------------------- */

static void gather(struct conn *conn, int64_t now_ms, const struct sio_packet *p, struct slice text)
{
	conn->gathering = gathering_new(conn, text, p->attachments);
	if (conn->gathering) {
		set_deadline(conn, now_ms);
	} else {
		metrics_count(M_OUT_OF_MEMORY);
		session_close(conn->session, now_ms, CLOSE_FORCED);
	}
}

static void packet_is_whole(struct conn *conn, int64_t now_ms)
{
	struct gathering *g = conn->gathering;
	const char *why = sio_check_attachments(&g->packet, &conn->all->config.rules);

	conn->gathering = NULL;
	timer_stop(conn->all->sessions->timers, &conn->deadline);
	if (why)
		refuse_packet(conn, now_ms, why);
	else
		on_packet(conn, now_ms, &g->packet, g->blobs, g->n_blobs);
	gathering_free(g);
}

static bool on_binary(struct conn *conn, int64_t now_ms, struct slice data)
{
	int added;

	if (!conn->gathering && conn->n_connecting)
		return false;
	if (!conn->gathering) {
		refuse_packet(conn, now_ms, "binary data without a packet");
		return true;
	}
	added = gathering_add(conn->gathering, data);
	if (added < 0) {
		metrics_count(M_OUT_OF_MEMORY);
		session_close(conn->session, now_ms, CLOSE_FORCED);
	} else if (added) {
		packet_is_whole(conn, now_ms);
	}
	return true;
}

static bool may_gather(const struct conn *conn, const struct sio_packet *p)
{
	const struct client *c = conn_find(conn, p->nsp);

	return c && c->state == CLIENT_JOINED;
}

/* Whether it takes those who are connecting to know what the packet means. */
static bool is_undecided(const struct conn *conn, const char *why, const struct sio_packet *p)
{
	const struct client *c;

	if (conn->n_connecting == 0)
		return false;
	if (why)
		return true;
	c = conn_find(conn, p->nsp);
	return c ? c->state == CLIENT_CONNECTING : p->type != SIO_CONNECT;
}

static bool on_data(struct conn *conn, int64_t now_ms, struct slice text)
{
	struct buf auth = BUF_INIT;
	struct sio_packet p;
	const char *why = conn->gathering ? "text while attachments are due"
					  : conn->all->config.parser->parse(text, &conn->all->config.rules, &p);
	bool waits;

	if (why == NULL && conn_is_eio3(conn))
		eio3_split_namespace(&p, &auth);
	waits = is_undecided(conn, why, &p);
	if (waits) /* nothing is done */
		;
	else if (why)
		refuse_packet(conn, now_ms, why);
	else if (p.type == SIO_CONNECT)
		on_connect(conn, now_ms, &p);
	else if (p.attachments == 0)
		on_packet(conn, now_ms, &p, NULL, 0);
	else if (may_gather(conn, &p))
		gather(conn, now_ms, &p, text);
	else /* nothing is kept for one who is not there (CVE-2026-48804) */
		refuse_packet(conn, now_ms, "not connected to this namespace");
	buf_fini(&auth);
	return !waits;
}

/* --- The session's upper layer ------------------------------------------------------------------------------------ */

static void opened(struct session *s, int64_t now_ms)
{
	struct conn *conn = calloc(1, sizeof(*conn));

	if (conn == NULL) {
		metrics_count(M_OUT_OF_MEMORY);
		session_close(s, now_ms, CLOSE_FORCED);
		return;
	}
	conn->all = s->all->ctx;
	conn->session = s;
	s->user = conn;
	set_deadline(conn, now_ms);
	if (conn_is_eio3(conn)) /* it does not ask: it waits to be told that it is in */
		on_connect(conn, now_ms, &(struct sio_packet){ .type = SIO_CONNECT, .nsp = SLICE("/") });
}

bool conn_take(struct conn *conn, int64_t now_ms, bool binary, struct slice data)
{
	if (binary == conn->all->config.parser->is_binary)
		return on_data(conn, now_ms, data);
	if (binary)
		return on_binary(conn, now_ms, data);
	if (conn->n_connecting)
		return false;
	refuse_packet(conn, now_ms, "text where packets are binary");
	return true;
}

static void message(struct session *s, int64_t now_ms, bool binary, struct slice data)
{
	struct conn *conn = s->user;

	if (conn == NULL)
		return;
	if (conn->all->config.show_packets)
		trace_in(s->sid, binary, binary && conn->all->config.parser->is_binary, data);
	if (conn->held || !conn_take(conn, now_ms, binary, data))
		held_add(conn, now_ms, binary, data);
}

static void free_conn(struct grave *g)
{
	struct conn *conn = (struct conn *)(void *)((char *)g - offsetof(struct conn, grave));

	free(conn);
}

static void closed(struct session *s, int64_t now_ms, enum close_reason why)
{
	struct conn *conn = s->user;

	if (conn == NULL)
		return;
	s->user = NULL;
	timer_stop(conn->all->sessions->timers, &conn->deadline);
	held_drop(conn);
	gathering_free(conn->gathering);
	conn->gathering = NULL;
	while (conn->clients)
		client_leave(conn->clients, now_ms, why);
	conn->grave = (struct grave){ 0 }; /* where the deadline was */
	graveyard_bury(conn->all->sessions->graveyard, &conn->grave, free_conn);
}

/* Somebody connects, or said the half of something, or is owed an answer. */
static bool busy(const struct session *s)
{
	const struct conn *conn = s->user;

	if (conn == NULL)
		return false;
	if (conn->held || conn->gathering || conn->n_connecting)
		return true;
	for (const struct client *c = conn->clients; c; c = c->next_in_conn)
		if (c->n_owed || conn->all->ops->busy(conn->all->ctx, c))
			return true;
	return false;
}

static const struct session_ops ops = { opened, message, closed, busy };

void clients_forget_calls(struct clients *all)
{
	struct table_node *node, *next;

	table_foreach(&all->sessions->by_sid, node, next)
	{
		const struct conn *conn = table_item(node, struct session, by_sid)->user;

		for (struct client *c = conn ? conn->clients : NULL; c; c = c->next_in_conn)
			c->n_pending = 0;
	}
}

struct client_config clients_config(const struct gateway_options *o)
{
	return (struct client_config){
		.parser = sio_parser_of((enum value_encoding)o->parser),
		.rules = { .max_depth = (unsigned)o->max_json_depth,
			.max_attachments = (unsigned)o->max_attachments,
			.max_event_bytes = (size_t)o->max_event_name },
		.connect_timeout_ms = o->connect_timeout_ms,
		.max_namespaces = (size_t)o->max_namespaces,
		.max_pending_acks = (size_t)o->max_pending_acks,
		.max_name_bytes = (size_t)o->max_room_name,
		.always_connect = o->always_connect,
		.show_packets = o->debug,
		.max_session_bytes = (size_t)o->max_session_bytes,
		.max_held = (size_t)o->max_waiting_events,
		.max_held_bytes = (size_t)o->max_http_buffer_size,
	};
}

void clients_init(struct clients *all, const struct client_config *config, struct hub *hub, struct sessions *sessions)
{
	*all = (struct clients){ .config = *config, .hub = hub, .sessions = sessions };
	if (all->config.parser == NULL)
		all->config.parser = &sio_default;
	sessions->ops = &ops;
	sessions->ctx = all;
}
