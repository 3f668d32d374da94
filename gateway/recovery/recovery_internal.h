/*
 * recovery_internal.h - what the files of recovery share.
 *
 *	recovery.c  life, bounds, gaps
 *	packets.c   the log of packets
 *	missed.c    those that a client has missed
 *	saved.c     clients that are away
 *	wants.c     the rooms that they are in
 */
#ifndef STOA_RECOVERY_INTERNAL_H
#define STOA_RECOVERY_INTERNAL_H

#include "buf.h"
#include "recovery.h"

/* The packets to one room, or to everybody of a namespace: from the last one each leads to the one before it. It is there as long as
 * one of them is. So who comes back is shown what was for it, and not all that was said. */
struct chain {
	struct map_node node; /* recovery_key() */
	uint64_t last;
	size_t bytes;
	char name[];
};

struct link {
	struct chain *chain;
	uint64_t before; /* 0, or of one that may be forgotten: none */
};

/* A packet that was sent. Names left out are told apart by hash first; all is in the same memory. */
struct logged {
	struct frame *frame; /* NULL: a gap */
	int64_t at_ms;
	size_t bytes;
	struct slice skip_sid;
	size_t n_links, n_skip;
	struct slice *skip;
	unsigned *hashes; /* of these */
	struct link links[];
};

/* One room, or namespace, with so many saved clients in it. */
struct want {
	struct map_node node; /* key: nsp, or nsp NUL room */
	size_t count, nsp_size;
	char name[];
};

struct recovery {
	struct recovery_config config;
	struct timers *timers;
	struct timer expiry;
	char prefix[4]; /* of our offsets */
	bool is_deaf;
	size_t bytes;
	/* The log: a ring; packet number i is at i & (cap - 1), for first <= i < next. */
	struct logged **ring;
	size_t cap;
	uint64_t first, next;
	struct map chains;
	uint64_t gap; /* the number of the last gap; 0: none */
	struct map saved;
	struct recovery_saved *oldest, *newest;
	size_t n_saved; /* in that list */
	struct map wants;
	const struct recovery_ops *ops;
	void *ctx;
};

/* recovery.c */
void recovery_fit(struct recovery *r); /* to the bounds, after something was added */
void recovery_watch(struct recovery *r);

/* packets.c */
void packets_forget(struct recovery *r); /* the oldest */
void packets_add_gap(struct recovery *r, int64_t now_ms);
void packets_expire(struct recovery *r, int64_t now_ms);
bool packets_parse(const struct recovery *r, struct slice offset, uint64_t *number);
void packets_key(struct buf *to, struct slice nsp, struct slice room); /* room.at NULL: of everybody */
static inline struct logged *packets_at(const struct recovery *r, uint64_t number)
{
	return r->ring[number & (r->cap - 1)];
}
void packets_fini(struct recovery *r);

/* missed.c: all packets behind its place are there; is it sure which of them were for it, and are they not more than so many bytes? */
enum recovery_refusal missed_look(const struct recovery *r, const struct recovery_saved *s, size_t max_bytes);

/* saved.c */
void saved_forget(struct recovery *r); /* the oldest */
void saved_expire(struct recovery *r, int64_t now_ms);
void saved_fini(struct recovery *r);

/* wants.c */
void wants_add(struct recovery *r, const struct recovery_saved *s);
void wants_remove(struct recovery *r, const struct recovery_saved *s);
void wants_fini(struct recovery *r);

#endif
