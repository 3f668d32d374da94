/* test_unpack.c - arguments read by the type of the place. */
#include "rig.h"

#include <string.h>

static bool b;
static signed char i8;
static uint8_t u8;
static short i16;
static unsigned short u16;
static int i32;
static unsigned u32;
static long i64;
static unsigned long long u64;
static double d;
static const char *text, *other;
static struct stoa_bytes bytes;
static struct stoa_value value;

static int read_bool(struct stoa_event *ev)
{
	return stoa_unpack(ev, &b);
}
static int read_i8(struct stoa_event *ev)
{
	return stoa_unpack(ev, &i8);
}
static int read_u8(struct stoa_event *ev)
{
	return stoa_unpack(ev, &u8);
}
static int read_i16(struct stoa_event *ev)
{
	return stoa_unpack(ev, &i16);
}
static int read_u16(struct stoa_event *ev)
{
	return stoa_unpack(ev, &u16);
}
static int read_i32(struct stoa_event *ev)
{
	return stoa_unpack(ev, &i32);
}
static int read_u32(struct stoa_event *ev)
{
	return stoa_unpack(ev, &u32);
}
static int read_i64(struct stoa_event *ev)
{
	return stoa_unpack(ev, &i64);
}
static int read_u64(struct stoa_event *ev)
{
	return stoa_unpack(ev, &u64);
}
static int read_double(struct stoa_event *ev)
{
	return stoa_unpack(ev, &d);
}
static int read_text(struct stoa_event *ev)
{
	return stoa_unpack(ev, &text);
}
static int read_bytes(struct stoa_event *ev)
{
	return stoa_unpack(ev, &bytes);
}
static int read_value(struct stoa_event *ev)
{
	return stoa_unpack(ev, &value);
}
static int read_two(struct stoa_event *ev)
{
	return stoa_unpack(ev, &i32, &text);
}
static int read_fields(struct stoa_event *ev)
{
	return stoa_unpack(ev, stoa_fields("username", &text, "room", &other));
}
static int read_optional(struct stoa_event *ev)
{
	return stoa_unpack(ev, &i32, stoa_optional(&text), stoa_optional(stoa_fields("n", &u8)));
}
static int read_nested(struct stoa_event *ev)
{
	return stoa_unpack(
		ev, stoa_fields("user", stoa_fields("name", &text, "age", stoa_optional(&u8)), "any", &value));
}
static int read_only_optional(struct stoa_event *ev)
{
	return stoa_unpack(ev, stoa_fields("n", stoa_optional(&u8)));
}
static int read_key(struct stoa_event *ev)
{
	return stoa_unpack(ev, "key");
}

#define INT "argument 1: expected integer"

static const struct {
	stoa_fn *fn;
	const char *items;
	const char *error; /* NULL: it is read */
} rows[] = {
	{ read_bool, "true", NULL },
	{ read_bool, "1", "argument 1: expected bool" },
	{ read_bool, "null", "argument 1: expected bool" },
	{ read_i8, "-128", NULL },
	{ read_i8, "127", NULL },
	{ read_i8, "128", INT " from -128 to 127" },
	{ read_i8, "-129", INT " from -128 to 127" },
	{ read_u8, "255", NULL },
	{ read_u8, "256", INT " from 0 to 255" },
	{ read_u8, "-1", INT " from 0 to 255" },
	{ read_i16, "-32768", NULL },
	{ read_i16, "32768", INT " from -32768 to 32767" },
	{ read_u16, "65535", NULL },
	{ read_u16, "65536", INT " from 0 to 65535" },
	{ read_i32, "2147483647", NULL },
	{ read_i32, "2147483648", INT " from -2147483648 to 2147483647" },
	{ read_i32, "1.0", NULL },
	{ read_i32, "-1e3", NULL },
	{ read_i32, "1.5", INT },
	{ read_i32, "1e400", INT },
	{ read_i32, "\"1\"", INT },
	{ read_i32, "true", INT },
	{ read_i32, "[1]", INT },
	{ read_u32, "4294967295", NULL },
	{ read_u32, "4294967296", INT " from 0 to 4294967295" },
	{ read_i64, "9223372036854775807", NULL },
	{ read_i64, "-9223372036854775808", NULL },
	{ read_i64, "9223372036854775808", INT " from -9223372036854775808 to 9223372036854775807" },
	{ read_i64, "1e18", NULL },
	{ read_i64, "1e19", INT " from -9223372036854775808 to 9223372036854775807" },
	{ read_i64, "1e20", INT },
	{ read_u64, "18446744073709551615", NULL },
	{ read_u64, "1e19", NULL },
	{ read_u64, "-1", INT " from 0 to 18446744073709551615" },
	{ read_double, "1.5", NULL },
	{ read_double, "5", NULL },
	{ read_double, "18446744073709551615", NULL },
	{ read_double, "\"5\"", "argument 1: expected number" },
	{ read_text, "\"\"", NULL },
	{ read_text, "5", "argument 1: expected text" },
	{ read_text, "null", "argument 1: expected text" },
	{ read_text, "\"a\\u0000b\"", "argument 1: expected text without NUL" },
	{ read_text, "", "argument 1: expected text" },
	{ read_bytes, "\"text\"", "argument 1: expected binary" },
	{ read_value, "null", NULL },
	{ read_value, "{}", NULL },
	{ read_value, "", "argument 1: expected value" },
	{ read_two, "1,\"a\"", NULL },
	{ read_two, "1,\"a\",2,3", NULL },
	{ read_two, "1", "argument 2: expected text" },
	{ read_two, "1,2", "argument 2: expected text" },
	{ read_fields, "{\"room\":\"r\",\"username\":\"u\",\"more\":1}", NULL },
	{ read_fields, "{\"username\":\"u\"}", "argument 1: expected object with text `room`" },
	{ read_fields, "{\"username\":\"u\",\"room\":5}", "argument 1: expected object with text `room`" },
	{ read_fields, "{}", "argument 1: expected object with text `username`" },
	{ read_fields, "[]", "argument 1: expected object with text `username`" },
	{ read_fields, "", "argument 1: expected object with text `username`" },
	{ read_optional, "1", NULL },
	{ read_optional, "1,null,null", NULL },
	{ read_optional, "1,\"a\",{\"n\":5}", NULL },
	{ read_optional, "1,2", "argument 2: expected text" },
	{ read_optional, "1,null,{}", "argument 3: expected object with integer `n`" },
	{ read_nested, "{\"user\":{\"name\":\"x\"},\"any\":null}", NULL },
	{ read_nested, "{\"user\":{\"name\":\"x\",\"age\":300},\"any\":1}",
		"argument 1: expected object with object with integer from 0 to 255 `age` `user`" },
	{ read_nested, "{\"user\":{\"name\":\"x\"}}", "argument 1: expected object with value `any`" },
	{ read_only_optional, "{}", NULL },
	{ read_only_optional, "5", "argument 1: expected object" },
	{ read_key, "\"key\"", "argument 1: expected a place to read into, which the handler did not give" },
};

START_TEST(reading)
{
	struct buf want = BUF_INIT;

	rig_go_ack(rows[_i].fn, rows[_i].items, 1);
	if (rows[_i].error)
		buf_printf(&want, "ack 1 [{\"error\":\"%s\"}] to A\n", rows[_i].error);
	else
		buf_printf(&want, "ack 1 [] to A\n");
	buf_add_char(&want, '\0');
	ck_assert_str_eq(rig_log(), want.at);
	buf_fini(&want);
}
END_TEST

static int stores(struct stoa_event *ev)
{
	IS(stoa_unpack(ev, &b, &i8, &u8, &i16, &u16, &i32, &u32, &i64, &u64, &d, &text, &value), 0);
	ck_assert(b);
	ck_assert_int_eq(i8, -1);
	ck_assert_uint_eq(u8, 200);
	ck_assert_int_eq(i16, -300);
	ck_assert_uint_eq(u16, 60000);
	ck_assert_int_eq(i32, -70000);
	ck_assert_uint_eq(u32, 4000000000U);
	ck_assert_int_eq(i64, -5000000000L);
	ck_assert_uint_eq(u64, 18000000000000000000ULL);
	ck_assert_double_eq(d, 0.25);
	ck_assert_str_eq(text, "text");
	ck_assert_uint_eq(stoa_size(value), 3);
	return 0;
}

START_TEST(every_type_is_stored)
{
	rig_go_ack(stores,
		"true,-1,200,-300,60000,-70000,4000000000,-5000000000,18000000000000000000,0.25,\"text\",[1,2,3]", 1);
	ck_assert_str_eq(rig_log(), "ack 1 [] to A\n");
}
END_TEST

static int stores_bytes(struct stoa_event *ev)
{
	IS(stoa_unpack(ev, stoa_fields("b", &bytes)), 0);
	ck_assert_uint_eq(bytes.size, 3);
	ck_assert_int_eq(memcmp(bytes.at, "abc", 3), 0);
	return stoa_emit(ev, "ok");
}

START_TEST(binary_is_stored)
{
	struct slice blob = SLICE("abc");

	rig.fn = stores_bytes;
	rig_event_blobs("go", "{\"b\":{\"_placeholder\":true,\"num\":0}}", &blob, 1);
	ck_assert_str_eq(rig_log(), "emit [\"ok\"] to A\n");
}
END_TEST

static int stores_nothing(struct stoa_event *ev)
{
	int first = 7;
	const char *second = "as it was";

	IS(stoa_unpack(ev, &first, stoa_fields("a", &second, "b", &first)), STOA_EINPUT);
	ck_assert_int_eq(first, 7);
	ck_assert_str_eq(second, "as it was");
	return 0;
}

START_TEST(nothing_is_stored_on_failure)
{
	rig_go_ack(stores_nothing, "1,{\"a\":\"x\",\"b\":\"no number\"}", 1);
	ck_assert_str_eq(rig_log(), "ack 1 [] to A\n");
}
END_TEST

static int leaves_alone(struct stoa_event *ev)
{
	const char *t = "default";
	int n = 5;

	IS(stoa_unpack(ev, stoa_optional(&t), stoa_fields("n", stoa_optional(&n))), 0);
	return stoa_emit(ev, "e", t, n);
}

START_TEST(optional_places_are_left_alone)
{
	rig_go(leaves_alone, "null,{}");
	ck_assert_str_eq(rig_log(), "emit [\"e\",\"default\",5] to A\n");
	rig_go(leaves_alone, "\"x\",{\"n\":6}");
	ck_assert_str_eq(rig_log(), "emit [\"e\",\"x\",6] to A\n");
}
END_TEST

static int reads_one(struct stoa_event *ev)
{
	int n = 0;

	IS(stoa_read(stoa_arg(ev, 0), &n), 0);
	IS(stoa_type(stoa_arg(ev, 100)), STOA_NULL);
	ck_assert_int_eq(n, 5);
	IS(stoa_read(stoa_at(stoa_args(ev), 0), &text), STOA_EINPUT);
	IS(stoa_read(stoa_at(stoa_args(ev), 1), stoa_fields("a", stoa_fields("b", &n))), 0);
	ck_assert_int_eq(n, 6);
	IS(stoa_read(stoa_bool(true), &n), STOA_EINPUT);
	return -1;
}

START_TEST(one_value_is_read_without_a_message)
{
	rig_go_ack(reads_one, "5,{\"a\":{\"b\":6}}", 1);
	ck_assert_str_eq(rig_log(), "ack 1 [{\"error\":\"the handler failed\"}] to A\n");
}
END_TEST

TCase *case_unpack(void)
{
	TCase *tc = tcase_create("unpack");

	tcase_add_checked_fixture(tc, rig_begin, rig_end);
	tcase_add_loop_test(tc, reading, 0, (int)(sizeof(rows) / sizeof(*rows)));
	tcase_add_test(tc, every_type_is_stored);
	tcase_add_test(tc, binary_is_stored);
	tcase_add_test(tc, nothing_is_stored_on_failure);
	tcase_add_test(tc, optional_places_are_left_alone);
	tcase_add_test(tc, one_value_is_read_without_a_message);
	return tc;
}
