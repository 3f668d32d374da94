/* test_ebb.c - when free memory is given back. */
#include "ebb.h"
#include "test_main.h"

enum { MB = 1024 * 1024 };

static struct timers timers;
static struct ebb ebb;
static int64_t now_ms, takes_ms;
static int given;

static void give_back(void)
{
	given++;
	now_ms += takes_ms;
}

static int64_t clock_ms(void)
{
	return now_ms;
}

static void begin(void)
{
	timers = TIMERS_INIT;
	now_ms = 1000;
	takes_ms = given = 0;
	ebb_init(&ebb, &timers, give_back, clock_ms);
}

/* So many milliseconds later so much is in use. */
static int after(int64_t ms, int64_t in_use)
{
	now_ms += ms;
	timers_run(&timers, now_ms);
	ebb_see(&ebb, in_use, now_ms);
	return given;
}

START_TEST(given_back_a_moment_after_a_fall)
{
	begin();
	after(0, 100 * MB);
	after(1, 100 * MB - 100 * MB / 8 + 1); /* not yet an eighth */
	ck_assert_int_eq(timers_next_ms(&timers), INT64_MAX);
	after(1, 100 * MB - 100 * MB / 8);
	ck_assert_int_eq(after(EBB_WAIT_MS - 1, 50 * MB), 0);
	ck_assert_int_eq(after(1, 50 * MB), 1);
	ck_assert_int_eq(after(3600000, 50 * MB), 1); /* once for each fall */
	timers_fini(&timers);
}
END_TEST

START_TEST(little_is_not_worth_it)
{
	begin();
	after(0, EBB_LEAST_BYTES - 1);
	after(1, 0);
	ck_assert_int_eq(timers_next_ms(&timers), INT64_MAX);
	after(1, EBB_LEAST_BYTES);
	after(1, 0);
	ck_assert_int_eq(after(EBB_WAIT_MS, 0), 1);
	timers_fini(&timers);
}
END_TEST

START_TEST(not_when_they_have_come_back)
{
	begin();
	after(0, 100 * MB);
	after(1, 10 * MB);
	after(1, 99 * MB);
	ck_assert_int_eq(after(EBB_WAIT_MS, 99 * MB), 0);
	after(1, 10 * MB);
	ck_assert_int_eq(after(EBB_WAIT_MS, 10 * MB), 1);
	timers_fini(&timers);
}
END_TEST

START_TEST(it_takes_a_hundredth_of_the_time_at_most)
{
	begin();
	takes_ms = 50;
	after(0, 1000 * MB);
	after(1, 800 * MB);
	ck_assert_int_eq(after(EBB_WAIT_MS, 600 * MB), 1);
	ck_assert_int_eq(after(50 * EBB_REST - 51, 500 * MB), 1); /* 50 ms it took itself */
	ck_assert_int_eq(after(1, 400 * MB), 2);
	timers_fini(&timers);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("ebb");
	TCase *t = tcase_create("ebb");

	tcase_add_test(t, given_back_a_moment_after_a_fall);
	tcase_add_test(t, little_is_not_worth_it);
	tcase_add_test(t, not_when_they_have_come_back);
	tcase_add_test(t, it_takes_a_hundredth_of_the_time_at_most);
	suite_add_tcase(s, t);
	return s;
}
