/*
 * lookup.h - the addresses of a name, asked of the name servers and hosts file of this machine (evdns) without waiting.
 */
#ifndef STOA_IO_LOOKUP_H
#define STOA_IO_LOOKUP_H

#include <event2/util.h> /* struct evutil_addrinfo */

#include "loop.h"

struct lookup;

/* `why` NULL: `found`, which ends with the call, holds at least one address; else why not, a static text. */
typedef void lookup_fn(void *to, const struct evutil_addrinfo *found, const char *why);

/* Asks for the addresses of `host` with `port`, both kinds, for TCP. `fn` is called once, perhaps before this returns;
 * until then *slot is the question, and NULL from just before it on. The name servers have their own deadlines, of
 * several seconds. */
void lookup_start(struct loop *loop, const char *host, int port, lookup_fn *fn, void *to, struct lookup **slot);
/* Nobody wants to know any more: `fn` is not called. *slot may be NULL, and is afterwards. */
void lookup_cancel(struct lookup **slot);

#endif
