/* test_engineio3.c - Engine.IO 3: packets, both payloads in both directions, WebSocket frames (protocol.md 2.9). */
#include "test_main.h"

#include <stdlib.h>

#include "engineio3.h"

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

/* --- Packets ------------------------------------------------------------------------------------------------------ */

static const struct {
	bool binary;
	struct slice text;
	enum eio_type type;
	bool is_binary;
	struct slice data;
} packets[] = {
	{ false, TEXT("0"), EIO_OPEN, false, TEXT("") },
	{ false, TEXT("2probe"), EIO_PING, false, TEXT("probe") },
	{ false, TEXT("42[\"a\"]"), EIO_MESSAGE, false, TEXT("2[\"a\"]") },
	{ false, TEXT("6"), EIO_NOOP, false, TEXT("") },
	{ false, TEXT("b4AAEC"), EIO_MESSAGE, true, TEXT("\0\1\2") },
	{ false, TEXT("b4"), EIO_MESSAGE, true, TEXT("") },
	{ false, TEXT("b4AQ"), EIO_MESSAGE, true, TEXT("\1") },
	{ false, TEXT("b2AQ=="), EIO_PING, false, TEXT("\1") },
	{ true, TEXT("\4\0\1\2"), EIO_MESSAGE, true, TEXT("\0\1\2") },
	{ true, TEXT("\4"), EIO_MESSAGE, true, TEXT("") },
	{ true, TEXT("\2x"), EIO_PING, false, TEXT("x") },
	{ true, TEXT("\6"), EIO_NOOP, false, TEXT("") },
};

START_TEST(packets_are_parsed)
{
	struct slice text = packets[_i].text;
	char *copy = malloc(text.size);
	struct buf scratch = BUF_INIT;
	struct eio_packet packet = { .type = EIO_CLOSE };

	memcpy(copy, text.at, text.size);
	ck_assert_int_eq(eio3_parse(packets[_i].binary, slice_of(copy, text.size), &scratch, &packet), 0);
	ck_assert_int_eq((int)packet.type, (int)packets[_i].type);
	ck_assert_int_eq(packet.binary, packets[_i].is_binary);
	assert_slice(packet.data, packets[_i].data);
	buf_fini(&scratch);
	free(copy);
}
END_TEST

START_TEST(only_known_types_are_packets)
{
	struct buf scratch = BUF_INIT;
	struct eio_packet packet;

	for (int c = 0; c < 256; c++) {
		char text[3] = { (char)c, 'x', 'y' }, base64[3] = { 'b', (char)c, 'x' };
		bool digit = c >= '0' && c <= '6';

		ck_assert_int_eq(eio3_parse(false, slice_of(base64, 3), &scratch, &packet), digit ? 0 : -1);
		ck_assert_int_eq(eio3_parse(true, slice_of(text, 3), &scratch, &packet), c <= 6 ? 0 : -1);
		if (c != 'b')
			ck_assert_int_eq(eio3_parse(false, slice_of(text, 3), &scratch, &packet), digit ? 0 : -1);
	}
	ck_assert_int_eq(eio3_parse(false, SLICE("b"), &scratch, &packet), -1);
	ck_assert_int_eq(eio3_parse(true, (struct slice){ 0 }, &scratch, &packet), -1);
	buf_fini(&scratch);
}
END_TEST

/* --- Payloads, read ----------------------------------------------------------------------------------------------- */

/* Reads all packets from an allocation of exactly its size: "text|<binary>|", and how it ended. */
static int read_all(struct slice body, bool octets, struct buf *out)
{
	char *copy = malloc(body.size + 1);
	struct eio3_payload p = { .rest = slice_of(copy, body.size), .octets = octets };
	struct slice packet;
	bool binary;
	int found;

	if (body.size)
		memcpy(copy, body.at, body.size);
	copy = realloc(copy, body.size ? body.size : 1);
	p.rest.at = copy;
	buf_clear(out);
	while ((found = eio3_payload_next(&p, &binary, &packet)) > 0) {
		buf_add_str(out, binary ? "<" : "");
		buf_add_slice(out, packet);
		buf_add_str(out, binary ? ">|" : "|");
	}
	free(copy);
	return found;
}

static const struct {
	struct slice payload;
	bool octets;
	int end;
	const char *packets;
} payloads[] = {
	{ TEXT("2:4a"), false, 0, "4a|" },
	{ TEXT("2:4a3:4bc1:2"), false, 0, "4a|4bc|2|" },
	{ TEXT("0:"), false, 0, "|" },
	{ TEXT("0:0:1:2"), false, 0, "||2|" },
	{ TEXT("007:4abcdef"), false, 0, "4abcdef|" },
	{ TEXT("2:4\xc3\xa9"), false, 0, "4\xc3\xa9|" },
	{ TEXT("2:4\xe2\x82\xac"
	       "1:2"),
		false, 0, "4\xe2\x82\xac|2|" },
	{ TEXT("3:4\xf0\x9f\x98\x80"
	       "1:2"),
		false, 0, "4\xf0\x9f\x98\x80|2|" },
	{ TEXT("4:4:::1:2"), false, 0, "4:::|2|" },
	{ TEXT("4:4::11:2"), false, 0, "4::1|2|" },
	{ TEXT("6:b4AAEC"), false, 0, "b4AAEC|" },
	{ TEXT(""), false, -1, "" },
	{ TEXT(":4a"), false, -1, "" },
	{ TEXT("4a"), false, -1, "" },
	{ TEXT("2"), false, -1, "" },
	{ TEXT("3:4a"), false, -1, "" },
	{ TEXT("2:4a9"), false, -1, "4a|" },
	{ TEXT("2:4a9:4"), false, -1, "4a|" },
	{ TEXT("-1:4a"), false, -1, "" },
	{ TEXT("1e0:4"), false, -1, "" },
	{ TEXT(" 1:4"), false, -1, "" },
	{ TEXT("0x1:4"), false, -1, "" },
	{ TEXT("2:4\xf0\x9f\x98\x80"), false, -1, "" }, /* half of a pair */
	{ TEXT("18446744073709551618:4a"), false, -1, "" },
	{ TEXT("99999999999999999999999999999999:4a"), false, -1, "" },

	{ TEXT(""), true, 0, "" },
	{ TEXT("\0\2\xff"
	       "4a"),
		true, 0, "4a|" },
	{ TEXT("\1\4\xff\4abc\0\2\xff"
	       "4a"),
		true, 0, "<\4abc>|4a|" },
	{ TEXT("\0\1\0\xff"
	       "4123456789\1\1\xff\4"),
		true, 0, "4123456789|<\4>|" },
	{ TEXT("\0\0\0\2\xff"
	       "4a"),
		true, 0, "4a|" },
	{ TEXT("\0\0\xff\0\1\xff"
	       "2"),
		true, 0, "|2|" },
	{ TEXT("\0\3\xff"
	       "4\xc3\xa9"),
		true, 0, "4\xc3\xa9|" },
	{ TEXT("\0\2\xff"
	       "4\xc3"),
		true, -1, "" }, /* no UTF-8 */
	{ TEXT("\1\2\xff"
	       "\4\xc3"),
		true, 0, "<\4\xc3>|" },
	{ TEXT("\2\1\xff"
	       "2"),
		true, -1, "" },
	{ TEXT("\0\xff"
	       "2"),
		true, -1, "" },
	{ TEXT("\0\1"), true, -1, "" },
	{ TEXT("\0\2\xff"
	       "2"),
		true, -1, "" },
	{ TEXT("\0\12\xff"
	       "4123456789"),
		true, -1, "" },
	{ TEXT("\0\1\xff"
	       "2\0"),
		true, -1, "2|" },
	{ TEXT("\0\1\xff"
	       "2x"),
		true, -1, "2|" },
	{ TEXT("\0\1\x8\x4\x4\x6\x7\x4\x4\x0\x7\x3\x7\x0\x9\x5\x5\x1\x6\x1\x7\xff"
	       "2"),
		true, -1, "" },
};

START_TEST(payloads_are_read)
{
	struct buf out = BUF_INIT;
	int end = read_all(payloads[_i].payload, payloads[_i].octets, &out);

	ck_assert_int_eq(end, payloads[_i].end);
	assert_slice(buf_slice(&out), slice_str(payloads[_i].packets));
	buf_fini(&out);
}
END_TEST

/* Cut anywhere, a payload is the packets that are whole, and then malformed or, between packets, at its end. */
static void assert_truncated(struct slice whole, bool octets)
{
	struct buf out = BUF_INIT, all = BUF_INIT;

	ck_assert_int_eq(read_all(whole, octets, &all), 0);
	for (size_t n = 0; n < whole.size; n++) {
		int end = read_all(slice_first(whole, n), octets, &out);

		ck_assert(end <= 0);
		ck_assert(slice_starts(buf_slice(&all), buf_slice(&out)));
		ck_assert(out.size < all.size);
	}
	buf_fini(&out);
	buf_fini(&all);
}

START_TEST(payloads_are_cut_anywhere)
{
	assert_truncated(SLICE("2:4a13:42[\"auth\",{}]3:4\xf0\x9f\x98\x80"
			       "6:b4AAEC1:2"),
		false);
	assert_truncated(SLICE("\0\1\3\xff"
			       "42[\"auth\",{}]\1\1\0\xff\4"
			       "123456789\0\3\xff"
			       "4\xc3\xa9\0\1\xff"
			       "2"),
		true);
}
END_TEST

/* What is claimed costs nothing, and many packets cost what their bytes cost. */
START_TEST(claims_cost_nothing)
{
	enum { MANY = 500000 };
	struct buf body = BUF_INIT, out = BUF_INIT;

	for (int i = 0; i < MANY; i++)
		buf_add_str(&body, "0:");
	ck_assert_int_eq(read_all(buf_slice(&body), false, &out), 0);
	ck_assert_uint_eq(out.size, MANY);
	buf_clear(&body);
	for (int i = 0; i < 2 * MANY; i++)
		buf_add_char(&body, '9');
	ck_assert_int_eq(read_all(buf_slice(&body), false, &out), -1);
	buf_clear(&body);
	for (int i = 0; i < 2 * MANY; i++)
		buf_add_char(&body, '\0');
	ck_assert_int_eq(read_all(buf_slice(&body), true, &out), -1);
	buf_fini(&body);
	buf_fini(&out);
}
END_TEST

/* --- Written ------------------------------------------------------------------------------------------------------ */

static const struct {
	struct frame_packet packet;
	struct slice text, octets;
} written[] = {
	{ { false, TEXT("2") }, TEXT("1:2"),
		TEXT("\0\1\xff"
		     "2") },
	{ { false, TEXT("40") }, TEXT("2:40"),
		TEXT("\0\2\xff"
		     "40") },
	{ { false, TEXT("42[\"\xe2\x82\xac\"]") }, TEXT("7:42[\"\xe2\x82\xac\"]"),
		TEXT("\0\x9\xff"
		     "42[\"\xe2\x82\xac\"]") },
	{ { false, TEXT("4\xf0\x9f\x98\x80") }, TEXT("3:4\xf0\x9f\x98\x80"),
		TEXT("\0\5\xff"
		     "4\xf0\x9f\x98\x80") },
	{ { false, TEXT("4123456789") }, TEXT("10:4123456789"),
		TEXT("\0\1\0\xff"
		     "4123456789") },
	{ { true, TEXT("\0\1\2") }, TEXT("6:b4AAEC"), TEXT("\1\4\xff\4\0\1\2") },
	{ { true, TEXT("\1") }, TEXT("6:b4AQ=="), TEXT("\1\2\xff\4\1") },
	{ { true, TEXT("") }, TEXT("2:b4"), TEXT("\1\1\xff\4") },
};

START_TEST(payloads_are_written)
{
	struct buf text = BUF_INIT, octets = BUF_INIT;

	eio3_text_add(&text, &written[_i].packet);
	eio3_octets_add(&octets, &written[_i].packet);
	assert_slice(buf_slice(&text), written[_i].text);
	assert_slice(buf_slice(&octets), written[_i].octets);
	buf_fini(&text);
	buf_fini(&octets);
}
END_TEST

/* A frame of a text packet and binary ones of the sizes given, 0 ending them. */
static struct frame *frame_with(const size_t *sizes)
{
	size_t total = frame_packet_size(3);
	struct frame *f;

	for (const size_t *n = sizes; *n; n++)
		total += frame_packet_size(*n);
	f = frame_new(total);
	memcpy(frame_put(f, false, 3), "45x", 3);
	for (const size_t *n = sizes; *n; n++)
		memset(frame_put(f, true, *n), 'B', *n);
	return f;
}

START_TEST(text_frames_are_shared)
{
	struct frame *f = frame_with((const size_t[]){ 0 }), *same = eio3_frame(f, false);

	ck_assert(same == f && f->refs == 2);
	frame_unref(same);
	same = eio3_frame(f, true);
	ck_assert(same == f);
	frame_unref(same);
	frame_unref(f);
}
END_TEST

START_TEST(binary_frames_get_their_type)
{
	static const size_t sizes[] = { 1, 124, 125, 126, 65534, 65535, 0 };
	struct frame *f = frame_with(sizes), *made = eio3_frame(f, false);
	struct frame_packet packet;
	size_t offset = 0;

	ck_assert(made != f && made->packets == f->packets && f->refs == 1);
	ck_assert(frame_next(made, &offset, &packet) && !packet.binary);
	assert_slice(packet.data, SLICE("45x"));
	for (size_t i = 0; sizes[i]; i++) {
		ck_assert(frame_next(made, &offset, &packet) && packet.binary);
		ck_assert_uint_eq(packet.data.size, sizes[i] + 1);
		ck_assert(packet.data.at[0] == 4 && packet.data.at[sizes[i]] == 'B');
	}
	ck_assert(!frame_next(made, &offset, &packet));
	frame_unref(made);
	frame_unref(f);
}
END_TEST

START_TEST(binary_frames_become_base64)
{
	struct frame *f = frame_with((const size_t[]){ 2, 100, 0 }), *made = eio3_frame(f, true);
	struct frame_packet packet;
	size_t offset = 0;

	ck_assert(frame_next(made, &offset, &packet) && !packet.binary);
	ck_assert(frame_next(made, &offset, &packet) && !packet.binary);
	assert_slice(packet.data, SLICE("b4QkI="));
	ck_assert(frame_next(made, &offset, &packet) && !packet.binary);
	ck_assert_uint_eq(packet.data.size, 2 + 136);
	ck_assert(!frame_next(made, &offset, &packet));
	frame_unref(made);
	frame_unref(f);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("engineio3");
	TCase *t = tcase_create("engineio3");

	tcase_add_loop_test(t, packets_are_parsed, 0, COUNT(packets));
	tcase_add_test(t, only_known_types_are_packets);
	tcase_add_loop_test(t, payloads_are_read, 0, COUNT(payloads));
	tcase_add_test(t, payloads_are_cut_anywhere);
	tcase_add_test(t, claims_cost_nothing);
	tcase_add_loop_test(t, payloads_are_written, 0, COUNT(written));
	tcase_add_test(t, text_frames_are_shared);
	tcase_add_test(t, binary_frames_get_their_type);
	tcase_add_test(t, binary_frames_become_base64);
	suite_add_tcase(s, t);
	return s;
}
