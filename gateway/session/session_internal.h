/*
 * session_internal.h - what the files of this folder share. A session's life is in session.c, polling requests in
 * session_polling.c, WebSocket and upgrade in session_ws.c, what protocol 3 does otherwise in session_eio3.c.
 */
#ifndef STOA_SESSION_INTERNAL_H
#define STOA_SESSION_INTERNAL_H

#include "session.h"

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
/* What out_gather() gave, for a WebSocket of protocol 3. */
struct slice session_eio3_frames(struct session *s, struct slice gathered, uint32_t frames);

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
