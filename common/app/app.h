/*
 * app.h - an application: a module's handlers, and one event at a time run through them.
 *
 * This is the host's side of stoa.h. The host (gateway/dispatch, later a broker's worker) loads a module, hands it
 * events, and carries out the batch of effects that each event leaves. Nothing here does I/O or reads a clock: time
 * comes as an argument, and what is to happen goes out through struct app_port.
 *
 * Background work is the one thing that runs on other threads: the host lends some (struct app_threads), and what the
 * work does comes back through a mailbox that app_tick() empties. All other functions are for the loop's thread.
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
	struct slice claims;   /* the same of the token that was checked; empty: none was asked for */
	const char *transport; /* "websocket", "polling" */
	bool recovered;        /* it lost its connection before and is the one it was: connection state recovery */
	void *host;            /* the host's own, handed back in struct effect_target */
};

/* APP_DISCONNECTING is the application's own: app_event() runs it before an APP_DISCONNECT. APP_SERVER is what another
 * server said; it has no client (app_server_event()). */
enum app_kind { APP_CONNECT, APP_EVENT, APP_DISCONNECT, APP_DISCONNECTING, APP_SERVER };

struct app_event_in {
	enum app_kind kind;
	const struct app_client *client;
	struct slice name;  /* APP_EVENT: text or a number, in the setup's encoding ("\"join\"" or "5" in JSON) */
	struct slice items; /* APP_EVENT: the arguments without the array around them, in it, checked */
	unsigned flags;     /* JSON_* of them */
	const struct slice *blobs; /* attachments; live until app_event() returns */
	size_t n_blobs;
	bool wants_ack;
	uint64_t ack_id;
	const char *reason; /* APP_DISCONNECT: "transport close", .. */
	int attempt;        /* how often it was begun, this time included; 0: once */
	const char *from;   /* the host's own text, for struct app_origin; NULL: none */
};

/* A request that asks for a session, or was refused: there is no client yet. Valid during the call. */
struct app_request {
	const struct app_handshake *handshake;
	const char *transport; /* "websocket", "polling"; NULL: it named neither */
	int attempt;           /* as in struct app_event_in */
};

/* --- What a handler leaves: one ordered batch --------------------------------------------------------------------- */

/* Where an effect's `json` is what clients will receive, it is in the setup's encoding: for MessagePack it is not JSON
 * text but what stands for that, its binary in place. */

enum effect_kind {
	EFFECT_ACCEPT,     /* of a connect, always first: the client is in the namespace */
	EFFECT_REFUSE,     /* of a connect, always first: json is {"message":..[,"data":..]} */
	EFFECT_EMIT,       /* json: ["event",..] */
	EFFECT_CALL,       /* the same, asking for acks; call is the number to answer with */
	EFFECT_ACK,        /* json: [..]; to sid, ack_id; sid NULL: to the server whose event had that ack_id */
	EFFECT_JOIN,       /* room */
	EFFECT_LEAVE,      /* room */
	EFFECT_DISCONNECT, /* transport: the whole connection */
	EFFECT_ADMIT,      /* of a request, always first: it gets its session; headers */
	EFFECT_DENY,       /* of a request, always first: text is the message for the client; headers */
	EFFECT_SESSION,    /* key, json: a change of the sender's session; json empty: the key goes */
	EFFECT_FETCH,      /* call: who is there; answered with app_call_found() */
	EFFECT_SERVERS     /* json: ["event",..]; to all other servers; call 0: no answers wanted */
};

/* Whom: all of `rooms`, or everybody (broadcast), or one client (sid; the sender with host). Each client once. One
 * client in the event's own namespace never comes with skip or skip_self: it is then the room of its sid. */
struct effect_target {
	const char *nsp;
	const char *sid;           /* the sender's, also when rooms or broadcast choose others; NULL: no sender */
	const char *sid_nsp;       /* where sid is a client; nsp differs when `.namespace` was given */
	void *host;                /* of the sender, when nsp is the sender's own; else NULL: look sid up */
	void *sender;              /* the host's own of the event's client, whatever nsp is; NULL in a later event */
	const char *from;          /* app_event_in's; of an ack given later, that of the event it answers */
	const struct slice *rooms; /* names; a sid is a room too */
	size_t n_rooms;
	const struct slice *skip; /* rooms and sids left out */
	size_t n_skip;
	bool broadcast;
	bool skip_self;
	bool local;
	bool is_volatile;
	bool latest; /* EMIT: replaces what waits under the same namespace and name */
	bool uncompressed;
};

struct effect {
	struct effect *next;
	enum effect_kind kind;
	struct effect_target to;
	struct slice json; /* EFFECT_REFUSE, EMIT, CALL, ACK, SERVERS: in the setup's encoding; SESSION: text */
	const struct slice *blobs;
	size_t n_blobs;
	struct slice room;  /* JOIN, LEAVE */
	bool transport;     /* DISCONNECT */
	uint64_t ack_id;    /* ACK */
	uint64_t call;      /* CALL, FETCH, SERVERS */
	int64_t timeout_ms; /* the same: how long it waits for answers */
	struct slice key;   /* SESSION: as a JSON token */
	struct slice text;  /* DENY */
	/* ADMIT, DENY: lines "Name: value\r\n", for its answer, and for every answer of the session. */
	struct slice headers, session_headers;
};

/* --- What the application needs of the host ----------------------------------------------------------------------- */

struct app_port {
	/* Carries out a batch, in order. All of it is freed when this returns. An EFFECT_CALL is answered later, or from
	 * inside this call with app_call_expect() and app_call_found() and nothing else. */
	void (*execute)(void *ctx, const struct effect *first);
	/* The rooms that a client is in now, its own sid among them, each handed to `each`. */
	void (*rooms)(void *ctx, const struct app_client *client, void (*each)(void *to, struct slice room), void *to);
	/* What EFFECT_SESSION put into its session, each key once; both are JSON text. */
	void (*session)(void *ctx, const struct app_client *client,
		void (*each)(void *to, struct slice key, struct slice json), void *to);
	void *ctx;
};

/* Whose batch port->execute() is given. */
struct app_origin {
	const char *sid, *nsp; /* sid NULL: no client's */
	const char *from;      /* app_event_in's, of the event that began it; NULL: it had none, or there is none */
	/* It is a timer's, an answer's, a task's or the like; not that of the event which app_event() or one of its
	 * neighbours was called for. */
	bool is_later;
};

/* The work of one background task. */
struct app_job;

/* Threads for background work. start(), sleep() and wake() are called from any thread. */
struct app_threads {
	/* Has app_job_run(job) called once: on another thread, or later on this one. 0, or -EAGAIN. */
	int (*start)(void *ctx, struct app_job *job);
	/* From inside app_job_run(): 0 after ms, -ECANCELED at once or as soon as end() is called. */
	int (*sleep)(void *ctx, int64_t ms);
	/* The loop's thread is to call app_tick() soon. */
	void (*wake)(void *ctx);
	/* From app_stop(): waits until all jobs have been run, as long as the host has time. */
	void (*end)(void *ctx);
	void *ctx;
};

struct app_limits {
	unsigned max_json_depth;
	size_t max_room_bytes;
	size_t max_timers;                    /* of stoa_after(), pending calls and deferred acks, each */
	size_t max_effects;                   /* per event, but for the ack it was asked for; 0: no limit */
	int64_t ack_timeout_ms;               /* of deferred acks; 0: they wait for ever */
	size_t max_attachments;               /* of one packet that goes out; 0: none go */
	size_t max_session_bytes;             /* of a session as JSON text; 0: no limit, as for those below */
	size_t max_answers, max_answer_bytes; /* of one call */
	size_t max_handler_bytes; /* of memory for one event; also of what waits in the mailbox of background work */
	size_t max_jobs;          /* background tasks that run or wait for a thread; 0: none do */
	int64_t slow_handler_ms;  /* an event that takes longer is named in the log */
	/* Who carries out calls ends them in time, with app_call_end(): so much later they end all the same. */
	int64_t call_slack_ms;
};

struct gateway_options;
struct app_limits app_limits_of(const struct gateway_options *o);

struct app_setup {
	const struct app_port *port;
	const struct app_threads *threads; /* NULL: no background tasks */
	int64_t (*clock_ms)(void);         /* for how long handlers take; NULL: nobody measures */
	struct app_limits limits;
	enum value_encoding encoding;    /* of what clients send and receive: their parser's */
	const char *const (*options)[2]; /* name, value; ended by {NULL, NULL}; lives as long as the app */
	/* app_load() loads a copy of the file that nobody else sees: the file may be written anew at any time, and is then
	 * another module, where dlopen() would hand out the old one. Debuggers find no file to it. */
	bool copy;
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
 * it does that. Unloads the module. With background work that has not ended nothing is freed: it may use all of it. */
void app_free(struct app *a);

void app_start(struct app *a, int64_t now_ms); /* "start" handlers, then the periodic tasks run */
/* Ends background work, waiting as long as app_threads.end() does, cancels what is pending (-ECANCELED), answers deferred acks as failures, then "stop" handlers. Nothing new can be
 * begun after it: stoa_after(), stoa_call() and stoa_defer() answer -ECANCELED. */
void app_stop(struct app *a, int64_t now_ms);
size_t app_jobs_left(struct app *a); /* background tasks whose work has not ended */

/* Whether this process runs the periodic tasks; after app_start() it does. Their first beat is a period from now. */
void app_lead(struct app *a, int64_t now_ms, bool leads);

/* Valid inside of port->execute() alone. */
struct app_origin app_origin(const struct app *a);
/* Inside of it, and then: of the event that app_event() or app_server_event() ran, whether its ack was taken out, so that it
 * is still to come. */
bool app_defers(const struct app *a);

/* --- Values outside of an application ------------------------------------------------------------------------------ */

/* What stoa.h builds on this thread while no application runs is taken from `arena` from now on: a test program builds
 * values too (stoa_test.h). NULL: it cannot be built, as at first. Returns the table that modules call through. */
const struct stoa_host *app_build_in(struct arena *arena);

/* --- What an application may say, for those who read it from elsewhere ---------------------------------------------- */

bool app_event_is_reserved(struct slice name);   /* "connect" and the like: nobody emits it */
bool app_server_event_is_own(struct slice name); /* "start" and the like: no other server sends it */
/* Why a handshake's answer cannot have this header; NULL: it can. APP_HEADERS_MAX: bytes of all their lines. */
const char *app_header_fault(const char *name, const char *value);
enum { APP_HEADERS_MAX = 2048 }; /* with the server's own they have to fit into the buffer of a 101 */

/* --- Events ------------------------------------------------------------------------------------------------------- */

bool app_has_namespace(struct app *a, struct slice nsp);  /* by an exact, prefix or "*" handler */
bool app_is_one_process(struct app *a, struct slice nsp); /* stoa_one_process() said so */
/* What the two go by, each once, as it was given: "/chat", "/game-*", "*". The text lives until `each` returns. */
void app_patterns(const struct app *a, void (*each)(void *to, struct slice pattern), void *to);
void app_patterns_of_one_process(const struct app *a, void (*each)(void *to, struct slice pattern), void *to);

/* Runs the handlers for one event, then port->execute with what they left. A connect always leaves EFFECT_ACCEPT or
 * EFFECT_REFUSE first. An event nobody handles leaves nothing (no ack is sent, as in the reference). */
void app_event(struct app *a, int64_t now_ms, const struct app_event_in *in);

/* Runs "handshake" for a request, then port->execute with what it left: EFFECT_ADMIT or EFFECT_DENY first, always. */
void app_admit(struct app *a, int64_t now_ms, const struct app_request *request);
/* Runs "connection_error". `error` is its argument, the JSON text of an object. */
void app_connection_error(struct app *a, int64_t now_ms, const struct app_request *request, struct slice error);
bool app_hears_connection_errors(const struct app *a); /* so that nobody prepares what nobody reads */
bool app_hears_handshakes(const struct app *a);        /* if not, app_admit() admits */

/* Answers to EFFECT_CALL `call`: how many clients were asked (may be 0; allowed inside execute), then one of the two
 * for each. Unknown numbers (timed out) are ignored. fn runs when all have answered; app_tick() runs it in time if not.
 * Without app_call_expect() a call to one client (no rooms, no broadcast) expects one answer, any other waits for its
 * deadline. `items` is like an event's. The slices are copied. */
void app_call_expect(struct app *a, uint64_t call, size_t clients);
void app_answer(struct app *a, int64_t now_ms, uint64_t call, const char *sid, struct slice items, unsigned flags,
	const struct slice *blobs, size_t n_blobs);
void app_answer_gone(struct app *a, int64_t now_ms, uint64_t call, const char *sid);
/* Inside execute, of EFFECT_FETCH: one client, the JSON text of an object, copied; then app_call_expect() with their
 * number. False: no more are wanted (max_answers, max_answer_bytes), or the number is unknown. */
bool app_call_found(struct app *a, uint64_t call, struct slice json);

/* What is known when other processes are asked too: app_call_expect(), app_answer() and app_call_found() may then come
 * outside of execute. app_call_silent() notes one that did not answer, by name, for stoa_missing(); app_call_end() ends
 * the call now with what is there, -ETIMEDOUT or -ENOTCONN, without waiting for its deadline. */
void app_call_silent(struct app *a, uint64_t call, struct slice name);
void app_call_end(struct app *a, uint64_t call, int status);

/* An event of another server: the handler of stoa_on_server() for its name, in the event's namespace. False: there is none,
 * and nothing was run. in->kind is APP_SERVER, in->client NULL; wants_ack and ack_id as for a client's event. */
bool app_server_event(struct app *a, int64_t now_ms, const char *nsp, const struct app_event_in *in);
/* The namespaces that handlers were given for by their exact names, each once. */
void app_namespaces(const struct app *a, void (*each)(void *to, struct slice nsp), void *to);

/* When app_tick() wants to run next; INT64_MAX: never. May be now or past; may change with every call above. */
int64_t app_due_ms(const struct app *a);
void app_tick(struct app *a, int64_t now_ms); /* timers, deadlines, and what background work left in the mailbox */

/* Runs a task's work, once; see struct app_threads. `job` is the application's again when this returns. */
void app_job_run(struct app_job *job);

#endif
