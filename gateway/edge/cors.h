/*
 * cors.h - which origins may speak to us, and the header lines that tell a browser so. Pure functions.
 *
 * The option cors_allowed_origins: not set, the server's own origin only: Origin names the same host and port as Host.
 * The scheme is not compared, since behind a load balancer that ends TLS we do not know ours. `*`: any. A list: these,
 * where a `*` inside stands for one or more characters of a host or port, as in "*.example.com" behind the scheme. Set
 * and empty: no check and no headers. A request without Origin does not come from a page's script and is allowed.
 */
#ifndef STOA_EDGE_CORS_H
#define STOA_EDGE_CORS_H

#include "config.h"
#include "http1.h"

/* `origin` and `host` are the headers' values; .at NULL where there is none. */
bool cors_allows(const struct config_list *allowed, struct slice origin, struct slice host);

/* Whether origins are looked at and answered at all. */
bool cors_is_on(const struct config_list *allowed);

enum { CORS_ORIGIN_MAX = 1024 }; /* bytes; a host's name has at most 255 */

/* An origin of visible ASCII and sane length; others are refused as a bad request, and never echoed. */
bool cors_origin_is_valid(struct slice origin);

/* Appends the lines for an answer: to an allowed origin, or to none, or (`allowed_origin` empty) to a refused one. */
void cors_put(struct buf *to, const struct config_list *allowed, struct slice allowed_origin, bool credentials);

/* Appends the further lines of the answer to a preflight. */
void cors_put_preflight(struct buf *to, const struct http_head *head);

#endif
