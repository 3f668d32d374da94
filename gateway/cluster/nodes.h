/*
 * nodes.h - who else is in the cluster: what our nodes tell each other of themselves, and a table of what was heard.
 * Bytes and time come as arguments.
 *
 * Every node publishes a beat to the channel nodes_channel() every beat_ms, at once when it comes up, when it is asked
 * ("who"), and when a namespace begins or ends there; and a "bye" when it leaves. Node.js peers never see these: the
 * channel fits none of their patterns. JSON:
 *
 *	{"v":1,"type":"beat","uid":"AbCdx7_2","node":"AbCd","name":"host#4711","address":"10.0.0.7:5001",
 *	 "clients":1200,"age":86400,"namespaces":["/","/chat"]}   `namespaces` null: too many to name
 *	{..,"draining":true}                                      in a beat: it lets its clients go, to end
 *	{"v":1,"type":"bye","uid":"AbCdx7_2","node":"AbCd"}
 *	{"v":1,"type":"who"}
 *
 * `uid` is new with every start of a process and is what its messages on the bus carry; `node` are the first four
 * characters of its clients' ids. A node that was not heard for lost_ms is gone; one heard again is a new one. Other
 * members of the object are ignored, so that a later version may add some.
 */
#ifndef STOA_CLUSTER_NODES_H
#define STOA_CLUSTER_NODES_H

#include "buf.h"
#include "map.h"
#include "session.h"

enum { NODE_UID_SIZE = 8, NODE_NAME_MAX = 80, NODE_ADDRESS_MAX = 80, NODE_NAMESPACES_MAX = 64, NODES_MAX = 1000 };
enum { NODE_NAMESPACES_BYTES = 8192 }; /* of all names of one; with more of them it counts as too many to name */

struct node {
	struct map_node by_uid;
	char uid[NODE_UID_SIZE + 1], id[NODE_ID_SIZE + 1];
	char name[NODE_NAME_MAX + 1], address[NODE_ADDRESS_MAX + 1]; /* address "": takes no relayed requests */
	int64_t heard_ms, clients;
	bool draining;
	bool any_namespace; /* more than it could name */
	size_t n_namespaces;
	struct slice *namespaces; /* in one block with their text */
};

struct nodes {
	struct map by_uid;
	int64_t lost_ms;
	struct node *taken; /* out of the table; freed with the next */
};

/* What a node says of itself. */
struct node_self {
	const char *uid, *id, *name, *address;
	bool draining;          /* it lets its clients go, to end */
	int64_t clients, age_s; /* how long it is part of the cluster, for those who look */
	const struct slice *namespaces;
	size_t n_namespaces; /* above NODE_NAMESPACES_MAX they are not named */
};

void nodes_put_beat(struct buf *to, const struct node_self *self);
void nodes_put_bye(struct buf *to, const struct node_self *self);
struct slice nodes_who(void);

void nodes_init(struct nodes *all, int64_t lost_ms);
void nodes_fini(struct nodes *all);

/* A message of the channel. */
enum nodes_news {
	NODES_OLD,       /* nothing that was not known */
	NODES_NEW,       /* *node has come */
	NODES_GONE,      /* *node has left: valid until the next call, no longer in the table */
	NODES_ASKED,     /* "who": beat */
	NODES_OWN,       /* our own message */
	NODES_CONFLICT,  /* another process goes by our four characters; *node is it */
	NODES_MALFORMED, /* dropped: count it */
	NODES_FULL       /* NODES_MAX are known: dropped */
};
enum nodes_news nodes_heard(struct nodes *all, int64_t now_ms, const struct node_self *self, struct slice message,
	const struct node **node);

/* Takes out one that was not heard for too long: call until NULL. Valid until the next call of anything here. */
const struct node *nodes_take_lost(struct nodes *all, int64_t now_ms);
/* The bus was down: nobody could be heard, so nobody is blamed for it. */
void nodes_forgive(struct nodes *all, int64_t now_ms);

const struct node *nodes_find(const struct nodes *all, struct slice id); /* by its four characters; NULL: unknown */
bool node_has_namespace(const struct node *n, struct slice nsp);
size_t nodes_count(const struct nodes *all); /* others, this one not counted */

#endif
