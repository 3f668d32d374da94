/* sockets.c - see sockets.h. */
#include "sockets.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bind.h"

_Static_assert((int)SOCKETS_ADDRESS_SIZE == (int)BOUND_ADDRESS_SIZE, "it is bind.h's");

/* Programs that share a port on purpose do not hinder each other; one that was started twice by mistake should be. */
static bool is_free(const char *address, const char **why)
{
	int fd = bind_address(address, false, why);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* Somebody may have closed standard input. -1: errno. */
static int move_up(int fd)
{
	int moved;

	if (fd > STDERR_FILENO)
		return fd;
	moved = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	close(fd);
	return moved;
}

static int bind_shared(const char *address, const char **why)
{
	int fd = bind_address(address, true, why);

	if (fd < 0)
		return -1;
	fd = move_up(fd);
	if (fd < 0)
		*why = strerror(errno);
	return fd;
}

/* The address for the others: as it was written, with the port that the first has got. */
static void with_port_of(const char *listen, const char *bound, char *to, size_t size)
{
	snprintf(to, size, "%.*s%s", (int)(strrchr(listen, ':') - listen), listen, strrchr(bound, ':'));
}

static bool bind_all(int *sockets, size_t count, const char *listen, char *address, const char **why)
{
	char same[320];

	if (strtol(strrchr(listen, ':') + 1, NULL, 10) != 0 && !is_free(listen, why))
		return false;
	sockets[0] = bind_shared(listen, why);
	if (sockets[0] < 0)
		return false;
	bind_name(sockets[0], address);
	with_port_of(listen, address, same, sizeof(same));
	for (size_t i = 1; i < count; i++) {
		sockets[i] = bind_shared(same, why);
		if (sockets[i] < 0)
			return false;
	}
	return true;
}

bool sockets_bind(
	int *sockets, size_t count, const char *listen, char address[SOCKETS_ADDRESS_SIZE], char *why, size_t why_size)
{
	const char *reason = "no such address";

	for (size_t i = 0; i < count; i++)
		sockets[i] = -1;
	if (bind_all(sockets, count, listen, address, &reason))
		return true;
	snprintf(why, why_size, "cannot listen on %s: %s", listen, reason);
	sockets_close(sockets, count);
	return false;
}

void sockets_close(int *sockets, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (sockets[i] >= 0)
			close(sockets[i]);
		sockets[i] = -1;
	}
}
