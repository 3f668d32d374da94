/* test_effects.c - whom, what cannot be done, and the limits. */
#include "rig.h"

#include <errno.h>
#include <stdlib.h>

#include "metrics.h"

static int targets(struct stoa_event *ev)
{
	const char *none = NULL;

	stoa_emit(ev, "a");
	stoa_send(ev, 1, "x");
	stoa_emit(stoa_to(ev, "r"), "b");
	stoa_emit(stoa_to(ev, none), "c");
	stoa_emit(stoa_to(ev, "r", .skip_self = true), "d");
	stoa_emit(stoa_to(ev, .broadcast = true, .is_volatile = true, .local = true), "e");
	stoa_emit(stoa_to(ev, "r", .broadcast = true), "f");
	stoa_emit(stoa_to(ev, .rooms = stoa_names("x", "y"), .skip = stoa_names("z", "A")), "g");
	stoa_emit(stoa_to(ev, "w", .rooms = stoa_names("x")), "h");
	return 0;
}

START_TEST(whom)
{
	rig_go(targets, "");
	ck_assert_str_eq(rig_log(), "emit [\"a\"] to A\n"
				    "emit [\"message\",1,\"x\"] to A\n"
				    "emit [\"b\"] to r\n"
				    "emit [\"c\"] to A\n"
				    "emit [\"d\"] to r skip_self\n"
				    "emit [\"e\"] to broadcast local volatile\n"
				    "emit [\"f\"] to r\n"
				    "emit [\"g\"] to x,y skip=z,room A\n"
				    "emit [\"h\"] to w,x\n");
}
END_TEST

static int other_namespace(struct stoa_event *ev)
{
	stoa_emit(stoa_to(ev, .namespace = "/other"), "a");
	stoa_emit(stoa_to(ev, "r", .namespace = "/other"), "b");
	stoa_emit(stoa_to(ev, .namespace = "/"), "c");
	IS(stoa_emit(stoa_to(ev, .namespace = "other"), "x"), -EINVAL);
	stoa_join_room(stoa_to(ev, "r"), "s");
	stoa_leave_room(stoa_to(ev, .broadcast = true), "t");
	stoa_close_room(ev, "u");
	stoa_disconnect(stoa_to(ev, "v", .skip_self = true));
	return 0;
}

START_TEST(elsewhere)
{
	rig_go(other_namespace, "");
	ck_assert_str_eq(rig_log(), "emit [\"a\"] to A by sid nsp=/other\n"
				    "emit [\"b\"] to r nsp=/other\n"
				    "emit [\"c\"] to A\n"
				    "join s to r\n"
				    "leave t to broadcast\n"
				    "leave u to u\n"
				    "disconnect to v skip_self\n");
}
END_TEST

static int sender_left_out(struct stoa_event *ev)
{
	stoa_emit(stoa_to(ev, .skip_self = true), "a");
	stoa_emit(stoa_to(ev, .skip = stoa_names("r")), "b");
	return 0;
}

START_TEST(a_sender_left_out_is_a_room_left_out)
{
	rig_go(sender_left_out, "");
	ck_assert_str_eq(rig_log(), "emit [\"a\"] to room A skip_self\nemit [\"b\"] to room A skip=r\n");
}
END_TEST

static int cannot(struct stoa_event *ev)
{
	const char *const nobody[] = { NULL };
	const char *none = NULL;

	IS(stoa_emit(ev, "connect"), -EINVAL);
	IS(stoa_emit(ev, "disconnect"), -EINVAL);
	IS(stoa_emit(ev, "newListener", 1), -EINVAL);
	IS(stoa_emit(ev, none), -EINVAL);
	IS(stoa_emit(stoa_to(ev, "twenty-one characters"), "x"), -ENAMETOOLONG);
	IS(stoa_emit(stoa_to(ev, "\xFF"), "x"), -EINVAL);
	IS(stoa_emit(stoa_to(ev, .rooms = nobody), "x"), -EDESTADDRREQ);
	IS(stoa_join_room(ev, "twenty-one characters"), -ENAMETOOLONG);
	IS(stoa_join_room(ev, none), -EINVAL);
	IS(stoa_leave_room(ev, "\xC3("), -EINVAL);
	return stoa_join_room(ev, "twenty characters ok");
}

START_TEST(what_cannot_be_done_is_an_error_at_once)
{
	int64_t long_names = metrics_get(M_LIMIT_ROOM_NAME);
	const char *lines;

	rig_watch_errors();
	rig_go(cannot, "");
	lines = rig_errors();
	ck_assert_str_eq(rig_log(), "join twenty characters ok to A\n");
	ck_assert_int_eq(metrics_get(M_LIMIT_ROOM_NAME), long_names + 2);
	ck_assert_ptr_nonnull(strstr(lines, "call=stoa_emit"));
	ck_assert_ptr_nonnull(strstr(lines, "call=stoa_join_room"));
	ck_assert_ptr_nonnull(strstr(lines, "call=stoa_leave_room"));
	ck_assert_ptr_nonnull(strstr(lines, "\\\"connect\\\" is a reserved event name"));
}
END_TEST

static int floods(struct stoa_event *ev)
{
	for (int i = 0; i < 10; i++)
		IS(stoa_emit(ev, "e", i), 0);
	IS(stoa_emit(ev, "e"), -ENOSPC);
	IS(stoa_join_room(ev, "r"), -ENOSPC);
	return stoa_ack(ev, "the ack has always room");
}

START_TEST(effects_are_bounded)
{
	int64_t before = metrics_get(M_LIMIT_EFFECTS);

	rig_go_ack(floods, "", 1);
	ck_assert_ptr_nonnull(strstr(rig_log(), "emit [\"e\",9] to A\nack 1 [\"the ack has always room\"] to A\n"));
	ck_assert_int_eq(metrics_get(M_LIMIT_EFFECTS), before + 2);
}
END_TEST

static struct stoa_event *stale;

static int keeps_ev(struct stoa_event *ev)
{
	stale = ev;
	return 0;
}

START_TEST(an_event_is_over_when_its_handler_returns)
{
	rig_go(keeps_ev, "");
	IS(stoa_emit(stale, "x"), -EINVAL);
	IS(stoa_join_room(stale, "x"), -EINVAL);
	IS(stoa_ack(stale, 1), -EINVAL);
	ck_assert_str_eq(rig_log(), "");
}
END_TEST

static int copies(struct stoa_event *ev)
{
	char *event = strdup("event"), *room = strdup("room"), *text = strdup("text");

	stoa_emit(stoa_to(ev, room), event, text);
	stoa_join_room(ev, room);
	free(event);
	free(room);
	free(text);
	return 0;
}

START_TEST(what_is_passed_in_is_copied)
{
	rig_go(copies, "");
	ck_assert_str_eq(rig_log(), "emit [\"event\",\"text\"] to room\njoin room to A\n");
}
END_TEST

TCase *case_effects(void)
{
	TCase *tc = tcase_create("effects");

	tcase_add_checked_fixture(tc, rig_begin, rig_end);
	tcase_add_test(tc, whom);
	tcase_add_test(tc, elsewhere);
	tcase_add_test(tc, a_sender_left_out_is_a_room_left_out);
	tcase_add_test(tc, what_cannot_be_done_is_an_error_at_once);
	tcase_add_test(tc, effects_are_bounded);
	tcase_add_test(tc, an_event_is_over_when_its_handler_returns);
	tcase_add_test(tc, what_is_passed_in_is_copied);
	return tc;
}
