/* main.c - stoa-broker: reads the options, runs a broker or one of its workers, says why not. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "health.h"
#include "log.h"
#include "server.h"

enum { EXIT_USAGE = 2 };

/* What the command line comes to. `worker`: it began with --worker, which a broker says to its own. */
struct command {
	bool worker;
	char *const *argv;
	struct broker_options options;
	struct config_pairs app_options;
	struct buf message;
};

static int serve(const struct command *c)
{
	struct server server;
	char why[512];
	int status;

	if (server_open(&server, &c->options, c->argv, why, sizeof(why)) < 0) {
		fprintf(stderr, "stoa-broker: %s\n", why);
		return EXIT_FAILURE;
	}
	status = server_run(&server);
	if (status)
		fprintf(stderr, "stoa-broker: %s\n", server.why);
	server_close(&server);
	log_info("stopped", LOG_I("log_lines_dropped", log_dropped()));
	return status;
}

static int tell_health(const struct command *c)
{
	char why[512];

	if (health_ask(c->options.gateway.internal_listen, why, sizeof(why))) {
		printf("well\n");
		return EXIT_SUCCESS;
	}
	fprintf(stderr, "stoa-broker: %s\n", why);
	return EXIT_FAILURE;
}

static int run(const struct command *c)
{
	log_set_level((enum log_level)c->options.gateway.log_level);
	return c->worker ? crew_worker_run(&c->options, &c->app_options) : serve(c);
}

static int act(enum config_action action, const struct command *c)
{
	switch (action) {
	case CONFIG_RUN:
		return run(c);
	case CONFIG_HELP:
	case CONFIG_PRINT:
		printf("%.*s", SLICE_ARG(buf_slice(&c->message)));
		return EXIT_SUCCESS;
	case CONFIG_VERSION:
		printf("stoa-broker %s\n", STOA_VERSION);
		return EXIT_SUCCESS;
	case CONFIG_HEALTH:
		return tell_health(c);
	case CONFIG_CHECK:
		printf("the configuration is good\n");
		return EXIT_SUCCESS;
	case CONFIG_ERROR:
		break;
	}
	fprintf(stderr, "stoa-broker: %.*s\n", SLICE_ARG(buf_slice(&c->message)));
	return EXIT_USAGE;
}

int main(int argc, char **argv)
{
	struct command c = { .argv = argv, .message = BUF_INIT };
	enum config_action action;
	int status;

	c.worker = argc > 1 && strcmp(argv[1], "--worker") == 0;
	if (c.worker) { /* options begin behind it */
		argv[1] = argv[0];
		argv++;
		argc--;
	}
	action = config_read(broker_options_table(), argc, argv, environ, &c.options, &c.app_options, &c.message);
	if ((action == CONFIG_RUN || action == CONFIG_CHECK) && !broker_options_agree(&c.options, &c.message))
		action = CONFIG_ERROR;
	status = act(action, &c);
	config_free(broker_options_table(), &c.options, &c.app_options);
	buf_fini(&c.message);
	return status;
}
