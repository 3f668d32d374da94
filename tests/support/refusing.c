/*
 * refusing CALL PROGRAM ARGUMENT...: runs a program for which the kernel refuses a system call of io_uring's, as the
 * seccomp filters of containers do: setup (EPERM), or enter (ENOMEM), which is found out later. Exits with 77 where that
 * cannot be arranged.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "refuse.h"

enum { EXIT_USAGE = 2, EXIT_SKIP = 77 };

int main(int argc, char **argv)
{
	bool setup = argc > 2 && strcmp(argv[1], "setup") == 0;

	if (argc < 3 || (!setup && strcmp(argv[1], "enter") != 0)) {
		fprintf(stderr, "usage: refusing setup|enter PROGRAM [ARGUMENT]...\n");
		return EXIT_USAGE;
	}
	if (!refuse_call(setup ? __NR_io_uring_setup : __NR_io_uring_enter, setup ? EPERM : ENOMEM))
		return EXIT_SKIP;
	execv(argv[2], argv + 2);
	perror(argv[2]);
	return EXIT_USAGE;
}
