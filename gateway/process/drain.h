/*
 * drain.h - how a process lets its sessions go: in steps that each have their time, so that nobody loses what was on its way.
 *
 *	tell    /readyz says "draining", and others are told (`told`); all goes on for drain_delay, new sessions included: so long a
 *	        load balancer needs to see it. Not after SIGINT, which is a person's.
 *	close   no new sessions; those there are closed in paced batches (pace.h), WebSockets that are carried for others too.
 *	        One of which an event is under way, or an ack is still owed, is passed over until that is answered.
 *	hurry   a moment before the time is up: all that are left are closed, whatever is under way.
 *	wait    for peers to take their last bytes; over when nobody is left, or when shutdown_timeout is.
 *
 * shutdown_timeout is the time from the beginning of `close`. Once a second it is logged how many are left.
 */
#ifndef STOA_PROCESS_DRAIN_H
#define STOA_PROCESS_DRAIN_H

#include "edge.h"
#include "loop.h"
#include "pace.h"

struct drain {
	struct loop *loop;
	struct sessions *sessions;
	struct edge *edge;
	const struct gateway_options *options;
	struct timer step, report;
	struct pace pace;
	bool began, closes, empty; /* empty: no session is left, and nobody listens for requests of theirs any more */
	int64_t hurry_ms, give_up_ms; /* while `closes` */
	size_t shut;                  /* so far */
	size_t cut;                   /* once the time is up: whose messages did not arrive */
};

void drain_init(struct drain *d, struct loop *loop, struct sessions *sessions, const struct gateway_options *options);
/* The edge outlives it. `now`: without the delay. */
void drain_begin(struct drain *d, struct edge *edge, int64_t now_ms, bool now);
/* At the end of a turn: stops the loop when all is over. */
void drain_look(struct drain *d, int64_t now_ms);

#endif
