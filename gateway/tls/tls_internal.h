/* tls_internal.h - what the files of this folder share; only they include it. */
#ifndef STOA_TLS_TLS_INTERNAL_H
#define STOA_TLS_TLS_INTERNAL_H

#include <event2/event.h>
#include <event2/event_struct.h>
#include <openssl/ssl.h>
#include <sys/queue.h>
#include <sys/types.h>
#include <time.h>

#include "sample.h"
#include "tls.h"

enum { TLS_RECORD = SSL3_RT_MAX_PLAIN_LENGTH };

/* OpenSSL's words for the newest error it holds; none is left behind. */
const char *tls_words(void);

/* --- tls_tickets.c ------------------------------------------------------------------------------------------------ */

/* How one epoch's tickets are protected: RFC 5077 4. */
struct tls_ticket_key {
	unsigned char name[16], cipher[32], mac[32];
};

/*
 * The keys change every TLS_TICKET_MS; a ticket is good for as long, so the key before is kept. They are drawn from a seed
 * that all workers of one port begin with, and each step makes the next seed from the last by a hash that cannot be turned
 * around: workers have the same keys at the same time, and who reads a worker's memory learns nothing of older ones.
 */
struct tls_tickets {
	unsigned char seed[GATEWAY_TLS_SEED_SIZE];
	int64_t epoch; /* of `seed` and `now` */
	struct tls_ticket_key now, before;
};
enum { TLS_TICKET_MS = 60 * 60 * 1000 };

void tls_tickets_init(struct tls_tickets *k, const unsigned char seed[GATEWAY_TLS_SEED_SIZE], int64_t seeded_ms);
void tls_tickets_advance(struct tls_tickets *k, int64_t now_ms);
/* SSL_CTX_set_tlsext_ticket_key_evp_cb()'s; a context's application data are the struct tls. */
int tls_ticket_key(
	SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int encrypt);

/* --- tls_certs.c -------------------------------------------------------------------------------------------------- */

enum { TLS_CERTS_MAX = 100 };

/* A file as it was when it was read. */
struct tls_stamp {
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec changed;
};

/* One certificate for each pair of files; the first is for clients that name no host, or an unknown one. */
struct tls_certs {
	size_t count;
	SSL_CTX *contexts[TLS_CERTS_MAX];
	int64_t expires_s; /* the earliest, seconds since 1970 */
};

/* False: `why` is filled, and nothing is to be freed. */
bool tls_certs_load(struct tls_certs *c, const struct gateway_options *o, struct tls *t, char *why, size_t why_size);
void tls_certs_free(struct tls_certs *c); /* connections keep what they use */
/* The context for a host that a client names; NULL: none is for it. */
SSL_CTX *tls_certs_for(const struct tls_certs *c, const char *host);
/* Notes what the files are now; whether that is something else than before. 2 * count stamps. */
bool tls_certs_look(const struct gateway_options *o, struct tls_stamp *stamps);

/* --- tls.c -------------------------------------------------------------------------------------------------------- */

TAILQ_HEAD(tls_conns, tls_conn);

struct tls {
	struct tls_config config;
	struct tls_certs certs;
	struct tls_tickets tickets;
	struct tls_stamp stamps[2 * TLS_CERTS_MAX];
	struct timer look; /* at the files */
	struct tls_conns conns;
	size_t count, handshakes;
	struct sample refused, failed, late;
	char scratch[TLS_RECORD]; /* of the record in hand */
};

/* --- tls_conn.c --------------------------------------------------------------------------------------------------- */

enum tls_state {
	TLS_SHAKING,
	TLS_OPEN,
	TLS_DROPPING, /* the handshake has failed, and what we said of it is to arrive */
	TLS_CLOSED
};

/* What one side was not yet able to take. */
struct tls_rest {
	char *at; /* NULL: none */
	size_t size;
};

struct tls_conn {
	struct tls *all;
	SSL *ssl;
	enum tls_state state;
	int fd, inner; /* the client's; our end of the socketpair, -1 before the handshake is over */
	struct event read, write, inner_read, inner_write;
	struct tls_rest to_client, to_inner;
	bool client_ended, inner_ended; /* their input */
	bool inner_gone;                /* it takes nothing any more either */
	bool said_goodbye;
	bool read_waits; /* TLS has to send something of its own before it reads on */
	struct timer due;
	TAILQ_ENTRY(tls_conn) link;
	struct grave grave;
	struct net_address peer;
};

void tls_conn_open(struct tls *t, int fd, const struct net_address *peer);
void tls_conn_close(struct tls_conn *c);
void tls_conn_set_due(struct tls_conn *c, int64_t ms);

/* --- tls_pump.c --------------------------------------------------------------------------------------------------- */

void tls_pump_start(struct tls_conn *c);    /* c->inner is there */
void tls_pump_readable(struct tls_conn *c); /* the client's socket is */
void tls_pump_writable(struct tls_conn *c);

#endif
