/*
 * station.h - a gateway of a simulated cluster (sim.h on a port of net.h), and its visitors: clients that speak the default
 * parser by WebSocket.
 */
#ifndef STOA_TESTS_STATION_H
#define STOA_TESTS_STATION_H

#include "net.h"
#include "sim.h"

enum { STATION_BEAT_MS = 800, STATION_LOST_MS = 2500 };

struct station {
	struct sim sim;
	struct net_port *port;
	bool is_open;
	char name[16];
};

/* `name`: as others will know it. Aborts when the module cannot be loaded. */
void station_open(struct station *s, struct net *n, const char *name, bool all_rooms, bool total_order);
void station_close(struct station *s); /* at once, without a word to anybody */

/* All of them at the net's time: what is due there and here happens, until nothing is due. */
void stations_turn(struct net *n, struct station *all, size_t count);
int64_t stations_next_ms(const struct net *n, const struct station *all, size_t count);

struct visitor {
	struct sim_ws ws;   /* first */
	struct station *at; /* NULL: gone */
	const char *nsp;
	char sid[SID_SIZE + 1]; /* empty: not in yet */
};

void visitor_open(struct visitor *v, struct station *s, const char *nsp); /* and asks in; the turn is the caller's */
void visitor_open_with(struct visitor *v, struct station *s, const char *nsp, const char *auth);
void visitor_close(struct visitor *v);
void visitor_fini(struct visitor *v); /* the station may be closed */

/* Sends the event ["name",..] given as JSON text; id below 0: no ack is wanted. */
void visitor_say(struct visitor *v, int64_t id, const char *json);
void visitor_answer(struct visitor *v, int64_t id, const char *json);

/* Takes the next packet. False: there is none. Its slices live until the message is freed, by the caller. */
bool visitor_hear(struct visitor *v, struct sio_packet *packet, struct sim_message **message);

#endif
