/*
 * cluster.h - the other processes: what is done to clients here is done to those of everybody else too, and what others
 * do reaches ours. Between hub and clients below and the bus (pubsub.h), it speaks as @socket.io/redis-adapter does
 * (wire_classic.h), so that Node.js servers and every emitter that writes to Redis are members too.
 *
 * Whoever changes something does it here at once, by the hub, and says it with the functions below, which tell the
 * others. A message of our own that comes back is ignored, those that join, leave and disconnect included (a Node.js server
 * carries those out when they come back to it; the effect at others is the same).
 *
 * What is heard: the channel of each namespace that has clients here (and of those kept, cluster_keep()), one channel
 * per room that has members here, and one pattern per namespace for our own clients' ids, which all begin with this
 * node's four characters. With `all_rooms` one pattern takes in a whole namespace instead.
 *
 * Order: what this process publishes, requests included, goes out in the order said. Who joins clients elsewhere to a room
 * and then emits to it reaches them: for a while such a room's messages go to the namespace's channel, which every member
 * hears already, while its own is being subscribed to. With `total_order` what is emitted reaches our own clients as well
 * by way of Redis, so that all see a room's messages in one order (cluster_orders()).
 *
 * A process without Redis has no cluster: NULL is fine wherever a struct cluster is asked for, and does nothing.
 */
#ifndef STOA_CLUSTER_CLUSTER_H
#define STOA_CLUSTER_CLUSTER_H

#include "client.h"
#include "nodes.h"
#include "pubsub.h"
#include "wire_classic.h"

struct cluster;

struct cluster_config {
	const char *prefix;  /* of every channel: redis_key */
	const char *name;    /* for people: "host#pid" */
	const char *path;    /* of Engine.IO, as our clients' requests have it */
	const char *address; /* where other nodes bring requests for our sessions; "": nowhere */
	bool all_rooms;
	bool total_order;         /* needs all_rooms: what is not heard yet cannot be ordered */
	bool old_sids;            /* ids of clients may be "/nsp#<id>": those of Engine.IO 3 */
	int64_t beat_ms, lost_ms; /* nodes.h; lost_ms is also how long the lease of our four characters lasts */
	int64_t ask_timeout_ms;   /* of others' questions to our clients that say none */
	size_t max_requests;      /* of ours that wait, and of others' that our clients are still to answer */
	struct wire_rules rules;
	/* Channels of python-socketio's ("socketio", "flask-socketio") that are listened to, ended by NULL; or NULL. */
	const char *const *python_channels;
};

/* The layer above. */
struct cluster_ops {
	/* A server_side_emit() of another: data is [event, ..args] and lives until this returns. `answer`: 0, or the
	 * number for cluster_server_answer(), once. */
	void (*server_event)(void *ctx, int64_t now_ms, struct slice nsp, struct stoa_value data, uint64_t answer);
};

/* Everything is borrowed and outlives it; the node's four characters are sessions->node_id from now on. */
struct cluster *cluster_new(const struct cluster_config *config, struct hub *hub, struct clients *clients,
	struct timers *timers, const struct cluster_ops *ops, void *ctx);
void cluster_free(struct cluster *c); /* the bus is closed; what waits is forgotten without a word */

/* The bus, opened with cluster_events and the cluster as their ctx. */
void cluster_join_bus(struct cluster *c, struct pubsub *bus);
extern const struct pubsub_events cluster_events;

/* Says that this node lets its clients go: it answers as before, as long as it has them. */
void cluster_drain(struct cluster *c, int64_t now_ms);
/* Says good-bye and gives the lease up; `done` runs when that is out, or when it cannot be. */
void cluster_leave_bus(struct cluster *c, int64_t now_ms, void (*done)(void *to), void *to);

/* A namespace whose servers' events and emits are wanted though no client is in it. */
void cluster_keep(struct cluster *c, struct slice nsp);

const struct nodes *cluster_nodes(const struct cluster *c); /* the others */
const struct node_self *cluster_self(const struct cluster *c);
bool cluster_is_up(const struct cluster *c);

/* --- What is told to others --------------------------------------------------------------------------------------- */

/* Clients of one namespace on all other nodes. `rooms` empty: all of them. Names are bytes, borrowed. */
struct cluster_target {
	struct slice nsp;
	struct wire_names rooms, except;
	bool is_volatile, uncompressed;
	bool latest;  /* of an emit: instead of what waits there under the same name */
	bool ordered; /* our own clients are to get it when it comes back */
};

/* Whether an emit in this namespace is to be left to the bus, which brings it back: then cluster_emit() alone is called,
 * with `ordered`, and when it fails the hub is still to be told. */
bool cluster_orders(const struct cluster *c, struct slice nsp);

/* 0, or the bus's error (pubsub.h), counted there; -EINVAL: no other server could read it. `data` is [event, ..args]. */
int cluster_emit(struct cluster *c, const struct cluster_target *t, struct stoa_value data);
int cluster_join_rooms(
	struct cluster *c, int64_t now_ms, const struct cluster_target *t, const struct wire_names *rooms);
int cluster_leave_rooms(struct cluster *c, const struct cluster_target *t, const struct wire_names *rooms);
int cluster_disconnect(struct cluster *c, const struct cluster_target *t, bool transport);

/* --- What others are asked ---------------------------------------------------------------------------------------- */

/*
 * Who asks. end() comes once and last, unless the asking function failed: 0; -ETIMEDOUT, some were silent; -ENOTCONN, the
 * bus went before it was known who is to answer. `silent` names the nodes that did not answer, as far as they are known by name (nodes.h's
 * `name`); a slice without text stands for one that is not, a server that is not ours.
 */
struct cluster_asker {
	/* One answer: see the functions. */
	void (*answer)(void *to, uint64_t tag, int64_t now_ms, struct stoa_value v);
	/* cluster_ask(): how many clients of other nodes were asked; once, before end(). */
	void (*counted)(void *to, uint64_t tag, int64_t now_ms, uint64_t clients);
	void (*end)(void *to, uint64_t tag, int64_t now_ms, int status, const struct slice *silent, size_t n_silent);
	void *to;
	uint64_t tag;
};

/* 0; -EAGAIN: max_requests wait; -EINVAL; the bus's error. Then nothing is called. No call comes from inside. */

/* Clients: an answer is an array of what the client acknowledged with (of a Node.js server's, the first alone). */
int cluster_ask(struct cluster *c, int64_t now_ms, const struct cluster_target *t, struct stoa_value data,
	int64_t timeout_ms, const struct cluster_asker *who);
/* Who is there: an answer is {"id","rooms","data","handshake":{..}} as client_describe() has it. */
int cluster_fetch(struct cluster *c, int64_t now_ms, const struct cluster_target *t, int64_t timeout_ms,
	const struct cluster_asker *who);
/* Servers: an answer is an array of what a server acknowledged with. `who` NULL: no answers are wanted. */
int cluster_servers(struct cluster *c, int64_t now_ms, struct slice nsp, struct stoa_value data, int64_t timeout_ms,
	const struct cluster_asker *who);

/* Nobody is to hear of these any more: those of an application that ends. */
void cluster_forget(struct cluster *c, const void *to);

/* --- Answers to others -------------------------------------------------------------------------------------------- */

/* Calls of our clients (client_ask()) that others asked for bear this bit; the layer above brings their answers here. */
#define CLUSTER_CALL (UINT64_C(1) << 63)
/* A client acknowledged with the array `args`, or is gone: then `args` is null and it is left out. */
void cluster_client_answer(struct cluster *c, int64_t now_ms, uint64_t call, struct stoa_value args);
void cluster_server_answer(struct cluster *c, uint64_t answer, struct stoa_value args);

#endif
