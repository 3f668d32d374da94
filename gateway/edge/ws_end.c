/*
 * ws_end.c - see ws_internal.h: how a connection ends. lws would end one in its own ways: waiting 5 s for an answer to
 * its Close frame, flushing for 5 s, closing with unread input so that the kernel resets and the Close frame is lost. So
 * we end it, and lws only lets go:
 *
 *	OPEN ------ write fails, peer gone ----------------> ENDED -> lws lets go -> freed after the turn
 *	  |                                                    ^
 *	  +-- our Close frame, or the answer to the peer's ----+  (a duplicate of the descriptor lingers)
 *	  |                                                    |
 *	  +-- the same with output waiting --> DRAINING -------+  (drained, or DRAIN_MS over)
 *
 * lws must not be told to let go of a connection while it walks its own lists, that is from any of its callbacks. So
 * ws_end() only notes the connection, and reap() runs from a timer, outside of lws, in the same turn or the next one.
 */
#include <fcntl.h>
#include <stdlib.h>

#include "alloc.h"
#include "ws_internal.h"

enum { DRAIN_MS = 10 * 1000 }; /* a closed connection has so long to take what was written before */

struct ws_drain {
	struct timer timer;
	struct ws *ws;
};

static void stop_draining(struct ws *ws)
{
	if (ws->drain)
		timer_stop(&ws->engine->loop->timers, &ws->drain->timer);
	free(ws->drain);
	ws->drain = NULL;
}

static void reap(struct timer *t, int64_t now_ms)
{
	struct ws_engine *e = (struct ws_engine *)(void *)((char *)t - offsetof(struct ws_engine, reaper));
	struct ws *ws;

	(void)now_ms;
	while ((ws = LIST_FIRST(&e->ended)))
		ws_lws_let_go(ws);
}

void ws_end(struct ws *ws)
{
	struct ws_engine *e = ws->engine;

	if (ws->state == WS_ENDED)
		return;
	ws->state = WS_ENDED;
	stop_draining(ws);
	LIST_REMOVE(ws, link);
	LIST_INSERT_HEAD(&e->ended, ws, link);
	timer_set(&e->loop->timers, &e->reaper, reap, loop_now(e->loop));
}

/* --- Closing ------------------------------------------------------------------------------------------------------ */

/* Without a descriptor to spare letting go ends our side, and the peer has no time. */
void ws_finish(struct ws *ws)
{
	int fd = fcntl(ws->fd, F_DUPFD_CLOEXEC, 0);

	if (fd >= 0)
		linger_start(ws->engine->lingers, fd);
	ws_end(ws);
}

static void drained_too_slowly(struct timer *t, int64_t now_ms)
{
	(void)now_ms;
	ws_end(((struct ws_drain *)(void *)t)->ws);
}

static void drain(struct ws *ws)
{
	struct loop *loop = ws->engine->loop;

	ws->state = WS_DRAINING;
	ws->drain = must_alloc(sizeof(*ws->drain));
	ws->drain->ws = ws;
	timer_set(&loop->timers, &ws->drain->timer, drained_too_slowly, loop_now(loop) + DRAIN_MS);
}

void ws_close_with(struct ws *ws, unsigned code)
{
	unsigned char frame[4] = { 0x88, code ? 2 : 0, (unsigned char)(code >> 8), (unsigned char)code };

	if (ws->state != WS_OPEN || !ws_put(ws, frame, code ? 4 : 2))
		return;
	if (ws_lws_holds(ws))
		drain(ws);
	else
		ws_finish(ws);
}

void ws_fail(struct ws *ws, unsigned code, enum metric_id metric)
{
	if (ws->state != WS_OPEN)
		return;
	metrics_count(metric);
	session_ws_last_call(&ws->base);
	ws_close_with(ws, code);
	session_ws_gone(&ws->base, loop_now(ws->engine->loop), true);
}

/* --- What lws tells ----------------------------------------------------------------------------------------------- */

void ws_peer_gone(struct ws *ws)
{
	if (ws->state == WS_DRAINING && !ws_lws_holds(ws))
		ws_finish(ws);
	if (ws->state != WS_OPEN)
		return;
	ws_end(ws);
	session_ws_gone(&ws->base, loop_now(ws->engine->loop), false);
}

static void free_ws(struct grave *g)
{
	free((char *)g - offsetof(struct ws, grave));
}

void ws_forget(struct ws *ws)
{
	struct ws_engine *e = ws->engine;

	LIST_REMOVE(ws, link);
	e->count--;
	stop_draining(ws);
	free(ws->controls);
	ws->controls = NULL;
	ws_message_clear(&ws->message);
	ws->grave = (struct grave){ 0 };
	graveyard_bury(&e->loop->graveyard, &ws->grave, free_ws);
}

void ws_gone(struct ws *ws)
{
	ws->wsi = NULL;
	ws->state = WS_ENDED;
	/* The session does not know yet after a failed write, and when the engine ends. */
	session_ws_gone(&ws->base, loop_now(ws->engine->loop), false);
	ws_forget(ws);
}
