/*
 * test_memory.c - a handler that runs out of memory at every point: nothing crashes, nothing broken is sent, and the
 * client is answered. The arena's limit stands for the memory.
 */
#include "internal.h"
#include "rig.h"

#include <stdlib.h>

static int builds(struct stoa_event *ev)
{
	struct stoa_value *list = stoa_list(), *dict = stoa_dict(), v;
	const char *text = "none";
	int error = 0;

	v = stoa_object("text", stoa_text("some text"), "bytes", stoa_bytes("abc", 3), "raw", stoa_json("[1]"));
	for (int i = 0; i < 6 && error == 0; i++)
		error = stoa_append(list, stoa_format("item %d", i));
	if (error == 0)
		error = stoa_put(dict, "list", *list);
	free(stoa_keep(v));
	stoa_to_json(v);
	stoa_header(ev, "host");
	stoa_query(ev, "a");
	stoa_rooms(ev);
	if (error == 0)
		error = stoa_unpack(ev, &text, stoa_fields("a", stoa_optional(&text)));
	if (error == 0)
		error = stoa_emit(
			stoa_to(ev, "room", .rooms = stoa_names("a"), .skip = stoa_names("b")), "e", v, *dict);
	if (error == 0)
		error = stoa_join_room(ev, "room");
	if (error == 0)
		error = stoa_call(ev, 100, builds, NULL, "q", stoa_array(stoa_spread(stoa_array(1, 2))));
	return error ? error : stoa_ack(ev, stoa_spread(stoa_args(ev)));
}

static size_t try_with(size_t limit)
{
	size_t left;

	rig.handshake.headers = SLICE("host: example.org\n");
	rig.handshake.query = SLICE("a=%C3%A4");
	arena_limit(&rig.app->arena, limit);
	rig_go_ack(builds, "\"text\",{\"a\":null}", 1);
	left = strlen(rig_log());
	arena_limit(&rig.app->arena, 0);
	rig_pass(100); /* the call, if it was noted, ends */
	rig_log();
	return left;
}

START_TEST(out_of_memory_everywhere)
{
	static const char *const in[] = { "A", "r", NULL };
	size_t whole;

	rig.rooms = in;
	whole = try_with(0);
	ck_assert_uint_gt(whole, 100);
	for (size_t limit = 16; limit < 8192; limit += 16)
		ck_assert_uint_le(try_with(limit), whole + strlen("[{\"error\":\"the handler failed\"}]"));
	ck_assert_uint_eq(try_with(16384), whole);
}
END_TEST

START_TEST(what_there_was_no_memory_for_is_unusable)
{
	arena_limit(&rig.app->arena, 1);
	event_begin(rig.app, &(struct stoa_event){ .app = rig.app, .nsp = "/", .name = "x", .error = "" });
	ck_assert_int_eq(build_text("x").kind_, VALUE_BROKEN);
	ck_assert_int_eq(build_list()->kind_, VALUE_BROKEN);
	ck_assert_str_eq(stoa_format("%d", 1), "\xFF");
	event_end(rig.app);
	arena_limit(&rig.app->arena, 0);
}
END_TEST

TCase *case_memory(void)
{
	TCase *tc = tcase_create("memory");

	tcase_add_checked_fixture(tc, rig_begin, rig_end);
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, out_of_memory_everywhere);
	tcase_add_test(tc, what_there_was_no_memory_for_is_unusable);
	return tc;
}
