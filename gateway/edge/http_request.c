/* http_request.c - a connection's input: heads and bodies, and what is wrong with them. See http_conn.h. */
#include <assert.h>
#include <sys/socket.h>

#include "http_conn.h"
#include "log.h"
#include "metrics.h"

enum { DROP_MAX_BYTES = 64 * 1024 }; /* of a body that nobody wanted; reading more costs more than a new connection */

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

void http_conn_too_late(struct http_conn *c)
{
	if (c->state == CONN_HEAD)
		head_too_late(c);
	else
		body_too_late(c);
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
	int n = http_head_parse(in, c->service->limits, &c->scanned, &head, &why);

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
void http_conn_digest(struct http_conn *c, struct slice got)
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
