/* allocator.c - built by tests/e2e/allocators.test.mjs with each allocator there is: says which it is, whose malloc this program
 * has, and how much is resident before, with and after 64 MB in small pieces. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "memory.h"

enum { PIECES = 65536, PIECE = 1000 };

static long resident_kb(void)
{
	long all, resident = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	if (f == NULL || fscanf(f, "%ld %ld", &all, &resident) != 2)
		exit(2);
	fclose(f);
	return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

int main(void)
{
	static void *pieces[PIECES];
	void *function = dlsym(RTLD_DEFAULT, "malloc");
	Dl_info malloc_s;
	long before, with;

	if (function == NULL || dladdr(function, &malloc_s) == 0)
		return 2;
	before = resident_kb();
	for (int i = 0; i < PIECES; i++) {
		pieces[i] = malloc(PIECE);
		if (pieces[i] == NULL)
			return 2;
		memset(pieces[i], 1, PIECE);
	}
	with = resident_kb();
	for (int i = 0; i < PIECES; i++)
		if (i != PIECES - 10) /* what is behind what is free stays */
			free(pieces[i]);
	memory_give_back();
	printf("{\"name\":\"%s\",\"malloc\":\"%s\",\"before\":%ld,\"with\":%ld,\"after\":%ld}\n", memory_allocator(),
		malloc_s.dli_fname, before, with, resident_kb());
	return 0;
}
