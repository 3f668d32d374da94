/*
 * out.h - output of connections: a queue of shared frames for each, flushed once at the end of the loop's turn.
 *
 * A struct out is the one record that a delivery touches: at most 64 bytes. It holds references to frames, never copies;
 * a queue of one frame is in the record itself. out_push() queues and marks the record dirty; out_flush_turn() at the end
 * of the turn has each dirty record's owner take its frames (out_take() for a WebSocket, out_peek() and out_pop() for a
 * poll). What cannot be sent stays queued: a WebSocket whose socket is full, a polling session without a GET.
 *
 * What is said to a room costs next to nothing for each of its members: the references of all are counted at once
 * (out_lend()), and members who have the same frames queued take them as the same bytes, put together once (out_take()).
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

enum {
	OUT_SCRATCH_BYTES = 64 * 1024,
	OUT_BATCH_FRAMES = 512,
	OUT_BULK = 1024, /* a fan-out to so many is a large one */
	OUT_SLICE = 512  /* records of large fan-outs that are flushed in a turn: about 2 ms */
};

/* What is sent in a frame's place: another frame, which lives as long as f; or f. For transports that compress. */
struct out_form {
	const struct frame *(*of)(const struct out_form *form, struct frame *f);
};

/* What a record has given to be sent. The next one of a room gives the same as a rule: then it is not made again. */
struct out_batch {
	struct slice bytes; /* the only frame's own, or the lane's scratch */
	uint32_t n;
	uint32_t given; /* by so many records: the references that it has to each frame */
	const struct out_form *form;
	struct frame *frames[OUT_BATCH_FRAMES];
};

struct out_list {
	struct out *first, **end;
};

/* All records of a process share one lane: what is to be done with them, the dirty lists, the limit, the batch. */
struct out_lane {
	const struct out_ops *ops; /* the owner of the records sets them */
	struct out_list *dirty;    /* the list for what becomes dirty: &soon or &later */
	struct out_list soon;
	struct out_list later; /* dirtied by large fan-outs: flushed behind the others, a slice in a turn */
	size_t limit_bytes;
	int64_t now_ms; /* of the turn that is ending: for out_ops.flush */
	char *scratch;  /* OUT_SCRATCH_BYTES */
	struct out_batch batch;
};

enum { OUT_DIRTY = 1, OUT_OVERFLOWED = 2, OUT_CLOSED = 4 };

struct out {
	struct out_lane *lane;
	struct out *next_dirty;
	union {
		struct frame *one;   /* when `cap` is 1 */
		struct frame **many; /* `cap` places; the queue begins with the `first` of them */
	};
	uint32_t first, count, cap;
	uint32_t tagged; /* frames queued that have a tag */
	size_t queued_bytes;
	uint8_t flags; /* OUT_.. */
};

int out_lane_init(struct out_lane *lane, size_t limit_bytes); /* 0 or -ENOMEM */
void out_lane_fini(struct out_lane *lane);

void out_init(struct out *o, struct out_lane *lane);
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
static inline bool out_has_overflowed(const struct out *o)
{
	return o->flags & OUT_OVERFLOWED;
}

static inline void out_mark_dirty(struct out *o)
{
	struct out_list *list = o->lane->dirty;

	o->flags |= OUT_DIRTY;
	o->next_dirty = NULL;
	*list->end = o;
	list->end = &o->next_dirty;
}

/* out_lend() of what is closed, has overflowed or is about to, or has no place left. */
bool out_lend_slow(struct out *o, struct frame *f);

/* out_push() for a fan-out, which counts the references of all who got f with one frame_ref_times(), before any of them
 * is flushed. */
static inline bool out_lend(struct out *o, struct frame *f)
{
	uint32_t at = o->first + o->count;

	if ((o->flags & ~OUT_DIRTY) || at >= o->cap || o->queued_bytes + f->size > o->lane->limit_bytes)
		return out_lend_slow(o, f);
	if (o->flags == 0)
		out_mark_dirty(o);
	*(o->cap == 1 ? &o->one : &o->many[at]) = f;
	o->count++;
	o->queued_bytes += f->size;
	o->tagged += f->tag_size != 0;
	return true;
}

/* The oldest frame, NULL when there is none; out_pop() gives its reference to the caller. */
struct frame *out_peek(const struct out *o);
struct frame *out_at(const struct out *o, uint32_t i); /* the i-th behind the oldest; NULL: there are fewer */
struct frame *out_pop(struct out *o);

/* Takes what goes out in one write from a queue that is not empty: the oldest frame, alone when it is large, or as many as
 * fit. The batch and its frames are there until the next call for the lane, or the end of out_flush_turn(). `form` NULL:
 * frames as they are. */
const struct out_batch *out_take(struct out *o, const struct out_form *form);

/* Records that become dirty between bulk and not bulk may wait for some turns, so that what is said to others, their acks
 * and pings, need not. Nothing changes for what one record sends, and in what order. */
static inline void out_bulk(struct out_lane *lane, bool bulk)
{
	lane->dirty = bulk ? &lane->later : &lane->soon;
}

/* Ends the turn: flush and overflow for every dirty record, also those dirtied meanwhile, but OUT_SLICE of those that wait
 * at most. True: there are more, for the next turn, which should come at once. */
bool out_flush_turn(struct out_lane *lane, int64_t now_ms);
void out_flush_all(struct out_lane *lane, int64_t now_ms); /* all of them */

#endif
