/*
 * ebb.h - notices that much less memory is in use than was, and says when to give back what is free.
 *
 * A malloc keeps what is freed, since it is mostly wanted again; after a spike of connections it is not. How much is in use is
 * told from outside, once a turn, as an estimate. When it has fallen by an eighth of the most there was, and by EBB_LEAST_BYTES,
 * what is free is given back a moment later, when the rest of those who go have gone too; and again when it has fallen by as
 * much again. So a quarter of a million clients that go within seconds cost some pauses of tens of milliseconds, not one of
 * hundreds; and those may take a hundredth of the time.
 */
#ifndef STOA_PROCESS_EBB_H
#define STOA_PROCESS_EBB_H

#include "timers.h"

enum { EBB_LEAST_BYTES = 1024 * 1024, EBB_WAIT_MS = 1000, EBB_REST = 100 };

struct ebb {
	struct timer timer;      /* due when it is to be given back */
	struct timers *timers;   /* the owner's */
	void (*give_back)(void); /* what it takes is measured by clock_ms() */
	int64_t (*clock_ms)(void);
	int64_t in_use, most; /* bytes; the most since the last time */
	int64_t rest_until_ms;
};

void ebb_init(struct ebb *e, struct timers *timers, void (*give_back)(void), int64_t (*clock_ms)(void));
/* So much is in use, by some measure; cheap, for every turn. */
void ebb_see(struct ebb *e, int64_t in_use, int64_t now_ms);

#endif
