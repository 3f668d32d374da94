/* poster_tls.c - TLS for poster.h. */
#include <arpa/inet.h>
#include <event2/bufferevent_ssl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>

#include "poster.h"

static const char *openssl_says(void)
{
	unsigned long code = ERR_get_error();
	const char *text = code ? ERR_reason_error_string(code) : NULL;

	ERR_clear_error();
	return text ? text : "no reason given";
}

struct ssl_ctx_st *poster_tls_new(const char *ca_file, const char *ca_option, char *why, size_t why_size)
{
	SSL_CTX *tls = SSL_CTX_new(TLS_client_method());

	snprintf(why, why_size, "TLS cannot be set up");
	if (tls == NULL)
		return NULL;
	SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION);
	SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, NULL);
	if (ca_file ? SSL_CTX_load_verify_file(tls, ca_file) == 1 : SSL_CTX_set_default_verify_paths(tls) == 1)
		return tls;
	snprintf(why, why_size, "%s %s holds no certificates that can be read: %s", ca_option,
		ca_file ? ca_file : "is not set, and the system", openssl_says());
	SSL_CTX_free(tls);
	return NULL;
}

void poster_tls_free(struct ssl_ctx_st *tls)
{
	SSL_CTX_free(tls);
}

/* The name that the certificate must hold; names, not addresses, are also told to the server (RFC 6066 section 3). */
static bool expect_name(SSL *ssl, const char *host)
{
	struct in6_addr any;

	if (inet_pton(AF_INET, host, &any) == 1 || inet_pton(AF_INET6, host, &any) == 1)
		return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1;
	/* As SSL_set_tlsext_host_name() does, but for its cast. The name is copied. */
	return SSL_set1_host(ssl, host) == 1 &&
	       SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, (void *)(uintptr_t)host) == 1;
}

struct bufferevent *poster_tls_link(struct ssl_ctx_st *tls, struct loop *loop, const char *host)
{
	SSL *ssl = SSL_new(tls);
	struct bufferevent *link;

	if (ssl == NULL)
		return NULL;
	if (!expect_name(ssl, host)) {
		SSL_free(ssl);
		return NULL;
	}
	/* From here on `ssl` is freed with the link, also when there is none. */
	link = bufferevent_openssl_socket_new(loop->base, -1, ssl, BUFFEREVENT_SSL_CONNECTING, BEV_OPT_CLOSE_ON_FREE);
	/* Many servers end connections without TLS's own farewell; answers have a length. */
	if (link)
		bufferevent_openssl_set_allow_dirty_shutdown(link, 1);
	return link;
}

const char *poster_tls_error(struct bufferevent *link)
{
	SSL *ssl = bufferevent_openssl_get_ssl(link);
	long verified = ssl ? SSL_get_verify_result(ssl) : X509_V_OK;
	const char *reason = NULL;
	unsigned long code;

	/* libevent mixes OpenSSL's errors with codes of its own, which have no words. */
	while (ssl && reason == NULL && (code = bufferevent_get_openssl_error(link)))
		reason = ERR_reason_error_string(code);
	ERR_clear_error();
	return verified != X509_V_OK ? X509_verify_cert_error_string(verified) : reason;
}
