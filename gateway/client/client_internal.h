/* client_internal.h - what client.c (one client) and conn.c (its connection) share. */
#ifndef STOA_CLIENT_INTERNAL_H
#define STOA_CLIENT_INTERNAL_H

#include "client.h"

/* The Socket.IO side of a session. */
struct conn {
	struct clients *all;
	struct session *session;
	struct client *clients;
	struct held *held;           /* what came while clients connect; NULL: nothing */
	struct gathering *gathering; /* NULL: no attachments are due */
	uint32_t n_clients;
	uint32_t n_connecting; /* clients of whom the layer above has to say whether they are in */
	bool joined_once;
	union {
		struct timer deadline; /* connect_timeout: until the first namespace, or until attachments are there */
		struct grave grave;    /* of a session that has closed */
	};
};

/* A binary packet whose attachments are coming. Its text stands behind `blobs`. */
struct gathering {
	struct sio_packet packet; /* slices into the text */
	struct buf bytes;         /* of the attachments, one behind the other */
	unsigned n_blobs;
	struct slice blobs[]; /* into `bytes` once all are there */
};

struct client *client_new(struct conn *conn, const struct sio_packet *connect);
struct client *conn_find(const struct conn *conn, struct slice nsp);
void conn_unlink(struct conn *conn, struct client *c);
void conn_joined(struct conn *conn);  /* a namespace was joined: connect_timeout is over */
void conn_decided(struct conn *conn); /* one of n_connecting is not any more */
void client_free_data(struct client *c);
void client_free_data_list(void *first);
void client_add_query(struct buf *to, struct slice query); /* as the members of a JSON object */
void client_leave(struct client *c, int64_t now_ms, enum close_reason why);
void client_answered(struct client *c, int64_t now_ms, const struct sio_packet *p, const struct slice *blobs, size_t n);

/* conn.c: takes a message of the session. False: what it is can be said only when those who are connecting are in or not; nothing
 * was done. */
bool conn_take(struct conn *conn, int64_t now_ms, bool binary, struct slice data);

/* gather.c: text is of a packet with so many attachments. NULL: no memory. */
struct gathering *gathering_new(const struct conn *conn, struct slice text, unsigned attachments);
int gathering_add(struct gathering *g, struct slice data); /* 0: more are due; 1: that was the last; -ENOMEM */
void gathering_free(struct gathering *g);                  /* NULL is fine */

/* held.c: messages that wait for that, in order. */
void held_add(struct conn *conn, int64_t now_ms, bool binary, struct slice data); /* may close the session */
void held_drop(struct conn *conn);

/* recover.c: a client that was here before. Nothing happens where recovery is off, and to clients of Engine.IO 3. */
void client_recall(struct client *c, int64_t now_ms); /* it asks to be let in: who was it? */
bool client_may_restore(const struct client *c); /* false: told that it is recovered, it would miss something now */
void client_restore(struct client *c);           /* it is in: rooms, and what it has missed */
void client_remember(struct client *c, int64_t now_ms); /* it is about to leave the hub */
void client_forget(struct client *c);                   /* it was refused */
void client_keep_data(struct client *c);                /* nobody needs its data any more */
struct slice client_pid(const struct client *c);        /* empty: it has none */

/* eio3.c: where clients of Engine.IO 3 have it otherwise. */
static inline bool conn_is_eio3(const struct conn *conn)
{
	return conn->session->eio3;
}
/* Takes the query from p's namespace; of a CONNECT it becomes p->data, kept in `auth`. */
void eio3_split_namespace(struct sio_packet *p, struct buf *auth);
size_t eio3_sid_size(struct slice nsp);
void eio3_put_sid(char *to, struct slice nsp, const struct session *s); /* its session's id; "/nsp#" before it */
/* What is sent of {"message":..,"data":..}: the data, else the message. */
struct slice eio3_refusal(struct slice json);

#endif
