/*
 * fuzz_wire_classic.c - what is decoded of Node's messages encodes to what Node takes, and stays the same from then on.
 *
 * The first byte picks what the rest is: a broadcast, an old emitter's, a request, an answer, or a channel's name.
 */
#include "json.h"
#include "wire_classic_parts.h"

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

/* A date is a text of the tree's, and none of the payload's. */
static bool is_text(struct stoa_value v)
{
	return v.kind_ == VALUE_TEXT && (v.flags_ & VALUE_DATE) == 0;
}

static bool same_names(const struct wire_names *a, const struct wire_names *b)
{
	bool same = a->count == b->count;

	for (size_t i = 0; same && i < a->count; i++)
		same = slice_equal(a->at[i], b->at[i]);
	return same;
}

static bool same_opts(const struct wire_opts *a, const struct wire_opts *b)
{
	return same_names(&a->rooms, &b->rooms) && same_names(&a->except, &b->except) && a->everybody == b->everybody &&
	       a->is_volatile == b->is_volatile && a->uncompressed == b->uncompressed &&
	       a->has_compress == b->has_compress && a->latest == b->latest && a->single == b->single &&
	       a->has_timeout == b->has_timeout && a->timeout_ms == b->timeout_ms;
}

/* What is made of the whole as a tree; `b` is what was made of it in place, or `error`. */
static void require_as_tree(struct arena *arena, struct slice payload, bool named, const struct wire_rules *rules,
	const char *error, const struct wire_broadcast *b)
{
	struct wire_broadcast t = { .uid = SLICE("emitter") };
	struct stoa_value v;
	const char *wrong = wire_read_msgpack(arena, payload, rules, &v);

	if (wrong == NULL && (v.kind_ != VALUE_ARRAY || v.size_ != (named ? 3u : 2u)))
		wrong = "message is no broadcast";
	else if (wrong == NULL && named && !is_text(value_at(v, 0)))
		wrong = "message without a sender";
	if (wrong == NULL && named)
		t.uid = value_slice(value_at(v, 0));
	if (wrong == NULL)
		wrong = wire_packet_decode(value_at(v, named), &t.data, &t.nsp);
	if (wrong == NULL)
		wrong = wire_opts_decode(arena, value_at(v, named + 1u), rules, &t.opts);
	require((wrong == NULL) == (error == NULL));
	require(wrong || (slice_equal(t.uid, b->uid) && slice_equal(t.nsp, b->nsp) && same_opts(&t.opts, &b->opts)));
}

/* At a glance no other rooms are seen, and none is overlooked. */
static void require_glance(struct slice payload, const struct wire_broadcast *b)
{
	struct wire_rooms rooms;
	struct slice name;
	size_t found = 0;

	require(wire_broadcast_is_of(payload, b->uid));
	if (!wire_broadcast_rooms(payload, &rooms))
		return;
	while (wire_rooms_next(&rooms, &name)) {
		for (size_t i = 0; i < b->opts.rooms.count; i++)
			found += slice_equal(name, b->opts.rooms.at[i]);
	}
	require(!b->opts.everybody && (rooms.left || found >= b->opts.rooms.count));
}

static int recode_broadcast_of(struct buf *to, struct arena *arena, struct slice payload, enum wire_channel_kind kind,
	const struct wire_rules *rules)
{
	static const struct slice rooms[] = { { "a", 1 }, { "", 0 }, { "42", 2 } };
	struct wire_broadcast b;
	struct wire_delivery d;
	struct wire_rooms glance;
	const char *error = wire_broadcast_decode(arena, payload, kind, rules, &b);

	require_as_tree(arena, payload, kind != WIRE_CHANNEL_EMITTER, rules, error, &b);
	wire_broadcast_rooms(payload, &glance);
	if (error)
		return REFUSED;
	if (kind != WIRE_CHANNEL_EMITTER)
		require_glance(payload, &b);
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
