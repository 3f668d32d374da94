/*
 * carrier.h - what takes events to an application that runs elsewhere and brings its batches: streams of Redis
 * (remote_streams.h), a webhook (webhook.h). Below remote.h, which keeps clients' queues and deadlines and gives a carrier one
 * event of a client at a time.
 *
 * A carrier says when it can take events (remote_ready(), remote_away()), whether anybody is there who would run them
 * (remote_served()), what the application is (ops.application()), what became of an event that it took (one of
 * remote_carried(), remote_refuse() or remote_again(), unless its batch was there first), and hands in the batches. It calls
 * none of these from inside of its own functions, but remote_batch(), which may come from inside of send().
 */
#ifndef STOA_REMOTE_CARRIER_H
#define STOA_REMOTE_CARRIER_H

#include "records.h"

struct remote;

enum { CARRIED_ENTRY_MAX = 48 };

/* An event under way. The carrier keeps its number, never the pointer: remote_carried_event() knows whether it still is. */
struct carried {
	uint64_t number; /* of this process, never twice */
	enum record_kind kind;
	/* Whom it goes with: its client; of an answer, the client that the question was asked for. Empty: nobody, and `sid` is
	 * then what spreads them (see app_record_partition()). */
	struct slice nsp, sid;
	bool has_partition; /* of an answer: it is known where it goes */
	unsigned partition;
	int64_t due_ms; /* INT64_MAX: it has all the time in the world */
	bool again;     /* it may have been taken before */
	/* The carrier's own: where it is. */
	unsigned entry_partition;
	bool adding; /* no answer yet */
	char entry[CARRIED_ENTRY_MAX + 1];
};

/* Why an event was given up. Its client is told in the words that go with it, if it can be told. */
enum refusal {
	REFUSED_LATE,       /* event_timeout */
	REFUSED_QUEUE,      /* max_waiting_events of its client */
	REFUSED_MEMORY,     /* max_waiting_memory */
	REFUSED_BACKLOG,    /* max_backlog: too many wait elsewhere */
	REFUSED_UNSERVED,   /* nobody was there for longer than broker_timeout */
	REFUSED_TOO_LARGE,  /* it cannot be carried */
	REFUSED_BY_CARRIER, /* it was tried as often as may be */
	REFUSED_RESTING,    /* the carrier tries nothing for a while, having failed too often */
	REFUSED_FAILED,     /* the application gave it up: the batch's words */
	REFUSED_BAD_BATCH,  /* what came for it cannot be read */
	REFUSALS
};

struct carrier_ops {
	/* Takes an event; the record lives until this returns. 0; -EAGAIN: not now, it is offered again; -EBUSY: it rests; -EMSGSIZE: it is too
	 * large; other errors refuse it as well. An answer (RECORD_ANSWER) and one that nobody waits for is over with
	 * remote_carried(), all others with their batch. */
	int (*send)(void *ctx, int64_t now_ms, struct carried *e, struct slice record);
	/* It was taken and is given up: nobody need begin it any more. */
	void (*forget)(void *ctx, int64_t now_ms, struct carried *e);
	/* The batch was carried out, just now (`anew`) or before, or was for an event that is over: it need not be kept for us.
	 * False: it is, as long as what it told other gateways is on its way; until remote_released() nothing of its client
	 * is sent. */
	bool (*executed)(void *ctx, int64_t now_ms, const struct batch_record *b, bool anew);
	/* After remote_ready() for each that was taken before: whether it still is; if not, remote_again(). */
	void (*check)(void *ctx, int64_t now_ms, struct carried *e, bool fresh);
	/* The state of a client, kept for those who get an event without it: client_record_put(). 0, or it is offered again.
	 * NULL: every event has its client's state. */
	int (*put_state)(void *ctx, int64_t now_ms, struct slice nsp, struct slice sid, struct slice record);
	void (*drop_state)(void *ctx, int64_t now_ms, struct slice nsp, struct slice sid);
	/* Whether it is still there, for remote_state_is(): after remote_doubt(). 0, or it is asked again. NULL with put_state. */
	int (*look_state)(void *ctx, int64_t now_ms, struct slice nsp, struct slice sid);
	/* Valid until the next remote_application(); NULL: not known yet. */
	const struct app_record *(*application)(void *ctx);
};

/* Before the first event. `ctx` is the carrier's. */
void remote_set_carrier(struct remote *r, const struct carrier_ops *ops, void *ctx);

/* Events may be sent from now on: those that wait, and those that come. Taken ones are checked; `fresh`: what was put
 * may be lost, states are put again. A little in each turn. Not before the application is known. */
void remote_ready(struct remote *r, int64_t now_ms, bool fresh);
void remote_away(struct remote *r, int64_t now_ms);
/* Also when ready: the others may have taken this gateway for dead meanwhile, and said good-bye to its clients. Nothing of a
 * client is sent before it was looked whether its state is still there; one without is closed, and comes back as another. */
void remote_doubt(struct remote *r, int64_t now_ms);
void remote_look_again(struct remote *r, struct slice sid); /* the look came to nothing */
void remote_state_is(struct remote *r, int64_t now_ms, struct slice sid, bool there);
/* Whether somebody is there who runs events; as at first: nobody. */
void remote_served(struct remote *r, int64_t now_ms, bool is_served);
/* ops.application() has another answer than before. */
void remote_application(struct remote *r, int64_t now_ms);

struct carried *remote_carried_event(struct remote *r, uint64_t number);   /* NULL: it is over */
void remote_carried(struct remote *r, int64_t now_ms, uint64_t number);    /* it is where it should be */
void remote_again(struct remote *r, int64_t now_ms, uint64_t number);      /* it is not: sent once more */
void remote_put_again(struct remote *r, int64_t now_ms, struct slice sid); /* ops.put_state() came to nothing */
void remote_released(struct remote *r, int64_t now_ms, struct slice sid);  /* for each executed() that was false */
void remote_refuse(struct remote *r, int64_t now_ms, uint64_t number, enum refusal why);
void remote_batch(struct remote *r, int64_t now_ms, struct slice record);

#endif
