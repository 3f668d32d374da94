/*
 * stoa_emitter.h - emit to the clients of Socket.IO servers from another process, through the Redis that the servers share.
 *
 *	#include <stoa_emitter.h>
 *
 *	struct stoa_emitter *e = stoa_emitter_open(&(struct stoa_emitter_options){ .url = "redis://127.0.0.1" });
 *
 *	if (stoa_emitter_emit(e, &(struct stoa_emitter_to){ .room = "news" }, "headline", "[\"Rain tomorrow\"]", NULL) < 0)
 *		fprintf(stderr, "%s\n", stoa_emitter_error(e));
 *	stoa_emitter_free(e);
 *
 * BUILDING. cc worker.c $(pkg-config --cflags --libs stoa-emitter). With libstoa-emitter.a in place of the shared library:
 * pkg-config --static. Only names that begin with stoa_emitter_ are outside of it.
 *
 * WHO HEARS. Gateways of Stoa that run with the same redis_key, and Node.js servers with @socket.io/redis-adapter and the
 * same `key`; what is published is what @socket.io/redis-emitter publishes. A server without members of a room need not be
 * told. Nothing is kept: a server that is not connected to Redis at the moment misses it.
 *
 * TWO DRIVES. Without options.base a function returns when it is done, or when its time is over (sync): for a plain worker
 * or a script. Between calls nothing happens; a connection that was lost meanwhile is made anew by the next call. With
 * options.base (libevent) a function returns at once, and the callbacks of its stoa_emitter_call come from that base's loop,
 * never from inside the function. All functions are the same otherwise.
 *
 * THREADS. One thread at a time, in all of the library: two threads hold a lock of theirs around calls, also those to
 * different emitters. After a fork() the child opens its own.
 *
 * SIGNALS. If SIGPIPE would end the program, stoa_emitter_open() has the program ignore it.
 *
 * ERRORS. Functions answer 0 or -errno, and stoa_emitter_error() or result.why says in a sentence what it was. No password
 * is ever in it.
 *
 *	-EINVAL        what was to be sent is malformed: nothing was sent. Nothing malformed is ever published
 *	-EMSGSIZE      it is larger than max_publish
 *	-ENOBUFS       max_waiting bytes wait already
 *	-EAGAIN        max_calls wait already
 *	-ENOTCONN      Redis could not be reached in time; nothing was sent
 *	-EACCES        Redis refused the password, or does not allow this user what was asked
 *	-ECONNRESET    the connection broke after it was sent: it may have been published. It is not sent again
 *	-ETIMEDOUT     some did not answer in time. What was answered has been handed over, and counted in the result
 *	-EPROTO        Redis refused the command for another reason
 *	-EDEADLK       called from inside a callback of the sync drive
 */
#ifndef STOA_EMITTER_H
#define STOA_EMITTER_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#define STOA_EMITTER_API __attribute__((visibility("default")))

struct event_base; /* libevent's */
struct stoa_emitter;

/* --- Opening ------------------------------------------------------------------------------------------------------ */

/* All members may be left out. Texts are copied. */
struct stoa_emitter_options {
	/* redis://[[USER]:PASSWORD@]HOST[:PORT][/DATABASE], rediss:// for TLS, unix:///PATH. NULL: the environment's
	 * STOA_REDIS_URL, or redis://127.0.0.1:6379. */
	const char *url;
	const char *key;       /* the servers' redis_key; NULL: socket.io */
	const char *name;      /* of the connections, in CLIENT LIST; NULL: stoa-emitter */
	const char *ca_file;   /* who may sign the server's certificate; NULL: the system's authorities */
	const char *cert_file; /* our own certificate, PEM, and its key */
	const char *key_file;
	const char *server_name; /* that the certificate must have; NULL: the host */
	size_t max_publish;      /* bytes of one message as it is published; 0: 8,000,000 */
	size_t max_waiting;      /* bytes that wait for Redis; 0: 16,000,000 */
	size_t max_calls;        /* that wait for answers at a time; 0: 1000 */
	/* What waits fails with the first attempt to connect that does; otherwise it waits for Redis to come back, as long
	 * as its time lasts. A password that is refused ends the wait in either case. */
	bool impatient;
	struct event_base *base; /* NULL: sync. Outlives the emitter */
	/* NULL, or told when the connection for commands is there, and when it is lost or could not be made (`why`). */
	void (*state)(void *ctx, bool connected, const char *why);
	void *ctx; /* of state */
};

/* Begins to connect, and connects anew whenever it must. NULL: the options are wrong; then stoa_emitter_error(NULL) says
 * why. */
STOA_EMITTER_API struct stoa_emitter *stoa_emitter_open(const struct stoa_emitter_options *options);

/* No callback runs any more. What waits is dropped. NULL is fine. From inside a callback of the libevent drive its memory
 * goes with the loop's next turn; not from inside one of the sync drive. */
STOA_EMITTER_API void stoa_emitter_free(struct stoa_emitter *e);

/* What was wrong in the last function that answered an error: one sentence, valid until the next call of anything here.
 * Of NULL: in the last stoa_emitter_open(). */
STOA_EMITTER_API const char *stoa_emitter_error(const struct stoa_emitter *e);

/* --- Whom, and what comes back ------------------------------------------------------------------------------------ */

/*
 * Clients of one namespace. Say a room, rooms, or broadcast: with none of them it is -EINVAL, so that a list that happens to
 * be empty is not everybody. A room wins over broadcast. A client's id is the name of a room that it alone is in. Names are UTF-8; a client in several
 * of the rooms is meant once.
 */
struct stoa_emitter_to {
	const char *nsp;           /* the namespace, its slash may be missing; NULL: "/" */
	const char *room;          /* one */
	const char *const *rooms;  /* several, ended by NULL */
	bool broadcast;            /* all clients of the namespace */
	const char *const *except; /* not those in these, ended by NULL; or NULL */
	bool is_volatile;          /* an emit: not for clients that have output waiting */
	bool uncompressed;         /* an emit: not to be compressed on its way to clients */
};

/* Bytes for a placeholder in JSON. */
struct stoa_emitter_bytes {
	const void *at;
	size_t size;
};

/* One answer. Everything ends with the callback. */
struct stoa_emitter_answer {
	const char *json; /* what it is depends on the function; NUL-terminated */
	size_t json_size;
	const struct stoa_emitter_bytes *attachments; /* of {"_placeholder":true,"num":N} in it */
	size_t n_attachments;
	const char *
		server; /* which of Stoa's gateways answered, by a name that is new with each start; NULL: a Node.js server */
};

/* How it ended. */
struct stoa_emitter_result {
	int status;        /* 0 or -errno, as above */
	const char *why;   /* a sentence, ends with the callback; of status 0 "" */
	long long heard;   /* servers that Redis passed it to (whoever subscribes by hand counts too); -1: not known */
	long long servers; /* that are to answer; -1: not known, or no answer was wanted */
	long long responded; /* of them */
	long long clients;   /* of those servers, that were asked; stoa_emitter_ask() alone */
	long long answers;   /* how often `answer` was called */
};

typedef void stoa_emitter_answer_fn(void *ctx, const struct stoa_emitter_answer *answer);
typedef void stoa_emitter_done_fn(void *ctx, const struct stoa_emitter_result *result);

/* How long, and who is told. Everything may be left out; so may the whole (NULL). */
struct stoa_emitter_call {
	int timeout_ms; /* until it is over, waiting for Redis included; 0: 5000 */
	stoa_emitter_answer_fn *answer;
	stoa_emitter_done_fn
		*done; /* once, last; not when the function itself answers an error in the libevent drive */
	void *ctx;     /* of both */
	struct stoa_emitter_result *result; /* sync: filled in; `why` is stoa_emitter_error() */
	/* Sync, of functions without answers: returns as soon as it waits in order; stoa_emitter_flush(), or any other call,
	 * sends it. Many emits so cost one round trip together. */
	bool later;
};

/* --- Emitting ----------------------------------------------------------------------------------------------------- */

/*
 * Emits `event`. `args` is a JSON array of its arguments; NULL: none. Events that clients raise themselves (connect,
 * connect_error, disconnect, disconnecting, newListener, removeListener) are -EINVAL. Done when Redis has it: `heard` says
 * how many servers did, and 0 is no error.
 */
STOA_EMITTER_API int stoa_emitter_emit(struct stoa_emitter *e, const struct stoa_emitter_to *to, const char *event,
	const char *args, const struct stoa_emitter_call *call);

/* The same with binary: {"_placeholder":true,"num":0} in args stands for attachments[0]; each number below the count may
 * be used. */
STOA_EMITTER_API int stoa_emitter_emit_binary(struct stoa_emitter *e, const struct stoa_emitter_to *to,
	const char *event, const char *args, const struct stoa_emitter_bytes *attachments, size_t n_attachments,
	const struct stoa_emitter_call *call);

/* Emits an event to servers, not to clients: their stoa_on_server(), or io.on(event) in Node. `args` as above, without
 * placeholders. -EINVAL: connect, connection, new_namespace, which are Node's own. */
STOA_EMITTER_API int stoa_emitter_server_side_emit(struct stoa_emitter *e, const char *nsp, const char *event,
	const char *args, const struct stoa_emitter_call *call);

/* Clients join or leave rooms (ended by NULL), or are disconnected; `transport`: their connection too, with all of its
 * namespaces. Done when Redis has it; servers do it when they hear it. */
STOA_EMITTER_API int stoa_emitter_sockets_join(struct stoa_emitter *e, const struct stoa_emitter_to *to,
	const char *const *rooms, const struct stoa_emitter_call *call);
STOA_EMITTER_API int stoa_emitter_sockets_leave(struct stoa_emitter *e, const struct stoa_emitter_to *to,
	const char *const *rooms, const struct stoa_emitter_call *call);
STOA_EMITTER_API int stoa_emitter_disconnect_sockets(
	struct stoa_emitter *e, const struct stoa_emitter_to *to, bool transport, const struct stoa_emitter_call *call);

/* Sends what waits because of `later`, and returns when Redis has it, or when its time is over. 0, or what the first that
 * failed since the last flush failed with. Sync alone. */
STOA_EMITTER_API int stoa_emitter_flush(struct stoa_emitter *e);

/* --- Asking ------------------------------------------------------------------------------------------------------- */

/* Emits with acknowledgements: an answer is a JSON array of what a client acknowledged with (of a Node.js server's, the first
 * argument alone). Done when all clients have answered; -ETIMEDOUT when some had not. */
STOA_EMITTER_API int stoa_emitter_ask(struct stoa_emitter *e, const struct stoa_emitter_to *to, const char *event,
	const char *args, const struct stoa_emitter_bytes *attachments, size_t n_attachments,
	const struct stoa_emitter_call *call);

/* An answer is a JSON array of what a server acknowledged with. */
STOA_EMITTER_API int stoa_emitter_ask_servers(struct stoa_emitter *e, const char *nsp, const char *event,
	const char *args, const struct stoa_emitter_call *call);

/* Who is there: an answer is one client, {"id":..,"handshake":{..},"rooms":[..],"data":{..}} as its server tells it. */
STOA_EMITTER_API int stoa_emitter_fetch_sockets(
	struct stoa_emitter *e, const struct stoa_emitter_to *to, const struct stoa_emitter_call *call);

/* Which rooms: an answer is a JSON array of names, of one server; the ids of clients are among them. */
STOA_EMITTER_API int stoa_emitter_all_rooms(
	struct stoa_emitter *e, const char *nsp, const struct stoa_emitter_call *call);

/*
 * Which gateways of Stoa: an answer is what one says of itself, {"uid":..,"node":..,"name":..,"address":..,"clients":N,
 * "age":SECONDS,"namespaces":[..],..}. (`address`: for other gateways, may be empty. `namespaces` null: more than it names.
 * "draining":true: it lets its clients go, to end.)
 * timeout_ms 0 is 1000 here, and status 0 when it is over, since whoever listens by hand is taken for one of them.
 * `servers` are all that take part in `nsp`, Node.js servers too.
 */
STOA_EMITTER_API int stoa_emitter_nodes(struct stoa_emitter *e, const char *nsp, const struct stoa_emitter_call *call);

/* --- Help with JSON ----------------------------------------------------------------------------------------------- */

/* Writes `text` as a JSON string with its quotes and a NUL, as snprintf() does: answers the size it has without the NUL, which
 * may be `size` or more, then `to` holds nothing of use. -EINVAL: it is not UTF-8. */
STOA_EMITTER_API int stoa_emitter_quote(char *to, size_t size, const char *text);

#ifdef __cplusplus
}
#endif

#endif
