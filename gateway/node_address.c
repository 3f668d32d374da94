/* node_address.c - see node_address.h. */
#include "node_address.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

enum { HOST_MAX = 256, PORT_MAX = 8 };

static bool is_any(const struct sockaddr *a)
{
	if (a->sa_family == AF_INET)
		return ((const struct sockaddr_in *)(const void *)a)->sin_addr.s_addr == htonl(INADDR_ANY);
	return IN6_IS_ADDR_UNSPECIFIED(&((const struct sockaddr_in6 *)(const void *)a)->sin6_addr);
}

/* Not a link-local one, which is an address on one network only. */
static bool is_reachable(const struct ifaddrs *i, int family)
{
	if (i->ifa_addr == NULL || i->ifa_addr->sa_family != family || !(i->ifa_flags & IFF_UP) ||
		(i->ifa_flags & IFF_LOOPBACK))
		return false;
	return family == AF_INET ||
	       !IN6_IS_ADDR_LINKLOCAL(&((const struct sockaddr_in6 *)(const void *)i->ifa_addr)->sin6_addr);
}

static void put(const struct sockaddr *a, socklen_t size, const char *port, char *to, size_t to_size)
{
	char host[64] = "";

	getnameinfo(a, size, host, sizeof(host), NULL, 0, NI_NUMERICHOST);
	snprintf(to, to_size, a->sa_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
}

static const struct ifaddrs *find_own(const struct ifaddrs *all, int family)
{
	for (const struct ifaddrs *i = all; i; i = i->ifa_next)
		if (is_reachable(i, family))
			return i;
	return NULL;
}

static void put_own(const char *port, char *to, size_t to_size)
{
	const struct ifaddrs *v4, *v6;
	struct ifaddrs *all = NULL;

	snprintf(to, to_size, "127.0.0.1:%s", port); /* a machine by itself */
	if (getifaddrs(&all) < 0)
		return;
	v4 = find_own(all, AF_INET);
	v6 = find_own(all, AF_INET6);
	if (v4)
		put(v4->ifa_addr, sizeof(struct sockaddr_in), port, to, to_size);
	else if (v6)
		put(v6->ifa_addr, sizeof(struct sockaddr_in6), port, to, to_size);
	freeifaddrs(all);
}

/* The form was checked: with its option, or it comes from the kernel. */
static void split(const char *text, char host[HOST_MAX], char port[PORT_MAX])
{
	const char *colon = strrchr(text, ':');
	int size = (int)(colon - text);

	if (size >= 2 && text[0] == '[')
		snprintf(host, HOST_MAX, "%.*s", size - 2, text + 1);
	else
		snprintf(host, HOST_MAX, "%.*s", size, text);
	snprintf(port, PORT_MAX, "%s", colon + 1);
}

/* IPv4 where there is one: what is bound to an address of it is not reached by the other. */
static const struct addrinfo *choose(const struct addrinfo *all)
{
	for (const struct addrinfo *a = all; a; a = a->ai_next)
		if (a->ai_family == AF_INET)
			return a;
	return all;
}

int node_address_find(const char *text, char *to, size_t size, char *why, size_t why_size)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV }, *found = NULL;
	const struct addrinfo *a;
	char host[HOST_MAX], port[PORT_MAX];
	int error;

	to[0] = '\0';
	if (text == NULL)
		return 0;
	split(text, host, port);
	error = host[0] ? getaddrinfo(host, port, &hints, &found) : 0;
	if (error) {
		snprintf(why, why_size, "node_address: %s: %s", host, gai_strerror(error));
		return -1;
	}
	a = choose(found);
	if (a == NULL || is_any(a->ai_addr))
		put_own(port, to, size);
	else
		put(a->ai_addr, a->ai_addrlen, port, to, size);
	if (found)
		freeaddrinfo(found);
	return 0;
}
