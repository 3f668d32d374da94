/* fuzz_engineio.c - a polling payload of any bytes: split, parsed, and what is good written again and read again. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "engineio.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(condition) \
	do { \
		if (!(condition)) { \
			fprintf(stderr, "not so: %s (line %d)\n", #condition, __LINE__); \
			abort(); \
		} \
	} while (0)

/* What was parsed, as the packet that would send it. */
static void put_again(struct buf *to, struct slice text, const struct eio_packet *packet)
{
	struct frame_packet again = { packet->binary, packet->binary ? packet->data : text };
	size_t before = to->size;

	eio_payload_add(to, &again);
	REQUIRE(to->size - before + (before == 0) == eio_payload_size(&again));
}

static size_t read_payload(struct slice payload, struct buf *again)
{
	struct buf scratch = BUF_INIT;
	struct slice text;
	struct eio_packet packet;
	size_t left = payload.size, packets = 0;
	bool more = true;

	while (eio_payload_next(&payload, &more, &text)) {
		left -= text.size + (more ? 1 : 0);
		if (eio_parse(text, &scratch, &packet) < 0)
			continue;
		REQUIRE(packet.type <= EIO_NOOP && packet.data.size <= text.size);
		REQUIRE(!packet.binary || packet.type == EIO_MESSAGE);
		put_again(again, text, &packet);
		packets++;
	}
	buf_fini(&scratch);
	REQUIRE(left == 0); /* every byte was somebody's */
	return packets;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf once = BUF_INIT, twice = BUF_INIT;
	size_t packets = read_payload(slice_of(data, size), &once);

	if (packets)
		REQUIRE(read_payload(buf_slice(&once), &twice) == packets);
	REQUIRE(slice_equal(buf_slice(&once), buf_slice(&twice)));
	buf_fini(&once);
	buf_fini(&twice);
	return 0;
}
