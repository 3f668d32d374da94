/* bind.c - see bind.h. */
#include "bind.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <netinet/in.h>

#include "slice.h"

/* Splits "host:port", "[::1]:port" or ":port"; the option's check has seen to the form. */
static void split_address(const char *address, char *host, size_t size, const char **port)
{
	const char *colon = strrchr(address, ':');
	struct slice h = slice_of(address, (size_t)(colon - address));

	if (h.size >= 2 && h.at[0] == '[')
		h = slice_of(h.at + 1, h.size - 2);
	snprintf(host, size, "%.*s", SLICE_ARG(h));
	*port = colon + 1;
}

/* -errno, or a bound socket. Without a host it is IPv6's any address, which takes IPv4 as well. */
static int bind_one(const struct addrinfo *a, bool both, bool shared)
{
	int fd = socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1, off = 0, error;

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (shared)
		setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
	if (a->ai_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, both ? &off : &on, sizeof(on));
	if (bind(fd, a->ai_addr, a->ai_addrlen) == 0)
		return fd;
	error = errno;
	close(fd);
	return -error;
}

static int bind_any(const struct addrinfo *all, bool both, bool shared)
{
	int fd = -EADDRNOTAVAIL;

	for (const struct addrinfo *a = all; a && fd < 0; a = a->ai_next)
		if (!both || a->ai_family == AF_INET6)
			fd = bind_one(a, both, shared);
	for (const struct addrinfo *a = all; a && fd < 0 && both; a = a->ai_next) /* a machine without IPv6 */
		if (a->ai_family == AF_INET)
			fd = bind_one(a, false, shared);
	return fd;
}

int bind_address(const char *address, bool shared, const char **why)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV }, *all = NULL;
	char host[256];
	const char *port;
	int error, fd;

	split_address(address, host, sizeof(host), &port);
	error = getaddrinfo(host[0] ? host : NULL, port, &hints, &all);
	if (error) {
		*why = gai_strerror(error);
		return -1;
	}
	fd = bind_any(all, host[0] == '\0', shared);
	freeaddrinfo(all);
	if (fd < 0)
		*why = strerror(-fd);
	return fd;
}

void bind_name(int fd, char name[BOUND_ADDRESS_SIZE])
{
	struct sockaddr_storage bound;
	socklen_t size = sizeof(bound);
	char host[64], port[8];

	name[0] = '\0';
	if (getsockname(fd, (struct sockaddr *)&bound, &size) == 0 &&
		getnameinfo((struct sockaddr *)&bound, size, host, sizeof(host), port, sizeof(port),
			NI_NUMERICHOST | NI_NUMERICSERV) == 0)
		snprintf(name, BOUND_ADDRESS_SIZE, strchr(host, ':') ? "[%s]:%s" : "%s:%s", host, port);
}
