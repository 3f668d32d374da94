/* cluster_request.h - a question of ours that other servers are to answer: cluster_ask.c asks, cluster_heard.c hears. */
#ifndef STOA_CLUSTER_REQUEST_H
#define STOA_CLUSTER_REQUEST_H

#include "cluster_internal.h"

enum { CLUSTER_REQUEST_ID_MAX = NODE_UID_SIZE + 20 };

/* A node that is to answer, by name for the case that it does not. */
struct awaited {
	char uid[NODE_UID_SIZE + 1], name[NODE_NAME_MAX + 1];
	bool answered;
	bool is_gone;     /* and what it may still say is not waited for */
	bool was_counted; /* of one that is gone: it lived when the servers were counted, for sure */
	uint64_t clients; /* of BROADCAST: that it asked and that have not acknowledged */
};

/*
 * One question. Who is to answer: as many servers as listen to requests of the namespace, ourselves not counted; asked of
 * Redis in the same breath, so that it is as many as the question reaches. Of these the nodes of ours are known by name.
 * A node that is known to be gone is waited for no longer.
 */
struct cluster_request {
	struct map_node by_id;
	struct cluster *cluster;
	enum wire_request_type type;
	struct cluster_asker who;
	struct timer deadline;
	bool is_counted;                /* `servers` is known, since counted_ms */
	int64_t counted_ms;             /* INT64_MAX: not yet */
	int64_t servers;                /* that are to answer */
	int64_t strangers;              /* of them, at least: those that are no nodes of ours */
	int64_t answered;               /* of them; for BROADCAST: that told how many clients they ask */
	uint64_t clients, acknowledged; /* of BROADCAST */
	bool told_clients;
	struct awaited *nodes;
	size_t n_nodes;
	char id[CLUSTER_REQUEST_ID_MAX + 1];
};

struct cluster_request *cluster_request_find(const struct cluster *c, struct slice id); /* NULL: it is over */

/* Ends it if nothing more is to come. The request is gone after this, or not. */
void cluster_request_settle(struct cluster_request *r, int64_t now_ms);

#endif
