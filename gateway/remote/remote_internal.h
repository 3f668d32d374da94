/*
 * remote_internal.h - what the files of remote share.
 *
 *	remote.c     the runner: what clients do, becoming and ending
 *	lane.c       queues: one event under way, the others behind it
 *	sending.c    an event's record, and when it goes
 *	refusal.c    events that are given up, and what their clients are told
 *	state.c      the state of clients, and its versions
 *	requests.c   handshakes, refused requests, other servers' events
 *	batches.c    what comes back
 *	asks.c       what the application asks, and the answers
 *	deferred.c   acks that the application gives later, or never
 */
#ifndef STOA_REMOTE_INTERNAL_H
#define STOA_REMOTE_INTERNAL_H

#include "carrier.h"
#include "map.h"
#include "remote.h"
#include "sample.h"
#include "timers.h"

/* An event that waits or is under way. One allocation with all that it carries. */
struct remote_event {
	struct carried carried; /* first */
	struct remote_event *next;
	struct lane *lane;
	struct map_node by_number;
	uint64_t n;
	int64_t at_ms, came_ms; /* by the wall's clock, and by ours */
	bool sent;              /* the carrier has it */
	bool tried;             /* and somebody may have begun it */
	struct slice name, items, error;
	unsigned flags;
	struct slice *blobs;
	size_t n_blobs;
	bool wants_ack;
	uint64_t ack_id;
	bool ack_given;     /* before its batch came */
	const char *reason; /* static */
	struct answer_record answer;
	dispatch_decided_fn *decided; /* handshake; NULL: nobody waits any more */
	void *decided_to;
	struct map_node by_asker; /* as long as decided is set; its key is decided_to */
	size_t bytes;
	char copied[];
};

/* The state of a client that is gone, or of a request. */
struct kept_state {
	struct arena arena;
	struct client_state state;
	size_t bytes;
};

/* What a version of a client's state was made of. */
struct state_print {
	unsigned rooms;
	uint32_t data;
	const char *transport;
};

enum { TODO_SEND = 1, TODO_CHECK = 2, TODO_STATE = 4, TODO_LOOK = 8 };

/* A client's events, or one that is no client's. */
struct lane {
	struct remote *remote;
	struct client *client;  /* NULL: none, or it is gone */
	struct map_node by_sid; /* of a client's alone */
	struct slice nsp, sid;  /* with a NUL behind each; empty: no client's */
	struct remote_event *first, **end;
	size_t count;
	uint64_t last_n;
	struct timer deadline;                     /* of the first; of an empty one that is remembered, until when */
	struct deferred *deferred, **deferred_end; /* acks that are to come later */
	size_t n_deferred;
	struct timer deferred_due;
	struct lane *todo_next, **todo_link;
	unsigned todo;   /* TODO_*; 0: not in the list */
	unsigned held;   /* batches of it that are still to be released: nothing is sent */
	bool is_doubted; /* it may have been told gone behind our back: nothing is sent */
	bool remembered; /* its CONNECT was given up while somebody may have been at it: that event's number is last_n */
	/* State. */
	uint64_t state_n;
	struct state_print print;
	bool state_changed; /* since that version; of a client that is gone */
	struct kept_state *kept;
	char copied[];
};

/* A question of the application, by the number that the gateway asks it with. */
struct ask {
	struct map_node by_number;
	struct remote *remote;
	uint64_t number, call; /* ours, and that of the process that asked */
	struct slice nsp, sid; /* whom the batch was for: where the answers go */
	bool has_partition;
	unsigned partition;
	uint64_t answers, expected;
	int64_t due_ms;
	struct timer expiry;
	struct slice by;
	char copied[]; /* `by`, nsp, sid */
};

struct remote {
	struct remote_config config;
	struct dispatch *dispatch;
	struct timers *timers;
	const struct carrier_ops *carrier;
	void *carrier_ctx;
	enum value_encoding encoding;
	struct map lanes;  /* of clients, by sid */
	struct map events; /* all, by number */
	struct map askers; /* handshakes, by whom to tell */
	struct lane *todo, **todo_end;
	struct timer pump;
	uint64_t last_number, last_ask;
	size_t bytes; /* of what waits */
	bool is_ready, is_served, is_ending;
	bool fresh;             /* what was put may be lost: checked with it */
	int64_t alone_since_ms; /* since when it is not both */
	struct map asks;
	size_t n_deferred;    /* in all lanes */
	struct arena arena;   /* of what is being sent */
	struct arena reading; /* of the batch in hand */
	struct buf record;
	struct sample refused_log[REFUSALS], bad_log, buried_log;
};

static inline bool is_of_client(enum record_kind kind)
{
	return kind == RECORD_CONNECT || kind == RECORD_EVENT || kind == RECORD_DISCONNECT;
}

/* --- lane.c ------------------------------------------------------------------------------------------------------- */

struct lane *lane_new(struct remote *r, struct client *c);
void lane_free(struct lane *l);
void lane_add(struct lane *l, int64_t now_ms, struct remote_event *e);
/* The first is over, and freed: the next one's turn, or the lane's end. The lane may be freed. */
void lane_next(struct lane *l, int64_t now_ms);
void lane_drop(struct lane *l);      /* all that waits, without a word */
void lane_drop_rest(struct lane *l); /* all but the first */
/* The application was told that the client has gone: so it has. Frees the lane. */
void lane_bury(struct lane *l, int64_t now_ms);
void lane_todo(struct lane *l, unsigned what);
void lane_drop_state(struct lane *l, int64_t now_ms); /* its client will not come back */
void lane_leave_todo(struct lane *l);
void lane_set_deadline(struct lane *l, int64_t now_ms);

struct event_text {
	struct slice name, items, error;
	struct slice nsp, sid; /* of an answer: whom it goes with, when that is not its lane's */
	const struct slice *blobs;
	size_t n_blobs;
};
/* With copies of the texts; NULL: no memory. */
struct remote_event *remote_event_new(
	struct remote *r, int64_t now_ms, enum record_kind kind, const struct event_text *t);
void remote_event_free(struct remote *r, struct remote_event *e);
struct remote_event *remote_event_find(struct remote *r, uint64_t number);
static inline struct remote_event *event_of(struct carried *c)
{
	return (struct remote_event *)(void *)c;
}

/* --- sending.c ---------------------------------------------------------------------------------------------------- */

void lane_send(struct lane *l, int64_t now_ms); /* its first event, if it can go. The lane may be freed */
void remote_pump(struct remote *r, int64_t now_ms, int64_t after_ms);
const struct app_record *remote_app(const struct remote *r); /* NULL: not known */

/* --- refusal.c ---------------------------------------------------------------------------------------------------- */

extern const char *const refusal_words[REFUSALS];
/* Whether another event may wait: counted and logged if not. l NULL: a request without a client. */
bool may_wait(struct remote *r, int64_t now_ms, const struct lane *l, size_t bytes, enum refusal *why);
/* Counts and logs. */
void refusal_note(struct remote *r, int64_t now_ms, enum refusal why, enum record_kind kind, struct slice sid);
void refuse_client(struct remote *r, struct client *c, struct slice words);
void refuse_ack(struct remote *r, struct client *c, uint64_t ack_id, struct slice words);
/* The first event of a lane is given up: all of the above, and the next one's turn. `words` empty: those of `why`. The lane
 * may be freed. */
void lane_give_up(struct lane *l, int64_t now_ms, enum refusal why, struct slice words);

/* --- state.c ------------------------------------------------------------------------------------------------------ */

/* The state as it is now, in r->arena or kept; counts a new version when it changed. */
bool state_now(struct lane *l, struct client_state *state); /* true: it is a new version */
void state_keep(struct lane *l);                            /* of a client that goes */
void state_keep_request(struct lane *l, const struct app_request *request);
void state_put(struct lane *l, int64_t now_ms);
void state_free(struct lane *l);

/* --- requests.c --------------------------------------------------------------------------------------------------- */

bool request_admit(void *ctx, int64_t now_ms, const struct app_request *r, dispatch_decided_fn *decided, void *to);
void request_forget(void *ctx, void *to);
void request_refused(void *ctx, int64_t now_ms, const struct app_request *r, struct slice error);
void request_server_event(void *ctx, int64_t now_ms, const char *nsp, const struct app_event_in *in);
void request_unask(struct remote *r, struct remote_event *e); /* nobody waits any more; fine for any event */
/* Nobody asks the application: it hears no handshakes. */
bool request_is_idle(const struct remote *r, const struct remote_event *e);
void request_admit_now(struct remote *r, int64_t now_ms, struct remote_event *e);

/* --- deferred.c --------------------------------------------------------------------------------------------------- */

void deferred_keep(struct lane *l, int64_t now_ms, uint64_t ack_id);
void deferred_given(struct remote *r, const struct batch_record *b); /* those in it */
void deferred_drop(struct lane *l);

/* --- asks.c ------------------------------------------------------------------------------------------------------- */

/* The effects with the numbers of the calls being ours; in `arena`, where they were changed. */
const struct effect *asks_take(struct remote *r, int64_t now_ms, struct arena *arena, const struct batch_record *b);
void asks_free(struct remote *r);
void ask_expect(void *ctx, int64_t now_ms, uint64_t call, size_t clients);
void ask_answer(void *ctx, int64_t now_ms, uint64_t call, struct client *from, struct slice items, unsigned flags,
	const struct slice *blobs, size_t n_blobs);
void ask_gone(void *ctx, int64_t now_ms, uint64_t call, struct client *from);
bool ask_found(void *ctx, int64_t now_ms, uint64_t call, struct slice json);
void ask_silent(void *ctx, int64_t now_ms, uint64_t call, struct slice name);
void ask_end(void *ctx, int64_t now_ms, uint64_t call, int status);

#endif
