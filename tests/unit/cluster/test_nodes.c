/* test_nodes.c - what nodes say of themselves and what others make of it. */
#include <stdio.h>
#include <stdlib.h>

#include "nodes.h"
#include "test_main.h"

enum { LOST_MS = 10000 };

static struct nodes all;
static const struct node *node;

static const struct slice two[] = { { "/", 1 }, { "/chat", 5 } };
static const struct node_self me = { .uid = "AAAA1111",
	.id = "AAAA",
	.name = "here#1",
	.address = "127.0.0.1:1",
	.namespaces = two,
	.n_namespaces = 2 };
static const struct node_self other = { .uid = "BBBB2222",
	.id = "BBBB",
	.name = "there \"quoted\"#2",
	.address = "10.0.0.2:5001",
	.clients = 7,
	.age_s = 60,
	.namespaces = two,
	.n_namespaces = 2 };

static void setup(void)
{
	nodes_init(&all, LOST_MS);
	node = NULL;
}

static void teardown(void)
{
	nodes_fini(&all);
}

static enum nodes_news hear(int64_t now_ms, struct slice message)
{
	return nodes_heard(&all, now_ms, &me, message, &node);
}

static enum nodes_news hear_beat(int64_t now_ms, const struct node_self *self)
{
	struct buf b = BUF_INIT;
	enum nodes_news news;

	nodes_put_beat(&b, self);
	news = hear(now_ms, buf_slice(&b));
	buf_fini(&b);
	return news;
}

static enum nodes_news hear_bye(int64_t now_ms, const struct node_self *self)
{
	struct buf b = BUF_INIT;
	enum nodes_news news;

	nodes_put_bye(&b, self);
	news = hear(now_ms, buf_slice(&b));
	buf_fini(&b);
	return news;
}

START_TEST(a_beat_is_what_the_header_says)
{
	struct buf b = BUF_INIT;

	nodes_put_beat(&b, &other);
	buf_add_char(&b, '\0');
	ck_assert_str_eq(b.at, "{\"v\":1,\"type\":\"beat\",\"uid\":\"BBBB2222\",\"node\":\"BBBB\","
			       "\"name\":\"there \\\"quoted\\\"#2\",\"address\":\"10.0.0.2:5001\",\"clients\":7,"
			       "\"age\":60,\"namespaces\":[\"/\",\"/chat\"]}");
	buf_fini(&b);
}
END_TEST

START_TEST(who_drains_says_so)
{
	struct node_self draining = other;
	struct buf b = BUF_INIT;

	draining.draining = true;
	nodes_put_beat(&b, &draining);
	buf_add_char(&b, '\0');
	ck_assert_ptr_nonnull(strstr(b.at, "\"10.0.0.2:5001\",\"draining\":true,\"clients\":7"));
	buf_fini(&b);
	ck_assert_int_eq(hear_beat(1, &other), NODES_NEW);
	ck_assert(!node->draining);
	ck_assert_int_eq(hear_beat(2, &draining), NODES_OLD);
	ck_assert(nodes_find(&all, SLICE("BBBB"))->draining);
}
END_TEST

START_TEST(who_beats_is_known_until_it_is_silent_for_too_long)
{
	ck_assert_int_eq(hear_beat(1000, &other), NODES_NEW);
	ck_assert_str_eq(node->name, other.name);
	ck_assert_str_eq(node->address, other.address);
	ck_assert_int_eq(node->clients, 7);
	ck_assert_ptr_eq(nodes_find(&all, SLICE("BBBB")), node);
	ck_assert_ptr_null(nodes_find(&all, SLICE("AAAA")));
	ck_assert_int_eq(hear_beat(5000, &other), NODES_OLD);
	ck_assert_ptr_null(nodes_take_lost(&all, 5000 + LOST_MS - 1));
	node = nodes_take_lost(&all, 5000 + LOST_MS);
	ck_assert_str_eq(node->uid, other.uid);
	ck_assert_ptr_null(nodes_take_lost(&all, 5000 + LOST_MS));
	ck_assert_uint_eq(nodes_count(&all), 0);
	ck_assert_int_eq(hear_beat(50000, &other), NODES_NEW);
}
END_TEST

START_TEST(a_bye_takes_it_out_at_once)
{
	ck_assert_int_eq(hear_bye(1, &other), NODES_OLD);
	ck_assert_int_eq(hear_beat(1, &other), NODES_NEW);
	ck_assert_int_eq(hear_bye(2, &other), NODES_GONE);
	ck_assert_str_eq(node->uid, other.uid);
	ck_assert_ptr_null(nodes_find(&all, SLICE("BBBB")));
}
END_TEST

START_TEST(nobody_is_blamed_for_the_time_we_heard_nothing)
{
	hear_beat(1, &other);
	nodes_forgive(&all, 100000);
	ck_assert_ptr_null(nodes_take_lost(&all, 100000 + LOST_MS - 1));
	ck_assert_ptr_nonnull(nodes_take_lost(&all, 100000 + LOST_MS));
}
END_TEST

START_TEST(namespaces_are_named_or_said_to_be_too_many)
{
	struct slice many[NODE_NAMESPACES_MAX + 1];
	struct node_self busy = other;

	hear_beat(1, &other);
	ck_assert(node_has_namespace(node, SLICE("/chat")));
	ck_assert(!node_has_namespace(node, SLICE("/game")));
	for (size_t i = 0; i < NODE_NAMESPACES_MAX + 1; i++)
		many[i] = SLICE("/x");
	busy.namespaces = many;
	busy.n_namespaces = NODE_NAMESPACES_MAX;
	hear_beat(2, &busy);
	ck_assert(node_has_namespace(node, SLICE("/x")));
	ck_assert(!node_has_namespace(node, SLICE("/chat")));
	busy.n_namespaces++;
	hear_beat(3, &busy);
	ck_assert(node_has_namespace(node, SLICE("/anything")));
}
END_TEST

START_TEST(our_own_and_one_that_goes_by_our_characters)
{
	struct node_self twin = other;

	ck_assert_int_eq(hear_beat(1, &me), NODES_OWN);
	ck_assert_uint_eq(nodes_count(&all), 0);
	twin.id = me.id;
	ck_assert_int_eq(hear_beat(1, &twin), NODES_CONFLICT);
	ck_assert_str_eq(node->uid, twin.uid);
}
END_TEST

START_TEST(who_asks)
{
	ck_assert_int_eq(hear(1, nodes_who()), NODES_ASKED);
}
END_TEST

/* Started anew within the time the old one is not yet given up. */
START_TEST(of_two_by_one_name_the_newer_is_found)
{
	struct node_self again = other;

	again.uid = "BBBB3333";
	hear_beat(1, &other);
	hear_beat(2, &again);
	ck_assert_str_eq(nodes_find(&all, SLICE("BBBB"))->uid, again.uid);
}
END_TEST

START_TEST(there_is_an_end_to_how_many_are_known)
{
	char uid[NODE_UID_SIZE + 1];
	struct node_self one = other;

	one.uid = uid;
	for (int i = 0; i < NODES_MAX; i++) {
		snprintf(uid, sizeof(uid), "%08d", i);
		ck_assert_int_eq(hear_beat(1, &one), NODES_NEW);
	}
	snprintf(uid, sizeof(uid), "%08d", NODES_MAX);
	ck_assert_int_eq(hear_beat(1, &one), NODES_FULL);
	ck_assert_uint_eq(nodes_count(&all), NODES_MAX);
}
END_TEST

static const char *const bad[] = {
	"",
	"{",
	"[]",
	"null",
	"{\"v\":1}",
	"{\"v\":2,\"type\":\"who\"}",
	"{\"v\":\"1\",\"type\":\"who\"}",
	"{\"v\":1,\"type\":\"beat\"}",
	"{\"v\":1,\"type\":\"beat\",\"uid\":\"BBBB222\",\"node\":\"BBBB\"}",
	"{\"v\":1,\"type\":\"beat\",\"uid\":\"BBBB22222\",\"node\":\"BBBB\"}",
	"{\"v\":1,\"type\":\"beat\",\"uid\":\"BBBB\\u00002222\",\"node\":\"BBBB\"}",
	"{\"v\":1,\"type\":\"beat\",\"uid\":\"BBBB2222\",\"node\":7,\"name\":\"\",\"address\":\"\",\"clients\":1}",
	"{\"v\":1,\"type\":\"beat\",\"uid\":\"BBBB2222\",\"node\":\"BBBB\",\"name\":\"\",\"clients\":1}",
	"{\"v\":1,\"type\":\"beat\",\"uid\":\"BBBB2222\",\"node\":\"BBBB\",\"name\":\"\",\"address\":\"\"}",
	"{\"v\":1,\"type\":\"beat\",\"uid\":\"BBBB2222\",\"node\":\"BBBB\",\"name\":\"\",\"address\":\"\",\"clients\":"
	"1,"
	"\"namespaces\":[1]}",
	"{\"v\":1,\"type\":\"beat\",\"uid\":\"BBBB2222\",\"node\":\"BBBB\",\"name\":\"\",\"address\":\"\",\"clients\":"
	"1,"
	"\"namespaces\":\"/\"}",
	"{\"v\":1,\"type\":\"dance\",\"uid\":\"BBBB2222\",\"node\":\"BBBB\"}",
};

START_TEST(what_makes_no_sense_is_dropped)
{
	ck_assert_int_eq(hear(1, slice_str(bad[_i])), NODES_MALFORMED);
	ck_assert_uint_eq(nodes_count(&all), 0);
	/* Nor does it harm one that is known. */
	hear_beat(1, &other);
	ck_assert_int_eq(hear(2, slice_str(bad[_i])), NODES_MALFORMED);
	ck_assert_uint_eq(nodes_count(&all), 1);
}
END_TEST

START_TEST(cut_anywhere_it_is_dropped)
{
	struct buf b = BUF_INIT;

	nodes_put_beat(&b, &other);
	for (size_t n = 0; n < b.size; n++) {
		char *exact = malloc(n ? n : 1);

		memcpy(exact, b.at, n);
		ck_assert_int_eq(hear(1, slice_of(exact, n)), NODES_MALFORMED);
		free(exact);
	}
	buf_fini(&b);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("nodes");
	TCase *t = tcase_create("nodes");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_beat_is_what_the_header_says);
	tcase_add_test(t, who_drains_says_so);
	tcase_add_test(t, who_beats_is_known_until_it_is_silent_for_too_long);
	tcase_add_test(t, a_bye_takes_it_out_at_once);
	tcase_add_test(t, nobody_is_blamed_for_the_time_we_heard_nothing);
	tcase_add_test(t, namespaces_are_named_or_said_to_be_too_many);
	tcase_add_test(t, our_own_and_one_that_goes_by_our_characters);
	tcase_add_test(t, who_asks);
	tcase_add_test(t, of_two_by_one_name_the_newer_is_found);
	tcase_add_test(t, there_is_an_end_to_how_many_are_known);
	tcase_add_loop_test(t, what_makes_no_sense_is_dropped, 0, (int)(sizeof(bad) / sizeof(*bad)));
	tcase_add_test(t, cut_anywhere_it_is_dropped);
	suite_add_tcase(s, t);
	return s;
}
