/*
 * world.h - one run: a few gateways, visitors that come and go, random things done to the cluster, faults; and what must hold
 * of all that comes of it. A seed is a run; the same seed is the same run.
 *
 *	world.c  time, what is done, what visitors hear
 *	check.c  what must hold
 *
 * What is expected is told by the hubs' own membership, seen after every turn, and by time: whoever was in a room, at a
 * gateway that heard, from SETTLE_MS before an emit until SETTLE_MS behind it, must have it; who was not in it at any
 * moment since must not.
 */
#ifndef STOA_TESTS_WORLD_H
#define STOA_TESTS_WORLD_H

#include "station.h"

enum { STATIONS = 16, VISITORS = 64, ROOMS = 5, SPACES = 3, MESSAGES = 160, ASKS = 60, STAYS = 40 };
enum { SETTLE_MS = 10 * NET_DELAY_MAX_MS };

/* A station's time in the world: publishers are told apart by it. */
struct stay {
	struct station *station;
	int64_t up_since_ms; /* INT64_MAX: down */
	int64_t leaves_ms;   /* it said good-bye and ends then; INT64_MAX: no */
	int64_t bye_ms;      /* when */
};

struct who {
	struct visitor v;
	bool used, here, mute;
	int stay, space;
	int64_t since_ms; /* in, or gone */
	bool in[ROOMS];
	int64_t room_ms[ROOMS]; /* of the last change */
	int last_of[STAYS + 1]; /* the last message heard of each publisher */
	int heard[MESSAGES];    /* in this order */
	int n_heard;
};

struct message {
	int64_t sent_ms;
	int stay, space;      /* stay STAYS: a process of Python's */
	unsigned rooms, skip; /* sets; rooms 0: all */
	int sender;           /* who does not get it; -1: nobody */
	int gathers;          /* the room that all of `from` were told to join; -1: none */
	int scatters;         /* or to leave: then nobody is told anything; -1: none */
	unsigned from;
	bool is_steady; /* its publisher heard for a while */
	bool checked;
	bool got[VISITORS];
	bool expected[VISITORS]; /* of a gathering or its reverse: who was there */
};

enum ask_kind { ASK_CLIENTS, ASK_WHO, ASK_SERVERS };

struct question {
	enum ask_kind kind;
	int visitor, stay, space;
	unsigned rooms;
	int64_t sent_ms, timeout_ms;
	bool done;
};

struct world {
	uint64_t seed;
	struct net net;
	struct station stations[STATIONS];
	struct stay stays[STAYS];
	struct who who[VISITORS];
	struct message messages[MESSAGES];
	struct question asks[ASKS];
	int n_stations, n_stays, n_who, n_messages, n_asks;
	bool all_rooms, total_order, faults, cuts, trace;
	int64_t changed_ms; /* the last fault, start or end of a station */
	int64_t cut_ms, ended_ms;
	int64_t left_ms[SPACES][ROOMS]; /* somebody was told to leave it */
	int64_t gone_ms[SPACES];        /* somebody left the namespace */
};

extern const char *const room_names[ROOMS], *const space_names[SPACES];

void world_run(struct world *w, uint64_t seed, bool trace); /* a failure prints the seed and ends the program */

/* check.c */
_Noreturn void fails(const struct world *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool is_steady(const struct world *w, int stay, int64_t since_ms);
void see_rooms(struct world *w);                         /* after a turn */
void see_rooms_at(void *world, struct net_port *port);   /* after each message there */
void check_heard(struct world *w, int who, int message); /* when it is heard */
void check_messages(struct world *w, bool all);          /* those whose time has come */
void check_answer(struct world *w, int ask, struct stoa_value args);
void check_asks(struct world *w); /* none is waited for too long */
void check_end(struct world *w);  /* all is healed and quiet */

#endif
