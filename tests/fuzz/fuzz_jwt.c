/*
 * fuzz_jwt.c - a token, or a set of keys and a token behind a NUL, from anybody. What must hold: no token is good that was not signed
 * with the secret, whatever it says; claims lie in the arena; and what fills it is bounded by the token. What OpenSSL makes of a
 * signature is its own matter, so that the secret alone is known here besides the input's keys.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "jwt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(condition) \
	do { \
		if (!(condition)) { \
			fprintf(stderr, "not so: %s (line %d)\n", #condition, __LINE__); \
			abort(); \
		} \
	} while (0)

enum { TOKEN_MAX = 8000 };

static const char *const required[] = { "exp", NULL }, *const audiences[] = { "chat", NULL };

static void check(struct slice token, const struct jwt_keys *keys)
{
	struct jwt_rules rules = { .required = required, .audiences = audiences, .leeway_ms = 1000 };
	struct arena arena = ARENA_INIT;
	struct jwt_claims claims;
	enum jwt_fault fault = jwt_verify(&arena, token, keys, &rules, INT64_C(2000000000000), &claims);

	REQUIRE(fault < JWT_FAULTS);
	REQUIRE(arena.total_bytes <= 40 * token.size + 4096);
	if (fault != JWT_OK)
		REQUIRE(fault > JWT_SIGNATURE || fault == JWT_MALFORMED || claims.json.size == 0);
	else
		REQUIRE(claims.json.size && claims.expires_ms + rules.leeway_ms > INT64_C(2000000000000));
	arena_fini(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice input = slice_of(data, size), token;
	struct jwt_keys *keys = jwt_keys_new();
	size_t end = slice_find(input, '\0');

	jwt_keys_add_secret(keys, SLICE("0123456789abcdef0123456789abcdef"));
	token = input;
	if (end < size) {
		const char *why = jwt_keys_add_set(keys, slice_first(input, end), true);

		REQUIRE(jwt_keys_count(keys) <= JWT_KEYS_MAX);
		REQUIRE(why == NULL || *why);
		token = slice_from(input, end + 1);
	}
	if (token.size <= TOKEN_MAX)
		check(token, keys);
	jwt_keys_free(keys);
	return 0;
}
