/*
 * event.c - one event through its handlers.
 *
 * Middleware, then the handler; if either fails, the error handler; and whatever happened, an ack that the client asked
 * for is settled before the batch leaves.
 */
#include "internal.h"
#include "log.h"
#include "metrics.h"

#include <errno.h>
#include <string.h>

void event_begin(struct app *a, struct stoa_event *ev)
{
	a->running = ev;
	a->work = &a->arena;
	app_current = a;
	arena_reset(&a->arena);
	a->batch.first = NULL;
	a->batch.end = &a->batch.first;
	a->batch.count = 0;
}

void event_end(struct app *a)
{
	const struct effect *first = a->batch.first;

	a->running = NULL;
	a->work = NULL;
	app_current = NULL;
	if (first && !a->is_mute)
		a->port->execute(a->port->ctx, first);
	a->batch.first = NULL;
	arena_reset(&a->arena);
}

/* --- In words ----------------------------------------------------------------------------------------------------- */

const char *error_words(int status)
{
	switch (status) {
	case 0:
		return "";
	case -ETIMEDOUT:
		return "operation has timed out"; /* as the reference says it */
	case -ENOTCONN:
		return "the client has disconnected";
	case -ECANCELED:
		return "cancelled";
	default:
		return status < -1 && status > -4096 ? strerror(-status) : "the handler failed";
	}
}

/* Why an event failed: what was said of it, or what the number means. */
static const char *failure_words(const struct stoa_event *ev, int status)
{
	if (ev->has_failed)
		return ev->message;
	if (status == STOA_EINPUT && ev->misfit)
		return ev->misfit;
	return error_words(status);
}

void event_log(struct stoa_event *ev, const char *what)
{
	log_warn(what, LOG_S("error", ev->error), LOG_S("event", ev->name), LOG_S("nsp", ev->nsp),
		LOG_S("sid", ev->sid ? ev->sid : "-"));
}

int call_failed(struct stoa_event *ev, const char *call, int error, const char *why)
{
	log_warn("call failed", LOG_S("call", call), LOG_S("error", why ? why : error_words(error)),
		LOG_S("event", ev && ev->name ? ev->name : "-"), LOG_S("nsp", ev ? ev->nsp : "-"),
		LOG_S("sid", ev && ev->sid ? ev->sid : "-"));
	return error;
}

/* --- Failing ------------------------------------------------------------------------------------------------------ */

int do_fail(struct stoa_event *ev, const char *message, struct stoa_list list)
{
	int error = 0;

	ev->has_failed = true;
	ev->message = arena_copy(&ev->app->arena, message ? message : "", message ? strlen(message) : 0);
	if (ev->message == NULL)
		ev->message = "out of memory";
	ev->data = (struct payload){ .blobs = NULL };
	if (list.size > 1)
		error = payload_of_value(ev->app, list.at[1], &ev->data);
	if (error == 0 && ev->in && ev->in->kind == APP_CONNECT && ev->data.n_blobs)
		error = -EINVAL; /* a refusal carries no attachments */
	if (error < 0) {
		ev->data = (struct payload){ .blobs = NULL };
		call_failed(ev, "stoa_fail", error, "data that cannot be sent is left out");
	}
	return -EPERM;
}

static int call(struct stoa_event *ev, struct handler h)
{
	int status;

	ev->ctx = h.ctx;
	status = h.fn(ev);
	return ev->has_failed && status >= 0 ? -EPERM : status;
}

/* What the error handler says in failing is its own affair: the client hears of the first error. */
static void run_error_handler(struct stoa_event *ev, struct handler h)
{
	const char *first = ev->error;
	struct payload data = ev->data;
	int status;

	ev->has_failed = false;
	ev->misfit = NULL;
	status = call(ev, h);
	if (status < 0) {
		ev->error = failure_words(ev, status);
		event_log(ev, "error handler failed");
	}
	ev->error = first;
	ev->data = data;
}

static void fail(struct stoa_event *ev, int status)
{
	struct handler h = registry_error(&ev->app->registry, slice_str(ev->nsp));

	metrics_count(M_HANDLER_ERRORS);
	ev->error = failure_words(ev, status);
	ev->status = status;
	ack_revoke(ev);
	if (h.fn)
		run_error_handler(ev, h);
	else
		event_log(ev, "handler failed");
	ack_settle_failed(ev, ev->error);
}

/* --- Running ------------------------------------------------------------------------------------------------------ */

static int run_uses(struct stoa_event *ev)
{
	struct slice nsp = slice_str(ev->nsp);
	int status = 0;

	for (struct rule *r = ev->app->registry.uses; r && status >= 0; r = r->next)
		if (registry_fits(r->pattern, nsp))
			status = call(ev, r->handler);
	return status;
}

static void accept(struct app *a)
{
	struct effect *e = effect_add(a, EFFECT_ACCEPT);

	if (e)
		effect_put_first(a, e);
}

static void refuse(struct stoa_event *ev, const char *message)
{
	struct effect *e = effect_add(ev->app, EFFECT_REFUSE);
	struct payload p;

	if (e == NULL)
		return;
	if (payload_of_refusal(ev->app, message, &ev->data, &p) < 0)
		p.json = SLICE("{\"message\":\"Connection rejected by server\"}");
	e->json = p.json;
	effect_put_first(ev->app, e);
}

/* A refusal is the answer that the application gave, not a failure of it. */
static void finish_connect(struct stoa_event *ev, int status)
{
	const char *message = "Connection rejected by server"; /* python-socketio's words */

	if (status >= 0) {
		accept(ev->app);
		return;
	}
	if (ev->has_failed || (status == STOA_EINPUT && ev->misfit))
		message = failure_words(ev, status);
	log_debug("connect refused", LOG_S("error", message), LOG_S("nsp", ev->nsp), LOG_S("sid", ev->sid));
	refuse(ev, message);
}

void event_run_client(struct stoa_event *ev, const struct nsp *n)
{
	struct handler h;
	int status;

	if (n == NULL) {
		if (ev->in->kind == APP_CONNECT)
			refuse(ev, "Invalid namespace");
		return;
	}
	h = registry_handler(n, ev->in->kind, ev->name_text);
	status = run_uses(ev);
	if (status >= 0 && h.fn)
		status = call(ev, h);
	if (ev->in->kind == APP_CONNECT)
		finish_connect(ev, status);
	else if (status < 0)
		fail(ev, status);
	else
		ack_settle(ev, h.fn != NULL);
}

void event_run_plain(struct stoa_event *ev, struct handler h)
{
	int status = call(ev, h);

	if (status < 0)
		fail(ev, status);
}
