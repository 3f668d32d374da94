/* test_engineio.c - Engine.IO packets, polling payloads, the open packet (protocol 4). */
#include "test_main.h"

#include <stdlib.h>

#include "engineio.h"

#define COUNT(array) (int)(sizeof(array) / sizeof((array)[0]))
#define TEXT(literal) \
	{ \
		"" literal, sizeof(literal) - 1 \
	}

static void assert_slice(struct slice got, struct slice want)
{
	ck_assert_msg(slice_equal(got, want), "got \"%.*s\" (%zu), want \"%.*s\" (%zu)", SLICE_ARG(got), got.size,
		SLICE_ARG(want), want.size);
}

/* Parses from an allocation of exactly the text's size and checks. */
static void assert_packet(struct slice text, enum eio_type type, bool binary, struct slice data)
{
	char *copy = malloc(text.size);
	struct buf scratch = BUF_INIT;
	struct eio_packet packet;

	memcpy(copy, text.at, text.size);
	ck_assert_int_eq(eio_parse(slice_of(copy, text.size), &scratch, &packet), 0);
	ck_assert_int_eq((int)packet.type, (int)type);
	ck_assert_int_eq(packet.binary, binary);
	assert_slice(packet.data, data);
	buf_fini(&scratch);
	free(copy);
}

static const struct {
	struct slice text;
	enum eio_type type;
	bool binary;
	struct slice data;
} packets[] = {
	{ TEXT("0"), EIO_OPEN, false, TEXT("") },
	{ TEXT("1"), EIO_CLOSE, false, TEXT("") },
	{ TEXT("2"), EIO_PING, false, TEXT("") },
	{ TEXT("2probe"), EIO_PING, false, TEXT("probe") },
	{ TEXT("3"), EIO_PONG, false, TEXT("") },
	{ TEXT("3probe"), EIO_PONG, false, TEXT("probe") },
	{ TEXT("4"), EIO_MESSAGE, false, TEXT("") },
	{ TEXT("42[\"a\"]"), EIO_MESSAGE, false, TEXT("2[\"a\"]") },
	{ TEXT("4\0\x1f\xc3\xa9"), EIO_MESSAGE, false, TEXT("\0\x1f\xc3\xa9") },
	{ TEXT("5"), EIO_UPGRADE, false, TEXT("") },
	{ TEXT("6"), EIO_NOOP, false, TEXT("") },
	{ TEXT("b"), EIO_MESSAGE, true, TEXT("") },
	{ TEXT("bAAEC"), EIO_MESSAGE, true, TEXT("\0\1\2") },
	{ TEXT("bAQ=="), EIO_MESSAGE, true, TEXT("\1") },
	{ TEXT("bAQ"), EIO_MESSAGE, true, TEXT("\1") },
	{ TEXT("b!A\0Q\xff"), EIO_MESSAGE, true, TEXT("\1") },
	{ TEXT("b===="), EIO_MESSAGE, true, TEXT("") },
};

START_TEST(packets_are_parsed)
{
	assert_packet(packets[_i].text, packets[_i].type, packets[_i].binary, packets[_i].data);
}
END_TEST

START_TEST(only_known_types_are_packets)
{
	struct buf scratch = BUF_INIT;
	struct eio_packet packet;

	for (int c = 0; c < 256; c++) {
		char text[2] = { (char)c, 'x' };
		bool known = (c >= '0' && c <= '6') || c == 'b';

		ck_assert_int_eq(eio_parse(slice_of(text, 2), &scratch, &packet), known ? 0 : -1);
	}
	ck_assert_int_eq(eio_parse((struct slice){ 0 }, &scratch, &packet), -1);
	buf_fini(&scratch);
}
END_TEST

START_TEST(scratch_is_used_again)
{
	struct buf scratch = BUF_INIT;
	struct eio_packet packet;

	ck_assert_int_eq(eio_parse(SLICE("bAAECAwQF"), &scratch, &packet), 0);
	ck_assert_uint_eq(packet.data.size, 6);
	ck_assert_int_eq(eio_parse(SLICE("bBw=="), &scratch, &packet), 0);
	assert_slice(packet.data, SLICE("\7"));
	ck_assert_uint_eq(scratch.size, 1);
	buf_fini(&scratch);
}
END_TEST

/* Payloads. */

#define S "\x1e"

static const struct {
	struct slice payload;
	const char *packets; /* each with a '|' behind it */
} payloads[] = {
	{ TEXT(""), "|" },
	{ TEXT("4a"), "4a|" },
	{ TEXT("4a" S "4b"), "4a|4b|" },
	{ TEXT("4a" S "bAAEC" S "2" S "4"), "4a|bAAEC|2|4|" },
	{ TEXT(S), "||" },
	{ TEXT("4a" S), "4a||" },
	{ TEXT(S "4a"), "|4a|" },
	{ TEXT("4a" S S "4b"), "4a||4b|" },
	{ TEXT(S S S), "||||" },
};

START_TEST(payloads_are_split)
{
	char *copy = malloc(payloads[_i].payload.size + 1);
	struct slice rest, text;
	struct buf out = BUF_INIT;
	bool more = true;

	memcpy(copy, payloads[_i].payload.at, payloads[_i].payload.size);
	rest = slice_of(copy, payloads[_i].payload.size);
	while (eio_payload_next(&rest, &more, &text)) {
		buf_add_slice(&out, text);
		buf_add_char(&out, '|');
	}
	assert_slice(buf_slice(&out), slice_str(payloads[_i].packets));
	ck_assert(!eio_payload_next(&rest, &more, &text));
	buf_fini(&out);
	free(copy);
}
END_TEST

/* 400,000 packets, and a payload of nothing but separators: each byte is looked at once. */
START_TEST(hostile_payloads_cost_linear_time)
{
	static const char units[][3] = { "4" S, S S };
	struct buf payload = BUF_INIT, scratch = BUF_INIT;
	struct slice rest, text;
	struct eio_packet packet;
	size_t n = 0, good = 0;
	bool more = true;

	for (int i = 0; i < 400000; i++)
		buf_add(&payload, units[_i], 2);
	rest = buf_slice(&payload);
	while (eio_payload_next(&rest, &more, &text)) {
		n++;
		good += eio_parse(text, &scratch, &packet) == 0;
	}
	ck_assert_uint_eq(n, _i ? 800001 : 400001);
	ck_assert_uint_eq(good, _i ? 0 : 400000);
	buf_fini(&payload);
	buf_fini(&scratch);
}
END_TEST

START_TEST(payloads_are_built)
{
	static const struct frame_packet out[] = {
		{ false, TEXT("42[\"a\"]") },
		{ true, TEXT("\0\1\2") },
		{ true, TEXT("") },
		{ true, TEXT("\1") },
		{ false, TEXT("6") },
	};
	struct buf b = BUF_INIT;

	for (int i = 0; i < COUNT(out); i++) {
		size_t before = b.size;

		eio_payload_add(&b, &out[i]);
		ck_assert_uint_eq(eio_payload_size(&out[i]), b.size - before + (i == 0));
	}
	assert_slice(buf_slice(&b), SLICE("42[\"a\"]" S "bAAEC" S "b" S "bAQ==" S "6"));
	buf_fini(&b);
}
END_TEST

/* What we write, we read. */
START_TEST(payloads_come_back)
{
	struct buf b = BUF_INIT, scratch = BUF_INIT;
	struct slice rest, text;
	struct eio_packet packet;
	bool more = true;
	char data[300];

	for (size_t n = 0; n < sizeof(data); n++) {
		data[n] = (char)(n * 7);
		eio_payload_add(&b, &(struct frame_packet){ true, { data, n } });
	}
	rest = buf_slice(&b);
	for (size_t n = 0; eio_payload_next(&rest, &more, &text); n++) {
		ck_assert_int_eq(eio_parse(text, &scratch, &packet), 0);
		assert_slice(packet.data, slice_of(data, n));
	}
	buf_fini(&b);
	buf_fini(&scratch);
}
END_TEST

/* Frames. */

static void assert_text_frame(const struct frame *f, struct slice want)
{
	struct frame_packet packet;
	size_t offset = 0;

	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(f->packets, 1);
	ck_assert(frame_next(f, &offset, &packet));
	ck_assert(!packet.binary);
	assert_slice(packet.data, want);
	ck_assert(!frame_next(f, &offset, &packet));
}

START_TEST(open_packets_are_made)
{
	struct eio_open open = { "lv_VI97HAXpY6yYWAAAC", true, 25000, 20000, 1000000 };
	struct frame *f = eio_open_frame(&open);

	assert_text_frame(f, SLICE("0{\"sid\":\"lv_VI97HAXpY6yYWAAAC\",\"upgrades\":[\"websocket\"],"
				   "\"pingInterval\":25000,\"pingTimeout\":20000,\"maxPayload\":1000000}"));
	ck_assert_uint_eq(f->size, 118 + 2); /* as long as the reference's (protocol 2.1) */
	frame_unref(f);
	open.websocket = false;
	f = eio_open_frame(&open);
	assert_text_frame(f, SLICE("0{\"sid\":\"lv_VI97HAXpY6yYWAAAC\",\"upgrades\":[],"
				   "\"pingInterval\":25000,\"pingTimeout\":20000,\"maxPayload\":1000000}"));
	frame_unref(f);
}
END_TEST

START_TEST(bare_packets_are_made_once)
{
	static const char digits[] = "0123456";

	for (int type = EIO_OPEN; type <= EIO_NOOP; type++) {
		struct frame *f = eio_bare_frame((enum eio_type)type);

		assert_text_frame(f, slice_of(digits + type, 1));
		ck_assert_ptr_eq(eio_bare_frame((enum eio_type)type), f);
		frame_unref(frame_ref(f));
		ck_assert_uint_eq(f->refs, 1);
	}
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("engineio");
	TCase *c = tcase_create("all");

	tcase_set_timeout(c, 20);
	tcase_add_loop_test(c, packets_are_parsed, 0, COUNT(packets));
	tcase_add_test(c, only_known_types_are_packets);
	tcase_add_test(c, scratch_is_used_again);
	tcase_add_loop_test(c, payloads_are_split, 0, COUNT(payloads));
	tcase_add_loop_test(c, hostile_payloads_cost_linear_time, 0, 2);
	tcase_add_test(c, payloads_are_built);
	tcase_add_test(c, payloads_come_back);
	tcase_add_test(c, open_packets_are_made);
	tcase_add_test(c, bare_packets_are_made_once);
	suite_add_tcase(s, c);
	return s;
}
