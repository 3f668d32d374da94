/* test_hub.c - the hub against a plain model: who is where, and who hears what. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "hub.h"
#include "metrics.h"
#include "test_main.h"

enum { MEMBERS = 12, ROOMS = 6 };

static struct hub hub;
static struct out_lane lane;
static struct out outs[MEMBERS];
static struct hub_member members[MEMBERS];
static char sids[MEMBERS][8];
static char rooms[ROOMS][8];
/* The model. */
static bool is_in[MEMBERS], joined[MEMBERS][ROOMS];

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

static void empty(struct out *o)
{
	while (!out_is_empty(o))
		frame_unref(out_pop(o));
}

/* What the listener was told: rooms and namespaces that have somebody, and whether a change was told twice. */
static bool told_room[ROOMS], told_wrong;
static int told_namespaces;

static int number_of(struct slice room)
{
	for (int i = 0; i < ROOMS; i++)
		if (slice_equal(room, slice_str(rooms[i])))
			return i;
	return -1;
}

static void tell_namespace(const struct hub_namespace *n, bool begins)
{
	told_wrong |= hub_namespace(&hub, n->node.key) != n;
	told_namespaces += begins ? 1 : -1;
}

static void namespace_begins(void *ctx, const struct hub_namespace *n)
{
	(void)ctx;
	tell_namespace(n, true);
}

static void namespace_ends(void *ctx, const struct hub_namespace *n)
{
	(void)ctx;
	tell_namespace(n, false);
}

static void tell_room(const struct hub_namespace *n, struct slice room, bool begins)
{
	int i = number_of(room);

	told_wrong |= !hub_has_room(n, room);
	if (i < 0) /* a client's id that somebody joined */
		return;
	told_wrong |= told_room[i] == begins;
	told_room[i] = begins;
}

static void room_begins(void *ctx, const struct hub_namespace *n, struct slice room)
{
	(void)ctx;
	tell_room(n, room, true);
}

static void room_ends(void *ctx, const struct hub_namespace *n, struct slice room)
{
	(void)ctx;
	tell_room(n, room, false);
}

static const struct hub_ops listener = { namespace_begins, namespace_ends, room_begins, room_ends };

static void setup(void)
{
	hub_init(&hub, 100);
	hub_listen(&hub, &listener, NULL);
	memset(told_room, 0, sizeof(told_room));
	told_wrong = false;
	told_namespaces = 0;
	out_lane_init(&lane, 1 << 20);
	lane.ops = &ops;
	for (int i = 0; i < MEMBERS; i++) {
		snprintf(sids[i], sizeof(sids[i]), "sid%d", i);
		out_init(&outs[i], &lane);
		members[i] = (struct hub_member){ .out = &outs[i], .by_sid = table_node(slice_str(sids[i])) };
	}
	for (int i = 0; i < ROOMS; i++)
		snprintf(rooms[i], sizeof(rooms[i]), "room%d", i);
	memset(is_in, 0, sizeof(is_in));
	memset(joined, 0, sizeof(joined));
}

static void teardown(void)
{
	for (int i = 0; i < MEMBERS; i++) {
		hub_exit(&hub, &members[i]);
		out_close(&outs[i]);
		out_fini(&outs[i]);
	}
	hub_fini(&hub);
	ck_assert_int_eq(told_namespaces, 0);
	out_lane_fini(&lane);
	ck_assert_int_eq(metrics_get(M_CLIENTS), 0);
	ck_assert_int_eq(metrics_get(M_ROOMS), 0);
}

static void enter(int m)
{
	ck_assert_int_eq(hub_enter(&hub, &members[m], SLICE("/")), 0);
	is_in[m] = true;
}

static void change(unsigned *seed)
{
	int m = rand_r(seed) % MEMBERS, r = rand_r(seed) % ROOMS;

	switch (rand_r(seed) % 4) {
	case 0:
		if (is_in[m]) {
			hub_exit(&hub, &members[m]);
			is_in[m] = false;
			memset(joined[m], 0, sizeof(joined[m]));
		} else {
			enter(m);
		}
		break;
	case 1:
		if (is_in[m])
			hub_leave(&hub, &members[m], slice_str(rooms[r]));
		joined[m][r] = false;
		break;
	default:
		if (!is_in[m])
			enter(m);
		ck_assert_int_eq(hub_join(&hub, &members[m], slice_str(rooms[r])), 0);
		joined[m][r] = true;
		break;
	}
}

/* The listener was told of every room that somebody is in, once, and of no other. */
static bool told_what_is(void)
{
	bool ok = !told_wrong;

	for (int r = 0; r < ROOMS; r++) {
		bool anybody = false;

		for (int m = 0; m < MEMBERS; m++)
			anybody = anybody || joined[m][r];
		ok &= told_room[r] == anybody;
	}
	return ok && told_namespaces == (hub_namespace(&hub, SLICE("/")) ? 1 : 0);
}

/* ck_assert() costs a write: what is checked a million times is asked here and asserted once a step. */
static bool invariants_hold(void)
{
	struct hub_namespace *n = hub_namespace(&hub, SLICE("/"));
	bool ok = true;

	for (int m = 0; m < MEMBERS; m++) {
		ok &= is_in[m] == (members[m].nsp != NULL);
		for (uint32_t p = 0; p < members[m].n_places; p++) {
			struct hub_place place = members[m].places[p];
			struct hub_seat seat = place.room->seats[place.seat];

			ok &= seat.member == &members[m] && seat.place == (int32_t)p && seat.out == &outs[m];
		}
		if (is_in[m]) {
			struct hub_seat seat = n->everybody->seats[members[m].seat];

			ok &= seat.member == &members[m] && seat.place == HUB_EVERYBODY && seat.out == &outs[m];
		}
	}
	return ok && told_what_is();
}

static int n_hearing;

/* Names of a random choice; returns how many. */
static size_t choose(unsigned *seed, struct slice *names, bool *room, bool *sid)
{
	size_t n = 0;

	for (int i = 0; i < ROOMS; i++)
		if ((room[i] = rand_r(seed) % 4 == 0))
			names[n++] = slice_str(rooms[i]);
	for (int i = 0; i < MEMBERS; i++)
		if ((sid[i] = rand_r(seed) % 12 == 0))
			names[n++] = slice_str(sids[i]);
	return n;
}

static bool named(int m, const bool *room, const bool *sid)
{
	bool yes = sid[m];

	for (int r = 0; r < ROOMS; r++)
		yes = yes || (room[r] && joined[m][r]);
	return yes;
}

static void check_broadcast(unsigned *seed)
{
	struct slice to[ROOMS + MEMBERS], skip[ROOMS + MEMBERS];
	bool to_room[ROOMS], to_sid[MEMBERS], skip_room[ROOMS], skip_sid[MEMBERS];
	int self = rand_r(seed) % MEMBERS;
	struct hub_target t = { .nsp = hub_namespace(&hub, SLICE("/")), .rooms = to, .skip = skip };
	struct frame *f = frame_text(SLICE("4"), SLICE("x"));
	size_t heard = 0, count;
	bool ok = true;

	t.n_rooms = choose(seed, to, to_room, to_sid);
	t.n_skip = choose(seed, skip, skip_room, skip_sid);
	if (rand_r(seed) % 2)
		t.n_skip = 0;
	if (rand_r(seed) % 2)
		t.skip_member = &members[self];
	count = hub_broadcast(&hub, &t, f);
	for (int m = 0; m < MEMBERS; m++) {
		bool hears = is_in[m] && (t.n_rooms == 0 || named(m, to_room, to_sid)) &&
			     !(t.n_skip && named(m, skip_room, skip_sid)) && !(t.skip_member && m == self);

		ok &= outs[m].count == (hears ? 1 : 0);
		heard += hears;
		empty(&outs[m]);
	}
	ck_assert(ok && count == heard);
	n_hearing += (int)heard;
	frame_unref(f);
}

START_TEST(a_random_life_agrees_with_the_model)
{
	unsigned seed = (unsigned)_i + 1;

	for (int step = 0; step < 2000; step++) {
		change(&seed);
		ck_assert(invariants_hold());
		check_broadcast(&seed);
	}
	ck_assert_int_gt(n_hearing, 0);
}
END_TEST

START_TEST(own_id_is_a_room_that_others_may_join)
{
	struct slice own = slice_str(sids[0]);
	struct hub_target t = { .rooms = &own, .n_rooms = 1 };
	struct frame *f = frame_text(SLICE("4"), SLICE("x"));

	enter(0);
	enter(1);
	t.nsp = members[0].nsp;
	ck_assert_int_eq(hub_join(&hub, &members[0], own), 0); /* in it already */
	ck_assert_uint_eq(hub_broadcast(&hub, &t, f), 1);
	ck_assert_int_eq(hub_join(&hub, &members[1], own), 0);
	ck_assert_uint_eq(hub_broadcast(&hub, &t, f), 2);
	hub_leave(&hub, &members[0], own);
	ck_assert_uint_eq(hub_broadcast(&hub, &t, f), 2); /* cannot be left */
	frame_unref(f);
}
END_TEST

START_TEST(max_rooms_holds_at_the_limit)
{
	hub.max_rooms = 2;
	enter(0);
	ck_assert_int_eq(hub_join(&hub, &members[0], SLICE("a")), 0);
	ck_assert_int_eq(hub_join(&hub, &members[0], SLICE("b")), 0);
	ck_assert_int_eq(hub_join(&hub, &members[0], SLICE("b")), 0);
	ck_assert_int_eq(hub_join(&hub, &members[0], SLICE("c")), -ENOSPC);
	hub_leave(&hub, &members[0], SLICE("a"));
	ck_assert_int_eq(hub_join(&hub, &members[0], SLICE("c")), 0);
}
END_TEST

START_TEST(volatile_is_for_those_with_nothing_waiting)
{
	struct hub_target t = { .is_volatile = true };
	struct frame *f = frame_text(SLICE("4"), SLICE("x"));
	int64_t dropped = metrics_get(M_VOLATILE_DROPPED);

	enter(0);
	enter(1);
	t.nsp = members[0].nsp;
	out_push(&outs[0], f);
	ck_assert_uint_eq(hub_broadcast(&hub, &t, f), 1);
	ck_assert_uint_eq(outs[0].count, 1);
	ck_assert_uint_eq(outs[1].count, 1);
	ck_assert_int_eq(metrics_get(M_VOLATILE_DROPPED), dropped + 1);
	frame_unref(f);
}
END_TEST

START_TEST(the_latest_replaces_what_waits)
{
	struct hub_target t = { .latest = true };
	struct frame *f = frame_text(SLICE("4"), SLICE("2[\"x\",1]"));
	int64_t dropped = metrics_get(M_LATEST_DROPPED), delivered = metrics_get(M_DELIVERIES);

	f->tag_at = 4;
	f->tag_size = 4;
	enter(0);
	enter(1);
	t.nsp = members[0].nsp;
	out_push(&outs[0], f);
	ck_assert_uint_eq(hub_broadcast(&hub, &t, f), 2);
	ck_assert(hub_deliver(&t, &members[1], f));
	ck_assert_uint_eq(outs[0].count, 1);
	ck_assert_uint_eq(outs[1].count, 1);
	ck_assert_int_eq(metrics_get(M_LATEST_DROPPED), dropped + 2);
	ck_assert_int_eq(metrics_get(M_DELIVERIES), delivered + 3);
	frame_unref(f);
}
END_TEST

/* --- Large fan-outs ----------------------------------------------------------------------------------------------- */

static struct hub_member crowd[OUT_BULK];
static struct out crowd_outs[OUT_BULK];
static char crowd_sids[OUT_BULK][8];

static void enter_crowd(int i)
{
	snprintf(crowd_sids[i], sizeof(crowd_sids[i]), "c%d", i);
	out_init(&crowd_outs[i], &lane);
	crowd[i] = (struct hub_member){ .out = &crowd_outs[i], .by_sid = table_node(slice_str(crowd_sids[i])) };
	ck_assert_int_eq(hub_enter(&hub, &crowd[i], SLICE("/")), 0);
}

/* Whether what is said to them waits behind what is said to others. */
static bool is_bulk(const struct slice *rooms_, size_t n_rooms, const struct slice *skip, size_t n_skip)
{
	struct hub_target t = { hub_namespace(&hub, SLICE("/")), rooms_, n_rooms, skip, n_skip, NULL, false, false };
	struct frame *f = frame_text(SLICE("4"), SLICE("x"));
	bool waits;

	ck_assert_uint_gt(hub_broadcast(&hub, &t, f), 0);
	ck_assert_int_ne(lane.soon.first == NULL, lane.later.first == NULL);
	waits = lane.later.first != NULL;
	for (int i = 0; i < OUT_BULK; i++)
		if (crowd[i].nsp)
			empty(&crowd_outs[i]);
	out_flush_all(&lane, 0);
	frame_unref(f);
	return waits;
}

START_TEST(a_fan_out_to_many_waits_behind_others)
{
	const struct slice few[] = { SLICE("few") }, most[] = { SLICE("most") },
			   both[] = { SLICE("few"), SLICE("most") };
	const struct slice one[] = { SLICE("c7") };

	for (int i = 0; i < OUT_BULK - 1; i++)
		enter_crowd(i);
	ck_assert(!is_bulk(NULL, 0, NULL, 0));
	enter_crowd(OUT_BULK - 1);
	ck_assert(is_bulk(NULL, 0, NULL, 0));
	ck_assert(is_bulk(NULL, 0, one, 1));
	hub_join(&hub, &crowd[0], few[0]);
	for (int i = 1; i < OUT_BULK; i++)
		hub_join(&hub, &crowd[i], most[0]);
	ck_assert(!is_bulk(few, 1, NULL, 0));
	ck_assert(!is_bulk(most, 1, NULL, 0));
	ck_assert(is_bulk(both, 2, NULL, 0));
	ck_assert(!is_bulk(one, 1, NULL, 0));
	for (int i = 0; i < OUT_BULK; i++) {
		hub_exit(&hub, &crowd[i]);
		out_close(&crowd_outs[i]);
		out_fini(&crowd_outs[i]);
	}
}
END_TEST

/* After a spike those who are left are where they were, and rooms take what few take. */
START_TEST(a_room_gives_back_what_many_took)
{
	enum { LEFT = 10 };
	struct hub_target t = { .rooms = (const struct slice[]){ SLICE("full") }, .n_rooms = 1 };
	struct frame *f = frame_text(SLICE("4"), SLICE("x"));

	for (int i = 0; i < OUT_BULK; i++) {
		enter_crowd(i);
		ck_assert_int_eq(hub_join(&hub, &crowd[i], t.rooms[0]), 0);
	}
	t.nsp = hub_namespace(&hub, SLICE("/"));
	for (int i = 0; i < OUT_BULK; i++)
		if (i % (OUT_BULK / LEFT) != 7)
			hub_exit(&hub, &crowd[i]);
	ck_assert_uint_lt(t.nsp->everybody->cap, 64);
	ck_assert_uint_eq(hub_broadcast(&hub, &t, f), LEFT);
	t.n_rooms = 0;
	ck_assert_uint_eq(hub_broadcast(&hub, &t, f), LEFT);
	for (int i = 0; i < OUT_BULK; i++) {
		ck_assert_uint_eq(crowd_outs[i].count, i % (OUT_BULK / LEFT) == 7 ? 2 : 0);
		hub_exit(&hub, &crowd[i]);
		out_close(&crowd_outs[i]);
		out_fini(&crowd_outs[i]);
	}
	frame_unref(f);
}
END_TEST

START_TEST(marks_survive_the_counters_wrap)
{
	struct slice both[] = { slice_str(rooms[0]), slice_str(rooms[1]) };
	struct hub_target t = { .rooms = both, .n_rooms = 2 };
	struct frame *f = frame_text(SLICE("4"), SLICE("x"));

	enter(0);
	hub_join(&hub, &members[0], both[0]);
	hub_join(&hub, &members[0], both[1]);
	t.nsp = members[0].nsp;
	members[0].mark = 1; /* as if from a selection long ago */
	hub.mark = UINT32_MAX;
	ck_assert_uint_eq(hub_broadcast(&hub, &t, f), 1);
	ck_assert_uint_eq(hub_broadcast(&hub, &t, f), 1);
	frame_unref(f);
}
END_TEST

START_TEST(namespaces_are_apart_and_end_with_their_last)
{
	ck_assert_int_eq(hub_enter(&hub, &members[0], SLICE("/a")), 0);
	ck_assert_int_eq(hub_enter(&hub, &members[1], SLICE("/b")), 0);
	ck_assert_ptr_nonnull(hub_find(hub_namespace(&hub, SLICE("/a")), slice_str(sids[0])));
	ck_assert_ptr_null(hub_find(hub_namespace(&hub, SLICE("/a")), slice_str(sids[1])));
	hub_exit(&hub, &members[0]);
	ck_assert_ptr_null(hub_namespace(&hub, SLICE("/a")));
	ck_assert_ptr_nonnull(hub_namespace(&hub, SLICE("/b")));
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("hub");
	TCase *t = tcase_create("hub");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, a_random_life_agrees_with_the_model, 0, 10);
	tcase_add_test(t, own_id_is_a_room_that_others_may_join);
	tcase_add_test(t, max_rooms_holds_at_the_limit);
	tcase_add_test(t, volatile_is_for_those_with_nothing_waiting);
	tcase_add_test(t, the_latest_replaces_what_waits);
	tcase_add_test(t, a_fan_out_to_many_waits_behind_others);
	tcase_add_test(t, a_room_gives_back_what_many_took);
	tcase_add_test(t, marks_survive_the_counters_wrap);
	tcase_add_test(t, namespaces_are_apart_and_end_with_their_last);
	suite_add_tcase(s, t);
	return s;
}
