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

/* Named as soon as its code has run: what follows is the host's. */
static void note_if_slow(struct app *a, const struct stoa_event *ev)
{
	int64_t took_ms = a->clock_ms && a->limits.slow_handler_ms ? a->clock_ms() - a->begun_ms : 0;

	if (took_ms <= a->limits.slow_handler_ms)
		return;
	metrics_count(M_SLOW_HANDLERS);
	log_warn("slow handler", LOG_I("ms", took_ms), LOG_S("event", ev->name), LOG_S("nsp", ev->nsp),
		LOG_S("sid", ev->sid ? ev->sid : "-"));
}

static void note_if_large(struct app *a, const struct stoa_event *ev)
{
	if (!a->arena.refused)
		return;
	metrics_count(M_LIMIT_HANDLER_MEMORY);
	log_warn("handler out of memory", LOG_I("max_handler_memory", a->arena.limit_bytes), LOG_S("event", ev->name),
		LOG_S("nsp", ev->nsp), LOG_S("sid", ev->sid ? ev->sid : "-"));
}

/* The arena is empty: the last event_end() has left it so. */
void event_begin(struct app *a, struct stoa_event *ev)
{
	a->begun_ms = a->clock_ms ? a->clock_ms() : 0;
	a->running = ev;
	a->work = &a->arena;
	app_current = a;
	a->batch.first = NULL;
	a->batch.end = &a->batch.first;
	a->batch.count = 0;
}

void event_execute(struct app *a, const struct stoa_event *ev, const struct effect *first)
{
	if (first == NULL || a->is_mute)
		return;
	a->origin = (struct app_origin){ ev->sid, ev->nsp, ev->from, ev->is_later };
	a->port->execute(a->port->ctx, first);
}

void event_end(struct app *a)
{
	const struct stoa_event *ev = a->running;

	note_if_slow(a, ev);
	note_if_large(a, ev);
	if (!ev->is_later)
		a->defers = ev->ack == ACK_TAKEN;
	a->running = NULL;
	a->work = NULL;
	app_current = NULL;
	event_execute(a, ev, a->batch.first);
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
	case -E2BIG:
		return "too large";
	case -EAGAIN:
		return "too many of them";
	default:
		if (status > 0)
			return "";
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

static struct complaint *complaint_about(struct mail *m, const char *call)
{
	for (size_t i = 0; i < COMPLAINTS; i++) {
		struct complaint *c = &m->complaints[i];

		if (c->call == NULL)
			c->call = call;
		if (strcmp(c->call, call) == 0)
			return c;
	}
	return &m->complaints[COMPLAINTS - 1];
}

/* Whether to say it now; *unsaid: how many were not. A client may be able to make calls fail as often as it likes. */
static bool may_complain(struct app *a, const char *call, int64_t *unsaid)
{
	struct app *home = app_home(a);
	int64_t now_ms = a->clock_ms ? a->clock_ms() : a->now_ms;
	struct complaint *c;
	bool now;

	pthread_mutex_lock(&home->mail.lock);
	c = complaint_about(&home->mail, call);
	now = now_ms >= c->next_ms;
	*unsaid = c->unsaid;
	c->unsaid = now ? 0 : c->unsaid + 1;
	if (now)
		c->next_ms = now_ms + 1000;
	pthread_mutex_unlock(&home->mail.lock);
	return now;
}

int call_failed(struct stoa_event *ev, const char *call, int error, const char *why)
{
	struct app *a = ev ? ev->app : app_current;
	int64_t unsaid = 0;

	if (a == NULL || may_complain(a, call, &unsaid))
		log_warn("call failed", LOG_S("call", call), LOG_S("error", why ? why : error_words(error)),
			LOG_S("event", ev && ev->name ? ev->name : "-"), LOG_S("nsp", ev ? ev->nsp : "-"),
			LOG_S("sid", ev && ev->sid ? ev->sid : "-"),
			unsaid ? LOG_I("unsaid", unsaid) : (struct log_pair){ 0 });
	if (a && app_is_desk(a))
		job_forget(a);
	return error;
}

/* --- Failing ------------------------------------------------------------------------------------------------------ */

int do_fail(struct stoa_event *ev, const char *message, struct stoa_list list)
{
	int error = 0;

	ev->has_failed = true;
	ev->message = arena_copy(ev->app->work, message ? message : "", message ? strlen(message) : 0);
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
	int status = 0;

	for (struct rule *r = ev->app->registry.uses; r && status >= 0; r = r->next)
		if (registry_fits(r->pattern, slice_str(ev->nsp)))
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
	payload_of_refusal(ev->app, message, &ev->data, &p);
	e->json = p.json;
	effect_put_first(ev->app, e);
}

static const char *refusal_words(const struct stoa_event *ev, int status, const char *otherwise)
{
	return ev->has_failed || (status == STOA_EINPUT && ev->misfit) ? failure_words(ev, status) : otherwise;
}

const char *event_ask(struct stoa_event *ev, struct handler h, const char *otherwise)
{
	int status = h.fn ? call(ev, h) : 0;

	return status < 0 ? refusal_words(ev, status, otherwise) : NULL;
}

/* A refusal is the answer that the application gave, not a failure of it. */
static void finish_connect(struct stoa_event *ev, int status)
{
	const char *message;

	if (status >= 0) {
		accept(ev->app);
		return;
	}
	message = refusal_words(ev, status, "Connection rejected by server"); /* python-socketio's words */
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
