/*
 * cors.h - which origins may speak to us, and the header lines that tell a browser so. Pure functions.
 *
 * The option cors_allowed_origins: not set, the server's own origin only: Origin names the same host and port as Host
 * (or as a trusted proxy's X-Forwarded-Host), and the same scheme where a trusted proxy says which (forwarded.h). Without
 * one the scheme is not compared, since we do not know who ends TLS before us. `*`: any. A list: these, where a `*`
 * inside stands for one or more characters of a host or port, as in "*.example.com" behind the scheme. Set and empty: no
 * check and no headers. A request without Origin does not come from a page's script and is allowed.
 *
 * An allowed origin is named in the answer, with Vary: Origin. Only with `*` and without credentials the answer is `*`
 * for all, as the reference's is: with credentials browsers would not take that.
 */
#ifndef STOA_EDGE_CORS_H
#define STOA_EDGE_CORS_H

#include "forwarded.h"
#include "gateway_options.h"

/* Where a request was sent. */
struct cors_self {
	struct slice host; /* .at NULL: not said */
	enum scheme scheme;
};

/* `origin` is the header's value; .at NULL where there is none. */
bool cors_allows(const struct config_list *allowed, struct slice origin, const struct cors_self *self);

/* Whether `origin` is the own one. */
bool cors_is_own(struct slice origin, const struct cors_self *self);

/* Whether origins are looked at and answered at all. */
bool cors_is_on(const struct config_list *allowed);

enum { CORS_ORIGIN_MAX = 1024 }; /* bytes; a host's name has at most 255 */

/* An origin of visible ASCII and sane length; others are refused as a bad request, and never echoed. */
bool cors_origin_is_valid(struct slice origin);

/* Whether the option takes `origin` as an item: for the line of a log. */
bool cors_is_option(struct slice origin);

/* Appends the lines for an answer: to `origin`, which is allowed and may be none, or to a refused one. */
void cors_put(struct buf *to, const struct gateway_options *o, struct slice origin, bool allowed);

/* Appends the further lines of the answer to a preflight. */
void cors_put_preflight(struct buf *to, const struct gateway_options *o, const struct http_head *head);

#endif
