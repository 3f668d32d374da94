/*
 * relays.h - for the edge: where sessions of other gateways are, from the cluster's table of nodes or, for one whose beat
 * was not heard yet, from its lease in Redis; and the secret that gateways show each other, from the options or from
 * Redis, where the first gateway put it (the key "<redis_key>-relay-secret").
 *
 * That key lasts a week and is renewed by whoever runs; one that was lost with Redis's data is put back by the first that
 * notices, so that gateways go on to understand each other.
 */
#ifndef STOA_GATEWAY_RELAYS_H
#define STOA_GATEWAY_RELAYS_H

#include "cluster.h"
#include "edge.h"

struct node_relays;

/* All are borrowed. NULL: `why` says what is wrong with the options. */
struct node_relays *node_relays_open(struct edge *edge, struct loop *loop, const struct gateway_options *options,
	const struct cluster *cluster, char *why, size_t why_size);
/* The bus, which may not be up yet. */
void node_relays_join(struct node_relays *n, struct pubsub *bus);
void node_relays_bus_up(struct node_relays *n, int64_t now_ms);
/* No answer of the bus comes any more, nor a request of the edge. NULL is fine. */
void node_relays_close(struct node_relays *n);

#endif
