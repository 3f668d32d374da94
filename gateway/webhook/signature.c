/* signature.c - see signature.h. */
#include "signature.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdio.h>

static bool compute(
	EVP_MAC_CTX *mac, struct slice secret, const char *timestamp, struct slice body, unsigned char digest[32])
{
	char name[] = "SHA256";
	OSSL_PARAM parameters[] = { OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0),
		OSSL_PARAM_construct_end() };
	size_t size;

	return EVP_MAC_init(mac, (const unsigned char *)secret.at, secret.size, parameters) &&
	       EVP_MAC_update(mac, (const unsigned char *)timestamp, strlen(timestamp)) &&
	       EVP_MAC_update(mac, (const unsigned char *)".", 1) &&
	       EVP_MAC_update(mac, (const unsigned char *)body.at, body.size) &&
	       EVP_MAC_final(mac, digest, &size, 32) && size == 32;
}

bool signature_of(struct slice secret, const char *timestamp, struct slice body, char to[SIGNATURE_SIZE])
{
	EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	EVP_MAC_CTX *mac = hmac ? EVP_MAC_CTX_new(hmac) : NULL;
	unsigned char digest[32];
	bool done = mac && compute(mac, secret, timestamp, body, digest);
	int at = snprintf(to, SIGNATURE_SIZE, "sha256=");

	for (int i = 0; done && i < 32; i++)
		at += snprintf(to + at, (size_t)(SIGNATURE_SIZE - at), "%02x", digest[i]);
	EVP_MAC_CTX_free(mac);
	EVP_MAC_free(hmac);
	return done;
}
