/* http1_date.c - dates as HTTP writes them; see http1.h. */
#include <time.h>

#include "http1.h"

static const char days[] = "SunMonTueWedThuFriSat", months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

/* Not strftime(), which speaks the locale's language. */
void http_put_date_value(struct buf *to, int64_t wall_ms)
{
	time_t seconds = (time_t)(wall_ms / 1000);
	struct tm tm;

	gmtime_r(&seconds, &tm);
	buf_printf(to, "%.3s, %02d %.3s %04d %02d:%02d:%02d GMT", days + 3 * tm.tm_wday, tm.tm_mday,
		months + 3 * tm.tm_mon, tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

void http_put_date(struct buf *to, int64_t wall_ms)
{
	buf_add_str(to, "Date: ");
	http_put_date_value(to, wall_ms);
	buf_add_str(to, "\r\n");
}

/* -1: not `digits` of them. */
static int number(struct slice text, size_t at, size_t digits)
{
	int n = 0;

	for (size_t i = at; i < at + digits; i++) {
		if (text.at[i] < '0' || text.at[i] > '9')
			return -1;
		n = n * 10 + (text.at[i] - '0');
	}
	return n;
}

static int month(struct slice text, size_t at)
{
	for (int i = 0; i < 12; i++)
		if (memcmp(months + 3 * i, text.at + at, 3) == 0)
			return i;
	return -1;
}

/* The form with everything that is not looked at left out; the day of the week is one of those. */
static bool is_date_form(struct slice text)
{
	static const char form[] = "???, ?? ??? ???? ??:??:?? GMT";

	if (text.size != sizeof(form) - 1)
		return false;
	for (size_t i = 0; i < text.size; i++)
		if (form[i] != '?' && form[i] != text.at[i])
			return false;
	return true;
}

bool http_parse_date(struct slice text, int64_t *seconds)
{
	struct tm tm = { 0 };

	if (!is_date_form(text))
		return false;
	tm.tm_mday = number(text, 5, 2);
	tm.tm_mon = month(text, 8);
	tm.tm_year = number(text, 12, 4) - 1900;
	tm.tm_hour = number(text, 17, 2);
	tm.tm_min = number(text, 20, 2);
	tm.tm_sec = number(text, 23, 2);
	if (tm.tm_mday < 1 || tm.tm_mday > 31 || tm.tm_mon < 0 || tm.tm_year < 0 || tm.tm_hour < 0 || tm.tm_hour > 23 ||
		tm.tm_min < 0 || tm.tm_min > 59 || tm.tm_sec < 0 || tm.tm_sec > 60)
		return false;
	*seconds = timegm(&tm);
	return true;
}
