/* test_table.c - a map for a great many, against what was put into it. */
#include "alloc.h"
#include "table.h"
#include "test_main.h"

#include <stdio.h>
#include <stdlib.h>

enum { MANY = 2000, LONGEST = 16 };

struct item {
	struct table_node node;
	char name[16];
	bool is_in;
	int seen;
};

static struct item *items;

static void prepare(void)
{
	items = must_alloc(MANY * sizeof(*items));
	for (int i = 0; i < MANY; i++) {
		snprintf(items[i].name, sizeof(items[i].name), "sid-%d", i);
		items[i].node = table_node(slice_str(items[i].name));
	}
}

static void clean(void)
{
	free(items);
}

static void put(struct table *t, int i)
{
	table_add(t, &items[i].node);
	items[i].is_in = true;
}

static void take(struct table *t, int i)
{
	table_remove(t, &items[i].node);
	items[i].is_in = false;
}

/* Found when it is in, and not when it is not. */
static void check_finds(const struct table *t)
{
	size_t count = 0;

	for (int i = 0; i < MANY; i++) {
		ck_assert_ptr_eq(table_find(t, slice_str(items[i].name)), items[i].is_in ? &items[i].node : NULL);
		count += items[i].is_in;
	}
	ck_assert_uint_eq(table_count(t), count);
}

static void check_sees_each_once(const struct table *t)
{
	struct table_node *node, *next;

	for (int i = 0; i < MANY; i++)
		items[i].seen = 0;
	table_foreach(t, node, next) table_item(node, struct item, node)->seen++;
	for (int i = 0; i < MANY; i++)
		ck_assert_int_eq(items[i].seen, items[i].is_in);
}

START_TEST(all_are_found_at_every_size)
{
	struct table t = TABLE_INIT;

	for (int i = 0; i < MANY; i++) {
		put(&t, i);
		if (i < 40 || i % 197 == 0) {
			check_finds(&t);
			check_sees_each_once(&t);
		}
	}
	for (int i = 0; i < MANY; i++) {
		take(&t, i);
		if (i > MANY - 40 || i % 197 == 0) {
			check_finds(&t);
			check_sees_each_once(&t);
		}
	}
	ck_assert_ptr_null(t.buckets); /* an empty one has no memory */
}
END_TEST

/* No bucket holds many, so that none is split, and none is searched, for long: as random numbers fall, 2,000 into as many
 * have ten in one bucket in one of thousands of runs, and seventeen in none. */
START_TEST(no_list_is_long)
{
	struct table t = TABLE_INIT;

	for (int i = 0; i < MANY; i++)
		put(&t, i);
	ck_assert_uint_ge(t.n_buckets, MANY);
	ck_assert_uint_le(t.cap, (size_t)2 * MANY);
	for (size_t b = 0; b < t.n_buckets; b++) {
		int n = 0;

		for (const struct table_node *node = t.buckets[b]; node; node = node->next)
			n++;
		ck_assert_int_le(n, LONGEST);
	}
	for (int i = 0; i < MANY; i++)
		take(&t, i);
}
END_TEST

START_TEST(what_most_have_left_is_given_back)
{
	struct table t = TABLE_INIT;

	for (int i = 0; i < MANY; i++)
		put(&t, i);
	for (int i = 20; i < MANY; i++)
		take(&t, i);
	put(&t, MANY - 1);
	ck_assert_uint_le(t.cap, 256);
	check_finds(&t);
	check_sees_each_once(&t);
	for (int i = 20; i < MANY - 1; i++)
		put(&t, i);
	check_finds(&t);
	for (int i = 0; i < MANY; i++)
		take(&t, i);
}
END_TEST

START_TEST(some_come_and_some_go)
{
	struct table t = TABLE_INIT;
	uint32_t random = 1;

	for (int i = 0; i < 20 * MANY; i++) {
		int which = (int)((random = random * 1664525 + 1013904223) >> 8) % MANY;

		if (items[which].is_in)
			take(&t, which);
		else
			put(&t, which);
	}
	check_finds(&t);
	check_sees_each_once(&t);
	for (int i = 0; i < MANY; i++)
		if (items[i].is_in)
			take(&t, i);
}
END_TEST

START_TEST(the_node_just_seen_may_go)
{
	struct table t = TABLE_INIT;
	struct table_node *node, *next;
	int seen = 0;

	for (int i = 0; i < MANY; i++)
		put(&t, i);
	table_foreach(&t, node, next)
	{
		struct item *item = table_item(node, struct item, node);

		item->seen++;
		if (seen++ % 3)
			take(&t, (int)(item - items));
	}
	ck_assert_int_eq(seen, MANY);
	for (int i = 0; i < MANY; i++)
		ck_assert_int_eq(items[i].seen, 1);
	check_finds(&t);
	table_foreach(&t, node, next) table_remove(&t, node);
	ck_assert_ptr_null(t.buckets);
}
END_TEST

START_TEST(keys_are_bytes)
{
	struct table t = TABLE_INIT;
	struct table_node b = table_node(SLICE("a\0b")), c = table_node(SLICE("a\0c")), none = table_node(SLICE(""));

	ck_assert_ptr_null(table_find(&t, SLICE("")));
	ck_assert_ptr_null(table_next(&t, NULL));
	table_add(&t, &b);
	table_add(&t, &c);
	table_add(&t, &none);
	ck_assert_ptr_eq(table_find(&t, SLICE("a\0b")), &b);
	ck_assert_ptr_eq(table_find(&t, SLICE("a\0c")), &c);
	ck_assert_ptr_eq(table_find(&t, SLICE("")), &none);
	ck_assert_ptr_null(table_find(&t, SLICE("a")));
	table_remove(&t, &c);
	ck_assert_ptr_null(table_find(&t, SLICE("a\0c")));
	ck_assert(slice_equal(table_key(&c), SLICE("a\0c")));
	table_remove(&t, &b);
	table_remove(&t, &none);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("table");
	TCase *c = tcase_create("table");

	tcase_add_checked_fixture(c, prepare, clean);
	tcase_set_timeout(c, 60);
	tcase_add_test(c, all_are_found_at_every_size);
	tcase_add_test(c, no_list_is_long);
	tcase_add_test(c, what_most_have_left_is_given_back);
	tcase_add_test(c, some_come_and_some_go);
	tcase_add_test(c, the_node_just_seen_may_go);
	tcase_add_test(c, keys_are_bytes);
	suite_add_tcase(s, c);
	return s;
}
