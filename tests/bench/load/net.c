/* net.c - see load.h. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "load.h"

void bytes_add(struct bytes *b, const void *at, size_t size)
{
	if (size > b->cap - b->size) {
		b->cap = (b->size + size) * 2;
		b->at = realloc(b->at, b->cap);
		if (b->at == NULL)
			abort();
	}
	if (size)
		memcpy(b->at + b->size, at, size);
	b->size += size;
}

void bytes_drop(struct bytes *b, size_t size)
{
	if (size == b->size) {
		bytes_free(b);
		return;
	}
	b->size -= size;
	memmove(b->at, b->at + size, b->size);
}

void bytes_free(struct bytes *b)
{
	free(b->at);
	*b = (struct bytes){ 0 };
}

/* --- Connecting --------------------------------------------------------------------------------------------------- */

/* An address has about 28,000 ports towards one server, and one that was used rests for a minute. So each run has
 * addresses of its own, and each of them few connections. */
static void bind_source(const struct client *c)
{
	uint32_t n = c->load->reconnected ? c->load->reconnected / 1000 : c->index / 4000;
	uint32_t host = 0x7f000000u | (64u + (uint32_t)getpid() % 190u) << 16 | (n + 1) % 0xffffu;
	struct sockaddr_in from = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(host) };
	int yes = 1;

	/* The port is chosen when the other end is known, so that only both together need be unique. */
	setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes, sizeof(yes));
	bind(c->fd, (struct sockaddr *)&from, sizeof(from));
}

static void watch(struct client *c, int how, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.ptr = c };

	epoll_ctl(c->load->epoll, how, c->fd, &e);
}

void net_connect(struct client *c)
{
	const struct options *o = &c->load->o;
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons(o->ports[c->index % o->n_ports]),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int yes = 1;

	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd < 0) {
		load_fail(c->load, "socket: %s", strerror(errno));
		return;
	}
	bind_source(c);
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
	c->stage = STAGE_CONNECTING;
	c->begun_ns = clock_ns();
	if (connect(c->fd, (struct sockaddr *)&to, sizeof(to)) < 0 && errno != EINPROGRESS)
		load_fail(c->load, "connect: %s", strerror(errno));
	watch(c, EPOLL_CTL_ADD, EPOLLIN | EPOLLOUT);
}

void net_close(struct client *c)
{
	close(c->fd);
	c->fd = -1;
	c->writing = false;
	c->stage = STAGE_NONE;
	bytes_free(&c->in);
	bytes_free(&c->out);
	bytes_free(&c->say);
	bytes_free(&c->cork);
}

/* --- Sending ------------------------------------------------------------------------------------------------------ */

static void keep(struct client *c, const char *at, size_t size)
{
	bytes_add(&c->out, at, size);
	if (!c->writing)
		watch(c, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
	c->writing = true;
}

static void send_now(struct client *c, const void *at, size_t size)
{
	ssize_t n = c->writing ? 0 : send(c->fd, at, size, MSG_NOSIGNAL);

	if (n < 0 && errno != EAGAIN) {
		load_fail(c->load, "client %u: send: %s", c->index, strerror(errno));
		return;
	}
	if (n < 0)
		n = 0;
	if ((size_t)n < size)
		keep(c, (const char *)at + n, size - (size_t)n);
}

void net_send(struct client *c, const void *at, size_t size)
{
	if (!c->load->o.in_step) {
		send_now(c, at, size);
		return;
	}
	bytes_add(&c->cork, at, size);
	if (c->corked)
		return;
	c->corked = true;
	c->next_corked = c->load->corked;
	c->load->corked = c;
}

void net_uncork(struct load *l)
{
	struct client *c;

	while ((c = l->corked)) {
		l->corked = c->next_corked;
		c->corked = false;
		if (c->fd >= 0 && c->cork.size)
			send_now(c, c->cork.at, c->cork.size);
		bytes_free(&c->cork);
	}
}

static void write_more(struct client *c)
{
	ssize_t n = send(c->fd, c->out.at, c->out.size, MSG_NOSIGNAL);

	if (n > 0)
		bytes_drop(&c->out, (size_t)n);
	if (c->out.size)
		return;
	c->writing = false;
	watch(c, EPOLL_CTL_MOD, EPOLLIN);
}

/* --- Reading ------------------------------------------------------------------------------------------------------ */

static size_t use(struct client *c, struct text in)
{
	if (c->polling)
		return polling_read(c, in);
	return websocket_read(c, in);
}

/* What is whole is used where it was read; only a part waits for the rest. */
static void read_more(struct client *c)
{
	struct load *l = c->load;
	ssize_t n = recv(c->fd, l->buffer, sizeof(l->buffer), 0);
	size_t used;

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		load_fail(l, "client %u: the server closed its connection%s%s", c->index, n < 0 ? ": " : "",
			n < 0 ? strerror(errno) : "");
		return;
	}
	l->now = clock_ns();
	if (c->in.size == 0) {
		used = use(c, (struct text){ l->buffer, (size_t)n });
		if (c->fd >= 0 && used < (size_t)n)
			bytes_add(&c->in, l->buffer + used, (size_t)n - used);
		return;
	}
	bytes_add(&c->in, l->buffer, (size_t)n);
	used = use(c, (struct text){ c->in.at, c->in.size });
	if (c->fd >= 0)
		bytes_drop(&c->in, used);
}

static void connected(struct client *c)
{
	socklen_t size = sizeof(int);
	int error = 0;

	getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &size);
	if (error) {
		load_fail(c->load, "client %u: connect: %s", c->index, strerror(error));
		return;
	}
	watch(c, EPOLL_CTL_MOD, EPOLLIN);
	client_begin(c);
}

void net_ready(struct client *c, uint32_t events)
{
	if (c->stage == STAGE_CONNECTING) {
		connected(c);
		return;
	}
	if ((events & EPOLLOUT) && c->writing)
		write_more(c);
	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		read_more(c);
}
