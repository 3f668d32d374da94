/* member.c - a process of a slot, and the jobs it was sent. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "alloc.h"
#include "clock.h"
#include "crew_internal.h"
#include "log.h"

enum { TRACE_LINES = 40 };

/* --- What it says ------------------------------------------------------------------------------------------------- */

static bool said_loaded(struct member *m, const struct message *msg)
{
	if (m->state != MEMBER_LOADING || m->error)
		return false;
	if (msg->x) {
		m->state = MEMBER_LOADED;
		slot_loaded(m->slot, m, msg->texts[0]);
	} else {
		m->error = must_strndup(msg->texts[0].at, msg->texts[0].size);
	}
	return true;
}

/* Jobs are answered in order. NULL: it is another than the first. */
static struct job *take_first(struct member *m, uint64_t number)
{
	struct task *t = TAILQ_FIRST(&m->sent);
	struct job *job;

	if (t == NULL || t->job->number != number)
		return NULL;
	job = t->job;
	TAILQ_REMOVE(&m->sent, t, link);
	free(t);
	return job;
}

static bool said_done(struct member *m, const struct message *msg)
{
	struct crew *c = m->slot->crew;
	struct job *job = take_first(m, msg->number);

	if (job)
		c->events->done(c->ctx, job, msg->texts[0]);
	return job != NULL;
}

static bool said_failed(struct member *m, const struct message *msg)
{
	struct crew *c = m->slot->crew;
	struct job *job = msg->x <= JOB_NO_STATE ? take_first(m, msg->number) : NULL;

	if (job)
		c->events->failed(c->ctx, job, (enum job_failure)msg->x, msg->texts[0]);
	return job != NULL;
}

static bool said_batch(struct member *m, const struct message *msg)
{
	struct crew *c = m->slot->crew;

	c->events->batch(c->ctx, msg->texts[0], msg->texts[1]);
	return true;
}

static bool on_said(void *to, struct proc *p, const struct message *msg)
{
	static bool (*const said[MESSAGE_KINDS])(struct member * m, const struct message *msg) = {
		[MESSAGE_LOADED] = said_loaded,
		[MESSAGE_DONE] = said_done,
		[MESSAGE_FAILED] = said_failed,
		[MESSAGE_BATCH] = said_batch,
	};

	(void)p;
	return said[msg->kind] && said[msg->kind](to, msg);
}

/* --- Its end ------------------------------------------------------------------------------------------------------ */

static void log_trace(const struct member *m, struct slice rest)
{
	for (int i = 0; i < TRACE_LINES && rest.size; i++) {
		size_t end = slice_find(rest, '\n');

		log_error("worker-trace", LOG_I("worker", m->slot->number), LOG_T("at", slice_first(rest, end)));
		rest = slice_from(rest, end < rest.size ? end + 1 : end);
	}
}

static void log_end(const struct member *m, const char *why, const struct job *job, struct slice trace)
{
	char job_text[32] = "none";

	if (job)
		snprintf(job_text, sizeof(job_text), "%.*s", SLICE_ARG(job->id));
	log_error("worker-ended", LOG_I("worker", m->slot->number), LOG_I("pid", m->proc->pid), LOG_S("why", why),
		LOG_S("event", job_text), LOG_I("partition", job ? (int64_t)job->partition : -1),
		LOG_I("lived_ms", clock_now_ms() - m->proc->born_ms));
	log_trace(m, trace);
}

static void count_end(const struct member *m)
{
	static const enum metric_id causes[] = { [PROC_ENDED] = M_CREW_ENDED,
		[PROC_TIMEOUT] = M_CREW_TIMEOUTS,
		[PROC_NONSENSE] = M_CREW_NONSENSE,
		[PROC_KILLED] = M_CREW_ENDED };

	metrics_count(causes[m->proc->cause]);
}

/* The job in hand. A page that names none of those it was sent was written over: then it is the first. */
static struct job *take_in_hand(struct member *m)
{
	uint64_t number = m->proc->page->job;
	struct task *t;

	if (number == 0 || TAILQ_EMPTY(&m->sent))
		return NULL;
	TAILQ_FOREACH (t, &m->sent, link)
		if (t->job->number == number)
			return number == TAILQ_FIRST(&m->sent)->job->number ? take_first(m, number) : NULL;
	return take_first(m, TAILQ_FIRST(&m->sent)->job->number);
}

/* What it had not begun waits, before what came later. */
static void give_back(struct member *m)
{
	struct task *t;

	while ((t = TAILQ_LAST(&m->sent, tasks))) {
		TAILQ_REMOVE(&m->sent, t, link);
		TAILQ_INSERT_HEAD(&m->slot->waiting, t, link);
	}
}

static const char *words_of(const struct member *m, char *text, size_t size)
{
	bool is_loading = m->state == MEMBER_LOADING;
	char how[64];

	if (m->error)
		return m->error;
	proc_describe(m->proc, how, sizeof(how));
	if (m->proc->cause == PROC_TIMEOUT)
		snprintf(how, sizeof(how), "it took %s", is_loading ? "too long" : "longer than handler_timeout");
	else if (m->proc->cause == PROC_NONSENSE)
		snprintf(how, sizeof(how), "it said what makes no sense, or closed its end");
	if (is_loading)
		snprintf(text, size, "%s cannot be loaded: %s", m->slot->crew->config.options->gateway.app, how);
	else
		snprintf(text, size, "%s", how);
	return text;
}

static void runs_no_more(const struct member *m)
{
	if (m->state == MEMBER_RUNNING || m->state == MEMBER_STOPPING)
		metrics_add(M_CREW_RUNNING, -1);
}

static void on_ended(void *to, struct proc *p)
{
	struct member *m = to;
	struct slot *s = m->slot;
	struct crew *c = s->crew;
	bool was_expected = m->state == MEMBER_STOPPING || p->cause == PROC_KILLED;
	struct job *job = take_in_hand(m);
	char text[512];
	const char *why = words_of(m, text, sizeof(text));
	struct buf trace = BUF_INIT;

	proc_merge(p, true);
	proc_trace(p, c->config.options->gateway.app, &trace);
	runs_no_more(m);
	if ((!was_expected || job) && m->error == NULL)
		log_end(m, why, job, buf_slice(&trace));
	if (!was_expected)
		count_end(m);
	give_back(m);
	if (job)
		c->events->failed(c->ctx, job, p->cause == PROC_TIMEOUT ? JOB_TIMEOUT : JOB_CRASHED, buf_slice(&trace));
	buf_fini(&trace);
	slot_ended(s, m, why, was_expected);
	free(m->error);
	free(m);
}

static const struct proc_events proc_events = { on_said, on_ended };

void member_free(struct member *m)
{
	if (m == NULL)
		return;
	give_back(m);
	runs_no_more(m);
	proc_free(m->proc);
	free(m->error);
	free(m);
}

/* --- Its life ----------------------------------------------------------------------------------------------------- */

/* What a worker says at once: a batch and what is around it, in whichever encoding. */
static size_t max_message(const struct crew *c)
{
	return (size_t)c->config.options->gateway.redis_max_message +
	       (size_t)c->config.options->gateway.redis_max_publish + MESSAGE_HEAD + 4096;
}

struct member *member_start(struct slot *s)
{
	struct crew *c = s->crew;
	struct member *m = must_alloc(sizeof(*m));
	struct proc_config config = {
		.program = c->program, .argv = c->argv, .slot = s->number, .by = m->by, .max_message = max_message(c)
	};

	m->slot = s;
	TAILQ_INIT(&m->sent);
	snprintf(m->by, sizeof(m->by), "%.20s.%u.%" PRId64, c->config.id, s->number, ++s->born);
	m->proc = proc_start(c->loop, &config, &proc_events, m);
	if (m->proc) {
		for (unsigned i = 0; i < PARTITIONS_MAX; i++)
			m->proc->page->until_ms[i] = c->until_ms[i];
		metrics_count(M_CREW_STARTED);
		log_info("worker-started", LOG_I("worker", s->number), LOG_I("pid", m->proc->pid));
		return m;
	}
	log_error("worker-not-started", LOG_I("worker", s->number), LOG_S("why", strerror(errno)));
	free(m);
	return NULL;
}

void member_begin(struct member *m)
{
	proc_say(m->proc, &(struct message){ .kind = MESSAGE_START });
	if (m->slot->leads)
		proc_say(m->proc, &(struct message){ .kind = MESSAGE_LEAD, .x = 1 });
	m->state = MEMBER_RUNNING;
	metrics_add(M_CREW_RUNNING, 1);
}

void member_give(struct member *m, struct task *t)
{
	const struct job *job = t->job;

	TAILQ_INSERT_TAIL(&m->sent, t, link);
	proc_say(m->proc, &(struct message){ .kind = MESSAGE_JOB,
				  .number = job->number,
				  .x = job->partition,
				  .y = (uint32_t)job->attempt,
				  .texts = { job->id, job->record, job->client } });
}

/* One that has not begun has nothing to finish. */
void member_stop(struct member *m, int64_t timeout_ms)
{
	int64_t stop_by_ms = loop_now(m->slot->crew->loop) + timeout_ms;

	if (m->state == MEMBER_STOPPING) {
		m->stop_by_ms = stop_by_ms < m->stop_by_ms ? stop_by_ms : m->stop_by_ms;
		return;
	}
	if (m->state != MEMBER_RUNNING) {
		proc_kill(m->proc, PROC_KILLED);
		return;
	}
	m->state = MEMBER_STOPPING;
	m->stop_by_ms = stop_by_ms;
	m->proc->may_close = true;
	proc_say(m->proc, &(struct message){ .kind = MESSAGE_STOP });
}

static bool takes_too_long(const struct member *m, int64_t now_ms)
{
	const struct crew *c = m->slot->crew;
	int64_t timeout_ms = c->config.options->handler_timeout_ms, since_ms = m->proc->page->since_ms;
	bool is_event = m->proc->page->job != 0;

	if (since_ms && since_ms < c->forgiven_ms)
		since_ms = c->forgiven_ms;
	if (m->state == MEMBER_LOADING)
		return now_ms - m->proc->born_ms > LOAD_MS;
	if (m->state == MEMBER_STOPPING && now_ms > m->stop_by_ms)
		return true;
	/* While it stops it may wait for background tasks. */
	return timeout_ms && since_ms && now_ms - since_ms > timeout_ms && (is_event || m->state != MEMBER_STOPPING);
}

void member_watch(struct member *m, int64_t now_ms)
{
	struct proc *p = m->proc;

	proc_merge(p, false);
	if (p->cause == PROC_TIMEOUT && p->page->traced)
		proc_kill(p, PROC_TIMEOUT);
	else if (takes_too_long(m, now_ms))
		proc_kill_slowly(p);
}
