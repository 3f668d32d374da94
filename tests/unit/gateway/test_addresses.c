/* The limits of addresses: how much, of whom, and what is kept. */
#include "addresses.h"

#include <stdio.h>

#include "metrics.h"
#include "test_main.h"

static struct addresses all;

static void begin(bool enforce, enum address_limit limit, int64_t max)
{
	struct address_config config = { .enforce = enforce };

	config.max[limit] = max;
	addresses_init(&all, &config);
}

static void check_opens(const char *address, int64_t now_ms, int allowed)
{
	for (int i = 0; i < allowed; i++)
		ck_assert_int_eq(addresses_admit(&all, slice_str(address), now_ms), ADDRESS_FINE);
	ck_assert_int_eq(addresses_admit(&all, slice_str(address), now_ms), ADDRESS_OPENS);
}

START_TEST(a_rate_is_so_many_a_second_and_a_burst)
{
	struct rate r = { 0 };
	int taken = 0;

	for (int64_t now_ms = 1000; now_ms < 11000; now_ms++)
		taken += rate_take(&r, 100, 200, now_ms);
	ck_assert_int_eq(taken, 200 + 999); /* what came in ten seconds, but for the last 10 ms */
	ck_assert(!rate_take(&r, 100, 200, 10999));
	ck_assert(rate_take(&r, 100, 200, 11000));
	ck_assert(!rate_take(&r, 100, 200, 11000));
	for (int i = 0; i < 200; i++)
		ck_assert(rate_take(&r, 100, 200, 20000));
	ck_assert(!rate_take(&r, 100, 200, 20000));
}
END_TEST

START_TEST(one_a_second_and_a_million_a_second)
{
	struct rate slow = { 0 }, fast = { 0 };
	int taken = 0;

	ck_assert(rate_take(&slow, 1, 1, 5));
	ck_assert(!rate_take(&slow, 1, 1, 1004));
	ck_assert(rate_take(&slow, 1, 1, 1005));
	while (taken <= 2000000 && rate_take(&fast, 1000000, 2000000, 5))
		taken++;
	ck_assert_int_eq(taken, 2000000);
}
END_TEST

START_TEST(sessions_of_an_address)
{
	struct address *at[3];

	begin(true, ADDRESS_SESSIONS, 2);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(addresses_admit(&all, SLICE("192.0.2.1"), 0), ADDRESS_FINE);
		at[i] = addresses_enter(&all, SLICE("192.0.2.1"));
	}
	ck_assert_int_eq(addresses_admit(&all, SLICE("192.0.2.1"), 0), ADDRESS_SESSIONS);
	ck_assert_int_eq(addresses_admit(&all, SLICE("192.0.2.2"), 0), ADDRESS_FINE);
	addresses_leave(&all, at[0]);
	ck_assert_int_eq(addresses_admit(&all, SLICE("192.0.2.1"), 0), ADDRESS_FINE);
	addresses_leave(&all, at[1]);
	addresses_fini(&all);
}
END_TEST

START_TEST(new_sessions_of_an_address)
{
	begin(true, ADDRESS_OPENS, 10);
	check_opens("192.0.2.1", 1000, 20);
	check_opens("192.0.2.2", 1000, 20);
	check_opens("192.0.2.1", 1500, 5);
	addresses_fini(&all);
}
END_TEST

START_TEST(new_sessions_of_the_process)
{
	char address[] = "192.0.2.a";

	begin(true, ALL_OPENS, 2);
	for (int i = 0; i < 4; i++) {
		address[8] = (char)('1' + i);
		ck_assert_int_eq(addresses_admit(&all, slice_str(address), 0), ADDRESS_FINE);
	}
	ck_assert_int_eq(addresses_admit(&all, SLICE("192.0.2.9"), 0), ALL_OPENS);
	ck_assert_int_eq(addresses_admit(&all, SLICE("127.0.0.1"), 0), ALL_OPENS);
	addresses_fini(&all);
}
END_TEST

START_TEST(unknown_sids_of_an_address)
{
	begin(true, ADDRESS_STRANGERS, 1);
	ck_assert(addresses_answer_stranger(&all, SLICE("192.0.2.1"), 0));
	ck_assert(addresses_answer_stranger(&all, SLICE("192.0.2.1"), 0));
	ck_assert(!addresses_answer_stranger(&all, SLICE("192.0.2.1"), 0));
	ck_assert(addresses_answer_stranger(&all, SLICE("192.0.2.1"), 1000));
	addresses_fini(&all);
}
END_TEST

START_TEST(events_of_a_session_and_of_an_address)
{
	struct rate one = { 0 }, other = { 0 };
	struct address *at;

	begin(true, CLIENT_EVENTS, 1);
	all.config.max[ADDRESS_EVENTS] = 2;
	at = addresses_enter(&all, SLICE("192.0.2.1"));
	for (int i = 0; i < 2; i++) {
		ck_assert(addresses_take_event(&all, at, &one, 0));
		ck_assert(addresses_take_event(&all, at, &other, 0));
	}
	ck_assert(!addresses_take_event(&all, at, &one, 0));
	ck_assert(addresses_take_event(&all, at, &one, 1000));
	ck_assert(addresses_take_event(&all, NULL, &(struct rate){ 0 }, 0)); /* of this machine */
	addresses_leave(&all, at);
	addresses_fini(&all);
}
END_TEST

START_TEST(what_is_not_enforced_is_counted)
{
	int64_t before = metrics_get(M_LIMIT_ADDRESS_OPENS);

	begin(false, ADDRESS_OPENS, 1);
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(addresses_admit(&all, SLICE("192.0.2.1"), 0), ADDRESS_FINE);
	ck_assert_int_eq(metrics_get(M_LIMIT_ADDRESS_OPENS) - before, 3);
	addresses_fini(&all);
}
END_TEST

START_TEST(nothing_is_limited_by_zero)
{
	begin(true, ADDRESS_OPENS, 0);
	for (int i = 0; i < 1000; i++) {
		ck_assert_int_eq(addresses_admit(&all, SLICE("192.0.2.1"), 0), ADDRESS_FINE);
		ck_assert(addresses_answer_stranger(&all, SLICE("192.0.2.1"), 0));
	}
	addresses_fini(&all);
}
END_TEST

START_TEST(this_machine_is_under_no_limit_of_an_address)
{
	static const char *const own[] = { "127.0.0.1", "127.1.2.3", "::1", "", "nonsense" };

	begin(true, ADDRESS_OPENS, 1);
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
		for (int j = 0; j < 10; j++)
			ck_assert_int_eq(addresses_admit(&all, slice_str(own[i]), 0), ADDRESS_FINE);
		ck_assert_ptr_null(addresses_enter(&all, slice_str(own[i])));
	}
	ck_assert_uint_eq(map_count(&all.map), 0);
	addresses_fini(&all);
}
END_TEST

START_TEST(of_ipv6_the_first_half_counts)
{
	begin(true, ADDRESS_OPENS, 1);
	ck_assert_int_eq(addresses_admit(&all, SLICE("2001:db8:0:1::1"), 0), ADDRESS_FINE);
	ck_assert_int_eq(addresses_admit(&all, SLICE("2001:db8:0:1:ffff::2"), 0), ADDRESS_FINE);
	ck_assert_int_eq(addresses_admit(&all, SLICE("2001:db8:0:1::3"), 0), ADDRESS_OPENS);
	ck_assert_int_eq(addresses_admit(&all, SLICE("2001:db8:0:2::1"), 0), ADDRESS_FINE);
	ck_assert_int_eq(addresses_admit(&all, SLICE("::ffff:192.0.2.1"), 0), ADDRESS_FINE);
	addresses_fini(&all);
}
END_TEST

START_TEST(idle_addresses_are_bounded)
{
	struct address *busy;

	begin(true, ADDRESS_OPENS, 1);
	busy = addresses_enter(&all, SLICE("198.51.100.1"));
	for (int i = 0; i < 2 * ADDRESSES_IDLE_MAX; i++) {
		char text[32];

		snprintf(text, sizeof(text), "10.%d.%d.%d", i >> 16, i >> 8 & 255, i & 255);
		ck_assert_int_eq(addresses_admit(&all, slice_str(text), 0), ADDRESS_FINE);
		ck_assert_uint_le(map_count(&all.map), ADDRESSES_IDLE_MAX + 1);
	}
	ck_assert_uint_eq(map_count(&all.map), ADDRESSES_IDLE_MAX + 1);
	ck_assert_ptr_eq(addresses_enter(&all, SLICE("198.51.100.1")), busy); /* who has sessions stays */
	addresses_leave(&all, busy);
	addresses_leave(&all, busy);
	addresses_fini(&all);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("addresses");
	TCase *t = tcase_create("addresses");

	tcase_add_test(t, a_rate_is_so_many_a_second_and_a_burst);
	tcase_add_test(t, one_a_second_and_a_million_a_second);
	tcase_add_test(t, sessions_of_an_address);
	tcase_add_test(t, new_sessions_of_an_address);
	tcase_add_test(t, new_sessions_of_the_process);
	tcase_add_test(t, unknown_sids_of_an_address);
	tcase_add_test(t, events_of_a_session_and_of_an_address);
	tcase_add_test(t, what_is_not_enforced_is_counted);
	tcase_add_test(t, nothing_is_limited_by_zero);
	tcase_add_test(t, this_machine_is_under_no_limit_of_an_address);
	tcase_add_test(t, of_ipv6_the_first_half_counts);
	tcase_add_test(t, idle_addresses_are_bounded);
	suite_add_tcase(s, t);
	return s;
}
