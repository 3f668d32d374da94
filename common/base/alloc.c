/* alloc.c - see alloc.h. */
#include "alloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *checked(void *memory, size_t size)
{
	if (memory == NULL && size != 0) {
		fprintf(stderr, "stoa: out of memory for %zu bytes\n", size);
		abort();
	}
	return memory;
}

void *must_alloc(size_t size)
{
	return checked(calloc(1, size), size);
}

void *must_realloc(void *old, size_t size)
{
	return checked(realloc(old, size), size);
}

char *must_strndup(const char *text, size_t size)
{
	char *copy = checked(malloc(size + 1), size + 1);

	if (size)
		memcpy(copy, text, size);
	copy[size] = '\0';
	return copy;
}

char *must_strdup(const char *text)
{
	return must_strndup(text, strlen(text));
}
