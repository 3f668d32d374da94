/*
 * streams_fixture.h - the streams over a Redis that is a script (redis_fixture.h): what they are told is heard as text.
 */
#ifndef STOA_TESTS_STREAMS_FIXTURE_H
#define STOA_TESTS_STREAMS_FIXTURE_H

#include "redis_fixture.h"
#include "streams_redis_internal.h"

extern struct streams *streams;
extern int commands, reader, subscriber; /* the other ends; -1: none */
extern bool closes;                      /* the next callback does */
extern int64_t command_timeout_ms;       /* of those that are opened from now on */

#define RUN_1 "$61\r\n# Server\r\nredis_version:7.0.15\r\nrun_id:0123456789\r\nuptime:1\r\n\r\n"
#define RUN_2 "$19\r\nrun_id:9876543210\r\n\r\n"

void open_streams(void);
void begin(void); /* up, with the commands' connection alone */
void end(void);

int take_pinged(void);
void answer_info(const char *info);
void take_commands(const char *info);
/* Two that are opened in either order: the first to say something, and the other, which is a reader. */
int take_with_reader(void);
bool one_speaks(void *ctx); /* fds[2]: that one comes first then */

streams_answer_fn on_answer; /* to: a name */
void on_pair(void *to, struct slice name, struct slice value);
void on_id(void *to, struct slice id);
void *named(const char *name);

#endif
