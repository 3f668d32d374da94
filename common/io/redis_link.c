/* redis_link.c - see redis.h: bytes to and from Redis. */
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "metrics.h"
#include "redis_internal.h"

enum {
	TURN_BYTES = 64 * 1024,
	TURN_REPLIES = 256,
	WRITE_BYTES = 1024 * 1024,
	FEED_BYTES = 16 * 1024, /* see redis_reader_feed() */
	KEEPALIVE_AFTER_S = 30,
	KEEPALIVE_EVERY_S = 10,
	KEEPALIVE_PROBES = 3
};

/* --- Input -------------------------------------------------------------------------------------------------------- */

/* With TLS, from where libevent has put them. */
static size_t feed_decrypted(struct redis *r)
{
	struct evbuffer *input = bufferevent_get_input(r->link);
	struct evbuffer_iovec piece;
	size_t size;

	/* An empty buffer may still have a piece of no bytes. */
	if (evbuffer_get_length(input) == 0 || evbuffer_peek(input, FEED_BYTES, NULL, &piece, 1) < 1)
		return 0;
	size = piece.iov_len < FEED_BYTES ? piece.iov_len : FEED_BYTES;
	redis_reader_feed(r->reader, slice_of(piece.iov_base, size));
	evbuffer_drain(input, size);
	return size;
}

/* Else from the socket: libevent 2.1 would ask how much there is, read 4 KiB in a turn, and a subscriber on a busy loop would
 * fall behind. What comes in less than was asked for is all there is: nothing is asked for again until the socket says so. */
static size_t feed_received(struct redis *r)
{
	char bytes[FEED_BYTES];
	ssize_t size;

	if (r->share == 0 || r->is_drained)
		return 0;
	size = recv(bufferevent_getfd(r->link), bytes, sizeof(bytes), MSG_DONTWAIT);
	r->is_drained = size < (ssize_t)sizeof(bytes);
	if (size == 0)
		r->over = BEV_EVENT_EOF;
	else if (size < 0 && errno != EAGAIN && errno != EINTR)
		r->over = BEV_EVENT_ERROR;
	r->error = r->over ? errno : 0;
	if (size <= 0)
		return 0;
	redis_reader_feed(r->reader, slice_of(bytes, (size_t)size));
	return (size_t)size;
}

/* Moves some bytes on to the reader. False: there are none, or the turn has had its share. */
static bool feed(struct redis *r)
{
	size_t size = r->tls ? feed_decrypted(r) : feed_received(r);

	r->share -= size < r->share ? size : r->share;
	metrics_add(M_REDIS_BYTES_RECEIVED, (int64_t)size);
	return size > 0;
}

static void take_input(struct redis *r);

static void take_more(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	take_input(ctx);
}

/* libevent's own timer, as that goes off in the next turn whatever else this one does. */
static void take_more_next_turn(struct redis *r)
{
	event_add(r->more, &(struct timeval){ 0, 0 });
}

static void reader_ended(struct redis *r, enum redis_read how)
{
	static const enum redis_trouble troubles[] = {
		[REDIS_READ_BAD] = REDIS_TROUBLE_PROTOCOL,
		[REDIS_READ_LARGE] = REDIS_TROUBLE_TOO_LARGE,
		[REDIS_READ_NOMEM] = REDIS_TROUBLE_MEMORY,
	};

	redis_fail(r, troubles[how], redis_reader_why(r->reader));
}

/* True: all that is there has been taken, and the link is the same. */
static bool take_replies(struct redis *r)
{
	const struct redis_reply *reply = NULL;
	unsigned link = r->links;

	for (int n = 0; n < TURN_REPLIES;) {
		enum redis_read how = redis_reader_next(r->reader, &reply);

		if (how == REDIS_READ_REPLY) {
			redis_take_reply(r, reply);
			n++;
		} else if (how != REDIS_READ_MORE) {
			reader_ended(r, how);
		} else if (!feed(r)) {
			return true;
		}
		if (r->links != link)
			return false;
	}
	take_more_next_turn(r);
	return false;
}

static void ended(struct redis *r, short what, int error);

static void take_input(struct redis *r)
{
	unsigned link = r->links;

	r->share = TURN_BYTES;
	r->is_drained = false;
	if (take_replies(r) && r->over)
		ended(r, r->over, r->error);
	if (r->links == link && r->state == REDIS_READY)
		redis_watch(r);
}

static void readable(struct redis *r)
{
	r->received_ms = loop_now(r->loop);
	if (!event_pending(r->more, EV_TIMEOUT, NULL)) /* else the turn has had its share */
		take_input(r);
}

static void decrypted(struct bufferevent *bev, void *ctx)
{
	(void)bev;
	readable(ctx);
}

static void received(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	readable(ctx);
}

/* --- Output ------------------------------------------------------------------------------------------------------- */

/* All that this turn gave, in one call. libevent would first have the kernel tell that it may be written, which takes two
 * calls and another turn; that is left for what the socket does not take at once, and for errors. */
static void write_out(evutil_socket_t fd, short what, void *ctx)
{
	struct redis *r = ctx;
	struct evbuffer *output = bufferevent_get_output(r->link);

	(void)fd;
	(void)what;
	if (bufferevent_get_enabled(r->link) & EV_WRITE)
		return;
	evbuffer_unfreeze(output, 1);
	evbuffer_write_atmost(output, bufferevent_getfd(r->link), WRITE_BYTES);
	evbuffer_freeze(output, 1);
	if (evbuffer_get_length(output))
		bufferevent_enable(r->link, EV_WRITE);
}

static void written(struct bufferevent *bev, void *ctx)
{
	struct redis *r = ctx;

	if (r->tls == NULL)
		bufferevent_disable(bev, EV_WRITE);
}

void redis_link_write(struct redis *r)
{
	if (r->flush)
		event_active(r->flush, EV_WRITE, 0);
}

/* --- Its end ------------------------------------------------------------------------------------------------------ */

/* Redis says why before it closes, and a write that fails may be noticed before that is read. */
static bool take_last_words(struct redis *r)
{
	unsigned link = r->links;

	r->share = TURN_BYTES;
	r->is_drained = false;
	while (r->links == link && !take_replies(r))
		;
	return r->links == link;
}

static void ended(struct redis *r, short what, int error)
{
	char text[160] = "";
	bool is_tls = r->tls && redis_tls_error(r->link, text, sizeof(text));
	enum redis_trouble trouble = REDIS_TROUBLE_ENDED;

	if (!take_last_words(r))
		return;
	/* With TLS 1.3 a refusal of our certificate comes after the handshake. */
	if (r->tls && (r->state == REDIS_SECURING || (is_tls && r->state == REDIS_OPENING)))
		trouble = REDIS_TROUBLE_TLS;
	if (is_tls)
		redis_fail(r, trouble, text);
	else if (what & BEV_EVENT_ERROR)
		redis_fail(r, trouble, error ? strerror(error) : NULL);
	else
		redis_fail(r, trouble, NULL);
}

static void happened(struct bufferevent *bev, short what, void *ctx)
{
	struct redis *r = ctx;
	int error = errno;

	(void)bev;
	if (what & BEV_EVENT_CONNECTED)
		redis_opening_start(r);
	else if (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR))
		ended(r, what, error);
}

/* --- The link ----------------------------------------------------------------------------------------------------- */

/* The kernel helps to notice a peer that is gone: when nothing is under way, and when something is. */
static void set_tcp(int fd, const struct redis_config *config)
{
	const struct {
		int level, name, value;
	} options[] = {
		{ IPPROTO_TCP, TCP_NODELAY, 1 },
		{ SOL_SOCKET, SO_KEEPALIVE, 1 },
		{ IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_AFTER_S },
		{ IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_EVERY_S },
		{ IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_PROBES },
		{ IPPROTO_TCP, TCP_USER_TIMEOUT, (int)config->command_timeout_ms },
	};

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		setsockopt(fd, options[i].level, options[i].name, &options[i].value, sizeof(options[i].value));
}

static void free_events(struct redis *r)
{
	struct event **events[] = { &r->more, &r->input, &r->flush };

	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
		if (*events[i])
			event_free(*events[i]);
		*events[i] = NULL;
	}
}

/* With TLS, libevent reads and writes. */
static bool make_link(struct redis *r, int fd)
{
	struct event_base *base = r->loop->base;

	r->more = event_new(base, -1, 0, take_more, r);
	r->input = r->tls ? NULL : event_new(base, fd, EV_READ | EV_PERSIST, received, r);
	r->flush = r->tls ? NULL : event_new(base, -1, 0, write_out, r);
	if (r->more && (r->tls || (r->input && r->flush && event_add(r->input, NULL) == 0)))
		r->link = r->tls ? redis_tls_link(r, fd) : bufferevent_socket_new(base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (r->link == NULL)
		free_events(r);
	return r->link != NULL;
}

void redis_link_up(struct redis *r, int fd)
{
	if (r->config->url.path == NULL)
		set_tcp(fd, r->config);
	if (!make_link(r, fd)) {
		close(fd);
		redis_fail(r, REDIS_TROUBLE_MEMORY, "no memory for a connection");
		return;
	}
	r->links++;
	r->over = 0;
	redis_reader_reset(r->reader);
	bufferevent_setcb(r->link, decrypted, written, happened, r);
	bufferevent_setwatermark(r->link, EV_READ, 0, TURN_BYTES);
	bufferevent_set_max_single_read(r->link, TURN_BYTES);
	bufferevent_set_max_single_write(r->link, WRITE_BYTES);
	if (r->tls)
		bufferevent_enable(r->link, EV_READ | EV_WRITE);
	else
		bufferevent_disable(r->link, EV_READ | EV_WRITE);
	if (r->tls)
		redis_enter(r, REDIS_SECURING);
	else
		redis_opening_start(r);
}

/* The reader keeps what it holds until the next link: this may be inside a callback that looks at it. */
size_t redis_link_down(struct redis *r)
{
	size_t unsent;

	if (r->link == NULL)
		return 0;
	free_events(r);
	unsent = evbuffer_get_length(bufferevent_get_output(r->link));
	bufferevent_setcb(r->link, NULL, NULL, NULL, NULL);
	bufferevent_free(r->link);
	r->link = NULL;
	r->links++;
	return unsent;
}
