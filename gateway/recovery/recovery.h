/*
 * recovery.h - connection state recovery: what clients that lost their connection have missed, and who they were.
 *
 * Packets: every event that goes to rooms, to everybody of a namespace or to one client, unless it is volatile or asks for an
 * ack, has a number, which its receivers see as text, the offset, behind its arguments. Here the packet is kept with whom it
 * was for: the frame that was sent, once for all.
 *
 * Saved: what a client was when its connection was lost (id, rooms, data), by its private id, for max_away_ms. Whoever brings
 * that id, and the offset of the last packet that it has seen, takes it (recovery_take()), is given the packets behind the
 * offset that were for it (recovery_missed()), and is the client again.
 *
 * Nothing is missing in between, or it is not recovered. A packet that is not there any more can still be known not to have
 * been for the client: hub.h's numbers tell the last one that its rooms were sent. What other processes say to its rooms is
 * still listened to while it is away (recovery_listen()), and a time in which that was not heard is a hole in the packets
 * (recovery_gap()).
 *
 * Memory of packets and of what is saved has one bound: the oldest packets are forgotten first, then the oldest clients.
 * There is one for a process, hub->recovery, or none: NULL is recovery turned off, fine wherever one is asked for.
 */
#ifndef STOA_RECOVERY_RECOVERY_H
#define STOA_RECOVERY_RECOVERY_H

#include "hub.h"
#include "timers.h"

enum { RECOVERY_PID_SIZE = 20, RECOVERY_SID_MAX = 20, RECOVERY_OFFSET_MAX = 4 + 16 };

struct recovery;

struct recovery_config {
	int64_t max_away_ms; /* a client is saved so long */
	int64_t keep_ms;     /* packets are, which is longer: it may take a ping to see that a connection is lost */
	size_t max_bytes;    /* of packets and of what is saved */
	size_t max_sessions; /* that are saved */
	void (*free_data)(void *data);
};

struct recovery *recovery_new(const struct recovery_config *config, struct timers *timers);
void recovery_free(struct recovery *r); /* nothing that was taken is out any more */

/* --- Packets ------------------------------------------------------------------------------------------------------ */

/* Whom a packet is for, by names, whether they are here or not; slices are borrowed. */
struct recovery_packet {
	struct slice nsp;
	const struct slice *rooms; /* n_rooms 0: everybody of the namespace */
	size_t n_rooms;
	const struct slice *skip;
	size_t n_skip;
	struct slice skip_sid; /* one client, by its id and not by a room of that name; empty: none */
};

/* The text of a packet's number. */
struct recovery_offset {
	size_t size;
	char text[RECOVERY_OFFSET_MAX];
};

/* The offset of the packet that is about to be sent; size 0: it concerns nobody who is here or saved, and is not kept. */
struct recovery_offset recovery_begin(const struct hub *hub, const struct recovery_packet *p);
/* That packet, as `f`, which has the offset in it. Right behind recovery_begin(), unless nothing was sent. */
void recovery_log(const struct hub *hub, int64_t now_ms, const struct recovery_packet *p, struct frame *f);
static inline struct slice recovery_text(const struct recovery_offset *offset)
{
	return slice_of(offset->text, offset->size);
}

uint64_t recovery_position(const struct recovery *r); /* the number of the last packet */

size_t recovery_count(const struct recovery *r); /* those who are saved */

/* Whether somebody saved is in this room, or in the namespace when `room` has no text at all (at NULL). */
bool recovery_awaits(const struct recovery *r, struct slice nsp, struct slice room);

/* What others said meanwhile may have been missed. */
void recovery_gap(struct recovery *r, int64_t now_ms);
/* Others cannot be heard for now: nobody is recovered. */
void recovery_deaf(struct recovery *r, int64_t now_ms, bool deaf);

/* Who is told from when on and until when rooms of those who are saved are to be heard of, of namespace and room (at NULL:
 * the namespace itself). Each once, however many are in it. */
struct recovery_ops {
	void (*want)(void *ctx, struct slice nsp, struct slice room);
	void (*drop)(void *ctx, struct slice nsp, struct slice room);
};
void recovery_listen(struct recovery *r, const struct recovery_ops *ops, void *ctx); /* ops NULL: nobody any more */

/* --- Clients ------------------------------------------------------------------------------------------------------ */

/* What is known of a client while it is there. In the client's memory. */
struct recovery_seat {
	struct hub_memory memory; /* first: hub_member.memory */
	uint64_t start;           /* it was let in behind this packet */
	char pid[RECOVERY_PID_SIZE + 1];
	/* The offset it named when it came, which it names again as long as it is sent no other. */
	struct recovery_offset before;
	struct recovery_saved *taken; /* what it was, until it is let in; NULL: nothing */
};

struct recovery_saved {
	struct map_node by_pid;
	struct recovery_saved *older, *newer; /* the list of those that nobody has taken */
	bool is_taken;
	int64_t until_ms;
	uint64_t start, position; /* let in behind, lost behind */
	uint64_t said, left;      /* hub.h's, when it was lost */
	uint64_t joined;          /* too */
	struct recovery_offset before;
	void *data; /* the client's, from when it is told that there is one */
	size_t data_bytes;
	size_t bytes;
	uint64_t from; /* once taken: the packet behind which it goes on */
	char pid[RECOVERY_PID_SIZE + 1];
	unsigned nsp_hash;
	struct slice nsp, who;
	size_t n_rooms;
	struct slice *room;   /* its own id first */
	unsigned *hashes;     /* of these */
	struct slice rooms[]; /* and all the texts, a NUL behind each */
};

/* Keeps a client that is in the hub and about to leave it. `who` it is: text that whoever takes it has to match. */
void recovery_save(struct recovery *r, int64_t now_ms, const struct hub_member *m, struct slice who);
/* The data of a client that was saved, which is the saved one's from here on. False: it is not saved (any more). */
bool recovery_save_data(struct recovery *r, struct slice pid, void *data, size_t bytes);

enum recovery_refusal {
	RECOVERY_OK,
	RECOVERY_UNKNOWN,   /* no such private id, or too long ago, or of somebody else */
	RECOVERY_OFFSET,    /* the offset is none of ours */
	RECOVERY_FORGOTTEN, /* packets behind it are not there any more */
	/* Something was said in a room that it has left, or but to one that it has joined, and it may not have got that. */
	RECOVERY_LEFT,
	RECOVERY_DEAF,     /* others could not be heard meanwhile */
	RECOVERY_TOO_MUCH, /* what it has missed is more than may be queued for a client */
	RECOVERY_BUSY,     /* the application is not done with its end */
	RECOVERY_REFUSALS
};
const char *recovery_refusal_text(enum recovery_refusal why);

/* Who asks to be recovered: `offset` empty when it names none. */
struct recovery_asked {
	struct slice pid, offset, nsp;
	size_t max_bytes; /* of what it has missed */
	struct slice who;
};

/* Takes what is saved, so that nobody else can; it is listened for still. NULL: `why`. Who asks for what is somebody else's
 * takes nothing from them: it stays saved. */
struct recovery_saved *recovery_take(
	struct recovery *r, int64_t now_ms, const struct recovery_asked *asked, enum recovery_refusal *why);
/* Whether all that it has missed since it was taken is there still. */
bool recovery_is_whole(const struct recovery *r, const struct recovery_saved *s);
/* The packets that it has missed, until now, in order. Returns the number of the last one, or of the one behind which it
 * went on. */
uint64_t recovery_missed(
	const struct recovery *r, const struct recovery_saved *s, void (*each)(void *to, struct frame *f), void *to);
void recovery_put_back(struct recovery *r, int64_t now_ms, struct recovery_saved *s); /* it may be freed: too old */
void recovery_drop(struct recovery *r, struct recovery_saved *s);                     /* it is over */
void recovery_refused(enum recovery_refusal why);                                     /* counts */

#endif
