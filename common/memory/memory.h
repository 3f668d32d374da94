/*
 * memory.h - the malloc of a program: which it is, and having it give back to the system what is free.
 *
 * STOA_ALLOCATOR chooses when the build is configured; memory_libc.c, memory_jemalloc.c and memory_mimalloc.c each fill
 * this in, and one of them is built.
 */
#ifndef STOA_MEMORY_MEMORY_H
#define STOA_MEMORY_MEMORY_H

const char *memory_allocator(void); /* "libc 2.36": as --version says it */

/* Gives whole free pages back. The caller waits for it: about 0.3 ms for each MB that is given back, and what it takes to
 * walk the free pieces. Call it when much has been freed, not often. */
void memory_give_back(void);

#endif
