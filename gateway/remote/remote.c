/* remote.c - the runner: what clients do, becoming and ending. See remote.h. */
#include "remote.h"

#include <stdlib.h>

#include "alloc.h"
#include "remote_internal.h"

/* --- What clients do ---------------------------------------------------------------------------------------------- */

/* Who it is may become known while it waits. */
static bool has_namespace(void *ctx, struct slice nsp)
{
	const struct app_record *app = remote_app(ctx);

	return app == NULL || app_record_has_namespace(app, nsp);
}

static void refuse_connect(struct remote *r, int64_t now_ms, struct client *c, enum refusal why)
{
	refusal_note(r, now_ms, why, RECORD_CONNECT, slice_str(c->sid));
	refuse_client(r, c, slice_str(refusal_words[why]));
}

static void connect(void *ctx, int64_t now_ms, struct client *c)
{
	struct remote *r = ctx;
	struct event_text none = { .n_blobs = 0 };
	enum refusal why = REFUSED_MEMORY;
	struct remote_event *e = NULL;

	if (may_wait(r, now_ms, NULL, sizeof(*e) + sizeof(struct lane), &why))
		e = remote_event_new(r, now_ms, RECORD_CONNECT, &none);
	if (e)
		lane_add(lane_new(r, c), now_ms, e);
	else
		refuse_connect(r, now_ms, c, why);
}

static void event(void *ctx, int64_t now_ms, struct client *c, const struct sio_packet *p, const struct slice *blobs,
	size_t n_blobs)
{
	struct remote *r = ctx;
	struct lane *l = c->upper;
	struct event_text text = { .name = p->event, .items = p->items, .blobs = blobs, .n_blobs = n_blobs };
	enum refusal why = REFUSED_MEMORY;
	struct remote_event *e = NULL;

	if (may_wait(r, now_ms, l, sizeof(*e) + p->event.size + p->items.size, &why))
		e = remote_event_new(r, now_ms, RECORD_EVENT, &text);
	if (e == NULL) {
		refusal_note(r, now_ms, why, RECORD_EVENT, l->sid);
		if (p->has_id)
			refuse_ack(r, c, p->id, slice_str(refusal_words[why]));
		return;
	}
	e->flags = p->flags;
	e->wants_ack = p->has_id;
	e->ack_id = p->id;
	lane_add(l, now_ms, e);
}

/* The application never heard of one whose CONNECT had not been sent. */
static void gone(void *ctx, int64_t now_ms, struct client *c)
{
	struct remote *r = ctx;
	struct lane *l = c->upper;
	struct remote_event *e;

	if (l == NULL)
		return;
	if (l->first && l->first->carried.kind == RECORD_CONNECT && !l->first->tried) {
		lane_free(l);
		return;
	}
	state_keep(l);
	c->upper = NULL;
	l->client = NULL;
	e = remote_event_new(r, now_ms, RECORD_DISCONNECT, &(struct event_text){ .n_blobs = 0 });
	if (e == NULL) {
		if (l->first == NULL)
			lane_free(l);
		return;
	}
	e->carried.due_ms = INT64_MAX;
	e->reason = close_reason_text(c->why);
	lane_add(l, now_ms, e);
}

static bool busy(void *ctx, const struct client *c)
{
	const struct lane *l = c->upper;

	(void)ctx;
	return l && (l->first || l->n_deferred);
}

/* Its end is still to be handled, or what of it is, was given up while somebody may have been at it. */
static bool may_return(void *ctx, struct slice sid)
{
	const struct remote *r = ctx;

	return map_find(&r->lanes, sid) == NULL;
}

/* --- What else ---------------------------------------------------------------------------------------------------- */

static bool hears_refusals(void *ctx)
{
	const struct app_record *app = remote_app(ctx);

	return app && app->hears_refusals;
}

static bool is_pattern(struct slice nsp)
{
	return nsp.size && nsp.at[nsp.size - 1] == '*';
}

static void namespaces(void *ctx, void (*each)(void *to, struct slice nsp), void *to)
{
	const struct app_record *app = remote_app(ctx);

	for (size_t i = 0; app && i < app->n_namespaces; i++)
		if (!is_pattern(app->namespaces[i]))
			each(to, app->namespaces[i]);
}

static void settled(void *ctx, int64_t now_ms)
{
	(void)ctx;
	(void)now_ms;
}

static const struct runner_ops ops = { .has_namespace = has_namespace,
	.connect = connect,
	.event = event,
	.gone = gone,
	.busy = busy,
	.may_return = may_return,
	.admit = request_admit,
	.forget_request = request_forget,
	.hears_refusals = hears_refusals,
	.refused = request_refused,
	.server_event = request_server_event,
	.namespaces = namespaces,
	.call_expect = ask_expect,
	.call_answer = ask_answer,
	.call_gone = ask_gone,
	.call_found = ask_found,
	.call_silent = ask_silent,
	.call_end = ask_end,
	.settled = settled };

/* --- Life ---------------------------------------------------------------------------------------------------------- */

struct remote *remote_new(const struct remote_config *config, struct dispatch *d)
{
	struct remote *r = must_alloc(sizeof(*r));

	r->config = *config;
	r->dispatch = d;
	r->timers = d->timers;
	r->encoding = d->clients->config.parser->encoding;
	r->todo_end = &r->todo;
	r->alone_since_ms = INT64_MIN;
	dispatch_set_runner(d, &ops, r);
	return r;
}

void remote_set_carrier(struct remote *r, const struct carrier_ops *carrier, void *ctx)
{
	r->carrier = carrier;
	r->carrier_ctx = ctx;
}

void remote_free(struct remote *r)
{
	struct map_node *node, *next;

	if (r == NULL)
		return;
	dispatch_forget_calls(r->dispatch);
	asks_free(r);
	map_foreach(&r->lanes, node, next) lane_free(map_item(node, struct lane, by_sid));
	remote_end(r, 0);
	timer_stop(r->timers, &r->pump);
	arena_fini(&r->arena);
	arena_fini(&r->reading);
	buf_fini(&r->record);
	free(r);
}

size_t remote_events(const struct remote *r)
{
	return map_count(&r->events);
}

/* Who waits to be let in is told, if it still can be. */
static void end_request(struct remote *r, struct remote_event *e)
{
	dispatch_decided_fn *decided = e->decided;

	request_unask(r, e);
	if (decided)
		decided(e->decided_to, NULL, "The server is ending");
	lane_free(e->lane); /* it has this one alone */
}

void remote_end(struct remote *r, int64_t now_ms)
{
	struct map_node *node, *next;

	(void)now_ms;
	r->is_ending = true;
	map_foreach(&r->events, node, next)
	{
		struct remote_event *e = map_item(node, struct remote_event, by_number);

		if (e->lane->sid.size == 0)
			end_request(r, e);
	}
}

const char *remote_trouble(const struct remote *r)
{
	if (remote_app(r) == NULL)
		return "no broker has been seen";
	if (!r->is_ready)
		return "the application cannot be reached";
	return r->is_served ? NULL : "no broker is there";
}
