/* out.c - see out.h. */
#include "out.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

enum { FIRST_CAP = 4, KEEP_CAP = 16 };

_Static_assert(sizeof(struct out) <= 64, "a delivery touches one cache line");

int out_lane_init(struct out_lane *lane, size_t limit_bytes)
{
	lane->dirty = lane->later = NULL;
	lane->dirty_end = &lane->dirty;
	lane->later_end = &lane->later;
	lane->bulk = false;
	lane->limit_bytes = limit_bytes;
	lane->scratch = malloc(OUT_SCRATCH_BYTES);
	return lane->scratch ? 0 : -ENOMEM;
}

void out_lane_fini(struct out_lane *lane)
{
	free(lane->scratch);
	lane->scratch = NULL;
}

void out_init(struct out *o, struct out_lane *lane, const struct out_ops *ops)
{
	*o = (struct out){ .lane = lane, .ops = ops };
}

static void free_ring(struct out *o)
{
	free(o->ring);
	o->ring = NULL;
	o->cap = o->head = 0;
}

void out_close(struct out *o)
{
	while (o->count)
		frame_unref(out_pop(o));
	free_ring(o);
	o->closed = true;
}

/* False: it is not in this list. */
static bool unlink_from(struct out **first, struct out ***end, const struct out *o)
{
	struct out **at = first;

	while (*at && *at != o)
		at = &(*at)->next_dirty;
	if (*at == NULL)
		return false;
	*at = o->next_dirty;
	if (*at == NULL)
		*end = at;
	return true;
}

static void unlink_dirty(const struct out *o)
{
	struct out_lane *lane = o->lane;

	if (!unlink_from(&lane->dirty, &lane->dirty_end, o))
		unlink_from(&lane->later, &lane->later_end, o);
}

void out_fini(struct out *o)
{
	assert(o->closed);
	if (o->dirty)
		unlink_dirty(o);
	o->dirty = false;
}

static void mark_dirty(struct out *o)
{
	struct out_lane *lane = o->lane;
	struct out ***end = lane->bulk ? &lane->later_end : &lane->dirty_end;

	if (o->dirty)
		return;
	o->dirty = true;
	o->next_dirty = NULL;
	**end = o;
	*end = &o->next_dirty;
}

static bool grow(struct out *o)
{
	uint32_t cap = o->cap ? o->cap * 2 : FIRST_CAP;
	struct frame **ring = malloc(cap * sizeof(struct frame *));

	if (ring == NULL)
		return false;
	for (uint32_t i = 0; i < o->count; i++)
		ring[i] = o->ring[(o->head + i) & (o->cap - 1)];
	free(o->ring);
	o->ring = ring;
	o->head = 0;
	o->cap = cap;
	return true;
}

bool out_push(struct out *o, struct frame *f)
{
	if (o->closed || o->overflowed)
		return false;
	mark_dirty(o);
	/* A frame larger than the limit still passes when it is alone: the limit bounds what waits, not what is said. */
	if ((o->queued_bytes && o->queued_bytes + f->size > o->lane->limit_bytes) || (o->count == o->cap && !grow(o))) {
		o->overflowed = true;
		return false;
	}
	o->ring[(o->head + o->count++) & (o->cap - 1)] = frame_ref(f);
	o->queued_bytes += f->size;
	o->tagged += f->tag_size != 0;
	return true;
}

static struct frame **place(const struct out *o, uint32_t i)
{
	return &o->ring[(o->head + i) & (o->cap - 1)];
}

/* The newest with that tag, counted from the oldest; o->count: there is none. */
static uint32_t find_tag(const struct out *o, struct slice tag)
{
	uint32_t left = o->tagged;

	for (uint32_t i = o->count; left && i-- > 0;) {
		const struct frame *f = *place(o, i);

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
	struct frame *f = *place(o, i);

	for (; i + 1 < o->count; i++)
		*place(o, i) = *place(o, i + 1);
	o->count--;
	o->tagged--;
	o->queued_bytes -= f->size;
	frame_unref(f);
}

bool out_push_latest(struct out *o, struct frame *f, bool *dropped)
{
	uint32_t i = o->closed || o->overflowed ? o->count : find_tag(o, frame_tag(f));

	*dropped = i < o->count;
	if (*dropped)
		take_out(o, i);
	return out_push(o, f);
}

void out_wake(struct out *o)
{
	if (o->count && !o->closed)
		mark_dirty(o);
}

struct frame *out_peek(const struct out *o)
{
	return o->count ? o->ring[o->head] : NULL;
}

struct frame *out_at(const struct out *o, uint32_t i)
{
	return i < o->count ? *place(o, i) : NULL;
}

struct frame *out_pop(struct out *o)
{
	struct frame *f = out_peek(o);

	if (f == NULL)
		return NULL;
	o->head = (o->head + 1) & (o->cap - 1);
	o->count--;
	o->queued_bytes -= f->size;
	o->tagged -= f->tag_size != 0;
	if (o->count == 0 && o->cap > KEEP_CAP)
		free_ring(o);
	return f;
}

void out_drop(struct out *o, uint32_t frames)
{
	while (frames--)
		frame_unref(out_pop(o));
}

static const struct frame *formed(const struct out_form *form, struct frame *f)
{
	return form ? form->of(form, f) : f;
}

struct slice out_gather(struct out *o, const struct out_form *form, uint32_t *frames)
{
	const struct frame *f = formed(form, out_peek(o));
	size_t size = 0;

	*frames = 1;
	if (o->count == 1 || f->size >= OUT_SCRATCH_BYTES / 2)
		return slice_of(f->bytes, f->size);
	for (*frames = 0; *frames < o->count; (*frames)++) {
		f = formed(form, *place(o, *frames));
		if (f->size > OUT_SCRATCH_BYTES - size)
			break;
		memcpy(o->lane->scratch + size, f->bytes, f->size);
		size += f->size;
	}
	return slice_of(o->lane->scratch, size);
}

/* The first of a list. Of the next one what its owner looks at, behind the record too, is fetched meanwhile. */
static struct out *take(struct out **first, struct out ***end)
{
	struct out *o = *first;

	if (o == NULL)
		return NULL;
	*first = o->next_dirty;
	if (*first == NULL) {
		*end = first;
	} else {
		__builtin_prefetch(*first);
		__builtin_prefetch(*first + 1);
	}
	o->dirty = false;
	return o;
}

static void flush(struct out *o, int64_t now_ms)
{
	if (o->closed)
		return;
	if (o->overflowed)
		o->ops->overflow(o, now_ms);
	else if (o->count)
		o->ops->flush(o);
}

static void flush_dirty(struct out_lane *lane, int64_t now_ms)
{
	struct out *o;

	while ((o = take(&lane->dirty, &lane->dirty_end)))
		flush(o, now_ms);
}

bool out_flush_turn(struct out_lane *lane, int64_t now_ms)
{
	struct out *o;

	lane->now_ms = now_ms;
	flush_dirty(lane, now_ms);
	for (int i = 0; i < OUT_SLICE && (o = take(&lane->later, &lane->later_end)); i++)
		flush(o, now_ms);
	/* What the owners have dirtied meanwhile. */
	flush_dirty(lane, now_ms);
	return lane->later != NULL;
}

void out_flush_all(struct out_lane *lane, int64_t now_ms)
{
	while (out_flush_turn(lane, now_ms))
		continue;
}
