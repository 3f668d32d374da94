/* doctor_tls.c - TLS of a connection. See doctor_internal.h. */
#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>

#include "doctor_internal.h"

const char *doctor_tls_says(void)
{
	unsigned long code = ERR_get_error();
	const char *text = code ? ERR_reason_error_string(code) : NULL;

	ERR_clear_error();
	return text ? text : "no reason given";
}

SSL_CTX *doctor_tls_new(const char *ca_file, char *why, size_t why_size)
{
	SSL_CTX *tls = SSL_CTX_new(TLS_client_method());

	if (tls && (ca_file ? SSL_CTX_load_verify_file(tls, ca_file) : SSL_CTX_set_default_verify_paths(tls)) == 1)
		return tls;
	snprintf(why, why_size, "no certificates can be read from %s: %s", ca_file ? ca_file : "the system",
		doctor_tls_says());
	SSL_CTX_free(tls);
	return NULL;
}

/* The name that the certificate must hold; names, not addresses, are also told to the server (RFC 6066 section 3). */
static bool expect_name(SSL *ssl, const char *host)
{
	struct in6_addr any;

	if (inet_pton(AF_INET, host, &any) == 1 || inet_pton(AF_INET6, host, &any) == 1)
		return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1;
	return SSL_set1_host(ssl, host) == 1 &&
	       SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, (void *)(uintptr_t)host) == 1;
}

/* The certificate is looked at by check_tls(): a bad one must not hide what else there is to see. */
bool doctor_tls_begin(struct doctor *d, struct link *l, int64_t due_ms)
{
	int n;

	l->why = "TLS cannot be set up";
	l->ssl = SSL_new(d->tls);
	if (l->ssl == NULL || !expect_name(l->ssl, d->url.host) || SSL_set_fd(l->ssl, l->fd) != 1)
		return false;
	SSL_set_verify(l->ssl, SSL_VERIFY_NONE, NULL);
	SSL_set_mode(l->ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	ERR_clear_error();
	while ((n = SSL_connect(l->ssl)) != 1) {
		int error = SSL_get_error(l->ssl, n);

		if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) {
			l->why = ERR_peek_error() ? doctor_tls_says() : "the connection was closed in TLS's handshake";
			return false;
		}
		if (!link_wait(l, error == SSL_ERROR_WANT_WRITE, due_ms)) {
			l->why = "no answer in TLS's handshake in time";
			return false;
		}
	}
	return true;
}
