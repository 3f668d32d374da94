/*
 * alloc.h - memory for small fixed objects. These abort when there is none: a process that cannot have 200 bytes has
 * nothing better to do. What a peer sizes is capped first and allocated with plain malloc, whose failure closes that
 * peer only.
 */
#ifndef STOA_BASE_ALLOC_H
#define STOA_BASE_ALLOC_H

#include <stddef.h>

void *must_alloc(size_t size);              /* zeroed; free() it */
void *must_realloc(void *old, size_t size); /* new bytes are not zeroed */
char *must_strdup(const char *text);
char *must_strndup(const char *text, size_t size);

#endif
