/* redis_server.h - a Redis server of a test's own, on a unix socket, and who listens there. */
#ifndef STOA_TESTS_REDIS_SERVER_H
#define STOA_TESTS_REDIS_SERVER_H

#include <hiredis/hiredis.h>
#include <stdbool.h>

extern char redis_url[128];

void redis_start(void); /* and waits until it answers; again after redis_kill(): empty, at the same place */
void redis_stop(void);  /* it answers nothing any more, until redis_kill() */
void redis_kill(void);
void redis_clean(void); /* kill, and nothing is left */

redisContext *redis_connect(void); /* blocking */
/* PSUBSCRIBE to everything; then the next message, to be freed. */
redisContext *redis_listen(void);
redisReply *redis_next(redisContext *c);

/*
 * A server of Socket.IO as a process: it listens to one channel, and answers each of `n` messages there by publishing every
 * text of `answers` (ended by NULL) to `to`, with the request's id in place of @. Redis has its subscription when this
 * returns.
 */
void server_start(const char *listens, const char *to, const char *const *answers, int n);
void server_end(void); /* all of them */

#endif
