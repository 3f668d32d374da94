/* edge_internal.h - what the files of the edge share; only they include it. */
#ifndef STOA_EDGE_EDGE_INTERNAL_H
#define STOA_EDGE_EDGE_INTERNAL_H

#include "bind.h"
#include "compress.h"
#include "edge.h"
#include "forwarded.h"
#include "http_conn.h"
#include "sample.h"
#include "ws.h"

struct relays;
struct tls;

struct listener {
	struct edge *edge;
	struct http_service service;
	int fd;                           /* -1: not listening */
	struct event accepts;             /* connections wait */
	unsigned batch;                   /* how many the last turn that took some was to take at most */
	uint64_t turn;                    /* its number */
	struct timer retry;               /* no descriptor was to be had: accepting rests */
	char address[BOUND_ADDRESS_SIZE]; /* as bound; "": none */
};

struct edge {
	struct edge_config config;
	struct http_server server;
	struct lingers *lingers;
	struct ws_engine *ws;
	struct listener clients, internal;
	struct listener secure;      /* tls_listen; its connections are those that have shaken hands */
	struct tls *tls;             /* NULL: without TLS */
	struct http_service relayed; /* connections of the internal listener that bring others' clients */
	struct http_limits internal_limits;
	struct relays *relays;
	int reserve;                /* a descriptor given up to accept and refuse when there is no other; -1: lost */
	int public_dir, client_dir; /* -1: none */
	struct slice path;          /* the option, without slashes at its end */
	unsigned transports;        /* TRANSPORT_.. */
	struct buf headers;         /* of the handshake in hand */
	struct buf lines;           /* CORS lines for the request in hand */
	struct buf extra;           /* of the 101 in hand */
	struct proxies proxies;     /* trusted */
	struct compressor *compressor;
	struct door *door;
	const struct edge_api_ops *api; /* of the internal listener; NULL: none */
	void *api_ctx;
	struct sample refused_origins, refused_connections, no_descriptors;
};

static inline struct edge *edge_of(const struct http_conn *c)
{
	return c->service->ctx;
}

/* Over TLS that ends here. */
static inline bool edge_is_secure(const struct http_conn *c)
{
	return c->service == &edge_of(c)->secure.service;
}

/* Connections of clients, WebSockets included, relayed ones too, lingering ones not. */
size_t edge_connections(const struct edge *e);

/* redirect.c: answers a request that has to come by https. False: it may stay. */
bool redirect_to_https(struct http_conn *c, const struct http_head *head);

/* routes.c: the clients' listeners. */
extern const struct http_service_ops edge_clients_ops;
/* internal.c: the internal listener. */
extern const struct http_service_ops edge_internal_ops;

/* What a request to Engine.IO asks for. Slices point into its head. */
struct eio_request {
	const struct http_head *head;
	struct slice transport, sid, eio, b64,
		j; /* of the query; of several the last, .at is NULL when there is none */
	struct slice origin;
	struct slice host; /* as the client had it: Host, or what a trusted proxy says */
	/* An origin that is none is not valid, and neither allowed nor refused. */
	bool has_sid, origin_valid, origin_allowed;
};

/* Why Engine.IO refuses a request (protocol.md 2.2); several share a code. */
enum eio_error {
	EIO_TRANSPORT_UNKNOWN,
	EIO_SESSION_UNKNOWN,
	EIO_BAD_METHOD,
	EIO_INVALID_ORIGIN,
	EIO_TRANSPORT_MISMATCH,
	EIO_PROTOCOL_MISMATCH,
	EIO_NO_UPGRADE,    /* transport=websocket in a request that does not upgrade */
	EIO_BAD_WEBSOCKET, /* an upgrade that is none; with words of its own */
	EIO_ORIGIN,        /* the origin may not */
	EIO_FORBIDDEN,     /* the application says no */
	EIO_VERSION,
	EIO_JSONP, /* it is off, or `j` is no number */
	EIO_ERRORS,
	EIO_OK = EIO_ERRORS
};
bool eio_transport_enabled(const struct edge *e, struct slice name);

/* What it says of its protocol: 3 is whatever is not 4, as in the reference. */
static inline bool eio_is_3(const struct eio_request *r)
{
	return !slice_equal(r->eio, SLICE("4"));
}
/* Of a handshake: fills the protocol's part of h. EIO_VERSION, EIO_JSONP: it is not taken; h is filled all the same. */
enum eio_error eio_read_protocol(const struct edge *e, const struct eio_request *r, struct session_handshake *h);

/* request.c */
void eio_request_read(
	const struct edge *e, const struct http_conn *c, const struct http_head *head, struct eio_request *r);
void eio_log_refused_origin(struct edge *e, const struct http_conn *c, const struct eio_request *r);

/* The client behind a request, as a trusted proxy or the gateway that brings it says. False: it is gone. */
bool edge_read_origin(
	const struct edge *e, const struct http_conn *c, const struct http_head *head, struct forwarded *from);

/* Fills what session_open_polling() and session_open_ws() want to know; `address` has EDGE_ADDRESS_SIZE bytes. The
 * slices end with the next call. */
enum { EDGE_ADDRESS_SIZE = 64 };
void edge_describe(struct edge *e, const struct http_conn *c, const struct http_head *head, char *address,
	struct session_handshake *h);

/* The client's address alone, as above; empty: it is gone. */
void edge_client_address(
	const struct edge *e, const struct http_conn *c, const struct http_head *head, char address[EDGE_ADDRESS_SIZE]);

/* door.c: whether one address, or the process, may have another session: 0, or the status to refuse with. */
int door_admits(struct edge *e, struct slice address);
/* A request for a session that is none. False: its address asks too often, and the connection has been closed. */
bool door_answers_stranger(struct http_conn *c, const struct http_head *head);

/* ask.c: whether the request gets a session. */
enum door_verdict {
	DOOR_DECIDED, /* *answer, whose slices end with the next question */
	DOOR_PARKED,  /* handshake_decided() will be called, or door_gone() is to be */
	DOOR_FULL     /* too many wait already */
};
enum door_verdict door_ask(struct http_conn *c, const struct http_head *head, const struct session_handshake *h,
	bool upgrade, struct edge_decision *answer);
void door_gone(struct http_conn *c);  /* the connection of a request that was parked has ended */
void door_forget_all(struct edge *e); /* those that wait are answered as unavailable */
/* routes.c: a parked request goes on. */
void handshake_decided(struct http_conn *c, const struct http_head *head, bool upgrade, const struct edge_decision *d);

/* Tells of a refusal, and counts it; `words` replaces the text of the table when it is not empty. */
struct refusal {
	enum eio_error error;
	struct slice words;
	const char *previous; /* of TRANSPORT_MISMATCH: the session's transport */
};
void door_refused(struct http_conn *c, const struct eio_request *r, const struct refusal *why);
int refusal_code(const struct refusal *why);
int refusal_status(const struct refusal *why);
struct slice refusal_text(const struct refusal *why);
void door_put_error(struct buf *to, const struct refusal *why); /* {"code":4,"message":"Forbidden"} */
void door_free(struct edge *e);

/* upgrade.c: a request for Engine.IO with Upgrade: becomes a WebSocket or is refused. `cors` are lines for the 101. */
void upgrade_request(struct http_conn *c, const struct eio_request *r, struct slice cors);
/* The same, of one that was parked: `h` describes it. */
void upgrade_decided(struct http_conn *c, const struct eio_request *r, struct slice cors, struct session_handshake *h,
	const struct edge_decision *d);
/* "HTTP/1.1 400 Bad Request", the headers that the reference sends, `lines` and the text; then the end. */
void upgrade_refuse(struct http_conn *c, int status, struct slice text, struct slice lines);

/* polling.c: requests that do not upgrade. Each is lent what it needs first; `cors` are lines of its answer. */
void polling_lend(struct http_conn *c, const struct http_head *head, struct slice cors);
struct buf *polling_lines(struct http_conn *c); /* of the answer due, to be added to */
void polling_answer_empty(struct http_conn *c, int status);
void polling_refuse(struct http_conn *c, const struct eio_request *r, const struct refusal *why);
/* A session begins, or its GET or POST; whatever comes of it, the answer included, is done here. */
void polling_open(struct http_conn *c, const struct session_handshake *h);
void polling_get(struct http_conn *c, struct session *s);
void polling_post(struct http_conn *c, const struct http_head *head, struct session *s);
/* As of struct http_service_ops, also for what is relayed or waits at the door. */
void polling_body(struct http_conn *c, struct slice body);
void polling_too_large(struct http_conn *c);
void polling_gone(struct http_conn *c);

#endif
