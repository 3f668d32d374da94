/*
 * test_dashboard.c - the dashboard's tests: hours of samples in no time.
 *
 *	cc -o test_dashboard test_dashboard.c $(pkg-config --cflags --libs stoa-test check) && ./test_dashboard
 */
#include <check.h>
#include <stdlib.h>

#include <stoa_test.h>

enum { KEPT = 120, SERIES = 4 };

/* Two values are the same when they are the same JSON. */
#define SAME(got, want) \
	do { \
		struct stoa_value got_ = (got), want_ = (want); \
		ck_assert_str_eq(stoa_to_json(got_), stoa_to_json(want_)); \
	} while (0)

#define GOT_NOTHING(client) ck_assert(stoa_type(stoa_test_received(client)) == STOA_NULL)

/* READ(value, place): reads what is there, and of the place's type. */
#define READ(value, place) \
	do { \
		int status_ = stoa_read((value), place); \
		ck_assert_int_eq(status_, 0); \
	} while (0)

static struct stoa_test *t;

static void open_dashboard(void)
{
	t = stoa_test_open("./dashboard.so", stoa_names("period=250"));
}

static void close_dashboard(void)
{
	stoa_test_close(t);
}

/* Takes the next event, which has this name, and returns its one argument. */
static struct stoa_value take(struct stoa_test_client *c, const char *name)
{
	struct stoa_value event = stoa_test_received(c);

	SAME(stoa_get(event, "name"), stoa_text(name));
	ck_assert_uint_eq(stoa_size(stoa_get(event, "args")), 1);
	return stoa_at(stoa_get(event, "args"), 0);
}

/* A sample has its number and a value in bounds for each of the series, the last being who is looking. */
static void check_sample(struct stoa_value sample, int64_t n, double viewers)
{
	static const double low[SERIES] = { 120, 4, 2, 0 }, high[SERIES] = { 980, 90, 98, 1000 };
	struct stoa_value values;
	int64_t number, at;
	double value;

	READ(sample, stoa_fields("n", &number, "at", &at, "values", &values));
	ck_assert_int_eq(number, n);
	ck_assert_int_gt(at, 1600000000000);
	ck_assert_uint_eq(stoa_size(values), SERIES);
	for (size_t i = 0; i < SERIES; i++) {
		READ(stoa_at(values, i), &value);
		ck_assert(value >= low[i] && value <= high[i]);
	}
	ck_assert_double_eq(value, viewers);
}

START_TEST(who_comes_first_sees_what_is_measured_and_no_samples)
{
	struct stoa_test_client *c = stoa_test_connect(t);

	SAME(take(c, "history"), stoa_object("period", 250, "series",
					 stoa_array(stoa_object("name", "Requests", "unit", "per second"),
						 stoa_object("name", "Response time", "unit", "ms"),
						 stoa_object("name", "Processor", "unit", "%"),
						 stoa_object("name", "Viewers", "unit", "now")),
					 "samples", *stoa_list()));
	GOT_NOTHING(c);
}
END_TEST

START_TEST(a_second_is_the_period_that_is_not_given)
{
	struct stoa_test *other = stoa_test_open("./dashboard.so", NULL);
	struct stoa_test_client *c = stoa_test_connect(other);

	SAME(stoa_object("period", stoa_get(take(c, "history"), "period")), stoa_object("period", 1000));
	stoa_test_pass(other, 999);
	GOT_NOTHING(c);
	stoa_test_pass(other, 1);
	(void)take(c, "sample");
	GOT_NOTHING(c);
	stoa_test_close(other);
}
END_TEST

START_TEST(everybody_gets_the_same_sample_every_period)
{
	struct stoa_test_client *a = stoa_test_connect(t), *b = stoa_test_connect(t);

	(void)take(a, "history");
	(void)take(b, "history");
	stoa_test_pass(t, 249);
	GOT_NOTHING(a);
	stoa_test_pass(t, 10 * 250);
	for (int n = 0; n < 10; n++) {
		struct stoa_value sample = take(a, "sample");

		check_sample(sample, n, 2);
		SAME(take(b, "sample"), sample);
	}
	GOT_NOTHING(a);
	GOT_NOTHING(b);
}
END_TEST

START_TEST(who_comes_late_gets_what_was_before_and_then_what_follows)
{
	struct stoa_test_client *early = stoa_test_connect(t), *late;
	struct stoa_value samples;

	(void)take(early, "history");
	stoa_test_pass(t, 3 * 250);
	late = stoa_test_connect(t);
	samples = stoa_get(take(late, "history"), "samples");
	ck_assert_uint_eq(stoa_size(samples), 3);
	for (int n = 0; n < 3; n++) {
		check_sample(stoa_at(samples, (size_t)n), n, 1);
		SAME(take(early, "sample"), stoa_at(samples, (size_t)n));
	}
	GOT_NOTHING(late);
	stoa_test_pass(t, 250);
	check_sample(take(late, "sample"), 3, 2);
}
END_TEST

START_TEST(an_hour_later_the_newest_samples_are_left)
{
	enum { HOUR = 3600 * 4 };
	struct stoa_value samples;

	stoa_test_pass(t, (int64_t)HOUR * 250);
	samples = stoa_get(take(stoa_test_connect(t), "history"), "samples");
	ck_assert_uint_eq(stoa_size(samples), KEPT);
	for (int i = 0; i < KEPT; i++)
		check_sample(stoa_at(samples, (size_t)i), HOUR - KEPT + i, 0);
}
END_TEST

START_TEST(viewers_are_counted_however_they_go)
{
	struct stoa_test_client *a = stoa_test_connect(t), *b = stoa_test_connect(t), *c = stoa_test_connect(t);

	(void)take(a, "history");
	stoa_test_pass(t, 250);
	check_sample(take(a, "sample"), 0, 3);
	stoa_test_disconnect(b);
	stoa_test_pass(t, 250);
	check_sample(take(a, "sample"), 1, 2);
	stoa_test_drop(c);
	stoa_test_pass(t, 250);
	check_sample(take(a, "sample"), 2, 1);
	b = stoa_test_connect(t);
	(void)take(b, "history");
	stoa_test_pass(t, 250);
	check_sample(take(b, "sample"), 3, 2);
}
END_TEST

START_TEST(what_clients_say_changes_nothing)
{
	struct stoa_test_client *c = stoa_test_connect(t);

	(void)take(c, "history");
	stoa_test_emit(c, "sample", stoa_object("n", 7));
	ck_assert(stoa_type(stoa_test_call(c, "history", "please")) == STOA_NULL);
	GOT_NOTHING(c);
	stoa_test_pass(t, 250);
	check_sample(take(c, "sample"), 0, 1);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("dashboard");
	TCase *c = tcase_create("dashboard");
	SRunner *runner = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(c, open_dashboard, close_dashboard);
	tcase_set_timeout(c, 60);
	tcase_add_test(c, who_comes_first_sees_what_is_measured_and_no_samples);
	tcase_add_test(c, a_second_is_the_period_that_is_not_given);
	tcase_add_test(c, everybody_gets_the_same_sample_every_period);
	tcase_add_test(c, who_comes_late_gets_what_was_before_and_then_what_follows);
	tcase_add_test(c, an_hour_later_the_newest_samples_are_left);
	tcase_add_test(c, viewers_are_counted_however_they_go);
	tcase_add_test(c, what_clients_say_changes_nothing);
	suite_add_tcase(s, c);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
