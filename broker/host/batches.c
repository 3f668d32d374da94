/* batches.c - what the application leaves, as records. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "host_internal.h"
#include "log.h"
#include "metrics.h"

/* --- Where from --------------------------------------------------------------------------------------------------- */

void from_write(char *to, size_t size, unsigned partition, struct slice node)
{
	snprintf(to, size, "%u %.*s", partition, SLICE_ARG(node));
}

struct slice from_node(const char *from)
{
	const char *blank = from ? strchr(from, ' ') : NULL;

	return blank ? slice_str(blank + 1) : slice_of("", 0);
}

static unsigned from_partition(const struct host *h, const char *from)
{
	return from ? (unsigned)strtoul(from, NULL, 10) : h->partition;
}

/* --- Copies ------------------------------------------------------------------------------------------------------- */

static struct slice copy_bytes(struct arena *arena, struct slice s, bool *failed)
{
	char *copy = s.at ? arena_copy(arena, s.at, s.size) : NULL;

	if (s.at && copy == NULL)
		*failed = true;
	return copy ? slice_of(copy, s.size) : slice_of(NULL, 0);
}

static const char *copy_text(struct arena *arena, const char *text, bool *failed)
{
	return text ? copy_bytes(arena, slice_str(text), failed).at : NULL;
}

static const struct slice *copy_list(struct arena *arena, const struct slice *list, size_t n, bool *failed)
{
	struct slice *to = arena_take(arena, n * sizeof(*to));

	if (to == NULL)
		*failed = true;
	for (size_t i = 0; to && i < n; i++)
		to[i] = copy_bytes(arena, list[i], failed);
	return to;
}

static void copy_target(struct arena *arena, struct effect_target *to, bool *failed)
{
	to->nsp = copy_text(arena, to->nsp, failed);
	to->sid = copy_text(arena, to->sid, failed);
	to->sid_nsp = copy_text(arena, to->sid_nsp, failed);
	to->from = copy_text(arena, to->from, failed);
	to->rooms = copy_list(arena, to->rooms, to->n_rooms, failed);
	to->skip = copy_list(arena, to->skip, to->n_skip, failed);
}

static struct effect *copy_effect(struct arena *arena, const struct effect *from)
{
	struct effect *to = arena_take(arena, sizeof(*to));
	bool failed = to == NULL;

	if (failed)
		return NULL;
	*to = *from;
	to->next = NULL;
	copy_target(arena, &to->to, &failed);
	to->json = copy_bytes(arena, from->json, &failed);
	to->blobs = copy_list(arena, from->blobs, from->n_blobs, &failed);
	to->room = copy_bytes(arena, from->room, &failed);
	to->key = copy_bytes(arena, from->key, &failed);
	to->text = copy_bytes(arena, from->text, &failed);
	to->headers = copy_bytes(arena, from->headers, &failed);
	to->session_headers = copy_bytes(arena, from->session_headers, &failed);
	return failed ? NULL : to;
}

bool batches_keep(struct host *h, const struct effect *first)
{
	for (const struct effect *e = first; e; e = e->next) {
		struct effect *copy = copy_effect(&h->arena, e);

		if (copy == NULL)
			return false;
		*h->effects_end = copy;
		h->effects_end = &copy->next;
	}
	return true;
}

/* --- Writing ------------------------------------------------------------------------------------------------------ */

static int put(struct host *h, const struct batch_record *b)
{
	int error;

	buf_clear(&h->out);
	error = batch_record_put(&h->out, h->config.encoding, b);
	return error == 0 && h->out.size > h->config.max_batch ? -EMSGSIZE : error;
}

static void complain(const struct batch_record *b, int error)
{
	metrics_count(M_BATCHES_UNSENDABLE);
	log_error("batch not sent", LOG_S("why", strerror(-error)), LOG_T("sid", b->sid), LOG_T("nsp", b->nsp));
}

static void send(struct host *h, bool event, struct slice node)
{
	h->ops->batch(h->ctx, event, node, buf_slice(&h->out));
}

/* The client is owed an answer, so what cannot be written is an event that failed. */
static void send_of_event(struct host *h, struct batch_record *b)
{
	int error = put(h, b);

	if (error < 0) {
		complain(b, error);
		b->effects = NULL;
		b->deferred = false;
		b->failed = SLICE("The answer could not be sent");
		error = put(h, b);
	}
	if (error < 0)
		buf_clear(&h->out);
	send(h, true, h->event->node);
}

static void send_later(struct host *h, struct slice node, const struct batch_record *b)
{
	int error = put(h, b);

	if (error < 0)
		complain(b, error);
	else
		send(h, false, node);
}

static void no_memory(const struct effect *first)
{
	metrics_count(M_OUT_OF_MEMORY);
	log_error("effects lost", LOG_S("why", "no memory"), LOG_S("sid", first->to.sid ? first->to.sid : "-"));
}

/* --- Acks that go elsewhere --------------------------------------------------------------------------------------- */

/* Whoever waits for it is at another gateway. */
static bool is_foreign(const struct effect *e, struct slice node)
{
	return e->kind == EFFECT_ACK && !slice_equal(from_node(e->to.from), node);
}

static void send_foreign(struct host *h, const struct effect *e)
{
	struct effect alone = *e;

	alone.next = NULL;
	send_later(h, from_node(e->to.from),
		&(struct batch_record){ .by = slice_str(h->config.by),
			.partition = from_partition(h, e->to.from),
			.nsp = slice_str(e->to.nsp),
			.sid = slice_str(e->to.sid),
			.effects = &alone });
}

/* The batch without them, in h->arena where it is not the same. */
static const struct effect *without_foreign(struct host *h, const struct effect *first, struct slice node)
{
	struct effect *all = NULL, **end = &all;

	for (const struct effect *e = first; e; e = e->next) {
		struct effect *copy;

		if (is_foreign(e, node))
			continue;
		copy = arena_take(&h->arena, sizeof(*copy));
		if (copy == NULL) {
			no_memory(e);
			break;
		}
		*copy = *e;
		copy->next = NULL;
		*end = copy;
		end = &copy->next;
	}
	return all;
}

static bool has_foreign(const struct effect *first, struct slice node)
{
	for (const struct effect *e = first; e; e = e->next)
		if (is_foreign(e, node))
			return true;
	return false;
}

static void send_all_foreign(struct host *h, const struct effect *first, struct slice node)
{
	for (const struct effect *e = first; e; e = e->next)
		if (is_foreign(e, node))
			send_foreign(h, e);
}

/* --- Batches ------------------------------------------------------------------------------------------------------ */

static void answer(struct host *h, const struct effect *first)
{
	const struct event_record *r = h->event;
	bool splits = has_foreign(first, r->node);
	struct batch_record b = { .by = slice_str(h->config.by),
		.id = h->id,
		.partition = h->partition,
		.nsp = r->nsp,
		.sid = r->sid,
		.n = r->n,
		.deferred = (r->kind == RECORD_EVENT || r->kind == RECORD_SERVER) && app_defers(h->app),
		.effects = splits ? without_foreign(h, first, r->node) : first };

	h->owes = false;
	h->refused = first && first->kind == EFFECT_REFUSE;
	send_of_event(h, &b);
	if (splits)
		send_all_foreign(h, first, r->node);
}

static void say_later(struct host *h, struct app_origin o, const struct effect *first)
{
	struct slice node = from_node(o.from);
	bool splits = has_foreign(first, node);
	struct batch_record b = { .by = slice_str(h->config.by),
		.partition = from_partition(h, o.from),
		.nsp = slice_str(o.nsp),
		.sid = slice_str(o.sid),
		.effects = splits ? without_foreign(h, first, node) : first };

	if (b.effects)
		send_later(h, node, &b);
	if (splits)
		send_all_foreign(h, first, node);
}

void batches_settle(struct host *h)
{
	if (h->owes)
		answer(h, h->effects);
}

/* What comes later is sent behind what the event left. */
void batches_execute(void *ctx, const struct effect *first)
{
	struct host *h = ctx;
	struct app_origin o = app_origin(h->app);

	if (o.is_later || !h->owes) {
		batches_settle(h);
		say_later(h, o, first);
	} else if (h->event->kind != RECORD_DISCONNECT) {
		answer(h, first);
	} else if (!batches_keep(h, first)) {
		no_memory(first);
	}
}
