/*
 * crew_internal.h - what the files of the crew share. The manual is crew.h.
 *
 *	crew.c     slots and their jobs
 *	member.c   a process of a slot: loads, runs, stops, ends
 *	reload.c   ..and is replaced
 *	proc.c     the process itself
 *	message.c  what is said to it and by it
 *	page.c     the memory that is shared with it
 *	worker.c   the other side, and trace.c its last words
 */
#ifndef STOA_CREW_INTERNAL_H
#define STOA_CREW_INTERNAL_H

#include <sys/queue.h>

#include "backoff.h"
#include "crew.h"
#include "proc.h"

enum { LOAD_MS = 30 * 1000, WATCH_MS = 200 };

/* A job in one of the lists of its slot. */
struct task {
	TAILQ_ENTRY(task) link;
	struct job *job;
};
TAILQ_HEAD(tasks, task);

enum member_state {
	MEMBER_LOADING,
	MEMBER_LOADED, /* waits for its predecessor's end */
	MEMBER_RUNNING,
	MEMBER_STOPPING
};

struct member {
	struct slot *slot;
	struct proc *proc;
	enum member_state state;
	struct tasks sent;  /* in the order it was given them */
	int64_t stop_by_ms; /* STOPPING */
	char by[BY_MAX + 1];
	char *error; /* why it could not load; NULL: it has not said */
};

struct slot {
	struct crew *crew;
	unsigned number;
	struct member *now, *next;        /* NULL: none */
	struct tasks waiting;             /* for a process that runs */
	bool leads, is_told, is_draining; /* is_draining: `next` follows as soon as `now` has ended */
	struct backoff backoff;
	struct timer restart;
	int64_t born; /* processes so far */
};

struct crew {
	struct loop *loop;
	struct crew_config config;
	const struct crew_events *events;
	void *ctx;
	char **argv; /* of workers: --worker behind the program's name */
	char *program;
	struct slot *slots;
	struct event *children; /* SIGCHLD */
	struct timer watch, idle;
	int64_t watched_ms, forgiven_ms;  /* what began before the second counts from then on */
	struct buf app;                   /* the record that was told last */
	struct buf coming;                /* of a reload: told when all run it; empty: there is none under way */
	int64_t until_ms[PARTITIONS_MAX]; /* of leases */
	bool has_loaded;
	bool is_loading; /* successors, of a reload */
	bool reload_again;
	bool is_stopping;
};

/* member.c */
struct member *member_start(struct slot *s); /* NULL: it could not be, which was logged */
void member_begin(struct member *m);         /* runs "start", is given events */
void member_give(struct member *m, struct task *t);
void member_stop(struct member *m, int64_t timeout_ms);
void member_watch(struct member *m, int64_t now_ms);
void member_free(struct member *m); /* kills it; its tasks wait again */

/* crew.c */
void slot_push(struct slot *s);
void slot_start(struct slot *s); /* a process for it */
void slot_loaded(struct slot *s, struct member *m, struct slice app);
void slot_ended(struct slot *s, struct member *m, const char *why, bool was_expected); /* m is freed afterwards */
void slot_runs(struct slot *s, bool runs);
void crew_tell_app(struct crew *c, struct slice app);

/* reload.c */
void reload_look(struct crew *c, struct slice app); /* a successor has loaded */
void reload_fails(struct crew *c, const char *why);
void slot_promote(struct slot *s); /* `next` follows */
void reload_ends(struct crew *c);  /* a slot's `next` is gone or `now`: perhaps it is over, and time for another */

#endif
