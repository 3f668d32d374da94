/* msgpack_parts.h - heads and leaves of MessagePack, read in place; private to msgpack_*.c, json_encode_msgpack.c and wire_*.c. */
#ifndef STOA_CODEC_MSGPACK_PARTS_H
#define STOA_CODEC_MSGPACK_PARTS_H

#include "date.h"
#include "msgpack.h"

/* The first bytes 0xC0 to 0xDF: `length` bytes behind them that hold a size or a count, or a `body` of fixed size. */
struct msgpack_row {
	enum msgpack_form form;
	unsigned char length, body;
};
extern const struct msgpack_row msgpack_rows[32];
enum { MSGPACK_UNUSED_BYTE = 0xC1 };

static inline bool msgpack_is_container(enum msgpack_form form)
{
	return form == MSGPACK_ARRAY || form == MSGPACK_MAP;
}

static inline bool msgpack_read_long_head(struct slice bytes, unsigned first, struct msgpack_head *head)
{
	const struct msgpack_row *row = &msgpack_rows[first - 0xC0];
	size_t length = row->length;
	uint32_t n = row->body;

	head->form = row->form;
	head->size = 1 + length + (head->form == MSGPACK_EXT);
	if (first == MSGPACK_UNUSED_BYTE || bytes.size < head->size)
		return false;
	for (size_t i = 1; i <= length; i++)
		n = n << 8 | (unsigned char)bytes.at[i];
	if (head->form == MSGPACK_EXT)
		head->type = (int8_t)bytes.at[length + 1];
	if (msgpack_is_container(head->form))
		head->count = n;
	else
		head->body = n;
	return true;
}

/* msgpack_head() where it is worth having it in place: one value after the other. */
static inline bool msgpack_read_head(struct slice bytes, struct msgpack_head *head)
{
	unsigned first = bytes.size ? (unsigned char)bytes.at[0] : MSGPACK_UNUSED_BYTE;

	*head = (struct msgpack_head){ .size = 1 };
	if (first >= 0xC0 && first < 0xE0)
		return msgpack_read_long_head(bytes, first, head);
	if (first < 0x80) {
		head->form = MSGPACK_UINT;
	} else if (first >= 0xE0) {
		head->form = MSGPACK_INT;
	} else if (first >= 0xA0) {
		head->form = MSGPACK_TEXT;
		head->body = first & 0x1F;
	} else {
		head->form = first < 0x90 ? MSGPACK_MAP : MSGPACK_ARRAY;
		head->count = first & 0x0F;
	}
	return true;
}

/* The same, and that the value's own bytes are there. */
static inline bool msgpack_read_value_head(struct slice bytes, struct msgpack_head *head)
{
	return msgpack_read_head(bytes, head) && head->body <= bytes.size - head->size;
}

static inline struct slice msgpack_body(struct slice bytes, const struct msgpack_head *head)
{
	return slice_of(bytes.at + head->size, head->body);
}

/* How many values follow an array's or map's head. */
static inline uint64_t msgpack_values_inside(const struct msgpack_head *head)
{
	return head->form == MSGPACK_MAP ? 2 * (uint64_t)head->count : head->count;
}

/* Passes over one value by the heads alone, whatever is in it; checks nothing but that it is there. False: it is not. */
bool msgpack_skip(struct slice *rest);

/*
 * Anything but an array or a map, as the dialect has it. `v` borrows: text, without a NUL behind it, and binary are the
 * bytes themselves; a date's text is `date`, and an ext that is nothing else the array `pair`.
 */
struct msgpack_leaf {
	struct stoa_value v;
	struct stoa_value pair[2];
	char date[DATE_TEXT_MAX];
};
/* `bytes` begin with it, and msgpack_read_value_head() said what `head` says. */
void msgpack_read_leaf(
	struct slice bytes, const struct msgpack_head *head, enum msgpack_dialect dialect, struct msgpack_leaf *leaf);

#endif
