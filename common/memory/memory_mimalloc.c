/* memory_mimalloc.c - see memory.h. */
#include <mimalloc.h>
#include <stdio.h>

#include "memory.h"

const char *memory_allocator(void)
{
	static char text[32];
	int version = mi_version(); /* 209 is 2.0.9 */

	snprintf(text, sizeof(text), "mimalloc %d.%d.%d", version / 100, version / 10 % 10, version % 10);
	return text;
}

void memory_give_back(void)
{
	mi_collect(true);
}
