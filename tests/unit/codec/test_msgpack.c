/* test_msgpack.c - MessagePack against notepack.io's bytes, and against bytes that nobody should send. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "json.h"
#include "msgpack.h"
#include "test_main.h"

#define COUNT(array) (int)(sizeof(array) / sizeof((array)[0]))

static const struct msgpack_rules deep = { VALUE_DEPTH_MAX };

/* Bytes written as hexadecimal digits. */
static struct slice bytes_of(struct arena *arena, const char *hex)
{
	size_t n = strlen(hex) / 2;
	char *at = arena_take(arena, n), digits[3] = "";

	for (size_t i = 0; i < n; i++) {
		memcpy(digits, hex + 2 * i, 2);
		at[i] = (char)strtoul(digits, NULL, 16);
	}
	return slice_of(at, n);
}

static const char *hex_of(struct arena *arena, struct slice s)
{
	char *to = arena_take(arena, 2 * s.size + 1);

	to[0] = '\0';
	for (size_t i = 0; i < s.size; i++)
		snprintf(to + 2 * i, 3, "%02x", (unsigned char)s.at[i]);
	return to;
}

static void assert_encodes(struct arena *arena, struct stoa_value v, enum msgpack_dialect dialect, const char *hex)
{
	struct buf out = BUF_INIT;

	ck_assert_int_eq(msgpack_encode(&out, v, dialect), 0);
	ck_assert_str_eq(hex_of(arena, buf_slice(&out)), hex);
	buf_fini(&out);
}

static void assert_json(struct arena *arena, struct stoa_value v, const char *json)
{
	struct buf out = BUF_INIT;

	ck_assert_int_eq(json_encode(&out, v, NULL), 0);
	ck_assert_str_eq(arena_copy(arena, out.at, out.size), json);
	buf_fini(&out);
}

/* JSON made of the bytes is that of their tree, with the same attachments, or neither can be made. */
static void assert_json_of_tree(struct slice bytes)
{
	for (int bus = 0; bus < 2; bus++) {
		struct arena arena = ARENA_INIT;
		struct stoa_value raw = bus ? value_of_bus(&arena, bytes) : value_of_msgpack(&arena, bytes);
		struct stoa_value tree = msgpack_decode(&arena, bytes, bus ? MSGPACK_BUS : MSGPACK_CLIENT);
		struct json_blobs blobs[2] = { { NULL, 0, 0 }, { NULL, 0, 0 } };
		struct buf out[2] = { BUF_INIT, BUF_INIT };

		ck_assert_int_eq(json_encode(&out[0], raw, &blobs[0]), json_encode(&out[1], tree, &blobs[1]));
		ck_assert(slice_equal(buf_slice(&out[0]), buf_slice(&out[1])));
		ck_assert_uint_eq(blobs[0].count, blobs[1].count);
		for (size_t i = 0; i < blobs[0].count; i++)
			ck_assert(slice_equal(blobs[0].at[i], blobs[1].at[i]));
		for (int i = 0; i < 2; i++) {
			json_blobs_fini(&blobs[i]);
			buf_fini(&out[i]);
		}
		arena_fini(&arena);
	}
}

/* A JavaScript value as notepack.io 2.2.0 and 3.0.1 write it, and as JSON. Made by running them. */
static const struct {
	const char *client, *bus, *json;
} same[] = {
	{ "c0", "c0", "null" },
	{ "c3", "c3", "true" },
	{ "c2", "c2", "false" },
	{ "00", "00", "0" },
	{ "00", "00", "0" },
	{ "01", "01", "1" },
	{ "7f", "7f", "127" },
	{ "cc80", "cc80", "128" },
	{ "ccff", "ccff", "255" },
	{ "cd0100", "cd0100", "256" },
	{ "cdffff", "cdffff", "65535" },
	{ "ce00010000", "ce00010000", "65536" },
	{ "ceffffffff", "ceffffffff", "4294967295" },
	{ "cf0000000100000000", "cf0000000100000000", "4294967296" },
	{ "cf001fffffffffffff", "cf001fffffffffffff", "9007199254740991" },
	{ "cf0020000000000000", "cf0020000000000000", "9007199254740992" },
	{ "cf0020000000000002", "cf0020000000000002", "9007199254740994" },
	{ "ff", "ff", "-1" },
	{ "e0", "e0", "-32" },
	{ "d0df", "d0df", "-33" },
	{ "d080", "d080", "-128" },
	{ "d1ff7f", "d1ff7f", "-129" },
	{ "d18000", "d18000", "-32768" },
	{ "d2ffff7fff", "d2ffff7fff", "-32769" },
	{ "d280000000", "d280000000", "-2147483648" },
	{ "d3ffffffff7fffffff", "d3ffffffff7fffffff", "-2147483649" },
	{ "d3ffe0000000000000", "d3ffe0000000000000", "-9007199254740992" },
	{ "cb3fe0000000000000", "cb3fe0000000000000", "0.5" },
	{ "cbbfb999999999999a", "cbbfb999999999999a", "-0.1" },
	{ "cb3e7ad7f29abcaf48", "cb3e7ad7f29abcaf48", "1e-7" },
	{ "cb0000000000000001", "cb0000000000000001", "5e-324" },
	{ "cb7ff8000000000000", "cb7ff8000000000000", "null" },
	{ "cb7ff0000000000000", "cb7ff0000000000000", "null" },
	{ "cbfff0000000000000", "cbfff0000000000000", "null" },
	{ "a0", "a0", "\"\"" },
	{ "a161", "a161", "\"a\"" },
	{ "a2c3a9", "a2c3a9", "\"é\"" },
	{ "a3e4b8ad", "a3e4b8ad", "\"中\"" },
	{ "a4f09f9880", "a4f09f9880", "\"😀\"" },
	{ "bf78787878787878787878787878787878787878787878787878787878787878",
		"bf78787878787878787878787878787878787878787878787878787878787878",
		"\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"" },
	{ "d9207878787878787878787878787878787878787878787878787878787878787878",
		"d9207878787878787878787878787878787878787878787878787878787878787878",
		"\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"" },
	{ "d40000", "c0", "null" },
	{ "92d4000001", "92c001", "[null,1]" },
	{ "82a161d40000a16201", "81a16201", "{\"b\":1}" },
	{ "82a16201a161d40000", "81a16201", "{\"b\":1}" },
	{ "d7000000000000000000", "d6ff00000000", "\"1970-01-01T00:00:00.000Z\"" },
	{ "d7000000000000000001", "d7ff003d090000000000", "\"1970-01-01T00:00:00.001Z\"" },
	{ "d7000000018bcfe56800", "d6ff6553f100", "\"2023-11-14T22:13:20.000Z\"" },
	{ "d7000000018bcfe5687b", "d7ff1d5353006553f100", "\"2023-11-14T22:13:20.123Z\"" },
	{ "d700ffffffffffffffff", "c70cff3b8b87c0ffffffffffffffff", "\"1969-12-31T23:59:59.999Z\"" },
	{ "d700fffffffffffffa24", "c70cff1dcd6500fffffffffffffffe", "\"1969-12-31T23:59:58.500Z\"" },
	{ "d700000003e7fffffc18", "d6ffffffffff", "\"2106-02-07T06:28:15.000Z\"" },
	{ "d700000003e800000000", "d7ff0000000100000000", "\"2106-02-07T06:28:16.000Z\"" },
	{ "d70000000f9fffffffff", "d7ffee2e1f03ffffffff", "\"2514-05-30T01:53:03.999Z\"" },
	{ "d70000000fa000000000", "c70cff000000000000000400000000", "\"2514-05-30T01:53:04.000Z\"" },
	{ "d700001eb208c2dc0000", "c70cff00000000000007dba8218000", "\"+275760-09-13T00:00:00.000Z\"" },
	{ "d700ffe14df73d240000", "c70cff00000000fffff82457de8000", "\"-271821-04-20T00:00:00.000Z\"" },
	{ "d7000000e677d21fdc00", "c70cff000000000000003afff44180", "\"+010000-01-01T00:00:00.000Z\"" },
	{ "d700ffffc77590fb9fff", "c70cff3b8b87c0fffffff1868b83ff", "\"-000001-12-31T23:59:59.999Z\"" },
	{ "d700ffffc76e394a7400", "c70cff00000000fffffff184aa5080", "\"-000001-01-01T00:00:00.000Z\"" },
	{ "c403616263", "c403616263", "\"<3 bytes>\"" },
	{ "c400", "c400", "\"<0 bytes>\"" },
	{ "c7010001", "c40101", "\"<1 bytes>\"" },
	{ "c70000", "c400", "\"<0 bytes>\"" },
	{ "c708000000000000000000", "c4080000000000000000", "\"<8 bytes>\"" },
	{ "c70300010203", "c403010203", "\"<3 bytes>\"" },
	{ "90", "90", "[]" },
	{ "9190", "9190", "[[]]" },
	{ "80", "80", "{}" },
	{ "81a090", "81a090", "{\"\":[]}" },
	{ "81a16181a1629301a178c0", "81a16181a1629301a178c0", "{\"a\":{\"b\":[1,\"x\",null]}}" },
	{ "9f000000000000000000000000000000", "9f000000000000000000000000000000", "[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]" },
	{ "dc001000000000000000000000000000000000", "dc001000000000000000000000000000000000",
		"[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]" },
	{ "de0010a26b3000a26b3101a26b3202a26b3303a26b3404a26b3505a26b3606a26b3707a26b3808a26b3909a36b31300aa36b31310ba3"
	  "6b31320ca36b31330da36b31340ea36b31350f",
		"de0010a26b3000a26b3101a26b3202a26b3303a26b3404a26b3505a26b3606a26b3707a26b3808a26b3909a36b31300aa36b31"
		"310ba36b31320ca36b31330da36b31340ea36b31350f",
		"{\"k0\":0,\"k1\":1,\"k2\":2,\"k3\":3,\"k4\":4,\"k5\":5,\"k6\":6,\"k7\":7,\"k8\":8,\"k9\":9,\"k10\":10,"
		"\"k11\":11,\"k12\":12,\"k13\":13,\"k14\":14,\"k15\":15}" },
	{ "81a13102", "81a13102", "{\"1\":2}" },
};

START_TEST(as_notepack_writes_it)
{
	struct arena arena = ARENA_INIT;
	struct slice bytes = bytes_of(&arena, same[_i].client);
	struct stoa_value v;

	ck_assert_ptr_null(msgpack_check(bytes, &deep));
	v = msgpack_decode(&arena, bytes, MSGPACK_CLIENT);
	assert_json(&arena, v, same[_i].json);
	assert_encodes(&arena, v, MSGPACK_CLIENT, same[_i].client);
	assert_encodes(&arena, v, MSGPACK_BUS, same[_i].bus);
	v = value_copy(&arena, value_of_msgpack(&arena, bytes));
	assert_json(&arena, v, same[_i].json);
	assert_encodes(&arena, v, MSGPACK_CLIENT, same[_i].client);
	assert_encodes(&arena, v, MSGPACK_BUS, same[_i].bus);
	/* And back from the bus, where an ArrayBuffer is a Buffer and undefined is null or gone. */
	bytes = bytes_of(&arena, same[_i].bus);
	ck_assert_ptr_null(msgpack_check(bytes, &deep));
	assert_json(&arena, value_of_bus(&arena, bytes), same[_i].json);
	assert_json_of_tree(bytes);
	v = msgpack_decode(&arena, bytes, MSGPACK_BUS);
	assert_json(&arena, v, same[_i].json);
	assert_encodes(&arena, v, MSGPACK_BUS, same[_i].bus);
	arena_fini(&arena);
}
END_TEST

/* What others write and notepack.io reads: longer heads, float32, other exts, integers as keys. */
static const struct {
	const char *hex, *json, *client;
} read_only[] = {
	{ "cc05", "5", "05" },
	{ "cd0005", "5", "05" },
	{ "ce00000005", "5", "05" },
	{ "cf0000000000000005", "5", "05" },
	{ "d005", "5", "05" },
	{ "d1fffe", "-2", "fe" },
	{ "d2fffffffe", "-2", "fe" },
	{ "d3fffffffffffffffe", "-2", "fe" },
	{ "cfffffffffffffffff", "18446744073709551615", "cfffffffffffffffff" },
	{ "d38000000000000000", "-9223372036854775808", "d38000000000000000" },
	{ "ca3f000000", "0.5", "cb3fe0000000000000" },
	{ "ca40000000", "2", "02" },
	{ "cb4014000000000000", "5", "05" },
	{ "cb8000000000000000", "0", "00" },
	{ "cb7e37e43c8800759c", "1e+300", "cb7e37e43c8800759c" },
	{ "cbc3e0000000000000", "-9223372036854776000", "d38000000000000000" },
	{ "cb43efffffffffffff", "18446744073709550000", "cffffffffffffff800" },
	{ "cb43f0000000000000", "18446744073709552000", "cb43f0000000000000" },
	{ "cb7ff0000000000001", "null", "cb7ff8000000000000" },
	{ "d90161", "\"a\"", "a161" },
	{ "da000161", "\"a\"", "a161" },
	{ "db0000000161", "\"a\"", "a161" },
	{ "c50001ff", "\"<1 bytes>\"", "c401ff" },
	{ "c600000001ff", "\"<1 bytes>\"", "c401ff" },
	{ "dc000105", "[5]", "9105" },
	{ "dd0000000105", "[5]", "9105" },
	{ "de0001a16105", "{\"a\":5}", "81a16105" },
	{ "df00000001a16105", "{\"a\":5}", "81a16105" },
	{ "8105c3", "{\"5\":true}", "81a135c3" },
	{ "81ffc3", "{\"-1\":true}", "81a22d31c3" },
	{ "81cfffffffffffffffffc3", "{\"18446744073709551615\":true}",
		"81b43138343436373434303733373039353531363135c3" },
	{ "82a16101a16102", "{\"a\":1,\"a\":2}", "82a16101a16102" },
	{ "d40501", "[5,\"<1 bytes>\"]", "9205c40101" },
	{ "d5050102", "[5,\"<2 bytes>\"]", "9205c4020102" },
	{ "d5000102", "[0,\"<2 bytes>\"]", "9200c4020102" },
	{ "d60001020304", "[0,\"<4 bytes>\"]", "9200c40401020304" },
	{ "c701ff07", "[-1,\"<1 bytes>\"]", "92ffc40107" },
	{ "c8000100ff", "\"<1 bytes>\"", "c70100ff" },
	{ "c90000000100ff", "\"<1 bytes>\"", "c70100ff" },
	{ "d400ff", "null", "d40000" },
	{ "d6ff00000000", "[-1,\"<4 bytes>\"]", "92ffc40400000000" },
	/* One millisecond beyond the last date, and before the first. */
	{ "d700001eb208c2dc0001", "null", "c0" },
	{ "d700ffe14df73d23ffff", "null", "c0" },
	{ "d7007fffffffffffffff", "null", "c0" },
};

START_TEST(as_others_write_it)
{
	struct arena arena = ARENA_INIT;
	struct slice bytes = bytes_of(&arena, read_only[_i].hex);
	struct stoa_value v;

	ck_assert_ptr_null(msgpack_check(bytes, &deep));
	v = msgpack_decode(&arena, bytes, MSGPACK_CLIENT);
	assert_json(&arena, v, read_only[_i].json);
	assert_encodes(&arena, v, MSGPACK_CLIENT, read_only[_i].client);
	/* What is only passed on stays as it came. */
	assert_encodes(&arena, value_of_msgpack(&arena, bytes), MSGPACK_CLIENT, read_only[_i].hex);
	assert_json_of_tree(bytes);
	arena_fini(&arena);
}
END_TEST

/* Timestamps on the bus that no JavaScript wrote. */
static const struct {
	const char *hex, *json;
} timestamps[] = {
	{ "d7ff000f423c00000000", "\"1970-01-01T00:00:00.000Z\"" },           /* 999999 ns */
	{ "c70cff000f423fffffffffffffffff", "\"1969-12-31T23:59:59.001Z\"" }, /* as a Date cuts -999.000001 */
	{ "c70cff000000000000000000000000", "\"1970-01-01T00:00:00.000Z\"" },
	{ "c70cff00000000000007dba8218001", "null" },
	{ "c70cff000000007fffffffffffffff", "null" },
	{ "c70cff000000008000000000000000", "null" },
	{ "c704ff00000000", "[-1,\"<4 bytes>\"]" },
	{ "d5ff0000", "[-1,\"<2 bytes>\"]" },
};

START_TEST(timestamps_of_the_bus)
{
	struct arena arena = ARENA_INIT;
	struct slice bytes = bytes_of(&arena, timestamps[_i].hex);

	ck_assert_ptr_null(msgpack_check(bytes, &deep));
	assert_json(&arena, msgpack_decode(&arena, bytes, MSGPACK_BUS), timestamps[_i].json);
	assert_json(&arena, value_of_bus(&arena, bytes), timestamps[_i].json);
	arena_fini(&arena);
}
END_TEST

static const struct {
	const char *hex, *why;
} refused[] = {
	{ "", "malformed MessagePack" },
	{ "c1", "malformed MessagePack" },
	{ "0000", "malformed MessagePack" },
	{ "9000", "malformed MessagePack" },
	{ "91c1", "malformed MessagePack" },
	{ "ddffffffff", "malformed MessagePack" },
	{ "dfffffffff", "malformed MessagePack" },
	{ "dbffffffff", "malformed MessagePack" },
	{ "c6ffffffff", "malformed MessagePack" },
	{ "c9ffffffff00", "malformed MessagePack" },
	{ "df80000000", "malformed MessagePack" }, /* twice that is 0 in 32 bits */
	{ "ddffffffff0000000000", "malformed MessagePack" },
	{ "a1ff", "MessagePack is not UTF-8" },
	{ "a2c080", "MessagePack is not UTF-8" },
	{ "a3eda080", "MessagePack is not UTF-8" }, /* a lone surrogate: no client writes one */
	{ "81a1ff00", "MessagePack is not UTF-8" },
	{ "81c000", "a key that is no text" },
	{ "81c300", "a key that is no text" },
	{ "81cb000000000000000000", "a key that is no text" },
	{ "81c4016100", "a key that is no text" },
	{ "819000", "a key that is no text" },
	{ "81d4000000", "a key that is no text" },
	{ "82a16100c0a162", "a key that is no text" },
};

START_TEST(refused_bytes)
{
	struct arena arena = ARENA_INIT;

	ck_assert_str_eq(msgpack_check(bytes_of(&arena, refused[_i].hex), &deep), refused[_i].why);
	arena_fini(&arena);
}
END_TEST

/* Every value cut short anywhere is malformed, unchecked decoding of it stays in bounds, and so does one byte more. */
START_TEST(truncated_anywhere)
{
	struct arena arena = ARENA_INIT;
	struct slice bytes = bytes_of(&arena, same[_i].client);
	char *longer = arena_take(&arena, bytes.size + 1);

	for (size_t n = 0; n < bytes.size; n++) {
		char *exact = malloc(n + 1); /* so that a read past it is seen */

		ck_assert_ptr_nonnull(exact);
		memcpy(exact + 1, bytes.at, n);
		ck_assert_str_eq(msgpack_check(slice_of(exact + 1, n), &deep), "malformed MessagePack");
		msgpack_decode(&arena, slice_of(exact + 1, n), MSGPACK_CLIENT);
		msgpack_decode_items(&arena, slice_of(exact + 1, n), 3);
		free(exact);
	}
	memcpy(longer, bytes.at, bytes.size);
	longer[bytes.size] = 0;
	ck_assert_str_eq(msgpack_check(slice_of(longer, bytes.size + 1), &deep), "malformed MessagePack");
	ck_assert_uint_eq(msgpack_decode(&arena, slice_of(longer, bytes.size + 1), MSGPACK_CLIENT).kind_, VALUE_BROKEN);
	arena_fini(&arena);
}
END_TEST

/* `levels` arrays of one item or maps of one member inside each other, nil in the middle; a byte or two for each. */
static struct slice nested(struct arena *arena, size_t levels, bool maps)
{
	size_t each = maps ? 2 : 1;
	char *at = arena_take(arena, levels * each + 1);

	for (size_t i = 0; i < levels; i++)
		memcpy(at + i * each, maps ? "\x81\xA0" : "\x91", each);
	at[levels * each] = '\xC0';
	return slice_of(at, levels * each + 1);
}

START_TEST(depth_is_bounded)
{
	struct arena arena = ARENA_INIT, text = ARENA_INIT;
	struct msgpack_rules rules = { 10 }, none = { 0 }, beyond = { VALUE_DEPTH_MAX + 1 };
	struct slice value;

	for (int maps = 0; maps < 2; maps++) {
		ck_assert_ptr_null(msgpack_check(nested(&text, 10, maps), &rules));
		ck_assert_str_eq(msgpack_check(nested(&text, 11, maps), &rules), "MessagePack too deep");
		ck_assert_ptr_null(msgpack_scan(nested(&text, 9, maps), &rules, 1, &value));
		ck_assert_str_eq(msgpack_scan(nested(&text, 10, maps), &rules, 1, &value), "MessagePack too deep");
		ck_assert_ptr_null(msgpack_check(nested(&text, VALUE_DEPTH_MAX, maps), &beyond));
		ck_assert_str_eq(
			msgpack_check(nested(&text, VALUE_DEPTH_MAX + 1, maps), &beyond), "MessagePack too deep");
		ck_assert_str_eq(msgpack_check(nested(&text, 100000, maps), &beyond), "MessagePack too deep");
		/* Nor do those recurse who were handed it unchecked. */
		ck_assert_uint_eq(
			msgpack_decode(&arena, nested(&text, 100000, maps), MSGPACK_CLIENT).kind_, VALUE_BROKEN);
		arena_reset(&arena);
		ck_assert_uint_ne(msgpack_decode(&arena, nested(&text, VALUE_DEPTH_MAX, maps), MSGPACK_CLIENT).kind_,
			VALUE_BROKEN);
		ck_assert_uint_le(arena.total_bytes, MSGPACK_ARENA_FACTOR * (VALUE_DEPTH_MAX + 1) * (maps ? 2U : 1U));
		arena_reset(&arena);
	}
	ck_assert_str_eq(msgpack_check(SLICE("\x90"), &none), "MessagePack too deep");
	ck_assert_ptr_null(msgpack_check(SLICE("\x05"), &none));
	arena_fini(&arena);
	arena_fini(&text);
}
END_TEST

/* The decoder takes no more of the arena for a claim than there are bytes. */
START_TEST(claims_cost_nothing)
{
	struct arena arena = ARENA_INIT;

	ck_assert_uint_eq(msgpack_decode(&arena, SLICE("\xDD\xFF\xFF\xFF\xFF"), MSGPACK_CLIENT).kind_, VALUE_BROKEN);
	ck_assert_uint_eq(msgpack_decode(&arena, SLICE("\xDF\xFF\xFF\xFF\xFF"), MSGPACK_CLIENT).kind_, VALUE_BROKEN);
	ck_assert_uint_eq(msgpack_decode(&arena, SLICE("\xDB\xFF\xFF\xFF\xFF"), MSGPACK_CLIENT).kind_, VALUE_BROKEN);
	ck_assert_uint_eq(msgpack_decode(&arena, SLICE("\xDC\x00\x03\x00\x00"), MSGPACK_CLIENT).kind_, VALUE_BROKEN);
	ck_assert_uint_eq(msgpack_decode(&arena, SLICE("\x82\xA0\x00\xA0"), MSGPACK_CLIENT).kind_, VALUE_BROKEN);
	ck_assert_uint_eq(arena.total_bytes, 0);
	ck_assert_uint_eq(msgpack_decode_items(&arena, SLICE("\x01"), SIZE_MAX).kind_, VALUE_BROKEN);
	ck_assert_uint_eq(arena.total_bytes, 0);
	arena_fini(&arena);
}
END_TEST

START_TEST(heads)
{
	struct msgpack_head head;

	ck_assert(msgpack_head(SLICE("\x83"), &head));
	ck_assert(head.form == MSGPACK_MAP && head.size == 1 && head.count == 3 && head.body == 0);
	ck_assert(msgpack_head(SLICE("\xDE\x01\x02"), &head));
	ck_assert(head.form == MSGPACK_MAP && head.size == 3 && head.count == 0x102);
	ck_assert(msgpack_head(SLICE("\xC8\x01\x02\xFB"), &head));
	ck_assert(head.form == MSGPACK_EXT && head.size == 4 && head.body == 0x102 && head.type == -5);
	ck_assert(msgpack_head(SLICE("\xD8\x07"), &head));
	ck_assert(head.form == MSGPACK_EXT && head.size == 2 && head.body == 16 && head.type == 7);
	ck_assert(!msgpack_head(SLICE("\xD8"), &head));
	ck_assert(!msgpack_head(SLICE(""), &head));
	ck_assert(!msgpack_head(SLICE("\xC1"), &head));
}
END_TEST

/* --- Encoding ----------------------------------------------------------------------------------------------------- */

START_TEST(numbers_at_every_edge)
{
	struct arena arena = ARENA_INIT;

	for (unsigned bit = 0; bit < 64; bit++) {
		for (int add = -1; add <= 1; add++) {
			int64_t i = (int64_t)((UINT64_C(1) << bit) + (uint64_t)(int64_t)add);
			struct buf out = BUF_INIT;
			struct stoa_value v;

			for (int sign = 0; sign < 2; sign++) {
				uint64_t u = sign ? 0 - (uint64_t)i : (uint64_t)i;

				buf_clear(&out);
				ck_assert_int_eq(msgpack_encode(&out, value_int((int64_t)u), MSGPACK_CLIENT), 0);
				v = msgpack_decode(&arena, buf_slice(&out), MSGPACK_CLIENT);
				ck_assert(v.kind_ == VALUE_INT && v.as_.i == (int64_t)u);
				buf_clear(&out);
				ck_assert_int_eq(msgpack_encode(&out, value_uint(u), MSGPACK_CLIENT), 0);
				v = msgpack_decode(&arena, buf_slice(&out), MSGPACK_CLIENT);
				ck_assert(v.as_.u == u && v.kind_ == value_uint(u).kind_);
			}
			buf_fini(&out);
		}
	}
	assert_encodes(&arena, value_float(9007199254740992.0), MSGPACK_CLIENT, "cf0020000000000000");
	assert_encodes(&arena, value_float(-0.0), MSGPACK_CLIENT, "00");
	assert_encodes(&arena, value_float(-(double)NAN), MSGPACK_CLIENT, "cb7ff8000000000000");
	arena_fini(&arena);
}
END_TEST

/* Sizes at which a longer head is due. */
START_TEST(heads_are_shortest)
{
	static const struct {
		size_t size;
		const char *text, *bytes, *view, *array, *map;
	} rows[] = {
		{ 15, "af", "c40f", "c70f00", "9f", "8f" },
		{ 16, "b0", "c410", "c71000", "dc0010", "de0010" },
		{ 31, "bf", "c41f", "c71f00", "dc001f", "de001f" },
		{ 32, "d920", "c420", "c72000", "dc0020", "de0020" },
		{ 255, "d9ff", "c4ff", "c7ff00", "dc00ff", "de00ff" },
		{ 256, "da0100", "c50100", "c8010000", "dc0100", "de0100" },
		{ 65535, "daffff", "c5ffff", "c8ffff00", "dcffff", "deffff" },
		{ 65536, "db00010000", "c600010000", "c90001000000", "dd00010000", "df00010000" },
	};
	struct stoa_value *nodes = calloc(2 * 65536, sizeof(*nodes));
	char *zeros = calloc(65536, 1);
	struct buf out = BUF_INIT;

	for (int i = 0; i < 2 * 65536; i++)
		nodes[i] = value_text(SLICE(""));
	for (int i = 0; i < COUNT(rows); i++) {
		struct slice s = slice_of(zeros, rows[i].size);
		struct stoa_value view = value_bytes(s), made[] = { value_text(s), value_bytes(s), view,
			value_array(nodes, s.size), value_object(nodes, s.size) };
		const char *heads_[] = { rows[i].text, rows[i].bytes, rows[i].view, rows[i].array, rows[i].map };

		made[2].flags_ = VALUE_ARRAYBUFFER;
		for (int k = 0; k < COUNT(made); k++) {
			struct arena arena = ARENA_INIT;
			size_t body = s.size * (k == 4 ? 2 : 1);

			buf_clear(&out);
			ck_assert_int_eq(msgpack_encode(&out, made[k], MSGPACK_CLIENT), 0);
			ck_assert_uint_eq(out.size, strlen(heads_[k]) / 2 + body);
			ck_assert_str_eq(hex_of(&arena, slice_of(out.at, out.size - body)), heads_[k]);
			ck_assert_ptr_null(msgpack_check(buf_slice(&out), &deep));
			arena_fini(&arena);
		}
	}
	buf_fini(&out);
	free(nodes);
	free(zeros);
}
END_TEST

START_TEST(surrogates_are_replaced)
{
	struct arena arena = ARENA_INIT;

	assert_encodes(&arena, value_text(SLICE("a\xED\xA0\x80z")), MSGPACK_CLIENT, "a561efbfbd7a");
	assert_encodes(&arena, value_text(SLICE("\xED\xBF\xBF")), MSGPACK_BUS, "a3efbfbd");
	assert_encodes(&arena, json_decode(&arena, SLICE("[\"\\ud800\"]"), NULL, 0), MSGPACK_CLIENT, "91a3efbfbd");
	arena_fini(&arena);
}
END_TEST

/* What cannot be sent leaves no trace. */
START_TEST(refused_values)
{
	static const struct stoa_value number = { .kind_ = VALUE_INT };
	const struct stoa_value broken[] = { value_int(1), value_broken() }, key[] = { value_int(1), value_int(2) },
				spread = { .kind_ = VALUE_SPREAD, .as_.at = &number };
	struct stoa_value levels[VALUE_DEPTH_MAX + 1];
	struct buf out = BUF_INIT;

	buf_add_str(&out, "kept");
	ck_assert_int_eq(msgpack_encode(&out, value_text(SLICE("\xFF")), MSGPACK_CLIENT), -EINVAL);
	ck_assert_int_eq(msgpack_encode(&out, value_text(SLICE("\xED\xA0\x80\xFF")), MSGPACK_CLIENT), -EINVAL);
	ck_assert_int_eq(msgpack_encode(&out, value_array(broken, 2), MSGPACK_CLIENT), -EINVAL);
	ck_assert_int_eq(msgpack_encode(&out, value_object(key, 1), MSGPACK_CLIENT), -EINVAL);
	ck_assert_int_eq(msgpack_encode(&out, spread, MSGPACK_CLIENT), -EINVAL);
	ck_assert_int_eq(msgpack_encode_list(&out, &spread, 1, MSGPACK_CLIENT), -EINVAL);
	ck_assert_int_eq(msgpack_encode_list(&out, broken, 2, MSGPACK_CLIENT), -EINVAL);
	levels[VALUE_DEPTH_MAX] = value_array(NULL, 0);
	for (int i = VALUE_DEPTH_MAX; i-- > 0;)
		levels[i] = value_array(&levels[i + 1], 1);
	ck_assert_int_eq(msgpack_encode(&out, levels[0], MSGPACK_CLIENT), -EINVAL);
	ck_assert(slice_equal(buf_slice(&out), SLICE("kept")));
	ck_assert_int_eq(msgpack_encode(&out, levels[1], MSGPACK_CLIENT), 0);
	buf_fini(&out);
}
END_TEST

/* --- Raw values and lists ----------------------------------------------------------------------------------------- */

/* [1, {"a": Date}, undefined, []] without its head. */
#define ITEMS "\x01\x81\xA1\x61\xD7\x00\x00\x00\x00\x00\x00\x00\x00\x00\xD4\x00\x00\x90"

START_TEST(items_open_one_level)
{
	struct arena arena = ARENA_INIT;
	struct stoa_value v = value_of_msgpack_items(&arena, SLICE(ITEMS));

	ck_assert_uint_eq(value_open(v).size_, 4);
	ck_assert_uint_eq(value_at(v, 0).kind_, VALUE_INT);
	ck_assert_uint_eq(value_at(v, 1).kind_, VALUE_RAW);
	ck_assert_uint_eq(value_get(value_at(v, 1), SLICE("a")).kind_, VALUE_TEXT);
	ck_assert_uint_eq(value_at(v, 2).kind_, VALUE_NULL);
	ck_assert_uint_eq(value_at(v, 3).kind_, VALUE_ARRAY);
	assert_json(&arena, v, "[1,{\"a\":\"1970-01-01T00:00:00.000Z\"},null,[]]");
	assert_encodes(&arena, v, MSGPACK_CLIENT, "940181a161d7000000000000000000d4000090");
	assert_encodes(&arena, v, MSGPACK_BUS, "940181a161d6ff00000000c090");
	assert_encodes(&arena, value_copy(&arena, v), MSGPACK_CLIENT, "940181a161d7000000000000000000d4000090");
	assert_encodes(&arena, value_of_msgpack_items(&arena, SLICE("")), MSGPACK_CLIENT, "90");
	arena_fini(&arena);
}
END_TEST

/* The dearest items there are: 70 bytes of the arena for each byte. */
START_TEST(items_are_bounded)
{
	char bytes[2000];
	struct arena arena = ARENA_INIT;

	for (size_t i = 0; i < sizeof(bytes); i += 2)
		memcpy(bytes + i, "\x91\xC0", 2);
	ck_assert_uint_eq(value_open(value_of_msgpack_items(&arena, slice_of(bytes, sizeof(bytes)))).size_, 1000);
	ck_assert_uint_le(arena.total_bytes, 70 * sizeof(bytes));
	arena_fini(&arena);
}
END_TEST

START_TEST(lists_with_spreads)
{
	struct arena arena = ARENA_INIT;
	const struct stoa_value lists[] = { value_of_msgpack_items(&arena, SLICE(ITEMS)), value_array(NULL, 0),
		value_of_items(&arena, SLICE("\"x\",[2]"), 0, NULL, 0),
		value_of_msgpack(&arena, SLICE("\x92\x07\xD4\x00\x00")) };
	const struct stoa_value values[] = { value_text(SLICE("ev")), { .kind_ = VALUE_SPREAD, .as_.at = &lists[0] },
		{ .kind_ = VALUE_SPREAD, .as_.at = &lists[1] }, { .kind_ = VALUE_SPREAD, .as_.at = &lists[2] },
		{ .kind_ = VALUE_SPREAD, .as_.at = &lists[3] } };
	struct buf out = BUF_INIT;

	ck_assert_int_eq(msgpack_encode_list(&out, values, COUNT(values), MSGPACK_CLIENT), 0);
	ck_assert_str_eq(hex_of(&arena, buf_slice(&out)), "99a26576"
							  "0181a161d7000000000000000000d4000090"
							  "a1789102"
							  "07d40000");
	buf_clear(&out);
	ck_assert_int_eq(msgpack_encode_list(&out, values, COUNT(values), MSGPACK_BUS), 0);
	ck_assert_str_eq(hex_of(&arena, buf_slice(&out)), "99a26576"
							  "0181a161d6ff00000000c090"
							  "a1789102"
							  "07c0");
	buf_clear(&out);
	ck_assert_int_eq(msgpack_encode_list(&out, NULL, 0, MSGPACK_CLIENT), 0);
	ck_assert_str_eq(hex_of(&arena, buf_slice(&out)), "90");
	buf_fini(&out);
	arena_fini(&arena);
}
END_TEST

/* MessagePack that stands in JSON and the other way round is written anew. */
START_TEST(raw_in_the_other_encoding)
{
	struct arena arena = ARENA_INIT;
	struct stoa_value json = value_of_json(&arena, SLICE("{ \"a\" : [1.0] }"), 0, NULL, 0);
	struct stoa_value packed = value_of_msgpack(&arena, SLICE("\x82\xA1\x61\xD4\x00\x00\xA1\x62\x91\xC4\x01!"));
	struct json_blobs blobs = { NULL, 0, 0 };
	struct buf out = BUF_INIT;

	assert_encodes(&arena, json, MSGPACK_CLIENT, "81a1619101");
	ck_assert_int_eq(json_encode(&out, packed, &blobs), 0);
	ck_assert(slice_equal(buf_slice(&out), SLICE("{\"b\":[{\"_placeholder\":true,\"num\":0}]}")));
	ck_assert_uint_eq(blobs.count, 1);
	ck_assert(slice_equal(blobs.at[0], SLICE("!")));
	json_blobs_fini(&blobs);
	buf_fini(&out);
	arena_fini(&arena);
}
END_TEST

/* Values of every form in each other, and what is none: as often as it takes. */
START_TEST(json_of_anything_is_that_of_its_tree)
{
	static const struct slice pieces[] = { { "\xC0", 1 }, { "\xC3", 1 }, { "\x07", 1 }, { "\xFE", 1 },
		{ "\xCD\x01\x02", 3 }, { "\xCF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 9 }, { "\xD1\x80\x00", 3 },
		{ "\xCA\x3F\xC0\x00\x00", 5 }, { "\xCB\x7F\xF8\x00\x00\x00\x00\x00\x00", 9 },
		{ "\xCB\x80\x00\x00\x00\x00\x00\x00\x00", 9 }, { "\xA0", 1 }, { "\xA3\x61\"\n", 4 },
		{ "\xA5\xC3\xA9\xE2\x82\xAC", 6 }, { "\xA1\xFF", 2 }, { "\xC4\x02!?", 4 }, { "\xD4\x00\x00", 3 },
		{ "\xD7\x00\x00\x00\x01\x8B\xCF\xE5\x68\x7B", 10 }, { "\xD6\xFF\x65\x53\xF1\x00", 6 },
		{ "\xC7\x02\x00!?", 5 }, { "\xD5\x07!?", 4 }, { "\x90", 1 }, { "\x92", 1 }, { "\x80", 1 },
		{ "\x81", 1 }, { "\x82", 1 }, { "\xDC\x00\x03", 3 } };
	uint32_t seed = 7;

	for (int i = 0; i < 300; i++) {
		struct buf bytes = BUF_INIT;

		for (int n = 1 + i % 24; n > 0; n--) {
			seed = seed * 1664525 + 1013904223;
			buf_add_slice(&bytes, pieces[(seed >> 16) % COUNT(pieces)]);
		}
		assert_json_of_tree(buf_slice(&bytes));
		for (size_t n = 1; n < bytes.size; n++) {
			struct slice one = buf_slice(&bytes), first;

			if (msgpack_scan(one, &deep, 0, &first) == NULL)
				assert_json_of_tree(first);
			buf_drop_front(&bytes, 1);
		}
		buf_fini(&bytes);
	}
}
END_TEST

/* Whatever the arena grants, the answer is the whole tree or a broken value. */
START_TEST(memory_runs_out)
{
	struct slice bytes = SLICE("\x93\xA1\x61\x82\xA1\x62\x93\x01\x02\x81\x05\xA2\xC3\xA9\xA1\x64\xD4\x07\x01\x91"
				   "\xD7\x00\x00\x00\x00\x00\x00\x00\x00\x00");
	struct arena arena = ARENA_INIT, spare = ARENA_INIT;
	bool broken = true;

	ck_assert_ptr_null(msgpack_check(bytes, &deep));
	for (size_t limit = 1; broken; limit += 8) {
		struct stoa_value v;
		arena_limit(&arena, limit);
		v = msgpack_decode(&arena, bytes, MSGPACK_CLIENT);
		broken = v.kind_ == VALUE_BROKEN;
		if (!broken)
			assert_encodes(&spare, v, MSGPACK_CLIENT,
				"93a16182a16293010281a135a2c3a9a1649207c4010191d7000000000000000000");
		arena_fini(&arena);
	}
	arena_fini(&spare);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("msgpack");
	TCase *t = tcase_create("msgpack");

	tcase_add_loop_test(t, as_notepack_writes_it, 0, COUNT(same));
	tcase_add_loop_test(t, as_others_write_it, 0, COUNT(read_only));
	tcase_add_loop_test(t, timestamps_of_the_bus, 0, COUNT(timestamps));
	tcase_add_loop_test(t, refused_bytes, 0, COUNT(refused));
	tcase_add_loop_test(t, truncated_anywhere, 0, COUNT(same));
	tcase_add_test(t, depth_is_bounded);
	tcase_add_test(t, claims_cost_nothing);
	tcase_add_test(t, heads);
	tcase_add_test(t, numbers_at_every_edge);
	tcase_add_test(t, heads_are_shortest);
	tcase_add_test(t, surrogates_are_replaced);
	tcase_add_test(t, refused_values);
	tcase_add_test(t, items_open_one_level);
	tcase_add_test(t, items_are_bounded);
	tcase_add_test(t, lists_with_spreads);
	tcase_add_test(t, raw_in_the_other_encoding);
	tcase_add_test(t, json_of_anything_is_that_of_its_tree);
	tcase_add_test(t, memory_runs_out);
	suite_add_tcase(s, t);
	return s;
}
