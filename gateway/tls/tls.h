/*
 * tls.h - TLS ends here: a client's socket on the one side, a socket of plain bytes for the edge on the other.
 *
 *	client -> TCP -> tls_accept() -> handshake -> socketpair -> opened() -> the edge, as if the client had connected plainly
 *
 *	tls.c          all connections, limits, when certificates are loaded anew
 *	tls_conn.c     one connection: its handshake and its end
 *	tls_pump.c     bytes in both directions
 *	tls_certs.c    certificates, keys, which of them a client gets
 *	tls_tickets.c  the keys of session tickets
 *
 * What the pump holds is bounded: one record (16 KiB) in each direction, beside the kernel's buffers. While the client takes
 * nothing the edge's writes fill the socketpair, so that its limits on slow clients hold; while the edge takes nothing the
 * client is not read. An end of input is passed on behind the bytes before it, in both directions; our own is said by
 * close_notify first. A reset ends the other side at once.
 *
 * What outlives a connection: nothing. Sessions are resumed by tickets, which clients keep.
 */
#ifndef STOA_TLS_TLS_H
#define STOA_TLS_TLS_H

#include "gateway_options.h"
#include "loop.h"
#include "netaddr.h"

struct tls;

struct tls_config {
	const struct gateway_options *options; /* with tls_listen; tls_seed is wiped once it is used */
	struct loop *loop;
	/* A client has shaken hands: fd, not blocking, is the callee's. */
	void (*opened)(void *ctx, int fd, const struct net_address *peer);
	void *ctx;
};

/* NULL: `why` says which file or option is at fault, in one sentence. */
struct tls *tls_open(const struct tls_config *config, char *why, size_t why_size);
void tls_free(struct tls *t); /* ends all connections at once; NULL is fine */

/* Takes fd, a connection that was just accepted, not blocking. Refused past max_tls_handshakes. */
void tls_accept(struct tls *t, int fd, const struct net_address *peer);
/* The files are read anew, for connections to come. What cannot be used is logged, and changes nothing. */
void tls_reload(struct tls *t);
void tls_stop_handshakes(struct tls *t); /* those that are not over are given up */

size_t tls_handshakes(const struct tls *t);  /* connections that opened() has not been called for */
size_t tls_connections(const struct tls *t); /* all of them, also those whose last bytes go out */

/* Whether the files that the options name can be used, for --check-config; without tls_listen they can. */
bool tls_check(const struct gateway_options *o, char *why, size_t why_size);

#endif
