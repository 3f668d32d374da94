/*
 * node_address.h - where other gateways reach this one, in numbers: what is told to them, so that none of them has to
 * resolve a name while a request waits.
 */
#ifndef STOA_GATEWAY_NODE_ADDRESS_H
#define STOA_GATEWAY_NODE_ADDRESS_H

#include <stddef.h>

/*
 * `text` is "host:port", "[::]:port" or ":port"; NULL: nothing can be reached, and `to` is empty. A name is resolved here,
 * once; an address that stands for all of a machine's becomes the first of them that is not loopback; in both cases one of
 * IPv4 where there is one. 0, or -1 and one sentence in `why`.
 */
int node_address_find(const char *text, char *to, size_t size, char *why, size_t why_size);

#endif
