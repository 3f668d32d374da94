/*
 * main.c - eio-echo: the edge and session layers alone, on /engine.io/ unless --path says otherwise, echoing every
 * message: text as text, binary as binary. It takes the gateway's options. Public Engine.IO test suites run against it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "alloc.h"
#include "log.h"
#include "process.h"

static void opened(struct session *s, int64_t now_ms)
{
	(void)s;
	(void)now_ms;
}

static void echo(struct session *s, int64_t now_ms, bool binary, struct slice data)
{
	struct frame *f = frame_new(frame_packet_size(data.size + !binary));
	char *to;

	if (f == NULL) {
		session_close(s, now_ms, CLOSE_FORCED);
		return;
	}
	to = frame_put(f, binary, data.size + !binary);
	if (!binary)
		*to++ = '4';
	if (data.size)
		memcpy(to, data.at, data.size);
	out_push(&s->out, f);
	frame_unref(f);
}

static void closed(struct session *s, int64_t now_ms, enum close_reason why)
{
	(void)s;
	(void)now_ms;
	(void)why;
}

static const struct session_ops ops = { .opened = opened, .message = echo, .closed = closed };

static int serve(const struct gateway_options *options)
{
	struct process process;
	char why[512];

	log_set_level((enum log_level)options->log_level);
	if (process_open(&process, options, why, sizeof(why)) < 0) {
		fprintf(stderr, "eio-echo: %s\n", why);
		return EXIT_FAILURE;
	}
	process.sessions.ops = &ops;
	log_info("listening", LOG_S("addr", edge_address(process.edge)));
	process_run(&process);
	process_close(&process);
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	char **args = must_alloc(((size_t)argc + 2) * sizeof(*args));
	struct gateway_options options = { 0 };
	struct config_pairs pairs = { 0 };
	struct buf message = BUF_INIT;
	char path[] = "--path=/engine.io";
	int status;

	/* The default that differs goes first: what the user says comes later and wins. */
	args[0] = argv[0];
	args[1] = path;
	memcpy(args + 2, argv + 1, (size_t)argc * sizeof(*args) - sizeof(*args));
	if (config_read(&gateway_options_table, argc + 1, args, environ, &options, &pairs, &message) == CONFIG_RUN)
		status = serve(&options);
	else
		status = fprintf(stderr, "eio-echo: %.*s\n", SLICE_ARG(buf_slice(&message))) > 0 ? 2 : 1;
	config_free(&gateway_options_table, &options, &pairs);
	buf_fini(&message);
	free(args);
	return status;
}
