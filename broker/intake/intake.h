/*
 * intake.h - the queueing of a broker: which partitions are its own, which event a worker gets next, what becomes of it.
 * No sockets, no processes and no clock: Redis is streams.h, workers are intake_ops, time is an argument.
 *
 * Partitions are leased. Brokers see each other by keys with a lease (name_broker(), whose value is a broker's record,
 * below; who to look for is in the list name_brokers()); each takes free partitions up to its share and hands over what
 * it has above it: it stops reading, waits for the events under way and for their batches to be acknowledged (that at
 * most handover_ms), gives the lease up. The share is the number of partitions divided by the brokers; what is left of
 * the division goes to those that hold most, so that a broker that comes or goes moves as few as can be. A broker none of whose slots runs for two leases holds nothing.
 * A lease that could not be renewed for lease_ms is over whatever Redis may say: nothing of the partition is begun after
 * it until it was taken again. Who takes a partition claims first what is pending there, oldest first, then reads.
 *
 * While a partition is held it belongs to one worker slot, the one that had fewest, so a client's events, its timers and
 * what the module keeps of it are in one process. A slot is given at most `credits` events (or as many as it has
 * partitions); partitions of a slot without credit are not read, all others are.
 *
 * Life of an event: read or claimed -> given to its slot -> the batch comes back -> published to its gateway ->
 * acknowledged by the gateway, which alone may. What is pending in a partition is looked at twice in confirm_ms: a batch
 * whose entry is not there any more was executed; one that was published confirm_ms ago is published again, the same bytes.
 * Of a client one event at a time is under way: a later number says that the one before was executed or given up, the
 * same or a lower one stays pending until that is over. An entry that is pending and that nobody here knows of (the answer
 * of a read was lost, a broker stood still) is claimed when two looks have seen it. At most max_unconfirmed bytes of
 * batches are held: with three quarters of that nothing is read, and what comes past it is published once, and handled
 * again when that was not enough.
 *
 * An event whose worker died or was killed in it is taken again, until max_attempts; deliveries count these failures and
 * nothing else, so that brokers may come and go. Then, or when its record cannot be read, it is put on the dead letters
 * with the reason, and a batch that says `failed` answers the client. What is older than max_age_ms, by Redis's clock and
 * by its gateway's, is not begun, as its gateway has given it up: it is acknowledged and counted. Disconnects, and what
 * is nobody's in particular, have no age.
 *
 * A gateway is gone when its key name_gateway() is not there for gateway_gone_ms: after a restart of Redis they need time to
 * come back. It executes nothing; when nobody listens on its channel either, the broker acknowledges and publishes the
 * broadcasts of the batch (broadcasts.h), once. Of the clients in name_clients() whose gateway is gone, whoever holds the
 * partition adds a disconnect event each, once, with the reason "transport close" and the number INTAKE_LOST_N, which no
 * gateway takes for that of an event of its own, should it be alive after all.
 *
 * A broker's record is JSON: {"v":1,"id":"..","name":"..","serves":true,"slots":4,"partitions":[0,2],"in_work":3,
 * "unconfirmed":12000,"backlog":17,"oldest":230,"started":1700000000000}: unconfirmed in bytes, oldest (of what is under way) in ms,
 * started since 1970; partitions that it hands over are not named. A dead letter has the fields record, reason, backtrace,
 * attempts, at (ms since 1970), partition and id.
 */
#ifndef STOA_INTAKE_INTAKE_H
#define STOA_INTAKE_INTAKE_H

#include "records.h"
#include "streams.h"
#include "timers.h"

struct intake;

#define INTAKE_LOST_N UINT64_C(9007199254740991) /* JavaScript's largest whole number */

/* An event at a worker. Slices live until intake_done() or intake_failed(). */
struct job {
	uint64_t number; /* of this process */
	unsigned partition, slot;
	int attempt;             /* 1: the first; above: it may have been handled before */
	struct slice id, record; /* of the stream entry */
	/* The client's record (name_clients()), when the event says a state_n but carries no state, and the worker's own
	 * copy may be older; empty: there is none, or the worker should have it (else JOB_NO_STATE). */
	struct slice client;
};

enum job_failure {
	JOB_CRASHED, /* its process died in it */
	JOB_TIMEOUT, /* it was killed for taking too long */
	JOB_MALFORMED,
	JOB_LATE,    /* not begun: the lease of its partition is over */
	JOB_NO_STATE /* no `client` came with it, or not of that version: it is fetched, and the job given again, once */
};
const char *job_failure_name(enum job_failure why); /* "crashed", "timeout", "malformed", "late", "no state" */

/* The workers, below; never from inside of what they call here. */
struct intake_ops {
	/* Takes a job, now or when the slot's process runs again. */
	void (*give)(void *ctx, struct job *job);
	/* The slot runs what one process of the application runs (stoa_every()), or does not any more. */
	void (*lead)(void *ctx, unsigned slot, bool leads);
	/* Jobs of the partition may be begun until then, by the clock of now_ms, and not any more: this process may have stood
	 * still, and not know yet. Whoever is about to begin one looks; past it the job is told as JOB_LATE. May be NULL. */
	void (*lease)(void *ctx, unsigned partition, int64_t until_ms);
};

struct intake_config {
	const char *app;        /* name_*() */
	struct slice broker;    /* its id: new with every start; a consumer of the streams, too */
	struct slice name;      /* what people call it */
	struct slice redis_key; /* of the cluster's channels, for the broadcasts of lost gateways */
	unsigned partitions, slots, credits;
	int max_attempts;
	int64_t lease_ms, confirm_ms, handover_ms, max_age_ms, gateway_check_ms, gateway_gone_ms;
	size_t max_unconfirmed;       /* bytes */
	size_t max_dead;              /* entries of the dead letters: the oldest go */
	size_t max_clients;           /* whose state a slot is remembered to have; as host_config's */
	enum value_encoding encoding; /* of what the broker itself writes into streams */
	struct record_rules rules;
	int64_t (*wall_ms)(void); /* milliseconds since 1970, for ages */
};

/* All that the config points to is borrowed and outlives it. `streams` is opened with intake_events and the intake as their
 * ctx, and closed before intake_free(). */
struct intake *intake_new(
	const struct intake_config *config, struct timers *timers, const struct intake_ops *ops, void *ctx);
void intake_join(struct intake *in, int64_t now_ms, struct streams *streams);
extern const struct streams_events intake_events;
void intake_free(struct intake *in); /* NULL is fine; jobs at workers are gone with it */

/* Hands all partitions over; `done` runs when none is left, or Redis is away; maybe at once. */
void intake_leave(struct intake *in, int64_t now_ms, void (*done)(void *to), void *to);

/* What workers tell. `batch` is a record, empty when the event asked for none (answers). The job is over. */
void intake_done(struct intake *in, int64_t now_ms, struct job *job, struct slice batch);
void intake_failed(struct intake *in, int64_t now_ms, struct job *job, enum job_failure why, struct slice backtrace);
/* A batch without an event: of a timer, of background work. `node` is the gateway of its client; empty: it has none, and any
 * gateway will do, the same one as long as it lives. At most once; of a gateway that is gone, its broadcasts. */
void intake_send(struct intake *in, int64_t now_ms, struct slice node, struct slice batch);
/* The slot has a process that runs; without one (at first) nothing is read for it. */
void intake_slot_is(struct intake *in, int64_t now_ms, unsigned slot, bool runs);

/* For `stoa brokers`, metrics and health. */
struct intake_view {
	unsigned partitions, brokers; /* held, and live with this one */
	size_t in_work, unconfirmed,
		backlog;   /* unconfirmed: bytes; backlog: entries of the partitions held, at the last look */
	int64_t oldest_ms; /* age of the oldest event under way; 0: none */
};
struct intake_view intake_view(const struct intake *in, int64_t now_ms);
bool intake_holds(const struct intake *in, unsigned partition);
/* The same as ops.lease, asked. */
bool intake_may_begin(const struct intake *in, int64_t now_ms, const struct job *job);

#endif
