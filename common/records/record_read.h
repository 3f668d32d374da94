/*
 * record_read.h - maps and arrays of either encoding, read with suspicion; private to records.
 *
 * The first error is kept, as `error`; what is read after it, or absent, is empty. A member that is null is absent. Values
 * are the members' bytes as they stand. `why` is the static text for a member that is there and is not what it must be.
 */
#ifndef STOA_RECORDS_RECORD_READ_H
#define STOA_RECORDS_RECORD_READ_H

#include "json.h"
#include "records.h"

struct record_reader {
	struct arena *arena;
	const struct record_rules *rules;
	enum value_encoding encoding;
	struct json_rules outer; /* of the whole */
	const char *error;
};

/* `bytes` is checked as far as size, and in MessagePack form, go. Not to be moved while something is walked. */
struct record_reader record_reader_of(struct arena *arena, struct slice bytes, const struct record_rules *rules);
void read_fail(struct record_reader *r, const char *why);
void *read_memory(struct record_reader *r, size_t size); /* zeroed; NULL: no memory, which is the error then */

/* The values of the members that go by one of n names, in found[n]; of one that comes twice, the last. */
void read_map(struct record_reader *r, struct slice map, const char *const *names, size_t n, struct slice *found,
	const char *why);

/* The items of an array; begun with its bytes, or of a map its keys and values in turn. */
struct record_walk {
	struct record_reader *reader;
	struct json_items json;
	struct slice rest; /* MessagePack */
	size_t left;
	const char *why;
};
struct record_walk walk_array(struct record_reader *r, struct slice array, const char *why);
bool walk_next(struct record_walk *w, struct slice *item);
struct record_walk walk_map(struct record_reader *r, struct slice map, const char *why);
bool walk_member(struct record_walk *w, struct slice *key, struct slice *value);
size_t walk_count(struct record_walk w); /* of those that are left, when they are well-formed */

/* Values. */
uint64_t read_uint(struct record_reader *r, struct slice value, uint64_t max, const char *why);
bool read_flag(struct record_reader *r, struct slice value, const char *why);
/* UTF-8 without a NUL, and a NUL behind it. */
struct slice read_text(struct record_reader *r, struct slice value, const char *why);
/* The same of characters 0x21 to 0x7E alone, 1 to max of them. */
struct slice read_word(struct record_reader *r, struct slice value, size_t max, const char *why);
struct slice read_namespace(struct record_reader *r, struct slice value); /* "/.." */
/* UTF-8, NULs in it or not: names of rooms are a peer's. At most `max`. */
const struct slice *read_names(struct record_reader *r, struct slice value, size_t max, size_t *n, const char *why);
struct slice read_name(struct record_reader *r, struct slice value, const char *why);
/* Which of the names a text is; 0 and the error when it is none. */
size_t read_choice(struct record_reader *r, struct slice value, const char *const *names, size_t n, const char *why);
/* A value that is not for the wire, as JSON text, its numbers as JavaScript prints them. */
struct slice read_json(struct record_reader *r, struct slice value, const char *why);
struct slice read_json_object(struct record_reader *r, struct slice value, const char *why);

/* What clients say or hear, verbatim, with its attachments. */
struct record_payload {
	struct slice json; /* in the record's encoding */
	unsigned flags;    /* JSON_* */
	const struct slice *blobs;
	size_t n_blobs;
};
struct record_payload read_payload(
	struct record_reader *r, struct slice value, struct slice attachments, const char *why);
/* The same for what an application says: numbers that JavaScript would not print so are written anew. */
struct record_payload read_outgoing(
	struct record_reader *r, struct slice value, struct slice attachments, const char *why);

bool value_is_map(const struct record_reader *r, struct slice value);
bool value_is_array(const struct record_reader *r, struct slice value);
bool value_is_text(const struct record_reader *r, struct slice value);
bool value_is_number(const struct record_reader *r, struct slice value);
/* The items of a checked array, without what is around them. */
struct slice inside_array(const struct record_reader *r, struct slice array);
/* A text as it means, which may hold a NUL and lone surrogates; empty without memory. */
struct slice decoded_text(struct record_reader *r, struct slice value);

/* Version and encoding of a record, read first. */
void read_version(struct record_reader *r, struct slice value);

#endif
