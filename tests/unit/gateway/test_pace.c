/* test_pace.c - how many may go, and when. */
#include "pace.h"
#include "test_main.h"

enum { BEGIN = 1000 };

/* All ticks in time: how many went until end_ms, the most of one tick in *most. */
static size_t run(struct pace *p, size_t left, int64_t until_ms, size_t *most)
{
	size_t gone = 0;

	*most = 0;
	for (int64_t now = BEGIN; now < until_ms && gone < left; now += PACE_TICK_MS) {
		size_t n = pace_take(p, now, left - gone);

		gone += n;
		if (n > *most)
			*most = n;
	}
	return gone;
}

START_TEST(few_go_at_once)
{
	struct pace p;

	pace_begin(&p, BEGIN, BEGIN + 5000, 0);
	ck_assert_uint_eq(pace_take(&p, BEGIN, 25), 25); /* 500 a second, of a tick */
	ck_assert_uint_eq(pace_take(&p, BEGIN, 0), 0);
	pace_begin(&p, BEGIN, BEGIN + 5000, 0);
	ck_assert_uint_eq(pace_take(&p, BEGIN, 26), 25);
	ck_assert_uint_eq(pace_take(&p, BEGIN, 1), 0);
	ck_assert_uint_eq(pace_take(&p, BEGIN + PACE_TICK_MS, 1), 1);
}
END_TEST

START_TEST(all_have_gone_when_the_time_is_over)
{
	static const size_t counts[] = { 1, 499, 2500, 2501, 100000, 1234567 };

	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		size_t most, even = counts[i] * PACE_TICK_MS / 5000;
		struct pace p;

		pace_begin(&p, BEGIN, BEGIN + 5000, 0);
		ck_assert_uint_eq(run(&p, counts[i], BEGIN + 5000, &most), counts[i]);
		ck_assert_uint_le(most, (even > 25 ? even : 25) + even / 50 + 2); /* evenly */
	}
}
END_TEST

START_TEST(a_rate_is_kept)
{
	struct pace p;
	size_t most;

	pace_begin(&p, BEGIN, BEGIN + 5000, 3);
	ck_assert_uint_eq(run(&p, 1000, BEGIN + 10000, &most), 30);
	ck_assert_uint_eq(most, 1);
	pace_begin(&p, BEGIN, BEGIN + 5000, 10000);
	ck_assert_uint_eq(run(&p, 100000, BEGIN + 1000, &most), 10000);
	ck_assert_uint_eq(most, 500);
}
END_TEST

START_TEST(what_is_late_is_made_up_for_in_part)
{
	struct pace p;

	pace_begin(&p, BEGIN, BEGIN + 60000, 1000);
	ck_assert_uint_eq(pace_take(&p, BEGIN, 99999), 50);
	ck_assert_uint_eq(pace_take(&p, BEGIN + 150, 99999), 150);
	ck_assert_uint_eq(pace_take(&p, BEGIN + 30000, 99999), 200);
	ck_assert_uint_eq(pace_take(&p, BEGIN + 30050, 99999), 50);
}
END_TEST

START_TEST(who_is_late_has_all_go_at_the_end)
{
	struct pace p;

	pace_begin(&p, BEGIN, BEGIN + 5000, 0);
	ck_assert_uint_eq(pace_take(&p, BEGIN + 5000 - PACE_TICK_MS, 77777), 77777);
	ck_assert_uint_eq(pace_take(&p, BEGIN + 9000, 5), 5);
	pace_begin(&p, BEGIN, BEGIN, 0); /* no time at all */
	ck_assert_uint_eq(pace_take(&p, BEGIN, 77777), 77777);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("pace");
	TCase *t = tcase_create("pace");

	tcase_add_test(t, few_go_at_once);
	tcase_add_test(t, all_have_gone_when_the_time_is_over);
	tcase_add_test(t, a_rate_is_kept);
	tcase_add_test(t, what_is_late_is_made_up_for_in_part);
	tcase_add_test(t, who_is_late_has_all_go_at_the_end);
	suite_add_tcase(s, t);
	return s;
}
