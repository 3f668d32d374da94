/*
 * doctor_internal.h - what the files of the doctor share.
 *
 *	doctor.c         the checks in their order, and what they need of each other
 *	doctor_checks.c  address, connection, TLS, handshake, origin
 *	doctor_ways.c    other connections, CONNECT, sizes, WebSocket, upgrade
 *	doctor_idle.c    the wait for a ping
 *	doctor_url.c     where it is
 *	doctor_link.c    a connection; doctor_tls.c its TLS
 *	doctor_answer.c  an HTTP answer out of bytes
 *	doctor_http.c    one request; sessions by polling
 *	doctor_ws.c      a WebSocket
 */
#ifndef STOA_DOCTOR_INTERNAL_H
#define STOA_DOCTOR_INTERNAL_H

#include <netdb.h>
#include <openssl/ssl.h>

#include "arena.h"
#include "buf.h"
#include "doctor.h"
#include "value.h"

enum { DOCTOR_HEAD_MAX = 64 * 1024, DOCTOR_BODY_MAX = 4 * 1024 * 1024, DOCTOR_SID_MAX = 200 };

/* --- doctor_url.c ------------------------------------------------------------------------------------------------- */

struct doctor_url {
	bool secure;
	bool path_given;
	char host[256], port[8], path[512]; /* path begins and ends with '/' */
};
bool doctor_url_read(const char *text, struct doctor_url *url, char *why, size_t why_size);
void doctor_url_put_host(struct buf *to, const struct doctor_url *url);   /* as in Host */
void doctor_url_put_origin(struct buf *to, const struct doctor_url *url); /* "https://example.org" */

/* --- doctor_link.c ------------------------------------------------------------------------------------------------ */

struct doctor;

struct link {
	int fd; /* -1: none */
	SSL *ssl;
	struct buf in;      /* read and not taken */
	struct buf message; /* the last one of a WebSocket */
	size_t total;       /* bytes that were read */
	bool eof;
	const char *why; /* the last thing that failed: a text that stays, or OpenSSL's */
};

/* To the address that answered first. False: l->why. A link that was not opened may be closed. */
bool link_open(struct doctor *d, struct link *l);
bool link_open_to(struct doctor *d, struct link *l, const struct addrinfo *to);
void link_close(struct link *l);
bool link_write(struct link *l, struct slice bytes, int64_t due_ms);
enum link_read { LINK_BYTES, LINK_END, LINK_LATE, LINK_FAILED };
/* No longer than until due_ms, however much comes, and no more than any server needs; 0: what is there, without waiting. */
enum link_read link_read(struct link *l, int64_t due_ms);
bool link_wait(const struct link *l, bool to_write, int64_t due_ms); /* until it can be read or written; false: late */

/* --- doctor_tls.c ------------------------------------------------------------------------------------------------- */

SSL_CTX *doctor_tls_new(const char *ca_file, char *why, size_t why_size);
bool doctor_tls_begin(struct doctor *d, struct link *l, int64_t due_ms); /* false: l->why */
const char *doctor_tls_says(void);

/* --- doctor_answer.c ---------------------------------------------------------------------------------------------- */

struct answer {
	int status;            /* 0: there was none */
	struct buf head, body; /* the head's lines, each with its CRLF */
	const char *why;       /* without one: why not */
	int64_t took_ms;
};
void answer_fini(struct answer *a);
/* A head that stands whole at the front of `in`: its size; 0: more is needed; -1: that is none. Of 1xx but 101: passed over by the
 * caller. Fills status and head. */
long answer_read_head(struct answer *a, struct slice in);
struct slice answer_header(const struct answer *a, const char *name); /* the first of that name; .at NULL: none */

/* --- doctor_http.c ------------------------------------------------------------------------------------------------ */

struct request {
	const char *method; /* NULL: GET */
	const char *path;   /* NULL: d->url.path */
	struct slice query; /* what stands behind "?EIO=4&transport=" */
	struct slice headers, body;
	bool upgrade; /* the headers say what is to become of the connection */
};
/* Writes it; the answer is read by ask_end(). */
bool ask_begin(struct doctor *d, struct link *l, const struct request *r, struct answer *a);
bool ask_end(struct link *l, struct answer *a, int64_t due_ms);
/* Both, on a connection of its own. False: a->why. */
bool ask(struct doctor *d, const struct request *r, struct answer *a);

/* What the open packet says. */
struct opened {
	char sid[DOCTOR_SID_MAX + 1];
	int64_t ping_interval_ms, ping_timeout_ms, max_payload;
	bool websocket;
};
bool opened_read(struct opened *o, struct slice packet); /* "0{..}" */
/* A session by polling: false: it is none, and *a (the caller's to free) is what came instead. */
bool session_begin(struct doctor *d, struct opened *o, struct slice headers, struct answer *a);
bool session_post(struct doctor *d, const struct opened *o, struct slice body, struct answer *a);
bool session_get(struct doctor *d, const struct opened *o, struct answer *a);
void session_leave(struct doctor *d, const struct opened *o);
/* The next packet of a payload; false: that was the last. */
bool packet_next(struct slice *payload, struct slice *packet);
/* "40", or "40/chat,", and the auth. */
void connect_put(const struct doctor *d, struct buf *to);

/* --- doctor_ws.c -------------------------------------------------------------------------------------------------- */

/* Asks for it, behind "websocket": false, and *a (the caller's to free) is what came instead of 101, or a->why. `deflate`: offers
 * compression, to see what becomes of it: messages cannot be read then. */
bool ws_begin(struct doctor *d, struct link *l, struct slice query, bool deflate, struct answer *a);
bool ws_send(struct link *l, const char *text, int64_t due_ms);
enum ws_got { WS_TEXT, WS_CLOSED, WS_LATE };
/* The next message; *text ends with the next call. WS_CLOSED: *code, 0 without one. due_ms in the past: what has come. */
enum ws_got ws_next(struct link *l, int64_t due_ms, struct slice *text, unsigned *code);

/* --- The whole ---------------------------------------------------------------------------------------------------- */

struct doctor {
	const struct doctor_config *config;
	struct doctor_url url;
	struct addrinfo *addresses;
	const struct addrinfo *good; /* the address that answered */
	SSL_CTX *tls;
	bool trusts_all; /* what TLS said is told: the rest is looked at all the same */
	struct opened opened;
	struct buf cookie; /* "Cookie: ..\r\n", where the handshake gave one */
	bool can_connect, can_poll, is_sticky, has_websocket, joined;
	struct buf seen, advice;
};

enum doctor_result check_address(struct doctor *d);
enum doctor_result check_connection(struct doctor *d);
enum doctor_result check_tls(struct doctor *d);
enum doctor_result check_handshake(struct doctor *d);
enum doctor_result check_origin(struct doctor *d);
enum doctor_result check_sticky(struct doctor *d);
enum doctor_result check_namespace(struct doctor *d);
enum doctor_result check_size(struct doctor *d);
enum doctor_result check_websocket(struct doctor *d);
enum doctor_result check_upgrade(struct doctor *d);
enum doctor_result check_idle(struct doctor *d);

/* Appends what came instead of what was wanted: "HTTP 404, {..}" or why there was none. */
void put_answer(struct buf *to, const struct answer *a);
/* The same to d->seen, and to d->advice what it means: of a proxy, of Engine.IO's errors. */
void explain(struct doctor *d, const struct answer *a);

static inline enum doctor_result say(struct doctor *d, enum doctor_result r, const char *seen, const char *advice)
{
	buf_add_str(&d->seen, seen);
	buf_add_str(&d->advice, advice);
	return r;
}

#endif
