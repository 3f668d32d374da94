/*
 * http_conn.h - one HTTP/1.1 connection: bytes in, requests out; answers in, bytes out.
 *
 * A connection has one request at a time. Its service gets the head, and
 *	- answers in that call, or
 *	- asks for the body in that call (http_conn_want_body) and answers when it has come, or
 *	- keeps the connection and answers later: it is parked.
 * While an answer is due or on its way, reading goes on, so that the peer's end is noticed at once: what comes is kept
 * for later, at most max_head_bytes of it, and then only the peer's end is looked for. The next request is taken up
 * when the answer is in the kernel. So output is bounded by one answer, and an upgrade finds none pending.
 *
 * A body that nobody asked for is read and dropped when it is small; otherwise the connection ends after the answer.
 * The last answer of a connection is followed by linger_start(). Deadlines: head_timeout for a head, from the accept or
 * the head's first byte; body_timeout for a body, for every standstill of an answer, and, with one second more per KiB,
 * for the whole of it; keep_alive_timeout between requests.
 *
 * Closing marks; the memory is freed by the loop's graveyard, after whatever callback it happened in.
 */
#ifndef STOA_EDGE_HTTP_CONN_H
#define STOA_EDGE_HTTP_CONN_H

#include <event2/event.h>
#include <event2/event_struct.h>
#include <sys/queue.h>

#include "http1.h"
#include "linger.h"
#include "loop.h"
#include "netaddr.h"
#include "sample.h"

struct http_conn;

/* Limits on peers: counted, and warned of once a second. */
enum http_limit { LIMIT_HEAD, LIMIT_HEAD_TIME, LIMIT_BODY_TIME, LIMIT_PAYLOAD, LIMITS };

/* What all connections share. */
struct http_server {
	struct loop *loop;
	struct lingers *lingers;
	struct http_limits limits;
	int64_t head_timeout_ms, body_timeout_ms, keep_alive_timeout_ms;
	bool ending;           /* every answer is its connection's last, and nobody waits for another request */
	char *scratch;         /* what a read gets, HTTP_READ_BYTES */
	struct buf answer;     /* an answer's head while it is put together */
	struct buf date;       /* "Date: ..\r\n" */
	int64_t date_until_ms; /* of the loop's clock: when the next second of `date` begins */
	struct sample passed[LIMITS];
};

enum { HTTP_READ_BYTES = 64 * 1024 };

void http_server_init(struct http_server *s, struct loop *loop, struct lingers *lingers);
void http_server_fini(struct http_server *s);
void http_server_limit(struct http_server *s, enum http_limit limit); /* a peer has passed it */

/* Who answers the connections of a listener. */
struct http_service_ops {
	void (*request)(struct http_conn *c, const struct http_head *head); /* the head's slices end with the call */
	void (*body)(struct http_conn *c, struct slice body);               /* the body asked for: answer, or park */
	void (*too_large)(struct http_conn *c);                             /* it would pass the limit: answer */
	void (*gone)(struct http_conn *c); /* no answer any more: ended while parked or in a body */
};

struct http_service {
	const struct http_service_ops *ops;
	struct http_server *server;
	const struct http_limits *limits; /* the server's, unless somebody sets others */
	void *ctx;
	TAILQ_HEAD(http_conns, http_conn) conns;
	size_t count;
};

void http_service_init(
	struct http_service *s, const struct http_service_ops *ops, struct http_server *server, void *ctx);
void http_service_close_idle(struct http_service *s); /* connections without a request */
void http_service_close_all(struct http_service *s);  /* at once */

enum http_conn_state {
	CONN_HEAD,    /* waits for a request */
	CONN_BODY,    /* takes its body */
	CONN_PARKED,  /* the service has it and will answer */
	CONN_WRITING, /* the answer goes out */
	CONN_ENDING,  /* the last one goes out */
	CONN_CLOSED
};

struct http_conn {
	struct http_service *service;
	int fd;
	struct net_address peer; /* as it was accepted */
	enum http_conn_state state;
	struct event read, write;
	struct timer timer;
	int64_t write_due_ms; /* for the whole answer */
	TAILQ_ENTRY(http_conn) link;

	struct buf in;      /* came and is not used yet */
	size_t scanned;     /* http_head_parse()'s */
	struct slice rest;  /* inside request(): what followed the head */
	uint64_t drop_left; /* of a body that nobody wanted */

	int64_t body_left; /* of the request's body; -1: chunked */
	size_t body_max;
	struct buf body;
	struct http_chunks chunks;

	struct buf pending; /* output that the kernel did not take yet, from pending_at on */
	size_t pending_at;
	int file; /* sent after it; -1: none */
	int64_t file_at, file_left;

	bool keep_alive, http10, head_only, expect; /* of the request */
	bool head_began, writes, paused, eof, consuming, resume;

	struct relay *relay;       /* the request in hand is for another gateway (relay.h) */
	struct question *question; /* it waits for being let in (door.h) */
	void *user;                /* the service's, given to free_user() with the connection; NULL at first */
	void (*free_user)(void *user);
	struct grave grave;
};

/* A new connection; fd, not blocking, is its own from now on. */
void http_conn_open(struct http_service *s, int fd, const struct net_address *peer);
/* Another service answers it from now on; inside request() only. */
void http_conn_move(struct http_conn *c, struct http_service *to);
/* Ends it at once, without another byte; `why` is for the log. Closing twice is fine. */
void http_conn_close(struct http_conn *c, const char *why);

/* Inside request() only: body() is called with up to `max` bytes, perhaps at once, or too_large(), or gone(). */
void http_conn_want_body(struct http_conn *c, size_t max);

struct http_answer {
	int status;
	const char *type;     /* Content-Type; NULL: none */
	struct slice headers; /* more lines, each with its CRLF */
	struct slice body;    /* copied where the kernel does not take it at once */
	int file;             /* with file_size > 0: a regular file to send instead, closed by the connection */
	int64_t file_size;
	bool close; /* the connection ends after it */
};

/* The answer to the request in hand; one on a closed connection is dropped. */
void http_conn_answer(struct http_conn *c, const struct http_answer *a);
/* A whole answer, head and all, after which the connection ends. */
void http_conn_answer_raw(struct http_conn *c, struct slice bytes);

/* While parked: the descriptor, for somebody who has the loop watch it already and then says http_conn_give_away(). */
int http_conn_lend(struct http_conn *c);
/* While parked: the descriptor, out of the loop and not shut down; the connection is closed without gone(). The caller
 * owns it and what followed the head: http_conn_rest(). */
int http_conn_give_away(struct http_conn *c);

/* While parked: what has come behind the head. Inside request() it ends with that call, later with the turn. */
static inline struct slice http_conn_rest(const struct http_conn *c)
{
	return c->consuming ? c->rest : buf_slice(&c->in);
}

/* Between http_conn.c, http_request.c and http_answer.c. */
void http_conn_enter(struct http_conn *c, enum http_conn_state state);
void http_conn_set_deadline(struct http_conn *c, int64_t due_ms);
void http_conn_settle_body(struct http_conn *c);
void http_conn_flush(struct http_conn *c);
void http_conn_written(struct http_conn *c);
void http_conn_end(struct http_conn *c);                      /* all is in the kernel: linger */
void http_conn_digest(struct http_conn *c, struct slice got); /* what was kept and what has come */
void http_conn_too_late(struct http_conn *c);                 /* a head or a body did not come in time */

#endif
