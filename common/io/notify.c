/* notify.c - see notify.h. */
#include "notify.h"

#include <errno.h>
#include <event2/event.h>
#include <sys/eventfd.h>
#include <unistd.h>

static void ready(evutil_socket_t fd, short what, void *ctx)
{
	struct notify *n = ctx;
	eventfd_t count;

	(void)what;
	/* Read first: what is sent from now on is told again. */
	if (eventfd_read(fd, &count) == 0)
		n->fn(n->ctx, loop_now(n->loop));
}

int notify_open(struct notify *n, struct loop *l, void (*fn)(void *ctx, int64_t now_ms), void *ctx)
{
	*n = (struct notify){ .loop = l, .fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), .fn = fn, .ctx = ctx };
	if (n->fd < 0)
		return -errno;
	n->event = event_new(l->base, n->fd, EV_READ | EV_PERSIST, ready, n);
	if (n->event && event_add(n->event, NULL) == 0)
		return 0;
	notify_close(n);
	return -ENOMEM;
}

void notify_close(struct notify *n)
{
	if (n->event)
		event_free(n->event);
	if (n->fd >= 0)
		close(n->fd);
	n->event = NULL;
	n->fd = -1;
}

/* A counter that is full says what is to be said. */
void notify_send(struct notify *n)
{
	eventfd_write(n->fd, 1);
}
