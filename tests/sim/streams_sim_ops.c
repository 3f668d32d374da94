/* streams_sim_ops.c - see streams_sim_internal.h: streams.h's functions, and a look inside. */
#include <errno.h>
#include <stdlib.h>

#include "alloc.h"
#include "streams_sim_internal.h"

/* --- Asking ------------------------------------------------------------------------------------------------------- */

/* 0 and *made, which is on its way; its number and count are for the server. */
static int ask(struct streams *s, sim_arrive_fn *arrive, const struct slice *texts, size_t n, streams_answer_fn *answer,
	void *to, struct sim_event **made)
{
	struct sim_port *p = sim_port_of(s);
	struct sim_ticket *t;

	if (!s->is_up)
		return -ENOTCONN;
	if (p->refuses > 0) {
		p->refuses--;
		return -ENOBUFS;
	}
	*p->end = t = must_alloc(sizeof(*t));
	p->end = &t->next;
	t->answer = answer;
	t->to = to;
	*made = sim_event_new(p, arrive, texts, n);
	sim_send(*made, SIM_THERE);
	return 0;
}

static int ask_with(struct streams *s, sim_arrive_fn *arrive, const struct slice *texts, size_t n, int64_t number,
	size_t count, streams_answer_fn *answer, void *to)
{
	struct sim_event *e;
	int error = ask(s, arrive, texts, n, answer, to, &e);

	if (error)
		return error;
	e->number = number;
	e->count = (int64_t)count;
	return 0;
}

static int ask_two(
	struct streams *s, sim_arrive_fn *arrive, struct slice a, struct slice b, streams_answer_fn *answer, void *to)
{
	return ask_with(s, arrive, (struct slice[]){ a, b }, 2, 0, 0, answer, to);
}

static int add(struct streams *s, struct slice stream, struct slice record, size_t max_entries,
	streams_answer_fn *answer, void *to)
{
	struct slice texts[] = { stream, record };

	return ask_with(s, sim_add_arrives, texts, 2, 0, max_entries, answer, to);
}

static int note(struct streams *s, struct slice stream, const struct slice *pairs, size_t n, size_t max_entries,
	streams_answer_fn *answer, void *to)
{
	struct slice *texts = must_alloc((2 * n + 1) * sizeof(*texts));
	int error;

	texts[0] = stream;
	memcpy(texts + 1, pairs, 2 * n * sizeof(*texts));
	error = ask_with(s, sim_note_arrives, texts, 2 * n + 1, 0, max_entries, answer, to);
	free(texts);
	return error;
}

static int ack(struct streams *s, struct slice stream, struct slice id, streams_answer_fn *answer, void *to)
{
	return ask_two(s, sim_ack_arrives, stream, id, answer, to);
}

static int find(struct streams *s, struct slice stream, struct slice id, streams_answer_fn *answer, void *to)
{
	return ask_two(s, sim_find_arrives, stream, id, answer, to);
}

static int length(struct streams *s, struct slice stream, streams_answer_fn *answer, void *to)
{
	return ask_two(s, sim_length_arrives, stream, SLICE(""), answer, to);
}

static int create(struct streams *s, struct slice stream, streams_answer_fn *answer, void *to)
{
	return ask_two(s, sim_create_arrives, stream, SLICE(""), answer, to);
}

static int read_streams(
	struct streams *s, struct slice consumer, const struct slice *streams, size_t n, size_t count, int64_t block_ms)
{
	struct sim_port *p = sim_port_of(s);
	struct slice *texts;
	struct sim_event *e;

	if (!s->is_up)
		return -ENOTCONN;
	if (p->is_reading)
		return -EBUSY;
	texts = must_alloc((n + 1) * sizeof(*texts));
	texts[0] = consumer;
	memcpy(texts + 1, streams, n * sizeof(*texts));
	e = sim_event_new(p, sim_read_arrives, texts, n + 1);
	e->count = (int64_t)count;
	e->number = block_ms;
	free(texts);
	p->is_reading = true;
	sim_send(e, SIM_READ_THERE);
	p->read_until_ms = e->due_ms + block_ms;
	return 0;
}

static int claim(struct streams *s, struct slice consumer, struct slice stream, struct slice after, size_t count,
	streams_answer_fn *answer, void *to)
{
	struct slice texts[] = { consumer, stream, after };

	return ask_with(s, sim_claim_arrives, texts, 3, 0, count, answer, to);
}

static int take(struct streams *s, struct slice consumer, struct slice stream, struct slice id,
	streams_answer_fn *answer, void *to)
{
	struct slice texts[] = { consumer, stream, id };

	return ask_with(s, sim_take_arrives, texts, 3, 0, 1, answer, to);
}

static int leave(struct streams *s, struct slice consumer, struct slice stream, streams_answer_fn *answer, void *to)
{
	return ask_two(s, sim_leave_arrives, consumer, stream, answer, to);
}

static int claim_key(
	struct streams *s, struct slice key, struct slice value, int64_t ttl_ms, streams_answer_fn *answer, void *to)
{
	struct slice texts[] = { key, value };

	return ask_with(s, sim_claim_key_arrives, texts, 2, ttl_ms, 0, answer, to);
}

static int release_key(struct streams *s, struct slice key, struct slice value, streams_answer_fn *answer, void *to)
{
	return ask_two(s, sim_release_key_arrives, key, value, answer, to);
}

static int put(
	struct streams *s, struct slice key, struct slice value, int64_t ttl_ms, streams_answer_fn *answer, void *to)
{
	struct slice texts[] = { key, value };

	return ask_with(s, sim_put_arrives, texts, 2, ttl_ms, 0, answer, to);
}

static int get(struct streams *s, struct slice key, streams_answer_fn *answer, void *to)
{
	return ask_two(s, sim_get_arrives, key, SLICE(""), answer, to);
}

static struct sim_ticket *last_ticket(struct streams *s)
{
	struct sim_ticket *t = sim_port_of(s)->first;

	while (t->next)
		t = t->next;
	return t;
}

static int pending(struct streams *s, struct slice stream, struct slice after, size_t count,
	void (*each)(void *to, struct slice id), streams_answer_fn *answer, void *to)
{
	struct slice texts[] = { stream, after };
	int error = ask_with(s, sim_pending_arrives, texts, 2, 0, count, answer, to);

	if (error == 0)
		last_ticket(s)->each_id = each;
	return error;
}

static int enlist(struct streams *s, struct slice names, struct slice prefix, struct slice name,
	streams_answer_fn *answer, void *to)
{
	struct slice texts[] = { names, prefix, name };

	return ask_with(s, sim_enlist_arrives, texts, 3, 0, 0, answer, to);
}

static int list(struct streams *s, struct slice names, struct slice prefix, sim_each_fn *each,
	streams_answer_fn *answer, void *to)
{
	int error = ask_two(s, sim_list_arrives, names, prefix, answer, to);

	if (error == 0)
		last_ticket(s)->each = each;
	return error;
}

static int field_put(struct streams *s, struct slice hash, struct slice field, struct slice value,
	streams_answer_fn *answer, void *to)
{
	struct slice texts[] = { hash, field, value };

	return ask_with(s, sim_field_put_arrives, texts, 3, 0, 0, answer, to);
}

static int field_get(struct streams *s, struct slice hash, struct slice field, streams_answer_fn *answer, void *to)
{
	return ask_two(s, sim_field_get_arrives, hash, field, answer, to);
}

static int field_drop(struct streams *s, struct slice hash, struct slice field, streams_answer_fn *answer, void *to)
{
	return ask_two(s, sim_field_drop_arrives, hash, field, answer, to);
}

static int field_scan(
	struct streams *s, struct slice hash, uint64_t cursor, sim_each_fn *each, streams_answer_fn *answer, void *to)
{
	int error = ask_with(s, sim_field_scan_arrives, &hash, 1, (int64_t)cursor, 0, answer, to);

	if (error == 0)
		last_ticket(s)->each = each;
	return error;
}

static int field_to_entry(struct streams *s, struct slice unless, struct slice hash, struct slice field,
	struct slice stream, struct slice record, streams_answer_fn *answer, void *to)
{
	struct slice texts[] = { hash, field, stream, record, unless };

	return ask_with(s, sim_field_to_entry_arrives, texts, 5, 0, 0, answer, to);
}

static int publish(struct streams *s, struct slice channel, struct slice payload, streams_answer_fn *answer, void *to)
{
	return ask_two(s, sim_publish_arrives, channel, payload, answer, to);
}

static void listen_to(struct streams *s, struct slice channel)
{
	struct sim_port *p = sim_port_of(s);
	struct sim_channel *c;

	if (map_find(&p->channels, channel))
		return;
	c = must_alloc(sizeof(*c));
	c->node.key = slice_of(must_strndup(channel.at, channel.size), channel.size);
	map_add(&p->channels, &c->node);
	if (p->linked)
		sim_send(sim_event_new(p, sim_subscribe_arrives, &channel, 1), SIM_THERE);
}

const struct streams_ops streams_sim_ops = { .add = add,
	.note = note,
	.ack = ack,
	.find = find,
	.length = length,
	.create = create,
	.read = read_streams,
	.claim = claim,
	.take = take,
	.pending = pending,
	.leave = leave,
	.claim_key = claim_key,
	.release_key = release_key,
	.put = put,
	.get = get,
	.enlist = enlist,
	.list = list,
	.field_put = field_put,
	.field_get = field_get,
	.field_drop = field_drop,
	.field_scan = field_scan,
	.field_to_entry = field_to_entry,
	.publish = publish,
	.listen = listen_to };

/* --- Looking inside ----------------------------------------------------------------------------------------------- */

size_t streams_sim_length(const struct streams_sim *sim, struct slice stream)
{
	const struct store_stream *st = store_stream(&sim->store, stream);

	return st ? st->n_entries : 0;
}

size_t streams_sim_pending(const struct streams_sim *sim, struct slice stream)
{
	const struct store_stream *st = store_stream(&sim->store, stream);

	return st ? st->n_pending : 0;
}

bool streams_sim_entry(const struct streams_sim *sim, struct slice stream, size_t i, struct slice *record)
{
	const struct store_stream *st = store_stream(&sim->store, stream);

	if (st == NULL || i >= st->n_entries)
		return false;
	*record = st->entries[i].pairs[1];
	return true;
}

bool streams_sim_note(
	const struct streams_sim *sim, struct slice stream, size_t i, struct slice name, struct slice *value)
{
	const struct store_stream *st = store_stream(&sim->store, stream);
	const struct store_entry *e = st && i < st->n_entries ? &st->entries[i] : NULL;

	for (size_t k = 0; e && k < e->n; k++) {
		if (!slice_equal(e->pairs[2 * k], name))
			continue;
		*value = e->pairs[2 * k + 1];
		return true;
	}
	return false;
}

bool streams_sim_key(struct streams_sim *sim, struct slice key, struct slice *value)
{
	const struct store_value *v = store_key(&sim->store, key);

	if (v)
		*value = v->text;
	return v != NULL;
}

void streams_sim_drop_key(struct streams_sim *sim, struct slice key)
{
	store_drop(&sim->store, key);
}

bool streams_sim_field(const struct streams_sim *sim, struct slice hash, struct slice field, struct slice *value)
{
	const struct store_value *v = store_field(&sim->store, hash, field);

	if (v)
		*value = v->text;
	return v != NULL;
}

size_t streams_sim_fields(const struct streams_sim *sim, struct slice hash)
{
	struct map_node *at = map_find(&sim->store.hashes, hash);

	return at ? map_count(&map_item(at, struct store_hash, node)->fields) : 0;
}

bool streams_sim_field_at(const struct streams_sim *sim, struct slice hash, size_t i, struct slice *field)
{
	struct map_node *at = map_find(&sim->store.hashes, hash), *next;

	if (at == NULL)
		return false;
	map_foreach(&map_item(at, struct store_hash, node)->fields, at, next)
	{
		*field = at->key;
		if (i-- == 0)
			return true;
	}
	return false;
}
