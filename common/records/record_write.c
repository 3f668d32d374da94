/* record_write.c - see record_write.h. */
#include "record_write.h"

#include <errno.h>
#include <inttypes.h>

#include "base64.h"
#include "json.h"
#include "msgpack.h"
#include "utf8.h"

static bool is_json(const struct record_writer *w)
{
	return w->encoding == VALUE_JSON;
}

static void note(struct record_writer *w, int error)
{
	if (error && w->error == 0)
		w->error = error;
}

struct record_writer record_begin(struct buf *to, enum value_encoding encoding)
{
	return (struct record_writer){ .to = to, .encoding = encoding, .begun = to->size };
}

int record_end(struct record_writer *w)
{
	int error = w->error ? w->error : w->to->failed ? -ENOMEM : 0;

	if (error)
		w->to->size = w->begun;
	return error;
}

/* --- Maps and arrays ---------------------------------------------------------------------------------------------- */

enum { MAP_HEAD = 3 }; /* bytes of a map 16's */

struct record_part write_map(struct record_writer *w)
{
	struct record_part map = { .head = w->to->size };

	if (is_json(w))
		buf_add_char(w->to, '{');
	else
		buf_add(w->to, "\xDE\x00\x00", MAP_HEAD);
	return map;
}

void write_key(struct record_writer *w, struct record_part *map, const char *key)
{
	if (is_json(w))
		buf_printf(w->to, "%s\"%s\":", map->count ? "," : "", key);
	else
		msgpack_put_text(w->to, slice_str(key));
	map->count++;
}

void write_map_end(struct record_writer *w, const struct record_part *map)
{
	if (is_json(w)) {
		buf_add_char(w->to, '}');
	} else if (!w->to->failed) {
		w->to->at[map->head + 1] = (char)(map->count >> 8);
		w->to->at[map->head + 2] = (char)map->count;
	}
}

struct record_part write_array(struct record_writer *w, size_t n)
{
	struct record_part array = { .count = 0 };

	if (is_json(w))
		buf_add_char(w->to, '[');
	else
		msgpack_put_array(w->to, n);
	return array;
}

void write_item(struct record_writer *w, struct record_part *array)
{
	if (is_json(w) && array->count)
		buf_add_char(w->to, ',');
	array->count++;
}

void write_array_end(struct record_writer *w)
{
	if (is_json(w))
		buf_add_char(w->to, ']');
}

/* --- Values ------------------------------------------------------------------------------------------------------- */

void write_text(struct record_writer *w, struct slice text)
{
	note(w, is_json(w) ? json_encode_text(w->to, text) : msgpack_encode(w->to, value_text(text), MSGPACK_CLIENT));
}

void write_raw(struct record_writer *w, struct slice encoded)
{
	if (encoded.size == 0)
		note(w, -EINVAL);
	buf_add_slice(w->to, encoded);
}

void write_json(struct record_writer *w, struct slice json)
{
	struct arena arena = ARENA_INIT;

	if (is_json(w) || json.size == 0) {
		write_raw(w, json);
		return;
	}
	note(w, msgpack_encode(w->to, json_decode(&arena, json, NULL, 0), MSGPACK_CLIENT));
	arena_fini(&arena);
}

void write_items(struct record_writer *w, struct slice items)
{
	if (is_json(w))
		buf_add_char(w->to, '[');
	else
		msgpack_put_array(w->to, msgpack_count(items));
	buf_add_slice(w->to, items);
	if (is_json(w))
		buf_add_char(w->to, ']');
}

static void write_uint(struct record_writer *w, uint64_t n)
{
	if (is_json(w))
		buf_printf(w->to, "%" PRIu64, n);
	else
		note(w, msgpack_encode(w->to, value_uint(n), MSGPACK_CLIENT));
}

/* --- Members ------------------------------------------------------------------------------------------------------ */

void put_uint(struct record_writer *w, struct record_part *map, const char *key, uint64_t n)
{
	write_key(w, map, key);
	write_uint(w, n);
}

void put_text(struct record_writer *w, struct record_part *map, const char *key, struct slice text)
{
	write_key(w, map, key);
	write_text(w, text);
}

void put_text_if(struct record_writer *w, struct record_part *map, const char *key, struct slice text)
{
	if (text.size)
		put_text(w, map, key, text);
}

void put_mended(struct record_writer *w, struct record_part *map, const char *key, struct slice text)
{
	struct buf mended = BUF_INIT;

	if (utf8_valid(text)) {
		put_text(w, map, key, text);
		return;
	}
	utf8_mend(&mended, text);
	note(w, mended.failed ? -ENOMEM : 0);
	put_text(w, map, key, buf_slice(&mended));
	buf_fini(&mended);
}

void put_json(struct record_writer *w, struct record_part *map, const char *key, struct slice json)
{
	write_key(w, map, key);
	write_json(w, json);
}

void put_flag(struct record_writer *w, struct record_part *map, const char *key, bool is_set)
{
	if (!is_set)
		return;
	write_key(w, map, key);
	buf_add_slice(w->to, is_json(w) ? SLICE("true") : SLICE("\xC3"));
}

void put_names(struct record_writer *w, struct record_part *map, const char *key, const struct slice *names, size_t n)
{
	struct record_part array;

	write_key(w, map, key);
	array = write_array(w, n);
	for (size_t i = 0; i < n; i++) {
		write_item(w, &array);
		write_text(w, names[i]);
	}
	write_array_end(w);
}

void put_blobs(struct record_writer *w, struct record_part *map, const struct slice *blobs, size_t n)
{
	struct record_part array;

	if (n == 0 || !is_json(w))
		return;
	write_key(w, map, "attachments");
	array = write_array(w, n);
	for (size_t i = 0; i < n; i++) {
		write_item(w, &array);
		buf_add_char(w->to, '"');
		base64_encode(w->to, blobs[i]);
		buf_add_char(w->to, '"');
	}
	write_array_end(w);
}
