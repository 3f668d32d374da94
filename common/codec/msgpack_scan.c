/* msgpack_scan.c - heads, and the check of a whole value; see msgpack.h. */
#include "msgpack.h"
#include "utf8.h"

static const char malformed_text[] = "malformed MessagePack", not_utf8_text[] = "MessagePack is not UTF-8",
		  too_deep_text[] = "MessagePack too deep", key_text[] = "a key that is no text";

/* The first bytes 0xC0 to 0xDF: `length` bytes behind them that hold a size or a count, or a `body` of fixed size. */
static const struct {
	enum msgpack_form form;
	unsigned char length, body;
} forms[32] = {
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
enum { UNUSED_BYTE = 0xC1 };

static bool is_container(enum msgpack_form form)
{
	return form == MSGPACK_ARRAY || form == MSGPACK_MAP;
}

static bool long_head(struct slice bytes, unsigned first, struct msgpack_head *head)
{
	size_t length = forms[first - 0xC0].length;
	uint32_t n = forms[first - 0xC0].body;

	head->form = forms[first - 0xC0].form;
	head->size = 1 + length + (head->form == MSGPACK_EXT);
	if (first == UNUSED_BYTE || bytes.size < head->size)
		return false;
	for (size_t i = 1; i <= length; i++)
		n = n << 8 | (unsigned char)bytes.at[i];
	if (head->form == MSGPACK_EXT)
		head->type = (int8_t)bytes.at[length + 1];
	if (is_container(head->form))
		head->count = n;
	else
		head->body = n;
	return true;
}

bool msgpack_head(struct slice bytes, struct msgpack_head *head)
{
	unsigned first = bytes.size ? (unsigned char)bytes.at[0] : UNUSED_BYTE;

	*head = (struct msgpack_head){ .size = 1 };
	if (first >= 0xC0 && first < 0xE0)
		return long_head(bytes, first, head);
	if (first < 0x80)
		head->form = MSGPACK_UINT;
	else if (first >= 0xE0)
		head->form = MSGPACK_INT;
	else if (first >= 0xA0)
		head->form = MSGPACK_TEXT;
	else
		head->form = first < 0x90 ? MSGPACK_MAP : MSGPACK_ARRAY;
	if (head->form == MSGPACK_TEXT)
		head->body = first & 0x1F;
	else if (is_container(head->form))
		head->count = first & 0x0F;
	return true;
}

/* --- The check ---------------------------------------------------------------------------------------------------- */

/* Values that are still to come of an array or map; in a map, where every other one is a key, twice its members. */
struct level {
	uint64_t left;
	bool is_map;
};

struct scan {
	struct slice rest;
	unsigned depth, max_depth; /* levels[depth - 1] is the innermost */
	unsigned outside;          /* levels that the whole value is inside of */
	struct level levels[VALUE_DEPTH_MAX];
};

static bool is_key(const struct scan *s)
{
	const struct level *l = s->depth ? &s->levels[s->depth - 1] : NULL;

	return l && l->is_map && l->left % 2 == 0;
}

static const char *enter(struct scan *s, const struct msgpack_head *head)
{
	uint64_t values = head->form == MSGPACK_MAP ? 2 * (uint64_t)head->count : head->count;

	if (s->depth + s->outside >= s->max_depth)
		return too_deep_text;
	if (values > s->rest.size)
		return malformed_text;
	/* One more than there are: the container itself counts when it ends. */
	s->levels[s->depth++] = (struct level){ values + 1, head->form == MSGPACK_MAP };
	return NULL;
}

static const char *step_over(struct scan *s)
{
	struct msgpack_head head;
	bool key = is_key(s);

	if (!msgpack_head(s->rest, &head) || head.body > s->rest.size - head.size)
		return malformed_text;
	if (key && head.form != MSGPACK_TEXT && head.form != MSGPACK_UINT && head.form != MSGPACK_INT)
		return key_text;
	s->rest = slice_from(s->rest, head.size);
	if (is_container(head.form))
		return enter(s, &head);
	if (head.form == MSGPACK_TEXT && !utf8_valid(slice_first(s->rest, head.body)))
		return not_utf8_text;
	s->rest = slice_from(s->rest, head.body);
	return NULL;
}

/* One value less to come; containers that are whole now are values themselves. */
static void leave(struct scan *s)
{
	while (s->depth && --s->levels[s->depth - 1].left == 0)
		s->depth--;
}

const char *msgpack_scan(struct slice bytes, const struct msgpack_rules *rules, unsigned depth, struct slice *value)
{
	struct scan s; /* not one initializer: it would clear the levels */
	const char *error;

	s.rest = bytes;
	s.depth = 0;
	s.outside = depth;
	s.max_depth = rules->max_depth < VALUE_DEPTH_MAX ? rules->max_depth : VALUE_DEPTH_MAX;
	do {
		error = step_over(&s);
		if (error)
			return error;
		leave(&s);
	} while (s.depth);
	*value = slice_first(bytes, bytes.size - s.rest.size);
	return NULL;
}

/* Values are passed over as a number that is still to come, whatever is in what. */
size_t msgpack_count(struct slice bytes)
{
	struct msgpack_head head;
	uint64_t inside = 0;
	size_t n = 0;

	while (msgpack_head(bytes, &head) && head.body <= bytes.size - head.size) {
		n += inside == 0;
		inside -= inside != 0;
		inside += head.form == MSGPACK_MAP ? 2 * (uint64_t)head.count : head.count;
		bytes = slice_from(bytes, head.size + head.body);
	}
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
