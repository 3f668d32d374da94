/*
 * relay.h - requests for sessions of other gateways: taken to the gateway that owns the session, and answered with what
 * it answers. Only files of the edge include this; edge.h says how the layer above finds the owner.
 *
 *	client -> http connection, parked -> struct relay -> struct relay_link -> the owner's internal listener
 *	client -> struct relay_tunnel, once the owner has answered an upgrade with 101
 *
 *	relays.c        all of them
 *	relay.c         requests: asking for the owner, sending, answering, failing
 *	relay_link.c    connections to owners, and those kept for the next request
 *	relay_head.c    the request as it is sent on, the answer as it is read
 *	relay_tunnel.c  WebSockets: bytes in both directions
 *	relay_owner.c   the other side: requests that another gateway brings
 *
 * What is sent on is written anew from the parsed head: the fields as they came, without those that are about one
 * connection (RFC 9110 7.6.1), a length that is ours, and in front of them
 *
 *	Stoa-Relay: SECRET ADDRESS SCHEME HOST
 *
 * with the client's address, "http", "https" or "-", and the host or "-", as trusted_proxies decide here. The owner
 * believes it for its secret. The head goes at once and the body when all of it has come, so that the owner sees a
 * request begin, and its end when the client goes away, as if the client were connected to it.
 *
 * An owner that cannot be reached, ends its connection without an answer, or is silent for too long: the session is
 * unknown to the client (code 1). A GET that met a kept connection which its owner was just closing goes out once more;
 * nothing else is ever sent twice.
 *
 * A gateway that ends asks the owners to answer the polls that wait with it, so that their clients take another way.
 */
#ifndef STOA_EDGE_RELAY_H
#define STOA_EDGE_RELAY_H

#include "edge_internal.h"

struct bufferevent;
struct evbuffer;
struct relay_link;

/* The method by which a gateway that ends asks for an answer to the session's poll. A client's is not taken for it: of
 * clients' requests only those of other methods are sent on. */
#define RELAY_RELEASE "STOA-RELEASE"

enum relay_kind { RELAY_POLL, RELAY_POST, RELAY_UPGRADE, RELAY_KINDS };
enum relay_result { RELAY_ANSWERED, RELAY_UNKNOWN, RELAY_FAILED, RELAY_ABORTED, RELAY_RESULTS };

enum {
	RELAY_SECRET_MAX = 1000,  /* characters, as api_key's */
	RELAY_ADDRESS_SIZE = 112, /* of "host:port" */
	RELAY_BUFFER = 64 * 1024, /* of a WebSocket's bytes, in each direction */
	RELAY_HEAD_EXTRA = 2048,  /* an owner takes heads longer by that: the line above */
};

TAILQ_HEAD(relay_list, relay);
TAILQ_HEAD(relay_links, relay_link);
LIST_HEAD(relay_tunnels, relay_tunnel);

/* Of an edge. */
struct relays {
	struct edge *edge;
	const struct edge_relay_ops *ops; /* NULL: this gateway knows of no others */
	void *ctx;
	char secret[2][RELAY_SECRET_MAX + 1]; /* ours, and the one before, which is still taken until old_until_ms */
	int64_t old_until_ms;
	struct relay_list requests;
	struct relay_links kept; /* connections without a request */
	struct relay_tunnels tunnels;
	size_t n_requests, n_kept, n_tunnels;
	struct buf type, lines; /* of the answer in hand */
	struct sample denied, full;
};

struct relays *relays_new(struct edge *e);
void relays_free(struct relays *all);  /* every connection of a client is closed already */
void relays_drain(struct relays *all); /* clients are to find another gateway: see above; not those of WebSockets */

/* --- relay.c ------------------------------------------------------------------------------------------------------ */

/* A request on its way. It belongs to its client's connection, and ends with the answer or with either side. */
struct relay {
	struct relays *all;
	struct http_conn *client; /* parked, or its body comes */
	struct relay_link *link;  /* NULL: the owner is being asked for */
	enum relay_kind kind;
	bool head_only, chunked;
	bool connecting;
	bool body_due; /* of a POST: it has not come yet */
	struct buf head, origin;
	struct evbuffer *body; /* that came before there was a link; or NULL */
	struct timer due;
	TAILQ_ENTRY(relay) entry;
	struct grave grave;
	char node[NODE_ID_SIZE];
};

/* Inside request(), of a session that is not here. */
enum relay_verdict {
	RELAY_NOT,  /* nobody else has it either, as far as we know */
	RELAY_FULL, /* max_relays: to be answered with 503 */
	RELAY_TAKEN /* it will be answered, or has been */
};
enum relay_verdict relay_request(struct http_conn *c, const struct eio_request *r, bool upgrade);
/* The connection's calls while c->relay is set. */
void relay_body(struct http_conn *c, struct slice body);
void relay_too_large(struct http_conn *c);
void relay_gone(struct http_conn *c);

/* Who was asked for the owner has answered; NULL: nobody. */
void relay_go_on(struct relay *relay, const char *address);

/* routes.c and upgrade.c: the answer to a request whose session turned out to be nobody's. */
void polling_answer_stranger(struct http_conn *c, const struct http_head *head);
void upgrade_answer_stranger(struct http_conn *c, const struct http_head *head);

/* --- relay_link.c ------------------------------------------------------------------------------------------------- */

struct relay_link {
	struct relays *all;
	struct relay *relay; /* NULL: it is kept */
	struct bufferevent *bev;
	bool used; /* an answer has come over it */
	struct timer idle;
	TAILQ_ENTRY(relay_link) link; /* while kept */
	struct grave grave;
	char address[RELAY_ADDRESS_SIZE];
};

/* A connection that is kept, or (`fresh`) a new one, which begins to connect. NULL: it cannot even begin. `relay` NULL: to
 * be abandoned at once. */
struct relay_link *relay_link_open(struct relays *all, struct relay *relay, const char *address, bool fresh);
void relay_link_keep(struct relay_link *l); /* its answer is complete */
/* What is answered is of no interest: it ends with that. */
void relay_link_abandon(struct relay_link *l);
void relay_link_close(struct relay_link *l);
/* The connection goes to the caller, and the link ends. */
struct bufferevent *relay_link_give_away(struct relay_link *l);

/* In relay.c, for a link with a request: bytes came; it is connected; it ended. */
void relay_heard(struct relay *relay);
void relay_connected(struct relay *relay);
void relay_lost(struct relay *relay);

/* --- relay_head.c ------------------------------------------------------------------------------------------------- */

/* The client behind a request, for the owner. */
void relay_put_origin(struct buf *to, const struct forwarded *from);
/* The request without Stoa-Relay, which is put behind its first line when it is sent. */
void relay_put_head(struct buf *to, const struct eio_request *r, enum relay_kind kind, size_t max_body);
void relay_send_head(struct evbuffer *to, struct slice head, const char *secret, struct slice origin);

struct relay_answer {
	int status;
	size_t head_size, body_size;
	bool close;  /* its connection ends with it */
	bool denied; /* the owner does not take relayed requests of ours */
};
/* An answer's head at the front of `from`; `type` and `lines` get what of it goes on to the client. 1: it is there; 0: not
 * yet; -1: it is none. */
int relay_read_answer(
	struct evbuffer *from, bool head_only, struct relay_answer *a, struct buf *type, struct buf *lines);

/* Whether the field is there, and its secret right. *from is filled; its host points into the head. */
bool relay_read_origin(const struct relays *all, const struct http_head *head, struct forwarded *from);

/* --- relay_tunnel.c ----------------------------------------------------------------------------------------------- */

/* Takes both; `early` came from the client already. */
void relay_tunnel_open(struct relays *all, int client, struct slice early, struct bufferevent *owner);
size_t relay_tunnels_drain(struct relays *all, size_t most); /* how many ended */
void relay_tunnels_free(struct relays *all);

/* --- relay_owner.c ------------------------------------------------------------------------------------------------ */

/* A request on the internal listener that has the field. */
void relay_take(struct http_conn *c, const struct http_head *head);
extern const struct http_service_ops edge_relayed_ops;

#endif
