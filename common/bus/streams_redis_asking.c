/* streams_redis_asking.c - questions: whose answer is whose, and what becomes of it. See streams_redis_internal.h. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "alloc.h"
#include "log.h"
#include "streams_redis_internal.h"

enum { EVAL_ARGS_MAX = 6 };

struct slice number_text(char at[NUMBER_MAX], int64_t number)
{
	return slice_of(at, (size_t)snprintf(at, NUMBER_MAX, "%" PRId64, number));
}

struct question *question_new(
	struct streams *s, const struct question_kind *kind, size_t bytes, streams_answer_fn *answer, void *to)
{
	struct question *q;

	if (!s->is_up)
		return NULL;
	q = must_alloc(sizeof(*q) + bytes);
	q->streams = streams_of(s);
	q->kind = kind;
	q->answer = answer;
	q->to = to;
	TAILQ_INSERT_TAIL(&q->streams->questions, q, at);
	return q;
}

void question_free(struct question *q)
{
	TAILQ_REMOVE(&q->streams->questions, q, at);
	free(q);
}

/* The question is over before it is answered: the answer may ask again, or close. */
void question_tell(struct question *q, int64_t result, struct slice text)
{
	streams_answer_fn *answer = q->is_told ? NULL : q->answer;
	struct streams_redis *s = q->streams;
	void *to = q->to;

	question_free(q);
	if (answer)
		answer(to, loop_now(s->loop), result, text);
}

void questions_lost(struct streams_redis *s)
{
	int64_t now_ms = loop_now(s->loop);
	struct question *q;

	/* They stay until the connection has answered them or is lost as well. What is told may not ask: it is down. */
	TAILQ_FOREACH (q, &s->questions, at) {
		if (q->is_told)
			continue;
		q->is_told = true;
		if (q->answer)
			q->answer(q->to, now_ms, -ENOTCONN, slice_of(NULL, 0));
		if (s->closed)
			return;
	}
}

void questions_free(struct streams_redis *s)
{
	while (!TAILQ_EMPTY(&s->questions))
		question_free(TAILQ_FIRST(&s->questions));
}

/* --- Answers ------------------------------------------------------------------------------------------------------ */

void streams_redis_wrong(struct streams_redis *s, const char *what)
{
	int64_t count;

	if (sample_take(&s->wrong_answers, loop_now(s->loop), &count))
		log_warn("redis-answer", LOG_S("to", what), LOG_S("why", "of another shape than Redis's"),
			LOG_I("count", count));
}

bool is_no_group(const struct redis_reply *reply)
{
	return reply->type == REDIS_ERROR && slice_starts(reply->text, SLICE("NOGROUP "));
}

bool question_is_answered(struct question *q, enum redis_outcome outcome, const struct redis_reply *reply)
{
	int64_t error = -EPROTO;

	if (outcome != REDIS_ANSWERED || q->is_told)
		error = -ENOTCONN;
	else if (reply->type != REDIS_ERROR && !q->failed)
		return true;
	else if (is_no_group(reply))
		error = q->kind->no_group;
	question_tell(q, error, slice_of(NULL, 0));
	return false;
}

static void answered(void *ctx, enum redis_outcome outcome, const struct redis_reply *reply)
{
	struct question *q = ctx;
	struct streams_redis *s = q->streams;
	struct slice text = { 0 };
	int64_t result;

	if (!question_is_answered(q, outcome, reply))
		return;
	result = q->kind->read(q, reply, &text);
	if (s->closed) /* what it told did that */
		return;
	if (result == -EPROTO)
		streams_redis_wrong(s, q->kind->name);
	question_tell(q, result, text);
}

int64_t answer_integer(struct question *q, const struct redis_reply *reply, struct slice *text)
{
	(void)q;
	(void)text;
	return reply->type == REDIS_INTEGER && reply->integer >= 0 ? reply->integer : -EPROTO;
}

int64_t answer_text(struct question *q, const struct redis_reply *reply, struct slice *text)
{
	(void)q;
	if (reply->type == REDIS_NIL)
		return 0;
	if (reply->type != REDIS_STRING)
		return -EPROTO;
	*text = reply->text;
	return 1;
}

int64_t answer_ok(struct question *q, const struct redis_reply *reply, struct slice *text)
{
	(void)q;
	(void)text;
	return reply->type == REDIS_STATUS && slice_equal(reply->text, SLICE("OK")) ? 1 : -EPROTO;
}

/* --- Asking ------------------------------------------------------------------------------------------------------- */

int question_ask(struct question *q, const struct slice *argv, size_t argc)
{
	int error = redis_command(q->streams->commands, argv, argc, answered, q);

	if (error)
		question_free(q);
	return error;
}

int streams_ask(struct streams *s, const struct question_kind *kind, const struct slice *argv, size_t argc,
	streams_answer_fn *answer, void *to)
{
	struct question *q = question_new(s, kind, 0, answer, to);

	return q ? question_ask(q, argv, argc) : -ENOTCONN;
}

int question_eval(struct question *q, const char *script, struct slice key, const struct slice *args, size_t n)
{
	struct slice argv[4 + EVAL_ARGS_MAX] = { SLICE("EVAL"), slice_str(script), SLICE("1"), key };

	for (size_t i = 0; i < n; i++)
		argv[4 + i] = args[i];
	return question_ask(q, argv, 4 + n);
}
