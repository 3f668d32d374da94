/* health.c - see health.h. */
#include "health.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "slice.h"

enum { WAIT_SECONDS = 3, HOST_MAX = 256 };

/* Connecting to 0.0.0.0 or :: reaches whoever listens on all of this machine's addresses. */
static struct addrinfo *resolve(const char *listen, const char **wrong)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV }, *found = NULL;
	const char *colon = strrchr(listen, ':');
	struct slice name = slice_of(listen, colon ? (size_t)(colon - listen) : 0);
	char host[HOST_MAX];
	int error;

	if (name.size >= 2 && name.at[0] == '[')
		name = slice_of(name.at + 1, name.size - 2);
	snprintf(host, sizeof(host), "%.*s", SLICE_ARG(name));
	error = getaddrinfo(host[0] ? host : NULL, colon ? colon + 1 : "", &hints, &found);
	*wrong = error ? gai_strerror(error) : NULL;
	return found;
}

static int dial(const struct addrinfo *to)
{
	const struct timeval wait = { .tv_sec = WAIT_SECONDS };
	int fd = socket(to->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0), error;

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
	if (connect(fd, to->ai_addr, to->ai_addrlen) == 0)
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

static int dial_any(const struct addrinfo *all)
{
	int fd = -1;

	for (const struct addrinfo *a = all; a && fd < 0; a = a->ai_next)
		fd = dial(a);
	return fd;
}

/* The status of the answer; 0: none came, or none of HTTP. */
static int converse(int fd)
{
	static const char request[] = "GET /healthz HTTP/1.0\r\nHost: localhost\r\n\r\n";
	char answer[512];
	size_t got = 0;
	ssize_t n;
	int status;

	if (send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL) < 0)
		return 0;
	while (got < sizeof(answer) - 1 && (n = recv(fd, answer + got, sizeof(answer) - 1 - got, 0)) > 0)
		got += (size_t)n;
	answer[got] = '\0';
	return sscanf(answer, "HTTP/1.%*d %3d", &status) == 1 ? status : 0;
}

bool health_ask(const char *listen, char *why, size_t why_size)
{
	struct addrinfo *all;
	const char *wrong;
	int fd, status;

	if (listen == NULL) {
		snprintf(why, why_size, "internal_listen is not set, so nobody can be asked");
		return false;
	}
	all = resolve(listen, &wrong);
	fd = dial_any(all);
	if (all)
		freeaddrinfo(all);
	if (fd < 0) {
		snprintf(why, why_size, "cannot connect to %s: %s", listen,
			wrong                  ? wrong
			: errno == EINPROGRESS ? "no answer in time"
					       : strerror(errno));
		return false;
	}
	status = converse(fd);
	close(fd);
	if (status == 0)
		snprintf(why, why_size, "%s did not answer", listen);
	else if (status != 200)
		snprintf(why, why_size, "%s answered with status %d", listen, status);
	return status == 200;
}
