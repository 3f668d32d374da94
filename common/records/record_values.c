/* record_values.c - what is passed on: arguments with their attachments, and JSON text. See record_read.h. */
#include "record_read.h"

#include <errno.h>

#include "base64.h"
#include "msgpack.h"

static bool is_json(const struct record_reader *r)
{
	return r->encoding == VALUE_JSON;
}

static unsigned depth_of(const struct record_reader *r)
{
	return r->rules->max_depth < RECORD_DEPTH_MAX ? r->rules->max_depth : RECORD_DEPTH_MAX;
}

/* What a buffer holds, in the arena; the buffer is freed. */
static struct slice keep(struct record_reader *r, struct buf *b, int error)
{
	const char *copy = error || b->failed ? NULL : arena_copy(r->arena, b->at ? b->at : "", b->size);
	struct slice kept = slice_of(copy, copy ? b->size : 0);

	if (error && error != -ENOMEM)
		read_fail(r, "a value that JSON has not");
	else if (copy == NULL)
		read_fail(r, "out of memory");
	buf_fini(b);
	return kept;
}

/* --- Attachments -------------------------------------------------------------------------------------------------- */

static bool is_base64_digit(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/';
}

static bool is_base64(struct slice text)
{
	size_t padding = 0;

	while (padding < 2 && padding < text.size && text.at[text.size - 1 - padding] == '=')
		padding++;
	for (size_t i = 0; i + padding < text.size; i++)
		if (!is_base64_digit(text.at[i]))
			return false;
	return text.size % 4 == 0;
}

static struct slice read_blob(struct record_reader *r, struct slice value)
{
	struct slice text = read_text(r, value, "an attachment that is not base64");
	char *to;

	if (!is_base64(text))
		read_fail(r, "an attachment that is not base64");
	to = r->error ? NULL : read_memory(r, text.size / 4 * 3 + 3);
	return slice_of(to, to ? base64_decode(to, text) : 0);
}

static void read_blobs(struct record_reader *r, struct slice attachments, struct record_payload *p)
{
	static const char why[] = "attachments are no array, or too many";
	struct record_walk w = walk_array(r, attachments, why);
	size_t count = walk_count(w);
	struct slice *blobs, item;

	if (count > r->rules->max_attachments)
		read_fail(r, why);
	blobs = r->error ? NULL : read_memory(r, count * sizeof(*blobs));
	while (blobs && p->n_blobs < count && walk_next(&w, &item))
		blobs[p->n_blobs++] = read_blob(r, item);
	p->blobs = blobs;
}

/* --- What clients say or hear ------------------------------------------------------------------------------------- */

struct record_payload read_payload(
	struct record_reader *r, struct slice value, struct slice attachments, const char *why)
{
	struct record_payload p = { .json = value };
	struct msgpack_rules msgpack = { .max_depth = depth_of(r) };
	struct json_rules json = { .max_depth = depth_of(r), .blobs = JSON_NO_BLOBS };

	if (r->error)
		return p;
	if (value.at == NULL) {
		read_fail(r, why);
		return p;
	}
	if (!is_json(r)) {
		read_fail(r, msgpack_check(value, &msgpack));
		return p;
	}
	if (attachments.at) {
		read_blobs(r, attachments, &p);
		json.blobs = (long)p.n_blobs;
	}
	if (r->error == NULL)
		read_fail(r, json_check(value, &json, &p.flags));
	return p;
}

/* With its attachments, which come out in the order of the new text. */
static void write_anew(struct record_reader *r, struct record_payload *p)
{
	struct json_blobs blobs = { NULL, 0, 0 };
	struct buf text = BUF_INIT;
	int error = json_encode(&text, json_decode(r->arena, p->json, p->blobs, p->n_blobs), &blobs);
	struct slice *copy = blobs.count ? read_memory(r, blobs.count * sizeof(*copy)) : NULL;

	p->json = keep(r, &text, error);
	p->n_blobs = copy ? blobs.count : 0;
	if (copy)
		memcpy(copy, blobs.at, blobs.count * sizeof(*copy));
	p->blobs = copy;
	json_blobs_fini(&blobs);
}

struct record_payload read_outgoing(
	struct record_reader *r, struct slice value, struct slice attachments, const char *why)
{
	struct record_payload p = read_payload(r, value, attachments, why);

	if (r->error == NULL && (p.flags & JSON_REWRITE))
		write_anew(r, &p);
	return p;
}

/* An array's inside, white space at its ends left out. */
static struct slice trimmed(struct slice s)
{
	static const char space[] = " \t\r\n";

	while (s.size && strchr(space, s.at[0]))
		s = slice_from(s, 1);
	while (s.size && strchr(space, s.at[s.size - 1]))
		s.size--;
	return s;
}

struct slice inside_array(const struct record_reader *r, struct slice array)
{
	struct msgpack_head head;

	if (is_json(r))
		return array.size >= 2 ? trimmed(slice_of(array.at + 1, array.size - 2)) : slice_of("", 0);
	return msgpack_head(array, &head) ? slice_from(array, head.size) : slice_of("", 0);
}

/* --- JSON text ---------------------------------------------------------------------------------------------------- */

static struct slice json_of_msgpack(struct record_reader *r, struct slice value, const char *why)
{
	struct json_blobs blobs = { NULL, 0, 0 };
	struct buf text = BUF_INIT;
	int error = json_encode(&text, msgpack_decode(r->arena, value, MSGPACK_CLIENT), &blobs);
	bool has_binary = blobs.count > 0;
	struct slice kept = keep(r, &text, error);

	json_blobs_fini(&blobs);
	if (has_binary)
		read_fail(r, why);
	return kept;
}

struct slice read_json(struct record_reader *r, struct slice value, const char *why)
{
	struct record_payload p;

	if (value.at == NULL || r->error)
		return slice_of(NULL, 0);
	p = read_outgoing(r, value, slice_of(NULL, 0), why);
	if (r->error)
		return slice_of(NULL, 0);
	return is_json(r) ? p.json : json_of_msgpack(r, value, why);
}

struct slice read_json_object(struct record_reader *r, struct slice value, const char *why)
{
	if (value.at && !value_is_map(r, value))
		read_fail(r, why);
	return read_json(r, value, why);
}
