/*
 * hub.h - who is where: namespaces, rooms and clients' ids of this process, and the fan-out to them.
 *
 * A room is a dense array of seats, each the member and its output record, so that a broadcast reads memory in order
 * and touches one record per client. A member remembers its seats, so that leaving is O(1). A client's own id is a
 * room too (Socket.IO's), but costs nothing until somebody else joins it: names are looked up among rooms and ids.
 * Everybody of a namespace is a room as well, without a name, of which a member knows its seat and nothing else.
 *
 * The hub owns namespaces and rooms and frees them with their last member. Members are embedded in their clients and
 * only linked here. While a broadcast runs the arrays do not change: the only calls up are hub_ops, of comings and
 * goings.
 */
#ifndef STOA_HUB_HUB_H
#define STOA_HUB_HUB_H

#include "map.h"
#include "out.h"
#include "table.h"

struct hub_member;

enum { HUB_EVERYBODY = -1 }; /* the `place` of a seat among everybody */

struct hub_seat {
	struct out *out;
	struct hub_member *member;
	int32_t place; /* of this room among the member's: member->places[place], or HUB_EVERYBODY: member->seat */
};

struct hub_room {
	struct table_node node;
	struct hub_seat *seats;
	uint32_t count, cap;
	uint64_t said; /* hub_note_said(); 0: nothing */
	char name[];   /* node's key */
};

/* What is to be known of a member beyond its rooms, when somebody asks for it: the numbers of packets. */
struct hub_memory {
	uint64_t said;   /* the last one to its own id */
	uint64_t left;   /* the last one to any room that it has left, or but to those in it */
	uint64_t joined; /* the last one to anybody of the namespace before it joined a room */
};

struct hub_namespace {
	struct map_node node;
	struct hub *hub;
	struct table rooms;         /* struct hub_room, by name */
	struct table sids;          /* struct hub_member, by id */
	struct hub_room *everybody; /* not in `rooms` */
	uint64_t next_ack_id;       /* acks asked of clients count from 0 per namespace */
	uint64_t said;              /* hub_note_said() of anything */
	char name[];                /* node.key, with a NUL */
};

/* Where a member sits: room->seats[seat]. */
struct hub_place {
	struct hub_room *room;
	uint32_t seat;
};

struct hub_member {
	struct table_node by_sid;  /* key: the id, in the client's memory */
	struct hub_namespace *nsp; /* NULL: not in the hub */
	struct out *out;
	struct hub_memory *memory; /* the layer above's; NULL: nobody asks */
	struct hub_place *places;  /* the rooms it is in */
	uint32_t n_places, cap;
	uint32_t seat; /* nsp->everybody->seats[seat] */
	uint32_t mark; /* of the last selection that saw it */
};

/* Hears what this process has members of, and no longer has. A client's own id is told as a room only when somebody
 * else joins it. Called with the namespace or room still, or already, in place; must not change the hub. */
struct hub_ops {
	void (*namespace_begins)(void *ctx, const struct hub_namespace *n);
	void (*namespace_ends)(void *ctx, const struct hub_namespace *n);
	void (*room_begins)(void *ctx, const struct hub_namespace *n, struct slice room);
	void (*room_ends)(void *ctx, const struct hub_namespace *n, struct slice room);
};

struct recovery;

struct hub {
	struct map namespaces;
	struct recovery *recovery; /* recovery.h, for those who send; NULL: there is none */
	uint32_t mark;
	uint32_t max_rooms;        /* per member, its own not counted */
	const struct hub_ops *ops; /* NULL: nobody listens */
	void *ctx;                 /* of ops */
};

void hub_init(struct hub *h, uint32_t max_rooms);
void hub_fini(struct hub *h);                                         /* all members have left */
void hub_listen(struct hub *h, const struct hub_ops *ops, void *ctx); /* while nobody is in it */

struct hub_namespace *hub_namespace(const struct hub *h, struct slice name); /* NULL: nobody is in it */
bool hub_has_room(const struct hub_namespace *n, struct slice room);         /* members, or a client of that id */
struct hub_member *hub_find(const struct hub_namespace *n, struct slice sid);

/* Enters a namespace (made on first entry). m is zeroed, m->out is set and m->by_sid = table_node(id). 0, or -ENOMEM. */
int hub_enter(struct hub *h, struct hub_member *m, struct slice nsp);
void hub_exit(struct hub *h, struct hub_member *m); /* leaves all; fine when not in the hub */

/* 0 (also when in already); -ENOMEM; -ENOSPC: max_rooms. */
int hub_join(struct hub *h, struct hub_member *m, struct slice room);
void hub_leave(struct hub *h, struct hub_member *m, struct slice room); /* not in: nothing; the own id cannot be left */

/* Whom a message or a call concerns: everybody of a namespace, or the members of some rooms, each once, less `skip`. */
struct hub_target {
	struct hub_namespace *nsp; /* NULL selects nobody */
	const struct slice *rooms; /* n_rooms 0: everybody */
	size_t n_rooms;
	const struct slice *skip; /* rooms and ids left out */
	size_t n_skip;
	const struct hub_member *skip_member;
	bool is_volatile; /* not for a member with output waiting */
	bool latest;      /* instead of what waits under the frame's tag */
};

/* Notes with rooms, and members named by their ids, that packet number `said` goes to them, or to others but those
 * rooms; numbers grow. */
void hub_note_said(const struct hub_target *t, uint64_t said);
/* The highest number noted with the rooms that it is in, and with itself. */
uint64_t hub_said_to(const struct hub_member *m);

bool hub_deliver(const struct hub_target *t, struct hub_member *m, struct frame *f); /* to one, under t's flags */
size_t hub_broadcast(struct hub *h, const struct hub_target *t, struct frame *f);    /* how many got it */

/* Calls each(to, member) for every member selected. `each` must not change the hub: collect, then act. */
void hub_select(struct hub *h, const struct hub_target *t, void (*each)(void *to, struct hub_member *m), void *to);

#endif
