/*
 * net.h - a Redis that is made up: pubsub.h for up to NET_PORTS gateways of one process, on a clock that the caller moves,
 * with delays drawn from a seed. No sockets.
 *
 * Each port has two links, as pubsub_redis.h has two connections: one for commands, one that subscribes. What goes over a
 * link arrives in order, late, or not at all when the link is cut. The server does what arrives at once. A port is up when
 * both links stand, everything wanted is subscribed, and a probe came back.
 */
#ifndef STOA_TESTS_NET_H
#define STOA_TESTS_NET_H

#include "buf.h"
#include "pubsub.h"

enum { NET_PORTS = 20, NET_DELAY_MAX_MS = 20, NET_WAIT_MS = 5000 };
enum net_link { NET_COMMANDS, NET_SUBSCRIBER, NET_LINKS };

struct net;
struct net_event;

/* What the server knows of a port's subscriptions. */
struct net_name {
	struct map_node node;
	enum subscription_kind kind;
	char text[];
};

struct net_way {
	int64_t last_ms; /* when the last thing sent arrives */
};

struct net_port {
	struct pubsub base; /* first */
	struct net *net;
	bool is_open;
	bool was_up;
	bool linked[NET_LINKS];
	unsigned epoch[NET_LINKS]; /* of what is on its way: older ones are of a link that was cut */
	struct net_way there[NET_LINKS], back[NET_LINKS];
	int64_t relink_ms[NET_LINKS]; /* INT64_MAX: not before net_link_up() */
	struct subscriptions wanted;
	struct map held[SUBSCRIPTION_KINDS]; /* at the server: struct net_name */
	struct net_event *waiting, **waiting_end;
	size_t n_waiting;
	bool probing;
	unsigned long received, published;
};

struct net_key;

struct net {
	int64_t now_ms;
	uint64_t random;
	int max_delay_ms;
	struct net_port ports[NET_PORTS];
	struct net_event **heap; /* by time, then in the order sent */
	size_t n_events, cap_events;
	uint64_t next_event;
	struct net_key *keys;
	void (*arrived)(void *ctx, struct net_port *p); /* a message did; may be NULL */
	void *ctx;
};

void net_init(struct net *n, uint64_t seed);
void net_fini(struct net *n);                     /* all ports are closed */
uint32_t net_roll(struct net *n, uint32_t below); /* the net's own dice; below > 0 */

/* A port, not linked yet: it links itself within a delay. Its events and ctx are set by its user before time passes. */
struct net_port *net_open(struct net *n);
void net_close(struct net_port *p); /* its process ended: the server forgets it, nothing is called any more */

/* The link breaks, with all that is on its way over it; it comes back after `for_ms`. `sent`: what was sent to the server
 * still arrives. */
void net_cut(struct net_port *p, enum net_link link, int64_t for_ms, bool sent);

void net_flush(struct net_port *p);          /* its turn ended: subscriptions wanted and dropped go out */
int64_t net_next_ms(const struct net *n);    /* INT64_MAX: nothing is on its way */
void net_run(struct net *n, int64_t now_ms); /* what is due arrives */

/* Somebody who is no port publishes: at once. */
void net_publish(struct net *n, struct slice channel, struct slice payload);

size_t net_held(const struct net_port *p, enum subscription_kind kind);
bool net_holds(const struct net_port *p, enum subscription_kind kind, struct slice name);

#endif
