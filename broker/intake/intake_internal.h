/*
 * intake_internal.h - what the files of the intake share. The manual is intake.h.
 *
 *	intake.c       it begins and ends; Redis comes, goes and tells; the turn's work
 *	brokers.c      who else is there, and what our share is
 *	leases.c       the keys that say whose a partition is
 *	partitions.c   what is ours: taken, handed over, lost
 *	reading.c      what is claimed and read, by the credit of the slots
 *	jobs.c         an event: begun, at its worker, taken again
 *	entries.c      the table of them
 *	known.c        what is remembered of clients: which state a slot has, who was told gone
 *	confirm.c      batches: published, until they are acknowledged
 *	look.c         what is pending
 *	gateways.c     which gateways live; what a lost one leaves
 *	dead.c         events that are given up
 *	broadcasts.c   what is still published of a batch that nobody executes
 *
 * Redis answers whatever was asked, once, in order, and all of it before down(). An entry with questions open (`asked`) is
 * taken out of the tables when it is over and freed with the last answer.
 */
#ifndef STOA_INTAKE_INTERNAL_H
#define STOA_INTAKE_INTERNAL_H

#include <sys/queue.h>

#include "broadcasts.h"
#include "intake.h"
#include "map.h"
#include "metrics.h"
#include "sample.h"

enum { ID_MAX = 44, GATEWAY_ID_MAX = 32, PEERS_MAX = 1024, GATEWAYS_MAX = 1024 };
enum { CLAIM_MAX = 64, READ_MAX = 256, LOOK_PAGE = 500 };
enum { BLOCK_MS = 200, BLOCK_BUSY_MS = 5, READ_RETRY_MS = 1000 };

struct id {
	char text[ID_MAX];
	uint8_t size;
};

enum part_state {
	PART_FREE,
	PART_ASKED,     /* the lease was asked for */
	PART_SUSPENDED, /* it ran out by our clock, and nobody else is known to have it */
	PART_CLAIMING,  /* ours: what is pending is claimed */
	PART_READING,   /* ours */
	PART_LEAVING,   /* ours: handed over when what is under way is over */
	PART_RELEASING  /* not ours any more; Redis was told */
};

enum entry_phase {
	ENTRY_FETCHING, /* the client's state is asked for */
	ENTRY_GIVEN,    /* at its worker */
	ENTRY_TAKING,   /* it failed and is taken again */
	ENTRY_BURYING,  /* it goes to the dead letters */
	ENTRY_READY,    /* its batch waits to be published */
	ENTRY_PUBLISHED,
	ENTRY_ORPHAN, /* nobody executes its batch: being acknowledged, then what is left of it published */
	ENTRY_ACKING  /* it left no batch: being acknowledged */
};

/* In the tables of its partition from when it is begun until it is over; one whose partition was lost while it was at its
 * worker stays until that has answered. */
struct entry {
	struct job job; /* first; its slices are this entry's */
	TAILQ_ENTRY(entry) in_part;
	struct map_node by_id;     /* in part->by_id */
	struct map_node by_client; /* in in->clients, while has_client */
	struct intake *in;
	struct part *part;
	enum entry_phase phase;
	bool entered, is_listed, has_client, is_over;
	bool claimed;     /* somebody else, or we before, may have begun it */
	bool fetched;     /* the client's state was asked for */
	bool unwanted;    /* its entry is not pending any more: its batch is published once */
	bool ack_unknown; /* an acknowledgement of ours may have been done */
	unsigned asked;   /* answers to come */
	uint64_t deliveries;
	unsigned born_look, seen_look;
	int64_t published_ms;
	/* Of the record; a malformed one has none. */
	bool is_read;
	enum record_kind kind;
	uint64_t n, state_n;
	int64_t at_ms;
	bool has_state;
	struct slice node, nsp, sid;
	char *memory;    /* theirs */
	const char *why; /* BURYING */
	struct buf backtrace;
	struct slice state; /* the client's; malloced */
	struct slice batch; /* malloced, counted in in->unconfirmed */
};
TAILQ_HEAD(entry_list, entry);

/* All entries of a partition; the one just seen may be over. */
#define entries_foreach(p, e, next) \
	for ((e) = TAILQ_FIRST(&(p)->entries); (e) && ((next) = TAILQ_NEXT((e), in_part), 1); (e) = (next))

struct part {
	struct intake *in;
	unsigned number, slot;
	enum part_state state;
	struct slice events, clients, lease; /* names */
	struct map by_id;
	struct entry_list entries;
	/* The lease. */
	bool lease_asked;
	int64_t asked_ms, until_ms; /* until_ms: by our clock */
	struct timer expiry;
	int64_t leave_by_ms; /* LEAVING: 0 while events are at workers */
	/* Claims. */
	bool claim_asked, claim_anew, in_read;
	unsigned claim_credit, claim_slot; /* of the one under way */
	struct id after;
	/* Looks. */
	bool looking;
	unsigned look;
	struct id look_after, stray, old_stray;
	/* The rest. */
	bool length_asked;
	bool scan_wanted, scan_later; /* now; with the next check: not all could be told of */
	size_t backlog;
};

/* known.c: a number for each sid. */
struct known_table {
	struct map by_sid;
	TAILQ_HEAD(known_list, known) by_age;
	size_t count;
};

struct slot {
	bool runs;
	unsigned n_parts, in_work, turn;
	unsigned claiming, reading; /* credit of what is asked for */
	struct known_table known;   /* which version of a client's state its process has */
};

/* Another broker. */
struct peer {
	char id[BY_MAX + 1];
	size_t held;
	bool serves;
};

/* A batch without an event that was published. */
struct sent {
	LIST_ENTRY(sent) all;
	struct intake *in;
	bool anywhere, again;
	char node[GATEWAY_ID_MAX + 1];
	size_t size;
	char batch[];
};

struct gateway {
	struct map_node by_id;
	struct intake *in;
	char id[GATEWAY_ID_MAX + 1];
	bool asked, lives, told; /* told: that it is gone */
	int64_t absent_ms;       /* since when its key is not there; 0: it is, or nobody knows */
};

struct intake {
	struct intake_config config;
	struct timers *timers;
	const struct intake_ops *ops;
	void *ctx;
	struct streams *streams;
	bool up, leaving;
	void (*left)(void *to); /* NULL: told, or nobody asked */
	void *left_to;
	int64_t started_ms; /* since 1970 */
	struct timer beat, work, looks, gateways_due, more;
	unsigned n_beats;
	struct part *parts;
	struct slot *slots;
	struct slice *reads; /* of the read under way */
	struct arena arena;  /* of the record in hand */
	struct buf name, text, record;
	char *names;

	/* brokers.c */
	bool brokers_asked;
	int64_t silent_since_ms; /* no slot runs since then; 0: one does */
	struct buf said;         /* the last record of ours */
	struct buf list_name, key_prefix;
	struct peer *peers;
	size_t n_peers;
	unsigned brokers, rank, target;
	/* partitions.c */
	unsigned try_at, tried;
	bool leads;
	unsigned lead_slot;
	/* reading.c, look.c */
	unsigned n_looks;
	struct share *shares; /* of the slots in one read */
	bool is_reading;
	int64_t read_after_ms;
	/* jobs.c, entries.c */
	uint64_t next_job;
	struct map clients;         /* sid -> entry */
	struct entry_list finished; /* over, with answers to come */
	size_t unconfirmed, in_work;
	int64_t clock_ahead_ms; /* of Redis's clock before now_ms, as far as known */
	bool clock_known;
	struct known_table begun; /* the highest number of each client */
	struct known_table ended; /* clients of lost gateways whose disconnect was handled */
	struct sample malformed_log, failed_log;
	/* gateways.c */
	struct map gateways;
	LIST_HEAD(, sent) sent;
	bool scan_asked;
	struct part *scan; /* whose clients are looked through */
	uint64_t scan_cursor;
	int64_t scan_ms;
	unsigned n_checks;
};

static inline const struct streams_ops *ops_of(const struct intake *in)
{
	return in->streams->ops;
}
static inline struct slice id_slice(const struct id *id)
{
	return slice_of(id->text, id->size);
}
void id_set(struct id *id, struct slice text);

/* intake.c */
void intake_soon(struct intake *in, int64_t now_ms); /* its work, with the next timers */

/* brokers.c */
void brokers_init(struct intake *in);
void brokers_beat(struct intake *in, int64_t now_ms);
void brokers_goodbye(struct intake *in);
void brokers_slots_changed(struct intake *in, int64_t now_ms);

/* partitions.c */
void parts_init(struct intake *in);
void parts_fini(struct intake *in);
void parts_balance(struct intake *in, int64_t now_ms); /* in->target has been worked out */
void parts_up(struct intake *in, int64_t now_ms, bool fresh);
void parts_leave(struct intake *in, int64_t now_ms); /* all of them */
void parts_work(struct intake *in, int64_t now_ms);  /* gives up what is handed over and done with, resumes */
struct part *part_of_stream(struct intake *in, struct slice stream);
bool part_is_ours(const struct part *p); /* CLAIMING, READING or LEAVING */
bool part_is_held(const struct part *p); /* or SUSPENDED */
bool part_may_begin(const struct part *p, int64_t now_ms);
unsigned parts_held(const struct intake *in); /* what is handed over is not counted */
unsigned parts_asked(const struct intake *in);
void part_tell_lease(struct part *p);
void part_enter(struct part *p, enum part_state state);
void part_acquire(struct part *p, int64_t now_ms);
void part_suspend(struct part *p);
void part_lost(struct part *p, int64_t now_ms);

/* leases.c */
void leases_keep(struct intake *in, int64_t now_ms);
void leases_try(struct intake *in, int64_t now_ms); /* free ones, as long as we have less than our share */
void lease_give_up(struct part *p);

/* reading.c */
void reading_work(struct intake *in, int64_t now_ms);
void reading_claim(struct part *p); /* what is pending, from the first; then it is read */
void reading_end(struct intake *in, int64_t now_ms, int result);
void reading_init(struct intake *in);
void reading_fini(struct intake *in);

/* entries.c */
struct entry *entry_new(struct part *p, const struct streams_entry *from); /* listed; NULL: no memory */
struct entry *entry_find(const struct part *p, struct slice id);
struct entry *entry_of_client(const struct intake *in, struct slice sid);
void entry_set_client(struct entry *e);                         /* it is its client's event under way */
bool entry_note(struct entry *e, const struct event_record *r); /* these three: false: no memory */
bool entry_set_state(struct entry *e, struct slice client);
bool entry_set_batch(struct entry *e, struct slice batch);
void entry_drop_batch(struct entry *e);
void entry_drop_job(struct entry *e); /* its record, when only the batch counts from now on */
void entry_enter(struct entry *e, enum entry_phase phase);
bool entry_in_work(const struct entry *e); /* it takes of its slot's credit */
void entry_set_slot(struct entry *e, unsigned slot);
void entry_over(struct entry *e);     /* unlisted, and freed with its last answer */
bool entry_answered(struct entry *e); /* with each answer, first; false: it is over, and may be freed */
void entries_fini(struct intake *in, struct part *parts);

/* jobs.c */
void jobs_begin(struct intake *in, int64_t now_ms, struct part *p, const struct streams_entry *e, bool claimed);
void jobs_again(struct entry *e, int64_t now_ms); /* Redis is back */
void jobs_ack(struct entry *e);                   /* without a batch */

/* known.c */
void known_init(struct known_table *t);
bool known_has(const struct known_table *t, struct slice sid, uint64_t number);
uint64_t known_get(const struct known_table *t, struct slice sid); /* 0: nothing is known */
void known_note(struct known_table *t, size_t max, struct slice sid, uint64_t number);
void known_drop(struct known_table *t, struct slice sid);
void known_clear(struct known_table *t);

/* confirm.c */
void confirm_begin(struct entry *e, int64_t now_ms, struct slice batch);
void confirm_publish(struct entry *e, int64_t now_ms);
void confirm_orphan(struct entry *e, int64_t now_ms);
void confirm_lost(struct entry *e);                 /* its partition is another broker's */
void confirm_seen(struct entry *e, int64_t now_ms); /* it is still pending */
void confirm_unseen(struct entry *e);

/* look.c */
void looks_on_timer(struct timer *t, int64_t now_ms);
void looks_soon(struct intake *in, int64_t now_ms); /* somebody waits */

/* gateways.c */
void gateways_note(struct intake *in, struct slice node);                 /* there is one */
bool gateways_gone(struct intake *in, int64_t now_ms, struct slice node); /* asks anew */
bool gateways_absent(struct intake *in, struct slice node);               /* its key is not there, as far as known */
void gateways_on_timer(struct timer *t, int64_t now_ms);
void gateways_forgive(struct intake *in);                     /* Redis was away */
void gateways_publish(struct intake *in, struct slice batch); /* the broadcasts of one that nobody executes */
void gateways_fini(struct intake *in);

/* dead.c */
void dead_bury(struct entry *e, int64_t now_ms, const char *why, struct slice backtrace);
void dead_again(struct entry *e, int64_t now_ms);

#endif
