/*
 * gate.h - a gateway of a simulated cluster whose application runs behind brokers: sessions, clients, hub, cluster and the remote
 * part are the gateway's own (sim.h), its two connections to Redis are made up.
 */
#ifndef STOA_TESTS_GATE_H
#define STOA_TESTS_GATE_H

#include "records.h"
#include "station.h"
#include "streams_sim.h"

#define GATE_APP "sim"
enum { GATE_EVENT_TIMEOUT_MS = 6000, GATE_BROKER_TIMEOUT_MS = 4000, GATE_LEASE_MS = 2000, GATE_ACK_TIMEOUT_MS = 4000 };

struct remote;
struct remote_streams;

struct gate {
	struct station station; /* its app is NULL */
	struct remote *remote;
	struct remote_streams *carrier;
	struct streams *streams; /* NULL: its link is closed */
	bool is_open, leaves, told;
	bool left; /* what was owed is said, and its leases are given up */
};

void gate_open(struct gate *g, struct net *n, struct streams_sim *streams, const char *name, size_t max_waiting);
void gate_close(struct gate *g); /* at once, without a word to anybody */
void gate_leave(struct gate *g); /* orderly: its clients go, until g->left */

void gate_turn(struct gate *g, int64_t now_ms);
int64_t gate_next_ms(const struct gate *g);

extern int64_t gates_wall_ms; /* what gateways take for milliseconds since 1970 */

#endif
