/*
 * bind.h - "host:port" as an address to listen on.
 *
 * With `shared` more sockets may be bound to the same address, by this user (SO_REUSEPORT): the kernel gives each
 * connection to one of those that listen, by a hash of its addresses and ports.
 */
#ifndef STOA_IO_BIND_H
#define STOA_IO_BIND_H

#include <stdbool.h>
#include <stddef.h>

enum { BOUND_ADDRESS_SIZE = 80 };

/* A socket that is bound and does not listen yet, non-blocking, closed on exec; or -1, `why` being a static text.
 * `address` is "host:port", "[::1]:port" or ":port", which is IPv6's any address and takes IPv4 as well. */
int bind_address(const char *address, bool shared, const char **why);
/* "127.0.0.1:43211" of a bound socket; "" when there is no telling. */
void bind_name(int fd, char name[BOUND_ADDRESS_SIZE]);

#endif
