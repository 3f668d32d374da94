/*
 * rig.h - the main test seam: a gateway without an edge (sim.h). Bytes and clock steps in, bytes out; no sockets, no
 * threads, no time but the caller's.
 *
 * Clients (rig_client) speak through transports that the rig makes up: what the gateway writes is decoded into
 * messages, in order, that the test takes one by one. Every call that acts ends like a turn of the loop: due timers
 * run, output is flushed, the dead are buried.
 */
#ifndef STOA_TESTS_RIG_H
#define STOA_TESTS_RIG_H

#include "sim.h"

struct rig {
	struct sim sim;
	struct rig_client *first;
	struct session_handshake as; /* clients made from now on: of its fields those of the protocol */
	char error[256];             /* why rig_open() failed */
};

/* One connection, or one polling client with its GETs and POSTs. Freed with the rig. */
struct rig_client {
	struct sim_ws ws; /* what it received among it */
	struct session_poll poll;
	struct session_post post;
	struct rig *rig;
	struct rig_client *next;
	char name[16];
	char sid[SID_SIZE + 1];      /* of its session; empty: none yet */
	struct sim_message *payload; /* the last answer to a GET, NULL: none or taken */
	bool polling, parked;
	bool post_aborted;
};

/* `module`: path of an application. options: "name=value" of the gateway, `app_options` of the application; both ended
 * by NULL, or NULL. 0, or -1 and r->error. */
int rig_open(struct rig *r, const char *module, const char *const *options, const char *const *app_options);
void rig_close(struct rig *r);
void rig_turn(struct rig *r);             /* what every call below does last */
void rig_pass(struct rig *r, int64_t ms); /* timers run at their own times */

struct rig_client *rig_find(struct rig *r, const char *name); /* NULL: no such client */
struct rig_client *rig_ws(struct rig *r, const char *name);   /* a session by WebSocket; its open packet is received */
struct rig_client *rig_polling(struct rig *r, const char *name); /* by a GET; the payload is its answer */
bool rig_upgrade(struct rig_client *c, const char *name);        /* a WebSocket for the session of polling client c */

void rig_send(struct rig_client *c, struct slice text); /* on the WebSocket */
void rig_send_binary(struct rig_client *c, struct slice data);
bool rig_get(struct rig_client *c);                            /* a GET; false: refused (400) */
bool rig_post(struct rig_client *c, struct slice body);        /* a whole POST; false: refused, or no session */
bool rig_post_octets(struct rig_client *c, struct slice body); /* the same, as application/octet-stream */
void rig_gone(struct rig_client *c, bool error);               /* the WebSocket, or the parked GET, goes away */
void rig_stick(struct rig_client *c, bool stuck); /* its socket is full: writes stay in the transport; then not */

/* Takes the oldest message received by WebSocket; the caller frees it. NULL: there is none. */
struct sim_message *rig_take(struct rig_client *c);

#endif
