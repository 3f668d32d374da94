/* tool_http.c - one POST. HTTP/1.0, so that the answer ends with the connection and comes in one piece. */
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "tool.h"

enum { ANSWER_MAX = 512 * 1024 * 1024 };

static const char *reason(int error)
{
	return error == EAGAIN || error == EINPROGRESS ? "no answer in time" : strerror(error);
}

/* Of every wait by itself: to connect, for the answer's next bytes. */
static void set_timeout(int fd, int64_t ms)
{
	struct timeval t = { .tv_sec = (time_t)(ms / 1000), .tv_usec = (suseconds_t)(ms % 1000 * 1000) };

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof(t));
}

/* -1 and *error. */
static int dial_one(const struct addrinfo *to, int64_t timeout_ms, int *error)
{
	int fd = socket(to->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0) {
		set_timeout(fd, timeout_ms);
		if (connect(fd, to->ai_addr, to->ai_addrlen) == 0)
			return fd;
	}
	*error = errno;
	if (fd >= 0)
		close(fd);
	return -1;
}

static int dial(const struct tool_url *url, int64_t timeout_ms)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *all = NULL;
	int fd = -1, error = 0, found = getaddrinfo(url->host, url->port, &hints, &all);

	for (const struct addrinfo *a = all; found == 0 && a && fd < 0; a = a->ai_next)
		fd = dial_one(a, timeout_ms, &error);
	if (fd < 0)
		tool_complain("cannot reach http://%s:%s: %s", url->host, url->port,
			found ? gai_strerror(found) : reason(error));
	if (found == 0)
		freeaddrinfo(all);
	return fd;
}

static void write_request(struct buf *to, const struct tool_url *url, const char *path, const struct tool_args *a,
	const char *key, struct slice body)
{
	bool v6 = strchr(url->host, ':') != NULL;

	buf_printf(to, "POST %s/api/v1/%s HTTP/1.0\r\nHost: %s%s%s:%s\r\n", url->path, path, v6 ? "[" : "", url->host,
		v6 ? "]" : "", url->port);
	buf_printf(to, "Authorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n", key,
		body.size);
	if (a->idempotency_key)
		buf_printf(to, "Idempotency-Key: %s\r\n", a->idempotency_key);
	buf_add_str(to, "\r\n");
	buf_add_slice(to, body);
}

/* A gateway that refuses a large body answers before it has all of it: what it says is still read. */
static void send_all(int fd, struct slice bytes)
{
	ssize_t n;

	while (bytes.size && (n = send(fd, bytes.at, bytes.size, MSG_NOSIGNAL)) > 0)
		bytes = slice_from(bytes, (size_t)n);
}

/* 0: the end, else errno. */
static int receive_all(int fd, struct buf *to)
{
	ssize_t n = -1;

	while (to->size < ANSWER_MAX && buf_reserve(to, 65536)) {
		n = recv(fd, to->at + to->size, 65536, 0);
		if (n <= 0)
			break;
		to->size += (size_t)n;
	}
	return n == 0 ? 0 : n < 0 ? errno : ENOMEM;
}

/* The body's length as the head says, -1: it does not. `head` ends with a NUL. */
static long length_in(const char *head)
{
	const char *line = strcasestr(head, "\r\ncontent-length:");

	return line ? strtol(line + 17, NULL, 10) : -1;
}

static bool read_answer(struct buf *all, struct tool_answer *answer)
{
	char *end;
	long length;

	buf_add_char(all, '\0');
	end = all->failed ? NULL : strstr(all->at, "\r\n\r\n");
	if (end == NULL || sscanf(all->at, "HTTP/1.%*d %3d", &answer->status) != 1)
		return false;
	*end = '\0';
	length = length_in(all->at);
	buf_drop_front(all, (size_t)(end + 4 - all->at));
	all->size--;
	answer->body = *all;
	*all = BUF_INIT;
	return length < 0 || (size_t)length == answer->body.size;
}

static bool converse(int fd, struct slice request, struct tool_answer *answer)
{
	struct buf all = BUF_INIT;
	int error;
	bool read;

	send_all(fd, request);
	error = receive_all(fd, &all);
	read = error == 0 && read_answer(&all, answer);
	if (!read)
		tool_complain(
			"the gateway did not answer: %s", error ? reason(error) : "that is no HTTP, or was cut short");
	buf_fini(&all);
	return read;
}

/* What a header may hold: nothing that would begin another. */
static bool check_header(const char *value)
{
	for (; value && *value; value++)
		if (*value < ' ' || *value > '~') {
			tool_complain("--idempotency-key has characters that a header cannot hold");
			return false;
		}
	return true;
}

bool tool_http_post(const struct tool_url *url, const char *path, const struct tool_args *a, const char *key,
	struct slice body, struct tool_answer *answer)
{
	struct buf request = BUF_INIT;
	int fd = check_header(a->idempotency_key) ? dial(url, a->timeout_ms) : -1;
	bool done;

	if (fd < 0)
		return false;
	write_request(&request, url, path, a, key, body);
	done = converse(fd, buf_slice(&request), answer);
	buf_fini(&request);
	close(fd);
	return done;
}
