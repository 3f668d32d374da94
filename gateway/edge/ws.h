/*
 * ws.h - WebSocket by libwebsockets, a guest of our loop (ws_lws.c).
 *
 * The edge has validated the upgrade before it comes here. The 101 is ours; libwebsockets gets a socket on which frames
 * come, unmasks and checks them. Output is prebuilt frames, written as they are. A message is handed up whole, and
 * inflated where that was agreed on: at most max_http_buffer_size bytes (else close 1009, as soon as more is announced)
 * in at most max_fragments fragments (else 1008), with at most max_control_frames pings and pongs a second (else 1008).
 *
 * Of the operations in session_ws_ops: a write that fails returns false, and session_ws_gone() follows later, never from
 * inside it. While paused no message is handed up; what was read already follows in order.
 */
#ifndef STOA_EDGE_WS_H
#define STOA_EDGE_WS_H

#include "gateway_options.h"
#include "loop.h"
#include "session.h"
#include "ws_deflate.h"

struct ws_engine;
struct ws;

struct ws_accept {
	int fd;                      /* not blocking; given away: closed by the engine, also on failure */
	struct slice key;            /* Sec-WebSocket-Key, checked by the caller */
	struct slice extra;          /* header lines for the 101, "Name: value\r\n"..., may be empty */
	struct slice rest;           /* bytes that followed the head */
	const struct out_form *form; /* what ws_deflate_agree() said: NULL: compression is not agreed on */
	/* Called from inside ws_accept(), once, before opened(): the loop watches fd for the WebSocket, or it is closed; who
	 * watched it before stops. So the kernel need not be told of either. May be NULL. */
	void (*taken)(void *ctx);
	/* Called from inside ws_accept(), before the 101 is sent, which takes along what is said here: ties `ws` to a session (session_open_ws,
	 * session_upgrade_begin), or closes it with ws->ops->close(). */
	void (*opened)(void *ctx, struct session_ws *ws, int64_t now_ms);
	void *ctx;
};

struct ws_engine *ws_engine_new(struct loop *loop, const struct gateway_options *options, char *why, size_t why_size);
void ws_engine_free(struct ws_engine *e);          /* ends all connections at once; sessions hear of it */
size_t ws_engine_count(const struct ws_engine *e); /* those that drain are counted, those that linger are not */
size_t ws_engine_lingering(const struct ws_engine *e);
/* Closed, and their peers have not taken all that was written before that. Looks at all. */
size_t ws_engine_unread(const struct ws_engine *e);

/* A flush of output begins, or is over. In between, with the option io_uring, a write may be taken and made later, together
 * with others; all are made when the flush is over. */
void ws_engine_flush(struct ws_engine *e, bool begins);

/* Where an upgrade's offer of compression is answered. */
struct ws_deflate *ws_engine_deflate(struct ws_engine *e);

/* 0: opened() has run, and may have closed it already. -ENOMEM or -EIO: fd is closed, opened() has not run. */
int ws_accept(struct ws_engine *e, const struct ws_accept *a);

#endif
