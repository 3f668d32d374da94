/* internal.c - see internal.h. */
#include "internal.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include "alloc.h"
#include "http1.h"
#include "log.h"

struct conn {
	TAILQ_ENTRY(conn) link; /* oldest first */
	struct internal *internal;
	int fd;
	struct event *readable, *writable;
	struct timer timeout;
	struct buf in, out;
	size_t scanned, sent;
};
TAILQ_HEAD(conns, conn);

struct internal {
	struct loop *loop;
	const struct internal_ops *ops;
	void *ctx;
	int fd;
	struct event *acceptable;
	struct conns conns;
	size_t count;
	char address[BOUND_ADDRESS_SIZE];
};

static void conn_close(struct conn *c)
{
	TAILQ_REMOVE(&c->internal->conns, c, link);
	c->internal->count--;
	timer_stop(&c->internal->loop->timers, &c->timeout);
	if (c->readable)
		event_free(c->readable);
	if (c->writable)
		event_free(c->writable);
	close(c->fd);
	buf_fini(&c->in);
	buf_fini(&c->out);
	free(c);
}

static void out_of_time(struct timer *t, int64_t now_ms)
{
	(void)now_ms;
	conn_close((struct conn *)(void *)((char *)t - offsetof(struct conn, timeout)));
}

/* --- Answers ------------------------------------------------------------------------------------------------------ */

static void answer(struct conn *c, int status, struct slice body, bool is_head)
{
	http_put_status(&c->out, status);
	http_put_header(&c->out, "Content-Type", SLICE("text/plain; version=0.0.4; charset=utf-8"));
	http_put_header(&c->out, "Cache-Control", SLICE("no-store"));
	http_put_header(&c->out, "Connection", SLICE("close"));
	http_put_length(&c->out, body.size);
	buf_add_str(&c->out, "\r\n");
	if (!is_head)
		buf_add_slice(&c->out, body);
}

static void answer_healthz(struct conn *c, bool is_head)
{
	answer(c, 200, SLICE("ok"), is_head);
}

static void answer_readyz(struct conn *c, bool is_head)
{
	const char *why = c->internal->ops->not_ready(c->internal->ctx);

	answer(c, why ? 503 : 200, slice_str(why ? why : "ready"), is_head);
}

static void answer_metrics(struct conn *c, bool is_head)
{
	struct buf body = BUF_INIT;

	c->internal->ops->metrics(c->internal->ctx, &body);
	if (body.failed)
		answer(c, 503, SLICE("out of memory"), is_head);
	else
		answer(c, 200, buf_slice(&body), is_head);
	buf_fini(&body);
}

static const struct {
	const char *path;
	void (*answer)(struct conn *c, bool is_head);
} endpoints[] = { { "/healthz", answer_healthz }, { "/readyz", answer_readyz }, { "/metrics", answer_metrics } };

static void answer_head(struct conn *c, const struct http_head *head)
{
	if (head->method != HTTP_GET && head->method != HTTP_HEAD) {
		answer(c, 405, SLICE("GET only"), false);
		return;
	}
	for (size_t i = 0; i < sizeof(endpoints) / sizeof(endpoints[0]); i++)
		if (slice_equal(head->path, slice_str(endpoints[i].path))) {
			endpoints[i].answer(c, head->method == HTTP_HEAD);
			return;
		}
	answer(c, 404, SLICE("no such page"), head->method == HTTP_HEAD);
}

/* --- A connection ------------------------------------------------------------------------------------------------- */

/* What the peer says after its request is not read: nothing of it would be answered. */
static void on_writable(evutil_socket_t fd, short what, void *ctx)
{
	struct conn *c = ctx;
	ssize_t n = send(fd, c->out.at + c->sent, c->out.size - c->sent, MSG_NOSIGNAL);

	(void)what;
	if (n > 0)
		c->sent += (size_t)n;
	if (c->sent == c->out.size)
		shutdown(fd, SHUT_WR);
	if (c->sent == c->out.size || (n < 0 && errno != EAGAIN && errno != EINTR))
		conn_close(c);
	else
		event_add(c->writable, NULL);
}

static void parse(struct conn *c)
{
	static const struct http_limits limits = { INTERNAL_HEAD_BYTES, 1024, 50 };
	struct http_head head;
	struct http_refusal refusal;
	int n = http_head_parse(buf_slice(&c->in), &limits, &c->scanned, &head, &refusal);

	if (n == 0)
		return;
	if (n < 0)
		answer(c, refusal.status, slice_str(refusal.reason), false);
	else
		answer_head(c, &head);
	event_del(c->readable);
	event_add(c->writable, NULL);
}

static void on_readable(evutil_socket_t fd, short what, void *ctx)
{
	struct conn *c = ctx;
	char *to = buf_reserve(&c->in, 2048);
	ssize_t n = to ? recv(fd, to, 2048, 0) : -1;

	(void)what;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		conn_close(c);
		return;
	}
	c->in.size += (size_t)n;
	parse(c);
}

static void conn_open(struct internal *in, int fd)
{
	struct conn *c = must_alloc(sizeof(*c));

	c->internal = in;
	c->fd = fd;
	TAILQ_INSERT_TAIL(&in->conns, c, link);
	in->count++;
	c->readable = event_new(in->loop->base, fd, EV_READ | EV_PERSIST, on_readable, c);
	c->writable = event_new(in->loop->base, fd, EV_WRITE, on_writable, c);
	timer_set(&in->loop->timers, &c->timeout, out_of_time, loop_now(in->loop) + INTERNAL_TIMEOUT_MS);
	if (c->readable == NULL || c->writable == NULL || event_add(c->readable, NULL) < 0)
		conn_close(c);
}

static void on_acceptable(evutil_socket_t listener, short what, void *ctx)
{
	struct internal *in = ctx;
	int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	(void)what;
	if (fd < 0)
		return;
	if (in->count == INTERNAL_CONNECTIONS)
		conn_close(TAILQ_FIRST(&in->conns));
	conn_open(in, fd);
}

/* --- The listener ------------------------------------------------------------------------------------------------- */

struct internal *internal_open(
	struct loop *loop, const char *listen_at, const struct internal_ops *ops, void *ctx, char *why, size_t why_size)
{
	struct internal *in = must_alloc(sizeof(*in));
	const char *reason = "out of memory";

	*in = (struct internal){ .loop = loop, .ops = ops, .ctx = ctx };
	TAILQ_INIT(&in->conns);
	in->fd = bind_address(listen_at, false, &reason);
	if (in->fd >= 0 && listen(in->fd, 128) == 0) {
		bind_name(in->fd, in->address);
		in->acceptable = event_new(loop->base, in->fd, EV_READ | EV_PERSIST, on_acceptable, in);
		if (in->acceptable && event_add(in->acceptable, NULL) == 0)
			return in;
	} else if (in->fd >= 0) {
		reason = strerror(errno);
	}
	snprintf(why, why_size, "cannot listen on %s: %s", listen_at, reason);
	internal_close(in);
	return NULL;
}

const char *internal_address(const struct internal *in)
{
	return in->address;
}

void internal_close(struct internal *in)
{
	if (in == NULL)
		return;
	while (!TAILQ_EMPTY(&in->conns))
		conn_close(TAILQ_FIRST(&in->conns));
	if (in->acceptable)
		event_free(in->acceptable);
	if (in->fd >= 0)
		close(in->fd);
	free(in);
}
