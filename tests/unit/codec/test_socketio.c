/*
 * test_socketio.c - Socket.IO packets (protocol 5): what the reference takes and refuses, row by row, where we are
 * stricter than it, and the frames we send.
 */
#include "test_main.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "socketio.h"

#define COUNT(array) (int)(sizeof(array) / sizeof((array)[0]))
#define TEXT(literal) \
	{ \
		"" literal, sizeof(literal) - 1 \
	}

static const struct sio_rules usual = { .max_depth = 64, .max_attachments = 10, .max_event_bytes = 100 };

static void assert_slice(struct slice got, struct slice want)
{
	ck_assert_msg(slice_equal(got, want), "got \"%.*s\" (%zu), want \"%.*s\" (%zu)", SLICE_ARG(got), got.size,
		SLICE_ARG(want), want.size);
}

/* A packet as text: "2 /nsp #id +attachments data|event|items", what is not there left out. */
static void describe(const struct sio_packet *p, struct buf *to)
{
	buf_printf(to, "%d %.*s", (int)p->type, SLICE_ARG(p->nsp));
	if (p->has_id)
		buf_printf(to, " #%" PRIu64, p->id);
	if (p->attachments)
		buf_printf(to, " +%u", p->attachments);
	buf_printf(to, " %.*s|%.*s|%.*s", SLICE_ARG(p->data), SLICE_ARG(p->event), SLICE_ARG(p->items));
}

/* Parses from an allocation of exactly the text's size, attachments too. Describes what is good into `out`. */
static const char *parse(struct slice text, const struct sio_rules *rules, struct buf *out)
{
	char *copy = malloc(text.size ? text.size : 1);
	struct sio_packet packet;
	const char *error;

	if (text.size)
		memcpy(copy, text.at, text.size);
	error = sio_parse(slice_of(copy, text.size), rules, &packet);
	if (!error && packet.attachments)
		error = sio_check_attachments(&packet, rules);
	if (!error)
		describe(&packet, out);
	free(copy);
	return error;
}

/* Without Engine.IO's 4. */
static const struct {
	struct slice text;
	const char *packet;
} good[] = {
	/* CONNECT */
	{ TEXT("0"), "0 / ||" },
	{ TEXT("0{\"a\":1}"), "0 / {\"a\":1}||" },
	{ TEXT("0{}"), "0 / {}||" },
	{ TEXT("0 \t\r\n{} "), "0 /  \t\r\n{} ||" },
	{ TEXT("0/custom"), "0 /custom ||" },
	{ TEXT("0/custom,"), "0 /custom ||" },
	{ TEXT("0/ns,{\"token\":\"x\"}"), "0 /ns {\"token\":\"x\"}||" },
	{ TEXT("0/custom?token=1,"), "0 /custom?token=1 ||" },
	{ TEXT("0/,"), "0 / ||" },
	{ TEXT("0/\xc3\xa9,"), "0 /\xc3\xa9 ||" },
	{ TEXT("0123"), "0 / ||" },
	{ TEXT("0123{}"), "0 / {}||" },
	{ TEXT("0/ns,5"), "0 /ns ||" },
	/* DISCONNECT */
	{ TEXT("1"), "1 / ||" },
	{ TEXT("1/ns,"), "1 /ns ||" },
	{ TEXT("1/ns"), "1 /ns ||" },
	/* EVENT */
	{ TEXT("2[\"ev\"]"), "2 / [\"ev\"]|\"ev\"|" },
	{ TEXT("2[\"ev\",1,{\"a\":[]}]"), "2 / [\"ev\",1,{\"a\":[]}]|\"ev\"|1,{\"a\":[]}" },
	{ TEXT("2 [ \"ev\" , 1 , 2 ] "), "2 /  [ \"ev\" , 1 , 2 ] |\"ev\"|1 , 2" },
	{ TEXT("2[1,\"x\"]"), "2 / [1,\"x\"]|1|\"x\"" },
	{ TEXT("2[-1.5e3]"), "2 / [-1.5e3]|-1.5e3|" },
	{ TEXT("2/ns,[\"ev\"]"), "2 /ns [\"ev\"]|\"ev\"|" },
	{ TEXT("2/ns,7[\"ev\",\"]\"]"), "2 /ns #7 [\"ev\",\"]\"]|\"ev\"|\"]\"" },
	{ TEXT("20[\"ev\"]"), "2 / #0 [\"ev\"]|\"ev\"|" },
	{ TEXT("2007[\"ev\"]"), "2 / #7 [\"ev\"]|\"ev\"|" },
	{ TEXT("218446744073709551615[\"ev\"]"), "2 / #18446744073709551615 [\"ev\"]|\"ev\"|" },
	{ TEXT("2[\"\"]"), "2 / [\"\"]|\"\"|" },
	{ TEXT("2[\"\\u0063onnec\"]"), "2 / [\"\\u0063onnec\"]|\"\\u0063onnec\"|" },
	{ TEXT("2[\"\\ud800\"]"), "2 / [\"\\ud800\"]|\"\\ud800\"|" },
	{ TEXT("2[\"error\"]"), "2 / [\"error\"]|\"error\"|" }, /* CVE-2024-38355 */
	{ TEXT("2[\"connection\"]"), "2 / [\"connection\"]|\"connection\"|" },
	{ TEXT("2[\"message\"]"), "2 / [\"message\"]|\"message\"|" },
	{ TEXT("2[\"__proto__\"]"), "2 / [\"__proto__\"]|\"__proto__\"|" },
	{ TEXT("2[\"toString\"]"), "2 / [\"toString\"]|\"toString\"|" },
	{ TEXT("2[\"Connect\"]"), "2 / [\"Connect\"]|\"Connect\"|" },
	{ TEXT("2[\"disconnected\"]"), "2 / [\"disconnected\"]|\"disconnected\"|" },
	{ TEXT("2[\"a\",{\"_placeholder\":true,\"num\":0}]"),
		"2 / [\"a\",{\"_placeholder\":true,\"num\":0}]|\"a\"|{\"_placeholder\":true,\"num\":0}" },
	{ TEXT("2[\"a\",{\"_placeholder\":true,\"num\":\"splice\"}]"),
		"2 / "
		"[\"a\",{\"_placeholder\":true,\"num\":\"splice\"}]|\"a\"|{\"_placeholder\":true,\"num\":\"splice\"}" },
	/* ACK */
	{ TEXT("31[]"), "3 / #1 []||" },
	{ TEXT("31[ ]"), "3 / #1 [ ]||" },
	{ TEXT("3[]"), "3 / []||" },
	{ TEXT("3/ns,12[1,[2]]"), "3 /ns #12 [1,[2]]||1,[2]" },
	{ TEXT("31[null]"), "3 / #1 [null]||null" },
	/* binary */
	{ TEXT("51-[\"a\",{\"_placeholder\":true,\"num\":0}]"),
		"5 / +1 [\"a\",{\"_placeholder\":true,\"num\":0}]|\"a\"|{\"_placeholder\":true,\"num\":0}" },
	{ TEXT("51-/ns,3[\"a\"]"), "5 /ns #3 +1 [\"a\"]|\"a\"|" },
	{ TEXT("510-[\"a\"]"), "5 / +10 [\"a\"]|\"a\"|" },
	{ TEXT("5001-[\"a\"]"), "5 / +1 [\"a\"]|\"a\"|" },
	{ TEXT("52-[\"a\",{\"_placeholder\":true,\"num\":1},{\"_placeholder\":true,\"num\":1}]"),
		"5 / +2 [\"a\",{\"_placeholder\":true,\"num\":1},{\"_placeholder\":true,\"num\":1}]|\"a\"|"
		"{\"_placeholder\":true,\"num\":1},{\"_placeholder\":true,\"num\":1}" },
	{ TEXT("51-[\"a\",{\"_placeholder\":false,\"num\":9}]"),
		"5 / +1 [\"a\",{\"_placeholder\":false,\"num\":9}]|\"a\"|{\"_placeholder\":false,\"num\":9}" },
	{ TEXT("61-7[{\"_placeholder\":true,\"num\":0}]"),
		"6 / #7 +1 [{\"_placeholder\":true,\"num\":0}]||{\"_placeholder\":true,\"num\":0}" },
	{ TEXT("61-[]"), "6 / +1 []||" },
};

START_TEST(good_packets_are_parsed)
{
	struct buf out = BUF_INIT;
	const char *error = parse(good[_i].text, &usual, &out);

	ck_assert_msg(error == NULL, "%s", error);
	assert_slice(buf_slice(&out), slice_str(good[_i].packet));
	buf_fini(&out);
}
END_TEST

/* A good packet cut short may be another good one, never a crash; JSON that was begun must be ended. */
START_TEST(good_packets_cut_short_are_judged)
{
	struct slice text = good[_i].text;
	struct buf out = BUF_INIT;

	for (size_t n = 0; n < text.size; n++) {
		const char *error = parse(slice_first(text, n), &usual, &out);
		size_t json = slice_find(slice_first(text, n), '[');

		if (json < n && slice_find(slice_from(text, n), ']') < text.size - n)
			ck_assert_ptr_nonnull(error);
	}
	buf_fini(&out);
}
END_TEST

START_TEST(slices_point_into_the_text)
{
	struct slice text = SLICE("2/ns,5[\"ev\",1]");
	struct sio_packet p;

	ck_assert_ptr_null(sio_parse(text, &usual, &p));
	ck_assert_ptr_eq(p.nsp.at, text.at + 1);
	ck_assert_ptr_eq(p.data.at, text.at + 6);
	ck_assert_ptr_eq(p.event.at, text.at + 7);
	ck_assert_ptr_eq(p.items.at, text.at + 12);
}
END_TEST

#define SOME NULL /* a reason that the JSON checker words */

static const struct {
	struct slice text;
	const char *why;
} bad[] = {
	{ TEXT(""), "empty packet" },
	{ TEXT("7"), "unknown packet type" },
	{ TEXT("8[\"a\"]"), "unknown packet type" },
	{ TEXT("9"), "unknown packet type" },
	{ TEXT("a"), "unknown packet type" },
	{ TEXT("/"), "unknown packet type" },
	{ TEXT("\0"), "unknown packet type" },
	{ TEXT("4"), "connect error from a client" },
	{ TEXT("4{\"message\":\"x\"}"), "connect error from a client" },
	/* CONNECT, DISCONNECT */
	{ TEXT("0[]"), "invalid payload" },
	{ TEXT("0null"), "invalid payload" },
	{ TEXT("0\"x\""), "invalid payload" },
	{ TEXT("0 "), "invalid payload" },
	{ TEXT("0{\"a\""), SOME },
	{ TEXT("0{}x"), SOME },
	{ TEXT("0{}{}"), SOME },
	{ TEXT("0-1{}"), "invalid payload" },
	{ TEXT("1[]"), "invalid payload" },
	{ TEXT("1{}"), "invalid payload" },
	{ TEXT("1 "), "invalid payload" },
	{ TEXT("1/ns,x"), "invalid payload" },
	/* EVENT */
	{ TEXT("2"), SOME },
	{ TEXT("212"), SOME },
	{ TEXT("2/ns"), SOME },
	{ TEXT("2/ns,"), SOME },
	{ TEXT("2{}"), SOME },
	{ TEXT("2[]"), "event without a name" },
	{ TEXT("2[ ]"), "event without a name" },
	{ TEXT("2[null]"), "event name is no string" },
	{ TEXT("2[true]"), "event name is no string" },
	{ TEXT("2[[\"a\"]]"), "event name is no string" },
	{ TEXT("2[{\"toString\":\"foo\"}]"), "event name is no string" }, /* CVE-2023-32695 */
	{ TEXT("2\"x\""), SOME },
	{ TEXT("2abc[\"a\"]"), SOME },
	{ TEXT("2-1[\"a\"]"), SOME },
	{ TEXT("21-[\"a\"]"), SOME },
	{ TEXT("2[\"a\""), SOME },
	{ TEXT("2[\"a\",]"), SOME },
	{ TEXT("2[\"a\"]x"), SOME },
	{ TEXT("2[\"a\"]]"), SOME },
	{ TEXT("2[,\"a\"]"), SOME },
	{ TEXT("2['a']"), SOME },
	{ TEXT("2[\"a\",01]"), SOME },
	{ TEXT("2[\"a\",\"\xff\"]"), SOME },
	{ TEXT("2[\"\xed\xa0\x80\"]"), SOME },
	{ TEXT("2[\"a\0\"]"), SOME },
	{ TEXT("2\xef\xbb\xbf[\"a\"]"), SOME },
	{ TEXT("2[\"connect\"]"), "reserved event name" },
	{ TEXT("2[\"connect_error\"]"), "reserved event name" },
	{ TEXT("2[\"disconnect\",1]"), "reserved event name" },
	{ TEXT("2[\"disconnecting\"]"), "reserved event name" },
	{ TEXT("2[\"newListener\"]"), "reserved event name" },
	{ TEXT("2[\"removeListener\"]"), "reserved event name" },
	{ TEXT("2[\"\\u0063onnect\"]"), "reserved event name" },
	{ TEXT("51-[\"disconnect\"]"), "reserved event name" },
	{ TEXT("218446744073709551616[\"a\"]"), "id too large" },
	{ TEXT("2012345678901234567890123456789[\"a\"]"), "id too large" },
	{ TEXT("2/n\xff,[\"a\"]"), "namespace is not UTF-8" },
	{ TEXT("2/n\xed\xa0\x80"), "namespace is not UTF-8" },
	/* ACK */
	{ TEXT("3"), SOME },
	{ TEXT("31"), SOME },
	{ TEXT("31{}"), SOME },
	{ TEXT("31null"), SOME },
	{ TEXT("31[1"), SOME },
	{ TEXT("318446744073709551616[]"), "id too large" },
	/* attachments */
	{ TEXT("5"), "illegal attachments" },
	{ TEXT("5-"), "illegal attachments" },
	{ TEXT("5-[\"a\"]"), "illegal attachments" },
	{ TEXT("50-"), "illegal attachments" },
	{ TEXT("50-[\"a\"]"), "illegal attachments" },
	{ TEXT("51.5-[\"a\"]"), "illegal attachments" },
	{ TEXT("5-1-[\"a\"]"), "illegal attachments" },
	{ TEXT("5+1-[\"a\"]"), "illegal attachments" },
	{ TEXT("51e1-[\"a\"]"), "illegal attachments" },
	{ TEXT("50x1-[\"a\"]"), "illegal attachments" },
	{ TEXT("51[\"a\"]"), "illegal attachments" },
	{ TEXT("5[\"a\"]"), "illegal attachments" },
	{ TEXT("5/ns,[\"a\"]"), "illegal attachments" },
	{ TEXT("5 1-[\"a\"]"), "illegal attachments" },
	{ TEXT("511-[\"a\"]"), "too many attachments" },
	{ TEXT("5999999-[\"a\"]"), "too many attachments" }, /* CVE-2026-33151 */
	{ TEXT("54294967297-[\"a\"]"), "too many attachments" },
	{ TEXT("518446744073709551617-[\"a\"]"), "too many attachments" },
	{ TEXT("599999999999999999999999999999999-[\"a\"]"), "too many attachments" },
	{ TEXT("51-"), SOME },
	{ TEXT("51-{}"), SOME },
	{ TEXT("51-[]"), "event without a name" },
	{ TEXT("51-[{\"_placeholder\":true,\"num\":0}]"), "event name is no string" },
	{ TEXT("51-[\"x\",{\"_placeholder\":true,\"num\":\"splice\"}]"), SOME }, /* CVE-2022-2421 */
	{ TEXT("51-[\"x\",{\"_placeholder\":true,\"num\":1}]"), SOME },
	{ TEXT("51-[\"x\",{\"_placeholder\":true,\"num\":-1}]"), SOME },
	{ TEXT("51-[\"x\",{\"_placeholder\":true,\"num\":0.5}]"), SOME },
	{ TEXT("51-[\"x\",{\"_placeholder\":true,\"num\":null}]"), SOME },
	{ TEXT("51-[\"x\",{\"_placeholder\":true}]"), SOME },
	{ TEXT("51-[\"x\",{\"_placeholder\":true,\"num\":18446744073709551616}]"), SOME },
	{ TEXT("51-[\"x\",[{\"a\":{\"_placeholder\":true,\"num\":2}}]]"), SOME },
	{ TEXT("61-1[{\"_placeholder\":true,\"num\":7}]"), SOME },
	{ TEXT("61-"), SOME },
	{ TEXT("61[]"), "illegal attachments" },
};

START_TEST(bad_packets_are_refused)
{
	struct buf out = BUF_INIT;
	const char *error = parse(bad[_i].text, &usual, &out);

	ck_assert_msg(error != NULL, "taken as %.*s", (int)out.size, out.at);
	if (bad[_i].why)
		ck_assert_str_eq(error, bad[_i].why);
	else
		ck_assert_uint_gt(strlen(error), 0);
	buf_fini(&out);
}
END_TEST

/* The two steps of binary packets: all but the placeholders is known before the attachments come. */
START_TEST(placeholders_are_checked_with_the_attachments)
{
	struct sio_packet p;

	ck_assert_ptr_null(sio_parse(SLICE("51-[\"x\",{\"_placeholder\":true,\"num\":1}]"), &usual, &p));
	ck_assert_ptr_nonnull(sio_check_attachments(&p, &usual));
	ck_assert_ptr_null(sio_parse(SLICE("51-[\"x\",{\"_placeholder\":true,\"num\":0}]"), &usual, &p));
	ck_assert_uint_eq(p.flags & JSON_BLOBS, 0);
	ck_assert_ptr_null(sio_check_attachments(&p, &usual));
	ck_assert_uint_eq(p.flags & JSON_BLOBS, JSON_BLOBS);
	ck_assert_ptr_null(sio_parse(SLICE("51-[\"x\",-0]"), &usual, &p));
	ck_assert_uint_eq(p.flags, JSON_REWRITE);
	ck_assert_ptr_null(sio_check_attachments(&p, &usual));
	ck_assert_uint_eq(p.flags, JSON_REWRITE);
}
END_TEST

START_TEST(flags_tell_of_the_payload)
{
	struct sio_packet p;

	ck_assert_ptr_null(sio_parse(SLICE("2[\"x\",{\"_placeholder\":true,\"num\":0}]"), &usual, &p));
	ck_assert_uint_eq(p.flags, 0);
	ck_assert_ptr_null(sio_parse(SLICE("2[\"x\",1e400]"), &usual, &p));
	ck_assert_uint_eq(p.flags, JSON_REWRITE);
	ck_assert_ptr_null(sio_parse(SLICE("0{\"x\":-0}"), &usual, &p));
	ck_assert_uint_eq(p.flags, JSON_REWRITE);
	ck_assert_ptr_null(sio_parse(SLICE("31[-0]"), &usual, &p));
	ck_assert_uint_eq(p.flags, JSON_REWRITE);
}
END_TEST

/* Limits: at them, and one past. */

static const char *parse_name(struct buf *b, size_t n, const char *unit)
{
	struct sio_packet p;

	buf_clear(b);
	buf_add_str(b, "2[\"");
	for (size_t i = 0; i < n; i++)
		buf_add_str(b, unit);
	buf_add_str(b, "\"]");
	return sio_parse(buf_slice(b), &usual, &p);
}

START_TEST(event_names_are_limited)
{
	static const char *const units[] = { "a", "\\n", "\\u0041" };
	struct buf b = BUF_INIT;

	ck_assert_ptr_null(parse_name(&b, 100, units[_i]));
	ck_assert_str_eq(parse_name(&b, 101, units[_i]), "event name too long");
	ck_assert_str_eq(parse_name(&b, 100000, units[_i]), "event name too long");
	ck_assert_ptr_null(parse_name(&b, 50, "\\u00e9")); /* two bytes each when decoded */
	ck_assert_str_eq(parse_name(&b, 51, "\\u00e9"), "event name too long");
	buf_fini(&b);
}
END_TEST

START_TEST(number_names_are_limited)
{
	struct sio_packet p;
	struct buf b = BUF_INIT;

	buf_add_str(&b, "2[");
	for (int i = 0; i < 101; i++)
		buf_add_char(&b, '1');
	buf_add_char(&b, ']');
	ck_assert_str_eq(sio_parse(buf_slice(&b), &usual, &p), "event name too long");
	buf_fini(&b);
}
END_TEST

START_TEST(depth_is_limited)
{
	struct sio_rules rules = { .max_depth = 5, .max_attachments = 10, .max_event_bytes = 100 };
	struct sio_packet p;

	ck_assert_ptr_null(sio_parse(SLICE("2[\"a\",[[[[]]]]]"), &rules, &p));
	ck_assert_ptr_nonnull(sio_parse(SLICE("2[\"a\",[[[[[]]]]]]"), &rules, &p));
	ck_assert_ptr_null(sio_parse(SLICE("0{\"a\":[[[[]]]]}"), &rules, &p));
	ck_assert_ptr_nonnull(sio_parse(SLICE("0{\"a\":[[[[[]]]]]}"), &rules, &p));
}
END_TEST

START_TEST(attachments_are_limited_by_the_rules)
{
	struct sio_rules rules = { .max_depth = 5, .max_attachments = 0, .max_event_bytes = 100 };
	struct sio_packet p;

	ck_assert_str_eq(sio_parse(SLICE("51-[\"a\"]"), &rules, &p), "too many attachments");
	rules.max_attachments = UINT32_MAX;
	ck_assert_ptr_null(sio_parse(SLICE("54294967295-[\"a\"]"), &rules, &p));
	ck_assert_uint_eq(p.attachments, UINT32_MAX);
	ck_assert_str_eq(sio_parse(SLICE("54294967296-[\"a\"]"), &rules, &p), "too many attachments");
}
END_TEST

/* CVE-2020-36049 and its kin: a megabyte of one thing. Quadratic work would take minutes. */
static const struct {
	const char *before, *unit, *after;
	bool good;
} floods[] = {
	{ "2", "1", "[\"a\"]", false },      /* id */
	{ "0", "0", "", true },              /* id of leading zeros */
	{ "5", "1", "-[\"a\"]", false },     /* attachments */
	{ "5", "0", "1-[\"a\"]", true },     /* attachments with leading zeros */
	{ "0/", "a", "", true },             /* namespace without an end */
	{ "2/", "a", ",[\"a\"]", true },     /* namespace */
	{ "2[\"a\"", ",1", "]", true },      /* items */
	{ "2[\"a\",", "[", "", false },      /* depth */
	{ "2[\"", "\\u0061", "\"]", false }, /* name */
	{ "2[", "1", "]", false },           /* number name */
	{ "2[\"a\"", " ", "]", true },       /* white space */
	{ "51-[\"a\"", ",{\"_placeholder\":true,\"num\":0}", "]", true },
	{ "51-[\"a\"", ",{\"_placeholder\":true,\"num\":", "", false },
};

START_TEST(floods_cost_linear_time)
{
	struct buf b = BUF_INIT;
	struct sio_packet p;
	const char *error;

	buf_add_str(&b, floods[_i].before);
	while (b.size < 1000000)
		buf_add_str(&b, floods[_i].unit);
	buf_add_str(&b, floods[_i].after);
	error = sio_parse(buf_slice(&b), &usual, &p);
	if (!error && p.attachments)
		error = sio_check_attachments(&p, &usual);
	ck_assert_msg((error == NULL) == floods[_i].good, "%s", error ? error : "taken");
	buf_fini(&b);
}
END_TEST

/* Frames. */

/* The packets of a frame, "text|" and "<bytes|" for binary ones. */
static void describe_frame(const struct frame *f, struct buf *to)
{
	struct frame_packet packet;
	size_t offset = 0, n = 0;

	for (; frame_next(f, &offset, &packet); n++) {
		if (packet.binary)
			buf_add_char(to, '<');
		buf_add_slice(to, packet.data);
		buf_add_char(to, '|');
	}
	ck_assert_uint_eq(n, f->packets);
	ck_assert_uint_eq(offset, f->size);
}

static const struct slice two[] = { TEXT("\0\1\2"), TEXT("") };

static const struct {
	struct sio_out out;
	struct slice frame;
} frames[] = {
	{ { .type = SIO_CONNECT, .nsp = TEXT("/"), .json = TEXT("{\"sid\":\"x\"}") }, TEXT("40{\"sid\":\"x\"}|") },
	{ { .type = SIO_CONNECT, .nsp = TEXT("/ns"), .json = TEXT("{\"sid\":\"x\"}") },
		TEXT("40/ns,{\"sid\":\"x\"}|") },
	{ { .type = SIO_DISCONNECT, .nsp = TEXT("/") }, TEXT("41|") },
	{ { .type = SIO_DISCONNECT, .nsp = TEXT("/ns") }, TEXT("41/ns,|") },
	{ { .type = SIO_DISCONNECT }, TEXT("41|") },
	{ { .type = SIO_EVENT, .nsp = TEXT("/"), .json = TEXT("[\"a\"]") }, TEXT("42[\"a\"]|") },
	{ { .type = SIO_EVENT, .nsp = TEXT("/"), .has_id = true, .id = 0, .json = TEXT("[\"a\"]") },
		TEXT("420[\"a\"]|") },
	{ { .type = SIO_EVENT, .nsp = TEXT("/ns"), .has_id = true, .id = UINT64_MAX, .json = TEXT("[\"a\"]") },
		TEXT("42/ns,18446744073709551615[\"a\"]|") },
	{ { .type = SIO_EVENT, .nsp = TEXT("/ns"), .id = 9, .json = TEXT("[\"a\"]") }, TEXT("42/ns,[\"a\"]|") },
	{ { .type = SIO_ACK, .nsp = TEXT("/"), .has_id = true, .id = 10, .json = TEXT("[]") }, TEXT("4310[]|") },
	{ { .type = SIO_CONNECT_ERROR, .nsp = TEXT("/ns"), .json = TEXT("{\"message\":\"Invalid namespace\"}") },
		TEXT("44/ns,{\"message\":\"Invalid namespace\"}|") },
	{ { .type = SIO_EVENT, .nsp = TEXT("/"), .json = TEXT("[\"a\",1]"), .blobs = two, .n_blobs = 1 },
		TEXT("451-[\"a\",1]|<\0\1\2|") },
	{ { .type = SIO_EVENT,
		  .nsp = TEXT("/ns"),
		  .has_id = true,
		  .id = 7,
		  .json = TEXT("[\"a\"]"),
		  .blobs = two,
		  .n_blobs = 2 },
		TEXT("452-/ns,7[\"a\"]|<\0\1\2|<|") },
	{ { .type = SIO_ACK,
		  .nsp = TEXT("/"),
		  .has_id = true,
		  .id = 3,
		  .json = TEXT("[]"),
		  .blobs = two,
		  .n_blobs = 2 },
		TEXT("462-3[]|<\0\1\2|<|") },
	{ { .type = SIO_BINARY_ACK,
		  .nsp = TEXT("/"),
		  .has_id = true,
		  .id = 3,
		  .json = TEXT("[]"),
		  .blobs = two,
		  .n_blobs = 1 },
		TEXT("461-3[]|<\0\1\2|") },
};

START_TEST(frames_hold_the_packet)
{
	struct frame *f = sio_frame(&frames[_i].out);
	struct buf out = BUF_INIT;

	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(f->refs, 1);
	describe_frame(f, &out);
	assert_slice(buf_slice(&out), frames[_i].frame);
	buf_fini(&out);
	frame_unref(f);
}
END_TEST

/* At the sizes where the WebSocket header grows, for the text and for the attachment. */
START_TEST(frames_of_all_sizes_are_whole)
{
	static const size_t sizes[] = { 4, 125, 126, 127, 65535, 65536, 100000 };
	char *bytes = malloc(100000);
	size_t text = sizes[_i % COUNT(sizes)], blob = sizes[_i / COUNT(sizes)], offset = 0;
	struct slice attachment = { bytes, blob };
	struct sio_out out = {
		.type = SIO_EVENT, .nsp = TEXT("/"), .json = { bytes, text - 4 }, .blobs = &attachment, .n_blobs = 1
	};
	struct frame_packet packet;
	struct frame *f;

	memset(bytes, '7', 100000);
	f = sio_frame(&out);
	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(f->size, frame_packet_size(text) + frame_packet_size(blob));
	ck_assert(frame_next(f, &offset, &packet) && !packet.binary);
	ck_assert_uint_eq(packet.data.size, text);
	ck_assert_mem_eq(packet.data.at, "451-", 4);
	ck_assert_mem_eq(packet.data.at + 4, bytes, text - 4);
	ck_assert(frame_next(f, &offset, &packet) && packet.binary);
	assert_slice(packet.data, attachment);
	ck_assert(!frame_next(f, &offset, &packet));
	frame_unref(f);
	free(bytes);
}
END_TEST

static void add_packets(TCase *c)
{
	tcase_set_timeout(c, 20);
	tcase_add_loop_test(c, good_packets_are_parsed, 0, COUNT(good));
	tcase_add_loop_test(c, good_packets_cut_short_are_judged, 0, COUNT(good));
	tcase_add_test(c, slices_point_into_the_text);
	tcase_add_loop_test(c, bad_packets_are_refused, 0, COUNT(bad));
	tcase_add_test(c, placeholders_are_checked_with_the_attachments);
	tcase_add_test(c, flags_tell_of_the_payload);
	tcase_add_loop_test(c, event_names_are_limited, 0, 3);
	tcase_add_test(c, number_names_are_limited);
	tcase_add_test(c, depth_is_limited);
	tcase_add_test(c, attachments_are_limited_by_the_rules);
	tcase_add_loop_test(c, floods_cost_linear_time, 0, COUNT(floods));
}

Suite *suite(void)
{
	Suite *s = suite_create("socketio");
	TCase *packets = tcase_create("packets"), *out = tcase_create("frames");

	add_packets(packets);
	tcase_add_loop_test(out, frames_hold_the_packet, 0, COUNT(frames));
	tcase_add_loop_test(out, frames_of_all_sizes_are_whole, 0, 49);
	suite_add_tcase(s, packets);
	suite_add_tcase(s, out);
	return s;
}
