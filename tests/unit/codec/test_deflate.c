/* test_deflate.c - permessage-deflate: what is agreed on, what comes in, what goes out. */
#include <stdlib.h>
#include <zlib.h>

#include "deflate.h"
#include "test_main.h"

/* --- The agreement ------------------------------------------------------------------------------------------------ */

#define BOTH "permessage-deflate; server_no_context_takeover; client_no_context_takeover"

/* The answer; NULL: declined. */
static const struct {
	const char *offers, *answer;
} offers[] = {
	{ "permessage-deflate", BOTH },
	{ "permessage-deflate; client_max_window_bits", BOTH },
	{ "permessage-deflate;client_max_window_bits=8", BOTH },
	{ "permessage-deflate ; client_max_window_bits = 15", BOTH },
	{ "permessage-deflate; client_max_window_bits=\"10\"", BOTH },
	{ "permessage-deflate; server_no_context_takeover", BOTH },
	{ "permessage-deflate; client_no_context_takeover; server_no_context_takeover", BOTH },
	{ "permessage-deflate; server_max_window_bits=8", BOTH "; server_max_window_bits=8" },
	{ "permessage-deflate; server_max_window_bits=15", BOTH "; server_max_window_bits=15" },
	{ "permessage-deflate; server_max_window_bits=\"9\"", BOTH "; server_max_window_bits=9" },
	{ "x-other; a=b; c=\"d\", permessage-deflate", BOTH },
	{ ", ,permessage-deflate,", BOTH },
	/* The first that is acceptable. */
	{ "permessage-deflate; server_max_window_bits=10, permessage-deflate", BOTH "; server_max_window_bits=10" },
	{ "permessage-deflate; unknown, permessage-deflate; server_max_window_bits=11",
		BOTH "; server_max_window_bits=11" },
	{ "permessage-deflate; server_max_window_bits=11; unknown, permessage-deflate", BOTH },
	{ "permessage-deflate; server_max_window_bits=16,permessage-deflate", BOTH },
	{ "permessage-deflate, permessage-deflate; broken=", BOTH }, /* nobody looks that far */
	/* Not acceptable: 7.1. */
	{ "permessage-deflate; unknown", NULL },
	{ "permessage-deflate; Server_no_context_takeover", NULL },
	{ "permessage-deflate; server_no_context_takeover=1", NULL },
	{ "permessage-deflate; client_no_context_takeover=true", NULL },
	{ "permessage-deflate; server_no_context_takeover; server_no_context_takeover", NULL },
	{ "permessage-deflate; client_max_window_bits; client_max_window_bits=10", NULL },
	{ "permessage-deflate; server_max_window_bits", NULL },
	{ "permessage-deflate; server_max_window_bits=7", NULL },
	{ "permessage-deflate; server_max_window_bits=16", NULL },
	{ "permessage-deflate; server_max_window_bits=08", NULL },
	{ "permessage-deflate; server_max_window_bits=+9", NULL },
	{ "permessage-deflate; server_max_window_bits=9x", NULL },
	{ "permessage-deflate; server_max_window_bits=99999999999999999999", NULL },
	{ "permessage-deflate; client_max_window_bits=0", NULL },
	{ "permessage-deflate; client_max_window_bits=16", NULL },
	/* No list of extensions. */
	{ "", NULL },
	{ " \t", NULL },
	{ ",", NULL },
	{ ";", NULL },
	{ "permessage-deflate;", NULL },
	{ "permessage-deflate;;client_max_window_bits", NULL },
	{ "permessage-deflate; client_max_window_bits=", NULL },
	{ "permessage-deflate; client_max_window_bits=\"10", NULL },
	{ "permessage-deflate; client_max_window_bits=\"\"", NULL },
	{ "permessage-deflate; client_max_window_bits=\"1 0\"", NULL },
	{ "permessage-deflate client_max_window_bits", NULL },
	{ "permessage-deflate/x", NULL },
	{ "permessage deflate", NULL },
	{ "x-other; =, permessage-deflate", NULL },
	{ "\"permessage-deflate\"", NULL },
	/* Names that are something else elsewhere. */
	{ "constructor", NULL },
	{ "__proto__; constructor, permessage-deflate; __proto__", NULL },
	{ "x-webkit-deflate-frame", NULL },
	{ "Permessage-Deflate", NULL },
};

START_TEST(agreement)
{
	struct deflate_terms terms;
	struct buf b = BUF_INIT;

	if (deflate_agree(slice_str(offers[_i].offers), &terms))
		deflate_put_terms(&b, &terms);
	buf_add_char(&b, '\0');
	ck_assert_str_eq(b.at, offers[_i].answer ? offers[_i].answer : "");
	buf_fini(&b);
}
END_TEST

/* Cut anywhere, in memory that ends there. */
START_TEST(agreement_on_a_part)
{
	size_t size = strlen(offers[_i].offers);
	struct deflate_terms terms;

	for (size_t n = 0; n <= size; n++) {
		char *part = malloc(n + 1);

		memcpy(part, offers[_i].offers, n);
		part = realloc(part, n ? n : 1);
		deflate_agree(slice_of(part, n), &terms);
		free(part);
	}
}
END_TEST

/* --- Receiving ---------------------------------------------------------------------------------------------------- */

enum { LIMIT = 100 * 1000 };

static struct inflater *in;
static struct deflater *out;

static void setup(void)
{
	in = inflater_new(LIMIT);
	out = deflater_new();
	ck_assert(in && out);
}

static void teardown(void)
{
	inflater_free(in);
	deflater_free(out);
}

#define BYTES(literal) \
	{ \
		"" literal, sizeof(literal) - 1 \
	}

/* RFC 7692 7.2.3 and what is near to it. */
static const struct {
	struct slice payload, text;
	enum inflated result;
} payloads[] = {
	{ BYTES("\xf2\x48\xcd\xc9\xc9\x07\x00"), BYTES("Hello"), INFLATED },
	/* 7.2.3.3: a block without compression */
	{ BYTES("\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00"), BYTES("Hello"), INFLATED },
	/* 7.2.3.4: BFINAL set */
	{ BYTES("\xf3\x48\xcd\xc9\xc9\x07\x00\x00"), BYTES("Hello"), INFLATED },
	/* 7.2.3.5: two blocks */
	{ BYTES("\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00"), BYTES("Hello"), INFLATED },
	/* 7.2.3.6: nothing */
	{ BYTES("\x00"), BYTES(""), INFLATED },
	{ BYTES(""), BYTES(""), INFLATED },
	/* A last block and nothing behind; two last blocks; a last block and an ordinary one. */
	{ BYTES("\xf3\x48\xcd\xc9\xc9\x07\x00"), BYTES("Hello"), INFLATED },
	{ BYTES("\xf3\x48\xcd\xc9\xc9\x07\x00\xf3\x48\xcd\xc9\xc9\x07\x00"), BYTES("HelloHello"), INFLATED },
	{ BYTES("\xf3\x48\xcd\xc9\xc9\x07\x00\xf2\x48\xcd\xc9\xc9\x07\x00"), BYTES("HelloHello"), INFLATED },
	/* 7.2.3.2: the second of two messages with a shared window; it reaches back to where nothing is. */
	{ BYTES("\xf2\x00\x11\x00\x00"), BYTES(""), INFLATE_INVALID },
	{ BYTES("Hello"), BYTES(""), INFLATE_INVALID },
	{ BYTES("\xff"), BYTES(""), INFLATE_INVALID },
	{ BYTES("\x06"), BYTES(""), INFLATE_INVALID },                 /* a block of the reserved type */
	{ BYTES("\xf2\x48\xcd\xc9"), BYTES(""), INFLATE_INVALID },     /* ends inside a block */
	{ BYTES("\x00\x05\x00\xfa"), BYTES(""), INFLATE_INVALID },     /* ends inside a block's head */
	{ BYTES("\x00\x05\x00\xfa\xfe"), BYTES(""), INFLATE_INVALID }, /* a length that contradicts itself */
	{ BYTES("\x00\x06\x00\xf9\xff\x48\x65\x6c\x6c\x6f"), BYTES(""), INFLATE_INVALID },
};

START_TEST(received)
{
	struct slice whole;
	/* In memory that ends where it ends. */
	char *copy = malloc(payloads[_i].payload.size + 1);
	char *exact;

	memcpy(copy, payloads[_i].payload.at, payloads[_i].payload.size);
	exact = realloc(copy, payloads[_i].payload.size ? payloads[_i].payload.size : 1);
	/* Twice: nothing is left of the first. */
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(
			inflate_message(in, slice_of(exact, payloads[_i].payload.size), &whole), payloads[_i].result);
		if (payloads[_i].result == INFLATED)
			ck_assert(slice_equal(whole, payloads[_i].text));
	}
	ck_assert_int_eq(inflate_message(in, payloads[0].payload, &whole), INFLATED);
	ck_assert(slice_equal(whole, SLICE("Hello")));
	free(exact);
}
END_TEST

/* `size` times 'x', as a client deflates it. */
static struct buf deflated_by_a_client(size_t size, int flush)
{
	char *text = malloc(size);
	z_stream z = { 0 };
	struct buf b = BUF_INIT;

	memset(text, 'x', size);
	deflateInit2(&z, 9, Z_DEFLATED, -15, 9, Z_DEFAULT_STRATEGY);
	z.next_in = (unsigned char *)text;
	z.avail_in = (unsigned)size;
	z.next_out = (unsigned char *)buf_reserve(&b, size + 1000);
	z.avail_out = (unsigned)size + 1000;
	deflate(&z, flush);
	b.size = z.total_out - (flush == Z_SYNC_FLUSH ? 4 : 0);
	deflateEnd(&z);
	free(text);
	return b;
}

START_TEST(at_the_limit_and_past_it)
{
	static const int flushes[] = { Z_SYNC_FLUSH, Z_FINISH };
	static const enum inflated results[] = { INFLATED, INFLATED, INFLATE_TOO_LARGE, INFLATE_TOO_LARGE };
	static const size_t sizes[] = { LIMIT - 1, LIMIT, LIMIT + 1, 200 * LIMIT };
	struct slice whole;

	for (size_t i = 0; i < 4; i++) {
		struct buf b = deflated_by_a_client(sizes[i], flushes[_i]);

		ck_assert_int_eq(inflate_message(in, buf_slice(&b), &whole), results[i]);
		if (results[i] == INFLATED)
			ck_assert_uint_eq(whole.size, sizes[i]);
		else
			ck_assert_uint_le(whole.size, LIMIT + 1); /* no more was inflated than shows it */
		buf_fini(&b);
	}
}
END_TEST

/* --- Sending ------------------------------------------------------------------------------------------------------ */

static struct frame *text_frame(size_t size)
{
	struct frame *f = frame_new(frame_packet_size(size));
	char *to = frame_put(f, false, size);

	for (size_t i = 0; i < size; i++)
		to[i] = "4[\"position\",1]"[i % 15];
	return f;
}

/* The frames of `bytes` as a client reads them: inflated where they say so, with a window of 2^bits bytes. */
static void expect_as_sent(const struct frame *sent, const struct frame *original)
{
	const unsigned char *at = (const unsigned char *)sent->bytes, *end = at + sent->size;
	struct frame_packet p;

	for (size_t offset = 0; frame_next(original, &offset, &p);) {
		size_t size = at[1], head = 2;
		struct slice got;

		ck_assert_int_eq(at[0] & 0xb0, 0x80);
		ck_assert_int_eq(at[0] & 15, p.binary ? 2 : 1);
		if (size == 126) {
			size = (size_t)(at[2] << 8 | at[3]);
			head = 4;
		}
		got = slice_of(at + head, size);
		if (at[0] & 0x40)
			ck_assert_int_eq(inflate_message(in, slice_of(at + head, size), &got), INFLATED);
		ck_assert(slice_equal(got, p.data));
		at += head + size;
	}
	ck_assert_ptr_eq(at, end);
}

START_TEST(sent)
{
	static const size_t sizes[] = { 1024, 1025, 4000, 40000, 99999 };

	for (size_t i = 0; i < 5; i++) {
		struct frame *f = text_frame(sizes[i]);
		const struct frame *made = deflate_frame(out, f, 1024);

		ck_assert_ptr_nonnull(made);
		ck_assert_uint_lt(made->size, f->size / 2);
		ck_assert_int_eq(made->bytes[0], (char)0xc1);
		expect_as_sent(made, f);
		ck_assert_ptr_eq(deflate_frame(out, f, 1024), made); /* once for all */
		frame_unref(f);
	}
}
END_TEST

START_TEST(sent_as_it_is)
{
	struct frame *small = text_frame(1023), *asked = text_frame(5000), *noise = text_frame(5000);
	struct frame *empty = frame_text(SLICE(""), SLICE(""));

	asked->uncompressed = true;
	for (size_t i = 4; i < noise->size; i++)
		noise->bytes[i] = (char)((i * 2654435761U) >> 13 ^ (i * i * 40503U) >> 7);
	ck_assert_ptr_null(deflate_frame(out, small, 1024));
	ck_assert_ptr_null(deflate_frame(out, asked, 1024));
	ck_assert_ptr_null(deflate_frame(out, noise, 1024));
	ck_assert_ptr_null(deflate_frame(out, empty, 0));
	frame_unref(small);
	frame_unref(asked);
	frame_unref(noise);
	frame_unref(empty);
}
END_TEST

/* Each packet by itself: a text with a small and a large attachment. */
START_TEST(sent_in_packets)
{
	struct frame *f = frame_new(frame_packet_size(2000) + frame_packet_size(10) + frame_packet_size(3000));
	const struct frame *made;

	memset(frame_put(f, false, 2000), 't', 2000);
	memset(frame_put(f, true, 10), 's', 10);
	memset(frame_put(f, true, 3000), 'l', 3000);
	made = deflate_frame(out, f, 1024);
	ck_assert_ptr_nonnull(made);
	ck_assert_uint_eq(made->packets, 3);
	expect_as_sent(made, f);
	frame_unref(f);
}
END_TEST

/* A frame that fits into a window never reaches back over it, so that a client with that window can read it. */
START_TEST(sent_into_a_small_window)
{
	for (int bits = 9; bits < 15; bits++) {
		struct frame *f = text_frame(((size_t)1 << bits) - 10);
		const struct frame *made = deflate_frame(out, f, 100);
		unsigned char *text = malloc(f->size);
		z_stream z = { .next_in = (unsigned char *)(uintptr_t)made->bytes,
			.avail_in = (unsigned)made->size,
			.next_out = text };
		size_t head = made->size - 4 < 126 ? 2 : 4;

		z.next_in += head;
		z.avail_in -= (unsigned)head;
		inflateInit2(&z, -bits);
		/* Byte by byte, so that zlib has nothing but its window to look back into. */
		for (z.avail_out = 1; inflate(&z, Z_SYNC_FLUSH) == Z_OK && z.total_out < f->size - 4; z.avail_out = 1)
			;
		ck_assert_uint_eq(z.total_out, f->size - 4);
		ck_assert_mem_eq(text, f->bytes + 4, f->size - 4);
		inflateEnd(&z);
		free(text);
		frame_unref(f);
	}
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("deflate");
	TCase *t = tcase_create("deflate");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, agreement, 0, sizeof(offers) / sizeof(offers[0]));
	tcase_add_loop_test(t, agreement_on_a_part, 0, sizeof(offers) / sizeof(offers[0]));
	tcase_add_loop_test(t, received, 0, sizeof(payloads) / sizeof(payloads[0]));
	tcase_add_loop_test(t, at_the_limit_and_past_it, 0, 2);
	tcase_add_test(t, sent);
	tcase_add_test(t, sent_as_it_is);
	tcase_add_test(t, sent_in_packets);
	tcase_add_test(t, sent_into_a_small_window);
	suite_add_tcase(s, t);
	return s;
}
