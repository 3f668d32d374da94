/* jwt_keys.c - keys, and which algorithms each is for. See jwt.h. */
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>

#include "alloc.h"
#include "jwt_internal.h"

#define BIT(algorithm) (1u << (algorithm))

enum { RSA_BITS_MIN = 2048, RSA_BITS_MAX = 8192 };

static const unsigned rsa_algorithms =
	BIT(JWT_RS256) | BIT(JWT_RS384) | BIT(JWT_RS512) | BIT(JWT_PS256) | BIT(JWT_PS384) | BIT(JWT_PS512);

/* --- What a key is for -------------------------------------------------------------------------------------------- */

static const char *algorithms_of_curve(const EVP_PKEY *public, unsigned *to)
{
	static const struct {
		const char *curve;
		unsigned algorithm;
	} curves[] = { { SN_X9_62_prime256v1, BIT(JWT_ES256) }, { SN_secp384r1, BIT(JWT_ES384) },
		{ SN_secp521r1, BIT(JWT_ES512) } };
	char name[64] = "";

	EVP_PKEY_get_group_name(public, name, sizeof(name), NULL);
	for (size_t i = 0; i < sizeof(curves) / sizeof(*curves); i++)
		if (strcmp(name, curves[i].curve) == 0)
			*to = curves[i].algorithm;
	return *to ? NULL : "is a key of a curve other than P-256, P-384 and P-521";
}

/* With 1 every signature is right, and an even one is none. */
static bool has_exponent(const EVP_PKEY *public)
{
	BIGNUM *e = NULL;
	bool is = EVP_PKEY_get_bn_param(public, OSSL_PKEY_PARAM_RSA_E, &e) == 1 && BN_is_odd(e) && !BN_is_one(e);

	BN_free(e);
	return is;
}

static const char *algorithms_of(const EVP_PKEY *public, unsigned *to)
{
	int bits = EVP_PKEY_get_bits(public);

	*to = 0;
	if (EVP_PKEY_is_a(public, "EC"))
		return algorithms_of_curve(public, to);
	if (EVP_PKEY_is_a(public, "ED25519")) {
		*to = BIT(JWT_EDDSA);
	} else if (EVP_PKEY_is_a(public, "RSA")) {
		if (bits < RSA_BITS_MIN || bits > RSA_BITS_MAX)
			return "is an RSA key of less than 2048 bits, or more than 8192";
		if (!has_exponent(public))
			return "is an RSA key whose exponent lets anybody sign";
		*to = rsa_algorithms;
	}
	return *to ? NULL : "is a key for none of the algorithms: RSA, EC or Ed25519";
}

static unsigned algorithms_of_secret(size_t size)
{
	unsigned to = 0;

	to |= size >= 32 ? BIT(JWT_HS256) : 0;
	to |= size >= 48 ? BIT(JWT_HS384) : 0;
	to |= size >= 64 ? BIT(JWT_HS512) : 0;
	return to;
}

/* --- The set ------------------------------------------------------------------------------------------------------- */

struct jwt_keys *jwt_keys_new(void)
{
	return must_alloc(sizeof(struct jwt_keys));
}

void jwt_keys_free(struct jwt_keys *keys)
{
	for (size_t i = 0; keys && i < keys->count; i++) {
		struct jwt_key *k = &keys->at[i];

		EVP_PKEY_free(k->public);
		OPENSSL_clear_free((char *)(uintptr_t)k->secret.at, k->secret.size);
		free((char *)(uintptr_t)k->kid.at);
	}
	free(keys);
}

size_t jwt_keys_count(const struct jwt_keys *keys)
{
	return keys->count;
}

static struct slice copy_of(struct slice text)
{
	char *copy = must_alloc(text.size + 1);

	if (text.size)
		memcpy(copy, text.at, text.size);
	return slice_of(copy, text.size);
}

static const char *add(struct jwt_keys *keys, struct jwt_key key)
{
	if (keys->count == JWT_KEYS_MAX)
		return "has more than 100 keys";
	key.kid = copy_of(key.kid);
	keys->at[keys->count++] = key;
	return NULL;
}

const char *jwt_keys_take(struct jwt_keys *keys, EVP_PKEY *public, struct slice kid, unsigned algorithms)
{
	unsigned fit;
	const char *why = algorithms_of(public, &fit);

	if (why == NULL && (fit & algorithms) == 0)
		why = "has a key that is not of its `alg`";
	if (why == NULL)
		why = add(keys, (struct jwt_key){ .kid = kid, .public = public, .algorithms = fit & algorithms });
	if (why)
		EVP_PKEY_free(public);
	return why;
}

const char *jwt_keys_take_secret(struct jwt_keys *keys, struct slice secret, struct slice kid, unsigned algorithms)
{
	unsigned fit = algorithms_of_secret(secret.size) & algorithms;
	struct jwt_key key = { .kid = kid, .algorithms = fit };
	const char *why;

	if (fit == 0)
		return "is too short for a secret: 32 bytes for HS256, 48 for HS384, 64 for HS512";
	key.secret = slice_of(OPENSSL_memdup(secret.at, secret.size), secret.size);
	why = key.secret.at ? add(keys, key) : "is too large for the memory there is";
	if (why)
		OPENSSL_clear_free((char *)(uintptr_t)key.secret.at, secret.size);
	return why;
}

/* A public key is known to everybody: taken for a secret it would let everybody sign. */
const char *jwt_keys_add_secret(struct jwt_keys *keys, struct slice secret)
{
	if (slice_starts(secret, SLICE("-----BEGIN ")))
		return "is a key in PEM and no secret: name it as a public key";
	return jwt_keys_take_secret(keys, secret, SLICE(""), ~0u);
}

/* --- PEM ----------------------------------------------------------------------------------------------------------- */

static EVP_PKEY *from_spki(const unsigned char *der, long size)
{
	return d2i_PUBKEY(NULL, &der, size);
}

static EVP_PKEY *from_rsa(const unsigned char *der, long size)
{
	return d2i_PublicKey(EVP_PKEY_RSA, NULL, &der, size);
}

static EVP_PKEY *from_certificate(const unsigned char *der, long size)
{
	X509 *certificate = d2i_X509(NULL, &der, size);
	EVP_PKEY *public = certificate ? X509_get_pubkey(certificate) : NULL;

	X509_free(certificate);
	return public;
}

static const char *add_block(struct jwt_keys *keys, const char *name, const unsigned char *der, long size)
{
	static const struct {
		const char *name;
		EVP_PKEY *(*read)(const unsigned char *der, long size);
	} blocks[] = { { PEM_STRING_PUBLIC, from_spki }, { PEM_STRING_RSA_PUBLIC, from_rsa },
		{ PEM_STRING_X509, from_certificate } };
	EVP_PKEY *public = NULL;

	if (strstr(name, "PRIVATE"))
		return "has a private key, which belongs to whoever signs tokens and to nobody else: give the public "
		       "one";
	for (size_t i = 0; i < sizeof(blocks) / sizeof(*blocks); i++)
		if (strcmp(name, blocks[i].name) == 0)
	public = blocks[i].read(der, size);
	return public ? jwt_keys_take(keys, public, SLICE(""), ~0u)
		      : "has a block that is no public key and no certificate";
}

const char *jwt_keys_add_pem(struct jwt_keys *keys, struct slice text)
{
	BIO *from = BIO_new_mem_buf(text.at, (int)text.size);
	size_t before = keys->count;
	const char *why = NULL;
	char *name, *header;
	unsigned char *der;
	long size;

	while (from && why == NULL && PEM_read_bio(from, &name, &header, &der, &size) == 1) {
		why = add_block(keys, name, der, size);
		OPENSSL_free(name);
		OPENSSL_free(header);
		OPENSSL_clear_free(der, (size_t)size);
	}
	BIO_free(from);
	ERR_clear_error();
	return why == NULL && keys->count == before ? "has no public key in PEM" : why;
}
