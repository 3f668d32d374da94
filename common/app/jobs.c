/*
 * jobs.c - background tasks: their work on another thread. What it hands back goes by mail.c; app_job.h says what a
 * desk is.
 *
 * On a desk `values` holds what the work builds: stoa_sleep() empties it.
 */
#include "app_job.h"

#include "alloc.h"
#include "log.h"

#include <errno.h>
#include <stdlib.h>

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

struct stoa_event app_job_event(const struct app_job *job)
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

void app_job_free(struct app_job *job)
{
	free(job->sid);
	free(job->nsp);
	free(job->name);
	free(job->from);
	free(job->message);
	free(job);
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
		mail_count(M_TASKS, 1);
	else if (error == -EAGAIN)
		mail_count(M_LIMIT_TASKS, 1);
	*why = error == -EAGAIN ? "too many background tasks" : "the process is ending";
	return error;
}

static void withdraw(struct app *home, struct app_job *job)
{
	pthread_mutex_lock(&home->mail.lock);
	unlist_job(job);
	home->mail.n_jobs--;
	pthread_mutex_unlock(&home->mail.lock);
	mail_count(M_TASKS, -1);
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
	app_job_free(job);
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
	struct stoa_event ev = app_job_event(job);
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
	mail_post(home, &job->end);
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
