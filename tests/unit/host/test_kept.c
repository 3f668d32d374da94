/* test_kept.c - the state of clients that a host keeps. */
#include "host_internal.h"

#include <stdio.h>

#include "test_main.h"

static struct kept_clients kept;

static struct client_state state_of(const char *query)
{
	static const struct slice rooms[] = { { "one", 3 }, { "two", 3 } };
	static const struct state_datum session[] = { { { "\"k\"", 3 }, { "1", 1 } } };

	return (struct client_state){ .handshake = { slice_str(query), SLICE("a: b\n"), "192.0.2.1" },
		.auth = SLICE("{}"),
		.transport = "polling",
		.rooms = rooms,
		.n_rooms = 2,
		.session = session,
		.n_session = 1 };
}

static void put(const char *sid, uint64_t state_n, const char *query)
{
	struct client_state s = state_of(query);

	ck_assert_ptr_nonnull(kept_put(&kept, slice_str(sid), state_n, &s));
}

static void fini(void)
{
	kept_fini(&kept);
}

START_TEST(all_of_it_is_copied)
{
	char query[] = "a=1", sid[] = "S";
	const struct kept *c;

	kept_init(&kept, 10, 0);
	put(sid, 3, query);
	query[0] = sid[0] = '#';
	c = kept_find(&kept, SLICE("S"));
	ck_assert_ptr_nonnull(c);
	ck_assert_int_eq((int)c->state_n, 3);
	ck_assert(slice_equal(c->state.handshake.query, SLICE("a=1")));
	ck_assert(slice_equal(c->state.handshake.headers, SLICE("a: b\n")));
	ck_assert_str_eq(c->state.handshake.address, "192.0.2.1");
	ck_assert_str_eq(c->state.transport, "polling");
	ck_assert(slice_equal(c->state.auth, SLICE("{}")));
	ck_assert_int_eq((int)c->state.n_rooms, 2);
	ck_assert(slice_equal(c->state.rooms[1], SLICE("two")));
	ck_assert(slice_equal(c->state.session[0].key, SLICE("\"k\"")));
	ck_assert(slice_equal(c->state.session[0].json, SLICE("1")));
}
END_TEST

START_TEST(nothing_is_a_state_too)
{
	struct client_state none = { .transport = NULL };
	const struct kept *c;

	kept_init(&kept, 10, 0);
	c = kept_put(&kept, SLICE("S"), 1, &none);
	ck_assert_ptr_nonnull(c);
	ck_assert_ptr_null(c->state.transport);
	ck_assert_ptr_null(c->state.handshake.address);
	ck_assert_int_eq((int)c->state.n_rooms, 0);
}
END_TEST

START_TEST(the_longest_unused_goes_first)
{
	kept_init(&kept, 2, 0);
	put("A", 1, "");
	put("B", 1, "");
	ck_assert_ptr_nonnull(kept_find(&kept, SLICE("A")));
	put("C", 1, "");
	ck_assert_ptr_null(kept_find(&kept, SLICE("B")));
	ck_assert_ptr_nonnull(kept_find(&kept, SLICE("A")));
	ck_assert_ptr_nonnull(kept_find(&kept, SLICE("C")));
	put("A", 2, "");
	ck_assert_int_eq((int)kept.count, 2);
	kept_drop(&kept, SLICE("A"));
	kept_drop(&kept, SLICE("A"));
	ck_assert_int_eq((int)kept.count, 1);
}
END_TEST

START_TEST(bytes_are_bounded)
{
	size_t one;

	kept_init(&kept, 100, 0);
	put("A", 1, "");
	one = kept.bytes;
	kept_fini(&kept);
	kept_init(&kept, 100, 2 * one);
	put("A", 1, "");
	put("B", 1, "");
	ck_assert_int_eq((int)kept.count, 2);
	put("C", 1, "x"); /* one byte past */
	ck_assert_int_eq((int)kept.count, 1);
	ck_assert_ptr_nonnull(kept_find(&kept, SLICE("C")));
}
END_TEST

START_TEST(the_one_in_use_stays_however_little_may)
{
	kept_init(&kept, 0, 1);
	put("A", 1, "");
	ck_assert_ptr_nonnull(kept_find(&kept, SLICE("A")));
	put("B", 1, "");
	ck_assert_int_eq((int)kept.count, 1);
}
END_TEST

TCase *case_kept(void);
TCase *case_kept(void)
{
	TCase *tc = tcase_create("kept");

	tcase_add_checked_fixture(tc, NULL, fini);
	tcase_add_test(tc, all_of_it_is_copied);
	tcase_add_test(tc, nothing_is_a_state_too);
	tcase_add_test(tc, the_longest_unused_goes_first);
	tcase_add_test(tc, bytes_are_bounded);
	tcase_add_test(tc, the_one_in_use_stays_however_little_may);
	return tc;
}
