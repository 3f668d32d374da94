/*
 * embedded.h - the application in this process: each event is run when it comes, and its batch carried out before the
 * next (runner.h).
 */
#ifndef STOA_DISPATCH_EMBEDDED_H
#define STOA_DISPATCH_EMBEDDED_H

#include "dispatch.h"
#include "gateway_options.h"

struct embedded {
	struct dispatch *dispatch;
	struct app *app; /* NULL: not started */
	struct app_port port;
	struct timer tick; /* app_due_ms() */
};

/* What the options mean for the application. */
struct app_limits embedded_limits(const struct gateway_options *o);

/* Becomes the runner of d, with an application that is loaded with embedded_port() as its port. */
void embedded_init(struct embedded *e, struct dispatch *d);
const struct app_port *embedded_port(struct embedded *e);
void embedded_start(struct embedded *e, struct app *app, int64_t now_ms); /* runs "start" */
void embedded_stop(struct embedded *e, int64_t now_ms); /* runs "stop"; clients are told nothing more */
void embedded_tick(struct embedded *e, int64_t now_ms); /* app_threads.wake() was called */
/* Another application in its place: "stop" of the old one, with all that waits there cancelled, then "start" of the
 * new. Clients stay, with their rooms and sessions. The old one is the caller's to free. */
void embedded_replace(struct embedded *e, struct app *app, int64_t now_ms);

#endif
