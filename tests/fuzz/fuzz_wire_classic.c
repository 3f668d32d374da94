/*
 * fuzz_wire_classic.c - what is decoded of Node's messages encodes to what Node takes, and stays the same from then on.
 *
 * The first byte picks what the rest is: a broadcast, an old emitter's, a request, an answer, or a channel's name.
 */
#include "json.h"
#include "wire_classic.h"

#include <errno.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What one kind of payload is decoded and encoded with. */
typedef int recode_fn(struct buf *to, struct arena *arena, struct slice payload, const struct wire_rules *rules);

enum { REFUSED = 1 };

static void require(bool holds)
{
	if (!holds)
		abort();
}

/* Clients can be sent it. */
static void require_event(struct stoa_value data)
{
	struct json_blobs blobs = { NULL, 0, 0 };
	struct buf text = BUF_INIT;

	require(json_encode(&text, data, &blobs) == 0);
	json_blobs_fini(&blobs);
	buf_fini(&text);
}

static int recode_broadcast_of(struct buf *to, struct arena *arena, struct slice payload, enum wire_channel_kind kind,
	const struct wire_rules *rules)
{
	static const struct slice rooms[] = { { "a", 1 }, { "", 0 }, { "42", 2 } };
	struct wire_broadcast b;
	struct wire_delivery d;

	if (wire_broadcast_decode(arena, payload, kind, rules, &b))
		return REFUSED;
	require_event(b.data);
	for (size_t i = 0; i < 3; i++) {
		struct wire_channel channel = { WIRE_CHANNEL_ROOM, b.nsp, rooms[i] };
		d = wire_broadcast_delivery(&b, &channel);
		require(d.rooms.count + d.seen.count <= b.opts.rooms.count);
	}
	return wire_broadcast_encode(to, arena, &b);
}

static int recode_broadcast(struct buf *to, struct arena *arena, struct slice payload, const struct wire_rules *rules)
{
	return recode_broadcast_of(to, arena, payload, WIRE_CHANNEL_BROADCAST, rules);
}

static int recode_emitter(struct buf *to, struct arena *arena, struct slice payload, const struct wire_rules *rules)
{
	return recode_broadcast_of(to, arena, payload, WIRE_CHANNEL_EMITTER, rules);
}

static int recode_request(struct buf *to, struct arena *arena, struct slice payload, const struct wire_rules *rules)
{
	struct wire_request r;

	if (wire_request_decode(arena, payload, rules, &r))
		return REFUSED;
	if (r.type == WIRE_BROADCAST)
		require_event(r.data);
	return wire_request_encode(to, arena, &r);
}

static int recode_sockets(
	struct buf *to, struct arena *arena, const struct wire_response *r, const struct wire_rules *rules)
{
	struct wire_socket socket;
	int error = wire_sockets_begin(to, r->request_id, r->uid);

	for (size_t i = 0; i < r->sockets.size_ && error == 0; i++)
		if (wire_socket_of(arena, value_at(r->sockets, i), rules, &socket) == NULL)
			error = wire_sockets_add(to, arena, &socket);
	return error ? error : wire_sockets_end(to);
}

static int recode_response(struct buf *to, struct arena *arena, struct slice payload, const struct wire_rules *rules)
{
	struct wire_response r;

	if (wire_response_decode(arena, payload, rules, &r))
		return REFUSED;
	if (r.type == WIRE_ANSWER_SOCKETS)
		return recode_sockets(to, arena, &r, rules);
	return wire_response_encode(to, arena, &r);
}

static void try(struct slice payload, recode_fn *first, recode_fn *then, enum wire_channel_kind kind)
{
	struct wire_rules rules = WIRE_RULES;
	struct buf once = BUF_INIT, twice = BUF_INIT;
	struct arena arena = ARENA_INIT;
	int error = first(&once, &arena, payload, &rules);

	require(error == 0 || error == REFUSED || error == -EINVAL);
	require(error == 0 || once.size == 0 || kind == WIRE_CHANNEL_RESPONSE);
	if (error == 0) {
		/* A number may take more bytes than it came in. */
		rules.max_bytes = SIZE_MAX;
		require(wire_classic_check(kind, buf_slice(&once)) == NULL);
		require(then(&twice, &arena, buf_slice(&once), &rules) == 0);
		require(slice_equal(buf_slice(&once), buf_slice(&twice)));
	}
	arena_fini(&arena);
	buf_fini(&once);
	buf_fini(&twice);
}

static void try_channel(struct slice name)
{
	struct slice prefix = SLICE("P");
	struct wire_channel channel;
	struct buf again = BUF_INIT;

	if (wire_channel_parse(name, prefix, &channel)) {
		wire_channel_add(&again, prefix, &channel);
		require(slice_equal(buf_slice(&again), name));
	}
	buf_clear(&again);
	wire_channel_add_pattern(&again, name, name, name);
	buf_fini(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice rest;

	if (size == 0)
		return 0;
	rest = slice_of(data + 1, size - 1);
	switch (data[0] % 5) {
	case 0:
		try(rest, recode_broadcast, recode_broadcast, WIRE_CHANNEL_BROADCAST);
		break;
	case 1:
		try(rest, recode_emitter, recode_broadcast, WIRE_CHANNEL_BROADCAST);
		break;
	case 2:
		try(rest, recode_request, recode_request, WIRE_CHANNEL_REQUEST);
		break;
	case 3:
		try(rest, recode_response, recode_response, WIRE_CHANNEL_RESPONSE);
		break;
	default:
		try_channel(rest);
	}
	return 0;
}
