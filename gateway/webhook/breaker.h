/*
 * breaker.h - a circuit breaker: after so many failures in a row nothing is tried for a while, then one is, and what
 * becomes of that one decides. Time is an argument.
 */
#ifndef STOA_WEBHOOK_BREAKER_H
#define STOA_WEBHOOK_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

enum breaker_state {
	BREAKER_CLOSED,   /* all may pass */
	BREAKER_OPEN,     /* none may, until until_ms */
	BREAKER_HALF_OPEN /* one is under way, to see */
};

struct breaker {
	int64_t max_failures, rest_ms; /* the owner's */
	enum breaker_state state;
	int64_t failures; /* in a row */
	int64_t until_ms;
};

/* Whether one may pass now; true: it is to be told of with one of the functions below. Of a half open one *is_probe says
 * that it is the one that decides. */
bool breaker_admit(struct breaker *b, int64_t now_ms, bool *is_probe);
/* Whether one could. */
bool breaker_would_admit(const struct breaker *b, int64_t now_ms);
bool breaker_succeeded(struct breaker *b);              /* true: it is closed again, and was not */
bool breaker_failed(struct breaker *b, int64_t now_ms); /* true: it is open, and was not */
void breaker_unknown(struct breaker *b, bool is_probe); /* nobody will know what became of it */

#endif
