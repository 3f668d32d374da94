/* memory_jemalloc.c - see memory.h: jemalloc gives back by itself what has been free for ten seconds, but only while it is
 * called. */
#include <jemalloc/jemalloc.h>
#include <stdio.h>
#include <string.h>

#include "memory.h"

#define TEXT_(x) #x
#define TEXT(x)  TEXT_(x)

const char *memory_allocator(void)
{
	static char text[32];
	const char *version = "";
	size_t size = sizeof(version);

	mallctl("version", (void *)&version, &size, NULL, 0);
	snprintf(text, sizeof(text), "jemalloc %.*s", (int)strcspn(version, "-"), version);
	return text;
}

void memory_give_back(void)
{
	mallctl("thread.tcache.flush", NULL, NULL, NULL, 0);
	mallctl("arena." TEXT(MALLCTL_ARENAS_ALL) ".purge", NULL, NULL, NULL, 0);
}
