/* host.c - event records into the application. See host.h. */
#include <stdlib.h>

#include "alloc.h"
#include "host_internal.h"
#include "metrics.h"

const char host_no_state[] = "the state of its client is not here";

/* --- Running the application -------------------------------------------------------------------------------------- */

static void tick(struct timer *t, int64_t now_ms);

static void set_tick(struct host *h)
{
	int64_t due = app_due_ms(h->app);

	if (due == INT64_MAX)
		timer_stop(h->timers, &h->tick);
	else
		timer_set(h->timers, &h->tick, tick, due);
}

static void begin(struct host *h, int64_t now_ms)
{
	h->now_ms = now_ms;
	if (h->ops->running)
		h->ops->running(h->ctx, true);
}

static void end(struct host *h)
{
	if (h->ops->running)
		h->ops->running(h->ctx, false);
	set_tick(h);
}

void host_tick(struct host *h, int64_t now_ms)
{
	if (h->app == NULL)
		return;
	arena_reset(&h->arena);
	begin(h, now_ms);
	app_tick(h->app, now_ms);
	end(h);
}

static void tick(struct timer *t, int64_t now_ms)
{
	host_tick((struct host *)(void *)((char *)t - offsetof(struct host, tick)), now_ms);
}

/* --- Events ------------------------------------------------------------------------------------------------------- */

/* What an event is handled with. */
struct handling {
	const struct event_record *r;
	const struct client_state *state;
	const char *from;
	int attempt;
};

static struct app_event_in in_of(const struct handling *g, enum app_kind kind)
{
	const struct event_record *r = g->r;

	return (struct app_event_in){ .kind = kind,
		.name = r->name,
		.items = r->items,
		.flags = r->flags,
		.blobs = r->blobs,
		.n_blobs = r->n_blobs,
		.wants_ack = r->wants_ack,
		.ack_id = r->ack_id,
		.reason = r->reason.at,
		.attempt = g->attempt,
		.from = g->from };
}

static void run_client(struct host *h, const struct handling *g)
{
	static const enum app_kind kinds[] = {
		[RECORD_CONNECT] = APP_CONNECT, [RECORD_EVENT] = APP_EVENT, [RECORD_DISCONNECT] = APP_DISCONNECT
	};
	struct app_event_in in = in_of(g, kinds[g->r->kind]);
	struct app_client client = { .sid = g->r->sid.at,
		.nsp = g->r->nsp.at,
		.handshake = &g->state->handshake,
		.auth = g->state->auth,
		.claims = g->state->claims,
		.transport = g->state->transport,
		.recovered = g->state->recovered,
		.host = (void *)(uintptr_t)g->state };

	in.client = &client;
	app_event(h->app, h->now_ms, &in);
}

static struct app_request request_of(const struct handling *g)
{
	const char *transport = g->state->transport;

	return (struct app_request){ .handshake = &g->state->handshake,
		.transport = transport && *transport ? transport : NULL,
		.attempt = g->attempt };
}

static void run_handshake(struct host *h, const struct handling *g)
{
	struct app_request request = request_of(g);

	app_admit(h->app, h->now_ms, &request);
}

static void run_refused(struct host *h, const struct handling *g)
{
	struct app_request request = request_of(g);

	app_connection_error(h->app, h->now_ms, &request, g->r->error);
}

static void run_server(struct host *h, const struct handling *g)
{
	struct app_event_in in = in_of(g, APP_SERVER);

	app_server_event(h->app, h->now_ms, g->r->nsp.size ? g->r->nsp.at : "/", &in);
}

/* --- Answers ------------------------------------------------------------------------------------------------------ */

static void answer_expect(struct host *h, const struct event_record *r)
{
	app_call_expect(h->app, r->answer.call, (size_t)r->answer.count);
}

static void answer_given(struct host *h, const struct event_record *r)
{
	app_answer(h->app, h->now_ms, r->answer.call, r->answer.who.at, r->items, r->flags, r->blobs, r->n_blobs);
}

static void answer_gone(struct host *h, const struct event_record *r)
{
	app_answer_gone(h->app, h->now_ms, r->answer.call, r->answer.who.at);
}

static void answer_found(struct host *h, const struct event_record *r)
{
	app_call_found(h->app, r->answer.call, r->answer.found);
}

static void answer_silent(struct host *h, const struct event_record *r)
{
	app_call_silent(h->app, r->answer.call, r->answer.who);
}

static void answer_end(struct host *h, const struct event_record *r)
{
	app_call_end(h->app, r->answer.call, r->answer.status);
}

static void (*const answers[])(struct host *h, const struct event_record *r) = {
	[ANSWER_EXPECT] = answer_expect,
	[ANSWER_GIVEN] = answer_given,
	[ANSWER_GONE] = answer_gone,
	[ANSWER_FOUND] = answer_found,
	[ANSWER_SILENT] = answer_silent,
	[ANSWER_END] = answer_end,
};

/* What ended because of it runs now. */
static void run_answer(struct host *h, const struct handling *g)
{
	if (!slice_equal(g->r->answer.to, slice_str(h->config.by))) {
		metrics_count(M_ANSWERS_STRAY);
		return;
	}
	answers[g->r->answer.op](h, g->r);
	app_tick(h->app, h->now_ms);
}

static void (*const runs[])(struct host *h, const struct handling *g) = {
	[RECORD_CONNECT] = run_client,
	[RECORD_EVENT] = run_client,
	[RECORD_DISCONNECT] = run_client,
	[RECORD_HANDSHAKE] = run_handshake,
	[RECORD_REFUSED] = run_refused,
	[RECORD_SERVER] = run_server,
	[RECORD_ANSWER] = run_answer,
};

/* --- State -------------------------------------------------------------------------------------------------------- */

static bool is_of_client(const struct event_record *r)
{
	return r->kind == RECORD_CONNECT || r->kind == RECORD_EVENT || r->kind == RECORD_DISCONNECT;
}

/* The gateway writes the hash in the same turn as the event, so a newer one than the event's is one that was handed over
 * to it again. */
static const struct kept *take_record(struct host *h, const struct event_record *r, struct slice client)
{
	struct client_record c;

	if (client.size == 0 || client_record_read(&h->arena, client, &h->config.rules, &c) || c.state_n < r->state_n)
		return NULL;
	return kept_put(&h->kept, r->sid, r->state_n, &c.state);
}

/* NULL: it is not here. */
static const struct client_state *state_of(struct host *h, const struct event_record *r, struct slice client)
{
	static const struct client_state none = { .transport = "" };
	const struct kept *c;

	if (!is_of_client(r) || (r->state_n == 0 && r->has_state))
		return r->has_state ? &r->state : &none;
	if (r->state_n == 0)
		return &none;
	if (r->has_state)
		c = kept_put(&h->kept, r->sid, r->state_n, &r->state);
	else
		c = kept_find(&h->kept, r->sid);
	if (c == NULL || c->state_n != r->state_n)
		c = take_record(h, r, client);
	return c ? &c->state : NULL;
}

static void list_rooms(void *ctx, const struct app_client *client, void (*each)(void *to, struct slice room), void *to)
{
	const struct client_state *s = client->host;

	(void)ctx;
	for (size_t i = 0; i < s->n_rooms; i++)
		each(to, s->rooms[i]);
}

static void list_session(void *ctx, const struct app_client *client,
	void (*each)(void *to, struct slice key, struct slice json), void *to)
{
	const struct client_state *s = client->host;

	(void)ctx;
	for (size_t i = 0; i < s->n_session; i++)
		each(to, s->session[i].key, s->session[i].json);
}

/* --- One event ---------------------------------------------------------------------------------------------------- */

static bool says_something(const struct event_record *r)
{
	return r->kind == RECORD_EVENT || r->kind == RECORD_SERVER ||
	       (r->kind == RECORD_ANSWER && r->answer.op == ANSWER_GIVEN);
}

static void run(struct host *h, int64_t now_ms, const struct handling *g)
{
	h->event = g->r;
	h->owes = g->r->kind != RECORD_ANSWER;
	h->effects = NULL;
	h->effects_end = &h->effects;
	h->refused = false;
	begin(h, now_ms);
	runs[g->r->kind](h, g);
	batches_settle(h);
	end(h);
	h->event = NULL;
	if (g->r->kind == RECORD_DISCONNECT || h->refused)
		kept_drop(&h->kept, g->r->sid);
}

const char *host_event(struct host *h, int64_t now_ms, struct slice record, struct slice client, struct slice id,
	unsigned partition, int attempt)
{
	char from[64];
	struct event_record r;
	struct handling g = { .r = &r, .from = from, .attempt = attempt };
	const char *why;

	arena_reset(&h->arena);
	why = event_record_read(&h->arena, record, &h->config.rules, &r);
	if (why)
		return why;
	if (says_something(&r) && record_encoding(record) != h->config.encoding)
		return "it is in another encoding than this application's parser";
	g.state = state_of(h, &r, client);
	if (g.state == NULL)
		return host_no_state;
	from_write(from, sizeof(from), partition, r.node);
	h->partition = partition;
	h->id = id;
	run(h, now_ms, &g);
	return NULL;
}

/* --- Life --------------------------------------------------------------------------------------------------------- */

struct host *host_new(const struct host_config *config, struct timers *timers, const struct host_ops *ops, void *ctx)
{
	struct host *h = must_alloc(sizeof(*h));

	*h = (struct host){ .config = *config, .timers = timers, .ops = ops, .ctx = ctx };
	if (h->config.max_batch == 0)
		h->config.max_batch = config->rules.max_bytes;
	h->port = (struct app_port){ batches_execute, list_rooms, list_session, h };
	kept_init(&h->kept, config->max_clients, config->max_client_bytes);
	return h;
}

const struct app_port *host_port(struct host *h)
{
	return &h->port;
}

void host_start(struct host *h, struct app *app, int64_t now_ms)
{
	h->app = app;
	begin(h, now_ms);
	app_start(app, now_ms);
	app_lead(app, now_ms, false);
	end(h);
}

void host_lead(struct host *h, int64_t now_ms, bool leads)
{
	begin(h, now_ms);
	app_lead(h->app, now_ms, leads);
	end(h);
}

void host_stop(struct host *h, int64_t now_ms)
{
	begin(h, now_ms);
	app_stop(h->app, now_ms);
	end(h);
	timer_stop(h->timers, &h->tick);
}

void host_free(struct host *h)
{
	if (h == NULL)
		return;
	timer_stop(h->timers, &h->tick);
	kept_fini(&h->kept);
	arena_fini(&h->arena);
	buf_fini(&h->out);
	free(h);
}
