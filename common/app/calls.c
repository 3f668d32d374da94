/* calls.c - asking clients: the pending call, its answers, and going through them. */
#include "internal.h"
#include "metrics.h"

#include <errno.h>

/* --- Asking ------------------------------------------------------------------------------------------------------- */

bool question_fits(struct app *a)
{
	if (a->laters.waiting[LATER_CALL] < a->limits.max_timers)
		return true;
	app_count(M_LIMIT_TIMERS);
	return false;
}

/* Without a function nobody waits, and no time has to be given. */
static int may_ask(struct stoa_event *ev, const struct question *q, const char **why)
{
	*why = "not in a handler of this event";
	if (ev == NULL)
		return -EINVAL;
	if (q->handler.fn == NULL)
		return 0;
	*why = "a time to wait of 0 or less";
	if (q->timeout_ms <= 0)
		return -EINVAL;
	*why = "the process is ending";
	if (ev->app->is_stopping)
		return -ECANCELED;
	*why = "too many calls wait for answers";
	return question_fits(ev->app) ? 0 : -EAGAIN;
}

static int64_t deadline(const struct app *a, int64_t timeout_ms)
{
	int64_t from_ms = a->now_ms + a->limits.call_slack_ms;

	return timeout_ms > INT64_MAX - from_ms ? INT64_MAX : from_ms + timeout_ms;
}

void question_wait(struct app *a, struct effect *e, const struct question *q, struct stoa_event *origin, bool is_single)
{
	/* For an answer, stoa_name() is the event asked. */
	struct stoa_event asked = {
		.sid = origin->sid,
		.nsp = origin->nsp,
		.from = origin->from,
		.name = q->event,
		.ack_number = event_ack_number(origin),
	};
	struct later *l = later_new(a, LATER_CALL, &asked, q->handler, deadline(a, q->timeout_ms));

	l->is_single = is_single;
	if (is_single)
		l->expected = 1;
	arena_limit(&l->arena, a->limits.max_answer_bytes);
	e->call = l->number;
}

/* Only clients are expected to answer one by one; who is there, and what other servers say, the host knows. */
static bool is_single(const struct effect *e)
{
	return e->kind == EFFECT_CALL && e->to.n_rooms == 0 && !e->to.broadcast;
}

static int ask(struct stoa_target to, const struct question *q, int error, const char *why)
{
	struct stoa_event *ev = target_event(to);
	struct effect_target resolved;
	struct payload p = { .n_blobs = 0 };
	struct effect *e = NULL;

	if (error == 0)
		error = may_ask(ev, q, &why);
	if (error == 0 && q->list) {
		error = payload_of_list(ev->app, *q->list, &p);
		why = payload_fault(error);
	}
	if (error == 0)
		error = target_resolve(ev->app, to, &resolved, &why);
	if (error == 0) {
		e = effect_note(ev->app, q->kind, &error);
		why = error == -ENOSPC ? "too many effects in one event" : NULL;
	}
	if (error)
		return call_failed(ev, q->call, error, error == -ENOMEM ? NULL : why);
	e->to = resolved;
	e->timeout_ms = q->timeout_ms;
	effect_pay(e, &p);
	if (app_is_desk(ev->app))
		return job_ask(ev->app, e, q, is_single(e));
	if (q->handler.fn)
		question_wait(ev->app, e, q, ev, is_single(e));
	return 0;
}

int do_call(struct stoa_target to, int64_t timeout_ms, stoa_fn *fn, void *ctx, const char *event, struct stoa_list list)
{
	struct question q = { "stoa_call", EFFECT_CALL, event, &list, { fn, ctx }, timeout_ms };
	const char *why = "no function given";
	int error = fn && event_name_ok(event, &why) ? 0 : -EINVAL;

	return ask(to, &q, error, why);
}

int do_fetch_sockets(struct stoa_target to, int64_t timeout_ms, stoa_fn *fn, void *ctx)
{
	struct question q = { "stoa_fetch_sockets", EFFECT_FETCH, "fetch_sockets", NULL, { fn, ctx }, timeout_ms };

	return ask(to, &q, fn ? 0 : -EINVAL, "no function given");
}

int do_server_side_emit(
	struct stoa_event *ev, int64_t timeout_ms, stoa_fn *fn, void *ctx, const char *event, struct stoa_list list)
{
	struct question q = { "stoa_server_side_emit", EFFECT_SERVERS, event, &list, { fn, ctx }, timeout_ms };
	const char *why = "an event of a server's own";
	int error = event && app_server_event_is_own(slice_str(event)) ? -EINVAL : 0;

	if (error == 0 && !event_name_ok(event, &why))
		error = -EINVAL;
	return ask((struct stoa_target){ .from = ev, .broadcast = true }, &q, error, why);
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

	if (l->answered + l->gone < l->expected)
		return;
	if (l->gone || nobody)
		later_end(a, l, -ENOTCONN);
	else
		later_end(a, l, l->is_cut ? -E2BIG : 0);
}

void app_call_expect(struct app *a, uint64_t call, size_t clients)
{
	struct later *l = find_open(a, call);

	if (l == NULL)
		return;
	l->expected = clients;
	end_if_complete(a, l);
}

/* The copy that a later handler reads. */
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
	*copy = (struct answer){
		.encoding = from->encoding, .flags = from->flags, .blobs = blobs, .n_blobs = from->n_blobs
	};
	copy->items = slice_of(arena_copy(&l->arena, from->items.at, from->items.size), from->items.size);
	if (copy->items.at == NULL)
		return false;
	*l->answers_end = copy;
	l->answers_end = &copy->next;
	return true;
}

/* An answer that is one too many counts as given, but is not kept. */
static bool take_answer(struct app *a, struct later *l, const struct answer *given)
{
	bool fits = a->limits.max_answers == 0 || l->n_kept < a->limits.max_answers;
	bool kept = fits && !l->is_cut && keep_answer(l, given);

	l->n_kept += kept;
	if (kept)
		return true;
	if (!l->is_cut)
		metrics_count(fits ? M_LIMIT_ANSWER_MEMORY : M_LIMIT_ANSWERS);
	l->is_cut = true;
	return false;
}

bool app_call_found(struct app *a, uint64_t call, struct slice json)
{
	struct answer given = { .items = json, .flags = JSON_REWRITE };
	struct later *l = find_open(a, call);

	if (l == NULL || !take_answer(a, l, &given))
		return false;
	l->answered++;
	return true;
}

void app_answer(struct app *a, int64_t now_ms, uint64_t call, const char *sid, struct slice items, unsigned flags,
	const struct slice *blobs, size_t n_blobs)
{
	struct answer given = {
		.encoding = a->encoding, .items = items, .flags = flags, .blobs = blobs, .n_blobs = n_blobs
	};
	struct later *l = find_open(a, call);

	(void)sid; /* who answered is the host's to check */
	a->now_ms = now_ms;
	if (l) {
		take_answer(a, l, &given);
		l->answered++;
		end_if_complete(a, l);
	}
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

void app_call_silent(struct app *a, uint64_t call, struct slice name)
{
	struct later *l = find_open(a, call);
	struct missing *m = l ? arena_zero(&l->arena, sizeof(*m)) : NULL;
	char *copy = m ? arena_copy(&l->arena, name.at, name.size) : NULL;

	if (copy == NULL)
		return;
	m->name = slice_of(copy, name.size);
	m->next = l->missing;
	l->missing = m;
}

void app_call_end(struct app *a, uint64_t call, int status)
{
	struct later *l = find_open(a, call);

	if (l)
		later_end(a, l, status);
}

/* --- Going through them ------------------------------------------------------------------------------------------- */

struct stoa_value do_missing(struct stoa_event *ev)
{
	struct stoa_value *names;
	size_t n = 0;

	for (const struct missing *m = ev->missing; m; m = m->next)
		n++;
	names = arena_take(ev->app->work, n * sizeof(*names));
	if (names == NULL)
		return value_array(NULL, 0);
	n = 0;
	for (const struct missing *m = ev->missing; m; m = m->next)
		names[n++] = value_text(m->name);
	return value_array(names, n);
}

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

size_t do_answers(struct stoa_event *ev)
{
	size_t n = 0;

	for (const struct answer *answer = ev->answers; answer; answer = answer->next)
		n++;
	return n;
}
