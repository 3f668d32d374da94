/* redis_dial.c - see redis.h: from a name to a connected socket. */
#include <arpa/inet.h>
#include <errno.h>
#include <event2/dns.h>
#include <event2/event.h>
#include <event2/util.h>
#include <stdlib.h>
#include <unistd.h>

#include "alloc.h"
#include "redis_internal.h"

/* A question to evdns. It outlives the connection that asked: evdns answers a cancelled question later. */
struct redis_lookup {
	struct redis *redis; /* NULL: nobody wants to know any more */
	struct graveyard *graveyard;
	struct evdns_base *dns;
	struct evdns_getaddrinfo_request *request;
	struct event *later;
	struct grave grave;
};

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

/* --- Names -------------------------------------------------------------------------------------------------------- */

static void free_lookup(struct grave *g)
{
	struct redis_lookup *l = (void *)((char *)g - offsetof(struct redis_lookup, grave));

	if (l->dns)
		evdns_base_free(l->dns, 0);
	if (l->later)
		event_free(l->later);
	free(l);
}

static void bury_lookup(evutil_socket_t fd, short what, void *ctx)
{
	struct redis_lookup *l = ctx;

	(void)fd;
	(void)what;
	graveyard_bury(l->graveyard, &l->grave, free_lookup);
}

/* Not in this turn: of the questions for the two kinds of addresses, evdns may have cancelled one, whose end it hears of
 * through its base. */

static void end_lookup(struct redis_lookup *l)
{
	if (l->redis)
		l->redis->dial.lookup = NULL;
	l->redis = NULL;
	if (l->later == NULL || event_add(l->later, &(struct timeval){ 0, 0 }) < 0)
		bury_lookup(-1, 0, l);
}

/* Perhaps before evdns_getaddrinfo() returns, and also when it was cancelled. */
static void resolved(int error, struct evutil_addrinfo *found, void *ctx)
{
	struct redis_lookup *l = ctx;
	struct redis *r = l->redis;

	end_lookup(l);
	if (r && error == 0)
		take_addresses(&r->dial, found);
	if (found)
		evutil_freeaddrinfo(found);
	if (r == NULL)
		return;
	if (error || r->dial.count == 0)
		redis_fail(r, REDIS_TROUBLE_RESOLVE, error ? evutil_gai_strerror(error) : "no address");
	else
		connect_first(r);
}

static void resolve(struct redis *r)
{
	struct evutil_addrinfo hints = {
		.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_protocol = IPPROTO_TCP
	};
	struct redis_lookup *l = must_alloc(sizeof(*l));
	struct evdns_getaddrinfo_request *request;
	char port[8];

	*l = (struct redis_lookup){ .redis = r, .graveyard = &r->loop->graveyard };
	r->dial.lookup = l;
	l->later = event_new(r->loop->base, -1, 0, bury_lookup, l);
	l->dns = evdns_base_new(r->loop->base, EVDNS_BASE_INITIALIZE_NAMESERVERS);
	if (l->dns == NULL) {
		end_lookup(l);
		redis_fail(r, REDIS_TROUBLE_RESOLVE, "the resolver cannot be set up; see /etc/resolv.conf");
		return;
	}
	/* Some servers answer in lower case whatever they are asked. */
	evdns_base_set_option(l->dns, "randomize-case:", "0");
	evutil_snprintf(port, sizeof(port), "%d", r->config->url.port);
	request = evdns_getaddrinfo(l->dns, r->config->url.host, port, &hints, resolved, l);
	if (request)
		l->request = request;
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
		resolve(r);
		return;
	}
	connect_first(r);
}

void redis_dial_stop(struct redis *r)
{
	struct redis_lookup *l = r->dial.lookup;

	close_socket(&r->dial);
	if (l == NULL)
		return;
	r->dial.lookup = NULL;
	l->redis = NULL;
	if (l->request)
		evdns_getaddrinfo_cancel(l->request);
}
