/* test_names.c - what things are called in Redis. */
#include "rig.h"

static const char *name(void (*fn)(struct buf *to, const char *app, unsigned partition), unsigned partition)
{
	struct buf to = BUF_INIT;
	const char *copy;

	fn(&to, "chat", partition);
	copy = arena_copy(&arena, to.at, to.size);
	buf_fini(&to);
	return copy;
}

START_TEST(names_are_those_of_the_documentation)
{
	struct buf to = BUF_INIT;

	IS_STR(name(name_events, 0), "stoa:events:chat:0");
	IS_STR(name(name_clients, 1023), "stoa:clients:chat:1023");
	IS_STR(name(name_lease, 7), "stoa:lease:chat:7");
	name_dead(&to, "chat");
	buf_add_char(&to, ' ');
	name_app(&to, "chat");
	buf_add_char(&to, ' ');
	name_broker(&to, "chat", SLICE("b1"));
	buf_add_char(&to, ' ');
	name_gateway(&to, "chat", SLICE("AbCd"));
	buf_add_char(&to, ' ');
	name_brokers(&to, "chat");
	buf_add_char(&to, ' ');
	name_gateways(&to, "chat");
	buf_add_char(&to, ' ');
	name_batches(&to, "chat", SLICE("AbCd"));
	IS_TEXT(buf_slice(&to), "stoa:dead:chat stoa:app:chat stoa:broker:chat:b1 stoa:gateway:chat:AbCd "
				"stoa:brokers:chat stoa:gateways:chat stoa:batches:chat:AbCd");
	IS_STR(records_group, "stoa");
	IS_STR(records_field, "e");
	buf_fini(&to);
}
END_TEST

START_TEST(an_application_is_named_in_few_characters)
{
	static const char forty[] = "0123456789abcdefghijABCDEFGHIJ_.-_._-_.x",
			  forty_one[] = "0123456789abcdefghijABCDEFGHIJ_.-_._-_.xy";

	ck_assert(app_name_ok("a") && app_name_ok("Chat_2.0-b") && app_name_ok(forty));
	ck_assert_uint_eq(strlen(forty), APP_NAME_MAX);
	ck_assert(!app_name_ok(forty_one));
	ck_assert(!app_name_ok("") && !app_name_ok(NULL));
	for (int c = 1; c < 256; c++) {
		char text[] = { 'a', (char)c, '\0' };
		bool fits = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
			    c == '.' || c == '-';

		ck_assert_msg(app_name_ok(text) == fits, "%d", c);
	}
}
END_TEST

TCase *names_cases(void)
{
	TCase *t = tcase_create("names");

	tcase_add_test(t, names_are_those_of_the_documentation);
	tcase_add_test(t, an_application_is_named_in_few_characters);
	return t;
}
