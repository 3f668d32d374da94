/* http_answer.c - a connection's output. See http_conn.h. */
#include <assert.h>
#include <errno.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "clock.h"
#include "http_conn.h"
#include "metrics.h"

enum {
	FILE_STEP_BYTES = 512 * 1024, /* of a file in one turn: a fast reader shares the loop */
	MIN_BYTES_PER_MS = 1,         /* what a peer has to take on the average */
};

static void put_date(struct http_server *s, struct buf *to)
{
	int64_t now = loop_now(s->loop), wall;

	if (now >= s->date_until_ms) {
		wall = clock_wall_ms();
		buf_clear(&s->date);
		http_put_date(&s->date, wall);
		s->date_until_ms = now + 1000 - wall % 1000;
	}
	buf_add_slice(to, buf_slice(&s->date));
}

static void put_head(struct http_conn *c, const struct http_answer *a, uint64_t length)
{
	struct buf *to = &c->service->server->answer;

	buf_clear(to);
	http_put_status(to, a->status);
	if (a->type) {
		buf_add_str(to, "Content-Type: ");
		buf_add_str(to, a->type);
		buf_add_str(to, "\r\n");
	}
	if (a->status != 304)
		http_put_length(to, length);
	buf_add_slice(to, a->headers);
	put_date(c->service->server, to);
	if (!c->keep_alive)
		buf_add_str(to, "Connection: close\r\n");
	else if (c->http10)
		buf_add_str(to, "Connection: keep-alive\r\n");
	buf_add_str(to, "\r\n");
}

/* Bytes that the kernel took; what it did not is kept. -1: lost, the connection is closed. */
static int send_now(struct http_conn *c, struct slice head, struct slice body)
{
	struct iovec parts[2] = {
		{ (void *)(uintptr_t)head.at, head.size }, /* sendmsg() only reads */
		{ (void *)(uintptr_t)body.at, body.size },
	};
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = body.size ? 2 : 1 };
	ssize_t n = sendmsg(c->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT | (c->file_left ? MSG_MORE : 0));
	size_t sent = n > 0 ? (size_t)n : 0, of_head = sent < head.size ? sent : head.size;

	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		http_conn_close(c, "connection lost");
		return -1;
	}
	buf_add_slice(&c->pending, slice_from(head, of_head));
	buf_add_slice(&c->pending, slice_from(body, sent - of_head));
	if (c->pending.failed) {
		metrics_count(M_OUT_OF_MEMORY);
		http_conn_close(c, "out of memory");
		return -1;
	}
	return 0;
}

static void begin_writing(struct http_conn *c, uint64_t size)
{
	struct http_server *s = c->service->server;

	if (size == 0) {
		http_conn_written(c);
		return;
	}
	c->write_due_ms = loop_now(s->loop) + s->body_timeout_ms + (int64_t)(size / MIN_BYTES_PER_MS);
	http_conn_flush(c);
}

static void answer(struct http_conn *c, struct slice head, struct slice body)
{
	http_conn_enter(c, c->keep_alive ? CONN_WRITING : CONN_ENDING);
	if (send_now(c, head, body) == 0)
		begin_writing(c, c->pending.size + (uint64_t)c->file_left);
}

void http_conn_answer(struct http_conn *c, const struct http_answer *a)
{
	bool file = a->file_size > 0, with_body = !c->head_only && a->status != 304;
	uint64_t length = file ? (uint64_t)a->file_size : a->body.size;

	if (c->state == CONN_CLOSED || c->head_only || a->status == 304) {
		if (file)
			close(a->file);
		file = false;
	}
	if (c->state == CONN_CLOSED)
		return;
	assert(c->state == CONN_PARKED);
	http_conn_settle_body(c);
	if (a->close || c->service->server->ending)
		c->keep_alive = false;
	if (file) {
		c->file = a->file;
		c->file_at = 0;
		c->file_left = a->file_size;
	}
	put_head(c, a, length);
	answer(c, buf_slice(&c->service->server->answer), with_body ? a->body : (struct slice){ 0 });
}

void http_conn_answer_raw(struct http_conn *c, struct slice bytes)
{
	if (c->state == CONN_CLOSED)
		return;
	c->keep_alive = false;
	http_conn_settle_body(c);
	answer(c, bytes, (struct slice){ 0 });
}

/* Waits until the kernel takes more. */
static void wait_writable(struct http_conn *c)
{
	struct http_server *s = c->service->server;
	int64_t due = loop_now(s->loop) + s->body_timeout_ms;

	if (c->paused)
		event_del(&c->read);
	if (!c->writes)
		event_add(&c->write, NULL);
	c->writes = true;
	http_conn_set_deadline(c, due < c->write_due_ms ? due : c->write_due_ms);
}

/* 1: all is sent, 0: the kernel is full, -1: lost */
static int flush_pending(struct http_conn *c)
{
	size_t left = c->pending.size - c->pending_at;
	int flags = MSG_NOSIGNAL | MSG_DONTWAIT | (c->file_left ? MSG_MORE : 0);
	ssize_t n = left ? send(c->fd, c->pending.at + c->pending_at, left, flags) : 0;

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	c->pending_at += (size_t)n;
	if (c->pending_at < c->pending.size)
		return 0;
	buf_fini(&c->pending);
	c->pending_at = 0;
	return 1;
}

/* The same. A file that became shorter is a connection lost: its length was promised. */
static int flush_file(struct http_conn *c)
{
	size_t max = c->file_left < FILE_STEP_BYTES ? (size_t)c->file_left : FILE_STEP_BYTES;
	off_t at = c->file_at;
	ssize_t n = max ? sendfile(c->fd, c->file, &at, max) : 0;

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	if (n == 0 && max)
		return -1;
	c->file_at += n;
	c->file_left -= n;
	if (c->file_left)
		return 0;
	if (c->file >= 0)
		close(c->file);
	c->file = -1;
	return 1;
}

void http_conn_flush(struct http_conn *c)
{
	int r = flush_pending(c);

	if (r == 1)
		r = flush_file(c);
	if (r < 0) {
		http_conn_close(c, "connection lost");
	} else if (r == 0) {
		wait_writable(c);
	} else {
		if (c->writes)
			event_del(&c->write);
		c->writes = false;
		http_conn_written(c);
	}
}
