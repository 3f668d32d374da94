/* test_io.c - timers against a plain model, the graveyard, a turn of the loop. */
#include <event2/event.h>
#include <stdlib.h>
#include <time.h>

#include "clock.h"
#include "loop.h"
#include "test_main.h"

/* --- Timers: the heap against an array ---------------------------------------------------------------------------- */

enum { TIMERS = 50 };

struct probe {
	struct timer timer;
	int fired;
	int64_t fired_at;
};

static void fire(struct timer *t, int64_t now_ms)
{
	struct probe *p = (struct probe *)(void *)t;

	p->fired++;
	p->fired_at = now_ms;
}

/* ck_assert() costs a write: what is checked a million times is asked here and asserted once a step. */
static bool is_heap(const struct timers *ts)
{
	bool ok = true;

	for (uint32_t i = 1; i <= ts->count; i++) {
		ok &= ts->heap[i]->place == i && ts->heap[i]->key_ms <= ts->heap[i]->due_ms;
		ok &= i == 1 || ts->heap[i / 2]->key_ms <= ts->heap[i]->key_ms;
	}
	return ok;
}

/* What fired is what the model says was due; both forget it. */
static bool agrees(struct probe *probes, int64_t *due, int64_t now)
{
	bool ok = true;

	for (int k = 0; k < TIMERS; k++) {
		bool should = due[k] && due[k] <= now;

		ok &= probes[k].fired == should;
		ok &= timer_is_set(&probes[k].timer) == (due[k] && !should);
		if (should)
			due[k] = 0;
		probes[k].fired = 0;
	}
	return ok;
}

START_TEST(timers_fire_once_and_in_time)
{
	struct timers ts = TIMERS_INIT;
	struct probe probes[TIMERS] = { 0 };
	int64_t due[TIMERS] = { 0 }; /* 0: idle */
	unsigned seed = (unsigned)_i + 1;

	for (int64_t now = 1; now < 2000; now++) {
		int i = rand_r(&seed) % TIMERS, what = rand_r(&seed) % 4;

		if (what == 0) {
			timer_stop(&ts, &probes[i].timer);
			due[i] = 0;
		} else {
			due[i] = now + rand_r(&seed) % 40;
			timer_set(&ts, &probes[i].timer, fire, due[i]);
		}
		ck_assert(is_heap(&ts));
		timers_run(&ts, now);
		ck_assert(is_heap(&ts));
		ck_assert(agrees(probes, due, now));
	}
	timers_fini(&ts);
}
END_TEST

static struct timers *again_in;
static int again_count;

static void set_again(struct timer *t, int64_t now_ms)
{
	again_count++;
	timer_set(again_in, t, set_again, now_ms);
}

START_TEST(a_timer_set_for_now_waits_for_the_next_run)
{
	struct timers ts = TIMERS_INIT;
	struct timer t = { 0 };

	again_in = &ts;
	again_count = 0;
	timer_set(&ts, &t, set_again, 5);
	timers_run(&ts, 4);
	ck_assert_int_eq(again_count, 0);
	timers_run(&ts, 5);
	ck_assert_int_eq(again_count, 1);
	timers_run(&ts, 5);
	ck_assert_int_eq(again_count, 2);
	timers_fini(&ts);
}
END_TEST

START_TEST(next_is_never_later_than_what_is_due)
{
	struct timers ts = TIMERS_INIT;
	struct probe a = { 0 };

	ck_assert(timers_next_ms(&ts) == INT64_MAX);
	timer_set(&ts, &a.timer, fire, 10);
	timer_set(&ts, &a.timer, fire, 20);
	ck_assert(timers_next_ms(&ts) <= 20);
	timers_run(&ts, 10); /* the put-off timer is mended, not fired */
	ck_assert_int_eq(a.fired, 0);
	ck_assert_int_eq(timers_next_ms(&ts), 20);
	timers_fini(&ts);
	ck_assert(!timer_is_set(&a.timer));
}
END_TEST

/* --- Graveyard ---------------------------------------------------------------------------------------------------- */

static struct graveyard yard;
static int freed;
static struct grave second;

static void count_free(struct grave *g)
{
	(void)g;
	freed++;
}

static void bury_another(struct grave *g)
{
	count_free(g);
	graveyard_bury(&yard, &second, count_free);
}

START_TEST(what_is_buried_while_digging_is_freed_too)
{
	struct grave first = { 0 };

	yard = GRAVEYARD_INIT;
	graveyard_bury(&yard, &first, bury_another);
	ck_assert_int_eq(freed, 0);
	graveyard_dig(&yard);
	ck_assert_int_eq(freed, 2);
	ck_assert_ptr_null(yard.first);
}
END_TEST

/* --- Loop --------------------------------------------------------------------------------------------------------- */

static struct loop loop;
static int turns;

static void stop_at_third(struct timer *t, int64_t now_ms)
{
	if (++turns == 3)
		loop_stop(&loop);
	else
		timer_set(&loop.timers, t, stop_at_third, now_ms + 1);
}

static int ends;

static void count_end(void *ctx, int64_t now_ms)
{
	(void)ctx;
	(void)now_ms;
	ends++;
}

START_TEST(a_turn_runs_timers_then_its_end)
{
	struct timer t = { 0 };

	ck_assert_int_eq(loop_init(&loop), 0);
	loop_on_turn_end(&loop, count_end, NULL);
	timer_set(&loop.timers, &t, stop_at_third, clock_now_ms());
	loop_run(&loop);
	ck_assert_int_eq(turns, 3);
	ck_assert(ends >= 3);
	loop_fini(&loop);
}
END_TEST

static int64_t longest_ms;

static void note_turn(void *ctx, int64_t now_ms, int64_t took_ms)
{
	ck_assert_ptr_eq(ctx, &longest_ms);
	ck_assert_int_ge(took_ms, 0);
	ck_assert_int_le(now_ms, clock_now_ms());
	if (took_ms > longest_ms)
		longest_ms = took_ms;
}

static void hold_up(struct timer *t, int64_t now_ms)
{
	nanosleep(&(struct timespec){ .tv_nsec = 30 * 1000 * 1000 }, NULL);
	turns = 1;
	timer_set(&loop.timers, t, stop_at_third, now_ms + 1);
}

START_TEST(a_turn_that_takes_long_is_told)
{
	struct timer t = { 0 };

	ck_assert_int_eq(loop_init(&loop), 0);
	longest_ms = 0;
	loop_on_turn_took(&loop, note_turn, &longest_ms);
	timer_set(&loop.timers, &t, hold_up, clock_now_ms());
	loop_run(&loop);
	ck_assert_int_ge(longest_ms, 29);
	loop_fini(&loop);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("io");
	TCase *timers = tcase_create("timers"), *rest = tcase_create("rest");

	tcase_add_loop_test(timers, timers_fire_once_and_in_time, 0, 20);
	tcase_add_test(timers, a_timer_set_for_now_waits_for_the_next_run);
	tcase_add_test(timers, next_is_never_later_than_what_is_due);
	tcase_add_test(rest, what_is_buried_while_digging_is_freed_too);
	tcase_add_test(rest, a_turn_runs_timers_then_its_end);
	tcase_add_test(rest, a_turn_that_takes_long_is_told);
	suite_add_tcase(s, timers);
	suite_add_tcase(s, rest);
	return s;
}
