/*
 * random.h - unpredictable bytes from the kernel (getrandom(2)), buffered. For ids, keys and jitter alike.
 * A forked child draws its own.
 */
#ifndef STOA_BASE_RANDOM_H
#define STOA_BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

void random_bytes(void *at, size_t size); /* never fails: aborts when the kernel has no random source */
uint64_t random_u64(void);

/* n characters of [A-Za-z0-9_-] (base64url's alphabet, 6 random bits each) and a NUL: at has n + 1 bytes. */
void random_id(char *at, size_t n);

#endif
