/* test_tls.c - keys of session tickets: the same for all that began with one seed, and new ones every hour. */
#include <string.h>

#include "test_main.h"
#include "tls_internal.h"

static const unsigned char seed[GATEWAY_TLS_SEED_SIZE] = "a seed";
enum { BEGAN_MS = 5 * TLS_TICKET_MS + 17 };

static bool same(const struct tls_ticket_key *a, const struct tls_ticket_key *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

static struct tls_tickets tickets(int64_t now_ms)
{
	struct tls_tickets k = { 0 };

	tls_tickets_init(&k, seed, BEGAN_MS);
	tls_tickets_advance(&k, now_ms);
	return k;
}

START_TEST(a_worker_that_comes_later_has_the_keys_of_the_others)
{
	struct tls_tickets old = tickets(BEGAN_MS + TLS_TICKET_MS), late;

	for (int hours = 2; hours < 30; hours++) {
		tls_tickets_advance(&old, BEGAN_MS + (int64_t)hours * TLS_TICKET_MS);
		late = tickets(BEGAN_MS + (int64_t)hours * TLS_TICKET_MS);
		ck_assert(same(&old.now, &late.now));
		ck_assert(same(&old.before, &late.before));
	}
}
END_TEST

START_TEST(keys_change_with_the_hour_and_the_one_before_is_kept)
{
	struct tls_tickets first = tickets(6 * TLS_TICKET_MS - 1), second = tickets(6 * TLS_TICKET_MS);

	ck_assert(same(&first.now, &second.before));
	ck_assert(!same(&first.now, &second.now));
	ck_assert(same(&first.now, &first.before)); /* there was none */
	ck_assert_int_ne(memcmp(first.seed, second.seed, sizeof(first.seed)), 0);
	tls_tickets_advance(&second, 6 * TLS_TICKET_MS - 1);
	ck_assert_msg(same(&first.now, &second.before), "time does not go back");
}
END_TEST

START_TEST(no_part_of_a_key_is_another)
{
	struct tls_tickets k = tickets(BEGAN_MS);

	ck_assert_int_ne(memcmp(k.now.cipher, k.now.mac, sizeof(k.now.mac)), 0);
	ck_assert_int_ne(memcmp(k.now.cipher, k.now.name, sizeof(k.now.name)), 0);
	ck_assert_int_ne(memcmp(k.now.cipher, k.seed, sizeof(k.seed)), 0);
	ck_assert_int_ne(memcmp(k.now.mac, k.seed, sizeof(k.seed)), 0);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("tls");
	TCase *t = tcase_create("tickets");

	tcase_add_test(t, a_worker_that_comes_later_has_the_keys_of_the_others);
	tcase_add_test(t, keys_change_with_the_hour_and_the_one_before_is_kept);
	tcase_add_test(t, no_part_of_a_key_is_another);
	suite_add_tcase(s, t);
	return s;
}
