/*
 * stoa_test.h - drive an application in a unit test: no sockets, no clock but the test's own.
 *
 *	#include <stoa_test.h>
 *
 *	struct stoa_test *t = stoa_test_open("./chat.so", NULL);
 *	struct stoa_test_client *ada = stoa_test_connect(t, .auth = stoa_object("name", "Ada"));
 *
 *	stoa_test_emit(ada, "join", stoa_object("room", "tea"));
 *	ck_assert_str_eq(stoa_to_json(stoa_test_received(ada)),
 *		"{\"name\":\"join\",\"args\":[\"Ada joined the room\"],\"namespace\":\"/\"}");
 *	stoa_test_close(t);
 *
 * BUILDING. cc -o test_chat test_chat.c $(pkg-config --cflags --libs stoa-test check). Any test framework will do, or
 * none.
 *
 * WHAT RUNS. The gateway itself, all but its sockets: the module is loaded as the gateway loads it, and what clients
 * receive was encoded by the gateway and decoded as a client decodes it. Clients speak as by WebSocket and behave as the
 * stock ones do: they answer pings, and a connection with no client left on it ends. All else is at its default, so
 * limits apply.
 *
 * WHEN. Handlers run inside the call that causes them, and when it returns all that follows at once has happened:
 * effects, deliveries to all clients, timers of 0 ms. Later things (timers, deadlines, stoa_every()) happen in
 * stoa_test_pass() and nowhere else, each at its own time. So do background tasks: they begin with the next
 * stoa_test_pass(), if of 0 ms, and run one at a time, the test waiting; stoa_sleep() is the test's time too, and work
 * takes none otherwise.
 *
 * VALUES are built and read as in a handler: stoa_object(), stoa_array(), stoa_list(), stoa_get(), stoa_read(),
 * stoa_to_json(), stoa_format(), .. What stoa_test_ functions return lives until the test is closed, what is built
 * outside of handlers until the last open one is. Two values are equal when their stoa_to_json() are, binary aside, of
 * which that shows the size.
 *
 * MISUSE. Every call aborts the program with a sentence on standard error that names it when it is used wrongly (a client
 * that is not connected, a reserved event, a value that cannot be sent, a module that cannot be loaded), so none returns
 * an error.
 *
 * Several tests may be open at once, each with a clock of its own; those of one module share its variables. One thread.
 */
#ifndef STOA_TEST_H
#define STOA_TEST_H

#include "stoa.h"

#if defined(__GNUC__)
#pragma GCC visibility push(default)
#endif

struct stoa_test;        /* an application and a clock */
struct stoa_test_client; /* one client in one namespace; freed with its test */

/* --- The application ---------------------------------------------------------------------------------------------- */

/* Loads `module`, a path, and runs its "start". `options` are the application's own, "name=value", ended by NULL:
 * stoa_names("tick=5"); NULL: none. Close runs "disconnect" of all clients ("server shutting down"), then "stop", and
 * unloads the module; NULL is fine. */
struct stoa_test *stoa_test_open(const char *module, const char *const *options);
void stoa_test_close(struct stoa_test *t);

void stoa_test_pass(struct stoa_test *t, int64_t ms); /* lets time pass; 0: what waits already */

/* --- Clients ------------------------------------------------------------------------------------------------------ */

/*
 *	stoa_test_connect(t)
 *	stoa_test_connect(t, "/chat", .auth = stoa_object("token", "x"), .query = "a=1&b=2",
 *		.headers = stoa_names("Cookie: id=7"), .address = "192.0.2.7")
 *	stoa_test_connect(t, "/news", .beside = c)     another namespace on the connection of c, whose query, .. it has
 *
 * Returns when the application has accepted or refused.
 */
struct stoa_test_visitor {
	int unused_;
	struct stoa_test *test;
	const char *namespace;           /* NULL: "/" */
	struct stoa_value auth;          /* an object; not given: none */
	const char *query;               /* encoded, as in an URL; behind the client's own EIO and transport */
	const char *const *headers;      /* "Name: value", ended by NULL */
	const char *address;             /* NULL: "127.0.0.1" */
	struct stoa_test_client *beside; /* NULL: a connection of its own */
};
#define stoa_test_connect(...) stoa_test_connect_((struct stoa_test_visitor){ .unused_ = 0, __VA_ARGS__ })

bool stoa_test_connected(struct stoa_test_client *c);  /* was accepted, and has not gone since */
const char *stoa_test_sid(struct stoa_test_client *c); /* NULL: was never connected */

/* {"message", "data"} of a connect that was refused, {"message"} when it was by a "handshake" handler; null when it was
 * not. */
struct stoa_value stoa_test_refusal(struct stoa_test_client *c);

void stoa_test_disconnect(struct stoa_test_client *c); /* it leaves its namespace: "client namespace disconnect" */
void stoa_test_drop(struct stoa_test_client *c);       /* its connection is lost, for all on it: "transport close" */

/* --- Events ------------------------------------------------------------------------------------------------------- */

/* stoa_test_emit(c, event, values...), stoa_test_send(c, values...): the client emits, or sends a `message`. */
#define stoa_test_emit(c, ...) stoa_test_emit_((c), STOA_NAME_(__VA_ARGS__, 0), STOA_LIST_(__VA_ARGS__))
#define stoa_test_send(c, ...) stoa_test_emit_((c), "message", STOA_LIST_("message", __VA_ARGS__))

/* stoa_test_call(c, event, values...): emits with a callback and returns what the application acked, an array; null: it
 * has not yet. An ack that comes later is for stoa_test_acked(), which takes the oldest of those; null: there is none. */
#define stoa_test_call(c, ...) stoa_test_call_((c), STOA_NAME_(__VA_ARGS__, 0), STOA_LIST_(__VA_ARGS__))
struct stoa_value stoa_test_acked(struct stoa_test_client *c);

/* Takes the oldest event that c received: {"name", "args", "namespace"}, args being an array; null when none is left.
 * What was received stays to be taken when c is disconnected. */
struct stoa_value stoa_test_received(struct stoa_test_client *c);

/* stoa_test_answer(c, values...): acks the event that stoa_test_received() gave last, if it asked for that
 * (stoa_call()), once. */
#define stoa_test_answer(c, ...) stoa_test_answer_((c), STOA_LIST_(__VA_ARGS__))

/* --- Behind the macros -------------------------------------------------------------------------------------------- */

struct stoa_test_client *stoa_test_connect_(struct stoa_test_visitor visitor);
void stoa_test_emit_(struct stoa_test_client *c, const char *event, struct stoa_list list);
struct stoa_value stoa_test_call_(struct stoa_test_client *c, const char *event, struct stoa_list list);
void stoa_test_answer_(struct stoa_test_client *c, struct stoa_list list);

/* A test program has no STOA_APP to be handed the table that values are built with: the library has one. */
extern struct stoa_host stoa_test_host_;

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

__attribute__((weak)) const struct stoa_host *stoa_host_ = &stoa_test_host_;

#endif
