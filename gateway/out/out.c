/* out.c - see out.h. */
#include "out.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

enum { FIRST_CAP = 4, KEEP_CAP = 16 };

_Static_assert(sizeof(struct out) <= 64, "a delivery touches one cache line");

static void list_init(struct out_list *list)
{
	list->first = NULL;
	list->end = &list->first;
}

int out_lane_init(struct out_lane *lane, size_t limit_bytes)
{
	*lane = (struct out_lane){ .limit_bytes = limit_bytes };
	list_init(&lane->soon);
	list_init(&lane->later);
	out_bulk(lane, false);
	lane->scratch = malloc(OUT_SCRATCH_BYTES);
	return lane->scratch ? 0 : -ENOMEM;
}

static void release(struct out_batch *b)
{
	for (uint32_t i = 0; i < b->n; i++)
		frame_unref_times(b->frames[i], b->given);
	b->n = 0;
}

void out_lane_fini(struct out_lane *lane)
{
	release(&lane->batch);
	free(lane->scratch);
	lane->scratch = NULL;
}

/* --- A queue ------------------------------------------------------------------------------------------------------ */

void out_init(struct out *o, struct out_lane *lane)
{
	*o = (struct out){ .lane = lane, .cap = 1 };
}

/* The oldest first, `count` of them. */
static struct frame *const *queue(const struct out *o)
{
	return o->cap == 1 ? &o->one : o->many + o->first;
}

static struct frame **place(struct out *o, uint32_t i)
{
	return o->cap == 1 ? &o->one : &o->many[o->first + i];
}

/* Apart, because it is rare. */
static __attribute__((noinline)) void give_back_places(struct out *o)
{
	free(o->many);
	o->cap = 1;
}

/* The frames are somebody else's from here on, all or the first n. */
static void forget_all(struct out *o)
{
	o->queued_bytes = 0;
	o->tagged = 0;
	o->first = o->count = 0;
	if (o->cap > KEEP_CAP)
		give_back_places(o);
}

static void forget(struct out *o, uint32_t n)
{
	if (n == o->count) {
		forget_all(o);
		return;
	}
	for (uint32_t i = 0; i < n; i++) {
		const struct frame *f = queue(o)[i];

		o->queued_bytes -= f->size;
		o->tagged -= f->tag_size != 0;
	}
	o->first += n;
	o->count -= n;
}

void out_close(struct out *o)
{
	for (uint32_t i = 0; i < o->count; i++)
		frame_unref(queue(o)[i]);
	forget_all(o);
	if (o->cap > 1)
		free(o->many);
	o->cap = 0;
	o->many = NULL;
	o->flags |= OUT_CLOSED;
}

/* False: it is not in this list. */
static bool unlink_from(struct out_list *list, const struct out *o)
{
	struct out **at = &list->first;

	while (*at && *at != o)
		at = &(*at)->next_dirty;
	if (*at == NULL)
		return false;
	*at = o->next_dirty;
	if (*at == NULL)
		list->end = at;
	return true;
}

void out_fini(struct out *o)
{
	assert(o->flags & OUT_CLOSED);
	if ((o->flags & OUT_DIRTY) && !unlink_from(&o->lane->soon, o))
		unlink_from(&o->lane->later, o);
	o->flags = OUT_CLOSED;
}

/* Room for one more: the queue moves to the front when half is free there, or to twice the places. */
static bool make_room(struct out *o)
{
	uint32_t cap = o->cap == 1 ? FIRST_CAP : o->cap * 2;
	struct frame **many;

	if (o->first && o->first >= o->cap / 2) {
		memmove(o->many, queue(o), o->count * sizeof(struct frame *));
		o->first = 0;
		return true;
	}
	many = malloc(cap * sizeof(struct frame *));
	if (many == NULL)
		return false;
	memcpy(many, queue(o), o->count * sizeof(struct frame *));
	if (o->cap > 1)
		free(o->many);
	o->many = many;
	o->first = 0;
	o->cap = cap;
	return true;
}

bool out_lend_slow(struct out *o, struct frame *f)
{
	if (o->flags & (OUT_CLOSED | OUT_OVERFLOWED))
		return false;
	if (!(o->flags & OUT_DIRTY))
		out_mark_dirty(o);
	/* A frame larger than the limit still passes when it is alone: the limit bounds what waits, not what is said. */
	if ((o->queued_bytes && o->queued_bytes + f->size > o->lane->limit_bytes) ||
		(o->first + o->count == o->cap && !make_room(o))) {
		o->flags |= OUT_OVERFLOWED;
		return false;
	}
	*place(o, o->count++) = f;
	o->queued_bytes += f->size;
	o->tagged += f->tag_size != 0;
	return true;
}

bool out_push(struct out *o, struct frame *f)
{
	bool queued = out_lend(o, f);

	frame_ref_times(f, queued);
	return queued;
}

/* The newest with that tag, counted from the oldest; o->count: there is none. */
static uint32_t find_tag(const struct out *o, struct slice tag)
{
	uint32_t left = o->tagged;

	for (uint32_t i = o->count; left && i-- > 0;) {
		const struct frame *f = queue(o)[i];

		if (f->tag_size == 0)
			continue;
		if (slice_equal(frame_tag(f), tag))
			return i;
		left--;
	}
	return o->count;
}

static void take_out(struct out *o, uint32_t i)
{
	struct frame **at = place(o, i), *f = *at;

	o->count--;
	memmove(at, at + 1, (o->count - i) * sizeof(struct frame *));
	o->tagged--;
	o->queued_bytes -= f->size;
	frame_unref(f);
}

bool out_push_latest(struct out *o, struct frame *f, bool *dropped)
{
	uint32_t i = o->flags & (OUT_CLOSED | OUT_OVERFLOWED) ? o->count : find_tag(o, frame_tag(f));

	*dropped = i < o->count;
	if (*dropped)
		take_out(o, i);
	return out_push(o, f);
}

void out_wake(struct out *o)
{
	if (o->count && !(o->flags & OUT_DIRTY))
		out_mark_dirty(o);
}

struct frame *out_peek(const struct out *o)
{
	return o->count ? *queue(o) : NULL;
}

struct frame *out_at(const struct out *o, uint32_t i)
{
	return i < o->count ? queue(o)[i] : NULL;
}

struct frame *out_pop(struct out *o)
{
	struct frame *f = out_peek(o);

	if (f == NULL)
		return NULL;
	forget(o, 1);
	return f;
}

/* --- Taking ------------------------------------------------------------------------------------------------------- */

static const struct frame *formed(const struct out_form *form, struct frame *f)
{
	return form ? form->of(form, f) : f;
}

/* Copies as many of n frames to the scratch as fit; the bytes. */
static struct slice gather(struct out_lane *lane, struct frame *const *frames, uint32_t n)
{
	struct out_batch *b = &lane->batch;
	size_t size = 0;

	for (b->n = 0; b->n < n && b->n < OUT_BATCH_FRAMES; b->n++) {
		const struct frame *f = formed(b->form, frames[b->n]);

		if (f->size > OUT_SCRATCH_BYTES - size)
			break;
		memcpy(lane->scratch + size, f->bytes, f->size);
		size += f->size;
		b->frames[b->n] = frames[b->n];
	}
	return slice_of(lane->scratch, size);
}

/* Apart from out_take(), which is to be short. */
static __attribute__((noinline)) const struct out_batch *take_anew(struct out *o, const struct out_form *form)
{
	struct out_batch *b = &o->lane->batch;
	const struct frame *f = formed(form, *queue(o));

	release(b);
	b->form = form;
	b->given = 1;
	if (o->count == 1 || f->size >= OUT_SCRATCH_BYTES / 2) {
		b->bytes = slice_of(f->bytes, f->size);
		b->frames[0] = *queue(o);
		b->n = 1;
	} else {
		b->bytes = gather(o->lane, queue(o), o->count);
	}
	forget(o, b->n);
	return b;
}

static bool is_whole_queue(const struct out *o, const struct out_batch *b)
{
	struct frame *const *frames = queue(o);

	if (o->count != b->n)
		return false;
	for (uint32_t i = 0; i < b->n; i++)
		if (frames[i] != b->frames[i])
			return false;
	return true;
}

const struct out_batch *out_take(struct out *o, const struct out_form *form)
{
	struct out_batch *b = &o->lane->batch;

	if (form != b->form || !is_whole_queue(o, b))
		return take_anew(o, form);
	b->given++;
	forget_all(o);
	return b;
}

/* --- The end of a turn -------------------------------------------------------------------------------------------- */

/* The first of a list. Of the next one what its owner looks at, behind the record too, is fetched meanwhile. */
static struct out *next(struct out_list *list)
{
	struct out *o = list->first;

	if (o == NULL)
		return NULL;
	list->first = o->next_dirty;
	if (list->first == NULL) {
		list->end = &list->first;
	} else {
		__builtin_prefetch(list->first);
		__builtin_prefetch(list->first + 1);
	}
	o->flags &= (uint8_t)~OUT_DIRTY;
	return o;
}

static void flush(struct out_lane *lane, struct out_list *list, uint32_t most)
{
	struct out *o;

	while (most-- && (o = next(list))) {
		if (o->flags == 0 && o->count)
			lane->ops->flush(o);
		else if (o->flags == OUT_OVERFLOWED)
			lane->ops->overflow(o, lane->now_ms);
	}
}

bool out_flush_turn(struct out_lane *lane, int64_t now_ms)
{
	lane->now_ms = now_ms;
	flush(lane, &lane->soon, UINT32_MAX);
	flush(lane, &lane->later, OUT_SLICE);
	/* What the owners have dirtied meanwhile. */
	flush(lane, &lane->soon, UINT32_MAX);
	release(&lane->batch);
	return lane->later.first != NULL;
}

void out_flush_all(struct out_lane *lane, int64_t now_ms)
{
	while (out_flush_turn(lane, now_ms))
		continue;
}
