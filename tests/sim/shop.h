/*
 * shop.h - a broker of a simulated cluster: the intake and the application's host are the broker's own, its processes are made
 * up. Each slot has one that runs the application here, handles events in as much virtual time as the dice say, and may
 * die at any point of it. What crew.h promises holds here too: what had not begun goes to the successor, what was in hand is
 * told as failed.
 */
#ifndef STOA_TESTS_SHOP_H
#define STOA_TESTS_SHOP_H

#include "host.h"
#include "intake.h"

enum {
	SLOTS_MAX = 3,
	SHOP_CLIENTS_MAX = 8,
	SLOT_QUEUE = 64,
	SHOP_PARTITIONS = 5,
	SHOP_LEASE_MS = 1500,
	SHOP_CONFIRM_MS = 700
};
enum { SHOP_HANDLER_TIMEOUT_MS = 2500, SHOP_ATTEMPTS_MAX = 3, SHOP_AGE_MAX_MS = 10000 };

struct shop;

/* What becomes of the event in hand. */
enum fate {
	FATE_DONE,
	FATE_CRASH_BEFORE, /* of the handler */
	FATE_CRASH_AFTER,  /* it ran; what it left is lost */
	FATE_TIMEOUT       /* it runs, and is killed before it ends */
};

struct slot {
	struct shop *shop;
	unsigned number;
	struct timers timers;
	struct host *host; /* NULL: no process now */
	struct app *app;
	int64_t starts_ms;
	struct job *queue[SLOT_QUEUE]; /* the first is in hand when done_ms is set */
	size_t n_queue;
	int64_t done_ms; /* INT64_MAX: nothing is in hand */
	enum fate fate;
	struct buf batch;  /* of what is in hand .. */
	const char *wrong; /* .. or why it could not be run */
	char by[BY_MAX + 1];
	bool leads, told, reloads;
};

struct shop_dice {
	unsigned crashes, timeouts, slow; /* of 1000 events */
	unsigned slow_ms;                 /* the slowest, but for those that are killed */
};

struct shop {
	char name[24];
	uint64_t *random;
	const struct shop_dice *dice;
	struct timers timers;
	struct intake *intake;
	struct streams *streams;
	struct slot slots[SLOTS_MAX];
	int64_t leases[SHOP_PARTITIONS];
	unsigned n_slots, incarnations;
	int64_t now_ms;
	bool is_open;
	bool left; /* intake_leave() is done */
	unsigned long crashes, timeouts, handled;
};

/* `streams` is a port of nobody's yet. */
void shop_open(struct shop *s, const char *name, struct streams *streams, int64_t now_ms, uint64_t *random,
	const struct shop_dice *dice, unsigned slots);
void shop_close(
	struct shop *s); /* at once: its processes end with it, nothing is said to anybody. The port is the caller's */
void shop_leave(struct shop *s); /* orderly: until s->left */
void shop_reload(struct shop *s);
void shop_kill(struct shop *s, unsigned slot); /* its process dies now, whatever it does */

void shop_turn(struct shop *s, int64_t now_ms);
int64_t shop_next_ms(const struct shop *s);

extern int64_t shop_wall_ms; /* what brokers take for milliseconds since 1970 */
extern bool shop_trace;      /* say on stderr what becomes of each event */

#endif
