/*
 * cookie.h - the cookie of a polling handshake's answer (protocol.md 2.7), for load balancers that keep a client on one
 * server by it. Its value is the session's id; nothing reads it back.
 */
#ifndef STOA_EDGE_COOKIE_H
#define STOA_EDGE_COOKIE_H

#include "buf.h"
#include "gateway_options.h"

/* Appends "Set-Cookie: io=SID; Path=/; HttpOnly; SameSite=Lax\r\n"; nothing without the option `cookie`. */
void cookie_put(struct buf *to, const struct gateway_options *o, const char *sid, bool secure);

/* What a browser will not keep as it is configured, for a warning; NULL: nothing. */
const char *cookie_complaint(const struct gateway_options *o);

#endif
