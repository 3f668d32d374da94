/* session.c - see session.h: the table of sessions, how one begins, its packets, its heartbeat. */
#include "session.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "alloc.h"
#include "metrics.h"
#include "random.h"
#include "session_internal.h"

_Static_assert(offsetof(struct session, heartbeat) <= 128, "a delivery touches two cache lines");

/* --- Output ------------------------------------------------------------------------------------------------------- */

static void flush(struct out *o)
{
	struct session *s = session_of_out(o);

	if (s->ws)
		session_flush_ws(s);
	else
		session_answer_poll(s);
}

static void overflow(struct out *o, int64_t now_ms)
{
	struct session *s = session_of_out(o);

	metrics_count(M_LIMIT_QUEUE);
	session_close(s, now_ms, CLOSE_SLOW);
}

static const struct out_ops session_out_ops = { flush, overflow };

/* --- The table ---------------------------------------------------------------------------------------------------- */

static bool offers(const struct config_list *transports, const char *name)
{
	for (size_t i = 0; i < transports->count; i++)
		if (strcmp(transports->at[i], name) == 0)
			return true;
	return false;
}

struct session_config sessions_config(const struct gateway_options *o)
{
	return (struct session_config){
		.ping_interval_ms = o->ping_interval_ms,
		.ping_timeout_ms = o->ping_timeout_ms,
		.upgrade_timeout_ms = o->upgrade_timeout_ms,
		.max_send_wait_ms = o->max_send_wait_ms,
		.polling_close_timeout_ms = o->polling_close_timeout_ms,
		.max_payload_bytes = (size_t)o->max_http_buffer_size,
		.max_decode_packets = (size_t)o->max_decode_packets,
		.websocket = offers(&o->transports, "websocket"),
		.allow_upgrades = o->allow_upgrades,
		.addresses = addresses_config(o),
	};
}

int sessions_init(struct sessions *all, const struct session_config *config, struct timers *timers,
	struct graveyard *graveyard, struct out_lane *lane)
{
	*all = (struct sessions){ .config = *config, .timers = timers, .graveyard = graveyard, .lane = lane };
	addresses_init(&all->addresses, &config->addresses);
	lane->ops = &session_out_ops;
	random_id(all->node_id, NODE_ID_SIZE);
	all->ping = eio_bare_frame(EIO_PING);
	all->pong = frame_text(SLICE("3probe"), SLICE(""));
	all->noop = eio_bare_frame(EIO_NOOP);
	all->close = eio_bare_frame(EIO_CLOSE);
	return all->ping && all->pong && all->noop && all->close ? 0 : -ENOMEM;
}

void sessions_fini(struct sessions *all)
{
	assert(table_count(&all->by_sid) == 0);
	addresses_fini(&all->addresses);
	frame_unref(all->pong);
	buf_fini(&all->scratch);
	buf_fini(&all->payload);
}

size_t sessions_count(const struct sessions *all)
{
	return table_count(&all->by_sid);
}

struct session *sessions_find(struct sessions *all, struct slice sid)
{
	struct table_node *node = sid.size == SID_SIZE ? table_find(&all->by_sid, sid) : NULL;

	return node ? table_item(node, struct session, by_sid) : NULL;
}

static bool is_busy(const struct session *s)
{
	const struct session_aside *a = s->aside;

	/* Between the probe's answer and the switch the client takes nothing from either transport. */
	return (a && (a->post || a->probed)) || (s->all->ops->busy && s->all->ops->busy(s));
}

static struct session *to_be_shut(const struct sessions *all, bool even_busy)
{
	struct table_node *node = table_bucket(&all->by_sid, all->shut_at);

	for (; node; node = node->next) {
		struct session *s = table_item(node, struct session, by_sid);

		if (s->state == SESSION_OPEN && (even_busy || !is_busy(s)))
			return s;
	}
	return NULL;
}

/* Each close has its bucket looked at anew: an application that hears of it may close others. */
size_t sessions_shut(struct sessions *all, int64_t now_ms, size_t most, bool even_busy)
{
	size_t shut = 0, passed = 0;

	while (shut < most && passed <= all->by_sid.n_buckets) {
		struct session *s = to_be_shut(all, even_busy);

		if (s) {
			session_close(s, now_ms, CLOSE_SHUTDOWN);
			shut++;
			continue;
		}
		passed++;
		if (++all->shut_at >= all->by_sid.n_buckets)
			all->shut_at = 0;
	}
	return shut;
}

void sessions_shutdown(struct sessions *all, int64_t now_ms)
{
	while (sessions_open(all))
		sessions_shut(all, now_ms, SIZE_MAX, true);
}

size_t sessions_unread(const struct sessions *all)
{
	struct table_node *node, *next;
	size_t n = 0;

	table_foreach(&all->by_sid, node, next)
	{
		const struct session *s = table_item(node, struct session, by_sid);

		n += s->state == SESSION_CLOSING && !out_is_empty(&s->out);
	}
	return n;
}

void sessions_drop(struct sessions *all, int64_t now_ms)
{
	struct table_node *node, *next;

	table_foreach(&all->by_sid, node, next)
		session_end(table_item(node, struct session, by_sid), now_ms, CLOSE_SHUTDOWN, NULL);
}

/* --- Opening ------------------------------------------------------------------------------------------------------ */

static uint32_t keep(char **to, struct slice s)
{
	if (s.size)
		memcpy(*to, s.at, s.size);
	(*to)[s.size] = '\0';
	*to += s.size + 1;
	return (uint32_t)s.size;
}

static void keep_handshake(struct session *s, const struct session_handshake *h)
{
	char *to = s->copied;

	s->size.query = keep(&to, h->query);
	s->size.headers = keep(&to, h->headers);
	s->size.address = keep(&to, h->address);
	s->size.lines = keep(&to, h->lines);
	s->eio3 = h->eio3;
	s->base64 = h->base64;
}

static struct session *session_new(struct sessions *all, const struct session_handshake *h)
{
	size_t copied = h->query.size + h->headers.size + h->address.size + h->lines.size + 4;
	struct session *s = malloc(offsetof(struct session, copied) + copied);

	if (s == NULL)
		return NULL;
	memset(s, 0, offsetof(struct session, copied));
	keep_handshake(s, h);
	s->all = all;
	memcpy(s->sid, all->node_id, NODE_ID_SIZE);
	random_id(s->sid + NODE_ID_SIZE, SID_SIZE - NODE_ID_SIZE);
	out_init(&s->out, all->lane);
	s->by_sid = table_node(slice_of(s->sid, SID_SIZE));
	return s;
}

static struct frame *open_packet(const struct session *s, bool websocket_first)
{
	const struct session_config *c = &s->all->config;

	return eio_open_frame(&(struct eio_open){
		.sid = s->sid,
		.websocket = !websocket_first && c->websocket && c->allow_upgrades,
		.ping_interval_ms = c->ping_interval_ms,
		.ping_timeout_ms = c->ping_timeout_ms,
		.max_payload_bytes = c->max_payload_bytes,
	});
}

/* Makes a session with its open packet queued; the caller ties the transport, then calls start(). */
static struct session *make(struct sessions *all, const struct session_handshake *h, bool websocket_first)
{
	struct session *s = session_new(all, h);
	struct frame *open = s ? open_packet(s, websocket_first) : NULL;

	if (open == NULL) {
		free(s);
		metrics_count(M_OUT_OF_MEMORY);
		return NULL;
	}
	s->address = addresses_enter(&all->addresses, h->address);
	table_add(&all->by_sid, &s->by_sid);
	out_push(&s->out, open);
	frame_unref(open);
	return s;
}

static void start(struct session *s, int64_t now_ms)
{
	s->opened_ms = now_ms;
	metrics_count(M_HANDSHAKES);
	metrics_add(s->ws ? M_SESSIONS_WEBSOCKET : M_SESSIONS_POLLING, 1);
	session_start_heartbeat(s, now_ms);
	s->all->ops->opened(s, now_ms);
}

struct session *session_open_polling(
	struct sessions *all, int64_t now_ms, const struct session_handshake *h, struct session_poll *p)
{
	struct session *s = make(all, h, false);

	if (s == NULL)
		return NULL;
	s->aside = must_alloc(sizeof(*s->aside));
	*s->aside = (struct session_aside){
		.session = s, .poll = p, .open_poll = true, .jsonp = h->jsonp, .jsonp_index = h->jsonp_index
	};
	p->session = s;
	start(s, now_ms);
	return s;
}

struct session *session_open_ws(
	struct sessions *all, int64_t now_ms, const struct session_handshake *h, struct session_ws *ws)
{
	struct session *s = make(all, h, true);

	if (s == NULL)
		return NULL;
	s->ws = ws;
	ws->session = s;
	start(s, now_ms);
	return s;
}

void session_drop_aside(struct session *s)
{
	if (s->aside)
		timer_stop(s->all->timers, &s->aside->timer);
	free(s->aside);
	s->aside = NULL;
}

/* --- Packets and heartbeat ---------------------------------------------------------------------------------------- */

static void ping_unanswered(struct timer *t, int64_t now_ms);

static void send_ping(struct timer *t, int64_t now_ms)
{
	struct session *s = (struct session *)(void *)((char *)t - offsetof(struct session, heartbeat));

	s->pong_due = true;
	s->pong_extended = false;
	out_push(&s->out, s->all->ping);
	timer_set(s->all->timers, t, ping_unanswered, now_ms + s->all->config.ping_timeout_ms);
}

static void ping_unanswered(struct timer *t, int64_t now_ms)
{
	struct session *s = (struct session *)(void *)((char *)t - offsetof(struct session, heartbeat));

	session_close(s, now_ms, CLOSE_PING_TIMEOUT);
}

void session_start_heartbeat(struct session *s, int64_t now_ms)
{
	const struct session_config *c = &s->all->config;
	int64_t due_ms = now_ms + c->ping_interval_ms;

	s->pong_due = false;
	if (s->eio3) /* the client pings */
		timer_set(s->all->timers, &s->heartbeat, ping_unanswered, due_ms + c->ping_timeout_ms);
	else
		timer_set(s->all->timers, &s->heartbeat, send_ping, due_ms);
}

/* Any packet but a pong shows that the peer lives: it gets ping_timeout once more, once per ping (engine.io 6.6). */
static void note_alive(struct session *s, int64_t now_ms)
{
	if (!s->pong_due || s->pong_extended)
		return;
	s->pong_extended = true;
	timer_set(s->all->timers, &s->heartbeat, ping_unanswered, now_ms + s->all->config.ping_timeout_ms);
}

static void on_message(struct session *s, int64_t now_ms, const struct eio_packet *packet)
{
	note_alive(s, now_ms);
	s->messages_in++;
	metrics_add(M_BYTES_RECEIVED, (int64_t)packet->data.size);
	s->all->ops->message(s, now_ms, packet->binary, packet->data);
}

void session_packet(struct session *s, int64_t now_ms, const struct eio_packet *packet)
{
	switch (packet->type) {
	case EIO_MESSAGE:
		on_message(s, now_ms, packet);
		break;
	case EIO_PONG: /* in protocol 3 the client pings, in 4 the server does */
		if (s->eio3)
			session_close(s, now_ms, CLOSE_TRANSPORT_ERROR);
		else
			session_start_heartbeat(s, now_ms);
		break;
	case EIO_PING:
		if (s->eio3)
			session_eio3_ping(s, now_ms);
		else
			session_close(s, now_ms, CLOSE_TRANSPORT_ERROR);
		break;
	case EIO_CLOSE:
		session_end(s, now_ms, CLOSE_TRANSPORT_CLOSE, s->all->noop);
		break;
	case EIO_OPEN:
	case EIO_UPGRADE:
	case EIO_NOOP:
		note_alive(s, now_ms);
		break;
	}
}

void session_malformed(struct session *s, int64_t now_ms)
{
	metrics_count(M_BAD_ENGINEIO);
	session_close(s, now_ms, CLOSE_PARSE_ERROR);
}

void session_text(struct session *s, int64_t now_ms, struct slice text)
{
	struct eio_packet packet;

	if (eio_parse(text, &s->all->scratch, &packet) < 0)
		session_malformed(s, now_ms);
	else
		session_packet(s, now_ms, &packet);
}
