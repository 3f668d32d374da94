/* redis_dial.c - see redis.h: from a name to a connected socket. */
#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <event2/util.h>
#include <unistd.h>

#include "redis_internal.h"

/* --- Connecting --------------------------------------------------------------------------------------------------- */

static void connect_next(struct redis *r);

static void close_socket(struct redis_dial *d)
{
	if (d->writes)
		event_free(d->writes);
	if (d->fd >= 0)
		close(d->fd);
	d->writes = NULL;
	d->fd = -1;
}

static void connected(evutil_socket_t fd, short what, void *ctx)
{
	struct redis *r = ctx;
	int error = 0, taken = fd;
	socklen_t size = sizeof(error);

	(void)what;
	getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
	if (error == 0)
		r->dial.fd = -1; /* the link's from here on */
	close_socket(&r->dial);
	if (error == 0) {
		redis_link_up(r, taken);
		return;
	}
	errno = error;
	connect_next(r);
}

/* 0, or -1 and errno. */
static int connect_to(struct redis *r, const struct redis_address *address)
{
	struct redis_dial *d = &r->dial;

	d->fd = socket(address->at.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (d->fd < 0)
		return -1;
	if (connect(d->fd, &address->at.any, address->size) < 0 && errno != EINPROGRESS)
		return -1;
	d->writes = event_new(r->loop->base, d->fd, EV_WRITE, connected, r);
	if (d->writes && event_add(d->writes, NULL) == 0)
		return 0;
	errno = ENOMEM;
	return -1;
}

/* errno is the last address's, when there was one. */
static void connect_next(struct redis *r)
{
	struct redis_dial *d = &r->dial;
	int error = errno;

	while (d->tried < d->count) {
		const struct redis_address *address = &d->addresses[(d->first + d->tried++) % d->count];

		if (connect_to(r, address) == 0)
			return;
		error = errno;
		close_socket(d);
	}
	redis_fail(r, REDIS_TROUBLE_CONNECT, strerror(error));
}

static void connect_first(struct redis *r)
{
	r->dial.tried = 0;
	redis_enter(r, REDIS_CONNECTING);
	connect_next(r);
}

/* --- Addresses ---------------------------------------------------------------------------------------------------- */

static struct redis_address unix_address(const char *path)
{
	struct redis_address a = { .size = sizeof(a.at.un) };
	size_t size = strlen(path);

	a.at.un.sun_family = AF_UNIX;
	if (size < sizeof(a.at.un.sun_path)) /* redis_url_parse() saw to it */
		memcpy(a.at.un.sun_path, path, size);
	return a;
}

static bool numeric_address(const struct redis_url *url, struct redis_address *a)
{
	*a = (struct redis_address){ 0 };
	if (inet_pton(AF_INET, url->host, &a->at.in.sin_addr) == 1) {
		a->at.in.sin_family = AF_INET;
		a->at.in.sin_port = htons((uint16_t)url->port);
		a->size = sizeof(a->at.in);
		return true;
	}
	if (inet_pton(AF_INET6, url->host, &a->at.in6.sin6_addr) != 1)
		return false;
	a->at.in6.sin6_family = AF_INET6;
	a->at.in6.sin6_port = htons((uint16_t)url->port);
	a->size = sizeof(a->at.in6);
	return true;
}

static void take_addresses(struct redis_dial *d, const struct evutil_addrinfo *found)
{
	d->count = 0;
	for (; found && d->count < REDIS_ADDRESSES; found = found->ai_next) {
		struct redis_address *a = &d->addresses[d->count];

		if (found->ai_addrlen > sizeof(a->at))
			continue;
		memcpy(&a->at, found->ai_addr, found->ai_addrlen);
		a->size = found->ai_addrlen;
		d->count++;
	}
}

static void resolved(void *to, const struct evutil_addrinfo *found, const char *why)
{
	struct redis *r = to;

	take_addresses(&r->dial, found);
	if (why || r->dial.count == 0)
		redis_fail(r, REDIS_TROUBLE_RESOLVE, why ? why : "no address");
	else
		connect_first(r);
}

/* --- The calls ---------------------------------------------------------------------------------------------------- */

void redis_dial_start(struct redis *r)
{
	const struct redis_url *url = &r->config->url;
	struct redis_dial *d = &r->dial;

	redis_enter(r, REDIS_RESOLVING);
	d->count = 1;
	if (url->path)
		d->addresses[0] = unix_address(url->path);
	else if (!numeric_address(url, &d->addresses[0])) {
		lookup_start(r->loop, url->host, url->port, resolved, r, &d->lookup);
		return;
	}
	connect_first(r);
}

void redis_dial_stop(struct redis *r)
{
	close_socket(&r->dial);
	lookup_cancel(&r->dial.lookup);
}
