/* edge_internal.h - what the files of the edge share; only they include it. */
#ifndef STOA_EDGE_EDGE_INTERNAL_H
#define STOA_EDGE_EDGE_INTERNAL_H

#include "edge.h"
#include "http_conn.h"
#include "sample.h"
#include "ws.h"

struct evconnlistener;

struct listener {
	struct edge *edge;
	struct http_service service;
	struct evconnlistener *accepts; /* NULL: not listening */
	struct timer retry;             /* no descriptor was to be had: accepting rests */
	char address[80];               /* as bound; "": none */
};

struct edge {
	struct edge_config config;
	struct http_server server;
	struct lingers *lingers;
	struct ws_engine *ws;
	struct listener clients, internal;
	int reserve;                /* a descriptor given up to accept and refuse when there is no other; -1: lost */
	int public_dir, client_dir; /* -1: none */
	struct slice path;          /* the option, without slashes at its end */
	unsigned transports;        /* TRANSPORT_.. */
	struct buf headers;         /* of the handshake in hand */
	struct sample refused_origins, refused_connections, no_descriptors;
};

static inline struct edge *edge_of(const struct http_conn *c)
{
	return c->service->ctx;
}

/* Connections of clients, WebSockets included, lingering ones not. */
size_t edge_connections(const struct edge *e);

/* polling.c: the clients' listener. */
extern const struct http_service_ops edge_clients_ops;
/* internal.c: the internal listener. */
extern const struct http_service_ops edge_internal_ops;

/* What a request to Engine.IO asks for. Slices point into its head. */
struct eio_request {
	const struct http_head *head;
	struct slice transport, sid, eio, origin, host;
	bool has_sid, origin_allowed;
};

/* The codes of Engine.IO's refusals (protocol.md 2.2). */
enum eio_error {
	EIO_TRANSPORT_UNKNOWN,
	EIO_SESSION_UNKNOWN,
	EIO_BAD_METHOD,
	EIO_BAD_REQUEST,
	EIO_FORBIDDEN,
	EIO_VERSION,
	EIO_ERRORS,
	EIO_OK = EIO_ERRORS
};
const char *eio_error_text(enum eio_error error);
bool eio_transport_enabled(const struct edge *e, struct slice name);

/* Fills what session_open_polling() and session_open_ws() want to know; `address` has EDGE_ADDRESS_SIZE bytes. The
 * slices end with the next call. */
enum { EDGE_ADDRESS_SIZE = 64 };
void edge_describe(struct edge *e, const struct http_conn *c, const struct http_head *head, char *address,
	struct session_handshake *h);

/* upgrade.c: a request for Engine.IO with Upgrade: becomes a WebSocket or is refused. `cors` are lines for the 101. */
void upgrade_request(struct http_conn *c, const struct eio_request *r, struct slice cors);
/* "HTTP/1.1 400 Bad Request", the headers that the reference sends, `lines` and the text; then the end. */
void upgrade_refuse(struct http_conn *c, int status, const char *text, const char *lines);

#endif
