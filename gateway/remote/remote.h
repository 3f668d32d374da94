/*
 * remote.h - an application that runs elsewhere: the runner (runner.h) that sends it clients' events and has the batches
 * carried out that come back. How they travel is a carrier's (carrier.h). No sockets, and time is an argument.
 *
 * Each client has a queue, in which one event is under way and the others wait: so its events are handled in order, each
 * with the rooms and the session as they are then, and a batch is carried out once, by being that of the event under way.
 * Any other batch is an old one. What a client gets when an event cannot be carried, or is not answered within
 * event_timeout: CONNECT_ERROR for its CONNECT, [{"error": ".."}] as the ack, if it asked for one; all are counted, and
 * logged in samples.
 *
 * `disconnect` has no deadline: it waits until it was answered, as long as the process lives. A CONNECT that was given up
 * while the application may have been at it is remembered for a while: when it was let in after all, a `disconnect`
 * follows.
 *
 * The state of a client (its handshake, rooms, session) has a version; an event carries it when it is another than that of
 * the event before.
 */
#ifndef STOA_REMOTE_REMOTE_H
#define STOA_REMOTE_REMOTE_H

#include "dispatch.h"
#include "records.h"

struct remote;

struct remote_config {
	int64_t event_timeout_ms;
	int64_t broker_timeout_ms; /* nobody there for so long: events are refused at once */
	size_t max_waiting_events; /* of one client, the one under way included */
	size_t max_waiting_memory; /* bytes, of all */
	int64_t ack_timeout_ms;    /* of acks that the application gives later; 0: nobody watches them */
	size_t max_deferred_acks;  /* of one client, so watched */
	int64_t (*wall_ms)(void);  /* since 1970 */
	struct record_rules rules; /* of batches */
};

/* Becomes the runner of d, before its first client; a carrier follows (remote_set_carrier()). Both outlive it, but for
 * remote_free(), which wants neither clients nor the carrier any more. */
struct remote *remote_new(const struct remote_config *config, struct dispatch *d);
void remote_free(struct remote *r);

/* Events that wait or are under way, those of clients that are gone among them: an orderly end waits until it is 0. */
size_t remote_events(const struct remote *r);
/* From here on only what is owed is sent: disconnects. */
void remote_end(struct remote *r, int64_t now_ms);
/* Why events would be refused or wait now; NULL: they would not. For /readyz. */
const char *remote_trouble(const struct remote *r);

#endif
