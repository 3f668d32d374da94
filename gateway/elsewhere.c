/* elsewhere.c - see elsewhere.h. */
#include "elsewhere.h"

#include <stdlib.h>

#include "alloc.h"
#include "clock.h"
#include "log.h"
#include "redis_setup.h"
#include "remote.h"
#include "remote_streams.h"
#include "streams_redis.h"
#include "webhook.h"

enum { LOOK_MS = 2000, LEAVE_MS = 300, WAIT_MS = 5 };

struct elsewhere {
	struct process *process;
	const struct gateway_options *options;
	struct remote *remote;
	struct streams_redis_config streams_config;
	struct streams *streams;
	struct remote_streams *carrier;
	struct webhook *webhook; /* or this one */
	struct timer wait;
	int64_t wait_end_ms;
	bool is_over;
	char name[GATEWAY_NAME_MAX + 1];
};

static struct record_rules rules_of(const struct gateway_options *o)
{
	struct record_rules rules = RECORD_RULES;

	rules.max_bytes = (size_t)o->redis_max_message;
	rules.max_room_bytes = (size_t)o->max_room_name;
	return rules;
}

static struct remote_config remote_config(const struct gateway_options *o)
{
	return (struct remote_config){ .event_timeout_ms = o->event_timeout_ms,
		.broker_timeout_ms = o->broker_timeout_ms,
		.max_waiting_events = (size_t)o->max_waiting_events,
		.max_waiting_memory = (size_t)o->max_waiting_memory,
		.ack_timeout_ms = o->ack_timeout_ms,
		.max_deferred_acks = (size_t)o->max_pending_acks,
		.wall_ms = clock_wall_ms,
		.rules = rules_of(o) };
}

/* --- Brokers ------------------------------------------------------------------------------------------------------- */

static struct remote_streams_config carrier_config(struct elsewhere *e)
{
	const struct gateway_options *o = e->options;

	return (struct remote_streams_config){ .app = o->app_name,
		.node = slice_of(e->process->sessions.node_id, NODE_ID_SIZE),
		.name = redis_setup_node_name(o, e->name),
		.max_backlog = (size_t)o->max_backlog,
		.lease_ms = o->node_lost_ms,
		.look_ms = LOOK_MS,
		.rules = rules_of(o) };
}

static int open_brokers(struct elsewhere *e, struct pubsub *bus, char *why, size_t why_size)
{
	struct remote_streams_config config = carrier_config(e);

	if (redis_setup_read(e->options, &e->streams_config.redis, why, why_size) < 0)
		return -1;
	e->streams_config.group = slice_str(records_group);
	e->streams_config.field = slice_str(records_field);
	e->streams_config.max_publish = (size_t)e->options->redis_max_publish;
	e->carrier = remote_streams_new(&config, e->remote, &e->process->loop.timers);
	if (bus)
		remote_streams_follow(e->carrier, bus);
	e->streams = streams_redis_open(
		&e->process->loop, &e->streams_config, &remote_streams_events, e->carrier, why, why_size);
	if (e->streams == NULL)
		return -1;
	remote_streams_join(e->carrier, e->streams);
	return 0;
}

static int open_webhook(struct elsewhere *e, char *why, size_t why_size)
{
	struct loop *loop = &e->process->loop;

	e->webhook = webhook_open(e->options, loop, e->remote, why, why_size);
	if (e->webhook == NULL)
		return -1;
	webhook_start(e->webhook, loop_now(loop));
	return 0;
}

/* --- Life ---------------------------------------------------------------------------------------------------------- */

int elsewhere_open(struct elsewhere **made, struct process *process, struct dispatch *dispatch, struct pubsub *bus,
	char *why, size_t why_size)
{
	const struct gateway_options *o = process->options;
	struct remote_config config = remote_config(o);
	struct elsewhere *e;

	*made = NULL;
	if (o->dispatch == DISPATCH_EMBEDDED)
		return 0;
	*made = e = must_alloc(sizeof(*e));
	e->process = process;
	e->options = o;
	e->remote = remote_new(&config, dispatch);
	if (o->dispatch == DISPATCH_WEBHOOK)
		return open_webhook(e, why, why_size);
	return open_brokers(e, bus, why, why_size);
}

static void look(struct timer *t, int64_t now_ms)
{
	struct elsewhere *e = (struct elsewhere *)(void *)((char *)t - offsetof(struct elsewhere, wait));

	e->is_over |= remote_events(e->remote) == 0 || elsewhere_trouble(e) || now_ms >= e->wait_end_ms;
	if (e->is_over)
		loop_stop(&e->process->loop);
	else
		timer_set(&e->process->loop.timers, t, look, now_ms + WAIT_MS);
}

static void out_of_time(struct timer *t, int64_t now_ms)
{
	struct elsewhere *e = (struct elsewhere *)(void *)((char *)t - offsetof(struct elsewhere, wait));

	(void)now_ms;
	e->is_over = true;
	loop_stop(&e->process->loop);
}

static void left(void *to)
{
	struct elsewhere *e = to;

	e->is_over = true;
	loop_stop(&e->process->loop);
}

static void run(struct elsewhere *e)
{
	while (!e->is_over)
		loop_run(&e->process->loop);
	timer_stop(&e->process->loop.timers, &e->wait);
	e->is_over = false;
}

void elsewhere_leave(struct elsewhere *e)
{
	struct loop *loop = &e->process->loop;
	int64_t now_ms = loop_now(loop);

	remote_end(e->remote, now_ms);
	e->wait_end_ms = now_ms + e->options->shutdown_timeout_ms;
	timer_set(&loop->timers, &e->wait, look, now_ms);
	run(e);
	if (remote_events(e->remote))
		log_warn("events-left", LOG_I("count", remote_events(e->remote)));
	if (e->carrier == NULL)
		return;
	timer_set(&loop->timers, &e->wait, out_of_time, loop_now(loop) + LEAVE_MS);
	remote_streams_leave(e->carrier, loop_now(loop), left, e);
	run(e);
}

void elsewhere_close(struct elsewhere *e)
{
	if (e == NULL)
		return;
	webhook_close(e->webhook);
	streams_redis_close(e->streams);
	remote_streams_free(e->carrier);
	remote_free(e->remote);
	redis_url_fini(&e->streams_config.redis.url);
	free(e);
}

const char *elsewhere_trouble(const struct elsewhere *e)
{
	const char *trouble = e && e->webhook ? webhook_trouble(e->webhook) : NULL;

	return trouble || e == NULL ? trouble : remote_trouble(e->remote);
}
