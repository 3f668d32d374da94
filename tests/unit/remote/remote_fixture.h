/*
 * remote_fixture.h - gateway/remote on a gateway without sockets (sim.h), with a carrier that notes what it is given. Clients
 * are WebSockets of the default parser. Time is in the test's hands.
 */
#ifndef STOA_TESTS_REMOTE_FIXTURE_H
#define STOA_TESTS_REMOTE_FIXTURE_H

#include <check.h>

#include "carrier.h"
#include "remote.h"
#include "sim.h"

enum { FIXTURE_SENT_MAX = 300 };

struct fixture {
	struct sim sim;
	struct remote *remote;
	struct app_record app;
	bool app_known, keeps_states; /* keeps_states: put_state() is one of its functions */
	int send_answers;             /* 0, or -errno for the next ones */
	struct buf sent[FIXTURE_SENT_MAX];
	uint64_t numbers[FIXTURE_SENT_MAX];
	size_t n_sent, taken; /* taken: that fixture_event() has shown */
	struct arena arena;   /* of what was shown */
	bool holds;           /* what was executed is not released at once */
	size_t forgotten, executed, executed_anew, dropped, checked, looked;
	struct buf put; /* the last state */
	size_t n_put;
};

/* `options` as sim_load() takes them; NULL: none. The carrier is ready, and served, unless the app is set to be unknown. */
void fixture_open(struct fixture *f, const char *const *options);
void fixture_open_away(struct fixture *f, const char *const *options);
void fixture_close(struct fixture *f);
void fixture_ready(struct fixture *f, bool fresh);
void fixture_pass(struct fixture *f, int64_t ms);

/* The next event that the carrier was given and was not shown yet. Fails the test when there is none. */
struct event_record fixture_event(struct fixture *f);
void fixture_nothing(struct fixture *f); /* there is none */

/* A batch for an event that was shown, with these effects (JSON, without the brackets). */
void fixture_answer(struct fixture *f, const struct event_record *e, const char *effects);
void fixture_defer(struct fixture *f, const struct event_record *e); /* nothing yet: its ack comes later */
void fixture_fail(struct fixture *f, const struct event_record *e, const char *why);
void fixture_batch(struct fixture *f, const char *text); /* any */

/* A client: its connection, which has asked for "/". */
struct peer {
	struct sim_ws ws; /* first */
	char last[2000];
};
void peer_open(struct fixture *f, struct peer *p);
void peer_open_in(struct fixture *f, struct peer *p, const char *query, const char *nsp);
void peer_join(struct fixture *f, struct peer *p); /* opened, and accepted */
void peer_say(struct fixture *f, struct peer *p, const char *text);
void peer_leave(struct fixture *f, struct peer *p);
/* The next message it got, without the 4; an empty text: none. Pings are passed over. */
const char *peer_hears(struct fixture *f, struct peer *p);
void peer_fini(struct peer *p);

TCase *requests_case(void); /* test_requests.c */

#endif
