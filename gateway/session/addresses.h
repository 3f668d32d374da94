/*
 * addresses.h - what one address may have of a process: sessions, new sessions a second, events a second, answers to
 * requests for sessions that are none. Also how many new sessions a second the process takes at all.
 *
 * An address is a client's as the edge found it (trusted_proxies); of IPv6 its first 64 bits, which are what one
 * subscriber has. Those of this machine (127.0.0.0/8, ::1) are under no limit of an address: who connects from there is
 * a proxy or a test.
 *
 * What is passed is counted and logged, at most once a second for each limit. Nothing is refused unless enforce_rates
 * says so, so that limits can be watched before they bite.
 *
 * An address is known while it has sessions, and for a while after: ADDRESSES_IDLE_MAX without sessions, the one that
 * was seen last longest ago goes first. So memory is bounded by the sessions.
 */
#ifndef STOA_SESSION_ADDRESSES_H
#define STOA_SESSION_ADDRESSES_H

#include <sys/queue.h>

#include "gateway_options.h"
#include "map.h"
#include "netaddr.h"
#include "rate.h"
#include "sample.h"

enum { ADDRESSES_IDLE_MAX = 16384 };

struct address {
	struct map_node node;
	TAILQ_ENTRY(address) idle; /* while it has no sessions */
	int64_t sessions;
	struct rate opens, strangers, events;
	struct net_address key;
};

enum address_limit {
	ADDRESS_SESSIONS,  /* max_sessions_per_address */
	ADDRESS_OPENS,     /* max_new_sessions_per_address */
	ADDRESS_STRANGERS, /* max_unknown_sids_per_address */
	ADDRESS_EVENTS,    /* max_event_rate_per_address */
	ALL_OPENS,         /* max_new_sessions: of the process */
	CLIENT_EVENTS,     /* max_event_rate: of one session */
	ADDRESS_LIMITS,
	ADDRESS_FINE = ADDRESS_LIMITS
};

/* How much; 0: no limit. Of what is counted by the second twice as much may come at once. */
struct address_config {
	int64_t max[ADDRESS_LIMITS];
	bool enforce;
};

struct addresses {
	struct address_config config;
	struct map map; /* struct address, by its key */
	TAILQ_HEAD(address_idle, address) idle;
	size_t idle_count;
	struct rate opens;
	struct sample passed[ADDRESS_LIMITS];
};

struct address_config addresses_config(const struct gateway_options *o);
void addresses_init(struct addresses *a, const struct address_config *config);
void addresses_fini(struct addresses *a); /* no session is left */

/* Whether one more session may be opened; the limit that is passed, else ADDRESS_FINE. */
enum address_limit addresses_admit(struct addresses *a, struct slice address, int64_t now_ms);
/* False: the request is not worth an answer. */
bool addresses_answer_stranger(struct addresses *a, struct slice address, int64_t now_ms);

/* A session begins and ends. NULL: the address is this machine's, or none, or there was no memory. */
struct address *addresses_enter(struct addresses *a, struct slice address);
void addresses_leave(struct addresses *a, struct address *at); /* NULL is fine */

/* An event of a session that has this bucket and is of this address. False: the session is to end. */
bool addresses_take_event(struct addresses *a, struct address *at, struct rate *session, int64_t now_ms);

#endif
