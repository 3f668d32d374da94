/* http_conn.c - a connection's life and its input; its output is http_answer.c. See http_conn.h. */
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

enum { DROP_MAX_BYTES = 64 * 1024 }; /* of a body that nobody wanted; reading more costs more than a new connection */

static void on_read(evutil_socket_t fd, short what, void *ctx);
static void on_write(evutil_socket_t fd, short what, void *ctx);
static void on_deadline(struct timer *t, int64_t now_ms);

void http_server_init(struct http_server *s, struct loop *loop, struct lingers *lingers)
{
	*s = (struct http_server){
		.loop = loop, .lingers = lingers, .scratch = must_alloc(HTTP_READ_BYTES), .date_s = -1
	};
}

void http_server_fini(struct http_server *s)
{
	free(s->scratch);
	s->scratch = NULL;
	buf_fini(&s->answer);
	buf_fini(&s->date);
}

void http_server_limit(struct http_server *s, enum http_limit limit)
{
	static const struct {
		enum metric_id metric;
		const char *name;
	} limits[LIMITS] = {
		[LIMIT_HEAD] = { M_LIMIT_HEAD, "max_head_size" },
		[LIMIT_HEAD_TIME] = { M_LIMIT_HEAD_TIME, "head_timeout" },
		[LIMIT_BODY_TIME] = { M_LIMIT_BODY_TIME, "body_timeout" },
		[LIMIT_PAYLOAD] = { M_LIMIT_PAYLOAD, "max_http_buffer_size" },
	};
	int64_t count;

	metrics_count(limits[limit].metric);
	if (sample_take(&s->passed[limit], loop_now(s->loop), &count))
		log_warn("limit passed", LOG_S("limit", limits[limit].name), LOG_I("count", count));
}

void http_service_init(
	struct http_service *s, const struct http_service_ops *ops, struct http_server *server, void *ctx)
{
	*s = (struct http_service){ .ops = ops, .server = server, .ctx = ctx };
	TAILQ_INIT(&s->conns);
}

void http_service_close_idle(struct http_service *s)
{
	struct http_conn *c, *next;

	for (c = TAILQ_FIRST(&s->conns); c; c = next) {
		next = TAILQ_NEXT(c, link);
		if (c->state == CONN_HEAD && c->in.size == 0)
			http_conn_end(c);
	}
}

void http_service_close_all(struct http_service *s)
{
	while (!TAILQ_EMPTY(&s->conns))
		http_conn_close(TAILQ_FIRST(&s->conns), "shutdown");
}

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
	struct http_server *s = c->service->server;

	assert(c->state != CONN_CLOSED);
	c->state = state;
	if (state == CONN_HEAD) {
		c->head_began = false;
		set_deadline(c, s->keep_alive_timeout_ms);
	} else if (state == CONN_BODY) {
		set_deadline(c, s->body_timeout_ms);
	} else if (state == CONN_ENDING) {
		event_del(&c->read); /* lingering reads the rest */
	}
}

void http_conn_open(struct http_service *s, int fd)
{
	struct http_conn *c = must_alloc(sizeof(*c));

	c->service = s;
	c->fd = fd;
	c->file = -1;
	c->head_began = true;
	TAILQ_INSERT_TAIL(&s->conns, c, link);
	s->count++;
	event_assign(&c->read, s->server->loop->base, fd, EV_READ | EV_PERSIST, on_read, c);
	event_assign(&c->write, s->server->loop->base, fd, EV_WRITE | EV_PERSIST, on_write, c);
	event_add(&c->read, NULL);
	set_deadline(c, s->server->head_timeout_ms);
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

int http_conn_give_away(struct http_conn *c)
{
	assert(c->state == CONN_PARKED && c->pending.size == 0);
	return detach(c);
}

/* --- Input --------------------------------------------------------------------------------------------------- */

/* An answer of our own to what no service will see. */
static void refuse(struct http_conn *c, int status)
{
	c->keep_alive = false;
	c->head_only = false;
	c->body_left = 0;
	if (c->state != CONN_PARKED)
		http_conn_enter(c, CONN_PARKED);
	http_conn_answer(c, &(struct http_answer){ .status = status,
				    .type = "text/plain; charset=utf-8",
				    .body = slice_str(http_status_text(status)),
				    .close = true });
}

static void refuse_head(struct http_conn *c, const struct http_refusal *why)
{
	struct http_server *s = c->service->server;

	log_debug("http refused", LOG_I("fd", c->fd), LOG_I("status", why->status), LOG_S("why", why->reason));
	if (why->status == 414 || why->status == 431)
		http_server_limit(s, LIMIT_HEAD);
	else if (why->status == 413)
		http_server_limit(s, LIMIT_PAYLOAD);
	else
		metrics_count(M_BAD_HEAD);
	refuse(c, why->status);
}

/* Browsers open connections that they may need; that nothing came on one is nobody's fault. */
static void head_too_late(struct http_conn *c)
{
	struct http_server *s = c->service->server;

	if (c->in.size || c->drop_left) {
		http_server_limit(s, c->drop_left ? LIMIT_BODY_TIME : LIMIT_HEAD_TIME);
		refuse(c, 408);
	} else {
		metrics_count(c->head_began ? M_LIMIT_HEAD_TIME : M_LIMIT_IDLE_TIME);
		http_conn_end(c);
	}
}

static void body_too_late(struct http_conn *c)
{
	http_server_limit(c->service->server, LIMIT_BODY_TIME);
	http_conn_enter(c, CONN_PARKED);
	c->service->ops->gone(c);
	refuse(c, 408);
}

static void on_deadline(struct timer *t, int64_t now_ms)
{
	struct http_conn *c = (struct http_conn *)(void *)((char *)t - offsetof(struct http_conn, timer));

	(void)now_ms;
	if (c->state == CONN_HEAD) {
		head_too_late(c);
	} else if (c->state == CONN_BODY) {
		body_too_late(c);
	} else if (c->state == CONN_WRITING || c->state == CONN_ENDING) {
		http_server_limit(c->service->server, LIMIT_BODY_TIME);
		http_conn_close(c, "answer not taken");
	}
}

static void begin_request(struct http_conn *c, const struct http_head *head, struct slice rest)
{
	metrics_count(M_HTTP_REQUESTS);
	c->keep_alive = head->keep_alive;
	c->http10 = head->minor == 0;
	c->head_only = head->method == HTTP_HEAD;
	c->expect = head->expect_continue;
	c->body_left = head->chunked ? -1 : head->content_length > 0 ? head->content_length : 0;
	c->rest = rest;
	http_conn_enter(c, CONN_PARKED);
	c->service->ops->request(c, head);
	c->rest = (struct slice){ 0 };
}

/* Returns the bytes used. */
static size_t take_head(struct http_conn *c, struct slice in)
{
	struct http_head head;
	struct http_refusal why = { 0 };
	int n = http_head_parse(in, &c->service->server->limits, &c->scanned, &head, &why);

	if (n < 0)
		refuse_head(c, &why);
	if (n <= 0)
		return 0;
	begin_request(c, &head, slice_from(in, (size_t)n));
	return (size_t)n;
}

static void body_complete(struct http_conn *c, struct slice body)
{
	c->body_left = 0;
	http_conn_enter(c, CONN_PARKED);
	c->service->ops->body(c, body);
	buf_fini(&c->body);
}

static void body_too_large(struct http_conn *c)
{
	if (c->state == CONN_BODY)
		http_conn_enter(c, CONN_PARKED);
	c->keep_alive = false;
	c->service->ops->too_large(c);
}

static void body_failed(struct http_conn *c, int status)
{
	metrics_count(status == 400 ? M_BAD_HEAD : M_OUT_OF_MEMORY);
	http_conn_enter(c, CONN_PARKED);
	c->service->ops->gone(c);
	refuse(c, status);
}

static size_t take_chunks(struct http_conn *c, struct slice in)
{
	struct slice left = in;
	int r = http_chunks_feed(&c->chunks, &left, &c->body, c->body_max);

	if (r == HTTP_CHUNKS_BAD)
		body_failed(c, c->body.failed ? 503 : 400);
	else if (r == HTTP_CHUNKS_END)
		body_complete(c, buf_slice(&c->body));
	else if (left.size)
		body_too_large(c);
	return in.size - left.size;
}

static size_t take_body(struct http_conn *c, struct slice in)
{
	size_t left = (size_t)c->body_left, n = in.size < left ? in.size : left;

	if (c->body_left < 0)
		return take_chunks(c, in);
	if (n == left && c->body.size == 0) { /* all of it in one piece needs no copy */
		body_complete(c, slice_first(in, n));
		return n;
	}
	buf_add(&c->body, in.at, n);
	c->body_left -= (int64_t)n;
	if (c->body.failed)
		body_failed(c, 503);
	else if (c->body_left == 0)
		body_complete(c, buf_slice(&c->body));
	return n;
}

static size_t drop_body(struct http_conn *c, struct slice in)
{
	size_t n = in.size < c->drop_left ? in.size : (size_t)c->drop_left;

	c->drop_left -= n;
	if (c->drop_left == 0)
		http_conn_enter(c, CONN_HEAD); /* from now on it is idle */
	return n;
}

static size_t step(struct http_conn *c, struct slice in)
{
	if (in.size == 0)
		return 0;
	if (c->state == CONN_BODY)
		return take_body(c, in);
	if (c->state != CONN_HEAD)
		return 0;
	return c->drop_left ? drop_body(c, in) : take_head(c, in);
}

static size_t consume(struct http_conn *c, struct slice in)
{
	size_t used = 0, n;

	c->consuming = true;
	while ((n = step(c, slice_from(in, used))) > 0)
		used += n;
	c->consuming = false;
	return used;
}

/* Handles what is kept and what has come; keeps the rest. */
static void digest(struct http_conn *c, struct slice got)
{
	bool kept = c->in.size > 0;
	struct slice in = got;
	size_t used;

	if (kept) {
		buf_add_slice(&c->in, got);
		in = buf_slice(&c->in);
	}
	used = consume(c, in);
	if (c->state == CONN_CLOSED)
		return;
	if (kept)
		buf_drop_front(&c->in, used);
	else
		buf_add_slice(&c->in, slice_from(in, used));
	if (c->in.failed) {
		metrics_count(M_OUT_OF_MEMORY);
		http_conn_close(c, "out of memory");
	} else if (c->in.size == 0) {
		buf_fini(&c->in); /* an idle connection holds no buffer */
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
	size_t max = c->service->server->limits.max_head_bytes;

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
		digest(c, slice_of(scratch, (size_t)n));
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
		digest(c, (struct slice){ 0 });
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

void http_conn_want_body(struct http_conn *c, size_t max)
{
	assert(c->state == CONN_PARKED);
	c->body_max = max;
	c->chunks = (struct http_chunks){ 0 };
	if (c->body_left == 0) {
		body_complete(c, (struct slice){ 0 });
	} else if (c->body_left > 0 && (uint64_t)c->body_left > max) {
		body_too_large(c);
	} else {
		http_conn_enter(c, CONN_BODY);
		/* 25 bytes into an empty socket buffer: should they not fit, the peer has more trouble than this. */
		if (c->expect && send(c->fd, "HTTP/1.1 100 Continue\r\n\r\n", 25, MSG_NOSIGNAL | MSG_DONTWAIT) != 25)
			http_conn_close(c, "100 not taken");
		c->expect = false;
	}
}

/* Called before an answer: what becomes of a body that was not taken. */
void http_conn_settle_body(struct http_conn *c)
{
	if (c->body_left < 0 || c->body_left > DROP_MAX_BYTES || (c->body_left && c->expect))
		c->keep_alive = false;
	else
		c->drop_left = (uint64_t)c->body_left;
	c->body_left = 0;
}
