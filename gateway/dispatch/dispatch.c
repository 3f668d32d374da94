/* dispatch.c - events to the application. See dispatch.h. */
#include "dispatch.h"

#include <stdlib.h>

#include "dispatch_internal.h"

/* --- Running the application -------------------------------------------------------------------------------------- */

static void tick(struct timer *t, int64_t now_ms);

static void set_tick(struct dispatch *d)
{
	int64_t due = app_due_ms(d->app);

	if (due == INT64_MAX)
		timer_stop(d->timers, &d->tick);
	else
		timer_set(d->timers, &d->tick, tick, due);
}

/* What the application sees of a client; valid while the session is. */
struct view {
	struct app_handshake handshake;
	struct app_client client;
};

static const struct app_client *view_of(struct view *v, struct client *c)
{
	const struct session *s = client_session(c);

	v->handshake = (struct app_handshake){ s->handshake.query, s->handshake.headers, s->handshake.address.at };
	v->client = (struct app_client){ .sid = c->sid,
		.nsp = c->nsp.at,
		.handshake = &v->handshake,
		.auth = c->auth,
		.transport = session_transport(s),
		.host = c };
	return &v->client;
}

static void run_event(struct dispatch *d, struct client *c, struct app_event_in *in)
{
	struct view v;

	in->client = view_of(&v, c);
	d->current = c;
	app_event(d->app, d->now_ms, in);
	d->current = NULL;
}

static void tell_gone(struct dispatch *d, struct client *c)
{
	uint64_t call;

	while (client_take_pending(c, &call)) {
		if (call & CLUSTER_CALL)
			cluster_client_answer(d->cluster, d->now_ms, call, value_null());
		else
			app_answer_gone(d->app, d->now_ms, call, c->sid);
	}
	run_event(d, c, &(struct app_event_in){ .kind = APP_DISCONNECT, .reason = close_reason_text(c->why) });
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
	set_tick(d);
}

void dispatch_tick(struct dispatch *d, int64_t now_ms)
{
	dispatch_begin(d, now_ms);
	app_tick(d->app, now_ms);
	dispatch_end(d);
}

static void tick(struct timer *t, int64_t now_ms)
{
	dispatch_tick((struct dispatch *)(void *)((char *)t - offsetof(struct dispatch, tick)), now_ms);
}

/* --- What clients do ---------------------------------------------------------------------------------------------- */

static bool on_has_namespace(void *ctx, struct slice nsp)
{
	struct dispatch *d = ctx;

	return d->app && app_has_namespace(d->app, nsp);
}

static void on_connect(void *ctx, struct client *c, int64_t now_ms)
{
	struct dispatch *d = ctx;

	dispatch_begin(d, now_ms);
	run_event(d, c, &(struct app_event_in){ .kind = APP_CONNECT });
	dispatch_end(d);
}

static void on_event(void *ctx, struct client *c, int64_t now_ms, const struct sio_packet *p, const struct slice *blobs,
	size_t n_blobs)
{
	struct dispatch *d = ctx;

	dispatch_begin(d, now_ms);
	run_event(d, c,
		&(struct app_event_in){ .kind = APP_EVENT,
			.name = p->event,
			.items = p->items,
			.flags = p->flags,
			.blobs = blobs,
			.n_blobs = n_blobs,
			.wants_ack = p->has_id,
			.ack_id = p->id });
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
	app_answer(d->app, now_ms, call, c->sid, p->items, p->flags, blobs, n_blobs);
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

static const struct client_ops ops = { on_has_namespace, on_connect, on_event, on_answer, on_gone };

/* --- Requests without a client ------------------------------------------------------------------------------------ */

void dispatch_admit(struct dispatch *d, int64_t now_ms, const struct app_request *r,
	void (*decided)(void *to, const struct effect *e), void *to)
{
	d->decided = decided;
	d->decided_to = to;
	dispatch_begin(d, now_ms);
	app_admit(d->app, now_ms, r);
	dispatch_end(d);
}

bool dispatch_hears_refusals(const struct dispatch *d)
{
	return app_hears_connection_errors(d->app);
}

void dispatch_refused(struct dispatch *d, int64_t now_ms, const struct app_request *r, struct slice error)
{
	dispatch_begin(d, now_ms);
	app_connection_error(d->app, now_ms, r, error);
	dispatch_end(d);
}

/* --- The application's port --------------------------------------------------------------------------------------- */

static void list_rooms(void *ctx, const struct app_client *client, void (*each)(void *to, struct slice room), void *to)
{
	(void)ctx;
	client_rooms(client->host, each, to);
}

static void list_session(void *ctx, const struct app_client *client,
	void (*each)(void *to, struct slice key, struct slice json), void *to)
{
	(void)ctx;
	client_data(client->host, each, to);
}

struct app_limits dispatch_limits(const struct gateway_options *o)
{
	return (struct app_limits){
		.max_json_depth = (unsigned)o->max_json_depth,
		.max_room_bytes = (size_t)o->max_room_name,
		.max_timers = (size_t)o->max_timers,
		.max_effects = (size_t)o->max_effects,
		.ack_timeout_ms = o->ack_timeout_ms,
		.max_attachments = (size_t)o->max_attachments,
		.max_session_bytes = (size_t)o->max_session_bytes,
		.max_answers = (size_t)o->max_answers,
		.max_answer_bytes = (size_t)o->max_answer_memory,
		.max_handler_bytes = (size_t)o->max_handler_memory,
		.max_jobs = (size_t)o->max_background_tasks,
		.slow_handler_ms = o->slow_handler_ms,
	};
}

void dispatch_init(struct dispatch *d, struct hub *hub, struct clients *clients, struct timers *timers)
{
	*d = (struct dispatch){ .hub = hub, .clients = clients, .timers = timers };
	d->gone_end = &d->gone;
	d->port = (struct app_port){ effects_run, list_rooms, list_session, d };
	clients->ops = &ops;
	clients->ctx = d;
}

const struct app_port *dispatch_port(struct dispatch *d)
{
	return &d->port;
}

void dispatch_start(struct dispatch *d, struct app *app, int64_t now_ms)
{
	d->app = app;
	remote_keep_namespaces(d);
	dispatch_begin(d, now_ms);
	app_start(app, now_ms);
	dispatch_end(d);
}

void dispatch_stop(struct dispatch *d, int64_t now_ms)
{
	dispatch_begin(d, now_ms);
	app_stop(d->app, now_ms);
	dispatch_end(d);
	remote_forget(d);
	timer_stop(d->timers, &d->tick);
}

void dispatch_replace(struct dispatch *d, struct app *app, int64_t now_ms)
{
	dispatch_stop(d, now_ms);
	clients_forget_calls(d->clients); /* their numbers were the old application's */
	dispatch_start(d, app, now_ms);
}

void dispatch_fini(struct dispatch *d)
{
	free(d->picked);
	arena_fini(&d->scratch);
}
