/*
 * test_wire.c - what is said over Redis, case by case: channels, who gets a broadcast, limits, refusals to encode.
 * Captured messages are in wire_fixtures.mjs, comparisons with Python in wire_python.py.
 */
#include "json.h"
#include "python_text.h"
#include "socketio.h"
#include "test_main.h"
#include "wire_classic.h"
#include "wire_python.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>

#define COUNT(table) (sizeof(table) / sizeof(*(table)))

static struct arena arena;
static struct buf out;

static void begin(void)
{
	arena = ARENA_INIT;
	out = BUF_INIT;
}

static void end(void)
{
	arena_fini(&arena);
	buf_fini(&out);
}

static void assert_slice(struct slice s, const char *is)
{
	ck_assert_msg(slice_equal(s, slice_str(is)), "\"%.*s\" is not \"%s\"", SLICE_ARG(s), is);
}

/* Up to four names; NULL ends them. */
static struct wire_names names(const char *a, const char *b, const char *c)
{
	const char *all[] = { a, b, c };
	struct wire_names n = { arena_take(&arena, 3 * sizeof(struct slice)), 0 };

	while (n.count < 3 && all[n.count]) {
		n.at[n.count] = slice_str(all[n.count]);
		n.count++;
	}
	return n;
}

static void assert_names(const struct wire_names *names_, const char *is)
{
	struct buf text = BUF_INIT;

	for (size_t i = 0; i < names_->count; i++) {
		buf_add_str(&text, i ? " " : "");
		buf_add_slice(&text, names_->at[i]);
	}
	assert_slice(buf_slice(&text), is);
	buf_fini(&text);
}

/* A value of JSON text, decoded. */
static struct stoa_value json(const char *text)
{
	struct stoa_value v = json_decode(&arena, slice_str(text), NULL, 0);

	ck_assert_uint_ne(v.kind_, VALUE_BROKEN);
	return v;
}

/* --- Channels ----------------------------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	enum wire_channel_kind kind;
	const char *nsp, *part;
} channels[] = {
	{ "socket.io#/#", WIRE_CHANNEL_BROADCAST, "/", "" },
	{ "socket.io#/chat#", WIRE_CHANNEL_BROADCAST, "/chat", "" },
	{ "socket.io#/#room1#", WIRE_CHANNEL_ROOM, "/", "room1" },
	{ "socket.io#/##", WIRE_CHANNEL_ROOM, "/", "" },
	{ "socket.io#/#röom#1*?[##", WIRE_CHANNEL_ROOM, "/", "röom#1*?[#" },
	{ "socket.io-request#/chat#", WIRE_CHANNEL_REQUEST, "/chat", "" },
	{ "socket.io-response#/#", WIRE_CHANNEL_RESPONSE, "/", "" },
	{ "socket.io-response#/#XNywX3#", WIRE_CHANNEL_RESPONSE_TO, "/", "XNywX3" },
	{ "socket.io#emitter", WIRE_CHANNEL_EMITTER, "", "" },
};

START_TEST(channels_both_ways)
{
	struct wire_channel channel;

	ck_assert(wire_channel_parse(slice_str(channels[_i].name), SLICE("socket.io"), &channel));
	ck_assert_int_eq(channel.kind, channels[_i].kind);
	assert_slice(channel.nsp, channels[_i].nsp);
	assert_slice(channel.name, channels[_i].part);
	wire_channel_add(&out, SLICE("socket.io"), &channel);
	assert_slice(buf_slice(&out), channels[_i].name);
}
END_TEST

static const char *const no_channels[] = { "", "socket.io", "socket.io#", "socket.io#/", "socket.io#x#",
	"socket.io#/#room", "socketXio#/#", "other#/#", "socket.io-request#/", "socket.io-request#/#x#",
	"socket.io-response#/#x", "socket.io2#/#", "socket.io#emitter#", "socket.io-foo#/#" };

START_TEST(other_channels_are_none)
{
	struct wire_channel channel;

	ck_assert(!wire_channel_parse(slice_str(no_channels[_i]), SLICE("socket.io"), &channel));
}
END_TEST

START_TEST(patterns_escape_wildcards)
{
	wire_channel_add_pattern(&out, SLICE("socket.io"), SLICE("/"), SLICE(""));
	assert_slice(buf_slice(&out), "socket.io#/#*");
	buf_clear(&out);
	wire_channel_add_pattern(&out, SLICE("a*"), SLICE("/b?[c]"), SLICE("d\\"));
	assert_slice(buf_slice(&out), "a\\*#/b\\?\\[c\\]#d\\\\*");
}
END_TEST

/* --- Broadcasts --------------------------------------------------------------------------------------------------- */

static struct wire_broadcast broadcast(const char *data)
{
	return (struct wire_broadcast){
		.uid = SLICE("XNywX3"), .nsp = SLICE("/"), .data = json(data), .opts = { .everybody = true }
	};
}

static void encode_to(struct wire_broadcast b, struct wire_names rooms)
{
	b.opts.everybody = rooms.count == 0;
	b.opts.rooms = rooms;
	buf_clear(&out);
	ck_assert_int_eq(wire_broadcast_encode(&out, &arena, &b), 0);
	ck_assert_ptr_null(wire_classic_check(WIRE_CHANNEL_BROADCAST, buf_slice(&out)));
}

/* What came is delivered to these. */
static struct wire_delivery delivery_of(const char *channel_name)
{
	static struct wire_broadcast b;
	struct wire_rules rules = WIRE_RULES;
	struct wire_channel channel;

	ck_assert_ptr_null(wire_broadcast_decode(&arena, buf_slice(&out), WIRE_CHANNEL_ROOM, &rules, &b));
	ck_assert(wire_channel_parse(slice_str(channel_name), SLICE("P"), &channel));
	return wire_broadcast_delivery(&b, &channel);
}

START_TEST(delivery_follows_the_rooms)
{
	struct wire_delivery d;

	encode_to(broadcast("[\"e\"]"), names("a", "b", "c"));
	d = delivery_of("P#/#");
	assert_names(&d.rooms, "a b c");
	ck_assert_uint_eq(d.seen.count, 0);
	ck_assert(!d.everybody);
	/* A room's channel with rooms that do not name it: Node goes by the rooms. */
	d = delivery_of("P#/#other#");
	assert_names(&d.rooms, "a b c");
	ck_assert_uint_eq(d.seen.count, 0);
	encode_to(broadcast("[\"e\"]"), names(NULL, NULL, NULL));
	d = delivery_of("P#/#a#");
	ck_assert(d.everybody);
}
END_TEST

START_TEST(delivery_of_one_publish_for_each_room)
{
	struct wire_delivery d;

	encode_to(broadcast("[\"e\"]"), names("a", "b", "c"));
	d = delivery_of("P#/#a#");
	assert_names(&d.rooms, "a");
	assert_names(&d.seen, "");
	d = delivery_of("P#/#b#");
	assert_names(&d.rooms, "b");
	assert_names(&d.seen, "a");
	d = delivery_of("P#/#c#");
	assert_names(&d.rooms, "c");
	assert_names(&d.seen, "a b");
}
END_TEST

/* Node's rooms may be numbers: the integer's text goes to both, and comes back as one. */
START_TEST(numeric_rooms)
{
	struct wire_broadcast b = broadcast("[\"e\"]");
	struct wire_opts opts = { .rooms = names("42", NULL, NULL) };
	struct wire_channel channel = wire_broadcast_channel(SLICE("/"), &opts);
	struct wire_delivery d;

	ck_assert_int_eq(channel.kind, WIRE_CHANNEL_ROOM);
	assert_slice(channel.name, "42");
	encode_to(b, names("42", NULL, NULL));
	ck_assert_ptr_nonnull(memmem(out.at, out.size,
		"\x92\xa2"
		"42\x2a",
		5)); /* ["42", 42] */
	d = delivery_of("P#/#42#");
	assert_names(&d.rooms, "42");
	ck_assert_uint_eq(d.seen.count, 0);
	/* Only what JavaScript prints so is a number's name. */
	encode_to(b, names("042", "-0", "4e2"));
	ck_assert_ptr_nonnull(memmem(out.at, out.size,
		"\x93\xa3"
		"042\xa2-0\xa3"
		"4e2",
		12));
	encode_to(b, names("-7", "", "9999999999999999"));
	ck_assert_ptr_nonnull(memmem(out.at, out.size, "\x94\xa2-7\xf9\xa0\xb0", 7));
}
END_TEST

START_TEST(channel_of_a_broadcast)
{
	struct wire_opts opts = { .rooms = names("a", "b", NULL) };

	ck_assert_int_eq(wire_broadcast_channel(SLICE("/"), &opts).kind, WIRE_CHANNEL_BROADCAST);
	opts.rooms.count = 0;
	ck_assert_int_eq(wire_broadcast_channel(SLICE("/"), &opts).kind, WIRE_CHANNEL_BROADCAST);
}
END_TEST

/* A gateway's own emit is JSON text and attachments, and so is what it sends to clients. */
START_TEST(from_text_to_text)
{
	static const struct slice blobs[] = { { "\1\2\3", 3 }, { "", 0 } };
	struct slice text =
		SLICE("[\"e\",{\"_placeholder\":true,\"num\":1},-0,{\"a\":{\"_placeholder\":true,\"num\":0}}]");
	struct wire_broadcast b = broadcast("[\"e\"]"), got;
	struct wire_rules rules = WIRE_RULES;
	struct json_blobs found = { NULL, 0, 0 };
	struct buf again = BUF_INIT;

	b.data = value_of_json(&arena, text, JSON_BLOBS | JSON_REWRITE, blobs, 2);
	encode_to(b, names(NULL, NULL, NULL));
	ck_assert_ptr_null(wire_broadcast_decode(&arena, buf_slice(&out), WIRE_CHANNEL_BROADCAST, &rules, &got));
	ck_assert_int_eq(json_encode(&again, got.data, &found), 0);
	assert_slice(buf_slice(&again),
		"[\"e\",{\"_placeholder\":true,\"num\":0},0,{\"a\":{\"_placeholder\":true,\"num\":1}}]");
	ck_assert_uint_eq(found.count, 2);
	ck_assert_uint_eq(found.at[0].size, 0);
	ck_assert(slice_equal(found.at[1], blobs[0]));
	json_blobs_fini(&found);
	buf_fini(&again);
}
END_TEST

START_TEST(the_flag_of_our_own)
{
	struct wire_broadcast b = broadcast("[\"e\"]"), got;
	struct wire_rules rules = WIRE_RULES;

	encode_to(b, names(NULL, NULL, NULL));
	ck_assert_ptr_null(memmem(out.at, out.size, "latest", 6));
	ck_assert_ptr_null(wire_broadcast_decode(&arena, buf_slice(&out), WIRE_CHANNEL_BROADCAST, &rules, &got));
	ck_assert(!got.opts.latest);
	buf_clear(&out);
	b.opts.latest = true;
	encode_to(b, names(NULL, NULL, NULL));
	ck_assert_ptr_nonnull(memmem(out.at, out.size,
		"\xa5"
		"flags\x81\xa6latest\xc3",
		14));
	ck_assert_ptr_null(wire_broadcast_decode(&arena, buf_slice(&out), WIRE_CHANNEL_BROADCAST, &rules, &got));
	ck_assert(got.opts.latest && !got.opts.is_volatile && !got.opts.uncompressed);
	ck_assert_ptr_null(wire_classic_check(WIRE_CHANNEL_BROADCAST, buf_slice(&out)));
}
END_TEST

START_TEST(broadcasts_that_node_could_not_take_are_not_encoded)
{
	struct wire_broadcast good = broadcast("[\"e\"]"), b;
	static const char *const data[] = { "[]", "{}", "[null]", "[\"connect\"]", "\"e\"", "[[\"e\"]]" };

	for (size_t i = 0; i < COUNT(data); i++) {
		b = good;
		b.data = json(data[i]);
		ck_assert_int_eq(wire_broadcast_encode(&out, &arena, &b), -EINVAL);
	}
	b = good;
	b.nsp = SLICE("chat");
	ck_assert_int_eq(wire_broadcast_encode(&out, &arena, &b), -EINVAL);
	b = good;
	b.uid = SLICE("");
	ck_assert_int_eq(wire_broadcast_encode(&out, &arena, &b), -EINVAL);
	b.uid = SLICE("a#b");
	ck_assert_int_eq(wire_broadcast_encode(&out, &arena, &b), -EINVAL);
	b = good;
	b.opts.everybody = false; /* nobody, which would be everybody */
	ck_assert_int_eq(wire_broadcast_encode(&out, &arena, &b), -EINVAL);
	b = good;
	b.opts.rooms = names("\xff", NULL, NULL);
	b.opts.everybody = false;
	ck_assert_int_eq(wire_broadcast_encode(&out, &arena, &b), -EINVAL);
	ck_assert_uint_eq(out.size, 0);
	ck_assert_int_eq(wire_broadcast_encode(&out, &arena, &good), 0);
}
END_TEST

/* Names in all the forms that were seen; what is none is left out, and does not make it everybody's. */
static const struct {
	const char *list, *is;
	bool empty;
} lists[] = {
	{ "null", "", true },
	{ "\"\"", "", true },
	{ "[]", "", true },
	{ "{}", "", true },
	{ "\"one\"", "one", false },
	{ "[\"b\",\"a\",\"b\",\"c\",\"a\"]", "b a c", false },
	{ "[42,\"42\",42.0,-7,1e3,0.5]", "42 -7 1000 0.5", false },
	{ "{\"1\":\"x\",\"3\":\"y\"}", "x y", false },
	{ "[null,true,[],{}]", "", false },
	{ "[null,\"a\"]", "a", false },
};

START_TEST(lists_of_names)
{
	struct wire_rules rules = WIRE_RULES;
	struct wire_names n;
	bool empty;

	ck_assert_ptr_null(wire_names_of(&arena, json(lists[_i].list), &rules, &n, &empty));
	assert_names(&n, lists[_i].is);
	ck_assert(empty == lists[_i].empty);
}
END_TEST

START_TEST(lists_that_are_none)
{
	static const char *const none[] = { "5", "true", "0.5" };
	struct wire_rules rules = WIRE_RULES;
	struct wire_names n;
	bool empty;

	for (size_t i = 0; i < COUNT(none); i++)
		ck_assert_ptr_nonnull(wire_names_of(&arena, json(none[i]), &rules, &n, &empty));
}
END_TEST

/* --- At a glance -------------------------------------------------------------------------------------------------- */

/* Of a message whose data is not even whole text: "room,room,", with "?" where it does not end well; "-": not to be told. */
#define BYTES(text) \
	{ \
		text, sizeof(text) - 1 \
	}
static const struct {
	struct slice payload;
	const char *rooms;
} glances[] = {
	{ BYTES("\x93\xA2me\x81\xA4\144ata\xA1\xFF\x81\xA5rooms\x92\xA1\x61\xA1\x62"), "a,b," },
	{ BYTES("\x93\xA2me\xC0\x82\xA5rooms\x91\xA1\x61\xA5rooms\x91\xA1\x62"), "b," }, /* the last counts */
	{ BYTES("\x93\xA2me\xC0\x83\xA1x\x91\xC0\x07\x08\xA5rooms\x91\xA1\x61"), "a," },
	{ BYTES("\x93\xA2me\xC0\x81\xA5rooms\x92\xA1\x61\x07"), "a,?" },
	{ BYTES("\x93\xA2me\xC0\x81\xA5rooms\x90"), "-" }, /* everybody's */
	{ BYTES("\x93\xA2me\xC0\x81\xA5rooms\xA1\x61"), "-" },
	{ BYTES("\x93\xA2me\xC0\x80"), "-" },
	{ BYTES("\x93\xA2me\xC0\x90"), "-" },
	{ BYTES("\x93\xA2me\xC0\x81\xA5rooms\x91\xA1\x61\xC0"), "-" }, /* something follows */
	{ BYTES("\x93\xA2me\xC0\x81\xA5rooms\x91\xA2\x61"), "-" },     /* something is missing */
	{ BYTES("\x92\xC0\x81\xA5rooms\x91\xA1\x61"), "-" },
	{ BYTES(""), "-" },
};

START_TEST(rooms_at_a_glance)
{
	struct slice payload = glances[_i].payload, name;
	struct wire_rooms rooms;
	char text[20] = "-";
	size_t size = 0;

	if (wire_broadcast_rooms(payload, &rooms)) {
		while (wire_rooms_next(&rooms, &name))
			size += (size_t)snprintf(text + size, sizeof(text) - size, "%.*s,", SLICE_ARG(name));
		snprintf(text + size, sizeof(text) - size, "%s", rooms.left ? "?" : "");
	}
	ck_assert_str_eq(text, glances[_i].rooms);
	ck_assert(wire_broadcast_is_of(payload, SLICE("me")) == (payload.size > 3 && payload.at[0] == '\x93'));
	ck_assert(!wire_broadcast_is_of(payload, SLICE("m")));
}
END_TEST

/* --- Limits ------------------------------------------------------------------------------------------------------- */

START_TEST(size_and_depth_of_a_message)
{
	struct wire_rules rules = WIRE_RULES;
	struct wire_broadcast b;

	encode_to(broadcast("[\"e\",[[1]]]"), names(NULL, NULL, NULL));
	rules.max_bytes = out.size;
	rules.max_depth = 5; /* message, packet, data, [, [ */
	ck_assert_ptr_null(wire_broadcast_decode(&arena, buf_slice(&out), WIRE_CHANNEL_BROADCAST, &rules, &b));
	rules.max_depth = 4;
	ck_assert_ptr_nonnull(wire_broadcast_decode(&arena, buf_slice(&out), WIRE_CHANNEL_BROADCAST, &rules, &b));
	rules.max_depth = 5;
	rules.max_bytes = out.size - 1;
	ck_assert_str_eq(wire_broadcast_decode(&arena, buf_slice(&out), WIRE_CHANNEL_BROADCAST, &rules, &b),
		"message too large");
}
END_TEST

START_TEST(number_of_names)
{
	struct wire_rules rules = WIRE_RULES;
	struct wire_broadcast b;

	encode_to(broadcast("[\"e\"]"), names("a", "b", "c"));
	rules.max_names = 3;
	ck_assert_ptr_null(wire_broadcast_decode(&arena, buf_slice(&out), WIRE_CHANNEL_BROADCAST, &rules, &b));
	rules.max_names = 2;
	ck_assert_str_eq(
		wire_broadcast_decode(&arena, buf_slice(&out), WIRE_CHANNEL_BROADCAST, &rules, &b), "too many names");
}
END_TEST

START_TEST(number_of_sockets)
{
	struct slice answer = SLICE("{\"requestId\":\"1\",\"sockets\":[{\"id\":\"a\"},{\"id\":\"b\"}]}");
	struct wire_rules rules = WIRE_RULES;
	struct wire_response r;
	struct wire_socket socket;

	rules.max_names = 2;
	ck_assert_ptr_null(wire_response_decode(&arena, answer, &rules, &r));
	ck_assert_ptr_null(wire_socket_of(&arena, value_at(r.sockets, 1), &rules, &socket));
	assert_slice(socket.id, "b");
	ck_assert(socket.bare);
	rules.max_names = 1;
	ck_assert_str_eq(wire_response_decode(&arena, answer, &rules, &r), "too many names");
}
END_TEST

/* --- Requests and answers ----------------------------------------------------------------------------------------- */

static void assert_request(const struct wire_request *r, const char *is)
{
	buf_clear(&out);
	ck_assert_int_eq(wire_request_encode(&out, &arena, r), 0);
	assert_slice(buf_slice(&out), is);
	ck_assert_ptr_null(wire_classic_check(WIRE_CHANNEL_REQUEST, buf_slice(&out)));
}

START_TEST(requests_to_the_byte)
{
	struct wire_request r = {
		.type = WIRE_REMOTE_JOIN, .uid = SLICE("u"), .opts = { .rooms = names("1", NULL, NULL) }
	};

	r.rooms = names("7", "x", NULL);
	assert_request(
		&r, "{\"uid\":\"u\",\"type\":2,\"opts\":{\"rooms\":[\"1\",1],\"except\":[]},\"rooms\":[\"7\",\"x\"]}");
	r.type = WIRE_REMOTE_LEAVE;
	assert_request(&r,
		"{\"uid\":\"u\",\"type\":3,\"opts\":{\"rooms\":[\"1\",1],\"except\":[]},\"rooms\":[\"7\",7,\"x\"]}");
	r = (struct wire_request){ .type = WIRE_SERVER_EMIT, .uid = SLICE("u") };
	r.data = value_of_json(&arena, SLICE("[\"e\",{\"_placeholder\":true,\"num\":0}]"), JSON_BLOBS,
		(struct slice[]){ { "\0\xff", 2 } }, 1);
	assert_request(&r, "{\"uid\":\"u\",\"type\":6,\"data\":[\"e\",{\"type\":\"Buffer\",\"data\":[0,255]}]}");
}
END_TEST

START_TEST(requests_that_are_not_encoded)
{
	struct wire_request r = { .type = WIRE_REMOTE_FETCH, .uid = SLICE("u"), .opts = { .everybody = true } };

	ck_assert_int_eq(wire_request_encode(&out, &arena, &r), -EINVAL); /* no id: nobody could answer */
	r.request_id = SLICE("1");
	ck_assert_int_eq(wire_request_encode(&out, &arena, &r), 0);
	r.opts.everybody = false;
	ck_assert_int_eq(wire_request_encode(&out, &arena, &r), -EINVAL);
	r = (struct wire_request){
		.type = WIRE_BROADCAST, .uid = SLICE("u"), .request_id = SLICE("1"), .nsp = SLICE("/")
	};
	r.opts.everybody = true;
	r.data = json("[]");
	ck_assert_int_eq(wire_request_encode(&out, &arena, &r), -EINVAL);
	r.data = json("[\"e\"]");
	ck_assert_int_eq(wire_request_encode(&out, &arena, &r), 0);
}
END_TEST

START_TEST(an_acknowledgement_without_argument)
{
	struct wire_response r = { .type = WIRE_ANSWER_ACK, .request_id = SLICE("1") };
	struct wire_rules rules = WIRE_RULES;

	ck_assert_int_eq(wire_response_encode(&out, &arena, &r), 0);
	ck_assert(slice_equal(buf_slice(&out), SLICE("\x82\xa4type\x09\xa9requestId\xa1"
						     "1")));
	ck_assert_ptr_null(wire_response_decode(&arena, buf_slice(&out), &rules, &r));
	ck_assert(!r.has_value);
	buf_clear(&out);
	r = (struct wire_response){ .type = WIRE_ANSWER_SERVER, .request_id = SLICE("1"), .has_value = true };
	ck_assert_int_eq(wire_response_encode(&out, &arena, &r), 0);
	assert_slice(buf_slice(&out), "{\"type\":6,\"requestId\":\"1\",\"data\":null}");
}
END_TEST

/* What only our own servers say stands behind what Node reads. */
START_TEST(answers_of_our_own)
{
	struct wire_response r = {
		.type = WIRE_ANSWER_SERVER, .request_id = SLICE("1"), .has_value = true, .uid = SLICE("u")
	};
	struct wire_rules rules = WIRE_RULES;

	r.value = json("\"a\"");
	r.args = json("[\"a\",2]");
	ck_assert_int_eq(wire_response_encode(&out, &arena, &r), 0);
	assert_slice(
		buf_slice(&out), "{\"type\":6,\"requestId\":\"1\",\"data\":\"a\",\"uid\":\"u\",\"args\":[\"a\",2]}");
	ck_assert_ptr_null(wire_response_decode(&arena, buf_slice(&out), &rules, &r));
	assert_slice(r.uid, "u");
	ck_assert_uint_eq(r.args.size_, 2);
	/* One argument needs no list. */
	buf_clear(&out);
	r.args = json("[\"a\"]");
	ck_assert_int_eq(wire_response_encode(&out, &arena, &r), 0);
	assert_slice(buf_slice(&out), "{\"type\":6,\"requestId\":\"1\",\"data\":\"a\",\"uid\":\"u\"}");
	buf_clear(&out);
	ck_assert_int_eq(wire_sockets_begin(&out, SLICE("r"), SLICE("u")), 0);
	ck_assert_int_eq(wire_sockets_end(&out), 0);
	assert_slice(buf_slice(&out), "{\"requestId\":\"r\",\"uid\":\"u\",\"sockets\":[]}");
	ck_assert_ptr_null(wire_response_decode(&arena, buf_slice(&out), &rules, &r));
	ck_assert_int_eq(r.type, WIRE_ANSWER_SOCKETS);
	assert_slice(r.uid, "u");
}
END_TEST

START_TEST(sockets_piece_by_piece)
{
	struct wire_socket s = {
		.id = SLICE("a"), .bare = true, .rooms = names("a", "1", NULL), .data = json("{\"n\":1}")
	};
	struct wire_socket broken = { .id = SLICE("\xff"), .bare = true };

	ck_assert_int_eq(wire_sockets_begin(&out, SLICE("r"), SLICE("")), 0);
	ck_assert_int_eq(wire_sockets_add(&out, &arena, &broken), -EINVAL);
	ck_assert_int_eq(wire_sockets_add(&out, &arena, &s), 0);
	ck_assert_int_eq(wire_sockets_add(&out, &arena, &broken), -EINVAL);
	s = (struct wire_socket){ .id = SLICE("b"), .headers = json("{\"h\":\"1\"}"), .query = json("{}") };
	s.time = SLICE("t");
	s.issued_ms = 5;
	ck_assert_int_eq(wire_sockets_add(&out, &arena, &s), 0);
	ck_assert_int_eq(wire_sockets_end(&out), 0);
	assert_slice(buf_slice(&out),
		"{\"requestId\":\"r\",\"sockets\":[{\"id\":\"a\",\"rooms\":[\"a\",\"1\"],\"data\":{\"n\":1}},"
		"{\"id\":\"b\",\"handshake\":{\"headers\":{\"h\":\"1\"},\"time\":\"t\",\"address\":\"\",\"xdomain\":"
		"false,\"secure\":false,\"issued\":5,\"url\":\"\",\"query\":{}},\"rooms\":[],\"data\":null}]}");
}
END_TEST

START_TEST(what_node_would_not_take)
{
	/* Decoders read these; we do not publish them. */
	ck_assert_ptr_nonnull(
		wire_classic_check(WIRE_CHANNEL_REQUEST, SLICE("{\"type\":4,\"opts\":{\"rooms\":null}}")));
	ck_assert_ptr_nonnull(wire_classic_check(WIRE_CHANNEL_REQUEST, SLICE("{\"type\":4,\"opts\":{\"rooms\":[]}}")));
	ck_assert_ptr_null(
		wire_classic_check(WIRE_CHANNEL_REQUEST, SLICE("{\"type\":4,\"opts\":{\"rooms\":[],\"except\":[]}}")));
	ck_assert_ptr_nonnull(
		wire_classic_check(WIRE_CHANNEL_BROADCAST, SLICE("\x93\xa1x\x83\xa4type\x02\xa4"
								 "data\x91\xa1m\xa3nsp\xa1/\x82\xa5rooms\x90\xa6"
								 "except\x90")));
	ck_assert_ptr_null(
		wire_classic_check(WIRE_CHANNEL_BROADCAST, SLICE("\x93\xa1x\x83\xa4type\x02\xa4"
								 "data\x91\xa1m\xa3nsp\xa1/\x83\xa5rooms\x90\xa6"
								 "except\x90\xa5"
								 "flags\x80")));
}
END_TEST

/* --- Python ------------------------------------------------------------------------------------------------------- */

/* One argument stands alone where all versions read it so. */
static const struct {
	const char *data, *any, *list;
} forms[] = {
	{ "[\"e\"]", "null", "[]" },
	{ "[\"e\",1]", "1", "[1]" },
	{ "[\"e\",{\"a\":1.0}]", "{\"a\": 1.0}", "[{\"a\": 1.0}]" },
	{ "[\"e\",null]", "[null]", "[null]" },
	{ "[\"e\",[1]]", "[[1]]", "[[1]]" },
	{ "[\"e\",1,2.5]", "[1, 2.5]", "[1, 2.5]" },
};

static void assert_python(const struct wire_python *m, enum wire_python_form form, const char *is)
{
	buf_clear(&out);
	ck_assert_int_eq(wire_python_encode(&out, &arena, m, form), 0);
	assert_slice(buf_slice(&out), is);
}

START_TEST(python_arguments)
{
	struct wire_python m = { .nsp = SLICE("/"), .host_id = SLICE("h"), .everybody = true };
	char is[300];

	m.data = json(forms[_i].data);
	for (int form = WIRE_PYTHON_ANY; form <= WIRE_PYTHON_LIST; form++) {
		snprintf(is, sizeof(is),
			"{\"method\": \"emit\", \"event\": \"e\", \"data\": %s, \"binary\": false, \"namespace\": "
			"\"/\", "
			"\"room\": null, \"skip_sid\": null, \"callback\": null, \"host_id\": \"h\"}",
			form == WIRE_PYTHON_ANY ? forms[_i].any : forms[_i].list);
		assert_python(&m, (enum wire_python_form)form, is);
	}
}
END_TEST

START_TEST(python_binary_and_callback)
{
	struct wire_python m = { .nsp = SLICE("/"),
		.host_id = SLICE("h"),
		.rooms = names("r", "s", NULL),
		.skip = names("x", NULL, NULL),
		.wants_callback = true,
		.callback_room = SLICE("r"),
		.id = 7 };

	m.data = value_of_json(&arena, SLICE("[\"e\",{\"_placeholder\":true,\"num\":0}]"), JSON_BLOBS,
		(struct slice[]){ { "\1", 1 } }, 1);
	assert_python(&m, WIRE_PYTHON_ANY,
		"{\"method\": \"emit\", \"event\": \"e\", \"data\": [{\"_placeholder\": true, \"num\": 0}, \"AQ==\"], "
		"\"binary\": "
		"true, \"namespace\": \"/\", \"room\": [\"r\", \"s\"], \"skip_sid\": \"x\", \"callback\": [\"r\", "
		"\"/\", 7], "
		"\"host_id\": \"h\"}");
	m = (struct wire_python){
		.method = WIRE_PYTHON_CALLBACK, .nsp = SLICE("/"), .host_id = SLICE("h"), .sid = SLICE("r")
	};
	m.args = value_of_json(
		&arena, SLICE("[{\"_placeholder\":true,\"num\":0}]"), JSON_BLOBS, (struct slice[]){ { "\1", 1 } }, 1);
	assert_python(&m, WIRE_PYTHON_ANY,
		"{\"method\": \"callback\", \"host_id\": \"h\", \"sid\": \"r\", \"namespace\": \"/\", \"id\": 0, "
		"\"args\": "
		"[\"AQ==\"]}");
}
END_TEST

START_TEST(python_messages_that_are_not_encoded)
{
	struct wire_python good = { .nsp = SLICE("/"), .host_id = SLICE("h"), .everybody = true }, m;

	good.data = json("[\"e\"]");
	m = good;
	m.nsp = SLICE("");
	ck_assert_int_eq(wire_python_encode(&out, &arena, &m, WIRE_PYTHON_ANY), -EINVAL);
	m = good;
	m.everybody = false;
	ck_assert_int_eq(wire_python_encode(&out, &arena, &m, WIRE_PYTHON_ANY), -EINVAL);
	m = good;
	m.data = json("[]");
	ck_assert_int_eq(wire_python_encode(&out, &arena, &m, WIRE_PYTHON_ANY), -EINVAL);
	m = good;
	m.method = WIRE_PYTHON_DISCONNECT;
	ck_assert_int_eq(wire_python_encode(&out, &arena, &m, WIRE_PYTHON_ANY), -EINVAL);
	m = good;
	m.host_id = SLICE("\xff");
	ck_assert_int_eq(wire_python_encode(&out, &arena, &m, WIRE_PYTHON_ANY), -EINVAL);
	ck_assert_uint_eq(out.size, 0);
	ck_assert_int_eq(wire_python_encode(&out, &arena, &good, WIRE_PYTHON_ANY), 0);
}
END_TEST

static const char *decode_python(const char *text, const struct wire_rules *rules, struct wire_python *m)
{
	return wire_python_decode(&arena, slice_str(text), rules, m);
}

START_TEST(python_lists_without_the_flag)
{
	const char *text = "{\"method\":\"emit\",\"event\":\"e\",\"data\":[1,2],\"namespace\":\"/\"}";
	struct wire_rules rules = WIRE_RULES;
	struct wire_python m;

	ck_assert_ptr_null(decode_python(text, &rules, &m));
	ck_assert_uint_eq(m.data.size_, 2);
	rules.python_list_is_args = true;
	ck_assert_ptr_null(decode_python(text, &rules, &m));
	ck_assert_uint_eq(m.data.size_, 3);
}
END_TEST

/* A list of no rooms is nobody in Python, where Node means everybody. */
START_TEST(python_rooms)
{
	struct wire_rules rules = WIRE_RULES;
	struct wire_python m;

	ck_assert_ptr_null(
		decode_python("{\"method\":\"emit\",\"event\":\"e\",\"room\":[],\"namespace\":\"/\"}", &rules, &m));
	ck_assert(!m.everybody && m.rooms.count == 0);
	ck_assert_ptr_null(
		decode_python("{\"method\":\"emit\",\"event\":\"e\",\"room\":\"\",\"namespace\":\"/\"}", &rules, &m));
	ck_assert(!m.everybody && m.rooms.count == 1);
	ck_assert_ptr_null(
		decode_python("{\"method\":\"emit\",\"event\":\"e\",\"room\":42,\"namespace\":\"/\"}", &rules, &m));
	assert_names(&m.rooms, "42");
}
END_TEST

/* Versions before 5.14: one argument as it is, several as a tuple. */
START_TEST(python_pickles)
{
	struct wire_python m = { .nsp = SLICE("/"), .host_id = SLICE("h"), .everybody = true }, got;
	struct wire_rules rules = WIRE_RULES;
	static const char *const data[] = { "[\"e\"]", "[\"e\",null]", "[\"e\",[1]]", "[\"e\",[1],2]" };

	for (size_t i = 0; i < COUNT(data); i++) {
		buf_clear(&out);
		m.data = json(data[i]);
		ck_assert_int_eq(wire_python_encode(&out, &arena, &m, WIRE_PYTHON_PICKLE), 0);
		ck_assert_ptr_null(wire_python_decode(&arena, buf_slice(&out), &rules, &got));
		buf_clear(&out);
		ck_assert_int_eq(json_encode(&out, got.data, NULL), 0);
		assert_slice(buf_slice(&out), data[i]);
	}
	m = (struct wire_python){
		.method = WIRE_PYTHON_CALLBACK, .nsp = SLICE("/"), .host_id = SLICE("h"), .sid = SLICE("r")
	};
	m.args = json("[1]");
	m.id = 7;
	buf_clear(&out);
	ck_assert_int_eq(wire_python_encode(&out, &arena, &m, WIRE_PYTHON_PICKLE), 0);
	ck_assert_ptr_null(wire_python_decode(&arena, buf_slice(&out), &rules, &got));
	ck_assert_int_eq(got.method, WIRE_PYTHON_CALLBACK);
	ck_assert_uint_eq(got.id, 7);
	ck_assert_uint_eq(got.args.size_, 1);
}
END_TEST

START_TEST(pickles_can_be_off)
{
	struct wire_rules rules = WIRE_RULES;
	struct wire_python m;

	ck_assert_str_eq(wire_python_decode(&arena, SLICE("\x80\x04}."), &rules, &m), "unknown method");
	rules.pickle.max_bytes = 0;
	ck_assert_str_eq(wire_python_decode(&arena, SLICE("\x80\x04}."), &rules, &m), "pickles are off");
}
END_TEST

static const struct {
	double f;
	const char *is;
} floats[] = { { 0, "0.0" }, { -0.0, "-0.0" }, { 1, "1.0" }, { 1e15, "1000000000000000.0" }, { 1e16, "1e+16" },
	{ 123456789012345680.0, "1.2345678901234568e+17" }, { 0.0001, "0.0001" }, { 0.00001, "1e-05" },
	{ -1.5e-7, "-1.5e-07" }, { 5e-324, "5e-324" }, { 1.7976931348623157e308, "1.7976931348623157e+308" },
	{ 0.1, "0.1" }, { 100.25, "100.25" }, { INFINITY, "Infinity" }, { -INFINITY, "-Infinity" }, { NAN, "NaN" } };

START_TEST(python_floats)
{
	python_float_add(&out, floats[_i].f);
	assert_slice(buf_slice(&out), floats[_i].is);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("wire");
	TCase *c = tcase_create("wire");

	tcase_add_checked_fixture(c, begin, end);
	tcase_add_loop_test(c, channels_both_ways, 0, COUNT(channels));
	tcase_add_loop_test(c, other_channels_are_none, 0, COUNT(no_channels));
	tcase_add_test(c, patterns_escape_wildcards);
	tcase_add_test(c, delivery_follows_the_rooms);
	tcase_add_test(c, delivery_of_one_publish_for_each_room);
	tcase_add_test(c, numeric_rooms);
	tcase_add_test(c, channel_of_a_broadcast);
	tcase_add_test(c, the_flag_of_our_own);
	tcase_add_test(c, from_text_to_text);
	tcase_add_test(c, broadcasts_that_node_could_not_take_are_not_encoded);
	tcase_add_loop_test(c, lists_of_names, 0, COUNT(lists));
	tcase_add_test(c, lists_that_are_none);
	tcase_add_loop_test(c, rooms_at_a_glance, 0, COUNT(glances));
	tcase_add_test(c, size_and_depth_of_a_message);
	tcase_add_test(c, number_of_names);
	tcase_add_test(c, number_of_sockets);
	tcase_add_test(c, requests_to_the_byte);
	tcase_add_test(c, requests_that_are_not_encoded);
	tcase_add_test(c, an_acknowledgement_without_argument);
	tcase_add_test(c, answers_of_our_own);
	tcase_add_test(c, sockets_piece_by_piece);
	tcase_add_test(c, what_node_would_not_take);
	tcase_add_loop_test(c, python_arguments, 0, COUNT(forms));
	tcase_add_test(c, python_binary_and_callback);
	tcase_add_test(c, python_messages_that_are_not_encoded);
	tcase_add_test(c, python_lists_without_the_flag);
	tcase_add_test(c, python_rooms);
	tcase_add_test(c, python_pickles);
	tcase_add_test(c, pickles_can_be_off);
	tcase_add_loop_test(c, python_floats, 0, COUNT(floats));
	suite_add_tcase(s, c);
	return s;
}
