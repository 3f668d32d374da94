/* test_events.c - what gateways tell. */
#include "rig.h"

#include <errno.h>

#include "json.h"

#define HEAD(kind)   "{\"v\":1,\"node\":\"AbCd\",\"kind\":\"" kind "\",\"at\":1700000000123"
#define CLIENT(kind) HEAD(kind) ",\"nsp\":\"/chat\",\"sid\":\"sid1\",\"n\":7"
#define STATE        ",\"state_n\":2,\"state\":{\"query\":\"EIO=4\",\"headers\":\"\",\"address\":\"::1\",\"rooms\":[\"sid1\"]}"
#define EVENT        CLIENT("event") ",\"event\":\"say\",\"args\":[1,\"two\",{\"three\":[]}]"

START_TEST(every_kind_is_written_and_read)
{
	event_stays(CLIENT("connect") STATE "}");
	event_stays(CLIENT("connect") "}");
	event_stays(EVENT "}");
	event_stays(EVENT ",\"ack\":0,\"state_n\":2}");
	event_stays(EVENT ",\"ack\":18446744073709551615,\"state_n\":18446744073709551615,\"again\":true}");
	event_stays(EVENT STATE ",\"again\":true}");
	event_stays(CLIENT("event") ",\"event\":5,\"args\":[]}");
	event_stays(CLIENT("event") ",\"event\":1.5,\"args\":[null]}");
	event_stays(CLIENT("disconnect") ",\"reason\":\"transport close\"}");
	event_stays(HEAD("handshake") ",\"n\":1" STATE "}");
	event_stays(HEAD("refused") ",\"n\":1,\"error\":{\"code\":1,\"message\":\"m\",\"context\":{\"a\":\"b\"}}" STATE
				    "}");
	event_stays(HEAD("server") ",\"nsp\":\"/\",\"n\":3,\"event\":\"hello\",\"args\":[\"x\"],\"ack\":9}");
	event_stays(HEAD("server") ",\"nsp\":\"/\",\"n\":3,\"event\":\"connect\",\"args\":[]}");
}
END_TEST

START_TEST(every_answer_is_written_and_read)
{
	event_stays(HEAD("answer") ",\"n\":1,\"to\":\"b1#7\",\"call\":5,\"op\":\"expect\",\"count\":3}");
	event_stays(HEAD("answer") ",\"nsp\":\"/"
				   "\",\"sid\":\"s\",\"n\":1,\"to\":\"b1#7\",\"call\":5,\"op\":\"answer\",\"who\":"
				   "\"s\",\"args\":["
				   "1,[2]]}");
	event_stays(HEAD("answer") ",\"n\":1,\"to\":\"b1#7\",\"call\":5,\"op\":\"gone\",\"who\":\"s\"}");
	event_stays(HEAD("answer") ",\"n\":1,\"to\":\"b1#7\",\"call\":5,\"op\":\"gone\"}");
	event_stays(HEAD("answer") ",\"n\":1,\"to\":\"b1#7\",\"call\":5,\"op\":\"found\",\"found\":{\"id\":\"s\","
				   "\"rooms\":[]}}");
	event_stays(HEAD("answer") ",\"n\":1,\"to\":\"b1#7\",\"call\":5,\"op\":\"silent\",\"who\":\"host#1\"}");
	event_stays(HEAD("answer") ",\"n\":1,\"to\":\"b1#7\",\"call\":5,\"op\":\"end\",\"status\":\"timeout\"}");
	event_stays(HEAD("answer") ",\"n\":1,\"to\":\"b1#7\",\"call\":5,\"op\":\"end\",\"status\":\"unreachable\"}");
}
END_TEST

START_TEST(members_come_out_as_they_went_in)
{
	struct event_record e = event_of(
		"{\"v\":1,\"node\":\"AbCd\",\"kind\":\"event\",\"at\":5,\"nsp\":\"/chat\",\"sid\":\"s\",\"n\":7,"
		"\"event\":\"s\\u0061y\" , \"args\" : [ 1 , -0 ] ,\"ack\":3,\"state_n\":4,\"again\":true}");

	ck_assert_int_eq(e.kind, RECORD_EVENT);
	IS_TEXT(e.node, "AbCd");
	IS_TEXT(e.nsp, "/chat");
	IS_STR(e.nsp.at, "/chat");
	IS_STR(e.sid.at, "s");
	ck_assert_uint_eq(e.n, 7);
	ck_assert_int_eq(e.at_ms, 5);
	IS_TEXT(e.name, "\"s\\u0061y\"");
	IS_TEXT(e.items, "1 , -0");
	ck_assert_uint_eq(e.flags, JSON_REWRITE);
	ck_assert(e.wants_ack && e.again && !e.has_state);
	ck_assert_uint_eq(e.ack_id, 3);
	ck_assert_uint_eq(e.state_n, 4);
	e = event_of(HEAD("answer") ",\"n\":1,\"to\":\"b\",\"call\":5,\"op\":\"end\",\"status\":\"timeout\"}");
	ck_assert_int_eq(e.answer.status, -ETIMEDOUT);
	e = event_of(HEAD("answer") ",\"n\":1,\"to\":\"b\",\"call\":5,\"op\":\"end\",\"status\":\"unreachable\"}");
	ck_assert_int_eq(e.answer.status, -ENOTCONN);
	e = event_of(HEAD("refused") ",\"n\":1,\"error\":{\"code\":-0},\"state\":{\"query\":\"q\"}}");
	IS_TEXT(e.error, "{\"code\":0}");
	ck_assert(e.has_state);
	IS_TEXT(e.state.handshake.query, "q");
	ck_assert_str_eq(record_kind_name(RECORD_CONNECT), "connect");
	ck_assert_str_eq(record_kind_name(RECORD_ANSWER), "answer");
}
END_TEST

START_TEST(arguments_of_messagepack_stay_bytes)
{
	/* [undefined, bin, float32] */
	static const struct slice items = { "\xD4\x00\x00\xC4\x02\xFF\x00\xCA\x3F\x80\x00\x00", 12 };
	struct event_record e = { .kind = RECORD_EVENT,
		.node = SLICE("AbCd"),
		.nsp = SLICE("/"),
		.sid = SLICE("s"),
		.n = 1,
		.name = SLICE("\xA1x"),
		.items = items },
			    back;
	struct buf to = BUF_INIT;

	ck_assert_int_eq(event_record_put(&to, VALUE_MSGPACK, &e), 0);
	ck_assert_ptr_null(event_record_read(&arena, buf_slice(&to), &rules, &back));
	ck_assert(slice_equal(back.items, items));
	ck_assert(slice_equal(back.name, e.name));
	ck_assert_uint_eq(back.n_blobs, 0);
	ck_assert_uint_eq(back.flags, 0);
	buf_fini(&to);
}
END_TEST

START_TEST(attachments_travel_in_base64)
{
	static const char json[] =
		CLIENT("event") ",\"event\":\"e\",\"args\":[{\"_placeholder\":true,\"num\":1},{\"_placeholder\":true,"
				"\"num\":0}],\"attachments\":[\"AP8=\",\"\",\"TWFu\"]}";
	struct event_record e = event_of(json);
	struct buf to = BUF_INIT;

	ck_assert_uint_eq(e.n_blobs, 3);
	ck_assert(slice_equal(e.blobs[0], SLICE("\0\xFF")));
	ck_assert_uint_eq(e.blobs[1].size, 0);
	IS_TEXT(e.blobs[2], "Man");
	ck_assert_uint_eq(e.flags, JSON_BLOBS);
	ck_assert_int_eq(event_record_put(&to, VALUE_JSON, &e), 0);
	IS_TEXT(buf_slice(&to), json);
	e = event_of(CLIENT("event") ",\"event\":\"e\",\"args\":[],\"attachments\":[\"\\/\\u002B\\/\\/\"]}");
	IS_TEXT(e.blobs[0], "\xFF\xEF\xFF");
	/* Without them it is a plain object. */
	e = event_of(CLIENT("event") ",\"event\":\"e\",\"args\":[{\"_placeholder\":true,\"num\":7}]}");
	ck_assert_uint_eq(e.flags, 0);
	buf_fini(&to);
}
END_TEST

#define BLOBS(list) event_fault_of(SLICE(CLIENT("event") ",\"event\":\"e\",\"args\":[],\"attachments\":" list "}"))

START_TEST(hostile_attachments_are_refused)
{
	static const char not_base64[] = "an attachment that is not base64",
			  not_many[] = "attachments are no array, or too many";

	IS_STR(BLOBS("[\"TWF\"]"), not_base64);
	IS_STR(BLOBS("[\"T\"]"), not_base64);
	IS_STR(BLOBS("[\"TW!u\"]"), not_base64);
	IS_STR(BLOBS("[\"TW-_\"]"), not_base64);
	IS_STR(BLOBS("[\"====\"]"), not_base64);
	IS_STR(BLOBS("[\"T===\"]"), not_base64);
	IS_STR(BLOBS("[\"TQ==TQ==\"]"), not_base64);
	IS_STR(BLOBS("[\"TWFu\\n\"]"), not_base64);
	IS_STR(BLOBS("[\"TW\\u0000u\"]"), not_base64);
	IS_STR(BLOBS("[1]"), not_base64);
	IS_STR(BLOBS("[[]]"), not_base64);
	IS_STR(BLOBS("[\"TQ==\"]"), "");
	IS_STR(BLOBS("[\"AZaz09+/\"]"), "");
	IS_STR(BLOBS("{}"), not_many);
	IS_STR(BLOBS("\"TQ==\""), not_many);
	rules.max_attachments = 2;
	IS_STR(BLOBS("[\"TQ==\",\"\"]"), "");
	IS_STR(BLOBS("[\"TQ==\",\"\",\"\"]"), not_many);
	IS_STR(event_fault_of(SLICE(
		       CLIENT("event") ",\"event\":\"e\",\"args\":[{\"_placeholder\":true,\"num\":1}],\"attachments\":["
				       "\"TQ==\"]}")),
		"illegal attachments");
}
END_TEST

START_TEST(what_is_no_event_is_refused)
{
	static const char no_client[] = "a client's event without nsp, sid or n";
	static const struct {
		const char *json, *fault;
	} rows[] = {
		{ "{}", "a record without a version" },
		{ "{\"v\":1}", "an event without a node" },
		{ "{\"v\":2}", "a record of another version" },
		{ "{\"v\":0}", "a record of another version" },
		{ "{\"v\":\"1\"}", "v is no version" },
		{ HEAD("connect") ",\"v\":2}", "a record of another version" },
		{ "{\"v\":1,\"node\":\"AbCd\"}", "kind is none that is known" },
		{ HEAD("conect") "}", "kind is none that is known" },
		{ HEAD("") "}", "kind is none that is known" },
		{ "{\"v\":1,\"node\":\"AbCd\",\"kind\":1}", "kind is none that is known" },
		{ HEAD("connect") "}", no_client },
		{ HEAD("connect") ",\"nsp\":\"/\",\"sid\":\"s\",\"n\":0}", no_client },
		{ HEAD("connect") ",\"nsp\":\"/\",\"sid\":\"s\",\"n\":0,\"again\":true}", "" },
		{ HEAD("connect") ",\"nsp\":\"/\",\"sid\":\"s\"}", no_client },
		{ HEAD("connect") ",\"nsp\":\"/\",\"sid\":\"s\",\"n\":0}", no_client },
		{ HEAD("event") ",\"sid\":\"s\",\"n\":1}", no_client },
		{ HEAD("disconnect") ",\"nsp\":\"/\",\"n\":1}", no_client },
		{ HEAD("disconnect") ",\"nsp\":\"/\",\"sid\":\"\",\"n\":1}", no_client },
		{ HEAD("connect") ",\"nsp\":\"x\",\"sid\":\"s\",\"n\":1}", "nsp is no namespace" },
		{ HEAD("connect") ",\"nsp\":\"/\",\"sid\":7,\"n\":1}", "sid is no text" },
		{ HEAD("connect") ",\"nsp\":\"/\",\"sid\":\"a\\u0000\",\"n\":1}", "sid is no text" },
		{ HEAD("connect") ",\"nsp\":\"/\",\"sid\":\"s\",\"n\":true}", "n is no whole number" },
		{ HEAD("connect") ",\"nsp\":\"/\",\"sid\":\"s\",\"n\":1,\"at\":-1}", "at is no time" },
		{ CLIENT("connect") ",\"at\":9223372036854775807}", "" },
		{ CLIENT("connect") ",\"at\":9223372036854775808}", "at is no time" },
		{ CLIENT("connect") ",\"at\":\"now\"}", "at is no time" },
		{ CLIENT("connect") ",\"at\":1e15}", "" },
		{ CLIENT("connect") ",\"state_n\":[]}", "state_n is no whole number" },
		{ CLIENT("connect") ",\"state\":7}", "state is no map" },
		{ CLIENT("connect") ",\"state\":{\"auth\":7}}", "auth is no map" },
		{ CLIENT("connect") ",\"again\":1}", "again is neither true nor false" },
		{ CLIENT("connect") ",\"again\":false,\"state\":null}", "" },
		{ CLIENT("connect") ",\"unknown\":{\"v\":2,\"kind\":[]},\"\":0}", "" },
		{ CLIENT("event") "}", "an event without a name" },
		{ CLIENT("event") ",\"event\":null,\"args\":[]}", "an event without a name" },
		{ CLIENT("event") ",\"event\":[\"a\"],\"args\":[]}", "event is no name" },
		{ CLIENT("event") ",\"event\":true,\"args\":[]}", "event is no name" },
		{ CLIENT("event") ",\"event\":\"connect\",\"args\":[]}", "a reserved event name" },
		{ CLIENT("event") ",\"event\":\"newListener\",\"args\":[]}", "a reserved event name" },
		{ CLIENT("event") ",\"event\":\"Connect\",\"args\":[]}", "" },
		{ CLIENT("event") ",\"event\":\"a\"}", "an event without args" },
		{ CLIENT("event") ",\"event\":\"a\",\"args\":{}}", "args are no array" },
		{ CLIENT("event") ",\"event\":\"a\",\"args\":\"[]\"}", "args are no array" },
		{ CLIENT("event") ",\"event\":\"a\",\"args\":[],\"ack\":\"1\"}", "ack is no whole number" },
		{ CLIENT("event") ",\"event\":\"a\",\"args\":[],\"ack\":-1}", "ack is no whole number" },
		{ CLIENT("disconnect") "}", "a disconnect without a reason" },
		{ CLIENT("disconnect") ",\"reason\":4}", "reason is no text" },
		{ HEAD("handshake") ",\"n\":1}", "a request without state" },
		{ HEAD("refused") ",\"n\":1,\"error\":{}}", "a request without state" },
		{ HEAD("refused") ",\"n\":1,\"state\":{}}", "a refusal without its error" },
		{ HEAD("refused") ",\"n\":1,\"state\":{},\"error\":[]}", "error is no map" },
		{ HEAD("server") ",\"n\":1,\"event\":\"a\",\"args\":[]}", "an event of another server without nsp" },
		{ HEAD("answer") ",\"call\":1,\"op\":\"gone\"}", "an answer to nobody" },
		{ HEAD("answer") ",\"to\":\"b\",\"op\":\"gone\"}", "an answer to no call" },
		{ HEAD("answer") ",\"to\":\"b\",\"call\":1}", "op is none that is known" },
		{ HEAD("answer") ",\"to\":\"b\",\"call\":1,\"op\":\"went\"}", "op is none that is known" },
		{ HEAD("answer") ",\"to\":\"b c\",\"call\":1,\"op\":\"gone\"}", "to is no worker's name" },
		{ HEAD("answer") ",\"to\":\"b\",\"call\":1,\"op\":\"gone\",\"who\":[]}", "who is no text" },
		{ HEAD("answer") ",\"to\":\"b\",\"call\":1,\"op\":\"expect\",\"count\":1.5}",
			"count is no whole number" },
		{ HEAD("answer") ",\"to\":\"b\",\"call\":1,\"op\":\"answer\"}", "an event without args" },
		{ HEAD("answer") ",\"to\":\"b\",\"call\":1,\"op\":\"found\"}", "nothing was found" },
		{ HEAD("answer") ",\"to\":\"b\",\"call\":1,\"op\":\"found\",\"found\":[]}", "found is no map" },
		{ HEAD("answer") ",\"to\":\"b\",\"call\":1,\"op\":\"end\"}", "status is none that is known" },
		{ HEAD("answer") ",\"to\":\"b\",\"call\":1,\"op\":\"end\",\"status\":\"ok\"}",
			"status is none that is known" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		ck_assert_msg(strcmp(event_fault(rows[i].json), rows[i].fault) == 0, "%s: %s", rows[i].json,
			event_fault(rows[i].json));
}
END_TEST

START_TEST(escapes_hide_nothing)
{
	IS_STR(event_fault_of(SLICE(CLIENT("event") ",\"event\":\"\\u0063onnect\",\"args\":[]}")),
		"a reserved event name");
	IS_STR(event_fault_of(SLICE("{\"\\u0076\":2,\"node\":\"AbCd\",\"kind\":\"connect\"}")),
		"a record of another version");
	IS_STR(event_fault_of(SLICE(CLIENT("connect") ",\"\\ud800\":1,\"\\u0000v\":9}")), "");
	IS_STR(event_fault_of(SLICE(CLIENT("connect") ",\"sid\":\"\\ud800\"}")), "sid is no text");
}
END_TEST

START_TEST(malformed_bytes_are_refused)
{
	IS_STR(event_fault_of(SLICE("")), "malformed MessagePack");
	IS_STR(event_fault_of(slice_of(NULL, 0)), "malformed MessagePack");
	IS_STR(event_fault_of(SLICE("{")), "malformed JSON");
	IS_STR(event_fault_of(SLICE("{\"v\":1}x")), "malformed JSON");
	IS_STR(event_fault_of(SLICE("{\"v\" 1}")), "malformed JSON");
	IS_STR(event_fault_of(SLICE("{v:1}")), "malformed JSON");
	IS_STR(event_fault_of(SLICE("{1:1}")), "malformed JSON");
	IS_STR(event_fault_of(SLICE("{\"v\":1,}")), "malformed JSON");
	IS_STR(event_fault_of(SLICE("{\"\xFF\":1}")), "JSON is not UTF-8");
	IS_STR(event_fault_of(SLICE("[1]")), "malformed MessagePack"); /* 0x5B is a number there, and more follows */
	IS_STR(event_fault_of(SLICE("\x01")), "the record is no map");
	IS_STR(event_fault_of(SLICE("\x90")), "the record is no map");
	IS_STR(event_fault_of(SLICE("\xC1")), "malformed MessagePack");
	IS_STR(event_fault_of(SLICE("\x81\xA1v\x01x")), "malformed MessagePack");
	IS_STR(event_fault_of(SLICE("\xDF\xFF\xFF\xFF\xFF")), "malformed MessagePack");
	IS_STR(event_fault_of(SLICE("\x81\xA1\xFF\x01")), "MessagePack is not UTF-8");
	IS_STR(event_fault_of(SLICE("\x81\xC0\x01")), "a key that is no text");
}
END_TEST

/* Cut anywhere it is refused, and nothing is read behind its end. */
START_TEST(half_a_record_is_refused)
{
	static const char json[] = EVENT ",\"ack\":12" STATE "}";

	for (enum value_encoding encoding = VALUE_JSON; encoding <= VALUE_MSGPACK; encoding++) {
		struct slice whole = record_of(json, encoding);

		for (size_t n = 0; n < whole.size; n++) {
			struct buf part = BUF_INIT;

			buf_add(&part, whole.at, n);
			IS_STR(*event_fault_of(buf_slice(&part)) ? "refused" : "", "refused");
			buf_fini(&part);
		}
	}
}
END_TEST

START_TEST(size_and_depth_are_limited)
{
	static const char json[] = CLIENT("event") ",\"event\":\"e\",\"args\":[[[1]]]}";

	rules.max_bytes = sizeof(json) - 1;
	rules.max_depth = 3;
	IS_STR(event_fault_of(SLICE(CLIENT("event") ",\"event\":\"e\",\"args\":[[[1]]]}")), "");
	rules.max_bytes--;
	IS_STR(event_fault_of(SLICE(CLIENT("event") ",\"event\":\"e\",\"args\":[[[1]]]}")),
		"a record that is too large");
	rules = RECORD_RULES;
	rules.max_depth = 2;
	IS_STR(event_fault_of(SLICE(CLIENT("event") ",\"event\":\"e\",\"args\":[[[1]]]}")), "JSON too deep");
	IS_STR(event_fault_of(record_of(json, VALUE_MSGPACK)), "MessagePack too deep");
	rules.max_depth = 3;
	IS_STR(event_fault(json), "");
}
END_TEST

static const char *deep(size_t depth, enum value_encoding encoding)
{
	struct buf json = BUF_INIT;
	const char *why;

	buf_add_str(&json, CLIENT("event") ",\"event\":\"e\",\"args\":");
	for (size_t i = 0; i < depth; i++)
		buf_add_char(&json, '[');
	for (size_t i = 0; i < depth; i++)
		buf_add_char(&json, ']');
	buf_add(&json, "}", 2);
	why = event_fault_of(record_of(arena_copy(&arena, json.at, json.size), encoding));
	buf_fini(&json);
	return why;
}

START_TEST(the_default_depth_is_what_decoders_take)
{
	IS_STR(deep(RECORD_DEPTH_MAX, VALUE_JSON), "");
	IS_STR(deep(RECORD_DEPTH_MAX + 1, VALUE_JSON), "JSON too deep");
	IS_STR(deep(RECORD_DEPTH_MAX, VALUE_MSGPACK), "");
	IS_STR(deep(RECORD_DEPTH_MAX + 1, VALUE_MSGPACK), "MessagePack too deep");
	rules.max_depth = 100000;
	IS_STR(deep(RECORD_DEPTH_MAX, VALUE_JSON), "");
	IS_STR(deep(RECORD_DEPTH_MAX + 1, VALUE_JSON), "JSON too deep");
	IS_STR(deep(RECORD_DEPTH_MAX + 1, VALUE_MSGPACK), "MessagePack too deep");
}
END_TEST

START_TEST(what_cannot_be_written_is_an_error)
{
	struct event_record e = {
		.kind = RECORD_EVENT, .node = SLICE("AbCd"), .sid = SLICE("s"), .n = 1, .name = SLICE("\"e\"")
	};
	struct buf to = BUF_INIT;

	e.nsp = SLICE("/a\0b");
	ck_assert_int_eq(event_record_put(&to, VALUE_JSON, &e), -EINVAL);
	ck_assert_int_eq(event_record_put(&to, VALUE_MSGPACK, &e), -EINVAL);
	e.nsp = SLICE("/\xFF");
	ck_assert_int_eq(event_record_put(&to, VALUE_JSON, &e), -EINVAL);
	ck_assert_int_eq(event_record_put(&to, VALUE_MSGPACK, &e), -EINVAL);
	e.nsp = SLICE("/");
	e.name = SLICE("");
	ck_assert_int_eq(event_record_put(&to, VALUE_JSON, &e), -EINVAL);
	ck_assert_uint_eq(to.size, 0);
	buf_fini(&to);
}
END_TEST

START_TEST(without_memory_a_record_is_refused)
{
	struct slice bytes = record_of(EVENT ",\"ack\":12" STATE "}", VALUE_JSON);
	struct arena small = ARENA_INIT;
	struct event_record e;
	const char *why = "";

	for (small.limit_bytes = 1; why; small.limit_bytes++) {
		why = event_record_read(&small, bytes, &rules, &e);
		if (why)
			IS_STR(why, "out of memory");
		arena_reset(&small);
	}
	arena_fini(&small);
}
END_TEST

TCase *events_cases(void)
{
	TCase *t = tcase_create("events");

	tcase_add_test(t, every_kind_is_written_and_read);
	tcase_add_test(t, every_answer_is_written_and_read);
	tcase_add_test(t, members_come_out_as_they_went_in);
	tcase_add_test(t, arguments_of_messagepack_stay_bytes);
	tcase_add_test(t, attachments_travel_in_base64);
	tcase_add_test(t, hostile_attachments_are_refused);
	tcase_add_test(t, what_is_no_event_is_refused);
	tcase_add_test(t, escapes_hide_nothing);
	tcase_add_test(t, malformed_bytes_are_refused);
	tcase_add_test(t, half_a_record_is_refused);
	tcase_add_test(t, size_and_depth_are_limited);
	tcase_add_test(t, the_default_depth_is_what_decoders_take);
	tcase_add_test(t, what_cannot_be_written_is_an_error);
	tcase_add_test(t, without_memory_a_record_is_refused);
	return t;
}
