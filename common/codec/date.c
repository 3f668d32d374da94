/*
 * date.c - see date.h.
 *
 * Days are counted in years that begin in March, so that the leap day is a year's last and the months before it have
 * lengths that repeat: 153 days for every five. 400 years are one round of the calendar.
 */
#include "date.h"

enum { DAY_MS = 86400000, ROUND_DAYS = 146097, EPOCH_DAYS = 719468 /* from March 1st of year 0 to 1970 */ };

struct day {
	int64_t year;
	unsigned month, day; /* from 1 */
};

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

static struct day day_of(int64_t days)
{
	int64_t shifted = days + EPOCH_DAYS, round = floor_div(shifted, ROUND_DAYS);
	unsigned in_round = (unsigned)(shifted - round * ROUND_DAYS);
	unsigned year = (in_round - in_round / 1460 + in_round / 36524 - in_round / 146096) / 365;
	unsigned in_year = in_round - (365 * year + year / 4 - year / 100);
	unsigned march = (5 * in_year + 2) / 153;
	unsigned month = march < 10 ? march + 3 : march - 9;

	return (struct day){ round * 400 + year + (month <= 2), month, in_year - (153 * march + 2) / 5 + 1 };
}

static int64_t days_of(struct day d)
{
	int64_t year = d.year - (d.month <= 2), round = floor_div(year, 400);
	unsigned in_round = (unsigned)(year - round * 400);
	unsigned march = d.month > 2 ? d.month - 3 : d.month + 9;
	unsigned in_year = (153 * march + 2) / 5 + d.day - 1;

	return round * ROUND_DAYS + 365 * in_round + in_round / 4 - in_round / 100 + in_year - EPOCH_DAYS;
}

static char *put_digits(char *to, unsigned n, unsigned digits, char behind)
{
	for (unsigned i = digits; i-- > 0; n /= 10)
		to[i] = (char)('0' + n % 10);
	to[digits] = behind;
	return to + digits + 1;
}

size_t date_put(char to[DATE_TEXT_MAX], int64_t ms)
{
	int64_t days;
	unsigned rest;
	struct day d;
	char *at = to;

	if (ms < -DATE_MS_MAX || ms > DATE_MS_MAX)
		return 0;
	days = floor_div(ms, DAY_MS);
	rest = (unsigned)(ms - days * DAY_MS);
	d = day_of(days);
	if (d.year >= 0 && d.year <= 9999) {
		at = put_digits(at, (unsigned)d.year, 4, '-');
	} else {
		*at++ = d.year < 0 ? '-' : '+';
		at = put_digits(at, (unsigned)(d.year < 0 ? -d.year : d.year), 6, '-');
	}
	at = put_digits(at, d.month, 2, '-');
	at = put_digits(at, d.day, 2, 'T');
	at = put_digits(at, rest / 3600000, 2, ':');
	at = put_digits(at, rest / 60000 % 60, 2, ':');
	at = put_digits(at, rest / 1000 % 60, 2, '.');
	at = put_digits(at, rest % 1000, 3, 'Z');
	return (size_t)(at - to);
}

/* Takes `digits` digits and the character behind them. */
static bool take_digits(struct slice *text, unsigned digits, char behind, unsigned *n)
{
	*n = 0;
	if (text->size <= digits || text->at[digits] != behind)
		return false;
	for (unsigned i = 0; i < digits; i++) {
		if (text->at[i] < '0' || text->at[i] > '9')
			return false;
		*n = *n * 10 + (unsigned)(text->at[i] - '0');
	}
	*text = slice_from(*text, digits + 1);
	return true;
}

static bool take_year(struct slice *text, int64_t *year)
{
	bool is_long = text->size && (text->at[0] == '-' || text->at[0] == '+');
	int64_t sign = is_long && text->at[0] == '-' ? -1 : 1;
	unsigned n;

	if (is_long)
		*text = slice_from(*text, 1);
	if (!take_digits(text, is_long ? 6 : 4, '-', &n))
		return false;
	*year = sign * (int64_t)n;
	return true;
}

bool date_parse(struct slice text, int64_t *ms)
{
	struct slice rest = text;
	unsigned hour, minute, second, thousandth;
	char again[DATE_TEXT_MAX];
	struct day d;

	if (!take_year(&rest, &d.year) || !take_digits(&rest, 2, '-', &d.month) ||
		!take_digits(&rest, 2, 'T', &d.day) || !take_digits(&rest, 2, ':', &hour) ||
		!take_digits(&rest, 2, ':', &minute) || !take_digits(&rest, 2, '.', &second) ||
		!take_digits(&rest, 3, 'Z', &thousandth) || d.month == 0 || d.month > 12)
		return false;
	*ms = days_of(d) * DAY_MS + ((hour * 60 + minute) * 60 + second) * INT64_C(1000) + thousandth;
	/* The 31st of a month of 30 days, an hour 24, a year that has a shorter form: none comes back the same. */
	return slice_equal(slice_of(again, date_put(again, *ms)), text);
}
