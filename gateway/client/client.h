/*
 * client.h - Socket.IO on top of a session: packets, clients (one per connection and namespace), their acks.
 *
 * A connection (struct conn, one per session) reads packets, gathers attachments and finds the client. What a client
 * does goes up through client_ops; what is to be done to it are the functions here. Whatever is invalid closes the
 * session with "forced close", as the reference does.
 *
 * Life of a client: CONNECTING from its CONNECT packet until the layer above says client_accept() or client_refuse(), at
 * once or later (what it says meanwhile waits: held.c);
 * JOINED, in the hub; GONE from the moment it leaves for whatever reason, when ops->gone() is called, once, but for one
 * that was refused. The layer above then calls client_release() when it is done with it, in the same turn; memory is
 * freed after the turn. A client leaves the hub when it is GONE; client_rooms() still tells the rooms it was in.
 */
#ifndef STOA_CLIENT_CLIENT_H
#define STOA_CLIENT_CLIENT_H

#include "hub.h"
#include "recovery.h"
#include "session.h"
#include "socketio_parser.h"

struct conn;
struct client;

struct client_ops {
	bool (*has_namespace)(void *ctx, struct slice nsp);
	/* A client asks in: answered by client_accept() or client_refuse(), at once or later. */
	void (*connect)(void *ctx, struct client *c, int64_t now_ms);
	/* packet->data and blobs live until this returns. */
	void (*event)(void *ctx, struct client *c, int64_t now_ms, const struct sio_packet *packet,
		const struct slice *blobs, size_t n_blobs);
	/* The answer to client_ask(). */
	void (*answer)(void *ctx, struct client *c, int64_t now_ms, uint64_t call, const struct sio_packet *packet,
		const struct slice *blobs, size_t n_blobs);
	/* It was JOINED (was_joined), or went before it was answered. client_take_pending() lists the calls that it will
	 * not answer. */
	void (*gone)(void *ctx, struct client *c, int64_t now_ms, enum close_reason why);
	/* Whether an event of its is under way, or an ack is still to be given, that n_owed does not count. */
	bool (*busy)(void *ctx, const struct client *c);
	/* Whether a client of this id that was told gone may come back: nothing of it is under way. */
	bool (*may_return)(void *ctx, struct slice sid);
};

/* Who may ask the application at all: a gate before client_ops, which the application never hears of. */
enum gate_answer { GATE_OPEN, GATE_SHUT, GATE_LATER };
struct client_gate_ops {
	/* A client asks in. GATE_SHUT: client_refuse() was called, or the session closed. GATE_LATER: client_pass() or
	 * client_refuse() will be. */
	enum gate_answer (*connect)(void *ctx, struct client *c, int64_t now_ms);
	/* An event of a client with a pass that is JOINED. True: it was meant for the gate. */
	bool (*event)(void *ctx, struct client *c, int64_t now_ms, const struct sio_packet *packet);
	/* A client with a pass is GONE, or was refused: nothing may come of the pass any more. */
	void (*left)(void *ctx, struct client *c);
};

/* What the gate keeps with a client, at the beginning of an object of its own. From malloc(), freed with the client. */
struct client_pass {
	struct slice claims; /* JSON text of an object: what it proved to be; empty: nothing */
	struct slice who;    /* the same for the same person only: nobody else is taken for them */
};

struct client_config {
	const struct sio_parser *parser; /* NULL: sio_default */
	struct sio_rules rules;
	int64_t connect_timeout_ms; /* to join a namespace; also for the attachments of a packet to come */
	size_t max_namespaces, max_pending_acks, max_name_bytes;
	size_t max_session_bytes;        /* of a client's data as JSON; 0: no limit */
	size_t max_held, max_held_bytes; /* messages of a connection that wait for its clients to be in */
	bool always_connect;             /* a refused client is let in and put out again: python-socketio's option */
	bool show_packets;               /* trace.h */
};

struct client_config clients_config(const struct gateway_options *o);

/* Socket.IO of a process: fills the sessions' upper layer. */
struct clients {
	struct client_config config;
	const struct client_ops *ops;
	void *ctx;
	const struct client_gate_ops *gate; /* NULL: none. Set before the first session */
	void *gate_ctx;
	struct hub *hub;
	struct sessions *sessions;
};

/* Connection state recovery as the options say; NULL: it is off. For hub->recovery. */
struct recovery *clients_recovery(const struct gateway_options *o, struct timers *timers);

void clients_init(struct clients *all, const struct client_config *config, struct hub *hub, struct sessions *sessions);

enum client_phase { CLIENT_CONNECTING, CLIENT_JOINED, CLIENT_GONE };

/* A call that the client is asked to answer. */
struct client_pending {
	uint64_t ack_id, call;
};

/* One key of a client's data, JSON text both. */
struct client_datum {
	struct client_datum *next;
	size_t key_size, json_size;
	char text[]; /* the key's token, then the value */
};

struct client {
	struct hub_member member; /* first */
	struct conn *conn;
	union {
		struct {
			struct client *next_in_conn, *next_gone; /* next_gone: the layer above's */
		};
		struct grave grave; /* once it is released */
	};
	void *upper;      /* the layer above's, as long as it lives */
	struct slice nsp; /* with a NUL behind it */
	const char *sid;  /* its session's for a client of Engine.IO 3, which knows no other; "/nsp#<sid>" but in "/" */
	struct client_pending *pending;
	uint32_t n_pending, cap_pending;
	struct client_datum *data;
	struct client_pass *pass; /* NULL: nobody asked for one */
	size_t data_bytes;        /* of all as one object */
	uint32_t data_version;    /* counts its changes, and those of the claims */
	uint32_t auth_size;       /* client_auth() */
	uint32_t last_rooms_size; /* once it is GONE .. */
	enum client_phase state : 8;
	enum close_reason why : 8;
	bool was_joined;
	bool at_gate;     /* the layer above has not heard of it */
	uint16_t n_owed;  /* acks that the layer above is to give later */
	bool recovered;   /* it is one that was here before, with its id, rooms and data */
	char *last_rooms; /* .. names with a NUL behind each */
	char copied[];    /* nsp, auth, sid, a NUL behind each */
};

struct session *client_session(const struct client *c);                       /* valid until client_release() */
struct client *client_in_namespace(const struct client *c, struct slice nsp); /* of the same connection; NULL: none */
static inline struct client *client_of(struct hub_member *m)
{
	return (struct client *)(void *)m;
}
/* JSON of the CONNECT packet; empty: none. */
static inline struct slice client_auth(const struct client *c)
{
	return slice_of(c->nsp.at + c->nsp.size + 1, c->auth_size);
}

/* JSON text of an object; empty: none. */
static inline struct slice client_claims(const struct client *c)
{
	return c->pass ? c->pass->claims : slice_of(NULL, 0);
}

/* The gate lets it ask the application, after GATE_LATER. */
void client_pass(struct client *c, int64_t now_ms);
/* Another pass in place of the one it has; the old one is freed. */
void client_set_pass(struct client *c, struct client_pass *pass);

/* Lets it in: enters the hub, sends CONNECT. False: no memory; the connection is closed. */
bool client_accept(struct client *c, int64_t now_ms);
/* Sends CONNECT_ERROR with `json`, {"message":".."} or {"message":"..","data":..} without white space, and forgets the
 * client; the connection stays. With always_connect it is CONNECT and DISCONNECT, the latter without `json`:
 * socket.io-parser takes a DISCONNECT with data for malformed, and no stock client reads it. */
void client_refuse(struct client *c, struct slice json);

/* Sends DISCONNECT and leaves the namespace; `transport`: every namespace of the connection, then the connection. */
void client_disconnect(struct client *c, int64_t now_ms, bool transport);
void client_end(struct client *c, int64_t now_ms, enum close_reason why); /* the former, for a reason of ours */

void client_send(struct client *c, const struct sio_out *out); /* one packet to it alone */

/* Notes that the client was sent `ack_id` and that its answer belongs to `call`. False: too many are pending. */
bool client_ask(struct client *c, uint64_t ack_id, uint64_t call);
void client_forget_call(struct client *c, uint64_t call);
void clients_forget_calls(struct clients *all); /* of everybody: answers that still come are unknown */
/* Takes one call out of those still pending; false: none is left. */
bool client_take_pending(struct client *c, uint64_t *call);

/* The rooms it is in, or was in when it left, or will be in when it is recovered: its own id first. */
void client_rooms(const struct client *c, void (*each)(void *to, struct slice room), void *to);

/* Data that the layer above keeps with a client that is JOINED, for as long as it lives: an object, put key by key.
 * `key` and `json` are JSON text; json empty removes the key. 0, -E2BIG (max_session_bytes), -ENOMEM. */
int client_put_data(struct client *c, struct slice key, struct slice json);
void client_data(const struct client *c, void (*each)(void *to, struct slice key, struct slice json), void *to);

/* Appends {"id","rooms","data","handshake":{"address","query","headers","auth"}}: Node's RemoteSocket. With
 * claims they are the handshake's `claims`. */
void client_describe(const struct client *c, struct buf *to);

void client_release(struct client *c); /* of a client that is GONE */

#endif
