/*
 * bare.c - the least that a server of the bench's application can do: bench-bare PORT
 *
 * One thread, one epoll. Requests and packets are known by their first bytes, nothing is checked, nobody is timed, a slow
 * client has no limit. A message is one frame, made once and shared; what a turn of the loop has for a connection goes
 * out in one call at its end, as in performance-minded servers. So what it costs is the kernel's price, and the rest is
 * little.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/sha.h>

#define OPEN_PACKET \
	"0{\"sid\":\"00000000000000000000\",\"upgrades\":[],\"pingInterval\":25000,\"pingTimeout\":20000," \
	"\"maxPayload\":1000000}"

enum { READ_BYTES = 64 * 1024, SCRATCH_BYTES = 64 * 1024, ROOMS = 4096, EVENTS = 512 };

struct frame {
	uint32_t refs, size;
	unsigned char at[];
};

struct conn {
	int fd;
	bool open, dirty, blocked;
	bool polling, held;         /* it polls, and its GET waits for an answer */
	uint32_t queued, cap, sent; /* frames; bytes of the first that are sent */
	struct frame **queue;
	struct conn *next_dirty;
	struct room *room; /* the one that it joined */
	unsigned char *in; /* part of a frame; NULL: none */
	size_t in_size;
};

struct room {
	struct conn **members;
	size_t count, cap;
};

static struct room rooms[ROOMS];
static struct conn *dirty;
static int epoll_fd;
static unsigned char buffer[READ_BYTES], scratch[SCRATCH_BYTES];

static void *must(void *p)
{
	if (p == NULL)
		abort();
	return p;
}

/* --- Output ------------------------------------------------------------------------------------------------------- */

static void unref(struct frame *f)
{
	if (--f->refs == 0)
		free(f);
}

/* A text frame of a server, RFC 6455 5.2. */
static struct frame *frame_of(const char *a, size_t a_size, const char *b, size_t b_size)
{
	size_t size = a_size + b_size, head = size < 126 ? 2 : 4;
	struct frame *f = must(malloc(sizeof(*f) + head + size));

	f->refs = 1;
	f->size = (uint32_t)(head + size);
	f->at[0] = 0x81;
	f->at[1] = (unsigned char)(size < 126 ? size : 126);
	if (head == 4) {
		f->at[2] = (unsigned char)(size >> 8);
		f->at[3] = (unsigned char)size;
	}
	memcpy(f->at + head, a, a_size);
	memcpy(f->at + head + a_size, b, b_size);
	return f;
}

static void push(struct conn *c, struct frame *f)
{
	if (c->queued == c->cap) {
		c->cap = c->cap ? c->cap * 2 : 2;
		c->queue = must(realloc(c->queue, c->cap * sizeof(struct frame *)));
	}
	f->refs++;
	c->queue[c->queued++] = f;
	if (c->dirty)
		return;
	c->dirty = true;
	c->next_dirty = dirty;
	dirty = c;
}

static void watch(struct conn *c, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.ptr = c };

	epoll_ctl(epoll_fd, EPOLL_CTL_MOD, c->fd, &e);
}

/* Takes what was sent from the queue's front. */
static void sent(struct conn *c, size_t size)
{
	uint32_t n = 0;

	size += c->sent;
	while (n < c->queued && size >= c->queue[n]->size) {
		size -= c->queue[n]->size;
		unref(c->queue[n++]);
	}
	c->sent = (uint32_t)size;
	c->queued -= n;
	if (n)
		memmove(c->queue, c->queue + n, c->queued * sizeof(struct frame *));
}

static size_t gather(const struct conn *c)
{
	size_t size = 0, skip = c->sent;

	for (uint32_t i = 0; i < c->queued && size + c->queue[i]->size <= SCRATCH_BYTES; i++) {
		memcpy(scratch + size, c->queue[i]->at + skip, c->queue[i]->size - skip);
		size += c->queue[i]->size - skip;
		skip = 0;
	}
	return size;
}

/* --- Polling: all requests of a client come on one connection, one after the other ----------------------------------- */

static void answer(struct conn *c, const void *body, size_t size)
{
	static const char head[] = "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=UTF-8\r\nContent-Length: ";
	char all[sizeof(head) + 24 + SCRATCH_BYTES], *at = all + sizeof(head) + 24, *const end = at;
	size_t left = size;

	at -= 4;
	memcpy(at, "\r\n\r\n", 4);
	do
		*--at = (char)('0' + left % 10);
	while (left /= 10);
	at -= sizeof(head) - 1;
	memcpy(at, head, sizeof(head) - 1);
	memcpy(end, body, size);
	size += (size_t)(end - at);
	if (send(c->fd, at, size, MSG_NOSIGNAL) != (ssize_t)size)
		shutdown(c->fd, SHUT_RDWR); /* an answer is smaller than any socket's buffer */
}

/* The GET that waits gets what is queued: texts, with 0x1e between them. */
static void answer_poll(struct conn *c)
{
	size_t size = 0, taken = 0;

	for (uint32_t i = 0; i < c->queued && size + c->queue[i]->size <= SCRATCH_BYTES; i++) {
		const struct frame *f = c->queue[i];
		size_t head = f->at[1] == 126 ? 4 : 2;

		if (i)
			scratch[size++] = 0x1e;
		memcpy(scratch + size, f->at + head, f->size - head);
		size += f->size - head;
		taken += f->size;
	}
	c->held = false;
	answer(c, scratch, size);
	sent(c, taken);
}

static void flush(struct conn *c)
{
	if (c->held && c->queued)
		answer_poll(c);
	while (c->queued && !c->blocked && c->open) {
		bool one = c->queued == 1;
		size_t size = one ? c->queue[0]->size - c->sent : gather(c);
		ssize_t n = send(c->fd, one ? c->queue[0]->at + c->sent : scratch, size, MSG_NOSIGNAL);

		if (n < 0 && errno != EAGAIN)
			return;
		if (n > 0)
			sent(c, (size_t)n);
		c->blocked = n < (ssize_t)size;
		if (c->blocked)
			watch(c, EPOLLIN | EPOLLOUT);
	}
}

static void flush_all(void)
{
	while (dirty) {
		struct conn *c = dirty;

		dirty = c->next_dirty;
		c->dirty = false;
		flush(c);
	}
}

static void say(struct conn *c, const char *text)
{
	struct frame *f = frame_of(text, strlen(text), "", 0);

	push(c, f);
	unref(f);
}

/* --- Packets ------------------------------------------------------------------------------------------------------ */

static void join(struct conn *c, unsigned room)
{
	struct room *r = &rooms[room % ROOMS];

	if (r->count == r->cap) {
		r->cap = r->cap ? r->cap * 2 : 4;
		r->members = must(realloc(r->members, r->cap * sizeof(struct conn *)));
	}
	r->members[r->count++] = c;
	c->room = r;
}

static unsigned number(const char *at, const char *end)
{
	unsigned n = 0;

	while (at < end && *at >= '0' && *at <= '9')
		n = n * 10 + (unsigned)(*at++ - '0');
	return n;
}

/* 42["say","r12","payload"] -> 42["say","payload"] to the members of r12. */
static void to_room(const char *at, const char *end)
{
	const char *payload = must(memchr(at, ',', (size_t)(end - at)));
	const struct room *r = &rooms[number(at + 2, end) % ROOMS];
	struct frame *f = frame_of("42[\"say\",", 9, payload + 1, (size_t)(end - payload) - 1);

	for (size_t i = 0; i < r->count; i++)
		push(r->members[i], f);
	unref(f);
}

/* 4217["echo","payload"] -> 4317["payload"] */
static void echo(struct conn *c, const char *at, const char *list, const char *end)
{
	char head[32];
	size_t size = (size_t)(list - at);
	struct frame *f;

	memcpy(head, at, size);
	head[1] = '3';
	head[size] = '[';
	f = frame_of(head, size + 1, list + 8, (size_t)(end - list) - 8);
	push(c, f);
	unref(f);
}

static void packet(struct conn *c, const char *at, size_t size)
{
	const char *end = at + size, *list;

	if (size == 2 && memcmp(at, "40", 2) == 0) {
		say(c, "40{\"sid\":\"00000000000000000000\"}");
		return;
	}
	list = size > 2 && at[0] == '4' ? memchr(at, '[', size < 24 ? size : 24) : NULL;
	if (list == NULL)
		return;
	if (memcmp(list, "[\"say\",", 7) == 0) {
		to_room(list + 7, end);
	} else if (memcmp(list, "[\"echo\",", 8) == 0) {
		echo(c, at, list, end);
	} else if (memcmp(list, "[\"join\",", 8) == 0) {
		join(c, number(list + 10, end));
		say(c, "430[]");
	}
}

/* --- Input -------------------------------------------------------------------------------------------------------- */

static void accept_key(const char *key, char to[32])
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	unsigned char text[60], hash[21] = { 0 };

	memcpy(text, key, 24);
	memcpy(text + 24, "258EAFA5-E914-47DA-95CA-C5AB0DC85B11", 36);
	SHA1(text, 60, hash);
	for (int i = 0; i < 7; i++) {
		unsigned three = (unsigned)hash[i * 3] << 16 | (unsigned)hash[i * 3 + 1] << 8 | hash[i * 3 + 2];

		for (int j = 0; j < 4; j++)
			to[i * 4 + j] = digits[three >> (18 - 6 * j) & 63];
	}
	to[27] = '=';
	to[28] = '\0';
}

static size_t upgrade(struct conn *c, const unsigned char *at, size_t size)
{
	const char *end = memmem(at, size, "\r\n\r\n", 4), *key = memmem(at, size, "Sec-WebSocket-Key: ", 19);
	char answer[256], accepted[32];
	int n;

	if (end == NULL || key == NULL)
		return 0;
	accept_key(key + 19, accepted);
	n = snprintf(answer, sizeof(answer),
		"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
		"Sec-WebSocket-Accept: %s\r\n\r\n",
		accepted);
	if (send(c->fd, answer, (size_t)n, MSG_NOSIGNAL) == n)
		c->open = true;
	say(c, OPEN_PACKET);
	return (size_t)(end - (const char *)at) + 4;
}

/* A masked frame of less than 64 kB; how long it is, 0: not all of it is there. */
static size_t frame_in(struct conn *c, unsigned char *at, size_t size)
{
	size_t payload = size < 2 ? 0 : at[1] & 127, head = payload == 126 ? 8 : 6;
	unsigned char *mask = at + head - 4;

	if (size < head)
		return 0;
	if (payload == 126)
		payload = (size_t)at[2] << 8 | at[3];
	if (size - head < payload)
		return 0;
	for (size_t i = 0; i < payload; i++)
		at[head + i] ^= mask[i & 3];
	if ((at[0] & 15) == 1)
		packet(c, (const char *)at + head, payload);
	return head + payload;
}

/* A GET or POST of a client that polls; how long it is, 0: not all of it is there. */
static size_t poll(struct conn *c, const char *at, size_t head, size_t size)
{
	const char *length = memmem(at, head, "Content-Length: ", 16), *body = at + head;
	size_t left = length ? number(length + 16, at + head) : 0;

	if (size - head < left)
		return 0;
	size = head + left;
	c->polling = true;
	if (*at == 'G' && memmem(at, head, "&sid=", 5)) {
		c->held = true;
		flush(c);
		return size;
	}
	while (left) {
		const char *next = memchr(body, 0x1e, left);
		size_t one = next ? (size_t)(next - body) : left;

		packet(c, body, one);
		one += next != NULL;
		body += one;
		left -= one;
	}
	if (*at == 'P')
		answer(c, "ok", 2);
	else
		answer(c, OPEN_PACKET, sizeof(OPEN_PACKET) - 1);
	return size;
}

static size_t request(struct conn *c, const unsigned char *at, size_t size)
{
	const unsigned char *end = memmem(at, size, "\r\n\r\n", 4);
	size_t head = end ? (size_t)(end - at) + 4 : 0;

	if (head == 0)
		return 0;
	if (memmem(at, head, "transport=polling", 17))
		return poll(c, (const char *)at, head, size);
	return upgrade(c, at, size);
}

static size_t use(struct conn *c, unsigned char *at, size_t size)
{
	size_t used = 0, n;

	if (!c->open)
		return request(c, at, size);
	while ((n = frame_in(c, at + used, size - used)))
		used += n;
	return used;
}

static void leave(struct room *r, const struct conn *c)
{
	for (size_t i = 0; i < r->count; i++)
		if (r->members[i] == c)
			r->members[i--] = r->members[--r->count];
}

static void gone(struct conn *c)
{
	if (c->room)
		leave(c->room, c);
	while (c->queued)
		unref(c->queue[--c->queued]);
	free(c->queue);
	free(c->in);
	close(c->fd);
	free(c);
}

static void readable(struct conn *c)
{
	size_t used, size = c->in_size;
	ssize_t n;

	if (size)
		memcpy(buffer, c->in, size);
	n = recv(c->fd, buffer + size, sizeof(buffer) - size, 0);
	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		flush_all(); /* it may be listed as dirty */
		gone(c);
		return;
	}
	size += (size_t)n;
	used = use(c, buffer, size);
	free(c->in);
	c->in_size = size - used;
	c->in = NULL;
	if (c->in_size)
		c->in = memcpy(must(malloc(c->in_size)), buffer + used, c->in_size);
}

/* --- Program ------------------------------------------------------------------------------------------------------ */

static void accept_all(int listener)
{
	int fd, yes = 1;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		struct conn *c = must(calloc(1, sizeof(*c)));
		struct epoll_event e = { .events = EPOLLIN, .data.ptr = c };

		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
		c->fd = fd;
		epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &e);
	}
}

static int listen_on(unsigned port)
{
	struct sockaddr_in at = {
		.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), yes = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 || listen(fd, 4096) < 0) {
		perror("bench-bare");
		exit(1);
	}
	return fd;
}

static void turn(int listener)
{
	struct epoll_event events[EVENTS];
	int n = epoll_wait(epoll_fd, events, EVENTS, -1);

	for (int i = 0; i < n; i++) {
		struct conn *c = events[i].data.ptr;

		if (c == NULL) {
			accept_all(listener);
			continue;
		}
		if (events[i].events & EPOLLOUT) {
			c->blocked = false;
			watch(c, EPOLLIN);
			flush(c);
		}
		if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))
			readable(c);
	}
	flush_all();
}

int main(int argc, char **argv)
{
	struct epoll_event e = { .events = EPOLLIN };
	struct rlimit limit;
	int listener;

	if (argc != 2)
		return 2;
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	signal(SIGPIPE, SIG_IGN);
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	listener = listen_on((unsigned)atoi(argv[1]));
	epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listener, &e);
	puts("ready");
	fflush(stdout);
	for (;;)
		turn(listener);
}
