/* jobs.c - an event: begun, given to its worker, taken again when that failed. */
#include <errno.h>
#include <limits.h>

#include "intake_internal.h"
#include "log.h"

const char *job_failure_name(enum job_failure why)
{
	static const char *const names[] = {
		[JOB_CRASHED] = "crashed",
		[JOB_TIMEOUT] = "timeout",
		[JOB_MALFORMED] = "malformed",
		[JOB_NO_STATE] = "no state",
		[JOB_LATE] = "late",
	};

	return names[why];
}

static struct entry *entry_of(struct job *job)
{
	return (struct entry *)(void *)((char *)job - offsetof(struct entry, job));
}

static struct slot *slot_of(const struct entry *e)
{
	return &e->in->slots[e->job.slot];
}

/* --- At its worker ------------------------------------------------------------------------------------------------ */

static int attempt_of(const struct entry *e)
{
	uint64_t attempt = e->deliveries + e->claimed;

	return attempt < INT_MAX ? (int)attempt : INT_MAX;
}

static void note_state(struct entry *e)
{
	if (e->kind == RECORD_DISCONNECT)
		known_drop(&slot_of(e)->known, e->sid);
	else if (e->state_n && (e->has_state || e->state.size))
		known_note(&slot_of(e)->known, e->in->config.max_clients, e->sid, e->state_n);
}

/* What is not begun stays pending, for whoever holds the partition next. */
static void give(struct entry *e, int64_t now_ms)
{
	if (!part_may_begin(e->part, now_ms)) {
		entry_over(e);
		return;
	}
	entry_set_slot(e, e->part->slot);
	note_state(e);
	entry_enter(e, ENTRY_GIVEN);
	e->job.attempt = attempt_of(e);
	e->in->ops->give(e->in->ctx, &e->job);
}

/* --- The client's state ------------------------------------------------------------------------------------------- */

static bool is_clients(const struct entry *e)
{
	return e->sid.size && (e->kind == RECORD_CONNECT || e->kind == RECORD_EVENT || e->kind == RECORD_DISCONNECT);
}

static bool lacks_state(const struct entry *e)
{
	return is_clients(e) && e->state_n && !e->has_state && !e->fetched &&
	       !known_has(&slot_of(e)->known, e->sid, e->state_n);
}

/* An answer that says nothing of it is as good as none: the worker knows best what it can do without. */
static void on_state(void *to, int64_t now_ms, int64_t result, struct slice text)
{
	struct entry *e = to;

	if (!entry_answered(e) || result == -ENOTCONN)
		return;
	e->fetched = true;
	if (result == 1)
		entry_set_state(e, text);
	give(e, now_ms);
}

static void fetch(struct entry *e)
{
	entry_enter(e, ENTRY_FETCHING);
	if (ops_of(e->in)->field_get(e->in->streams, e->part->clients, e->sid, on_state, e) == 0)
		e->asked++;
}

static void start(struct entry *e, int64_t now_ms)
{
	if (lacks_state(e))
		fetch(e);
	else
		give(e, now_ms);
}

/* --- Begun -------------------------------------------------------------------------------------------------------- */

/* Of an entry's id, the first part: when it was appended, by Redis's clock. */
static int64_t id_ms(struct slice id)
{
	int64_t ms = 0;

	for (size_t i = 0; i < id.size && id.at[i] >= '0' && id.at[i] <= '9' && ms < INT64_MAX / 20; i++)
		ms = ms * 10 + (id.at[i] - '0');
	return ms;
}

static void note_clock(struct intake *in, int64_t now_ms, int64_t added_ms)
{
	if (!in->clock_known || added_ms - now_ms > in->clock_ahead_ms)
		in->clock_ahead_ms = added_ms - now_ms;
	in->clock_known = true;
}

/* By two clocks, since either may be wrong by more than that: Redis's, as far as its ids have told it, and the gateway's. */
static bool is_too_old(const struct entry *e, int64_t now_ms)
{
	const struct intake *in = e->in;
	bool ages = e->kind == RECORD_CONNECT || e->kind == RECORD_EVENT || e->kind == RECORD_HANDSHAKE;

	return ages && now_ms + in->clock_ahead_ms - id_ms(e->job.id) > in->config.max_age_ms &&
	       in->config.wall_ms() - e->at_ms > in->config.max_age_ms;
}

/* A later number says that its gateway is done with the one before; of a gateway that is no more, nobody said that. */
static bool settles(const struct entry *e, const struct entry *before)
{
	bool waits = before->phase == ENTRY_PUBLISHED || before->phase == ENTRY_READY;

	return waits && e->n > before->n && e->n != INTAKE_LOST_N && !gateways_absent(e->in, e->node);
}

/* Whether the client has no other event under way. */
static bool has_turn(struct entry *e)
{
	struct entry *before = entry_of_client(e->in, e->sid);

	if (!is_clients(e))
		return true;
	if (before) {
		if (!settles(e, before))
			return false;
		entry_over(before);
	}
	entry_set_client(e);
	if (e->n != INTAKE_LOST_N)
		known_note(&e->in->begun, e->in->config.max_clients, e->sid, e->n);
	return true;
}

/* A copy that its gateway does not know of, as the answer to its adding was lost: a later one was begun, so it is done with
 * this one. Or a disconnect of a broker's whose gateway had said so itself before it went. */
static bool is_superfluous(const struct entry *e)
{
	if (!is_clients(e))
		return false;
	if (e->n == INTAKE_LOST_N)
		return known_has(&e->in->ended, e->sid, 0);
	return e->n < known_get(&e->in->begun, e->sid);
}

static const char *read_record(struct entry *e)
{
	struct event_record r;
	const char *wrong;

	arena_reset(&e->in->arena);
	if (e->job.record.size == 0)
		return "no record";
	wrong = event_record_read(&e->in->arena, e->job.record, &e->in->config.rules, &r);
	if (wrong)
		return wrong;
	e->claimed |= r.again;
	gateways_note(e->in, r.node);
	return entry_note(e, &r) ? NULL : "no memory";
}

static void malformed(struct entry *e, int64_t now_ms, const char *wrong)
{
	int64_t count;

	if (sample_take(&e->in->malformed_log, now_ms, &count))
		log_warn("malformed-event", LOG_S("why", wrong), LOG_T("id", e->job.id),
			LOG_I("partition", e->part->number), LOG_I("count", count));
	dead_bury(e, now_ms, job_failure_name(JOB_MALFORMED), slice_str(wrong));
}

void jobs_begin(struct intake *in, int64_t now_ms, struct part *p, const struct streams_entry *from, bool claimed)
{
	struct entry *e = entry_new(p, from);
	const char *wrong;

	if (e == NULL)
		return;
	note_clock(in, now_ms, id_ms(e->job.id));
	e->claimed = claimed;
	wrong = read_record(e);
	if (wrong) {
		malformed(e, now_ms, wrong);
	} else if (is_too_old(e, now_ms)) {
		metrics_count(M_BROKER_TOO_OLD);
		jobs_ack(e);
	} else if (is_superfluous(e)) {
		jobs_ack(e);
	} else if (has_turn(e)) {
		if (claimed)
			metrics_count(M_BROKER_RETRIES_CLAIMED);
		start(e, now_ms);
	} else {
		entry_over(e);
	}
}

/* --- Over --------------------------------------------------------------------------------------------------------- */

static void on_acked(void *to, int64_t now_ms, int64_t result, struct slice text)
{
	struct entry *e = to;

	(void)now_ms;
	(void)text;
	if (entry_answered(e) && result != -ENOTCONN)
		entry_over(e);
}

void jobs_ack(struct entry *e)
{
	entry_enter(e, ENTRY_ACKING);
	if (ops_of(e->in)->ack(e->in->streams, e->part->events, e->job.id, on_acked, e) == 0)
		e->asked++;
}

void intake_done(struct intake *in, int64_t now_ms, struct job *job, struct slice batch)
{
	struct entry *e = entry_of(job);

	metrics_count(M_BROKER_HANDLED);
	if (batch.size)
		confirm_begin(e, now_ms, batch);
	else
		jobs_ack(e);
	intake_soon(in, now_ms);
}

/* --- Taken again -------------------------------------------------------------------------------------------------- */

static void on_taken(void *to, int64_t now_ms, int64_t result, struct slice text)
{
	struct entry *e = to;

	(void)text;
	if (!entry_answered(e) || result == -ENOTCONN)
		return;
	if (result == 1) {
		start(e, now_ms);
		return;
	}
	metrics_count(M_BROKER_GIVEN_UP);
	entry_over(e);
}

/* Without the lease it waits: who has the partition now may be at it. */
static void take(struct entry *e, int64_t now_ms)
{
	struct intake *in = e->in;

	entry_enter(e, ENTRY_TAKING);
	if (part_may_begin(e->part, now_ms) &&
		ops_of(in)->take(in->streams, in->config.broker, e->part->events, e->job.id, on_taken, e) == 0)
		e->asked++;
}

static void failed(struct entry *e, int64_t now_ms, enum job_failure why, struct slice backtrace)
{
	bool again = why == JOB_CRASHED || why == JOB_TIMEOUT;
	int64_t count;

	if (sample_take(&e->in->failed_log, now_ms, &count))
		log_warn("event-failed", LOG_S("why", job_failure_name(why)), LOG_S("kind", record_kind_name(e->kind)),
			LOG_T("nsp", e->nsp), LOG_T("sid", e->sid), LOG_T("id", e->job.id),
			LOG_I("partition", e->job.partition), LOG_I("attempt", e->job.attempt), LOG_I("count", count));
	if (!again || e->deliveries >= (uint64_t)e->in->config.max_attempts) {
		dead_bury(e, now_ms, job_failure_name(why), backtrace);
		return;
	}
	metrics_count(why == JOB_CRASHED ? M_BROKER_RETRIES_CRASHED : M_BROKER_RETRIES_TIMEOUT);
	e->fetched = false;
	take(e, now_ms);
}

/* Somebody else may have handled it by now: if not, it is pending. */
static void late(struct entry *e)
{
	struct part *p = e->part;

	entry_over(e);
	if (p->state == PART_READING || p->state == PART_CLAIMING)
		reading_claim(p);
}

void intake_failed(struct intake *in, int64_t now_ms, struct job *job, enum job_failure why, struct slice backtrace)
{
	struct entry *e = entry_of(job);

	if (!part_is_held(e->part)) { /* another broker has it by now */
		entry_over(e);
	} else if (why == JOB_LATE) {
		late(e);
	} else if (why == JOB_NO_STATE && is_clients(e) && !e->fetched) {
		metrics_count(M_BROKER_RETRIES_STATE);
		known_drop(&slot_of(e)->known, e->sid);
		fetch(e);
	} else if (why == JOB_NO_STATE && e->kind == RECORD_DISCONNECT && gateways_absent(in, e->node)) {
		jobs_ack(e); /* the state went into a disconnect of ours: end_client() was faster */
	} else {
		failed(e, now_ms, why, backtrace);
	}
	intake_soon(in, now_ms);
}

bool intake_may_begin(const struct intake *in, int64_t now_ms, const struct job *job)
{
	return part_may_begin(&in->parts[job->partition], now_ms);
}

/* --- Redis is back ------------------------------------------------------------------------------------------------ */

void jobs_again(struct entry *e, int64_t now_ms)
{
	if (e->asked || e->is_over)
		return;
	switch (e->phase) {
	case ENTRY_FETCHING:
		fetch(e);
		break;
	case ENTRY_TAKING:
		take(e, now_ms);
		break;
	case ENTRY_BURYING:
		dead_again(e, now_ms);
		break;
	case ENTRY_READY:
		confirm_publish(e, now_ms);
		break;
	case ENTRY_ORPHAN:
		confirm_orphan(e, now_ms);
		break;
	case ENTRY_ACKING:
		jobs_ack(e);
		break;
	case ENTRY_GIVEN:
	case ENTRY_PUBLISHED:
		break;
	}
}
