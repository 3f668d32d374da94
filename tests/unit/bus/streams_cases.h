/*
 * streams_cases.h - what streams.h promises, as tests that run on a real Redis (test_streams_redis_server.c) and on the
 * simulated one (test_streams_sim.c), so that both mean the same.
 *
 * There are two users, a and b. What they are told is heard as text; an id in it stands as #1, #2, .. in the order in which
 * ids were first heard, and as - in a stream that is not called s.
 */
#ifndef STOA_TESTS_STREAMS_CASES_H
#define STOA_TESTS_STREAMS_CASES_H

#include "buf.h"
#include "streams.h"
#include "test_main.h"

/* --- To be provided ----------------------------------------------------------------------------------------------- */

void stage_begin(void); /* a and b have been up, which has been heard */
void stage_end(void);
void stage_wait(
	bool (*done)(void *ctx), void *ctx, const char *what); /* time passes until then; in vain: the test fails */
void stage_cut(struct streams *s);                             /* all its links break; they come back by themselves */
void stage_restart(void);                                      /* the server ends, forgets everything, and is back */

/* --- The stage ---------------------------------------------------------------------------------------------------- */

struct stage {
	struct streams *a, *b;
	struct buf heard, messages;
	struct slice ids[64];
	size_t n_ids;
	const char *shows; /* whose up(), down() and listening() are heard: "a", "ab", ..; NULL: nobody's */
};
extern struct stage stage;

extern const struct streams_events stage_events; /* ctx: "a" or "b" */
streams_answer_fn stage_answer;                  /* to: a name */
void stage_hears(const char *text);              /* waits for exactly this, and forgets it */
void stage_hears_message(const char *text);      /* the same of what channels brought, which may come before answers */
void stage_fini(void);

Suite *streams_cases(const char *name);

/* --- For the cases ------------------------------------------------------------------------------------------------ */

/* stage.a->ops->verb(stage.a, .., answer), heard as "verb=1;". */
#define ASK(user, verb, ...) \
	ck_assert_int_eq(stage.user->ops->verb(stage.user, __VA_ARGS__, stage_answer, stage_named(#verb)), 0)
#define S(text) slice_str(text)

void *stage_named(const char *name); /* for answers */
struct slice stage_id(size_t number);
void stage_add_text(struct slice text); /* to what is heard */
void stage_add(struct streams *s, const char *stream, const char *record);
void stage_create(const char *stream);
void stage_read(struct streams *s, const char *consumer, const char *stream, size_t count); /* without waiting */

struct stage_case {
	const TTest *test;
	const char *name;
};
#define STAGE_CASE(test) \
	{ \
		test, #test \
	}
void stage_add_cases(Suite *s, const struct stage_case *cases, size_t n);
void stage_add_cases_of_keys(Suite *s);

#endif
