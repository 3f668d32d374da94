/* streams_cases.c - see streams_cases.h: entries, and what is pending. */
#include "streams_cases.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "alloc.h"

/* Entries #1 to #n of stream s, to be given to consumer c of a. */
static void give(size_t n)
{
	stage_create("s");
	for (size_t i = 1; i <= n; i++) {
		char text[64];

		snprintf(text, sizeof(text), "r%zu", i);
		ASK(a, add, S("s"), S(text), 1000);
		snprintf(text, sizeof(text), "add=1 #%zu;", i);
		stage_hears(text);
	}
	stage_read(stage.a, "c", "s", n);
}

START_TEST(every_function_is_there)
{
	typedef void (*any_fn)(void);
	any_fn fns[sizeof(struct streams_ops) / sizeof(any_fn)];

	stage_begin();
	memcpy(fns, stage.a->ops, sizeof(fns));
	for (size_t i = 0; i < sizeof(fns) / sizeof(fns[0]); i++)
		ck_assert_msg(fns[i] != NULL, "function %zu of streams_ops", i);
	stage_end();
}
END_TEST

/* --- Entries ------------------------------------------------------------------------------------------------------ */

START_TEST(entries_are_appended_up_to_a_bound)
{
	stage_begin();
	ASK(a, add, S("s"), S("one"), 2);
	stage_hears("add=1 #1;");
	ASK(a, add, S("s"), S("two"), 2);
	ASK(a, add, S("s"), S("three"), 2);
	ASK(a, length, S("s"));
	ASK(a, length, S("none"));
	stage_hears("add=1 #2;add=0;length=2;length=0;");
	ASK(a, find, S("s"), stage_id(1));
	ASK(a, find, S("s"), S("1700000000000-7"));
	ASK(a, find, S("none"), stage_id(1));
	stage_hears("find=1;find=0;find=0;");
	ASK(a, add, S("s"), S("none at all"), 0);
	stage_hears("add=0;");
	stage_end();
}
END_TEST

START_TEST(notes_have_fields_and_the_oldest_go)
{
	const struct slice pairs[] = { S("record"), S("{}"), S("reason"), S("") };

	stage_begin();
	stage_create("s");
	for (int i = 0; i < 3; i++)
		ASK(a, note, S("s"), pairs, 2, 2);
	ASK(a, length, S("s"));
	stage_hears("note=1 #1;note=1 #2;note=1 #3;length=2;");
	stage_read(stage.a, "c", "s", 10); /* of ours there is no field */
	stage_hears("a s #2  x1;a s #3  x1;a end 0;");
	stage_end();
}
END_TEST

START_TEST(any_bytes_and_many)
{
	size_t size = 1000000;
	char *large = must_alloc(size);

	memset(large, 'x', size);
	memcpy(large, "\0\r\n\xff{", 5);
	stage_begin();
	stage_create("s");
	ASK(a, add, S("s"), slice_of(large, size), 10);
	ASK(a, add, S("s"), slice_of(NULL, 0), 10);
	ASK(a, add, S("s"), slice_of("a\0b", 3), 10);
	stage_hears("add=1 #1;add=1 #2;add=1 #3;");
	stage_read(stage.a, "c", "s", 10);
	stage_hears("a s #1 of 1000000 x1;a s #2  x1;a s #3 a");
	stage_end();
	free(large);
}
END_TEST

/* --- Reading ------------------------------------------------------------------------------------------------------ */

START_TEST(reading_gives_each_entry_to_one)
{
	struct slice both[] = { S("s"), S("t") };

	stage_begin();
	stage_add(stage.a, "s", "early");
	ASK(a, create, S("s"));
	ASK(a, create, S("s"));
	ASK(a, create, S("t"));
	stage_hears("create=1;create=0;create=1;");
	stage_add(stage.a, "s", "two");
	stage_add(stage.a, "t", "three");
	stage_add(stage.a, "s", "four");
	ASK(a, length, S("t"));
	stage_hears("length=1;");
	ck_assert_int_eq(stage.a->ops->read(stage.a, S("c"), both, 2, 2, 60000), 0);
	ck_assert_int_eq(stage.a->ops->read(stage.a, S("c"), both, 2, 2, 60000), -EBUSY);
	stage_hears("a s #1 early x1;a s #2 two x1;a t - three x1;a end 0;");
	stage_read(stage.b, "d", "s", 9);
	stage_hears("b s #3 four x1;b end 0;");
	stage_read(stage.a, "c", "s", 9);
	stage_hears("a end 0;");
	ck_assert_int_eq(stage.a->ops->read(stage.a, S("c"), both, 2, 2, 20), 0);
	stage_hears("a end 0;");
	stage_end();
}
END_TEST

START_TEST(reading_waits)
{
	struct slice both[] = { S("s"), S("t") };

	stage_begin();
	stage_create("s");
	stage_create("t");
	ck_assert_int_eq(stage.a->ops->read(stage.a, S("c"), both, 2, 2, 30000), 0);
	ASK(a, length, S("s"));
	stage_hears("length=0;"); /* other things go on */
	stage_add(stage.b, "t", "one");
	stage_hears("a t - one x1;a end 0;");
	stage_end();
}
END_TEST

START_TEST(reading_without_a_group)
{
	stage_begin();
	stage_read(stage.a, "c", "none", 1);
	stage_hears("a end -2;");
	stage_add(stage.a, "s", "one");
	ASK(a, length, S("s"));
	stage_hears("length=1;");
	stage_read(stage.a, "c", "s", 1);
	stage_hears("a end -2;");
	stage_create("s");
	stage_read(stage.a, "c", "s", 1);
	stage_hears("a s #1 one x1;a end 0;");
	stage_end();
}
END_TEST

/* --- Pending entries ---------------------------------------------------------------------------------------------- */

START_TEST(acknowledged_once)
{
	stage_begin();
	give(2);
	stage_hears("a s #1 r1 x1;a s #2 r2 x1;a end 0;");
	ASK(b, ack, S("s"), stage_id(1));
	ASK(b, ack, S("s"), stage_id(1));
	ASK(b, ack, S("none"), stage_id(1));
	ASK(b, find, S("s"), stage_id(1));
	stage_hears("ack=1;ack=0;ack=0;find=0;");
	ASK(a, add, S("s"), S("not given"), 1000);
	stage_hears("add=1 #3;");
	ASK(b, ack, S("s"), stage_id(3)); /* and is not given any more */
	ASK(b, length, S("s"));
	stage_hears("ack=0;length=1;");
	stage_read(stage.a, "c", "s", 9);
	stage_hears("a end 0;");
	stage_end();
}
END_TEST

START_TEST(taken_over_in_order)
{
	stage_begin();
	give(5);
	stage_hears("a s #1 r1 x1;a s #2 r2 x1;a s #3 r3 x1;a s #4 r4 x1;a s #5 r5 x1;a end 0;");
	ASK(b, claim, S("d"), S("s"), S(""), 2);
	stage_hears("b s #1 r1 x1;b s #2 r2 x1;claim=2;");
	ASK(b, claim, S("d"), S("s"), stage_id(2), 2);
	stage_hears("b s #3 r3 x1;b s #4 r4 x1;claim=2;");
	ASK(b, claim, S("d"), S("s"), stage_id(4), 2);
	ASK(b, claim, S("d"), S("s"), stage_id(5), 2);
	stage_hears("b s #5 r5 x1;claim=1;claim=0;");
	ASK(b, take, S("d"), S("s"), stage_id(3));
	ASK(b, take, S("c"), S("s"), stage_id(3));
	stage_hears("b s #3 r3 x2;take=1;b s #3 r3 x3;take=1;");
	ASK(b, claim, S("d"), S("s"), stage_id(2), 1); /* which counts nothing */
	stage_hears("b s #3 r3 x3;claim=1;");
	ASK(b, claim, S("d"), S("none"), S(""), 2);
	stage_hears("claim=-2;");
	stage_end();
}
END_TEST

START_TEST(what_was_removed_is_not_taken_over)
{
	const struct slice pairs[] = { S("e"), S("last") };

	stage_begin();
	give(4);
	stage_hears("a s #1 r1 x1;a s #2 r2 x1;a s #3 r3 x1;a s #4 r4 x1;a end 0;");
	ASK(a, note, S("s"), pairs, 1, 2); /* #1 to #3 go, pending as they are */
	stage_hears("note=1 #5;");
	ASK(b, take, S("d"), S("s"), stage_id(3));
	ASK(b, claim, S("d"), S("s"), S(""), 2);
	stage_hears("take=0;b s #4 r4 x1;claim=1;");
	ASK(b, take, S("d"), S("s"), stage_id(5)); /* nobody was given that */
	ASK(b, take, S("d"), S("none"), stage_id(5));
	ASK(b, pending, S("s"), S(""), 9, NULL);
	stage_hears("take=0;take=0;pending=1;");
	stage_end();
}
END_TEST

static void on_id(void *to, struct slice text)
{
	buf_printf(&stage.heard, "%s ", (const char *)to);
	stage_add_text(text);
	buf_add_char(&stage.heard, ';');
}

START_TEST(what_is_pending)
{
	stage_begin();
	give(3);
	stage_hears("a s #1 r1 x1;a s #2 r2 x1;a s #3 r3 x1;a end 0;");
	ASK(b, ack, S("s"), stage_id(2));
	ASK(b, pending, S("s"), S(""), 9, on_id);
	ASK(b, pending, S("s"), S(""), 1, on_id);
	ASK(b, pending, S("s"), stage_id(1), 9, on_id);
	ASK(b, pending, S("s"), stage_id(3), 9, on_id);
	ASK(b, pending, S("none"), S(""), 9, on_id);
	stage_hears("ack=1;pending #1;pending #3;pending=2;pending #1;pending=1;pending #3;pending=1;"
		    "pending=0;pending=0;");
	stage_end();
}
END_TEST

START_TEST(who_leaves_has_nothing)
{
	stage_begin();
	give(1);
	stage_hears("a s #1 r1 x1;a end 0;");
	ASK(a, leave, S("c"), S("s"));
	ASK(a, ack, S("s"), stage_id(1));
	ASK(a, leave, S("c"), S("s"));
	ASK(a, leave, S("c"), S("none"));
	stage_hears("leave=0;ack=1;leave=1;leave=1;");
	stage_end();
}
END_TEST

/* ------------------------------------------------------------------------------------------------------------------ */

void stage_add_cases(Suite *s, const struct stage_case *cases, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		TCase *tc = tcase_create(cases[i].name);

		tcase_set_timeout(tc, 60);
		tcase_add_test(tc, cases[i].test);
		suite_add_tcase(s, tc);
	}
}

Suite *streams_cases(const char *name)
{
	const struct stage_case cases[] = {
		STAGE_CASE(every_function_is_there),
		STAGE_CASE(entries_are_appended_up_to_a_bound),
		STAGE_CASE(notes_have_fields_and_the_oldest_go),
		STAGE_CASE(any_bytes_and_many),
		STAGE_CASE(reading_gives_each_entry_to_one),
		STAGE_CASE(reading_waits),
		STAGE_CASE(reading_without_a_group),
		STAGE_CASE(acknowledged_once),
		STAGE_CASE(taken_over_in_order),
		STAGE_CASE(what_was_removed_is_not_taken_over),
		STAGE_CASE(what_is_pending),
		STAGE_CASE(who_leaves_has_nothing),
	};
	Suite *s = suite_create(name);

	stage_add_cases(s, cases, sizeof(cases) / sizeof(cases[0]));
	stage_add_cases_of_keys(s);
	return s;
}
