/*
 * relay_tunnel.c - a WebSocket whose session is another gateway's: bytes from the client to the owner and back, in
 * order, never looked at. See relay.h.
 *
 * Each direction holds at most twice RELAY_BUFFER: past it the one side is not read until the other has taken some.
 * An end of input is passed on behind the bytes before it. When the owner has ended, the client's side lingers as any
 * other; a client that has ended waits for the owner's end, END_MS at most, as does a client that takes nothing.
 */
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "alloc.h"
#include "metrics.h"
#include "relay.h"

enum { END_MS = 10 * 1000 };

struct side {
	struct relay_tunnel *tunnel;
	struct side *other;
	struct bufferevent *bev; /* NULL: the client lingers */
	enum metric_id bytes;    /* read here */
	bool ended;              /* its input */
};

struct relay_tunnel {
	struct relays *all;
	struct side client, owner;
	struct timer due;
	LIST_ENTRY(relay_tunnel) entry;
	struct grave grave;
};

static struct loop *loop_of(const struct relay_tunnel *t)
{
	return t->all->edge->config.loop;
}

/* --- Its end ------------------------------------------------------------------------------------------------------ */

static void free_tunnel(struct grave *g)
{
	free((char *)g - offsetof(struct relay_tunnel, grave));
}

/* The client's descriptor is not its bufferevent's; the owner's is. */
static int take_client(struct side *s)
{
	int fd = bufferevent_getfd(s->bev);

	bufferevent_disable(
		s->bev, EV_READ | EV_WRITE); /* the rest of freeing it may wait until its callbacks are over */
	bufferevent_free(s->bev);
	s->bev = NULL;
	return fd;
}

static void forget(struct relay_tunnel *t)
{
	bufferevent_free(t->owner.bev);
	if (t->client.bev)
		close(take_client(&t->client));
	timer_stop(&loop_of(t)->timers, &t->due);
	LIST_REMOVE(t, entry);
	t->all->n_tunnels--;
	metrics_add(M_RELAYS, -1);
	graveyard_bury(&loop_of(t)->graveyard, &t->grave, free_tunnel);
}

static void out_of_time(struct timer *timer, int64_t now_ms)
{
	(void)now_ms;
	forget((struct relay_tunnel *)(void *)((char *)timer - offsetof(struct relay_tunnel, due)));
}

static size_t waiting_for(const struct side *s)
{
	return evbuffer_get_length(bufferevent_get_output(s->bev));
}

/* Nothing more comes for this side, and all that came is in the kernel. */
static void finish(struct side *s)
{
	struct relay_tunnel *t = s->tunnel;

	if (s == &t->client) {
		linger_start(t->all->edge->lingers, take_client(s));
		forget(t);
	} else {
		shutdown(bufferevent_getfd(s->bev), SHUT_WR);
	}
}

static void has_ended(struct side *s)
{
	struct relay_tunnel *t = s->tunnel;

	s->ended = true;
	timer_set(&loop_of(t)->timers, &t->due, out_of_time, loop_now(loop_of(t)) + END_MS);
	if (waiting_for(s->other) == 0)
		finish(s->other);
}

/* --- Bytes -------------------------------------------------------------------------------------------------------- */

static void on_read(struct bufferevent *bev, void *ctx)
{
	struct side *s = ctx;

	metrics_add(s->bytes, (int64_t)evbuffer_get_length(bufferevent_get_input(bev)));
	if (bufferevent_read_buffer(bev, bufferevent_get_output(s->other->bev)) < 0)
		forget(s->tunnel);
	else if (waiting_for(s->other) >= RELAY_BUFFER)
		bufferevent_disable(bev, EV_READ);
}

static void on_write(struct bufferevent *bev, void *ctx)
{
	struct side *s = ctx;

	(void)bev;
	if (!s->other->ended)
		bufferevent_enable(s->other->bev, EV_READ);
	else if (waiting_for(s) == 0)
		finish(s);
}

/* A client that errs is gone; of an owner that errs the client still gets what came before. */
static void on_event(struct bufferevent *bev, short what, void *ctx)
{
	struct side *s = ctx;

	(void)bev;
	if ((what & BEV_EVENT_ERROR) && s == &s->tunnel->client)
		forget(s->tunnel);
	else if ((what & (BEV_EVENT_EOF | BEV_EVENT_ERROR)) && !s->ended)
		has_ended(s);
}

/* --- Its beginning ------------------------------------------------------------------------------------------------ */

static void side_init(struct side *s, struct relay_tunnel *t, struct side *other, struct bufferevent *bev)
{
	s->tunnel = t;
	s->other = other;
	s->bev = bev;
	bufferevent_setcb(bev, on_read, on_write, on_event, s);
	bufferevent_setwatermark(bev, EV_READ, 0, RELAY_BUFFER);
	bufferevent_setwatermark(bev, EV_WRITE, RELAY_BUFFER / 4, 0);
	bufferevent_enable(bev, EV_READ | EV_WRITE);
}

void relay_tunnel_open(struct relays *all, int client, struct slice early, struct bufferevent *owner)
{
	struct bufferevent *bev = bufferevent_socket_new(all->edge->config.loop->base, client, 0);
	struct relay_tunnel *t;

	if (bev == NULL) {
		close(client);
		bufferevent_free(owner);
		return;
	}
	t = must_alloc(sizeof(*t));
	t->all = all;
	t->client.bytes = M_RELAY_BYTES_OUT;
	t->owner.bytes = M_RELAY_BYTES_IN;
	LIST_INSERT_HEAD(&all->tunnels, t, entry);
	all->n_tunnels++;
	metrics_add(M_RELAYS, 1);
	side_init(&t->client, t, &t->owner, bev);
	side_init(&t->owner, t, &t->client, owner);
	bufferevent_write(owner, early.at, early.size);
	on_read(owner, &t->owner); /* the 101, and what came behind it */
}

size_t relay_tunnels_drain(struct relays *all, size_t most)
{
	struct relay_tunnel *t, *next;
	size_t ended = 0;

	for (t = LIST_FIRST(&all->tunnels); t && ended < most; t = next) {
		next = LIST_NEXT(t, entry);
		if (t->owner.ended)
			continue;
		bufferevent_disable(t->owner.bev, EV_READ);
		bufferevent_disable(t->client.bev, EV_READ);
		has_ended(&t->owner);
		ended++;
	}
	return ended;
}

void relay_tunnels_free(struct relays *all)
{
	while (!LIST_EMPTY(&all->tunnels))
		forget(LIST_FIRST(&all->tunnels));
}
