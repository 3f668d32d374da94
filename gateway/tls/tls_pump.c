/*
 * tls_pump.c - see tls_internal.h: bytes in both directions, a record at a time through memory that all connections share.
 * Only what a side could not take at once is kept, and then the other is not read.
 *
 * The end. What the edge wrote goes out first, then close_notify and the end of our output; then the client has
 * close_timeout to end too, so that no reset destroys what it has not read. All of it within END_MS, as a client may take
 * nothing. When the client ends, the edge sees it and ends its own.
 */
#include <errno.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "metrics.h"
#include "tls_internal.h"

enum {
	END_MS = 10 * 1000,
	RECORDS = 4 /* for one connection in a turn */
};

/* --- What waits --------------------------------------------------------------------------------------------------- */

/* False: no memory. */
static bool keep(struct tls_rest *r, const char *at, size_t size)
{
	char *copy = malloc(size);

	if (copy == NULL) {
		metrics_count(M_OUT_OF_MEMORY);
		return false;
	}
	memcpy(copy, at, size);
	free(r->at);
	*r = (struct tls_rest){ copy, size };
	return true;
}

static void forget(struct tls_rest *r)
{
	free(r->at);
	*r = (struct tls_rest){ 0 };
}

/* --- From the edge to the client ---------------------------------------------------------------------------------- */

/* 1: all of it is in the kernel; 0: the socket takes no more now, and the same is to be tried again; -1: it is gone. */
static int write_record(struct tls_conn *c, const char *at, size_t size)
{
	int done, result;

	ERR_clear_error();
	done = SSL_write(c->ssl, at, (int)size);
	if (done > 0)
		return 1;
	result = SSL_get_error(c->ssl, done);
	ERR_clear_error();
	return result == SSL_ERROR_WANT_WRITE || result == SSL_ERROR_WANT_READ ? 0 : -1;
}

/* Nothing more comes from the edge, and all that came is in the kernel. */
static void say_goodbye(struct tls_conn *c)
{
	int done;

	ERR_clear_error();
	done = SSL_shutdown(c->ssl);
	if (done < 0 && SSL_get_error(c->ssl, done) == SSL_ERROR_WANT_WRITE) {
		event_add(&c->write, NULL);
		return;
	}
	ERR_clear_error();
	c->said_goodbye = true;
	if (c->client_ended || shutdown(c->fd, SHUT_WR) < 0)
		tls_conn_close(c);
	else
		tls_conn_set_due(c, c->all->config.options->close_timeout_ms);
}

static void inner_has_ended(struct tls_conn *c)
{
	event_del(&c->inner_read);
	c->inner_ended = true;
	tls_conn_set_due(c, END_MS);
	if (c->to_client.size == 0)
		say_goodbye(c);
}

/* False: no more of it now. */
static bool take_from_edge(struct tls_conn *c)
{
	char *scratch = c->all->scratch;
	ssize_t n = recv(c->inner, scratch, TLS_RECORD, MSG_DONTWAIT);
	int written;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n <= 0) {
		inner_has_ended(c);
		return false;
	}
	written = write_record(c, scratch, (size_t)n);
	if (written < 0 || (written == 0 && !keep(&c->to_client, scratch, (size_t)n))) {
		tls_conn_close(c);
		return false;
	}
	if (written == 0) {
		event_del(&c->inner_read);
		event_add(&c->write, NULL);
	}
	return written == 1 && n == TLS_RECORD;
}

static void on_inner_read(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	for (int i = 0; i < RECORDS && take_from_edge(ctx); i++)
		;
}

static void read_on(struct tls_conn *c)
{
	if (c->state != TLS_OPEN || !c->read_waits)
		return;
	c->read_waits = false;
	event_add(&c->read, NULL);
	tls_pump_readable(c);
}

void tls_pump_writable(struct tls_conn *c)
{
	int written = c->to_client.size ? write_record(c, c->to_client.at, c->to_client.size) : 1;

	if (written == 0)
		return;
	event_del(&c->write);
	forget(&c->to_client);
	if (written < 0)
		tls_conn_close(c);
	else if (!c->inner_ended)
		event_add(&c->inner_read, NULL);
	else if (!c->said_goodbye)
		say_goodbye(c);
	read_on(c);
}

/* --- From the client to the edge ---------------------------------------------------------------------------------- */

/* How much the edge takes. When it has closed its end, all is dropped from then on. */
static size_t give(struct tls_conn *c, const char *at, size_t size)
{
	ssize_t n = send(c->inner, at, size, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n >= 0)
		return (size_t)n;
	if (errno == EAGAIN || errno == EINTR)
		return 0;
	c->inner_gone = true;
	return size;
}

static void client_has_ended(struct tls_conn *c)
{
	event_del(&c->read);
	c->client_ended = true;
	if (c->said_goodbye)
		tls_conn_close(c);
	else
		shutdown(c->inner, SHUT_WR); /* it has all that came: while it has not, nothing is read */
}

static void read_failed(struct tls_conn *c, int result)
{
	if (result == SSL_ERROR_WANT_READ)
		return;
	if (result == SSL_ERROR_WANT_WRITE) { /* an answer of TLS's own; what the client sends would not be read */
		c->read_waits = true;
		event_del(&c->read);
		event_add(&c->write, NULL);
	} else if (result == SSL_ERROR_ZERO_RETURN) {
		client_has_ended(c);
	} else {
		tls_conn_close(c);
	}
}

/* One record. False: no more of it now. */
static bool take_from_client(struct tls_conn *c)
{
	char *scratch = c->all->scratch;
	size_t given;
	int n;

	ERR_clear_error();
	n = SSL_read(c->ssl, scratch, TLS_RECORD);
	if (n <= 0) {
		read_failed(c, SSL_get_error(c->ssl, n));
		ERR_clear_error();
		return false;
	}
	given = give(c, scratch, (size_t)n);
	if (given == (size_t)n)
		return !c->inner_gone;
	if (keep(&c->to_inner, scratch + given, (size_t)n - given)) {
		event_del(&c->read);
		event_add(&c->inner_write, NULL);
	} else {
		tls_conn_close(c);
	}
	return false;
}

/* What nobody wants is not even decrypted. */
static void drop(struct tls_conn *c)
{
	ssize_t n = recv(c->fd, c->all->scratch, TLS_RECORD, MSG_DONTWAIT);

	if (n == 0)
		client_has_ended(c);
	else if (n < 0 && errno != EAGAIN && errno != EINTR)
		tls_conn_close(c);
}

/* OpenSSL reads what there is, and of what it has then nobody tells. This ends with what the socketpair holds. */
void tls_pump_readable(struct tls_conn *c)
{
	if (c->inner_gone) {
		drop(c);
		return;
	}
	while (take_from_client(c) && SSL_has_pending(c->ssl))
		;
}

static void on_inner_write(evutil_socket_t fd, short what, void *ctx)
{
	struct tls_conn *c = ctx;
	size_t given = give(c, c->to_inner.at, c->to_inner.size);

	(void)fd;
	(void)what;
	if (given < c->to_inner.size) {
		memmove(c->to_inner.at, c->to_inner.at + given, c->to_inner.size - given);
		c->to_inner.size -= given;
		return;
	}
	event_del(&c->inner_write);
	forget(&c->to_inner);
	event_add(&c->read, NULL);
	if (SSL_has_pending(c->ssl))
		tls_pump_readable(c);
}

/* --- Its beginning ------------------------------------------------------------------------------------------------ */

void tls_pump_start(struct tls_conn *c)
{
	struct event_base *base = c->all->config.loop->base;

	event_assign(&c->inner_read, base, c->inner, EV_READ | EV_PERSIST, on_inner_read, c);
	event_assign(&c->inner_write, base, c->inner, EV_WRITE | EV_PERSIST, on_inner_write, c);
	event_add(&c->inner_read, NULL);
}
