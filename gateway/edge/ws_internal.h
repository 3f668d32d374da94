/*
 * ws_internal.h - what the files of WebSocket connections share; only they include it.
 *
 *	ws.c           the engine, accepting
 *	ws_greeting.c  the 101
 *	ws_send.c      frames to the socket
 *	ws_input.c     frames from the peer
 *	ws_end.c       how a connection ends
 *	ws_lws.c       libwebsockets ("lws" below): the only file that includes its header
 */
#ifndef STOA_EDGE_WS_INTERNAL_H
#define STOA_EDGE_WS_INTERNAL_H

#include <sys/queue.h>

#include "linger.h"
#include "metrics.h"
#include "ws.h"
#include "ws_message.h"

struct lws;
struct lws_context;
struct lws_vhost;

/* RFC 6455 7.4.1. What lws finds wrong it has its own 1002 and 1007 for. */
enum {
	STATUS_PROTOCOL = 1002,
	STATUS_PAYLOAD = 1007,
	STATUS_POLICY = 1008,
	STATUS_TOO_LARGE = 1009,
	STATUS_INTERNAL = 1011
};

enum ws_state { WS_ADOPTING, WS_OPEN, WS_DRAINING, WS_ENDED };

/* What a write touches stands first, in 64 bytes; what most connections never need is made when it is needed. */
struct ws {
	struct session_ws base; /* first: what the session knows */
	struct ws_engine *engine;
	int fd;        /* lws's */
	uint8_t state; /* enum ws_state */
	bool blocked;  /* the session waits for session_ws_writable() */
	bool holding;  /* lws has output that the socket did not take, or the 101 is still to go */
	bool batched; /* the engine's batch has a write of it: ws_settle() before anything else is done to the socket */
	struct ws_controls *controls; /* once the peer has sent a ping or a pong: lws writes, too, from there on */
	struct lws *wsi;              /* NULL once lws has let go */
	struct ws_message message;
	struct ws_drain *drain; /* while it is draining */
	union {
		LIST_ENTRY(ws) link; /* in e->all, and from its end on in e->ended */
		struct grave grave;  /* from ws_forget() on */
	};
};

_Static_assert(offsetof(struct ws, wsi) <= 64, "a write touches one cache line of a connection");

struct ws_engine {
	struct loop *loop;
	struct lws_context *context;
	struct lws_vhost *vhost;
	struct lingers *lingers;
	struct ws_limits limits;
	struct ws_deflate *deflate;
	int descriptors; /* numbers below this are fit for lws */
	struct timer reaper;
	LIST_HEAD(ws_list, ws) all;
	struct ws_list ended;
	size_t count;
	struct send_batch *batch; /* NULL: the option io_uring is off, or cannot be had */
	bool batching;            /* a flush is under way */
	struct ws_greeter *greeter;
	struct ws *adopting; /* during ws_lws_adopt(): for what lws tells meanwhile */
	struct ws *greeted;  /* `greeting`, its 101, is to go before anything else; NULL: none */
	struct buf greeting;
};

/* --- ws_greeting.c ------------------------------------------------------------------------------------------------ */

struct ws_greeter *ws_greeter_new(void); /* NULL: no SHA-1 */
void ws_greeter_free(struct ws_greeter *g);

/* The answer to the upgrade. */
void ws_greeter_put(const struct ws_greeter *g, const struct ws_accept *a, struct buf *to);

/* --- ws_send.c ---------------------------------------------------------------------------------------------------- */

extern const struct session_ws_ops ws_ops;

/* All is taken: what the socket does not take now follows before anything else. False: the connection has ended; on
 * failure that is all that is said here. */
bool ws_put(struct ws *ws, const void *bytes, size_t size);

void ws_greet(struct ws *ws); /* its 101, if it did not go along with something yet */

void ws_settle(struct ws *ws);                      /* its write in the batch, if there is one, is made */
void ws_batch_done(void *whose, struct slice rest); /* a send_batch_done */

/* The socket has room again. False: the connection has ended. */
bool ws_writable(struct ws *ws);

/* --- ws_input.c: not one of them does anything unless the connection is open -------------------------------------- */

/* The head of a frame, well-formed: its first byte, its payload's size. */
void ws_frame_begins(struct ws *ws, unsigned char first, size_t size);

/* A part of a data frame's payload; `final`: nothing is missing of the message. */
void ws_frame_piece(struct ws *ws, struct slice piece, bool final, bool binary);

/* The peer's Close frame; a status, if there is one, is valid. */
void ws_peer_closes(struct ws *ws, struct slice payload);

/* --- ws_end.c ----------------------------------------------------------------------------------------------------- */

void ws_end(struct ws *ws); /* nothing more is sent or handed up */

/* Our Close frame, then the end of our side. Code 0: without a status. */
void ws_close_with(struct ws *ws, unsigned code);
void ws_fail(struct ws *ws, unsigned code, enum metric_id metric); /* the peer did what it must not */

/* Our Close frame is in the kernel: the peer has time to read it and to end its side. */
void ws_finish(struct ws *ws);

void ws_peer_gone(struct ws *ws); /* or all is flushed behind our Close frame */
void ws_gone(struct ws *ws);      /* lws has forgotten it */
void ws_forget(struct ws *ws);    /* it is in no list any more, and freed after the turn */

/* --- ws_lws.c ----------------------------------------------------------------------------------------------------- */

int ws_lws_start(struct ws_engine *e, const struct gateway_options *options); /* 0 or -ENOMEM */
void ws_lws_stop(struct ws_engine *e);                                        /* fine when it was not started */

/* lws watches ws->fd, where frames come, or has closed it: then there is no ws->wsi. */
void ws_lws_adopt(struct ws *ws);

/* What was read before, taken before anything else is. */
void ws_lws_read_first(struct ws *ws, struct slice bytes);

/* Writes bytes as they are, behind what lws holds; what the socket does not take is copied, and sent before anything
 * else. False: the socket failed. */
bool ws_lws_write(struct ws *ws, const void *bytes, size_t size);
bool ws_lws_holds(const struct ws *ws);
void ws_lws_pause(struct ws *ws, bool paused);

/* Has lws close its descriptor and forget the connection, here and now, by way of ws_gone(); not from one of its
 * callbacks. */
void ws_lws_let_go(struct ws *ws);

#endif
