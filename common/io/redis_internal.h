/*
 * redis_internal.h - the parts of a connection to Redis: redis.c says when, redis_dial.c finds and connects, redis_tls.c
 * and redis_link.c carry bytes, redis_opening.c logs in, redis_queue.c sends commands and hands out answers,
 * redis_trouble.c names what goes wrong.
 */
#ifndef STOA_IO_REDIS_INTERNAL_H
#define STOA_IO_REDIS_INTERNAL_H

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "lookup.h"
#include "redis.h"

struct bufferevent;
struct ssl_ctx_st;

enum { REDIS_ADDRESSES = 8 };

struct redis_address {
	union {
		struct sockaddr any;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
		struct sockaddr_un un;
	} at;
	socklen_t size;
};

struct redis_dial {
	struct lookup *lookup; /* while the name is asked for */
	struct redis_address addresses[REDIS_ADDRESSES];
	size_t count, tried;
	size_t first;         /* where the next attempt begins: moves on when an address did not answer in time */
	struct event *writes; /* of the socket that is connecting */
	int fd;               /* -1: none */
};

enum redis_sent_kind { REDIS_SENT_COMMAND, REDIS_SENT_PING, REDIS_SENT_NAMES };

/* A command without an answer. */
struct redis_sent {
	redis_reply_fn *fn; /* may be NULL */
	void *ctx;
	int64_t given_ms;
	size_t size; /* as it is written */
	size_t left; /* REDIS_SENT_NAMES: confirmations to come */
	enum redis_sent_kind kind;
	enum redis_push_kind confirmed_by; /* REDIS_SENT_NAMES, with `names` */
	enum redis_names names;
};

/* In order: a ring whose size is a power of two. */
struct redis_queue {
	struct redis_sent *at;
	size_t first, count, cap;
	size_t bytes;
};

struct redis {
	struct loop *loop;
	const struct redis_config *config;
	enum redis_role role;
	const struct redis_ops *ops;
	void *ctx;
	enum redis_state state; /* written by redis_enter() alone */
	struct timer timer;     /* of the state: to try again, the end of the attempt, the watch over silence */
	struct event *more;     /* with the link: input is left from the last turn */
	struct event *input,
		*flush;  /* with a link without TLS: it can be read; something is to be written when the turn ends */
	size_t share;    /* bytes that this turn may still read */
	bool is_drained; /* the socket has no more of them */
	short over;      /* BEV_EVENT_EOF or BEV_EVENT_ERROR, with `error`: what reading found */
	int error;
	struct redis_dial dial;
	struct ssl_ctx_st *tls; /* NULL: none */
	struct bufferevent *link;
	unsigned links; /* counts them: has it changed, then what came on the one before is over */
	struct redis_reader *reader;
	struct redis_queue queue;
	int step; /* of the opening */
	int64_t received_ms, ready_ms;
	int64_t again_ms;  /* when the next attempt begins, while waiting */
	unsigned failures; /* for the wait before the next attempt */
	bool was_ready;    /* when the link went down; lost() is to be called */
	size_t unsent;     /* bytes that were not written then */
	enum redis_trouble last;
	int64_t seen_ms[REDIS_TROUBLE_COUNT]; /* for redis_note() */
	bool announced;                       /* the log says that it is ready, and nothing else since */
	char *shown;                          /* the URL for the log */
	struct grave grave;
};

/* redis.c */
void redis_enter(struct redis *r, enum redis_state state);
/* The link or the attempt is over: says so to whom it concerns and tries again later. `detail` for the log, may be NULL. */
void redis_fail(struct redis *r, enum redis_trouble why, const char *detail);
void redis_is_ready(struct redis *r);
void redis_watch(struct redis *r); /* the oldest command, or when something was received, has changed */

/* redis_dial.c: ends in redis_link_up(), or in redis_fail(). */
void redis_dial_start(struct redis *r);
void redis_dial_stop(struct redis *r);

/* redis_tls.c. NULL and `why`: a file cannot be read. */
struct ssl_ctx_st *redis_tls_open(const struct redis_config *config, char *why, size_t why_size);
void redis_tls_close(struct ssl_ctx_st *tls);
struct bufferevent *redis_tls_link(struct redis *r, int fd); /* NULL: no memory; the descriptor is still the caller's */
/* What TLS says about the link's end; false: it was not TLS. */
bool redis_tls_error(struct bufferevent *link, char *text, size_t size);

/* redis_link.c */
void redis_link_up(struct redis *r, int fd); /* connected; takes the descriptor */
size_t redis_link_down(struct redis *r);     /* how many bytes had not been written */
void redis_link_write(struct redis *r);      /* something has been added to the output */

/* redis_opening.c */
void redis_opening_start(struct redis *r);

/* redis_queue.c */
int redis_give(struct redis *r, const struct slice *argv, size_t argc, const struct redis_sent *sent);
void redis_ping(struct redis *r);
void redis_take_reply(struct redis *r, const struct redis_reply *reply);
const struct redis_sent *redis_oldest(const struct redis *r); /* NULL: none */
void redis_queue_fail(struct redis *r);                       /* all of it, told by r->unsent */
void redis_queue_clear(struct redis *r);                      /* tells nobody */

/* redis_trouble.c */
enum redis_trouble redis_trouble_of(struct slice error); /* the line of an error reply */
bool redis_is_expected(struct slice error);              /* its asker knows what to do: no trouble */
/* Counts it, and logs it once per episode. */
void redis_note(struct redis *r, enum redis_trouble trouble, struct slice detail);
void redis_note_held(struct redis *r); /* it was ready for long: the next trouble with the link is another episode */

#endif
