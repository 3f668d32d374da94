/*
 * fuzz_session.c - a script of requests, frames and clock steps against sessions, clients, hub and application: all but
 * the edge. Each step is three bytes (what, who, size) and `size` bytes of payload; time is made up. What is looked for is
 * memory errors, leaks and broken assertions; after every script a newcomer must still be served.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

#include "log.h"
#include "rig.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CLIENTS = 10, OLD_FROM = 6 };

/* How it speaks: the last places are for Engine.IO 3, two of them for base64, one for JSONP. */
static struct session_handshake manner_of(unsigned place)
{
	return (struct session_handshake){
		.eio3 = place >= OLD_FROM, .base64 = place >= OLD_FROM + 2, .jsonp = place == CLIENTS - 1
	};
}

/* The client in a place: a WebSocket in even ones, polling in odd ones, made when first spoken to. */
static struct rig_client *client_at(struct rig *r, struct rig_client **clients, unsigned place)
{
	char name[8];

	if (clients[place])
		return clients[place];
	snprintf(name, sizeof(name), "c%u", place);
	r->as = manner_of(place);
	return clients[place] = place % 2 ? rig_polling(r, name) : rig_ws(r, name);
}

static void drain(struct rig_client *c)
{
	struct sim_message *m;

	while ((m = rig_take(c)))
		free(m);
}

static void upgrade(struct rig *r, struct rig_client **clients, struct rig_client *c, unsigned place)
{
	if (c->polling && rig_upgrade(c, "up"))
		clients[(place + 1) % CLIENTS] = r->first;
}

static void say(struct rig_client *c, struct slice payload, bool binary)
{
	if (c->polling && binary)
		rig_post_octets(c, payload);
	else if (c->polling)
		rig_post(c, payload);
	else if (c->ws.paused) /* a paused WebSocket hands nothing up */
		return;
	else if (binary)
		rig_send_binary(c, payload);
	else
		rig_send(c, payload);
}

static void step(struct rig *r, struct rig_client **clients, const uint8_t *head, struct slice payload)
{
	unsigned place = head[1] % CLIENTS;
	struct rig_client *c = client_at(r, clients, place);

	switch (head[0] % 8) {
	case 0:
	case 1:
		say(c, payload, false);
		break;
	case 2:
		say(c, payload, true);
		break;
	case 3:
		if (c->polling)
			rig_get(c);
		break;
	case 4:
		rig_gone(c, head[1] & 0x40);
		clients[place] = NULL;
		break;
	case 5:
		upgrade(r, clients, c, place);
		break;
	case 6:
		if (!c->polling)
			rig_stick(c, head[1] & 0x40);
		break;
	default:
		rig_pass(r, head[2] * 40);
		break;
	}
	drain(c);
}

static void serve_newcomer(struct rig *r)
{
	bool is_msgpack = strcmp(STOA_PARSER, "msgpack") == 0;
	struct slice answer = is_msgpack ? SLICE("\x83\xA4type\x00") : SLICE("40{\"sid\":");
	struct rig_client *c;
	struct sim_message *m;
	bool connected = false;

	r->as = manner_of(0);
	c = rig_ws(r, "last");
	if (is_msgpack)
		rig_send_binary(c, SLICE("\x82\xA4type\x00\xA3nsp\xA1/"));
	else
		rig_send(c, SLICE("40"));
	while ((m = rig_take(c))) {
		connected |= slice_starts(slice_of(m->data, m->size), answer);
		free(m);
	}
	if (!connected)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const options[] = { "ping_interval=3s", "ping_timeout=2s", "connect_timeout=4s",
		"max_send_queue=2KB", "max_http_buffer_size=1KB", "parser=" STOA_PARSER, NULL };
	static void *kept; /* the fuzzer counts the module's branches: it must not go and come again */
	struct rig_client *clients[CLIENTS] = { NULL };
	struct rig r;

	if (kept == NULL)
		kept = dlopen(STOA_APPS "/conformance.so", RTLD_NOW | RTLD_LOCAL);
	log_set_level(LOG_ERROR);
	if (rig_open(&r, STOA_APPS "/conformance.so", options, NULL) < 0) {
		fprintf(stderr, "%s\n", r.error);
		abort();
	}
	while (size >= 3) {
		size_t n = data[2] < size - 3 ? data[2] : size - 3;

		step(&r, clients, data, slice_of(data + 3, n));
		data += 3 + n;
		size -= 3 + n;
	}
	serve_newcomer(&r);
	rig_close(&r);
	return 0;
}
