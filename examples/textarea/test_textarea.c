/*
 * test_textarea.c - the text area's tests: people who edit one text at once, and what each of them is told.
 *
 *	cc -o test_textarea test_textarea.c $(pkg-config --cflags --libs stoa-test check) && ./test_textarea
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include <stoa_test.h>

enum { TEXTS = 32, MAX_TEXT = 16 * 1024, KEPT = 200 };

/* Two values are the same when they are the same JSON. */
#define SAME(got, want) \
	do { \
		struct stoa_value got_ = (got), want_ = (want); \
		ck_assert_str_eq(stoa_to_json(got_), stoa_to_json(want_)); \
	} while (0)

/* GOT(client, event, arguments...): the next event that the client received. */
#define GOT(client, event, ...) \
	SAME(stoa_test_received(client), stoa_object("name", event, "args", stoa_array(__VA_ARGS__), "namespace", "/"))

#define GOT_NOTHING(client)        ck_assert(stoa_type(stoa_test_received(client)) == STOA_NULL)
#define GOT_PEOPLE(client, number) GOT(client, "people", stoa_object("count", number))

/* OPENED(client, room, revision, text): the client opens the room's text and finds this. */
#define OPENED(client, name, number, content) \
	SAME(stoa_test_call(client, "open", stoa_object("room", name)), \
		stoa_array(stoa_object("revision", number, "text", content)))

/* EDITED(client, revision, new revision, parts...): the client edits what it has, which makes a new revision. */
#define EDITED(client, before, after, ...) \
	SAME(call_edit(client, before, stoa_array(__VA_ARGS__)), stoa_array(stoa_object("revision", after)))

#define FAILED(answer, message) SAME(answer, stoa_array(stoa_object("error", message)))

/* READ(value, place): reads what is there, and of the place's type. */
#define READ(value, place) \
	do { \
		int status_ = stoa_read((value), place); \
		ck_assert_int_eq(status_, 0); \
	} while (0)

static struct stoa_test *t;
static struct stoa_test_client *ada, *bob;

static void open_textarea(void)
{
	t = stoa_test_open("./textarea.so", NULL);
	ada = stoa_test_connect(t);
	bob = stoa_test_connect(t);
}

static void close_textarea(void)
{
	stoa_test_close(t);
}

static struct stoa_value call_edit(struct stoa_test_client *c, int64_t revision, struct stoa_value edit)
{
	return stoa_test_call(c, "edit", stoa_object("revision", revision, "edit", edit));
}

/* Both have a text open that Ada has made, and have read all that they were told. */
static void share(const char *room, const char *text)
{
	OPENED(ada, room, 0, "");
	EDITED(ada, 0, 1, text);
	OPENED(bob, room, 1, text);
	while (stoa_type(stoa_test_received(ada)) != STOA_NULL)
		;
	while (stoa_type(stoa_test_received(bob)) != STOA_NULL)
		;
}

/* --- People ------------------------------------------------------------------------------------------------------- */

START_TEST(people_are_counted_as_they_come_and_go)
{
	struct stoa_test_client *eve = stoa_test_connect(t);

	OPENED(ada, "tea", 0, "");
	GOT_PEOPLE(ada, 1);
	OPENED(bob, "tea", 0, "");
	OPENED(eve, "tea", 0, "");
	GOT_PEOPLE(ada, 2);
	GOT_PEOPLE(ada, 3);
	GOT_PEOPLE(bob, 2);
	GOT_PEOPLE(bob, 3);
	GOT_PEOPLE(eve, 3);
	stoa_test_disconnect(bob);
	GOT_PEOPLE(ada, 2);
	stoa_test_drop(eve);
	GOT_PEOPLE(ada, 1);
	GOT_NOTHING(ada);
	GOT_NOTHING(bob);
}
END_TEST

START_TEST(who_opens_another_text_leaves_the_first)
{
	share("tea", "green");
	OPENED(bob, "coffee", 0, "");
	GOT_PEOPLE(ada, 1);
	GOT_PEOPLE(bob, 1);
	EDITED(bob, 0, 1, "black");
	EDITED(ada, 1, 2, "very ");
	GOT_NOTHING(ada);
	GOT_NOTHING(bob);
}
END_TEST

START_TEST(opening_a_text_again_shows_it_as_it_is_and_counts_once)
{
	share("tea", "green");
	EDITED(bob, 1, 2, 5, " tea");
	OPENED(bob, "tea", 2, "green tea");
	GOT_NOTHING(bob);
	stoa_test_disconnect(bob);
	GOT(ada, "edit", stoa_object("revision", 2, "edit", stoa_array(5, " tea")));
	GOT_PEOPLE(ada, 1);
}
END_TEST

START_TEST(a_text_stays_when_everybody_has_left)
{
	share("tea", "green");
	stoa_test_disconnect(ada);
	stoa_test_drop(bob);
	stoa_test_pass(t, 3600 * 1000);
	OPENED(stoa_test_connect(t), "tea", 1, "green");
}
END_TEST

START_TEST(a_place_is_found_for_a_new_text_while_one_is_not_looked_at)
{
	struct stoa_test_client *others[TEXTS], *late = stoa_test_connect(t);

	share("tea", "green");
	stoa_test_disconnect(ada);
	for (int i = 1; i < TEXTS; i++) {
		others[i] = stoa_test_connect(t);
		OPENED(others[i], stoa_format("text %d", i), 0, "");
	}
	FAILED(stoa_test_call(late, "open", stoa_object("room", "one more")), "too many texts are open");
	FAILED(call_edit(late, 0, stoa_array("a")), "no text is open");
	OPENED(late, "tea", 1, "green");

	stoa_test_disconnect(late);
	stoa_test_disconnect(bob);
	OPENED(others[1], "one more", 0, ""); /* in the place of the tea */
	OPENED(others[2], "tea", 0, "");      /* in the place of the first one's */
}
END_TEST

/* --- Editing ------------------------------------------------------------------------------------------------------ */

START_TEST(the_others_get_an_edit_and_who_made_it_the_revision)
{
	share("tea", "green tea");
	EDITED(ada, 1, 2, -5, "black");
	GOT(bob, "edit", stoa_object("revision", 2, "edit", stoa_array(-5, "black")));
	EDITED(bob, 2, 3, 9, ", hot");
	GOT(ada, "edit", stoa_object("revision", 3, "edit", stoa_array(9, ", hot")));
	GOT_NOTHING(ada);
	GOT_NOTHING(bob);
	OPENED(stoa_test_connect(t), "tea", 3, "black tea, hot");
}
END_TEST

START_TEST(who_comes_late_has_the_text_and_then_every_edit)
{
	struct stoa_test_client *late = stoa_test_connect(t);

	share("tea", "green");
	EDITED(bob, 1, 2, 5, "!");
	OPENED(late, "tea", 2, "green!");
	EDITED(ada, 1, 3, "so "); /* made before she saw the second */
	GOT_PEOPLE(late, 3);
	GOT(late, "edit", stoa_object("revision", 3, "edit", stoa_array("so ")));
	GOT_NOTHING(late);
	EDITED(late, 3, 4, -3);
	OPENED(late, "tea", 4, "green!");
}
END_TEST

START_TEST(characters_are_code_points)
{
	share("tea", "\xC3\xA9\xF0\x9F\x8D\xB5z"); /* e acute, a cup, z */
	EDITED(ada, 1, 2, 2, "\xE2\x82\xAC");
	EDITED(bob, 1, 3, 1, -1, 1, "!");
	GOT(ada, "edit", stoa_object("revision", 3, "edit", stoa_array(1, -1, 2, "!")));
	OPENED(ada, "tea", 3, "\xC3\xA9\xE2\x82\xACz!");
}
END_TEST

/* Two edits of one revision. Whichever comes first, the text is the same in the end. */
START_TEST(two_edits_at_once_make_one_text)
{
	static const struct {
		const char *a, *b, *text;
	} cases[] = {
		{ "[\"x\"]", "[10,\"y\"]", "x0123456789y" },
		{ "[3,\"x\"]", "[5,-2]", "012x34789" },
		{ "[3,\"x\"]", "[1,-4]", "0x56789" },
		{ "[3,\"x\"]", "[1,-4,\"y\"]", "0xy56789" },
		{ "[-10]", "[4,\"y\"]", "y" },
		{ "[2,-4]", "[4,-4]", "0189" },
		{ "[2,-4]", "[2,-4]", "016789" },
		{ "[2,-6]", "[3,-2]", "0189" },
		{ "[1,\"ab\",3,-2,\"c\"]", "[2,-1,\"d\",4,\"e\"]", "0ab1d3c6e789" },
		{ "[1,-1,1,-1,1,-1]", "[-1,1,-1,1,-1]", "6789" },
		{ "[]", "[-3]", "3456789" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		for (int turned = 0; turned < 2; turned++) {
			const char *room = stoa_format("%zu%s", i, turned ? " turned" : "");

			share(room, "0123456789");
			SAME(call_edit(ada, 1, stoa_json(turned ? cases[i].b : cases[i].a)),
				stoa_array(stoa_object("revision", 2)));
			SAME(call_edit(bob, 1, stoa_json(turned ? cases[i].a : cases[i].b)),
				stoa_array(stoa_object("revision", 3)));
			OPENED(bob, room, 3, cases[i].text);
		}
}
END_TEST

START_TEST(of_two_insertions_in_one_place_the_one_that_came_first_stands_first)
{
	share("tea", "()");
	EDITED(ada, 1, 2, 1, "a");
	EDITED(bob, 1, 3, 1, "b");
	GOT(bob, "edit", stoa_object("revision", 2, "edit", stoa_array(1, "a")));
	GOT(ada, "edit", stoa_object("revision", 3, "edit", stoa_array(2, "b")));
	OPENED(ada, "tea", 3, "(ab)");
}
END_TEST

/* --- Many at once ------------------------------------------------------------------------------------------------- */

enum { ROUNDS = 400, LONGEST = 256 };

/* What the text was at each revision, as told to one who only reads. */
static char texts[ROUNDS + 1][LONGEST];

/* ASCII only. */
static void apply(const char *text, struct stoa_value edit, char *result)
{
	size_t size = 0;

	for (size_t i = 0; i < stoa_size(edit); i++) {
		const char *insert = NULL;
		int64_t n = 0;

		if (stoa_read(stoa_at(edit, i), &insert) == 0) {
			ck_assert_uint_lt(size + strlen(insert), LONGEST);
			size += strlen(strcpy(result + size, insert));
			continue;
		}
		READ(stoa_at(edit, i), &n);
		ck_assert_uint_le((size_t)llabs(n), strlen(text));
		if (n > 0) {
			memcpy(result + size, text, (size_t)n);
			size += (size_t)n;
		}
		text += llabs(n);
	}
	ck_assert_uint_lt(size + strlen(text), LONGEST);
	strcpy(result + size, text);
}

/* The same numbers in each run. */
static int chance(int below)
{
	static uint32_t state = 1;

	state = state * 1664525 + 1013904223;
	return (int)((state >> 16) % (uint32_t)below);
}

/* A few parts that fit a text of that size; more is deleted than inserted when it is long. */
static struct stoa_value any_edit(int size)
{
	struct stoa_value *edit = stoa_list();

	for (int at = 0, parts = 1 + chance(4); parts > 0; parts--) {
		int n = at < size ? 1 + chance(size - at < 8 ? size - at : 8) : 0;

		if (n > 0 && chance(2)) {
			stoa_append(edit, n);
			at += n;
		}
		n = at < size ? 1 + chance(size - at < 8 ? size - at : 8) : 0;
		if (n > 0 && chance(150) < size) {
			stoa_append(edit, -n);
			at += n;
		} else {
			stoa_append(edit, stoa_format("%c%c", 'a' + chance(26), 'a' + chance(26)));
		}
	}
	return *edit;
}

START_TEST(who_only_reads_ends_with_the_text_that_many_have_made)
{
	struct stoa_test_client *writers[] = { ada, bob, stoa_test_connect(t) }, *reader = stoa_test_connect(t);

	OPENED(reader, "tea", 0, "");
	GOT_PEOPLE(reader, 1);
	for (int i = 0; i < 3; i++) {
		OPENED(writers[i], "tea", 0, "");
		GOT_PEOPLE(reader, i + 2);
	}
	for (int round = 0; round < ROUNDS; round++) {
		int behind = chance(round < 10 ? round + 1 : 10);
		struct stoa_value event, edit;

		SAME(call_edit(writers[chance(3)], round - behind, any_edit((int)strlen(texts[round - behind]))),
			stoa_array(stoa_object("revision", round + 1)));
		event = stoa_at(stoa_get(stoa_test_received(reader), "args"), 0);
		edit = stoa_get(event, "edit");
		SAME(event, stoa_object("revision", round + 1, "edit", edit));
		apply(texts[round], edit, texts[round + 1]);
		OPENED(reader, "tea", round + 1, texts[round + 1]);
	}
}
END_TEST

/* --- Limits, and bad input ---------------------------------------------------------------------------------------- */

START_TEST(edits_of_what_was_long_ago_are_refused)
{
	share("tea", "");
	for (int revision = 1; revision < KEPT; revision++)
		EDITED(ada, revision, revision + 1, "a");
	EDITED(bob, 0, KEPT + 1, "b"); /* the oldest for which all later edits are kept */
	FAILED(call_edit(bob, 0, stoa_array("c")), "this revision is not known here");
	EDITED(bob, 1, KEPT + 2, "c");
	FAILED(call_edit(bob, KEPT + 3, stoa_array("d")), "this revision is not known here");
	FAILED(call_edit(bob, -1, stoa_array("d")), "this revision is not known here");
	EDITED(bob, KEPT + 2, KEPT + 3, "d");
}
END_TEST

START_TEST(a_text_has_a_longest_size)
{
	char *text = malloc(MAX_TEXT + 1);

	memset(text, 'a', MAX_TEXT);
	text[MAX_TEXT] = '\0';
	share("tea", text);
	FAILED(call_edit(ada, 1, stoa_array("b")), "the edit does not fit, or the text grows too long");
	FAILED(call_edit(ada, 1, stoa_array(MAX_TEXT, "b")), "the edit does not fit, or the text grows too long");
	EDITED(ada, 1, 2, -1, "b");
	text[0] = 'b';
	OPENED(ada, "tea", 2, text);
	free(text);
}
END_TEST

START_TEST(what_is_no_edit_is_answered_so_and_changes_nothing)
{
	static const char *const none[] = { "null", "\"a\"", "{\"0\":1}", "[0]", "[1,0]", "[1.5]", "[true]", "[null]",
		"[[1]]", "[\"a\\rb\"]", "[\"a\\u0000b\"]", "[16385]", "[-16385]", "[-9223372036854775808]", "[1e300]" };
	static const char *const unfit[] = { "[6]", "[-6]", "[5,-1]", "[5,1,\"a\"]", "[-3,\"a\",-3]" };
	struct stoa_value *many = stoa_list();

	share("tea", "green");
	for (size_t i = 0; i < sizeof(none) / sizeof(*none); i++)
		FAILED(call_edit(bob, 1, stoa_json(none[i])), "this is no edit");
	for (int i = 0; i < 101; i++)
		stoa_append(many, "a");
	FAILED(call_edit(bob, 1, *many), "this is no edit");
	for (size_t i = 0; i < sizeof(unfit) / sizeof(*unfit); i++)
		FAILED(call_edit(bob, 1, stoa_json(unfit[i])), "the edit does not fit, or the text grows too long");
	FAILED(stoa_test_call(bob, "edit", stoa_object("edit", stoa_array("a"))),
		"argument 1: expected object with integer `revision`");
	FAILED(stoa_test_call(bob, "edit", stoa_object("revision", 1)),
		"argument 1: expected object with value `edit`");
	FAILED(stoa_test_call(bob, "edit"), "argument 1: expected object with integer `revision`");
	GOT_NOTHING(ada);
	OPENED(ada, "tea", 1, "green");
}
END_TEST

START_TEST(what_is_no_room_is_answered_so)
{
	FAILED(call_edit(ada, 0, stoa_array("a")), "no text is open");
	FAILED(stoa_test_call(ada, "open"), "argument 1: expected object with text `room`");
	FAILED(stoa_test_call(ada, "open", stoa_object("room", 1)), "argument 1: expected object with text `room`");
	FAILED(stoa_test_call(ada, "open", stoa_object("room", stoa_format("%065d", 0))), "the name is too long");
	GOT_NOTHING(ada);
	OPENED(ada, stoa_format("%064d", 0), 0, "");
	GOT_PEOPLE(ada, 1);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("textarea");
	TCase *c = tcase_create("textarea");
	SRunner *runner = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(c, open_textarea, close_textarea);
	tcase_set_timeout(c, 60);
	tcase_add_test(c, people_are_counted_as_they_come_and_go);
	tcase_add_test(c, who_opens_another_text_leaves_the_first);
	tcase_add_test(c, opening_a_text_again_shows_it_as_it_is_and_counts_once);
	tcase_add_test(c, a_text_stays_when_everybody_has_left);
	tcase_add_test(c, a_place_is_found_for_a_new_text_while_one_is_not_looked_at);
	tcase_add_test(c, the_others_get_an_edit_and_who_made_it_the_revision);
	tcase_add_test(c, who_comes_late_has_the_text_and_then_every_edit);
	tcase_add_test(c, characters_are_code_points);
	tcase_add_test(c, two_edits_at_once_make_one_text);
	tcase_add_test(c, of_two_insertions_in_one_place_the_one_that_came_first_stands_first);
	tcase_add_test(c, who_only_reads_ends_with_the_text_that_many_have_made);
	tcase_add_test(c, edits_of_what_was_long_ago_are_refused);
	tcase_add_test(c, a_text_has_a_longest_size);
	tcase_add_test(c, what_is_no_edit_is_answered_so_and_changes_nothing);
	tcase_add_test(c, what_is_no_room_is_answered_so);
	suite_add_tcase(s, c);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
