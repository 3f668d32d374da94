/* jwt_jwk.c - sets of JSON Web Keys: RFC 7517, 7518 section 6, 8037 section 2. See jwt.h. */
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/param_build.h>

#include "json.h"
#include "jwt_internal.h"

enum { SET_DEPTH = 16, MEMBER_MAX = 1100 /* bytes: an RSA modulus of 8192 bits, and more */ };

/* A JWK while it is read. */
struct jwk {
	struct arena *arena;
	struct stoa_value members;
	struct slice kid;
	unsigned algorithms;
	bool secrets; /* are taken */
};

static struct slice bytes_of(const struct jwk *k, struct slice name)
{
	struct slice text, bytes;

	if (!jwt_text(k->members, name, &text) || text.size == 0)
		return slice_of(NULL, 0);
	bytes = jwt_decode(k->arena, text);
	return bytes.size > MEMBER_MAX ? slice_of(NULL, 0) : bytes;
}

static EVP_PKEY *from_params(const char *type, OSSL_PARAM_BLD *build)
{
	OSSL_PARAM *params = build ? OSSL_PARAM_BLD_to_param(build) : NULL;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	EVP_PKEY *public = NULL;

	if (params == NULL || ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
		EVP_PKEY_fromdata(ctx, &public, EVP_PKEY_PUBLIC_KEY, params) != 1)
	public = NULL;
	EVP_PKEY_CTX_free(ctx);
	OSSL_PARAM_free(params);
	return public;
}

static const char *add_rsa(struct jwt_keys *keys, const struct jwk *k)
{
	struct slice n = bytes_of(k, SLICE("n")), e = bytes_of(k, SLICE("e"));
	BIGNUM *modulus = BN_bin2bn((const unsigned char *)n.at, (int)n.size, NULL);
	BIGNUM *exponent = BN_bin2bn((const unsigned char *)e.at, (int)e.size, NULL);
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	EVP_PKEY *public = NULL;

	if (n.size && e.size && e.size <= 8 && modulus && exponent && build && BN_is_odd(exponent) &&
		!BN_is_one(exponent) && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, modulus) == 1 &&
		OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, exponent) == 1)
	public = from_params("RSA", build);
	OSSL_PARAM_BLD_free(build);
	BN_free(modulus);
	BN_free(exponent);
	return public ? jwt_keys_take(keys, public, k->kid, k->algorithms) : "has an RSA key that is none";
}

static bool is_on_curve(EVP_PKEY *public)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, public, NULL);
	bool is = ctx && EVP_PKEY_public_check(ctx) == 1;

	EVP_PKEY_CTX_free(ctx);
	return is;
}

static EVP_PKEY *ec_of(const char *group, size_t size, struct slice x, struct slice y)
{
	unsigned char point[1 + 2 * 66] = { POINT_CONVERSION_UNCOMPRESSED };
	OSSL_PARAM_BLD *build;
	EVP_PKEY *public = NULL;

	if (x.size != size || y.size != size)
		return NULL;
	memcpy(point + 1, x.at, size);
	memcpy(point + 1 + size, y.at, size);
	build = OSSL_PARAM_BLD_new();
	if (build && OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, group, 0) == 1 &&
		OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point, 1 + 2 * size) == 1)
	public = from_params("EC", build);
	OSSL_PARAM_BLD_free(build);
	if (public && !is_on_curve(public)) {
		EVP_PKEY_free(public);
		public = NULL;
	}
	return public;
}

static const char *add_ec(struct jwt_keys *keys, const struct jwk *k)
{
	static const struct {
		const char *crv, *group;
		size_t size;
	} curves[] = { { "P-256", SN_X9_62_prime256v1, 32 }, { "P-384", SN_secp384r1, 48 },
		{ "P-521", SN_secp521r1, 66 } };
	struct slice crv;
	EVP_PKEY *public;

	if (!jwt_text(k->members, SLICE("crv"), &crv))
		return "has an EC key that is none";
	for (size_t i = 0; i < sizeof(curves) / sizeof(*curves); i++) {
		if (!slice_equal(crv, slice_str(curves[i].crv)))
			continue;
		public = ec_of(curves[i].group, curves[i].size, bytes_of(k, SLICE("x")), bytes_of(k, SLICE("y")));
		return public ? jwt_keys_take(keys, public, k->kid, k->algorithms) : "has an EC key that is none";
	}
	return NULL; /* another curve */
}

static const char *add_okp(struct jwt_keys *keys, const struct jwk *k)
{
	struct slice crv, x = bytes_of(k, SLICE("x"));
	EVP_PKEY *public;

	if (!jwt_text(k->members, SLICE("crv"), &crv) || !slice_equal(crv, SLICE("Ed25519")))
		return NULL;
	public = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, (const unsigned char *)x.at, x.size);
	return public ? jwt_keys_take(keys, public, k->kid, k->algorithms) : "has an Ed25519 key that is none";
}

static const char *add_secret(struct jwt_keys *keys, const struct jwk *k)
{
	return k->secrets ? jwt_keys_take_secret(keys, bytes_of(k, SLICE("k")), k->kid, k->algorithms) : NULL;
}

/* Whether it is meant for checking signatures: RFC 7517, 4.2 and 4.3. */
static bool is_for_signatures(struct stoa_value members)
{
	struct stoa_value ops = value_get(members, SLICE("key_ops"));
	struct slice use;

	if (!jwt_text(members, SLICE("use"), &use) || (use.size && !slice_equal(use, SLICE("sig"))))
		return false;
	if (!jwt_has(members, SLICE("key_ops")))
		return true;
	for (size_t i = 0; ops.kind_ == VALUE_ARRAY && i < ops.size_; i++)
		if (slice_equal(value_slice(value_at(ops, i)), SLICE("verify")))
			return true;
	return false;
}

/* By its `alg`, where it has one. 0: for none of ours. */
static unsigned algorithms_said(struct stoa_value members)
{
	struct slice alg;
	enum jwt_algorithm a;

	if (!jwt_text(members, SLICE("alg"), &alg))
		return 0;
	if (alg.size == 0)
		return ~0u;
	a = jwt_algorithm_of(alg);
	return a == JWT_ALGORITHMS ? 0 : 1u << a;
}

static const char *add_jwk(struct jwt_keys *keys, struct arena *arena, struct slice json, bool secrets)
{
	static const struct {
		const char *kty;
		const char *(*add)(struct jwt_keys *keys, const struct jwk *k);
	} kinds[] = { { "RSA", add_rsa }, { "EC", add_ec }, { "OKP", add_okp }, { "oct", add_secret } };
	struct jwk k = { .arena = arena, .members = jwt_object(arena, json), .secrets = secrets };
	struct slice kty;

	if (k.members.kind_ != VALUE_OBJECT || !jwt_text(k.members, SLICE("kty"), &kty) || kty.size == 0 ||
		!jwt_text(k.members, SLICE("kid"), &k.kid))
		return "has a key that is no JWK";
	k.algorithms = algorithms_said(k.members);
	if (k.algorithms == 0 || !is_for_signatures(k.members))
		return NULL;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (slice_equal(kty, slice_str(kinds[i].kty)))
			return kinds[i].add(keys, &k);
	return NULL;
}

static const char *find_keys(struct arena *arena, struct slice json, struct slice *array)
{
	static const struct json_rules rules = { .max_depth = SET_DEPTH, .blobs = JSON_NO_BLOBS };
	struct json_items members = json_members_of(json, &rules);
	struct slice key, value;

	*array = slice_of(NULL, 0);
	while (json_members_next(&members, &key, &value)) {
		if (!slice_equal(json_decode_text(arena, key), SLICE("keys")))
			continue;
		if (array->at)
			return "has `keys` twice";
		*array = value;
	}
	return members.error || array->at == NULL || array->at[0] != '[' ? "is no JWK set: {\"keys\":[..]}" : NULL;
}

/* One that is broken is no reason to do without the others (RFC 7517, 5), unless there is none. */
const char *jwt_keys_add_set(struct jwt_keys *keys, struct slice json, bool secrets)
{
	static const struct json_rules rules = { .max_depth = SET_DEPTH, .blobs = JSON_NO_BLOBS };
	struct arena arena = ARENA_INIT;
	size_t before = keys->count;
	struct slice array, item;
	const char *why = find_keys(&arena, json, &array), *fault = NULL;
	struct json_items items = json_items_of(array, &rules);

	while (why == NULL && json_items_next(&items, &item)) {
		const char *wrong = add_jwk(keys, &arena, item, secrets);

		fault = fault ? fault : wrong;
		why = keys->count == JWT_KEYS_MAX ? wrong : NULL; /* there may be no more */
	}
	if (why == NULL && items.error)
		why = "is no JWK set: {\"keys\":[..]}";
	arena_fini(&arena);
	ERR_clear_error();
	return why ? why : keys->count == before ? fault : NULL;
}
