/* test_units.c - durations and sizes: what is accepted, what is refused and why, and the way back to text. */
#include <stdlib.h>

#include "config.h"
#include "test_main.h"

typedef const char *parse_fn(const char *text, int64_t *value);
typedef void format_fn(int64_t value, struct buf *to);

static const struct {
	const char *text;
	int64_t value;
	const char *formatted; /* NULL: as `text` */
} durations[] = {
	{ "0ms", 0, "0s" },
	{ "0s", 0, NULL },
	{ "1ms", 1, NULL },
	{ "999ms", 999, NULL },
	{ "1000ms", 1000, "1s" },
	{ "1001ms", 1001, NULL },
	{ "25s", 25000, NULL },
	{ "59s", 59000, NULL },
	{ "60s", 60000, "1m" },
	{ "65s", 65000, NULL },
	{ "90m", 5400000, NULL },
	{ "2h", 7200000, NULL },
	{ "24h", 86400000, NULL },
	{ "007s", 7000, "7s" },
	{ "9223372036854775806ms", INT64_MAX - 1, NULL },
	{ "2562047788015h", 2562047788015 * 3600000, NULL },
}, sizes[] = {
	{ "0B", 0, NULL },
	{ "1B", 1, NULL },
	{ "512B", 512, NULL },
	{ "1000B", 1000, "1KB" },
	{ "1024B", 1024, "1KiB" },
	{ "1KiB", 1024, NULL },
	{ "16KB", 16000, NULL },
	{ "16KiB", 16384, NULL },
	{ "1MB", 1000000, NULL },
	{ "1MiB", 1048576, NULL },
	{ "1500KB", 1500000, NULL },
	{ "2GB", 2000000000, NULL },
	{ "3GiB", 3221225472, NULL },
	{ "1024000B", 1024000, "1024KB" },
	{ "9223372036854775806B", INT64_MAX - 1, NULL },
};
enum { DURATIONS = sizeof(durations) / sizeof(durations[0]), SIZES = sizeof(sizes) / sizeof(sizes[0]) };

static void check_value(parse_fn *parse, format_fn *format, const char *text, int64_t value, const char *formatted)
{
	struct buf back = BUF_INIT;
	int64_t found = -1;

	ck_assert_ptr_null(parse(text, &found));
	ck_assert_int_eq(found, value);
	format(found, &back);
	buf_add_char(&back, '\0');
	ck_assert_str_eq(back.at, formatted ? formatted : text);
	buf_fini(&back);
}

START_TEST(duration_is_read_and_written)
{
	check_value(config_parse_duration, config_format_duration, durations[_i].text, durations[_i].value,
		durations[_i].formatted);
}
END_TEST

START_TEST(size_is_read_and_written)
{
	check_value(config_parse_size, config_format_size, sizes[_i].text, sizes[_i].value, sizes[_i].formatted);
}
END_TEST

#define DURATION_FORM "is not a duration; write it like 300ms, 25s, 10m or 2h"
#define DURATION_NONE "has no unit; write it like 300ms, 25s, 10m or 2h"
#define DURATION_UNIT "has an unknown unit; known are ms, s, m and h"
#define SIZE_FORM     "is not a size; write it like 512B, 64KB, 1MB or 1MiB"
#define SIZE_NONE     "has no unit; write it like 512B, 64KB, 1MB or 1MiB"
#define SIZE_UNIT     "has an unknown unit; known are B, KB, MB, GB, KiB, MiB and GiB"

static const struct {
	parse_fn *parse;
	const char *text, *wrong;
} refused[] = {
	{ config_parse_duration, "", DURATION_FORM },
	{ config_parse_duration, "s", DURATION_FORM },
	{ config_parse_duration, "-1s", DURATION_FORM },
	{ config_parse_duration, "+1s", DURATION_FORM },
	{ config_parse_duration, " 1s", DURATION_FORM },
	{ config_parse_duration, ".5s", DURATION_FORM },
	{ config_parse_duration, "0", DURATION_NONE },
	{ config_parse_duration, "25", DURATION_NONE },
	{ config_parse_duration, "99999999999999999999999", DURATION_NONE },
	{ config_parse_duration, "1.5s", "has a fraction; write whole numbers, as in 1500ms" },
	{ config_parse_duration, "1,5s", "has a fraction; write whole numbers, as in 1500ms" },
	{ config_parse_duration, "25 s", DURATION_UNIT },
	{ config_parse_duration, "25S", DURATION_UNIT },
	{ config_parse_duration, "1d", DURATION_UNIT },
	{ config_parse_duration, "1ss", DURATION_UNIT },
	{ config_parse_duration, "1h30m", DURATION_UNIT },
	{ config_parse_duration, "0x10s", DURATION_UNIT },
	{ config_parse_duration, "1KB", DURATION_UNIT },
	{ config_parse_duration, "9223372036854775807ms", "is too large" },
	{ config_parse_duration, "9223372036854775808ms", "is too large" },
	{ config_parse_duration, "99999999999999999999999ms", "is too large" },
	{ config_parse_duration, "2562047788016h", "is too large" },
	{ config_parse_size, "", SIZE_FORM },
	{ config_parse_size, "-1B", SIZE_FORM },
	{ config_parse_size, "1000000", SIZE_NONE },
	{ config_parse_size, "1.5MB", "has a fraction; write whole numbers, as in 1500KB" },
	{ config_parse_size, "1mb", SIZE_UNIT },
	{ config_parse_size, "1M", SIZE_UNIT },
	{ config_parse_size, "1KBB", SIZE_UNIT },
	{ config_parse_size, "9223372037GB", "is too large" },
	{ config_parse_size, "9223372036854775807B", "is too large" },
	{ config_parse_size, "18446744073709551616B", "is too large" },
};

START_TEST(wrong_text_is_refused)
{
	int64_t value = 42;

	ck_assert_str_eq(refused[_i].parse(refused[_i].text, &value), refused[_i].wrong);
	ck_assert_int_eq(value, 42);
}
END_TEST

/* Whatever the number, its shortest text reads back as that number. */
START_TEST(text_reads_back)
{
	uint64_t seed = 88172645463325252u;

	for (int i = 0; i < 20000; i++) {
		struct buf text = BUF_INIT;
		int64_t value, found;

		seed ^= seed << 13;
		seed ^= seed >> 7;
		seed ^= seed << 17;
		value = (int64_t)(seed >> (seed % 40 + 13)) * (i % 3 ? 1 : 500); /* every length, some of them round */
		(i % 2 ? config_format_size : config_format_duration)(value, &text);
		buf_add_char(&text, '\0');
		ck_assert_ptr_null((i % 2 ? config_parse_size : config_parse_duration)(text.at, &found));
		ck_assert_int_eq(found, value);
		buf_fini(&text);
	}
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("units");
	TCase *t = tcase_create("units");

	tcase_add_loop_test(t, duration_is_read_and_written, 0, DURATIONS);
	tcase_add_loop_test(t, size_is_read_and_written, 0, SIZES);
	tcase_add_loop_test(t, wrong_text_is_refused, 0, (int)(sizeof(refused) / sizeof(refused[0])));
	tcase_add_test(t, text_reads_back);
	suite_add_tcase(s, t);
	return s;
}
