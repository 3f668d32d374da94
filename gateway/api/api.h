/*
 * api.h - emitting from beside: the HTTP API of the internal listener, JSON in and JSON out (docs/http-api.md).
 *
 *	POST /api/v1/{emit,join,leave,disconnect}                 act on clients
 *	GET or POST /api/v1/{rooms,sockets,namespaces,counts}     tell who is there
 *
 * The edge receives requests and calls api_ops; what they ask for is done to the hub and to clients at once, so the
 * answer says what happened here, and whether other processes were told. A client that is disconnected has its handlers run by the layer that its client_ops belong
 * to. Whom an action concerns is always said: a room, or `broadcast`, as in stoa.h.
 *
 * Every request carries the key (Authorization: Bearer KEY), which is compared in constant time, before a body is read.
 * Without a key in the options the API is off and says so.
 *
 * Bounded: the body (api_max_body, by the edge), a batch (api_max_batch), a page of a listing (api_max_list, and
 * api_max_body for its bytes), remembered answers (api_idempotency_memory), names and arguments as clients' are.
 */
#ifndef STOA_API_API_H
#define STOA_API_API_H

#include "cluster.h"
#include "edge.h"
#include "gateway_options.h"
#include "hub.h"

struct api;

/* Reads the key. Options and hub are borrowed. NULL: `why` says in one sentence what is wrong with the key's file. */
struct api *api_open(const struct gateway_options *options, struct hub *hub, char *why, size_t why_size);
/* Actions are told to the cluster too. */
void api_set_cluster(struct api *a, struct cluster *cluster);
void api_free(struct api *a); /* NULL is fine */
bool api_is_on(const struct api *a);

extern const struct edge_api_ops api_ops; /* ctx: the struct api */

#endif
