/*
 * stoa.h - write a Socket.IO application in C.
 *
 *	#include <stoa.h>
 *
 *	static int on_join(struct stoa_event *ev)
 *	{
 *		const char *user, *room;
 *
 *		if (stoa_unpack(ev, stoa_fields("username", &user, "room", &room)) < 0)
 *			return STOA_EINPUT;
 *		stoa_join_room(ev, room);
 *		return stoa_send(stoa_to(ev, room), stoa_format("%s has entered the room.", user));
 *	}
 *
 *	STOA_APP(app)
 *	{
 *		stoa_on(app, "/", "join", on_join, NULL);
 *	}
 *
 * BUILDING. An application is a shared library, of one C file or of several that all include this header; one of them
 * has STOA_APP:
 *
 *	cc -shared -fPIC -o app.so $(pkg-config --cflags stoa) app.c
 *	stoa-gateway --app app.so
 *
 * C11 or later. Nothing is linked: all functions here are inline and call the host through a table that STOA_APP is
 * handed, and a module of another version of this interface is refused when it is loaded.
 *
 * EVENTS. All that happens to an application is an event handed to a handler: a client connects, emits or leaves; an
 * answer arrives; a timer fires; a background task is done. Handlers have one shape, `int handler(struct stoa_event *ev)`, and find the pointer
 * given with them by stoa_ctx(ev). A handler returns 0, or a negative number: the event failed (see ERRORS).
 *
 * EFFECTS. What a handler does to clients (emit, ack, join, session, disconnect, ...) is noted in order and carried out
 * as one unit when the handler returns - also when it returns an error, and not at all if the process dies in it. Calls
 * return 0 when noted, or a negative error that is already in the log with the call's name (one line a second for each
 * call, counting the rest), so that ignoring it is safe: -EINVAL for what is said below, -ENOMEM, -ENAMETOOLONG for a
 * room's name, -E2BIG for more than `max_attachments` binary values in one packet, -ENOSPC when one event leaves more
 * than `max_effects`. They never tell who received: ask with stoa_call(). One client gets what one handler sends it in
 * the order of the calls, its ack too.
 *
 * PLACES. Handlers run one at a time, on one thread, one client's in order, and hold up everything else while they
 * run: one that takes longer than `slow_handler` is named in the log and counted, and what takes long belongs in a
 * background task. Whatever a function here returns at once travelled with the event; whatever must ask somebody takes
 * (timeout_ms, fn, ctx) and answers by an event. Variables of the module belong to one process: what must outlive it
 * belongs in a store, what clients share in rooms and sessions. The functions here are for the thread that runs the
 * handlers, with the ev it was given; what differs in a background task is said there.
 *
 * LATER. Every function taking (fn, ctx) calls fn exactly once, in this process: with a result, or with
 * stoa_status(ev) telling -ETIMEDOUT, -ENOTCONN or -ECANCELED (cancelled, or the process is ending). So ctx may be
 * freed in fn, and only there. If the call itself returns an error, fn will not run. Only the death of the process
 * breaks this, and takes ctx with it. The later event keeps sid and namespace of the one that started it, so that
 * stoa_emit(ev, ..) still speaks to that client, and the ack if that was taken out (stoa_asked()); what else came with
 * that event is gone.
 *
 * LIFETIME. One rule: ev, all that is reached through it, and all that is built in a handler are gone when it
 * returns. To speak to a client later copy its sid; stoa_keep() a value, stoa_defer() an ack. What is passed in is
 * copied before the call returns. All of it together may take `max_handler_memory`; past that values are unusable,
 * calls fail with -ENOMEM, and the event is named in the log.
 *
 * ERRORS. stoa_fail() or a negative return sends the event to its namespace's error handler, which may ack or emit.
 * With none, it is logged. An ack the client asked for that nobody gave carries {"error": message}, and "data" when
 * stoa_fail() had some. A failed connect is a refusal instead, and no error handler sees it.
 */
#ifndef STOA_H
#define STOA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stoa_generic.h" /* how the C types below become values; nothing there needs reading */

struct stoa_app;   /* the application, while it sets itself up */
struct stoa_event; /* something that happened; see above */

typedef int stoa_fn(struct stoa_event *ev);

/* --- Setting up --------------------------------------------------------------------------------------------------- */

/* Begins the one function that a module exports. A mistake in it (reserved name, bad pattern, event named twice)
 * stops the load and is printed with the module's name, so the calls below return nothing. `app` is of use in it
 * only. */
#define STOA_APP(app) STOA_ENTRY_(app)

/* Namespaces are exact ("/chat"), a prefix ("/game-*"), or "*" for any. A namespace's events go to the most exact of
 * those given here that fits, the longest of several prefixes, and to it alone; clients cannot join a namespace that
 * none fits. Events are a name, "connect", "disconnecting", "disconnect", or "*" for those without a handler of their
 * own, these three not among them. Without a handler for it, every connect is accepted. An event that nobody handles is
 * dropped without an ack. Who leaves is "disconnecting" first, where that is handled, and "disconnect" when its effects
 * are carried out; stoa_rooms() tells in both what the client was in. Neither can keep it. A client whose connect was
 * refused never was there: neither of the two follows. */
static inline void stoa_on(struct stoa_app *app, const char *namespace_, const char *event, stoa_fn *fn, void *ctx);

/* A whole namespace by table, ended by {0}:  static const struct stoa_handler chat[] = { { "join", on_join }, {0} }; */
struct stoa_handler {
	const char *event;
	stoa_fn *fn;
};
static inline void stoa_on_namespace(
	struct stoa_app *app, const char *namespace_, const struct stoa_handler *table, void *ctx);

/* Runs before the handler of every event, connect and disconnect included, of every namespace that fits, whichever
 * pattern its handlers were given for; in order of registration, also for events nobody handles: middleware and on_any
 * in one. 0 goes on, a negative number fails the event there. It brings no namespace into being. */
static inline void stoa_use(struct stoa_app *app, const char *namespace_, stoa_fn *fn, void *ctx);

/* Sees an event that failed, with its name and arguments; the most exact that fits, so "*" is the default for
 * namespaces without one. What it acks is the ack; its own failure is logged and goes no further. */
static inline void stoa_on_error(struct stoa_app *app, const char *namespace_, stoa_fn *fn, void *ctx);

/* Events of servers. Those of this process are
 *
 *	"start"             before the first client
 *	"handshake"         a request asks for a session; 0 lets it in
 *	"connection_error"  a request was refused
 *	"stop"              after the last timer and background task
 *
 * and any other name is what other servers send with stoa_server_side_emit(), with its arguments. To a module that is
 * replaced by a newer one (--watch, SIGHUP) all is as if its process ended; clients stay, with rooms and sessions, while
 * the module's variables begin anew. What a module allocated it frees at "stop": it is unloaded then.
 *
 * The two in the middle have no client yet: no sid, no auth; query, headers, cookies, address and transport are the
 * request's. Of a "handshake" stoa_fail(ev, message) refuses: over polling 403 and {"code":4,"message":..}; over
 * WebSocket 400 and the message, as Node does. Another negative return says "Forbidden". A request for a session that exists (polls, posts,
 * the upgrade) asks nobody. A "connection_error" is for logs and counting; its one argument is what Node's has:
 * {"code", "message", "context"}, the codes being Node's, from 0, "Transport unknown", to 5. */
static inline void stoa_on_server(struct stoa_app *app, const char *event, stoa_fn *fn, void *ctx);

/* Every `ms`, the first time `ms` after the start. A tick that comes late is one tick, however many it is late for.
 * `name` is the event's, one task for each. ms = 0: never, so that an option can turn it off. Behind brokers one process
 * of all runs them, and when it goes another one does, with a first tick `ms` later. */
static inline void stoa_every(struct stoa_app *app, const char *name, int64_t ms, stoa_fn *fn, void *ctx);

/* All clients of one such namespace are served by one process, one event at a time, for state they share (a game); a
 * pattern as in stoa_on(), it brings no namespace into being. An application inside a single gateway has it so anyway. */
static inline void stoa_one_process(struct stoa_app *app, const char *namespace_);

/* An option of the application's own (--set name=value), `otherwise` when it was not given; lives as long as the
 * application. */
static inline const char *stoa_option(struct stoa_app *app, const char *name, const char *otherwise);

/* The same for a whole number from `min` to `max`, both included; what was given and is none gives up as stoa_abort()
 * does, with a sentence that says so, and `otherwise` is returned. To hand an option to a handler keep it in a static
 * variable or struct of the module, and give that one's address as ctx. */
static inline int64_t stoa_option_int(
	struct stoa_app *app, const char *name, int64_t otherwise, int64_t min, int64_t max);

/* Gives up: the module is not loaded and `why` is printed. Returns; leave the function after it. */
static inline void stoa_abort(struct stoa_app *app, const char *why);

/* --- What happened ------------------------------------------------------------------------------------------------ */

static inline void *stoa_ctx(struct stoa_event *ev);       /* the pointer given with the handler */
static inline const char *stoa_sid(struct stoa_event *ev); /* the client's, in this namespace; NULL: none (a tick) */
static inline const char *stoa_namespace(struct stoa_event *ev); /* "/" when there is no client */

/* "join"; "connect"; for an answer, the event asked ("fetch_sockets" for that); for a timer and a background task, the
 * event that began it; for stoa_every(), its own. A NUL in it shows as U+FFFD. */
static inline const char *stoa_name(struct stoa_event *ev);

static inline struct stoa_value stoa_args(struct stoa_event *ev);          /* an array, empty when there are none */
static inline struct stoa_value stoa_arg(struct stoa_event *ev, size_t i); /* stoa_at(stoa_args(ev), i) */
static inline const char *stoa_reason(struct stoa_event *ev); /* of a disconnect: "transport close", ...; else NULL */
static inline int stoa_status(struct stoa_event *ev); /* 0, or what went wrong: answers, timers, error handlers */
static inline const char *stoa_error(struct stoa_event *ev); /* the same in words, "" when nothing did */
/* 1: nobody has begun this event before. Behind a broker it is more when a process that had begun it crashed, was killed for
 * taking too long, or went without saying what became of it: what it did outside of Stoa may be done already. */
static inline int stoa_attempt(struct stoa_event *ev);

/* How the client came, in every event that it causes (Flask's request, Node's handshake). NULL, or {}: not there. Text
 * is UTF-8, what was none in it having become U+FFFD. Of several with one name: the last in the query, the first
 * cookie, headers joined by ", ". */
static inline const char *stoa_query(struct stoa_event *ev, const char *name);  /* decoded; NULL with a NUL inside */
static inline const char *stoa_header(struct stoa_event *ev, const char *name); /* any case */
static inline const char *stoa_cookie(struct stoa_event *ev, const char *name); /* as sent, quotes around it removed */
static inline const char *stoa_address(struct stoa_event *ev);   /* "192.0.2.1": who opened the TCP connection */
static inline const char *stoa_transport(struct stoa_event *ev); /* "websocket" or "polling", when the event came */
/* Whether it is a client that was here before, lost its connection, and has its sid, rooms and session again
 * (docs/recovery.md); in its "connect" and in all that follows. It was told gone by a "disconnect" then. */
static inline bool stoa_recovered(struct stoa_event *ev);
static inline struct stoa_value stoa_auth(
	struct stoa_event *ev); /* what the client passed as `auth`, {} when nothing */
/* The claims of the token by which the client was let in, or that it has shown since: {"sub": .., "exp": .., ..}; {} where the gateway
 * asks for none. The gateway has checked them (docs/authentication.md): unlike auth they are not what anybody says. */
static inline struct stoa_value stoa_claims(struct stoa_event *ev);

/* --- Reading values ----------------------------------------------------------------------------------------------- */

/* Reads the event's arguments by the C type of each pointer: bool, any int type (checked for range; 1.0 is a whole
 * number too), double (any number), const char * (text; fails on a NUL inside), struct stoa_bytes, struct stoa_value
 * (anything), or one of the two forms below. Too few or the wrong type: STOA_EINPUT, and the event has its message
 * ("argument 1: expected object with text `room`"). More than asked for is no error. On failure nothing is stored.
 * Forms nest, and stand inside the call that uses them. */
#define stoa_unpack(ev, ...) stoa_unpack_((ev), STOA_SLOTS_(__VA_ARGS__))
#define stoa_fields(...)     stoa_fields_(STOA_SLOTS_(__VA_ARGS__), STOA_PAIRED_(__VA_ARGS__)) /* "key", &place, ... */
#define stoa_optional(place) stoa_optional_(STOA_SLOT_(place)) /* leaves the place alone when missing or null */

/* The same for one value: stoa_read(stoa_auth(ev), stoa_fields("token", &token)). 0 or STOA_EINPUT, no message. */
#define stoa_read(value, place) stoa_read_((value), STOA_SLOT_(place))

#define STOA_EINPUT (-22) /* -EINVAL: not what the handler asked for */

/* What MessagePack has beyond JSON (the option `parser`) reads as what JSON makes of it: a Date is its text, undefined is
 * null, an ext the array [type, binary]; a NaN, which JSON has not, is a number. Passed on, all stay what they were. */
enum stoa_type { STOA_NULL, STOA_BOOL, STOA_INT, STOA_FLOAT, STOA_TEXT, STOA_BYTES, STOA_ARRAY, STOA_OBJECT };

/* Walking a shape that is not known. What does not exist is null, so steps need no checks between them. */
static inline enum stoa_type stoa_type(struct stoa_value v);
static inline size_t stoa_size(struct stoa_value v); /* items, members, bytes of text or binary; else 0 */
static inline struct stoa_value stoa_at(struct stoa_value v, size_t i); /* an array's item, an object's i-th value */
static inline const char *stoa_key(struct stoa_value v, size_t i);      /* an object's i-th key, else NULL */
static inline struct stoa_value stoa_get(struct stoa_value v, const char *key); /* the last member of that name */

static inline const char *stoa_to_json(struct stoa_value v);     /* for logs and stores; binary shows as its size */
static inline struct stoa_value *stoa_keep(struct stoa_value v); /* a copy in one block, NULL: no memory; free() it */

/* --- Building values ---------------------------------------------------------------------------------------------- */

/* Wherever a call takes `values...`, C's own types are values: 42, 0.5, "text", true, NULL, a struct stoa_value;
 * another type does not compile, nor does another void * than NULL. One thing C cannot see: a comparison is an int and
 * arrives as 0 or 1; say stoa_bool(a == b). At most 23 values in one call, 12 members in one object. What is built here
 * lives until the handler returns (in setting up: as long as the application), so it may be returned, stored and
 * appended. Out of memory makes it unusable, not NULL: the call that uses it then fails. */
#define stoa_object(...) stoa_object_(STOA_LIST_(__VA_ARGS__), STOA_PAIRED_(__VA_ARGS__)) /* "key", value, ... */
#define stoa_array(...)  stoa_array_(STOA_LIST_(__VA_ARGS__))
static inline struct stoa_value stoa_bool(bool b);
static inline struct stoa_value stoa_text(const char *text);             /* must be UTF-8; NULL is null */
static inline struct stoa_value stoa_bytes(const void *at, size_t size); /* arrives as ArrayBuffer, Buffer, bytes */
static inline struct stoa_value stoa_json(const char *json);             /* raw JSON; unusable when it is none */
static inline struct stoa_value stoa_spread(struct stoa_value array);    /* its items, as that many values */

/* Text by printf; an array and an object to grow in a loop, used as *list and *dict. Also the way to say "nothing":
 * stoa_ack(ack, stoa_spread(*stoa_list())) acks with no values. Of a key put twice the last counts. */
static inline const char *stoa_format(const char *format, ...) STOA_PRINTF_(1, 2);
static inline struct stoa_value *stoa_list(void);
static inline struct stoa_value *stoa_dict(void);
#define stoa_append(list, value)   stoa_append_((list), STOA_V_(value))
#define stoa_put(dict, key, value) stoa_put_((dict), (key), STOA_V_(value))

/* --- Whom --------------------------------------------------------------------------------------------------------- */

/* Calls taking `to` accept an event, meaning its sender, or a target, Flask's keyword arguments by name:
 *
 *	stoa_emit(ev, ..)                                          emit(..)
 *	stoa_emit(stoa_to(ev, room), ..)                           emit(.., to=room)      room or sid
 *	stoa_emit(stoa_to(ev, room, .skip_self = true), ..)        emit(.., to=room, include_self=False)
 *	stoa_emit(stoa_to(ev, .broadcast = true), ..)              emit(.., broadcast=True)
 *	stoa_emit(stoa_to(ev, .rooms = stoa_names("a", "b"), .skip = stoa_names(sid)), ..)
 *
 * Each client once. A room wins over broadcast, as there. With neither, the sender - in `.namespace` if given, where it
 * has joined that too; with no sender (a tick), -EDESTADDRREQ: broadcasting is always said. */
struct stoa_target {
	struct stoa_event *from;  /* stoa_to() sets it */
	const char *room;         /* a room or a sid */
	const char *const *rooms; /* several, ended by NULL; beside `room` if both are given */
	const char *const *skip;  /* sids or rooms left out, ended by NULL */
	const char *namespace;    /* NULL: the event's */
	bool broadcast;           /* everybody in the namespace */
	bool skip_self;           /* not the sender */
	bool local;               /* only clients of the gateway that carries this out */
	bool is_volatile;         /* dropped for a client that has output waiting */
	bool latest;              /* drops what waits for a client under the same event name; see below */
	bool uncompressed;        /* sent as it is; a polling answer that holds other events too may be compressed */
};
#define stoa_to(ev, ...) ((struct stoa_target){ .from = (ev), __VA_ARGS__ })
#define stoa_names(...)  ((const char *const[]){ __VA_ARGS__, NULL })

/* `.latest` is for numbers of which only the newest counts (a dashboard, a position): what still waits for a client of
 * the same event in the same namespace, emitted so too, is dropped and counted, and this takes its turn at the end. So
 * a slow client gets fewer of them instead of being closed as slow; one that keeps up gets all. For stoa_emit() only. */

/* --- Doing -------------------------------------------------------------------------------------------------------- */

/* stoa_emit(to, event, values...). -EINVAL: a reserved name ("connect", ..) or a value that cannot be sent. An
 * attachment that came once and is named many times goes out many times, and counts as many (-E2BIG). */
#define stoa_emit(to, ...) stoa_emit_(STOA_TO_(to), STOA_NAME_(__VA_ARGS__, 0), STOA_LIST_(__VA_ARGS__))
#define stoa_send(to, ...) stoa_emit_(STOA_TO_(to), "message", STOA_LIST_("message", __VA_ARGS__))

/* Answers the client's ack: stoa_ack(ev, values...) now, once (-EALREADY), nothing if it did not ask. A handler that
 * returns 0 without it acks with no values. To answer later, take the ack out of the event; it is a plain value that
 * any later handler may use once, and one never used is answered as a failure when `ack_timeout` runs out or the
 * process ends. If the event fails after all, that is the answer, and the ack taken out is spent. */
static inline struct stoa_ack stoa_defer(struct stoa_event *ev);
#define stoa_ack(ack, ...) stoa_ack_(STOA_ACK_(ack), STOA_LIST_(__VA_ARGS__))

/* That ack in what its event began, before stoa_defer() or after: in answers, timers, background tasks, and in what
 * these begin in turn. So stoa_ack(stoa_asked(ev), values...) is all that fn has to say, and of several the first is the
 * answer. Everywhere else, and once the ack was answered, it is an empty one: using it does nothing and returns 0. What
 * a background task's work gets is not looked at before it is used; the log says then that there was nothing to
 * answer. */
static inline struct stoa_ack stoa_asked(struct stoa_event *ev);

/* stoa_fail(ev, message[, data]): returns -EPERM for the handler to return; the event fails even if it does not. The
 * client sees both: of a refused connect, or in the ack. */
#define stoa_fail(ev, ...) stoa_fail_((ev), STOA_NAME_(__VA_ARGS__, 0), STOA_LIST_(__VA_ARGS__))

/* In a "handshake" handler: adds a header to its answer, a refusal too; the second one to every later answer of the
 * session as well. Twice the same name is two lines. -EINVAL: not in that handler, no header's name, a value that is
 * not printable ASCII, or a header that the server writes itself (Connection, Content-*, Date, Access-Control-*, ..);
 * -ENOSPC: more than 2 KB in all. */
static inline int stoa_set_header(struct stoa_event *ev, const char *name, const char *value);
static inline int stoa_set_session_header(struct stoa_event *ev, const char *name, const char *value);

/* For the sender, or for all clients a target names (Node's socketsJoin, ..), so stoa_to(ev, sid) is for one of them.
 * Closing a room has all leave it; in another namespace: stoa_leave_room(stoa_to(ev, room, .namespace = "/x"), room). */
#define stoa_join_room(to, room)      stoa_join_room_(STOA_TO_(to), (room))
#define stoa_leave_room(to, room)     stoa_leave_room_(STOA_TO_(to), (room))
#define stoa_close_room(ev, room)     stoa_leave_room_(stoa_to((ev), (room)), (room))
#define stoa_disconnect(to)           stoa_disconnect_(STOA_TO_(to), false)
#define stoa_disconnect_transport(to) stoa_disconnect_(STOA_TO_(to), true) /* all its namespaces, and the connection */

/* The client's own rooms and session as of now, this handler's changes included. Rooms are an array of texts, its sid
 * among them; a session is an object of the application's own, one per client and namespace, that lives as long as the
 * client does (its disconnect handler still sees it) and that stoa_fetch_sockets() shows as `data`. Both are null in
 * timers, answers, tasks and server events: nobody's state came along; fetch it. */
static inline struct stoa_value stoa_rooms(struct stoa_event *ev);
static inline struct stoa_value stoa_session(struct stoa_event *ev);

/* stoa_session_put(ev, key, value): sets one key of the session of the event's client, null removes it. -E2BIG: as JSON
 * the session would be longer than `max_session_bytes`; -EDESTADDRREQ: the event has no client; -EINVAL: not UTF-8, or
 * binary, which a session does not hold. In timers, answers and tasks too: what the session holds by then is not known
 * here, so that one past the limit shows in the log only. */
#define stoa_session_put(ev, key, value) stoa_session_put_((ev), (key), STOA_V_(value))

/* --- Asking, and later (see LATER above) -------------------------------------------------------------------------- */

/* stoa_call(to, timeout_ms, fn, ctx, event, values...): Flask's call() and emit(callback=). fn's arguments are what
 * the client acked. With several clients fn runs when all have answered or time is up, and goes through them with
 * stoa_next(). Status: 0 all did, else some did not: -ETIMEDOUT, or -ENOTCONN, they left, or -E2BIG, there were more
 * answers than `max_answers` or `max_answer_memory`, and what came later is left out. The call returns -EINVAL:
 * timeout_ms is not above 0, or as for stoa_emit(); -EAGAIN: too many wait for answers; -ECANCELED: the process is
 * ending. */
#define stoa_call(to, timeout_ms, fn, ctx, ...) \
	stoa_call_(STOA_TO_(to), (timeout_ms), (fn), (ctx), STOA_NAME_(__VA_ARGS__, 0), STOA_LIST_(__VA_ARGS__))

/* Who is there: one answer per client that `to` names, {"id", "rooms", "data", "handshake"}; data is its session,
 * handshake is {"address", "query", "headers", "auth"}, with `claims` where tokens are asked for; auth and claims are there
 * for clients of the same gateway alone. So it is also the way to another client's rooms and session, and
 * to count: nobody is status 0 and no answer. Errors and status as for stoa_call(). */
#define stoa_fetch_sockets(to, timeout_ms, fn, ctx) stoa_fetch_sockets_(STOA_TO_(to), (timeout_ms), (fn), (ctx))

/* stoa_server_side_emit(ev, timeout_ms, fn, ctx, event, values...): to stoa_on_server() of all other servers, in the
 * namespace of ev; one answer each. fn may be NULL: no answers wanted, and timeout_ms has no meaning. A gateway alone
 * has no others: status 0 and no answer. "start" and "stop" are this process's own: -EINVAL. */
#define stoa_server_side_emit(ev, timeout_ms, fn, ctx, ...) \
	stoa_server_side_emit_((ev), (timeout_ms), (fn), (ctx), STOA_NAME_(__VA_ARGS__, 0), STOA_LIST_(__VA_ARGS__))

/* while (stoa_next(ev)) stoa_unpack(ev, ..): each answer in turn. Not needed for a single one. stoa_missing(): an array
 * of the names of servers that stayed silent; empty when none did, as in a gateway alone. */
static inline bool stoa_next(struct stoa_event *ev);
static inline size_t stoa_answers(struct stoa_event *ev); /* how many there are, wherever stoa_next() is; else 0 */
static inline struct stoa_value stoa_missing(struct stoa_event *ev);

/* Once, after `ms`, below 0 being 0. Returns a number > 0 for stoa_cancel(), or -EAGAIN: too many timers, or
 * -ECANCELED: the process is ending. stoa_cancel() has fn run with -ECANCELED as soon as the running handler's effects
 * are carried out, and is harmless when fn has run. */
static inline int64_t stoa_after(struct stoa_event *ev, int64_t ms, stoa_fn *fn, void *ctx);
static inline void stoa_cancel(struct stoa_event *ev, int64_t timer);

/* Runs `work` on a thread of a pool of `background_threads`, as soon as one is free, and then `done` (or NULL) as a
 * handler of its own, its status what work returned. -EAGAIN: `max_background_tasks` run or wait already; -ECANCELED: the
 * process is ending. `ctx` is work's and done's: free it in done. If work never began because the process ends, done
 * runs all the same, with -ECANCELED.
 *
 * In work, ev has the sid, the namespace and the name of the event that began it, but no arguments, rooms or session.
 * Emits, acks taken out before, joins, disconnects, stoa_session_put(), stoa_call() and stoa_fetch_sockets() may be used
 * and leave at once, each by itself, in order; answers and timeouts come as events to a handler, not to work. They
 * never wait: when the loop is behind by `max_effects` of them, they fail with -ENOSPC until it has caught up
 * (-ECANCELED when the process is ending). That an ack was given before is said in the log only, and of too many calls
 * the last have their fn run with -EAGAIN. Timers are not for work (-EINVAL). What work builds lives until it returns or
 * calls stoa_sleep(). ev and its values must not go to other threads; variables of the module that handlers use too
 * need a lock.
 *
 * stoa_sleep() is for work only: 0 after `ms`, or -ECANCELED as soon as the process is ending and work should return.
 * It is waited for then, at most `background_timeout`: a process that ends with work still running exits with 1, names
 * it in the log, and its done does not run. */
static inline int stoa_start_background_task(struct stoa_event *ev, stoa_fn *work, stoa_fn *done, void *ctx);
static inline int stoa_sleep(struct stoa_event *ev, int64_t ms);

/* --- Logging ------------------------------------------------------------------------------------------------------ */

/* One logfmt line with sid, namespace and event added, control characters escaped. ev may be NULL, as in setting up. */
enum stoa_level { STOA_ERROR, STOA_WARN, STOA_INFO, STOA_DEBUG };
static inline void stoa_log(struct stoa_event *ev, enum stoa_level level, const char *format, ...) STOA_PRINTF_(3, 4);

#include "stoa_plain.h" /* the functions behind the macros, and the table, for other languages' bindings */
#endif
