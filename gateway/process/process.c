/* process.c - see process.h. */
#include "process.h"

#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "memory.h"
#include "metrics.h"
#include "systemd.h"

enum {
	EXIT_INTERRUPTED = 1,
	SESSION_BYTES = 2048, /* about what one takes, of memory that freed ones leave behind */
	CONNECTION_BYTES = 1024,
	TLS_BYTES = 15 * 1024 /* more, of a connection over TLS */
};

/* Every connection is a descriptor, and the usual soft limit of 1024 is not what anybody meant. */
static void raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur == limit.rlim_max)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

/* --- The end ------------------------------------------------------------------------------------------------------ */

static void begin_to_end(struct process *p, bool now)
{
	int64_t now_ms = loop_now(&p->loop);

	p->ending = true;
	systemd_tell("STOPPING=1\nSTATUS=draining, %zu sessions", (size_t)sessions_count(&p->sessions));
	if (p->upper_drains)
		p->upper_drains(p->upper_ctx, now_ms);
	drain_begin(&p->drain, p->edge, now_ms, now);
}

static void on_signal(evutil_socket_t signal, short what, void *ctx)
{
	struct process *p = ctx;

	(void)what;
	/* Ctrl-C and systemd tell all processes, and the supervisor tells its workers again (workers.h). */
	if (p->ending && p->options->workers > 1)
		return;
	if (p->ending) {
		log_warn("interrupted", LOG_I("signal", signal));
		_exit(EXIT_INTERRUPTED);
	}
	begin_to_end(p, signal == SIGINT);
}

static const char *not_ready(void *ctx)
{
	struct process *p = ctx;

	if (p->ending)
		return "draining";
	if (loop_now(&p->loop) < p->stalled_until_ms)
		return p->stalled;
	return p->upper_not_ready ? p->upper_not_ready(p->upper_ctx) : NULL;
}

static void turn_took(void *ctx, int64_t now_ms, int64_t took_ms)
{
	struct process *p = ctx;
	int64_t stall_ms = p->options->loop_stall_ms;

	metrics_add(M_LOOP_BUSY, took_ms);
	if (took_ms > metrics_get(M_LOOP_TURN_MAX))
		metrics_add(M_LOOP_TURN_MAX, took_ms - metrics_get(M_LOOP_TURN_MAX));
	if (stall_ms == 0 || took_ms <= stall_ms)
		return;
	metrics_count(M_LOOP_STALLS);
	log_warn("loop-blocked", LOG_I("ms", took_ms), LOG_I("loop_stall_ms", stall_ms));
	snprintf(p->stalled, sizeof(p->stalled), "loop blocked for %lld ms", (long long)took_ms);
	p->stalled_until_ms = now_ms + 10 * stall_ms;
}

/* That it is due has the loop not wait. */
static void go_on_flushing(struct timer *t, int64_t now_ms)
{
	(void)t;
	(void)now_ms;
}

/* What of the memory comes and goes with clients; an estimate. */
static void see_memory(struct process *p, int64_t now_ms)
{
	int64_t frames = (int64_t)frames_bytes();

	metrics_set(M_FRAMES_BYTES, frames);
	ebb_see(&p->ebb,
		(int64_t)sessions_count(&p->sessions) * SESSION_BYTES + metrics_get(M_CONNECTIONS) * CONNECTION_BYTES +
			metrics_get(M_TLS_CONNECTIONS) * TLS_BYTES + frames,
		now_ms);
}

/* Last in each turn: output is flushed, and the end of the end noticed. */
static void turn_ends(void *ctx, int64_t now_ms)
{
	struct process *p = ctx;
	bool more;

	edge_flush(p->edge, true);
	more = out_flush_turn(&p->lane, now_ms);
	edge_flush(p->edge, false);
	if (more)
		timer_set(&p->loop.timers, &p->flush, go_on_flushing, now_ms);
	metrics_log_limits(now_ms);
	see_memory(p, now_ms);
	drain_look(&p->drain, now_ms);
}

/* --- Life --------------------------------------------------------------------------------------------------------- */

static int listen_for_signals(struct process *p)
{
	static const int numbers[] = { SIGTERM, SIGINT };

	signal(SIGPIPE, SIG_IGN);
	for (int i = 0; i < 2; i++) {
		p->signals[i] = evsignal_new(p->loop.base, numbers[i], on_signal, p);
		if (p->signals[i] == NULL || event_add(p->signals[i], NULL) < 0)
			return -1;
	}
	return 0;
}

/* One that comes again when nobody listens any more would end a worker that has only to free its memory. */
static void hold_signals(void)
{
	sigset_t both;

	sigemptyset(&both);
	sigaddset(&both, SIGTERM);
	sigaddset(&both, SIGINT);
	pthread_sigmask(SIG_BLOCK, &both, NULL);
}

static int open_parts(struct process *p, char *why, size_t why_size)
{
	struct session_config sessions = sessions_config(p->options);

	snprintf(why, why_size, "out of memory");
	if (loop_init(&p->loop) < 0 || out_lane_init(&p->lane, (size_t)p->options->max_send_queue) < 0 ||
		sessions_init(&p->sessions, &sessions, &p->loop.timers, &p->loop.graveyard, &p->lane) < 0 ||
		listen_for_signals(p) < 0)
		return -1;
	drain_init(&p->drain, &p->loop, &p->sessions, p->options);
	ebb_init(&p->ebb, &p->loop.timers, memory_give_back, clock_now_ms);
	loop_on_turn_end(&p->loop, turn_ends, p);
	loop_on_turn_took(&p->loop, turn_took, p);
	p->edge = edge_open(&(struct edge_config){ .options = p->options,
				    .loop = &p->loop,
				    .sessions = &p->sessions,
				    .not_ready = not_ready,
				    .ctx = p },
		why, why_size);
	return p->edge ? 0 : -1;
}

int process_open(struct process *p, const struct gateway_options *options, char *why, size_t why_size)
{
	*p = (struct process){ .options = options };
	raise_descriptor_limit();
	if (open_parts(p, why, why_size) == 0)
		return 0;
	process_close(p);
	return -1;
}

void process_run(struct process *p)
{
	loop_run(&p->loop);
}

void process_close(struct process *p)
{
	if (p->options->workers > 1)
		hold_signals();
	for (int i = 0; i < 2; i++) {
		if (p->signals[i])
			event_free(p->signals[i]);
		p->signals[i] = NULL;
	}
	edge_free(p->edge); /* ends what is left; sessions hear of it */
	p->edge = NULL;
	sessions_drop(&p->sessions, p->loop.turn_ms);
	loop_fini(&p->loop);
	sessions_fini(&p->sessions);
	out_lane_fini(&p->lane);
}
