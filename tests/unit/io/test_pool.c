/* test_pool.c - threads for blocking work, and the loop woken by them. */
#include <errno.h>
#include <stdatomic.h>

#include "notify.h"
#include "pool.h"
#include "test_main.h"

static struct pool pool;
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER; /* held: jobs that pass it wait */
static atomic_int ran, inside, most_inside;
static int order[16];

static void note(void *arg)
{
	order[atomic_fetch_add(&ran, 1)] = *(int *)arg;
}

static void pass_gate(void *arg)
{
	int now = atomic_fetch_add(&inside, 1) + 1, most = atomic_load(&most_inside);

	(void)arg;
	while (now > most && !atomic_compare_exchange_weak(&most_inside, &most, now))
		continue;
	pthread_mutex_lock(&gate);
	pthread_mutex_unlock(&gate);
	atomic_fetch_sub(&inside, 1);
	atomic_fetch_add(&ran, 1);
}

static void setup(void)
{
	ran = inside = most_inside = 0;
}

START_TEST(one_thread_keeps_the_order)
{
	int numbers[16];

	pool_init(&pool, 1);
	for (int i = 0; i < 16; i++) {
		numbers[i] = i;
		ck_assert_int_eq(pool_add(&pool, note, &numbers[i]), 0);
	}
	ck_assert_uint_eq(pool_end(&pool, 10000), 0);
	for (int i = 0; i < 16; i++)
		ck_assert_int_eq(order[i], i);
	pool_fini(&pool);
}
END_TEST

START_TEST(threads_come_as_needed_and_no_more)
{
	pool_init(&pool, 3);
	pthread_mutex_lock(&gate);
	pool_add(&pool, pass_gate, NULL);
	ck_assert_uint_eq(pool.n_threads, 1);
	for (int i = 0; i < 9; i++)
		pool_add(&pool, pass_gate, NULL);
	ck_assert_uint_eq(pool.n_threads, 3);
	ck_assert_uint_eq(pool_end(&pool, 1), 10); /* nobody passes: so many are left */
	pthread_mutex_unlock(&gate);
	ck_assert_uint_eq(pool_end(&pool, 10000), 0);
	ck_assert_int_eq(ran, 10);
	ck_assert_int_le(most_inside, 3);
	pool_fini(&pool);
}
END_TEST

static void sleep_long(void *arg)
{
	*(int *)arg = pool_sleep(&pool, INT64_MAX);
}

static void sleep_short(void *arg)
{
	*(int *)arg = pool_sleep(&pool, 1);
}

START_TEST(sleep_ends_by_time_or_by_the_end)
{
	int by_end = 1, by_time = 1, late;

	pool_init(&pool, 2);
	pool_add(&pool, sleep_short, &by_time);
	pthread_mutex_lock(&pool.lock);
	while (pool.jobs)
		pthread_cond_wait(&pool.ended, &pool.lock);
	pthread_mutex_unlock(&pool.lock);
	ck_assert_int_eq(by_time, 0);
	pool_add(&pool, sleep_long, &by_end);
	ck_assert_uint_eq(pool_end(&pool, 10000), 0);
	ck_assert_int_eq(by_end, -ECANCELED);
	late = pool_sleep(&pool, 60000);
	ck_assert_int_eq(late, -ECANCELED);
	pool_fini(&pool);
}
END_TEST

START_TEST(a_pool_that_had_nothing_to_do)
{
	pool_init(&pool, 5);
	ck_assert_uint_eq(pool.n_threads, 0);
	ck_assert_uint_eq(pool_end(&pool, 0), 0);
	pool_fini(&pool);
}
END_TEST

/* --- The loop ----------------------------------------------------------------------------------------------------- */

static struct loop loop;
static struct notify notify;
static int told;

static void send(void *arg)
{
	(void)arg;
	for (int i = 0; i < 100; i++)
		notify_send(&notify);
	atomic_fetch_add(&ran, 1);
	notify_send(&notify);
}

/* What is sent behind the last look is told again, so the loop ends only when all have sent. */
static void on_notify(void *ctx, int64_t now_ms)
{
	(void)ctx;
	(void)now_ms;
	told++;
	if (ran == 8)
		loop_stop(&loop);
}

START_TEST(the_loop_hears_of_every_send)
{
	told = 0;
	ck_assert_int_eq(loop_init(&loop), 0);
	ck_assert_int_eq(notify_open(&notify, &loop, on_notify, NULL), 0);
	pool_init(&pool, 4);
	for (int i = 0; i < 8; i++)
		pool_add(&pool, send, NULL);
	loop_run(&loop);
	ck_assert_int_ge(told, 1);
	ck_assert_int_le(told, 808);
	ck_assert_uint_eq(pool_end(&pool, 10000), 0);
	pool_fini(&pool);
	notify_close(&notify);
	notify_close(&notify);
	loop_fini(&loop);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("pool");
	TCase *tc = tcase_create("pool");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_loop_test(tc, one_thread_keeps_the_order, 0, 10);
	tcase_add_test(tc, threads_come_as_needed_and_no_more);
	tcase_add_test(tc, sleep_ends_by_time_or_by_the_end);
	tcase_add_test(tc, a_pool_that_had_nothing_to_do);
	tcase_add_loop_test(tc, the_loop_hears_of_every_send, 0, 20);
	suite_add_tcase(s, tc);
	return s;
}
