/*
 * remote_streams.h - the carrier over streams.h: events to brokers, by way of Redis.
 *
 * An event is an entry of the stream of its client's partition; whoever runs it publishes the batch on this gateway's
 * channel, and the gateway acknowledges the entry when it has carried the batch out. That it lives is a key with a lease
 * (name_gateway(), in the list name_gateways()), whose end has brokers tell the application of its clients; the state of
 * each is a field of the partition's hash.
 *
 * An entry is acknowledged when Redis has answered for what its batch told other gateways, which goes over the bus: a gateway
 * that is killed at any moment may leave it told twice, never untold. Until then its client's next event waits here.
 *
 * What the connection lost without an answer is looked for when it is back: an event that is not in its stream is added
 * again, marked so, and states are put again.
 */
#ifndef STOA_REMOTE_STREAMS_H
#define STOA_REMOTE_STREAMS_H

#include "carrier.h"
#include "pubsub.h"
#include "streams.h"
#include "timers.h"

struct remote_streams;

struct remote_streams_config {
	const char *app;    /* name_*() */
	struct slice node;  /* the gateway's four characters */
	const char *name;   /* what people call it: the value of its lease */
	size_t max_backlog; /* entries of one stream */
	int64_t lease_ms;   /* how long the gateway is missed before it is gone */
	int64_t look_ms;    /* how often is looked for brokers, and for the application */
	struct record_rules rules;
};

/* Becomes the carrier of r; everything is borrowed and outlives it. The streams are opened with remote_streams_events and the
 * carrier as their ctx. */
struct remote_streams *remote_streams_new(
	const struct remote_streams_config *config, struct remote *r, struct timers *timers);
/* What batches tell others goes over this; it outlives the carrier. */
void remote_streams_follow(struct remote_streams *rs, struct pubsub *bus);
void remote_streams_join(struct remote_streams *rs, struct streams *streams);
extern const struct streams_events remote_streams_events;
void remote_streams_free(struct remote_streams *rs); /* NULL is fine */

/* An orderly end: gives the lease up, when nothing is owed any more. `left` is called when Redis has it, or is away. */
void remote_streams_leave(struct remote_streams *rs, int64_t now_ms, void (*left)(void *to), void *to);

#endif
