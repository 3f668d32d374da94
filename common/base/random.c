/* random.c - see random.h. */
#include "random.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static unsigned char pool[512];
static size_t left; /* unused bytes at the end of pool */

/* A forked child must not hand out the bytes that its parent will. */
static void forget(void)
{
	memset(pool, 0, sizeof(pool));
	left = 0;
}

static void refill(void)
{
	static bool watching_forks;
	size_t got = 0;

	if (!watching_forks)
		watching_forks = pthread_atfork(NULL, NULL, forget) == 0;
	while (got < sizeof(pool)) {
		ssize_t n = getrandom(pool + got, sizeof(pool) - got, 0);
		if (n < 0 && errno != EINTR) {
			perror("stoa: getrandom");
			abort();
		}
		if (n > 0)
			got += (size_t)n;
	}
	left = sizeof(pool);
}

void random_bytes(void *at, size_t size)
{
	char *to = at;

	while (size > 0) {
		size_t n;

		if (left == 0)
			refill();
		n = size < left ? size : left;
		memcpy(to, pool + sizeof(pool) - left, n);
		/* A byte handed out is a secret: nothing may find it here later. */
		memset(pool + sizeof(pool) - left, 0, n);
		left -= n;
		to += n;
		size -= n;
	}
}

uint64_t random_u64(void)
{
	uint64_t n;

	random_bytes(&n, sizeof(n));
	return n;
}

void random_id(char *at, size_t n)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

	random_bytes(at, n);
	for (size_t i = 0; i < n; i++)
		at[i] = alphabet[at[i] & 63];
	at[n] = '\0';
}
