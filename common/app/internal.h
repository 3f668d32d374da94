/*
 * internal.h - what the files of this folder share: the application's state and one running event.
 *
 *	host.c      the table of functions that a module calls through
 *	load.c      a module becomes an application
 *	setup.c     what STOA_APP says: patterns, handlers, tasks, options
 *	registry.c  looking it up
 *	app.c       life, and the host's entry points
 *	event.c     one event through its handlers, and what becomes of it when they fail
 *	context.c   what happened: names, arguments, the handshake
 *	build.c     values made by the application
 *	walk.c      values looked at, kept, shown
 *	unpack.c    values read by the type of the place
 *	effects.c   the batch: targets, emit, join, leave, disconnect
 *	payload.c   values as what is sent
 *	rooms.c     the client's rooms with this handler's changes
 *	admission.c requests before there is a client: "handshake", "connection_error", headers
 *	acks.c      acks now and later
 *	session.c   the client's session with this handler's changes
 *	jobs.c      background tasks: their work on another thread
 *	mail.c      what that hands back, opened on the loop's
 *	later.c     what waits: one table and one heap for timers, calls, deferred acks and tasks
 *	timers.c    stoa_after(), stoa_cancel(), tasks
 *	calls.c     stoa_call() and those like it, and their answers
 */
#ifndef STOA_APP_INTERNAL_H
#define STOA_APP_INTERNAL_H

#include "app.h"
#include "json.h"
#include "map.h"
#include "metrics.h"
#include "stoa.h"

#include <pthread.h>

struct handler {
	stoa_fn *fn; /* NULL: none */
	void *ctx;
};

/* --- What was set up (setup.c, registry.c) ------------------------------------------------------------------------ */

/* "/chat", "/game-*" or "*": the text without the star. */
struct pattern {
	struct slice text; /* lives as long as the registry */
	bool is_prefix;
};

struct nsp;  /* a pattern that has handlers */
struct rule; /* a pattern with a function: middleware, an error handler */
struct task; /* of stoa_every() */

/* An event that other servers send. */
struct server_event {
	struct server_event *next;
	const char *name;
	struct handler handler;
};

/* The `app` of STOA_APP, part of struct app. Everything in it is taken from the setup arena. */
struct stoa_app {
	struct arena *arena;
	struct nsp *nsps;
	struct rule *uses, **uses_end; /* in order of registration */
	struct rule *errors;
	struct rule *one_process; /* patterns without a function */
	struct server_event *server_events;
	struct task *tasks;
	struct handler start, stop, handshake, connection_error;
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

bool registry_one_process(const struct stoa_app *reg, struct slice nsp);
struct handler registry_server_event(const struct stoa_app *reg, struct slice name); /* fn NULL: none */

/* The rows of the table that set up. */
void setup_on(struct stoa_app *reg, const char *nsp, const char *event, stoa_fn *fn, void *ctx);
void setup_use(struct stoa_app *reg, const char *nsp, stoa_fn *fn, void *ctx);
void setup_on_error(struct stoa_app *reg, const char *nsp, stoa_fn *fn, void *ctx);
void setup_one_process(struct stoa_app *reg, const char *nsp);
void setup_on_server(struct stoa_app *reg, const char *event, stoa_fn *fn, void *ctx);
void setup_every(struct stoa_app *reg, const char *name, int64_t ms, stoa_fn *fn, void *ctx);
const char *setup_option(struct stoa_app *reg, const char *name, const char *otherwise);
int64_t setup_option_int(struct stoa_app *reg, const char *name, int64_t otherwise, int64_t min, int64_t max);
void setup_abort(struct stoa_app *reg, const char *why);

/* --- What waits (later.c) ----------------------------------------------------------------------------------------- */

enum later_kind { LATER_TIMER, LATER_CALL, LATER_ACK, LATER_TASK, LATER_KINDS };

struct answer {
	struct answer *next;
	enum value_encoding encoding;
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
	char *from;             /* its; NULL: none */

	uint64_t ack_number; /* of the event that started it, which may or may not take its ack out; 0: it had none */
	uint64_t ack_id;     /* LATER_ACK, whose own number is ack_number */

	const struct task *task; /* LATER_TASK */

	/* LATER_CALL */
	bool is_single;                  /* one client was asked, not a room or everybody */
	size_t expected, answered, gone; /* expected is SIZE_MAX until the host says */
	size_t n_kept;                   /* of the answers */
	bool is_cut;                     /* there were more answers than are kept */
	struct arena arena;              /* of the answers */
	struct answer *answers, **answers_end;
	struct missing *missing;
};

/* A process that did not answer a call; in the call's arena. */
struct missing {
	struct missing *next;
	struct slice name; /* with a NUL behind it */
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

/* What is to be sent, in the event's arena: text and its attachments, or where the application's encoding is
 * MessagePack, that, and nothing is attached. */
struct payload {
	struct slice json;
	const struct slice *blobs;
	size_t n_blobs;
};

struct stoa_event {
	struct app *app;
	const struct app_event_in *in;     /* NULL: a timer, an answer, a task, a server event */
	const struct app_client *client;   /* in's */
	const struct app_request *request; /* of a request that has no client yet */
	struct admission *admission;       /* of "handshake": the headers so far */
	const struct answer *answers;      /* of a call: all of them */
	const struct answer *answer;       /* the one that stoa_args() shows */
	const struct missing *missing;     /* of a call to several processes: those that were silent */
	bool walking;                      /* stoa_next() was called */
	void *ctx;
	const char *sid, *nsp, *name;
	struct slice name_text; /* as it was sent: may hold a NUL */
	const char *from;       /* as in struct app_origin, and so is this: */
	bool is_later;
	struct stoa_value args, auth, claims;
	bool has_args, has_auth, has_claims;
	int status;        /* what stoa_status() says */
	const char *error; /* in words */

	/* How it failed, if it did. */
	bool has_failed;     /* stoa_fail() was called */
	const char *message; /* its */
	struct payload data; /* its; json empty: none */
	const char *misfit;  /* of the last stoa_unpack() that failed */

	enum ack_state ack;
	uint64_t ack_number; /* see event_ack_number() */

	struct session_view *session; /* NULL: nobody has looked yet */
};

/* What was loaded (load.c). */
struct module {
	void *handle; /* of dlopen(); NULL: the application is part of the program */
	int fd;       /* of the copy that was loaded; -1: its file was */
};
void module_close(struct module *m);

/* The batch that the running event has noted so far. */
struct batch {
	struct effect *first, **end;
	size_t count;
};

/* --- Background work (jobs.c) ------------------------------------------------------------------------------------- */

struct letter; /* what work hands to the loop */

/* Log lines about a call: one a second, the others counted. */
struct complaint {
	const char *call; /* NULL: a free place */
	int64_t next_ms, unsaid;
};
enum { COMPLAINTS = 32 };

/* What threads share, under its lock. */
struct mail {
	pthread_mutex_t lock;
	struct letter *first, **end;
	size_t count, bytes;  /* of letters that wait; the ends of jobs not among them */
	struct app_job *jobs; /* those whose work has not ended */
	size_t n_jobs;        /* those that are not done: their `done` has not begun */
	bool is_stopping;
	int64_t counts[METRIC_COUNT]; /* counted on other threads than the loop's */
	struct complaint complaints[COMPLAINTS];
};

void mail_init(struct mail *m);
void mail_fini(struct mail *m); /* no letter waits */
void mail_take(struct app *a);  /* on the loop: carries out what waits */

void jobs_end(struct app *a); /* work is told to end, and waited for */

/*
 * The application as one job's thread sees it: what was set up, and memory, batch and event of its own. `home` is the
 * application. Functions that need what only the loop has (laters, the host's clients) ask whether they are at home.
 */
static inline bool app_is_desk(const struct app *a);
static inline struct app *app_home(struct app *a);

/* Behind every call that noted effects: on a desk they leave at once. `error` is the call's so far. */
int job_leave(struct app *a, const char *call, int error);
/* On a desk: has the loop ask, or give the ack. e was noted last. */
struct question;
int job_ask(struct app *a, struct effect *e, const struct question *q, bool is_single);
int job_ack(struct app *a, uint64_t number, const struct payload *p);
void job_forget(struct app *a); /* what a failed call had begun is gone */

void app_count(enum metric_id id); /* metrics_count() for code that any thread may run */

int do_start_job(struct stoa_event *ev, stoa_fn *work, stoa_fn *done, void *ctx);
int do_sleep(struct stoa_event *ev, int64_t ms);

/* --- The application ---------------------------------------------------------------------------------------------- */

struct app {
	struct stoa_app registry;
	const struct app_port *port;
	const struct app_threads *threads;
	int64_t (*clock_ms)(void);
	struct app_limits limits;
	enum value_encoding encoding;
	struct app *home; /* of a desk; else NULL */
	char *name;
	struct module module;
	struct arena setup_arena; /* lives as long as the application */
	struct arena arena;       /* the running event's */
	struct arena *work;       /* which of the two values are built in */
	struct buf scratch;
	struct batch batch;
	struct laters laters;
	struct mail mail;
	struct stoa_event *running;
	struct app_origin origin; /* while port->execute() runs */
	bool defers;              /* the ack of the last event that was not a later one */
	int64_t now_ms, begun_ms; /* begun_ms: of the running event, by clock_ms */
	bool is_stopping;
	bool is_mute; /* batches are dropped: the application is being freed */
};

static inline bool app_is_desk(const struct app *a)
{
	return a->home != NULL;
}
static inline struct app *app_home(struct app *a)
{
	return a->home ? a->home : a;
}

/* The application whose code runs on this thread, or NULL: how stoa_object() and others find their memory. */
extern _Thread_local struct app *app_current;

/* app_build_in()'s; NULL: none. */
extern _Thread_local struct arena *app_bench;

/* Where values are built now; NULL: nowhere. */
static inline struct arena *app_work(void)
{
	return app_current ? app_current->work : app_bench;
}

void event_begin(struct app *a, struct stoa_event *ev);
void event_end(struct app *a); /* the batch is carried out, the arena emptied */
/* Hands a batch of ev's to the host. */
void event_execute(struct app *a, const struct stoa_event *ev, const struct effect *first);
void event_run_client(struct stoa_event *ev, const struct nsp *n);
void event_run_plain(struct stoa_event *ev, struct handler h); /* whatever has no client of its own */
/* A handler whose failure is an answer: NULL when it agreed, else the message for the client. */
const char *event_ask(struct stoa_event *ev, struct handler h, const char *otherwise);
const char *error_words(int status);

/* Notes in the log that a call of the application's failed, and returns `error`. `why` may be NULL. One line a second
 * for each call, with the number of those that had none. */
int call_failed(struct stoa_event *ev, const char *call, int error, const char *why);
/* Notes in the log what became of an event. */
void event_log(struct stoa_event *ev, const char *what);

struct stoa_value event_args(struct stoa_event *ev);

/* The number under which stoa_defer() takes the event's ack out, reserved as soon as something is begun that may give
 * it; in a later event, that of the one it goes back to. 0: there is no ack. */
uint64_t event_ack_number(struct stoa_event *ev);

/* --- Effects ------------------------------------------------------------------------------------------------------ */

struct effect *effect_add(struct app *a, enum effect_kind kind); /* NULL: no memory */
/* The same for what the application asks for: *error is -ENOSPC past max_effects. */
struct effect *effect_note(struct app *a, enum effect_kind kind, int *error);
void effect_put_first(struct app *a, struct effect *e);
void effect_pay(struct effect *e, const struct payload *p);

int payload_of_list(struct app *a, struct stoa_list list, struct payload *p); /* "[..]" */
int payload_of_value(struct app *a, struct stoa_value v, struct payload *p);
int payload_of_json(struct app *a, struct stoa_value v, struct payload *p); /* text whatever the encoding is */
const char *payload_fault(int error);              /* why the two failed, in words; NULL: as the number says */
struct payload payload_empty(const struct app *a); /* "[]" */
/* {"message": ..} or [{"error": ..}], `data` added when it is there. They fail only for want of memory, and then *p is
 * something that says so. */
int payload_of_refusal(struct app *a, const char *message, const struct payload *data, struct payload *p);
int payload_of_error(struct app *a, const char *message, const struct payload *data, struct payload *p);

int target_resolve(struct app *a, struct stoa_target to, struct effect_target *out, const char **why);
bool event_name_ok(const char *event, const char **why);

/* Resolves, notes, and logs what went wrong: the frame of every call that leaves one effect, which it then fills and
 * ends with job_leave(). */
int effect_for(const char *call, enum effect_kind kind, struct stoa_target to, struct effect **effect_r);

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
size_t walk_length(struct stoa_value v);
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
bool context_recovered(struct stoa_event *ev);
struct stoa_value context_auth(struct stoa_event *ev);
struct stoa_value context_claims(struct stoa_event *ev);

/* effects.c */
int do_emit(struct stoa_target to, const char *event, struct stoa_list list);
int do_join_room(struct stoa_target to, const char *room);
int do_leave_room(struct stoa_target to, const char *room);
int do_disconnect(struct stoa_target to, bool transport);

/* rooms.c, acks.c, event.c */
struct stoa_value do_rooms(struct stoa_event *ev);
struct stoa_value do_session(struct stoa_event *ev);
int do_session_put(struct stoa_event *ev, const char *key, struct stoa_value v);
void do_defer(struct stoa_event *ev, struct stoa_ack *taken);
void do_asked(struct stoa_event *ev, struct stoa_ack *ack);
int do_ack(struct stoa_ack ack, struct stoa_list list);
int do_fail(struct stoa_event *ev, const char *message, struct stoa_list list);

/* admission.c */
int do_set_header(struct stoa_event *ev, const char *name, const char *value, bool session);

/* calls.c, timers.c */
int do_call(
	struct stoa_target to, int64_t timeout_ms, stoa_fn *fn, void *ctx, const char *event, struct stoa_list list);
int do_fetch_sockets(struct stoa_target to, int64_t timeout_ms, stoa_fn *fn, void *ctx);
int do_server_side_emit(
	struct stoa_event *ev, int64_t timeout_ms, stoa_fn *fn, void *ctx, const char *event, struct stoa_list list);
bool do_next(struct stoa_event *ev);
size_t do_answers(struct stoa_event *ev);
struct stoa_value do_missing(struct stoa_event *ev);

/* What a call asks; `list` NULL: nothing is said but the effect's kind. */
struct question {
	const char *call; /* for the log */
	enum effect_kind kind;
	const char *event; /* what stoa_name() is for the answer */
	const struct stoa_list *list;
	struct handler handler;
	int64_t timeout_ms;
};
/* At home: notes it, waits for its answers. */
void question_wait(
	struct app *a, struct effect *e, const struct question *q, struct stoa_event *origin, bool is_single);
bool question_fits(struct app *a); /* below max_timers */
int64_t do_after(struct stoa_event *ev, int64_t ms, stoa_fn *fn, void *ctx);
void do_cancel(struct stoa_event *ev, int64_t timer);
void later_run(struct app *a, struct later *l); /* its function, as an event; frees it, or has it wait again */
void tasks_begin(struct app *a);
void tasks_end(struct app *a);

extern const struct stoa_host host_table;

#endif
