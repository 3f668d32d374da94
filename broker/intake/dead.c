/* dead.c - events that are given up: put on the dead letters, and the client is told. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "intake_internal.h"
#include "log.h"

struct dead_kind {
	const char *why, *sentence;
	enum metric_id metric;
};

static const struct dead_kind *kind_of(const struct entry *e)
{
	static const struct dead_kind kinds[] = {
		{ "crashed", "The application crashed", M_BROKER_DEAD_CRASHED },
		{ "timeout", "The application took too long", M_BROKER_DEAD_TIMEOUT },
		{ "malformed", "The event could not be read", M_BROKER_DEAD_MALFORMED },
		{ "no state", "The client's state is lost", M_BROKER_DEAD_STATE },
		{ "too large", "The answer was too large", M_BROKER_DEAD_LARGE },
	};
	size_t i = 0;

	while (i + 1 < sizeof(kinds) / sizeof(kinds[0]) && strcmp(kinds[i].why, e->why) != 0)
		i++;
	return &kinds[i];
}

/* --- The client is told ------------------------------------------------------------------------------------------- */

static bool has_reader(const struct entry *e)
{
	return e->is_read && e->kind != RECORD_ANSWER;
}

static int put_failed(const struct entry *e, struct buf *to)
{
	struct batch_record b = { .by = e->in->config.broker,
		.id = e->job.id,
		.partition = e->job.partition,
		.nsp = e->nsp,
		.sid = e->sid,
		.n = e->n,
		.failed = slice_str(kind_of(e)->sentence) };

	buf_clear(to);
	return batch_record_put(to, e->in->config.encoding, &b);
}

static void tell(struct entry *e, int64_t now_ms)
{
	if (has_reader(e) && put_failed(e, &e->in->record) == 0)
		confirm_begin(e, now_ms, buf_slice(&e->in->record));
	else
		jobs_ack(e);
}

/* --- The letter --------------------------------------------------------------------------------------------------- */

static void on_noted(void *to, int64_t now_ms, int64_t result, struct slice text)
{
	struct entry *e = to;

	(void)text;
	if (!entry_answered(e) || result == -ENOTCONN)
		return;
	metrics_count(kind_of(e)->metric);
	tell(e, now_ms);
}

static struct slice print(char text[24], int64_t number)
{
	return slice_of(text, (size_t)snprintf(text, 24, "%" PRId64, number));
}

static int note(struct entry *e)
{
	struct intake *in = e->in;
	char attempts[24], at[24], partition[24];
	const struct slice pairs[][2] = {
		{ SLICE("reason"), slice_str(e->why) },
		{ SLICE("record"), e->job.record },
		{ SLICE("backtrace"), buf_slice(&e->backtrace) },
		{ SLICE("attempts"), print(attempts, (int64_t)e->deliveries) },
		{ SLICE("at"), print(at, in->config.wall_ms()) },
		{ SLICE("partition"), print(partition, e->job.partition) },
		{ SLICE("id"), e->job.id },
	};

	buf_clear(&in->name);
	name_dead(&in->name, in->config.app);
	return ops_of(in)->note(in->streams, buf_slice(&in->name), pairs[0], sizeof(pairs) / sizeof(pairs[0]),
		in->config.max_dead, on_noted, e);
}

/* One that is too large for Redis with its backtrace, or at all, is not kept: the client is told nevertheless. */
void dead_again(struct entry *e, int64_t now_ms)
{
	int error = note(e);

	if (error == -EMSGSIZE && e->backtrace.size) {
		buf_clear(&e->backtrace);
		error = note(e);
	}
	if (error == 0)
		e->asked++;
	if (error == -EMSGSIZE) {
		log_warn("dead-letter-too-large", LOG_T("id", e->job.id), LOG_I("bytes", e->job.record.size));
		tell(e, now_ms);
	}
}

void dead_bury(struct entry *e, int64_t now_ms, const char *why, struct slice backtrace)
{
	e->why = why;
	buf_clear(&e->backtrace);
	buf_add_slice(&e->backtrace, backtrace);
	entry_enter(e, ENTRY_BURYING);
	log_warn("dead-letter", LOG_S("why", why), LOG_T("id", e->job.id), LOG_I("partition", e->job.partition),
		LOG_T("nsp", e->nsp), LOG_T("sid", e->sid), LOG_I("attempts", (int64_t)e->deliveries));
	dead_again(e, now_ms);
}
