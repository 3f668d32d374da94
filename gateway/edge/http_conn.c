/* http_conn.c - a connection's life and its events; http_request.c has its input, http_answer.c its output. */
#include "http_conn.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "alloc.h"
#include "log.h"
#include "metrics.h"

static void on_read(evutil_socket_t fd, short what, void *ctx);
static void on_write(evutil_socket_t fd, short what, void *ctx);
static void on_deadline(struct timer *t, int64_t now_ms);

void http_conn_set_deadline(struct http_conn *c, int64_t due_ms)
{
	timer_set(&c->service->server->loop->timers, &c->timer, on_deadline, due_ms);
}

static void set_deadline(struct http_conn *c, int64_t ms)
{
	http_conn_set_deadline(c, loop_now(c->service->server->loop) + ms);
}

/* The only writer of c->state. A parked connection keeps its timer, which means nothing then: polls come and go too
 * often to pay for stopping it. */
void http_conn_enter(struct http_conn *c, enum http_conn_state state)
{
	const struct http_server *s = c->service->server;

	assert(c->state != CONN_CLOSED);
	c->state = state;
	if (state == CONN_PARKED || state == CONN_WRITING) /* every request's */
		return;
	if (state == CONN_HEAD) {
		c->head_began = false;
		set_deadline(c, s->keep_alive_timeout_ms);
	} else if (state == CONN_BODY) {
		set_deadline(c, s->body_timeout_ms);
	} else if (state == CONN_ENDING) {
		event_del(&c->read); /* lingering reads the rest */
	}
}

void http_conn_open(struct http_service *s, int fd, const struct net_address *peer)
{
	struct http_conn *c = must_alloc(sizeof(*c));

	c->service = s;
	c->fd = fd;
	c->peer = *peer;
	c->file = -1;
	c->head_began = true;
	TAILQ_INSERT_TAIL(&s->conns, c, link);
	s->count++;
	event_assign(&c->read, s->server->loop->base, fd, EV_READ | EV_PERSIST, on_read, c);
	event_assign(&c->write, s->server->loop->base, fd, EV_WRITE | EV_PERSIST, on_write, c);
	event_add(&c->read, NULL);
	set_deadline(c, s->server->head_timeout_ms);
}

void http_conn_move(struct http_conn *c, struct http_service *to)
{
	TAILQ_REMOVE(&c->service->conns, c, link);
	c->service->count--;
	c->service = to;
	TAILQ_INSERT_TAIL(&to->conns, c, link);
	to->count++;
}

static void free_conn(struct grave *g)
{
	struct http_conn *c = (struct http_conn *)(void *)((char *)g - offsetof(struct http_conn, grave));

	if (c->free_user)
		c->free_user(c->user);
	buf_fini(&c->in);
	buf_fini(&c->body);
	buf_fini(&c->pending);
	free(c);
}

/* Unlinks it from everything; the descriptor goes to the caller. */
static int detach(struct http_conn *c)
{
	struct loop *loop = c->service->server->loop;
	int fd = c->fd;

	http_conn_enter(c, CONN_CLOSED);
	event_del(&c->read);
	event_del(&c->write);
	timer_stop(&loop->timers, &c->timer);
	TAILQ_REMOVE(&c->service->conns, c, link);
	c->service->count--;
	if (c->file >= 0)
		close(c->file);
	c->file = c->fd = -1;
	graveyard_bury(&loop->graveyard, &c->grave, free_conn);
	return fd;
}

void http_conn_close(struct http_conn *c, const char *why)
{
	enum http_conn_state was = c->state;

	if (was == CONN_CLOSED)
		return;
	log_debug("http closed", LOG_I("fd", c->fd), LOG_S("why", why));
	close(detach(c));
	if (was == CONN_PARKED || was == CONN_BODY)
		c->service->ops->gone(c);
}

void http_conn_end(struct http_conn *c)
{
	struct lingers *lingers = c->service->server->lingers;

	linger_start(lingers, detach(c));
}

int http_conn_lend(struct http_conn *c)
{
	assert(c->state == CONN_PARKED && c->pending.size == 0);
	if (c->paused) /* with EV_ET, which two must not differ in */
		event_del(&c->read);
	return c->fd;
}

int http_conn_give_away(struct http_conn *c)
{
	assert(c->state == CONN_PARKED && c->pending.size == 0);
	return detach(c);
}

/* --- Events -------------------------------------------------------------------------------------------------- */

static void on_deadline(struct timer *t, int64_t now_ms)
{
	struct http_conn *c = (struct http_conn *)(void *)((char *)t - offsetof(struct http_conn, timer));

	(void)now_ms;
	if (c->state == CONN_HEAD || c->state == CONN_BODY) {
		http_conn_too_late(c);
	} else if (c->state == CONN_WRITING || c->state == CONN_ENDING) {
		http_server_limit(c->service->server, LIMIT_BODY_TIME);
		http_conn_close(c, "answer not taken");
	}
}

/* After a digest, while it waits for a request. */
static void await_head(struct http_conn *c)
{
	struct http_server *s = c->service->server;

	if (c->eof) {
		http_conn_close(c, "peer closed");
	} else if (!c->head_began && (c->in.size || c->drop_left)) {
		c->head_began = true;
		set_deadline(c, c->drop_left ? s->body_timeout_ms : s->head_timeout_ms);
	}
}

static void read_on(struct http_conn *c, short how)
{
	event_del(&c->read);
	event_assign(&c->read, c->service->server->loop->base, c->fd, (short)(EV_READ | EV_PERSIST | how), on_read, c);
	event_add(&c->read, NULL);
}

/*
 * Enough has come ahead of its time. A parked connection still has to see its peer's end: told of new bytes once each
 * (EV_ET), it asks for that alone. (EV_CLOSED would do, but for libevent reporting a reset as readable only: a busy
 * loop.) While an answer is written the write event reports what matters, and the two must not differ in EV_ET.
 */
static void pause_reading(struct http_conn *c)
{
	c->paused = true;
	if (c->state == CONN_PARKED)
		read_on(c, EV_ET);
	else
		event_del(&c->read);
}

static bool peer_is_gone(const struct http_conn *c)
{
	struct pollfd p = { .fd = c->fd, .events = POLLRDHUP };

	return poll(&p, 1, 0) > 0;
}

/* The kernel has the whole answer. Nested calls only note that there is more to do: this may be deep inside a
 * session's, and a pipeline must not become a recursion. */
void http_conn_written(struct http_conn *c)
{
	if (c->state == CONN_ENDING || c->service->server->ending) {
		http_conn_end(c);
		return;
	}
	http_conn_enter(c, CONN_HEAD);
	if (c->paused)
		read_on(c, 0);
	c->paused = false;
	if (!c->consuming && (c->in.size || c->drop_left || c->eof)) {
		c->resume = true;
		event_active(&c->read, EV_READ, 0);
	}
}

static void peer_ended(struct http_conn *c)
{
	c->eof = true;
	if (c->state == CONN_WRITING)
		event_del(&c->read); /* it may still read; what it sent before is answered */
	else
		http_conn_close(c, "peer closed");
}

/* How much may be read now: with an answer due, what comes has to be kept. */
static size_t appetite(const struct http_conn *c)
{
	size_t max = c->service->limits->max_head_bytes;

	if (c->state == CONN_HEAD || c->state == CONN_BODY)
		return HTTP_READ_BYTES;
	max = max < HTTP_READ_BYTES ? max : HTTP_READ_BYTES;
	return c->in.size < max ? max - c->in.size : 0;
}

static void read_more(struct http_conn *c)
{
	char *scratch = c->service->server->scratch;
	ssize_t n = recv(c->fd, scratch, appetite(c), MSG_DONTWAIT);

	if (n > 0)
		http_conn_digest(c, slice_of(scratch, (size_t)n));
	else if (n == 0)
		peer_ended(c);
	else if (errno != EAGAIN && errno != EINTR)
		http_conn_close(c, "connection lost");
}

static void on_read(evutil_socket_t fd, short what, void *ctx)
{
	struct http_conn *c = ctx;

	(void)fd;
	(void)what;
	if (c->resume) {
		c->resume = false;
		http_conn_digest(c, (struct slice){ 0 });
	} else if (c->paused) {
		if (peer_is_gone(c))
			http_conn_close(c, "peer closed");
	} else if (appetite(c) == 0) {
		pause_reading(c);
	} else {
		read_more(c);
	}
	if (c->state == CONN_HEAD)
		await_head(c);
}

static void on_write(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	http_conn_flush(ctx);
}
