/* tool_letter.h - a dead letter: an event that was given up, as `stoa dead` reads and shows it. */
#ifndef STOA_TOOL_LETTER_H
#define STOA_TOOL_LETTER_H

#include "records.h"
#include "redis_reply.h"
#include "tool.h"

struct letter {
	struct slice id; /* in the stream of dead letters */
	struct slice record, reason, backtrace, entry;
	int64_t attempts, at_ms, partition; /* partition -1: it says none */
	const char *wrong;                  /* why the record cannot be read; NULL: event is it */
	struct event_record event;
};

/* [id, [name, value, ..]]; false: it is none. Slices are the reply's or the arena's. */
bool letter_read(struct arena *arena, const struct redis_reply *reply, struct letter *l);
bool letter_is_in(const struct letter *l, const char *nsp); /* its slash may be missing; NULL: any */

/* Why it cannot be handled again, a static text; NULL: it can. */
const char *letter_is_final(const struct letter *l);

void letter_print_head(void);
void letter_print_row(const struct letter *l);
void letter_print(const struct letter *l);
/* {"id":..}; `whole`: with the record and the backtrace. */
void letter_add_json(struct buf *to, const struct letter *l, bool whole);

#endif
