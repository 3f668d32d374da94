/*
 * elsewhere.h - an application that does not run here (`dispatch` is broker or webhook): its runner, and what carries events
 * to it, opened as the options say, in one place.
 */
#ifndef STOA_GATEWAY_ELSEWHERE_H
#define STOA_GATEWAY_ELSEWHERE_H

#include "dispatch.h"
#include "process.h"
#include "pubsub.h"

struct elsewhere;

/* Becomes the runner of the dispatch, and begins to connect; *e is NULL when the application is embedded. What it has others
 * told goes over the bus, which outlives it; NULL: there are none. 0, or -1 and one sentence in `why`. */
int elsewhere_open(struct elsewhere **e, struct process *process, struct dispatch *dispatch, struct pubsub *bus,
	char *why, size_t why_size);
/* The sessions have ended: waits until the application was told of all who went, at most shutdown_timeout, and
 * not at all when it is not there; then brokers tell it. */
void elsewhere_leave(struct elsewhere *e);
void elsewhere_close(struct elsewhere *e); /* no client is left; NULL is fine */

/* For /readyz: NULL when events would be carried; else why not. */
const char *elsewhere_trouble(const struct elsewhere *e);

#endif
