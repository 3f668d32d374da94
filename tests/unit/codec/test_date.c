/* test_date.c - dates against the C library's calendar, and the texts that are none. */
#include <stdio.h>
#include <time.h>

#include "date.h"
#include "test_main.h"

static void assert_text(int64_t ms, const char *text)
{
	char to[DATE_TEXT_MAX];
	struct slice made = slice_of(to, date_put(to, ms));
	int64_t again;

	ck_assert_msg(slice_equal(made, slice_str(text)), "%.*s", SLICE_ARG(made));
	ck_assert(date_parse(made, &again));
	ck_assert_int_eq(again, ms);
}

START_TEST(edges)
{
	char to[DATE_TEXT_MAX];

	assert_text(0, "1970-01-01T00:00:00.000Z");
	assert_text(-1, "1969-12-31T23:59:59.999Z");
	assert_text(253402300799999, "9999-12-31T23:59:59.999Z");
	assert_text(253402300800000, "+010000-01-01T00:00:00.000Z");
	assert_text(-62167219200000, "0000-01-01T00:00:00.000Z");
	assert_text(-62167219200001, "-000001-12-31T23:59:59.999Z");
	assert_text(951782400000, "2000-02-29T00:00:00.000Z");
	assert_text(DATE_MS_MAX, "+275760-09-13T00:00:00.000Z");
	assert_text(-DATE_MS_MAX, "-271821-04-20T00:00:00.000Z");
	ck_assert_uint_eq(date_put(to, DATE_MS_MAX + 1), 0);
	ck_assert_uint_eq(date_put(to, -DATE_MS_MAX - 1), 0);
	ck_assert_uint_eq(date_put(to, INT64_MIN), 0);
	ck_assert_uint_eq(date_put(to, INT64_MIN + 6646660219), 0);
	ck_assert_uint_eq(date_put(to, INT64_MAX), 0);
}
END_TEST

/* Every eleventh day of years 1 to 9999, as gmtime_r() has it. */
START_TEST(as_the_c_library)
{
	for (int64_t day = -719162; day < 2932897; day += 11) {
		time_t t = (time_t)(day * 86400 + 3661);
		struct tm tm;
		char text[80];

		gmtime_r(&t, &tm);
		snprintf(text, sizeof(text), "%04d-%02d-%02dT01:01:01.007Z", tm.tm_year + 1900, tm.tm_mon + 1,
			tm.tm_mday);
		assert_text((int64_t)t * 1000 + 7, text);
	}
}
END_TEST

static const char *const none[] = { "", "2024", "2024-02-30T00:00:00.000Z", "2023-02-29T00:00:00.000Z",
	"2024-13-01T00:00:00.000Z", "2024-00-01T00:00:00.000Z", "2024-01-00T00:00:00.000Z", "2024-01-01T24:00:00.000Z",
	"2024-01-01T00:60:00.000Z", "2024-01-01T00:00:60.000Z", "2024-01-01T00:00:00Z", "2024-01-01T00:00:00.000",
	"2024-01-01T00:00:00.000Zx", "2024-01-01 00:00:00.000Z", "+002024-01-01T00:00:00.000Z",
	"-000000-01-01T00:00:00.000Z", "+275760-09-13T00:00:00.001Z", "-271821-04-19T23:59:59.999Z",
	"+999999-01-01T00:00:00.000Z", "20x4-01-01T00:00:00.000Z", "2024-01-01T00:00:00.00", "+", "-00001" };

START_TEST(no_dates)
{
	int64_t ms;

	ck_assert(!date_parse(slice_str(none[_i]), &ms));
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("date");
	TCase *t = tcase_create("date");

	tcase_add_test(t, edges);
	tcase_add_test(t, as_the_c_library);
	tcase_add_loop_test(t, no_dates, 0, (int)(sizeof(none) / sizeof(none[0])));
	suite_add_tcase(s, t);
	return s;
}
