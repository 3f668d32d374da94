/*
 * forwarded.h - what a request's client really is, behind proxies: its address, and the scheme and host it spoke to.
 *
 * Only a peer that trusted_proxies names is believed. X-Forwarded-For is read from its end, the peer's own address
 * standing behind it: the first address that is not trusted is the client's; one that is malformed ends the walk, and the
 * address before it counts. Of X-Forwarded-Proto and -Host, lists too, the value counts that the outermost trusted
 * proxy added: as many from the end as there were trusted hops, or the first where there are fewer (most proxies write
 * the header anew). A value that is no scheme, or no host, is as if it were not there. Nothing of these headers is ever
 * sent back. RFC 7239's Forwarded is not read: proxies that send it send these as well, and of two truths one may be
 * the client's.
 */
#ifndef STOA_EDGE_FORWARDED_H
#define STOA_EDGE_FORWARDED_H

#include "config.h"
#include "http1.h"
#include "netaddr.h"

struct proxies {
	struct net_range *at;
	size_t count;
};

void proxies_init(struct proxies *p, const struct config_list *trusted); /* checked by its option */
void proxies_fini(struct proxies *p);
bool proxies_trust(const struct proxies *p, const struct net_address *a);

enum scheme { SCHEME_UNKNOWN, SCHEME_HTTP, SCHEME_HTTPS };

struct forwarded {
	struct net_address client;
	enum scheme scheme;
	struct slice host; /* .at NULL: not said; points into the head */
};

void forwarded_read(
	const struct proxies *p, const struct net_address *peer, const struct http_head *head, struct forwarded *to);

/* The host that X-Forwarded-Host names last, whoever says so; .at NULL: none. For a hint, not for a decision. */
struct slice forwarded_host_claimed(const struct http_head *head);

#endif
