/* client_dir.c - see client_dir.h. */
#include "client_dir.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"

static const char *const places[] = { "../share/stoa/client", "../../deps/client" };

char *client_dir_find(void)
{
	char program[PATH_MAX], path[PATH_MAX + 64];
	ssize_t size = readlink("/proc/self/exe", program, sizeof(program) - 1);

	if (size <= 0)
		return NULL;
	program[size] = '\0';
	*(strrchr(program, '/') + 1) = '\0';
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		snprintf(path, sizeof(path), "%s%s/socket.io.js", program, places[i]);
		if (access(path, R_OK) == 0)
			return must_strndup(path, strlen(path) - strlen("/socket.io.js"));
	}
	return NULL;
}
