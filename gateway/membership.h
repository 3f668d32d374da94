/*
 * membership.h - this gateway as a member of a cluster: the options' Redis, the bus over it, and cluster.h on top, in one
 * place. Without redis_url there is none.
 */
#ifndef STOA_GATEWAY_MEMBERSHIP_H
#define STOA_GATEWAY_MEMBERSHIP_H

#include "dispatch.h"
#include "process.h"

struct membership;

/* Begins to connect; the gateway serves meanwhile. *m is NULL without redis_url. 0, or -1 and one sentence in `why`. The
 * process listens already: its address is what other gateways are told. */
int membership_open(struct membership **m, struct process *process, struct hub *hub, struct clients *clients,
	struct dispatch *dispatch, char *why, size_t why_size);
/* Tells the others good-bye, so that they wait for nothing of ours; returns when that is out, or soon. */
void membership_leave(struct membership *m);
void membership_close(struct membership *m); /* NULL is fine */

/* For /readyz: NULL when messages of others are heard, or need not be; else why not. */
const char *membership_trouble(const struct membership *m);
/* NULL: alone. */
struct cluster *membership_cluster(const struct membership *m);
struct pubsub *membership_bus(const struct membership *m);

#endif
