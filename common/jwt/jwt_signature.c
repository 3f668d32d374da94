/* jwt_signature.c - RFC 7518 section 3, RFC 8037 section 3.1, by OpenSSL. */
#include <openssl/crypto.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/hmac.h>
#include <openssl/rsa.h>

#include "jwt_internal.h"

/* What an algorithm is made of, and what signs so. */
struct scheme {
	const EVP_MD *(*hash)(void); /* NULL: its own */
	bool (*is_right)(const struct jwt_key *key, const struct scheme *s, struct slice said, struct slice signature);
	size_t part; /* EC: bytes of r, and of s */
};

static bool mac_is_right(const struct jwt_key *key, const struct scheme *s, struct slice said, struct slice signature)
{
	unsigned char mac[EVP_MAX_MD_SIZE];
	unsigned size = 0;

	return key->secret.size &&
	       HMAC(s->hash(), key->secret.at, (int)key->secret.size, (const unsigned char *)said.at, said.size, mac,
		       &size) &&
	       signature.size == size && CRYPTO_memcmp(mac, signature.at, size) == 0;
}

static bool verify(
	const struct jwt_key *key, const struct scheme *s, bool pss, struct slice said, struct slice signature)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *how; /* ctx's */
	bool is = ctx && key->public &&
		  EVP_DigestVerifyInit(ctx, &how, s->hash ? s->hash() : NULL, NULL, key->public) == 1;

	if (is && pss)
		is = EVP_PKEY_CTX_set_rsa_padding(how, RSA_PKCS1_PSS_PADDING) == 1 &&
		     EVP_PKEY_CTX_set_rsa_pss_saltlen(how, RSA_PSS_SALTLEN_DIGEST) == 1;
	is = is && EVP_DigestVerify(ctx, (const unsigned char *)signature.at, signature.size,
			   (const unsigned char *)said.at, said.size) == 1;
	EVP_MD_CTX_free(ctx);
	return is;
}

static bool plain_is_right(const struct jwt_key *key, const struct scheme *s, struct slice said, struct slice signature)
{
	return verify(key, s, false, said, signature);
}

static bool pss_is_right(const struct jwt_key *key, const struct scheme *s, struct slice said, struct slice signature)
{
	return verify(key, s, true, said, signature);
}

/* In a token r and s stand beside each other, OpenSSL wants them in DER. */
static bool ec_is_right(const struct jwt_key *key, const struct scheme *s, struct slice said, struct slice signature)
{
	const unsigned char *at = (const unsigned char *)signature.at;
	ECDSA_SIG *pair = ECDSA_SIG_new();
	unsigned char *der = NULL;
	BIGNUM *first, *second;
	int size = -1;
	bool is;

	if (pair == NULL || signature.size != 2 * s->part) {
		ECDSA_SIG_free(pair);
		return false;
	}
	first = BN_bin2bn(at, (int)s->part, NULL);
	second = BN_bin2bn(at + s->part, (int)s->part, NULL);
	if (first && second && ECDSA_SIG_set0(pair, first, second) == 1) {
		size = i2d_ECDSA_SIG(pair, &der);
	} else {
		BN_free(first);
		BN_free(second);
	}
	is = size > 0 && verify(key, s, false, said, slice_of(der, (size_t)size));
	OPENSSL_free(der);
	ECDSA_SIG_free(pair);
	return is;
}

static const struct scheme schemes[JWT_ALGORITHMS] = {
	[JWT_HS256] = { EVP_sha256, mac_is_right, 0 },
	[JWT_HS384] = { EVP_sha384, mac_is_right, 0 },
	[JWT_HS512] = { EVP_sha512, mac_is_right, 0 },
	[JWT_RS256] = { EVP_sha256, plain_is_right, 0 },
	[JWT_RS384] = { EVP_sha384, plain_is_right, 0 },
	[JWT_RS512] = { EVP_sha512, plain_is_right, 0 },
	[JWT_PS256] = { EVP_sha256, pss_is_right, 0 },
	[JWT_PS384] = { EVP_sha384, pss_is_right, 0 },
	[JWT_PS512] = { EVP_sha512, pss_is_right, 0 },
	[JWT_ES256] = { EVP_sha256, ec_is_right, 32 },
	[JWT_ES384] = { EVP_sha384, ec_is_right, 48 },
	[JWT_ES512] = { EVP_sha512, ec_is_right, 66 },
	[JWT_EDDSA] = { NULL, plain_is_right, 0 },
};

bool jwt_signature_is_right(
	const struct jwt_key *key, enum jwt_algorithm algorithm, struct slice said, struct slice signature)
{
	const struct scheme *s = &schemes[algorithm];
	bool is = (key->algorithms & 1u << algorithm) && s->is_right(key, s, said, signature);

	ERR_clear_error();
	return is;
}
