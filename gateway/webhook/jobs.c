/* jobs.c - events that were taken: they wait, or are posted, and what becomes of that. See webhook_internal.h. */
#include <stdio.h>
#include <stdlib.h>

#include "clock.h"
#include "log.h"
#include "metrics.h"
#include "signature.h"
#include "webhook_internal.h"

enum { RETRY_MAX_MS = 30 * 1000 };

/* --- Jobs ------------------------------------------------------------------------------------------------------ */

static char *keep(char **at, struct slice s)
{
	char *kept = *at;

	if (s.size)
		memcpy(kept, s.at, s.size);
	*at += s.size;
	return kept;
}

struct job *job_new(struct webhook *w, const struct carried *e, struct slice record, uint64_t n)
{
	struct job *j = calloc(1, sizeof(*j) + record.size + e->nsp.size + e->sid.size);
	char *at;

	if (j == NULL)
		return NULL;
	at = j->record;
	keep(&at, record);
	j->size = record.size;
	j->webhook = w;
	j->number = e->number;
	j->owed = e->due_ms == INT64_MAX;
	j->event = (struct answered){ .kind = e->kind, .n = n };
	j->event.nsp = slice_of(keep(&at, e->nsp), e->nsp.size);
	j->event.sid = slice_of(keep(&at, e->sid), e->sid.size);
	j->by_number.key = slice_of((const char *)&j->number, sizeof(j->number));
	map_add(&w->jobs, &j->by_number);
	return j;
}

struct job *job_find(const struct webhook *w, uint64_t number)
{
	struct map_node *node = map_find(&w->jobs, slice_of((const char *)&number, sizeof(number)));

	return node ? map_item(node, struct job, by_number) : NULL;
}

void job_wait(struct job *j, bool first)
{
	struct webhook *w = j->webhook;

	j->waits = true;
	if (first)
		TAILQ_INSERT_HEAD(&w->waiting, j, link);
	else
		TAILQ_INSERT_TAIL(&w->waiting, j, link);
}

void job_free(struct job *j)
{
	struct webhook *w = j->webhook;

	if (j->waits)
		TAILQ_REMOVE(&w->waiting, j, link);
	if (j->post.line) {
		poster_cancel(w->poster, &j->post);
		breaker_unknown(&w->breaker, j->is_probe);
	}
	timer_stop(&w->loop->timers, &j->retry);
	map_remove(&w->jobs, &j->by_number);
	free(j);
}

/* --- The breaker ----------------------------------------------------------------------------------------------- */

static void show_breaker(const struct webhook *w)
{
	metrics_set(M_WEBHOOK_BREAKER, w->breaker.state != BREAKER_CLOSED);
	metrics_set(M_WEBHOOK_POSTING, (int64_t)w->posting);
}

/* What can be refused is; the others wait for better times. */
static void refuse_all(struct webhook *w, int64_t now_ms)
{
	struct map_node *node, *next;

	map_foreach(&w->jobs, node, next)
	{
		struct job *j = map_item(node, struct job, by_number);
		uint64_t number = j->number;

		if (j->post.line)
			continue;
		if (!j->owed) {
			job_free(j);
			remote_refuse(w->remote, now_ms, number, REFUSED_RESTING);
		} else if (!j->waits) {
			timer_stop(&w->loop->timers, &j->retry);
			job_wait(j, false);
		}
	}
}

static void on_reopen(struct timer *t, int64_t now_ms)
{
	jobs_pump((struct webhook *)(void *)((char *)t - offsetof(struct webhook, reopen)), now_ms);
}

static void note_failure(struct webhook *w, int64_t now_ms, const char *why)
{
	if (!breaker_failed(&w->breaker, now_ms))
		return;
	metrics_count(M_WEBHOOK_BREAKER_OPENED);
	log_warn("webhook-rests", LOG_S("url", w->options->webhook_url), LOG_S("why", why),
		LOG_I("for_ms", w->breaker.rest_ms),
		LOG_S("hint", "events are refused meanwhile; look after the application behind the URL"));
	timer_set(&w->loop->timers, &w->reopen, on_reopen, w->breaker.until_ms);
	refuse_all(w, now_ms);
}

static void note_success(struct webhook *w)
{
	if (breaker_succeeded(&w->breaker))
		log_info("webhook-answers", LOG_S("url", w->options->webhook_url));
}

/* --- What became of a post ------------------------------------------------------------------------------------- */

static void pump_later(struct timer *t, int64_t now_ms)
{
	jobs_pump((struct webhook *)(void *)((char *)t - offsetof(struct webhook, pump_soon)), now_ms);
}

static void retry_now(struct timer *t, int64_t now_ms)
{
	struct job *j = (struct job *)(void *)((char *)t - offsetof(struct job, retry));

	job_wait(j, false);
	jobs_pump(j->webhook, now_ms);
}

static int64_t pause_of(const struct webhook *w, int64_t attempts)
{
	int64_t ms = w->options->webhook_retry_ms;

	for (int64_t i = 1; i < attempts && ms < RETRY_MAX_MS; i++)
		ms *= 2;
	return ms < RETRY_MAX_MS ? ms : RETRY_MAX_MS;
}

/* The event's answer is this batch, or none. */
static void settle(struct job *j, int64_t now_ms, struct buf *batch)
{
	struct webhook *w = j->webhook;
	enum record_kind kind = j->event.kind;
	uint64_t number = j->number;

	job_free(j);
	if (batch->failed) {
		metrics_count(M_OUT_OF_MEMORY);
		remote_refuse(w->remote, now_ms, number, REFUSED_MEMORY);
	} else if (batch->size) {
		remote_batch(w->remote, now_ms, buf_slice(batch));
	}
	if (kind == RECORD_ANSWER)
		remote_carried(w->remote, now_ms, number);
	else /* the batch made so little sense that not even its event could be seen in it */
		remote_refuse(w->remote, now_ms, number, REFUSED_BAD_BATCH);
	buf_fini(batch);
}

static void take(struct job *j, int64_t now_ms, struct slice body)
{
	struct record_rules rules = RECORD_RULES;
	struct buf batch = BUF_INIT;

	metrics_count(M_WEBHOOK_ANSWERED);
	metrics_time(M_WEBHOOK_TIME, 1000 * (now_ms - j->begun_ms));
	note_success(j->webhook);
	answer_put_batch(&batch, &j->event, body, &rules);
	settle(j, now_ms, &batch);
}

static void take_refusal(struct job *j, int64_t now_ms, int status)
{
	struct webhook *w = j->webhook;
	struct buf batch = BUF_INIT;
	int64_t count;

	metrics_count(M_WEBHOOK_REFUSED);
	note_success(w);
	if (sample_take(&w->refused_log, now_ms, &count))
		log_warn("webhook-refused", LOG_S("url", w->options->webhook_url), LOG_I("status", status),
			LOG_S("kind", record_kind_name(j->event.kind)), LOG_I("count", count),
			LOG_S("hint", status == 401 || status == 403 ? "is webhook_secret the application's?"
								     : "the application did not take the event"));
	answer_put_failed(&batch, &j->event, SLICE("The application refused it"));
	settle(j, now_ms, &batch);
}

static void log_failure(struct webhook *w, int64_t now_ms, const struct job *j, const char *why)
{
	int64_t count;

	if (sample_take(&w->failed_log, now_ms, &count))
		log_warn("webhook-failed", LOG_S("url", w->options->webhook_url), LOG_S("why", why),
			LOG_I("attempt", j->attempts), LOG_I("of", w->options->webhook_attempts),
			LOG_I("count", count));
}

/* Once more, or never again. */
static void take_failure(struct job *j, int64_t now_ms, const char *why)
{
	struct webhook *w = j->webhook;
	uint64_t number = j->number;

	log_failure(w, now_ms, j, why);
	if (j->attempts < w->options->webhook_attempts) {
		metrics_count(M_WEBHOOK_RETRIES);
		timer_set(&w->loop->timers, &j->retry, retry_now, now_ms + pause_of(w, j->attempts));
	} else {
		job_free(j);
		remote_refuse(w->remote, now_ms, number, REFUSED_BY_CARRIER);
	}
	note_failure(w, now_ms, why);
}

static void count_failure(enum post_result result)
{
	static const enum metric_id metrics[POST_RESULTS] = {
		[POST_ANSWERED] = M_WEBHOOK_FAILED,
		[POST_UNREACHABLE] = M_WEBHOOK_UNREACHABLE,
		[POST_TIMEOUT] = M_WEBHOOK_TIMEOUT,
		[POST_LOST] = M_WEBHOOK_LOST,
		[POST_STALE] = M_WEBHOOK_LOST,
		[POST_NONSENSE] = M_WEBHOOK_NONSENSE,
	};

	metrics_count(metrics[result]);
}

static void done(struct post *p, int64_t now_ms, const struct post_answer *a)
{
	struct job *j = (struct job *)(void *)((char *)p - offsetof(struct job, post));
	struct webhook *w = j->webhook;
	char status[32];

	w->posting--;
	if (a->result == POST_ANSWERED && a->status / 100 == 2) {
		take(j, now_ms, a->body);
	} else if (a->result == POST_ANSWERED && a->status != 429 && a->status / 100 != 5) {
		take_refusal(j, now_ms, a->status);
	} else if (a->result == POST_STALE) { /* nobody's failure: the next connection is a fresh one */
		breaker_unknown(&w->breaker, j->is_probe);
		j->attempts--;
		job_wait(j, true);
	} else {
		count_failure(a->result);
		snprintf(status, sizeof(status), "it answered %d", a->status);
		take_failure(j, now_ms, a->why ? a->why : status);
	}
	jobs_pump(w, now_ms);
}

/* --- Posting --------------------------------------------------------------------------------------------------- */

static bool post(struct webhook *w, struct job *j)
{
	char timestamp[24], signature[SIGNATURE_SIZE], attempt[24];
	struct slice body = slice_of(j->record, j->size);
	struct post_header headers[] = { { "User-Agent", "stoa-gateway" }, { "X-Stoa-Timestamp", timestamp },
		{ "X-Stoa-Signature", signature }, { "X-Stoa-Event", record_kind_name(j->event.kind) },
		{ "X-Stoa-Attempt", attempt }, { NULL, NULL } };

	j->post.done = done;
	snprintf(timestamp, sizeof(timestamp), "%lld", (long long)(clock_wall_ms() / 1000));
	snprintf(attempt, sizeof(attempt), "%lld", (long long)j->posted);
	return signature_of(slice_str(w->secret), timestamp, body, signature) &&
	       poster_post(w->poster, &j->post, body, headers);
}

/* False: no memory. */
static bool begin(struct webhook *w, struct job *j, int64_t now_ms)
{
	j->attempts++;
	j->posted++;
	j->begun_ms = now_ms;
	if (post(w, j)) {
		w->posting++;
		TAILQ_REMOVE(&w->waiting, j, link);
		j->waits = false;
		return true;
	}
	metrics_count(M_OUT_OF_MEMORY);
	j->attempts--;
	j->posted--;
	breaker_unknown(&w->breaker, j->is_probe);
	timer_set(&w->loop->timers, &w->pump_soon, pump_later, now_ms + w->options->webhook_retry_ms);
	return false;
}

void jobs_pump(struct webhook *w, int64_t now_ms)
{
	struct job *j;

	while ((j = TAILQ_FIRST(&w->waiting)) && !poster_is_busy(w->poster) &&
		breaker_admit(&w->breaker, now_ms, &j->is_probe))
		if (!begin(w, j, now_ms))
			break;
	show_breaker(w);
}
