/*
 * host_internal.h - what the files of host share.
 *
 *	host.c      life, and events into the application
 *	batches.c   effects out, as records
 *	kept.c      the state of clients
 *	describe.c  the application's record
 */
#ifndef STOA_HOST_INTERNAL_H
#define STOA_HOST_INTERNAL_H

#include "host.h"

#include <sys/queue.h>

#include "map.h"

/* The state of one client, in one piece of memory. */
struct kept {
	struct map_node by_sid;
	TAILQ_ENTRY(kept) by_use; /* latest first */
	uint64_t state_n;
	size_t bytes;
	struct client_state state;
};

TAILQ_HEAD(kept_list, kept);

struct kept_clients {
	struct map by_sid;
	struct kept_list by_use;
	size_t count, bytes, max_count, max_bytes;
};

void kept_init(struct kept_clients *k, size_t max_count, size_t max_bytes);
void kept_fini(struct kept_clients *k);
/* NULL: it is not there. It is the latest used now. */
const struct kept *kept_find(struct kept_clients *k, struct slice sid);
/* Copies it, in place of an older one; NULL: no memory, and the older one is gone. */
const struct kept *kept_put(
	struct kept_clients *k, struct slice sid, uint64_t state_n, const struct client_state *state);
void kept_drop(struct kept_clients *k, struct slice sid); /* fine when it is not there */

struct host {
	struct host_config config;
	struct timers *timers;
	const struct host_ops *ops;
	void *ctx;
	struct app *app;
	struct app_port port;
	struct timer tick; /* app_due_ms() */
	struct kept_clients kept;
	int64_t now_ms;
	struct arena arena; /* of one event */
	struct buf out;     /* one batch */
	unsigned partition; /* of the last event: where answers to what no event began find this process */
	/* The event in hand. */
	const struct event_record *event;
	struct slice id;
	bool owes; /* its batch is not out */
	/* DISCONNECT has two sets of handlers: what they leave, copied. */
	struct effect *effects, **effects_end;
	bool refused; /* its client was not let in */
};

/* What app_event_in.from says: "<partition> <node>". */
void from_write(char *to, size_t size, unsigned partition, struct slice node);
struct slice from_node(const char *from); /* empty when from is NULL */

void batches_execute(void *ctx, const struct effect *first); /* app_port.execute */
void batches_settle(struct host *h);                         /* the event's batch goes, if it has not yet */

/* Copies a batch into h->arena behind h->effects; false: no memory. */
bool batches_keep(struct host *h, const struct effect *first);

#endif
