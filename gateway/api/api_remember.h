/*
 * api_remember.h - answers given to requests with an Idempotency-Key, so that one that is sent again is answered and not
 * done again. Kept for a time, within an amount of memory: past it the oldest are forgotten early, and counted.
 *
 * The same key with another request is a mistake of the sender, which is told: requests are compared by SHA-256.
 */
#ifndef STOA_API_REMEMBER_H
#define STOA_API_REMEMBER_H

#include <sys/queue.h>

#include "map.h"

enum { REQUEST_DIGEST_SIZE = 32 };

struct remembered {
	struct map_node node; /* by the sender's key */
	TAILQ_ENTRY(remembered) link;
	int64_t until_ms;
	unsigned char digest[REQUEST_DIGEST_SIZE];
	int status;
	struct slice body;
	char copied[];
};

struct remembered_answers {
	struct map by_key;
	TAILQ_HEAD(remembered_list, remembered) by_age; /* the oldest first */
	size_t bytes, max_bytes;
	int64_t keep_ms;
};

void remember_init(struct remembered_answers *all, size_t max_bytes, int64_t keep_ms);
void remember_fini(struct remembered_answers *all);

/* Of what a request asks for. */
void request_digest(struct slice path, struct slice body, unsigned char digest[REQUEST_DIGEST_SIZE]);

/* NULL: not seen, or too long ago. Valid until the next call. */
const struct remembered *remember_find(struct remembered_answers *all, int64_t now_ms, struct slice key);
/* The key is not there. Without memory, or room for so large an answer, nothing is kept. */
void remember_add(struct remembered_answers *all, int64_t now_ms, struct slice key, const unsigned char *digest,
	int status, struct slice body);

#endif
