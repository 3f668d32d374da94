/* test_value.c - raw values that decode on first look, looking things up, copying. */
#include "json.h"
#include "test_main.h"

static const struct slice blobs[] = { { "zero", 4 }, { "\0one", 4 } };

/* The value's JSON, compared. */
static void assert_encodes(struct stoa_value v, const char *is)
{
	struct json_blobs found = { NULL, 0, 0 };
	struct buf out = BUF_INIT;

	ck_assert_int_eq(json_encode(&out, v, &found), 0);
	ck_assert_msg(slice_equal(buf_slice(&out), slice_str(is)), "%.*s", SLICE_ARG(buf_slice(&out)));
	buf_fini(&out);
	json_blobs_fini(&found);
}

START_TEST(raw_stays_as_it_came)
{
	struct arena arena = ARENA_INIT;
	struct slice text = SLICE("{ \"a\":1.0 }");
	struct stoa_value v = value_of_json(&arena, text, 0, NULL, 0);

	ck_assert_uint_eq(v.kind_, VALUE_RAW);
	assert_encodes(v, "{ \"a\":1.0 }");
	ck_assert(value_get(v, SLICE("a")).as_.f == 1.0);
	assert_encodes(v, "{ \"a\":1.0 }"); /* opened or not */
	assert_encodes(value_open(v), "{\"a\":1}");
	arena_fini(&arena);
}
END_TEST

START_TEST(raw_is_rewritten_when_it_must)
{
	struct arena arena = ARENA_INIT;

	assert_encodes(value_of_json(&arena, SLICE("[-0, 1e400]"), JSON_REWRITE, NULL, 0), "[0,null]");
	assert_encodes(value_of_items(&arena, SLICE("-0, 1e400"), JSON_REWRITE, NULL, 0), "[0,null]");
	assert_encodes(value_of_items(&arena, SLICE("1, [ 2 ]"), 0, NULL, 0), "[1, [ 2 ]]");
	assert_encodes(value_of_items(&arena, SLICE(""), 0, NULL, 0), "[]");
	assert_encodes(value_of_items(&arena, slice_of(NULL, 0), JSON_REWRITE, NULL, 0), "[]");
	arena_fini(&arena);
}
END_TEST

START_TEST(raw_attachments_are_renumbered)
{
	struct arena arena = ARENA_INIT;
	struct slice text = SLICE("[{\"_placeholder\":true,\"num\":1},{\"_placeholder\":true,\"num\":0}]");
	struct stoa_value v = value_of_json(&arena, text, JSON_BLOBS, blobs, 2);
	struct json_blobs found = { NULL, 0, 0 };
	struct buf out = BUF_INIT;

	ck_assert_int_eq(json_encode(&out, v, &found), 0);
	ck_assert(slice_equal(
		buf_slice(&out), SLICE("[{\"_placeholder\":true,\"num\":0},{\"_placeholder\":true,\"num\":1}]")));
	ck_assert_ptr_eq(found.at[0].at, blobs[1].at);
	ck_assert_ptr_eq(found.at[1].at, blobs[0].at);
	/* An item that has none is none the wiser. */
	v = value_of_json(&arena, SLICE("{\"_placeholder\":true,\"num\":1}"), 0, NULL, 0);
	assert_encodes(v, "{\"_placeholder\":true,\"num\":1}");
	ck_assert_uint_eq(value_open(v).kind_, VALUE_OBJECT);
	buf_fini(&out);
	json_blobs_fini(&found);
	arena_fini(&arena);
}
END_TEST

START_TEST(items_open_one_by_one)
{
	struct arena arena = ARENA_INIT;
	struct slice text = SLICE("\"a\\n\" , [ 1 ,2],-0,{ },{\"_placeholder\":true,\"num\":1},[-0]");
	struct stoa_value v = value_of_items(&arena, text, JSON_REWRITE | JSON_BLOBS, blobs, 2);
	size_t after_open;

	ck_assert_uint_eq(value_open(v).kind_, VALUE_ARRAY);
	ck_assert_uint_eq(value_open(v).size_, 6);
	after_open = arena.total_bytes;
	ck_assert(slice_equal(value_slice(value_at(v, 0)), SLICE("a\n")));
	ck_assert_uint_eq(value_at(v, 1).kind_, VALUE_RAW);
	ck_assert_uint_eq(value_at(v, 3).kind_, VALUE_RAW);
	assert_encodes(value_at(v, 1), "[ 1 ,2]");
	assert_encodes(value_at(v, 2), "0");
	assert_encodes(value_at(v, 3), "{ }");
	ck_assert_uint_eq(arena.total_bytes, after_open); /* looking costs nothing */
	assert_encodes(value_at(v, 4), "{\"_placeholder\":true,\"num\":0}");
	ck_assert_uint_eq(value_open(value_at(v, 4)).kind_, VALUE_BYTES);
	ck_assert_ptr_eq(value_slice(value_open(value_at(v, 4))).at, blobs[1].at);
	assert_encodes(value_at(v, 5), "[0]");
	ck_assert_uint_eq(value_at(v, 6).kind_, VALUE_NULL);
	arena_fini(&arena);
}
END_TEST

START_TEST(opens_once)
{
	struct arena arena = ARENA_INIT;
	struct stoa_value v = value_of_json(&arena, SLICE("[[1,2,3],{\"a\":\"b\"}]"), 0, NULL, 0);
	struct stoa_value tree = value_open(v);
	size_t bytes = arena.total_bytes;

	ck_assert_ptr_eq(value_open(v).as_.at, tree.as_.at);
	ck_assert_int_eq(value_at(value_at(v, 0), 2).as_.i, 3);
	ck_assert_uint_eq(arena.total_bytes, bytes);
	ck_assert_uint_eq(value_open(tree).kind_, VALUE_ARRAY);
	arena_fini(&arena);
}
END_TEST

START_TEST(looks_up)
{
	struct arena arena = ARENA_INIT;
	struct stoa_value v =
		value_of_json(&arena, SLICE("{\"a\":1,\"b\":2,\"a\":3,\"\":4,\"a\\u0000\":5}"), 0, NULL, 0);

	ck_assert_int_eq(value_get(v, SLICE("a")).as_.i, 3);
	ck_assert_int_eq(value_get(v, SLICE("b")).as_.i, 2);
	ck_assert_int_eq(value_get(v, SLICE("")).as_.i, 4);
	ck_assert_int_eq(value_get(v, SLICE("a\0")).as_.i, 5);
	ck_assert_uint_eq(value_get(v, SLICE("c")).kind_, VALUE_NULL);
	ck_assert_uint_eq(value_at(v, 0).kind_, VALUE_NULL);
	ck_assert_uint_eq(value_get(value_int(1), SLICE("a")).kind_, VALUE_NULL);
	ck_assert_uint_eq(value_get(value_text(SLICE("a")), SLICE("a")).kind_, VALUE_NULL);
	ck_assert_uint_eq(value_at(value_text(SLICE("a")), 0).kind_, VALUE_NULL);
	arena_fini(&arena);
}
END_TEST

START_TEST(no_memory_breaks)
{
	struct arena arena = ARENA_INIT;
	struct stoa_value v = value_of_items(&arena, SLICE("[1],\"a\",{\"b\":2}"), 0, NULL, 0);
	struct buf out = BUF_INIT;

	arena_limit(&arena, arena.total_bytes + 100);
	ck_assert_uint_eq(value_open(v).kind_, VALUE_BROKEN);
	ck_assert_uint_eq(value_at(v, 0).kind_, VALUE_NULL);
	ck_assert_int_eq(json_encode(&out, v, NULL), 0); /* as it came, which needs no tree */
	arena_limit(&arena, arena.total_bytes);
	ck_assert_uint_eq(value_of_json(&arena, SLICE("1"), 0, NULL, 0).kind_, VALUE_BROKEN);
	buf_fini(&out);
	arena_fini(&arena);
}
END_TEST

static struct stoa_value sample(struct arena *arena)
{
	static const char text[] = "{\"r\":[1, -0],\"p\":{\"_placeholder\":true,\"num\":1}}";
	struct stoa_value *items = arena_take(arena, 6 * sizeof(*items));
	struct stoa_value *pair = arena_take(arena, 2 * sizeof(*pair));

	pair[0] = value_text(SLICE("key"));
	pair[1] = value_float(0.5);
	items[0] = value_text(SLICE("text\0more"));
	items[1] = value_bytes(SLICE("bytes"));
	items[2] = value_object(pair, 1);
	items[3] = value_array(NULL, 0);
	items[4] = value_of_json(arena, slice_str(text), JSON_REWRITE | JSON_BLOBS, blobs, 2);
	items[5] = value_of_items(arena, SLICE("1, 2"), 0, NULL, 0);
	return value_array(items, 6);
}

START_TEST(copies_outlive)
{
	static const char is[] = "[\"text\\u0000more\",{\"_placeholder\":true,\"num\":0},{\"key\":0.5},[],"
				 "{\"r\":[1,0],\"p\":{\"_placeholder\":true,\"num\":1}},[1, 2]]";
	struct arena arena = ARENA_INIT, kept = ARENA_INIT;
	struct stoa_value copy;

	copy = value_copy(&kept, sample(&arena));
	assert_encodes(sample(&arena), is);
	arena_fini(&arena);
	assert_encodes(copy, is);
	ck_assert_int_eq(value_slice(value_at(copy, 0)).at[9], '\0');
	ck_assert_ptr_ne(value_slice(value_get(value_at(copy, 4), SLICE("p"))).at, blobs[1].at);
	arena_fini(&kept);
}
END_TEST

START_TEST(copies_whole_or_broken)
{
	struct arena arena = ARENA_INIT, kept = ARENA_INIT;
	struct stoa_value v = sample(&arena), broken[] = { value_int(1), value_broken() };
	bool whole = false;

	for (size_t limit = 1; !whole; limit += 8) {
		arena_limit(&kept, limit);
		whole = value_copy(&kept, v).kind_ != VALUE_BROKEN;
		arena_fini(&kept);
	}
	ck_assert_uint_eq(value_copy(&kept, value_array(broken, 2)).kind_, VALUE_BROKEN);
	arena_fini(&kept);
	arena_fini(&arena);
}
END_TEST

/* A thousand arguments of one event do not make a thousand copies of its attachments. */
START_TEST(copies_attachments_once)
{
	struct arena arena = ARENA_INIT, kept = ARENA_INIT;
	struct slice big = slice_of(arena_zero(&arena, 100000), 100000);
	struct stoa_value items[50];

	for (size_t i = 0; i < 50; i++)
		items[i] = value_of_json(&arena, SLICE("{\"_placeholder\":true,\"num\":0}"), JSON_BLOBS, &big, 1);
	ck_assert_uint_eq(value_copy(&kept, value_array(items, 50)).kind_, VALUE_ARRAY);
	ck_assert_uint_le(kept.total_bytes, 120000);
	arena_fini(&arena);
	arena_fini(&kept);
}
END_TEST

START_TEST(copies_spreads_and_depth)
{
	struct arena kept = ARENA_INIT;
	struct stoa_value nested[VALUE_DEPTH_MAX + 1];
	const struct stoa_value one = value_int(1), list = value_array(&one, 1);
	const struct stoa_value spread = { .kind_ = VALUE_SPREAD, .as_.at = &list };
	struct stoa_value copy = value_copy(&kept, spread);
	struct buf out = BUF_INIT;

	ck_assert_int_eq(json_encode_items(&out, &copy, 1, NULL), 0);
	ck_assert(slice_equal(buf_slice(&out), SLICE("1")));
	nested[0] = value_array(NULL, 0);
	for (size_t i = 1; i <= VALUE_DEPTH_MAX; i++)
		nested[i] = value_array(&nested[i - 1], 1);
	ck_assert_uint_eq(value_copy(&kept, nested[VALUE_DEPTH_MAX - 1]).kind_, VALUE_ARRAY);
	ck_assert_uint_eq(value_copy(&kept, nested[VALUE_DEPTH_MAX]).kind_, VALUE_BROKEN);
	buf_fini(&out);
	arena_fini(&kept);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("value");
	TCase *t = tcase_create("value");

	tcase_add_test(t, raw_stays_as_it_came);
	tcase_add_test(t, raw_is_rewritten_when_it_must);
	tcase_add_test(t, raw_attachments_are_renumbered);
	tcase_add_test(t, items_open_one_by_one);
	tcase_add_test(t, opens_once);
	tcase_add_test(t, looks_up);
	tcase_add_test(t, no_memory_breaks);
	tcase_add_test(t, copies_outlive);
	tcase_add_test(t, copies_whole_or_broken);
	tcase_add_test(t, copies_attachments_once);
	tcase_add_test(t, copies_spreads_and_depth);
	suite_add_tcase(s, t);
	return s;
}
