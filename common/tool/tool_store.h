/*
 * tool_store.h - a connection to Redis on which commands are asked one after the other, each waited for.
 *
 * It connects once; when that fails, or the connection is lost, or --timeout is over, that has been said and nothing is
 * answered any more.
 */
#ifndef STOA_TOOL_STORE_H
#define STOA_TOOL_STORE_H

#include "redis_reply.h"
#include "tool.h"

struct tool_store;
typedef void tool_heard_fn(void *ctx, const struct redis_reply *reply);

struct tool_store *tool_store_open(const struct tool_args *a); /* NULL: which has been said */
void tool_store_close(struct tool_store *s);                   /* NULL is fine */

/* Asks and goes on; `heard` (NULL: nobody cares) with the answer, which is no error, during a later call. */
void tool_store_say(struct tool_store *s, const struct slice *argv, size_t argc, tool_heard_fn *heard, void *ctx);
/* Until everything was answered. False: not everything was, or with an error. */
bool tool_store_wait(struct tool_store *s);
/* Both. */
bool tool_store_ask(struct tool_store *s, const struct slice *argv, size_t argc, tool_heard_fn *heard, void *ctx);

/* The application's name; NULL: it is none, which has been said. */
const char *tool_app_name(const struct tool_args *a);

#endif
