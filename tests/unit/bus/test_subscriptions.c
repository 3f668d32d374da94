/* test_subscriptions.c - against a model of Redis that answers in order, late, or loses the link. */
#include <stdio.h>
#include <stdlib.h>

#include "subscriptions.h"
#include "test_main.h"

enum { NAMES = 12, STEPS = 4000, BATCH = 3, WAITING_MAX = 4096 };

/* The other side: what it was told, not yet answered, and the state it is in. */
struct redis_model {
	bool subscribed[SUBSCRIPTION_KINDS][NAMES];
	struct {
		enum subscription_kind kind;
		int name;
	} waiting[WAITING_MAX];
	size_t first, end;
};

struct world {
	struct subscriptions s;
	struct redis_model redis;
	int users[SUBSCRIPTION_KINDS][NAMES];
	unsigned seed;
};

static struct slice name_of(int i)
{
	static char names[NAMES][8];

	snprintf(names[i], sizeof(names[i]), "room-%d", i);
	return slice_str(names[i]);
}

static int index_of(struct slice name)
{
	return atoi(name.at + 5);
}

static unsigned roll(struct world *w, unsigned below)
{
	return (unsigned)rand_r(&w->seed) % below;
}

static void send_batches(struct world *w, size_t batches)
{
	struct slice names[BATCH];
	struct subscription_batch b;

	while (batches-- > 0 && (b = subscriptions_next(&w->s, names, BATCH)).n > 0) {
		for (size_t i = 0; i < b.n; i++) {
			int name = index_of(names[i]);

			/* Never told what it knows: each command changes something. */
			ck_assert_int_ne(w->redis.subscribed[b.kind][name], b.subscribe);
			w->redis.subscribed[b.kind][name] = b.subscribe;
			ck_assert_uint_lt(w->redis.end, WAITING_MAX);
			w->redis.waiting[w->redis.end].kind = b.kind;
			w->redis.waiting[w->redis.end++].name = name;
		}
	}
}

static void answer(struct world *w, size_t n)
{
	for (; n > 0 && w->redis.first < w->redis.end; n--, w->redis.first++)
		subscriptions_answered(
			&w->s, w->redis.waiting[w->redis.first].kind, name_of(w->redis.waiting[w->redis.first].name));
}

static void lose(struct world *w)
{
	subscriptions_lost(&w->s);
	w->redis.first = w->redis.end = 0;
	memset(w->redis.subscribed, 0, sizeof(w->redis.subscribed));
}

static void step(struct world *w)
{
	enum subscription_kind kind = roll(w, 2) ? SUBSCRIPTION_CHANNEL : SUBSCRIPTION_PATTERN;
	int name = (int)roll(w, NAMES);

	switch (roll(w, 8)) {
	case 0:
	case 1:
	case 2:
		subscriptions_want(&w->s, kind, name_of(name));
		w->users[kind][name]++;
		break;
	case 3:
	case 4:
	case 5:
		subscriptions_drop(&w->s, kind, name_of(name));
		w->users[kind][name] -= w->users[kind][name] > 0;
		break;
	case 6:
		send_batches(w, roll(w, 4));
		break;
	default:
		answer(w, roll(w, 6));
		if (roll(w, 100) == 0)
			lose(w);
	}
}

static void expect_settled(struct world *w)
{
	size_t wanted[SUBSCRIPTION_KINDS] = { 0 };

	send_batches(w, SIZE_MAX);
	answer(w, SIZE_MAX);
	ck_assert(subscriptions_are_settled(&w->s));
	for (int kind = 0; kind < SUBSCRIPTION_KINDS; kind++) {
		for (int name = 0; name < NAMES; name++) {
			bool should = w->users[kind][name] > 0;

			wanted[kind] += should;
			ck_assert_int_eq(w->redis.subscribed[kind][name], should);
			ck_assert_int_eq(subscriptions_is_live(&w->s, kind, name_of(name)), should);
		}
		ck_assert_uint_eq(subscriptions_count(&w->s, kind), wanted[kind]);
	}
}

START_TEST(redis_ends_up_with_what_is_wanted_and_nothing_else)
{
	struct world *w = calloc(1, sizeof(*w));

	w->seed = (unsigned)_i + 1;
	subscriptions_init(&w->s);
	for (int i = 0; i < STEPS; i++)
		step(w);
	expect_settled(w);
	subscriptions_fini(&w->s);
	free(w);
}
END_TEST

START_TEST(what_comes_and_goes_within_a_turn_costs_nothing)
{
	struct subscriptions s;
	struct slice names[BATCH];

	subscriptions_init(&s);
	subscriptions_want(&s, SUBSCRIPTION_CHANNEL, SLICE("a"));
	subscriptions_drop(&s, SUBSCRIPTION_CHANNEL, SLICE("a"));
	ck_assert_uint_eq(subscriptions_next(&s, names, BATCH).n, 0);
	ck_assert_uint_eq(subscriptions_count(&s, SUBSCRIPTION_CHANNEL), 0);
	ck_assert(subscriptions_are_settled(&s));
	subscriptions_fini(&s);
}
END_TEST

START_TEST(a_name_is_live_when_its_last_answer_came)
{
	struct subscriptions s;
	struct slice names[BATCH];

	subscriptions_init(&s);
	subscriptions_want(&s, SUBSCRIPTION_PATTERN, SLICE("p*"));
	ck_assert(!subscriptions_are_settled(&s));
	ck_assert_uint_eq(subscriptions_next(&s, names, BATCH).n, 1);
	subscriptions_drop(&s, SUBSCRIPTION_PATTERN, SLICE("p*"));
	ck_assert(!subscriptions_next(&s, names, BATCH).subscribe);
	subscriptions_want(&s, SUBSCRIPTION_PATTERN, SLICE("p*"));
	ck_assert(subscriptions_next(&s, names, BATCH).subscribe);
	for (int i = 0; i < 3; i++) {
		ck_assert(!subscriptions_is_live(&s, SUBSCRIPTION_PATTERN, SLICE("p*")));
		subscriptions_answered(&s, SUBSCRIPTION_PATTERN, SLICE("p*"));
	}
	ck_assert(subscriptions_is_live(&s, SUBSCRIPTION_PATTERN, SLICE("p*")));
	ck_assert(!subscriptions_is_live(&s, SUBSCRIPTION_CHANNEL, SLICE("p*")));
	/* Answers that nobody waits for change nothing. */
	subscriptions_answered(&s, SUBSCRIPTION_PATTERN, SLICE("p*"));
	subscriptions_answered(&s, SUBSCRIPTION_CHANNEL, SLICE("never"));
	ck_assert(subscriptions_are_settled(&s));
	subscriptions_fini(&s);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("subscriptions");
	TCase *t = tcase_create("subscriptions");

	tcase_add_loop_test(t, redis_ends_up_with_what_is_wanted_and_nothing_else, 0, 20);
	tcase_add_test(t, what_comes_and_goes_within_a_turn_costs_nothing);
	tcase_add_test(t, a_name_is_live_when_its_last_answer_came);
	suite_add_tcase(s, t);
	return s;
}
