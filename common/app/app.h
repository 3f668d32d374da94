/*
 * app.h - an application: a module's handlers, and one event at a time run through them.
 *
 * This is the host's side of stoa.h. The host (gateway/dispatch, later a broker's worker) loads a module, hands it
 * events, and carries out the batch of effects that each event leaves. Nothing here does I/O or reads a clock: time
 * comes as an argument, and what is to happen goes out through struct app_port.
 *
 * Not reentrant: the port's functions must not call app_event(), app_answer(), app_tick(), app_start() or app_stop()
 * of the same application. The host queues what its execution of a batch causes.
 */
#ifndef STOA_APP_APP_H
#define STOA_APP_APP_H

#include "slice.h"
#include "value.h"

struct app;

/* --- What the host tells ------------------------------------------------------------------------------------------ */

/* How a client came. One per connection; lives as long as it. */
struct app_handshake {
	struct slice query;   /* as sent, still encoded */
	struct slice headers; /* lines "name: value\n", names in lower case, in the order sent */
	const char *address;  /* "192.0.2.1" */
};

/* The client an event comes from. Valid while the event is handled. */
struct app_client {
	const char *sid;
	const char *nsp;
	const struct app_handshake *handshake;
	struct slice auth;     /* JSON text of an object; empty: none was given */
	const char *transport; /* "websocket", "polling" */
	void *host;            /* the host's own, handed back in struct effect_target */
};

enum app_kind { APP_CONNECT, APP_EVENT, APP_DISCONNECT };

struct app_event_in {
	enum app_kind kind;
	const struct app_client *client;
	struct slice name;         /* APP_EVENT: the name's JSON token ("\"join\"", or a number) */
	struct slice items;        /* APP_EVENT: JSON text of the arguments between the brackets, checked */
	unsigned flags;            /* JSON_* of it */
	const struct slice *blobs; /* attachments; live until app_event() returns */
	size_t n_blobs;
	bool wants_ack;
	uint64_t ack_id;
	const char *reason; /* APP_DISCONNECT: "transport close", .. */
};

/* --- What a handler leaves: one ordered batch --------------------------------------------------------------------- */

enum effect_kind {
	EFFECT_ACCEPT,    /* of a connect, always first: the client is in the namespace */
	EFFECT_REFUSE,    /* of a connect, always first: json is {"message":..[,"data":..]} */
	EFFECT_EMIT,      /* json: ["event",..] */
	EFFECT_CALL,      /* the same, asking for acks; call is the number to answer with */
	EFFECT_ACK,       /* json: [..]; to sid, ack_id */
	EFFECT_JOIN,      /* room */
	EFFECT_LEAVE,     /* room */
	EFFECT_DISCONNECT /* transport: the whole connection */
};

/* Whom: all of `rooms`, or everybody (broadcast), or one client (sid; the sender with host). Each client once. One
 * client in the event's own namespace never comes with skip or skip_self: it is then the room of its sid. */
struct effect_target {
	const char *nsp;
	const char *sid;           /* the sender's, also when rooms or broadcast choose others; NULL: no sender */
	const char *sid_nsp;       /* where sid is a client; nsp differs when `.namespace` was given */
	void *host;                /* of the sender, when nsp is the sender's own; else NULL: look sid up */
	void *sender;              /* the host's own of the event's client, whatever nsp is; NULL in a later event */
	const struct slice *rooms; /* names; a sid is a room too */
	size_t n_rooms;
	const struct slice *skip; /* rooms and sids left out */
	size_t n_skip;
	bool broadcast;
	bool skip_self;
	bool local;
	bool is_volatile;
};

struct effect {
	struct effect *next;
	enum effect_kind kind;
	struct effect_target to;
	struct slice json; /* text; EFFECT_REFUSE, EMIT, CALL, ACK */
	const struct slice *blobs;
	size_t n_blobs;
	struct slice room; /* JOIN, LEAVE */
	bool transport;    /* DISCONNECT */
	uint64_t ack_id;   /* ACK */
	uint64_t call;     /* CALL */
};

/* --- What the application needs of the host ----------------------------------------------------------------------- */

struct app_port {
	/* Carries out a batch, in order. All of it is freed when this returns. An EFFECT_CALL is answered later, or from
	 * inside this call with app_call_expect() and nothing else. */
	void (*execute)(void *ctx, const struct effect *first);
	/* The rooms that a client is in now, its own sid among them, each handed to `each`. */
	void (*rooms)(void *ctx, const struct app_client *client, void (*each)(void *to, struct slice room), void *to);
	void *ctx;
};

struct app_limits {
	unsigned max_json_depth;
	size_t max_room_bytes;
	size_t max_timers;      /* of stoa_after(), pending calls and deferred acks, each */
	size_t max_effects;     /* per event, but for the ack it was asked for; 0: no limit */
	int64_t ack_timeout_ms; /* of deferred acks; 0: they wait for ever */
};

struct app_setup {
	const struct app_port *port;
	struct app_limits limits;
	const char *const (*options)[2]; /* name, value; ended by {NULL, NULL}; lives as long as the app */
};

/* --- Life --------------------------------------------------------------------------------------------------------- */

/* The entry that STOA_APP makes of a module. */
struct stoa_host;
struct stoa_app;
typedef void app_setup_fn(const struct stoa_host *host, struct stoa_app *app);

/* Loads the module at `path` and runs its STOA_APP. NULL: not loaded, and `why` says so in one sentence (no such file,
 * no application in it, another ABI, what its setup complained of). */
struct app *app_load(const char *path, const struct app_setup *setup, char *why, size_t why_size);
/* The same for an entry that is linked into the program; `name` is what `why` calls it. */
struct app *app_from(const char *name, app_setup_fn *fn, const struct app_setup *setup, char *why, size_t why_size);
/* NULL is fine. What still waits ends with -ECANCELED first, what that leaves not being carried out: app_stop() before
 * it does that. Unloads the module. */
void app_free(struct app *a);

void app_start(struct app *a, int64_t now_ms); /* "start" handlers, then the periodic tasks run */
/* Cancels what is pending (-ECANCELED), answers deferred acks as failures, then "stop" handlers. Nothing new can be
 * begun after it: stoa_after(), stoa_call() and stoa_defer() answer -ECANCELED. */
void app_stop(struct app *a, int64_t now_ms);

/* --- Events ------------------------------------------------------------------------------------------------------- */

bool app_has_namespace(struct app *a, struct slice nsp); /* by an exact, prefix or "*" handler */

/* Runs the handlers for one event, then port->execute with what they left. A connect always leaves EFFECT_ACCEPT or
 * EFFECT_REFUSE first. An event nobody handles leaves nothing (no ack is sent, as in the reference). */
void app_event(struct app *a, int64_t now_ms, const struct app_event_in *in);

/* Answers to EFFECT_CALL `call`: how many clients were asked (may be 0; allowed inside execute), then one of the two
 * for each. Unknown numbers (timed out) are ignored. fn runs when all have answered; app_tick() runs it in time if not.
 * Without app_call_expect() a call to one client (no rooms, no broadcast) expects one answer, any other waits for its
 * deadline. The slices are copied. */
void app_call_expect(struct app *a, uint64_t call, size_t clients);
void app_answer(struct app *a, int64_t now_ms, uint64_t call, const char *sid, struct slice items, unsigned flags,
	const struct slice *blobs, size_t n_blobs);
void app_answer_gone(struct app *a, int64_t now_ms, uint64_t call, const char *sid);

/* When app_tick() wants to run next; INT64_MAX: never. May be now or past; may change with every call above. */
int64_t app_due_ms(const struct app *a);
void app_tick(struct app *a, int64_t now_ms); /* timers, deadlines of calls and of deferred acks */

#endif
