/*
 * session_ws.c - a session's WebSocket, and the upgrade to it (protocol.md 2.6).
 *
 * The upgrade, so that nothing is lost or reordered in either direction:
 *	probe     2probe -> 3probe. Output still goes to polls; a waiting GET is released with a noop, so that the client
 *	          can finish its last poll.
 *	settle    `5` came. The WebSocket is not read for a few turns of the loop, nor while a POST is being received:
 *	          what the client posted before is processed before what it sends behind the `5`.
 *	switch    output goes to the WebSocket, which is read again.
 */
#include "alloc.h"
#include "metrics.h"
#include "session_internal.h"

/* Turns between `5` and the switch: one to accept a connection, one to read its head, one to read its body. */
enum { SETTLE_TURNS = 3, RELEASE_MS = 100 };

/* --- Output ------------------------------------------------------------------------------------------------------- */

static struct session_aside *aside_of_timer(struct timer *t)
{
	return (struct session_aside *)(void *)((char *)t - offsetof(struct session_aside, timer));
}

/* Its socket has been full for too long, whatever little it takes meanwhile. */
static void too_slow(struct timer *t, int64_t now_ms)
{
	metrics_count(M_LIMIT_SEND_WAIT);
	session_close(aside_of_timer(t)->session, now_ms, CLOSE_SLOW);
}

static void block(struct session *s)
{
	int64_t max_ms = s->all->config.max_send_wait_ms;

	s->blocked = true;
	if (max_ms == 0)
		return;
	if (s->aside == NULL)
		s->aside = must_alloc(sizeof(*s->aside));
	s->aside->session = s;
	timer_set(s->all->timers, &s->aside->timer, too_slow, s->out.lane->now_ms + max_ms);
}

void session_flush_ws(struct session *s)
{
	while (!s->blocked && !out_is_empty(&s->out)) {
		const struct out_batch *batch = out_take(&s->out, s->ws->form);
		struct slice bytes = s->eio3 ? session_eio3_frames(s, batch) : batch->bytes;

		if (!s->ws->ops->write(s->ws, bytes.at, bytes.size) && s->state == SESSION_OPEN)
			block(s);
		s->messages_out += batch->n;
		metrics_add(M_BYTES_SENT, (int64_t)bytes.size);
	}
}

void session_ws_blocked(struct session_ws *ws)
{
	struct session *s = ws->session;

	if (s && ws == s->ws && s->state == SESSION_OPEN)
		block(s);
}

void session_ws_writable(struct session_ws *ws)
{
	struct session *s = ws->session;

	if (s == NULL || ws != s->ws)
		return;
	s->blocked = false;
	session_drop_aside(s);
	out_wake(&s->out);
}

/* --- Upgrade ------------------------------------------------------------------------------------------------------ */

static void close_ws(struct session_ws *ws)
{
	ws->session = NULL;
	ws->ops->close(ws, 0);
}

void session_drop_probe(struct session *s)
{
	struct session_aside *a = s->aside;
	struct session_ws *probe = a ? a->probe : NULL;

	if (a == NULL)
		return;
	timer_stop(s->all->timers, &a->timer);
	a->probe = NULL;
	a->probed = false;
	a->upgrade_turns = 0;
	if (probe) {
		metrics_count(M_UPGRADES_FAILED);
		close_ws(probe);
	}
}

/* While probing: every RELEASE_MS a GET that waits for nothing is released; at upgrade_timeout the probe ends. */
static void probing(struct timer *t, int64_t now_ms)
{
	struct session_aside *a = aside_of_timer(t);
	struct session *s = a->session;
	int64_t next = now_ms + RELEASE_MS;

	if (now_ms >= a->upgrade_due_ms) {
		metrics_count(M_LIMIT_UPGRADE_TIME);
		session_drop_probe(s);
		return;
	}
	if (a->probed && out_is_empty(&s->out))
		session_answer_poll_with(s, s->all->noop);
	timer_set(s->all->timers, t, probing, next < a->upgrade_due_ms ? next : a->upgrade_due_ms);
}

bool session_upgrade_begin(struct session *s, int64_t now_ms, struct session_ws *ws)
{
	struct session_aside *a = s->aside;

	if (s->state != SESSION_OPEN || s->ws || a->probe || !s->all->config.allow_upgrades)
		return false;
	a->probe = ws;
	ws->session = s;
	a->upgrade_due_ms = now_ms + s->all->config.upgrade_timeout_ms;
	timer_set(s->all->timers, &a->timer, probing, a->upgrade_due_ms);
	return true;
}

static void switch_over(struct session *s)
{
	struct session_ws *ws = s->aside->probe;

	s->ws = ws;
	/* A client that still polls is let go first, with what is queued, so that nothing overtakes. */
	session_answer_poll_with(s, s->all->noop);
	session_drop_aside(s);
	metrics_count(M_UPGRADES);
	metrics_add(M_SESSIONS_POLLING, -1);
	metrics_add(M_SESSIONS_WEBSOCKET, 1);
	out_wake(&s->out);
	ws->ops->pause(ws, false);
}

static void settle(struct timer *t, int64_t now_ms)
{
	struct session_aside *a = aside_of_timer(t);
	struct session *s = a->session;

	if (a->upgrade_turns)
		a->upgrade_turns--;
	if (a->upgrade_turns == 0 && a->post == NULL)
		switch_over(s);
	else
		timer_set(s->all->timers, t, settle, a->post && a->upgrade_turns == 0 ? now_ms + 1 : now_ms);
}

static void begin_to_settle(struct session *s, int64_t now_ms)
{
	struct session_aside *a = s->aside;

	a->probe->ops->pause(a->probe, true);
	a->upgrade_turns = SETTLE_TURNS;
	timer_set(s->all->timers, &a->timer, settle, now_ms);
}

static void answer_probe(struct session *s, int64_t now_ms)
{
	struct session_aside *a = s->aside;

	a->probed = true;
	a->probe->ops->write(a->probe, s->all->pong->bytes, s->all->pong->size);
	timer_set(s->all->timers, &a->timer, probing, now_ms);
}

/* What a WebSocket may say before it is the transport: 2probe and 5. All else ends it; the session goes on. */
static void probe_message(struct session *s, int64_t now_ms, bool binary, struct slice data)
{
	if (!binary && slice_equal(data, SLICE("2probe")))
		answer_probe(s, now_ms);
	else if (!binary && slice_equal(data, SLICE("5")))
		begin_to_settle(s, now_ms);
	else
		session_drop_probe(s);
}

/* --- Input -------------------------------------------------------------------------------------------------------- */

void session_ws_message(struct session_ws *ws, int64_t now_ms, bool binary, struct slice data)
{
	struct session *s = ws->session;

	if (s == NULL)
		return;
	if (ws != s->ws)
		probe_message(s, now_ms, binary, data);
	else if (s->eio3)
		session_eio3_packet(s, now_ms, binary, data);
	else if (binary)
		session_packet(s, now_ms, &(struct eio_packet){ .type = EIO_MESSAGE, .binary = true, .data = data });
	else
		session_text(s, now_ms, data);
}

void session_ws_last_call(struct session_ws *ws)
{
	if (ws->session && ws == ws->session->ws)
		session_flush_ws(ws->session);
}

void session_ws_gone(struct session_ws *ws, int64_t now_ms, bool error)
{
	struct session *s = ws->session;

	if (s == NULL)
		return;
	ws->session = NULL;
	if (ws != s->ws) {
		s->aside->probe = NULL;
		metrics_count(M_UPGRADES_FAILED);
		session_drop_probe(s);
		return;
	}
	s->ws_gone = true;
	session_end(s, now_ms, error ? CLOSE_TRANSPORT_ERROR : CLOSE_TRANSPORT_CLOSE, NULL);
}
