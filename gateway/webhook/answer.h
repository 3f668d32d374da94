/*
 * answer.h - what a webhook answers, {"effects": [..]}, made into the batch record (records.h) that a broker would have
 * sent. A CONNECT that is not refused, and a handshake that is not denied, is accepted: that need not be said.
 */
#ifndef STOA_WEBHOOK_ANSWER_H
#define STOA_WEBHOOK_ANSWER_H

#include "records.h"

/* The event that is answered. */
struct answered {
	enum record_kind kind;
	struct slice nsp, sid;
	uint64_t n;
};

/* Appends the batch for a body; an empty one has no effects. The batch may be one that cannot be read, as the body may. */
void answer_put_batch(struct buf *to, const struct answered *e, struct slice body, const struct record_rules *rules);
/* The one that says that the event was refused, with a sentence for the client. */
void answer_put_failed(struct buf *to, const struct answered *e, struct slice why);

#endif
