/*
 * intake_fixture.h - brokers' intakes, gateways that are a few lines, and workers that do what the test says, on a made-up Redis and
 * a clock that the test moves.
 */
#ifndef STOA_TESTS_INTAKE_FIXTURE_H
#define STOA_TESTS_INTAKE_FIXTURE_H

#include "arena.h"
#include "intake.h"
#include "streams_sim.h"

enum {
	BROKERS = 6,
	GATES = 4,
	JOBS = 400,
	HEARD = 400,
	UNACKED = 200,
	PARTITIONS = 16,
	LEASE_MS = 3000,
	CONFIRM_MS = 1000
};

struct fx;

/* A broker, and its workers' jobs in the order given. */
struct broker {
	struct fx *fx;
	struct intake *in; /* NULL: it is dead */
	struct streams *streams;
	struct timers timers;
	char id[16];
	struct job *jobs[JOBS]; /* not over; in order */
	size_t n_jobs, given;
	bool leads[8], left;
	int64_t until_ms[PARTITIONS]; /* of leases, as it was told */
	int64_t paused_until_ms;
};

/* What a gateway heard. */
struct heard {
	char id[44], sid[32];
	uint64_t n;
	bool failed;
	char bytes[600];
	size_t size;
};

struct unacked {
	bool used, again; /* again: when it is up */
	unsigned partition;
	char id[44];
};

struct gate {
	struct fx *fx;
	struct unacked unacked[UNACKED];
	struct streams *streams; /* NULL: it is dead */
	char node[8];
	bool acks; /* what it hears, at once */
	struct heard heard[HEARD];
	size_t n_heard;
};

struct fx {
	int64_t now_ms;
	struct streams_sim *sim;
	struct intake_config config;
	struct broker brokers[BROKERS];
	struct gate gates[GATES], adder; /* adder: what the test itself appends comes from */
	struct arena arena;
	struct buf record, name;
	size_t broadcasts; /* on the channels of the cluster */
	char last_broadcast[600];
	void (*on_give)(struct broker *b, struct job *job);
	void (*on_publish)(struct slice channel); /* at the server */
	void (*on_heard)(struct gate *g, const struct heard *h);
	void *ctx;
};

void fx_init(struct fx *fx, uint64_t seed);
void fx_fini(struct fx *fx);
void fx_run(struct fx *fx, int64_t ms);

struct broker *fx_broker(struct fx *fx, int i); /* starts it: all slots run */
void fx_kill(struct broker *b);                 /* at once, without a word */
void fx_pause(struct broker *b, int64_t ms);    /* it stands still */
void fx_leave(struct broker *b);
unsigned fx_held(const struct broker *b);
struct job *fx_job(struct broker *b, size_t i); /* not over, the i-th */
/* They answer with a batch that emits to a room, or with none. */
void fx_done(struct broker *b, struct job *job);
void fx_done_without(struct broker *b, struct job *job);
void fx_fail(struct broker *b, struct job *job, enum job_failure why);

struct gate *fx_gate(struct fx *fx, int i, const char *node); /* it acknowledges all */
void fx_ack(struct gate *g, unsigned partition, struct slice id);
void fx_gate_forgets_key(struct gate *g);
void fx_gate_dies(struct gate *g, bool key_too);

/* Appends; the record is in fx->record. */
struct event_record fx_record(const char *node, const char *sid, uint64_t n);
void fx_add(struct fx *fx, unsigned partition, const struct event_record *r);
void fx_event(struct fx *fx, unsigned partition, const char *node, const char *sid, uint64_t n);
void fx_add_bytes(struct fx *fx, unsigned partition, struct slice bytes);
struct event_record fx_read(struct fx *fx, struct slice record);
void fx_put_client(struct fx *fx, unsigned partition, const char *node, const char *sid, uint64_t state_n);

void fx_forget(struct fx *fx); /* Redis does, and nobody is told: FLUSHALL */

size_t fx_pending(struct fx *fx, unsigned partition);
size_t fx_length(struct fx *fx, unsigned partition);
size_t fx_dead(struct fx *fx);
bool fx_dead_is(struct fx *fx, size_t i, const char *name, const char *value);

#endif
