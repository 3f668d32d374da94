/* ws_send.c - see ws_internal.h: frames to the socket. */
#include <sys/socket.h>

#include "send_batch.h"
#include "ws_internal.h"

/* As much as the socket takes now, without lws: its memory is cold when a room is large. How much that was. */
static size_t put_directly(struct ws *ws, const void *bytes, size_t size)
{
	ssize_t n;

	if (ws->holding || ws->controls)
		return 0;
	n = send(ws->fd, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL);
	return n > 0 ? (size_t)n : 0;
}

/* The 101 goes first, and with what follows it at once: one packet instead of two. */
static bool put_greeting(struct ws *ws, const void *bytes, size_t size)
{
	struct buf *all = &ws->engine->greeting;

	ws->engine->greeted = NULL;
	ws->holding = false;
	buf_add(all, bytes, size);
	if (all->failed) {
		metrics_count(M_OUT_OF_MEMORY);
		ws_end(ws);
		return false;
	}
	return ws_put(ws, all->at, all->size);
}

/* What the socket did not take. */
static bool put_by_lws(struct ws *ws, const void *bytes, size_t size)
{
	if (ws == ws->engine->greeted)
		return put_greeting(ws, bytes, size);
	if (!ws_lws_write(ws, bytes, size)) {
		ws_end(ws);
		return false;
	}
	ws->holding = ws_lws_holds(ws);
	return true;
}

bool ws_put(struct ws *ws, const void *bytes, size_t size)
{
	size_t sent;

	ws_settle(ws);
	sent = put_directly(ws, bytes, size);
	return sent == size || put_by_lws(ws, (const char *)bytes + sent, size - sent);
}

void ws_greet(struct ws *ws)
{
	if (ws == ws->engine->greeted)
		put_greeting(ws, NULL, 0);
}

/* --- Many writes by one system call ------------------------------------------------------------------------------- */

void ws_settle(struct ws *ws)
{
	if (ws->batched)
		send_batch_send(ws->engine->batch);
}

void ws_batch_done(void *whose, struct slice rest)
{
	struct ws *ws = whose;

	ws->batched = false;
	if (rest.size == 0)
		return;
	if (put_by_lws(ws, rest.at, rest.size) && !ws->holding)
		return;
	ws->blocked = ws->holding;
	session_ws_blocked(&ws->base);
}

/* Behind what lws holds or may say, only lws can write. */
static bool put_into_batch(struct ws *ws, struct slice bytes)
{
	struct ws_engine *e = ws->engine;

	if (!e->batching || ws->holding || ws->controls)
		return false;
	ws->batched = send_batch_add(e->batch, ws->fd, bytes, ws);
	return ws->batched;
}

void ws_engine_flush(struct ws_engine *e, bool begins)
{
	if (e->batch == NULL)
		return;
	e->batching = begins;
	if (!begins)
		send_batch_send(e->batch);
}

bool ws_writable(struct ws *ws)
{
	/* lws may have written a pong meanwhile; it calls again. */
	if (ws_lws_holds(ws))
		return ws->state != WS_ENDED;
	ws->holding = false;
	if (ws->state == WS_DRAINING)
		ws_finish(ws);
	if (ws->state == WS_OPEN && ws->blocked) {
		ws->blocked = false;
		session_ws_writable(&ws->base);
	}
	return ws->state != WS_ENDED;
}

/* --- What the session does ---------------------------------------------------------------------------------------- */

static struct ws *ws_of(struct session_ws *base)
{
	return (struct ws *)(void *)base;
}

/* Apart from op_write(), which is to be short. */
static __attribute__((noinline)) bool put_rest(struct ws *ws, const char *bytes, size_t size)
{
	if (!put_by_lws(ws, bytes, size))
		return false;
	ws->blocked = ws->holding;
	return !ws->blocked;
}

/* As a rule the one system call: what it reads of the connection are its first bytes. */
static bool write_now(struct ws *ws, const char *bytes, size_t size)
{
	size_t sent = put_directly(ws, bytes, size);

	return sent == size || put_rest(ws, bytes + sent, size - sent);
}

static __attribute__((noinline)) bool write_in_batches(struct ws *ws, const char *bytes, size_t size)
{
	ws_settle(ws);
	if (ws->state != WS_OPEN)
		return false;
	return put_into_batch(ws, slice_of(bytes, size)) || write_now(ws, bytes, size);
}

static bool op_write(struct session_ws *base, const char *bytes, size_t size)
{
	struct ws *ws = ws_of(base);

	if (ws->state != WS_OPEN)
		return false;
	return ws->engine->batching ? write_in_batches(ws, bytes, size) : write_now(ws, bytes, size);
}

static void op_close(struct session_ws *base, unsigned code)
{
	ws_close_with(ws_of(base), code);
}

/* While paused lws keeps the rest of what it has read, at most a read, and goes on with that first. */
static void op_pause(struct session_ws *base, bool paused)
{
	struct ws *ws = ws_of(base);

	if (ws->state == WS_OPEN)
		ws_lws_pause(ws, paused);
}

const struct session_ws_ops ws_ops = { .write = op_write, .close = op_close, .pause = op_pause };
