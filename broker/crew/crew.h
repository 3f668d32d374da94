/*
 * crew.h - the worker processes of a broker: started, given events, watched, replaced.
 *
 * A slot has one process at a time that runs the application (host.h), connected by a socket pair; it is this program
 * again, run as `stoa-broker --worker` with the same options, so that it inherits nothing. It has a copy of the module's
 * file, which may be written anew at any time. One that dies or takes longer than handler_timeout over an event (or over a
 * timer, or to load) is killed and replaced, after a backoff when that happens soon after its start. What was sent to it
 * and had not begun is given to its successor; the event in hand is told as failed, with the backtrace that the process
 * could still write. Which one is in hand stands in memory that the two share (page.h), so nothing is said per event;
 * so does until when the partitions are leased, and no event is begun past that, however long everything stood still.
 *
 * A reload starts a successor for each slot beside it; when all have loaded the module the slots' new events wait, the
 * old processes finish those they have and are told to stop (their pending calls and timers end with -ECANCELED, and what
 * that leaves is still sent), and each successor begins when its predecessor has ended, and gets what waited. A module
 * that cannot be loaded changes nothing.
 *
 * Workers end with their broker (PR_SET_PDEATHSIG), and leave signals to it: Ctrl-C and systemd tell every process. What
 * they count is added to the broker's own numbers.
 */
#ifndef STOA_CREW_CREW_H
#define STOA_CREW_CREW_H

#include "broker_options.h"
#include "intake.h"
#include "loop.h"

struct crew;

struct crew_events {
	/* The first process has loaded the module, or a reload has, or one that was replaced is another application than
	 * before: its app_record. Or `error` says why the first or a reload could not, in one sentence; after the first
	 * nothing is tried again. */
	void (*loaded)(void *ctx, struct slice app, const char *error);
	void (*done)(void *ctx, struct job *job, struct slice batch);
	/* `backtrace`: for JOB_MALFORMED what is wrong, in words. */
	void (*failed)(void *ctx, struct job *job, enum job_failure why, struct slice backtrace);
	void (*batch)(void *ctx, struct slice node, struct slice batch); /* intake_send() */
	void (*slot)(void *ctx, unsigned slot, bool runs);
	void (*stopped)(void *ctx); /* crew_stop(): all have ended */
};

struct crew_config {
	const struct broker_options *options;
	unsigned slots;
	const char *id;      /* the broker's, new with every start; a part of what batches say of themselves */
	const char *program; /* run for each worker; NULL: this one */
	char *const *argv;   /* its arguments, the options among them, behind --worker */
};

/* What `config` points to is borrowed and outlives it. SIGCHLD is its own, and it reaps all children. NULL: no memory. */
struct crew *crew_new(struct loop *loop, const struct crew_config *config, const struct crew_events *events, void *ctx);
void crew_start(struct crew *c);
void crew_give(struct crew *c, struct job *job); /* it is over with done() or failed(), never in here */
void crew_lead(struct crew *c, unsigned slot, bool leads);
void crew_lease(struct crew *c, unsigned partition, int64_t until_ms); /* as in intake_ops */
void crew_reload(struct crew *c);
/* What they have is finished first, at most timeout_ms; stopped() comes later. Jobs that had not begun are not told of. */
void crew_stop(struct crew *c, int64_t timeout_ms);
void crew_free(struct crew *c); /* kills what still runs; NULL is fine */

unsigned crew_running(const struct crew *c); /* slots whose process runs */
void crew_count(struct crew *c); /* adds what workers counted since the last time; else about 5 times a second */

/* The other side: a worker process, from main(), behind its options. Returns its exit status. */
int crew_worker_run(const struct broker_options *options, const struct config_pairs *app_options);

#endif
