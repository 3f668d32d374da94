/* server.c - see server.h. */
#include "server.h"

#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "metrics.h"
#include "random.h"
#include "server_redis.h"

enum { GATEWAY_CHECK_MS = 1000, FLUSH_MS = 1000 };

/* --- The crew ----------------------------------------------------------------------------------------------------- */

static void on_loaded(void *ctx, struct slice app, const char *error)
{
	struct server *s = ctx;

	if (error && s->state == SERVER_LOADING)
		server_fail(s, error);
	if (error)
		return;
	buf_clear(&s->app);
	buf_add_slice(&s->app, app);
	s->app_is_news = true;
	if (s->state == SERVER_LOADING) {
		s->state = SERVER_SERVING;
		systemd_tell("READY=1\nSTATUS=runs %s", s->options->gateway.app_name);
		server_connect(s);
	} else {
		server_look_at_app(s);
	}
}

static void on_done(void *ctx, struct job *job, struct slice batch)
{
	struct server *s = ctx;

	intake_done(s->intake, loop_now(&s->loop), job, batch);
}

static void on_failed(void *ctx, struct job *job, enum job_failure why, struct slice backtrace)
{
	struct server *s = ctx;

	intake_failed(s->intake, loop_now(&s->loop), job, why, backtrace);
}

static void on_batch(void *ctx, struct slice node, struct slice batch)
{
	struct server *s = ctx;

	intake_send(s->intake, loop_now(&s->loop), node, batch);
}

static void on_slot(void *ctx, unsigned slot, bool runs)
{
	struct server *s = ctx;

	intake_slot_is(s->intake, loop_now(&s->loop), slot, runs);
}

static void flush_over(struct timer *t, int64_t now_ms)
{
	(void)now_ms;
	loop_stop(&((struct server *)(void *)((char *)t - offsetof(struct server, give_up)))->loop);
}

static void on_flushed(void *to, int64_t now_ms, int64_t result, struct slice text)
{
	struct server *s = to;

	(void)now_ms;
	(void)result;
	(void)text;
	loop_stop(&s->loop);
}

/* What workers said last is out when something asked behind it has been answered. */
static void on_stopped(void *ctx)
{
	struct server *s = ctx;

	if (s->is_up && s->streams->ops->get(s->streams, buf_slice(&s->app_key), on_flushed, s) == 0)
		timer_set(&s->loop.timers, &s->give_up, flush_over, loop_now(&s->loop) + FLUSH_MS);
	else
		loop_stop(&s->loop);
}

static const struct crew_events crew_events = { on_loaded, on_done, on_failed, on_batch, on_slot, on_stopped };

static void give(void *ctx, struct job *job)
{
	struct server *s = ctx;

	crew_give(s->crew, job);
}

static void lead(void *ctx, unsigned slot, bool leads)
{
	struct server *s = ctx;

	crew_lead(s->crew, slot, leads);
}

static void lease(void *ctx, unsigned partition, int64_t until_ms)
{
	struct server *s = ctx;

	crew_lease(s->crew, partition, until_ms);
}

static const struct intake_ops intake_ops = { .give = give, .lead = lead, .lease = lease };

static void on_reload(void *ctx)
{
	struct server *s = ctx;

	if (s->state == SERVER_SERVING)
		crew_reload(s->crew);
}

/* --- The end ------------------------------------------------------------------------------------------------------ */

static int64_t time_left(struct server *s)
{
	int64_t left_ms = s->leave_by_ms - loop_now(&s->loop);

	return left_ms > 0 ? left_ms : 0;
}

static void stop_workers(struct server *s)
{
	if (s->state == SERVER_STOPPING)
		return;
	s->state = SERVER_STOPPING;
	crew_stop(s->crew, time_left(s) + s->options->gateway.background_timeout_ms);
}

static void on_left(void *to)
{
	stop_workers(to);
}

static void out_of_time(struct timer *t, int64_t now_ms)
{
	struct server *s = (struct server *)(void *)((char *)t - offsetof(struct server, give_up));

	log_warn("shutdown-timeout", LOG_I("in_work", intake_view(s->intake, now_ms).in_work));
	stop_workers(s);
}

static void begin_to_end(struct server *s)
{
	int64_t now_ms = loop_now(&s->loop);
	bool was_serving = s->state == SERVER_SERVING;

	log_info("shutting-down", LOG_I("partitions", intake_view(s->intake, now_ms).partitions));
	s->state = SERVER_LEAVING;
	systemd_tell("STOPPING=1");
	s->leave_by_ms = now_ms + s->options->gateway.shutdown_timeout_ms;
	timer_set(&s->loop.timers, &s->give_up, out_of_time, s->leave_by_ms);
	if (was_serving && s->streams)
		intake_leave(s->intake, now_ms, on_left, s);
	else
		stop_workers(s);
}

static void on_signal(evutil_socket_t signal, short what, void *ctx)
{
	struct server *s = ctx;

	(void)what;
	if (s->state >= SERVER_LEAVING) {
		log_warn("interrupted", LOG_I("signal", signal));
		_exit(EXIT_FAILURE);
	}
	begin_to_end(s);
}

/* --- What it tells of itself -------------------------------------------------------------------------------------- */

static const char *not_ready(void *ctx)
{
	struct server *s = ctx;
	struct intake_view v = intake_view(s->intake, loop_now(&s->loop));

	if (s->state == SERVER_LOADING)
		return "the application is being loaded";
	if (s->state > SERVER_SERVING)
		return "shutting down";
	if (!s->is_up)
		return streams_redis_trouble(s->streams);
	if (!s->is_told)
		return "the application is not known in Redis yet";
	if (crew_running(s->crew) == 0)
		return "no worker runs";
	if (v.partitions == 0 && v.brokers <= (unsigned)s->options->partitions)
		return "no partition is held";
	return NULL;
}

/* As they are now, and not as they were at the intake's last beat. */
static void show_intake(struct server *s)
{
	struct intake_view v = intake_view(s->intake, loop_now(&s->loop));

	metrics_set(M_BROKER_PARTITIONS, v.partitions);
	metrics_set(M_BROKER_BROKERS, v.brokers);
	metrics_set(M_BROKER_IN_WORK, (int64_t)v.in_work);
	metrics_set(M_BROKER_UNCONFIRMED, (int64_t)v.unconfirmed);
	metrics_set(M_BROKER_BACKLOG, (int64_t)v.backlog);
	metrics_set(M_BROKER_OLDEST, v.oldest_ms);
}

static void write_metrics(void *ctx, struct buf *to)
{
	struct server *s = ctx;

	crew_count(s->crew);
	show_intake(s);
	metrics_write(to);
}

static const struct internal_ops internal_ops = { not_ready, write_metrics };

/* --- Life --------------------------------------------------------------------------------------------------------- */

static int listen_for_signals(struct server *s)
{
	static const int numbers[] = { SIGTERM, SIGINT };

	signal(SIGPIPE, SIG_IGN);
	for (int i = 0; i < 2; i++) {
		s->signals[i] = evsignal_new(s->loop.base, numbers[i], on_signal, s);
		if (s->signals[i] == NULL || event_add(s->signals[i], NULL) < 0)
			return -1;
	}
	return 0;
}

static void on_turn_end(void *ctx, int64_t now_ms)
{
	(void)ctx;
	metrics_log_limits(now_ms);
}

static unsigned slots_of(const struct broker_options *o)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	if (o->slots)
		return (unsigned)o->slots;
	return cores < 1 ? 1 : cores > SLOTS_MAX ? SLOTS_MAX : (unsigned)cores;
}

static struct intake_config intake_config_of(const struct server *s)
{
	const struct broker_options *o = s->options;

	return (struct intake_config){ .app = o->gateway.app_name,
		.broker = slice_str(s->id),
		.name = slice_str(s->name),
		.redis_key = slice_str(o->gateway.redis_key),
		.partitions = (unsigned)o->partitions,
		.slots = slots_of(o),
		.credits = (unsigned)o->credits,
		.max_attempts = (int)o->max_attempts,
		.lease_ms = o->lease_ms,
		.confirm_ms = o->confirm_ms,
		.handover_ms = o->handover_ms,
		.max_age_ms = o->max_event_age_ms,
		.gateway_check_ms = o->gateway_gone_ms < GATEWAY_CHECK_MS ? o->gateway_gone_ms : GATEWAY_CHECK_MS,
		.gateway_gone_ms = o->gateway_gone_ms,
		.max_unconfirmed = (size_t)o->max_unconfirmed,
		.max_dead = (size_t)o->max_dead,
		.max_clients = (size_t)o->max_client_states,
		.encoding = (enum value_encoding)o->gateway.parser,
		.rules = RECORD_RULES,
		.wall_ms = clock_wall_ms };
}

static void name_it(struct server *s)
{
	struct gateway_options naming = { .node_name = s->options->broker_name };
	char name[GATEWAY_NAME_MAX + 1];

	random_id(s->id, BROKER_ID_SIZE);
	snprintf(s->name, sizeof(s->name), "%s", redis_setup_node_name(&naming, name));
	name_app(&s->app_key, s->options->gateway.app_name);
}

static int read_redis(struct server *s, char *why, size_t why_size)
{
	if (redis_setup_read(&s->options->gateway, &s->redis.redis, why, why_size) < 0)
		return -1;
	s->redis.redis.name = "stoa-broker";
	s->redis.group = slice_str(records_group);
	s->redis.field = slice_str(records_field);
	s->redis.max_publish = (size_t)s->options->gateway.redis_max_publish;
	return 0;
}

static int open_parts(struct server *s, char *const *argv, char *why, size_t why_size)
{
	const struct broker_options *o = s->options;
	struct intake_config intake = intake_config_of(s);
	struct crew_config crew = { .options = o, .slots = slots_of(o), .id = s->id, .argv = argv };

	if (read_redis(s, why, why_size) < 0)
		return -1;
	snprintf(why, why_size, "out of memory");
	if (loop_init(&s->loop) < 0 || listen_for_signals(s) < 0)
		return -1;
	loop_on_turn_end(&s->loop, on_turn_end, s);
	s->intake = intake_new(&intake, &s->loop.timers, &intake_ops, s);
	s->crew = crew_new(&s->loop, &crew, &crew_events, s);
	if (s->intake == NULL || s->crew == NULL)
		return -1;
	if (o->gateway.internal_listen)
		s->internal = internal_open(&s->loop, o->gateway.internal_listen, &internal_ops, s, why, why_size);
	if (o->gateway.internal_listen && s->internal == NULL)
		return -1;
	s->reload = reload_open(&s->loop, o->gateway.watch ? o->gateway.app : NULL, on_reload, s, why, why_size);
	return s->reload ? 0 : -1;
}

int server_open(struct server *s, const struct broker_options *options, char *const *argv, char *why, size_t why_size)
{
	*s = (struct server){ .options = options };
	name_it(s);
	if (open_parts(s, argv, why, why_size) == 0)
		return 0;
	server_close(s);
	return -1;
}

int server_run(struct server *s)
{
	log_info("listening", LOG_S("name", s->name), LOG_S("id", s->id),
		LOG_S("app_name", s->options->gateway.app_name), LOG_S("app", s->options->gateway.app),
		LOG_I("workers", slots_of(s->options)),
		LOG_S("internal", s->internal ? internal_address(s->internal) : "none"));
	systemd_watch(&s->watch, &s->loop.timers, loop_now(&s->loop));
	crew_start(s->crew);
	loop_run(&s->loop);
	return s->status;
}

void server_close(struct server *s)
{
	reload_close(s->reload);
	internal_close(s->internal);
	crew_free(s->crew);
	streams_redis_close(s->streams);
	intake_free(s->intake);
	for (int i = 0; i < 2; i++)
		if (s->signals[i])
			event_free(s->signals[i]);
	timer_stop(&s->loop.timers, &s->watch.timer);
	timer_stop(&s->loop.timers, &s->give_up);
	timer_stop(&s->loop.timers, &s->put_app);
	loop_fini(&s->loop);
	redis_url_fini(&s->redis.redis.url);
	buf_fini(&s->app_key);
	buf_fini(&s->app);
}
