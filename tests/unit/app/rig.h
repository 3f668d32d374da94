/*
 * rig.h - an application on a host that only writes down.
 *
 * Every batch that the application leaves becomes lines of text, one per effect, which rig_log() hands over:
 *
 *	emit ["hello",1] to A          to the sender; "to room A" when it was named as a room
 *	emit ["hello",1] to r,s skip=t skip_self broadcast local volatile nsp=/other
 *	call 3 ["q"] to A              join room to A        disconnect to A         disconnect transport to A
 *	session "key"=1 to A           fetch to r            servers ["e"] to broadcast
 *	ack 7 ["one",2] to A           leave room to A       accept                  refuse {"message":".."}
 *
 * An attachment follows as ` <bytes>`. A payload of MessagePack is its hexadecimal digits. Time is rig.now_ms and moves by rig_pass().
 */
#ifndef STOA_TESTS_APP_RIG_H
#define STOA_TESTS_APP_RIG_H

#include <check.h>

#include "app.h"
#include "buf.h"
#include "json.h"
#include "stoa.h"

/* Asserts that two numbers are equal without quoting them: stoa.h's macros expand to more than a string may hold. */
#define IS(got, want) rig_is(__FILE__, __LINE__, (got), (want))
void rig_is(const char *file, int line, int64_t got, int64_t want);

/* A text as a handler's ctx. */
#define CTX(text) ((void *)(uintptr_t)(text))

enum { RIG_JOBS = 8 };

struct rig {
	struct app *app;
	struct app_limits limits;
	enum value_encoding encoding; /* for rig_open() */
	const char *const (*options)[2];
	const char *const *rooms; /* what the host says the client is in; ended by NULL */
	struct app_handshake handshake;
	const char *auth, *claims, *transport, *nsp, *reason;
	struct buf log;
	char *taken;
	char why[512];
	int64_t now_ms;
	int expect;                     /* what app_call_expect() is told from inside execute; -1: not called */
	uint64_t call;                  /* the last one's number */
	const char *const *session;     /* what the host says: key, value, .., NULL; JSON text */
	const char *const *found;       /* the clients that it finds, as JSON text */
	struct app_job *jobs[RIG_JOBS]; /* given to it, and not run */
	int n_jobs, woken;
	int64_t slept_ms, clock_ms, clock_step_ms;
	bool is_ending;
	stoa_fn *fn;                 /* what the event "go" runs */
	const struct app_port *port; /* for rig_open(), instead of its own; NULL: its own */
};
extern struct rig rig;

/* A fixture: an application with "go" on "/", which runs rig.fn. */
void rig_begin(void);
void rig_end(void);

/* Another application in its place; `rig.why` when there is none. */
struct app *rig_open(void (*setup)(struct stoa_app *app));

const char *rig_log(void); /* lives until the next call */

/* One event of client "A"; `items` is JSON between brackets, id below 0: no ack is asked. */
void rig_connect(void);
void rig_disconnect(const char *reason);
void rig_event(const char *name, const char *items, int64_t id);
void rig_event_blobs(const char *name, const char *items, const struct slice *blobs, size_t n);
void rig_go(stoa_fn *fn, const char *items); /* "go" */
void rig_go_ack(stoa_fn *fn, const char *items, int64_t id);
void rig_answer(uint64_t call, const char *items);
/* The same in MessagePack, for rig.encoding; name and items are hexadecimal digits. */
void rig_event_packed(const char *name, const char *items, int64_t id);
void rig_answer_packed(uint64_t call, const char *items);
void rig_gone(uint64_t call);
void rig_work(void); /* runs the work of background tasks; what it leaves waits for rig_tick() */
void rig_tick(void);
void rig_pass(int64_t ms); /* step by step, as app_due_ms() asks */

/* What was written to standard error since the last call, with warnings on. */
void rig_watch_errors(void);
const char *rig_errors(void);

TCase *case_setup(void);
TCase *case_load(void);
TCase *case_events(void);
TCase *case_errors(void);
TCase *case_context(void);
TCase *case_values(void);
TCase *case_unpack(void);
TCase *case_effects(void);
TCase *case_acks(void);
TCase *case_rooms(void);
TCase *case_admission(void);
TCase *case_timers(void);
TCase *case_session(void);
TCase *case_jobs(void);
TCase *case_limits(void);
TCase *case_calls(void);
TCase *case_memory(void);
TCase *case_msgpack(void);
TCase *case_origin(void);

#endif
