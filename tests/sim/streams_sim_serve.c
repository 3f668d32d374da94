/* streams_sim_serve.c - see streams_sim_internal.h: what the server does with what arrives, and how the answer is told. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "alloc.h"
#include "buf.h"
#include "streams_sim_internal.h"

static const struct slice nothing = { NULL, 0 };

/* --- Telling ------------------------------------------------------------------------------------------------------ */

static void tell(struct streams_sim *sim, struct sim_event *e)
{
	struct sim_ticket t = sim_take_ticket(e->port);

	if (t.answer)
		t.answer(t.to, sim->store.now_ms, e->number, e->n ? e->texts[0] : nothing);
}

static void tell_ids(struct streams_sim *sim, struct sim_event *e)
{
	struct sim_ticket t = sim_take_ticket(e->port);

	for (size_t i = 0; t.each_id && i < e->n; i++)
		t.each_id(t.to, e->texts[i]);
	if (t.answer && sim_is_current(e))
		t.answer(t.to, sim->store.now_ms, e->number, nothing);
}

void sim_result(struct sim_event *question, int64_t number, struct slice text)
{
	sim_reply(question, tell, number, &text, 1);
}

/* OOM: before anything is done. */
bool sim_is_refused(const struct streams_sim *sim, struct sim_event *e)
{
	if (sim->is_full)
		sim_result(e, -EPROTO, nothing);
	return sim->is_full;
}

/* --- Lists of texts ----------------------------------------------------------------------------------------------- */

void sim_add_text(struct sim_texts *t, struct slice text)
{
	if (t->n == t->cap) {
		t->cap = t->cap ? t->cap * 2 : 16;
		t->at = must_realloc(t->at, t->cap * sizeof(*t->at));
	}
	t->at[t->n++] = text;
}

/* An entry is four: stream, id, record, deliveries in decimal. The ids and numbers are copied when the event is made, so
 * they need stand only until then. */
struct entries {
	struct sim_texts texts;
	char (*scratch)[2][STREAM_ID_TEXT];
	size_t n, cap;
};

static struct slice record_of(const struct store_entry *e)
{
	for (size_t i = 0; i < e->n; i++)
		if (slice_equal(e->pairs[2 * i], SLICE("e")))
			return e->pairs[2 * i + 1];
	return nothing;
}

static void entries_init(struct entries *out, size_t max)
{
	*out = (struct entries){ .scratch = must_alloc((max + 1) * sizeof(*out->scratch)), .cap = max };
}

static void add_entry(struct entries *out, struct slice stream, const struct store_entry *e, uint64_t deliveries)
{
	char *id = out->scratch[out->n][0], *number = out->scratch[out->n][1];

	out->n++;
	sim_add_text(&out->texts, stream);
	sim_add_text(&out->texts, slice_of(id, stream_id_print(id, e->id)));
	sim_add_text(&out->texts, record_of(e));
	sim_add_text(&out->texts, slice_of(number, (size_t)snprintf(number, STREAM_ID_TEXT, "%" PRIu64, deliveries)));
}

static void entries_fini(struct entries *out)
{
	free(out->texts.at);
	free(out->scratch);
}

static void each_entry(struct streams_sim *sim, struct sim_event *e)
{
	struct sim_port *p = e->port;

	for (size_t i = 0; i + 3 < e->n && sim_is_current(e); i += 4) {
		const struct streams_entry entry = { e->texts[i], e->texts[i + 1], e->texts[i + 2],
			strtoull(e->texts[i + 3].at, NULL, 10) };

		p->base.events->entry(p->base.ctx, sim->store.now_ms, &entry);
	}
}

/* --- Reading ------------------------------------------------------------------------------------------------------ */

static void tell_claimed(struct streams_sim *sim, struct sim_event *e)
{
	struct sim_ticket t;

	each_entry(sim, e);
	if (!sim_is_current(e))
		return;
	t = sim_take_ticket(e->port);
	if (t.answer)
		t.answer(t.to, sim->store.now_ms, e->number, nothing);
}

static void tell_read(struct streams_sim *sim, struct sim_event *e)
{
	each_entry(sim, e);
	if (sim_is_current(e))
		sim_read_end(e->port, (int)e->number);
}

static void reply_read(struct sim_event *question, int number, const struct slice *texts, size_t n)
{
	struct sim_event *e;

	if (!sim_is_current(question))
		return;
	e = sim_event_new(question->port, tell_read, texts, n);
	e->number = number;
	sim_send(e, SIM_READ_BACK);
}

/* Of texts the consumer, then the streams. Whether it is over: something was found, or there is no group. */
static bool serve_read(struct streams_sim *sim, struct sim_event *e)
{
	struct entries out;
	bool found;

	for (size_t i = 1; i < e->n; i++) {
		struct store_stream *st = store_stream(&sim->store, e->texts[i]);

		if (st && st->has_group)
			continue;
		reply_read(e, -ENOENT, NULL, 0);
		return true;
	}
	entries_init(&out, (size_t)e->count * e->n);
	for (size_t i = 1; i < e->n; i++) {
		struct store_stream *st = store_stream(&sim->store, e->texts[i]);
		struct store_entry *given;

		for (int64_t k = 0; k < e->count && (given = store_give(st, e->texts[0])); k++)
			add_entry(&out, e->texts[i], given, 1);
	}
	found = out.n > 0;
	if (found)
		reply_read(e, 0, out.texts.at, out.texts.n);
	entries_fini(&out);
	return found;
}

/* due_ms is from now on when it has waited long enough. */
void sim_read_arrives(struct streams_sim *sim, struct sim_event *e)
{
	struct sim_event **end = &sim->blocked, *kept;

	if (serve_read(sim, e))
		return;
	if (e->number <= 0) {
		reply_read(e, 0, NULL, 0);
		return;
	}
	while (*end)
		end = &(*end)->next;
	*end = kept = sim_event_new(e->port, NULL, e->texts, e->n);
	kept->count = e->count;
	kept->epoch = e->epoch;
	kept->due_ms = sim->store.now_ms + e->number;
}

void sim_serve_blocked(struct streams_sim *sim)
{
	struct sim_event **at = &sim->blocked;

	while (*at) {
		struct sim_event *e = *at;
		bool late = e->due_ms <= sim->store.now_ms;

		if (!late && !serve_read(sim, e)) {
			at = &e->next;
			continue;
		}
		if (late)
			reply_read(e, 0, NULL, 0);
		*at = e->next;
		free(e);
	}
}

/* --- Streams ------------------------------------------------------------------------------------------------------ */

static void added(struct streams_sim *sim, struct sim_event *e, struct stream_id id)
{
	char text[STREAM_ID_TEXT];

	sim_result(e, 1, slice_of(text, stream_id_print(text, id)));
	sim_serve_blocked(sim);
}

void sim_add_arrives(struct streams_sim *sim, struct sim_event *e)
{
	const struct store_stream *st = store_stream(&sim->store, e->texts[0]);
	struct slice pair[] = { SLICE("e"), e->texts[1] };

	if (sim_is_refused(sim, e))
		return;
	if (st && (int64_t)st->n_entries >= e->count)
		sim_result(e, 0, nothing);
	else if (e->count > 0)
		added(sim, e, store_add(&sim->store, e->texts[0], pair, 1));
	else
		sim_result(e, 0, nothing);
}

void sim_note_arrives(struct streams_sim *sim, struct sim_event *e)
{
	struct stream_id id;

	if (sim_is_refused(sim, e))
		return;
	id = store_add(&sim->store, e->texts[0], e->texts + 1, (e->n - 1) / 2);
	store_trim(&sim->store, e->texts[0], (size_t)e->count);
	added(sim, e, id);
}

void sim_ack_arrives(struct streams_sim *sim, struct sim_event *e)
{
	struct stream_id id;

	if (stream_id_read(e->texts[1], &id))
		sim_result(e, (int64_t)store_ack(&sim->store, e->texts[0], id, true), nothing);
	else
		sim_result(e, -EPROTO, nothing);
}

void sim_find_arrives(struct streams_sim *sim, struct sim_event *e)
{
	struct stream_id id;

	if (stream_id_read(e->texts[1], &id))
		sim_result(e, store_find(store_stream(&sim->store, e->texts[0]), id) != NULL, nothing);
	else
		sim_result(e, -EPROTO, nothing);
}

void sim_length_arrives(struct streams_sim *sim, struct sim_event *e)
{
	const struct store_stream *st = store_stream(&sim->store, e->texts[0]);

	sim_result(e, st ? (int64_t)st->n_entries : 0, nothing);
}

void sim_create_arrives(struct streams_sim *sim, struct sim_event *e)
{
	if (sim_is_refused(sim, e))
		return;
	sim_result(e, store_create_group(&sim->store, e->texts[0]), nothing);
}

/* NULL: there is none, and the question has been answered. */
static struct store_stream *group_of(struct streams_sim *sim, struct sim_event *e, size_t stream, int64_t without)
{
	struct store_stream *st = store_stream(&sim->store, e->texts[stream]);

	if (st && st->has_group)
		return st;
	sim_result(e, without, nothing);
	return NULL;
}

static bool id_of(struct sim_event *e, size_t text, struct stream_id *id)
{
	*id = (struct stream_id){ 0, 0 };
	if (e->texts[text].size == 0 || stream_id_read(e->texts[text], id))
		return true;
	sim_result(e, -EPROTO, nothing);
	return false;
}

/* Texts: consumer, stream, after. */
void sim_claim_arrives(struct streams_sim *sim, struct sim_event *e)
{
	struct store_stream *st = group_of(sim, e, 1, -ENOENT);
	struct stream_id after;
	struct entries out;

	if (st == NULL || !id_of(e, 2, &after))
		return;
	entries_init(&out, st->n_pending);
	for (size_t i = 0; i < st->n_pending && (int64_t)out.n < e->count; i++) {
		struct store_pending *p = &st->pending[i];
		const struct store_entry *entry = store_find(st, p->id);

		if (stream_id_compare(p->id, after) <= 0)
			continue;
		if (entry) {
			store_claim(p, e->texts[0]);
			add_entry(&out, e->texts[1], entry, p->deliveries);
			continue;
		}
		store_ack(&sim->store, e->texts[1], p->id, false);
		i--;
	}
	sim_reply(e, tell_claimed, (int64_t)out.n, out.texts.at, out.texts.n);
	entries_fini(&out);
}

void sim_take_arrives(struct streams_sim *sim, struct sim_event *e)
{
	struct store_stream *st = group_of(sim, e, 1, 0);
	struct stream_id id;
	struct store_pending *p;
	const struct store_entry *entry;
	struct entries out;

	if (st == NULL || !id_of(e, 2, &id))
		return;
	p = store_find_pending(st, id);
	entry = store_find(st, id);
	entries_init(&out, 1);
	if (p && entry) {
		store_claim(p, e->texts[0]);
		p->deliveries++;
		add_entry(&out, e->texts[1], entry, p->deliveries);
	} else if (p) {
		store_ack(&sim->store, e->texts[1], id, false);
	}
	sim_reply(e, tell_claimed, (int64_t)out.n, out.texts.at, out.texts.n);
	entries_fini(&out);
}

/* Texts: stream, after. */
void sim_pending_arrives(struct streams_sim *sim, struct sim_event *e)
{
	struct store_stream *st = group_of(sim, e, 0, 0);
	struct stream_id after;
	struct entries out;
	struct sim_texts ids = { 0 };

	if (st == NULL || !id_of(e, 1, &after))
		return;
	entries_init(&out, st->n_pending);
	for (size_t i = 0; i < st->n_pending && (int64_t)out.n < e->count; i++) {
		char *text = out.scratch[out.n][0];

		if (stream_id_compare(st->pending[i].id, after) <= 0)
			continue;
		sim_add_text(&ids, slice_of(text, stream_id_print(text, st->pending[i].id)));
		out.n++;
	}
	sim_reply(e, tell_ids, (int64_t)out.n, ids.at, ids.n);
	free(ids.at);
	entries_fini(&out);
}

void sim_leave_arrives(struct streams_sim *sim, struct sim_event *e)
{
	sim_result(e, store_has_pending(store_stream(&sim->store, e->texts[1]), e->texts[0]) ? 0 : 1, nothing);
}
