/*
 * mail.c - what background tasks hand back: letters, written on a job's desk and opened on the loop's thread.
 *
 * On a desk `arena` holds what calls note: it goes with each letter, which takes the effect and its payload along in
 * it, and nothing is copied. Without the loop's thread there are no laters, no clients and no metrics: see job_ask(),
 * job_ack(), app_count(). The loop's thread opens the letters with app_tick(), in order.
 */
#include "app_job.h"

#include <errno.h>

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

int mail_post(struct app *home, struct letter *letter)
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

void mail_count(enum metric_id id, int64_t n)
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
	mail_count(id, 1);
}

/* --- On a desk: what leaves --------------------------------------------------------------------------------------- */

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
	error = mail_post(desk->home, letter);
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

/* The work was told that its question is on its way, so its function runs whatever becomes of it. */
static void open_question(struct app *a, struct letter *letter)
{
	struct stoa_event origin = app_job_event(letter->job);
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
	struct stoa_event ev = app_job_event(letter->job);

	if (l == NULL) {
		call_failed(&ev, "stoa_ack", -EALREADY, "this ack was given before");
		return;
	}
	letter->effect->to = (struct effect_target){ .nsp = l->nsp, .sid = l->sid, .sid_nsp = l->nsp, .from = l->from };
	letter->effect->ack_id = l->ack_id;
	event_execute(a, &ev, letter->effect);
	later_free(a, l);
}

static void open_end(struct app *a, struct app_job *job)
{
	struct stoa_event ev = app_job_event(job);

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
	app_job_free(job);
}

static void open_effect(struct app *a, struct letter *letter)
{
	struct stoa_event ev = app_job_event(letter->job);

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
