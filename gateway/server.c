/* server.c - see server.h. */
#include "server.h"

#include <stdio.h>
#include <stdlib.h>

#include "alloc.h"
#include "log.h"

static struct client_config client_config_of(const struct gateway_options *o)
{
	return (struct client_config){
		.rules = { .max_depth = (unsigned)o->max_json_depth,
			.max_attachments = (unsigned)o->max_attachments,
			.max_event_bytes = (size_t)o->max_event_name },
		.connect_timeout_ms = o->connect_timeout_ms,
		.max_namespaces = (size_t)o->max_namespaces,
		.max_pending_acks = (size_t)o->max_pending_acks,
		.max_name_bytes = (size_t)o->max_room_name,
	};
}

static struct app_limits app_limits_of(const struct gateway_options *o)
{
	return (struct app_limits){
		.max_json_depth = (unsigned)o->max_json_depth,
		.max_room_bytes = (size_t)o->max_room_name,
		.max_timers = (size_t)o->max_timers,
		.max_effects = (size_t)o->max_effects,
		.ack_timeout_ms = o->ack_timeout_ms,
	};
}

/* The pairs of the configuration in the form that applications take. */
static const char *(*options_of(const struct config_pairs *pairs))[2]
{
	const char *(*all)[2] = must_alloc((pairs->count + 1) * sizeof(*all));

	for (size_t i = 0; i < pairs->count; i++) {
		all[i][0] = pairs->at[i].name;
		all[i][1] = pairs->at[i].value;
	}
	return all;
}

static int load(struct server *s, const struct gateway_options *options, char *why, size_t why_size)
{
	struct app_setup setup = { .port = dispatch_port(&s->dispatch),
		.limits = app_limits_of(options),
		.options = (const char *const(*)[2])s->app_options };

	if (options->app == NULL) {
		snprintf(why, why_size, "no application: say --app FILE.so");
		return -1;
	}
	s->app = app_load(options->app, &setup, why, why_size);
	return s->app ? 0 : -1;
}

static void log_listening(const struct server *s)
{
	const char *internal = edge_internal_address(s->process.edge);

	log_info("listening", LOG_S("addr", edge_address(s->process.edge)),
		LOG_S("internal", internal ? internal : "none"), LOG_S("app", s->process.options->app));
}

int server_open(struct server *s, const struct gateway_options *options, const struct config_pairs *app_options,
	char *why, size_t why_size)
{
	struct client_config clients = client_config_of(options);

	*s = (struct server){ .app_options = options_of(app_options) };
	if (process_open(&s->process, options, why, why_size) < 0) {
		free(s->app_options);
		return -1;
	}
	hub_init(&s->hub, (uint32_t)options->max_rooms);
	clients_init(&s->clients, &clients, &s->hub, &s->process.sessions);
	dispatch_init(&s->dispatch, &s->hub, &s->clients, &s->process.loop.timers);
	if (load(s, options, why, why_size) < 0) {
		server_close(s);
		return -1;
	}
	return 0;
}

void server_run(struct server *s)
{
	dispatch_start(&s->dispatch, s->app, loop_now(&s->process.loop));
	log_listening(s);
	process_run(&s->process);
	/* Who stayed to the last hears of the end before the application does. */
	sessions_drop(&s->process.sessions, loop_now(&s->process.loop));
	dispatch_stop(&s->dispatch, loop_now(&s->process.loop));
}

void server_close(struct server *s)
{
	process_close(&s->process);
	app_free(s->app);
	dispatch_fini(&s->dispatch);
	hub_fini(&s->hub);
	free(s->app_options);
}
