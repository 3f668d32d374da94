/*
 * fuzz_socketio_msgpack.c - a packet of socket.io-msgpack-parser of any bytes. What must hold of a good one: its slices
 * lie inside the input, the limits hold, and written as a frame it parses to the same again.
 */
#include <stdio.h>
#include <stdlib.h>

#include "msgpack.h"
#include "socketio_parser.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(condition) \
	do { \
		if (!(condition)) { \
			fprintf(stderr, "not so: %s (line %d)\n", #condition, __LINE__); \
			abort(); \
		} \
	} while (0)

static const struct sio_rules rules = { .max_depth = 20, .max_attachments = 10, .max_event_bytes = 40 };

static void require_inside(struct slice s, struct slice in)
{
	REQUIRE(s.size == 0 || (s.at >= in.at && s.at + s.size <= in.at + in.size));
}

static void require_sane(const struct sio_packet *p, struct slice in)
{
	static const struct msgpack_rules depth = { 20 };

	REQUIRE(p->type < SIO_CONNECT_ERROR && p->attachments == 0 && p->nsp.size > 0);
	REQUIRE((p->event.size > 0) == (p->type == SIO_EVENT));
	REQUIRE(p->data.size == 0 || msgpack_check(p->data, &depth) == NULL);
	REQUIRE(p->event.size == 0 || msgpack_check(p->event, &depth) == NULL);
	require_inside(p->nsp, in);
	require_inside(p->data, in);
	require_inside(p->event, p->data);
	require_inside(p->items, p->data);
}

static void require_round_trip(const struct sio_packet *p)
{
	struct sio_out out = { .type = p->type,
		.nsp = p->nsp,
		.has_id = p->has_id,
		.id = p->id,
		.json = p->data,
		.latest = p->type == SIO_EVENT };
	struct frame *f = sio_msgpack.frame(&out);
	struct frame_packet packet;
	struct sio_packet again;
	size_t offset = 0;

	REQUIRE(f && frame_next(f, &offset, &packet) && packet.binary && f->packets == 1 && offset == f->size);
	REQUIRE(sio_msgpack.parse(packet.data, &rules, &again) == NULL);
	REQUIRE(again.type == p->type && again.has_id == p->has_id && again.id == p->id);
	REQUIRE(slice_equal(again.nsp, p->nsp) && slice_equal(again.data, p->data));
	REQUIRE(slice_equal(again.event, p->event) && slice_equal(again.items, p->items));
	REQUIRE(frame_tag(f).size == (p->type == SIO_EVENT ? p->event.size + p->nsp.size : 0));
	frame_unref(f);
}

/* What the application makes of name and arguments, and the gateway of auth. */
static void require_values(const struct sio_packet *p)
{
	struct arena arena = ARENA_INIT;
	struct buf json = BUF_INIT;
	unsigned flags;
	struct stoa_value name;

	if (p->type == SIO_CONNECT) {
		REQUIRE(sio_msgpack.auth(&json, p) == 0);
		/* One level deeper than what came: an ext of a type we do not know is read as [type, bytes]. */
		REQUIRE(json.size == 0 ||
			json_check(buf_slice(&json), &(struct json_rules){ rules.max_depth + 1, JSON_NO_BLOBS },
				&flags) == NULL);
	}
	if (p->type == SIO_EVENT) {
		name = msgpack_decode(&arena, p->event, MSGPACK_CLIENT);
		REQUIRE(name.kind_ == VALUE_TEXT || name.kind_ == VALUE_INT || name.kind_ == VALUE_UINT ||
			name.kind_ == VALUE_FLOAT);
		REQUIRE(name.kind_ != VALUE_TEXT || name.size_ <= rules.max_event_bytes);
	}
	REQUIRE(value_open(value_of_msgpack_items(&arena, p->items)).kind_ == VALUE_ARRAY);
	buf_fini(&json);
	arena_fini(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = slice_of(data, size);
	struct buf shown = BUF_INIT;
	struct sio_packet packet;

	sio_msgpack_show(&shown, in);
	buf_fini(&shown);
	if (sio_msgpack.parse(in, &rules, &packet) != NULL)
		return 0;
	require_sane(&packet, in);
	require_round_trip(&packet);
	require_values(&packet);
	return 0;
}
