/*
 * remote_streams_internal.h - what the files of the carrier over streams share.
 *
 *	remote_streams.c   becoming, the lease, who is there
 *	streams_events.c   entries: added, looked for, taken out
 *	streams_states.c   the hash of states; what was lost on its way and is done again
 *	streams_held.c     what is done when others have been told
 */
#ifndef STOA_REMOTE_STREAMS_INTERNAL_H
#define STOA_REMOTE_STREAMS_INTERNAL_H

#include "remote_streams.h"

/* What is known of the application: its record, as it was read. */
struct known_app {
	struct buf text;
	struct arena arena;
	struct app_record record;
};

/* What an answer of Redis is about. */
struct note {
	struct note *next, **link;
	struct remote_streams *rs;
	uint64_t number; /* of an event */
	unsigned partition;
	bool is_entry;  /* to be taken out; its id stands for the sid */
	bool is_undone; /* it is to be taken out, or a state to be dropped, once more */
	size_t sid_size;
	char sid[];
};

/* What waits for what was published. */
struct held {
	struct held *next;
	uint64_t after; /* bus->over */
	bool is_state;  /* to be dropped; else an entry is to be taken out */
	unsigned partition;
	size_t id_size, sid_size;
	char texts[]; /* id, sid */
};

struct remote_streams {
	struct remote_streams_config config;
	struct remote *remote;
	struct timers *timers;
	struct streams *streams;
	struct known_app *app; /* NULL: not known yet */
	struct timer lease, look;
	int64_t claiming_ms,
		held_until_ms; /* the lease: when it was last asked for, 0: it was answered; and what that gave */
	bool is_ready, is_fresh, is_leaving, lease_kept; /* the latter: leaving, until nothing is held */
	unsigned brokers;                                /* seen in this look */
	struct note *notes;
	struct pubsub *bus;   /* NULL: there are no others */
	uint64_t sent_before; /* bus->sent when the batch in hand came */
	struct held *held, **held_end;
	struct buf lease_key, batches, app_key, name;
	struct {
		struct buf list, prefix; /* streams.h: enlist() */
	} gateways_named, brokers_named;
	void (*left)(void *to);
	void *left_to;
};

struct note *streams_note(struct remote_streams *rs, uint64_t number, unsigned partition, struct slice sid);
void streams_note_free(struct note *n);

/* struct carrier_ops, with the struct remote_streams as ctx. */
int streams_send(void *ctx, int64_t now_ms, struct carried *e, struct slice record);
void streams_forget(void *ctx, int64_t now_ms, struct carried *e);
bool streams_executed(void *ctx, int64_t now_ms, const struct batch_record *b, bool anew);
void streams_check(void *ctx, int64_t now_ms, struct carried *e, bool fresh);
int streams_put_state(void *ctx, int64_t now_ms, struct slice nsp, struct slice sid, struct slice record);
int streams_look_state(void *ctx, int64_t now_ms, struct slice nsp, struct slice sid);
void streams_drop_state(void *ctx, int64_t now_ms, struct slice nsp, struct slice sid);

void streams_take_out(struct remote_streams *rs, struct note *note);
void streams_take_out_entry(struct remote_streams *rs, unsigned partition, struct slice id);
void streams_drop(struct remote_streams *rs, unsigned partition, struct slice sid);
void streams_do_undone(struct remote_streams *rs);

/* Whether the batch in hand has told others what is still on its way; `anew` false: whether anything is. */
bool streams_must_hold(const struct remote_streams *rs, bool anew);
void streams_hold_entry(struct remote_streams *rs, const struct batch_record *b);
void streams_hold_state(struct remote_streams *rs, unsigned partition, struct slice sid);
void streams_drop_held(struct remote_streams *rs);
void streams_moved(void *to, int64_t now_ms); /* struct pubsub */
void streams_give_lease_up(struct remote_streams *rs);

#endif
