/* effects_run.c - carries out the batch that a handler left, in order, on hub and clients. */
#include <errno.h>
#include <stdlib.h>

#include "alloc.h"
#include "dispatch_internal.h"
#include "log.h"
#include "metrics.h"
#include "trace.h"

/* --- Whom an effect concerns -------------------------------------------------------------------------------------- */

static bool is_for_one(const struct effect_target *to)
{
	return to->n_rooms == 0 && !to->broadcast;
}

static bool is_from(const struct client *c, const struct effect_target *to)
{
	return c && strcmp(c->sid, to->sid) == 0 && slice_equal(c->nsp, slice_str(to->sid_nsp));
}

/* The client that the effect's event came from; NULL: it had none, or it has left the hub. */
static struct client *origin_of(struct dispatch *d, const struct effect_target *to)
{
	struct hub_namespace *n;
	struct hub_member *m;

	if (to->sender)
		return to->sender;
	if (to->sid == NULL)
		return NULL;
	if (is_from(d->current, to))
		return d->current;
	n = hub_namespace(d->hub, slice_str(to->sid_nsp));
	m = n ? hub_find(n, slice_str(to->sid)) : NULL;
	return m ? client_of(m) : NULL;
}

/* The sender in the effect's namespace, where it has another id; NULL: it is not there (any more). */
static struct client *sender_of(struct dispatch *d, const struct effect_target *to)
{
	struct client *c = to->host ? to->host : origin_of(d, to);

	if (c && !slice_equal(c->nsp, slice_str(to->nsp)))
		c = client_in_namespace(c, slice_str(to->nsp));
	return c && c->state == CLIENT_JOINED ? c : NULL;
}

/* Its id, for those who leave it out elsewhere. */
static const char *self_of(struct dispatch *d, const struct effect_target *to)
{
	struct client *sender = to->skip_self ? sender_of(d, to) : NULL;

	return sender ? sender->sid : NULL;
}

static struct hub_target target_of(struct dispatch *d, const struct effect_target *to)
{
	struct client *sender = to->skip_self ? sender_of(d, to) : NULL;

	return (struct hub_target){ .nsp = hub_namespace(d->hub, slice_str(to->nsp)),
		.rooms = to->rooms,
		.n_rooms = to->n_rooms,
		.skip = to->skip,
		.n_skip = to->n_skip,
		.skip_member = sender ? &sender->member : NULL,
		.is_volatile = to->is_volatile,
		.latest = to->latest };
}

static void pick(void *to, struct hub_member *m)
{
	struct dispatch *d = to;

	if (d->n_picked == d->cap_picked) {
		d->cap_picked = d->cap_picked ? d->cap_picked * 2 : 64;
		d->picked = must_realloc(d->picked, d->cap_picked * sizeof(struct client *));
	}
	d->picked[d->n_picked++] = client_of(m);
}

/* Collects into d->picked all that the effect concerns, for what changes the hub while it goes. */
static void pick_all(struct dispatch *d, const struct effect_target *to)
{
	struct hub_target t;
	struct client *one;

	d->n_picked = 0;
	if (!is_for_one(to)) {
		t = target_of(d, to);
		hub_select(d->hub, &t, pick, d);
	} else if ((one = sender_of(d, to))) {
		pick(d, &one->member);
	}
}

/* --- The effects -------------------------------------------------------------------------------------------------- */

static struct frame *event_frame(
	const struct dispatch *d, const struct effect *e, bool has_id, uint64_t id, struct slice offset)
{
	struct frame *f = d->clients->config.parser->frame(&(struct sio_out){ .type = SIO_EVENT,
		.nsp = slice_str(e->to.nsp),
		.has_id = has_id,
		.id = id,
		.json = e->json,
		.blobs = e->blobs,
		.n_blobs = e->n_blobs,
		.offset = offset,
		.latest = e->to.latest && !has_id,
		.uncompressed = e->to.uncompressed });

	if (f == NULL)
		metrics_count(M_OUT_OF_MEMORY);
	return f;
}

/* One line, whoever many get it. */
static void show_broadcast(const struct effect_target *to, size_t clients, const struct frame *f)
{
	struct buf names = BUF_INIT;

	for (size_t i = 0; i < to->n_rooms; i++) {
		buf_add_str(&names, i ? "," : "");
		buf_add_slice(&names, to->rooms[i]);
	}
	trace_broadcast(to->n_rooms ? buf_slice(&names) : SLICE("*"), to->nsp, clients, f);
	buf_fini(&names);
}

/* As recovery keeps it. One client is the room of its id, `own`, also when it has lost its connection. */
static struct recovery_packet packet_of(struct dispatch *d, const struct effect_target *to, struct slice *own)
{
	const struct client *one = is_for_one(to) ? sender_of(d, to) : NULL;
	const char *self = self_of(d, to);
	struct recovery_packet p = { .nsp = slice_str(to->nsp),
		.rooms = to->rooms,
		.n_rooms = to->n_rooms,
		.skip = to->skip,
		.n_skip = to->n_skip,
		.skip_sid = slice_str(self ? self : "") };

	if (!is_for_one(to))
		return p;
	*own = slice_str(one ? one->sid : to->sid && strcmp(to->nsp, to->sid_nsp) == 0 ? to->sid : "");
	p.rooms = own;
	p.n_rooms = 1;
	return p;
}

static void run_emit(struct dispatch *d, const struct effect *e)
{
	bool is_kept = d->hub->recovery && !e->to.is_volatile;
	struct recovery_packet p = { .n_rooms = 0 };
	struct recovery_offset offset = { .size = 0 };
	struct slice own;
	struct frame *f;
	bool show = d->clients->config.show_packets;
	struct hub_target t;
	struct client *one;
	size_t clients;

	if (is_kept) {
		p = packet_of(d, &e->to, &own);
		offset = recovery_begin(d->hub, &p);
	}
	f = event_frame(d, e, false, 0, recovery_text(&offset));
	if (f == NULL)
		return;
	metrics_count(M_EVENTS_SENT);
	if (remote_orders(d, &e->to) && remote_emit(d, e, self_of(d, &e->to), true)) {
		frame_unref(f);
		return;
	}
	t = target_of(d, &e->to);
	if (!is_for_one(&e->to)) {
		clients = hub_broadcast(d->hub, &t, f);
		if (show)
			show_broadcast(&e->to, clients, f);
		if (remote_concerns(d, &e->to))
			remote_emit(d, e, self_of(d, &e->to), false);
	} else if ((one = sender_of(d, &e->to))) {
		if (show)
			trace_out(one->sid, f);
		hub_deliver(&t, &one->member, f);
	}
	if (offset.size)
		recovery_log(d->hub, d->now_ms, &p, f);
	frame_unref(f);
}

/* So many were asked here; how many elsewhere is not known yet. */
static void expect(struct dispatch *d, const struct effect *e, size_t here)
{
	if (remote_concerns(d, &e->to))
		remote_ask(d, e, here, self_of(d, &e->to));
	else if (e->call)
		d->runner->call_expect(d->runner_ctx, d->now_ms, e->call, here);
}

/* One frame with one id for all who are asked; each remembers the id. */
static void run_call(struct dispatch *d, const struct effect *e)
{
	struct hub_namespace *n = hub_namespace(d->hub, slice_str(e->to.nsp));
	uint64_t id = n ? n->next_ack_id++ : 0;
	struct frame *f = event_frame(d, e, true, id, slice_of(NULL, 0));
	size_t asked = 0;

	pick_all(d, &e->to);
	for (size_t i = 0; f && i < d->n_picked; i++) {
		struct client *c = d->picked[i];

		if (!client_ask(c, id, e->call))
			continue;
		if (out_push(c->member.out, f))
			asked++;
		else
			client_forget_call(c, e->call);
	}
	metrics_count(M_EVENTS_SENT);
	metrics_add(M_DELIVERIES, (int64_t)asked);
	if (f && d->clients->config.show_packets)
		show_broadcast(&e->to, asked, f);
	frame_unref(f);
	expect(d, e, asked);
}

static void run_ack(struct dispatch *d, const struct effect *e)
{
	struct client *c;

	if (e->to.sid == NULL) {
		remote_server_answer(d, e);
		return;
	}
	c = sender_of(d, &e->to);
	if (c == NULL)
		return;
	if (c->n_owed && !(d->current == c && d->current_ack == e->ack_id))
		c->n_owed--;
	metrics_count(M_ACKS_SENT);
	client_send(c, &(struct sio_out){ .type = SIO_ACK,
			       .nsp = c->nsp,
			       .has_id = true,
			       .id = e->ack_id,
			       .json = e->json,
			       .blobs = e->blobs,
			       .n_blobs = e->n_blobs });
}

static void join(struct dispatch *d, struct client *c, struct slice room)
{
	int error = hub_join(d->hub, &c->member, room);

	if (error == 0)
		return;
	metrics_count(error == -ENOSPC ? M_LIMIT_ROOMS : M_OUT_OF_MEMORY);
	log_warn("not-joined", LOG_S("sid", c->sid), LOG_T("nsp", c->nsp), LOG_T("room", room),
		LOG_S("why", error == -ENOSPC ? "max_rooms" : "no memory"));
}

static void run_join(struct dispatch *d, const struct effect *e)
{
	pick_all(d, &e->to);
	for (size_t i = 0; i < d->n_picked; i++)
		join(d, d->picked[i], e->room);
	if (remote_concerns(d, &e->to))
		remote_change(d, e, self_of(d, &e->to));
}

static void run_leave(struct dispatch *d, const struct effect *e)
{
	pick_all(d, &e->to);
	for (size_t i = 0; i < d->n_picked; i++)
		hub_leave(d->hub, &d->picked[i]->member, e->room);
	if (remote_concerns(d, &e->to))
		remote_change(d, e, self_of(d, &e->to));
}

static void run_disconnect(struct dispatch *d, const struct effect *e)
{
	/* A client picked here may be gone before its turn comes, when it shares a connection with one before it; its
	 * memory stays until the end of the loop's turn. */
	pick_all(d, &e->to);
	if (remote_concerns(d, &e->to))
		remote_change(d, e, self_of(d, &e->to));
	for (size_t i = 0; i < d->n_picked; i++)
		client_disconnect(d->picked[i], d->now_ms, e->transport);
}

static void run_session(struct dispatch *d, const struct effect *e)
{
	struct client *c = sender_of(d, &e->to);
	int error = c ? client_put_data(c, e->key, e->json) : 0;

	if (error == 0)
		return;
	metrics_count(error == -E2BIG ? M_LIMIT_SESSION : M_OUT_OF_MEMORY);
	log_warn("session-not-put", LOG_S("sid", c->sid), LOG_T("nsp", c->nsp), LOG_T("key", e->key),
		LOG_S("why", error == -E2BIG ? "max_session_bytes" : "no memory"));
}

static void run_fetch(struct dispatch *d, const struct effect *e)
{
	struct buf json = BUF_INIT;
	size_t found = 0;

	pick_all(d, &e->to);
	for (; found < d->n_picked; found++) {
		buf_clear(&json);
		client_describe(d->picked[found], &json);
		if (json.failed || !d->runner->call_found(d->runner_ctx, d->now_ms, e->call, buf_slice(&json)))
			break;
	}
	if (json.failed)
		metrics_count(M_OUT_OF_MEMORY);
	buf_fini(&json);
	expect(d, e, found);
}

static void run_servers(struct dispatch *d, const struct effect *e)
{
	expect(d, e, 0);
}

static bool waits_for_verdict(const struct dispatch *d)
{
	return d->current && d->current->state == CLIENT_CONNECTING;
}

static void run_accept(struct dispatch *d, const struct effect *e)
{
	(void)e;
	if (waits_for_verdict(d))
		client_accept(d->current, d->now_ms);
}

static void run_refuse(struct dispatch *d, const struct effect *e)
{
	if (waits_for_verdict(d))
		client_refuse(d->current, e->json);
}

static void run_decision(struct dispatch *d, const struct effect *e)
{
	if (d->decided)
		d->decided(d->decided_to, e, NULL);
}

static void (*const runs[])(struct dispatch *d, const struct effect *e) = {
	[EFFECT_ACCEPT] = run_accept,
	[EFFECT_REFUSE] = run_refuse,
	[EFFECT_EMIT] = run_emit,
	[EFFECT_CALL] = run_call,
	[EFFECT_ACK] = run_ack,
	[EFFECT_JOIN] = run_join,
	[EFFECT_LEAVE] = run_leave,
	[EFFECT_DISCONNECT] = run_disconnect,
	[EFFECT_ADMIT] = run_decision,
	[EFFECT_DENY] = run_decision,
	[EFFECT_SESSION] = run_session,
	[EFFECT_FETCH] = run_fetch,
	[EFFECT_SERVERS] = run_servers,
};

void effects_run(struct dispatch *d, const struct effect *first)
{
	for (const struct effect *e = first; e; e = e->next)
		runs[e->kind](d, e);
}
