/* linger.c - see linger.h. */
#include "linger.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include "alloc.h"

/* Not `struct linger`, which is the sockets' own. */
struct lingerer {
	struct lingers *all;
	int fd;
	struct event readable;
	struct timer deadline;
	TAILQ_ENTRY(lingerer) link;
	struct grave grave;
};

struct lingers {
	struct loop *loop;
	int64_t timeout_ms;
	size_t count;
	TAILQ_HEAD(, lingerer) list;
};

struct lingers *lingers_new(struct loop *loop, int64_t timeout_ms)
{
	struct lingers *all = must_alloc(sizeof(*all));

	all->loop = loop;
	all->timeout_ms = timeout_ms;
	TAILQ_INIT(&all->list);
	return all;
}

static void free_linger(struct grave *g)
{
	free((char *)g - offsetof(struct lingerer, grave));
}

static void linger_close(struct lingerer *l)
{
	struct loop *loop = l->all->loop;

	event_del(&l->readable);
	timer_stop(&loop->timers, &l->deadline);
	close(l->fd);
	TAILQ_REMOVE(&l->all->list, l, link);
	l->all->count--;
	graveyard_bury(&loop->graveyard, &l->grave, free_linger);
}

void lingers_free(struct lingers *all)
{
	if (all == NULL)
		return;
	while (!TAILQ_EMPTY(&all->list))
		linger_close(TAILQ_FIRST(&all->list));
	free(all);
}

size_t lingers_count(const struct lingers *all)
{
	return all->count;
}

static void on_deadline(struct timer *t, int64_t now_ms)
{
	(void)now_ms;
	linger_close((struct lingerer *)(void *)((char *)t - offsetof(struct lingerer, deadline)));
}

/* One read per wake-up: whoever floods us here gets no more of the loop than anybody else. */
static void on_readable(evutil_socket_t fd, short what, void *ctx)
{
	char drop[16 * 1024];
	ssize_t n = recv(fd, drop, sizeof(drop), MSG_DONTWAIT);

	(void)what;
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		linger_close(ctx);
}

void linger_start(struct lingers *all, int fd)
{
	struct lingerer *l;

	if (shutdown(fd, SHUT_WR) < 0) { /* the peer is gone already */
		close(fd);
		return;
	}
	l = must_alloc(sizeof(*l));
	l->all = all;
	l->fd = fd;
	TAILQ_INSERT_TAIL(&all->list, l, link);
	all->count++;
	event_assign(&l->readable, all->loop->base, fd, EV_READ | EV_PERSIST, on_readable, l);
	event_add(&l->readable, NULL);
	timer_set(&all->loop->timers, &l->deadline, on_deadline, loop_now(all->loop) + all->timeout_ms);
}
