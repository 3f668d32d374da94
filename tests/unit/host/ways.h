/*
 * ways.h - one application run in two ways: embedded, where a host hears its effects at once, and behind a broker, where
 * events and effects are records. Both write the effects down as text, so that the two can be compared.
 *
 *	[S /] accept; emit ["hi"] to S              one batch: whose it is, and its effects
 *
 * Arguments are written in JSON whatever the encoding is; a batch of MessagePack is decoded to be shown.
 */
#ifndef STOA_TESTS_HOST_WAYS_H
#define STOA_TESTS_HOST_WAYS_H

#include <check.h>

#include "host.h"
#include "json.h"
#include "test_main.h"

enum { WAYS_LOG = 16384 };

/* An application with handlers for all that applications can do (module.c). */
app_setup_fn stoa_module_setup;

struct ways {
	enum value_encoding encoding;
	int64_t now_ms;
	struct timers timers;
	struct app *app;
	char log[WAYS_LOG];
	struct host *host; /* NULL: embedded */
	struct host_config config;
	int events;          /* batches that were answers to events */
	char node[16];       /* of the last batch */
	struct buf last;     /* record */
	uint64_t call;       /* of the last question */
	bool deferred;       /* the last batch said so */
	uint64_t n, state_n; /* of the next event; state_n 0 again: the state is said anew */
	struct client_state state;
	struct app_limits limits;
	struct app_job *job; /* that waits for a thread */
	int running;
};
extern struct ways ways;
extern size_t ways_max_bytes; /* of a record, from the next ways_begin() on; 0: as usual */

void ways_begin(enum value_encoding encoding, bool embedded);
void ways_end(void);
const char *ways_log(void); /* since the last time */

/* Client "S" of gateway "gw01" unless the name of another is given before. `items` is JSON without the brackets; ack 0 or below: none. */
struct said {
	enum record_kind kind;
	const char *sid, *node, *nsp, *event, *items, *reason;
	int64_t ack;
	int attempt;
	unsigned partition;
};
#define SAY(...) ways_say(&(struct said){ __VA_ARGS__ })
void ways_say(const struct said *s);
void ways_event(const char *event, const char *items, int64_t ack);
void ways_answer(enum answer_op op, const char *items, uint64_t count);
void ways_pass(int64_t ms);
void ways_work(void); /* the background task runs */
void ways_lead(bool leads);
void ways_stop(void);

/* The event's record as a gateway writes it; lives until the next. */
struct slice ways_record(const struct said *s, bool with_state);

#endif
