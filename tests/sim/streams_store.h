/*
 * streams_store.h - what the simulated Redis of streams_sim.h keeps, and what its commands do to it, at once.
 *
 * Slices returned point into the store and are valid until it changes.
 */
#ifndef STOA_TESTS_STREAMS_STORE_H
#define STOA_TESTS_STREAMS_STORE_H

#include "map.h"

struct stream_id {
	uint64_t ms, seq;
};
enum { STREAM_ID_TEXT = 44 };
size_t stream_id_print(char text[STREAM_ID_TEXT], struct stream_id id);
bool stream_id_read(struct slice text, struct stream_id *id);
int stream_id_compare(struct stream_id a, struct stream_id b);

struct store_entry {
	struct stream_id id;
	struct slice *pairs; /* n names, each with its value behind it */
	size_t n;
};

struct store_pending {
	struct stream_id id;
	char *consumer;
	uint64_t deliveries;
};

struct store_stream {
	struct map_node node;
	struct store_entry *entries;
	size_t n_entries, cap_entries;
	struct stream_id last;
	bool has_group;
	struct stream_id given;        /* up to here they have been given to somebody */
	struct store_pending *pending; /* by id */
	size_t n_pending, cap_pending;
};

struct store_value {
	struct map_node node;
	int64_t until_ms; /* INT64_MAX: for ever */
	int64_t serial;   /* of a field, from 1: what was there longer has a lower one */
	struct slice text;
};

struct store_hash {
	struct map_node node;
	struct map fields; /* struct store_value */
};

struct store {
	int64_t now_ms, wall_ms, last_serial;
	struct map streams, keys, hashes;
};

void store_clear(struct store *s);

struct store_stream *store_stream(const struct store *s, struct slice name); /* NULL: there is none */
struct stream_id store_add(struct store *s, struct slice stream, const struct slice *pairs, size_t n);
void store_trim(struct store *s, struct slice stream, size_t max_entries);
bool store_create_group(struct store *s, struct slice stream); /* whether there was none */
size_t store_ack(struct store *s, struct slice stream, struct stream_id id, bool removes);
struct store_entry *store_find(const struct store_stream *st, struct stream_id id);
struct store_pending *store_find_pending(const struct store_stream *st, struct stream_id id);
/* The next entry that nobody was given, now pending with the consumer; NULL: there is none. */
struct store_entry *store_give(struct store_stream *st, struct slice consumer);
void store_claim(struct store_pending *p, struct slice consumer); /* its deliveries stay as they are */
bool store_has_pending(const struct store_stream *st, struct slice consumer);

struct store_value *store_key(struct store *s, struct slice key); /* NULL: there is none, or it has run out */
void store_set(struct store *s, struct slice key, struct slice value, int64_t until_ms);
void store_drop(struct store *s, struct slice key);
struct store_value *store_field(const struct store *s, struct slice hash, struct slice field);
void store_set_field(struct store *s, struct slice hash, struct slice field, struct slice value);
bool store_drop_field(struct store *s, struct slice hash, struct slice field);

#endif
