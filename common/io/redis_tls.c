/* redis_tls.c - see redis.h: TLS with the server's certificate and name verified, always. */
#include <arpa/inet.h>
#include <event2/bufferevent_ssl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>

#include "redis_internal.h"

/* OpenSSL's own words for the oldest error it holds, and none is left behind. */
static const char *openssl_says(void)
{
	unsigned long code = ERR_get_error();
	const char *text = code ? ERR_reason_error_string(code) : NULL;

	ERR_clear_error();
	return text ? text : "no reason given";
}

static bool use_authorities(SSL_CTX *tls, const struct redis_config *config, char *why, size_t why_size)
{
	if (config->ca_file == NULL)
		return SSL_CTX_set_default_verify_paths(tls) == 1;
	if (SSL_CTX_load_verify_file(tls, config->ca_file) == 1)
		return true;
	snprintf(why, why_size, "redis_ca_file %s holds no certificates that can be read: %s", config->ca_file,
		openssl_says());
	return false;
}

static bool use_certificate(SSL_CTX *tls, const struct redis_config *config, char *why, size_t why_size)
{
	if (config->cert_file == NULL && config->key_file == NULL)
		return true;
	if (config->cert_file == NULL || config->key_file == NULL) {
		snprintf(why, why_size, "redis_cert_file and redis_key_file belong together; one of them is not set");
		return false;
	}
	if (SSL_CTX_use_certificate_chain_file(tls, config->cert_file) != 1) {
		snprintf(why, why_size, "redis_cert_file %s is no certificate that can be read: %s", config->cert_file,
			openssl_says());
		return false;
	}
	if (SSL_CTX_use_PrivateKey_file(tls, config->key_file, SSL_FILETYPE_PEM) == 1)
		return true;
	snprintf(why, why_size, "redis_key_file %s is not the key of redis_cert_file: %s", config->key_file,
		openssl_says());
	return false;
}

struct ssl_ctx_st *redis_tls_open(const struct redis_config *config, char *why, size_t why_size)
{
	SSL_CTX *tls = SSL_CTX_new(TLS_client_method());

	snprintf(why, why_size, "TLS cannot be set up");
	if (tls == NULL)
		return NULL;
	SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION);
	SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, NULL);
	if (use_authorities(tls, config, why, why_size) && use_certificate(tls, config, why, why_size))
		return tls;
	SSL_CTX_free(tls);
	return NULL;
}

void redis_tls_close(struct ssl_ctx_st *tls)
{
	SSL_CTX_free(tls);
}

static bool is_address(const char *name)
{
	struct in6_addr any;

	return inet_pton(AF_INET, name, &any) == 1 || inet_pton(AF_INET6, name, &any) == 1;
}

/* The name that the certificate must hold; names, not addresses, are also told to the server (RFC 6066 section 3). */
static bool expect_name(SSL *ssl, const char *name)
{
	if (is_address(name))
		return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name) == 1;
	/* As SSL_set_tlsext_host_name() does, but for its cast. The name is copied. */
	return SSL_set1_host(ssl, name) == 1 &&
	       SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, (void *)(uintptr_t)name) == 1;
}

struct bufferevent *redis_tls_link(struct redis *r, int fd)
{
	const char *name = r->config->server_name ? r->config->server_name : r->config->url.host;
	SSL *ssl = SSL_new(r->tls);
	struct bufferevent *link;

	if (ssl == NULL)
		return NULL;
	/* From here on `ssl` is freed with the link, also when there is none. */
	if (!expect_name(ssl, name)) {
		SSL_free(ssl);
		return NULL;
	}
	link = bufferevent_openssl_socket_new(
		r->loop->base, fd, ssl, BUFFEREVENT_SSL_CONNECTING, BEV_OPT_CLOSE_ON_FREE);
	/* Redis ends connections without TLS's own farewell. */
	if (link)
		bufferevent_openssl_set_allow_dirty_shutdown(link, 1);
	return link;
}

/* libevent mixes OpenSSL's errors with codes of its own, which have no words. */
static const char *first_reason(struct bufferevent *link)
{
	const char *reason = NULL;
	unsigned long code;

	while (reason == NULL && (code = bufferevent_get_openssl_error(link)))
		reason = ERR_reason_error_string(code);
	ERR_clear_error();
	return reason;
}

bool redis_tls_error(struct bufferevent *link, char *text, size_t size)
{
	SSL *ssl = bufferevent_openssl_get_ssl(link);
	long verified = ssl ? SSL_get_verify_result(ssl) : X509_V_OK;
	const char *reason = first_reason(link);

	if (verified != X509_V_OK)
		snprintf(text, size, "the server's certificate: %s", X509_verify_cert_error_string(verified));
	else if (reason)
		snprintf(text, size, "%s", reason);
	return verified != X509_V_OK || reason;
}
