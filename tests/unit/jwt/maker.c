/* maker.c - see maker.h. */
#include "maker.h"

#include <openssl/bio.h>
#include <openssl/ecdsa.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>

#include "base64.h"

enum { MOST = 200 };

static void *texts[MOST];
static EVP_PKEY *keys[MOST];
static size_t n_texts, n_keys;

static char *keep(char *text)
{
	return texts[n_texts++] = text;
}

static EVP_PKEY *keep_key(EVP_PKEY *key)
{
	return keys[n_keys++] = key;
}

void maker_forget(void)
{
	while (n_texts)
		free(texts[--n_texts]);
	while (n_keys)
		EVP_PKEY_free(keys[--n_keys]);
}

const char *maker_base64url(struct slice bytes)
{
	struct buf text = BUF_INIT;

	base64_encode(&text, bytes);
	while (text.size && text.at[text.size - 1] == '=')
		text.size--;
	buf_add_char(&text, '\0');
	for (size_t i = 0; i < text.size; i++)
		text.at[i] = (char)(text.at[i] == '+' ? '-' : text.at[i] == '/' ? '_' : text.at[i]);
	return keep(text.at);
}

static char *join(const char *a, const char *b)
{
	char *both = keep(malloc(strlen(a) + strlen(b) + 2));

	sprintf(both, "%s.%s", a, b);
	return both;
}

static char *said(const char *head, const char *claims)
{
	return join(maker_base64url(slice_str(head)), maker_base64url(slice_str(claims)));
}

const char *maker_token(const char *head, const char *claims, const char *secret)
{
	char *text = said(head, claims);
	unsigned char mac[EVP_MAX_MD_SIZE];
	unsigned size = 0;

	HMAC(EVP_sha256(), secret, (int)strlen(secret), (const unsigned char *)text, strlen(text), mac, &size);
	return join(text, maker_base64url(slice_of(mac, size)));
}

static size_t beside(const unsigned char *der, size_t size, unsigned char *to, size_t part)
{
	ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &der, (long)size);

	BN_bn2binpad(ECDSA_SIG_get0_r(pair), to, (int)part);
	BN_bn2binpad(ECDSA_SIG_get0_s(pair), to + part, (int)part);
	ECDSA_SIG_free(pair);
	return 2 * part;
}

const char *maker_signed(const char *head, const char *claims, EVP_PKEY *key, const char *hash, size_t part, bool pss)
{
	char *text = said(head, claims);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned char der[1200], pair[200];
	size_t size = sizeof(der);
	EVP_PKEY_CTX *how;

	EVP_DigestSignInit_ex(ctx, &how, hash, NULL, NULL, key, NULL);
	if (pss) {
		EVP_PKEY_CTX_set_rsa_padding(how, RSA_PKCS1_PSS_PADDING);
		EVP_PKEY_CTX_set_rsa_pss_saltlen(how, RSA_PSS_SALTLEN_DIGEST);
	}
	EVP_DigestSign(ctx, der, &size, (const unsigned char *)text, strlen(text));
	EVP_MD_CTX_free(ctx);
	if (part)
		return join(text, maker_base64url(slice_of(pair, beside(der, size, pair, part))));
	return join(text, maker_base64url(slice_of(der, size)));
}

EVP_PKEY *maker_rsa(unsigned bits)
{
	return keep_key(EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)bits));
}

EVP_PKEY *maker_ec(const char *curve)
{
	return keep_key(EVP_PKEY_Q_keygen(NULL, NULL, "EC", curve));
}

EVP_PKEY *maker_ed25519(void)
{
	return keep_key(EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"));
}

const char *maker_pem(EVP_PKEY *key, bool is_private)
{
	BIO *to = BIO_new(BIO_s_mem());
	char *at, *copy;
	long size;

	if (is_private)
		PEM_write_bio_PrivateKey(to, key, NULL, NULL, 0, NULL, NULL);
	else
		PEM_write_bio_PUBKEY(to, key);
	size = BIO_get_mem_data(to, &at);
	copy = keep(calloc(1, (size_t)size + 1));
	memcpy(copy, at, (size_t)size);
	BIO_free(to);
	return copy;
}
