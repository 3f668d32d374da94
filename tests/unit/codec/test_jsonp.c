/* test_jsonp.c - what wraps a payload for <script> and <form> (protocol.md 2.3). */
#include "test_main.h"

#include <errno.h>
#include <stdlib.h>

#include "jsonp.h"

#define COUNT(array) (int)(sizeof(array) / sizeof((array)[0]))
#define TEXT(literal) \
	{ \
		"" literal, sizeof(literal) - 1 \
	}

static void assert_slice(struct slice got, struct slice want)
{
	ck_assert_msg(slice_equal(got, want), "got \"%.*s\" (%zu), want \"%.*s\" (%zu)", SLICE_ARG(got), got.size,
		SLICE_ARG(want), want.size);
}

START_TEST(an_index_is_digits)
{
	static const char *const wrong[] = { "", "a", "1a", "-1", "+1", " 1", "1 ", "1](alert)(", "0123456789", "%31" };
	uint32_t n;

	ck_assert(jsonp_index(SLICE("0"), &n) && n == 0);
	ck_assert(jsonp_index(SLICE("007"), &n) && n == 7);
	ck_assert(jsonp_index(SLICE("999999999"), &n) && n == 999999999);
	for (int i = 0; i < COUNT(wrong); i++)
		ck_assert_msg(!jsonp_index(slice_str(wrong[i]), &n), "%s", wrong[i]);
}
END_TEST

static const struct {
	struct slice payload, script;
} wrapped[] = {
	{ TEXT(""), TEXT("___eio[3](\"\");") }, { TEXT("2"), TEXT("___eio[3](\"2\");") },
	{ TEXT("42[\"a\\n\"]\x1e"
	       "2"),
		TEXT("___eio[3](\"42[\\\"a\\\\n\\\"]\\u001e2\");") },
	{ TEXT("\xe2\x80\xa8-\xe2\x80\xa9-\xe2\x80\xaa-\xe2\x82\xa8"),
		TEXT("___eio[3](\"\\u2028-\\u2029-\xe2\x80\xaa-\xe2\x82\xa8\");") },
	{ TEXT("</script>"), TEXT("___eio[3](\"</script>\");") }, /* no page holds it: it is a script of its own */
};

START_TEST(payloads_are_wrapped)
{
	struct buf out = BUF_INIT;

	ck_assert_int_eq(jsonp_wrap(&out, 3, wrapped[_i].payload), 0);
	assert_slice(buf_slice(&out), wrapped[_i].script);
	buf_fini(&out);
}
END_TEST

START_TEST(what_is_no_text_is_not_wrapped)
{
	struct buf out = BUF_INIT;

	ck_assert_int_eq(jsonp_wrap(&out, 3, SLICE("\xff")), -EINVAL);
	ck_assert_uint_eq(out.size, 0);
}
END_TEST

#define B "%5C" /* a backslash */

static const struct {
	struct slice body;
	const char *payload; /* NULL: none */
} forms[] = {
	{ TEXT("d="), "" },
	{ TEXT("d"), "" },
	{ TEXT("d=40"), "40" },
	{ TEXT("x=1&d=40&y"), "40" },
	{ TEXT("%64=40"), "40" },
	{ TEXT("d=a+b%2Bc%20d"), "a b+c d" },
	{ TEXT("d=100%&x"), "100%" },
	{ TEXT("d=%zz%4"), "%zz%4" },
	{ TEXT("d=%41%c3%a9"), "A\xc3\xa9" },
	{ TEXT("d=%ff"), "\xef\xbf\xbd" },
	{ TEXT("d=a" B "nb"), "a\nb" },
	{ TEXT("d=a" B B "nb"), "a\\nb" },
	{ TEXT("d=a" B B B "nb"), "a\\\\nb" },
	{ TEXT("d=" B "n" B "n" B B "n"), "\n\n\\n" },
	{ TEXT("d=a" B B "tb" B), "a\\\\tb\\" },
	{ TEXT("d=" B "%6e"), "\n" },
	{ TEXT("d=nn"), "nn" },
	{ TEXT(""), NULL },
	{ TEXT("e=40"), NULL },
	{ TEXT("dd=40"), NULL },
	{ TEXT("d=40&d=41"), NULL },
	{ TEXT("d=&d"), NULL },
};

START_TEST(forms_are_unwrapped)
{
	struct buf out = BUF_INIT;
	bool found = jsonp_unwrap(&out, forms[_i].body);

	ck_assert_int_eq(found, forms[_i].payload != NULL);
	if (found)
		assert_slice(buf_slice(&out), slice_str(forms[_i].payload));
	buf_fini(&out);
}
END_TEST

/* From an allocation of exactly its size: nothing is read behind the end. */
START_TEST(forms_are_cut_anywhere)
{
	struct slice whole = SLICE("x=1&d=a" B B "n%c3%a9+%zz" B "n&y=%41");
	char *copy = malloc(whole.size);

	memcpy(copy, whole.at, whole.size);
	for (size_t n = 0; n <= whole.size; n++) {
		struct buf out = BUF_INIT;

		copy = realloc(copy, n ? n : 1);
		memcpy(copy, whole.at, n);
		ck_assert_int_eq(jsonp_unwrap(&out, slice_of(copy, n)), n > 4);
		buf_fini(&out);
	}
	free(copy);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("jsonp");
	TCase *t = tcase_create("jsonp");

	tcase_add_test(t, an_index_is_digits);
	tcase_add_loop_test(t, payloads_are_wrapped, 0, COUNT(wrapped));
	tcase_add_test(t, what_is_no_text_is_not_wrapped);
	tcase_add_loop_test(t, forms_are_unwrapped, 0, COUNT(forms));
	tcase_add_test(t, forms_are_cut_anywhere);
	suite_add_tcase(s, t);
	return s;
}
