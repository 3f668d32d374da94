/*
 * redis_fixture.h - a connection to Redis on a loop that runs only inside these functions, until what they wait for has
 * come; and a Redis made of a script, on a socket of the same process. A test that waits too long fails.
 */
#ifndef STOA_TESTS_REDIS_FIXTURE_H
#define STOA_TESTS_REDIS_FIXTURE_H

#include "redis_internal.h"
#include "test_main.h"

struct redis_fixture {
	struct loop loop;
	struct redis_config config; /* to be changed before open_redis(); long timeouts */
	struct redis *redis;
	struct buf heard; /* what the callbacks were told, as text: "ready;message c hi;" */
	int port;         /* of the scripted Redis, with listen_as_redis() */
	int listener;     /* -1: none */
	long messages;
};
extern struct redis_fixture fx;

void start(const char *url); /* NULL: to the scripted Redis, without a password */
void stop(void);
void open_redis(enum redis_role role);
void close_redis(void); /* and lets the loop turn */

/* Runs the loop until `done` says so. */
void run_until(bool (*done)(void *ctx), void *ctx, const char *what);
void run_turns(int count);
void wait_for_state(enum redis_state state);

/* Waits until the callbacks have been told exactly this (or more, which fails), and forgets it. */
void hears(const char *text);
void wait_for_trouble(enum redis_trouble trouble); /* until one more of it was counted than at the last call */
int64_t troubles(enum redis_trouble trouble);      /* counted so far */

/* A command written as words; its answer is heard as text: "NAME=+OK;", "NAME=unknown;", "NAME=unsent;". */
int command(const char *name, const char *words);
int subscribe(const char *name, enum redis_names names, const char *words);
int unsubscribe(const char *name, enum redis_names names, const char *words);

/* --- The scripted Redis ------------------------------------------------------------------------------------------- */

void listen_as_redis(void);
int take_connection(void);
void expects(int fd, const char *words);                             /* one command; "" as a word is '' */
void expects_command(int fd, const struct slice *argv, size_t argc); /* with blanks and any bytes */
void expects_bytes(int fd, size_t count);
void says(int fd, const char *text);
void says_bytes(int fd, const void *at, size_t size);
void expects_end(int fd); /* the connection is closed by us; closes fd */
int take_ready(void);     /* a connection, through its PING to ready */

/* --- The log ------------------------------------------------------------------------------------------------------ */

void catch_log(void);
const char *caught_log(void); /* what was logged since; valid until the next call. The log goes to stderr again. */
int occurrences(const char *text, const char *part);

/* --- Suites ------------------------------------------------------------------------------------------------------- */

struct redis_test {
	const TTest *test;
	const char *name;
	int times; /* _i runs from 0 to before this */
};
#define REDIS_TEST(test) \
	{ \
		test, #test, 1 \
	}
#define REDIS_TESTS(test, rows) \
	{ \
		test, #test, (int)(sizeof(rows) / sizeof((rows)[0])) \
	}

/* Each with time enough for a slow machine. */
Suite *redis_suite(const char *name, const struct redis_test *tests, size_t count);

#endif
