/* doctor_link.c - one connection, read and written with a time. See doctor_internal.h. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "doctor_internal.h"

enum { CHUNK = 16 * 1024, TOTAL_MAX = 4 * DOCTOR_BODY_MAX /* of one connection */ };

void link_close(struct link *l)
{
	SSL_free(l->ssl);
	if (l->fd >= 0)
		close(l->fd);
	buf_fini(&l->in);
	buf_fini(&l->message);
	l->ssl = NULL;
	l->fd = -1;
}

bool link_wait(const struct link *l, bool to_write, int64_t due_ms)
{
	struct pollfd p = { .fd = l->fd, .events = to_write ? POLLOUT : POLLIN };
	int64_t left_ms;
	int n;

	do {
		left_ms = due_ms - clock_now_ms();
		n = poll(&p, 1, left_ms > 0 ? (int)left_ms : 0);
	} while (n < 0 && errno == EINTR);
	return n > 0;
}

/* 0 or errno. */
static int dial(struct link *l, const struct addrinfo *to, int64_t due_ms)
{
	int error = 0;
	socklen_t size = sizeof(error);

	l->fd = socket(to->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (l->fd < 0)
		return errno;
	if (connect(l->fd, to->ai_addr, to->ai_addrlen) == 0)
		return 0;
	if (errno != EINPROGRESS)
		return errno;
	if (!link_wait(l, true, due_ms))
		return ETIMEDOUT;
	return getsockopt(l->fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0 ? errno : error;
}

bool link_open_to(struct doctor *d, struct link *l, const struct addrinfo *to)
{
	int64_t due_ms = clock_now_ms() + d->config->timeout_ms;
	int error;

	*l = (struct link){ .fd = -1, .in = BUF_INIT, .message = BUF_INIT };
	error = dial(l, to, due_ms);
	if (error)
		l->why = strerror(error);
	return error == 0 && (!d->url.secure || doctor_tls_begin(d, l, due_ms));
}

bool link_open(struct doctor *d, struct link *l)
{
	return link_open_to(d, l, d->good);
}

/* True: go on, it may work now. */
static bool wait_for_tls(struct link *l, int result, int64_t due_ms)
{
	int error = SSL_get_error(l->ssl, result);

	return (error == SSL_ERROR_WANT_READ && link_wait(l, false, due_ms)) ||
	       (error == SSL_ERROR_WANT_WRITE && link_wait(l, true, due_ms));
}

static ssize_t write_some(struct link *l, struct slice bytes, int64_t due_ms)
{
	ssize_t n;

	do {
		if (l->ssl)
			n = SSL_write(l->ssl, bytes.at, bytes.size > CHUNK ? CHUNK : (int)bytes.size);
		else
			n = send(l->fd, bytes.at, bytes.size, MSG_NOSIGNAL);
	} while (n <= 0 && (l->ssl ? wait_for_tls(l, (int)n, due_ms) : errno == EAGAIN && link_wait(l, true, due_ms)));
	return n;
}

bool link_write(struct link *l, struct slice bytes, int64_t due_ms)
{
	while (bytes.size) {
		ssize_t n = write_some(l, bytes, due_ms);

		if (n <= 0) {
			l->why = "the connection was closed while the request was sent";
			return false;
		}
		bytes = slice_from(bytes, (size_t)n);
	}
	return true;
}

static enum link_read ended(struct link *l, bool clean)
{
	l->eof = true;
	l->why = clean ? "the connection was closed" : "the connection was reset";
	return clean ? LINK_END : LINK_FAILED;
}

static enum link_read late(struct link *l)
{
	l->why = "no answer in time";
	return LINK_LATE;
}

static enum link_read took(struct link *l, size_t n)
{
	l->in.size += n;
	l->total += n;
	return LINK_BYTES;
}

static enum link_read read_tls(struct link *l, int64_t due_ms)
{
	int n;

	while ((n = SSL_read(l->ssl, l->in.at + l->in.size, CHUNK)) <= 0) {
		int error = SSL_get_error(l->ssl, n);

		if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE)
			return ended(l, error == SSL_ERROR_ZERO_RETURN || errno == 0);
		if (!link_wait(l, error == SSL_ERROR_WANT_WRITE, due_ms))
			return late(l);
	}
	return took(l, (size_t)n);
}

enum link_read link_read(struct link *l, int64_t due_ms)
{
	ssize_t n;

	errno = 0;
	if (due_ms && clock_now_ms() >= due_ms)
		return late(l);
	if (l->total > TOTAL_MAX || !buf_reserve(&l->in, CHUNK)) {
		l->why = "more came than any answer needs";
		return LINK_FAILED;
	}
	if (l->ssl)
		return read_tls(l, due_ms);
	while ((n = recv(l->fd, l->in.at + l->in.size, CHUNK, 0)) < 0 && errno == EAGAIN)
		if (!link_wait(l, false, due_ms))
			return late(l);
	if (n <= 0)
		return ended(l, n == 0);
	return took(l, (size_t)n);
}
