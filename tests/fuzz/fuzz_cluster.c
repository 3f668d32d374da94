/*
 * fuzz_cluster.c - hostile bytes on the bus: whatever anybody can publish to the channels that a gateway hears, with a few
 * clients on it and a question of its own in the air. Each step is three bytes (which channel, how long) and the payload. What
 * is looked for is memory errors, leaks and broken assertions; behind every input a broadcast must still come through.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

#include "cluster_internal.h"
#include "log.h"
#include "station.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { VISITORS = 3, STEP_MS = 60 };

static struct net net;
static struct station station;
static struct visitor visitors[VISITORS];

static void pass(int64_t ms)
{
	int64_t end_ms = net.now_ms + ms;

	stations_turn(&net, &station, 1);
	while (net.now_ms < end_ms) {
		int64_t next = stations_next_ms(&net, &station, 1);

		net.now_ms = next < end_ms ? next : end_ms;
		stations_turn(&net, &station, 1);
	}
}

/* By the usual channels; those that it is subscribed to, in turn; and the one of a client, which its pattern takes in. */
static void publish(unsigned which, struct slice payload)
{
	static const char *const others[] = { "socket.io#/#", "socket.io#/#r#", "socket.io-request#/#",
		"socket.io-response#/#", "socket.io-nodes#", "flask-socketio" };
	size_t n = which % 128;
	struct map_node *at = station.port->held[SUBSCRIPTION_CHANNEL].nodes;
	char sid_channel[64];

	if (which == 255) {
		snprintf(sid_channel, sizeof(sid_channel), "socket.io#/#%s#", visitors[0].sid);
		net_publish(&net, slice_str(sid_channel), payload);
		return;
	}
	if (which < 128) {
		net_publish(&net, slice_str(others[n % (sizeof(others) / sizeof(others[0]))]), payload);
		return;
	}
	for (n %= net_held(station.port, SUBSCRIPTION_CHANNEL); n > 0; n--)
		at = at->hh.next;
	net_publish(&net, at->key, payload);
}

/* What it is asked is answered, now and then. */
static bool hear(struct visitor *v)
{
	struct sio_packet p;
	struct sim_message *m;
	bool marked = false;

	for (; visitor_hear(v, &p, &m); free(m)) {
		marked |= p.type == SIO_EVENT && slice_equal(p.items, SLICE("\"still here\""));
		if (p.type == SIO_EVENT && p.has_id && p.id % 2 == 0)
			visitor_answer(v, (int64_t)p.id, "[1,\"two\"]");
	}
	return marked;
}

static void hear_all(void)
{
	for (int i = 0; i < VISITORS; i++)
		hear(&visitors[i]);
}

static void begin(void)
{
	net_init(&net, 1);
	net.now_ms = 5000;
	net.max_delay_ms = 0;
	station_open(&station, &net, "g0", false, false);
	pass(STEP_MS);
	for (int i = 0; i < VISITORS; i++)
		visitor_open(&visitors[i], &station, i == 2 ? "/chat" : "/");
	pass(STEP_MS);
	for (int i = 0; i < VISITORS; i++)
		visitor_say(&visitors[i], -1, "[\"join\",\"r\"]");
	visitor_say(&visitors[0], 1, "[\"ask\",[],100000]");
	visitor_say(&visitors[0], 2, "[\"servers\",100000,\"nobody\"]");
	pass(STEP_MS);
	hear_all();
}

/* Everybody may have been disconnected by what was published: so by a newcomer. */
static void must_still_work(void)
{
	static const char message[] =
		"{\"method\":\"emit\",\"event\":\"said\",\"data\":\"still here\",\"namespace\":\"/\"}";
	struct visitor last;
	bool marked;

	visitor_open(&last, &station, "/");
	pass(STEP_MS);
	net_publish(&net, SLICE("flask-socketio"), slice_str(message));
	pass(STEP_MS);
	marked = hear(&last);
	station_close(&station);
	visitor_fini(&last);
	if (!marked)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void *kept; /* the fuzzer counts the module's branches: it must not go and come again */

	if (kept == NULL)
		kept = dlopen(STOA_APPS "/sim.so", RTLD_NOW | RTLD_LOCAL);
	log_set_level(LOG_ERROR);
	begin();
	while (size >= 3) {
		size_t n = (size_t)(data[1] | data[2] << 8);

		n = n < size - 3 ? n : size - 3;
		publish(data[0], slice_of((const char *)data + 3, n));
		pass(1);
		hear_all();
		data += 3 + n;
		size -= 3 + n;
	}
	must_still_work();
	for (int i = 0; i < VISITORS; i++)
		visitor_fini(&visitors[i]);
	net_fini(&net);
	return 0;
}
