/*
 * internal.h - what the files of this folder share: the application's state and one running event.
 *
 *	host.c      the table of functions that a module calls through
 *	load.c      a module becomes an application
 *	registry.c  what STOA_APP said: patterns, handlers, tasks, and looking them up
 *	app.c       life, and the host's entry points
 *	event.c     one event through its handlers, and what becomes of it when they fail
 *	context.c   what happened: names, arguments, the handshake
 *	build.c     values made by the application
 *	walk.c      values looked at, kept, shown
 *	unpack.c    values read by the type of the place
 *	effects.c   the batch: targets, emit, join, leave, disconnect
 *	rooms.c     the client's rooms with this handler's changes
 *	acks.c      acks now and later
 *	later.c     what waits: one table and one heap for timers, calls, deferred acks and tasks
 *	timers.c    stoa_after(), stoa_cancel(), tasks
 *	calls.c     stoa_call() and its answers
 */
#ifndef STOA_APP_INTERNAL_H
#define STOA_APP_INTERNAL_H

#include "app.h"
#include "json.h"
#include "map.h"
#include "stoa.h"

struct handler {
	stoa_fn *fn; /* NULL: none */
	void *ctx;
};

/* --- What was set up (registry.c) --------------------------------------------------------------------------------- */

/* "/chat", "/game-*" or "*": the text without the star. */
struct pattern {
	struct slice text; /* lives as long as the registry */
	bool is_prefix;
};

struct nsp;  /* a pattern that has handlers */
struct rule; /* a pattern with a function: middleware, an error handler */
struct task; /* of stoa_every() */

/* The `app` of STOA_APP, part of struct app. Everything in it is taken from the setup arena. */
struct stoa_app {
	struct arena *arena;
	struct nsp *nsps;
	struct rule *uses, **uses_end; /* in order of registration */
	struct rule *errors;
	struct task *tasks;
	struct handler start, stop;
	const char *const (*options)[2];
	bool is_open;      /* STOA_APP is running */
	char mistake[256]; /* the first one; "" when there was none */
};

struct rule {
	struct rule *next;
	struct pattern pattern;
	struct handler handler;
};

struct task {
	struct task *next;
	const char *name;
	int64_t period_ms;
	struct handler handler;
};

void registry_init(struct stoa_app *reg, struct arena *arena, const char *const (*options)[2]);
void registry_fini(struct stoa_app *reg);

/* The most exact namespace that has handlers; NULL: clients cannot join this one. */
const struct nsp *registry_nsp(const struct stoa_app *reg, struct slice nsp);
/* What handles an event there: by kind, or by name, or the catch-all; fn NULL when nothing does. */
struct handler registry_handler(const struct nsp *n, enum app_kind kind, struct slice name);
bool registry_fits(struct pattern p, struct slice nsp);
struct handler registry_error(const struct stoa_app *reg, struct slice nsp);

bool event_is_reserved(struct slice name);

/* The rows of the table that set up. */
void setup_on(struct stoa_app *reg, const char *nsp, const char *event, stoa_fn *fn, void *ctx);
void setup_use(struct stoa_app *reg, const char *nsp, stoa_fn *fn, void *ctx);
void setup_on_error(struct stoa_app *reg, const char *nsp, stoa_fn *fn, void *ctx);
void setup_on_server(struct stoa_app *reg, const char *event, stoa_fn *fn, void *ctx);
void setup_every(struct stoa_app *reg, const char *name, int64_t ms, stoa_fn *fn, void *ctx);
const char *setup_option(struct stoa_app *reg, const char *name, const char *otherwise);
void setup_abort(struct stoa_app *reg, const char *why);

/* --- What waits (later.c) ----------------------------------------------------------------------------------------- */

enum later_kind { LATER_TIMER, LATER_CALL, LATER_ACK, LATER_TASK, LATER_KINDS };

struct answer {
	struct answer *next;
	struct slice items;
	unsigned flags;
	const struct slice *blobs;
	size_t n_blobs;
};

/*
 * One thing that ends exactly once: it is in the table and the heap while it waits, in the table and the ready list
 * when its end is known, and freed after its function has run. A task waits again instead of being freed.
 */
struct later {
	struct map_node by_number; /* the key is `number`'s bytes */
	struct later *next_ready;
	uint64_t number;
	int64_t due_ms; /* INT64_MAX: never by itself */
	size_t place;   /* in the heap, from 1; 0: not in it */
	enum later_kind kind;
	bool is_ready, is_running;
	int status;
	struct handler handler;
	char *sid, *nsp, *name; /* of the event that started it; sid may be NULL */

	uint64_t ack_id; /* LATER_ACK */

	const struct task *task; /* LATER_TASK */

	/* LATER_CALL */
	bool is_single;                  /* one client was asked, not a room or everybody */
	size_t expected, answered, gone; /* expected is SIZE_MAX until the host says */
	struct arena arena;              /* of the answers */
	struct answer *answers, **answers_end;
};

struct laters {
	struct map by_number;
	struct later **heap; /* [1..count], earliest first */
	size_t count, cap;
	size_t waiting[LATER_KINDS];
	struct later *ready, **ready_end;
	uint64_t last_number;
};

void laters_init(struct laters *ls);
void laters_fini(struct laters *ls); /* all have been run */

/* A new one in table and heap, keeping the event's sid, namespace and name (ev NULL: none). */
struct later *later_new(struct app *a, enum later_kind kind, struct stoa_event *ev, struct handler h, int64_t due_ms);
struct later *later_find(struct app *a, enum later_kind kind, uint64_t number); /* ready ones too; NULL */
void later_end(struct app *a, struct later *l, int status); /* its end is known: it runs with the next later_drain() */
void later_again(struct app *a, struct later *l, int64_t due_ms); /* a task: waits anew */
void later_free(struct app *a, struct later *l);                  /* without running it */

/* Runs what was ready when it was called; what becomes ready meanwhile waits for the next call, so that it ends. */
void later_drain(struct app *a);
void later_begin(struct app *a, struct later *l); /* it runs now: its place is free for another */
void later_end_due(struct app *a);                /* ends what is due at a->now_ms */
int64_t later_due_ms(const struct app *a);

/* --- One event ---------------------------------------------------------------------------------------------------- */

enum ack_state {
	ACK_NOT_ASKED,
	ACK_OPEN, /* asked, and still the event's to answer */
	ACK_GIVEN,
	ACK_TAKEN, /* by stoa_defer() */
	ACK_LOST   /* stoa_defer() found no room: answered as a failure */
};

/* Text to send and its attachments, in the event's arena. */
struct payload {
	struct slice json;
	const struct slice *blobs;
	size_t n_blobs;
};

struct stoa_event {
	struct app *app;
	const struct app_event_in *in;   /* NULL: a timer, an answer, a task, a server event */
	const struct app_client *client; /* in's */
	const struct answer *answer;     /* of a call: the one that stoa_args() shows */
	bool walking;                    /* stoa_next() was called */
	void *ctx;
	const char *sid, *nsp, *name;
	struct slice name_text; /* as it was sent: may hold a NUL */
	struct stoa_value args, auth;
	bool has_args, has_auth;
	int status;        /* what stoa_status() says */
	const char *error; /* in words */

	/* How it failed, if it did. */
	bool has_failed;     /* stoa_fail() was called */
	const char *message; /* its */
	struct payload data; /* its; json empty: none */
	const char *misfit;  /* of the last stoa_unpack() that failed */

	enum ack_state ack;
	uint64_t taken_number;
};

/* The batch that the running event has noted so far. */
struct batch {
	struct effect *first, **end;
	size_t count;
};

struct app {
	struct stoa_app registry;
	const struct app_port *port;
	struct app_limits limits;
	char *name;
	void *module;             /* of dlopen; NULL: from the program itself */
	struct arena setup_arena; /* lives as long as the application */
	struct arena arena;       /* the running event's */
	struct arena *work;       /* which of the two values are built in */
	struct buf scratch;
	struct batch batch;
	struct laters laters;
	struct stoa_event *running;
	int64_t now_ms;
	bool is_stopping;
	bool is_mute; /* batches are dropped: the application is being freed */
};

/* The application whose code runs on this thread, or NULL: how stoa_object() and others find their memory. */
extern _Thread_local struct app *app_current;

/* Where values are built now; NULL outside of handlers and setup. */
static inline struct arena *app_work(void)
{
	return app_current ? app_current->work : NULL;
}

void event_begin(struct app *a, struct stoa_event *ev);
void event_end(struct app *a); /* the batch is carried out, the arena emptied */
void event_run_client(struct stoa_event *ev, const struct nsp *n);
void event_run_plain(struct stoa_event *ev, struct handler h); /* whatever has no client of its own */
const char *error_words(int status);

/* Notes in the log that a call of the application's failed, and returns `error`. `why` may be NULL. */
int call_failed(struct stoa_event *ev, const char *call, int error, const char *why);
/* Notes in the log what became of an event. */
void event_log(struct stoa_event *ev, const char *what);

struct stoa_value event_args(struct stoa_event *ev);

/* --- Effects ------------------------------------------------------------------------------------------------------ */

struct effect *effect_add(struct app *a, enum effect_kind kind); /* NULL: no memory */
/* The same for what the application asks for: *error is -ENOSPC past max_effects. */
struct effect *effect_note(struct app *a, enum effect_kind kind, int *error);
void effect_put_first(struct app *a, struct effect *e);
void effect_pay(struct effect *e, const struct payload *p);

int payload_of_list(struct app *a, struct stoa_list list, struct payload *p); /* "[..]" */
int payload_of_value(struct app *a, struct stoa_value v, struct payload *p);
/* {"message": ..} or [{"error": ..}], `data` added when it is there. */
int payload_of_refusal(struct app *a, const char *message, const struct payload *data, struct payload *p);
int payload_of_error(struct app *a, const char *message, const struct payload *data, struct payload *p);

int target_resolve(struct app *a, struct stoa_target to, struct effect_target *out, const char **why);
bool event_name_ok(const char *event, const char **why);

/* The event that a call is for, if it may be made now; else NULL. */
struct stoa_event *target_event(struct stoa_target to);

int ack_send(struct app *a, const char *nsp, const char *sid, void *host, uint64_t ack_id, const struct payload *p);
void ack_settle(struct stoa_event *ev, bool handled); /* after success: [] if it was asked and nothing was said */
void ack_settle_failed(struct stoa_event *ev, const char *message);
void ack_revoke(struct stoa_event *ev); /* what was taken out comes back */
void ack_run_later(struct app *a, struct later *l);

/* --- Rows of the table, by file ----------------------------------------------------------------------------------- */

/* build.c */
struct stoa_value build_null(void);
struct stoa_value build_bool(bool b);
struct stoa_value build_int(int64_t i);
struct stoa_value build_uint(uint64_t u);
struct stoa_value build_number(double f);
struct stoa_value build_text(const char *text);
struct stoa_value build_borrow(const char *text);
struct stoa_value build_bytes(const void *at, size_t size);
struct stoa_value build_json(const char *json);
struct stoa_value build_spread(struct stoa_value array);
struct stoa_value build_object(struct stoa_list list);
struct stoa_value build_array(struct stoa_list list);
const char *build_format(const char *format, __builtin_va_list args) __attribute__((format(printf, 1, 0)));
struct stoa_value *build_list(void);
struct stoa_value *build_dict(void);
int build_append(struct stoa_value *list, struct stoa_value v);
int build_put(struct stoa_value *dict, const char *key, struct stoa_value v);

/* walk.c */
enum stoa_type walk_type(struct stoa_value v);
size_t walk_count(struct stoa_value v);
struct stoa_value walk_at(struct stoa_value v, size_t i);
const char *walk_key(struct stoa_value v, size_t i);
struct stoa_value walk_get(struct stoa_value v, const char *key);
const char *walk_to_json(struct stoa_value v);
struct stoa_value *walk_keep(struct stoa_value v);

/* unpack.c */
int unpack_event(struct stoa_event *ev, struct stoa_slots slots);
int unpack_read(struct stoa_value v, struct stoa_slot slot);

/* context.c */
void *context_ctx(struct stoa_event *ev);
const char *context_sid(struct stoa_event *ev);
const char *context_nsp(struct stoa_event *ev);
const char *context_name(struct stoa_event *ev);
const char *context_reason(struct stoa_event *ev);
int context_status(struct stoa_event *ev);
const char *context_error(struct stoa_event *ev);
int context_attempt(struct stoa_event *ev);
const char *context_query(struct stoa_event *ev, const char *name);
const char *context_header(struct stoa_event *ev, const char *name);
const char *context_cookie(struct stoa_event *ev, const char *name);
const char *context_address(struct stoa_event *ev);
const char *context_transport(struct stoa_event *ev);
struct stoa_value context_auth(struct stoa_event *ev);

/* effects.c */
int do_emit(struct stoa_target to, const char *event, struct stoa_list list);
int do_join_room(struct stoa_target to, const char *room);
int do_leave_room(struct stoa_target to, const char *room);
int do_disconnect(struct stoa_target to, bool transport);

/* rooms.c, acks.c, event.c */
struct stoa_value do_rooms(struct stoa_event *ev);
void do_defer(struct stoa_event *ev, struct stoa_ack *taken);
int do_ack(struct stoa_ack ack, struct stoa_list list);
int do_fail(struct stoa_event *ev, const char *message, struct stoa_list list);

/* calls.c, timers.c */
int do_call(
	struct stoa_target to, int64_t timeout_ms, stoa_fn *fn, void *ctx, const char *event, struct stoa_list list);
bool do_next(struct stoa_event *ev);
int64_t do_after(struct stoa_event *ev, int64_t ms, stoa_fn *fn, void *ctx);
void do_cancel(struct stoa_event *ev, int64_t timer);
void later_run(struct app *a, struct later *l); /* its function, as an event; frees it, or has it wait again */
void tasks_begin(struct app *a);

extern const struct stoa_host host_table;

#endif
