/*
 * notify.h - wakes the loop from another thread: fn(ctx, now_ms) runs on the loop once for one or many notify_send().
 */
#ifndef STOA_IO_NOTIFY_H
#define STOA_IO_NOTIFY_H

#include "loop.h"

struct notify {
	struct loop *loop;
	struct event *event;
	int fd; /* eventfd(2); -1: not open */
	void (*fn)(void *ctx, int64_t now_ms);
	void *ctx;
};

int notify_open(struct notify *n, struct loop *l, void (*fn)(void *ctx, int64_t now_ms), void *ctx); /* 0 or -errno */
void notify_close(struct notify *n); /* fine when it is not open; before the loop is freed */
void notify_send(struct notify *n);  /* from any thread; never waits */

#endif
