/*
 * dispatch.h - from clients to the application and back: events go in, batches of effects come out and are carried
 * out on hub and clients, and told to the cluster. This is the embedded form: the application runs in this process.
 *
 * The application is not reentrant, and carrying out its effects may end clients, which is news for the application.
 * So clients that go while it runs are queued and told when the batch is done.
 */
#ifndef STOA_DISPATCH_DISPATCH_H
#define STOA_DISPATCH_DISPATCH_H

#include "app.h"
#include "client.h"
#include "cluster.h"
#include "gateway_options.h"

struct remote_call;

struct dispatch {
	struct app *app;
	struct hub *hub;
	struct clients *clients;
	struct timers *timers;
	struct app_port port;
	struct timer tick;      /* app_due_ms() */
	int64_t now_ms;         /* of what is being done */
	bool running;           /* the application, or its batch */
	struct client *current; /* whose event is handled; NULL: a timer's, an answer's */
	/* Of the request in hand: dispatch_admit()'s. */
	void (*decided)(void *to, const struct effect *e);
	void *decided_to;
	struct client *gone, **gone_end;
	struct client **picked; /* clients collected from the hub, to be acted upon */
	size_t n_picked, cap_picked;
	struct cluster *cluster; /* NULL: this process is alone */
	struct remote_call *remote_calls;
	struct arena scratch; /* of what goes to other processes */
};

/* What the options mean for the application. */
struct app_limits dispatch_limits(const struct gateway_options *o);

/* Ties clients to an application, which is loaded with dispatch_port() as its port and set with dispatch_start(). */
void dispatch_init(struct dispatch *d, struct hub *hub, struct clients *clients, struct timers *timers);
/* Other processes, made with dispatch_cluster_ops and the dispatch as their ctx. Before dispatch_start(). */
void dispatch_set_cluster(struct dispatch *d, struct cluster *cluster);
extern const struct cluster_ops dispatch_cluster_ops;
const struct app_port *dispatch_port(struct dispatch *d);
void dispatch_start(struct dispatch *d, struct app *app, int64_t now_ms); /* runs "start" */
void dispatch_stop(struct dispatch *d, int64_t now_ms); /* runs "stop"; clients are told nothing more */
void dispatch_tick(struct dispatch *d, int64_t now_ms); /* app_threads.wake() was called */
/* Another application in its place: "stop" of the old one, with all that waits there cancelled, then "start" of the
 * new. Clients stay, with their rooms and sessions. The old one is the caller's to free. */
void dispatch_replace(struct dispatch *d, struct app *app, int64_t now_ms);
void dispatch_fini(struct dispatch *d);

/* A request that asks for a session: `decided` is called with EFFECT_ADMIT or EFFECT_DENY, once, before this returns,
 * or not at all when there is no memory. */
void dispatch_admit(struct dispatch *d, int64_t now_ms, const struct app_request *r,
	void (*decided)(void *to, const struct effect *e), void *to);
/* A request was refused; `error` as app_connection_error() has it. */
bool dispatch_hears_refusals(const struct dispatch *d);
void dispatch_refused(struct dispatch *d, int64_t now_ms, const struct app_request *r, struct slice error);

#endif
