/* streams_cases_keys.c - see streams_cases.h: keys, hashes, channels; what becomes of links and servers. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "alloc.h"
#include "streams_cases.h"

/* --- Keys --------------------------------------------------------------------------------------------------------- */

START_TEST(leases)
{
	stage_begin();
	ASK(a, claim_key, S("k"), S("a"), 60000);
	ASK(a, claim_key, S("k"), S("a"), 60000);
	stage_hears("claim_key=1;claim_key=1;");
	ASK(b, claim_key, S("k"), S("b"), 60000);
	ASK(b, release_key, S("k"), S("b"));
	ASK(b, get, S("k"));
	ASK(b, release_key, S("k"), S("a"));
	ASK(b, release_key, S("k"), S("a"));
	ASK(b, get, S("k"));
	ASK(b, claim_key, S("k"), S("b"), 60000);
	stage_hears("claim_key=0 a;release_key=0;get=1 a;release_key=1;release_key=0;get=0;claim_key=1;");
	stage_end();
}
END_TEST

static bool is_gone(void *ctx)
{
	struct slice gone = S(ctx), heard = buf_slice(&stage.heard);
	size_t from = heard.size > gone.size ? heard.size - gone.size : 0;

	if (slice_equal(slice_from(heard, from), gone))
		return true;
	if (stage.heard.size == 0 || stage.heard.at[stage.heard.size - 1] == '.')
		return false;
	buf_add_char(&stage.heard, '.');
	ck_assert_int_eq(stage.b->ops->get(stage.b, S("k"), stage_answer, stage_named("get")), 0);
	return false;
}

START_TEST(leases_run_out)
{
	stage_begin();
	ASK(a, claim_key, S("k"), S("a"), 100000);
	ASK(a, claim_key, S("k"), S("a"), 30); /* the last says how long */
	ASK(b, length, S("none"));
	stage_wait(is_gone, stage_named("get=0;"), "the key to go");
	buf_clear(&stage.heard);
	ASK(a, put, S("k"), S("v"), 30);
	ASK(a, put, S("for ever"), S("v"), 0);
	ASK(b, length, S("none"));
	stage_wait(is_gone, stage_named("get=0;"), "the key to go");
	buf_clear(&stage.heard);
	ASK(a, get, S("for ever"));
	stage_hears("get=1 v;");
	stage_end();
}
END_TEST

struct listed {
	int n, right;
};
static struct listed listed;

static void on_name(void *to, struct slice name, struct slice value)
{
	(void)to;
	listed.n++;
	listed.right += slice_equal(value, slice_from(name, 1));
}

static void put_and_enlist(const char *name, int64_t ttl_ms)
{
	char key[32];

	snprintf(key, sizeof(key), "x:%s", name);
	ck_assert_int_eq(stage.a->ops->put(stage.a, S(key), S(name + 1), ttl_ms, NULL, NULL), 0);
	ck_assert_int_eq(stage.a->ops->enlist(stage.a, S("xs"), S("x:"), S(name), NULL, NULL), 0);
}

START_TEST(names_are_listed)
{
	char name[16];

	stage_begin();
	ASK(a, list, S("xs"), S("x:"), on_name);
	stage_hears("list=0;");
	for (int i = 0; i < 50; i++) {
		snprintf(name, sizeof(name), "%c%d", "*?[]\\"[i % 5], i);
		put_and_enlist(name, 60000);
	}
	ck_assert_int_eq(stage.a->ops->put(stage.a, S("x:aaa"), S("not listed"), 0, NULL, NULL), 0);
	listed = (struct listed){ 0 };
	ASK(b, length, S("none"));
	stage_hears("length=0;");
	ASK(a, list, S("xs"), S("x:"), on_name);
	stage_hears("list=50;");
	ck_assert_int_eq(listed.n, 50);
	ck_assert_int_eq(listed.right, 50);
	stage_end();
}
END_TEST

/* Whoever asks takes them off; their owners come back with their next renewal. */
START_TEST(names_without_keys_are_taken_off)
{
	stage_begin();
	put_and_enlist("one", 60000);
	put_and_enlist("two", 60000);
	ASK(a, enlist, S("xs"), S("x:"), S("one"));
	ASK(a, release_key, S("x:two"), S("wo"));
	listed = (struct listed){ 0 };
	ASK(a, list, S("xs"), S("x:"), on_name);
	stage_hears("enlist=0;release_key=1;list=1;");
	ck_assert_int_eq(listed.right, 1);
	ASK(a, put, S("x:two"), S("wo"), 60000);
	ASK(a, list, S("xs"), S("x:"), on_name);
	ASK(a, enlist, S("xs"), S("x:"), S("two"));
	ASK(a, list, S("xs"), S("x:"), on_name);
	stage_hears("put=1;list=1;enlist=1;list=2;");
	ASK(a, enlist, S("xs"), S("x:"), S("never had one"));
	ASK(a, enlist, S("xs"), S("x:"), S("never had one"));
	stage_hears("enlist=1;enlist=1;"); /* it took itself off */
	stage_end();
}
END_TEST

START_TEST(values_of_any_size)
{
	char *large = must_alloc(500000);

	memset(large, 'y', 500000);
	stage_begin();
	ASK(a, put, S("k"), slice_of(large, 500000), 0);
	ASK(a, get, S("none"));
	ASK(a, put, S("empty"), S(""), 0);
	ASK(a, get, S("empty"));
	stage_hears("put=1;get=0;put=1;get=1;");
	ASK(b, get, S("k"));
	stage_hears("get=1 of 500000;");
	stage_end();
	free(large);
}
END_TEST

START_TEST(fields)
{
	stage_begin();
	ASK(a, field_put, S("h"), S("f"), S("v"));
	ASK(a, field_put, S("h"), S("f"), S("w"));
	stage_hears("field_put=1;field_put=0;");
	ASK(b, field_get, S("h"), S("f"));
	ASK(b, field_get, S("h"), S("g"));
	ASK(b, field_get, S("none"), S("g"));
	ASK(b, field_drop, S("h"), S("f"));
	ASK(b, field_drop, S("h"), S("f"));
	ASK(b, field_get, S("h"), S("f"));
	stage_hears("field_get=1 w;field_get=0;field_get=0;field_drop=1;field_drop=0;field_get=0;");
	stage_end();
}
END_TEST

enum { FIELDS = 700 };
static bool seen[FIELDS];

static void on_field(void *to, struct slice field, struct slice value)
{
	char digits[16] = "";

	(void)to;
	ck_assert(slice_equal(slice_from(field, 1), value) && value.size < sizeof(digits));
	memcpy(digits, value.at, value.size);
	seen[atoi(digits)] = true;
}

static int64_t cursor;

static void on_scanned(void *to, int64_t now_ms, int64_t result, struct slice text)
{
	(void)now_ms;
	(void)text;
	ck_assert_int_ge(result, 0);
	cursor = result;
	if (result == 0)
		buf_add_str(&stage.heard, "all;");
	else
		ck_assert_int_eq(
			stage.a->ops->field_scan(stage.a, S("h"), (uint64_t)result, on_field, on_scanned, to), 0);
}

START_TEST(fields_are_scanned)
{
	char field[16];

	stage_begin();
	for (int i = 0; i < FIELDS; i++) {
		snprintf(field, sizeof(field), "f%d", i);
		ck_assert_int_eq(stage.a->ops->field_put(stage.a, S("h"), S(field), S(field + 1), NULL, NULL), 0);
		seen[i] = false;
	}
	cursor = -1;
	ck_assert_int_eq(stage.a->ops->field_scan(stage.a, S("h"), 0, on_field, on_scanned, NULL), 0);
	stage_hears("all;");
	for (int i = 0; i < FIELDS; i++)
		ck_assert(seen[i]);
	ck_assert_int_eq(stage.a->ops->field_scan(stage.a, S("none"), 0, on_field, on_scanned, NULL), 0);
	stage_hears("all;");
	stage_end();
}
END_TEST

START_TEST(a_field_becomes_an_entry)
{
	stage_begin();
	stage_create("s");
	ASK(a, field_put, S("h"), S("f"), S("v"));
	ASK(a, put, S("k"), S("v"), 0);
	ASK(a, field_to_entry, S("k"), S("h"), S("f"), S("s"), S("not while it is there"));
	ASK(a, field_to_entry, S("l"), S("h"), S("g"), S("s"), S("none"));
	ASK(a, field_to_entry, S("l"), S("h"), S("f"), S("s"), S("one"));
	ASK(a, field_to_entry, S("l"), S("h"), S("f"), S("s"), S("two"));
	ASK(a, field_get, S("h"), S("f"));
	stage_hears(
		"field_put=1;put=1;field_to_entry=0;field_to_entry=0;field_to_entry=1;field_to_entry=0;field_get=0;");
	stage_read(stage.a, "c", "s", 9);
	stage_hears("a s #1 one x1;a end 0;");
	stage_end();
}
END_TEST

/* --- Channels ----------------------------------------------------------------------------------------------------- */

START_TEST(channels)
{
	stage_begin();
	ASK(a, publish, S("c"), S("nobody"));
	stage_hears("publish=0;");
	stage.shows = "ab";
	stage.b->ops->listen(stage.b, S("c"));
	stage.b->ops->listen(stage.b, S("c"));
	stage_hears("b listening;");
	ASK(a, publish, S("d"), S("nobody"));
	ASK(a, publish, S("c"), S("one"));
	stage_hears("publish=0;publish=1;");
	stage_hears_message("b heard c one;");
	stage.b->ops->listen(stage.b, S("d"));
	stage_hears("b listening;");
	stage_cut(stage.b);
	stage_hears("b down;b up;b listening;");
	ASK(a, publish, S("d"), S("two"));
	stage_hears("publish=1;");
	stage_hears_message("b heard d two;");
	stage_end();
}
END_TEST

/* --- What becomes of links and servers ---------------------------------------------------------------------------- */

START_TEST(a_link_that_breaks)
{
	struct slice s = S("s");

	stage_begin();
	stage_create("s");
	stage.shows = "ab";
	ck_assert_int_eq(stage.a->ops->read(stage.a, S("c"), &s, 1, 1, 0), 0);
	stage_hears("a end 0;");
	ck_assert_int_eq(stage.a->ops->read(stage.a, S("c"), &s, 1, 1, 500), 0);
	stage_cut(stage.a);
	stage_hears("a end -107;a down;a up;");
	ck_assert_int_eq(stage.a->ops->read(stage.a, S("c"), &s, 1, 1, 30000), 0);
	stage_add(stage.b, "s", "one");
	stage_hears("a s #1 one x1;a end 0;");
	stage_end();
}
END_TEST

START_TEST(a_server_that_forgets)
{
	stage_begin();
	stage_create("s");
	stage.shows = "a";
	ck_assert_int_eq(stage.a->ops->put(stage.a, S("k"), S("v"), 0, NULL, NULL), 0);
	ASK(a, get, S("k"));
	stage_hears("get=1 v;");
	stage_restart();
	stage_hears("a down;a up fresh;");
	stage_read(stage.a, "c", "s", 1);
	stage_hears("a end -2;");
	ASK(a, get, S("k"));
	stage_hears("get=0;");
	stage_end();
}
END_TEST

static void asks_again(void *to, int64_t now_ms, int64_t result, struct slice text)
{
	int *depth = to;

	(void)text;
	(void)now_ms;
	ck_assert_int_eq(result, 0);
	buf_printf(&stage.heard, "%d;", *depth);
	if (--*depth > 0)
		ck_assert_int_eq(stage.a->ops->length(stage.a, S("none"), asks_again, to), 0);
}

START_TEST(an_answer_may_ask)
{
	int depth = 3;

	stage_begin();
	ck_assert_int_eq(stage.a->ops->length(stage.a, S("none"), asks_again, &depth), 0);
	ck_assert_uint_eq(stage.heard.size, 0); /* and never at once */
	stage_hears("3;2;1;");
	stage_end();
}
END_TEST

/* ------------------------------------------------------------------------------------------------------------------ */

void stage_add_cases_of_keys(Suite *s)
{
	const struct stage_case cases[] = {
		STAGE_CASE(leases),
		STAGE_CASE(leases_run_out),
		STAGE_CASE(names_are_listed),
		STAGE_CASE(names_without_keys_are_taken_off),
		STAGE_CASE(values_of_any_size),
		STAGE_CASE(fields),
		STAGE_CASE(fields_are_scanned),
		STAGE_CASE(a_field_becomes_an_entry),
		STAGE_CASE(channels),
		STAGE_CASE(a_link_that_breaks),
		STAGE_CASE(a_server_that_forgets),
		STAGE_CASE(an_answer_may_ask),
	};

	stage_add_cases(s, cases, sizeof(cases) / sizeof(cases[0]));
}
