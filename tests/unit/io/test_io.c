/* test_io.c - timers against a plain model, the graveyard, a turn of the loop. */
#include <event2/event.h>
#include <stdlib.h>
#include <time.h>

#include "clock.h"
#include "loop.h"
#include "test_main.h"

/* --- Timers: the wheel against an array --------------------------------------------------------------------------- */

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

/* Whether links agree both ways and no deadline is before `from_ms`; counts. */
static bool is_ring(const struct timer_link *head, int64_t from_ms, uint32_t *seen)
{
	bool ok = true;

	for (const struct timer_link *at = head->next; at && at != head; at = at->next, ++*seen)
		ok &= at->prev->next == at && at->next->prev == at && ((const struct timer *)at)->due_ms >= from_ms;
	return ok;
}

/* ck_assert() costs a write: what is checked a million times is asked here and asserted once a step. */
static bool is_wheel(const struct timers *ts)
{
	uint32_t seen = 0;
	bool ok = is_ring(&ts->due, 0, &seen);

	for (unsigned level = 0; level < TIMER_LEVELS; level++)
		for (unsigned i = 0; i < TIMER_SLOTS; i++) {
			uint32_t before = seen;

			ok &= is_ring(&ts->slots[level][i], ts->at_ms + 1, &seen);
			ok &= (seen > before) == (ts->used[level][i / 64] >> i % 64 & 1);
		}
	return ok && seen == ts->count;
}

/* No later than any of them, and not long before: a sleeper wakes for something. */
static bool tells_next(const struct timers *ts, const int64_t *due)
{
	int64_t next = timers_next_ms(ts), least = INT64_MAX;

	for (int k = 0; k < TIMERS; k++)
		if (due[k] && due[k] < least)
			least = due[k];
	return next <= least && (next == INT64_MAX) == (least == INT64_MAX);
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

/* How far apart deadlines are, and what a step of the clock is: within a level of the wheel, and over all of them. */
static const struct {
	int64_t ahead, step;
} spans[] = { { 40, 1 }, { 40, 7 }, { 600, 1 }, { 600, 100 }, { 70000, 33 }, { 70000, 5000 }, { 20000000, 70001 },
	{ 6000000000, 11000000 }, { 9000000000, 4300000000 } };

static int64_t below(unsigned *seed, int64_t limit)
{
	return (int64_t)((uint64_t)rand_r(seed) << 31 | (uint64_t)rand_r(seed)) % limit;
}

/* Sets one of them for due_ms, or stops it. */
static void change(struct timers *ts, struct probe *probes, int64_t *due, int64_t due_ms, unsigned *seed)
{
	int i = rand_r(seed) % TIMERS;

	if (rand_r(seed) % 4 == 0) {
		timer_stop(ts, &probes[i].timer);
		due[i] = 0;
	} else {
		due[i] = due_ms;
		timer_set(ts, &probes[i].timer, fire, due_ms);
	}
}

START_TEST(timers_fire_once_and_in_time)
{
	struct timers ts = TIMERS_INIT;
	int64_t ahead = spans[_i % 9].ahead, now = 1;
	struct probe probes[TIMERS] = { 0 };
	int64_t due[TIMERS] = { 0 }; /* 0: idle */
	unsigned seed = (unsigned)_i + 1;

	for (int step = 0; step < 1000; step++, now += 1 + below(&seed, spans[_i % 9].step)) {
		for (int most = rand_r(&seed) % 4; most >= 0; most--)
			change(&ts, probes, due, now + (rand_r(&seed) % 4 ? below(&seed, ahead) : 0), &seed);
		ck_assert(is_wheel(&ts));
		ck_assert(tells_next(&ts, due));
		timers_run(&ts, now);
		ck_assert(is_wheel(&ts));
		ck_assert(agrees(probes, due, now));
	}
	timers_fini(&ts);
}
END_TEST

static int64_t fired_last_ms;

static void fire_in_order(struct timer *t, int64_t now_ms)
{
	ck_assert(t->due_ms >= fired_last_ms);
	fired_last_ms = t->due_ms;
	fire(t, now_ms);
}

static struct {
	struct timer timer, *other;
	struct timers *in;
} stopper;

static void stop_other(struct timer *t, int64_t now_ms)
{
	(void)t;
	(void)now_ms;
	timer_stop(stopper.in, stopper.other);
}

static void put_other_off(struct timer *t, int64_t now_ms)
{
	(void)t;
	(void)now_ms;
	timer_set(stopper.in, stopper.other, fire, 3000);
}

/* Some at a time, so that what is late comes in between. */
START_TEST(timers_fire_in_order)
{
	struct timers ts = TIMERS_INIT;
	struct probe probes[TIMERS] = { 0 };
	unsigned seed = (unsigned)_i + 1;

	timers_run(&ts, 1000);
	for (int i = 0; i < TIMERS; i++) {
		fired_last_ms = 0;
		timer_set(&ts, &probes[i].timer, fire_in_order, below(&seed, 300000));
	}
	for (int64_t now = 2000; now < 300000; now += 1 + below(&seed, 30000))
		timers_run(&ts, now);
	timers_run(&ts, 300000);
	for (int i = 0; i < TIMERS; i++)
		ck_assert_int_eq(probes[i].fired, 1);
	timers_fini(&ts);
}
END_TEST

START_TEST(a_timer_stops_another_that_is_due_too)
{
	struct timers ts = TIMERS_INIT;
	struct probe a = { 0 };

	stopper.other = &a.timer;
	stopper.in = &ts;
	timer_set(&ts, &stopper.timer, stop_other, 9);
	timer_set(&ts, &a.timer, fire, 10);
	timers_run(&ts, 1000);
	ck_assert_int_eq(a.fired, 0);
	ck_assert_int_eq(ts.count, 0);
	/* ..and puts one off that waits to be run */
	timer_set(&ts, &stopper.timer, put_other_off, 2000);
	timer_set(&ts, &a.timer, fire, 2000);
	timer_set(&ts, &stopper.timer, put_other_off, 1999);
	timers_run(&ts, 2001);
	ck_assert_int_eq(a.fired, 0);
	timers_run(&ts, 2999);
	ck_assert_int_eq(a.fired, 0);
	timers_run(&ts, 3000);
	ck_assert_int_eq(a.fired, 1);
	timers_fini(&ts);
}
END_TEST

START_TEST(a_timer_for_never)
{
	struct timers ts = TIMERS_INIT;
	struct probe a = { 0 };

	timers_run(&ts, 5);
	timer_set(&ts, &a.timer, fire, INT64_MAX);
	for (int64_t now = 6; now < INT64_C(1) << 45; now *= 3) {
		ck_assert(timers_next_ms(&ts) > now / 3);
		timers_run(&ts, now);
	}
	ck_assert_int_eq(a.fired, 0);
	ck_assert(timer_is_set(&a.timer));
	timer_stop(&ts, &a.timer);
	ck_assert(timers_next_ms(&ts) == INT64_MAX);
	timers_fini(&ts);
}
END_TEST

struct ordered {
	struct timer timer;
	int nth; /* to be set for its deadline */
};
static struct ordered *last_ordered;

static void fire_ordered(struct timer *t, int64_t now_ms)
{
	struct ordered *o = (struct ordered *)(void *)t;

	(void)now_ms;
	if (last_ordered && last_ordered->timer.due_ms == t->due_ms)
		ck_assert_int_lt(last_ordered->nth, o->nth);
	else if (last_ordered)
		ck_assert_int_lt(last_ordered->timer.due_ms, t->due_ms);
	last_ordered = o;
}

/* From hours before the deadline, which is the border of a coarse slot or not far from it, to just before it. */
START_TEST(of_one_deadline_who_is_set_first_fires_first)
{
	struct timers ts = TIMERS_INIT;
	struct ordered all[TIMERS] = { 0 };
	unsigned seed = (unsigned)_i + 1;
	int64_t border = INT64_C(3) << 24 >> _i % 3 * 8, now = _i % 2 ? 0 : border / 2;
	int n = 0;

	last_ordered = NULL;
	while (now < border - 1) {
		for (int most = rand_r(&seed) % 6; most && n < TIMERS; most--, n++) {
			all[n].nth = n;
			timer_set(&ts, &all[n].timer, fire_ordered, border + rand_r(&seed) % 2);
		}
		now += 1 + below(&seed, (border - now + 1) / 2);
		timers_run(&ts, now < border ? now : border - 1);
	}
	timers_run(&ts, border + 1);
	ck_assert_int_gt(n, 0);
	ck_assert_uint_eq(ts.count, 0);
	timers_fini(&ts);
}
END_TEST

START_TEST(who_is_put_off_does_not_hold_up_who_is_due)
{
	struct timers ts = TIMERS_INIT;
	struct probe a = { 0 }, b = { 0 };

	timers_run(&ts, 10);
	timer_set(&ts, &a.timer, fire, 10);
	timer_set(&ts, &b.timer, fire, 10);
	timer_set(&ts, &a.timer, fire, 100);
	ck_assert_int_le(timers_next_ms(&ts), 10);
	timers_run(&ts, 10);
	ck_assert(b.fired == 1 && a.fired == 0);
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

	tcase_add_loop_test(timers, timers_fire_once_and_in_time, 0, 45);
	tcase_add_loop_test(timers, timers_fire_in_order, 0, 10);
	tcase_add_loop_test(timers, of_one_deadline_who_is_set_first_fires_first, 0, 30);
	tcase_add_test(timers, who_is_put_off_does_not_hold_up_who_is_due);
	tcase_add_test(timers, a_timer_stops_another_that_is_due_too);
	tcase_add_test(timers, a_timer_for_never);
	tcase_add_test(timers, a_timer_set_for_now_waits_for_the_next_run);
	tcase_add_test(timers, next_is_never_later_than_what_is_due);
	tcase_add_test(rest, what_is_buried_while_digging_is_freed_too);
	tcase_add_test(rest, a_turn_runs_timers_then_its_end);
	tcase_add_test(rest, a_turn_that_takes_long_is_told);
	suite_add_tcase(s, timers);
	suite_add_tcase(s, rest);
	return s;
}
