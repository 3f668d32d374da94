/*
 * host.h - an application behind a broker: event records in, batch records out. The other side of app.h than the
 * gateway's dispatch; no sockets, no processes, no clock.
 *
 * One event leaves one batch, whatever its handlers did. What runs because of it but is not it, a timer that was
 * cancelled or a call that ended, leaves batches of its own behind it, as timers, periodic tasks and background work do
 * at any time. Such a batch goes to the gateway of the client that began it. An ack that was kept and is given in an event
 * of a client of another gateway leaves by itself, to the gateway of whoever waits for it.
 *
 * The host keeps the state of clients (client_state) that it has served, so that events need not carry it every time:
 * host_knows() says whether it has the version that an event wants. It ends with the client's disconnect, or when there
 * are too many, the longest unused first.
 */
#ifndef STOA_HOST_HOST_H
#define STOA_HOST_HOST_H

#include "app.h"
#include "records.h"
#include "timers.h"

struct host;

/* None of them may call the host. */
struct host_ops {
	/* What an event left, or what came later (host_event() is not running, or it is another client's). `event`: it is the
	 * answer to the event in hand. `node`: the gateway of its client; empty: it has none. The record lives until this
	 * returns. */
	void (*batch)(void *ctx, bool event, struct slice node, struct slice record);
	/* Code of the application runs, or does not any more. May be NULL. */
	void (*running)(void *ctx, bool runs);
};

struct host_config {
	const char *by;               /* this process: the `by` of its batches, new with every start */
	struct record_rules rules;    /* of what is read */
	size_t max_batch;             /* bytes; 0: as much as is read */
	enum value_encoding encoding; /* of the application, and so of batches; what events say comes in it */
	size_t max_clients;           /* whose state is kept */
	size_t max_client_bytes;      /* of all that is kept; 0: no limit */
};

/* What is in `config` is borrowed and outlives it. */
struct host *host_new(const struct host_config *config, struct timers *timers, const struct host_ops *ops, void *ctx);
const struct app_port *host_port(struct host *h); /* for app_load() */
void host_start(
	struct host *h, struct app *app, int64_t now_ms); /* runs "start"; periodic tasks wait for host_lead() */
void host_stop(struct host *h, int64_t now_ms);           /* runs "stop"; what that leaves still goes out */
void host_free(struct host *h);                           /* the app is the caller's, and freed before; NULL is fine */
void host_lead(struct host *h, int64_t now_ms, bool leads); /* stoa_every() */
void host_tick(struct host *h, int64_t now_ms);             /* app_threads.wake() was called */

/* The event's state is not here: neither kept nor in `client`. */
extern const char host_no_state[];

/* Runs one event; ops.batch() is called with event = true once, before it returns, but for RECORD_ANSWER. NULL, or why it
 * cannot be run: a static text (host_no_state, or the record is malformed), and nothing was run. `client`: struct job's.
 * An answer to another process is counted and dropped. */
const char *host_event(struct host *h, int64_t now_ms, struct slice record, struct slice client, struct slice id,
	unsigned partition, int attempt);
bool host_knows(const struct host *h, struct slice sid, uint64_t state_n);

/* Appends the app_record of an application: 0 or -errno, as app_record_put(). */
int host_describe(struct buf *to, const struct app *app, unsigned partitions);

#endif
