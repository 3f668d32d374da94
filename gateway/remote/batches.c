/* batches.c - what comes back: carried out once, for the event it answers. See remote_internal.h. */
#include "log.h"
#include "metrics.h"
#include "remote_internal.h"

/* --- Which event -------------------------------------------------------------------------------------------------- */

static struct lane *lane_of(struct remote *r, const struct batch_record *b)
{
	struct map_node *node = b->sid.size ? map_find(&r->lanes, b->sid) : NULL;

	return node ? map_item(node, struct lane, by_sid) : NULL;
}

static struct remote_event *event_of_client(struct remote *r, const struct batch_record *b)
{
	struct lane *l = lane_of(r, b);
	struct remote_event *e = l ? l->first : NULL;

	return e && e->tried && is_of_client(e->carried.kind) && e->n == b->n ? e : NULL;
}

static struct remote_event *event_of_nobody(struct remote *r, const struct batch_record *b)
{
	struct remote_event *e = remote_event_find(r, b->n);

	return e && e->tried && !is_of_client(e->carried.kind) && e->carried.kind != RECORD_ANSWER ? e : NULL;
}

static struct remote_event *open_event(struct remote *r, const struct batch_record *b)
{
	return b->sid.size ? event_of_client(r, b) : event_of_nobody(r, b);
}

/* --- Carrying out ------------------------------------------------------------------------------------------------- */

static void executed(struct remote *r, int64_t now_ms, const struct batch_record *b, bool anew)
{
	struct lane *l = lane_of(r, b);

	if (!r->carrier->executed(r->carrier_ctx, now_ms, b, anew) && l)
		l->held++;
}

/* Whether the batch begins with the answer that its event wants. */
static bool has_verdict(const struct remote_event *e, const struct batch_record *b)
{
	const struct effect *first = b->effects;

	if (e->carried.kind == RECORD_CONNECT)
		return first && (first->kind == EFFECT_ACCEPT || first->kind == EFFECT_REFUSE);
	if (e->carried.kind == RECORD_HANDSHAKE)
		return first && (first->kind == EFFECT_ADMIT || first->kind == EFFECT_DENY);
	return true;
}

/* Who was refused is gone without a word; who went before it was answered is told of when it was let in. */
static void settle_connect(struct lane *l, int64_t now_ms, bool accepted)
{
	if (accepted)
		return;
	if (l->client)
		l->client->upper = NULL;
	l->client = NULL;
	lane_drop_rest(l);
	lane_drop_state(l, now_ms);
}

static void run(struct remote_event *e, int64_t now_ms, const struct effect *effects)
{
	struct lane *l = e->lane;
	struct dispatch *d = l->remote->dispatch;

	switch (e->carried.kind) {
	case RECORD_HANDSHAKE:
		dispatch_decide(d, now_ms, e->decided, e->decided_to, effects);
		break;
	case RECORD_CONNECT:
		dispatch_execute(d, now_ms, l->client, effects);
		settle_connect(l, now_ms, effects && effects->kind == EFFECT_ACCEPT);
		break;
	case RECORD_DISCONNECT:
		dispatch_execute(d, now_ms, NULL, effects);
		lane_drop_state(l, now_ms);
		break;
	case RECORD_EVENT:
	case RECORD_REFUSED:
	case RECORD_SERVER:
	case RECORD_ANSWER:
		dispatch_execute(d, now_ms, l->client, effects);
		break;
	}
}

/* It was taken twice, since the first seemed to be lost. */
static bool is_of_other_copy(const struct remote_event *e, const struct batch_record *b)
{
	return e->carried.adding || (e->carried.entry[0] && !slice_equal(slice_str(e->carried.entry), b->id));
}

static void carry_out(struct remote_event *e, int64_t now_ms, struct arena *arena, const struct batch_record *b)
{
	struct lane *l = e->lane;
	struct remote *r = l->remote;

	if (b->failed.size || !has_verdict(e, b)) {
		e->sent = e->tried = false; /* nobody has it any more */
		metrics_count(M_DISPATCH_BATCHES_FAILED);
		executed(r, now_ms, b, true);
		lane_give_up(l, now_ms, b->failed.size ? REFUSED_FAILED : REFUSED_BAD_BATCH, b->failed);
		return;
	}
	metrics_count(M_DISPATCH_BATCHES);
	if (is_of_other_copy(e, b)) /* nobody need begin this one */
		r->carrier->forget(r->carrier_ctx, now_ms, &e->carried);
	metrics_time(M_DISPATCH_TIME, 1000 * (now_ms - e->came_ms));
	run(e, now_ms, asks_take(r, now_ms, arena, b));
	if (b->deferred && e->carried.kind == RECORD_EVENT && e->wants_ack && !e->ack_given)
		deferred_keep(l, now_ms, e->ack_id);
	executed(r, now_ms, b, true); /* before its client's next event is on its way */
	lane_next(l, now_ms);
}

/* A CONNECT that was given up in time, and let in all the same. */
static void mend_late_connect(struct remote *r, int64_t now_ms, const struct batch_record *b)
{
	struct lane *l = lane_of(r, b);
	struct remote_event *e;

	if (l == NULL || !l->remembered || b->n != l->last_n)
		return;
	l->remembered = false;
	e = b->effects && b->effects->kind == EFFECT_ACCEPT
		    ? remote_event_new(r, now_ms, RECORD_DISCONNECT, &(struct event_text){ .n_blobs = 0 })
		    : NULL;
	if (e == NULL) {
		lane_drop_state(l, now_ms);
		lane_free(l);
		return;
	}
	e->carried.due_ms = INT64_MAX;
	e->reason = close_reason_text(CLOSE_TRANSPORT_CLOSE);
	lane_add(l, now_ms, e);
}

static void take(struct remote *r, int64_t now_ms, struct arena *arena, const struct batch_record *b)
{
	struct remote_event *e = b->id.size ? open_event(r, b) : NULL;

	deferred_given(r, b);
	if (e && b->failed.size && is_of_other_copy(e, b))
		e = NULL; /* the other is still to be tried */
	if (e) {
		carry_out(e, now_ms, arena, b);
		return;
	}
	if (b->id.size && b->n) {
		metrics_count(M_DISPATCH_BATCHES_OLD);
		mend_late_connect(r, now_ms, b);
	} else { /* nobody asked, or a person had it handled again */
		metrics_count(M_DISPATCH_BATCHES_LATER);
		dispatch_execute(r->dispatch, now_ms, NULL, asks_take(r, now_ms, arena, b));
	}
	if (b->id.size)
		executed(r, now_ms, b, false);
}

/* What cannot be read answers its event all the same, if that much can be read. */
static void take_bad(struct remote *r, int64_t now_ms, struct arena *arena, struct slice record, const char *why)
{
	struct batch_record b = { .partition = 0 };
	struct remote_event *e;
	int64_t count;

	metrics_count(M_DISPATCH_BATCHES_BAD);
	if (sample_take(&r->bad_log, now_ms, &count))
		log_warn("bad-batch", LOG_S("why", why), LOG_I("bytes", record.size), LOG_I("count", count));
	if (batch_record_peek(arena, record, &b) || b.id.size == 0)
		return;
	e = open_event(r, &b);
	executed(r, now_ms, &b, false);
	if (e) {
		e->sent = e->tried = false;
		lane_give_up(e->lane, now_ms, REFUSED_BAD_BATCH, SLICE(""));
	}
}

/* One batch may cause what brings the next at once, so each has its own arena; the first keeps its chunk. */
void remote_batch(struct remote *r, int64_t now_ms, struct slice record)
{
	struct arena arena = r->reading;
	struct batch_record b;
	const char *why;

	r->reading = ARENA_INIT;
	why = batch_record_read(&arena, record, &r->config.rules, &b);
	if (why)
		take_bad(r, now_ms, &arena, record, why);
	else
		take(r, now_ms, &arena, &b);
	arena_fini(&r->reading);
	arena_reset(&arena);
	r->reading = arena;
}
