/* gate.c - see gate.h. */
#include "gate.h"

#include <stdio.h>
#include <stdlib.h>

#include "remote.h"
#include "remote_streams.h"

static const char *const options[] = { "ping_interval=1h", "ping_timeout=1h", "connect_timeout=1h", "ack_timeout=1h",
	NULL };

int64_t gates_wall_ms;

static int64_t wall_ms(void)
{
	return gates_wall_ms;
}

static void join_cluster(struct gate *g, struct net *n)
{
	struct cluster_config config = { .prefix = "socket.io",
		.name = g->station.name,
		.path = "/socket.io",
		.address = "",
		.beat_ms = STATION_BEAT_MS,
		.lost_ms = STATION_LOST_MS,
		.ask_timeout_ms = 1000,
		.max_requests = 1000,
		.rules = WIRE_RULES };

	g->station.port = net_open(n);
	sim_join(&g->station.sim, &config, &g->station.port->base);
	remote_streams_follow(g->carrier, &g->station.port->base);
}

static void begin_remote(struct gate *g, struct streams_sim *streams, size_t max_waiting)
{
	struct sim *sim = &g->station.sim;
	struct remote_config remote = { .event_timeout_ms = GATE_EVENT_TIMEOUT_MS,
		.broker_timeout_ms = GATE_BROKER_TIMEOUT_MS,
		.max_waiting_events = max_waiting,
		.max_waiting_memory = 1000000,
		.ack_timeout_ms = GATE_ACK_TIMEOUT_MS,
		.max_deferred_acks = 1000,
		.wall_ms = wall_ms,
		.rules = RECORD_RULES };
	struct remote_streams_config carrier = { .app = GATE_APP,
		.node = slice_str(sim->sessions.node_id),
		.name = g->station.name,
		.max_backlog = 1000,
		.lease_ms = GATE_LEASE_MS,
		.look_ms = 500,
		.rules = RECORD_RULES };

	g->remote = remote_new(&remote, &sim->dispatch);
	g->carrier = remote_streams_new(&carrier, g->remote, &sim->timers);
	g->streams = streams_sim_open(streams, &remote_streams_events, g->carrier);
	remote_streams_join(g->carrier, g->streams);
}

void gate_open(struct gate *g, struct net *n, struct streams_sim *streams, const char *name, size_t max_waiting)
{
	char why[300];

	*g = (struct gate){ .is_open = true };
	snprintf(g->station.name, sizeof(g->station.name), "%s", name);
	if (sim_load(&g->station.sim, NULL, options, NULL, why, sizeof(why)) < 0) {
		fprintf(stderr, "%s\n", why);
		abort();
	}
	g->station.sim.now_ms = n->now_ms;
	g->station.is_open = true;
	begin_remote(g, streams, max_waiting);
	join_cluster(g, n);
	sim_start(&g->station.sim);
	net_flush(g->station.port);
}

/* The links first: what its layers say at their end is heard by nobody. */
void gate_close(struct gate *g)
{
	struct sim *sim = &g->station.sim;

	net_close(g->station.port);
	streams_sim_close(g->streams);
	sessions_drop(&sim->sessions, sim->now_ms);
	remote_streams_free(g->carrier);
	remote_free(g->remote);
	sim_close(sim);
	g->is_open = g->station.is_open = false;
}

static void has_left(void *to)
{
	((struct gate *)to)->left = true;
}

static void said_good_bye(void *to)
{
	(void)to;
}

void gate_leave(struct gate *g)
{
	struct sim *sim = &g->station.sim;

	g->leaves = true;
	cluster_leave_bus(sim->cluster, sim->now_ms, said_good_bye, NULL);
	sessions_drop(&sim->sessions, sim->now_ms);
	remote_end(g->remote, sim->now_ms);
}

static void leave_on(struct gate *g)
{
	if (!g->leaves || g->told || remote_events(g->remote))
		return;
	g->told = true;
	remote_streams_leave(g->carrier, g->station.sim.now_ms, has_left, g);
}

void gate_turn(struct gate *g, int64_t now_ms)
{
	g->station.sim.now_ms = now_ms;
	sim_turn(&g->station.sim);
	leave_on(g);
	net_flush(g->station.port);
}

int64_t gate_next_ms(const struct gate *g)
{
	return timers_next_ms(&g->station.sim.timers);
}
