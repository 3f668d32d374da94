/*
 * redis.h - one connection to Redis that mends itself.
 *
 *	struct redis *r = redis_open(loop, &config, REDIS_COMMANDS, &ops, ctx, why, sizeof(why));
 *	...ops.ready(ctx): redis_command(r, (struct slice[]){ SLICE("PUBLISH"), channel, payload }, 3, answered, x);
 *	...ops.lost(ctx, trouble): it is reconnecting by itself; ready() comes again
 *	redis_close(r);
 *
 * States:
 *
 *	RESOLVING -> CONNECTING -> [SECURING] -> OPENING -> READY --(anything)--> WAITING -> RESOLVING ...
 *
 * RESOLVING asks evdns (a new resolver each time, so that a changed resolv.conf counts); CONNECTING tries the addresses
 * one after the other; SECURING is the TLS handshake, the certificate and the name in it verified; OPENING sends AUTH,
 * SELECT, CLIENT SETNAME and PING, each after the answer to the one before, and every answer is checked: a connection that
 * did not log in is never used. connect_timeout_ms bounds all of these together. (There is no HELLO: a connection begins
 * in RESP2, and that is what hiredis 0.14 reads.)
 *
 * WAITING: after the first failure 50 ms, twice as long after each further one up to 5 s, at random between half and all
 * of it. A connection that was ready for a second starts at 50 ms again; one that is ended sooner (CLIENT KILL in a loop)
 * waits longer each time, at most 1 s.
 *
 * A silent Redis: when nothing at all has come for command_timeout_ms / 2, a PING is sent; when nothing comes for as long
 * again, or for command_timeout_ms while a command has no answer, the connection is left. So a stopped Redis is noticed
 * within command_timeout_ms, and a long answer that is still arriving is not taken for silence. TCP keep-alive and
 * TCP_USER_TIMEOUT stand behind it.
 *
 * Trouble is logged once per episode and kind, with what to do about it and without any secret: again when it had not been
 * seen for a minute, or when the connection had held for ten seconds in between. It is counted every time, by kind
 * (stoa_redis_trouble_total).
 *
 * Bounds: redis_reply.h says what one reply may take. At most max_queue bytes of commands are held that have no answer
 * yet, written or not; past that redis_command() says -ENOBUFS and nothing is queued: the caller decides what to drop
 * and counts it. After 64 KiB or 256 replies the rest of the loop has its turn, so that a flood from Redis does not starve
 * clients; what has been received and not handled is at most 128 KiB more.
 *
 * Everything happens on the loop; no call waits. The process ignores SIGPIPE.
 */
#ifndef STOA_IO_REDIS_H
#define STOA_IO_REDIS_H

#include "loop.h"
#include "redis_reply.h"
#include "redis_url.h"

/* A connection that subscribes can do nothing else in RESP2, so it is said at the start. */
enum redis_role { REDIS_COMMANDS, REDIS_SUBSCRIBER };

enum redis_state {
	REDIS_RESOLVING,
	REDIS_CONNECTING,
	REDIS_SECURING,
	REDIS_OPENING,
	REDIS_READY,
	REDIS_WAITING, /* to try again */
	REDIS_CLOSED
};
const char *redis_state_name(enum redis_state state); /* "resolving", .. */

/*
 * What goes wrong. Those above REDIS_LAST_LINK_TROUBLE end the connection; those below are answers to commands, which
 * the command's own callback gets as well. redis_trouble_hint() is one sentence for people.
 */
#define REDIS_TROUBLES(TROUBLE) \
	TROUBLE(RESOLVE, "resolve", "the name of the Redis server cannot be resolved; check the host in redis_url") \
	TROUBLE(CONNECT, "connect", \
		"nothing accepts connections there; is Redis running, and are host and port right?") \
	TROUBLE(TIMEOUT, "timeout", "Redis did not answer in time while connecting (redis_connect_timeout)") \
	TROUBLE(TLS, "tls", \
		"the TLS handshake failed; check redis_ca_file, redis_cert_file, redis_key_file and the host's name") \
	TROUBLE(ENDED, "ended", "Redis ended the connection") \
	TROUBLE(SILENT, "silent", "Redis stopped answering (redis_command_timeout)") \
	TROUBLE(PROTOCOL, "protocol", "what answers there does not speak Redis's protocol as it should") \
	TROUBLE(TOO_LARGE, "too-large", "a message was larger than redis_max_message; the connection was left for it") \
	TROUBLE(MEMORY, "memory", "there was no memory for a message") \
	TROUBLE(AUTH, "auth", "Redis refused the user or password; check them in redis_url and in Redis's ACL") \
	TROUBLE(NOAUTH, "noauth", \
		"Redis wants a password; write redis://:PASSWORD@HOST or redis://USER:PASSWORD@HOST") \
	TROUBLE(DATABASE, "database", "Redis refused the database; check the number behind the host in redis_url") \
	TROUBLE(LOADING, "loading", "Redis is loading its data; waiting for it") \
	TROUBLE(MAX_CLIENTS, "max-clients", "Redis has no room for another client; raise maxclients there") \
	TROUBLE(DENIED, "denied", \
		"Redis is in protected mode and takes no connection from here; set a password or bind there") \
	TROUBLE(READ_ONLY, "read-only", \
		"this Redis is a replica and takes no writes; redis_url must name the primary") \
	TROUBLE(NO_PERMISSION, "no-permission", \
		"the ACL of Redis's user does not allow this; see ACL LOG there, and channel rights (&)") \
	TROUBLE(MISCONF, "misconf", "Redis cannot save its data and takes no writes; see its log, free disk space") \
	TROUBLE(OUT_OF_MEMORY, "out-of-memory", "Redis is at its maxmemory; raise it or set a maxmemory-policy") \
	TROUBLE(BUSY, "busy", "a script keeps Redis busy; SCRIPT KILL ends it") \
	TROUBLE(CLUSTER, "cluster", \
		"this is a node of a Redis Cluster that does not hold the key; clusters are not supported") \
	TROUBLE(OTHER, "other", "Redis refused a command")

enum redis_trouble {
#define REDIS_TROUBLE_ID_(id, name, hint) REDIS_TROUBLE_##id,
	REDIS_TROUBLES(REDIS_TROUBLE_ID_)
#undef REDIS_TROUBLE_ID_
		REDIS_TROUBLE_COUNT,
	REDIS_LAST_LINK_TROUBLE = REDIS_TROUBLE_READ_ONLY
};
const char *redis_trouble_name(enum redis_trouble trouble); /* "read-only": for metrics and logs */
const char *redis_trouble_hint(enum redis_trouble trouble);

/* Borrowed by every connection opened with it: unchanged until the last is closed and a turn has passed. */
struct redis_config {
	struct redis_url url;
	const char *name;                 /* CLIENT SETNAME, without blanks; NULL: none. For CLIENT LIST */
	const char *ca_file;              /* who may sign the server's certificate; NULL: the system's authorities */
	const char *cert_file, *key_file; /* our own certificate with its chain, PEM; NULL and NULL: none */
	const char *server_name;          /* that must be in the server's certificate; NULL: url.host */
	int64_t connect_timeout_ms, command_timeout_ms;
	size_t max_queue, max_message; /* bytes; see above */
};

/* 5 s, 5 s, 8 MB, 16 MB. No URL. */
#define REDIS_CONFIG_DEFAULTS \
	.connect_timeout_ms = 5000, .command_timeout_ms = 5000, .max_queue = 8000000, .max_message = 16000000

struct redis;

/*
 * What a connection tells its owner. Every function may be NULL. They are called from the loop, never from inside a call
 * of this header, and may call anything here, redis_close() included. Slices and replies end with the call.
 */
struct redis_ops {
	/* Commands are taken from here on. A subscriber has nothing subscribed: subscribe to everything again. */
	void (*ready)(void *ctx);
	/* It was ready and is no more. The callbacks of unanswered commands have run. What was published since then to
	 * what was subscribed is lost. */
	void (*lost)(void *ctx, enum redis_trouble why);
	/* m->kind is REDIS_PUSH_MESSAGE. */
	void (*message)(void *ctx, const struct redis_push *m);
	/* m->kind is REDIS_PUSH_SUBSCRIBED or REDIS_PUSH_UNSUBSCRIBED; once per name, in Redis's order among messages: no
	 * message of the name comes before the one or after the other. A REDIS_SHARDED name may be unsubscribed by Redis. */
	void (*subscription)(void *ctx, const struct redis_push *m);
	/* An attempt to connect and log in failed; the next begins by itself. */
	void (*failed)(void *ctx, enum redis_trouble why);
};

/*
 * Begins to connect. NULL and one sentence in `why` when it never could: a file for TLS that cannot be read. A Redis that
 * is not there is no failure: that is tried again for ever.
 */
struct redis *redis_open(struct loop *loop, const struct redis_config *config, enum redis_role role,
	const struct redis_ops *ops, void *ctx, char *why, size_t why_size);

/* Ends it; NULL is fine. No callback runs during this or after it, those of unanswered commands neither: free what they
 * would have freed. Memory goes at the end of the turn. (A lookup of a name that was under way holds a little memory until
 * the loop has turned again.) */
void redis_close(struct redis *r);

enum redis_state redis_state(const struct redis *r);
static inline bool redis_ready(const struct redis *r)
{
	return redis_state(r) == REDIS_READY;
}
/* Why it is not ready, for a page of health: the last that ended a connection or an attempt; REDIS_TROUBLE_COUNT: there was
 * none since it was ready for a while. */
enum redis_trouble redis_trouble(const struct redis *r);
size_t redis_queued_bytes(const struct redis *r); /* of commands without an answer */

/* Leaves the connection as if Redis had ended it, with `why`, for what only the owner can see (a subscriber that is deaf).
 * lost() is called from the loop later; commands are refused from now on. Fine when it is not ready. */
void redis_leave(struct redis *r, enum redis_trouble why);

/* --- Commands ----------------------------------------------------------------------------------------------------- */

enum redis_outcome {
	REDIS_ANSWERED, /* `reply` is there; it may be a REDIS_ERROR */
	REDIS_UNSENT,   /* the connection was lost before all of it was written: Redis did not run it */
	REDIS_UNKNOWN   /* it was written, and whether Redis ran it is not known */
};

/* `reply` is NULL unless REDIS_ANSWERED. */
typedef void redis_reply_fn(void *ctx, enum redis_outcome outcome, const struct redis_reply *reply);

/*
 * Sends a command, its name first; arguments are any bytes, copied. fn (NULL: nobody cares) is called exactly once, unless
 * redis_close() comes first, and in the order of the commands: when the answer comes, or when the connection is lost.
 * Commands are pipelined and written together at the end of the turn; nothing is sent twice.
 *
 * 0; or nothing was queued and fn is not called: -ENOTCONN (not ready; what to do meanwhile is the caller's decision),
 * -ENOBUFS (max_queue), -ENOMEM, -EINVAL (no name, or the connection is a subscriber's).
 *
 * Not for commands that change what a connection is: SUBSCRIBE and its kin, MONITOR, HELLO, CLIENT REPLY, MULTI over
 * several turns, and blocking ones (BLPOP, XREAD BLOCK) for longer than command_timeout_ms.
 */
int redis_command(struct redis *r, const struct slice *argv, size_t argc, redis_reply_fn *fn, void *ctx);

/* --- A subscriber's ----------------------------------------------------------------------------------------------- */

/*
 * One command for `count` names (> 0). ops.subscription() is called per name; fn once, when the last name was confirmed
 * (REDIS_ANSWERED, `reply` being that confirmation), when Redis refused all of them with a REDIS_ERROR (an ACL without a
 * right to one of the names refuses the whole command: try them one by one), or when the connection was lost. The same
 * results as redis_command(); -EINVAL on a connection for commands. Sharded names of one call must be of one slot.
 */
int redis_subscribe(
	struct redis *r, enum redis_names names, const struct slice *at, size_t count, redis_reply_fn *fn, void *ctx);
int redis_unsubscribe(
	struct redis *r, enum redis_names names, const struct slice *at, size_t count, redis_reply_fn *fn, void *ctx);

#endif
