/*
 * message.h - what a broker and its worker processes say over their socket pair, both being the same program.
 *
 *	size    32 bits, of all that follows it
 *	kind    32 bits
 *	number  64 bits
 *	x y     32 bits each
 *	sizes   three of 32 bits
 *	the bytes of three texts
 *
 *	to a worker            number   x          y        texts
 *	START                                               run "start", then events
 *	JOB                    job's    partition  attempt  id, record, client
 *	LEAD                            0 or 1
 *	STOP                                                run "stop", say what is left, end
 *
 *	from a worker
 *	LOADED                          0 or 1              the application's record, or why there is none
 *	DONE                   job's                        batch
 *	FAILED                 job's    enum job_failure    why, in words
 *	BATCH                                               node, batch
 *
 * Numbers are the machine's own. What a worker says is checked all the same: the module in it may write where it likes.
 */
#ifndef STOA_CREW_MESSAGE_H
#define STOA_CREW_MESSAGE_H

#include "buf.h"

#include <sys/types.h>

enum message_kind {
	MESSAGE_START,
	MESSAGE_JOB,
	MESSAGE_LEAD,
	MESSAGE_STOP,
	MESSAGE_LOADED,
	MESSAGE_DONE,
	MESSAGE_FAILED,
	MESSAGE_BATCH,
	MESSAGE_KINDS
};

enum { MESSAGE_TEXTS = 3, MESSAGE_HEAD = 36 };

struct message {
	enum message_kind kind;
	uint64_t number;
	uint32_t x, y;
	struct slice texts[MESSAGE_TEXTS];
};

/* The head, which the texts follow. */
void message_head(char head[MESSAGE_HEAD], const struct message *m);
void message_put(struct buf *to, const struct message *m);

/* Bytes taken, 0: there is more to come, -EPROTO: it is none, or larger than max_bytes. Texts point into `from`. */
ssize_t message_take(struct slice from, size_t max_bytes, struct message *m);

#endif
