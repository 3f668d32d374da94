/*
 * fuzz_socketio.c - a Socket.IO packet of any bytes. What must hold of a good one: its slices lie inside the input,
 * the limits hold, and written as a frame it parses to the same again.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "socketio.h"

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
	bool event = p->type == SIO_EVENT || p->type == SIO_BINARY_EVENT;
	bool binary = p->type == SIO_BINARY_EVENT || p->type == SIO_BINARY_ACK;

	REQUIRE(p->type != SIO_CONNECT_ERROR);
	REQUIRE(p->attachments <= rules.max_attachments && (p->attachments > 0) == binary);
	REQUIRE(p->nsp.size > 0 && p->nsp.at[0] == '/');
	REQUIRE(slice_find(p->nsp, ',') == p->nsp.size);
	REQUIRE((p->event.size > 0) == event);
	if (p->nsp.size > 1)
		require_inside(p->nsp, in);
	require_inside(p->data, in);
	require_inside(p->event, p->data);
	require_inside(p->items, p->data);
}

static struct frame *frame_of(const struct sio_packet *p)
{
	static const struct slice blobs[10];
	struct sio_out out = {
		.type = p->type,
		.nsp = p->nsp,
		.has_id = p->has_id,
		.id = p->id,
		.json = p->data,
		.blobs = blobs,
		.n_blobs = p->attachments,
	};

	return sio_frame(&out);
}

static void require_round_trip(const struct sio_packet *p)
{
	struct frame *f = frame_of(p);
	struct frame_packet text;
	struct sio_packet again;
	size_t offset = 0;

	REQUIRE(f && frame_next(f, &offset, &text) && text.data.at[0] == '4');
	REQUIRE(f->packets == p->attachments + 1);
	REQUIRE(sio_parse(slice_from(text.data, 1), &rules, &again) == NULL);
	REQUIRE(again.type == p->type && again.has_id == p->has_id && again.id == p->id);
	REQUIRE(again.attachments == p->attachments && again.flags == p->flags);
	REQUIRE(slice_equal(again.nsp, p->nsp) && slice_equal(again.data, p->data));
	REQUIRE(slice_equal(again.event, p->event) && slice_equal(again.items, p->items));
	frame_unref(f);
}

/* The items are an array's inside: decoding them must succeed as json_check() promised. */
static void require_items(const struct sio_packet *p)
{
	struct json_rules json = { .max_depth = rules.max_depth, .blobs = JSON_NO_BLOBS };
	struct buf array = BUF_INIT;
	unsigned flags = 0;

	if (p->type == SIO_CONNECT || p->type == SIO_DISCONNECT)
		return;
	buf_add_char(&array, '[');
	buf_add_slice(&array, p->items);
	buf_add_char(&array, ']');
	REQUIRE(json_check(buf_slice(&array), &json, &flags) == NULL);
	buf_fini(&array);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = slice_of(data, size);
	struct sio_packet packet;

	if (sio_parse(in, &rules, &packet) != NULL)
		return 0;
	require_sane(&packet, in);
	require_round_trip(&packet);
	require_items(&packet);
	if (packet.attachments)
		sio_check_attachments(&packet, &rules);
	return 0;
}
