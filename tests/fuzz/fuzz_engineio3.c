/*
 * fuzz_engineio3.c - payloads of Engine.IO 3, bodies of forms around them: read in both encodings, and what is good written
 * again and read again. The first byte says which: 0 text, 1 octets, 2 a form.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "engineio3.h"
#include "jsonp.h"
#include "utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(condition) \
	do { \
		if (!(condition)) { \
			fprintf(stderr, "not so: %s (line %d)\n", #condition, __LINE__); \
			abort(); \
		} \
	} while (0)

/* What was parsed, as the packet that would send it. */
static void put_again(struct buf *text, struct buf *octets, struct slice packet, const struct eio_packet *p)
{
	struct frame_packet again = { p->binary, p->binary ? p->data : packet };

	eio3_text_add(text, &again);
	eio3_octets_add(octets, &again);
}

/* How many packets could be written again. */
static size_t read_payload(struct slice body, bool octets, struct buf *text, struct buf *binary)
{
	struct eio3_payload payload = { .rest = body, .octets = octets };
	struct buf scratch = BUF_INIT;
	struct slice packet;
	size_t left, packets = 0;
	bool is_binary;
	int found;

	do {
		struct eio_packet p;

		left = payload.rest.size;
		found = eio3_payload_next(&payload, &is_binary, &packet);
		if (found <= 0)
			break;
		REQUIRE(payload.rest.size + packet.size < left); /* it goes on, and every length took a byte */
		REQUIRE(is_binary || utf8_valid(packet));
		if (packet.size == 0 || eio3_parse(is_binary, packet, &scratch, &p) < 0)
			continue;
		REQUIRE(p.type <= EIO_NOOP && p.data.size < packet.size);
		REQUIRE(!p.binary || p.type == EIO_MESSAGE);
		if (!p.binary && (is_binary || packet.at[0] == 'b'))
			continue; /* a ping in a form that we never write */
		put_again(text, binary, packet, &p);
		packets++;
	} while (found > 0);
	REQUIRE(found < 0 || left == 0);
	buf_fini(&scratch);
	return packets;
}

static void read_again(size_t packets, struct slice payload, bool octets, struct slice text, struct slice binary)
{
	struct buf text2 = BUF_INIT, binary2 = BUF_INIT;

	if (packets)
		REQUIRE(read_payload(payload, octets, &text2, &binary2) == packets);
	REQUIRE(slice_equal(text, buf_slice(&text2)));
	REQUIRE(slice_equal(binary, buf_slice(&binary2)));
	buf_fini(&text2);
	buf_fini(&binary2);
}

static void read_body(struct slice body, bool octets)
{
	struct buf mended = BUF_INIT, text = BUF_INIT, binary = BUF_INIT;
	size_t packets;

	utf8_mend(&mended, body);
	packets = read_payload(octets ? body : buf_slice(&mended), octets, &text, &binary);
	read_again(packets, buf_slice(&text), false, buf_slice(&text), buf_slice(&binary));
	read_again(packets, buf_slice(&binary), true, buf_slice(&text), buf_slice(&binary));
	buf_fini(&mended);
	buf_fini(&text);
	buf_fini(&binary);
}

static void read_form(struct slice form)
{
	struct buf payload = BUF_INIT, script = BUF_INIT;

	if (jsonp_unwrap(&payload, form)) {
		REQUIRE(utf8_valid(buf_slice(&payload)));
		REQUIRE(jsonp_wrap(&script, 7, buf_slice(&payload)) == 0);
		REQUIRE(slice_starts(buf_slice(&script), SLICE("___eio[7](\"")));
		REQUIRE(slice_find(buf_slice(&script), '\n') == script.size);
		read_body(buf_slice(&payload), false);
	}
	buf_fini(&payload);
	buf_fini(&script);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice body;

	if (size == 0)
		return 0;
	body = slice_of(data + 1, size - 1);
	if (data[0] % 3 == 2)
		read_form(body);
	else
		read_body(body, data[0] % 3 == 1);
	return 0;
}
