/* test_effects.c - each effect, and what an embedded application could not have left. */
#include "rig.h"

#include "json.h"

#define BATCH(effects)  "{\"v\":1,\"by\":\"b\",\"nsp\":\"/chat\",\"sid\":\"sid1\",\"effects\":[" effects "]}"
#define SERVER(effects) "{\"v\":1,\"by\":\"b\",\"partition\":0,\"nsp\":\"/chat\",\"effects\":[" effects "]}"

START_TEST(every_effect_is_written_and_read)
{
	static const char *const effects[] = {
		"{\"do\":\"accept\"}",
		"{\"do\":\"refuse\",\"data\":{\"message\":\"no\",\"data\":{\"a\":1}}}",
		"{\"do\":\"emit\",\"data\":[\"x\",1,{\"y\":[]}]}",
		"{\"do\":\"emit\",\"sid\":\"sid2\",\"data\":[\"x\"]}",
		"{\"do\":\"emit\",\"sid\":\"sid2\",\"sid_nsp\":\"/other\",\"data\":[\"x\"]}",
		"{\"do\":\"emit\",\"sid_nsp\":\"/other\",\"data\":[\"x\"]}",
		"{\"do\":\"emit\",\"sid\":\"\",\"all\":true,\"data\":[\"x\"]}",
		"{\"do\":\"emit\",\"nsp\":\"/"
		"other\",\"rooms\":[\"a\",\"\"],\"skip\":[\"b\",\"c\"],\"skip_self\":true,\"local\":true,"
		"\"volatile\":true,\"latest\":true,\"uncompressed\":true,\"data\":[\"x\"]}",
		"{\"do\":\"emit\",\"all\":true,\"skip_self\":true,\"data\":[\"x\"]}",
		"{\"do\":\"emit\",\"all\":true,\"data\":[\"\"]}",
		"{\"do\":\"call\",\"data\":[\"x\"],\"call\":5,\"timeout\":1000}",
		"{\"do\":\"call\",\"rooms\":[\"a\"],\"data\":[\"x\"],\"call\":4611686018427387903,\"timeout\":"
		"9007199254740992}",
		"{\"do\":\"ack\",\"data\":[],\"ack\":0}",
		"{\"do\":\"ack\",\"data\":[1,[2]],\"ack\":18446744073709551615}",
		"{\"do\":\"ack\",\"nsp\":\"/other\",\"sid\":\"sid2\",\"sid_nsp\":\"/other\",\"data\":[],\"ack\":3}",
		"{\"do\":\"ack\",\"sid\":\"\",\"data\":[],\"ack\":3}",
		"{\"do\":\"join\",\"room\":\"r\"}",
		"{\"do\":\"join\",\"rooms\":[\"a\"],\"room\":\"\"}",
		"{\"do\":\"leave\",\"sid\":\"sid2\",\"room\":\"r\"}",
		"{\"do\":\"disconnect\"}",
		"{\"do\":\"disconnect\",\"rooms\":[\"a\"],\"transport\":true}",
		"{\"do\":\"admit\"}",
		"{\"do\":\"admit\",\"headers\":[[\"Set-Cookie\",\"a=b; "
		"c\"],[\"X-A\",\"\"]],\"session_headers\":[[\"X-B\",\": y\"]]}",
		"{\"do\":\"deny\",\"message\":\"No \xC3\xA9ntry\"}",
		"{\"do\":\"deny\",\"message\":\"\",\"headers\":[[\"X-A\",\"b\"]]}",
		"{\"do\":\"session\",\"key\":\"k\\n\",\"value\":{\"a\":[null]}}",
		"{\"do\":\"session\",\"key\":\"\"}",
		"{\"do\":\"fetch\",\"all\":true,\"call\":1,\"timeout\":5}",
		"{\"do\":\"fetch\",\"call\":1,\"timeout\":5}",
		"{\"do\":\"servers\",\"data\":[\"x\"]}",
		"{\"do\":\"servers\",\"nsp\":\"/other\",\"data\":[\"x\"],\"call\":9,\"timeout\":5}",
	};

	for (size_t i = 0; i < sizeof(effects) / sizeof(*effects); i++) {
		struct buf json = BUF_INIT;

		buf_add_str(&json, "{\"v\":1,\"by\":\"b\",\"nsp\":\"/chat\",\"sid\":\"sid1\",\"effects\":[");
		buf_add_str(&json, effects[i]);
		buf_add(&json, "]}", 3);
		batch_stays(arena_copy(&arena, json.at, json.size));
		buf_fini(&json);
	}
	batch_stays(SERVER("{\"do\":\"ack\",\"data\":[],\"ack\":3}"));
	batch_stays(SERVER("{\"do\":\"emit\",\"all\":true,\"data\":[\"x\"]}"));
	batch_stays(SERVER("{\"do\":\"servers\",\"data\":[\"x\"]}"));
	batch_stays("{\"v\":1,\"by\":\"b\",\"partition\":0,\"effects\":[{\"do\":\"deny\",\"message\":\"m\"}]}");
	batch_stays(BATCH("{\"do\":\"accept\"},{\"do\":\"join\",\"room\":\"r\"},{\"do\":\"emit\",\"data\":[\"x\"]}"));
}
END_TEST

static const struct effect *effect_of(const char *json)
{
	return batch_of(json).effects;
}

START_TEST(members_come_out_as_they_went_in)
{
	const struct effect *e = effect_of(
		BATCH("{\"do\":\"emit\",\"nsp\":\"/other\",\"rooms\":[\"a\",\"b\"],\"skip\":[\"c\"],\"skip_self\":true,"
		      "\"local\":true,\"volatile\":true,\"latest\":true,\"uncompressed\":true,\"data\":[ \"x\" ]}"));

	ck_assert_int_eq(e->kind, EFFECT_EMIT);
	IS_STR(e->to.nsp, "/other");
	IS_STR(e->to.sid, "sid1");
	IS_STR(e->to.sid_nsp, "/chat");
	ck_assert(e->to.host == NULL && e->to.sender == NULL && !e->to.broadcast);
	ck_assert_uint_eq(e->to.n_rooms, 2);
	IS_TEXT(e->to.rooms[1], "b");
	ck_assert_uint_eq(e->to.n_skip, 1);
	IS_TEXT(e->to.skip[0], "c");
	ck_assert(e->to.skip_self && e->to.local && e->to.is_volatile && e->to.latest && e->to.uncompressed);
	IS_TEXT(e->json, "[ \"x\" ]");
	e = effect_of(BATCH("{\"do\":\"emit\",\"data\":[\"x\"]}"));
	ck_assert(!e->to.skip_self && !e->to.local && !e->to.is_volatile && !e->to.latest && !e->to.uncompressed);
	ck_assert(e->to.n_rooms == 0 && !e->to.broadcast);
	e = effect_of(BATCH("{\"do\":\"servers\",\"data\":[\"x\"],\"call\":9,\"timeout\":5}"));
	ck_assert(e->to.broadcast);
	ck_assert_uint_eq(e->call, 9);
	ck_assert_int_eq(e->timeout_ms, 5);
	e = effect_of(BATCH(
		"{\"do\":\"admit\",\"headers\":[[\"A\",\"b\"],[\"C\",\"\"]],\"session_headers\":[[\"D\",\"e f\"]]}"));
	IS_TEXT(e->headers, "A: b\r\nC: \r\n");
	IS_TEXT(e->session_headers, "D: e f\r\n");
	e = effect_of(BATCH("{\"do\":\"session\",\"key\":\"\\u006B\",\"value\": {\"a\" : -0}}"));
	IS_TEXT(e->key, "\"k\"");
	IS_TEXT(e->json, "{\"a\":0}");
	e = effect_of(BATCH("{\"do\":\"session\",\"key\":\"k\",\"value\":null}"));
	ck_assert_uint_eq(e->json.size, 0);
	e = effect_of(SERVER("{\"do\":\"ack\",\"data\":[],\"ack\":3}"));
	ck_assert_ptr_null(e->to.sid);
	e = effect_of(BATCH("{\"do\":\"ack\",\"sid\":\"\",\"data\":[],\"ack\":3}"));
	ck_assert_ptr_null(e->to.sid);
}
END_TEST

/* As target_resolve() has it. */
START_TEST(leaving_out_makes_a_room_of_one)
{
	const struct effect *e = effect_of(BATCH("{\"do\":\"emit\",\"skip_self\":true,\"data\":[\"x\"]}"));

	ck_assert_uint_eq(e->to.n_rooms, 1);
	IS_TEXT(e->to.rooms[0], "sid1");
	e = effect_of(BATCH("{\"do\":\"emit\",\"sid\":\"sid2\",\"skip\":[\"a\"],\"data\":[\"x\"]}"));
	ck_assert_uint_eq(e->to.n_rooms, 1);
	IS_TEXT(e->to.rooms[0], "sid2");
	e = effect_of(BATCH("{\"do\":\"emit\",\"nsp\":\"/other\",\"skip\":[\"a\"],\"data\":[\"x\"]}"));
	ck_assert_uint_eq(e->to.n_rooms, 0);
	e = effect_of(BATCH("{\"do\":\"emit\",\"rooms\":[\"r\"],\"all\":true,\"data\":[\"x\"]}"));
	ck_assert(!e->to.broadcast && e->to.n_rooms == 1);
}
END_TEST

START_TEST(attachments_go_along)
{
	const struct effect *e = effect_of(BATCH(
		"{\"do\":\"emit\",\"data\":[\"x\",{\"_placeholder\":true,\"num\":0}],\"attachments\":[\"TWFu\"]}"));

	ck_assert_uint_eq(e->n_blobs, 1);
	IS_TEXT(e->blobs[0], "Man");
	/* Written anew, attachments are in order. */
	e = effect_of(BATCH("{\"do\":\"ack\",\"ack\":1,\"data\":[-0,{\"_placeholder\":true,\"num\":1},{\"num\":0,\"_"
			    "placeholder\":true}],"
			    "\"attachments\":[\"TWFu\",\"AP8=\"]}"));
	IS_TEXT(e->json, "[0,{\"_placeholder\":true,\"num\":0},{\"_placeholder\":true,\"num\":1}]");
	ck_assert_uint_eq(e->n_blobs, 2);
	ck_assert(slice_equal(e->blobs[0], SLICE("\0\xFF")));
	IS_TEXT(e->blobs[1], "Man");
	IS_STR(batch_fault_of(SLICE(BATCH("{\"do\":\"emit\",\"data\":[\"x\",{\"_placeholder\":true,\"num\":1}],"
					  "\"attachments\":[\"TWFu\"]}"))),
		"illegal attachments");
	IS_STR(batch_fault_of(SLICE(BATCH("{\"do\":\"emit\",\"data\":[\"x\"],\"attachments\":[\"T\"]}"))),
		"an attachment that is not base64");
}
END_TEST

START_TEST(attachments_are_written)
{
	static const char json[] =
		BATCH("{\"do\":\"emit\",\"data\":[\"x\",{\"_placeholder\":true,\"num\":0}],\"attachments\":[\"TWFu\"]},"
		      "{\"do\":\"ack\",\"data\":[{\"_placeholder\":true,\"num\":1}],\"attachments\":[\"\",\"AP8=\"],"
		      "\"ack\":1}");
	struct batch_record b = batch_of(json);
	struct buf to = BUF_INIT;

	ck_assert_int_eq(batch_record_put(&to, VALUE_JSON, &b), 0);
	IS_TEXT(buf_slice(&to), json);
	buf_fini(&to);
}
END_TEST

START_TEST(bytes_of_messagepack_stay)
{
	/* ["x", bin, undefined, float32 1] */
	static const struct slice data = { "\x94\xA1x\xC4\x01\xFF\xD4\x00\x00\xCA\x3F\x80\x00\x00", 14 };
	struct effect e = { .kind = EFFECT_EMIT, .to = { .nsp = "/", .sid = "s", .sid_nsp = "/" }, .json = data };
	struct batch_record b = { .by = SLICE("b"), .nsp = SLICE("/"), .sid = SLICE("s"), .effects = &e }, back;
	struct buf to = BUF_INIT;

	ck_assert_int_eq(batch_record_put(&to, VALUE_MSGPACK, &b), 0);
	ck_assert_ptr_null(batch_record_read(&arena, buf_slice(&to), &rules, &back));
	ck_assert(slice_equal(back.effects->json, data));
	buf_fini(&to);
}
END_TEST

START_TEST(what_no_application_could_leave_is_refused)
{
	static const char first[] = "accept, refuse, admit and deny are the first effect or none",
			  names[] = "headers are no array of names and values",
			  own[] = "a header that the server writes itself",
			  flag[] = "all, skip_self, local, volatile, latest and uncompressed are true or false",
			  nobody[] = "no sender, and neither rooms nor all",
			  no_rooms[] = "rooms are no array of names, or too many",
			  call[] = "call is no whole number, or too large";
	static const struct {
		const char *json, *fault;
	} rows[] = {
		{ BATCH("{\"do\":\"dance\"}"), "do is none that is known" },
		{ BATCH("{\"do\":7}"), "do is none that is known" },
		{ BATCH("{\"do\":\"disconnect\"},{\"do\":\"accept\"}"), first },
		{ BATCH("{\"do\":\"accept\"},{\"do\":\"accept\"}"), first },
		{ BATCH("{\"do\":\"disconnect\"},{\"do\":\"refuse\",\"data\":{\"message\":\"\"}}"), first },
		{ BATCH("{\"do\":\"disconnect\"},{\"do\":\"admit\"}"), first },
		{ BATCH("{\"do\":\"admit\"},{\"do\":\"deny\",\"message\":\"\"}"), first },
		{ BATCH("{\"do\":\"refuse\"}"), "a refusal without data" },
		{ BATCH("{\"do\":\"refuse\",\"data\":[]}"), "data of a refusal is no map" },
		{ BATCH("{\"do\":\"refuse\",\"data\":\"no\"}"), "data of a refusal is no map" },
		{ BATCH("{\"do\":\"refuse\",\"data\":{}}"), "a refusal without a message" },
		{ BATCH("{\"do\":\"refuse\",\"data\":{\"message\":5}}"), "a refusal whose message is no text" },
		{ BATCH("{\"do\":\"emit\"}"), "an effect without data" },
		{ BATCH("{\"do\":\"emit\",\"data\":{}}"), "data is no array" },
		{ BATCH("{\"do\":\"emit\",\"data\":\"x\"}"), "data is no array" },
		{ BATCH("{\"do\":\"emit\",\"data\":[]}"), "data does not begin with an event's name" },
		{ BATCH("{\"do\":\"emit\",\"data\":[5]}"), "data does not begin with an event's name" },
		{ BATCH("{\"do\":\"emit\",\"data\":[null]}"), "data does not begin with an event's name" },
		{ BATCH("{\"do\":\"emit\",\"data\":[\"connect\"]}"), "a reserved event name" },
		{ BATCH("{\"do\":\"emit\",\"data\":[\"disconnecting\"]}"), "a reserved event name" },
		{ BATCH("{\"do\":\"call\",\"call\":1,\"timeout\":1,\"data\":[\"connect_error\"]}"),
			"a reserved event name" },
		{ BATCH("{\"do\":\"servers\",\"data\":[\"disconnect\"]}"), "a reserved event name" },
		{ BATCH("{\"do\":\"servers\",\"data\":[\"start\"]}"), "an event of a server's own" },
		{ BATCH("{\"do\":\"emit\",\"data\":[\"start\"]}"), "" },
		{ BATCH("{\"do\":\"emit\",\"rooms\":[],\"data\":[\"x\"]}"), "no room in rooms" },
		{ BATCH("{\"do\":\"emit\",\"rooms\":\"a\",\"data\":[\"x\"]}"), no_rooms },
		{ BATCH("{\"do\":\"emit\",\"rooms\":[1],\"data\":[\"x\"]}"), no_rooms },
		{ BATCH("{\"do\":\"emit\",\"rooms\":[null],\"data\":[\"x\"]}"), no_rooms },
		{ BATCH("{\"do\":\"emit\",\"skip\":{},\"data\":[\"x\"]}"), "skip is no array of names, or too many" },
		{ BATCH("{\"do\":\"emit\",\"skip\":[],\"data\":[\"x\"]}"), "" },
		{ BATCH("{\"do\":\"emit\",\"all\":1,\"data\":[\"x\"]}"), flag },
		{ BATCH("{\"do\":\"emit\",\"skip_self\":\"\",\"data\":[\"x\"]}"), flag },
		{ BATCH("{\"do\":\"emit\",\"local\":0,\"data\":[\"x\"]}"), flag },
		{ BATCH("{\"do\":\"emit\",\"volatile\":[],\"data\":[\"x\"]}"), flag },
		{ BATCH("{\"do\":\"emit\",\"latest\":{},\"data\":[\"x\"]}"), flag },
		{ BATCH("{\"do\":\"emit\",\"uncompressed\":2,\"data\":[\"x\"]}"), flag },
		{ BATCH("{\"do\":\"emit\",\"nsp\":\"other\",\"data\":[\"x\"]}"), "nsp is no namespace" },
		{ BATCH("{\"do\":\"emit\",\"nsp\":\"/a\\u0000\",\"data\":[\"x\"]}"), "nsp is no namespace" },
		{ BATCH("{\"do\":\"emit\",\"sid\":5,\"data\":[\"x\"]}"), "sid is no text" },
		{ BATCH("{\"do\":\"emit\",\"sid\":\"\",\"data\":[\"x\"]}"), nobody },
		{ SERVER("{\"do\":\"emit\",\"data\":[\"x\"]}"), nobody },
		{ SERVER("{\"do\":\"join\",\"room\":\"x\"}"), nobody },
		{ SERVER("{\"do\":\"disconnect\"}"), nobody },
		{ SERVER("{\"do\":\"fetch\",\"call\":1,\"timeout\":1}"), nobody },
		{ SERVER("{\"do\":\"session\",\"key\":\"k\",\"value\":1}"), "no sender" },
		{ "{\"v\":1,\"by\":\"b\",\"effects\":[{\"do\":\"emit\",\"all\":true,\"data\":[\"x\"]}]}",
			"an effect without nsp, in a batch that has none" },
		{ "{\"v\":1,\"by\":\"b\",\"effects\":[{\"do\":\"emit\",\"nsp\":\"/\",\"sid\":\"s\",\"data\":[\"x\"]}]}",
			"" },
		{ BATCH("{\"do\":\"call\",\"data\":[\"x\"],\"timeout\":5}"), "a call without a number" },
		{ BATCH("{\"do\":\"call\",\"data\":[\"x\"],\"call\":0,\"timeout\":5}"), "a call without a number" },
		{ BATCH("{\"do\":\"call\",\"data\":[\"x\"],\"call\":1}"), "a call without a timeout" },
		{ BATCH("{\"do\":\"call\",\"data\":[\"x\"],\"call\":1,\"timeout\":0}"), "a call without a timeout" },
		{ BATCH("{\"do\":\"call\",\"data\":[\"x\"],\"call\":1,\"timeout\":-1}"), "timeout is no time" },
		{ BATCH("{\"do\":\"call\",\"data\":[\"x\"],\"call\":1,\"timeout\":9007199254740993}"),
			"timeout is no time" },
		{ BATCH("{\"do\":\"call\",\"data\":[\"x\"],\"call\":4611686018427387904,\"timeout\":1}"), call },
		{ BATCH("{\"do\":\"servers\",\"data\":[\"x\"],\"call\":9223372036854775809,\"timeout\":1}"), call },
		{ BATCH("{\"do\":\"servers\",\"data\":[\"x\"],\"call\":1}"), "a call without a timeout" },
		{ BATCH("{\"do\":\"fetch\",\"all\":true}"), "a call without a number" },
		{ BATCH("{\"do\":\"ack\",\"data\":[]}"), "an ack without its number" },
		{ BATCH("{\"do\":\"ack\",\"data\":[],\"ack\":-1}"), "ack is no whole number" },
		{ BATCH("{\"do\":\"ack\",\"data\":{},\"ack\":1}"), "data is no array" },
		{ BATCH("{\"do\":\"ack\",\"ack\":1}"), "an effect without data" },
		{ BATCH("{\"do\":\"join\"}"), "a room without a name" },
		{ BATCH("{\"do\":\"join\",\"room\":5}"), "room is no name" },
		{ BATCH("{\"do\":\"leave\"}"), "a room without a name" },
		{ BATCH("{\"do\":\"disconnect\",\"transport\":1}"), "transport is neither true nor false" },
		{ BATCH("{\"do\":\"session\",\"value\":1}"), "a change of the session without a key" },
		{ BATCH("{\"do\":\"session\",\"key\":5}"), "key is no text" },
		{ BATCH("{\"do\":\"deny\"}"), "a denial without a message" },
		{ BATCH("{\"do\":\"deny\",\"message\":5}"), "message is no text" },
		{ BATCH("{\"do\":\"admit\",\"headers\":\"A: b\"}"), names },
		{ BATCH("{\"do\":\"admit\",\"headers\":[\"A: b\"]}"), names },
		{ BATCH("{\"do\":\"admit\",\"headers\":[[\"A\"]]}"), names },
		{ BATCH("{\"do\":\"admit\",\"headers\":[[\"A\",\"b\",\"c\"]]}"), names },
		{ BATCH("{\"do\":\"admit\",\"headers\":[[\"A\",5]]}"), names },
		{ BATCH("{\"do\":\"admit\",\"headers\":[[\"A\",\"b\\r\\nC: d\"]]}"),
			"a value that is not printable ASCII" },
		{ BATCH("{\"do\":\"admit\",\"headers\":[[\"A\",\"b\\n\"]]}"), "a value that is not printable ASCII" },
		{ BATCH("{\"do\":\"admit\",\"headers\":[[\"A\",\"\xC3\xA9\"]]}"),
			"a value that is not printable ASCII" },
		{ BATCH("{\"do\":\"admit\",\"headers\":[[\"A\",\"b\\u0000\"]]}"), names },
		{ BATCH("{\"do\":\"admit\",\"headers\":[[\"A:\",\"b\"]]}"), "not the name of a header" },
		{ BATCH("{\"do\":\"admit\",\"headers\":[[\"A\\r\",\"b\"]]}"), "not the name of a header" },
		{ BATCH("{\"do\":\"admit\",\"headers\":[[\"\",\"b\"]]}"), "not the name of a header" },
		{ BATCH("{\"do\":\"admit\",\"headers\":[[\"content-length\",\"1\"]]}"), own },
		{ BATCH("{\"do\":\"deny\",\"message\":\"\",\"session_headers\":[[\"Connection\",\"close\"]]}"), own },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		ck_assert_msg(strcmp(batch_fault(rows[i].json), rows[i].fault) == 0, "%s: %s", rows[i].json,
			batch_fault(rows[i].json));
}
END_TEST

START_TEST(names_are_utf_8)
{
	static const char no_rooms[] = "rooms are no array of names, or too many";

	IS_STR(batch_fault_of(SLICE(BATCH("{\"do\":\"emit\",\"rooms\":[\"\\ud800\"],\"data\":[\"x\"]}"))), no_rooms);
	IS_STR(batch_fault_of(SLICE(BATCH("{\"do\":\"join\",\"room\":\"\\udfff\"}"))), "room is no name");
	IS_STR(batch_fault_of(SLICE(BATCH("{\"do\":\"emit\",\"data\":[\"c\\u006fnnect\"]}"))), "a reserved event name");
	IS_STR(batch_fault_of(SLICE(BATCH("{\"do\":\"emit\",\"data\":[\"\\ud800\"]}"))), "");
}
END_TEST

START_TEST(room_names_are_limited)
{
	static const char why[] = "a room's name that is too long";

	rules.max_room_bytes = 3;
	IS_STR(batch_fault(BATCH("{\"do\":\"join\",\"room\":\"abc\"}")), "");
	IS_STR(batch_fault(BATCH("{\"do\":\"join\",\"room\":\"abcd\"}")), why);
	IS_STR(batch_fault(BATCH("{\"do\":\"leave\",\"room\":\"abcd\"}")), why);
	IS_STR(batch_fault(BATCH("{\"do\":\"emit\",\"rooms\":[\"a\",\"abc\"],\"data\":[\"x\"]}")), "");
	IS_STR(batch_fault(BATCH("{\"do\":\"emit\",\"rooms\":[\"a\",\"abcd\"],\"data\":[\"x\"]}")), why);
	IS_STR(batch_fault(BATCH("{\"do\":\"emit\",\"skip\":[\"a\",\"abcd\"],\"data\":[\"x\"]}")), why);
}
END_TEST

START_TEST(lists_are_limited)
{
	rules.max_rooms = 2;
	rules.max_attachments = 1;
	IS_STR(batch_fault(BATCH("{\"do\":\"disconnect\",\"rooms\":[\"a\",\"b\"],\"skip\":[\"a\",\"b\"]}")), "");
	IS_STR(batch_fault(BATCH("{\"do\":\"disconnect\",\"rooms\":[\"a\",\"b\",\"c\"]}")),
		"rooms are no array of names, or too many");
	IS_STR(batch_fault(BATCH("{\"do\":\"disconnect\",\"skip\":[\"a\",\"b\",\"c\"]}")),
		"skip is no array of names, or too many");
	IS_STR(batch_fault_of(SLICE(BATCH("{\"do\":\"emit\",\"data\":[\"x\"],\"attachments\":[\"\"]}"))), "");
	IS_STR(batch_fault_of(SLICE(BATCH("{\"do\":\"emit\",\"data\":[\"x\"],\"attachments\":[\"\",\"\"]}"))),
		"attachments are no array, or too many");
}
END_TEST

/* `total` bytes of lines: one of them, of a name of one character. */
static const char *header_fault(size_t total, const char *more)
{
	struct buf json = BUF_INIT;
	const char *why;

	buf_add_str(&json, "{\"v\":1,\"by\":\"b\",\"effects\":[{\"do\":\"admit\",\"headers\":[[\"A\",\"");
	for (size_t i = 5; i < total; i++)
		buf_add_char(&json, 'x');
	buf_add_str(&json, "\"]");
	buf_add_str(&json, more);
	buf_add_str(&json, "]}]}");
	why = batch_fault_of(buf_slice(&json));
	buf_fini(&json);
	return why;
}

START_TEST(headers_are_limited)
{
	IS_STR(header_fault(APP_HEADERS_MAX, ""), "");
	IS_STR(header_fault(APP_HEADERS_MAX + 1, ""), "too many headers");
	IS_STR(header_fault(APP_HEADERS_MAX, ",[\"B\",\"\"]"), "too many headers");
	IS_STR(header_fault(APP_HEADERS_MAX - 5, "],\"session_headers\":[[\"B\",\"\"]"), "");
	IS_STR(header_fault(APP_HEADERS_MAX - 4, "],\"session_headers\":[[\"B\",\"\"]"), "too many headers");
}
END_TEST

START_TEST(depth_is_limited)
{
	rules.max_depth = 2;
	IS_STR(batch_fault(BATCH("{\"do\":\"emit\",\"data\":[\"x\",[]]}")), "");
	IS_STR(batch_fault_of(SLICE(BATCH("{\"do\":\"emit\",\"data\":[\"x\",[[]]]}"))), "JSON too deep");
	IS_STR(batch_fault_of(record_of(BATCH("{\"do\":\"emit\",\"data\":[\"x\",[[]]]}"), VALUE_MSGPACK)),
		"MessagePack too deep");
	IS_STR(batch_fault_of(SLICE(BATCH("{\"do\":\"session\",\"key\":\"k\",\"value\":[[[]]]}"))), "JSON too deep");
}
END_TEST

START_TEST(a_session_holds_no_binary)
{
	static const char bytes[] = "\x85\xA1v\x01\xA2"
				    "by\xA1"
				    "b\xA3nsp\xA1/\xA3sid\xA1s\xA7"
				    "effects\x91\x83\xA2"
				    "do\xA7session\xA3key\xA1k\xA5value\xC4\x01x";

	IS_STR(batch_fault_of(slice_of(bytes, sizeof(bytes) - 1)), "value is none that JSON has");
}
END_TEST

TCase *effects_cases(void)
{
	TCase *t = tcase_create("effects");

	tcase_add_test(t, every_effect_is_written_and_read);
	tcase_add_test(t, members_come_out_as_they_went_in);
	tcase_add_test(t, leaving_out_makes_a_room_of_one);
	tcase_add_test(t, attachments_go_along);
	tcase_add_test(t, attachments_are_written);
	tcase_add_test(t, bytes_of_messagepack_stay);
	tcase_add_test(t, what_no_application_could_leave_is_refused);
	tcase_add_test(t, names_are_utf_8);
	tcase_add_test(t, room_names_are_limited);
	tcase_add_test(t, lists_are_limited);
	tcase_add_test(t, headers_are_limited);
	tcase_add_test(t, depth_is_limited);
	tcase_add_test(t, a_session_holds_no_binary);
	return t;
}
