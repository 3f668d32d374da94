/* relay_link.c - connections to the gateways that own sessions. See relay.h. */
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/util.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "alloc.h"
#include "relay.h"

enum { KEPT_MAX = 256, KEPT_MS = 10 * 1000 }; /* well below keep_alive_timeout, after which the owner would close it */

static void free_link(struct grave *g)
{
	free((char *)g - offsetof(struct relay_link, grave));
}

static void unlink_kept(struct relay_link *l)
{
	struct relays *all = l->all;

	timer_stop(&all->edge->config.loop->timers, &l->idle);
	TAILQ_REMOVE(&all->kept, l, link);
	all->n_kept--;
}

struct bufferevent *relay_link_give_away(struct relay_link *l)
{
	struct bufferevent *bev = l->bev;

	if (l->relay == NULL)
		unlink_kept(l);
	l->relay = NULL;
	l->bev = NULL;
	graveyard_bury(&l->all->edge->config.loop->graveyard, &l->grave, free_link);
	return bev;
}

void relay_link_close(struct relay_link *l)
{
	bufferevent_free(relay_link_give_away(l));
}

/* --- Events ------------------------------------------------------------------------------------------------------- */

/* On a kept connection there is nothing to be said: the owner closes it, or errs. */
static void on_read(struct bufferevent *bev, void *ctx)
{
	struct relay_link *l = ctx;

	(void)bev;
	if (l->relay)
		relay_heard(l->relay);
	else
		relay_link_close(l);
}

static void no_delay(struct bufferevent *bev)
{
	int on = 1;

	setsockopt(bufferevent_getfd(bev), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

static void on_event(struct bufferevent *bev, short what, void *ctx)
{
	struct relay_link *l = ctx;

	if (what & BEV_EVENT_CONNECTED) {
		no_delay(bev);
		if (l->relay)
			relay_connected(l->relay);
	} else if (l->relay) {
		relay_lost(l->relay);
	} else {
		relay_link_close(l);
	}
}

static void idle_too_long(struct timer *t, int64_t now_ms)
{
	(void)now_ms;
	relay_link_close((struct relay_link *)(void *)((char *)t - offsetof(struct relay_link, idle)));
}

/* --- Opening and keeping ------------------------------------------------------------------------------------------ */

static struct relay_link *find_kept(struct relays *all, const char *address)
{
	struct relay_link *l;

	TAILQ_FOREACH (l, &all->kept, link)
		if (strcmp(l->address, address) == 0)
			return l;
	return NULL;
}

/* Addresses are numbers: nothing is resolved here. False: it failed at once; what fails later is an event. */
static bool begin_to_connect(struct relay_link *l)
{
	struct sockaddr_storage to;
	int size = sizeof(to);

	if (evutil_parse_sockaddr_port(l->address, (struct sockaddr *)&to, &size) < 0)
		return false;
	l->bev = bufferevent_socket_new(l->all->edge->config.loop->base, -1, BEV_OPT_CLOSE_ON_FREE);
	if (l->bev == NULL)
		return false;
	bufferevent_setcb(l->bev, on_read, NULL, on_event, l);
	if (bufferevent_socket_connect(l->bev, (struct sockaddr *)&to, size) == 0 &&
		bufferevent_enable(l->bev, EV_READ | EV_WRITE) == 0)
		return true;
	bufferevent_free(l->bev);
	return false;
}

struct relay_link *relay_link_open(struct relays *all, struct relay *relay, const char *address, bool fresh)
{
	struct relay_link *l = fresh ? NULL : find_kept(all, address);

	if (l) {
		unlink_kept(l);
		l->relay = relay;
		return l;
	}
	l = must_alloc(sizeof(*l));
	l->all = all;
	l->relay = relay;
	snprintf(l->address, sizeof(l->address), "%s", address);
	if (begin_to_connect(l))
		return l;
	free(l);
	return NULL;
}

static void keep(struct relay_link *l)
{
	struct relays *all = l->all;
	struct loop *loop = all->edge->config.loop;

	l->relay = NULL;
	l->used = true;
	TAILQ_INSERT_HEAD(&all->kept, l, link);
	all->n_kept++;
	timer_set(&loop->timers, &l->idle, idle_too_long, loop_now(loop) + KEPT_MS);
}

void relay_link_keep(struct relay_link *l)
{
	if (l->all->n_kept >= KEPT_MAX || evbuffer_get_length(bufferevent_get_input(l->bev)))
		relay_link_close(l);
	else
		keep(l);
}

void relay_link_abandon(struct relay_link *l)
{
	l->address[0] = '\0'; /* not for another request */
	keep(l);
}
