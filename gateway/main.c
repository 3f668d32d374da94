/* main.c - stoa-gateway: reads the options, runs a server, says why not. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cells.h"
#include "client_dir.h"
#include "health.h"
#include "log.h"
#include "memory.h"
#include "metrics.h"
#include "server.h"
#include "tls.h"
#include "workers.h"

enum { EXIT_USAGE = 2 };

/* `worker` is NULL when there are no others. */
static int serve(
	const struct gateway_options *options, const struct config_pairs *app_options, const struct worker *worker)
{
	struct server server;
	char why[512];
	bool cut;

	if (server_open(&server, options, app_options, why, sizeof(why)) < 0) {
		fprintf(stderr, "stoa-gateway: %s\n", why);
		return EXIT_FAILURE;
	}
	metrics_set(M_WORKERS, options->workers);
	metrics_set(M_WORKER, options->worker);
	metrics_add(M_WORKER_RESTARTS, options->worker_restarts);
	if (worker)
		worker_started(worker);
	server_run(&server);
	cut = server.process.drain.cut > 0;
	server_close(&server);
	log_info("stopped", LOG_I("log_lines_dropped", log_dropped()));
	return cut ? WORKER_CUT : EXIT_SUCCESS;
}

static int tell_health(const struct gateway_options *options)
{
	char why[512];

	if (health_ask(options->internal_listen, why, sizeof(why))) {
		printf("well\n");
		return EXIT_SUCCESS;
	}
	fprintf(stderr, "stoa-gateway: %s\n", why);
	return EXIT_FAILURE;
}

static int check(const struct gateway_options *options)
{
	char why[512];

	if (tls_check(options, why, sizeof(why))) {
		printf("the configuration is good\n");
		return EXIT_SUCCESS;
	}
	fprintf(stderr, "stoa-gateway: %s\n", why);
	return EXIT_USAGE;
}

static int run(const struct gateway_options *options, const struct config_pairs *app_options)
{
	struct worker self;
	int status;

	log_set_level(options->debug ? LOG_DEBUG : (enum log_level)options->log_level);
	if (options->workers == 1)
		return serve(options, app_options, NULL);
	status = workers_run(options, &self);
	return status == WORKER_RUNS ? serve(&self.options, app_options, &self) : status;
}

static int act(enum config_action action, const struct gateway_options *options, const struct config_pairs *app_options,
	const struct buf *message)
{
	switch (action) {
	case CONFIG_RUN:
		return run(options, app_options);
	case CONFIG_HELP:
	case CONFIG_PRINT:
		printf("%.*s", SLICE_ARG(buf_slice(message)));
		return EXIT_SUCCESS;
	case CONFIG_VERSION:
		printf("stoa-gateway %s, malloc of %s\n", STOA_VERSION, memory_allocator());
		return EXIT_SUCCESS;
	case CONFIG_HEALTH:
		return tell_health(options);
	case CONFIG_CHECK:
		return check(options);
	case CONFIG_ERROR:
		break;
	}
	fprintf(stderr, "stoa-gateway: %.*s\n", SLICE_ARG(buf_slice(message)));
	return EXIT_USAGE;
}

int main(int argc, char **argv)
{
	struct gateway_options options = { 0 };
	struct config_pairs app_options = { 0 };
	struct buf message = BUF_INIT;
	enum config_action action;
	int status;

	cells_for_libevent();
	action = config_read(&gateway_options_table, argc, argv, environ, &options, &app_options, &message);
	if ((action == CONFIG_RUN || action == CONFIG_CHECK) && !gateway_options_agree(&options, &message))
		action = CONFIG_ERROR;
	if (action == CONFIG_RUN && options.client_dir == NULL)
		options.client_dir = client_dir_find();
	status = act(action, &options, &app_options, &message);
	config_free(&gateway_options_table, &options, &app_options);
	buf_fini(&message);
	return status;
}
