/* jwt_internal.h - what the files of common/jwt share. See jwt.h. */
#ifndef STOA_JWT_JWT_INTERNAL_H
#define STOA_JWT_JWT_INTERNAL_H

#include <openssl/evp.h>

#include "jwt.h"
#include "value.h"

/* Either a secret or a public key. */
struct jwt_key {
	struct slice kid;    /* owned; empty: none */
	struct slice secret; /* owned */
	EVP_PKEY *public;
	unsigned algorithms; /* bits */
};

struct jwt_keys {
	struct jwt_key at[JWT_KEYS_MAX];
	size_t count;
};

/* jwt_keys.c: takes `public` over, also when it is refused. NULL, or why not. */
const char *jwt_keys_take(struct jwt_keys *keys, EVP_PKEY *public, struct slice kid, unsigned algorithms);
const char *jwt_keys_take_secret(struct jwt_keys *keys, struct slice secret, struct slice kid, unsigned algorithms);

/* jwt_part.c: base64url without padding, as RFC 7515, 2 has it and no other way. {NULL, 0}: it is not, or no memory. */
struct slice jwt_decode(struct arena *arena, struct slice text);
/* An object; VALUE_BROKEN: it is none, or not as jwt.h wants it. */
struct stoa_value jwt_object(struct arena *arena, struct slice json);
bool jwt_has(struct stoa_value object, struct slice name);
bool jwt_text(
	struct stoa_value object, struct slice name, struct slice *text); /* false: it is no text; none is empty */

/* jwt_signature.c */
bool jwt_signature_is_right(
	const struct jwt_key *key, enum jwt_algorithm algorithm, struct slice said, struct slice signature);

/* jwt_claims.c */
enum jwt_fault jwt_claims_check(
	struct stoa_value claims, const struct jwt_rules *rules, int64_t wall_ms, struct jwt_claims *to);

#endif
