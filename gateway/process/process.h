/*
 * process.h - what every process that serves Engine.IO is made of: a loop, sessions, an edge, and signals.
 *
 *	process_open()   ties sessions and edge together by the options and listens
 *	process_run()    serves until SIGTERM or SIGINT, then lets the sessions go and returns
 *	process_close()  frees it all
 *
 * The upper layer (Socket.IO in the gateway, an echo in eio-echo) puts itself on `sessions` between open and run: no
 * connection is handled before process_run().
 *
 * The end: on the first signal the sessions are let go (drain.h), and the process leaves when all are gone or the time is
 * up. On a second signal it exits at once, unless it is one of several workers, whose supervisor sees to that.
 *
 * A turn of the loop that takes longer than loop_stall (a handler that computes or waits) is logged and counted, and
 * /readyz names it for ten times loop_stall: while it lasts nobody can answer, so a load balancer sees either no answer
 * or this one.
 */
#ifndef STOA_PROCESS_PROCESS_H
#define STOA_PROCESS_PROCESS_H

#include "drain.h"
#include "ebb.h"
#include "edge.h"
#include "loop.h"
#include "session.h"

struct event;

struct process {
	const struct gateway_options *options;
	struct loop loop;
	struct out_lane lane;
	struct sessions sessions;
	struct edge *edge;
	struct event *signals[2];
	struct timer flush; /* due when more output waits for the next turn */
	struct ebb ebb;     /* after a spike of connections memory is given back */
	struct drain drain;
	bool ending;              /* a signal came */
	int64_t stalled_until_ms; /* /readyz says `stalled` so long after a turn longer than loop_stall */
	char stalled[48];
	/* The upper layer's part of /readyz: NULL when it is ready, else why not. May be unset. */
	const char *(*upper_not_ready)(void *ctx);
	/* The first signal came. May be unset. */
	void (*upper_drains)(void *ctx, int64_t now_ms);
	void *upper_ctx;
};

/* 0, or -1 with `why` in one sentence. On failure everything is undone. */
int process_open(struct process *p, const struct gateway_options *options, char *why, size_t why_size);
void process_run(struct process *p);
void process_close(struct process *p);

#endif
