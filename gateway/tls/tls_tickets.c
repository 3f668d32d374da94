/* tls_tickets.c - see tls_internal.h. */
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <string.h>

#include "clock.h"
#include "tls_internal.h"

/* What is drawn from a seed: SHA-512 of it and a word, of which each use has its own. */
static void draw(const unsigned char *seed, char use, unsigned char *to, size_t size)
{
	unsigned char in[GATEWAY_TLS_SEED_SIZE + 1], out[64];

	memcpy(in, seed, GATEWAY_TLS_SEED_SIZE);
	in[GATEWAY_TLS_SEED_SIZE] = (unsigned char)use;
	EVP_Digest(in, sizeof(in), out, NULL, EVP_sha512(), NULL);
	memcpy(to, out, size);
	OPENSSL_cleanse(in, sizeof(in));
	OPENSSL_cleanse(out, sizeof(out));
}

static void draw_key(struct tls_tickets *k)
{
	draw(k->seed, 'n', k->now.name, sizeof(k->now.name));
	draw(k->seed, 'c', k->now.cipher, sizeof(k->now.cipher));
	draw(k->seed, 'm', k->now.mac, sizeof(k->now.mac));
}

static void step(struct tls_tickets *k)
{
	k->before = k->now;
	draw(k->seed, 's', k->seed, sizeof(k->seed));
	k->epoch++;
	draw_key(k);
}

void tls_tickets_init(struct tls_tickets *k, const unsigned char seed[GATEWAY_TLS_SEED_SIZE], int64_t seeded_ms)
{
	memcpy(k->seed, seed, sizeof(k->seed));
	k->epoch = seeded_ms / TLS_TICKET_MS;
	draw_key(k);
	k->before = k->now;
}

void tls_tickets_advance(struct tls_tickets *k, int64_t now_ms)
{
	while (k->epoch < now_ms / TLS_TICKET_MS)
		step(k);
}

static int use_key(
	const struct tls_ticket_key *key, unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int encrypt)
{
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, (void *)(uintptr_t)key->mac, sizeof(key->mac)),
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char[]){ "SHA256" }, 0),
		OSSL_PARAM_construct_end(),
	};

	return EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), NULL, key->cipher, iv, encrypt) == 1 &&
	       EVP_MAC_CTX_set_params(mac, params) == 1;
}

/* 1: it is done; 2: and the client is to have a new ticket; 0: the ticket is of no key of ours; -1: an error. */
int tls_ticket_key(
	SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int encrypt)
{
	struct tls *t = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
	struct tls_tickets *k = &t->tickets;

	tls_tickets_advance(k, clock_now_ms());
	if (encrypt) {
		memcpy(name, k->now.name, sizeof(k->now.name));
		if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) != 1)
			return -1;
		return use_key(&k->now, iv, cipher, mac, 1) ? 1 : -1;
	}
	if (memcmp(name, k->now.name, sizeof(k->now.name)) == 0)
		return use_key(&k->now, iv, cipher, mac, 0) ? 1 : -1;
	if (memcmp(name, k->before.name, sizeof(k->before.name)) == 0)
		return use_key(&k->before, iv, cipher, mac, 0) ? 2 : -1;
	return 0;
}
