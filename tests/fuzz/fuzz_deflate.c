/*
 * fuzz_deflate.c - the first byte says what the rest is: an offer of extensions, the payload of a deflated message, or a
 * message to deflate. What is agreed on is in range, what is inflated is within the limit and the same the second
 * time, what is deflated is inflated to what it was.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "deflate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(condition) \
	do { \
		if (!(condition)) { \
			fprintf(stderr, "not so: %s (line %d)\n", #condition, __LINE__); \
			abort(); \
		} \
	} while (0)

enum { LIMIT = 10000, THRESHOLD = 16, RSV1 = 0x40, LEN_16 = 126 };

static void agree(struct slice offers)
{
	struct deflate_terms terms;
	struct buf answer = BUF_INIT;

	if (!deflate_agree(offers, &terms))
		return;
	REQUIRE(terms.server_bits >= 8 && terms.server_bits <= DEFLATE_BITS_MAX);
	REQUIRE(terms.names_bits || terms.server_bits == DEFLATE_BITS_MAX);
	/* An offer that asks for what we answer is one that we take. */
	deflate_put_terms(&answer, &terms);
	REQUIRE(deflate_agree(buf_slice(&answer), &terms));
	buf_fini(&answer);
}

static void receive(struct inflater *in, struct slice payload)
{
	struct buf first = BUF_INIT;
	struct slice whole;
	enum inflated result = inflate_message(in, payload, &whole);

	if (result == INFLATED)
		REQUIRE(whole.size <= LIMIT);
	buf_add_slice(&first, whole);
	REQUIRE(inflate_message(in, payload, &whole) == result);
	REQUIRE(result != INFLATED || slice_equal(whole, buf_slice(&first)));
	buf_fini(&first);
}

static void send(struct deflater *out, struct inflater *in, struct slice message)
{
	struct frame *f = frame_text(SLICE("4"), slice_first(message, message.size < LIMIT ? message.size : LIMIT - 1));
	const struct frame *made = deflate_frame(out, f, THRESHOLD);
	struct frame_packet packet;
	struct slice whole;
	size_t at = 0, head;

	REQUIRE(made == f->deflated);
	if (made) {
		REQUIRE(made->size < f->size && (made->bytes[0] & RSV1));
		REQUIRE(frame_next(f, &at, &packet));
		head = (unsigned char)made->bytes[1] < LEN_16 ? 2 : 4;
		REQUIRE(inflate_message(in, slice_of(made->bytes + head, made->size - head), &whole) == INFLATED);
		REQUIRE(slice_equal(whole, packet.data));
	}
	frame_unref(f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct inflater *in;
	static struct deflater *out;
	struct slice rest = size ? slice_of(data + 1, size - 1) : slice_of(data, 0);

	if (in == NULL) {
		in = inflater_new(LIMIT);
		out = deflater_new();
	}
	switch (size ? data[0] % 3 : 0) {
	case 0:
		agree(rest);
		break;
	case 1:
		receive(in, rest);
		break;
	default:
		send(out, in, rest);
	}
	return 0;
}
