/* test_socketio_msgpack.c - packets of socket.io-msgpack-parser; answers to the byte as Node's server writes them. */
#include <stdio.h>
#include <stdlib.h>

#include "msgpack.h"
#include "socketio_parser.h"
#include "test_main.h"

#define COUNT(array) (int)(sizeof(array) / sizeof((array)[0]))

/* "type", "nsp", "/", "data", "id" */
#define TYPE "a474797065"
#define NSP  "a36e7370"
#define ROOT NSP "a12f"
#define DATA "a464617461"
#define ID   "a26964"

static const struct sio_rules rules = { .max_depth = 3, .max_attachments = 10, .max_event_bytes = 10 };

/* In memory of its own size, so that a read past it is seen. */
static struct slice bytes_of(const char *hex)
{
	size_t n = strlen(hex) / 2;
	char *at = malloc(n + 1), digits[3] = "";

	ck_assert_ptr_nonnull(at);
	for (size_t i = 0; i < n; i++) {
		memcpy(digits, hex + 2 * i, 2);
		at[1 + i] = (char)strtoul(digits, NULL, 16);
	}
	return slice_of(at + 1, n);
}

static void free_bytes(struct slice s)
{
	free((char *)(uintptr_t)s.at - 1);
}

/* As hexadecimal digits; four texts live at a time. */
static const char *hex_of(struct slice s)
{
	static char texts[4][4096];
	static int next;
	char *to = texts[next++ % 4];

	to[0] = '\0';
	for (size_t i = 0; i < s.size; i++)
		snprintf(to + 2 * i, 3, "%02x", (unsigned char)s.at[i]);
	return to;
}

static const struct {
	const char *hex;
	enum sio_type type;
	const char *nsp;
	long id; /* -1: none */
	const char *data, *event, *items;
} good[] = {
	{ "82" TYPE "00" ROOT, SIO_CONNECT, "2f", -1, "", "", "" },
	{ "83" TYPE "00" DATA "d40000" ROOT, SIO_CONNECT, "2f", -1, "", "", "" },
	{ "83" TYPE "00" DATA "d400ff" ROOT, SIO_CONNECT, "2f", -1, "", "", "" },
	{ "83" TYPE "00" DATA "80" ROOT, SIO_CONNECT, "2f", -1, "80", "", "" },
	{ "83" TYPE "00" ID "05" ROOT, SIO_CONNECT, "2f", -1, "", "", "" },
	{ "83" ROOT DATA "81a16101" TYPE "00", SIO_CONNECT, "2f", -1, "81a16101", "", "" },
	{ "82" TYPE "00" NSP "a3666f6f", SIO_CONNECT, "666f6f", -1, "", "", "" },
	{ "82" TYPE "01" ROOT, SIO_DISCONNECT, "2f", -1, "", "", "" },
	{ "83" TYPE "01" DATA "d40000" ROOT, SIO_DISCONNECT, "2f", -1, "", "", "" },
	{ "83" TYPE "02" DATA "91a161" ROOT, SIO_EVENT, "2f", -1, "91a161", "a161", "" },
	{ "83" TYPE "02" DATA "93a16105c0" ROOT, SIO_EVENT, "2f", -1, "93a16105c0", "a161", "05c0" },
	{ "83" TYPE "02" DATA "dd00000001a161" ROOT, SIO_EVENT, "2f", -1, "dd00000001a161", "a161", "" },
	{ "84" TYPE "02" DATA "91a161" ID "00" ROOT, SIO_EVENT, "2f", 0, "91a161", "a161", "" },
	{ "84" TYPE "02" DATA "91a161" ID "d40000" ROOT, SIO_EVENT, "2f", -1, "91a161", "a161", "" },
	{ "84" TYPE "02" DATA "91a161" ID "cb4014000000000000" ROOT, SIO_EVENT, "2f", 5, "91a161", "a161", "" },
	{ "83" TYPE "cb4000000000000000" DATA "91a161" ROOT, SIO_EVENT, "2f", -1, "91a161", "a161", "" },
	{ "83" TYPE "02" DATA "9105" ROOT, SIO_EVENT, "2f", -1, "9105", "05", "" },
	{ "83" TYPE "02" DATA "91ff" ROOT, SIO_EVENT, "2f", -1, "91ff", "ff", "" },
	{ "83" TYPE "02" DATA "91cb3ff8000000000000" ROOT, SIO_EVENT, "2f", -1, "91cb3ff8000000000000",
		"cb3ff8000000000000", "" },
	{ "83" TYPE "02" DATA "91aa30313233343536373839" ROOT, SIO_EVENT, "2f", -1, "91aa30313233343536373839",
		"aa30313233343536373839", "" },
	{ "83" TYPE "02" DATA "92a161"
	  "9190" ROOT,
		SIO_EVENT, "2f", -1, "92a1619190", "a161", "9190" },
	{ "84" TYPE "03" ID "07" DATA "90" ROOT, SIO_ACK, "2f", 7, "90", "", "" },
	{ "83" TYPE "03" DATA "9201c0" ROOT, SIO_ACK, "2f", 0, "9201c0", "", "01c0" },
	{ "84" TYPE "03" ID "cfffffffffffffffff" DATA "90" ROOT, SIO_ACK, "2f", -2, "90", "", "" },
	{ "84" TYPE "05" TYPE "00" ROOT "05c0", SIO_CONNECT, "2f", -1, "", "", "" },
};

START_TEST(good_packets)
{
	struct slice bytes = bytes_of(good[_i].hex);
	struct sio_packet p;
	const char *why = sio_msgpack.parse(bytes, &rules, &p);

	ck_assert_msg(why == NULL, "%s", why);
	ck_assert_int_eq(p.type, good[_i].type);
	ck_assert_str_eq(hex_of(p.nsp), good[_i].nsp);
	ck_assert_int_eq(p.has_id, good[_i].id != -1);
	if (good[_i].id >= 0)
		ck_assert_uint_eq(p.id, (uint64_t)good[_i].id);
	else
		ck_assert_uint_eq(p.id, good[_i].id == -2 ? UINT64_MAX : 0);
	ck_assert_str_eq(hex_of(p.data), good[_i].data);
	ck_assert_str_eq(hex_of(p.event), good[_i].event);
	ck_assert_str_eq(hex_of(p.items), good[_i].items);
	ck_assert_uint_eq(p.attachments, 0);
	free_bytes(bytes);
}
END_TEST

/* Cut short anywhere, or with a byte more, no packet is one. */
START_TEST(cut_short)
{
	struct sio_packet p;
	size_t whole = strlen(good[_i].hex) / 2;
	char longer[512];
	struct slice more;

	for (size_t n = 0; n < whole; n++) {
		char hex[512] = "";
		struct slice bytes;

		memcpy(hex, good[_i].hex, 2 * n);
		bytes = bytes_of(hex);
		ck_assert_ptr_nonnull(sio_msgpack.parse(bytes, &rules, &p));
		free_bytes(bytes);
	}
	snprintf(longer, sizeof(longer), "%sc0", good[_i].hex);
	more = bytes_of(longer);
	ck_assert_str_eq(sio_msgpack.parse(more, &rules, &p), "malformed MessagePack");
	free_bytes(more);
}
END_TEST

static const struct {
	const char *hex, *why;
} bad[] = {
	{ "", "malformed MessagePack" },
	{ "c1", "malformed MessagePack" },
	{ "c0", "no packet" },
	{ "9100", "no packet" },
	{ "a132", "no packet" },
	{ "dfffffffff", "malformed MessagePack" },
	{ "83" TYPE "02" DATA "ddffffffff" ROOT, "malformed MessagePack" },
	{ "82" TYPE "00" ROOT "00", "malformed MessagePack" },
	{ "83c0c0" TYPE "00" ROOT, "a key that is no text" },
	{ "839000" TYPE "00" ROOT, "a key that is no text" },
	{ "81" ROOT, "unknown packet type" },
	{ "82" TYPE "05" ROOT, "unknown packet type" },
	{ "82" TYPE "ff" ROOT, "unknown packet type" },
	{ "82" TYPE "c0" ROOT, "unknown packet type" },
	{ "82" TYPE "a132" ROOT, "unknown packet type" },
	{ "82" TYPE "cb3ff8000000000000" ROOT, "unknown packet type" },
	{ "82" TYPE "cb7ff8000000000000" ROOT, "unknown packet type" },
	{ "82" TYPE "cfffffffffffffffff" ROOT, "unknown packet type" },
	{ "83" TYPE "04" DATA "a178" ROOT, "connect error from a client" },
	{ "81" TYPE "00", "invalid namespace" },
	{ "82" TYPE "00" NSP "01", "invalid namespace" },
	{ "82" TYPE "00" NSP "c0", "invalid namespace" },
	{ "82" TYPE "00" NSP "c4012f", "invalid namespace" },
	{ "82" TYPE "00" NSP "a0", "invalid namespace" },
	{ "82" TYPE "00" NSP "a1ff", "MessagePack is not UTF-8" },
	{ "84" TYPE "02" DATA "91a161" ID "c0" ROOT, "invalid packet id" },
	{ "84" TYPE "02" DATA "91a161" ID "cb3ff8000000000000" ROOT, "invalid packet id" },
	{ "84" TYPE "02" DATA "91a161" ID "ff" ROOT, "invalid packet id" },
	{ "84" TYPE "02" DATA "91a161" ID "a131" ROOT, "invalid packet id" },
	{ "84" TYPE "02" DATA "91a161" ID "c3" ROOT, "invalid packet id" },
	{ "84" TYPE "02" DATA "91a161" ID "cb43f0000000000000" ROOT, "invalid packet id" },
	{ "83" TYPE "00" DATA "c0" ROOT, "invalid payload" },
	{ "83" TYPE "00" DATA "90" ROOT, "invalid payload" },
	{ "83" TYPE "00" DATA "a178" ROOT, "invalid payload" },
	{ "83" TYPE "00" DATA "d70000000000000000"
	  "00" ROOT,
		"invalid payload" },
	{ "83" TYPE "01" DATA "c0" ROOT, "invalid payload" },
	{ "83" TYPE "01" DATA "80" ROOT, "invalid payload" },
	{ "82" TYPE "02" ROOT, "invalid payload" },
	{ "83" TYPE "02" DATA "d40000" ROOT, "invalid payload" },
	{ "83" TYPE "02" DATA "80" ROOT, "invalid payload" },
	{ "83" TYPE "02" DATA "a161" ROOT, "invalid payload" },
	{ "83" TYPE "02" DATA "d5050102" ROOT, "invalid payload" },
	{ "82" TYPE "03" ROOT, "invalid payload" },
	{ "83" TYPE "03" DATA "80" ROOT, "invalid payload" },
	{ "83" TYPE "02" DATA "90" ROOT, "event without a name" },
	{ "83" TYPE "02" DATA "91c0" ROOT, "event name is no string" },
	{ "83" TYPE "02" DATA "91c3" ROOT, "event name is no string" },
	{ "83" TYPE "02" DATA "9190" ROOT, "event name is no string" },
	{ "83" TYPE "02" DATA "9180" ROOT, "event name is no string" },
	{ "83" TYPE "02" DATA "91c40161" ROOT, "event name is no string" },
	{ "83" TYPE "02" DATA "91d40000" ROOT, "event name is no string" },
	{ "83" TYPE "02" DATA "91cb7ff8000000000000" ROOT, "event name is no string" },
	{ "83" TYPE "02" DATA "91cafF800000" ROOT, "event name is no string" },
	{ "83" TYPE "02" DATA "91a7636f6e6e656374" ROOT, "reserved event name" },
	{ "83" TYPE "02" DATA "91d907636f6e6e656374" ROOT, "reserved event name" },
	{ "83" TYPE "02" DATA "91ab3031323334353637383961" ROOT, "event name too long" },
	{ "83" TYPE "02" DATA "92a161"
	  "919190" ROOT,
		"MessagePack too deep" },
	{ "83" TYPE "00"
	  "a178"
	  "91919190" ROOT,
		"MessagePack too deep" },
};

START_TEST(bad_packets)
{
	struct slice bytes = bytes_of(bad[_i].hex);
	struct sio_packet p;

	ck_assert_str_eq(sio_msgpack.parse(bytes, &rules, &p), bad[_i].why);
	free_bytes(bytes);
}
END_TEST

/* --- Frames ------------------------------------------------------------------------------------------------------- */

static const struct {
	enum sio_type type;
	const char *nsp;
	long id; /* -1: none */
	const char *payload, *hex;
} frames[] = {
	{ SIO_CONNECT, "/", -1, "82a3736964a178a3706964d40000",
		"83" TYPE "00" DATA "82a3736964a178a3706964d40000" ROOT },
	{ SIO_DISCONNECT, "/", -1, "", "82" TYPE "01" ROOT },
	{ SIO_DISCONNECT, "", -1, "", "82" TYPE "01" ROOT },
	{ SIO_EVENT, "/", -1, "91a161", "83" TYPE "02" DATA "91a161" ROOT },
	{ SIO_EVENT, "/ns", 0, "91a161", "84" TYPE "02" DATA "91a161" ID "00" NSP "a32f6e73" },
	{ SIO_ACK, "/", 128, "90", "84" ID "cc80" TYPE "03" DATA "90" ROOT },
	{ SIO_CONNECT_ERROR, "/x", -1, "81a76d657373616765a178",
		"83" TYPE "04" DATA "81a76d657373616765a178" NSP "a22f78" },
};

START_TEST(packets_sent)
{
	struct slice payload = bytes_of(frames[_i].payload);
	struct frame *f = sio_msgpack.frame(&(struct sio_out){ .type = frames[_i].type,
		.nsp = slice_str(frames[_i].nsp),
		.has_id = frames[_i].id >= 0,
		.id = (uint64_t)frames[_i].id,
		.json = payload,
		.uncompressed = true });
	struct frame_packet p;
	size_t offset = 0;

	ck_assert(frame_next(f, &offset, &p));
	ck_assert(p.binary && f->uncompressed);
	ck_assert_str_eq(hex_of(p.data), frames[_i].hex);
	ck_assert(!frame_next(f, &offset, &p));
	ck_assert_uint_eq(frame_tag(f).size, 0);
	frame_unref(f);
	free_bytes(payload);
}
END_TEST

static struct frame *latest(const char *nsp, const char *payload)
{
	struct slice bytes = bytes_of(payload);
	struct frame *f = sio_msgpack.frame(
		&(struct sio_out){ .type = SIO_EVENT, .nsp = slice_str(nsp), .json = bytes, .latest = true });

	free_bytes(bytes);
	return f;
}

/* Known by namespace and name, whatever the arguments; and nothing of it is sent. */
START_TEST(tags)
{
	struct frame *a = latest("/", "92a3706f7301"), *b = latest("", "dc0003a3706f7302c0"),
		     *c = latest("/ns", "91a3706f73"), *d = latest("/", "91a4706f7373");
	struct frame_packet p;
	size_t offset = 0;

	ck_assert_str_eq(hex_of(frame_tag(a)), "a3706f732f");
	ck_assert(slice_equal(frame_tag(a), frame_tag(b)));
	ck_assert(!slice_equal(frame_tag(a), frame_tag(c)));
	ck_assert(!slice_equal(frame_tag(a), frame_tag(d)));
	ck_assert(frame_next(a, &offset, &p));
	ck_assert_str_eq(hex_of(p.data), "83" TYPE "02" DATA "92a3706f7301" ROOT);
	ck_assert_uint_eq(offset, a->size);
	frame_unref(a);
	frame_unref(b);
	frame_unref(c);
	frame_unref(d);
}
END_TEST

/* --- Payloads ----------------------------------------------------------------------------------------------------- */

START_TEST(payloads)
{
	const struct slice blobs[] = { { "xy", 2 } };
	struct buf to = BUF_INIT;

	sio_msgpack.put_connected(&to, SLICE("x"), SLICE(""));
	ck_assert_str_eq(hex_of(buf_slice(&to)), "82a3736964a178a3706964d40000");
	buf_clear(&to);
	sio_msgpack.put_message(&to, SLICE("no"));
	ck_assert_str_eq(hex_of(buf_slice(&to)), "81a76d657373616765a26e6f");
	buf_clear(&to);
	ck_assert_int_eq(
		sio_msgpack.put_json(&to, SLICE("[\"a\",1.0,{\"_placeholder\":true,\"num\":0}]"), blobs, 1), 0);
	ck_assert_str_eq(hex_of(buf_slice(&to)), "93a16101c4027879");
	buf_clear(&to);
	sio_default.put_connected(&to, SLICE("x"), SLICE(""));
	sio_default.put_message(&to, SLICE("\""));
	ck_assert_int_eq(sio_default.put_json(&to, SLICE("[ ]"), NULL, 0), 0);
	ck_assert(slice_equal(buf_slice(&to), SLICE("{\"sid\":\"x\"}{\"message\":\"\\\"\"}[ ]")));
	buf_fini(&to);
	ck_assert_ptr_eq(sio_parser_of(VALUE_JSON), &sio_default);
	ck_assert_ptr_eq(sio_parser_of(VALUE_MSGPACK), &sio_msgpack);
}
END_TEST

START_TEST(auth_as_json)
{
	struct slice bytes = bytes_of("83" TYPE "00" DATA "84a16101a162d40000a163d7000000000000000000a164c40178" ROOT);
	struct sio_packet p;
	struct buf json = BUF_INIT;

	ck_assert_ptr_null(sio_msgpack.parse(bytes, &rules, &p));
	ck_assert_int_eq(sio_msgpack.auth(&json, &p), 0);
	ck_assert(slice_equal(
		buf_slice(&json), SLICE("{\"a\":1,\"c\":\"1970-01-01T00:00:00.000Z\",\"d\":\"<1 bytes>\"}")));
	buf_clear(&json);
	p.data = SLICE("");
	ck_assert_int_eq(sio_msgpack.auth(&json, &p), 0);
	ck_assert_uint_eq(json.size, 0);
	buf_fini(&json);
	free_bytes(bytes);
}
END_TEST

START_TEST(shown_in_logs)
{
	struct slice bytes = bytes_of("83" TYPE "02" DATA "92a161c40178" ROOT);
	struct buf to = BUF_INIT;

	sio_msgpack_show(&to, bytes);
	buf_add_char(&to, ' ');
	sio_msgpack_show(&to, SLICE("\xC1"));
	ck_assert(slice_equal(
		buf_slice(&to), SLICE("{\"type\":2,\"data\":[\"a\",\"<1 bytes>\"],\"nsp\":\"/\"} <1 bytes>")));
	buf_fini(&to);
	free_bytes(bytes);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("socketio-msgpack");
	TCase *c = tcase_create("socketio-msgpack");

	tcase_add_loop_test(c, good_packets, 0, COUNT(good));
	tcase_add_loop_test(c, cut_short, 0, COUNT(good));
	tcase_add_loop_test(c, bad_packets, 0, COUNT(bad));
	tcase_add_loop_test(c, packets_sent, 0, COUNT(frames));
	tcase_add_test(c, tags);
	tcase_add_test(c, payloads);
	tcase_add_test(c, auth_as_json);
	tcase_add_test(c, shown_in_logs);
	suite_add_tcase(s, c);
	return s;
}
