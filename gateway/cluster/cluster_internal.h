/*
 * cluster_internal.h - what the files of the cluster share.
 *
 *	cluster.c          life; what comes from the bus, by its channel; which channels are wanted
 *	cluster_emit.c     broadcasts, joins, leaves and disconnects, both ways
 *	cluster_joins.c    rooms that others may not hear yet
 *	cluster_ask.c      what we ask of others
 *	cluster_heard.c    their answers
 *	cluster_answer.c   what others ask of us
 *	cluster_sockets.c  a client as other servers see it
 *	cluster_python.c   what python-socketio's servers and processes say
 *	cluster_nodes.c    our beat, our lease, who comes and goes
 *	nodes.c            the table of nodes
 */
#ifndef STOA_CLUSTER_INTERNAL_H
#define STOA_CLUSTER_INTERNAL_H

#include "cluster.h"
#include "sample.h"

/* A namespace that is listened to: by a client in it, or because it is kept. */
struct cluster_namespace {
	struct map_node node;
	bool has_clients, is_kept, has_saved; /* has_saved: clients that may be recovered */
	char name[];
};

struct cluster {
	struct cluster_config config;
	struct hub *hub;
	struct clients *clients;
	struct timers *timers;
	struct graveyard *graveyard;
	struct pubsub *bus; /* NULL: not joined yet, or left */
	const struct cluster_ops *ops;
	void *ctx; /* of ops */

	struct slice prefix;
	char uid[NODE_UID_SIZE + 1];
	char ordered_uid[NODE_UID_SIZE + 1]; /* of what is ours and not delivered yet */
	struct map namespaces;
	struct nodes nodes;
	struct node_self self;
	struct slice names[NODE_NAMESPACES_MAX + 1]; /* self.namespaces */
	struct buf nodes_channel;
	struct timer beat;
	int64_t last_beat_ms, first_beat_ms; /* first 0: none yet */
	bool lease_is_ours, is_leaving;
	void (*left)(void *to);
	void *left_to;

	struct map joins;                  /* rooms that others' clients were just told to join: struct cluster_join */
	struct map requests;               /* ours, by id: struct cluster_request */
	struct cluster_counting *counting; /* of them: how many servers are to answer */
	struct map asked;                  /* others', by number: struct cluster_asked */
	uint64_t next_request, next_asked;

	int64_t now_ms; /* of the last message */
	struct sample dropped;
	struct arena arena;   /* of the message in hand */
	struct arena scratch; /* of encoding one, which may happen while another is in hand */
	struct buf channel, payload;
	struct client **picked;
	size_t n_picked, cap_picked;
};

/* cluster.c */
/* Publishes c->payload, unless `encoded` says why it could not be made. */
int cluster_send(struct cluster *c, const struct wire_channel *channel, int encoded);
void cluster_drop(
	struct cluster *c, const char *why); /* a message that is not taken: counted, and logged now and then */
bool cluster_hears_all(const struct cluster *c, struct slice nsp); /* its pattern holds now */
void cluster_unhear(struct cluster *c);                            /* gives up all that namespaces are heard by */
void cluster_rename(struct cluster *c);                            /* other four characters for this node */
struct cluster_namespace *cluster_find(const struct cluster *c, struct slice nsp);

/* cluster_emit.c */
struct wire_opts cluster_opts(const struct cluster_target *t);
int cluster_send_request(struct cluster *c, struct slice nsp, const struct wire_request *r);
/* Somebody is in it here, or may be recovered into it. */
bool cluster_has_namespace(const struct cluster *c, struct slice nsp);
/* `n`: of that name, NULL when nobody is in it. */
bool cluster_has_room(const struct cluster *c, const struct hub_namespace *n, struct slice nsp, struct slice room);
void cluster_heard_broadcast(struct cluster *c, const struct wire_channel *channel, struct slice payload);
void cluster_heard_change(struct cluster *c, int64_t now_ms, struct slice nsp, const struct wire_request *r);
void cluster_join(struct cluster *c, struct client *one, struct slice room);          /* under our limits */
void cluster_pick(struct cluster *c, struct slice nsp, const struct wire_opts *opts); /* into c->picked */
struct frame *cluster_frame(struct cluster *c, struct slice nsp, struct stoa_value data, bool uncompressed,
	const uint64_t *ack_id, struct slice offset);

/* cluster_joins.c */
void cluster_joins_note(struct cluster *c, int64_t now_ms, struct slice nsp, const struct wire_names *rooms);
bool cluster_joins_has(const struct cluster *c, struct slice nsp, const struct wire_names *rooms);
void cluster_joins_expire(struct cluster *c, int64_t now_ms);
void cluster_joins_fini(struct cluster *c);

/* cluster_ask.c */
void cluster_ask_fini(struct cluster *c);

/* cluster_heard.c */
void cluster_heard_answer(struct cluster *c, int64_t now_ms, struct slice payload);
void cluster_node_is_gone(struct cluster *c, int64_t now_ms, const struct node *n);

/* cluster_answer.c */
/* What somebody asks clients or servers here, and where the answers go: to a server of the classic kind, or to the process
 * of python-socketio that gave its number for it. */
struct cluster_question {
	struct slice nsp, uid, request_id; /* of Python's: uid is its host_id, request_id the room it names */
	enum wire_response_type type;
	int64_t timeout_ms;
	bool is_python;
	uint64_t python_id;
};
/* Asks those in c->picked; how many. */
uint64_t cluster_ask_picked(
	struct cluster *c, int64_t now_ms, const struct cluster_question *q, struct stoa_value data, bool uncompressed);
void cluster_heard_request(struct cluster *c, int64_t now_ms, struct slice nsp, struct slice payload);
void cluster_answer_fini(struct cluster *c);

/* cluster_sockets.c. The first in c->scratch, the second in c->arena. */
bool cluster_socket_of(struct cluster *c, int64_t now_ms, const struct client *client, struct wire_socket *socket);
struct stoa_value cluster_describe(struct cluster *c, const struct wire_socket *s);

/* cluster_python.c */
void cluster_python_join(struct cluster *c); /* the bus is there: listen */
/* False: not a channel of Python's. */
bool cluster_heard_python(struct cluster *c, int64_t now_ms, struct slice channel, struct slice payload);
void cluster_call_python(struct cluster *c, const struct cluster_question *q, struct stoa_value args);

/* cluster_nodes.c */
void cluster_nodes_init(struct cluster *c);
void cluster_nodes_up(struct cluster *c, int64_t now_ms, bool gap);
void cluster_heard_node(struct cluster *c, int64_t now_ms, struct slice payload);
void cluster_node_went(struct cluster *c, int64_t now_ms, const struct node *n);
void cluster_beat_soon(struct cluster *c, int64_t now_ms); /* what it says has changed */

#endif
