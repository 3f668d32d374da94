/* timers.c - stoa_after(), stoa_cancel() and the periodic tasks; and the running of whatever waited. */
#include "internal.h"
#include "metrics.h"

#include <errno.h>

int64_t do_after(struct stoa_event *ev, int64_t ms, stoa_fn *fn, void *ctx)
{
	struct app *a = app_current;

	if (ev == NULL || a == NULL || a->running != ev || fn == NULL)
		return call_failed(
			ev, "stoa_after", -EINVAL, fn ? "not in a handler of this event" : "no function given");
	if (app_is_desk(a))
		return call_failed(ev, "stoa_after", -EINVAL, "not in a background task");
	if (a->is_stopping)
		return call_failed(ev, "stoa_after", -ECANCELED, "the process is ending");
	if (a->laters.waiting[LATER_TIMER] >= a->limits.max_timers) {
		metrics_count(M_LIMIT_TIMERS);
		return call_failed(ev, "stoa_after", -EAGAIN, "too many timers");
	}
	if (ms < 0)
		ms = 0;
	if (ms > INT64_MAX - a->now_ms)
		ms = INT64_MAX - a->now_ms;
	return (int64_t)later_new(a, LATER_TIMER, ev, (struct handler){ fn, ctx }, a->now_ms + ms)->number;
}

void do_cancel(struct stoa_event *ev, int64_t timer)
{
	struct later *l = NULL;

	if (app_is_desk(ev->app))
		call_failed(ev, "stoa_cancel", -EINVAL, "not in a background task");
	else if (timer > 0)
		l = later_find(ev->app, LATER_TIMER, (uint64_t)timer);
	/* The one that runs now is still in the table, but has ended already: nothing more happens to it. */
	if (l)
		later_end(ev->app, l, -ECANCELED);
}

void tasks_begin(struct app *a)
{
	for (const struct task *t = a->registry.tasks; t; t = t->next)
		if (t->period_ms > 0)
			later_new(a, LATER_TASK, NULL, t->handler, a->now_ms + t->period_ms)->task = t;
}

void tasks_end(struct app *a)
{
	struct map_node *node, *next;

	map_foreach(&a->laters.by_number, node, next)
	{
		struct later *l = map_item(node, struct later, by_number);

		if (l->kind == LATER_TASK)
			later_free(a, l);
	}
}

/* The next beat that is still to come: those that were missed are not made up for. */
static int64_t next_beat(const struct later *l, int64_t now_ms)
{
	int64_t period = l->task->period_ms, late = now_ms - l->due_ms;

	return l->due_ms + (late / period + 1) * period;
}

static void run_handler(struct app *a, struct later *l)
{
	struct stoa_event ev = {
		.app = a,
		.answers = l->answers,
		.answer = l->answers,
		.missing = l->missing,
		.sid = l->sid,
		.nsp = l->nsp,
		.from = l->from,
		.is_later = true,
		.name = l->task ? l->task->name : l->name,
		.status = l->status,
		.error = error_words(l->status),
		.ack_number = l->ack_number,
	};

	event_begin(a, &ev);
	event_run_plain(&ev, l->handler);
	event_end(a);
}

void later_run(struct app *a, struct later *l)
{
	switch (l->kind) {
	case LATER_ACK:
		ack_run_later(a, l);
		return;
	case LATER_TASK:
		later_again(a, l, next_beat(l, a->now_ms));
		run_handler(a, l);
		return;
	case LATER_CALL:
		if (l->status == -ETIMEDOUT)
			metrics_count(M_CALL_TIMEOUTS);
		break;
	case LATER_TIMER:
	case LATER_KINDS:
		break;
	}
	later_begin(a, l);
	run_handler(a, l);
	later_free(a, l);
}
