/*
 * edge.h - where bytes come in: the listener, HTTP/1.1, static files, internal endpoints, the door to WebSocket.
 *
 *	TLS listener -> tls.h -> http connection
 *	listener -> http connection -> polling requests  -> session_poll, session_post
 *	                            -> upgrades          -> ws.h (libwebsockets) -> session_ws
 *	                            -> files             -> the client bundle, the public folder
 *	                            -> sessions of other gateways -> relay.h -> their internal listener
 *	internal listener -> /healthz /readyz /metrics
 *	                  -> /api/              -> edge_api_ops
 *	                  -> requests that other gateways bring -> as those of clients
 *
 * HTTP is ours and strict (codec/http1); WebSocket is libwebsockets', which gets the socket behind our 101.
 *
 * The options, the loop and the sessions outlive the edge: connections that end with it are told to their sessions. The
 * process ignores SIGPIPE.
 */
#ifndef STOA_EDGE_EDGE_H
#define STOA_EDGE_EDGE_H

#include "gateway_options.h"
#include "http1.h"
#include "loop.h"
#include "session.h"

struct edge;

struct edge_config {
	const struct gateway_options *options;
	struct loop *loop;
	struct sessions *sessions;
	/* For /readyz: NULL when ready, else why not, a static text. */
	const char *(*not_ready)(void *ctx);
	void *ctx;
};

/*
 * What the internal listener hands up under /api/: the head first, so that nobody without a key has a body read. Slices
 * end with the call. Of headers that were not sent .at is NULL.
 */
struct edge_api_request {
	int64_t now_ms;
	enum http_method method;
	struct slice path, query;   /* as sent; the path is the whole one */
	struct slice authorization; /* in head() only */
	struct slice content_type, content_encoding, idempotency_key;
	struct slice body; /* in request() only */
};

/* JSON; comes zeroed, and the edge frees the buffers. */
struct edge_api_answer {
	int status;
	struct buf body, headers; /* headers: more lines, each with its CRLF */
};

struct edge_api_ops {
	/* False: *a answers. True: a body is read, of up to api_max_body bytes; then comes request() or too_large(), or
	 * neither if the peer goes. */
	bool (*head)(void *ctx, const struct edge_api_request *r, struct edge_api_answer *a);
	void (*request)(void *ctx, const struct edge_api_request *r, struct edge_api_answer *a);
	void (*too_large)(void *ctx, struct edge_api_answer *a);
};

/* A request that asks for a session, or was refused. Valid during the call. */
struct edge_request {
	const struct session_handshake *handshake;
	const char *transport; /* "polling", "websocket"; NULL: it named neither */
	uint64_t number;       /* of the question, for edge_decide(); of a refusal: 0 */
};

struct edge_decision {
	bool refused;     /* 403, an upgrade 400: the application does not want it */
	bool unavailable; /* 503, the message as text: nobody could be asked, or answered in time; no refusal to tell of */
	struct slice message; /* why, for the client; UTF-8 */
	/* Lines, each with its CRLF, for the answer, and for every answer of the session. */
	struct slice headers, session_headers;
};

/* Who says whether a request gets a session, and hears of refusals. */
struct edge_door_ops {
	/* Answered by edge_decide(), before this returns or later: true says that it will be, and the request is parked
	 * until then, which has no deadline here. Who is not decided on stays out. At most max_waiting_handshakes wait: past
	 * it nobody is asked, and the answer is 503. */
	bool (*admit)(void *ctx, int64_t now_ms, const struct edge_request *r);
	/* The client of a question that waits has left, or the edge ends: no answer is wanted any more. */
	void (*left)(void *ctx, uint64_t number);
	/* Every refusal of Engine.IO's: {"code":..,"message":..,"context":{..}} as Node's connection_error has them.
	 * Nothing is prepared unless hears() says so. */
	bool (*hears)(void *ctx);
	void (*refused)(void *ctx, int64_t now_ms, const struct edge_request *r, struct slice error);
};

/* Who knows the other gateways: requests for their sessions are taken there. */
enum edge_relay_where {
	EDGE_RELAY_NOWHERE, /* nobody goes by these characters, or none can be asked */
	EDGE_RELAY_THERE,   /* *address, which ends with the call */
	EDGE_RELAY_ASKED    /* edge_relay_found() will tell, never from inside */
};
struct edge_relay_ops {
	/* Where the node with these first characters of a sid takes requests: "192.0.2.7:5001", an address in numbers. */
	enum edge_relay_where (*where)(void *ctx, int64_t now_ms, struct slice id, const char **address);
	/* A gateway did not take our secret for its own. */
	void (*denied)(void *ctx, int64_t now_ms);
};

/* Listens. NULL: `why` says what failed in one sentence ("cannot listen on 127.0.0.1:5000: Address already in use"). */
struct edge *edge_open(const struct edge_config *config, char *why, size_t why_size);
/* A socket that was handed over (listen_fd) listens from here on, and not before: others listen on the same port, and take the
 * connections until all is ready here. Others listen already. Before the loop runs. 0 or -errno. */
int edge_listen(struct edge *e);
/* Certificates, if there are any, are read anew, for connections to come. */
void edge_reload_certificates(struct edge *e);
/* Who answers under /api/; without one it is 404. Before the loop runs. */
void edge_set_api(struct edge *e, const struct edge_api_ops *ops, void *ctx);
/* Without a door all come in. Before the loop runs. */
void edge_set_door(struct edge *e, const struct edge_door_ops *ops, void *ctx);
/* One who waits goes on as if it had been answered at once, in this call; so, of others, never from inside admit(). Who left,
 * who was decided on before, and all who waited when the edge stopped listening, are nobody. */
void edge_decide(struct edge *e, uint64_t number, const struct edge_decision *d);
/* Without these, sessions of others are unknown; without a secret nothing is taken from others. */
void edge_set_relay(struct edge *e, const struct edge_relay_ops *ops, void *ctx);
void edge_relay_found(struct edge *e, struct slice id, const char *address); /* NULL: nobody */
/* What gateways know each other by; visible ASCII, copied. The one before is taken for another minute. */
void edge_relay_secret(struct edge *e, const char *secret);
/* No new sessions, and each answer is its connection's last. Sessions here go on, and so they can be reached: by way of other
 * gateways, where there are any, who take all new connections from here on, too; else as before. */
void edge_stop_sessions(struct edge *e);
/* WebSockets of clients of this gateway whose sessions others have: ends up to `most` of them, how many it says. */
size_t edge_end_tunnels(struct edge *e, size_t most);
size_t edge_tunnels(const struct edge *e);
/* The same, and no new connections, idle ones are closed, and tunnels. The internal listener stays. */
void edge_stop_listening(struct edge *e);
/* WebSockets that are closed, whose peers have not taken yet what was written to them before. */
size_t edge_unread(const struct edge *e);
/* Around each flush of sessions' output: what is written in between may be made together (the option io_uring). */
void edge_flush(struct edge *e, bool begins);
bool edge_is_empty(const struct edge *e); /* no connection of a client is left, and none lingers */
void edge_free(struct edge *e);           /* closes everything at once; NULL is fine */

/* "127.0.0.1:43211" as bound; NULL when there is no such listener. */
const char *edge_address(const struct edge *e);
const char *edge_tls_address(const struct edge *e);
const char *edge_internal_address(const struct edge *e);

#endif
