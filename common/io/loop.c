/* loop.c - see loop.h. */
#include "loop.h"

#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <string.h>

#include "clock.h"

static void wake(evutil_socket_t fd, short what, void *ctx)
{
	struct loop *l = ctx;

	(void)fd;
	(void)what;
	l->wake_ms = INT64_MAX;
}

int loop_init(struct loop *l)
{
	struct event_config *config = event_config_new();

	memset(l, 0, sizeof(*l));
	if (config == NULL)
		return -ENOMEM;
	/* Our timers are the only ones that need the time, and loop_now() reads it. */
	event_config_set_flag(config, EVENT_BASE_FLAG_NO_CACHE_TIME);
	event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
	l->base = event_base_new_with_config(config);
	event_config_free(config);
	if (l->base == NULL)
		return -ENOMEM;
	l->wake_ms = INT64_MAX;
	l->wake = event_new(l->base, -1, 0, wake, l);
	return l->wake ? 0 : -ENOMEM;
}

void loop_fini(struct loop *l)
{
	graveyard_dig(&l->graveyard);
	timers_fini(&l->timers);
	if (l->wake)
		event_free(l->wake);
	if (l->turn)
		event_free(l->turn);
	else if (l->base)
		event_base_free(l->base);
	l->wake = l->turn = NULL;
	l->base = NULL;
}

void loop_on_turn_end(struct loop *l, void (*fn)(void *ctx, int64_t now_ms), void *ctx)
{
	assert(l->turn_ends < LOOP_TURN_END_MAX);
	l->turn_end[l->turn_ends].fn = fn;
	l->turn_end[l->turn_ends++].ctx = ctx;
}

int64_t loop_now(struct loop *l)
{
	if (l->turn_ms == 0) {
		l->turn_ms = clock_now_ms();
		if (l->turn)
			event_active(l->turn, EV_TIMEOUT, 0);
	}
	return l->turn_ms;
}

/* Has libevent return in time for the next timer. */
static void arm(struct loop *l, int64_t next, int64_t now)
{
	struct timeval wait = { .tv_sec = (next - now) / 1000, .tv_usec = (next - now) % 1000 * 1000 };

	if (next == l->wake_ms)
		return;
	l->wake_ms = next;
	if (next == INT64_MAX)
		event_del(l->wake);
	else
		event_add(l->wake, &wait);
}

void loop_on_turn_took(struct loop *l, void (*fn)(void *ctx, int64_t now_ms, int64_t took_ms), void *ctx)
{
	l->turn_took.fn = fn;
	l->turn_took.ctx = ctx;
}

static void turn_is_over(struct loop *l, int64_t now_ms)
{
	if (l->turn_ms && l->turn_took.fn)
		l->turn_took.fn(l->turn_took.ctx, now_ms, now_ms - l->turn_ms);
	l->turn_ms = 0;
}

/* Waits for events at most until the next timer, and hands them out. */
static void wait_and_dispatch(struct loop *l)
{
	int64_t now = clock_now_ms(), next;

	turn_is_over(l, now);
	next = timers_next_ms(&l->timers);
	if (next <= now) {
		event_base_loop(l->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
		return;
	}
	arm(l, next, now);
	event_base_loop(l->base, EVLOOP_ONCE | EVLOOP_NO_EXIT_ON_EMPTY);
}

static void end_turn(struct loop *l)
{
	l->turns++;
	timers_run(&l->timers, loop_now(l));
	for (int i = 0; i < l->turn_ends; i++)
		l->turn_end[i].fn(l->turn_end[i].ctx, loop_now(l));
	graveyard_dig(&l->graveyard);
}

void loop_run(struct loop *l)
{
	l->stopped = false;
	l->turn_ms = 0;
	while (!l->stopped) {
		wait_and_dispatch(l);
		end_turn(l);
	}
}

void loop_poll(struct loop *l)
{
	l->turn_ms = 0;
	event_base_loop(l->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	end_turn(l);
	turn_is_over(l, clock_now_ms());
}

/* --- On somebody else's base -------------------------------------------------------------------------------------- */

static void turn_ends(evutil_socket_t fd, short what, void *ctx)
{
	struct loop *l = ctx;
	int64_t next, now;

	(void)fd;
	(void)what;
	end_turn(l);
	now = clock_now_ms();
	turn_is_over(l, now);
	next = timers_next_ms(&l->timers);
	arm(l, next < now ? now : next, now);
}

static void wake_attached(evutil_socket_t fd, short what, void *ctx)
{
	wake(fd, what, ctx);
	loop_now(ctx);
}

int loop_attach(struct loop *l, struct event_base *base)
{
	memset(l, 0, sizeof(*l));
	l->base = base;
	l->wake_ms = INT64_MAX;
	l->wake = event_new(base, -1, 0, wake_attached, l);
	l->turn = event_new(base, -1, 0, turn_ends, l);
	return l->wake && l->turn ? 0 : -ENOMEM;
}

void loop_stop(struct loop *l)
{
	l->stopped = true;
}
