/*
 * server_redis.h - part of server.c: the connection to Redis, and the application's record in it.
 */
#ifndef STOA_BROKER_SERVER_REDIS_H
#define STOA_BROKER_SERVER_REDIS_H

#include "server.h"

void server_connect(struct server *s);               /* once, when s->app is known */
void server_look_at_app(struct server *s);           /* s->app has changed: reads what is there, and writes it */
void server_fail(struct server *s, const char *why); /* it ends, with this reason */

#endif
