/*
 * recovery_internal.h - what the files of recovery share.
 *
 *	recovery.c  life, bounds, gaps
 *	packets.c   the log of packets
 *	saved.c     clients that are away
 *	wants.c     the rooms that they are in
 */
#ifndef STOA_RECOVERY_INTERNAL_H
#define STOA_RECOVERY_INTERNAL_H

#include "recovery.h"

/* A packet that was sent. Names are told apart by hash first; these and their texts are in the same memory. */
struct logged {
	struct frame *frame; /* NULL: a gap */
	int64_t at_ms;
	size_t bytes;
	unsigned nsp_hash;
	struct slice nsp, skip_sid;
	size_t n_rooms, n_skip;
	struct slice *names; /* rooms, then those skipped */
	unsigned *hashes;    /* of names */
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
/* False: one was for others but those of a room that it was not in yet, perhaps; all behind its place are there. */
bool packets_are_certain(const struct recovery *r, const struct recovery_saved *s);
/* Of those it has missed. */
size_t packets_missed_bytes(const struct recovery *r, const struct recovery_saved *s);
void packets_fini(struct recovery *r);

/* saved.c */
void saved_forget(struct recovery *r); /* the oldest */
void saved_expire(struct recovery *r, int64_t now_ms);
void saved_fini(struct recovery *r);

/* wants.c */
void wants_add(struct recovery *r, const struct recovery_saved *s);
void wants_remove(struct recovery *r, const struct recovery_saved *s);
void wants_fini(struct recovery *r);

#endif
