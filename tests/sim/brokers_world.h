/*
 * brokers_world.h - one run: gateways, brokers with their processes, and clients that do things in order, while everything that
 * can fail does; and what must hold of all that comes of it. A seed is a run; the same seed is the same run.
 *
 *	brokers_world.c  time, who is there, what is done
 *	brokers_faults.c what fails
 *	brokers_hear.c   what clients and handlers are told, and what must hold of each of it
 *	brokers_check.c  what must hold by a deadline, and when all is quiet
 *
 * A client numbers what it sends. The handlers run in this process and write a ledger (ledger.h), so that it is known what was
 * handled, what of it the client was told, and whether both agree.
 */
#ifndef STOA_TESTS_BROKERS_WORLD_H
#define STOA_TESTS_BROKERS_WORLD_H

#include "gate.h"
#include "shop.h"

enum { GATES = 3, GATE_LIVES = 10, SHOPS = 4, SHOP_LIVES = 24, PERSONS = 36, DEEDS = 60, LIVES = 80, ROOMS = 3 };

enum deed_kind {
	DEED_ECHO,
	DEED_COUNT,
	DEED_SAY,
	DEED_JOIN,
	DEED_LEAVE,
	DEED_LATER,
	DEED_ASK,
	DEED_FETCH,
	DEED_FAIL,
	DEED_BYE
};
enum ack_state { ACK_WAITS, ACK_OK, ACK_FAILED };

/* Something a client asked for. */
struct deed {
	enum deed_kind kind;
	int64_t sent_ms, until_ms; /* its ack must be there by then */
	bool wants_ack;
	int room; /* -1: none */
	enum ack_state ack;
	int echoes;        /* what it left at the client: echo, came */
	int said[PERSONS]; /* how often each heard of it */
};

/* A client. */
struct person {
	struct visitor v;
	int gate;                    /* whose life */
	bool refuses, mute, listens; /* the latter: joins all rooms, and does nothing more */
	bool is_in, refused, gone;   /* accepted; told no; it left, was put out or its gateway is no more */
	int64_t asked_ms, gone_ms;
	int welcomes;
	struct deed deeds[DEEDS + 1]; /* from 1 on: the number it goes by */
	int n_deeds;
	int last_echo, last_ok; /* of what must come in order */
	int counts;
	bool in[ROOMS];
	int64_t joined_ms[ROOMS]; /* since when it is in them */
	int last_said[PERSONS];   /* by each other */
};

/* A client as handlers know it. */
struct life {
	char sid[SID_SIZE + 1];
	int person; /* -1: not known yet */
	int connected, left;
	int last; /* the last number handled */
	int handled[DEEDS + 1];
	int64_t left_ms;
};

/* A gateway's time in the world. */
struct gate_life {
	struct gate *gate; /* NULL: it is over .. */
	bool died;         /* .. without a word */
	bool leaves;
	int64_t ended_ms;
	int64_t cut_ms, cut_until_ms; /* its link to the streams, the last time */
	bool missed;                  /* for so long that brokers may have taken it for dead */
};

struct shop_life {
	struct shop *shop;
	bool leaves;
	int64_t paused_until_ms;
};

struct world {
	uint64_t seed, random;
	int64_t now_ms;
	struct net net;
	struct streams_sim *streams;
	struct gate gates[GATES];
	struct gate_life gate_lives[GATE_LIVES];
	struct shop shops[SHOPS];
	struct shop_life shop_lives[SHOP_LIVES];
	struct person persons[PERSONS];
	struct life lives[LIVES];
	int n_gates, n_gate_lives, n_shop_lives, n_persons, n_lives;
	struct shop_dice dice;
	size_t max_waiting; /* events of a client at its gateway */
	bool faults, forgets, crashes, settles, trace;
	int64_t changed_ms; /* the last fault */
	int64_t shop_died_ms;
	int doomed; /* a gateway that dies with this turn; -1: none */
	int64_t ticked_ms;
	unsigned long ticks;
};

/* Until when there must be a verdict, an ack; and until all is quiet. */
enum {
	VERDICT_MS = GATE_EVENT_TIMEOUT_MS + 500,
	ACK_MS = GATE_EVENT_TIMEOUT_MS + GATE_ACK_TIMEOUT_MS + 3000,
	QUIET_MS = 11 * GATE_EVENT_TIMEOUT_MS,
	HEARING_MS = 1000 /* until who came is heard of by all gateways */
};

extern const char *const room_names[ROOMS];

void world_run(struct world *w, uint64_t seed, bool trace); /* a failure prints the seed and ends the program */
void tell(const struct world *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
_Noreturn void fails(const struct world *w, const char *format, ...) __attribute__((format(printf, 2, 3)));

uint32_t world_roll(struct world *w, uint32_t below); /* below > 0 */
void begin_gate(struct world *w);                     /* if there is room for one more */
void begin_shop(struct world *w);
void end_gate(struct world *w, int life, bool died);
void end_shop(struct world *w, int life);
int some_gate(struct world *w); /* the number of a life; -1: there is none */
int some_shop(struct world *w);
void join_all(struct world *w, int who);

/* brokers_faults.c */
void fault(struct world *w);

/* brokers_hear.c */
void ledger_of(struct world *w);        /* whose ledger it is from now on */
bool hear(struct world *w, int who);    /* true: there was something */
void see_end(struct world *w, int who); /* its connection is over */
struct life *life_of(struct world *w, const char *sid);

/* brokers_check.c */
void check_deadlines(struct world *w);
void check_quiet(struct world *w); /* the clients that are there may be none */

#endif
