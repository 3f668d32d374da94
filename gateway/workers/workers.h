/*
 * workers.h - several gateways on one port of one machine, and the process that looks after them.
 *
 *	workers_run()      binds the port, forks the workers, and looks after them; returns in each worker with its
 *	                   options and, when all have ended, in the process that called it
 *	worker_started()   a worker says that it is set up
 *
 * The one port. The supervisor binds one socket for each worker to it (SO_REUSEPORT), keeps them all, and each worker
 * listens on its own when its application has started. The kernel gives a connection to one of those that listen by a
 * hash of its addresses and ports, so that workers have equal shares however idle they are: 3000 connections over 3
 * workers came to 1009, 952 and 1039. One socket for all would never leave a connection waiting for a worker that is
 * down; but then who wakes up first takes all that waits: 1614, 836 and 550 of them in bursts of 30, which with
 * connections that last for hours is how it stays. The same is had otherwise: the supervisor keeps a dead worker's
 * socket, so that connections wait in its queue, unharmed, for the next one; and when that is to come no sooner than
 * after a second the queue is closed, and the others get all connections until it listens again. A worker that lets its
 * clients go closes its queue, too.
 *
 * Starting. The first worker is started alone, so that what is wrong (no such module, no such key file) is said once, and
 * the others when it is set up. A worker that ends with an exit code of failure before it was ever set up ends
 * everything with that code. Every other end is logged, and the worker started again after backoff.h.
 *
 * Ending. SIGTERM and SIGINT are handed on. Workers take such a signal as one however often it comes, because Ctrl-C
 * and systemd tell every process and not the supervisor alone; a second one to the supervisor kills them. So does time:
 * drain_delay, shutdown_timeout and background_timeout, and ten seconds more. Each lets its share of drain_rate go. One that had to cut
 * clients off ends with WORKER_CUT, and so does all, if nothing worse happened. SIGHUP is handed on. Workers are killed with their
 * supervisor, as one process would be.
 *
 * The supervisor has no loop, no thread, no connection, and nothing of the application; it sleeps in sigtimedwait().
 */
#ifndef STOA_WORKERS_WORKERS_H
#define STOA_WORKERS_WORKERS_H

#include <stdatomic.h>

#include "gateway_options.h"

enum { WORKER_RUNS = -1, WORKER_CUT = 3 };

struct worker {
	/* Its own: ports, name and place among the others. Texts are those of the options it came from or below. */
	struct gateway_options options;
	char internal_listen[320], node_address[320], node_name[90];
	_Atomic bool *is_set_up; /* in memory that all processes share */
};

/* WORKER_RUNS: this is a worker, and *self says which. Else all is over: an exit status; why it could not begin is on
 * standard error. Called while there is one thread and nothing is open; o->workers is above 1. */
int workers_run(const struct gateway_options *o, struct worker *self);
void worker_started(const struct worker *self);

#endif
