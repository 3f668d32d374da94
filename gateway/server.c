/* server.c - see server.h. */
#include "server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "admission.h"
#include "alloc.h"
#include "clock.h"
#include "log.h"
#include "metrics.h"

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

static void on_notify(void *ctx, int64_t now_ms)
{
	struct server *s = ctx;

	embedded_tick(&s->embedded, now_ms);
}

struct loaded {
	struct app *app; /* NULL: `why` says why not */
	struct background *background;
};

static struct loaded load(
	struct server *s, const struct gateway_options *options, bool copy, char *why, size_t why_size)
{
	struct background *background = background_new(options, &s->notify);
	struct app_setup setup = { .port = embedded_port(&s->embedded),
		.threads = background_threads(background),
		.clock_ms = clock_now_ms,
		.limits = embedded_limits(options),
		.encoding = s->clients.config.parser->encoding,
		.options = (const char *const(*)[2])s->app_options,
		.copy = copy };
	struct app *app = NULL;

	snprintf(why, why_size, "no application: say --app FILE.so");
	if (options->app)
		app = app_load(options->app, &setup, why, why_size);
	if (app == NULL)
		background_free(background);
	return (struct loaded){ app, app ? background : NULL };
}

static void unload(struct app *app, struct background *background)
{
	app_free(app);
	background_free(background);
}

/* The new application is loaded before the old one is stopped: one that cannot be loaded changes nothing. */
static void reload_now(struct server *s)
{
	const struct gateway_options *options = s->process.options;
	char why[512];
	struct loaded new, old = { s->app, s->background };

	new = load(s, options, true, why, sizeof(why));
	if (new.app == NULL) {
		metrics_count(M_RELOADS_FAILED);
		log_error("not-reloaded", LOG_S("why", why));
		return;
	}
	embedded_replace(&s->embedded, new.app, loop_now(&s->process.loop));
	s->app = new.app;
	s->background = new.background;
	unload(old.app, old.background);
	metrics_count(M_RELOADS);
	log_info("reloaded", LOG_S("app", options->app), LOG_I("sessions", sessions_count(&s->process.sessions)));
}

static void reload(void *ctx)
{
	struct server *s = ctx;

	if (s->process.ending)
		return;
	if (s->elsewhere && edge_tls_address(s->process.edge) == NULL) {
		log_info("nothing-to-reload",
			LOG_S("why", "the application is loaded by who runs it, not by the gateway"));
		return;
	}
	systemd_tell("RELOADING=1");
	edge_reload_certificates(s->process.edge);
	if (s->elsewhere == NULL)
		reload_now(s);
	systemd_tell("READY=1");
}

static int load_first(struct server *s, const struct gateway_options *options, char *why, size_t why_size)
{
	struct loaded new;

	embedded_init(&s->embedded, &s->dispatch);
	new = load(s, options, options->watch, why, why_size);
	s->app = new.app;
	s->background = new.background;
	return s->app ? 0 : -1;
}

static int open_app(struct server *s, const struct gateway_options *options, char *why, size_t why_size)
{
	struct pubsub *bus = membership_bus(s->membership);

	if (elsewhere_open(&s->elsewhere, &s->process, &s->dispatch, bus, why, why_size) < 0)
		return -1;
	if (s->elsewhere == NULL && load_first(s, options, why, why_size) < 0)
		return -1;
	s->reload = reload_open(&s->process.loop, options->watch ? options->app : NULL, reload, s, why, why_size);
	return s->reload ? 0 : -1;
}

static int open_api(struct server *s, const struct gateway_options *options, char *why, size_t why_size)
{
	s->api = api_open(options, &s->hub, why, why_size);
	if (s->api == NULL)
		return -1;
	api_set_cluster(s->api, membership_cluster(s->membership));
	edge_set_api(s->process.edge, &api_ops, s->api);
	if (api_is_on(s->api) && edge_internal_address(s->process.edge) == NULL)
		log_warn("api-unreachable", LOG_S("why", "there is a key, but no internal_listen"));
	return 0;
}

static void log_listening(const struct server *s)
{
	const char *internal = edge_internal_address(s->process.edge);
	const char *tls = edge_tls_address(s->process.edge);

	if (tls)
		log_info("listening-tls", LOG_S("tls_addr", tls));
	log_info("listening", LOG_S("addr", edge_address(s->process.edge)),
		LOG_S("internal", internal ? internal : "none"),
		LOG_S("app", s->elsewhere ? s->process.options->app_name : s->process.options->app));
}

static const char *not_ready(void *ctx)
{
	const struct server *s = ctx;
	const char *trouble = membership_trouble(s->membership);

	if (trouble == NULL)
		trouble = elsewhere_trouble(s->elsewhere);
	return trouble ? trouble : token_keys_trouble(s->token_keys);
}

static void drains(void *ctx, int64_t now_ms)
{
	const struct server *s = ctx;

	cluster_drain(membership_cluster(s->membership), now_ms);
}

int server_open(struct server *s, const struct gateway_options *options, const struct config_pairs *app_options,
	char *why, size_t why_size)
{
	struct client_config clients = clients_config(options);

	*s = (struct server){ .app_options = options_of(app_options) };
	if (process_open(&s->process, options, why, why_size) < 0) {
		free(s->app_options);
		return -1;
	}
	hub_init(&s->hub, (uint32_t)options->max_rooms);
	s->hub.recovery = clients_recovery(options, &s->process.loop.timers);
	clients_init(&s->clients, &clients, &s->hub, &s->process.sessions);
	dispatch_init(&s->dispatch, &s->hub, &s->clients, &s->process.loop.timers);
	if (notify_open(&s->notify, &s->process.loop, on_notify, s) < 0) {
		snprintf(why, why_size, "no eventfd for background tasks");
		server_close(s);
		return -1;
	}
	if (token_keys_open(&s->token_keys, &s->process.loop, options, &s->clients, why, why_size) < 0 ||
		membership_open(&s->membership, &s->process, &s->hub, &s->clients, &s->dispatch, why, why_size) < 0 ||
		open_api(s, options, why, why_size) < 0 || open_app(s, options, why, why_size) < 0) {
		server_close(s);
		return -1;
	}
	s->process.upper_not_ready = not_ready;
	s->process.upper_drains = drains;
	s->process.upper_ctx = s;
	edge_set_door(s->process.edge, &admission_ops, s);
	return 0;
}

void server_run(struct server *s)
{
	int error;

	if (s->app)
		embedded_start(&s->embedded, s->app, loop_now(&s->process.loop));
	error = edge_listen(s->process.edge);
	if (error < 0) {
		log_error(
			"cannot-listen", LOG_S("addr", edge_address(s->process.edge)), LOG_S("why", strerror(-error)));
	} else {
		log_listening(s);
		systemd_tell("READY=1\nSTATUS=listening on %s", edge_address(s->process.edge));
		systemd_watch(&s->watch, &s->process.loop.timers, loop_now(&s->process.loop));
		process_run(&s->process);
	}
	timer_stop(&s->process.loop.timers, &s->watch.timer);
	/* Who stayed to the last hears of the end before the application does. */
	sessions_drop(&s->process.sessions, loop_now(&s->process.loop));
	if (s->app)
		embedded_stop(&s->embedded, loop_now(&s->process.loop));
	else
		elsewhere_leave(s->elsewhere);
	membership_leave(s->membership);
	/* Nothing that such work may still use can be freed, and nothing it does from here on would reach anybody. */
	if (s->app && app_jobs_left(s->app))
		_exit(EXIT_FAILURE);
}

void server_close(struct server *s)
{
	reload_close(s->reload);
	notify_close(&s->notify);
	sessions_drop(
		&s->process.sessions, loop_now(&s->process.loop)); /* clients leave rooms, which the cluster hears of */
	token_keys_close(s->token_keys);
	elsewhere_close(s->elsewhere);
	membership_close(s->membership);
	recovery_free(s->hub.recovery);
	process_close(&s->process);
	api_free(s->api);
	unload(s->app, s->background);
	dispatch_fini(&s->dispatch);
	hub_fini(&s->hub);
	free(s->app_options);
}
