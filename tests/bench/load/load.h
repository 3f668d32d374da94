/*
 * load.h - stoa-load: many Socket.IO clients in one thread, which check every byte that they are sent.
 *
 *	main.c       options, phases, the report
 *	net.c        sockets: connecting from 127.x.y.z, reading, what a socket would not take yet
 *	websocket.c  frames (RFC 6455), the client's side
 *	polling.c    one connection with a GET or a POST on its way (HTTP/1.1)
 *	client.c     Engine.IO 4 and Socket.IO 5 up to the room joined; then packets are the scenario's
 *	rooms.c, echo.c, others.c, crowd.c   the scenarios
 *
 * What every scenario demands: a client gets what was said to it, all of it, byte by byte, each sender's in order, and
 * nothing else. Anything else ends the run with a sentence and without a figure.
 */
#ifndef STOA_BENCH_LOAD_H
#define STOA_BENCH_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "measure.h"

struct load;
struct room;

struct text {
	const char *at;
	size_t size;
};

struct bytes {
	char *at;
	size_t size, cap;
};

enum stage {
	STAGE_NONE,
	STAGE_CONNECTING, /* TCP */
	STAGE_UPGRADING,  /* the 101 of a WebSocket is awaited */
	STAGE_OPENING,    /* Engine.IO's open packet is */
	STAGE_ENTERING,   /* the answer to CONNECT is */
	STAGE_JOINING,    /* the ack of join is */
	STAGE_READY
};

struct client {
	struct load *load;
	int fd;
	uint32_t index;
	uint32_t next; /* number of the message, or the ack, that must come now */
	enum stage stage;
	bool polling;
	bool posting;      /* a POST is on its way, not a GET */
	bool writing;      /* the socket was full: `out` waits for EPOLLOUT */
	bool blob_due;     /* a packet came whose attachment must be the next message */
	uint64_t begun_ns; /* when its connection was */
	struct room *room;
	struct client *next_again, *next_corked;
	bool corked;
	struct bytes in, out; /* part of a message that has come; what could not be sent */
	struct bytes cork;
	struct bytes say;  /* of a polling client: for its next POST */
	char sid[64];      /* of a polling client */
	uint32_t sent;     /* echo */
	uint64_t *sent_at; /* echo: of each that is outstanding */
};

struct options {
	uint16_t ports[8];
	size_t n_ports;
	struct pids pids;
	size_t clients, room_size, window, bytes, connecting;
	size_t count; /* messages, echoes or connections, and that is all; 0: for so many seconds */
	double warmup, seconds, patience,
		rate; /* rate: messages in a second, whatever the answers do; 0: closed loop */
	bool polling, binary;
	bool in_step; /* speak when all have heard, all at once: the server has the same turns every time */
	int cpu;      /* -1: any */
};

struct scenario {
	const char *name;
	void (*prepare)(struct load *l);                      /* before the first connection */
	void (*ready)(struct client *c);                      /* it has joined; NULL: nothing is to be done */
	void (*begin)(struct load *l);                        /* all are ready */
	void (*packet)(struct client *c, struct text packet); /* with Engine.IO's `4` before it */
	void (*blob)(struct client *c, struct text data);
	void (*stay)(struct load *l);     /* instead of traffic that is measured; NULL: there is such */
	uint64_t (*tick)(struct load *l); /* at each turn; when it wants the next, UINT64_MAX: it does not care */
};

enum phase {
	PHASE_CONNECTING,
	PHASE_SETTLING,
	PHASE_WARMING,
	PHASE_MEASURING,
	PHASE_DRAINING,
	PHASE_QUIET,
	PHASE_DONE
};

struct load {
	struct options o;
	const struct scenario *scenario;
	int epoll;
	enum phase phase;
	uint64_t now; /* of what is being read */
	struct client *clients;
	struct client *speaker; /* rooms of polling clients are spoken to by a WebSocket beside them */
	size_t n_clients;       /* with the speaker */
	size_t begun, ready;    /* clients whose connection was begun, that are ready */
	struct room *rooms;
	size_t n_rooms;
	size_t said;                 /* messages, echoes, connections begun */
	uint64_t units, outstanding; /* deliveries in all; messages or echoes that are not complete */
	uint64_t seen, progressed;   /* what there was at the last look, and when it was less */
	uint64_t connected_ns;       /* when all were ready */
	uint64_t due;                /* of the next message at a fixed rate */
	uint32_t reconnected;
	struct client *again;  /* storm: connections to be begun anew */
	struct client *corked; /* have output of this turn */
	struct histogram latency;
	char error[512]; /* empty: none */
	char buffer[256 * 1024];
};

void load_fail(struct load *l, const char *format, ...) __attribute__((format(printf, 2, 3))); /* the first one stays */
static inline bool load_speaks(const struct load *l)
{
	return (l->phase == PHASE_WARMING || l->phase == PHASE_MEASURING) && (l->o.count == 0 || l->said < l->o.count);
}
void load_unit(struct load *l, uint64_t sent_ns); /* one delivery, of what was sent then */
void load_turn(struct load *l, uint64_t end);     /* of the loop, not longer than until `end` and a tenth of a second */

/* --- net.c -------------------------------------------------------------------------------------------------------- */

void bytes_add(struct bytes *b, const void *at, size_t size);
void bytes_drop(struct bytes *b, size_t size); /* from the front */
void bytes_free(struct bytes *b);

void net_connect(struct client *c);
void net_close(struct client *c);
void net_send(struct client *c, const void *at, size_t size);
void net_uncork(struct load *l);                   /* at the end of a turn */
void net_ready(struct client *c, uint32_t events); /* what epoll said */

/* --- websocket.c, polling.c: what was read, whole or not; how much of it was used ---------------------------------- */

void websocket_begin(struct client *c);
size_t websocket_read(struct client *c, struct text in);
void websocket_send(struct client *c, bool binary, struct text data);
void polling_begin(struct client *c);
size_t polling_read(struct client *c, struct text in);

/* --- client.c ----------------------------------------------------------------------------------------------------- */

void client_begin(struct client *c);                    /* its TCP connection stands */
void client_packet(struct client *c, struct text data); /* an Engine.IO packet has come */
void client_blob(struct client *c, struct text data);   /* a binary one */
void client_say(struct client *c, struct text packet);  /* Engine.IO text */
void client_unexpected(struct client *c, struct text got, struct text wanted);

/* --- rooms.c, echo.c, others.c, crowd.c --------------------------------------------------------------------------- */

extern const struct scenario scenario_rooms, scenario_echo, scenario_idle, scenario_storm, scenario_crowd;
void room_name(char to[16], const struct room *r); /* "r12" */

/* `size` bytes that no other (id, number) has, text: both in hex, then letters. */
enum { PAYLOAD_LEAST = 16, PAYLOAD_MOST = 32 * 1024 };
void payload_put(char *to, size_t size, uint32_t id, uint32_t number);
size_t number_put(char *to, uint64_t number); /* decimal; how many characters */

#endif
