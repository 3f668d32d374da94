/*
 * dispatch.h - from clients to the application and back: events go in, batches of effects come out and are carried
 * out on hub and clients, and told to the cluster. Who runs the application, here or elsewhere, is runner.h.
 *
 * An application is not reentrant, and carrying out its effects may end clients, which is news for the application.
 * So clients that go while it runs are queued and told when the batch is done.
 */
#ifndef STOA_DISPATCH_DISPATCH_H
#define STOA_DISPATCH_DISPATCH_H

#include "app.h"
#include "client.h"
#include "cluster.h"
#include "runner.h"

struct remote_call;

struct dispatch {
	struct hub *hub;
	struct clients *clients;
	struct timers *timers;
	const struct runner_ops *runner; /* NULL: nobody yet */
	void *runner_ctx;
	int64_t now_ms;         /* of what is being done */
	bool running;           /* the runner, or a batch */
	struct client *current; /* whose event is handled, or was; NULL: a timer's, an answer's, or it is gone */
	uint64_t current_ack;   /* the number of that event's ack */
	/* Of the request in hand. */
	dispatch_decided_fn *decided;
	void *decided_to;
	struct client *gone, **gone_end;
	struct client **picked; /* clients collected from the hub, to be acted upon */
	size_t n_picked, cap_picked;
	struct cluster *cluster; /* NULL: this process is alone */
	struct remote_call *remote_calls;
	struct arena scratch; /* of what goes to other processes */
};

/* Ties clients to whoever runs the application, which dispatch_set_runner() says before the first of them comes. */
void dispatch_init(struct dispatch *d, struct hub *hub, struct clients *clients, struct timers *timers);
void dispatch_set_runner(struct dispatch *d, const struct runner_ops *runner, void *ctx);
/* Other processes, made with dispatch_cluster_ops and the dispatch as their ctx. Before the runner starts. */
void dispatch_set_cluster(struct dispatch *d, struct cluster *cluster);
extern const struct cluster_ops dispatch_cluster_ops;
void dispatch_fini(struct dispatch *d);

/* --- For the runner ------------------------------------------------------------------------------------------------ */

/* Around everything that runs the application here. */
void dispatch_begin(struct dispatch *d, int64_t now_ms);
void dispatch_end(struct dispatch *d);

/* Carries out what an event left. `c`: whose event it was, when it is there (CONNECTING, JOINED, or told gone in this turn);
 * NULL: nobody's, or it is gone. EFFECT_ACCEPT and EFFECT_REFUSE concern a client that is CONNECTING and are nothing
 * to any other. Fine inside of a runner's function. */
void dispatch_execute(struct dispatch *d, int64_t now_ms, struct client *c, const struct effect *first);
/* The same for a request: EFFECT_ADMIT or EFFECT_DENY goes to `decided`. */
void dispatch_decide(
	struct dispatch *d, int64_t now_ms, dispatch_decided_fn *decided, void *to, const struct effect *first);

/* The application is there, or another one: its namespaces are told to the cluster. */
void dispatch_keep_namespaces(struct dispatch *d);
/* What was asked of other processes has nobody any more who waits for it. */
void dispatch_forget_calls(struct dispatch *d);

/* --- Requests without a client ------------------------------------------------------------------------------------- */

/* A request that asks for a session: `decided` is called once, before this returns, or later when this is true. It is not
 * called at all after dispatch_forget_request(), and when there is no memory. */
bool dispatch_admit(
	struct dispatch *d, int64_t now_ms, const struct app_request *r, dispatch_decided_fn *decided, void *to);
void dispatch_forget_request(struct dispatch *d, void *to);
/* A request was refused; `error` as app_connection_error() has it. */
bool dispatch_hears_refusals(const struct dispatch *d);
void dispatch_refused(struct dispatch *d, int64_t now_ms, const struct app_request *r, struct slice error);

#endif
