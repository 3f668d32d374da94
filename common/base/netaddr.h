/*
 * netaddr.h - IP addresses and ranges of them, as text and compared. Pure.
 *
 * An address is 16 bytes; one of IPv4 is kept as IPv6 has it mapped (::ffff:192.0.2.1), so that it is the same address
 * whichever way a peer's kernel or a proxy writes it.
 */
#ifndef STOA_BASE_NETADDR_H
#define STOA_BASE_NETADDR_H

#include "slice.h"

struct sockaddr;

struct net_address {
	unsigned char bytes[16];
};

enum { NET_ADDRESS_SIZE = 46 }; /* of an address as text, with its NUL */

/* "192.0.2.1", "2001:db8::1"; nothing around it, no port, no zone. False: it is none. */
bool net_address_parse(struct slice text, struct net_address *to);
/* The same with what proxies put around it: "192.0.2.1:1234", "[2001:db8::1]", "[2001:db8::1]:1234". */
bool net_address_parse_hop(struct slice text, struct net_address *to);
/* Of a peer, as accept(2) has it. What is not of IP is "::". */
void net_address_of(const struct sockaddr *peer, struct net_address *to);
/* As text, IPv4 in its own form. */
void net_address_format(const struct net_address *a, char to[NET_ADDRESS_SIZE]);

/* The addresses that share the first `bits` with `from`. */
struct net_range {
	struct net_address from;
	unsigned bits; /* of 128 */
};
enum { NET_RANGES_MAX = 6 }; /* that one word stands for */

/*
 * A range: an address, "10.0.0.0/8", "2001:db8::/32", or a word: "loopback" (127.0.0.0/8, ::1), "private"
 * (10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, 169.254.0.0/16, fc00::/7, fe80::/10). Returns how many were written to
 * `to`; 0: it is none.
 */
size_t net_ranges_parse(struct slice text, struct net_range to[NET_RANGES_MAX]);
bool net_range_has(const struct net_range *r, const struct net_address *a);

#endif
