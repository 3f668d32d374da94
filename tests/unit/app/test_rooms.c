/* test_rooms.c - the client's rooms with this handler's changes. */
#include "rig.h"

static int tells(struct stoa_event *ev)
{
	return stoa_emit(ev, "e", stoa_rooms(ev));
}

static int changes(struct stoa_event *ev)
{
	stoa_join_room(ev, "new");
	stoa_join_room(ev, "new");
	stoa_leave_room(ev, "a");
	stoa_leave_room(ev, "never was in");
	return tells(ev);
}

static int changes_many(struct stoa_event *ev)
{
	stoa_join_room(stoa_to(ev, "a"), "by room");
	stoa_join_room(stoa_to(ev, "elsewhere"), "not for me");
	stoa_join_room(stoa_to(ev, stoa_sid(ev)), "by sid");
	stoa_join_room(stoa_to(ev, .broadcast = true), "all");
	stoa_join_room(stoa_to(ev, "a", .skip_self = true), "not self");
	stoa_join_room(stoa_to(ev, .broadcast = true, .skip = stoa_names("b")), "skipped");
	stoa_join_room(stoa_to(ev, .namespace = "/other"), "other nsp");
	stoa_close_room(ev, "b");
	return tells(ev);
}

START_TEST(rooms_as_of_now)
{
	static const char *const in[] = { "A", "a", "b", NULL };

	rig.rooms = in;
	rig_go(tells, "");
	ck_assert_str_eq(rig_log(), "emit [\"e\",[\"A\",\"a\",\"b\"]] to A\n");
	rig_go(changes, "");
	ck_assert_ptr_nonnull(strstr(rig_log(), "emit [\"e\",[\"A\",\"b\",\"new\"]] to A\n"));
	rig_go(changes_many, "");
	ck_assert_ptr_nonnull(strstr(rig_log(), "emit [\"e\",[\"A\",\"a\",\"by room\",\"by sid\",\"all\"]] to A\n"));
}
END_TEST

static int connects(struct stoa_event *ev)
{
	stoa_join_room(ev, "lobby");
	return tells(ev);
}

static void setup(struct stoa_app *app)
{
	stoa_on(app, "/", "connect", connects, NULL);
}

START_TEST(the_own_room_is_there_from_the_first)
{
	ck_assert_ptr_nonnull(rig_open(setup));
	rig_connect();
	ck_assert_str_eq(rig_log(), "accept\njoin lobby to A\nemit [\"e\",[\"A\",\"lobby\"]] to A\n");
}
END_TEST

static int later(struct stoa_event *ev)
{
	IS(stoa_type(stoa_rooms(ev)), STOA_NULL);
	return stoa_emit(ev, "later");
}

static int begins(struct stoa_event *ev)
{
	return stoa_after(ev, 10, later, NULL) > 0 ? 0 : -1;
}

START_TEST(nobodys_rooms_came_along)
{
	rig_go(begins, "");
	rig_pass(10);
	ck_assert_str_eq(rig_log(), "emit [\"later\"] to A by sid\n");
}
END_TEST

TCase *case_rooms(void)
{
	TCase *tc = tcase_create("rooms");

	tcase_add_checked_fixture(tc, rig_begin, rig_end);
	tcase_add_test(tc, rooms_as_of_now);
	tcase_add_test(tc, the_own_room_is_there_from_the_first);
	tcase_add_test(tc, nobodys_rooms_came_along);
	return tc;
}
