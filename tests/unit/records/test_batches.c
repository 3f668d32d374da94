/* test_batches.c - what an event left: the outside. */
#include "rig.h"

#define HEAD "{\"v\":1,\"by\":\"b1#7\""
#define ID   ",\"id\":\"1700000000000-0\",\"partition\":5"
#define OF   ",\"nsp\":\"/chat\",\"sid\":\"sid1\""
#define EMIT ",\"effects\":[{\"do\":\"emit\",\"data\":[\"x\"]}]}"

START_TEST(batches_are_written_and_read)
{
	batch_stays(HEAD ID OF ",\"n\":7" EMIT);
	batch_stays(HEAD ID OF ",\"n\":7}");
	batch_stays(HEAD ID OF ",\"n\":7,\"failed\":\"It could not be handled\"}");
	batch_stays(HEAD ID OF ",\"n\":7,\"deferred\":true}");
	batch_stays(HEAD OF EMIT);
	batch_stays(
		HEAD ",\"partition\":9,\"nsp\":\"/\",\"effects\":[{\"do\":\"emit\",\"all\":true,\"data\":[\"x\"]}]}");
	batch_stays(HEAD ",\"partition\":0}");
}
END_TEST

START_TEST(members_come_out_as_they_went_in)
{
	struct batch_record b = batch_of(HEAD ID OF ",\"n\":7" EMIT);

	IS_TEXT(b.by, "b1#7");
	IS_TEXT(b.id, "1700000000000-0");
	ck_assert_uint_eq(b.partition, 5);
	IS_TEXT(b.nsp, "/chat");
	IS_TEXT(b.sid, "sid1");
	ck_assert_uint_eq(b.n, 7);
	ck_assert_ptr_nonnull(b.effects);
	ck_assert_ptr_null(b.effects->next);
	b = batch_of(HEAD ID OF ",\"n\":7,\"failed\":\"no\"}");
	IS_TEXT(b.failed, "no");
	ck_assert_ptr_null(b.effects);
	b = batch_of(HEAD ",\"effects\":[]}");
	ck_assert_ptr_null(b.effects);
}
END_TEST

/* Whoever passes it on need not understand its effects. */
START_TEST(a_peek_reads_the_outside_alone)
{
	struct batch_record b;

	for (enum value_encoding encoding = VALUE_JSON; encoding <= VALUE_MSGPACK; encoding++) {
		struct slice bytes = record_of(HEAD ID OF ",\"n\":7,\"effects\":[{\"do\":\"dance\"}]}", encoding);

		ck_assert_ptr_null(batch_record_peek(&arena, bytes, &b));
		IS_TEXT(b.id, "1700000000000-0");
		IS_TEXT(b.sid, "sid1");
		ck_assert_uint_eq(b.n, 7);
		ck_assert_ptr_null(b.effects);
		bytes = record_of(HEAD ",\"id\":7}", encoding);
		IS_STR(batch_record_peek(&arena, bytes, &b), "id is no stream entry's");
	}
	IS_STR(batch_record_peek(&arena, SLICE("{\"v\":1,\"by\":\"b\",\"effects\":[{]}"), &b), "malformed JSON");
}
END_TEST

START_TEST(what_is_no_batch_is_refused)
{
	static const char no_id[] = "id is no stream entry's", no_name[] = "by is no worker's name";
	static const struct {
		const char *json, *fault;
	} rows[] = {
		{ "{\"by\":\"b\"}", "a record without a version" },
		{ "{\"v\":2,\"by\":\"b\"}", "a record of another version" },
		{ "{\"v\":1}", "a batch by nobody" },
		{ "{\"v\":1,\"by\":\"\"}", no_name },
		{ "{\"v\":1,\"by\":7}", no_name },
		{ "{\"v\":1,\"by\":\"a b\"}", no_name },
		{ "{\"v\":1,\"by\":\"a\\u007f\"}", no_name },
		{ "{\"v\":1,\"by\":\"!~\"}", "" },
		{ "{\"v\":1,\"by\":\"012345678901234567890123456789012345678901234567\"}", "" },
		{ "{\"v\":1,\"by\":\"0123456789012345678901234567890123456789012345678\"}", no_name },
		{ HEAD ",\"id\":\"1-0\",\"n\":1}", "an id without its partition" },
		{ HEAD ",\"id\":\"1-0\",\"partition\":0}", "an id without its n" },
		{ HEAD ",\"id\":\"1-0\",\"partition\":0,\"n\":1}", "" },
		{ HEAD ",\"id\":\"1-0\",\"partition\":0,\"n\":0}", "" },
		{ HEAD ",\"id\":\"1-0\",\"partition\":1023,\"n\":1}", "" },
		{ HEAD ",\"id\":\"1-0\",\"partition\":1024,\"n\":1}", "partition is none" },
		{ HEAD ",\"id\":\"1-0\",\"partition\":-1,\"n\":1}", "partition is none" },
		{ HEAD ",\"id\":\"18446744073709551615-18446744073709551615\",\"partition\":0,\"n\":1}", "" },
		{ HEAD ",\"id\":\"118446744073709551615-1\",\"partition\":0,\"n\":1}", no_id },
		{ HEAD ",\"id\":\"1\",\"partition\":0,\"n\":1}", no_id },
		{ HEAD ",\"id\":\"-\",\"partition\":0,\"n\":1}", no_id },
		{ HEAD ",\"id\":\"1-\",\"partition\":0,\"n\":1}", no_id },
		{ HEAD ",\"id\":\"-1\",\"partition\":0,\"n\":1}", no_id },
		{ HEAD ",\"id\":\"1-1-1\",\"partition\":0,\"n\":1}", no_id },
		{ HEAD ",\"id\":\"1-x\",\"partition\":0,\"n\":1}", no_id },
		{ HEAD ",\"id\":\"\",\"partition\":0,\"n\":1}", no_id },
		{ HEAD ",\"nsp\":\"chat\"}", "nsp is no namespace" },
		{ HEAD ",\"sid\":[]}", "sid is no text" },
		{ HEAD ",\"n\":0.5}", "n is no whole number" },
		{ HEAD ",\"failed\":{}}", "failed is no text" },
		{ HEAD ",\"failed\":\"x\",\"effects\":[]}", "failed, and yet effects" },
		{ HEAD ",\"deferred\":1}", "deferred is neither true nor false" },
		{ HEAD ",\"effects\":{}}", "effects are no array" },
		{ HEAD ",\"effects\":[[]]}", "an effect that is no map" },
		{ HEAD ",\"effects\":[{}]}", "do is none that is known" },
		{ HEAD ",\"later\":{\"x\":[]},\"effects\":null}", "" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		ck_assert_msg(strcmp(batch_fault(rows[i].json), rows[i].fault) == 0, "%s: %s", rows[i].json,
			batch_fault(rows[i].json));
}
END_TEST

START_TEST(half_a_batch_is_refused)
{
	for (enum value_encoding encoding = VALUE_JSON; encoding <= VALUE_MSGPACK; encoding++) {
		struct slice whole = record_of(HEAD ID OF ",\"n\":7" EMIT, encoding);

		for (size_t n = 0; n < whole.size; n++) {
			struct buf part = BUF_INIT;

			buf_add(&part, whole.at, n);
			ck_assert_str_ne(batch_fault_of(buf_slice(&part)), "");
			buf_fini(&part);
		}
	}
}
END_TEST

START_TEST(effects_are_limited)
{
	static const char three[] =
		HEAD OF ",\"effects\":[{\"do\":\"join\",\"room\":\"a\"},{\"do\":\"leave\",\"room\":\"b\"},"
			"{\"do\":\"disconnect\"}]}";

	rules.max_effects = 3;
	IS_STR(batch_fault(three), "");
	rules.max_effects = 2;
	IS_STR(batch_fault(three), "too many effects");
}
END_TEST

START_TEST(without_memory_a_batch_is_refused)
{
	struct slice bytes = record_of(HEAD ID OF
		",\"n\":7,\"effects\":[{\"do\":\"admit\",\"headers\":[[\"a\",\"b\"]]},{\"do\":\"session\","
		"\"key\":\"k\",\"value\":-0},{\"do\":\"emit\",\"rooms\":[\"a\",\"b\"],\"skip\":[\"c\"],"
		"\"data\":[\"x\",{\"_placeholder\":true,\"num\":0},-0],\"attachments\":[\"TWFu\"]}]}",
		VALUE_JSON);
	struct arena small = ARENA_INIT;
	struct batch_record b;
	const char *why = "";

	for (small.limit_bytes = 1; why; small.limit_bytes++) {
		why = batch_record_read(&small, bytes, &rules, &b);
		if (why)
			ck_assert_msg(
				strcmp(why, "out of memory") == 0 || strcmp(why, "a value that JSON has not") == 0,
				"%s", why);
		arena_reset(&small);
	}
	arena_fini(&small);
}
END_TEST

TCase *batches_cases(void)
{
	TCase *t = tcase_create("batches");

	tcase_add_test(t, batches_are_written_and_read);
	tcase_add_test(t, members_come_out_as_they_went_in);
	tcase_add_test(t, a_peek_reads_the_outside_alone);
	tcase_add_test(t, what_is_no_batch_is_refused);
	tcase_add_test(t, half_a_batch_is_refused);
	tcase_add_test(t, effects_are_limited);
	tcase_add_test(t, without_memory_a_batch_is_refused);
	return t;
}
