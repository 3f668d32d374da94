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
#include "metrics.h"
#include "session_internal.h"

/* Turns between `5` and the switch: one to accept a connection, one to read its head, one to read its body. */
enum { SETTLE_TURNS = 3, RELEASE_MS = 100 };

/* --- Output ------------------------------------------------------------------------------------------------------- */

static struct session *session_of_upgrade(struct timer *t)
{
	return (struct session *)(void *)((char *)t - offsetof(struct session, upgrade));
}

/* Its socket has been full for too long, whatever little it takes meanwhile. */
static void too_slow(struct timer *t, int64_t now_ms)
{
	metrics_count(M_LIMIT_SEND_WAIT);
	session_close(session_of_upgrade(t), now_ms, CLOSE_SLOW);
}

static void block(struct session *s)
{
	int64_t max_ms = s->all->config.max_send_wait_ms;

	s->blocked = true;
	if (max_ms)
		timer_set(s->all->timers, &s->upgrade, too_slow, s->out.lane->now_ms + max_ms);
}

void session_flush_ws(struct session *s)
{
	while (!s->blocked && !out_is_empty(&s->out)) {
		uint32_t frames;
		struct slice bytes = out_gather(&s->out, s->ws->form, &frames);

		if (s->handshake.eio3)
			bytes = session_eio3_frames(s, bytes, frames);
		if (!s->ws->ops->write(s->ws, bytes.at, bytes.size) && s->state == SESSION_OPEN)
			block(s);
		s->messages_out += frames;
		metrics_add(M_BYTES_SENT, (int64_t)bytes.size);
		out_drop(&s->out, frames);
	}
}

void session_ws_writable(struct session_ws *ws)
{
	struct session *s = ws->session;

	if (s == NULL || ws != s->ws)
		return;
	s->blocked = false;
	timer_stop(s->all->timers, &s->upgrade);
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
	struct session_ws *probe = s->probe;

	timer_stop(s->all->timers, &s->upgrade);
	s->probe = NULL;
	s->probed = false;
	s->upgrade_turns = 0;
	if (probe) {
		metrics_count(M_UPGRADES_FAILED);
		close_ws(probe);
	}
}

/* While probing: every RELEASE_MS a GET that waits for nothing is released; at upgrade_timeout the probe ends. */
static void probing(struct timer *t, int64_t now_ms)
{
	struct session *s = session_of_upgrade(t);
	int64_t next = now_ms + RELEASE_MS;

	if (now_ms >= s->upgrade_due_ms) {
		metrics_count(M_LIMIT_UPGRADE_TIME);
		session_drop_probe(s);
		return;
	}
	if (s->probed && s->poll && out_is_empty(&s->out))
		session_answer_poll_with(s, s->all->noop);
	timer_set(s->all->timers, t, probing, next < s->upgrade_due_ms ? next : s->upgrade_due_ms);
}

bool session_upgrade_begin(struct session *s, int64_t now_ms, struct session_ws *ws)
{
	if (s->state != SESSION_OPEN || s->ws || s->probe || !s->all->config.allow_upgrades)
		return false;
	s->probe = ws;
	ws->session = s;
	s->upgrade_due_ms = now_ms + s->all->config.upgrade_timeout_ms;
	timer_set(s->all->timers, &s->upgrade, probing, s->upgrade_due_ms);
	return true;
}

static void switch_over(struct session *s)
{
	struct session_ws *ws = s->probe;

	/* A client that still polls is let go first, with what is queued, so that nothing overtakes. */
	if (s->poll)
		session_answer_poll_with(s, s->all->noop);
	timer_stop(s->all->timers, &s->upgrade);
	s->probe = NULL;
	s->ws = ws;
	s->probed = false;
	metrics_count(M_UPGRADES);
	metrics_add(M_SESSIONS_POLLING, -1);
	metrics_add(M_SESSIONS_WEBSOCKET, 1);
	out_wake(&s->out);
	ws->ops->pause(ws, false);
}

static void settle(struct timer *t, int64_t now_ms)
{
	struct session *s = session_of_upgrade(t);

	if (s->upgrade_turns)
		s->upgrade_turns--;
	if (s->upgrade_turns == 0 && s->post == NULL)
		switch_over(s);
	else
		timer_set(s->all->timers, t, settle, s->post && s->upgrade_turns == 0 ? now_ms + 1 : now_ms);
}

static void begin_to_settle(struct session *s, int64_t now_ms)
{
	s->probe->ops->pause(s->probe, true);
	s->upgrade_turns = SETTLE_TURNS;
	timer_set(s->all->timers, &s->upgrade, settle, now_ms);
}

static void answer_probe(struct session *s, int64_t now_ms)
{
	s->probed = true;
	s->probe->ops->write(s->probe, s->all->pong->bytes, s->all->pong->size);
	timer_set(s->all->timers, &s->upgrade, probing, now_ms);
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
	if (ws == s->probe)
		probe_message(s, now_ms, binary, data);
	else if (s->handshake.eio3)
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
	if (ws == s->probe) {
		s->probe = NULL;
		metrics_count(M_UPGRADES_FAILED);
		session_drop_probe(s);
		return;
	}
	s->ws_gone = true;
	session_end(s, now_ms, error ? CLOSE_TRANSPORT_ERROR : CLOSE_TRANSPORT_CLOSE, NULL);
}
