/*
 * out.h - output of connections: a queue of shared frames for each, flushed once at the end of the loop's turn.
 *
 * A struct out is the one record that a delivery touches: at most 64 bytes. It holds references to frames, never copies.
 * out_push() queues and marks the record dirty; out_flush_all() at the end of the turn has each dirty record's owner
 * take its frames (out_gather() for a WebSocket, out_peek() and out_pop() for a poll). What cannot be sent stays
 * queued: a WebSocket whose socket is full, a polling session without a GET.
 *
 * Policy: a queue that would pass `limit_bytes` overflows. The frame is not queued, nothing is dropped from the middle,
 * and the owner is told at the end of the turn (out_ops.overflow), where it closes the client as slow. So a client
 * sees a prefix of its messages or all of them, and memory is bounded by the limit times the clients. What the
 * application emits as "latest" is the exception: out_push_latest() drops what still waits under the same tag.
 */
#ifndef STOA_OUT_OUT_H
#define STOA_OUT_OUT_H

#include "buf.h"
#include "frame.h"

struct out;

struct out_ops {
	void (*flush)(struct out *o);                    /* frames wait: take what can be sent now */
	void (*overflow)(struct out *o, int64_t now_ms); /* the limit was passed: close; no more is queued meanwhile */
};

/* All records of a process share one lane: the dirty lists, the limit, a place to gather in. */
struct out_lane {
	struct out *dirty, **dirty_end;
	struct out *later, **later_end; /* dirtied by large fan-outs: flushed behind the others, a slice in a turn */
	bool bulk;                      /* a large fan-out is under way */
	size_t limit_bytes;
	int64_t now_ms; /* of the turn that is ending: for out_ops.flush */
	char *scratch;  /* OUT_SCRATCH_BYTES */
};

enum {
	OUT_SCRATCH_BYTES = 64 * 1024,
	OUT_BULK = 1024, /* a fan-out to so many is a large one */
	OUT_SLICE = 512  /* records of large fan-outs that are flushed in a turn: about 2 ms */
};

struct out {
	struct out_lane *lane;
	const struct out_ops *ops;
	struct out *next_dirty;
	struct frame **ring; /* `cap` places, a power of two; NULL when cap is 0 */
	uint32_t head, count, cap;
	uint32_t tagged; /* frames queued that have a tag */
	bool dirty, overflowed, closed;
	size_t queued_bytes;
};

int out_lane_init(struct out_lane *lane, size_t limit_bytes); /* 0 or -ENOMEM */
void out_lane_fini(struct out_lane *lane);

void out_init(struct out *o, struct out_lane *lane, const struct out_ops *ops);
void out_close(struct out *o); /* drops what is queued; pushes are ignored from now on; may be called twice */
void out_fini(struct out *o);  /* out_close() was called; also leaves the dirty list */

/* Queues a reference. False: closed or overflowed, nothing was queued. */
bool out_push(struct out *o, struct frame *f);

/* The same after dropping the queued frame with f's tag, if there is one: f goes to the end. `*dropped`: there was. */
bool out_push_latest(struct out *o, struct frame *f, bool *dropped);

/* Has flush called at the end of this turn if frames are queued: a transport can take some again. */
void out_wake(struct out *o);

static inline bool out_is_empty(const struct out *o)
{
	return o->count == 0;
}

/* The oldest frame, NULL when there is none; out_pop() gives its reference to the caller. */
struct frame *out_peek(const struct out *o);
struct frame *out_at(const struct out *o, uint32_t i); /* the i-th behind the oldest; NULL: there are fewer */
struct frame *out_pop(struct out *o);

/* What is sent in a frame's place: another frame, which lives as long as f; or f. For transports that compress. */
struct out_form {
	const struct frame *(*of)(const struct out_form *form, struct frame *f);
};

/* Bytes to send in one write: the oldest frame's own when it is alone or large, else as many whole frames as fit,
 * copied to the lane's scratch. `*frames` is how many; out_drop() them when they are sent. `form` NULL: as they are. */
struct slice out_gather(struct out *o, const struct out_form *form, uint32_t *frames);
void out_drop(struct out *o, uint32_t frames);

/* Records that become dirty between bulk and not bulk may wait for some turns, so that what is said to others, their acks
 * and pings, need not. Nothing changes for what one record sends, and in what order. */
static inline void out_bulk(struct out_lane *lane, bool bulk)
{
	lane->bulk = bulk;
}

/* Ends the turn: flush and overflow for every dirty record, also those dirtied meanwhile, but OUT_SLICE of those that wait
 * at most. True: there are more, for the next turn, which should come at once. */
bool out_flush_turn(struct out_lane *lane, int64_t now_ms);
void out_flush_all(struct out_lane *lane, int64_t now_ms); /* all of them */

#endif
