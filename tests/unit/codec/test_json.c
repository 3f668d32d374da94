/* test_json.c - the JSON decoder and encoder against tables; json_differential.mjs compares them with Node. */
#include "json.h"
#include "test_main.h"

#include <errno.h>
#include <math.h>

#define COUNT(table) (sizeof(table) / sizeof(*(table)))
/* A text with NULs in it. */
/* clang-format off */
#define T(literal) { "" literal, sizeof(literal) - 1 }
/* clang-format on */

static struct slice nested(char *text, size_t depth)
{
	memset(text, '[', depth);
	memset(text + depth, ']', depth);
	return slice_of(text, 2 * depth);
}

static const struct {
	const char *text;
	enum value_kind kind;
	union {
		int64_t i;
		uint64_t u;
		double f;
	} is;
} numbers[] = {
	{ "0", VALUE_INT, { .i = 0 } },
	{ "-1", VALUE_INT, { .i = -1 } },
	{ "9007199254740993", VALUE_INT, { .i = 9007199254740993 } },
	{ "9223372036854775807", VALUE_INT, { .i = INT64_MAX } },
	{ "9223372036854775808", VALUE_UINT, { .u = UINT64_C(9223372036854775808) } },
	{ "18446744073709551615", VALUE_UINT, { .u = UINT64_MAX } },
	{ "18446744073709551616", VALUE_FLOAT, { .f = 18446744073709551616.0 } },
	{ "28446744073709551615", VALUE_FLOAT, { .f = 28446744073709551615.0 } },
	{ "184467440737095516150", VALUE_FLOAT, { .f = 184467440737095516150.0 } },
	{ "-9223372036854775808", VALUE_INT, { .i = INT64_MIN } },
	{ "-9223372036854775809", VALUE_FLOAT, { .f = -9223372036854775809.0 } },
	{ "-18446744073709551615", VALUE_FLOAT, { .f = -18446744073709551615.0 } },
	{ "1.0", VALUE_FLOAT, { .f = 1.0 } },
	{ "1e2", VALUE_FLOAT, { .f = 100 } },
	{ "0.1", VALUE_FLOAT, { .f = 0.1 } },
	{ "-0.1e-5", VALUE_FLOAT, { .f = -0.1e-5 } },
	{ "1e400", VALUE_FLOAT, { .f = (double)INFINITY } },
	{ "-1e400", VALUE_FLOAT, { .f = (double)-INFINITY } },
	{ "1e-400", VALUE_FLOAT, { .f = 0 } },
	{ "5e-324", VALUE_FLOAT, { .f = 5e-324 } },
	{ "2.2250738585072011e-308", VALUE_FLOAT, { .f = 2.2250738585072011e-308 } },
	{ "1.7976931348623158e308", VALUE_FLOAT, { .f = 1.7976931348623157e308 } },
	/* Halfway between 2^53 and the next double, and just above, where a second rounding would be wrong. */
	{ "9007199254740993.0", VALUE_FLOAT, { .f = 9007199254740992.0 } },
	{ "9007199254740993.00000000000000000000000000000001", VALUE_FLOAT, { .f = 9007199254740994.0 } },
	{ "179769313486231580793728971405301e276", VALUE_FLOAT, { .f = 1.7976931348623157e308 } },
};

START_TEST(decodes_numbers)
{
	struct arena arena = ARENA_INIT;
	struct stoa_value v = json_decode(&arena, slice_str(numbers[_i].text), NULL, 0);

	ck_assert_msg(v.kind_ == numbers[_i].kind, "%s", numbers[_i].text);
	if (v.kind_ == VALUE_FLOAT)
		ck_assert_msg(v.as_.f == numbers[_i].is.f, "%s: %.17g", numbers[_i].text, v.as_.f);
	else
		ck_assert_msg(v.as_.u == numbers[_i].is.u, "%s", numbers[_i].text);
	arena_fini(&arena);
}
END_TEST

/* More digits than are read: the first that matters comes last. */
START_TEST(decodes_very_long_numbers)
{
	struct arena arena = ARENA_INIT;
	struct buf text = BUF_INIT;

	buf_add_str(&text, "9007199254740993.");
	for (int i = 0; i < 5000; i++)
		buf_add_char(&text, '0');
	ck_assert(json_decode(&arena, buf_slice(&text), NULL, 0).as_.f == 9007199254740992.0);
	buf_add_char(&text, '1');
	ck_assert(json_decode(&arena, buf_slice(&text), NULL, 0).as_.f == 9007199254740994.0);
	buf_fini(&text);
	arena_fini(&arena);
}
END_TEST

static const struct {
	struct slice text, is;
} texts[] = {
	{ T("\"\""), T("") },
	{ T("\"plain\""), T("plain") },
	{ T("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""), T("\"\\/\b\f\n\r\t") },
	{ T("\"a\\u0000b\""), T("a\0b") },
	{ T("\"\\u0041\\u00e9\\u20AC\\uffff\""), T("A\xc3\xa9\xe2\x82\xac\xef\xbf\xbf") },
	{ T("\"\\u007f\\u0080\\u07ff\\u0800\""), T("\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80") },
	{ T("\"\\ud83d\\ude00\""), T("\xf0\x9f\x98\x80") },
	{ T("\"\\uD800\\uDC00\\uDBFF\\uDFFF\""), T("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf") },
	{ T("\"\\ud83d\""), T("\xed\xa0\xbd") },
	{ T("\"\\ude00\""), T("\xed\xb8\x80") },
	{ T("\"\\ude00\\ud83d\""), T("\xed\xb8\x80\xed\xa0\xbd") },
	{ T("\"\\ud83d\\ud83d\\ude00\""), T("\xed\xa0\xbd\xf0\x9f\x98\x80") },
	{ T("\"\\ud83dx\\ude00\""), T("\xed\xa0\xbdx\xed\xb8\x80") },
	{ T("\"\\ud83d\\n\""), T("\xed\xa0\xbd\n") },
	{ T("\"\\ud83d\\u0041\""), T("\xed\xa0\xbd"
				     "A") },
	{ T("\"\xe4\xb8\xad\xf0\x9f\x98\x80\""), T("\xe4\xb8\xad\xf0\x9f\x98\x80") },
};

START_TEST(decodes_text)
{
	struct arena arena = ARENA_INIT;
	struct stoa_value v = json_decode(&arena, texts[_i].text, NULL, 0);
	struct slice token = json_decode_text(&arena, texts[_i].text);

	ck_assert_uint_eq(v.kind_, VALUE_TEXT);
	ck_assert_msg(slice_equal(value_slice(v), texts[_i].is), "%.*s", SLICE_ARG(texts[_i].text));
	ck_assert_int_eq(value_slice(v).at[v.size_], '\0');
	ck_assert(slice_equal(token, texts[_i].is));
	ck_assert_int_eq(token.at[token.size], '\0');
	arena_fini(&arena);
}
END_TEST

START_TEST(decodes_no_other_token)
{
	static const struct slice bad[] = { T(""), T("\""), T("a"), T("ab"), T("\"a"), T("\"a\"b"), T("\"\\q\""),
		T("\"\\u12\""), T("\"a\n\"") };
	struct arena arena = ARENA_INIT;

	for (size_t i = 0; i < COUNT(bad); i++)
		ck_assert_ptr_null(json_decode_text(&arena, bad[i]).at);
	arena_fini(&arena);
}
END_TEST

START_TEST(decodes_trees)
{
	struct arena arena = ARENA_INIT;
	struct stoa_value v = json_decode(
		&arena, SLICE(" {\"a\":[1,true,{}],\"b\":null,\"a\":[[],\"x\"],\"__proto__\":{\"z\":2}} "), NULL, 0);

	ck_assert_uint_eq(v.kind_, VALUE_OBJECT);
	ck_assert_uint_eq(v.size_, 4);
	ck_assert_uint_eq(value_get(v, SLICE("a")).size_, 2); /* the last one */
	ck_assert_uint_eq(value_at(value_get(v, SLICE("a")), 0).kind_, VALUE_ARRAY);
	ck_assert_uint_eq(value_at(value_get(v, SLICE("a")), 0).size_, 0);
	ck_assert(slice_equal(value_slice(value_at(value_get(v, SLICE("a")), 1)), SLICE("x")));
	ck_assert_uint_eq(value_get(v, SLICE("b")).kind_, VALUE_NULL);
	ck_assert_int_eq(value_get(value_get(v, SLICE("__proto__")), SLICE("z")).as_.i, 2);
	arena_fini(&arena);
}
END_TEST

START_TEST(decodes_attachments)
{
	static const struct slice blobs[] = { T("one"), T("\0\xff") };
	struct arena arena = ARENA_INIT;
	struct slice text =
		SLICE("[{\"num\":1,\"_placeholder\":true},{\"_placeholder\":true,\"num\":7,\"n\\u0075m\":0},"
		      "{\"_placeholder\":1,\"num\":0}]");
	struct stoa_value v = json_decode(&arena, text, blobs, 2);

	ck_assert_uint_eq(value_at(v, 0).kind_, VALUE_BYTES);
	ck_assert_ptr_eq(value_slice(value_at(v, 0)).at, blobs[1].at);
	ck_assert_uint_eq(value_at(v, 0).size_, 2);
	ck_assert_ptr_eq(value_slice(value_at(v, 1)).at, blobs[0].at);
	ck_assert_uint_eq(value_at(v, 2).kind_, VALUE_OBJECT);
	/* Not an attachment's where there are none; broken where nobody checked. */
	ck_assert_uint_eq(value_at(json_decode(&arena, text, NULL, 0), 0).kind_, VALUE_OBJECT);
	ck_assert_uint_eq(json_decode(&arena, text, blobs, 1).kind_, VALUE_BROKEN);
	arena_fini(&arena);
}
END_TEST

/* The bytes that decoding takes from the arena, which is the measure of its work: nodes are copied there once. */
static size_t bytes_to_decode(const char *before, const char *unit, const char *after, size_t n)
{
	struct buf text = BUF_INIT;
	struct arena arena = ARENA_INIT;
	size_t bytes;

	buf_add_str(&text, before);
	for (size_t i = 0; i < n; i++) {
		if (i)
			buf_add_char(&text, ',');
		buf_add_str(&text, unit);
	}
	buf_add_str(&text, after);
	ck_assert_uint_ne(json_decode(&arena, buf_slice(&text), NULL, 0).kind_, VALUE_BROKEN);
	bytes = arena.total_bytes;
	ck_assert_msg(bytes <= JSON_ARENA_FACTOR * text.size + 64, "%s: %zu of %zu", unit, bytes, text.size);
	arena_fini(&arena);
	buf_fini(&text);
	return bytes;
}

static const struct {
	const char *before, *unit, *after;
} growing[] = {
	{ "[", "1", "]" },
	{ "[", "[]", "]" },
	{ "[", "[1]", "]" },
	{ "[", "[[[[]]]]", "]" },
	{ "[", "{}", "]" },
	{ "[", "\"\"", "]" },
	{ "[", "{\"\":1}", "]" },
	{ "[", "[\"abc\",[[1,2],3],{\"a\":\"\\u0041\"}]", "]" },
	{ "{", "\"\":0", "}" },
};

START_TEST(memory_is_linear)
{
	size_t some = bytes_to_decode(growing[_i].before, growing[_i].unit, growing[_i].after, 2000);
	size_t more = bytes_to_decode(growing[_i].before, growing[_i].unit, growing[_i].after, 20000);

	ck_assert_uint_le(more, 10 * some + 64);
}
END_TEST

START_TEST(memory_of_the_deep)
{
	char text[2 * VALUE_DEPTH_MAX];
	struct arena arena = ARENA_INIT;

	ck_assert_uint_ne(json_decode(&arena, nested(text, VALUE_DEPTH_MAX), NULL, 0).kind_, VALUE_BROKEN);
	ck_assert_uint_le(arena.total_bytes, JSON_ARENA_FACTOR * sizeof(text) + 64);
	arena_fini(&arena);
}
END_TEST

/* Whatever the arena grants, the answer is the whole tree or a broken value. */
START_TEST(memory_runs_out)
{
	struct slice text = SLICE("[\"a\",{\"b\":[1,2,{\"c\":\"\\u00e9\"}],\"d\":{}},[[[]]],1.5]");
	struct arena arena = ARENA_INIT;
	struct buf out = BUF_INIT;
	bool broken = true;

	for (size_t limit = 1; broken; limit += 8) {
		struct stoa_value v;
		arena_limit(&arena, limit);
		v = json_decode(&arena, text, NULL, 0);
		broken = v.kind_ == VALUE_BROKEN;
		if (!broken)
			ck_assert_int_eq(json_encode(&out, v, NULL), 0);
		arena_fini(&arena);
	}
	ck_assert(
		slice_equal(buf_slice(&out), SLICE("[\"a\",{\"b\":[1,2,{\"c\":\"\xc3\xa9\"}],\"d\":{}},[[[]]],1.5]")));
	arena_limit(&arena, 1);
	ck_assert_ptr_null(json_decode_text(&arena, SLICE("\"a\"")).at);
	buf_fini(&out);
	arena_fini(&arena);
}
END_TEST

static const struct {
	double f;
	const char *is;
} doubles[] = {
	{ 0, "0" },
	{ -0.0, "0" },
	{ 1, "1" },
	{ -1.5, "-1.5" },
	{ 0.1, "0.1" },
	{ 0.1 + 0.2, "0.30000000000000004" },
	{ 1.0 / 3, "0.3333333333333333" },
	{ 100, "100" },
	{ 123456.789, "123456.789" },
	{ 1700000000.123, "1700000000.123" },
	{ 1e15, "1000000000000000" },
	{ 9007199254740992.0, "9007199254740992" },
	{ 1e20, "100000000000000000000" },
	{ 123456789012345680000.0, "123456789012345680000" },
	{ 1e21, "1e+21" },
	{ 1.5e21, "1.5e+21" },
	{ -1.25e300, "-1.25e+300" },
	{ 1e-6, "0.000001" },
	{ 1.5e-6, "0.0000015" },
	{ 1e-7, "1e-7" },
	{ 1.5e-7, "1.5e-7" },
	{ 1e-9, "1e-9" },
	{ 5e-324, "5e-324" },
	{ 1e-323, "1e-323" },
	{ 2.2250738585072014e-308, "2.2250738585072014e-308" },
	{ 2.225073858507201e-308, "2.225073858507201e-308" },
	{ 1.7976931348623157e308, "1.7976931348623157e+308" },
	{ 5.684341886080802e-14, "5.684341886080802e-14" }, /* 2^-44: the closest of 16 digits does not read back */
	{ 9.5367431640625e-7, "9.5367431640625e-7" },
	{ (double)INFINITY, "null" },
	{ (double)-INFINITY, "null" },
	{ (double)NAN, "null" },
};

START_TEST(encodes_doubles)
{
	struct buf out = BUF_INIT;

	ck_assert_int_eq(json_encode(&out, value_float(doubles[_i].f), NULL), 0);
	ck_assert_msg(slice_equal(buf_slice(&out), slice_str(doubles[_i].is)), "%.*s for %s",
		SLICE_ARG(buf_slice(&out)), doubles[_i].is);
	buf_fini(&out);
}
END_TEST

START_TEST(encodes_integers)
{
	const struct stoa_value values[] = { value_int(0), value_int(-7), value_int(INT64_MAX), value_int(INT64_MIN),
		value_uint(UINT64_MAX), value_bool(true), value_bool(false), value_null() };
	struct buf out = BUF_INIT;

	ck_assert_int_eq(json_encode_items(&out, values, COUNT(values), NULL), 0);
	ck_assert(slice_equal(buf_slice(&out),
		SLICE("0,-7,9223372036854775807,-9223372036854775808,18446744073709551615,true,false,null")));
	buf_fini(&out);
}
END_TEST

static const struct {
	struct slice text, is; /* is: empty when refused */
} written[] = {
	{ T(""), T("\"\"") },
	{ T("abc"), T("\"abc\"") },
	{ T("\"\\/"), T("\"\\\"\\\\/\"") },
	{ T("\b\f\n\r\t"), T("\"\\b\\f\\n\\r\\t\"") },
	{ T("\0\x01\x0b\x1f\x7f"), T("\"\\u0000\\u0001\\u000b\\u001f\x7f\"") },
	{ T("\xc3\xa9\xe2\x80\xa8\xf0\x9f\x98\x80"), T("\"\xc3\xa9\xe2\x80\xa8\xf0\x9f\x98\x80\"") },
	{ T("\xed\xa0\x80"), T("\"\\ud800\"") },
	{ T("\xed\xaf\xbf\xed\xb0\x80\xed\xbf\xbf"), T("\"\\udbff\\udc00\\udfff\"") },
	{ T("a\xed\xa0\xbdz"), T("\"a\\ud83dz\"") },
	{ T("\xc3\xa9\xed\xa0\xbd\xc3\xa9"), T("\"\xc3\xa9\\ud83d\xc3\xa9\"") },
	{ T("\xed\x9f\xbf\xed\xa0\xbd\xed\x9f\xbf"), T("\"\xed\x9f\xbf\\ud83d\xed\x9f\xbf\"") },
	{ T("\x80"), T("") },
	{ T("a\xff"), T("") },
	{ T("\xc3"), T("") },
	{ T("\xed"), T("") },
	{ T("\xed\xa0"), T("") },
	{ T("\xed\xa0\x41"), T("") },
	{ T("\xed\xa0\xc0"), T("") },
	{ T("\xed\xc0\x80"), T("") },
	{ T("\xc3\xed\xa0\xbd"), T("") },
	{ T("\xed\xa0\xbd\x80"), T("") },
	{ T("\xf0\x9f\x98"), T("") },
	{ T("\xed\xa0\xbd\xff"), T("") },
};

START_TEST(encodes_text)
{
	struct buf out = BUF_INIT;
	bool fine = written[_i].is.size > 0;

	buf_add_str(&out, "x");
	ck_assert_int_eq(json_encode_text(&out, written[_i].text), fine ? 0 : -EINVAL);
	ck_assert_msg(slice_equal(slice_from(buf_slice(&out), 1), written[_i].is), "%.*s", SLICE_ARG(buf_slice(&out)));
	ck_assert_int_eq(json_encode(&out, value_text(written[_i].text), NULL), fine ? 0 : -EINVAL);
	ck_assert_uint_eq(out.size, 1 + 2 * written[_i].is.size);
	buf_fini(&out);
}
END_TEST

START_TEST(encodes_attachments)
{
	const struct stoa_value pair[] = { value_text(SLICE("k")), value_bytes(SLICE("two")) };
	const struct stoa_value items[] = { value_bytes(SLICE("0")), value_object(pair, 1), value_bytes(SLICE("")) };
	struct json_blobs blobs = { NULL, 0, 0 };
	struct buf out = BUF_INIT;

	ck_assert_int_eq(json_encode(&out, value_array(items, 3), &blobs), 0);
	ck_assert(slice_equal(
		buf_slice(&out), SLICE("[{\"_placeholder\":true,\"num\":0},{\"k\":{\"_placeholder\":true,\"num\":1}},"
				       "{\"_placeholder\":true,\"num\":2}]")));
	ck_assert_uint_eq(blobs.count, 3);
	ck_assert(slice_equal(blobs.at[1], SLICE("two")));
	buf_clear(&out);
	ck_assert_int_eq(json_encode(&out, value_array(items, 3), NULL), 0);
	ck_assert(slice_equal(buf_slice(&out), SLICE("[\"<1 bytes>\",{\"k\":\"<3 bytes>\"},\"<0 bytes>\"]")));
	buf_fini(&out);
	json_blobs_fini(&blobs);
	ck_assert_ptr_null(blobs.at);
	json_blobs_fini(&blobs);
}
END_TEST

START_TEST(counts_many_attachments)
{
	struct stoa_value items[100];
	struct json_blobs blobs = { NULL, 0, 0 };
	struct buf out = BUF_INIT;

	for (size_t i = 0; i < COUNT(items); i++)
		items[i] = value_bytes(SLICE("x"));
	ck_assert_int_eq(json_encode_items(&out, items, COUNT(items), &blobs), 0);
	ck_assert_uint_eq(blobs.count, COUNT(items));
	ck_assert(slice_equal(slice_from(buf_slice(&out), out.size - 10), SLICE(",\"num\":99}")));
	buf_fini(&out);
	json_blobs_fini(&blobs);
}
END_TEST

/* What could not be encoded whole leaves nothing. */
START_TEST(encoding_fails_without_a_trace)
{
	const struct stoa_value inner[] = { value_int(1) };
	const struct stoa_value list = value_array(inner, 1);
	const struct stoa_value spread = { .kind_ = VALUE_SPREAD, .as_.at = &list };
	const struct stoa_value odd_key[] = { value_int(1), value_int(2) };
	const struct stoa_value bad[] = { value_broken(), spread, value_text(SLICE("\xff")), value_object(odd_key, 1) };
	struct json_blobs blobs = { NULL, 0, 0 };
	struct buf out = BUF_INIT;

	buf_add_str(&out, "before");
	for (size_t i = 0; i < COUNT(bad); i++) {
		const struct stoa_value items[] = { value_bytes(SLICE("x")), bad[i], value_int(1) };
		ck_assert_int_eq(json_encode(&out, value_array(items, 3), &blobs), -EINVAL);
		ck_assert(slice_equal(buf_slice(&out), SLICE("before")));
		ck_assert_uint_eq(blobs.count, 0);
	}
	out.failed = true;
	ck_assert_int_eq(
		json_encode(&out, value_text(SLICE("a text that needs more room than there is in the buffer")), &blobs),
		-ENOMEM);
	ck_assert_uint_eq(out.size, 6);
	json_blobs_fini(&blobs);
	buf_fini(&out);
}
END_TEST

START_TEST(spreads)
{
	struct arena arena = ARENA_INIT;
	const struct stoa_value two[] = { value_int(1), value_int(2) };
	const struct stoa_value lists[] = { value_array(two, 2), value_array(NULL, 0),
		value_of_items(&arena, SLICE(" 3, [4] "), 0, NULL, 0), value_of_items(&arena, SLICE(" "), 0, NULL, 0),
		value_of_items(&arena, SLICE("-0"), JSON_REWRITE, NULL, 0),
		value_of_json(&arena, SLICE("[5,6]"), 0, NULL, 0), value_of_json(&arena, SLICE("[]"), 0, NULL, 0) };
	struct stoa_value values[2 * COUNT(lists) + 1];
	const struct stoa_value no_list = value_int(1);
	struct buf out = BUF_INIT;
	size_t n = 0;

	for (size_t i = 0; i < COUNT(lists); i++)
		values[n++] = (struct stoa_value){ .kind_ = VALUE_SPREAD, .as_.at = &lists[i] };
	ck_assert_int_eq(json_encode_items(&out, values, n, NULL), 0);
	ck_assert_msg(slice_equal(buf_slice(&out), SLICE("1,2,3, [4] ,0,5,6")), "%.*s", SLICE_ARG(buf_slice(&out)));
	buf_clear(&out);
	values[1] = value_null();
	ck_assert_int_eq(json_encode_items(&out, values + 1, 1, NULL), 0);
	values[0] = values[3];
	ck_assert_int_eq(json_encode_items(&out, values, 1, NULL), 0);
	ck_assert_int_eq(json_encode_items(&out, NULL, 0, NULL), 0);
	ck_assert(slice_equal(buf_slice(&out), SLICE("null")));
	values[0].as_.at = &no_list;
	ck_assert_int_eq(json_encode_items(&out, values, 1, NULL), -EINVAL);
	buf_fini(&out);
	arena_fini(&arena);
}
END_TEST

static const char sixty_nine[] = "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklmnopqr";

static const struct {
	const char *text, *again; /* again: NULL when the same */
} round_trips[] = {
	{ "[\"ev\",{\"a\":[1,-2.5,true,null],\"\":\"\"},[],{}]", NULL },
	{ " [ 1 , { \"a\" : 2 } ] ", "[1,{\"a\":2}]" },
	{ "[1.0,1e2,-0,1e400,0.10,1E-7,100000000000000000000000]", "[1,100,0,null,0.1,1e-7,1e+23]" },
	{ "[9007199254740993,18446744073709551615,-9223372036854775808]", NULL },
	{ "\"\\u0041\\/\\u00e9\\ud83d\\ude00\\ud800\\u2028\\u001F\"",
		"\"A/\xc3\xa9\xf0\x9f\x98\x80\\ud800\xe2\x80\xa8\\u001f\"" },
	{ "{\"a\":1,\"a\":2,\"__proto__\":3,\"\\u0000\":4}", NULL },
	{ "{\"_placeholder\":true,\"num\":3}", NULL },
};

START_TEST(round_trip)
{
	struct slice text = slice_str(round_trips[_i].text),
		     again = round_trips[_i].again ? slice_str(round_trips[_i].again) : text;
	struct arena arena = ARENA_INIT;
	struct buf out = BUF_INIT;
	struct stoa_value v = json_decode(&arena, text, NULL, 0);

	ck_assert_int_eq(json_encode(&out, v, NULL), 0);
	ck_assert_msg(slice_equal(buf_slice(&out), again), "%.*s", SLICE_ARG(buf_slice(&out)));
	buf_fini(&out);
	arena_fini(&arena);
}
END_TEST

/* Text is passed over in blocks of several sizes: what is not plain is found wherever it stands, and what was read as it
 * is written is written as it was read. */
START_TEST(one_odd_character_anywhere)
{
	static const struct {
		const char *text, *json;
	} odds[] = { { "\"", "\\\"" }, { "\\", "\\\\" }, { "\x1f", "\\u001f" }, { "\n", "\\n" }, { "\x7f", "\x7f" },
		{ " ", " " }, { "\xc3\xa9", "\xc3\xa9" }, { "\xed\xa0\x80", "\\ud800" } };
	struct slice odd = slice_str(odds[_i].text), as_json = slice_str(odds[_i].json);

	for (size_t size = 0; size < 70; size++)
		for (size_t at = 0; at <= size; at++) {
			struct arena arena = ARENA_INIT;
			struct buf text = BUF_INIT, json = BUF_INIT, out = BUF_INIT;
			struct stoa_value v;

			buf_printf(
				&text, "%.*s%s%.*s", (int)at, sixty_nine, odds[_i].text, (int)(size - at), sixty_nine);
			buf_printf(&json, "\"%.*s%s%.*s\"", (int)at, sixty_nine, odds[_i].json, (int)(size - at),
				sixty_nine);
			ck_assert_int_eq(json_encode(&out, value_text(buf_slice(&text)), NULL), 0);
			ck_assert(slice_equal(buf_slice(&out), buf_slice(&json)));
			v = json_decode(&arena, buf_slice(&json), NULL, 0);
			ck_assert(slice_equal(value_slice(v), buf_slice(&text)));
			ck_assert_int_eq((v.flags_ & VALUE_PLAIN) != 0, slice_equal(odd, as_json));
			buf_clear(&out);
			ck_assert_int_eq(json_encode(&out, v, NULL), 0);
			ck_assert(slice_equal(buf_slice(&out), buf_slice(&json)));
			buf_fini(&text);
			buf_fini(&json);
			buf_fini(&out);
			arena_fini(&arena);
		}
}
END_TEST

static TCase *decoding(void)
{
	TCase *t = tcase_create("decode");

	tcase_add_loop_test(t, decodes_numbers, 0, COUNT(numbers));
	tcase_add_test(t, decodes_very_long_numbers);
	tcase_add_loop_test(t, decodes_text, 0, COUNT(texts));
	tcase_add_test(t, decodes_no_other_token);
	tcase_add_loop_test(t, one_odd_character_anywhere, 0, 8);
	tcase_add_test(t, decodes_trees);
	tcase_add_test(t, decodes_attachments);
	tcase_add_loop_test(t, memory_is_linear, 0, COUNT(growing));
	tcase_add_test(t, memory_of_the_deep);
	tcase_add_test(t, memory_runs_out);
	return t;
}

static TCase *encoding(void)
{
	TCase *t = tcase_create("encode");

	tcase_add_loop_test(t, encodes_doubles, 0, COUNT(doubles));
	tcase_add_test(t, encodes_integers);
	tcase_add_loop_test(t, encodes_text, 0, COUNT(written));
	tcase_add_test(t, encodes_attachments);
	tcase_add_test(t, counts_many_attachments);
	tcase_add_test(t, encoding_fails_without_a_trace);
	tcase_add_test(t, spreads);
	tcase_add_loop_test(t, round_trip, 0, COUNT(round_trips));
	return t;
}

Suite *suite(void)
{
	Suite *s = suite_create("json");

	suite_add_tcase(s, decoding());
	suite_add_tcase(s, encoding());
	return s;
}
