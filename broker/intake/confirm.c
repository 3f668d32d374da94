/* confirm.c - batches: published until their gateway has acknowledged, or is no more. */
#include <errno.h>

#include "intake_internal.h"
#include "log.h"

/* --- Nobody executes it ------------------------------------------------------------------------------------------- */

/* What else its gateway would have done. */
static void end_client(struct entry *e)
{
	struct intake *in = e->in;

	known_note(&in->ended, in->config.max_clients, e->sid, 0);
	ops_of(in)->field_drop(in->streams, e->part->clients, e->sid, NULL, NULL);
}

/* It was not handled: a disconnect that another broker added took the state along, and is to be handled. */
static bool has_lost_state(const struct entry *e)
{
	return e->why && strcmp(e->why, job_failure_name(JOB_NO_STATE)) == 0;
}

/* Who acknowledged does the rest, so it is done once. What the link took with it was ours: the gateway is gone, and the
 * partition has one holder. */
static void on_orphan_acked(void *to, int64_t now_ms, int64_t result, struct slice text)
{
	struct entry *e = to;

	(void)now_ms;
	(void)text;
	if (!entry_answered(e))
		return;
	if (result == -ENOTCONN) {
		e->ack_unknown = true;
		return;
	}
	if (result == 1 || (result == 0 && e->ack_unknown)) {
		metrics_count(M_BROKER_ORPHANED);
		gateways_publish(e->in, e->batch);
	}
	entry_over(e);
}

void confirm_orphan(struct entry *e, int64_t now_ms)
{
	(void)now_ms;
	entry_enter(e, ENTRY_ORPHAN);
	if (e->kind == RECORD_DISCONNECT && !has_lost_state(e)) /* first: without its entry nobody would say it again */
		end_client(e);
	if (ops_of(e->in)->ack(e->in->streams, e->part->events, e->job.id, on_orphan_acked, e) == 0)
		e->asked++;
}

/* --- Published ---------------------------------------------------------------------------------------------------- */

static void on_published(void *to, int64_t now_ms, int64_t result, struct slice text)
{
	struct entry *e = to;

	(void)text;
	if (!entry_answered(e) || e->phase != ENTRY_PUBLISHED)
		return;
	if (result == -ENOTCONN)
		entry_enter(e, ENTRY_READY);
	else if (result == 0 && gateways_gone(e->in, now_ms, e->node))
		confirm_orphan(e, now_ms);
	if (result >= 0)
		entry_drop_job(e);
}

static int publish(struct entry *e, streams_answer_fn *answer)
{
	struct intake *in = e->in;

	buf_clear(&in->name);
	name_batches(&in->name, in->config.app, e->node);
	return ops_of(in)->publish(in->streams, buf_slice(&in->name), e->batch, answer, e);
}

/* Whatever becomes of it. */
static void publish_once(struct entry *e)
{
	if (e->batch.size)
		publish(e, NULL);
	entry_over(e);
}

/* The event is answered all the same, in few bytes. */
static void too_large(struct entry *e, int64_t now_ms)
{
	log_warn("batch-too-large", LOG_I("bytes", e->batch.size), LOG_T("nsp", e->nsp), LOG_T("sid", e->sid));
	entry_drop_batch(e);
	dead_bury(e, now_ms, "too large", slice_of(NULL, 0));
}

void confirm_publish(struct entry *e, int64_t now_ms)
{
	int error;

	if (e->unwanted) {
		publish_once(e);
		return;
	}
	error = publish(e, on_published);
	if (error == -EMSGSIZE) {
		too_large(e, now_ms);
		return;
	}
	e->published_ms = now_ms;
	entry_enter(e, error ? ENTRY_READY : ENTRY_PUBLISHED);
	e->asked += error == 0;
}

/* Past max_unconfirmed it is published and forgotten: if it was not executed it stays pending, is found, and handled again. */
void confirm_begin(struct entry *e, int64_t now_ms, struct slice batch)
{
	if (!entry_set_batch(e, batch)) {
		metrics_count(M_OUT_OF_MEMORY);
		entry_over(e);
	} else if (!part_is_held(e->part)) {
		publish_once(e);
	} else if (e->in->unconfirmed > e->in->config.max_unconfirmed) {
		metrics_count(M_BROKER_NOT_KEPT);
		publish_once(e);
	} else {
		confirm_publish(e, now_ms);
	}
}

void confirm_lost(struct entry *e)
{
	if (e->phase == ENTRY_READY)
		publish_once(e);
	else if (e->phase != ENTRY_GIVEN)
		entry_over(e);
}

/* --- Looked at ---------------------------------------------------------------------------------------------------- */

void confirm_seen(struct entry *e, int64_t now_ms)
{
	if (e->phase != ENTRY_PUBLISHED || e->asked || now_ms - e->published_ms < e->in->config.confirm_ms)
		return;
	metrics_count(M_BROKER_REPUBLISHED);
	confirm_publish(e, now_ms);
}

/* Executed; or its gateway gave the event up, or Redis forgot it: then what still comes is said, once. */
void confirm_unseen(struct entry *e)
{
	if (e->phase == ENTRY_PUBLISHED)
		entry_over(e);
	else
		e->unwanted = true;
}
