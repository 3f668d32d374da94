/* log.c - see log.h. */
#include "log.h"

#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "buf.h"
#include "clock.h"

static const char *const level_names[] = { "error", "warn", "info", "debug" };
/* Background tasks of an application log from threads of their own. */
static _Atomic enum log_level threshold = LOG_INFO;
static _Atomic uint64_t dropped;
static int worker = -1; /* set before there are threads */

bool log_on(enum log_level level)
{
	return level <= threshold;
}

void log_set_level(enum log_level level)
{
	threshold = level;
}

uint64_t log_dropped(void)
{
	return dropped;
}

void log_set_worker(int index)
{
	worker = index;
}

bool log_level_of(const char *name, enum log_level *level_r)
{
	for (size_t i = 0; i < sizeof(level_names) / sizeof(level_names[0]); i++) {
		if (strcmp(name, level_names[i]) == 0) {
			*level_r = (enum log_level)i;
			return true;
		}
	}
	return false;
}

/* --- A line ------------------------------------------------------------------------------------------------------- */

/* poll(2) promises room for PIPE_BUF bytes in a pipe; more could block. What is over that is left out. */
struct line {
	size_t size;
	char at[PIPE_BUF];
};

static void put(struct line *l, const char *at, size_t size)
{
	size_t room = sizeof(l->at) - 1 - l->size; /* the line's end always fits */

	if (size > room)
		size = room;
	if (size)
		memcpy(l->at + l->size, at, size);
	l->size += size;
}

static void put_char(struct line *l, char c)
{
	put(l, &c, 1);
}

static void put_str(struct line *l, const char *text)
{
	put(l, text, strlen(text));
}

static void put_number(struct line *l, int64_t n)
{
	char digits[INT_DIGITS_MAX];

	put(l, digits, int_digits(digits, n));
}

static bool is_plain(struct slice s)
{
	for (size_t i = 0; i < s.size; i++) {
		char c = s.at[i];
		if (c <= ' ' || c >= 0x7F || c == '"' || c == '=' || c == '\\')
			return false;
	}
	return s.size > 0;
}

static void put_escaped(struct line *l, unsigned char c)
{
	static const char hex[] = "0123456789abcdef";

	if (c == '"' || c == '\\')
		put(l, (char[]){ '\\', (char)c }, 2);
	else if (c < ' ' || c >= 0x7F)
		put(l, (char[]){ '\\', 'x', hex[c >> 4], hex[c & 15] }, 4);
	else
		put_char(l, (char)c);
}

static void put_quoted(struct line *l, struct slice s)
{
	put_char(l, '"');
	for (size_t i = 0; i < s.size && l->size < sizeof(l->at) - 1; i++)
		put_escaped(l, (unsigned char)s.at[i]);
	put_char(l, '"');
}

/* Many lines fall into one second. */
static void put_time(struct line *l)
{
	static _Thread_local int64_t second = -1;
	static _Thread_local char text[sizeof("2024-02-29T12:34:56")];
	int64_t now = clock_wall_ms(), ms = now % 1000;

	if (now / 1000 != second) {
		time_t seconds = (time_t)(now / 1000);
		struct tm tm;

		gmtime_r(&seconds, &tm);
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
		second = now / 1000;
	}
	put_str(l, text);
	put(l, (char[]){ '.', (char)('0' + ms / 100), (char)('0' + ms / 10 % 10), (char)('0' + ms % 10), 'Z' }, 5);
}

static void put_pair(struct line *l, const struct log_pair *p)
{
	put_char(l, ' ');
	put_str(l, p->key);
	put_char(l, '=');
	if (!p->is_text)
		put_number(l, p->number);
	else if (is_plain(p->text))
		put(l, p->text.at, p->text.size);
	else
		put_quoted(l, p->text);
}

/* --- Writing it --------------------------------------------------------------------------------------------------- */

static void write_line(const struct line *l)
{
	struct pollfd ready = { .fd = STDERR_FILENO, .events = POLLOUT };

	if (poll(&ready, 1, 0) != 1 || write(STDERR_FILENO, l->at, l->size) < 0)
		dropped++;
}

void log_write(enum log_level level, const char *event, const struct log_pair *pairs)
{
	struct line line;

	line.size = 0;
	put_time(&line);
	put_char(&line, ' ');
	put_str(&line, level_names[level]);
	put_char(&line, ' ');
	put_str(&line, event);
	if (worker >= 0)
		put_pair(&line, &LOG_I("worker", worker));
	for (; pairs->key; pairs++)
		put_pair(&line, pairs);
	line.at[line.size++] = '\n';
	write_line(&line);
}
