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

static bool is_plain(struct slice s)
{
	for (size_t i = 0; i < s.size; i++) {
		char c = s.at[i];
		if (c <= ' ' || c >= 0x7F || c == '"' || c == '=' || c == '\\')
			return false;
	}
	return s.size > 0;
}

static void add_quoted(struct buf *line, struct slice s)
{
	buf_add_char(line, '"');
	for (size_t i = 0; i < s.size && line->size < PIPE_BUF; i++) {
		unsigned char c = (unsigned char)s.at[i];

		if (c == '"' || c == '\\')
			buf_printf(line, "\\%c", c);
		else if (c < ' ' || c >= 0x7F)
			buf_printf(line, "\\x%02x", c);
		else
			buf_add_char(line, (char)c);
	}
	buf_add_char(line, '"');
}

static void add_time(struct buf *line)
{
	int64_t now = clock_wall_ms();
	time_t seconds = (time_t)(now / 1000);
	struct tm tm;
	char text[32];

	gmtime_r(&seconds, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	buf_printf(line, "%s.%03dZ", text, (int)(now % 1000));
}

static void add_pair(struct buf *line, const struct log_pair *p)
{
	buf_printf(line, " %s=", p->key);
	if (!p->is_text)
		buf_printf(line, "%lld", (long long)p->number);
	else if (is_plain(p->text))
		buf_add_slice(line, p->text);
	else
		add_quoted(line, p->text);
}

/* poll(2) promises room for PIPE_BUF bytes in a pipe; more could block. */
static void cut_line(struct buf *line)
{
	if (line->size > PIPE_BUF)
		line->size = PIPE_BUF;
	if (line->size)
		line->at[line->size - 1] = '\n';
}

static void put_line(const struct buf *line)
{
	struct pollfd ready = { .fd = STDERR_FILENO, .events = POLLOUT };

	if (line->failed || poll(&ready, 1, 0) != 1 || write(STDERR_FILENO, line->at, line->size) < 0)
		dropped++;
}

void log_write(enum log_level level, const char *event, const struct log_pair *pairs)
{
	struct buf line = BUF_INIT;

	add_time(&line);
	buf_printf(&line, " %s %s", level_names[level], event);
	if (worker >= 0)
		add_pair(&line, &LOG_I("worker", worker));
	for (; pairs->key; pairs++)
		add_pair(&line, pairs);
	buf_add_char(&line, '\n');
	cut_line(&line);
	put_line(&line);
	buf_fini(&line);
}
