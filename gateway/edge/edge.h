/*
 * edge.h - where bytes come in: the listener, HTTP/1.1, static files, internal endpoints, the door to WebSocket.
 *
 *	listener -> http connection -> polling requests  -> session_poll, session_post
 *	                            -> upgrades          -> ws.h (libwebsockets) -> session_ws
 *	                            -> files             -> the client bundle, the public folder
 *	internal listener -> /healthz /readyz /metrics
 *
 * HTTP is ours and strict (codec/http1); WebSocket is libwebsockets', entered with a sanitised head.
 *
 * The options, the loop and the sessions outlive the edge: connections that end with it are told to their sessions. The
 * process ignores SIGPIPE.
 */
#ifndef STOA_EDGE_EDGE_H
#define STOA_EDGE_EDGE_H

#include "gateway_options.h"
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

/* Listens. NULL: `why` says what failed in one sentence ("cannot listen on 127.0.0.1:5000: Address already in use"). */
struct edge *edge_open(const struct edge_config *config, char *why, size_t why_size);
/* No new connections, idle ones are closed, the others end with their answer; those of sessions go on until these end.
 * The internal listener stays. */
void edge_stop_listening(struct edge *e);
bool edge_is_empty(const struct edge *e); /* no connection of a client is left */
void edge_free(struct edge *e);           /* closes everything at once; NULL is fine */

/* "127.0.0.1:43211" as bound; NULL when there is no such listener. */
const char *edge_address(const struct edge *e);
const char *edge_internal_address(const struct edge *e);

#endif
