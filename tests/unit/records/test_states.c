/* test_states.c - what a gateway keeps of a client for whoever runs the application. */
#include "rig.h"

#include <stdio.h>

#define STATE \
	"{\"query\":\"EIO=4&transport=polling\",\"headers\":\"host: a\\nx-y: z " \
	"\\n\",\"address\":\"192.0.2.1\",\"transport\":" \
	"\"websocket\",\"auth\":{\"token\":\"t\",\"n\":[1,2.5]},\"claims\":{\"sub\":\"ada\"},\"rooms\":[\"sid1\"," \
	"\"r\\u0000m\",\"\"],\"session\":{" \
	"\"a\\n\":" \
	"{\"b\":null},\"c\":[true,-1]}}"
#define CLIENT(state) "{\"v\":1,\"node\":\"AbCd\",\"nsp\":\"/chat\",\"n\":7,\"state_n\":3,\"state\":" state "}"
#define SMALL         "{\"query\":\"\",\"headers\":\"\",\"address\":\"\"}"

static struct client_record client_in(const char *json, enum value_encoding encoding)
{
	struct client_record c;
	const char *why = client_record_read(&arena, record_of(json, encoding), &rules, &c);

	ck_assert_msg(why == NULL, "%s: %s", json, why);
	return c;
}

START_TEST(a_client_is_written_and_read)
{
	client_stays(CLIENT(STATE));
	client_stays(CLIENT(SMALL));
	for (enum value_encoding encoding = VALUE_JSON; encoding <= VALUE_MSGPACK; encoding++) {
		struct client_record c = client_in(CLIENT(STATE), encoding);

		IS_TEXT(c.node, "AbCd");
		IS_TEXT(c.nsp, "/chat");
		ck_assert_uint_eq(c.n, 7);
		ck_assert_uint_eq(c.state_n, 3);
		IS_TEXT(c.state.handshake.query, "EIO=4&transport=polling");
		IS_TEXT(c.state.handshake.headers, "host: a\nx-y: z \n");
		IS_STR(c.state.handshake.address, "192.0.2.1");
		IS_STR(c.state.transport, "websocket");
		IS_TEXT(c.state.auth, "{\"token\":\"t\",\"n\":[1,2.5]}");
		IS_TEXT(c.state.claims, "{\"sub\":\"ada\"}");
		ck_assert_uint_eq(c.state.n_rooms, 3);
		IS_TEXT(c.state.rooms[0], "sid1");
		ck_assert(slice_equal(c.state.rooms[1], SLICE("r\0m")));
		IS_TEXT(c.state.rooms[2], "");
		ck_assert_uint_eq(c.state.n_session, 2);
		IS_TEXT(c.state.session[0].key, "\"a\\n\"");
		IS_TEXT(c.state.session[0].json, "{\"b\":null}");
		IS_TEXT(c.state.session[1].key, "\"c\"");
		IS_TEXT(c.state.session[1].json, "[true,-1]");
		c = client_in(CLIENT(SMALL), encoding);
		ck_assert(c.state.transport == NULL && c.state.auth.size == 0 && c.state.claims.size == 0 &&
			  c.state.n_rooms == 0 && c.state.n_session == 0);
		c = client_in(CLIENT("{}"), encoding);
		IS_STR(c.state.handshake.address, "");
	}
}
END_TEST

START_TEST(what_is_no_client_is_refused)
{
	static const char missing[] = "a client without node, nsp or state";

	IS_STR(client_fault("{\"v\":1,\"nsp\":\"/\",\"state\":{}}"), missing);
	IS_STR(client_fault("{\"v\":1,\"node\":\"AbCd\",\"state\":{}}"), missing);
	IS_STR(client_fault("{\"v\":1,\"node\":\"AbCd\",\"nsp\":\"/\"}"), missing);
	IS_STR(client_fault("{\"node\":\"AbCd\",\"nsp\":\"/\",\"state\":{}}"), "a record without a version");
	IS_STR(client_fault("{\"v\":2,\"node\":\"AbCd\",\"nsp\":\"/\",\"state\":{}}"), "a record of another version");
	IS_STR(client_fault("{\"v\":1,\"node\":\"0123456789abcdef\",\"nsp\":\"/\",\"state\":{}}"), "");
	IS_STR(client_fault("{\"v\":1,\"node\":\"0123456789abcdefg\",\"nsp\":\"/\",\"state\":{}}"),
		"node is no gateway's name");
	IS_STR(client_fault("{\"v\":1,\"node\":\"a b\",\"nsp\":\"/\",\"state\":{}}"), "node is no gateway's name");
	IS_STR(client_fault("{\"v\":1,\"node\":\"\",\"nsp\":\"/\",\"state\":{}}"), "node is no gateway's name");
	IS_STR(client_fault("{\"v\":1,\"node\":5,\"nsp\":\"/\",\"state\":{}}"), "node is no gateway's name");
	IS_STR(client_fault("{\"v\":1,\"node\":\"AbCd\",\"nsp\":\"chat\",\"state\":{}}"), "nsp is no namespace");
	IS_STR(client_fault("{\"v\":1,\"node\":\"AbCd\",\"nsp\":\"\",\"state\":{}}"), "nsp is no namespace");
	IS_STR(client_fault("{\"v\":1,\"node\":\"AbCd\",\"nsp\":\"/a\\u0000\",\"state\":{}}"), "nsp is no namespace");
	IS_STR(client_fault("{\"v\":1,\"node\":\"AbCd\",\"nsp\":\"/\",\"n\":-1,\"state\":{}}"), "n is no whole number");
	IS_STR(client_fault("{\"v\":1,\"node\":\"AbCd\",\"nsp\":\"/\",\"n\":1.5,\"state\":{}}"),
		"n is no whole number");
	IS_STR(client_fault("{\"v\":1,\"node\":\"AbCd\",\"nsp\":\"/\",\"n\":1.0,\"state\":{}}"), "");
	IS_STR(client_fault("{\"v\":1,\"node\":\"AbCd\",\"nsp\":\"/\",\"n\":18446744073709551615,\"state\":{}}"), "");
	IS_STR(client_fault("{\"v\":1,\"node\":\"AbCd\",\"nsp\":\"/\",\"n\":18446744073709551616,\"state\":{}}"),
		"n is no whole number");
	IS_STR(client_fault("{\"v\":1,\"node\":\"AbCd\",\"nsp\":\"/\",\"state_n\":\"1\",\"state\":{}}"),
		"state_n is no whole number");
	IS_STR(client_fault(CLIENT("[]")), "state is no map");
	IS_STR(client_fault(CLIENT("{\"query\":1}")), "query is no text");
	IS_STR(client_fault(CLIENT("{\"query\":\"\\u0000\"}")), "query is no text");
	IS_STR(client_fault(CLIENT("{\"headers\":{}}")), "headers are no text");
	IS_STR(client_fault(CLIENT("{\"address\":[]}")), "address is no text");
	IS_STR(client_fault(CLIENT("{\"transport\":true}")), "transport is no text");
	IS_STR(client_fault(CLIENT("{\"auth\":[1]}")), "auth is no map");
	IS_STR(client_fault(CLIENT("{\"auth\":\"{}\"}")), "auth is no map");
	IS_STR(client_fault(CLIENT("{\"claims\":[1]}")), "claims is no map");
	IS_STR(client_fault(CLIENT("{\"rooms\":{}}")), "rooms are no array of texts, or too many");
	IS_STR(client_fault(CLIENT("{\"rooms\":[\"a\",1]}")), "rooms are no array of texts, or too many");
	IS_STR(client_fault(CLIENT("{\"rooms\":[null]}")), "rooms are no array of texts, or too many");
	IS_STR(client_fault(CLIENT("{\"session\":[]}")), "session is no map");
	IS_STR(client_fault(CLIENT("{\"session\":{\"a\\u0000\":1}}")), "a key of the session that is no text");
	IS_STR(client_fault(CLIENT("{\"session\":{\"a\":null,\"b\":{}},\"rooms\":null}")), "");
}
END_TEST

START_TEST(rooms_are_limited)
{
	rules.max_rooms = 2;
	IS_STR(client_fault(CLIENT("{\"rooms\":[\"a\",\"b\"]}")), "");
	IS_STR(client_fault(CLIENT("{\"rooms\":[\"a\",\"b\",\"c\"]}")), "rooms are no array of texts, or too many");
}
END_TEST

START_TEST(depth_is_limited)
{
	rules.max_depth = 3;
	IS_STR(client_fault(CLIENT("{\"auth\":{\"a\":[[]]}}")), "");
	/* Each encoding has its own words. */
	for (enum value_encoding encoding = VALUE_JSON; encoding <= VALUE_MSGPACK; encoding++) {
		struct slice bytes = record_of(CLIENT("{\"auth\":{\"a\":[[[]]]}}"), encoding);
		struct client_record c;

		IS_STR(client_record_read(&arena, bytes, &rules, &c),
			encoding == VALUE_JSON ? "JSON too deep" : "MessagePack too deep");
	}
}
END_TEST

/* What is not JSON's, in MessagePack: binary is refused; a date and undefined become what JSON makes of them. */
START_TEST(a_session_holds_what_json_has)
{
	static const char head[] = "\x84\xA1v\x01\xA4node\xA4"
				   "AbCd\xA3nsp\xA1/\xA5state\x81\xA7session\x81\xA1"
				   "a";
	const struct {
		struct slice value;
		const char *fault, *json;
	} rows[] = {
		{ SLICE("\xC4\x01x"), "the session holds what JSON has not", NULL },
		{ SLICE("\x91\xC4\x00"), "the session holds what JSON has not", NULL },
		{ SLICE("\xD4\x00\x00"), "", "null" },
		{ SLICE("\xD7\x00\x00\x00\x00\x00\x00\x00\x00\x01"), "", "\"1970-01-01T00:00:00.001Z\"" },
		{ SLICE("\xCB\x7F\xF0\x00\x00\x00\x00\x00\x00"), "", "null" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct buf bytes = BUF_INIT;
		struct client_record c;
		const char *why;

		buf_add(&bytes, head, sizeof(head) - 1);
		buf_add_slice(&bytes, rows[i].value);
		why = client_record_read(&arena, buf_slice(&bytes), &rules, &c);
		IS_STR(why ? why : "", rows[i].fault);
		if (rows[i].json)
			IS_TEXT(c.state.session[0].json, rows[i].json);
		buf_fini(&bytes);
	}
}
END_TEST

/* JavaScript would not print them so. */
START_TEST(numbers_of_a_session_are_written_anew)
{
	struct client_record c =
		client_in(CLIENT("{\"session\":{\"a\":-0,\"b\":[1e999 , 2]},\"auth\":{ \"x\":-0.0}}"), VALUE_JSON);

	IS_TEXT(c.state.session[0].json, "0");
	IS_TEXT(c.state.session[1].json, "[null,2]");
	IS_TEXT(c.state.auth, "{\"x\":0}");
}
END_TEST

START_TEST(what_a_browser_sent_is_mended)
{
	struct client_record c = { .node = SLICE("AbCd"), .nsp = SLICE("/") };
	struct buf to = BUF_INIT;

	c.state.handshake = (struct app_handshake){ SLICE("a=\xFF"), SLICE("cookie: \xE9t\xE9; b=1\n"), "::1" };
	for (enum value_encoding encoding = VALUE_JSON; encoding <= VALUE_MSGPACK; encoding++) {
		buf_clear(&to);
		ck_assert_int_eq(client_record_put(&to, encoding, &c), 0);
		IS_STR(text_of(buf_slice(&to)),
			"{\"v\":1,\"node\":\"AbCd\",\"nsp\":\"/\",\"n\":0,\"state_n\":0,\"state\":{\"query\":"
			"\"a=\xEF\xBF\xBD\",\"headers\":\"cookie: \xEF\xBF\xBDt\xEF\xBF\xBD; b=1\\n\","
			"\"address\":\"::1\"}}");
	}
	buf_fini(&to);
}
END_TEST

START_TEST(what_cannot_be_written_leaves_nothing)
{
	struct slice room = SLICE("\xFF");
	struct client_record c = {
		.node = SLICE("AbCd"), .nsp = SLICE("/"), .state = { .rooms = &room, .n_rooms = 1 }
	};
	struct buf to = BUF_INIT;

	for (enum value_encoding encoding = VALUE_JSON; encoding <= VALUE_MSGPACK; encoding++) {
		buf_clear(&to);
		buf_add_str(&to, "before");
		ck_assert_int_lt(client_record_put(&to, encoding, &c), 0);
		IS_TEXT(buf_slice(&to), "before");
	}
	buf_fini(&to);
}
END_TEST

START_TEST(many_of_a_session_are_written)
{
	enum { MANY = 70000 };
	struct state_datum *data = arena_zero(&arena, MANY * sizeof(*data));
	struct client_record c = { .node = SLICE("AbCd"), .nsp = SLICE("/") }, back;
	struct buf to = BUF_INIT;

	for (size_t i = 0; i < MANY; i++) {
		char key[16];

		snprintf(key, sizeof(key), "\"%zu\"", i);
		data[i] =
			(struct state_datum){ slice_of(arena_copy(&arena, key, strlen(key)), strlen(key)), SLICE("1") };
	}
	c.state.session = data;
	c.state.n_session = MANY;
	for (enum value_encoding encoding = VALUE_JSON; encoding <= VALUE_MSGPACK; encoding++) {
		buf_clear(&to);
		ck_assert_int_eq(client_record_put(&to, encoding, &c), 0);
		ck_assert_ptr_null(client_record_read(&arena, buf_slice(&to), &rules, &back));
		ck_assert_uint_eq(back.state.n_session, MANY);
		IS_TEXT(back.state.session[MANY - 1].key, "\"69999\"");
	}
	buf_fini(&to);
}
END_TEST

TCase *states_cases(void)
{
	TCase *t = tcase_create("states");

	tcase_add_test(t, a_client_is_written_and_read);
	tcase_add_test(t, what_is_no_client_is_refused);
	tcase_add_test(t, rooms_are_limited);
	tcase_add_test(t, depth_is_limited);
	tcase_add_test(t, a_session_holds_what_json_has);
	tcase_add_test(t, numbers_of_a_session_are_written_anew);
	tcase_add_test(t, what_a_browser_sent_is_mended);
	tcase_add_test(t, what_cannot_be_written_leaves_nothing);
	tcase_add_test(t, many_of_a_session_are_written);
	return t;
}
