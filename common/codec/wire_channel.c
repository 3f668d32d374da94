/* wire_channel.c - see wire_channel.h. */
#include "wire_channel.h"

static struct slice infix_of(enum wire_channel_kind kind)
{
	static const struct slice infixes[] = { [WIRE_CHANNEL_BROADCAST] = { "#", 1 },
		[WIRE_CHANNEL_ROOM] = { "#", 1 },
		[WIRE_CHANNEL_REQUEST] = { "-request#", 9 },
		[WIRE_CHANNEL_RESPONSE] = { "-response#", 10 },
		[WIRE_CHANNEL_RESPONSE_TO] = { "-response#", 10 },
		[WIRE_CHANNEL_EMITTER] = { "#emitter", 8 } };

	return infixes[kind];
}

static bool has_name(enum wire_channel_kind kind)
{
	return kind == WIRE_CHANNEL_ROOM || kind == WIRE_CHANNEL_RESPONSE_TO;
}

void wire_channel_add(struct buf *to, struct slice prefix, const struct wire_channel *channel)
{
	buf_add_slice(to, prefix);
	buf_add_slice(to, infix_of(channel->kind));
	if (channel->kind == WIRE_CHANNEL_EMITTER)
		return;
	buf_add_slice(to, channel->nsp);
	buf_add_char(to, '#');
	if (has_name(channel->kind)) {
		buf_add_slice(to, channel->name);
		buf_add_char(to, '#');
	}
}

/* stringmatchlen() of Redis's util.c knows * ? [ and the backslash. */
static void add_escaped(struct buf *to, struct slice s)
{
	for (size_t i = 0; i < s.size; i++) {
		if (memchr("*?[]\\", s.at[i], 5))
			buf_add_char(to, '\\');
		buf_add_char(to, s.at[i]);
	}
}

void wire_channel_add_pattern(struct buf *to, struct slice prefix, struct slice nsp, struct slice start)
{
	add_escaped(to, prefix);
	buf_add_char(to, '#');
	add_escaped(to, nsp);
	buf_add_char(to, '#');
	add_escaped(to, start);
	buf_add_char(to, '*');
}

/* `rest` is what follows the infix: N# or N#name#. */
static bool parse_rest(
	struct slice rest, enum wire_channel_kind plain, enum wire_channel_kind named, struct wire_channel *channel)
{
	size_t hash = slice_find(rest, '#');

	if (!slice_starts(rest, SLICE("/")) || hash == rest.size)
		return false;
	*channel = (struct wire_channel){ .kind = plain, .nsp = slice_first(rest, hash) };
	rest = slice_from(rest, hash + 1);
	if (rest.size == 0)
		return true;
	if (plain == named || rest.at[rest.size - 1] != '#')
		return false;
	channel->kind = named;
	channel->name = slice_first(rest, rest.size - 1);
	return true;
}

bool wire_channel_parse(struct slice name, struct slice prefix, struct wire_channel *channel)
{
	static const enum wire_channel_kind kinds[][2] = { { WIRE_CHANNEL_BROADCAST, WIRE_CHANNEL_ROOM },
		{ WIRE_CHANNEL_REQUEST, WIRE_CHANNEL_REQUEST }, { WIRE_CHANNEL_RESPONSE, WIRE_CHANNEL_RESPONSE_TO } };

	if (!slice_starts(name, prefix))
		return false;
	name = slice_from(name, prefix.size);
	if (slice_equal(name, infix_of(WIRE_CHANNEL_EMITTER))) {
		*channel = (struct wire_channel){ .kind = WIRE_CHANNEL_EMITTER };
		return true;
	}
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct slice infix = infix_of(kinds[i][0]);
		if (slice_starts(name, infix))
			return parse_rest(slice_from(name, infix.size), kinds[i][0], kinds[i][1], channel);
	}
	return false;
}
