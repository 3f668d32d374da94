/*
 * log.h - logfmt lines on standard error: `closed sid=abc why="ping timeout" age=31s`.
 *
 * A line is an event in lower case and key=value pairs. Values with anything but plain characters are quoted and
 * escaped, so that a peer cannot forge lines or drive a terminal. Payloads never appear above debug.
 *
 *	log_info("closed", LOG_S("sid", sid), LOG_I("in", n));
 *
 * Any thread may log.
 */
#ifndef STOA_BASE_LOG_H
#define STOA_BASE_LOG_H

#include "slice.h"

enum log_level { LOG_NONE = -1, /* as a threshold: nothing is logged */ LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

struct log_pair {
	const char *key;
	struct slice text; /* when `is_text` */
	int64_t number;
	bool is_text;
};

#define LOG_T(key_, slice_)  ((struct log_pair){ .key = (key_), .text = (slice_), .is_text = true })
#define LOG_S(key_, string_) ((struct log_pair){ .key = (key_), .text = slice_str(string_), .is_text = true })
#define LOG_I(key_, number_) ((struct log_pair){ .key = (key_), .number = (int64_t)(number_) })

/* The pairs are only evaluated when the level is on. */
#define log_at(level, event, ...) \
	do { \
		if (log_on(level)) \
			log_write((level), (event), (const struct log_pair[]){ __VA_ARGS__, { 0 } }); \
	} while (0)
#define log_error(...) log_at(LOG_ERROR, __VA_ARGS__)
#define log_warn(...)  log_at(LOG_WARN, __VA_ARGS__)
#define log_info(...)  log_at(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_at(LOG_DEBUG, __VA_ARGS__)

bool log_on(enum log_level level);
void log_set_level(enum log_level level); /* the default is LOG_INFO */
void log_set_worker(int index);           /* each line says `worker=index` first */
bool log_level_of(const char *name, enum log_level *level_r);

/* Pairs end with a NULL key. One write(2) per line; a line that cannot be written at once is dropped and counted, so
 * a blocked pipe never stops the loop. For the same reason a line is cut at PIPE_BUF (4096) bytes. */
void log_write(enum log_level level, const char *event, const struct log_pair *pairs);
uint64_t log_dropped(void);

#endif
