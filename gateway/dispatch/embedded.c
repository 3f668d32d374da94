/* embedded.c - see embedded.h. */
#include "embedded.h"

/* What the application sees of a client; valid while the session is. */
struct view {
	struct app_handshake handshake;
	struct app_client client;
};

static const struct app_client *view_of(struct view *v, struct client *c)
{
	const struct session *s = client_session(c);
	struct session_handshake h = session_handshake(s);

	v->handshake = (struct app_handshake){ h.query, h.headers, h.address.at };
	v->client = (struct app_client){ .sid = c->sid,
		.nsp = c->nsp.at,
		.handshake = &v->handshake,
		.auth = client_auth(c),
		.claims = client_claims(c),
		.transport = session_transport(s),
		.recovered = c->recovered,
		.host = c };
	return &v->client;
}

static void run_event(struct embedded *e, int64_t now_ms, struct client *c, struct app_event_in *in)
{
	struct view v;

	in->client = view_of(&v, c);
	e->dispatch->current = c;
	e->dispatch->current_ack = in->ack_id;
	app_event(e->app, now_ms, in);
	e->dispatch->current = NULL;
}

/* --- What clients do ---------------------------------------------------------------------------------------------- */

static bool has_namespace(void *ctx, struct slice nsp)
{
	struct embedded *e = ctx;

	return e->app && app_has_namespace(e->app, nsp);
}

static void connect(void *ctx, int64_t now_ms, struct client *c)
{
	run_event(ctx, now_ms, c, &(struct app_event_in){ .kind = APP_CONNECT });
}

static void event(void *ctx, int64_t now_ms, struct client *c, const struct sio_packet *p, const struct slice *blobs,
	size_t n_blobs)
{
	struct embedded *e = ctx;

	run_event(e, now_ms, c,
		&(struct app_event_in){ .kind = APP_EVENT,
			.name = p->event,
			.items = p->items,
			.flags = p->flags,
			.blobs = blobs,
			.n_blobs = n_blobs,
			.wants_ack = p->has_id,
			.ack_id = p->id });
	if (p->has_id && c->state == CLIENT_JOINED && c->n_owed < UINT16_MAX && app_defers(e->app))
		c->n_owed++;
}

/* One that could not be let in, for want of memory, is no news. */
static void gone(void *ctx, int64_t now_ms, struct client *c)
{
	if (c->was_joined)
		run_event(ctx, now_ms, c,
			&(struct app_event_in){ .kind = APP_DISCONNECT, .reason = close_reason_text(c->why) });
}

/* --- Requests without a client, and other servers ------------------------------------------------------------------ */

static bool admit(void *ctx, int64_t now_ms, const struct app_request *r, dispatch_decided_fn *decided, void *to)
{
	struct embedded *e = ctx;

	e->dispatch->decided = decided;
	e->dispatch->decided_to = to;
	app_admit(e->app, now_ms, r);
	return false;
}

static void forget_request(void *ctx, void *to)
{
	(void)ctx;
	(void)to;
}

static bool hears_refusals(void *ctx)
{
	const struct embedded *e = ctx;

	return app_hears_connection_errors(e->app);
}

static void refused(void *ctx, int64_t now_ms, const struct app_request *r, struct slice error)
{
	struct embedded *e = ctx;

	app_connection_error(e->app, now_ms, r, error);
}

static void server_event(void *ctx, int64_t now_ms, const char *nsp, const struct app_event_in *in)
{
	struct embedded *e = ctx;

	if (e->app)
		app_server_event(e->app, now_ms, nsp, in);
}

static void namespaces(void *ctx, void (*each)(void *to, struct slice nsp), void *to)
{
	const struct embedded *e = ctx;

	app_namespaces(e->app, each, to);
}

/* --- What the application asked ------------------------------------------------------------------------------------ */

static void call_expect(void *ctx, int64_t now_ms, uint64_t call, size_t clients)
{
	struct embedded *e = ctx;

	(void)now_ms;
	app_call_expect(e->app, call, clients);
}

static void call_answer(void *ctx, int64_t now_ms, uint64_t call, struct client *from, struct slice items,
	unsigned flags, const struct slice *blobs, size_t n_blobs)
{
	struct embedded *e = ctx;

	app_answer(e->app, now_ms, call, from ? from->sid : "", items, flags, blobs, n_blobs);
}

static void call_gone(void *ctx, int64_t now_ms, uint64_t call, struct client *from)
{
	struct embedded *e = ctx;

	app_answer_gone(e->app, now_ms, call, from ? from->sid : "");
}

static bool call_found(void *ctx, int64_t now_ms, uint64_t call, struct slice json)
{
	struct embedded *e = ctx;

	(void)now_ms;
	return app_call_found(e->app, call, json);
}

static void call_silent(void *ctx, int64_t now_ms, uint64_t call, struct slice name)
{
	struct embedded *e = ctx;

	(void)now_ms;
	app_call_silent(e->app, call, name);
}

static void call_end(void *ctx, int64_t now_ms, uint64_t call, int status)
{
	struct embedded *e = ctx;

	(void)now_ms;
	app_call_end(e->app, call, status);
}

/* --- Its timers ---------------------------------------------------------------------------------------------------- */

static void on_tick(struct timer *t, int64_t now_ms)
{
	embedded_tick((struct embedded *)(void *)((char *)t - offsetof(struct embedded, tick)), now_ms);
}

static void settled(void *ctx, int64_t now_ms)
{
	struct embedded *e = ctx;
	int64_t due = e->app ? app_due_ms(e->app) : INT64_MAX;

	(void)now_ms;
	if (due == INT64_MAX)
		timer_stop(e->dispatch->timers, &e->tick);
	else
		timer_set(e->dispatch->timers, &e->tick, on_tick, due);
}

void embedded_tick(struct embedded *e, int64_t now_ms)
{
	dispatch_begin(e->dispatch, now_ms);
	app_tick(e->app, now_ms);
	dispatch_end(e->dispatch);
}

static const struct runner_ops ops = { .has_namespace = has_namespace,
	.connect = connect,
	.event = event,
	.gone = gone,
	.admit = admit,
	.forget_request = forget_request,
	.hears_refusals = hears_refusals,
	.refused = refused,
	.server_event = server_event,
	.namespaces = namespaces,
	.call_expect = call_expect,
	.call_answer = call_answer,
	.call_gone = call_gone,
	.call_found = call_found,
	.call_silent = call_silent,
	.call_end = call_end,
	.settled = settled };

/* --- The application's port --------------------------------------------------------------------------------------- */

static void execute(void *ctx, const struct effect *first)
{
	struct embedded *e = ctx;

	dispatch_execute(e->dispatch, e->dispatch->now_ms, e->dispatch->current, first);
}

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

struct app_limits embedded_limits(const struct gateway_options *o)
{
	return app_limits_of(o);
}

/* --- Life ---------------------------------------------------------------------------------------------------------- */

void embedded_init(struct embedded *e, struct dispatch *d)
{
	*e = (struct embedded){ .dispatch = d };
	e->port = (struct app_port){ execute, list_rooms, list_session, e };
	dispatch_set_runner(d, &ops, e);
}

const struct app_port *embedded_port(struct embedded *e)
{
	return &e->port;
}

void embedded_start(struct embedded *e, struct app *app, int64_t now_ms)
{
	e->app = app;
	dispatch_keep_namespaces(e->dispatch);
	dispatch_begin(e->dispatch, now_ms);
	app_start(app, now_ms);
	dispatch_end(e->dispatch);
}

void embedded_stop(struct embedded *e, int64_t now_ms)
{
	dispatch_begin(e->dispatch, now_ms);
	app_stop(e->app, now_ms);
	dispatch_end(e->dispatch);
	dispatch_forget_calls(e->dispatch);
	timer_stop(e->dispatch->timers, &e->tick);
}

void embedded_replace(struct embedded *e, struct app *app, int64_t now_ms)
{
	embedded_stop(e, now_ms);
	clients_forget_calls(e->dispatch->clients); /* their numbers were the old application's */
	embedded_start(e, app, now_ms);
}
