/*
 * streams_redis_internal.h - what the files of the streams over Redis share.
 *
 *	streams_redis.c          the connections, the channels, up and down
 *	streams_redis_asking.c   questions: whose answer is whose, and what becomes of it
 *	streams_redis_entries.c  entries, and what is pending
 *	streams_redis_reading.c  read(), and what an entry looks like
 *	streams_redis_keys.c     keys, hashes, publishing
 *	streams_redis_list.c     enlist(), list()
 */
#ifndef STOA_BUS_STREAMS_REDIS_INTERNAL_H
#define STOA_BUS_STREAMS_REDIS_INTERNAL_H

#include <sys/queue.h>

#include "sample.h"
#include "streams_redis.h"
#include "subscriptions.h"

enum { RUN_ID_MAX = 64, STREAM_ID_MAX = 41, NUMBER_MAX = 24 };

struct question;
struct streams_redis;

/* How an answer is read that is no error: the result, -EPROTO when it has another shape; *text may be set. `no_group` is
 * the result where there is no such group. */
struct question_kind {
	const char *name;
	int64_t (*read)(struct question *q, const struct redis_reply *reply, struct slice *text);
	int64_t no_group;
};

/* One that waits for its answer. */
struct question {
	TAILQ_ENTRY(question) at;
	struct streams_redis *streams;
	const struct question_kind *kind;
	streams_answer_fn *answer; /* NULL: nobody cares */
	void *to;
	bool is_told; /* that it was lost: what still comes is for nobody */
	bool failed;  /* a command before the one that answers */
	union {
		void (*pair)(void *to, struct slice name, struct slice value);
		void (*id)(void *to, struct slice id);
	} each;
	struct slice stream; /* of a claim; stands behind */
	char bytes[];
};

struct streams_redis {
	struct streams base; /* first */
	struct loop *loop;
	struct streams_redis_config config;
	struct redis *commands, *reader, *subscriber; /* the latter two NULL: not in use */
	const char *trouble;                          /* NULL: up */
	bool closed;
	struct {
		char id[RUN_ID_MAX + 1]; /* empty: not known */
		bool is_known;           /* since the connection stands: INFO was answered, or refused */
		bool is_fresh, is_other; /* to be told by up(); surely not the one of before */
	} run;
	struct subscriptions names;
	struct timer flush, hold;
	TAILQ_HEAD(questions, question) questions;
	struct {
		bool is_asked;                       /* read_end() is owed */
		bool is_out;                         /* the command was sent */
		int64_t sent_ms, block_ms, until_ms; /* until_ms: when Redis is over with one that was lost */
		struct slice *argv;
		size_t argc, first_stream, n_streams;
	} reading;
	struct sample wrong_answers;
	struct grave grave;
};

static inline struct streams_redis *streams_of(struct streams *s)
{
	return (struct streams_redis *)(void *)s;
}

/* --- streams_redis.c */
bool streams_redis_open_reader(struct streams_redis *s); /* false: it never could be, which is logged */

/* --- streams_redis_asking.c */

/* NULL: down. `bytes` more are kept behind it. */
struct question *question_new(
	struct streams *s, const struct question_kind *kind, size_t bytes, streams_answer_fn *answer, void *to);
/* Sends; q is freed when that fails, and answered by its kind when not. */
int question_ask(struct question *q, const struct slice *argv, size_t argc);
/* The same in one: -ENOTCONN, .. */
int streams_ask(struct streams *s, const struct question_kind *kind, const struct slice *argv, size_t argc,
	streams_answer_fn *answer, void *to);
/* EVAL with one key. At most 6 arguments. */
int question_eval(struct question *q, const char *script, struct slice key, const struct slice *args, size_t n);
void question_free(struct question *q);
void question_tell(struct question *q, int64_t result, struct slice text); /* and frees it */
/* Whether an answer came that may be read; if not, q has been told so and freed. */
bool question_is_answered(struct question *q, enum redis_outcome outcome, const struct redis_reply *reply);
void questions_lost(struct streams_redis *s); /* all are told -ENOTCONN */
void questions_free(struct streams_redis *s);
void streams_redis_wrong(struct streams_redis *s, const char *what); /* an answer of another shape is logged */
bool is_no_group(const struct redis_reply *reply);
struct slice number_text(char at[NUMBER_MAX], int64_t number);

/* Answers of common shapes, for question_kind.read(). */
int64_t answer_integer(struct question *q, const struct redis_reply *reply, struct slice *text);
int64_t answer_text(struct question *q, const struct redis_reply *reply, struct slice *text); /* 1 and it, or nil: 0 */
int64_t answer_ok(struct question *q, const struct redis_reply *reply, struct slice *text);   /* 1 */

/* --- streams_redis_reading.c */
bool is_stream_id(struct slice text);
/* [id, [name, value, ..]] */
bool entry_of(const struct streams_redis *s, const struct redis_reply *reply, struct streams_entry *e);
void reading_ready(struct streams_redis *s);                /* the reader is: what waits for it is sent */
void reading_lost(struct streams_redis *s, int64_t now_ms); /* read_end(-ENOTCONN), if one is owed */
void reading_close(struct streams_redis *s);

/* --- The functions of streams.h */
int streams_redis_add(struct streams *s, struct slice stream, struct slice record, size_t max_entries,
	streams_answer_fn *answer, void *to);
int streams_redis_note(struct streams *s, struct slice stream, const struct slice *pairs, size_t n, size_t max_entries,
	streams_answer_fn *answer, void *to);
int streams_redis_ack(struct streams *s, struct slice stream, struct slice id, streams_answer_fn *answer, void *to);
int streams_redis_find(struct streams *s, struct slice stream, struct slice id, streams_answer_fn *answer, void *to);
int streams_redis_length(struct streams *s, struct slice stream, streams_answer_fn *answer, void *to);
int streams_redis_create(struct streams *s, struct slice stream, streams_answer_fn *answer, void *to);
int streams_redis_read(struct streams *s, struct slice consumer, const struct slice *streams, size_t n, size_t count,
	int64_t block_ms);
int streams_redis_claim(struct streams *s, struct slice consumer, struct slice stream, struct slice after, size_t count,
	streams_answer_fn *answer, void *to);
int streams_redis_take(struct streams *s, struct slice consumer, struct slice stream, struct slice id,
	streams_answer_fn *answer, void *to);
int streams_redis_pending(struct streams *s, struct slice stream, struct slice after, size_t count,
	void (*each)(void *to, struct slice id), streams_answer_fn *answer, void *to);
int streams_redis_leave(
	struct streams *s, struct slice consumer, struct slice stream, streams_answer_fn *answer, void *to);
int streams_redis_claim_key(
	struct streams *s, struct slice key, struct slice value, int64_t ttl_ms, streams_answer_fn *answer, void *to);
int streams_redis_release_key(
	struct streams *s, struct slice key, struct slice value, streams_answer_fn *answer, void *to);
int streams_redis_put(
	struct streams *s, struct slice key, struct slice value, int64_t ttl_ms, streams_answer_fn *answer, void *to);
int streams_redis_get(struct streams *s, struct slice key, streams_answer_fn *answer, void *to);
int streams_redis_enlist(struct streams *s, struct slice list, struct slice prefix, struct slice name,
	streams_answer_fn *answer, void *to);
int streams_redis_list(struct streams *s, struct slice list, struct slice prefix,
	void (*each)(void *to, struct slice name, struct slice value), streams_answer_fn *answer, void *to);
int streams_redis_field_put(struct streams *s, struct slice hash, struct slice field, struct slice value,
	streams_answer_fn *answer, void *to);
int streams_redis_field_get(
	struct streams *s, struct slice hash, struct slice field, streams_answer_fn *answer, void *to);
int streams_redis_field_drop(
	struct streams *s, struct slice hash, struct slice field, streams_answer_fn *answer, void *to);
int streams_redis_field_scan(struct streams *s, struct slice hash, uint64_t cursor,
	void (*each)(void *to, struct slice field, struct slice value), streams_answer_fn *answer, void *to);
int streams_redis_field_to_entry(struct streams *s, struct slice unless, struct slice hash, struct slice field,
	struct slice stream, struct slice record, streams_answer_fn *answer, void *to);
int streams_redis_publish(
	struct streams *s, struct slice channel, struct slice payload, streams_answer_fn *answer, void *to);

/* The scripts, for tests. */
extern const char script_add[], script_find[], script_claim[], script_take[], script_leave[], script_claim_key[],
	script_release_key[], script_enlist[], script_list[], script_field_to_entry[];

#endif
