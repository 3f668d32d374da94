/*
 * poster.h - POSTs to one URL, or GETs of it, over a few connections that are kept: libevent's HTTP client, and TLS with the server's
 * certificate and name verified, always.
 *
 * A post is in hand from poster_post() until its done() was called or poster_cancel() has been. Redirects are not
 * followed. Nothing waits.
 */
#ifndef STOA_WEBHOOK_POSTER_H
#define STOA_WEBHOOK_POSTER_H

#include "loop.h"
#include "slice.h"
#include "webhook_url.h"

struct poster;
struct ssl_ctx_st;

struct poster_config {
	struct loop *loop;
	struct webhook_url url; /* borrowed */
	const char *ca_file;    /* NULL: the system's authorities */
	const char *ca_option;  /* the option that names it */
	size_t connections;     /* at most */
	int64_t timeout_ms;     /* of one post, finding the host and connecting included */
	size_t max_answer;      /* bytes of a body */
	const char *type;       /* Content-Type of what is posted, and wanted */
	bool get;               /* GETs instead, without a body */
};

enum post_result {
	POST_ANSWERED,
	POST_UNREACHABLE, /* no address, no connection, no TLS */
	POST_TIMEOUT,
	POST_LOST,     /* it ended before it was answered */
	POST_STALE,    /* the same, over a connection that had been kept: the server may have ended it before */
	POST_NONSENSE, /* no HTTP, or an answer that is too large */
	POST_RESULTS
};

struct post_answer {
	enum post_result result;
	const char *why;   /* a text; NULL when it was answered */
	int status;        /* 200, .. */
	struct slice body; /* ends with the call */
};

struct post; /* the caller's, embedded in an object of its own */
typedef void post_done_fn(struct post *p, int64_t now_ms, const struct post_answer *a);
struct post {
	post_done_fn *done; /* never from inside poster_post() or poster_cancel(); p is the caller's again */
	struct line *line;  /* NULL: it is not in hand */
};

struct post_header {
	const char *name, *value;
};

/* NULL: `why` says why not, in one sentence. */
struct poster *poster_new(const struct poster_config *config, char *why, size_t why_size);
void poster_free(struct poster *p); /* what is in hand is over without a word; NULL is fine */

bool poster_is_busy(const struct poster *p); /* all connections have a post in hand */
/* Not when it is busy. `body` and `headers` are copied; headers end with one without a name. False: no memory. */
bool poster_post(struct poster *p, struct post *post, struct slice body, const struct post_header *headers);
void poster_cancel(struct poster *p, struct post *post); /* one that is not in hand is fine */

/* poster_tls.c */
struct ssl_ctx_st *poster_tls_new(const char *ca_file, const char *ca_option, char *why, size_t why_size);
void poster_tls_free(struct ssl_ctx_st *tls);
struct bufferevent;
/* For a connection to `host`; NULL: no memory. */
struct bufferevent *poster_tls_link(struct ssl_ctx_st *tls, struct loop *loop, const char *host);
/* What TLS has to complain of, in words; NULL: nothing. */
const char *poster_tls_error(struct bufferevent *link);

#endif
