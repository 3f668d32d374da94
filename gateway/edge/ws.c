/* ws.c - see ws.h: the engine, accepting. The other files are in ws_internal.h. */
#include "ws.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "alloc.h"
#include "log.h"
#include "send_batch.h"
#include "ws_internal.h"

/* --- Accepting ---------------------------------------------------------------------------------------------------- */

static struct ws *new_ws(struct ws_engine *e, const struct ws_accept *a)
{
	struct ws *ws = must_alloc(sizeof(*ws));

	ws->base.ops = &ws_ops;
	ws->base.form = a->form;
	ws->engine = e;
	ws->fd = a->fd;
	LIST_INSERT_HEAD(&e->all, ws, link);
	e->count++;
	return ws;
}

/* What is said in opened() goes out behind the 101, and with it. */
static int open_ws(struct ws *ws, const struct ws_accept *a)
{
	struct ws_engine *e = ws->engine;

	buf_clear(&e->greeting);
	ws_greeter_put(e->greeter, a, &e->greeting);
	if (e->greeting.failed) {
		ws_lws_let_go(ws);
		return -ENOMEM;
	}
	e->greeted = ws;
	ws->holding = true;
	ws->state = WS_OPEN;
	a->opened(a->ctx, &ws->base, loop_now(e->loop));
	session_ws_last_call(&ws->base);
	ws_greet(ws);
	if (a->rest.size && ws->state == WS_OPEN)
		ws_lws_read_first(ws, a->rest);
	return 0;
}

int ws_accept(struct ws_engine *e, const struct ws_accept *a)
{
	struct ws *ws = NULL;

	if (a->fd < e->descriptors) {
		ws = new_ws(e, a);
		ws_lws_adopt(ws);
	} else {
		close(a->fd);
	}
	if (a->taken)
		a->taken(a->ctx);
	if (ws && ws->wsi)
		return open_ws(ws, a);
	if (ws && ws->state == WS_ADOPTING) /* lws did not get as far as to say that it is gone */
		ws_forget(ws);
	return -EIO;
}

/* --- Engine ------------------------------------------------------------------------------------------------------- */

static struct send_batch *new_batch(void)
{
	char why[120];
	struct send_batch *batch = send_batch_new(ws_batch_done, why, sizeof(why));

	if (batch == NULL)
		log_warn("io-uring-unavailable", LOG_S("why", why));
	return batch;
}

struct ws_engine *ws_engine_new(struct loop *loop, const struct gateway_options *options, char *why, size_t why_size)
{
	struct ws_engine *e = must_alloc(sizeof(*e));

	LIST_INIT(&e->all);
	LIST_INIT(&e->ended);
	e->loop = loop;
	e->limits.bytes = (uint64_t)options->max_http_buffer_size;
	e->limits.fragments = (uint32_t)options->max_fragments;
	e->limits.controls = (uint32_t)options->max_control_frames;
	e->lingers = lingers_new(loop, options->close_timeout_ms);
	e->deflate = ws_deflate_new(options);
	e->batch = options->io_uring ? new_batch() : NULL;
	e->greeter = ws_greeter_new();
	if (e->lingers == NULL || e->deflate == NULL || e->greeter == NULL || ws_lws_start(e, options) < 0) {
		snprintf(why, why_size, "cannot start libwebsockets (log_level debug shows why)");
		ws_engine_free(e);
		return NULL;
	}
	return e;
}

void ws_engine_free(struct ws_engine *e)
{
	struct ws *ws;

	if (e == NULL)
		return;
	while ((ws = LIST_FIRST(&e->all)) || (ws = LIST_FIRST(&e->ended)))
		ws_lws_let_go(ws);
	ws_lws_stop(e);
	lingers_free(e->lingers);
	ws_deflate_free(e->deflate);
	ws_greeter_free(e->greeter);
	buf_fini(&e->greeting);
	send_batch_free(e->batch);
	timer_stop(&e->loop->timers, &e->reaper);
	free(e);
}

struct ws_deflate *ws_engine_deflate(struct ws_engine *e)
{
	return e->deflate;
}

size_t ws_engine_count(const struct ws_engine *e)
{
	return e->count;
}

size_t ws_engine_lingering(const struct ws_engine *e)
{
	return lingers_count(e->lingers);
}

size_t ws_engine_unread(const struct ws_engine *e)
{
	const struct ws *ws;
	size_t n = 0;

	LIST_FOREACH (ws, &e->all, link)
		n += ws->state == WS_DRAINING;
	return n;
}
