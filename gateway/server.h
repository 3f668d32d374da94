/*
 * server.h - a gateway: the process of process.h with Socket.IO and an application on top, wired in one place.
 */
#ifndef STOA_GATEWAY_SERVER_H
#define STOA_GATEWAY_SERVER_H

#include "api.h"
#include "background.h"
#include "elsewhere.h"
#include "embedded.h"
#include "membership.h"
#include "process.h"
#include "reload.h"
#include "systemd.h"
#include "token_keys.h"

struct server {
	struct process process;
	struct hub hub;
	struct clients clients;
	struct dispatch dispatch;
	struct embedded embedded;      /* the application's runner ... */
	struct elsewhere *elsewhere;   /* ... unless it runs elsewhere */
	struct app *app;               /* NULL: elsewhere */
	struct background *background; /* the application's */
	struct notify notify;          /* its tasks left something */
	struct api *api;
	struct reload *reload;
	struct systemd_watch watch;
	struct membership *membership; /* NULL: alone */
	const char *(*app_options)[2];
	struct token_keys *token_keys; /* NULL: clients need no token */
	struct map questions;          /* admission.c's: who waits to be let in */
};

/* Loads the application, then listens. 0, or -1 with `why` in one sentence. */
int server_open(struct server *s, const struct gateway_options *options, const struct config_pairs *app_options,
	char *why, size_t why_size);
/* Serves until a signal ends it (process.h). On SIGHUP, and with `watch` when its file changes, the application is
 * loaded anew (embedded_replace()), if it is here. */
void server_run(struct server *s);
void server_close(struct server *s);

#endif
