/*
 * redis_server.h - a real redis-server of a test's own, on a unix socket in a folder of its own; beside redis_fixture.h.
 */
#ifndef STOA_TESTS_REDIS_SERVER_H
#define STOA_TESTS_REDIS_SERVER_H

#include <sys/types.h>

#include "redis_fixture.h"

extern char folder[64], socket_path[96];
extern pid_t server; /* 0: none */

/* A folder and a connection that is not open yet; url NULL: the server's socket; "user:password@": with that; a whole URL is
 * taken as it is. The server's options are as on redis-server's command line, without blanks inside; NULL: no server yet. */
void begin_server(const char *options, const char *url);
void end_server(void);

void start_server(const char *options);
void kill_server(void);
void await_server(void); /* until it answers */
/* By redis-cli; what it says. */
const char *admin(const char *format, ...) __attribute__((format(printf, 1, 2)));
void run_script(const char *script); /* a shell's, in the folder */

#endif
