/* drain.c - see drain.h. */
#include "drain.h"

#include "log.h"
#include "metrics.h"

enum { REPORT_MS = 1000, MARGIN_MS = 5000, HURRY_MS = 1000 };

static struct drain *drain_of_step(struct timer *t)
{
	return (struct drain *)(void *)((char *)t - offsetof(struct drain, step));
}

static int64_t at_most(int64_t ms, int64_t limit_ms)
{
	return ms < limit_ms ? ms : limit_ms;
}

void drain_init(struct drain *d, struct loop *loop, struct sessions *sessions, const struct gateway_options *options)
{
	*d = (struct drain){ .loop = loop, .sessions = sessions, .options = options };
}

/* --- Progress ----------------------------------------------------------------------------------------------------- */

static void tell_progress(struct timer *t, int64_t now_ms)
{
	struct drain *d = (struct drain *)(void *)((char *)t - offsetof(struct drain, report));

	log_info("draining", LOG_I("sessions_left", sessions_count(d->sessions)),
		LOG_I("to_close", sessions_open(d->sessions)), LOG_I("closed", d->shut),
		LOG_I("relayed_left", edge_tunnels(d->edge)));
	timer_set(&d->loop->timers, t, tell_progress, now_ms + REPORT_MS);
}

static void stop(struct drain *d)
{
	timer_stop(&d->loop->timers, &d->step);
	timer_stop(&d->loop->timers, &d->report);
	loop_stop(d->loop);
}

/* --- Closing ------------------------------------------------------------------------------------------------------ */

static void give_up(struct drain *d)
{
	d->cut = sessions_open(d->sessions) + sessions_unread(d->sessions) + edge_unread(d->edge);
	log_warn("shutdown-timeout", LOG_I("sessions_left", sessions_count(d->sessions)), LOG_I("cut", d->cut));
	stop(d);
}

static void hurry(struct drain *d, int64_t now_ms)
{
	if (sessions_open(d->sessions))
		log_warn("closing-the-rest", LOG_I("sessions", sessions_open(d->sessions)),
			LOG_S("why", "events under way were not answered in time, or drain_rate is low"));
	d->shut += sessions_open(d->sessions);
	sessions_shutdown(d->sessions, now_ms);
	edge_end_tunnels(d->edge, SIZE_MAX);
}

/* Both are in the same hurry: those that one does not have, the other may take. */
static void close_some(struct drain *d, int64_t now_ms)
{
	size_t open = sessions_open(d->sessions), tunnels = edge_tunnels(d->edge);
	size_t n = pace_take(&d->pace, now_ms, open + tunnels);

	if (n == 0)
		return;
	n -= edge_end_tunnels(d->edge, tunnels ? n - n * open / (open + tunnels) : 0);
	d->shut += sessions_shut(d->sessions, now_ms, n, false);
}

static void step(struct timer *t, int64_t now_ms)
{
	struct drain *d = drain_of_step(t);
	int64_t next_ms = now_ms + PACE_TICK_MS;

	if (now_ms >= d->give_up_ms) {
		give_up(d);
		return;
	}
	if (now_ms >= d->hurry_ms)
		hurry(d, now_ms);
	else
		close_some(d, now_ms);
	if (sessions_open(d->sessions) + edge_tunnels(d->edge) == 0)
		next_ms = d->give_up_ms;
	else if (now_ms < d->hurry_ms)
		next_ms = at_most(next_ms, d->hurry_ms);
	timer_set(&d->loop->timers, t, step, at_most(next_ms, d->give_up_ms));
}

static void begin_to_close(struct timer *t, int64_t now_ms)
{
	struct drain *d = drain_of_step(t);
	int64_t time_ms = d->options->shutdown_timeout_ms;

	d->closes = true;
	d->give_up_ms = now_ms + time_ms;
	d->hurry_ms = d->give_up_ms - at_most(HURRY_MS, time_ms / 4);
	pace_begin(&d->pace, now_ms, d->give_up_ms - at_most(MARGIN_MS, time_ms / 2), d->options->drain_rate);
	log_info("closing", LOG_I("sessions", sessions_count(d->sessions)));
	edge_stop_sessions(d->edge);
	step(t, now_ms);
}

/* --- The whole ---------------------------------------------------------------------------------------------------- */

void drain_begin(struct drain *d, struct edge *edge, int64_t now_ms, bool now)
{
	int64_t delay_ms = now ? 0 : d->options->drain_delay_ms;

	d->edge = edge;
	d->began = true;
	metrics_set(M_DRAINING, 1);
	log_info("shutting-down", LOG_I("sessions", sessions_count(d->sessions)), LOG_I("delay_ms", delay_ms));
	timer_set(&d->loop->timers, &d->report, tell_progress, now_ms + REPORT_MS);
	if (delay_ms)
		timer_set(&d->loop->timers, &d->step, begin_to_close, now_ms + delay_ms);
	else
		begin_to_close(&d->step, now_ms);
}

void drain_look(struct drain *d, int64_t now_ms)
{
	(void)now_ms;
	if (!d->closes || sessions_count(d->sessions))
		return;
	if (!d->empty)
		edge_stop_listening(d->edge);
	d->empty = true;
	if (edge_is_empty(d->edge))
		stop(d);
}
