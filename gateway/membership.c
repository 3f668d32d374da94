/* membership.c - see membership.h. */
#include "membership.h"

#include <stdio.h>
#include <stdlib.h>

#include "alloc.h"
#include "log.h"
#include "node_address.h"
#include "pubsub_redis.h"
#include "redis_setup.h"
#include "relays.h"

enum { LEAVE_MS = 300 };

struct membership {
	struct process *process;
	const struct gateway_options *options;
	struct pubsub_redis_config bus_config;
	struct pubsub *bus;
	struct cluster *cluster;
	struct node_relays *relays;
	char address[NODE_ADDRESS_MAX + 1];
	struct buf probe_channel;
	struct timer leaving;
	bool has_left;
	char name[GATEWAY_NAME_MAX + 1];
};

static struct wire_rules rules_of(const struct gateway_options *o)
{
	struct wire_rules rules = WIRE_RULES;

	rules.max_bytes = (size_t)o->redis_max_message;
	rules.python_list_is_args = o->python_list_is_args;
	if (!o->python_pickle)
		rules.pickle.max_bytes = 0;
	return rules;
}

static struct cluster_config cluster_config(struct membership *m)
{
	const struct gateway_options *o = m->options;

	return (struct cluster_config){ .prefix = o->redis_key,
		.name = redis_setup_node_name(o, m->name),
		.path = o->path,
		.address = m->address,
		.all_rooms = o->subscriptions == SUBSCRIBE_ALL || o->order == ORDER_TOTAL,
		.total_order = o->order == ORDER_TOTAL,
		.old_sids = o->allow_eio3,
		.beat_ms = o->node_beat_ms,
		.lost_ms = o->node_lost_ms < 3 * o->node_beat_ms ? 3 * o->node_beat_ms : o->node_lost_ms,
		.ask_timeout_ms = o->ack_timeout_ms,
		.max_requests = (size_t)o->max_cluster_requests,
		.rules = rules_of(o),
		.python_channels = (const char *const *)o->python_channels.at };
}

/* --- What the bus tells ------------------------------------------------------------------------------------------- */

static void on_message(void *ctx, int64_t now_ms, struct slice channel, struct slice payload)
{
	struct membership *m = ctx;

	cluster_events.message(m->cluster, now_ms, channel, payload);
}

/* The secret is asked for before others can hear of us, and bring requests. */
static void on_up(void *ctx, int64_t now_ms, bool gap)
{
	struct membership *m = ctx;

	node_relays_bus_up(m->relays, now_ms);
	cluster_events.up(m->cluster, now_ms, gap);
}

static void on_down(void *ctx, int64_t now_ms, const char *why)
{
	struct membership *m = ctx;

	cluster_events.down(m->cluster, now_ms, why);
}

static const struct pubsub_events bus_events = { .message = on_message, .up = on_up, .down = on_down };

static int open_bus(struct membership *m, char *why, size_t why_size)
{
	const struct gateway_options *o = m->options;

	buf_printf(&m->probe_channel, "%s-probe#%s#", o->redis_key, cluster_self(m->cluster)->uid);
	m->bus_config.probe_channel = buf_slice(&m->probe_channel);
	m->bus_config.probe_interval_ms = o->bus_probe_interval_ms;
	m->bus_config.max_publish = (size_t)o->redis_max_publish;
	m->bus_config.max_waiting = (size_t)o->redis_max_waiting;
	m->bus_config.wait_ms = o->redis_wait_ms;
	m->bus = pubsub_redis_open(&m->process->loop, &m->bus_config, &bus_events, m, why, why_size);
	if (m->bus == NULL)
		return -1;
	cluster_join_bus(m->cluster, m->bus);
	node_relays_join(m->relays, m->bus);
	return 0;
}

int membership_open(struct membership **made, struct process *process, struct hub *hub, struct clients *clients,
	struct dispatch *dispatch, char *why, size_t why_size)
{
	struct membership *m;
	struct cluster_config config;

	*made = NULL;
	if (process->options->redis_url == NULL)
		return 0;
	*made = m = must_alloc(sizeof(*m));
	m->process = process;
	m->options = process->options;
	if (redis_setup_read(m->options, &m->bus_config.redis, why, why_size) < 0 ||
		node_address_find(
			m->options->node_address ? m->options->node_address : edge_internal_address(process->edge),
			m->address, sizeof(m->address), why, why_size) < 0)
		return -1;
	config = cluster_config(m);
	m->cluster = cluster_new(&config, hub, clients, &process->loop.timers, &dispatch_cluster_ops, dispatch);
	dispatch_set_cluster(dispatch, m->cluster);
	m->relays = node_relays_open(process->edge, &process->loop, m->options, m->cluster, why, why_size);
	return m->relays == NULL ? -1 : open_bus(m, why, why_size);
}

static void left(void *to)
{
	struct membership *m = to;

	timer_stop(&m->process->loop.timers, &m->leaving);
	m->has_left = true;
	loop_stop(&m->process->loop);
}

static void waited(struct timer *t, int64_t now_ms)
{
	(void)now_ms;
	left((struct membership *)(void *)((char *)t - offsetof(struct membership, leaving)));
}

void membership_leave(struct membership *m)
{
	struct loop *loop;

	if (m == NULL || m->bus == NULL || !m->bus->is_up)
		return;
	loop = &m->process->loop;
	timer_set(&loop->timers, &m->leaving, waited, loop_now(loop) + LEAVE_MS);
	cluster_leave_bus(m->cluster, loop_now(loop), left, m);
	while (!m->has_left)
		loop_run(loop);
}

void membership_close(struct membership *m)
{
	if (m == NULL)
		return;
	pubsub_redis_close(m->bus);
	node_relays_close(m->relays);
	cluster_free(m->cluster);
	redis_url_fini(&m->bus_config.redis.url);
	buf_fini(&m->probe_channel);
	free(m);
}

const char *membership_trouble(const struct membership *m)
{
	if (m == NULL || m->options->ready_without_bus)
		return NULL;
	return pubsub_redis_trouble(m->bus);
}

struct cluster *membership_cluster(const struct membership *m)
{
	return m ? m->cluster : NULL;
}

struct pubsub *membership_bus(const struct membership *m)
{
	return m ? m->bus : NULL;
}
