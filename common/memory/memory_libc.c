/* memory_libc.c - see memory.h: glibc's malloc gives back the top of its heap by itself, and what is free below it only when
 * asked to. */
#include <gnu/libc-version.h>
#include <malloc.h>
#include <stdio.h>

#include "memory.h"

const char *memory_allocator(void)
{
	static char text[32];

	snprintf(text, sizeof(text), "libc %s", gnu_get_libc_version());
	return text;
}

void memory_give_back(void)
{
	malloc_trim(0);
}
