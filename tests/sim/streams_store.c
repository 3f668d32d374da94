/* streams_store.c - see streams_store.h. */
#include "streams_store.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "alloc.h"

static struct slice copy(struct slice text)
{
	char *at = must_alloc(text.size + 1);

	if (text.size)
		memcpy(at, text.at, text.size);
	return slice_of(at, text.size);
}

static void free_copy(struct slice text)
{
	free((void *)(uintptr_t)text.at);
}

/* --- Ids ---------------------------------------------------------------------------------------------------------- */

size_t stream_id_print(char text[STREAM_ID_TEXT], struct stream_id id)
{
	return (size_t)snprintf(text, STREAM_ID_TEXT, "%" PRIu64 "-%" PRIu64, id.ms, id.seq);
}

bool stream_id_read(struct slice text, struct stream_id *id)
{
	char copied[STREAM_ID_TEXT] = "";
	int end = 0;

	if (text.size == 0 || text.size >= sizeof(copied))
		return false;
	memcpy(copied, text.at, text.size);
	return sscanf(copied, "%" SCNu64 "-%" SCNu64 "%n", &id->ms, &id->seq, &end) == 2 && copied[end] == '\0';
}

int stream_id_compare(struct stream_id a, struct stream_id b)
{
	if (a.ms != b.ms)
		return a.ms < b.ms ? -1 : 1;
	return (a.seq > b.seq) - (a.seq < b.seq);
}

/* --- Streams ------------------------------------------------------------------------------------------------------ */

static struct store_stream *stream_of(struct map_node *node)
{
	return node ? map_item(node, struct store_stream, node) : NULL;
}

struct store_stream *store_stream(const struct store *s, struct slice name)
{
	return stream_of(map_find(&s->streams, name));
}

static struct store_stream *need_stream(struct store *s, struct slice name)
{
	struct store_stream *st = store_stream(s, name);

	if (st)
		return st;
	st = must_alloc(sizeof(*st));
	st->node.key = copy(name);
	map_add(&s->streams, &st->node);
	return st;
}

static void clear_entry(struct store_entry *e)
{
	for (size_t i = 0; i < 2 * e->n; i++)
		free_copy(e->pairs[i]);
	free(e->pairs);
}

static void remove_entry(struct store_stream *st, struct store_entry *e)
{
	size_t i = (size_t)(e - st->entries);

	clear_entry(e);
	st->n_entries--;
	memmove(e, e + 1, (st->n_entries - i) * sizeof(*e));
}

static void remove_pending(struct store_stream *st, struct store_pending *p)
{
	size_t i = (size_t)(p - st->pending);

	free(p->consumer);
	st->n_pending--;
	memmove(p, p + 1, (st->n_pending - i) * sizeof(*p));
}

static void free_stream(struct store *s, struct store_stream *st)
{
	map_remove(&s->streams, &st->node);
	while (st->n_entries)
		clear_entry(&st->entries[--st->n_entries]);
	while (st->n_pending)
		free(st->pending[--st->n_pending].consumer);
	free(st->entries);
	free(st->pending);
	free_copy(st->node.key);
	free(st);
}

static struct stream_id next_id(const struct store *s, const struct store_stream *st)
{
	struct stream_id id = { (uint64_t)(s->wall_ms + s->now_ms), 0 };

	if (stream_id_compare(id, st->last) <= 0)
		id = (struct stream_id){ st->last.ms, st->last.seq + 1 };
	return id;
}

struct stream_id store_add(struct store *s, struct slice stream, const struct slice *pairs, size_t n)
{
	struct store_stream *st = need_stream(s, stream);
	struct store_entry *e;

	if (st->n_entries == st->cap_entries) {
		st->cap_entries = st->cap_entries ? st->cap_entries * 2 : 8;
		st->entries = must_realloc(st->entries, st->cap_entries * sizeof(*e));
	}
	st->last = next_id(s, st);
	e = &st->entries[st->n_entries++];
	*e = (struct store_entry){ st->last, must_alloc(2 * n * sizeof(struct slice)), n };
	for (size_t i = 0; i < 2 * n; i++)
		e->pairs[i] = copy(pairs[i]);
	return e->id;
}

void store_trim(struct store *s, struct slice stream, size_t max_entries)
{
	struct store_stream *st = need_stream(s, stream);

	while (st->n_entries > max_entries)
		remove_entry(st, st->entries);
}

bool store_create_group(struct store *s, struct slice stream)
{
	struct store_stream *st = need_stream(s, stream);
	bool had = st->has_group;

	st->has_group = true;
	return !had;
}

struct store_entry *store_find(const struct store_stream *st, struct stream_id id)
{
	for (size_t i = 0; st && i < st->n_entries; i++)
		if (stream_id_compare(st->entries[i].id, id) == 0)
			return &st->entries[i];
	return NULL;
}

struct store_pending *store_find_pending(const struct store_stream *st, struct stream_id id)
{
	for (size_t i = 0; st && i < st->n_pending; i++)
		if (stream_id_compare(st->pending[i].id, id) == 0)
			return &st->pending[i];
	return NULL;
}

size_t store_ack(struct store *s, struct slice stream, struct stream_id id, bool removes)
{
	struct store_stream *st = store_stream(s, stream);
	struct store_pending *p = store_find_pending(st, id);
	struct store_entry *e = store_find(st, id);

	if (p)
		remove_pending(st, p);
	if (e && removes)
		remove_entry(st, e);
	return p != NULL;
}

struct store_entry *store_give(struct store_stream *st, struct slice consumer)
{
	size_t i = 0;
	struct store_pending *p;

	while (i < st->n_entries && stream_id_compare(st->entries[i].id, st->given) <= 0)
		i++;
	if (i == st->n_entries)
		return NULL;
	if (st->n_pending == st->cap_pending) {
		st->cap_pending = st->cap_pending ? st->cap_pending * 2 : 8;
		st->pending = must_realloc(st->pending, st->cap_pending * sizeof(*p));
	}
	p = &st->pending[st->n_pending++];
	*p = (struct store_pending){ st->entries[i].id, must_strndup(consumer.at, consumer.size), 1 };
	st->given = p->id;
	return &st->entries[i];
}

void store_claim(struct store_pending *p, struct slice consumer)
{
	free(p->consumer);
	p->consumer = must_strndup(consumer.at, consumer.size);
}

bool store_has_pending(const struct store_stream *st, struct slice consumer)
{
	for (size_t i = 0; st && i < st->n_pending; i++)
		if (slice_equal(slice_str(st->pending[i].consumer), consumer))
			return true;
	return false;
}

/* --- Keys and hashes ---------------------------------------------------------------------------------------------- */

static struct store_value *value_of(struct map_node *node)
{
	return node ? map_item(node, struct store_value, node) : NULL;
}

static void free_value(struct map *in, struct store_value *v)
{
	map_remove(in, &v->node);
	free_copy(v->node.key);
	free_copy(v->text);
	free(v);
}

static void set_value(struct map *in, struct slice key, struct slice text, int64_t until_ms)
{
	struct store_value *v = must_alloc(sizeof(*v)), *old = value_of(map_find(in, key));

	v->node.key = copy(key);
	v->text = copy(text);
	v->until_ms = until_ms;
	if (old)
		free_value(in, old);
	map_add(in, &v->node);
}

struct store_value *store_key(struct store *s, struct slice key)
{
	struct store_value *v = value_of(map_find(&s->keys, key));

	if (v && v->until_ms <= s->now_ms) {
		free_value(&s->keys, v);
		return NULL;
	}
	return v;
}

void store_set(struct store *s, struct slice key, struct slice value, int64_t until_ms)
{
	set_value(&s->keys, key, value, until_ms);
}

void store_drop(struct store *s, struct slice key)
{
	struct store_value *v = store_key(s, key);

	if (v)
		free_value(&s->keys, v);
}

static struct store_hash *hash_of(const struct store *s, struct slice name)
{
	struct map_node *node = map_find(&s->hashes, name);

	return node ? map_item(node, struct store_hash, node) : NULL;
}

static void free_hash(struct store *s, struct store_hash *h)
{
	struct map_node *at, *next;

	map_foreach(&h->fields, at, next) free_value(&h->fields, value_of(at));
	map_remove(&s->hashes, &h->node);
	free_copy(h->node.key);
	free(h);
}

struct store_value *store_field(const struct store *s, struct slice hash, struct slice field)
{
	struct store_hash *h = hash_of(s, hash);

	return h ? value_of(map_find(&h->fields, field)) : NULL;
}

void store_set_field(struct store *s, struct slice hash, struct slice field, struct slice value)
{
	struct store_hash *h = hash_of(s, hash);
	struct store_value *v;

	if (h == NULL) {
		h = must_alloc(sizeof(*h));
		h->node.key = copy(hash);
		map_add(&s->hashes, &h->node);
	}
	set_value(&h->fields, field, value, INT64_MAX);
	v = store_field(s, hash, field);
	if (v->serial == 0)
		v->serial = ++s->last_serial;
}

bool store_drop_field(struct store *s, struct slice hash, struct slice field)
{
	struct store_hash *h = hash_of(s, hash);
	struct store_value *v = store_field(s, hash, field);

	if (v == NULL)
		return false;
	free_value(&h->fields, v);
	if (map_count(&h->fields) == 0)
		free_hash(s, h);
	return true;
}

void store_clear(struct store *s)
{
	struct map_node *at, *next;

	map_foreach(&s->streams, at, next) free_stream(s, stream_of(at));
	map_foreach(&s->keys, at, next) free_value(&s->keys, value_of(at));
	map_foreach(&s->hashes, at, next) free_hash(s, map_item(at, struct store_hash, node));
}
