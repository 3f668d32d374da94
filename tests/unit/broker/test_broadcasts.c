/* test_broadcasts.c - what other servers are told of a batch that nobody executes. */
#include "broadcasts.h"
#include "json.h"
#include "msgpack.h"
#include "test_main.h"
#include "wire_classic.h"

enum { SAID = 20 };

static struct {
	char channel[100], payload[2000];
	size_t size;
} said[SAID];
static size_t n_said;
static struct arena arena, scratch;

static void hear(void *to, struct slice channel, struct slice payload)
{
	(void)to;
	ck_assert_uint_lt(n_said, SAID);
	ck_assert_uint_lt(channel.size, sizeof(said[0].channel));
	ck_assert_uint_lt(payload.size, sizeof(said[0].payload));
	memcpy(said[n_said].channel, channel.at, channel.size);
	said[n_said].channel[channel.size] = '\0';
	memcpy(said[n_said].payload, payload.at, payload.size);
	said[n_said++].size = payload.size;
}

static struct slice lobby[] = { { "lobby", 5 }, { "7", 1 } }, skip[] = { { "quiet", 5 } };

/* Everything an application can leave, of client "gateA" in "/chat". */
static struct effect *all_of_it(void)
{
	static struct slice blob = { "\x01\x02", 2 };
	static struct effect e[20];
	struct effect_target sender = { .nsp = "/chat", .sid = "gateA", .sid_nsp = "/chat" };
	struct effect_target room = sender, all = sender, local = sender, other = sender;
	size_t n = 0;

	room.rooms = lobby;
	room.n_rooms = 2;
	room.skip = skip;
	room.n_skip = 1;
	room.skip_self = true;
	all.broadcast = true;
	all.is_volatile = true;
	all.uncompressed = true;
	local.broadcast = local.local = true;
	other.sid = "liveB";
	e[n++] = (struct effect){ .kind = EFFECT_ACCEPT, .to = sender };
	e[n++] = (struct effect){ .kind = EFFECT_JOIN, .to = sender, .room = SLICE("lobby") };
	e[n++] = (struct effect){ .kind = EFFECT_EMIT, .to = sender, .json = SLICE("[\"me\"]") };
	e[n++] =
		(struct effect){ .kind = EFFECT_EMIT, .to = room, .json = SLICE("[\"room\",{\"a\":[1,\"\\u00e9\"]}]") };
	e[n++] = (struct effect){ .kind = EFFECT_EMIT,
		.to = all,
		.json = SLICE("[\"all\",{\"_placeholder\":true,\"num\":0}]"),
		.blobs = &blob,
		.n_blobs = 1 };
	e[n++] = (struct effect){ .kind = EFFECT_EMIT, .to = local, .json = SLICE("[\"local\"]") };
	e[n++] = (struct effect){ .kind = EFFECT_EMIT, .to = other, .json = SLICE("[\"other\"]") };
	e[n++] = (struct effect){
		.kind = EFFECT_CALL, .to = all, .json = SLICE("[\"asked\"]"), .call = 3, .timeout_ms = 1000
	};
	e[n++] = (struct effect){ .kind = EFFECT_ACK, .to = sender, .json = SLICE("[]"), .ack_id = 4 };
	e[n++] = (struct effect){ .kind = EFFECT_JOIN, .to = room, .room = SLICE("hall") };
	e[n++] = (struct effect){ .kind = EFFECT_LEAVE, .to = room, .room = SLICE("lobby") };
	e[n++] = (struct effect){ .kind = EFFECT_DISCONNECT, .to = room, .transport = true };
	e[n++] = (struct effect){ .kind = EFFECT_DISCONNECT, .to = sender };
	e[n++] = (struct effect){ .kind = EFFECT_SESSION, .to = sender, .key = SLICE("\"k\""), .json = SLICE("1") };
	e[n++] = (struct effect){ .kind = EFFECT_FETCH, .to = all, .call = 5, .timeout_ms = 1000 };
	e[n++] = (struct effect){ .kind = EFFECT_SERVERS, .to = { .nsp = "/chat" }, .json = SLICE("[\"news\",1]") };
	e[n++] = (struct effect){ .kind = EFFECT_SERVERS,
		.to = { .nsp = "/chat" },
		.json = SLICE("[\"asked\"]"),
		.call = 6,
		.timeout_ms = 1000 };
	for (size_t i = 0; i + 1 < n; i++)
		e[i].next = &e[i + 1];
	e[n - 1].next = NULL;
	return e;
}

static struct buf as_msgpack[20];

/* The same in the other encoding: attachments are in their place. */
static struct effect *in_msgpack(struct effect *first)
{
	size_t n = 0;

	for (struct effect *e = first; e; e = e->next, n++) {
		struct stoa_value v = value_of_json(&arena, e->json, e->n_blobs ? JSON_BLOBS : 0, e->blobs, e->n_blobs);

		if (e->json.size == 0 || e->kind == EFFECT_SESSION)
			continue;
		buf_clear(&as_msgpack[n]);
		ck_assert_int_eq(msgpack_encode(&as_msgpack[n], v, MSGPACK_CLIENT), 0);
		e->json = buf_slice(&as_msgpack[n]);
		e->blobs = NULL;
		e->n_blobs = 0;
	}
	return first;
}

/* Through a record, as a broker gets it. */
static void tell(enum value_encoding encoding)
{
	struct effect *first = all_of_it();
	struct batch_record b = { .by = SLICE("b"), .nsp = SLICE("/chat"), .sid = SLICE("gateA"), .n = 1 }, read;
	struct record_rules rules = RECORD_RULES;
	struct buf record = BUF_INIT;

	n_said = 0;
	b.effects = encoding == VALUE_MSGPACK ? in_msgpack(first) : first;
	ck_assert_int_eq(batch_record_put(&record, encoding, &b), 0);
	ck_assert_ptr_null(batch_record_read(&arena, buf_slice(&record), &rules, &read));
	ck_assert_uint_eq(broadcasts_of(&read, encoding, SLICE("key"), &scratch, hear, NULL), 0);
	buf_fini(&record);
}

static struct wire_broadcast broadcast(size_t i)
{
	static const struct wire_rules rules = { .max_bytes = 10000, .max_depth = 50, .max_names = 100 };
	struct slice payload = slice_of(said[i].payload, said[i].size);
	struct wire_broadcast b;

	ck_assert_str_eq(said[i].channel, "key#/chat#");
	ck_assert_ptr_null(wire_classic_check(WIRE_CHANNEL_BROADCAST, payload));
	ck_assert_ptr_null(wire_broadcast_decode(&arena, payload, WIRE_CHANNEL_BROADCAST, &rules, &b));
	ck_assert(slice_equal(b.nsp, SLICE("/chat")));
	return b;
}

static struct wire_request request(size_t i)
{
	static const struct wire_rules rules = { .max_bytes = 10000, .max_depth = 50, .max_names = 100 };
	struct slice payload = slice_of(said[i].payload, said[i].size);
	struct wire_request r;

	ck_assert_str_eq(said[i].channel, "key-request#/chat#");
	ck_assert_ptr_null(wire_classic_check(WIRE_CHANNEL_REQUEST, payload));
	ck_assert_ptr_null(wire_request_decode(&arena, payload, &rules, &r));
	return r;
}

static bool has(const struct wire_names *names, const char *name)
{
	for (size_t i = 0; i < names->count; i++)
		if (slice_equal(names->at[i], slice_str(name)))
			return true;
	return false;
}

static void check_event(struct stoa_value data, const char *event, size_t size)
{
	data = value_open(data);
	ck_assert_uint_eq(data.size_, size);
	ck_assert(slice_equal(value_slice(value_at(data, 0)), slice_str(event)));
}

static void end(void)
{
	arena_fini(&arena);
	arena_fini(&scratch);
	for (size_t i = 0; i < 20; i++)
		buf_fini(&as_msgpack[i]);
}

START_TEST(what_concerns_others_is_told_in_order)
{
	struct wire_broadcast b;
	struct wire_request r;

	tell(_i ? VALUE_MSGPACK : VALUE_JSON);
	ck_assert_uint_eq(n_said, 7);
	b = broadcast(0);
	check_event(b.data, "room", 2);
	ck_assert(slice_equal(value_slice(value_at(value_get(value_at(b.data, 1), SLICE("a")), 1)), SLICE("\xc3\xa9")));
	ck_assert(
		!b.opts.everybody && b.opts.rooms.count == 2 && has(&b.opts.rooms, "lobby") && has(&b.opts.rooms, "7"));
	ck_assert(b.opts.except.count == 2 && has(&b.opts.except, "quiet") && has(&b.opts.except, "gateA"));
	b = broadcast(1);
	check_event(b.data, "all", 2);
	ck_assert(b.opts.everybody && b.opts.is_volatile && b.opts.uncompressed && b.opts.except.count == 0);
	ck_assert_int_eq(value_at(b.data, 1).kind_, VALUE_BYTES);
	ck_assert(slice_equal(value_slice(value_at(b.data, 1)), SLICE("\x01\x02")));
	b = broadcast(2);
	check_event(b.data, "other", 1);
	ck_assert(!b.opts.everybody && b.opts.rooms.count == 1 && has(&b.opts.rooms, "liveB"));
	r = request(3);
	ck_assert(r.type == WIRE_REMOTE_JOIN && r.rooms.count == 1 && has(&r.rooms, "hall"));
	ck_assert(has(&r.opts.rooms, "lobby") && has(&r.opts.except, "gateA") && r.request_id.size == 0);
	r = request(4);
	ck_assert(r.type == WIRE_REMOTE_LEAVE && has(&r.rooms, "lobby"));
	r = request(5);
	ck_assert(r.type == WIRE_REMOTE_DISCONNECT && r.close && has(&r.opts.rooms, "lobby"));
	r = request(6);
	ck_assert(r.type == WIRE_SERVER_EMIT && r.request_id.size == 0);
	check_event(r.data, "news", 2);
}
END_TEST

START_TEST(what_node_could_not_take_is_not_said)
{
	struct effect e = { .kind = EFFECT_EMIT, .to = { .nsp = "/", .broadcast = true }, .json = SLICE("[{}]") };
	struct batch_record b = { .by = SLICE("b"), .effects = &e };

	n_said = 0;
	ck_assert_uint_eq(broadcasts_of(&b, VALUE_JSON, SLICE("key"), &scratch, hear, NULL), 1);
	ck_assert_uint_eq(n_said, 0);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("broadcasts");
	TCase *t = tcase_create("broadcasts");

	tcase_add_checked_fixture(t, NULL, end);
	tcase_add_loop_test(t, what_concerns_others_is_told_in_order, 0, 2);
	tcase_add_test(t, what_node_could_not_take_is_not_said);
	suite_add_tcase(s, t);
	return s;
}
