/* test_workers.c - how long a worker's restart waits, and one port bound by many. */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "backoff.h"
#include "bind.h"
#include "sockets.h"
#include "test_main.h"

/* --- backoff ------------------------------------------------------------------------------------------------------ */

START_TEST(waits_double_up_to_ten_seconds)
{
	static const int64_t waits[] = { 100, 200, 400, 800, 1600, 3200, 6400, 10000, 10000, 10000 };
	struct backoff b = { 0 };

	for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++)
		ck_assert_int_eq(backoff_next(&b, 0), waits[i]);
}
END_TEST

START_TEST(a_life_of_ten_seconds_begins_anew)
{
	struct backoff b = { 0 };

	ck_assert_int_eq(backoff_next(&b, INT64_MAX), 100);
	ck_assert_int_eq(backoff_next(&b, 9999), 200);
	ck_assert_int_eq(backoff_next(&b, 9999), 400);
	ck_assert_int_eq(backoff_next(&b, 10000), 100);
	ck_assert_int_eq(backoff_next(&b, 0), 200);
}
END_TEST

/* --- sockets ------------------------------------------------------------------------------------------------------ */

enum { COUNT = 4 };

static int sockets[COUNT] = { -1, -1, -1, -1 };
static char address[SOCKETS_ADDRESS_SIZE], why[256];

static void bind_well(const char *listen_at)
{
	ck_assert_msg(sockets_bind(sockets, COUNT, listen_at, address, why, sizeof(why)), "%s", why);
}

static void end_sockets(void)
{
	sockets_close(sockets, COUNT);
}

START_TEST(all_have_one_port)
{
	char name[BOUND_ADDRESS_SIZE];

	bind_well("127.0.0.1:0");
	ck_assert(strncmp(address, "127.0.0.1:", 10) == 0 && strcmp(address, "127.0.0.1:0") != 0);
	for (int i = 0; i < COUNT; i++) {
		ck_assert_int_gt(sockets[i], STDERR_FILENO);
		bind_name(sockets[i], name);
		ck_assert_str_eq(name, address);
		ck_assert_int_eq(listen(sockets[i], 1), 0);
	}
}
END_TEST

START_TEST(without_a_host_all_addresses_are_one_port)
{
	char name[BOUND_ADDRESS_SIZE];

	bind_well(":0");
	for (int i = 0; i < COUNT; i++) {
		bind_name(sockets[i], name);
		ck_assert_str_eq(name, address);
		ck_assert_int_eq(listen(sockets[i], 1), 0);
	}
}
END_TEST

START_TEST(started_twice_is_an_error)
{
	char first[SOCKETS_ADDRESS_SIZE], want[200];
	int others[COUNT];

	bind_well("127.0.0.1:0");
	memcpy(first, address, sizeof(first));
	ck_assert_int_eq(listen(sockets[2], 1), 0);
	ck_assert(!sockets_bind(others, COUNT, first, address, why, sizeof(why)));
	snprintf(want, sizeof(want), "cannot listen on %s: Address already in use", first);
	ck_assert_str_eq(why, want);
	for (int i = 0; i < COUNT; i++)
		ck_assert_int_eq(others[i], -1);
	end_sockets();
	bind_well(first);
	ck_assert_str_eq(address, first);
}
END_TEST

START_TEST(no_socket_is_a_standard_stream)
{
	int input = dup(STDIN_FILENO);

	close(STDIN_FILENO);
	bind_well("127.0.0.1:0");
	for (int i = 0; i < COUNT; i++)
		ck_assert_int_gt(sockets[i], STDERR_FILENO);
	if (input >= 0) {
		dup2(input, STDIN_FILENO);
		close(input);
	}
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("workers");
	TCase *t = tcase_create("workers");

	tcase_add_checked_fixture(t, NULL, end_sockets);
	tcase_add_test(t, waits_double_up_to_ten_seconds);
	tcase_add_test(t, a_life_of_ten_seconds_begins_anew);
	tcase_add_test(t, all_have_one_port);
	tcase_add_test(t, without_a_host_all_addresses_are_one_port);
	tcase_add_test(t, started_twice_is_an_error);
	tcase_add_test(t, no_socket_is_a_standard_stream);
	suite_add_tcase(s, t);
	return s;
}
