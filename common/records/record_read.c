/* record_read.c - see record_read.h: maps, arrays and plain values. record_values.c has what is passed on. */
#include "record_read.h"

#include <math.h>

#include "msgpack.h"
#include "utf8.h"

static const char no_memory[] = "out of memory";

enum { OUTER_DEPTH = VALUE_DEPTH_MAX - RECORD_DEPTH_MAX }; /* maps and arrays of a record's own */

enum value_encoding record_encoding(struct slice record)
{
	return record.size && record.at[0] == '{' ? VALUE_JSON : VALUE_MSGPACK;
}

void read_fail(struct record_reader *r, const char *why)
{
	if (r->error == NULL)
		r->error = why;
}

void *read_memory(struct record_reader *r, size_t size)
{
	void *piece = arena_zero(r->arena, size);

	if (piece == NULL)
		read_fail(r, no_memory);
	return piece;
}

struct record_reader record_reader_of(struct arena *arena, struct slice bytes, const struct record_rules *rules)
{
	struct record_reader r = { .arena = arena, .rules = rules, .encoding = record_encoding(bytes) };
	unsigned depth = rules->max_depth < RECORD_DEPTH_MAX ? rules->max_depth : RECORD_DEPTH_MAX;
	struct msgpack_rules msgpack = { .max_depth = depth + OUTER_DEPTH };

	r.outer = (struct json_rules){ .max_depth = depth + OUTER_DEPTH, .blobs = JSON_NO_BLOBS };
	if (bytes.size > rules->max_bytes)
		read_fail(&r, "a record that is too large");
	else if (r.encoding == VALUE_MSGPACK)
		read_fail(&r, msgpack_check(bytes, &msgpack));
	return r;
}

/* --- What a value is ---------------------------------------------------------------------------------------------- */

static bool is_json(const struct record_reader *r)
{
	return r->encoding == VALUE_JSON;
}

static char first_of(struct slice value)
{
	return value.size ? value.at[0] : '\0';
}

static bool has_form(struct slice value, enum msgpack_form form)
{
	struct msgpack_head head;

	return msgpack_head(value, &head) && head.form == form;
}

bool value_is_map(const struct record_reader *r, struct slice value)
{
	return is_json(r) ? first_of(value) == '{' : has_form(value, MSGPACK_MAP);
}

bool value_is_array(const struct record_reader *r, struct slice value)
{
	return is_json(r) ? first_of(value) == '[' : has_form(value, MSGPACK_ARRAY);
}

bool value_is_text(const struct record_reader *r, struct slice value)
{
	return is_json(r) ? first_of(value) == '"' : has_form(value, MSGPACK_TEXT);
}

bool value_is_number(const struct record_reader *r, struct slice value)
{
	char first = first_of(value);

	if (is_json(r))
		return first == '-' || (first >= '0' && first <= '9');
	return has_form(value, MSGPACK_UINT) || has_form(value, MSGPACK_INT) || has_form(value, MSGPACK_FLOAT);
}

static bool is_null(const struct record_reader *r, struct slice value)
{
	return is_json(r) ? slice_equal(value, SLICE("null")) : has_form(value, MSGPACK_NIL);
}

/* --- Arrays and maps ---------------------------------------------------------------------------------------------- */

static struct record_walk walk_of(struct record_reader *r, struct slice value, bool fits, const char *why)
{
	struct record_walk w = { .reader = r, .why = why };
	struct msgpack_head head;

	if (!fits) {
		read_fail(r, why);
	} else if (!is_json(r) && msgpack_head(value, &head)) {
		w.rest = slice_from(value, head.size);
		w.left = head.count;
	}
	return w;
}

struct record_walk walk_array(struct record_reader *r, struct slice array, const char *why)
{
	struct record_walk w = walk_of(r, array, value_is_array(r, array), why);

	w.json = json_items_of(array, &r->outer);
	return w;
}

struct record_walk walk_map(struct record_reader *r, struct slice map, const char *why)
{
	struct record_walk w = walk_of(r, map, value_is_map(r, map), why);

	w.json = json_members_of(map, &r->outer);
	return w;
}

/* All of it has been checked before. */
static bool take_value(struct record_walk *w, struct slice *value)
{
	struct msgpack_rules rules = { .max_depth = VALUE_DEPTH_MAX };
	const char *error = msgpack_scan(w->rest, &rules, 0, value);

	read_fail(w->reader, error);
	if (error == NULL)
		w->rest = slice_from(w->rest, value->size);
	return error == NULL;
}

bool walk_next(struct record_walk *w, struct slice *item)
{
	bool found;

	if (w->reader->error)
		return false;
	if (!is_json(w->reader))
		return w->left && w->left-- && take_value(w, item);
	found = json_items_next(&w->json, item);
	read_fail(w->reader, w->json.error);
	return found;
}

bool walk_member(struct record_walk *w, struct slice *key, struct slice *value)
{
	bool found;

	if (w->reader->error)
		return false;
	if (!is_json(w->reader))
		return w->left && w->left-- && take_value(w, key) && take_value(w, value);
	found = json_members_next(&w->json, key, value);
	read_fail(w->reader, w->json.error);
	return found;
}

size_t walk_count(struct record_walk w)
{
	struct slice key, item;
	size_t n = 0;

	if (!is_json(w.reader))
		return w.reader->error ? 0 : w.left;
	while (w.json.open == '[' ? walk_next(&w, &item) : walk_member(&w, &key, &item))
		n++;
	return n;
}

static bool is_plain_token(struct slice token)
{
	return slice_find(token, '\\') == token.size;
}

/* What a key says; few are written with escapes. */
static struct slice key_of(struct record_reader *r, struct slice token)
{
	struct msgpack_head head;

	if (!value_is_text(r, token))
		return slice_of(NULL, 0);
	if (!is_json(r) && msgpack_head(token, &head))
		return slice_from(token, head.size);
	if (is_plain_token(token))
		return slice_of(token.at + 1, token.size - 2);
	return decoded_text(r, token);
}

void read_map(struct record_reader *r, struct slice map, const char *const *names, size_t n, struct slice *found,
	const char *why)
{
	struct record_walk w = walk_map(r, map, why);
	struct slice token, value, key;

	memset(found, 0, n * sizeof(*found));
	while (walk_member(&w, &token, &value)) {
		key = key_of(r, token);
		for (size_t i = 0; i < n; i++)
			if (slice_equal(key, slice_str(names[i])))
				found[i] = is_null(r, value) ? slice_of(NULL, 0) : value;
	}
}

/* --- Plain values ------------------------------------------------------------------------------------------------- */

struct slice decoded_text(struct record_reader *r, struct slice value)
{
	struct stoa_value v = value_broken();
	struct slice text;

	if (!is_json(r)) {
		v = msgpack_decode(r->arena, value, MSGPACK_CLIENT);
		text = v.kind_ == VALUE_TEXT ? value_slice(v) : slice_of(NULL, 0);
	} else {
		text = json_decode_text(r->arena, value);
	}
	if (text.at == NULL)
		read_fail(r, no_memory);
	return text;
}

struct slice read_name(struct record_reader *r, struct slice value, const char *why)
{
	struct slice text = { NULL, 0 };

	if (value.at == NULL || r->error)
		return text;
	if (value_is_text(r, value))
		text = decoded_text(r, value);
	else
		read_fail(r, why);
	if (utf8_valid(text))
		return text;
	read_fail(r, why);
	return slice_of(NULL, 0);
}

struct slice read_text(struct record_reader *r, struct slice value, const char *why)
{
	struct slice text = read_name(r, value, why);

	if (slice_find(text, '\0') == text.size)
		return text;
	read_fail(r, why);
	return slice_of(NULL, 0);
}

struct slice read_word(struct record_reader *r, struct slice value, size_t max, const char *why)
{
	struct slice text = read_text(r, value, why);
	bool fits = text.size > 0 && text.size <= max;

	for (size_t i = 0; i < text.size && fits; i++)
		fits = text.at[i] >= 0x21 && text.at[i] <= 0x7E;
	if (value.at && !fits)
		read_fail(r, why);
	return text;
}

struct slice read_namespace(struct record_reader *r, struct slice value)
{
	struct slice text = read_text(r, value, "nsp is no namespace");

	if (value.at && first_of(text) != '/')
		read_fail(r, "nsp is no namespace");
	return text;
}

/* Below 2^53 also as a double: some write every number so. */
static bool whole_of(struct stoa_value v, uint64_t *n)
{
	if (v.kind_ == VALUE_FLOAT) {
		double f = v.as_.f;

		*n = f >= 0 && f < 9007199254740992.0 ? (uint64_t)f : 0;
		return f >= 0 && f < 9007199254740992.0 && !(f > floor(f));
	}
	*n = v.as_.u;
	return v.kind_ == VALUE_UINT || (v.kind_ == VALUE_INT && v.as_.i >= 0);
}

uint64_t read_uint(struct record_reader *r, struct slice value, uint64_t max, const char *why)
{
	struct stoa_value v;
	uint64_t n = 0;

	if (value.at == NULL || r->error)
		return 0;
	if (!value_is_number(r, value)) {
		read_fail(r, why);
		return 0;
	}
	v = is_json(r) ? json_decode(r->arena, value, NULL, 0) : msgpack_decode(r->arena, value, MSGPACK_CLIENT);
	if (!whole_of(v, &n) || n > max) {
		read_fail(r, why);
		return 0;
	}
	return n;
}

bool read_flag(struct record_reader *r, struct slice value, const char *why)
{
	bool is_true = slice_equal(value, is_json(r) ? SLICE("true") : SLICE("\xC3"));
	bool is_false = slice_equal(value, is_json(r) ? SLICE("false") : SLICE("\xC2"));

	if (value.at && !is_true && !is_false)
		read_fail(r, why);
	return is_true;
}

const struct slice *read_names(struct record_reader *r, struct slice value, size_t max, size_t *n, const char *why)
{
	struct record_walk w;
	struct slice *names, item;
	size_t count;

	*n = 0;
	if (value.at == NULL || r->error)
		return NULL;
	w = walk_array(r, value, why);
	count = walk_count(w);
	if (count > max)
		read_fail(r, why);
	names = r->error ? NULL : read_memory(r, count * sizeof(*names));
	while (names && *n < count && walk_next(&w, &item)) {
		names[*n] = read_name(r, item, why);
		*n += names[*n].at != NULL;
	}
	return names;
}

size_t read_choice(struct record_reader *r, struct slice value, const char *const *names, size_t n, const char *why)
{
	struct slice text = read_text(r, value, why);

	for (size_t i = 0; i < n && text.at; i++)
		if (slice_equal(text, slice_str(names[i])))
			return i;
	read_fail(r, why);
	return 0;
}

void read_version(struct record_reader *r, struct slice value)
{
	uint64_t version = read_uint(r, value, UINT64_MAX, "v is no version");

	if (value.at == NULL)
		read_fail(r, "a record without a version");
	else if (version != RECORDS_VERSION)
		read_fail(r, "a record of another version");
}
