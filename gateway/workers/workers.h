/*
 * workers.h - several gateways on one port of one machine, and the process that looks after them.
 *
 *	workers_run()   binds the port, forks the workers, and looks after them; returns in each worker with its options
 *	                and, when all have ended, in the process that called it
 *	worker_started  a worker says that it serves
 *
 * The one port. The supervisor binds one socket for each worker to it (SO_REUSEPORT), keeps them all, and each worker
 * listens on its own. The kernel gives a connection to one of those that listen by a hash of its addresses, so workers
 * have equal shares, however few are busy: 3000 idle connections over 3 workers came to 1010, 994 and 996. One socket for
 * all would leave nothing waiting for a worker that is down, but whoever wakes up first would take whatever waits:
 * with connections that last for hours that is most of them in one worker. What speaks for the shared socket is had
 * otherwise: since the supervisor keeps a dead worker's socket, connections wait in its queue, unharmed, for the next one; and
 * when that is to come no sooner than after a second, the queue is closed, so that the others get all.
 *
 * Starting. The first worker starts alone, so that what is wrong (no such module, no such Redis key file) is said once, and
 * then all the others. A worker that ends with an exit code before it ever served, when it is started for the first time, ends
 * everything with that code.
 *
 * Later ends are logged and the worker is started again, after backoff.h.
 *
 * Ending. SIGTERM and SIGINT are handed on. Workers take such a signal as one however often it comes, because Ctrl-C
 * and systemd tell every process and not the supervisor alone; a second one to the supervisor kills them. So does time:
 * shutdown_timeout and background_timeout, and ten seconds more. SIGHUP is handed on. Workers are killed with their
 * supervisor, as one process would be.
 *
 * The supervisor has no loop, no thread, no connection, and nothing of the application; it sleeps in sigtimedwait().
 */
#ifndef STOA_WORKERS_WORKERS_H
#define STOA_WORKERS_WORKERS_H

#include <stdatomic.h>

#include "gateway_options.h"

enum { WORKER_RUNS = -1 };

struct worker {
	/* Its own: ports, name and place among the others. Texts are those of the options it came from or below. */
	struct gateway_options options;
	char internal_listen[320], node_address[320], node_name[90];
	_Atomic bool *serves; /* in memory that all processes share */
};

/* WORKER_RUNS: this is a worker, and *self says which. Else all is over: an exit status; why it could not begin is on
 * standard error. Called while there is one thread and nothing is open; o->workers is above 1. */
int workers_run(const struct gateway_options *o, struct worker *self);
void worker_started(const struct worker *self);

#endif
