/*
 * subscriptions.c - how many messages of the bus reach a gateway, by how it subscribes: 4 gateways, 1,000 rooms, each with
 * members at some of them, and messages to rooms. Counts, not time, and no Redis: tests/sim/net.h hands each message to
 * whoever is subscribed, as Redis does. Prints the table of docs/cluster.md.
 */
#include <stdio.h>
#include <stdlib.h>

#include "log.h"
#include "station.h"

enum { GATEWAYS = 4, BENCH_ROOMS = 1000, PER_VISITOR = 50, EMITS = 4000 };

struct result {
	unsigned long published, received[GATEWAYS];
	size_t channels;
};

static void until_quiet(struct net *n, struct station *all)
{
	for (int64_t end_ms = n->now_ms + 500; n->now_ms < end_ms;) {
		n->now_ms = stations_next_ms(n, all, GATEWAYS);
		stations_turn(n, all, GATEWAYS);
	}
}

static void drain(struct visitor *v)
{
	struct sio_packet packet;
	struct sim_message *m;

	while (visitor_hear(v, &packet, &m))
		free(m);
}

/* Room r has its members at `spread` gateways, beginning with the one whose turn it is. */
static void fill(struct net *n, struct station *all, struct visitor *visitors, int spread)
{
	char json[64];

	for (int room = 0; room < BENCH_ROOMS; room++)
		for (int k = 0; k < spread; k++) {
			struct visitor *v =
				&visitors[(room + k) % GATEWAYS * (BENCH_ROOMS / PER_VISITOR) + room / PER_VISITOR];

			snprintf(json, sizeof(json), "[\"join\",\"room-%d\"]", room);
			visitor_say(v, -1, json);
			stations_turn(n, all, GATEWAYS);
		}
}

static struct result measure(bool all_rooms, int spread)
{
	enum { VISITORS_PER_GATEWAY = BENCH_ROOMS / PER_VISITOR, COUNT = GATEWAYS * VISITORS_PER_GATEWAY };
	static struct station stations[GATEWAYS];
	static struct visitor visitors[COUNT];
	unsigned long before[GATEWAYS], published[GATEWAYS];
	struct result r = { 0 };
	struct net net;
	char text[64];

	net_init(&net, 1);
	net.now_ms = 1000;
	for (int i = 0; i < GATEWAYS; i++) {
		snprintf(text, sizeof(text), "g%d", i);
		station_open(&stations[i], &net, text, all_rooms, false);
	}
	until_quiet(&net, stations);
	for (int i = 0; i < COUNT; i++)
		visitor_open(&visitors[i], &stations[i / VISITORS_PER_GATEWAY], "/");
	until_quiet(&net, stations);
	fill(&net, stations, visitors, spread);
	until_quiet(&net, stations);
	for (int i = 0; i < GATEWAYS; i++) {
		before[i] = stations[i].port->received;
		published[i] = stations[i].port->published;
		r.channels += net_held(stations[i].port, SUBSCRIPTION_CHANNEL) / GATEWAYS;
	}
	for (int i = 0; i < EMITS; i++) {
		snprintf(text, sizeof(text), "[\"emit\",[\"room-%d\"],[],0,%d]", i % BENCH_ROOMS, i);
		visitor_say(&visitors[i * 7 % COUNT], -1, text);
		stations_turn(&net, stations, GATEWAYS);
	}
	/* All of it arrives before the next beat. */
	net.now_ms += NET_DELAY_MAX_MS + 1;
	net_run(&net, net.now_ms);
	net.now_ms += NET_DELAY_MAX_MS + 1;
	net_run(&net, net.now_ms);
	for (int i = 0; i < GATEWAYS; i++) {
		r.received[i] = stations[i].port->received - before[i];
		r.published += stations[i].port->published - published[i];
	}
	for (int i = 0; i < COUNT; i++)
		drain(&visitors[i]);
	for (int i = 0; i < GATEWAYS; i++)
		station_close(&stations[i]);
	for (int i = 0; i < COUNT; i++)
		visitor_fini(&visitors[i]);
	net_fini(&net);
	return r;
}

static unsigned long mean(const struct result *r)
{
	unsigned long sum = 0;

	for (int i = 0; i < GATEWAYS; i++)
		sum += r->received[i];
	return sum / GATEWAYS;
}

int main(void)
{
	log_set_level(LOG_ERROR);
	printf("%d gateways, %d rooms, %d messages, each to one room\n\n", GATEWAYS, BENCH_ROOMS, EMITS);
	printf("| a room's members are at | received per gateway, `rooms` | `all` | ratio | channels per gateway, "
	       "`rooms` | `all` |\n|---|---:|---:|---:|---:|---:|\n");
	for (int spread = 1; spread <= GATEWAYS; spread++) {
		struct result rooms = measure(false, spread), all = measure(true, spread);

		printf("| %d of %d gateways | %lu | %lu | %.2f | %zu | %zu |\n", spread, GATEWAYS, mean(&rooms),
			mean(&all), (double)mean(&rooms) / (double)mean(&all), rooms.channels, all.channels);
		/* The reason for the default: what nobody here is to get is not received. */
		if (mean(&rooms) > mean(&all) * (unsigned long)spread / GATEWAYS + 10 || mean(&all) < EMITS)
			return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}
