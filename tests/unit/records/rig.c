#include "rig.h"

#include "json.h"
#include "msgpack.h"

struct arena arena;
struct record_rules rules;

void rig_begin(void)
{
	arena = ARENA_INIT;
	rules = RECORD_RULES;
}

void rig_end(void)
{
	arena_fini(&arena);
}

static struct slice kept(struct buf *b)
{
	struct slice copy = slice_of(arena_copy(&arena, b->at ? b->at : "", b->size), b->size);

	ck_assert(!b->failed);
	buf_fini(b);
	return copy;
}

struct slice record_of(const char *json, enum value_encoding encoding)
{
	struct json_rules all = { .max_depth = VALUE_DEPTH_MAX, .blobs = JSON_NO_BLOBS };
	struct buf bytes = BUF_INIT;
	unsigned flags;

	if (encoding == VALUE_JSON)
		return slice_str(json);
	ck_assert_msg(json_check(slice_str(json), &all, &flags) == NULL, "%s", json);
	ck_assert_int_eq(msgpack_encode(&bytes, json_decode(&arena, slice_str(json), NULL, 0), MSGPACK_CLIENT), 0);
	return kept(&bytes);
}

const char *text_of(struct slice record)
{
	struct msgpack_rules all = { .max_depth = VALUE_DEPTH_MAX };
	struct buf text = BUF_INIT;

	if (record_encoding(record) == VALUE_MSGPACK) {
		ck_assert_ptr_null(msgpack_check(record, &all));
		ck_assert_int_eq(json_encode(&text, msgpack_decode(&arena, record, MSGPACK_CLIENT), NULL), 0);
	} else {
		buf_add_slice(&text, record);
	}
	return kept(&text).at;
}

void rig_same_text(const char *file, int line, struct slice got, const char *wanted)
{
	ck_assert_msg(
		slice_equal(got, slice_str(wanted)), "%s:%d: %.*s\n   is not %s", file, line, SLICE_ARG(got), wanted);
}

/* --- Three kinds of records --------------------------------------------------------------------------------------- */

/* One record, of any kind: read, and written again when `to` is given. NULL, or why it cannot be read. */
typedef const char *pass_fn(struct slice bytes, struct buf *to);

static const char *pass_event(struct slice bytes, struct buf *to)
{
	struct event_record e;
	const char *why = event_record_read(&arena, bytes, &rules, &e);

	if (why == NULL && to)
		ck_assert_int_eq(event_record_put(to, record_encoding(bytes), &e), 0);
	return why;
}

static const char *pass_batch(struct slice bytes, struct buf *to)
{
	struct batch_record b;
	const char *why = batch_record_read(&arena, bytes, &rules, &b);

	if (why == NULL && to)
		ck_assert_int_eq(batch_record_put(to, record_encoding(bytes), &b), 0);
	return why;
}

static const char *pass_client(struct slice bytes, struct buf *to)
{
	struct client_record c;
	const char *why = client_record_read(&arena, bytes, &rules, &c);

	if (why == NULL && to)
		ck_assert_int_eq(client_record_put(to, record_encoding(bytes), &c), 0);
	return why;
}

static void stays(pass_fn *pass, const char *json)
{
	for (enum value_encoding encoding = VALUE_JSON; encoding <= VALUE_MSGPACK; encoding++) {
		struct slice bytes = record_of(json, encoding);
		struct buf again = BUF_INIT;
		const char *why = pass(bytes, &again), *text = text_of(buf_slice(&again));

		ck_assert_msg(why == NULL, "%d %s: %s", encoding, json, why);
		ck_assert_msg(strcmp(text, json) == 0, "%d\n %s\n has become\n %s", encoding, json, text);
		buf_fini(&again);
	}
}

static const char *fault(pass_fn *pass, const char *json)
{
	const char *first = pass(record_of(json, VALUE_JSON), NULL);
	const char *second = pass(record_of(json, VALUE_MSGPACK), NULL);

	ck_assert_msg((first == NULL) == (second == NULL) && (first == NULL || strcmp(first, second) == 0),
		"%s: %s, but %s", json, first, second);
	return first ? first : "";
}

static const char *fault_of(pass_fn *pass, struct slice bytes)
{
	const char *why = pass(bytes, NULL);

	return why ? why : "";
}

void event_stays(const char *json)
{
	stays(pass_event, json);
}

void batch_stays(const char *json)
{
	stays(pass_batch, json);
}

void client_stays(const char *json)
{
	stays(pass_client, json);
}

const char *event_fault(const char *json)
{
	return fault(pass_event, json);
}

const char *batch_fault(const char *json)
{
	return fault(pass_batch, json);
}

const char *client_fault(const char *json)
{
	return fault(pass_client, json);
}

const char *event_fault_of(struct slice bytes)
{
	return fault_of(pass_event, bytes);
}

const char *batch_fault_of(struct slice bytes)
{
	return fault_of(pass_batch, bytes);
}

struct event_record event_of(const char *json)
{
	struct event_record e;
	const char *why = event_record_read(&arena, slice_str(json), &rules, &e);

	ck_assert_msg(why == NULL, "%s: %s", json, why);
	return e;
}

struct batch_record batch_of(const char *json)
{
	struct batch_record b;
	const char *why = batch_record_read(&arena, slice_str(json), &rules, &b);

	ck_assert_msg(why == NULL, "%s: %s", json, why);
	return b;
}
