/*
 * internal.h - what a broker answers about itself, over HTTP: GET /healthz, /readyz, /metrics. One request for each
 * connection. There are few of these at a time, and one that has said nothing whole for a while is closed; when there are
 * too many the oldest goes.
 */
#ifndef STOA_BROKER_INTERNAL_H
#define STOA_BROKER_INTERNAL_H

#include "bind.h"
#include "buf.h"
#include "loop.h"

enum { INTERNAL_CONNECTIONS = 64, INTERNAL_HEAD_BYTES = 8192, INTERNAL_TIMEOUT_MS = 10 * 1000 };

struct internal;

struct internal_ops {
	const char *(*not_ready)(void *ctx); /* NULL: it is ready; else why not */
	void (*metrics)(void *ctx, struct buf *to);
};

/* NULL: `why` in one sentence. */
struct internal *internal_open(
	struct loop *loop, const char *listen, const struct internal_ops *ops, void *ctx, char *why, size_t why_size);
const char *internal_address(const struct internal *in); /* as bound */
void internal_close(struct internal *in);                /* NULL is fine */

#endif
