/*
 * test_game.c - the regatta's tests: they sail by steering, and see the sea as clients see it.
 *
 *	cc -o test_game test_game.c $(pkg-config --cflags --libs stoa-test check) && ./test_game
 */
#include <check.h>
#include <stdlib.h>

#include <stoa_test.h>

enum { SHIPS = 32, COINS = 10, WIDTH = 1600, HEIGHT = 1000, RADIUS = 24, TICK_MS = 50 };

/* Two values are the same when they are the same JSON. */
#define SAME(got, want) \
	do { \
		struct stoa_value got_ = (got), want_ = (want); \
		ck_assert_str_eq(stoa_to_json(got_), stoa_to_json(want_)); \
	} while (0)

/* GOT(client, event, arguments...): the next event that the client received. */
#define GOT(client, event, ...) \
	SAME(stoa_test_received(client), stoa_object("name", event, "args", stoa_array(__VA_ARGS__), "namespace", "/"))

#define GOT_NOTHING(client) ck_assert(stoa_type(stoa_test_received(client)) == STOA_NULL)

/* READ(value, place): reads what is there, and of the place's type. */
#define READ(value, place) \
	do { \
		int status_ = stoa_read((value), place); \
		ck_assert_int_eq(status_, 0); \
	} while (0)

static struct stoa_test *t;

static void open_game(void)
{
	t = stoa_test_open("./game.so", NULL);
}

static void close_game(void)
{
	stoa_test_close(t);
}

/* --- The sea, unpacked -------------------------------------------------------------------------------------------- */

struct sea {
	int ship_count, coin_count;
	struct {
		int id, x, y, vx, vy, score;
	} ships[SHIPS];
	struct {
		int x, y;
	} coins[COINS];
};

static int get_u16(const unsigned char **at)
{
	int value = (*at)[0] | (*at)[1] << 8;

	*at += 2;
	return value;
}

static int get_i16(const unsigned char **at)
{
	return (int16_t)get_u16(at);
}

static struct sea unpack(struct stoa_value value)
{
	struct sea sea = { 0 };
	struct stoa_bytes bytes;
	const unsigned char *at;

	READ(value, &bytes);
	ck_assert_uint_ge(bytes.size, 4);
	at = bytes.at;
	sea.ship_count = get_u16(&at);
	sea.coin_count = get_u16(&at);
	ck_assert_int_le(sea.ship_count, SHIPS);
	ck_assert_int_eq(sea.coin_count, COINS);
	ck_assert_uint_eq(bytes.size, 4 + (size_t)sea.ship_count * 12 + COINS * 4);
	for (int i = 0; i < sea.ship_count; i++) {
		sea.ships[i].id = get_u16(&at);
		sea.ships[i].x = get_u16(&at);
		sea.ships[i].y = get_u16(&at);
		sea.ships[i].vx = get_i16(&at);
		sea.ships[i].vy = get_i16(&at);
		sea.ships[i].score = get_u16(&at);
	}
	for (int i = 0; i < COINS; i++) {
		sea.coins[i].x = get_u16(&at);
		sea.coins[i].y = get_u16(&at);
	}
	return sea;
}

/* --- Playing ------------------------------------------------------------------------------------------------------ */

/* Takes the next event, which has this name, and returns its one argument. */
static struct stoa_value take(struct stoa_test_client *c, const char *name)
{
	struct stoa_value event = stoa_test_received(c);

	SAME(stoa_get(event, "name"), stoa_text(name));
	ck_assert_uint_eq(stoa_size(stoa_get(event, "args")), 1);
	return stoa_at(stoa_get(event, "args"), 0);
}

/* Lets one tick pass and returns what it sent. */
static struct sea tick(struct stoa_test_client *c)
{
	stoa_test_pass(t, TICK_MS);
	return unpack(take(c, "sea"));
}

static struct stoa_test_client *join(const char *name)
{
	struct stoa_test_client *c = stoa_test_connect(t, .auth = stoa_object("name", name));

	ck_assert(stoa_test_connected(c));
	(void)take(c, "welcome");
	return c;
}

static void steer(struct stoa_test_client *c, int x, int y)
{
	SAME(stoa_test_call(c, "steer", stoa_bytes((const signed char[]){ (signed char)x, (signed char)y }, 2)),
		*stoa_list());
}

static int pull(int distance, int speed)
{
	int wanted = distance - speed / 2;

	return wanted > 127 ? 127 : wanted < -127 ? -127 : wanted;
}

/* Steers the ship at `place` towards a point, braking on the way. */
static void steer_to(struct stoa_test_client *c, const struct sea *sea, int place, int x, int y)
{
	steer(c, pull(x - sea->ships[place].x, sea->ships[place].vx),
		pull(y - sea->ships[place].y, sea->ships[place].vy));
}

/* --- Who is there ------------------------------------------------------------------------------------------------- */

START_TEST(who_comes_is_welcomed_with_all_ships_and_announced)
{
	struct stoa_test_client *ada = stoa_test_connect(t, .auth = stoa_object("name", "Ada")), *bob;
	struct stoa_value first = stoa_object("id", 1, "name", "Ada"), second = stoa_object("id", 2, "name", "Bob");

	GOT(ada, "welcome", stoa_object("id", 1, "width", WIDTH, "height", HEIGHT, "ships", stoa_array(first)));
	bob = stoa_test_connect(t, .auth = stoa_object("name", "Bob"));
	GOT(bob, "welcome", stoa_object("id", 2, "width", WIDTH, "height", HEIGHT, "ships", stoa_array(first, second)));
	GOT(ada, "join", second);
	GOT_NOTHING(ada);
	GOT_NOTHING(bob);
}
END_TEST

START_TEST(who_gives_no_name_is_somebody)
{
	struct stoa_test_client *c = stoa_test_connect(t);

	SAME(stoa_get(take(c, "welcome"), "ships"), stoa_array(stoa_object("id", 1, "name", "Somebody")));
}
END_TEST

START_TEST(a_name_that_is_no_short_text_is_refused)
{
	const struct stoa_value bad[] = { stoa_object("name", 42), stoa_object("name", stoa_array("Ada")),
		stoa_object("name", stoa_format("%064d", 0)) };
	struct stoa_test_client *ada = join("Ada");

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct stoa_test_client *c = stoa_test_connect(t, .auth = bad[i]);

		ck_assert(!stoa_test_connected(c));
		SAME(stoa_test_refusal(c), stoa_object("message", "a name is a short text"));
	}
	GOT_NOTHING(ada);
	ck_assert_int_eq(tick(ada).ship_count, 1);
	join(stoa_format("%063d", 0));
}
END_TEST

START_TEST(ships_go_with_their_clients)
{
	struct stoa_test_client *ada = join("Ada"), *bob = join("Bob"), *eve = join("Eve");
	struct sea sea;

	(void)take(ada, "join");
	(void)take(ada, "join");
	stoa_test_disconnect(bob);
	GOT(ada, "leave", stoa_object("id", 2));
	stoa_test_drop(eve);
	GOT(ada, "leave", stoa_object("id", 3));
	sea = tick(ada);
	ck_assert_int_eq(sea.ship_count, 1);
	ck_assert_int_eq(sea.ships[0].id, 1);

	bob = join("Bob"); /* in the place of the first, but another ship */
	GOT(ada, "join", stoa_object("id", 4, "name", "Bob"));
	sea = tick(bob);
	ck_assert_int_eq(sea.ship_count, 2);
	ck_assert_int_eq(sea.ships[1].id, 4);
}
END_TEST

START_TEST(a_full_sea_takes_nobody_until_somebody_leaves)
{
	struct stoa_test_client *fleet[SHIPS], *late;

	for (int i = 0; i < SHIPS; i++)
		fleet[i] = join("Ada");
	late = stoa_test_connect(t);
	ck_assert(!stoa_test_connected(late));
	SAME(stoa_test_refusal(late), stoa_object("message", "the sea is full, come again later"));
	ck_assert_int_eq(tick(fleet[SHIPS - 1]).ship_count, SHIPS);

	stoa_test_disconnect(fleet[5]);
	late = join("Bob");
	ck_assert_int_eq(tick(late).ship_count, SHIPS);
}
END_TEST

/* --- The sea ------------------------------------------------------------------------------------------------------ */

START_TEST(everybody_sees_the_same_sea_twenty_times_a_second)
{
	struct stoa_test_client *ada = join("Ada"), *bob = join("Bob");

	(void)take(ada, "join");
	stoa_test_pass(t, TICK_MS - 1);
	GOT_NOTHING(ada);
	stoa_test_pass(t, 1000);
	for (int i = 0; i < 20; i++) {
		struct sea one = unpack(take(ada, "sea")), other = unpack(take(bob, "sea"));

		ck_assert_mem_eq(&one, &other, sizeof(one));
		ck_assert_int_eq(one.ship_count, 2);
	}
	GOT_NOTHING(ada);
	GOT_NOTHING(bob);
}
END_TEST

START_TEST(a_ship_goes_where_it_is_steered_and_runs_out)
{
	struct stoa_test_client *ada = join("Ada");
	struct sea start = tick(ada), sea = start;
	int direction = start.ships[0].x < WIDTH / 2 ? 1 : -1, speed;

	ck_assert_int_eq(start.ships[0].vx, 0);
	steer(ada, direction * 127, 0);
	for (int i = 0; i < 10; i++)
		sea = tick(ada);
	speed = sea.ships[0].vx * direction;
	ck_assert_int_gt(speed, 200);
	ck_assert_int_gt((sea.ships[0].x - start.ships[0].x) * direction, 50);
	ck_assert_int_eq(sea.ships[0].y, start.ships[0].y);

	steer(ada, 0, 0);
	sea = tick(ada);
	ck_assert_int_lt(sea.ships[0].vx * direction, speed);
	for (int i = 0; i < 100; i++)
		sea = tick(ada);
	ck_assert_int_eq(sea.ships[0].vx, 0);
}
END_TEST

START_TEST(no_ship_leaves_the_sea)
{
	static const int ways[][2] = { { -127, -127 }, { 127, 127 }, { -128, 127 } };
	struct stoa_test_client *ada = join("Ada");

	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		steer(ada, ways[i][0], ways[i][1]);
		for (int n = 0; n < 200; n++) {
			struct sea sea = tick(ada);

			ck_assert(sea.ships[0].x >= RADIUS && sea.ships[0].x <= WIDTH - RADIUS);
			ck_assert(sea.ships[0].y >= RADIUS && sea.ships[0].y <= HEIGHT - RADIUS);
		}
	}
}
END_TEST

START_TEST(a_coin_that_is_reached_counts_and_comes_back_elsewhere)
{
	struct stoa_test_client *ada = join("Ada");
	struct sea sea = tick(ada), before = sea;

	for (int i = 0; i < 1200 && sea.ships[0].score == before.ships[0].score; i++) {
		before = sea;
		steer_to(ada, &sea, 0, sea.coins[0].x, sea.coins[0].y);
		sea = tick(ada);
	}
	ck_assert_int_gt(sea.ships[0].score, before.ships[0].score);
	ck_assert_mem_ne(sea.coins, before.coins, sizeof(sea.coins));
}
END_TEST

START_TEST(a_ship_that_is_run_into_is_pushed)
{
	struct stoa_test_client *ada = join("Ada"), *bob = join("Bob");
	struct sea sea = tick(bob);

	for (int i = 0; i < 1200 && sea.ships[0].vx == 0 && sea.ships[0].vy == 0; i++) {
		steer_to(bob, &sea, 1, sea.ships[0].x, sea.ships[0].y);
		sea = tick(bob);
	}
	ck_assert(sea.ships[0].vx != 0 || sea.ships[0].vy != 0);
	ck_assert(stoa_test_connected(ada));
}
END_TEST

START_TEST(bad_steering_is_answered_with_what_is_wrong_and_ignored)
{
	struct stoa_test_client *ada = join("Ada");
	struct stoa_value two_bytes = stoa_array(stoa_object("error", "steering takes two bytes"));
	struct sea start = tick(ada), sea = start;

	SAME(stoa_test_call(ada, "steer", stoa_bytes("\x7F\x7F\x7F", 3)), two_bytes);
	SAME(stoa_test_call(ada, "steer", stoa_bytes("", 0)), two_bytes);
	SAME(stoa_test_call(ada, "steer", stoa_array(127, 127)),
		stoa_array(stoa_object("error", "argument 1: expected binary")));
	SAME(stoa_test_call(ada, "steer"), stoa_array(stoa_object("error", "argument 1: expected binary")));
	for (int i = 0; i < 10; i++)
		sea = tick(ada);
	ck_assert(sea.ships[0].x == start.ships[0].x && sea.ships[0].y == start.ships[0].y);
	ck_assert(sea.ships[0].vx == 0 && sea.ships[0].vy == 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("game");
	TCase *c = tcase_create("game");
	SRunner *runner = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(c, open_game, close_game);
	tcase_set_timeout(c, 60);
	tcase_add_test(c, who_comes_is_welcomed_with_all_ships_and_announced);
	tcase_add_test(c, who_gives_no_name_is_somebody);
	tcase_add_test(c, a_name_that_is_no_short_text_is_refused);
	tcase_add_test(c, ships_go_with_their_clients);
	tcase_add_test(c, a_full_sea_takes_nobody_until_somebody_leaves);
	tcase_add_test(c, everybody_sees_the_same_sea_twenty_times_a_second);
	tcase_add_test(c, a_ship_goes_where_it_is_steered_and_runs_out);
	tcase_add_test(c, no_ship_leaves_the_sea);
	tcase_add_test(c, a_coin_that_is_reached_counts_and_comes_back_elsewhere);
	tcase_add_test(c, a_ship_that_is_run_into_is_pushed);
	tcase_add_test(c, bad_steering_is_answered_with_what_is_wrong_and_ignored);
	suite_add_tcase(s, c);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
