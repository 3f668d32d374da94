/*
 * tls_conn.c - see tls_internal.h: a connection's handshake, and its end.
 *
 *	SHAKING --- done ----> OPEN (tls_pump.c) ---> CLOSED
 *	   |                                            ^
 *	   +--- failed ------> DROPPING ----------------+  (the client has ended, or close_timeout is over)
 *	   +--- too late, or the client is gone --------+
 */
#include <errno.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "alloc.h"
#include "log.h"
#include "metrics.h"
#include "tls_internal.h"

/* --- Its end ------------------------------------------------------------------------------------------------------ */

static void free_conn(struct grave *g)
{
	struct tls_conn *c = (struct tls_conn *)(void *)((char *)g - offsetof(struct tls_conn, grave));

	SSL_free(c->ssl);
	free(c->to_client.at);
	free(c->to_inner.at);
	free(c);
}

static void unlist(struct tls_conn *c)
{
	struct tls *t = c->all;

	TAILQ_REMOVE(&t->conns, c, link);
	t->count--;
	if (c->inner < 0)
		t->handshakes--;
	metrics_set(M_TLS_CONNECTIONS, (int64_t)t->count);
}

void tls_conn_close(struct tls_conn *c)
{
	struct loop *loop = c->all->config.loop;

	if (c->state == TLS_CLOSED)
		return;
	unlist(c);
	c->state = TLS_CLOSED;
	event_del(&c->read);
	event_del(&c->write);
	if (c->inner >= 0) {
		event_del(&c->inner_read);
		event_del(&c->inner_write);
		close(c->inner);
	}
	close(c->fd);
	timer_stop(&loop->timers, &c->due);
	graveyard_bury(&loop->graveyard, &c->grave, free_conn);
}

/* --- A handshake that fails --------------------------------------------------------------------------------------- */

static void log_failure(struct tls_conn *c, struct sample *sample, const char *why)
{
	char address[NET_ADDRESS_SIZE];
	int64_t count;

	net_address_format(&c->peer, address);
	log_debug("tls handshake failed", LOG_I("fd", c->fd), LOG_S("address", address), LOG_S("why", why));
	if (sample_take(sample, loop_now(c->all->config.loop), &count))
		log_info("tls-handshakes-failed", LOG_S("address", address), LOG_S("why", why), LOG_I("count", count));
}

/* Who speaks HTTP here is told so, in HTTP. */
static void answer_http(const struct tls_conn *c)
{
	static const char answer[] = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: text/plain\r\n"
				     "Content-Length: 32\r\n\r\nThis port speaks HTTPS, not HTTP";

	send(c->fd, answer, sizeof(answer) - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static bool is_http(unsigned long error)
{
	return ERR_GET_LIB(error) == ERR_LIB_SSL && ERR_GET_REASON(error) == SSL_R_HTTP_REQUEST;
}

/* `result` is SSL_get_error()'s. Closing with unread input would reset the connection, and the alert be lost. */
static void failed(struct tls_conn *c, int result)
{
	unsigned long error = result == SSL_ERROR_SSL ? ERR_peek_last_error() : 0;
	bool is_gone = error == 0;

	metrics_count(M_TLS_FAILED);
	log_failure(c, &c->all->failed, is_gone ? "the client has left" : tls_words());
	if (is_http(error))
		answer_http(c);
	if (is_gone || shutdown(c->fd, SHUT_WR) < 0) {
		tls_conn_close(c);
		return;
	}
	c->state = TLS_DROPPING;
	event_del(&c->write);
	event_add(&c->read, NULL);
	tls_conn_set_due(c, c->all->config.options->close_timeout_ms);
}

static void drop_input(struct tls_conn *c)
{
	ssize_t n = recv(c->fd, c->all->scratch, sizeof(c->all->scratch), MSG_DONTWAIT);

	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		tls_conn_close(c);
}

static void too_late(struct timer *timer, int64_t now_ms)
{
	struct tls_conn *c = (struct tls_conn *)(void *)((char *)timer - offsetof(struct tls_conn, due));

	(void)now_ms;
	if (c->state == TLS_SHAKING) {
		metrics_count(M_LIMIT_TLS_TIME);
		metrics_count(M_TLS_LATE);
		log_failure(c, &c->all->late, "tls_handshake_timeout");
	}
	tls_conn_close(c);
}

void tls_conn_set_due(struct tls_conn *c, int64_t ms)
{
	struct loop *loop = c->all->config.loop;

	timer_set(&loop->timers, &c->due, too_late, loop_now(loop) + ms);
}

/* --- The handshake ------------------------------------------------------------------------------------------------ */

static void is_open(struct tls_conn *c)
{
	struct tls *t = c->all;
	int pair[2];

	metrics_count(SSL_session_reused(c->ssl) ? M_TLS_RESUMED : M_TLS_OK);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) < 0) {
		metrics_count(M_LIMIT_CONNECTIONS);
		log_failure(c, &t->failed, strerror(errno));
		tls_conn_close(c);
		return;
	}
	timer_stop(&t->config.loop->timers, &c->due);
	c->state = TLS_OPEN;
	c->inner = pair[0];
	t->handshakes--;
	tls_pump_start(c);
	t->config.opened(t->config.ctx, pair[1], &c->peer);
	if (SSL_has_pending(c->ssl)) /* it came with the handshake's last */
		tls_pump_readable(c);
}

/* What nobody takes would be ready in every turn. */
static void wait_for(struct event *this, struct event *not_that)
{
	event_del(not_that);
	event_add(this, NULL);
}

static void shake(struct tls_conn *c)
{
	int done, result;

	ERR_clear_error();
	done = SSL_accept(c->ssl);
	result = SSL_get_error(c->ssl, done);
	if (done == 1) {
		wait_for(&c->read, &c->write);
		is_open(c);
	} else if (result == SSL_ERROR_WANT_WRITE) {
		wait_for(&c->write, &c->read);
	} else if (result == SSL_ERROR_WANT_READ) {
		wait_for(&c->read, &c->write);
	} else {
		failed(c, result);
	}
}

static void on_read(evutil_socket_t fd, short what, void *ctx)
{
	struct tls_conn *c = ctx;

	(void)fd;
	(void)what;
	if (c->state == TLS_SHAKING)
		shake(c);
	else if (c->state == TLS_DROPPING)
		drop_input(c);
	else
		tls_pump_readable(c);
}

static void on_write(evutil_socket_t fd, short what, void *ctx)
{
	struct tls_conn *c = ctx;

	(void)fd;
	(void)what;
	if (c->state == TLS_SHAKING)
		shake(c);
	else
		tls_pump_writable(c);
}

void tls_conn_open(struct tls *t, int fd, const struct net_address *peer)
{
	struct event_base *base = t->config.loop->base;
	SSL *ssl = SSL_new(t->certs.contexts[0]);
	struct tls_conn *c;

	if (ssl == NULL || SSL_set_fd(ssl, fd) != 1) {
		metrics_count(M_OUT_OF_MEMORY);
		SSL_free(ssl);
		close(fd);
		return;
	}
	c = must_alloc(sizeof(*c));
	c->all = t;
	c->ssl = ssl;
	c->fd = fd;
	c->inner = -1;
	c->peer = *peer;
	TAILQ_INSERT_TAIL(&t->conns, c, link);
	t->handshakes++;
	metrics_set(M_TLS_CONNECTIONS, (int64_t)++t->count);
	event_assign(&c->read, base, fd, EV_READ | EV_PERSIST, on_read, c);
	event_assign(&c->write, base, fd, EV_WRITE | EV_PERSIST, on_write, c);
	event_add(&c->read, NULL);
	tls_conn_set_due(c, t->config.options->tls_handshake_timeout_ms);
}
