/* test_values.c - values built, walked, kept and shown. */
#include "rig.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

static int inferred(struct stoa_event *ev)
{
	const char *borrowed = "const";
	char owned[] = "array";
	bool b = 1 == 1;

	return stoa_emit(ev, "e", 42, -1L, 7U, UINT64_MAX, INT64_MIN, (signed char)-3, (uint8_t)200, (short)-5,
		(unsigned short)6, 0.5, 0.1F, "text", borrowed, owned, true, false, b, 1 == 1, stoa_bool(1 == 1), NULL);
}

START_TEST(values_are_inferred)
{
	rig_go(inferred, "");
	ck_assert_str_eq(rig_log(),
		"emit [\"e\",42,-1,7,18446744073709551615,-9223372036854775808,-3,200,-5,6,0.5,0.10000000149011612,"
		"\"text\",\"const\",\"array\",true,false,true,1,true,null] to A\n");
}
END_TEST

static int most(struct stoa_event *ev)
{
	return stoa_emit(ev, "e", 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23);
}

static int most_members(struct stoa_event *ev)
{
	return stoa_emit(ev, "e",
		stoa_object("a", 1, "b", 2, "c", 3, "d", 4, "e", 5, "f", 6, "g", 7, "h", 8, "i", 9, "j", 10, "k", 11,
			"l", 12));
}

START_TEST(as_many_as_promised)
{
	rig_go(most, "");
	ck_assert_str_eq(rig_log(), "emit [\"e\",1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23] to A\n");
	rig_go(most_members, "");
	ck_assert_str_eq(rig_log(), "emit [\"e\",{\"a\":1,\"b\":2,\"c\":3,\"d\":4,\"e\":5,\"f\":6,\"g\":7,\"h\":8,"
				    "\"i\":9,\"j\":10,\"k\":11,\"l\":12}] to A\n");
}
END_TEST

static struct stoa_value person(const char *name)
{
	return stoa_object("name", name, "tags", stoa_array("a", true), "none", NULL);
}

static int nested(struct stoa_event *ev)
{
	char text[] = "Ada";
	struct stoa_value v = person(text), t = stoa_text(text);

	text[0] = 'x'; /* what was passed in is copied */
	return stoa_emit(ev, "e", v, t, stoa_array(stoa_array(1), stoa_spread(stoa_array(2, 3))),
		stoa_spread(stoa_array(4, 5)), stoa_text(NULL));
}

START_TEST(nested_values)
{
	rig_go(nested, "");
	ck_assert_str_eq(rig_log(), "emit [\"e\",{\"name\":\"Ada\",\"tags\":[\"a\",true],\"none\":null},\"Ada\","
				    "[[1],2,3],4,5,null] to A\n");
}
END_TEST

static int grows(struct stoa_event *ev)
{
	struct stoa_value *list = stoa_list(), *dict = stoa_dict(), copy;
	char key[] = "k0";

	for (int i = 0; i < 9; i++) {
		IS(stoa_append(list, i), 0);
		key[1] = (char)('0' + i);
		IS(stoa_put(dict, key, i * i), 0);
	}
	copy = *list;
	stoa_append(list, "last");
	ck_assert_uint_eq(stoa_size(copy), 9);
	return stoa_emit(ev, "e", *list, *dict, copy, *stoa_list(), *stoa_dict());
}

START_TEST(lists_grow)
{
	rig_go(grows, "");
	ck_assert_str_eq(rig_log(),
		"emit [\"e\",[0,1,2,3,4,5,6,7,8,\"last\"],{\"k0\":0,\"k1\":1,\"k2\":4,\"k3\":9,\"k4\":16,"
		"\"k5\":25,\"k6\":36,\"k7\":49,\"k8\":64},[0,1,2,3,4,5,6,7,8],[],{}] to A\n");
}
END_TEST

static int grows_wrong(struct stoa_event *ev)
{
	struct stoa_value fixed = stoa_array(1, 2, 3), came = stoa_args(ev), *dict = stoa_dict();

	IS(stoa_append(&fixed, 4), -EINVAL);
	IS(stoa_append(&came, 4), -EINVAL);
	IS(stoa_append(dict, 4), -EINVAL);
	IS(stoa_put(dict, NULL, 4), -EINVAL);
	IS(stoa_emit(ev, "e", *dict), -EINVAL); /* it lost a value */
	return stoa_emit(ev, "e", fixed);
}

START_TEST(only_lists_grow)
{
	rig_go(grows_wrong, "1");
	ck_assert_str_eq(rig_log(), "emit [\"e\",[1,2,3]] to A\n");
}
END_TEST

static int last_key(struct stoa_event *ev)
{
	struct stoa_value *dict = stoa_dict();
	int n = 0;

	stoa_put(dict, "a", 1);
	stoa_put(dict, "a", 2);
	IS(stoa_read(stoa_get(*dict, "a"), &n), 0);
	ck_assert_int_eq(n, 2);
	IS(stoa_read(stoa_get(stoa_args(ev), "a"), &n), STOA_EINPUT);
	IS(stoa_read(stoa_get(stoa_at(stoa_args(ev), 0), "a"), &n), 0);
	ck_assert_int_eq(n, 4);
	return 0;
}

START_TEST(the_last_of_two_keys_counts)
{
	rig_go_ack(last_key, "{\"a\":3,\"a\":4}", 1);
	ck_assert_str_eq(rig_log(), "ack 1 [] to A\n");
}
END_TEST

static int binary(struct stoa_event *ev)
{
	char bytes[] = { 'o', 'n', 'e' };
	struct stoa_value v = stoa_bytes(bytes, 3);

	bytes[0] = 'x';
	return stoa_emit(ev, "e", v, stoa_object("b", stoa_bytes("two", 3)), stoa_bytes(NULL, 0));
}

START_TEST(binary_values)
{
	rig_go(binary, "");
	ck_assert_str_eq(rig_log(),
		"emit [\"e\",{\"_placeholder\":true,\"num\":0},{\"b\":{\"_placeholder\":true,\"num\":1}},"
		"{\"_placeholder\":true,\"num\":2}] <one> <two> <> to A\n");
}
END_TEST

static int raw(struct stoa_event *ev)
{
	stoa_emit(ev, "e", stoa_json("{\"a\": [1.0, true]}"), stoa_json(" 5 "));
	IS(stoa_emit(ev, "e", stoa_json("{broken")), -EINVAL);
	IS(stoa_emit(ev, "e", stoa_json(NULL)), -EINVAL);
	IS(stoa_type(stoa_json("{broken")), STOA_NULL);
	ck_assert_uint_eq(stoa_size(stoa_json("[1,2]")), 2);
	return 0;
}

START_TEST(raw_json)
{
	rig_go(raw, "");
	ck_assert_ptr_nonnull(strstr(rig_log(), "{\"a\": [1.0, true]}"));
}
END_TEST

static int unusable(struct stoa_event *ev)
{
	IS(stoa_emit(ev, "e", "\xC3("), -EINVAL);
	IS(stoa_emit(ev, "e", stoa_object(NULL, 1)), -EINVAL);
	IS(stoa_emit(ev, "e", stoa_object("k", stoa_spread(stoa_array(1)))), -EINVAL);
	IS(stoa_emit(ev, "e", stoa_spread(stoa_text("no array"))), -EINVAL);
	IS(stoa_emit(ev, "e", stoa_format("\xFF")), -EINVAL);
	return stoa_emit(ev, "e", NAN, HUGE_VAL, -0.0, 1e21, 1e-7, 0.1);
}

START_TEST(what_cannot_be_sent)
{
	rig_go(unusable, "");
	ck_assert_str_eq(rig_log(), "emit [\"e\",null,null,0,1e+21,1e-7,0.1] to A\n");
}
END_TEST

static int too_deep(struct stoa_event *ev)
{
	struct stoa_value v = stoa_array(1);

	for (int i = 0; i < 100000; i++)
		v = stoa_array(v);
	ck_assert_ptr_null(stoa_keep(v));
	ck_assert_str_eq(stoa_to_json(v), "null");
	return stoa_emit(ev, "e", v);
}

START_TEST(depth_is_bounded)
{
	rig_go_ack(too_deep, "", 1);
	ck_assert_str_eq(rig_log(), "ack 1 [{\"error\":\"Invalid argument\"}] to A\n");
}
END_TEST

static int formats(struct stoa_event *ev)
{
	return stoa_emit(ev, "e", stoa_format("%s-%d", "a", 5), stoa_format("%s", ""));
}

START_TEST(formatted_text)
{
	rig_go(formats, "");
	ck_assert_str_eq(rig_log(), "emit [\"e\",\"a-5\",\"\"] to A\n");
}
END_TEST

/* --- Walking ------------------------------------------------------------------------------------------------------ */

static int walks(struct stoa_event *ev)
{
	static const enum stoa_type types[] = { STOA_NULL, STOA_BOOL, STOA_INT, STOA_FLOAT, STOA_TEXT, STOA_ARRAY,
		STOA_OBJECT, STOA_INT };
	static const size_t sizes[] = { 0, 0, 0, 0, 3, 2, 2, 0 };
	struct stoa_value args = stoa_args(ev), object = stoa_at(args, 6);

	IS(stoa_type(args), STOA_ARRAY);
	ck_assert_uint_eq(stoa_size(args), 8);
	for (size_t i = 0; i < 8; i++) {
		IS(stoa_type(stoa_at(args, i)), types[i]);
		ck_assert_uint_eq(stoa_size(stoa_at(args, i)), sizes[i]);
	}
	ck_assert_str_eq(stoa_key(object, 0), "k");
	ck_assert_ptr_null(stoa_key(object, 2));
	ck_assert_ptr_null(stoa_key(args, 0));
	IS(stoa_type(stoa_at(object, 1)), STOA_TEXT);
	IS(stoa_type(stoa_get(object, "l")), STOA_TEXT);
	IS(stoa_type(stoa_get(object, NULL)), STOA_NULL);
	IS(stoa_type(stoa_at(stoa_get(stoa_at(args, 99), "x"), 5)), STOA_NULL);
	return 0;
}

START_TEST(walking)
{
	rig_go_ack(walks, "null,true,5,5.5,\"abc\",[1,2],{\"k\":1,\"l\":\"m\"},18446744073709551615", 1);
	ck_assert_str_eq(rig_log(), "ack 1 [] to A\n");
}
END_TEST

static int shows(struct stoa_event *ev)
{
	return stoa_emit(ev, "e", stoa_to_json(stoa_array(1, "a\"b", stoa_bytes("abc", 3), stoa_object("k", NULL))),
		stoa_to_json(stoa_args(ev)));
}

START_TEST(as_json)
{
	rig_go(shows, "1,{\"a\":2}");
	ck_assert_str_eq(rig_log(), "emit [\"e\",\"[1,\\\"a\\\\\\\"b\\\",\\\"<3 "
				    "bytes>\\\",{\\\"k\\\":null}]\",\"[1,{\\\"a\\\":2}]\"] to A\n");
}
END_TEST

/* --- Keeping ------------------------------------------------------------------------------------------------------ */

static struct stoa_value *kept[4];

static int keeps(struct stoa_event *ev)
{
	char text[] = "text";

	kept[0] = stoa_keep(stoa_args(ev));
	kept[1] = stoa_keep(stoa_object("t", text, "b", stoa_bytes("abc", 3), "a", *stoa_list()));
	kept[2] = stoa_keep(stoa_text(text));
	kept[3] = stoa_keep(stoa_bool(true));
	memset(text, 'x', 4);
	return 0;
}

static int tells_kept(struct stoa_event *ev)
{
	int error = stoa_emit(ev, "e", *kept[0], *kept[1], *kept[2], *kept[3]);

	for (int i = 0; i < 4; i++)
		free(kept[i]); /* what was passed in was copied */
	return error;
}

START_TEST(kept_values_outlive_the_handler)
{
	rig_go(keeps, "1,\"two\",[3,{\"four\":4.5}]");
	rig_go(tells_kept, "");
	ck_assert_str_eq(rig_log(), "emit [\"e\",[1,\"two\",[3,{\"four\":4.5}]],"
				    "{\"t\":\"text\",\"b\":{\"_placeholder\":true,\"num\":0},\"a\":[]},"
				    "\"text\",true] <abc> to A\n");
}
END_TEST

START_TEST(nothing_is_built_outside_of_handlers)
{
	IS(stoa_type(stoa_text("x")), STOA_NULL);
	IS(stoa_type(*stoa_list()), STOA_NULL);
	IS(stoa_append(stoa_list(), 1), -ENOMEM);
	ck_assert_str_eq(stoa_to_json(stoa_bool(true)), "null");
	ck_assert_ptr_nonnull(stoa_format("%d", 1));
}
END_TEST

TCase *case_values(void)
{
	TCase *tc = tcase_create("values");

	tcase_add_checked_fixture(tc, rig_begin, rig_end);
	tcase_add_test(tc, values_are_inferred);
	tcase_add_test(tc, as_many_as_promised);
	tcase_add_test(tc, nested_values);
	tcase_add_test(tc, lists_grow);
	tcase_add_test(tc, only_lists_grow);
	tcase_add_test(tc, the_last_of_two_keys_counts);
	tcase_add_test(tc, binary_values);
	tcase_add_test(tc, raw_json);
	tcase_add_test(tc, what_cannot_be_sent);
	tcase_add_test(tc, depth_is_bounded);
	tcase_add_test(tc, formatted_text);
	tcase_add_test(tc, walking);
	tcase_add_test(tc, as_json);
	tcase_add_test(tc, kept_values_outlive_the_handler);
	tcase_add_test(tc, nothing_is_built_outside_of_handlers);
	return tc;
}
