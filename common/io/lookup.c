/* lookup.c - see lookup.h. */
#include "lookup.h"

#include <event2/dns.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <stdlib.h>

#include "alloc.h"

/* A question to evdns. It outlives whoever asked: evdns answers a cancelled question later. */
struct lookup {
	lookup_fn *fn;
	void *to;
	struct lookup **slot; /* NULL: nobody wants to know any more */
	struct graveyard *graveyard;
	struct evdns_base *dns;
	struct evdns_getaddrinfo_request *request;
	struct event *later;
	struct grave grave;
};

static void free_lookup(struct grave *g)
{
	struct lookup *l = (void *)((char *)g - offsetof(struct lookup, grave));

	if (l->dns)
		evdns_base_free(l->dns, 0);
	if (l->later)
		event_free(l->later);
	free(l);
}

static void bury(evutil_socket_t fd, short what, void *ctx)
{
	struct lookup *l = ctx;

	(void)fd;
	(void)what;
	graveyard_bury(l->graveyard, &l->grave, free_lookup);
}

/* Lets go of who asked. It is not buried in this turn: of the questions for the two kinds of addresses, evdns may have
 * cancelled one, whose end it hears of through its base. */
static void end(struct lookup *l)
{
	if (l->slot)
		*l->slot = NULL;
	l->slot = NULL;
	if (l->later == NULL || event_add(l->later, &(struct timeval){ 0, 0 }) < 0)
		bury(-1, 0, l);
}

static void tell(struct lookup *l, const struct evutil_addrinfo *found, const char *why)
{
	lookup_fn *fn = l->fn;
	void *to = l->to;

	end(l);
	fn(to, found, why);
}

/* Perhaps before evdns_getaddrinfo() returns, and also when it was cancelled. */
static void resolved(int error, struct evutil_addrinfo *found, void *ctx)
{
	struct lookup *l = ctx;

	if (l->slot == NULL)
		end(l);
	else if (error)
		tell(l, NULL, evutil_gai_strerror(error));
	else
		tell(l, found, found ? NULL : "no address");
	if (found)
		evutil_freeaddrinfo(found);
}

void lookup_start(struct loop *loop, const char *host, int port, lookup_fn *fn, void *to, struct lookup **slot)
{
	struct evutil_addrinfo hints = {
		.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_protocol = IPPROTO_TCP
	};
	struct lookup *l = must_alloc(sizeof(*l));
	struct evdns_getaddrinfo_request *request;
	char service[8];

	*l = (struct lookup){ .fn = fn, .to = to, .slot = slot, .graveyard = &loop->graveyard };
	*slot = l;
	l->later = event_new(loop->base, -1, 0, bury, l);
	l->dns = evdns_base_new(loop->base, EVDNS_BASE_INITIALIZE_NAMESERVERS);
	if (l->dns == NULL) {
		tell(l, NULL, "the resolver cannot be set up; see /etc/resolv.conf");
		return;
	}
	/* Some servers answer in lower case whatever they are asked. */
	evdns_base_set_option(l->dns, "randomize-case:", "0");
	evutil_snprintf(service, sizeof(service), "%d", port);
	request = evdns_getaddrinfo(l->dns, host, service, &hints, resolved, l);
	if (request)
		l->request = request;
}

void lookup_cancel(struct lookup **slot)
{
	struct lookup *l = *slot;

	if (l == NULL)
		return;
	*slot = NULL;
	l->slot = NULL;
	if (l->request)
		evdns_getaddrinfo_cancel(l->request);
}
