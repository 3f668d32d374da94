/* test_apps.c - an application's record, and where a client's events go. */
#include "rig.h"

#define ALL \
	"{\"v\":1,\"partitions\":16,\"namespaces\":[\"/\",\"/chat\",\"/game-*\",\"*\"],\"one_process\":[\"/game-*\"]," \
	"\"hears_handshakes\":true,\"hears_refusals\":true}"

static const char *fault(const char *json)
{
	struct app_record a;
	const char *why = app_record_read(&arena, slice_str(json), &rules, &a);

	return why ? why : "";
}

static struct app_record app_of(const char *json)
{
	struct app_record a;
	const char *why = app_record_read(&arena, slice_str(json), &rules, &a);

	ck_assert_msg(why == NULL, "%s: %s", json, why);
	return a;
}

START_TEST(an_application_is_written_and_read)
{
	struct app_record a = app_of(ALL);
	struct buf to = BUF_INIT;

	ck_assert_uint_eq(a.partitions, 16);
	ck_assert_uint_eq(a.n_namespaces, 4);
	IS_TEXT(a.namespaces[2], "/game-*");
	ck_assert_uint_eq(a.n_one_process, 1);
	IS_TEXT(a.one_process[0], "/game-*");
	ck_assert(a.hears_handshakes && a.hears_refusals);
	ck_assert_int_eq(app_record_put(&to, &a), 0);
	IS_TEXT(buf_slice(&to), ALL);

	buf_clear(&to);
	ck_assert_int_eq(app_record_put(&to, &(struct app_record){ .partitions = 1 }), 0);
	IS_TEXT(buf_slice(&to), "{\"v\":1,\"partitions\":1,\"namespaces\":[],\"one_process\":[]}");
	a = app_of(buf_slice(&to).at ? arena_copy(&arena, to.at, to.size) : "");
	ck_assert(!a.hears_handshakes && !a.hears_refusals && a.n_namespaces == 0 && a.n_one_process == 0);
	buf_fini(&to);
}
END_TEST

START_TEST(what_is_no_application_is_refused)
{
	IS_STR(fault("5"), "the record is no map");
	IS_STR(fault("{\"v\":1"), "malformed JSON");
	IS_STR(fault("{\"partitions\":1}"), "a record without a version");
	IS_STR(fault("{\"v\":2,\"partitions\":1}"), "a record of another version");
	IS_STR(fault("{\"v\":1}"), "partitions is no number from 1 to 1024");
	IS_STR(fault("{\"v\":1,\"partitions\":0}"), "partitions is no number from 1 to 1024");
	IS_STR(fault("{\"v\":1,\"partitions\":1024}"), "");
	IS_STR(fault("{\"v\":1,\"partitions\":1025}"), "partitions is no number from 1 to 1024");
	IS_STR(fault("{\"v\":1,\"partitions\":\"4\"}"), "partitions is no number from 1 to 1024");
	IS_STR(fault("{\"v\":1,\"partitions\":1,\"namespaces\":\"/\"}"), "namespaces are no array of patterns");
	IS_STR(fault("{\"v\":1,\"partitions\":1,\"namespaces\":[1]}"), "namespaces are no array of patterns");
	IS_STR(fault("{\"v\":1,\"partitions\":1,\"namespaces\":[\"\"]}"), "namespaces are no array of patterns");
	IS_STR(fault("{\"v\":1,\"partitions\":1,\"namespaces\":[\"chat\"]}"), "namespaces are no array of patterns");
	IS_STR(fault("{\"v\":1,\"partitions\":1,\"namespaces\":[\"/a*b\"]}"), "namespaces are no array of patterns");
	IS_STR(fault("{\"v\":1,\"partitions\":1,\"namespaces\":[\"*b\"]}"), "namespaces are no array of patterns");
	IS_STR(fault("{\"v\":1,\"partitions\":1,\"namespaces\":[\"/a,b\"]}"), "namespaces are no array of patterns");
	IS_STR(fault("{\"v\":1,\"partitions\":1,\"one_process\":[\"chat\"]}"), "one_process is no array of patterns");
	IS_STR(fault("{\"v\":1,\"partitions\":1,\"hears_handshakes\":1}"),
		"hears_handshakes is neither true nor false");
	IS_STR(fault("{\"v\":1,\"partitions\":1,\"hears_refusals\":\"\"}"), "hears_refusals is neither true nor false");
	IS_STR(fault("{\"v\":1,\"partitions\":1,\"more\":{\"a\":[]},\"hears_refusals\":null}"), "");
}
END_TEST

START_TEST(a_namespace_is_known_by_name_or_pattern)
{
	struct app_record a = app_of("{\"v\":1,\"partitions\":4,\"namespaces\":[\"/\",\"/chat\",\"/game-*\"]}");

	ck_assert(app_record_has_namespace(&a, SLICE("/")));
	ck_assert(app_record_has_namespace(&a, SLICE("/chat")));
	ck_assert(!app_record_has_namespace(&a, SLICE("/chat2")));
	ck_assert(!app_record_has_namespace(&a, SLICE("/cha")));
	ck_assert(app_record_has_namespace(&a, SLICE("/game-")));
	ck_assert(app_record_has_namespace(&a, SLICE("/game-7")));
	ck_assert(!app_record_has_namespace(&a, SLICE("/game")));
	ck_assert(!app_record_has_namespace(&a, SLICE("/other")));
	a = app_of("{\"v\":1,\"partitions\":4,\"namespaces\":[\"*\"]}");
	ck_assert(app_record_has_namespace(&a, SLICE("/other")));
	ck_assert(!app_record_has_namespace(&(struct app_record){ .partitions = 1 }, SLICE("/")));
}
END_TEST

/* Numbers that any other implementation must come to (FNV-1a: "" 811c9dc5, "a" e40c292c, "foobar" bf9cf968). */
START_TEST(partitions_are_the_same_for_everybody)
{
	struct app_record a = app_of("{\"v\":1,\"partitions\":1000,\"one_process\":[\"/game-*\"]}");

	ck_assert_uint_eq(app_record_partition(&a, SLICE("/"), SLICE("")), 0x811c9dc5u % 1000);
	ck_assert_uint_eq(app_record_partition(&a, SLICE("/"), SLICE("a")), 0xe40c292cu % 1000);
	ck_assert_uint_eq(app_record_partition(&a, SLICE("/chat"), SLICE("foobar")), 0xbf9cf968u % 1000);
	ck_assert_uint_eq(app_record_partition(&a, SLICE("/game-1"), SLICE("foobar")),
		app_record_partition(&a, SLICE("/game-1"), SLICE("a")));
	ck_assert_uint_eq(app_record_partition(&a, SLICE("/game-1"), SLICE("foobar")),
		app_record_partition(&a, SLICE("/"), SLICE("/game-1")));
	ck_assert_uint_eq(app_record_partition(&(struct app_record){ 0 }, SLICE("/"), SLICE("a")), 0);
}
END_TEST

START_TEST(partitions_are_evenly_used)
{
	struct app_record a = { .partitions = 16 };
	unsigned used[16] = { 0 };

	for (unsigned i = 0; i < 16000; i++) {
		const char *sid = "";
		struct buf to = BUF_INIT;

		buf_printf(&to, "%08xQx_-%05d", i * 2654435761u, (int)i);
		sid = arena_copy(&arena, to.at, to.size);
		used[app_record_partition(&a, SLICE("/"), slice_str(sid))]++;
		buf_fini(&to);
	}
	for (unsigned p = 0; p < 16; p++)
		ck_assert_msg(used[p] > 850 && used[p] < 1150, "%u: %u", p, used[p]);
}
END_TEST

TCase *apps_cases(void)
{
	TCase *t = tcase_create("apps");

	tcase_add_test(t, an_application_is_written_and_read);
	tcase_add_test(t, what_is_no_application_is_refused);
	tcase_add_test(t, a_namespace_is_known_by_name_or_pattern);
	tcase_add_test(t, partitions_are_the_same_for_everybody);
	tcase_add_test(t, partitions_are_evenly_used);
	return t;
}
