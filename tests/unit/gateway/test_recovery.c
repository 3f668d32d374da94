/* test_recovery.c - packets and clients that recovery keeps: for whom, how long, how much. */
#include <stdio.h>
#include <stdlib.h>

#include "metrics.h"
#include "recovery.h"
#include "test_main.h"

enum { AWAY_MS = 1000, KEEP_MS = 1500, PLENTY = 1 << 20, MEMBERS = 3 };

static struct timers timers;
static struct out_lane lane;
static struct hub hub;
static struct out outs[MEMBERS];
static struct hub_member members[MEMBERS];
static struct recovery_seat seats[MEMBERS];
static char sids[MEMBERS][RECOVERY_SID_MAX + 1];
static int freed; /* of data */

static void no_flush(struct out *o)
{
	(void)o;
}

static void no_overflow(struct out *o, int64_t now_ms)
{
	(void)o;
	(void)now_ms;
}

static const struct out_ops ops = { no_flush, no_overflow };

static void free_data(void *data)
{
	(void)data;
	freed++;
}

static void enter(int i)
{
	snprintf(sids[i], sizeof(sids[i]), "sid%017d", i);
	snprintf(seats[i].pid, sizeof(seats[i].pid), "pid%017d", i);
	seats[i].start = recovery_position(hub.recovery);
	seats[i].memory = (struct hub_memory){ 0 };
	members[i] = (struct hub_member){ .out = &outs[i], .memory = &seats[i].memory };
	members[i].by_sid = table_node(slice_str(sids[i]));
	ck_assert_int_eq(hub_enter(&hub, &members[i], SLICE("/n")), 0);
}

static void setup_with(size_t max_bytes, size_t max_sessions)
{
	timers = TIMERS_INIT;
	freed = 0;
	ck_assert_int_eq(out_lane_init(&lane, PLENTY), 0);
	lane.ops = &ops;
	hub_init(&hub, 100);
	hub.recovery = recovery_new(
		&(struct recovery_config){ AWAY_MS, KEEP_MS, max_bytes, max_sessions, free_data }, &timers);
	for (int i = 0; i < MEMBERS; i++) {
		out_init(&outs[i], &lane);
		enter(i);
	}
}

static void setup(void)
{
	setup_with(PLENTY, 100);
}

static void teardown(void)
{
	for (int i = 0; i < MEMBERS; i++) {
		hub_exit(&hub, &members[i]);
		out_close(&outs[i]);
		out_fini(&outs[i]);
	}
	recovery_free(hub.recovery);
	ck_assert_int_eq(metrics_get(M_RECOVERY_BYTES), 0);
	hub_fini(&hub);
	out_lane_fini(&lane);
	timers_fini(&timers);
}

/* A packet that says `text`; its offset. */
static struct recovery_offset say(int64_t now_ms, const struct recovery_packet *p, const char *text)
{
	struct recovery_offset offset = recovery_begin(&hub, p);
	struct frame *f = frame_text(SLICE("4"), slice_str(text));

	if (offset.size)
		recovery_log(&hub, now_ms, p, f);
	frame_unref(f);
	return offset;
}

static struct recovery_offset say_to(int64_t now_ms, const char *room, const char *text)
{
	struct slice name = slice_str(room);

	return say(now_ms, &(struct recovery_packet){ .nsp = SLICE("/n"), .rooms = &name, .n_rooms = 1 }, text);
}

static struct recovery_offset say_to_all(int64_t now_ms, const char *text)
{
	return say(now_ms, &(struct recovery_packet){ .nsp = SLICE("/n") }, text);
}

static const char *who = ""; /* is saved, and asks */

static void go(int i, int64_t now_ms)
{
	recovery_save(hub.recovery, now_ms, &members[i], slice_str(who));
	hub_exit(&hub, &members[i]);
}

static struct recovery_saved *take(int i, int64_t now_ms, struct slice offset, enum recovery_refusal *why)
{
	return recovery_take(hub.recovery, now_ms,
		&(struct recovery_asked){ slice_str(seats[i].pid), offset, SLICE("/n"), PLENTY, slice_str(who) }, why);
}

static void refused(int i, int64_t now_ms, struct slice offset, enum recovery_refusal expected)
{
	enum recovery_refusal why;

	ck_assert_ptr_null(take(i, now_ms, offset, &why));
	ck_assert_str_eq(recovery_refusal_text(why), recovery_refusal_text(expected));
}

static void append(void *to, struct frame *f)
{
	size_t at = 0;
	struct frame_packet p;

	ck_assert(frame_next(f, &at, &p));
	strncat(to, p.data.at + 1, p.data.size - 1);
}

/* It is recovered, and has missed so much. */
static void comes_back(int i, int64_t now_ms, struct slice offset, const char *missed)
{
	enum recovery_refusal why;
	struct recovery_saved *s = take(i, now_ms, offset, &why);
	char text[200] = "";

	ck_assert_str_eq(recovery_refusal_text(why), "recovered");
	ck_assert_ptr_nonnull(s);
	recovery_missed(hub.recovery, s, append, text);
	ck_assert_str_eq(text, missed);
	recovery_drop(hub.recovery, s);
}

START_TEST(whom_a_packet_is_for)
{
	struct slice two[] = { SLICE("r"), SLICE("s") }, skip[] = { SLICE("s") };
	struct recovery_offset first;

	hub_join(&hub, &members[0], SLICE("r"));
	hub_join(&hub, &members[1], SLICE("r"));
	hub_join(&hub, &members[1], SLICE("s"));
	first = say_to_all(0, "0");
	go(0, 0);
	go(1, 0);
	say_to(0, "r", "a");
	say_to(0, "s", "b");
	say_to(0, "t", "c"); /* nobody is there */
	say_to(0, sids[0], "d");
	say(0, &(struct recovery_packet){ .nsp = SLICE("/n"), .rooms = two, .n_rooms = 2 }, "e");
	say(0, &(struct recovery_packet){ .nsp = SLICE("/n"), .rooms = two, .n_rooms = 1, .skip = skip, .n_skip = 1 },
		"f");
	say(0, &(struct recovery_packet){ .nsp = SLICE("/n"), .skip_sid = slice_str(sids[1]) }, "g");
	say(0, &(struct recovery_packet){ .nsp = SLICE("/other") }, "h");
	ck_assert_uint_eq(recovery_position(hub.recovery), 7);
	comes_back(0, 0, recovery_text(&first), "adefg");
	comes_back(1, 0, recovery_text(&first), "abe");
}
END_TEST

/* Each once and in order, of whichever of its rooms; a packet that names one twice; rooms of that name in other namespaces. */
START_TEST(packets_to_many_rooms)
{
	struct slice twice[] = { SLICE("r"), SLICE("r"), SLICE("s") }, none[] = { SLICE("") };
	struct recovery_packet p = { .nsp = SLICE("/n"), .rooms = twice, .n_rooms = 3 };

	hub_join(&hub, &members[0], SLICE("r"));
	hub_join(&hub, &members[0], SLICE("s"));
	hub_join(&hub, &members[1], SLICE(""));
	go(0, 0);
	go(1, 0);
	say_to(0, "s", "a");
	say(0, &p, "b");
	say_to_all(0, "c");
	say_to(0, "r", "d");
	say(0, &p, "e");
	say_to(0, "", "f");
	p.rooms = none;
	p.n_rooms = 1;
	say(0, &p, "g");
	p.nsp = SLICE("/m");
	say(0, &p, "h");
	say_to(0, sids[0], "i");
	comes_back(0, 0, SLICE(""), "abcdei");
	comes_back(1, 0, SLICE(""), "cfg");
	go(2, 0);
	for (int i = 0; i < 20; i++) /* what is too old goes, whichever rooms it was to */
		say_to(AWAY_MS - 1 + 100 * i, i % 2 ? sids[2] : "s", "x");
	timers_run(&timers, AWAY_MS + KEEP_MS + 5000);
	ck_assert_int_eq(metrics_get(M_RECOVERY_BYTES), 0);
}
END_TEST

START_TEST(it_goes_on_behind_its_offset)
{
	struct recovery_offset offsets[600], none = { .size = 0 };
	char number[8], all[200] = "";

	for (int i = 0; i < 600; i++)
		offsets[i] = say_to_all(0, "x");
	go(0, 0);
	comes_back(0, 0, recovery_text(&offsets[599]), "");
	go(1, 0);
	for (int i = 0; i < 30; i++) {
		snprintf(number, sizeof(number), "%d,", i);
		say_to_all(0, number);
		strcat(all, number);
	}
	comes_back(1, 0, recovery_text(&offsets[599]), all);
	enter(0);
	say_to_all(0, "z");
	go(0, 0);
	comes_back(0, 0, recovery_text(&none), "z"); /* since it came in */
}
END_TEST

START_TEST(offsets_that_are_none)
{
	struct recovery_offset o = say_to_all(0, "x");
	char text[64];
	const char *const wrong[] = { "x", "xxxx1", "", "0", "00", "01", "1 ", "1g", "2", "ffffffffffffffff", "A",
		"10000000000000001" };

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		members[0].nsp ? go(0, 0) : (void)0;
		snprintf(text, sizeof(text), "%.4s%s", i < 2 ? "" : o.text, wrong[i]);
		refused(0, 0, slice_str(text), RECOVERY_OFFSET);
		enter(0);
	}
}
END_TEST

START_TEST(once_and_in_time)
{
	go(0, 0);
	comes_back(0, AWAY_MS - 1, SLICE(""), "");
	refused(0, 0, SLICE(""), RECOVERY_UNKNOWN);
	go(1, 0);
	refused(1, AWAY_MS, SLICE(""), RECOVERY_UNKNOWN);
	ck_assert_uint_eq(recovery_count(hub.recovery), 1);
	timers_run(&timers, AWAY_MS + 1000);
	ck_assert_uint_eq(recovery_count(hub.recovery), 0);
}
END_TEST

START_TEST(another_namespace_is_not_its_own)
{
	enum recovery_refusal why;

	go(0, 0);
	ck_assert_ptr_null(recovery_take(hub.recovery, 0,
		&(struct recovery_asked){ slice_str(seats[0].pid), SLICE(""), SLICE("/m"), PLENTY, slice_str(who) },
		&why));
	comes_back(0, 0, SLICE(""), "");
}
END_TEST

START_TEST(another_persons_is_not_its_own_and_stays)
{
	who = "ada";
	go(0, 0);
	who = "bob";
	refused(0, 0, SLICE(""), RECOVERY_UNKNOWN);
	who = "";
	refused(0, 0, SLICE(""), RECOVERY_UNKNOWN);
	who = "ada";
	comes_back(0, 0, SLICE(""), "");
	who = "";
}
END_TEST

START_TEST(after_an_idle_hour)
{
	struct recovery_offset a, b;

	hub_join(&hub, &members[0], SLICE("r"));
	hub_join(&hub, &members[1], SLICE("s"));
	a = say_to(0, "r", "a");
	for (int i = 0; i < 100; i++)
		b = say_to(3600000, "s", "b");
	timers_run(&timers, 3600000 + KEEP_MS + 2000);
	ck_assert_int_eq(metrics_get(M_RECOVERY_PACKETS), 0);
	go(0, 3700000);
	go(1, 3700000);
	say_to_all(3700000, "c");
	comes_back(0, 3700000, recovery_text(&a), "c"); /* nothing else was said to it */
	comes_back(1, 3700000, recovery_text(&b), "c");
	enter(0);
	hub_join(&hub, &members[0], SLICE("r"));
	a = say_to(3700000, "r", "seen");
	say_to(3700000, "r", "perhaps not");
	timers_run(&timers, 3700000 + KEEP_MS + 2000);
	go(0, 3800000);
	refused(0, 3800000, recovery_text(&a), RECOVERY_FORGOTTEN);
}
END_TEST

START_TEST(a_room_that_was_left)
{
	struct recovery_offset a, b;

	hub_join(&hub, &members[0], SLICE("r"));
	hub_join(&hub, &members[1], SLICE("r"));
	a = say_to(0, "r", "a");
	b = say_to(0, "r", "b");
	hub_leave(&hub, &members[0], SLICE("r"));
	say_to(0, "r", "not for it");
	go(0, 0);
	refused(0, 0, recovery_text(&a), RECOVERY_LEFT);
	hub_leave(&hub, &members[1], SLICE("r"));
	enter(0);
	seats[0].memory.left = 2;
	seats[0].start = 0;
	go(0, 0);
	comes_back(0, 0, recovery_text(&b), "");
}
END_TEST

static struct recovery_offset say_besides(const char *room, const char *text)
{
	struct slice name = slice_str(room);

	return say(0, &(struct recovery_packet){ .nsp = SLICE("/n"), .skip = &name, .n_skip = 1 }, text);
}

/* What it was sent before it joined may be what it has not seen. */
START_TEST(others_but_a_room_that_was_joined)
{
	struct recovery_offset a = say_to_all(0, "a"), b;

	hub_join(&hub, &members[2], SLICE("s"));
	b = say_besides("r", "b");
	for (int i = 0; i < 2; i++)
		hub_join(&hub, &members[i], SLICE("r"));
	say_besides("r", "c");
	say_besides(sids[1], "d");
	hub_join(&hub, &members[2], SLICE("t"));
	for (int i = 0; i < 3; i++)
		go(i, 0);
	refused(0, 0, recovery_text(&a), RECOVERY_LEFT);
	comes_back(1, 0, recovery_text(&b), "");
	comes_back(2, 0, recovery_text(&a), "bcd");
}
END_TEST

START_TEST(others_but_a_room_that_was_left)
{
	struct recovery_offset a = say_to_all(0, "a"), c;

	for (int i = 0; i < 2; i++)
		hub_join(&hub, &members[i], SLICE("r"));
	say_besides("r", "b");
	c = say_to_all(0, "c");
	for (int i = 0; i < 2; i++)
		hub_leave(&hub, &members[i], SLICE("r"));
	say_besides("r", "d");
	go(0, 0);
	go(1, 0);
	refused(0, 0, recovery_text(&a), RECOVERY_LEFT);
	comes_back(1, 0, recovery_text(&c), "d");
}
END_TEST

START_TEST(what_is_taken_may_become_less)
{
	enum recovery_refusal why;
	struct recovery_saved *s;

	say_to_all(0, "a");
	for (int i = 0; i < 3; i++)
		go(i, 0);
	s = take(0, 0, SLICE(""), &why);
	ck_assert(recovery_is_whole(hub.recovery, s));
	recovery_deaf(hub.recovery, 0, true);
	ck_assert(!recovery_is_whole(hub.recovery, s));
	recovery_deaf(hub.recovery, 0, false);
	recovery_put_back(hub.recovery, 0, s);
	refused(0, 0, SLICE(""), RECOVERY_DEAF);
	enter(1);
	go(1, 0);
	say_to_all(1, "b");
	s = take(1, 1, SLICE(""), &why);
	ck_assert(recovery_is_whole(hub.recovery, s));
	timers_run(&timers, KEEP_MS + 2000);
	ck_assert_int_eq(metrics_get(M_RECOVERY_PACKETS), 0);
	ck_assert(!recovery_is_whole(hub.recovery, s));
	recovery_drop(hub.recovery, s);
}
END_TEST

START_TEST(gaps)
{
	struct recovery_offset a = say_to_all(0, "a");

	go(0, 0);
	go(1, 0);
	recovery_deaf(hub.recovery, 0, true);
	refused(0, 0, recovery_text(&a), RECOVERY_DEAF);
	recovery_deaf(hub.recovery, 0, false);
	refused(1, 0, recovery_text(&a), RECOVERY_DEAF);
	a = say_to_all(0, "b");
	go(2, 0);
	comes_back(2, 0, recovery_text(&a), "");
}
END_TEST

START_TEST(what_was_taken_can_be_put_back)
{
	enum recovery_refusal why;
	struct recovery_saved *s;

	go(0, 0);
	s = take(0, 0, SLICE(""), &why);
	refused(0, 0, SLICE(""), RECOVERY_UNKNOWN);
	ck_assert_uint_eq(recovery_count(hub.recovery), 0);
	ck_assert(recovery_awaits(hub.recovery, SLICE("/n"), slice_str(sids[0])));
	say_to(0, sids[0], "a");
	recovery_put_back(hub.recovery, 0, s);
	comes_back(0, 0, SLICE(""), "a");
	ck_assert(!recovery_awaits(hub.recovery, SLICE("/n"), slice_str(sids[0])));
	go(1, 0);
	s = take(1, 0, SLICE(""), &why);
	recovery_put_back(hub.recovery, AWAY_MS, s); /* too late */
	ck_assert_uint_eq(recovery_count(hub.recovery), 0);
}
END_TEST

/* --- Bounds ------------------------------------------------------------------------------------------------------- */

START_TEST(sessions_are_bounded)
{
	int64_t before = metrics_get(M_LIMIT_RECOVERABLE_SESSIONS);

	teardown();
	setup_with(PLENTY, 2);
	go(0, 0);
	go(1, 0);
	ck_assert_int_eq(metrics_get(M_LIMIT_RECOVERABLE_SESSIONS), before);
	ck_assert(recovery_save_data(hub.recovery, slice_str(seats[0].pid), &freed, 10));
	go(2, 0);
	ck_assert_int_eq(metrics_get(M_LIMIT_RECOVERABLE_SESSIONS), before + 1);
	ck_assert_int_eq(freed, 1);
	refused(0, 0, SLICE(""), RECOVERY_UNKNOWN);
	comes_back(1, 0, SLICE(""), "");
	ck_assert(!recovery_save_data(hub.recovery, slice_str(seats[0].pid), &freed, 10));
}
END_TEST

START_TEST(memory_is_bounded)
{
	char text[1001];
	struct recovery_offset last;

	teardown();
	setup_with(20000, 100);
	memset(text, 'x', 1000);
	text[1000] = '\0';
	for (int i = 0; i < 100; i++) {
		last = say_to_all(0, text);
		ck_assert_int_le(metrics_get(M_RECOVERY_BYTES), 20000);
	}
	ck_assert_int_gt(metrics_get(M_RECOVERY_PACKETS), 10);
	go(0, 0);
	ck_assert(recovery_save_data(hub.recovery, slice_str(seats[0].pid), &freed, 19000));
	ck_assert_int_eq(metrics_get(M_RECOVERY_PACKETS), 0); /* these first */
	ck_assert_uint_eq(recovery_count(hub.recovery), 1);
	go(1, 0);
	ck_assert(recovery_save_data(hub.recovery, slice_str(seats[1].pid), &freed, 19000));
	ck_assert_uint_eq(recovery_count(hub.recovery), 1);
	ck_assert_int_eq(freed, 1);
	comes_back(1, 0, recovery_text(&last), "");
	ck_assert_int_eq(freed, 2);
}
END_TEST

START_TEST(what_is_too_much_for_its_queue)
{
	enum recovery_refusal why;

	go(0, 0);
	say_to_all(0, "xxxxxxxxx");
	ck_assert_ptr_null(recovery_take(hub.recovery, 0,
		&(struct recovery_asked){ slice_str(seats[0].pid), SLICE(""), SLICE("/n"), 11, slice_str(who) }, &why));
	ck_assert_int_eq(why, RECOVERY_TOO_MUCH);
	go(1, 0);
	say_to_all(0, "xxxxxxxxx");
	comes_back(1, 0, SLICE(""), "xxxxxxxxxxxxxxxxxx"); /* both */
}
END_TEST

/* --- Who listens -------------------------------------------------------------------------------------------------- */

static char told[200];

static void want(void *ctx, struct slice nsp, struct slice room)
{
	(void)ctx;
	snprintf(told + strlen(told), sizeof(told) - strlen(told), "+%.*s %.*s;", SLICE_ARG(nsp), SLICE_ARG(room));
}

static void drop(void *ctx, struct slice nsp, struct slice room)
{
	(void)ctx;
	snprintf(told + strlen(told), sizeof(told) - strlen(told), "-%.*s %.*s;", SLICE_ARG(nsp), SLICE_ARG(room));
}

START_TEST(rooms_of_those_away_are_listened_for_once)
{
	static const struct recovery_ops listening = { want, drop };

	told[0] = '\0';
	hub_join(&hub, &members[0], SLICE("r"));
	hub_join(&hub, &members[1], SLICE("r"));
	recovery_listen(hub.recovery, &listening, NULL);
	go(0, 0);
	ck_assert_str_eq(told, "+/n ;+/n sid00000000000000000;+/n r;");
	told[0] = '\0';
	go(1, 0);
	ck_assert_str_eq(told, "+/n sid00000000000000001;");
	told[0] = '\0';
	comes_back(0, 0, SLICE(""), "");
	ck_assert_str_eq(told, "-/n sid00000000000000000;");
	told[0] = '\0';
	timers_run(&timers, AWAY_MS + 1000);
	ck_assert_str_eq(told, "-/n sid00000000000000001;-/n r;-/n ;");
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("recovery");
	TCase *tc = tcase_create("recovery");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, whom_a_packet_is_for);
	tcase_add_test(tc, packets_to_many_rooms);
	tcase_add_test(tc, it_goes_on_behind_its_offset);
	tcase_add_test(tc, offsets_that_are_none);
	tcase_add_test(tc, once_and_in_time);
	tcase_add_test(tc, another_namespace_is_not_its_own);
	tcase_add_test(tc, another_persons_is_not_its_own_and_stays);
	tcase_add_test(tc, after_an_idle_hour);
	tcase_add_test(tc, a_room_that_was_left);
	tcase_add_test(tc, others_but_a_room_that_was_joined);
	tcase_add_test(tc, others_but_a_room_that_was_left);
	tcase_add_test(tc, what_is_taken_may_become_less);
	tcase_add_test(tc, gaps);
	tcase_add_test(tc, what_was_taken_can_be_put_back);
	tcase_add_test(tc, sessions_are_bounded);
	tcase_add_test(tc, memory_is_bounded);
	tcase_add_test(tc, what_is_too_much_for_its_queue);
	tcase_add_test(tc, rooms_of_those_away_are_listened_for_once);
	suite_add_tcase(s, tc);
	return s;
}
