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

static void put_own(const char *port, char *to, size_t to_size)
{
	static const int families[] = { AF_INET, AF_INET6 };
	struct ifaddrs *all = NULL;

	snprintf(to, to_size, "127.0.0.1:%s", port); /* a machine by itself */
	if (getifaddrs(&all) < 0)
		return;
	for (int f = 0; f < 2; f++)
		for (const struct ifaddrs *i = all; i; i = i->ifa_next)
			if (is_reachable(i, families[f])) {
				put(i->ifa_addr,
					families[f] == AF_INET ? sizeof(struct sockaddr_in)
							       : sizeof(struct sockaddr_in6),
					port, to, to_size);
				freeifaddrs(all);
				return;
			}
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

int node_address_find(const char *text, char *to, size_t size, char *why, size_t why_size)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV }, *found = NULL;
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
	if (found == NULL || is_any(found->ai_addr))
		put_own(port, to, size);
	else
		put(found->ai_addr, found->ai_addrlen, port, to, size);
	if (found)
		freeaddrinfo(found);
	return 0;
}
