/* session_close.c - see session.h: how a session ends, and what is told of it. */
#include <stdlib.h>

#include "log.h"
#include "metrics.h"
#include "session_internal.h"

static const struct {
	const char *text;
	enum metric_id metric;
} reasons[CLOSE_REASONS] = {
	[CLOSE_TRANSPORT_CLOSE] = { "transport close", M_CLOSED_TRANSPORT },
	[CLOSE_TRANSPORT_ERROR] = { "transport error", M_CLOSED_ERROR },
	[CLOSE_PING_TIMEOUT] = { "ping timeout", M_CLOSED_PING },
	[CLOSE_PARSE_ERROR] = { "parse error", M_CLOSED_PARSE },
	[CLOSE_FORCED] = { "forced close", M_CLOSED_FORCED },
	[CLOSE_FORCED_SERVER] = { "forced server close", M_CLOSED_FORCED },
	[CLOSE_SERVER_NAMESPACE] = { "server namespace disconnect", M_CLOSED_SERVER },
	[CLOSE_CLIENT_NAMESPACE] = { "client namespace disconnect", M_CLOSED_TRANSPORT },
	[CLOSE_SHUTDOWN] = { "server shutting down", M_CLOSED_SHUTDOWN },
	[CLOSE_TOKEN_EXPIRED] = { "token expired", M_CLOSED_SERVER },
	[CLOSE_SLOW] = { "transport close", M_CLOSED_SLOW },
};

const char *close_reason_text(enum close_reason why)
{
	return reasons[why].text;
}

static void free_session(struct grave *g)
{
	struct session *s = (struct session *)(void *)((char *)g - offsetof(struct session, grave));

	out_fini(&s->out);
	session_drop_aside(s);
	free(s);
}

static void log_end(const struct session *s, int64_t now_ms)
{
	log_info("closed", LOG_S("sid", s->sid),
		LOG_S("why", s->why == CLOSE_SLOW ? "slow client" : reasons[s->why].text),
		LOG_S("transport", session_transport(s)), LOG_T("address", session_handshake(s).address),
		LOG_I("age_ms", now_ms - s->opened_ms), LOG_I("in", s->messages_in), LOG_I("out", s->messages_out));
}

/* Leaves OPEN: the upper layer hears of it, here and nowhere else. */
static void leave_open(struct session *s, int64_t now_ms, enum session_state state, enum close_reason why)
{
	s->state = state;
	s->why = why;
	s->all->closing += state == SESSION_CLOSING;
	timer_stop(s->all->timers, &s->heartbeat);
	session_drop_probe(s);
	metrics_count(reasons[why].metric);
	log_end(s, now_ms);
	s->all->ops->closed(s, now_ms, why);
}

/* Closed by us with things left to say, and a peer that may be listening. */
static bool ends_politely(enum close_reason why)
{
	return why == CLOSE_FORCED || why == CLOSE_FORCED_SERVER || why == CLOSE_SERVER_NAMESPACE ||
	       why == CLOSE_SHUTDOWN;
}

/* 1012 tells the clients of a node that goes away to come back elsewhere; else no status, as the reference closes. */
static unsigned ws_code(enum close_reason why)
{
	return why == CLOSE_SHUTDOWN ? 1012 : 0;
}

static void let_go_of_ws(struct session *s)
{
	struct session_ws *ws = s->ws;

	if (ws == NULL || s->ws_gone)
		return;
	if (ends_politely(s->why))
		s->blocked = false; /* the WebSocket takes what it cannot send yet, and drains before it closes */
	if (!out_has_overflowed(&s->out))
		session_flush_ws(s);
	ws->session = NULL;
	ws->ops->close(ws, ws_code(s->why));
}

/* Nothing of it runs any more; the memory stays, as the session's does. */
static void put_aside_to_rest(struct session *s)
{
	struct session_aside *a = s->aside;

	if (a == NULL)
		return;
	timer_stop(s->all->timers, &a->timer);
	if (a->post)
		a->post->session = NULL;
	a->post = NULL;
}

static void bury(struct session *s)
{
	s->all->closing -= s->state == SESSION_CLOSING;
	s->state = SESSION_CLOSED;
	timer_stop(s->all->timers, &s->heartbeat);
	put_aside_to_rest(s);
	metrics_add(s->ws ? M_SESSIONS_WEBSOCKET : M_SESSIONS_POLLING, -1);
	table_remove(&s->all->by_sid, &s->by_sid);
	s->grave = (struct grave){ 0 }; /* where by_sid was */
	addresses_leave(&s->all->addresses, s->address);
	out_close(&s->out);
	graveyard_bury(s->all->graveyard, &s->grave, free_session);
}

void session_end(struct session *s, int64_t now_ms, enum close_reason why, struct frame *payload_end)
{
	if (s->state == SESSION_CLOSED)
		return;
	if (s->state == SESSION_OPEN)
		leave_open(s, now_ms, SESSION_CLOSED, why);
	let_go_of_ws(s);
	if (session_waiting_poll(s) && payload_end)
		session_answer_poll_with(s, payload_end);
	bury(s);
}

static void nobody_came(struct timer *t, int64_t now_ms)
{
	struct session *s = (struct session *)(void *)((char *)t - offsetof(struct session, heartbeat));

	session_end(s, now_ms, s->why, NULL);
}

void session_close(struct session *s, int64_t now_ms, enum close_reason why)
{
	if (s->state != SESSION_OPEN)
		return;
	if (s->ws || (session_waiting_poll(s) && out_is_empty(&s->out)) || !ends_politely(why)) {
		session_end(s, now_ms, why, s->all->close);
		return;
	}
	/* What is queued goes first; the close packet is the answer to the GET after that (protocol.md 2.4). In one payload
	 * stock clients would see the close before what stands in front of it. */
	leave_open(s, now_ms, SESSION_CLOSING, why == CLOSE_FORCED ? CLOSE_FORCED_SERVER : why);
	session_answer_poll(s);
	timer_set(s->all->timers, &s->heartbeat, nobody_came, now_ms + s->all->config.polling_close_timeout_ms);
}
