/* maker.h - makes tokens, good and bad, by OpenSSL's other half: what signs. */
#ifndef STOA_TESTS_JWT_MAKER_H
#define STOA_TESTS_JWT_MAKER_H

#include <openssl/evp.h>

#include "jwt.h"

/* All of these are freed by maker_forget(). */
const char *maker_base64url(struct slice bytes);
const char *maker_token(const char *head, const char *claims, const char *secret); /* HMAC of SHA-256 */
/* `hash` NULL: Ed25519. `part`: of EC, how large r and s are. `pss`: of RSA. */
const char *maker_signed(const char *head, const char *claims, EVP_PKEY *key, const char *hash, size_t part, bool pss);
EVP_PKEY *maker_rsa(unsigned bits);
EVP_PKEY *maker_ec(const char *curve);
EVP_PKEY *maker_ed25519(void);
const char *maker_pem(EVP_PKEY *key, bool is_private);
void maker_forget(void);

#endif
