/* test_pickle.c - the limits of the pickle reader, and what its values are; Python's own pickles are in wire_python.py. */
#include "json.h"
#include "pickle.h"
#include "test_main.h"

/* clang-format off */
#define T(literal) { "" literal, sizeof(literal) - 1 }
/* clang-format on */

static struct arena arena;

static void begin(void)
{
	arena = ARENA_INIT;
}

static void end(void)
{
	arena_fini(&arena);
}

static const char *decode_with(struct slice pickle, struct pickle_rules rules, struct stoa_value *v)
{
	return pickle_decode(&arena, pickle, &rules, v);
}

static const char *decode(struct slice pickle, struct stoa_value *v)
{
	return decode_with(pickle, PICKLE_RULES, v);
}

/* The JSON of a pickle whose protocol and STOP are added here. */
static void assert_is(struct slice body, const char *json)
{
	struct buf pickle = BUF_INIT, out = BUF_INIT;
	struct stoa_value v;

	buf_add_str(&pickle, "\x80\x05");
	buf_add_slice(&pickle, body);
	buf_add_char(&pickle, '.');
	ck_assert_ptr_null(decode(buf_slice(&pickle), &v));
	ck_assert_int_eq(json_encode(&out, v, NULL), 0);
	buf_add_char(&out, '\0');
	ck_assert_str_eq(out.at, json);
	buf_fini(&pickle);
	buf_fini(&out);
}

static void assert_refused(struct slice pickle, struct pickle_rules rules, const char *why)
{
	struct stoa_value v;
	const char *error = decode_with(pickle, rules, &v);

	ck_assert_ptr_nonnull(error);
	ck_assert_str_eq(error, why);
	ck_assert_uint_eq(v.kind_, VALUE_BROKEN);
}

START_TEST(plain_values)
{
	assert_is(SLICE("N"), "null");
	assert_is(SLICE("\x88"), "true");
	assert_is(SLICE("J\xff\xff\xff\xff"), "-1");
	assert_is(SLICE("\x8a\x00"), "0");
	assert_is(SLICE("\x8a\x01\xff"), "-1");
	assert_is(SLICE("\x8a\x08\x00\x00\x00\x00\x00\x00\x00\x80"), "-9223372036854775808");
	assert_is(SLICE("\x8a\x09\xff\xff\xff\xff\xff\xff\xff\xff\x00"), "18446744073709551615");
	assert_is(SLICE("\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x00\x01"), "18446744073709552000");
	assert_is(SLICE("\x8a\x0a\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00"), "1");
	assert_is(SLICE("\x8a\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"), "-1");
	assert_is(SLICE("G?\xf8\x00\x00\x00\x00\x00\x00"), "1.5");
	assert_is(SLICE("\x8c\x03\xed\xa0\x80"), "\"\\ud800\"");
	assert_is(SLICE("C\x02\x00\x01"), "\"<2 bytes>\"");
	assert_is(SLICE("}(K\x01K\x02NK\x03\x89K\x04\x8c\x01kK\x05G?\xf0\x00\x00\x00\x00\x00\x00K\x06u"),
		"{\"1\":2,\"null\":3,\"false\":4,\"k\":5,\"1.0\":6}");
}
END_TEST

START_TEST(an_integer_with_too_many_bytes_is_one)
{
	struct stoa_value v;

	ck_assert_ptr_null(decode(SLICE("\x80\x04\x8a\x0a\x07\0\0\0\0\0\0\0\0\0."), &v));
	ck_assert_uint_eq(v.kind_, VALUE_INT);
	ck_assert_int_eq(v.as_.i, 7);
}
END_TEST

/* The machine refers to lists that still grow. */
START_TEST(memo_shares)
{
	assert_is(SLICE("](]\x94h\x00K\x01"
			"ae"),
		"[[1],[1]]");
	assert_is(SLICE("](]\x94K\x01"
			"ah\x00K\x02"
			"ae"),
		"[[1,2],[1,2]]");
}
END_TEST

START_TEST(tuples_are_told_from_lists)
{
	struct stoa_value v;

	ck_assert_ptr_null(decode(SLICE("\x80\x04K\x01\x85."), &v));
	ck_assert(pickle_is_tuple(v));
	ck_assert_ptr_null(decode(SLICE("\x80\x04)."), &v));
	ck_assert(pickle_is_tuple(v));
	ck_assert_ptr_null(decode(SLICE("\x80\x04]."), &v));
	ck_assert(!pickle_is_tuple(v));
	ck_assert_ptr_null(decode(SLICE("\x80\x04N."), &v));
	ck_assert(!pickle_is_tuple(v));
}
END_TEST

/* 1 x each rule: what fits, and what is one past it. */
START_TEST(limits)
{
	struct slice list = SLICE("\x80\x04](](\x8c\x03one\x8c\x03two\x8a\x02\x01\x01"
				  "ee."); /* [["one", "two", 257]] */
	struct pickle_rules rules = { list.size, 5, 6, 2, 2 };
	struct stoa_value v;

	ck_assert_ptr_null(decode_with(list, rules, &v));
	rules = (struct pickle_rules){ list.size - 1, 5, 6, 2, 2 };
	assert_refused(list, rules, "pickle too large");
	rules = (struct pickle_rules){ list.size, 4, 6, 2, 2 };
	assert_refused(list, rules, "pickle too rich");
	rules = (struct pickle_rules){ list.size, 5, 5, 2, 2 };
	assert_refused(list, rules, "pickle too rich");
	rules = (struct pickle_rules){ list.size, 5, 6, 1, 2 };
	assert_refused(list, rules, "pickle too deep");
	rules = (struct pickle_rules){ list.size, 5, 6, 2, 1 };
	assert_refused(list, rules, "pickle integer too large");
}
END_TEST

/* Each list holds the one inside it ten times: 10^20 values in 500 bytes. */
START_TEST(a_bomb_is_too_rich)
{
	struct buf bomb = BUF_INIT;

	buf_add_str(&bomb, "\x80\x04");
	for (int i = 0; i < 20; i++)
		buf_add_str(&bomb, "](");
	buf_add_str(&bomb, "]\x94");
	for (int i = 0; i < 20; i++) {
		for (int j = 0; j < 9; j++) {
			buf_add_char(&bomb, 'h');
			buf_add_char(&bomb, (char)i);
		}
		buf_add_str(&bomb, "e\x94");
	}
	buf_add_char(&bomb, '.');
	assert_refused(buf_slice(&bomb), PICKLE_RULES, "pickle too rich");
	buf_fini(&bomb);
}
END_TEST

/* What is seen twice counts twice: [x, x] with x = [1, 2] is seven values. */
START_TEST(shared_values_count_each_time)
{
	struct slice pickle = SLICE("\x80\x04](](K\x01K\x02"
				    "e\x94h\0e.");
	struct pickle_rules rules = PICKLE_RULES;
	struct stoa_value v;

	rules.max_values = 7;
	ck_assert_ptr_null(decode_with(pickle, rules, &v));
	rules.max_values = 6;
	assert_refused(pickle, rules, "pickle too rich");
}
END_TEST

/* Neither is much memory taken for what will be refused. */
START_TEST(a_wide_cycle_takes_little)
{
	struct buf pickle = BUF_INIT;
	struct pickle_rules rules = PICKLE_RULES;

	rules.max_values = 2000;
	buf_add_str(&pickle, "\x80\x04]\x94(h");
	buf_add_char(&pickle, '\0');
	for (int i = 0; i < 500; i++)
		buf_add_char(&pickle, 'N');
	buf_add_str(&pickle, "e.");
	assert_refused(buf_slice(&pickle), rules, "pickle too rich");
	ck_assert_uint_le(arena.total_bytes, rules.max_values * sizeof(struct stoa_value) + 64);
	buf_fini(&pickle);
}
END_TEST

START_TEST(a_cycle_is_too_deep)
{
	assert_refused(SLICE("\x80\x04]\x94h\x00"
			     "a."),
		PICKLE_RULES, "pickle too deep");
}
END_TEST

START_TEST(classes_and_calls_are_refused)
{
	/* clang-format off */
	static const struct slice pickles[] = { T("\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x02id\x85R."),
		T("\x80\x02" "cos\nsystem\n."), T("\x80\x02(ios\nsystem\n."), T("\x80\x04\x8f."), T("\x80\x04\x97."),
		T("\x80\x04NQ.") };
	/* clang-format on */

	for (size_t i = 0; i < sizeof(pickles) / sizeof(pickles[0]); i++) {
		struct stoa_value v;
		ck_assert_str_eq(decode(pickles[i], &v), "pickle of more than data");
	}
}
END_TEST

START_TEST(memory_that_runs_out_is_said)
{
	struct stoa_value v;

	arena_limit(&arena, 8);
	ck_assert_str_eq(decode(SLICE("\x80\x04](K\x01K\x02"
				      "e."),
				 &v),
		"no memory");
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("pickle");
	TCase *c = tcase_create("pickle");

	tcase_add_checked_fixture(c, begin, end);
	tcase_add_test(c, plain_values);
	tcase_add_test(c, an_integer_with_too_many_bytes_is_one);
	tcase_add_test(c, memo_shares);
	tcase_add_test(c, tuples_are_told_from_lists);
	tcase_add_test(c, limits);
	tcase_add_test(c, a_bomb_is_too_rich);
	tcase_add_test(c, shared_values_count_each_time);
	tcase_add_test(c, a_wide_cycle_takes_little);
	tcase_add_test(c, a_cycle_is_too_deep);
	tcase_add_test(c, classes_and_calls_are_refused);
	tcase_add_test(c, memory_that_runs_out_is_said);
	suite_add_tcase(s, c);
	return s;
}
