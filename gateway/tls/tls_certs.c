/* tls_certs.c - see tls_internal.h. */
#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "log.h"
#include "tls_internal.h"

/* --- What every context has in common ----------------------------------------------------------------------------- */

/* A client that names protocols and not this one is told so; one that names none is taken. */
static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_size, const unsigned char *in,
	unsigned in_size, void *arg)
{
	static const unsigned char ours[] = "\x08http/1.1";

	(void)ssl;
	(void)arg;
	return SSL_select_next_proto((unsigned char **)(uintptr_t)out, out_size, ours, sizeof(ours) - 1, in, in_size) ==
			       OPENSSL_NPN_NEGOTIATED
		       ? SSL_TLSEXT_ERR_OK
		       : SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* RFC 6066 section 3: a name that nothing here is for is answered with the first certificate, as others do. */
static int choose_certificate(SSL *ssl, int *alert, void *arg)
{
	const struct tls *t = arg;
	const char *host = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	SSL_CTX *context = host ? tls_certs_for(&t->certs, host) : NULL;

	(void)alert;
	if (context)
		SSL_set_SSL_CTX(ssl, context);
	return SSL_TLSEXT_ERR_OK;
}

static void set_callbacks(SSL_CTX *context, struct tls *t)
{
	SSL_CTX_set_app_data(context, t);
	SSL_CTX_set_alpn_select_cb(context, choose_protocol, NULL);
	SSL_CTX_set_tlsext_ticket_key_evp_cb(context, tls_ticket_key);
	/* As SSL_CTX_set_tlsext_servername_callback() and _arg() do, but for their casts. */
	SSL_CTX_callback_ctrl(context, SSL_CTRL_SET_TLSEXT_SERVERNAME_CB, (void (*)(void))choose_certificate);
	SSL_CTX_ctrl(context, SSL_CTRL_SET_TLSEXT_SERVERNAME_ARG, 0, t);
}

static bool set_up(SSL_CTX *context, const struct gateway_options *o, char *why, size_t why_size)
{
	static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };

	SSL_CTX_set_min_proto_version(context, versions[o->tls_min_version]);
	/* Clients end connections without close_notify; what HTTP and WebSocket say has an end of its own. */
	SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE |
					     SSL_OP_PRIORITIZE_CHACHA | SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_read_ahead(context, 1);
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_session_id_context(context, (const unsigned char *)"stoa", 4);
	SSL_CTX_set_timeout(context, TLS_TICKET_MS / 1000);
	if (SSL_CTX_set_cipher_list(context, o->tls_ciphers) != 1) {
		snprintf(why, why_size, "tls_ciphers = %s names no cipher that OpenSSL has", o->tls_ciphers);
		return false;
	}
	if (o->tls_ciphersuites == NULL || SSL_CTX_set_ciphersuites(context, o->tls_ciphersuites) == 1)
		return true;
	snprintf(why, why_size, "tls_ciphersuites = %s names what OpenSSL does not have", o->tls_ciphersuites);
	return false;
}

/* --- The files ---------------------------------------------------------------------------------------------------- */

/* OpenSSL would ask on the terminal. */
static int no_passphrase(char *to, int size, int writing, void *asked)
{
	(void)to;
	(void)size;
	(void)writing;
	*(bool *)asked = true;
	return -1;
}

static bool can_be_read(const char *option, const char *file, char *why, size_t why_size)
{
	FILE *f = fopen(file, "re");

	if (f == NULL) {
		snprintf(why, why_size, "%s %s cannot be read: %s", option, file, strerror(errno));
		return false;
	}
	fclose(f);
	return true;
}

static bool use_certificate(SSL_CTX *context, const char *file, char *why, size_t why_size)
{
	if (!can_be_read("tls_cert_file", file, why, why_size))
		return false;
	if (SSL_CTX_use_certificate_chain_file(context, file) == 1)
		return true;
	snprintf(why, why_size, "tls_cert_file %s holds no certificate in PEM that can be used: %s", file, tls_words());
	return false;
}

static bool use_key(SSL_CTX *context, const char *file, const char *cert_file, char *why, size_t why_size)
{
	bool asked = false, is_key;

	if (!can_be_read("tls_key_file", file, why, why_size))
		return false;
	SSL_CTX_set_default_passwd_cb(context, no_passphrase);
	SSL_CTX_set_default_passwd_cb_userdata(context, &asked);
	is_key = SSL_CTX_use_PrivateKey_file(context, file, SSL_FILETYPE_PEM) == 1;
	SSL_CTX_set_default_passwd_cb_userdata(context, NULL);
	if (is_key && SSL_CTX_check_private_key(context) == 1)
		return true;
	if (asked)
		snprintf(why, why_size, "tls_key_file %s is encrypted; write it without a passphrase, as: openssl pkey",
			file);
	else if (is_key || ERR_GET_REASON(ERR_peek_last_error()) == X509_R_KEY_VALUES_MISMATCH)
		snprintf(why, why_size, "tls_key_file %s is not the key of tls_cert_file %s", file, cert_file);
	else
		snprintf(why, why_size, "tls_key_file %s holds no key in PEM that can be used: %s", file, tls_words());
	ERR_clear_error();
	return false;
}

static void warn_of_mode(const char *file)
{
	struct stat s;

	if (stat(file, &s) == 0 && (s.st_mode & S_IROTH))
		log_warn(
			"tls-key-exposed", LOG_S("file", file), LOG_S("why", "every user of this machine can read it"));
}

static int64_t seconds_of(const ASN1_TIME *t)
{
	struct tm tm = { 0 };

	return ASN1_TIME_to_tm(t, &tm) == 1 ? timegm(&tm) : 0;
}

static void note_times(struct tls_certs *c, SSL_CTX *context, const char *file)
{
	const X509 *x = SSL_CTX_get0_certificate(context);
	int64_t from_s = seconds_of(X509_get0_notBefore(x)), until_s = seconds_of(X509_get0_notAfter(x));
	int64_t now_s = time(NULL);

	if (until_s <= now_s)
		log_warn("tls-certificate-expired", LOG_S("file", file), LOG_I("seconds_ago", now_s - until_s));
	else if (from_s > now_s)
		log_warn("tls-certificate-not-yet-valid", LOG_S("file", file), LOG_I("seconds", from_s - now_s));
	if (c->count == 1 || until_s < c->expires_s)
		c->expires_s = until_s;
}

static bool load_pair(struct tls_certs *c, const struct gateway_options *o, struct tls *t, char *why, size_t why_size)
{
	const char *cert = o->tls_cert_file.at[c->count], *key = o->tls_key_file.at[c->count];
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());

	snprintf(why, why_size, "TLS cannot be set up");
	if (context == NULL)
		return false;
	c->contexts[c->count++] = context;
	set_callbacks(context, t);
	if (!set_up(context, o, why, why_size) || !use_certificate(context, cert, why, why_size) ||
		!use_key(context, key, cert, why, why_size))
		return false;
	warn_of_mode(key);
	note_times(c, context, cert);
	return true;
}

bool tls_certs_load(struct tls_certs *c, const struct gateway_options *o, struct tls *t, char *why, size_t why_size)
{
	*c = (struct tls_certs){ 0 };
	while (c->count < o->tls_cert_file.count) {
		if (!load_pair(c, o, t, why, why_size)) {
			tls_certs_free(c);
			ERR_clear_error();
			return false;
		}
	}
	return true;
}

void tls_certs_free(struct tls_certs *c)
{
	while (c->count > 0)
		SSL_CTX_free(c->contexts[--c->count]);
}

SSL_CTX *tls_certs_for(const struct tls_certs *c, const char *host)
{
	for (size_t i = 0; i < c->count; i++)
		if (X509_check_host(SSL_CTX_get0_certificate(c->contexts[i]), host, 0, 0, NULL) == 1)
			return c->contexts[i];
	return NULL;
}

/* --- Whether they have changed ------------------------------------------------------------------------------------ */

static struct tls_stamp stamp_of(const char *file)
{
	struct stat s;

	if (stat(file, &s) < 0)
		return (struct tls_stamp){ 0 };
	return (struct tls_stamp){ .dev = s.st_dev, .ino = s.st_ino, .size = s.st_size, .changed = s.st_mtim };
}

static bool is_same(const struct tls_stamp *a, const struct tls_stamp *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size && a->changed.tv_sec == b->changed.tv_sec &&
	       a->changed.tv_nsec == b->changed.tv_nsec;
}

bool tls_certs_look(const struct gateway_options *o, struct tls_stamp *stamps)
{
	bool changed = false;

	for (size_t i = 0; i < 2 * o->tls_cert_file.count; i++) {
		struct tls_stamp now = stamp_of(i % 2 ? o->tls_key_file.at[i / 2] : o->tls_cert_file.at[i / 2]);

		changed |= !is_same(&now, &stamps[i]);
		stamps[i] = now;
	}
	return changed;
}
