/* units.c - durations and sizes as people write them: a whole number and a unit. See config.h. */
#include <inttypes.h>

#include "config.h"

struct unit {
	const char *name;
	int64_t factor;
};

/* From the smallest; formatting takes the last that divides. */
static const struct unit durations[] = {
	{ "ms", 1 },
	{ "s", 1000 },
	{ "m", 60 * 1000 },
	{ "h", 60 * 60 * 1000 },
	{ NULL, 0 },
};
static const struct unit sizes[] = {
	{ "B", 1 },
	{ "KiB", 1 << 10 },
	{ "MiB", 1 << 20 },
	{ "GiB", 1 << 30 },
	{ "KB", 1000 },
	{ "MB", 1000 * 1000 },
	{ "GB", 1000 * 1000 * 1000 },
	{ NULL, 0 },
};

static const struct unit *find_unit(const struct unit *units, const char *name)
{
	for (; units->name; units++)
		if (strcmp(units->name, name) == 0)
			return units;
	return NULL;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The digits at *text, which moves behind them. Too many stay at INT64_MAX, which no unit can make fit. */
static int64_t take_number(const char **text)
{
	int64_t n = 0;

	for (; is_digit(**text); (*text)++) {
		int digit = **text - '0';

		n = n > (INT64_MAX - digit) / 10 ? INT64_MAX : n * 10 + digit;
	}
	return n;
}

/* The messages of one kind of unit. */
struct messages {
	const char *form, *none, *fraction, *unknown;
};

static const char *parse(const struct unit *units, const struct messages *wrong, const char *text, int64_t *value)
{
	const struct unit *unit;
	int64_t n;

	if (!is_digit(*text))
		return wrong->form;
	n = take_number(&text);
	if (*text == '\0')
		return wrong->none;
	if (*text == '.' || *text == ',')
		return wrong->fraction;
	unit = find_unit(units, text);
	if (unit == NULL)
		return wrong->unknown;
	if (n > (INT64_MAX - 1) / unit->factor)
		return "is too large";
	*value = n * unit->factor;
	return NULL;
}

const char *config_parse_duration(const char *text, int64_t *ms)
{
	static const struct messages wrong = {
		.form = "is not a duration; write it like 300ms, 25s, 10m or 2h",
		.none = "has no unit; write it like 300ms, 25s, 10m or 2h",
		.fraction = "has a fraction; write whole numbers, as in 1500ms",
		.unknown = "has an unknown unit; known are ms, s, m and h",
	};

	return parse(durations, &wrong, text, ms);
}

const char *config_parse_size(const char *text, int64_t *bytes)
{
	static const struct messages wrong = {
		.form = "is not a size; write it like 512B, 64KB, 1MB or 1MiB",
		.none = "has no unit; write it like 512B, 64KB, 1MB or 1MiB",
		.fraction = "has a fraction; write whole numbers, as in 1500KB",
		.unknown = "has an unknown unit; known are B, KB, MB, GB, KiB, MiB and GiB",
	};

	return parse(sizes, &wrong, text, bytes);
}

static void format(const struct unit *units, int64_t value, const char *zero, struct buf *to)
{
	const struct unit *best = units;

	if (value == 0) {
		buf_add_str(to, zero);
		return;
	}
	for (; units->name; units++)
		if (value % units->factor == 0)
			best = units;
	buf_printf(to, "%" PRId64 "%s", value / best->factor, best->name);
}

void config_format_duration(int64_t ms, struct buf *to)
{
	format(durations, ms, "0s", to);
}

void config_format_size(int64_t bytes, struct buf *to)
{
	format(sizes, bytes, "0B", to);
}
