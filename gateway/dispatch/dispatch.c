/* dispatch.c - clients' news to whoever runs the application. See dispatch.h. */
#include "dispatch.h"

#include <stdlib.h>

#include "dispatch_internal.h"

/* --- Running ------------------------------------------------------------------------------------------------------- */

static void tell_gone(struct dispatch *d, struct client *c)
{
	uint64_t call;

	while (client_take_pending(c, &call)) {
		if (call & CLUSTER_CALL)
			cluster_client_answer(d->cluster, d->now_ms, call, value_null());
		else
			d->runner->call_gone(d->runner_ctx, d->now_ms, call, c);
	}
	d->runner->gone(d->runner_ctx, d->now_ms, c);
	client_release(c);
}

void dispatch_begin(struct dispatch *d, int64_t now_ms)
{
	d->now_ms = now_ms;
	d->running = true;
}

/* Behind every run: clients that went because of it, and because of that. */
void dispatch_end(struct dispatch *d)
{
	while (d->gone) {
		struct client *c = d->gone;

		d->gone = c->next_gone;
		if (d->gone == NULL)
			d->gone_end = &d->gone;
		tell_gone(d, c);
	}
	d->running = false;
	d->runner->settled(d->runner_ctx, d->now_ms);
}

/* --- What clients do ---------------------------------------------------------------------------------------------- */

static bool on_has_namespace(void *ctx, struct slice nsp)
{
	struct dispatch *d = ctx;

	return d->runner->has_namespace(d->runner_ctx, nsp);
}

static void on_connect(void *ctx, struct client *c, int64_t now_ms)
{
	struct dispatch *d = ctx;

	dispatch_begin(d, now_ms);
	d->runner->connect(d->runner_ctx, now_ms, c);
	dispatch_end(d);
}

static void on_event(void *ctx, struct client *c, int64_t now_ms, const struct sio_packet *p, const struct slice *blobs,
	size_t n_blobs)
{
	struct dispatch *d = ctx;

	dispatch_begin(d, now_ms);
	d->runner->event(d->runner_ctx, now_ms, c, p, blobs, n_blobs);
	dispatch_end(d);
}

static void on_answer(void *ctx, struct client *c, int64_t now_ms, uint64_t call, const struct sio_packet *p,
	const struct slice *blobs, size_t n_blobs)
{
	struct dispatch *d = ctx;

	if (call & CLUSTER_CALL) {
		remote_client_answer(d, now_ms, call, p, blobs, n_blobs);
		return;
	}
	dispatch_begin(d, now_ms);
	d->runner->call_answer(d->runner_ctx, now_ms, call, c, p->items, p->flags, blobs, n_blobs);
	dispatch_end(d);
}

static void on_gone(void *ctx, struct client *c, int64_t now_ms, enum close_reason why)
{
	struct dispatch *d = ctx;

	(void)why;
	c->next_gone = NULL;
	*d->gone_end = c;
	d->gone_end = &c->next_gone;
	if (d->running)
		return;
	dispatch_begin(d, now_ms);
	dispatch_end(d);
}

static bool on_busy(void *ctx, const struct client *c)
{
	const struct dispatch *d = ctx;

	return d->runner->busy && d->runner->busy(d->runner_ctx, c);
}

static bool on_may_return(void *ctx, struct slice sid)
{
	struct dispatch *d = ctx;

	return d->runner->may_return == NULL || d->runner->may_return(d->runner_ctx, sid);
}

static const struct client_ops ops = { on_has_namespace, on_connect, on_event, on_answer, on_gone, on_busy,
	on_may_return };

/* --- Requests without a client ------------------------------------------------------------------------------------ */

bool dispatch_admit(
	struct dispatch *d, int64_t now_ms, const struct app_request *r, dispatch_decided_fn *decided, void *to)
{
	bool later;

	dispatch_begin(d, now_ms);
	later = d->runner->admit(d->runner_ctx, now_ms, r, decided, to);
	dispatch_end(d);
	return later;
}

void dispatch_forget_request(struct dispatch *d, void *to)
{
	d->runner->forget_request(d->runner_ctx, to);
}

bool dispatch_hears_refusals(const struct dispatch *d)
{
	return d->runner->hears_refusals(d->runner_ctx);
}

void dispatch_refused(struct dispatch *d, int64_t now_ms, const struct app_request *r, struct slice error)
{
	dispatch_begin(d, now_ms);
	d->runner->refused(d->runner_ctx, now_ms, r, error);
	dispatch_end(d);
}

/* --- Carrying out -------------------------------------------------------------------------------------------------- */

/* A runner that answers from inside of its function is within begin and end already. */
void dispatch_execute(struct dispatch *d, int64_t now_ms, struct client *c, const struct effect *first)
{
	bool inside = d->running;
	struct client *before = d->current;

	if (!inside)
		dispatch_begin(d, now_ms);
	d->current = c;
	effects_run(d, first);
	d->current = before;
	if (!inside)
		dispatch_end(d);
}

void dispatch_decide(
	struct dispatch *d, int64_t now_ms, dispatch_decided_fn *decided, void *to, const struct effect *first)
{
	d->decided = decided;
	d->decided_to = to;
	dispatch_execute(d, now_ms, NULL, first);
	d->decided = NULL;
}

/* --- Life ---------------------------------------------------------------------------------------------------------- */

void dispatch_init(struct dispatch *d, struct hub *hub, struct clients *clients, struct timers *timers)
{
	*d = (struct dispatch){ .hub = hub, .clients = clients, .timers = timers };
	d->gone_end = &d->gone;
	clients->ops = &ops;
	clients->ctx = d;
}

void dispatch_set_runner(struct dispatch *d, const struct runner_ops *runner, void *ctx)
{
	d->runner = runner;
	d->runner_ctx = ctx;
}

void dispatch_fini(struct dispatch *d)
{
	free(d->picked);
	arena_fini(&d->scratch);
}
