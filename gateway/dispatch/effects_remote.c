/* effects_remote.c - the part of an effect that concerns clients and applications of other processes. */
#include <stdlib.h>

#include "alloc.h"
#include "dispatch_internal.h"
#include "json.h"
#include "msgpack.h"

/* --- Values ------------------------------------------------------------------------------------------------------- */

static bool is_msgpack(const struct dispatch *d)
{
	return d->clients->config.parser->encoding == VALUE_MSGPACK;
}

/* What an effect sends, as the bus takes it. In d->scratch. */
static struct stoa_value value_of(struct dispatch *d, const struct effect *e)
{
	if (is_msgpack(d))
		return msgpack_decode(&d->scratch, e->json, MSGPACK_CLIENT);
	return value_of_json(&d->scratch, e->json, e->n_blobs ? JSON_BLOBS : 0, e->blobs, e->n_blobs);
}

/* The other way: the items of an array, as the application takes them from a client. */
struct remote_items {
	struct buf text;
	struct json_blobs blobs;
};

static struct slice items_of(struct dispatch *d, struct stoa_value array, struct remote_items *r)
{
	struct stoa_value spread = { .kind_ = VALUE_SPREAD, .as_.at = &array };
	int error = 0;

	if (is_msgpack(d))
		for (size_t i = 0; i < array.size_ && error == 0; i++)
			error = msgpack_encode(&r->text, value_at(array, i), MSGPACK_CLIENT);
	else
		error = json_encode_items(&r->text, &spread, 1, &r->blobs);
	return error ? slice_of(NULL, 0) : buf_slice(&r->text);
}

static void items_fini(struct remote_items *r)
{
	buf_fini(&r->text);
	json_blobs_fini(&r->blobs);
}

/* --- Whom --------------------------------------------------------------------------------------------------------- */

bool remote_concerns(const struct dispatch *d, const struct effect_target *to)
{
	return d->cluster && !to->local && (to->n_rooms || to->broadcast);
}

/* The sender is left out by its id there: it is in no other process. Only a room of its id, which somebody else may have
 * joined, makes that more than a formality; Node says it too. */
static struct wire_names skip_of(struct dispatch *d, const struct effect_target *to, const char *self)
{
	struct wire_names skip = { arena_take(&d->scratch, (to->n_skip + 1) * sizeof(struct slice)), 0 };

	if (skip.at == NULL)
		return skip;
	for (; skip.count < to->n_skip; skip.count++)
		skip.at[skip.count] = to->skip[skip.count];
	if (self)
		skip.at[skip.count++] = slice_str(self);
	return skip;
}

/* Names are the effect's; the list is not changed. */
static struct wire_names rooms_of(struct dispatch *d, const struct effect_target *to)
{
	struct wire_names rooms = { arena_take(&d->scratch, to->n_rooms * sizeof(struct slice)), to->n_rooms };

	if (rooms.at == NULL)
		rooms.count = 0;
	else if (to->n_rooms)
		memcpy(rooms.at, to->rooms, to->n_rooms * sizeof(struct slice));
	return rooms;
}

static struct cluster_target target_of(struct dispatch *d, const struct effect_target *to, const char *self)
{
	return (struct cluster_target){ .nsp = slice_str(to->nsp),
		.rooms = rooms_of(d, to),
		.except = skip_of(d, to, self),
		.is_volatile = to->is_volatile,
		.uncompressed = to->uncompressed,
		.latest = to->latest };
}

/* --- Telling ------------------------------------------------------------------------------------------------------ */

bool remote_emit(struct dispatch *d, const struct effect *e, const char *self, bool ordered)
{
	struct cluster_target t = target_of(d, &e->to, self);
	int error;

	t.ordered = ordered;
	error = cluster_emit(d->cluster, &t, value_of(d, e));
	arena_reset(&d->scratch);
	return error == 0;
}

bool remote_orders(const struct dispatch *d, const struct effect_target *to)
{
	return remote_concerns(d, to) && cluster_orders(d->cluster, slice_str(to->nsp));
}

void remote_change(struct dispatch *d, const struct effect *e, const char *self)
{
	struct cluster_target t = target_of(d, &e->to, self);
	struct slice room = e->room;
	struct wire_names rooms = { &room, 1 };

	if (e->kind == EFFECT_JOIN)
		cluster_join_rooms(d->cluster, d->now_ms, &t, &rooms);
	else if (e->kind == EFFECT_LEAVE)
		cluster_leave_rooms(d->cluster, &t, &rooms);
	else
		cluster_disconnect(d->cluster, &t, e->transport);
	arena_reset(&d->scratch);
}

/* --- Asking ------------------------------------------------------------------------------------------------------- */

/* A call of the application that other processes answer too. */
struct remote_call {
	struct remote_call *next, **link;
	struct dispatch *dispatch;
	uint64_t call;
	size_t here;     /* answers to come of clients of this process */
	size_t answers;  /* that others gave */
	size_t expected; /* of theirs, as the application was told */
};

static struct remote_call *remote_new(struct dispatch *d, uint64_t call, size_t here)
{
	struct remote_call *r = must_alloc(sizeof(*r));

	*r = (struct remote_call){
		.next = d->remote_calls, .link = &d->remote_calls, .dispatch = d, .call = call, .here = here
	};
	if (r->next)
		r->next->link = &r->next;
	d->remote_calls = r;
	return r;
}

static void remote_free(struct remote_call *r)
{
	*r->link = r->next;
	if (r->next)
		r->next->link = r->link;
	free(r);
}

/* A client's or a server's answer: its arguments. */
static void on_arguments(void *to, uint64_t tag, int64_t now_ms, struct stoa_value args)
{
	struct remote_call *r = to;
	struct dispatch *d = r->dispatch;
	struct remote_items items = { BUF_INIT, { 0 } };
	struct slice text = items_of(d, args, &items);

	(void)tag;
	r->answers++;
	dispatch_begin(d, now_ms);
	d->runner->call_answer(d->runner_ctx, now_ms, r->call, NULL, text, items.blobs.count ? JSON_BLOBS : 0,
		items.blobs.at, items.blobs.count);
	dispatch_end(d);
	items_fini(&items);
}

static void on_client(void *to, uint64_t tag, int64_t now_ms, struct stoa_value description)
{
	struct remote_call *r = to;
	const struct dispatch *d = r->dispatch;
	struct buf json = BUF_INIT;

	(void)tag;
	if (json_encode(&json, description, NULL) == 0 &&
		d->runner->call_found(d->runner_ctx, now_ms, r->call, buf_slice(&json)))
		r->answers++;
	buf_fini(&json);
}

static void on_counted(void *to, uint64_t tag, int64_t now_ms, uint64_t clients)
{
	struct remote_call *r = to;
	struct dispatch *d = r->dispatch;

	(void)tag;
	r->expected = (size_t)clients;
	dispatch_begin(d, now_ms);
	d->runner->call_expect(d->runner_ctx, now_ms, r->call, r->here + r->expected);
	dispatch_end(d);
}

static void on_end(void *to, uint64_t tag, int64_t now_ms, int status, const struct slice *silent, size_t n_silent)
{
	struct remote_call *r = to;
	struct dispatch *d = r->dispatch;
	uint64_t call = r->call;
	size_t expected = r->here + r->answers;
	bool some_went = r->expected > r->answers; /* with their node: nobody waits for them */

	(void)tag;
	remote_free(r);
	dispatch_begin(d, now_ms);
	for (size_t i = 0; i < n_silent; i++)
		d->runner->call_silent(d->runner_ctx, now_ms, call, silent[i].size ? silent[i] : SLICE("?"));
	if (status < 0)
		d->runner->call_end(d->runner_ctx, now_ms, call, status);
	else
		d->runner->call_expect(d->runner_ctx, now_ms, call, expected + some_went);
	if (status == 0 && some_went)
		d->runner->call_gone(d->runner_ctx, now_ms, call, NULL);
	dispatch_end(d);
}

static int ask(struct dispatch *d, const struct effect *e, const char *self, const struct cluster_asker *who)
{
	struct cluster_target t = target_of(d, &e->to, self);

	if (e->kind == EFFECT_CALL)
		return cluster_ask(d->cluster, d->now_ms, &t, value_of(d, e), e->timeout_ms, who);
	if (e->kind == EFFECT_FETCH)
		return cluster_fetch(d->cluster, d->now_ms, &t, e->timeout_ms, who);
	return cluster_servers(d->cluster, d->now_ms, t.nsp, value_of(d, e), e->timeout_ms, e->call ? who : NULL);
}

/* The nodes that could not be asked, as when the bus is down: the application is told who is missing. */
static void name_unasked(struct dispatch *d, const struct effect *e)
{
	struct map_node *at, *next;

	map_foreach(&cluster_nodes(d->cluster)->by_uid, at, next)
	{
		const struct node *n = map_item(at, struct node, by_uid);

		if (node_has_namespace(n, slice_str(e->to.nsp)))
			d->runner->call_silent(d->runner_ctx, d->now_ms, e->call, slice_str(n->name));
	}
}

/* With nobody else to ask it is the answers here that count. */
void remote_ask(struct dispatch *d, const struct effect *e, size_t here, const char *self)
{
	struct remote_call *r = remote_new(d, e->call, here);
	struct cluster_asker who = { .answer = e->kind == EFFECT_FETCH ? on_client : on_arguments,
		.counted = e->kind == EFFECT_CALL ? on_counted : NULL,
		.end = on_end,
		.to = r,
		.tag = e->kind };
	int error = ask(d, e, self, &who);

	arena_reset(&d->scratch);
	if (error == 0 && e->call)
		return;
	remote_free(r);
	if (e->call == 0)
		return;
	if (error)
		name_unasked(d, e);
	d->runner->call_expect(d->runner_ctx, d->now_ms, e->call, here);
}

void dispatch_forget_calls(struct dispatch *d)
{
	while (d->remote_calls) {
		cluster_forget(d->cluster, d->remote_calls);
		remote_free(d->remote_calls);
	}
}

/* --- Being asked -------------------------------------------------------------------------------------------------- */

/* Of a client that another process asked. */
void remote_client_answer(struct dispatch *d, int64_t now_ms, uint64_t call, const struct sio_packet *p,
	const struct slice *blobs, size_t n_blobs)
{
	struct stoa_value args = is_msgpack(d) ? value_of_msgpack_items(&d->scratch, p->items)
					       : value_of_items(&d->scratch, p->items, p->flags, blobs, n_blobs);

	cluster_client_answer(d->cluster, now_ms, call, value_open(args));
	arena_reset(&d->scratch);
}

/* The answer that our application gave another server's event. */
void remote_server_answer(struct dispatch *d, const struct effect *e)
{
	cluster_server_answer(d->cluster, e->ack_id, value_open(value_of(d, e)));
	arena_reset(&d->scratch);
}

/* [event, ..args] in two parts, as a client's event comes. */
static void server_event(void *ctx, int64_t now_ms, struct slice nsp, struct stoa_value data, uint64_t answer)
{
	struct dispatch *d = ctx;
	struct remote_items name = { BUF_INIT, { 0 } }, items = { BUF_INIT, { 0 } };
	const struct stoa_value *at = data.as_.at;
	char *where = must_strndup(nsp.at, nsp.size);
	struct app_event_in in = { .kind = APP_SERVER, .wants_ack = answer != 0, .ack_id = answer };

	in.name = items_of(d, value_array(at, 1), &name);
	in.items = items_of(d, value_array(at + 1, data.size_ - 1), &items);
	in.flags = items.blobs.count ? JSON_BLOBS : 0;
	in.blobs = items.blobs.at;
	in.n_blobs = items.blobs.count;
	dispatch_begin(d, now_ms);
	d->runner->server_event(d->runner_ctx, now_ms, where, &in);
	dispatch_end(d);
	items_fini(&name);
	items_fini(&items);
	free(where);
}

const struct cluster_ops dispatch_cluster_ops = { .server_event = server_event };

static void keep(void *to, struct slice nsp)
{
	struct dispatch *d = to;

	cluster_keep(d->cluster, nsp);
}

void dispatch_set_cluster(struct dispatch *d, struct cluster *cluster)
{
	d->cluster = cluster;
}

void dispatch_keep_namespaces(struct dispatch *d)
{
	if (d->cluster)
		d->runner->namespaces(d->runner_ctx, keep, d);
}
