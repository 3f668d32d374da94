/* test_json_check.c - the JSON checker and the walk over items, against tables. */
#include "json.h"
#include "test_main.h"

#include <errno.h>
#include <stdlib.h>

#define COUNT(table) (sizeof(table) / sizeof(*(table)))
/* A text with NULs in it. */
/* clang-format off */
#define T(literal) { "" literal, sizeof(literal) - 1 }
/* clang-format on */

static const struct json_rules plain = { .max_depth = 20, .blobs = JSON_NO_BLOBS };
static const struct json_rules binary = { .max_depth = 20, .blobs = 12 };

/* An exact copy on the heap, so that a sanitizer sees a read of one byte too many. */
static const char *check_exactly(struct slice text, const struct json_rules *rules, unsigned *flags)
{
	char *copy = malloc(text.size ? text.size : 1);
	const char *error;

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, text.at, text.size);
	error = json_check(slice_of(copy, text.size), rules, flags);
	free(copy);
	return error;
}

static const struct slice accepted[] = { T("null"), T("true"), T("false"), T("0"), T("-0"), T("1"), T("-1"), T("10"),
	T("1.5"), T("-1.5"), T("0.5"), T("1e5"), T("1E5"), T("1e+5"), T("1e-5"), T("1.25e10"), T("0e0"), T("0.0e+0"),
	T("1e00005"), T("123456789012345678901234567890"), T("1e999"), T("-1e-999"), T("\"\""), T("\"a\""),
	T("\"\\\"\""), T("\"\\\\\""), T("\"\\/\""), T("\"\\b\\f\\n\\r\\t\""), T("\"\\u0000\""), T("\"\\uabCD\""),
	T("\"\\ud800\""), T("\"\\udc00\\ud800\""), T("\"\\ud83d\\ude00\""), T("\"/\""), T("\"\x7f\""),
	T("\"\xc2\x80\""), T("\"\xdf\xbf\""), T("\"\xe0\xa0\x80\""), T("\"\xed\x9f\xbf\""), T("\"\xee\x80\x80\""),
	T("\"\xef\xbf\xbf\""), T("\"\xf0\x90\x80\x80\""), T("\"\xf4\x8f\xbf\xbf\""), T("\"\xe2\x80\xa8\""),
	T("\"\xef\xbb\xbf\""), T("\"12345678\xc3\xa9\""), T("\"1234567\xc3\xa9\""), T("[]"), T("[ ]"), T("[1]"),
	T("[1,2]"), T("[[],[[]]]"), T("[\"a\",1,true,false,null,{}]"), T("[1 , 2\n,\t3\r]"), T("{}"), T("{ }"),
	T("{\"a\":1}"), T("{\"a\":1,\"b\":{}}"), T("{ \"a\" : [ ] , \"\" : { } }"), T("{\"a\":1,\"a\":2}"),
	T("{\"__proto__\":1}"), T(" 1"), T("1 "), T("\t\r\n 1 \n"), T("  [ ]  "),
	/* No placeholder counts where there are no attachments. */
	T("{\"_placeholder\":true,\"num\":99}") };

START_TEST(accepts)
{
	unsigned flags;
	const char *error = check_exactly(accepted[_i], &plain, &flags);

	ck_assert_msg(error == NULL, "%.*s: %s", SLICE_ARG(accepted[_i]), error);
}
END_TEST

static const struct slice refused[] = { T(""), T(" "), T("\n"), T("nul"), T("nulll"), T("Null"), T("tru"),
	T("truefalse"), T("fals"), T("undefined"), T("NaN"), T("Infinity"), T("-Infinity"), T("-"), T("+1"), T("--1"),
	T("01"), T("-01"), T("00"), T("1."), T(".5"), T("-.5"), T("1.e5"), T("1e"), T("1e+"), T("1e-"), T("1e5.5"),
	T("1e5e5"), T("1E"), T("0x10"), T("1_000"), T("1,"), T("1 2"), T("0b1"), T("1\0"), T("\0"), T("\0001"), T("e5"),
	T("1.5.5"), T("-a"), T("1a"), T("12-"), T("\""), T("\"a"), T("a\""), T("'a'"), T("\"\\\""), T("\"\\"),
	T("\"\\a\""), T("\"\\x41\""), T("\"\\u\""), T("\"\\u123\""), T("\"\\u12g4\""), T("\"\\u 123\""),
	T("\"\\u-123\""), T("\"\\u12"), T("\"\\U0041\""), T("\"\\'\""), T("\"\\\0\""), T("\"\\ud83d\\u\""), T("\"\0\""),
	T("\"\x01\""), T("\"\t\""), T("\"\n\""), T("\"\x1f\""), T("\"12345678\x1f\""), T("\"a\"\"b\""), T("\"a\"b"),
	T("\"\x80\""), T("\"\xbf\""), T("\"\xc0\x80\""), T("\"\xc1\xbf\""), T("\"\xc2\""), T("\"\xc2\x41\""),
	T("\"\xc2\xc2\x80\""), T("\"\xe0\x9f\xbf\""), T("\"\xe2\x82\""), T("\"\xed\xa0\x80\""), T("\"\xed\xbf\xbf\""),
	T("\"\xed\xa0\xbd\xed\xb8\x80\""), T("\"\xf0\x8f\xbf\xbf\""), T("\"\xf0\x9f\x98\""), T("\"\xf4\x90\x80\x80\""),
	T("\"\xf5\x80\x80\x80\""), T("\"\xf8\x88\x80\x80\x80\""), T("\"\xfe\""), T("\"\xff\""), T("\"1234567\xff\""),
	T("\"\xc3\xa9\xff\""), T("\xc3\xa9"), T("\"\xc3"), T("\xef\xbb\xbf\x31"), T("["), T("]"), T("[1"), T("[1,"),
	T("[1,]"), T("[,1]"), T("[,]"), T("[1,,2]"), T("[1 2]"), T("[1]]"), T("[[1]"), T("[1}"), T("[\"a\":1]"),
	T("[1:2]"), T("[1;2]"), T("[ "), T("[\xc2\xa0]"), T("[a]"), T("[\"\x01\"]"), T("[1],"), T("[]1"), T("[//\n]"),
	T("[/**/]"), T("[\v]"), T("[\f]"), T("{"), T("}"), T("{\"a\""), T("{\"a\":"), T("{\"a\":1"), T("{\"a\":1,"),
	T("{\"a\":1,}"), T("{,}"), T("{\"a\"}"), T("{\"a\":}"), T("{\"a\" 1}"), T("{a:1}"), T("{1:1}"), T("{null:1}"),
	T("{'a':1}"), T("{\"a\":1 \"b\":2}"), T("{\"a\":1,,\"b\":2}"), T("{\"a\"::1}"), T("{\"a\":1:2}"),
	T("{\"a\":1]"), T("{\"a\":1}}"), T("{[]:1}"), T("{\"a\":1,\"b\"}"), T("{\"\xff\":1}"), T("{\"a\":\"\xff\"}"),
	T("{} {}"), T("{\"a\":1}#") };

START_TEST(refuses)
{
	unsigned flags;

	ck_assert_msg(check_exactly(refused[_i], &plain, &flags) != NULL, "%.*s", SLICE_ARG(refused[_i]));
}
END_TEST

START_TEST(says_why)
{
	unsigned flags;

	ck_assert_str_eq(json_check(SLICE("[1"), &plain, &flags), "malformed JSON");
	ck_assert_str_eq(json_check(SLICE("\"\xff\""), &plain, &flags), "JSON is not UTF-8");
	ck_assert_str_eq(json_check(SLICE("{\"_placeholder\":true}"), &binary, &flags), "illegal attachments");
	ck_assert_str_eq(json_check(SLICE("[[]]"), &(struct json_rules){ 1, JSON_NO_BLOBS }, &flags), "JSON too deep");
}
END_TEST

/* Texts that no beginning of is a text. */
static const struct slice whole[] = {
	T("[\"ev\",{\"a\":[1,-2.5e+10,true],\"\\u00e9\\ud83d\\ude00\":null},\"\xf0\x9f\x98\x80\xc3\xa9\",false]"),
	T("{\"\":{\"\":[[[[]]]]}}"),
	T("\"abcdefghijklmnopqrstuvwxyz\\n\xe4\xb8\xad\xe6\x96\x87\""),
	T("{\"_placeholder\":true,\"num\":11}"),
};

START_TEST(truncated)
{
	struct arena arena = ARENA_INIT;
	unsigned flags;

	ck_assert_ptr_null(check_exactly(whole[_i], &binary, &flags));
	for (size_t n = 0; n < whole[_i].size; n++) {
		struct slice text = slice_first(whole[_i], n);
		ck_assert_ptr_nonnull(check_exactly(text, &binary, &flags));
		ck_assert_uint_eq(json_decode(&arena, text, NULL, 0).kind_, VALUE_BROKEN);
	}
	arena_fini(&arena);
}
END_TEST

START_TEST(depth_limit)
{
	static const struct slice at_limit = T("[{\"a\":[]}]");
	struct json_rules rules = { .max_depth = 3, .blobs = JSON_NO_BLOBS };
	unsigned flags;

	ck_assert_ptr_null(json_check(at_limit, &rules, &flags));
	ck_assert_ptr_null(json_check(SLICE("[[[],[],{}],[[]],{\"a\":{}}]"), &rules, &flags));
	ck_assert_str_eq(json_check(SLICE("[{\"a\":[[]]}]"), &rules, &flags), "JSON too deep");
	ck_assert_str_eq(json_check(SLICE("[{\"a\":[{}]}]"), &rules, &flags), "JSON too deep");
	rules.max_depth = 1;
	ck_assert_ptr_null(json_check(SLICE("[]"), &rules, &flags));
	ck_assert_ptr_null(json_check(SLICE("{}"), &rules, &flags));
	rules.max_depth = 0;
	ck_assert_ptr_null(json_check(SLICE("1"), &rules, &flags));
	ck_assert_str_eq(json_check(SLICE("[]"), &rules, &flags), "JSON too deep");
}
END_TEST

static struct slice nested(char *text, size_t depth)
{
	memset(text, '[', depth);
	memset(text + depth, ']', depth);
	return slice_of(text, 2 * depth);
}

/* No rule and no tree goes beyond VALUE_DEPTH_MAX, which guards the stack. */
START_TEST(depth_of_the_house)
{
	struct json_rules rules = { .max_depth = 1000000, .blobs = JSON_NO_BLOBS };
	struct arena arena = ARENA_INIT;
	struct buf out = BUF_INIT;
	struct stoa_value v, outer;
	char text[2 * VALUE_DEPTH_MAX + 2];
	unsigned flags;

	ck_assert_str_eq(json_check(nested(text, VALUE_DEPTH_MAX + 1), &rules, &flags), "JSON too deep");
	ck_assert_uint_eq(json_decode(&arena, nested(text, VALUE_DEPTH_MAX + 1), NULL, 0).kind_, VALUE_BROKEN);
	ck_assert_ptr_null(json_check(nested(text, VALUE_DEPTH_MAX), &rules, &flags));
	v = json_decode(&arena, nested(text, VALUE_DEPTH_MAX), NULL, 0);
	ck_assert_int_eq(json_encode(&out, v, NULL), 0);
	ck_assert(slice_equal(buf_slice(&out), nested(text, VALUE_DEPTH_MAX)));
	outer = value_array(&v, 1);
	ck_assert_int_eq(json_encode(&out, outer, NULL), -EINVAL);
	ck_assert_uint_eq(out.size, 2 * VALUE_DEPTH_MAX);
	buf_fini(&out);
	arena_fini(&arena);
}
END_TEST

static const struct {
	const char *text;
	unsigned flags;
} numbers_flagged[] = {
	{ "0", 0 },
	{ "-0", JSON_REWRITE },
	{ "-0.0", JSON_REWRITE },
	{ "-0e5", JSON_REWRITE },
	{ "-0.00E-99999999999999999999", JSON_REWRITE },
	{ "0.0", 0 },
	{ "-0.5", 0 },
	{ "-0.0000001", 0 },
	{ "-10", 0 },
	{ "-1e-400", JSON_REWRITE },
	{ "1e-400", 0 },
	{ "-5e-324", 0 },
	{ "-2e-324", JSON_REWRITE },
	{ "-0.05e-322", 0 },
	{ "1e400", JSON_REWRITE },
	{ "-1e400", JSON_REWRITE },
	{ "1e308", 0 },
	{ "1.7976931348623157e308", 0 },
	{ "1.7976931348623158e308", 0 },
	{ "1.7976931348623159e308", JSON_REWRITE },
	{ "17976931348623157e292", 0 },
	{ "0.0000000001e317", 0 },
	{ "0.0000000001e319", JSON_REWRITE },
	{ "0e999999999999999999999", 0 },
	{ "1e99999999999999999999", JSON_REWRITE },
	{ "1e-99999999999999999999", 0 },
	{ "18446744073709551616", 0 },
	{ "[1,[{\"a\":-0}]]", JSON_REWRITE },
	{ "{\"-0\":\"1e999\"}", 0 },
};

START_TEST(flags_numbers)
{
	unsigned flags;

	ck_assert_ptr_null(json_check(slice_str(numbers_flagged[_i].text), &plain, &flags));
	ck_assert_msg(flags == numbers_flagged[_i].flags, "%s", numbers_flagged[_i].text);
}
END_TEST

/* A number of 309 digits is where doubles end. */
START_TEST(flags_long_numbers)
{
	char text[401];
	unsigned flags;

	memset(text, '1', sizeof(text));
	json_check(slice_of(text, 308), &plain, &flags);
	ck_assert_uint_eq(flags, 0);
	json_check(slice_of(text, 309), &plain, &flags);
	ck_assert_uint_eq(flags, 0);
	text[0] = '2';
	json_check(slice_of(text, 309), &plain, &flags);
	ck_assert_uint_eq(flags, JSON_REWRITE);
	memcpy(text + 396, "e-200", 5);
	json_check(slice_of(text, 401), &plain, &flags);
	ck_assert_uint_eq(flags, 0);
}
END_TEST

static const struct {
	struct slice text;
	bool fine;
	unsigned flags;
} placeholders[] = {
	{ T("{\"_placeholder\":true,\"num\":0}"), true, JSON_BLOBS },
	{ T("{\"num\":11,\"_placeholder\":true}"), true, JSON_BLOBS },
	{ T(" { \"_placeholder\" : true , \"num\" : 3 } "), true, JSON_BLOBS },
	{ T("[{\"a\":{\"_placeholder\":true,\"num\":3,\"more\":[]}}]"), true, JSON_BLOBS },
	{ T("{\"\\u005fplaceholder\":true,\"n\\u0075m\":3}"), true, JSON_BLOBS },
	{ T("{\"\\u005Fplaceholder\":true,\"num\":12}"), false, 0 },
	{ T("{\"_placeholder\":true}"), false, 0 },
	{ T("{\"_placeholder\":true,\"num\":12}"), false, 0 },
	{ T("{\"_placeholder\":true,\"num\":-1}"), false, 0 },
	{ T("{\"_placeholder\":true,\"num\":-0}"), false, 0 },
	{ T("{\"_placeholder\":true,\"num\":0.5}"), false, 0 },
	{ T("{\"_placeholder\":true,\"num\":1.0}"), false, 0 },
	{ T("{\"_placeholder\":true,\"num\":1e0}"), false, 0 },
	{ T("{\"_placeholder\":true,\"num\":\"0\"}"), false, 0 },
	{ T("{\"_placeholder\":true,\"num\":\"splice\"}"), false, 0 },
	{ T("{\"_placeholder\":true,\"num\":null}"), false, 0 },
	{ T("{\"_placeholder\":true,\"num\":true}"), false, 0 },
	{ T("{\"_placeholder\":true,\"num\":[0]}"), false, 0 },
	{ T("{\"_placeholder\":true,\"num\":{}}"), false, 0 },
	{ T("{\"_placeholder\":true,\"num\":4294967296}"), false, 0 },
	{ T("{\"_placeholder\":true,\"num\":9223372036854775807}"), false, 0 },
	{ T("{\"_placeholder\":true,\"num\":18446744073709551616}"), false, 0 },
	{ T("{\"_placeholder\":true,\"num\":99999999999999999999999999}"), false, 0 },
	{ T("{\"_placeholder\":true,\"num\":0,\"num\":12}"), false, 0 },
	{ T("{\"_placeholder\":true,\"num\":12,\"num\":0}"), true, JSON_BLOBS },
	{ T("{\"_placeholder\":true,\"_placeholder\":1}"), true, 0 },
	{ T("{\"_placeholder\":false,\"_placeholder\":true}"), false, 0 },
	{ T("{\"_placeholder\":1,\"num\":99}"), true, 0 },
	{ T("{\"_placeholder\":\"true\",\"num\":99}"), true, 0 },
	{ T("{\"_placeholder\":[true],\"num\":99}"), true, 0 },
	{ T("{\"_placeholder\\u0000\":true}"), true, 0 },
	{ T("{\"_placeholde\":true}"), true, 0 },
	{ T("{\"_placeholders\":true}"), true, 0 },
	{ T("{\"_Placeholder\":true}"), true, 0 },
	{ T("{\"\\u015fplaceholder\":true}"), true, 0 },
	{ T("{\"\\_placeholder\":true}"), false, 0 },
	{ T("{\"a\":\"_placeholder\",\"b\":true}"), true, 0 },
	{ T("{\"__proto__\":{\"_placeholder\":true,\"num\":0}}"), true, JSON_BLOBS },
};

START_TEST(finds_placeholders)
{
	unsigned flags = 0;
	const char *error = check_exactly(placeholders[_i].text, &binary, &flags);

	ck_assert_msg((error == NULL) == placeholders[_i].fine, "%.*s", SLICE_ARG(placeholders[_i].text));
	if (error == NULL)
		ck_assert_msg(flags == placeholders[_i].flags, "%.*s", SLICE_ARG(placeholders[_i].text));
}
END_TEST

START_TEST(no_attachments_at_all)
{
	struct json_rules none = { .max_depth = 5, .blobs = 0 };
	unsigned flags;

	ck_assert_str_eq(json_check(SLICE("{\"_placeholder\":true,\"num\":0}"), &none, &flags), "illegal attachments");
	ck_assert_ptr_null(json_check(SLICE("{\"num\":0}"), &none, &flags));
}
END_TEST

static const struct {
	const char *text, *items; /* the items with | between them; "!" and what is wrong */
	unsigned flags;
} walks[] = {
	{ "[]", "", 0 },
	{ " [ ] ", "", 0 },
	{ "[1]", "1|", 0 },
	{ " [ 1 , \"a,b\" ,[2, 3] , { \"a\" : 1 }\n] ", "1|\"a,b\"|[2, 3]|{ \"a\" : 1 }|", 0 },
	{ "[-0,1e400,0]", "-0|1e400|0|", JSON_REWRITE },
	{ "[{\"_placeholder\":true,\"num\":1}]", "{\"_placeholder\":true,\"num\":1}|", JSON_BLOBS },
	{ "", "!malformed JSON", 0 },
	{ " ", "!malformed JSON", 0 },
	{ "[", "!malformed JSON", 0 },
	{ "]", "!malformed JSON", 0 },
	{ "1", "!malformed JSON", 0 },
	{ "{}", "!malformed JSON", 0 },
	{ "[1", "1|!malformed JSON", 0 },
	{ "[1,", "1|!malformed JSON", 0 },
	{ "[1,]", "1|!malformed JSON", 0 },
	{ "[,]", "!malformed JSON", 0 },
	{ "[,1]", "!malformed JSON", 0 },
	{ "[1 2]", "1|!malformed JSON", 0 },
	{ "[1}", "1|!malformed JSON", 0 },
	{ "[1] 2", "1|!malformed JSON", 0 },
	{ "[1]]", "1|!malformed JSON", 0 },
	{ "[][]", "!malformed JSON", 0 },
	{ "[1,\"\xff\"]", "1|!JSON is not UTF-8", 0 },
	{ "[[[[[]]]]]", "!JSON too deep", 0 },
	{ "[[[[]]]]", "[[[]]]|", 0 },
	{ "[0,{\"_placeholder\":true,\"num\":2}]", "0|!illegal attachments", 0 },
};

START_TEST(walks_items)
{
	struct json_rules rules = { .max_depth = 4, .blobs = 2 };
	struct json_items it = json_items_of(slice_str(walks[_i].text), &rules);
	struct slice item;
	struct buf got = BUF_INIT;
	unsigned flags;

	while (json_items_next(&it, &item)) {
		buf_add_slice(&got, item);
		buf_add_char(&got, '|');
	}
	if (it.error)
		buf_printf(&got, "!%s", it.error);
	ck_assert_msg(slice_equal(buf_slice(&got), slice_str(walks[_i].items)), "%s: %.*s", walks[_i].text,
		SLICE_ARG(buf_slice(&got)));
	if (it.error == NULL)
		ck_assert_uint_eq(it.flags, walks[_i].flags);
	ck_assert(!json_items_next(&it, &item));
	/* The checker is of one mind with the walk. */
	if (walks[_i].text[0] != '1' && walks[_i].text[0] != '{')
		ck_assert_int_eq(json_check(slice_str(walks[_i].text), &rules, &flags) == NULL, it.error == NULL);
	buf_fini(&got);
}
END_TEST

static const struct {
	const char *text, *members; /* as above, key=value */
	unsigned flags;
} member_walks[] = {
	{ "{}", "", 0 },
	{ " { } ", "", 0 },
	{ "{\"a\":1}", "\"a\"=1|", 0 },
	{ " { \"a\" : [1, 2] ,\"\\u0062\":{}\n} ", "\"a\"=[1, 2]|\"\\u0062\"={}|", 0 },
	{ "{\"a\":1,\"a\":-0}", "\"a\"=1|\"a\"=-0|", JSON_REWRITE },
	{ "{\"_placeholder\":true,\"num\":9}", "\"_placeholder\"=true|\"num\"=9|", 0 },
	{ "{\"a\":{\"_placeholder\":true,\"num\":1}}", "\"a\"={\"_placeholder\":true,\"num\":1}|", JSON_BLOBS },
	{ "{\"a\":{\"_placeholder\":true,\"num\":2}}", "!illegal attachments", 0 },
	{ "", "!malformed JSON", 0 },
	{ "{", "!malformed JSON", 0 },
	{ "}", "!malformed JSON", 0 },
	{ "[]", "!malformed JSON", 0 },
	{ "{\"a\"", "!malformed JSON", 0 },
	{ "{\"a\":", "!malformed JSON", 0 },
	{ "{\"a\":1", "\"a\"=1|!malformed JSON", 0 },
	{ "{\"a\":1,}", "\"a\"=1|!malformed JSON", 0 },
	{ "{\"a\":1]", "\"a\"=1|!malformed JSON", 0 },
	{ "{\"a\":1}}", "\"a\"=1|!malformed JSON", 0 },
	{ "{\"a\" 1}", "!malformed JSON", 0 },
	{ "{\"a\",1}", "!malformed JSON", 0 },
	{ "{1:1}", "!malformed JSON", 0 },
	{ "{[]:1}", "!malformed JSON", 0 },
	{ "{,\"a\":1}", "!malformed JSON", 0 },
	{ "{\"\xff\":1}", "!JSON is not UTF-8", 0 },
	{ "{\"a\":[[[]]]}", "\"a\"=[[[]]]|", 0 },
	{ "{\"a\":[[[[]]]]}", "!JSON too deep", 0 },
};

START_TEST(walks_members)
{
	struct json_rules rules = { .max_depth = 4, .blobs = 2 };
	struct json_items it = json_members_of(slice_str(member_walks[_i].text), &rules);
	struct slice key, value;
	struct buf got = BUF_INIT;

	while (json_members_next(&it, &key, &value)) {
		buf_add_slice(&got, key);
		buf_add_char(&got, '=');
		buf_add_slice(&got, value);
		buf_add_char(&got, '|');
	}
	if (it.error)
		buf_printf(&got, "!%s", it.error);
	ck_assert_msg(slice_equal(buf_slice(&got), slice_str(member_walks[_i].members)), "%s: %.*s",
		member_walks[_i].text, SLICE_ARG(buf_slice(&got)));
	if (it.error == NULL)
		ck_assert_uint_eq(it.flags, member_walks[_i].flags);
	ck_assert(!json_members_next(&it, &key, &value));
	buf_fini(&got);
}
END_TEST

START_TEST(walk_without_depth)
{
	struct json_rules rules = { .max_depth = 0, .blobs = JSON_NO_BLOBS };
	struct json_items it = json_items_of(SLICE("[]"), &rules);
	struct slice item;

	ck_assert(!json_items_next(&it, &item));
	ck_assert_str_eq(it.error, "JSON too deep");
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("json-check");
	TCase *t = tcase_create("check");

	tcase_add_loop_test(t, accepts, 0, COUNT(accepted));
	tcase_add_loop_test(t, refuses, 0, COUNT(refused));
	tcase_add_test(t, says_why);
	tcase_add_loop_test(t, truncated, 0, COUNT(whole));
	tcase_add_test(t, depth_limit);
	tcase_add_test(t, depth_of_the_house);
	tcase_add_loop_test(t, flags_numbers, 0, COUNT(numbers_flagged));
	tcase_add_test(t, flags_long_numbers);
	tcase_add_loop_test(t, finds_placeholders, 0, COUNT(placeholders));
	tcase_add_test(t, no_attachments_at_all);
	tcase_add_loop_test(t, walks_items, 0, COUNT(walks));
	tcase_add_loop_test(t, walks_members, 0, COUNT(member_walks));
	tcase_add_test(t, walk_without_depth);
	suite_add_tcase(s, t);
	return s;
}
