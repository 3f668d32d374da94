/*
 * proc.h - one worker process, from the broker's side: started, spoken to, ended. What it says comes as messages; when it has
 * ended, after the last of them, proc_events.ended() says how.
 *
 * Nothing waits. What a worker says is read a piece in each turn, so that one that says much does not hold up the loop; one
 * that says nonsense, or closes its end, is killed.
 */
#ifndef STOA_CREW_PROC_H
#define STOA_CREW_PROC_H

#include "loop.h"
#include "message.h"
#include "page.h"

struct event;
struct proc;

enum proc_cause {
	PROC_ENDED,    /* by itself */
	PROC_TIMEOUT,  /* proc_kill_slowly() */
	PROC_NONSENSE, /* what it said made none, or it closed its end */
	PROC_KILLED    /* proc_kill() */
};

struct proc_events {
	/* False: it makes no sense here. */
	bool (*said)(void *to, struct proc *p, const struct message *m);
	/* It is over; the proc is freed when this returns. */
	void (*ended)(void *to, struct proc *p);
};

struct proc {
	struct loop *loop;
	const struct proc_events *events;
	void *to;
	pid_t pid;
	int fd; /* -1: closed */
	struct event *readable, *writable;
	struct buf in, out;
	size_t sent, max_message;
	struct page *page;
	int64_t merged[METRIC_COUNT]; /* of its numbers, what is in ours already */
	int64_t born_ms;
	enum proc_cause cause;
	bool is_over, may_close; /* may_close: it was told to end, and takes the time it needs */
	int how;                 /* of waitpid() */
	struct timer kill;
};

struct proc_config {
	const char *program; /* a path */
	char *const *argv;
	unsigned slot;
	const char *by;
	size_t max_message;
};

/* NULL: errno. Children are reaped by whoever hears SIGCHLD, with proc_reaped(). */
struct proc *proc_start(
	struct loop *loop, const struct proc_config *config, const struct proc_events *events, void *to);
/* The process p->pid has ended so: reads what it still said, tells, frees. */
void proc_reaped(struct proc *p, int how);
void proc_free(struct proc *p); /* kills it and waits for it; nothing is told */

void proc_say(struct proc *p, const struct message *m);
void proc_kill(struct proc *p, enum proc_cause cause); /* it is over soon, and told so */
/* The same, but it may write down first where it is, for which it has a moment. */
void proc_kill_slowly(struct proc *p);

/* How it ended, in words: "it ended with code 3", "it was ended by SIGSEGV". */
void proc_describe(const struct proc *p, char *to, size_t size);
/* Appends where it was when it ended, `module` in place of the name that its copy had there. Nothing: it wrote none. */
void proc_trace(const struct proc *p, const char *module, struct buf *to);
void proc_merge(struct proc *p, bool is_over); /* its metrics into ours */

#endif
