/*
 * session_internal.h - what the files of this folder share. How a session begins and lives is in session.c, how it ends in
 * session_close.c, polling requests in session_polling.c, WebSocket and upgrade in session_ws.c, what protocol 3 does
 * otherwise in session_eio3.c.
 */
#ifndef STOA_SESSION_INTERNAL_H
#define STOA_SESSION_INTERNAL_H

#include "session.h"

/* What a session has only while it polls or upgrades, or while its WebSocket takes nothing more. */
struct session_aside {
	struct session *session;
	struct session_poll *poll;
	struct session_post *post;
	struct session_ws *probe; /* a WebSocket that wants to become the transport */
	/* Of the upgrade: upgrade_timeout, or the wait after `5`; then the release of polls while probing. Of the WebSocket
	 * that took over: how long its socket may be full. */
	struct timer timer;
	int64_t upgrade_due_ms;
	uint32_t jsonp_index;  /* as in the handshake */
	bool jsonp;            /* as in the handshake */
	bool open_poll;        /* `poll` is the handshake */
	bool probed;           /* 2probe came */
	uint8_t upgrade_turns; /* turns left to wait between `5` and the switch */
};

static inline struct session_poll *session_waiting_poll(const struct session *s)
{
	return s->aside ? s->aside->poll : NULL;
}
void session_drop_aside(struct session *s); /* stops its timer; none is fine */

/* One Engine.IO packet that came on the session's transport, heartbeat included. May close the session. */
void session_packet(struct session *s, int64_t now_ms, const struct eio_packet *packet);

/* Text of one packet, from either transport; what is no packet closes the session ("parse error"). */
void session_text(struct session *s, int64_t now_ms, struct slice text);

void session_malformed(struct session *s, int64_t now_ms);        /* closes it: "parse error" */
void session_too_many_packets(struct session *s, int64_t now_ms); /* of one payload: closes it */

/* One packet of protocol 3, as it came on either transport. */
void session_eio3_packet(struct session *s, int64_t now_ms, bool binary, struct slice text);
void session_eio3_ping(struct session *s, int64_t now_ms);
void session_eio3_payload(struct session *s, int64_t now_ms, bool octets, struct slice body);
/* What out_take() gave, for a WebSocket of protocol 3. */
struct slice session_eio3_frames(struct session *s, const struct out_batch *batch);

/* Ends it now: tells the upper layer, lets go of all transports, buries it. `payload_end`, a frame or NULL, is the last
 * packet that a waiting GET is answered with, behind what is queued. */
void session_end(struct session *s, int64_t now_ms, enum close_reason why, struct frame *payload_end);

void session_start_heartbeat(struct session *s, int64_t now_ms);

/* Answers the waiting GET with everything queued, if both are there. */
void session_answer_poll(struct session *s);
/* The same with one more packet behind, and even when nothing is queued. */
void session_answer_poll_with(struct session *s, struct frame *last);

void session_flush_ws(struct session *s);
void session_drop_probe(struct session *s); /* closes the probing WebSocket, if any, and stops its timer */

static inline struct session *session_of_out(struct out *o)
{
	return (struct session *)(void *)o;
}

#endif
