/* look.c - what is pending in our partitions: so it is known what was executed, what is to be published again, and what nobody
 * here knows of. */
#include <errno.h>

#include "intake_internal.h"

enum { LOOK_SOON_MS = 50, LOOK_EMPTY_EVERY = 4 };

static int64_t interval_of(const struct intake *in)
{
	return in->config.confirm_ms > 2 * LOOK_SOON_MS ? in->config.confirm_ms / 2 : LOOK_SOON_MS;
}

static void on_id(void *to, struct slice id)
{
	struct part *p = to;
	struct entry *e = entry_find(p, id);

	id_set(&p->look_after, id);
	if (e)
		e->seen_look = p->look;
	else if (p->stray.size == 0)
		id_set(&p->stray, id);
}

/* An entry that was begun since the look began says nothing by not being in it. */
static void judge(struct part *p, int64_t now_ms)
{
	struct entry *e, *next;

	entries_foreach(p, e, next)
	{
		if (e->born_look == p->look)
			continue;
		if (e->seen_look == p->look)
			confirm_seen(e, now_ms);
		else
			confirm_unseen(e);
	}
}

/* One that was just read is unknown as well, until the answer of the read is here. So the oldest of two looks must be the
 * same. */
static void find_strays(struct part *p)
{
	bool again = p->stray.size && slice_equal(id_slice(&p->stray), id_slice(&p->old_stray));

	p->old_stray = p->stray;
	if (again && p->state == PART_READING)
		reading_claim(p);
}

static void look_on(struct part *p);

static void on_look(void *to, int64_t now_ms, int64_t result, struct slice text)
{
	struct part *p = to;

	(void)text;
	p->looking = false;
	if (result < 0 || !part_is_ours(p))
		return;
	if (result > 0) {
		look_on(p);
		return;
	}
	judge(p, now_ms);
	find_strays(p);
	intake_soon(p->in, now_ms);
}

static void look_on(struct part *p)
{
	struct intake *in = p->in;

	p->looking = ops_of(in)->pending(
			     in->streams, p->events, id_slice(&p->look_after), LOOK_PAGE, on_id, on_look, p) == 0;
}

static void look_begin(struct part *p)
{
	p->look++;
	p->look_after.size = p->stray.size = 0;
	look_on(p);
}

static bool is_due(const struct part *p)
{
	if (!part_is_ours(p) || p->looking)
		return false;
	return !TAILQ_EMPTY(&p->entries) || p->old_stray.size || (p->in->n_looks + p->number) % LOOK_EMPTY_EVERY == 0;
}

/* What the queue to Redis had no room for is asked again. */
static void retry(struct part *p, int64_t now_ms)
{
	struct entry *e, *next;

	entries_foreach(p, e, next) jobs_again(e, now_ms);
}

void looks_on_timer(struct timer *t, int64_t now_ms)
{
	struct intake *in = map_item(t, struct intake, looks);
	bool leaving = false;

	timer_set(in->timers, t, looks_on_timer, now_ms + interval_of(in));
	in->n_looks++;
	for (unsigned i = 0; in->up && i < in->config.partitions; i++) {
		struct part *p = &in->parts[i];

		if (part_is_ours(p))
			retry(p, now_ms);
		if (is_due(p))
			look_begin(p);
		leaving |= p->state == PART_LEAVING;
	}
	if (leaving)
		looks_soon(in, now_ms);
	intake_soon(in, now_ms);
}

void looks_soon(struct intake *in, int64_t now_ms)
{
	if (in->looks.due_ms > now_ms + LOOK_SOON_MS || !timer_is_set(&in->looks))
		timer_set(in->timers, &in->looks, looks_on_timer, now_ms + LOOK_SOON_MS);
}
