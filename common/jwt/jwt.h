/*
 * jwt.h - signed tokens: JSON Web Tokens (RFC 7519) in the compact form of RFC 7515, signed by the algorithms of RFC 7518 and
 * by Ed25519 (RFC 8037), checked with keys that are secrets, PEM or JWK sets (RFC 7517). Checking only: nothing is signed or
 * decrypted. No I/O and no clock: keys come as bytes, time as an argument.
 *
 * What makes it safe:
 *	- a key says which algorithms it is for, by its type, its size and its `alg`; what a token says only chooses among those, so that
 *	  no public key is ever taken for a secret, and `none` is not an algorithm;
 *	- secrets are as long as their hash at least (RFC 7518, 3.2), RSA keys have 2048 bits at least;
 *	- MACs are compared in constant time;
 *	- a head with `crit` or `b64` is refused: no extension is understood (RFC 7515, 4.1.11; RFC 7797);
 *	- a member that stands twice in the head or the claims is refused, nested ones not looked at;
 *	- nothing of the claims is believed, or told, before the signature was found right.
 *
 * libjose 11 (Debian 12) knows no EdDSA and brings a second JSON library, which allows what ours refuses; what is left of it
 * then is OpenSSL's EVP, so that is what stands here.
 */
#ifndef STOA_JWT_JWT_H
#define STOA_JWT_JWT_H

#include "arena.h"
#include "slice.h"

enum jwt_algorithm {
	JWT_HS256,
	JWT_HS384,
	JWT_HS512,
	JWT_RS256,
	JWT_RS384,
	JWT_RS512,
	JWT_PS256,
	JWT_PS384,
	JWT_PS512,
	JWT_ES256,
	JWT_ES384,
	JWT_ES512,
	JWT_EDDSA,
	JWT_ALGORITHMS
};

/* As tokens write them; JWT_ALGORITHMS: it is none of them. */
enum jwt_algorithm jwt_algorithm_of(struct slice name);

/* --- Keys ---------------------------------------------------------------------------------------------------------- */

enum { JWT_SECRET_MIN = 32, JWT_KEYS_MAX = 100 };

struct jwt_keys;
struct jwt_keys *jwt_keys_new(void);
void jwt_keys_free(struct jwt_keys *keys); /* secrets are wiped; NULL is fine */
size_t jwt_keys_count(const struct jwt_keys *keys);

/* All of these copy. NULL, or why not: a static text, to follow the name of where it came from. */

/* For HS256, with 48 bytes HS384, with 64 HS512. */
const char *jwt_keys_add_secret(struct jwt_keys *keys, struct slice secret);
/* PEM: public keys and certificates, one or several: RSA, EC of the curves P-256, P-384 and P-521, Ed25519. */
const char *jwt_keys_add_pem(struct jwt_keys *keys, struct slice text);
/* {"keys":[..]}. Keys of kinds, curves and uses that are not ours are passed over, as RFC 7517, 5 wants it, and so are
 * secrets ("oct") unless `secrets`: a set that everybody can fetch holds none. Broken ones are passed over too, if any is
 * good. No key at all is no error. */
const char *jwt_keys_add_set(struct jwt_keys *keys, struct slice json, bool secrets);

/* --- Tokens -------------------------------------------------------------------------------------------------------- */

struct jwt_rules {
	unsigned algorithms; /* bits, 1 << JWT_ES256 and so on; 0: all that a key is for */
	/* Lists ended by NULL; a list that is NULL or empty: any issuer; no audience, and then the token must not name any (RFC
	 * 7519, 4.1.3); nothing required. */
	const char *const *issuers, *const *audiences, *const *required;
	int64_t leeway_ms; /* for clocks that differ: of exp, nbf and iat */
};

/* What a token is worth. Texts in the arena, or in the token. */
struct jwt_claims {
	struct slice json;            /* all of them, an object */
	struct slice issuer, subject; /* `iss`, `sub`; empty: none */
	int64_t expires_ms;           /* `exp`, since 1970; INT64_MAX: never */
};

enum jwt_fault {
	JWT_OK,
	JWT_MALFORMED,   /* no token, or JSON that is none; members twice, too many or of the wrong type */
	JWT_ALGORITHM,   /* not one of the rules', or of none of the keys */
	JWT_CRITICAL,    /* `crit`, `b64` */
	JWT_UNKNOWN_KEY, /* no key has its `kid`, and none without a name was right */
	JWT_SIGNATURE,
	JWT_EXPIRED,
	JWT_NOT_YET, /* `nbf` or `iat` in the future */
	JWT_ISSUER,
	JWT_AUDIENCE,
	JWT_CLAIM, /* one that is required is not there */
	JWT_FAULTS
};

/* A token without `kid` is tried with the keys that fit, one with it with those of that name and those that have none: JWT_TRIES of
 * them. Takes 40 times the token's size of memory at most. Signatures: RSA and EC some 50 to 200 us, secrets 2. */
enum { JWT_TRIES = 4 };
enum jwt_fault jwt_verify(struct arena *arena, struct slice token, const struct jwt_keys *keys,
	const struct jwt_rules *rules, int64_t wall_ms, struct jwt_claims *claims);

#endif
