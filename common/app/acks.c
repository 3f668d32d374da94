/* acks.c - acks that clients asked for: now, later, and when nobody gave them. */
#include "internal.h"
#include "metrics.h"

#include <errno.h>

int ack_send(struct app *a, const char *nsp, const char *sid, void *host, uint64_t ack_id, const struct payload *p)
{
	struct effect *e = effect_add(a, EFFECT_ACK);

	if (e == NULL)
		return -ENOMEM;
	e->to = (struct effect_target){
		.nsp = nsp, .sid = sid, .sid_nsp = nsp, .host = host, .sender = host, .from = a->running->from
	};
	e->ack_id = ack_id;
	effect_pay(e, p);
	return 0;
}

static int send_own(struct stoa_event *ev, const struct payload *p)
{
	ev->ack = ACK_GIVEN;
	return ack_send(ev->app, ev->nsp, ev->sid, ev->client ? ev->client->host : NULL, ev->in->ack_id, p);
}

/* --- When nobody gave it ------------------------------------------------------------------------------------------ */

void ack_settle_failed(struct stoa_event *ev, const char *message)
{
	struct payload p;

	if (ev->ack != ACK_OPEN && ev->ack != ACK_LOST)
		return;
	payload_of_error(ev->app, message, &ev->data, &p);
	send_own(ev, &p);
}

void ack_settle(struct stoa_event *ev, bool handled)
{
	struct payload none = payload_empty(ev->app);

	if (ev->ack == ACK_LOST)
		ack_settle_failed(ev, "too many deferred acks");
	else if (ev->ack == ACK_OPEN && handled)
		send_own(ev, &none);
}

/* The event failed after its ack was taken out: nobody may come to use it, so it is answered here. */
void ack_revoke(struct stoa_event *ev)
{
	struct later *l = ev->ack == ACK_TAKEN ? later_find(ev->app, LATER_ACK, ev->ack_number) : NULL;

	if (l == NULL)
		return;
	later_free(ev->app, l);
	ev->ack = ACK_OPEN;
}

/* --- Later -------------------------------------------------------------------------------------------------------- */

uint64_t event_ack_number(struct stoa_event *ev)
{
	if (ev->ack_number == 0 && ev->ack == ACK_OPEN)
		ev->ack_number = ++ev->app->laters.last_number;
	return ev->ack_number;
}

static int64_t ack_due_ms(const struct app *a)
{
	return a->limits.ack_timeout_ms > 0 ? a->now_ms + a->limits.ack_timeout_ms : INT64_MAX;
}

static struct stoa_ack ack_made(enum stoa_ack_kind kind, uint64_t number)
{
	return (struct stoa_ack){ { kind, number } };
}

void do_defer(struct stoa_event *ev, struct stoa_ack *taken)
{
	struct app *a = ev->app;
	struct later *l;

	*taken = ack_made(ev->ack == ACK_NOT_ASKED ? STOA_ACK_NONE : STOA_ACK_SPENT, 0);
	if (ev->ack != ACK_OPEN || a->running != ev)
		return;
	if (a->is_stopping || a->laters.waiting[LATER_ACK] >= a->limits.max_timers) {
		metrics_count(M_LIMIT_TIMERS);
		call_failed(ev, "stoa_defer", -EAGAIN, "too many deferred acks");
		ev->ack = ACK_LOST;
		*taken = ack_made(STOA_ACK_FULL, 0);
		return;
	}
	l = later_new(a, LATER_ACK, ev, (struct handler){ NULL, NULL }, ack_due_ms(a));
	l->ack_id = ev->in->ack_id;
	ev->ack = ACK_TAKEN;
	*taken = ack_made(STOA_ACK_LATER, l->number);
}

/* On a desk nobody can look whether it is still there: job_ack()'s letter does. */
void do_asked(struct stoa_event *ev, struct stoa_ack *ack)
{
	struct app *a = ev->app;
	bool is_later = ev->in == NULL && ev->ack_number != 0;

	if (is_later && (app_is_desk(a) || later_find(a, LATER_ACK, ev->ack_number)))
		*ack = ack_made(STOA_ACK_LATER, ev->ack_number);
	else
		*ack = ack_made(STOA_ACK_NONE, 0);
}

/* Nobody used it in time, or the process ends. */
void ack_run_later(struct app *a, struct later *l)
{
	struct stoa_event ev = {
		.app = a, .nsp = l->nsp, .sid = l->sid, .from = l->from, .is_later = true, .name = l->name, .error = ""
	};
	struct payload p;

	event_begin(a, &ev);
	if (l->status == -ETIMEDOUT) {
		metrics_count(M_LIMIT_ACK_TIME);
		ev.error = "a deferred ack was never given";
		event_log(&ev, "ack timeout");
	}
	if (payload_of_error(
		    a, l->status == -ETIMEDOUT ? error_words(-ETIMEDOUT) : "the server is stopping", NULL, &p) == 0)
		ack_send(a, l->nsp, l->sid, NULL, l->ack_id, &p);
	event_end(a);
	later_free(a, l);
}

/* --- The call ----------------------------------------------------------------------------------------------------- */

static int failed(struct stoa_event *ev, int error)
{
	const char *why = NULL;

	if (error == -EINVAL || error == -E2BIG)
		why = payload_fault(error);
	else if (error == -EALREADY)
		why = "this ack was given or taken out before";
	else if (error == -EAGAIN)
		why = "too many deferred acks";
	return call_failed(ev, "stoa_ack", error, why);
}

static int ack_event(struct stoa_event *ev, struct stoa_list list)
{
	struct payload p;
	int error = -EALREADY;

	if (ev->ack == ACK_NOT_ASKED)
		return 0;
	if (ev->ack == ACK_LOST)
		return failed(ev, -EAGAIN);
	if (ev->ack == ACK_OPEN)
		error = payload_of_list(ev->app, list, &p);
	if (error == 0)
		error = send_own(ev, &p);
	return error ? failed(ev, error) : 0;
}

/* text as it outlives the one that waits; NULL stays what it is. */
static const char *copy_text(struct app *a, const char *text)
{
	return text ? arena_copy(&a->arena, text, strlen(text)) : NULL;
}

/* The number is used up only by an ack that could be noted. */
static int ack_later(struct app *a, uint64_t number, struct stoa_list list)
{
	struct later *l;
	int error;
	struct payload p;
	const char *sid, *nsp;
	struct effect *e;

	if (app_is_desk(a)) {
		error = payload_of_list(a, list, &p);
		return error ? failed(a->running, error) : job_ack(a, number, &p);
	}
	l = later_find(a, LATER_ACK, number);
	error = l ? 0 : -EALREADY;
	if (error == 0)
		error = payload_of_list(a, list, &p);
	if (error == 0 && (e = effect_note(a, EFFECT_ACK, &error))) {
		sid = copy_text(a, l->sid);
		nsp = copy_text(a, l->nsp);
		e->to = (struct effect_target){ .nsp = nsp ? nsp : "/",
			.sid = sid || l->sid == NULL ? sid : "",
			.sid_nsp = nsp ? nsp : "/",
			.from = copy_text(a, l->from) };
		e->ack_id = l->ack_id;
		effect_pay(e, &p);
		later_free(a, l);
	}
	return error ? failed(a->running, error) : 0;
}

int do_ack(struct stoa_ack ack, struct stoa_list list)
{
	struct app *a = app_current;
	struct stoa_event *ev = a ? a->running : NULL;

	if (ev == NULL || (ack.words_[0] == STOA_ACK_EVENT && ack.words_[1] != (uint64_t)(uintptr_t)ev))
		return call_failed(ev, "stoa_ack", -EINVAL, "not in a handler of this event");
	switch ((enum stoa_ack_kind)ack.words_[0]) {
	case STOA_ACK_NONE:
		return 0;
	case STOA_ACK_EVENT:
		return ack_event(ev, list);
	case STOA_ACK_LATER:
		return ack_later(a, ack.words_[1], list);
	case STOA_ACK_SPENT:
		return failed(ev, -EALREADY);
	case STOA_ACK_FULL:
		return failed(ev, -EAGAIN);
	}
	return failed(ev, -EALREADY);
}
