/*
 * jobs.c - background tasks: their work on another thread, and what it hands back.
 *
 * A job has a desk: a struct app of its own that shares what was set up and has memory, a batch and a running event for
 * itself. So all that notes effects and encodes values works on it as it does at home, without a lock. What is noted
 * leaves at once as a letter: it takes the desk's arena along, with the effect and its payload in it, and nothing is
 * copied. The loop's thread opens the letters with app_tick(), in order.
 *
 * On a desk `arena` holds what calls note and `values` what the work builds: the first goes with each letter, the second
 * is emptied by stoa_sleep(). Without the loop's thread there are no laters, no clients and no metrics: see job_ask(),
 * job_ack(), app_count().
 */
#include "alloc.h"
#include "internal.h"
#include "log.h"

#include <errno.h>
#include <stdlib.h>

enum letter_kind { LETTER_EFFECT, LETTER_QUESTION, LETTER_ACK, LETTER_END };

struct letter {
	struct letter *next;
	enum letter_kind kind;
	struct app_job *job;
	struct arena arena;    /* where the letter itself is, and all below; of LETTER_END: nothing is */
	struct effect *effect; /* but of LETTER_END */

	struct question question; /* LETTER_QUESTION */
	bool is_single;

	uint64_t number; /* LETTER_ACK */
	struct payload payload;
};

struct app_job {
	struct app desk;
	struct app *home;
	struct arena values;
	struct handler work;
	stoa_fn *done;
	char *sid, *nsp, *name; /* of the event that began it; sid may be NULL */
	char *from;             /* its; NULL: none */
	uint64_t ack_number;    /* its */
	struct letter end;
	int status;
	char *message;              /* of stoa_fail() */
	struct app_job *next, **at; /* among mail.jobs */
};

/* --- The mailbox -------------------------------------------------------------------------------------------------- */

void mail_init(struct mail *m)
{
	*m = (struct mail){ .first = NULL };
	m->end = &m->first;
	pthread_mutex_init(&m->lock, NULL);
}

void mail_fini(struct mail *m)
{
	pthread_mutex_destroy(&m->lock);
}

/* The lock is held. */
static bool has_room(const struct app *home, size_t bytes)
{
	const struct app_limits *limits = &home->limits;
	const struct mail *m = &home->mail;

	return (limits->max_effects == 0 || m->count < limits->max_effects) &&
	       (limits->max_handler_bytes == 0 || m->count == 0 || m->bytes + bytes <= limits->max_handler_bytes);
}

/* 0, or -ENOSPC: the loop is behind; -ECANCELED: and it will not catch up, since the process is ending. The end of a job
 * always has room. */
static int post(struct app *home, struct letter *letter)
{
	size_t bytes = letter->arena.total_bytes;
	struct mail *m = &home->mail;
	bool is_end = letter->kind == LETTER_END;
	int error = 0;

	pthread_mutex_lock(&m->lock);
	if (!is_end && !has_room(home, bytes))
		error = m->is_stopping ? -ECANCELED : -ENOSPC;
	if (error == 0) {
		*m->end = letter;
		m->end = &letter->next;
		m->count += !is_end;
		m->bytes += bytes;
	}
	pthread_mutex_unlock(&m->lock);
	if (error)
		return error;
	home->threads->wake(home->threads->ctx);
	return 0;
}

static void add(enum metric_id id, int64_t n)
{
	struct app *a = app_current;

	if (a == NULL || !app_is_desk(a)) {
		metrics_add(id, n);
		return;
	}
	pthread_mutex_lock(&a->home->mail.lock);
	a->home->mail.counts[id] += n;
	pthread_mutex_unlock(&a->home->mail.lock);
}

void app_count(enum metric_id id)
{
	add(id, 1);
}

/* --- On a desk: what leaves --------------------------------------------------------------------------------------- */

static struct app_job *job_of(struct app *desk)
{
	return (struct app_job *)(void *)((char *)desk - offsetof(struct app_job, desk));
}

void job_forget(struct app *a)
{
	arena_reset(&a->arena);
	a->batch.first = NULL;
	a->batch.end = &a->batch.first;
	a->batch.count = 0;
}

/* In the arena that it will take along. */
static struct letter *letter_new(struct app *desk, enum letter_kind kind)
{
	struct letter *letter = arena_zero(&desk->arena, sizeof(*letter));

	if (letter == NULL)
		return NULL;
	letter->kind = kind;
	letter->job = job_of(desk);
	letter->effect = desk->batch.first;
	return letter;
}

static int send(struct app *desk, const char *call, struct letter *letter)
{
	size_t limit_bytes = desk->arena.limit_bytes;
	int error;

	if (letter == NULL)
		return call_failed(desk->running, call, -ENOMEM, NULL);
	letter->arena = desk->arena;
	error = post(desk->home, letter);
	if (error) {
		app_count(M_LIMIT_EFFECTS);
		return call_failed(desk->running, call, error,
			error == -ENOSPC ? "too many effects wait for the loop" : "the process is ending");
	}
	desk->arena = (struct arena){ .limit_bytes = limit_bytes };
	job_forget(desk);
	return 0;
}

int job_leave(struct app *a, const char *call, int error)
{
	if (error || !app_is_desk(a))
		return error;
	return send(a, call, letter_new(a, LETTER_EFFECT));
}

int job_ask(struct app *a, struct effect *e, const struct question *q, bool is_single)
{
	struct letter *letter = letter_new(a, LETTER_QUESTION);

	(void)e; /* the batch's only one */
	if (letter == NULL)
		return send(a, q->call, NULL);
	letter->question = *q;
	letter->question.list = NULL;
	letter->question.event = arena_copy(&a->arena, q->event, strlen(q->event));
	letter->is_single = is_single;
	return send(a, q->call, letter->question.event ? letter : NULL);
}

int job_ack(struct app *a, uint64_t number, const struct payload *p)
{
	struct effect *e = effect_add(a, EFFECT_ACK);
	struct letter *letter = e ? letter_new(a, LETTER_ACK) : NULL;

	if (letter == NULL)
		return send(a, "stoa_ack", NULL);
	effect_pay(e, p);
	letter->number = number;
	return send(a, "stoa_ack", letter);
}

/* --- At home: letters opened -------------------------------------------------------------------------------------- */

static struct stoa_event event_of(const struct app_job *job)
{
	return (struct stoa_event){ .app = job->home,
		.sid = job->sid,
		.nsp = job->nsp,
		.from = job->from,
		.is_later = true,
		.name = job->name,
		.ack_number = job->ack_number,
		.error = "" };
}

/* The work was told that its question is on its way, so its function runs whatever becomes of it. */
static void open_question(struct app *a, struct letter *letter)
{
	struct stoa_event origin = event_of(letter->job);
	const struct question *q = &letter->question;
	bool fits = q->handler.fn == NULL || question_fits(a);

	if (q->handler.fn)
		question_wait(a, letter->effect, q, &origin, letter->is_single);
	if (fits)
		event_execute(a, &origin, letter->effect);
	else
		later_end(a, later_find(a, LATER_CALL, letter->effect->call), -EAGAIN);
}

static void open_ack(struct app *a, struct letter *letter)
{
	struct later *l = later_find(a, LATER_ACK, letter->number);
	struct stoa_event ev = event_of(letter->job);

	if (l == NULL) {
		call_failed(&ev, "stoa_ack", -EALREADY, "this ack was given before");
		return;
	}
	letter->effect->to = (struct effect_target){ .nsp = l->nsp, .sid = l->sid, .sid_nsp = l->nsp, .from = l->from };
	letter->effect->ack_id = l->ack_id;
	event_execute(a, &ev, letter->effect);
	later_free(a, l);
}

static void free_job(struct app_job *job)
{
	free(job->sid);
	free(job->nsp);
	free(job->name);
	free(job->from);
	free(job->message);
	free(job);
}

static void open_end(struct app *a, struct app_job *job)
{
	struct stoa_event ev = event_of(job);

	pthread_mutex_lock(&a->mail.lock);
	a->mail.n_jobs--;
	pthread_mutex_unlock(&a->mail.lock);
	metrics_add(M_TASKS, -1);
	ev.status = job->status;
	ev.error = job->message ? job->message : error_words(job->status);
	if (job->done) {
		event_begin(a, &ev);
		event_run_plain(&ev, (struct handler){ job->done, job->work.ctx });
		event_end(a);
	} else if (job->status < 0 && job->status != -ECANCELED) {
		event_log(&ev, "background task failed");
	}
	free_job(job);
}

static void open_effect(struct app *a, struct letter *letter)
{
	struct stoa_event ev = event_of(letter->job);

	event_execute(a, &ev, letter->effect);
}

static void open_letter(struct app *a, struct letter *letter)
{
	struct arena arena = letter->arena;

	switch (letter->kind) {
	case LETTER_EFFECT:
		open_effect(a, letter);
		break;
	case LETTER_QUESTION:
		open_question(a, letter);
		break;
	case LETTER_ACK:
		open_ack(a, letter);
		break;
	case LETTER_END:
		open_end(a, letter->job);
		break;
	}
	arena_fini(&arena);
}

/* Takes what is there; what comes meanwhile waits for the next time, so that work in a hurry does not hold the loop. */
void mail_take(struct app *a)
{
	struct mail *m = &a->mail;
	struct letter *letter, *next;

	pthread_mutex_lock(&m->lock);
	letter = m->first;
	m->first = NULL;
	m->end = &m->first;
	m->count = m->bytes = 0;
	for (int i = 0; i < METRIC_COUNT; i++) {
		metrics_add((enum metric_id)i, m->counts[i]);
		m->counts[i] = 0;
	}
	pthread_mutex_unlock(&m->lock);
	for (; letter; letter = next) {
		next = letter->next;
		open_letter(a, letter);
	}
}

/* --- A job's life ------------------------------------------------------------------------------------------------- */

static char *dup_or_null(const char *text)
{
	return text ? must_strdup(text) : NULL;
}

static struct app_job *job_new(struct app *home, struct stoa_event *ev, struct handler work, stoa_fn *done)
{
	struct app_job *job = must_alloc(sizeof(*job));

	job->home = home;
	job->work = work;
	job->done = done;
	job->sid = dup_or_null(ev->sid);
	job->nsp = must_strdup(ev->nsp);
	job->name = must_strdup(ev->name);
	job->from = dup_or_null(ev->from);
	job->ack_number = event_ack_number(ev);
	job->end = (struct letter){ .kind = LETTER_END, .job = job };
	arena_limit(&job->values, home->limits.max_handler_bytes);
	job->desk = (struct app){ .registry = home->registry,
		.port = home->port,
		.threads = home->threads,
		.clock_ms = home->clock_ms,
		.limits = home->limits,
		.encoding = home->encoding,
		.home = home,
		.arena = { .limit_bytes = home->limits.max_handler_bytes } };
	job->desk.work = &job->values;
	job_forget(&job->desk);
	return job;
}

/* The lock is held for these two. */
static void list_job(struct mail *m, struct app_job *job)
{
	job->next = m->jobs;
	job->at = &m->jobs;
	if (m->jobs)
		m->jobs->at = &job->next;
	m->jobs = job;
}

static void unlist_job(struct app_job *job)
{
	*job->at = job->next;
	if (job->next)
		job->next->at = job->at;
}

static int admit(struct app *home, struct app_job *job, const char **why)
{
	struct mail *m = &home->mail;
	int error = 0;

	pthread_mutex_lock(&m->lock);
	if (m->is_stopping)
		error = -ECANCELED;
	else if (m->n_jobs >= home->limits.max_jobs)
		error = -EAGAIN;
	if (error == 0) {
		list_job(m, job);
		m->n_jobs++;
	}
	pthread_mutex_unlock(&m->lock);
	if (error == 0)
		add(M_TASKS, 1);
	else if (error == -EAGAIN)
		add(M_LIMIT_TASKS, 1);
	*why = error == -EAGAIN ? "too many background tasks" : "the process is ending";
	return error;
}

static void withdraw(struct app *home, struct app_job *job)
{
	pthread_mutex_lock(&home->mail.lock);
	unlist_job(job);
	home->mail.n_jobs--;
	pthread_mutex_unlock(&home->mail.lock);
	add(M_TASKS, -1);
}

int do_start_job(struct stoa_event *ev, stoa_fn *work, stoa_fn *done, void *ctx)
{
	struct app *home;
	struct app_job *job;
	const char *why;
	int error;

	if (target_event((struct stoa_target){ .from = ev }) == NULL || work == NULL)
		return call_failed(ev, "stoa_start_background_task", -EINVAL,
			work ? "not in a handler of this event" : "no function given");
	home = app_home(ev->app);
	if (home->threads == NULL)
		return call_failed(ev, "stoa_start_background_task", -EAGAIN, "no threads for background tasks here");
	job = job_new(home, ev, (struct handler){ work, ctx }, done);
	error = admit(home, job, &why);
	if (error == 0) {
		error = home->threads->start(home->threads->ctx, job);
		why = "no thread for it";
		if (error)
			withdraw(home, job);
	}
	if (error == 0)
		return 0;
	free_job(job);
	return call_failed(ev, "stoa_start_background_task", error, why);
}

static bool is_stopping(struct app *home)
{
	bool is;

	pthread_mutex_lock(&home->mail.lock);
	is = home->mail.is_stopping;
	pthread_mutex_unlock(&home->mail.lock);
	return is;
}

static void note_if_large(struct app_job *job)
{
	if (!job->values.refused)
		return;
	app_count(M_LIMIT_HANDLER_MEMORY);
	log_warn("background task out of memory", LOG_I("max_handler_memory", job->values.limit_bytes),
		LOG_S("event", job->name), LOG_S("nsp", job->nsp), LOG_S("sid", job->sid ? job->sid : "-"));
}

/* The message outlives what the work builds. */
static void keep_message(struct app_job *job, struct stoa_event *ev)
{
	char *message = must_strdup(ev->message);

	free(job->message);
	ev->message = job->message = message;
}

static void run_work(struct app_job *job)
{
	struct stoa_event ev = event_of(job);
	struct app *outer = app_current;

	ev.app = &job->desk;
	ev.ctx = job->work.ctx;
	job->desk.running = &ev;
	app_current = &job->desk;
	job->status = job->work.fn(&ev);
	note_if_large(job);
	app_current = outer;
	if (ev.has_failed && job->status >= 0)
		job->status = -EPERM;
	if (ev.has_failed)
		keep_message(job, &ev);
}

void app_job_run(struct app_job *job)
{
	struct app *home = job->home;

	if (is_stopping(home))
		job->status = -ECANCELED;
	else
		run_work(job);
	arena_fini(&job->desk.arena);
	arena_fini(&job->values);
	buf_fini(&job->desk.scratch);
	pthread_mutex_lock(&home->mail.lock);
	unlist_job(job);
	pthread_mutex_unlock(&home->mail.lock);
	post(home, &job->end);
}

int do_sleep(struct stoa_event *ev, int64_t ms)
{
	struct app *a = app_current;

	if (a == NULL || a->running != ev || !app_is_desk(a))
		return call_failed(ev, "stoa_sleep", -EINVAL, "not in the work of a background task");
	note_if_large(job_of(a));
	if (ev->has_failed)
		keep_message(job_of(a), ev);
	ev->misfit = NULL;
	arena_reset(&job_of(a)->values);
	return a->threads->sleep(a->threads->ctx, ms > 0 ? ms : 0);
}

/* --- The end ------------------------------------------------------------------------------------------------------ */

void jobs_end(struct app *a)
{
	if (a->threads == NULL)
		return;
	pthread_mutex_lock(&a->mail.lock);
	a->mail.is_stopping = true;
	pthread_mutex_unlock(&a->mail.lock);
	a->threads->end(a->threads->ctx);
	mail_take(a);
}

size_t app_jobs_left(struct app *a)
{
	size_t n = 0;

	pthread_mutex_lock(&a->mail.lock);
	for (const struct app_job *job = a->mail.jobs; job; job = job->next) {
		log_error("background task still runs", LOG_S("event", job->name), LOG_S("nsp", job->nsp),
			LOG_S("sid", job->sid ? job->sid : "-"));
		n++;
	}
	pthread_mutex_unlock(&a->mail.lock);
	return n;
}
