/*
 * emitter_internal.h - what the files of the emitter share. The manual is stoa_emitter.h.
 *
 *	emitter.c          opening and closing, the two drives
 *	emitter_links.c    the two connections to Redis: one for commands, one that hears answers, made when first needed
 *	emitter_start.c    a call begins: it is queued, and in the sync drive waited for
 *	emitter_calls.c    a call is sent in order, and ends
 *	emitter_say.c      what is told: emits, joins, leaves, disconnects
 *	emitter_ask.c      what is asked, and the answers
 *	emitter_nodes.c    gateways that say what they are
 *	emitter_values.c   the caller's texts as what is encoded
 *
 * Callbacks that end a call run at the end of a turn, from one place: nothing else that is under way can lose what it works
 * on, but for the emitter itself (`closed`) behind a callback for an answer.
 */
#ifndef STOA_EMITTER_INTERNAL_H
#define STOA_EMITTER_INTERNAL_H

#include "loop.h"
#include "map.h"
#include "redis.h"
#include "stoa_emitter.h"
#include "subscriptions.h"
#include "wire_classic.h"

enum { EMITTER_UID_SIZE = 6, EMITTER_ID_MAX = EMITTER_UID_SIZE + 16, EMITTER_WHY_MAX = 300 };

enum call_stage {
	CALL_WAITS, /* in e->calls, nothing is sent */
	CALL_SENT,  /* Redis has not answered */
	CALL_ASKS,  /* Redis has answered, others are to */
	CALL_ENDED  /* in e->ended, until its callback has run */
};

/* Of `answers`. */
#define CALL_GATHERS (1U << 31)

struct call {
	struct call *next;
	struct stoa_emitter *e;
	enum call_stage stage;
	struct timer deadline;
	struct stoa_emitter_call told;
	struct stoa_emitter_result result;
	char why[EMITTER_WHY_MAX];
	bool is_awaited;       /* a function of the sync drive waits for it and frees it */
	bool is_lingering;     /* it has ended, and commands of it have no answer yet: in e->lingering */
	bool is_gathering;     /* nodes: its end by time is no failure, and of who hears it one is ourselves */
	int commands;          /* without Redis's answer */
	struct map_node by_id; /* in e->asking: calls that answers come for */
	unsigned answers;      /* types of them, as bits by enum wire_response_type, or CALL_GATHERS; 0: none */
	struct buf seen;       /* of CALL_GATHERS */
	char id[EMITTER_ID_MAX + 1];
	long long acks;                       /* of clients */
	struct slice channel, payload, count; /* in `bytes`; `count`: the channel whose subscribers are counted */
	struct slice hears[2];                /* channels with the answers; the second may be empty */
	size_t size;
	char bytes[];
};

struct stoa_emitter {
	struct loop loop;
	bool is_attached, impatient, closed, in_callback;
	struct redis_config redis;
	char *texts[6]; /* what `redis` borrows */
	struct slice key;
	size_t max_publish, max_waiting, max_calls;
	void (*state)(void *ctx, bool connected, const char *why);
	void *state_ctx;
	char uid[EMITTER_UID_SIZE + 1];
	uint64_t next_id;

	struct redis *commands, *subscriber; /* subscriber NULL: not needed so far */
	struct subscriptions names;
	struct call *calls, **calls_end; /* in order; those in CALL_WAITS behind all others but where a link was lost */
	size_t waiting_bytes, n_calls;
	struct map asking;
	struct call *ended, **ended_end;
	struct call *awaited, *lingering;
	int later_error; /* for the next flush */

	struct arena arena;   /* of the message in hand */
	struct arena scratch; /* of the one being encoded */
	struct buf channel, payload, json;
	char why[EMITTER_WHY_MAX];
};

/* emitter.c */
int emitter_fail(struct stoa_emitter *e, int error, const char *why); /* notes why, answers `error` */
/* A text for it; "" for 0. */
const char *emitter_text(int error);

/* emitter_links.c */
bool links_open(struct stoa_emitter *e);
void links_close(struct stoa_emitter *e);
void links_hear(struct stoa_emitter *e, const struct call *c);   /* subscribes */
void links_unhear(struct stoa_emitter *e, const struct call *c); /* and not */
bool links_hears(const struct stoa_emitter *e, const struct call *c);

/* emitter_calls.c */
/* A call with e->channel and e->payload, `count` a channel or empty. NULL: no memory. */
struct call *call_new(struct stoa_emitter *e, const struct stoa_emitter_call *told, struct slice count);
/* The first or second channel that its answers come on; before call_start(). */
void call_hears(struct call *c, size_t which, struct slice channel);
void call_free(struct call *c);
/* It has ended and nobody looks at it any more: freed now, or with the answer to its last command. */
void call_let_go(struct call *c);
void call_on_deadline(struct timer *t, int64_t now_ms);
/* Lets it wait and sends what can be sent; in the sync drive until it has ended. Takes the call; -errno as the functions. */
int call_start(struct call *c);
void calls_send(struct stoa_emitter *e);                    /* those that wait, in order, as far as it goes */
void call_end(struct call *c, int status, const char *why); /* its callback comes at the end of the turn */
void calls_fail(struct stoa_emitter *e, int status, const char *why, bool waiting_only);
void calls_run_ended(struct stoa_emitter *e);
void calls_fini(struct stoa_emitter *e);
struct call *calls_find(const struct stoa_emitter *e, struct slice id);

/* emitter_ask.c */
void ask_heard(struct stoa_emitter *e, struct slice payload);
void ask_end_if_complete(struct call *c);
void ask_hand_over(struct call *c, struct stoa_value v, struct slice server);
int ask_start(struct stoa_emitter *e, struct slice nsp, struct wire_request *r, unsigned answers,
	const struct stoa_emitter_call *told);

/* emitter_nodes.c */
void nodes_end_if_complete(struct call *c);
void nodes_heard(struct stoa_emitter *e, struct slice payload);

/* emitter_values.c */
/* All into e->scratch; 0 or -errno, noted. */
int values_nsp(struct stoa_emitter *e, const char *nsp, struct slice *to);
int values_target(struct stoa_emitter *e, const struct stoa_emitter_to *to, struct slice *nsp, struct wire_opts *opts);
int values_names(struct stoa_emitter *e, const char *const *at, struct wire_names *names);
int values_event(struct stoa_emitter *e, const char *event, const char *args,
	const struct stoa_emitter_bytes *attachments, size_t n_attachments, struct stoa_value *data);

/* emitter_say.c: what wire_*_encode() answered, or too large a payload, as an error with its sentence. */
int say_check(struct stoa_emitter *e, int encoded);
int say_check_server_event(struct stoa_emitter *e, const char *event);
/* e->channel is this one. */
void say_channel(struct stoa_emitter *e, const struct wire_channel *channel);

#endif
