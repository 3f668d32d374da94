/* msgpack_scan.c - heads, and the check of a whole value; see msgpack.h. */
#include "msgpack_parts.h"
#include "utf8.h"

static const char malformed_text[] = "malformed MessagePack", not_utf8_text[] = "MessagePack is not UTF-8",
		  too_deep_text[] = "MessagePack too deep", key_text[] = "a key that is no text";

const struct msgpack_row msgpack_rows[32] = {
	[0x00] = { MSGPACK_NIL, 0, 0 },
	[0x02] = { MSGPACK_BOOL, 0, 0 },
	[0x03] = { MSGPACK_BOOL, 0, 0 },
	[0x04] = { MSGPACK_BYTES, 1, 0 },
	[0x05] = { MSGPACK_BYTES, 2, 0 },
	[0x06] = { MSGPACK_BYTES, 4, 0 },
	[0x07] = { MSGPACK_EXT, 1, 0 },
	[0x08] = { MSGPACK_EXT, 2, 0 },
	[0x09] = { MSGPACK_EXT, 4, 0 },
	[0x0A] = { MSGPACK_FLOAT, 0, 4 },
	[0x0B] = { MSGPACK_FLOAT, 0, 8 },
	[0x0C] = { MSGPACK_UINT, 0, 1 },
	[0x0D] = { MSGPACK_UINT, 0, 2 },
	[0x0E] = { MSGPACK_UINT, 0, 4 },
	[0x0F] = { MSGPACK_UINT, 0, 8 },
	[0x10] = { MSGPACK_INT, 0, 1 },
	[0x11] = { MSGPACK_INT, 0, 2 },
	[0x12] = { MSGPACK_INT, 0, 4 },
	[0x13] = { MSGPACK_INT, 0, 8 },
	[0x14] = { MSGPACK_EXT, 0, 1 },
	[0x15] = { MSGPACK_EXT, 0, 2 },
	[0x16] = { MSGPACK_EXT, 0, 4 },
	[0x17] = { MSGPACK_EXT, 0, 8 },
	[0x18] = { MSGPACK_EXT, 0, 16 },
	[0x19] = { MSGPACK_TEXT, 1, 0 },
	[0x1A] = { MSGPACK_TEXT, 2, 0 },
	[0x1B] = { MSGPACK_TEXT, 4, 0 },
	[0x1C] = { MSGPACK_ARRAY, 2, 0 },
	[0x1D] = { MSGPACK_ARRAY, 4, 0 },
	[0x1E] = { MSGPACK_MAP, 2, 0 },
	[0x1F] = { MSGPACK_MAP, 4, 0 },
};

bool msgpack_head(struct slice bytes, struct msgpack_head *head)
{
	return msgpack_read_head(bytes, head);
}

/* --- The check ---------------------------------------------------------------------------------------------------- */

/* Values that are still to come of an array or map; in a map, where every other one is a key, twice its members. */
struct level {
	uint64_t left;
	bool is_map;
};

static inline bool is_key(const struct level *l)
{
	return l->is_map && l->left % 2 == 0;
}

/* What a value is besides being there; `rest` is what follows its head. */
static inline const char *check_value(const struct msgpack_head *head, bool key, struct slice rest)
{
	if (key && head->form != MSGPACK_TEXT && head->form != MSGPACK_UINT && head->form != MSGPACK_INT)
		return key_text;
	if (head->form == MSGPACK_TEXT && head->body && !utf8_valid(slice_of(rest.at, head->body)))
		return not_utf8_text;
	return NULL;
}

/* Values are counted where they stand, an array or map before what is in it. */
const char *msgpack_scan(struct slice bytes, const struct msgpack_rules *rules, unsigned depth, struct slice *value)
{
	unsigned max = rules->max_depth < VALUE_DEPTH_MAX ? rules->max_depth : VALUE_DEPTH_MAX;
	struct level levels[VALUE_DEPTH_MAX + 1], *l = levels, *deepest = levels + (max > depth ? max - depth : 0);
	struct slice rest = bytes;
	struct msgpack_head head;

	levels[0] = (struct level){ 1, false };
	do {
		const char *error;

		if (!msgpack_read_value_head(rest, &head))
			return malformed_text;
		rest = slice_of(rest.at + head.size, rest.size - head.size);
		error = check_value(&head, is_key(l), rest);
		if (error)
			return error;
		l->left--;
		rest = slice_of(rest.at + head.body, rest.size - head.body);
		if (msgpack_is_container(head.form)) {
			if (l == deepest)
				return too_deep_text;
			if (msgpack_values_inside(&head) > rest.size)
				return malformed_text;
			*++l = (struct level){ msgpack_values_inside(&head), head.form == MSGPACK_MAP };
		}
		while (l->left == 0 && l > levels)
			l--;
	} while (l->left);
	*value = slice_first(bytes, bytes.size - rest.size);
	return NULL;
}

/* What is inside of it is a number of values still to come, whatever is in what. */
bool msgpack_skip(struct slice *rest)
{
	struct slice at = *rest;
	struct msgpack_head head;
	uint64_t left = 1;

	while (left && msgpack_read_value_head(at, &head)) {
		at = slice_of(at.at + head.size + head.body, at.size - head.size - head.body);
		left += msgpack_values_inside(&head) - 1;
	}
	*rest = at;
	return left == 0;
}

size_t msgpack_count(struct slice bytes)
{
	size_t n = 0;

	while (bytes.size && msgpack_skip(&bytes))
		n++;
	return n;
}

const char *msgpack_check(struct slice bytes, const struct msgpack_rules *rules)
{
	struct slice value;
	const char *error = msgpack_scan(bytes, rules, 0, &value);

	if (error)
		return error;
	return value.size == bytes.size ? NULL : malformed_text;
}
