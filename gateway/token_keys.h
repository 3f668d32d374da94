/*
 * token_keys.h - the keys that the gate checks clients' tokens with: read from files, fetched from jwt_jwks_url, kept new.
 *
 * All are read anew on SIGHUP, when a file of them changes, and every jwt_refetch. What cannot be read or fetched leaves the
 * keys as they are. A token of a key that nobody knows has the URL asked at once, but not twice within jwt_refetch_min.
 */
#ifndef STOA_GATEWAY_TOKEN_KEYS_H
#define STOA_GATEWAY_TOKEN_KEYS_H

#include "gate.h"
#include "loop.h"

struct token_keys;

/* With no key among the options there is nothing to do, and *to stays NULL. 0, or -1 with `why` in one sentence. */
int token_keys_open(struct token_keys **to, struct loop *loop, const struct gateway_options *o, struct clients *clients,
	char *why, size_t why_size);
const char *token_keys_trouble(const struct token_keys *k); /* why nobody can be let in; NULL: nothing */
void token_keys_close(struct token_keys *k);                /* when all sessions have ended; NULL is fine */

#endif
