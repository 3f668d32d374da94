/* calls.c - asking clients: the pending call, its answers, and going through them. */
#include "internal.h"
#include "metrics.h"

#include <errno.h>

/* --- Asking ------------------------------------------------------------------------------------------------------- */

static int may_call(struct stoa_event *ev, int64_t timeout_ms, stoa_fn *fn, const char *event, const char **why)
{
	struct app *a;

	*why = "not in a handler of this event";
	if (ev == NULL)
		return -EINVAL;
	a = ev->app;
	*why = "no function given";
	if (fn == NULL)
		return -EINVAL;
	*why = "a time to wait of 0 or less";
	if (timeout_ms <= 0)
		return -EINVAL;
	if (!event_name_ok(event, why))
		return -EINVAL;
	*why = "the process is ending";
	if (a->is_stopping)
		return -ECANCELED;
	*why = "too many calls wait for answers";
	if (a->laters.waiting[LATER_CALL] < a->limits.max_timers)
		return 0;
	metrics_count(M_LIMIT_TIMERS);
	return -EAGAIN;
}

static int64_t deadline(const struct app *a, int64_t timeout_ms)
{
	return timeout_ms > INT64_MAX - a->now_ms ? INT64_MAX : a->now_ms + timeout_ms;
}

/* For an answer, stoa_name() is the event asked. */
static struct later *pending(struct stoa_event *ev, const char *event, struct handler h, int64_t timeout_ms)
{
	struct stoa_event origin = { .sid = ev->sid, .nsp = ev->nsp, .name = event };

	return later_new(ev->app, LATER_CALL, &origin, h, deadline(ev->app, timeout_ms));
}

int do_call(struct stoa_target to, int64_t timeout_ms, stoa_fn *fn, void *ctx, const char *event, struct stoa_list list)
{
	struct stoa_event *ev = target_event(to);
	struct effect_target resolved;
	struct payload p;
	struct effect *e = NULL;
	struct later *l;
	const char *why = NULL;
	int error = may_call(ev, timeout_ms, fn, event, &why);

	if (error == 0) {
		error = payload_of_list(ev->app, list, &p);
		why = error == -EINVAL ? "a value that cannot be sent" : NULL;
	}
	if (error == 0)
		error = target_resolve(ev->app, to, &resolved, &why);
	if (error == 0) {
		e = effect_note(ev->app, EFFECT_CALL, &error);
		why = error == -ENOSPC ? "too many effects in one event" : NULL;
	}
	if (error)
		return call_failed(ev, "stoa_call", error, why);
	l = pending(ev, event, (struct handler){ fn, ctx }, timeout_ms);
	l->is_single = resolved.n_rooms == 0 && !resolved.broadcast;
	if (l->is_single)
		l->expected = 1;
	e->to = resolved;
	e->call = l->number;
	effect_pay(e, &p);
	return 0;
}

/* --- Answers ------------------------------------------------------------------------------------------------------ */

static struct later *find_open(struct app *a, uint64_t call)
{
	struct later *l = later_find(a, LATER_CALL, call);

	return l && !l->is_ready ? l : NULL;
}

static void end_if_complete(struct app *a, struct later *l)
{
	bool nobody = l->is_single && l->expected == 0;

	if (l->answered + l->gone >= l->expected)
		later_end(a, l, l->gone || nobody ? -ENOTCONN : 0);
}

void app_call_expect(struct app *a, uint64_t call, size_t clients)
{
	struct later *l = find_open(a, call);

	if (l == NULL)
		return;
	l->expected = clients;
	end_if_complete(a, l);
}

/* The copy that a later handler reads; an answer that there is no memory for counts as none. */
static bool keep_answer(struct later *l, const struct answer *from)
{
	struct answer *copy = arena_zero(&l->arena, sizeof(*copy));
	struct slice *blobs = arena_take(&l->arena, from->n_blobs * sizeof(*blobs));

	if (copy == NULL || blobs == NULL)
		return false;
	for (size_t i = 0; i < from->n_blobs; i++) {
		const struct slice *b = &from->blobs[i];
		blobs[i] = slice_of(arena_copy(&l->arena, b->at, b->size), b->size);
		if (blobs[i].at == NULL)
			return false;
	}
	*copy = (struct answer){ .flags = from->flags, .blobs = blobs, .n_blobs = from->n_blobs };
	copy->items = slice_of(arena_copy(&l->arena, from->items.at, from->items.size), from->items.size);
	if (copy->items.at == NULL)
		return false;
	*l->answers_end = copy;
	l->answers_end = &copy->next;
	return true;
}

void app_answer(struct app *a, int64_t now_ms, uint64_t call, const char *sid, struct slice items, unsigned flags,
	const struct slice *blobs, size_t n_blobs)
{
	struct answer given = { .items = items, .flags = flags, .blobs = blobs, .n_blobs = n_blobs };
	struct later *l = find_open(a, call);

	(void)sid; /* who answered is the host's to check */
	a->now_ms = now_ms;
	if (l && keep_answer(l, &given))
		l->answered++;
	else if (l)
		l->gone++;
	if (l)
		end_if_complete(a, l);
	later_drain(a);
}

void app_answer_gone(struct app *a, int64_t now_ms, uint64_t call, const char *sid)
{
	struct later *l = find_open(a, call);

	(void)sid;
	a->now_ms = now_ms;
	if (l) {
		l->gone++;
		end_if_complete(a, l);
	}
	later_drain(a);
}

/* --- Going through them ------------------------------------------------------------------------------------------- */

/* The first answer is the event's from the start, so the first step only says whether there is one. */
bool do_next(struct stoa_event *ev)
{
	if (ev->walking && ev->answer) {
		ev->answer = ev->answer->next;
		ev->has_args = false;
	}
	ev->walking = true;
	return ev->answer != NULL;
}
