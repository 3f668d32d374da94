/* missed.c - which packets were for a client that was away. See recovery_internal.h. */
#include <stdlib.h>

#include "alloc.h"
#include "recovery_internal.h"

/* Numbers of packets to rooms of its, or to all: also of those of which it was left out. */
struct found {
	uint64_t *at;
	size_t n, cap;
};

/* --- Whom they were for ------------------------------------------------------------------------------------------- */

/* Any of its rooms from the `first` on: 0 is its own id. */
static bool is_in(const struct recovery_saved *s, size_t first, struct slice name, unsigned hash)
{
	for (size_t i = first; i < s->n_rooms; i++)
		if (s->hashes[i] == hash && slice_equal(s->room[i], name))
			return true;
	return false;
}

static bool skips(const struct logged *l, const struct recovery_saved *s, size_t first)
{
	for (size_t i = 0; i < l->n_skip; i++)
		if (is_in(s, first, l->skip[i], l->hashes[i]))
			return true;
	return false;
}

static bool is_left_out(const struct logged *l, const struct recovery_saved *s)
{
	return skips(l, s, 0) || (l->skip_sid.size && slice_equal(l->skip_sid, s->room[0]));
}

/* --- Finding them ------------------------------------------------------------------------------------------------- */

static void found_add(struct found *f, uint64_t number)
{
	if (f->n == f->cap) {
		f->cap = f->cap ? 2 * f->cap : 16;
		f->at = must_realloc(f->at, f->cap * sizeof(*f->at));
	}
	f->at[f->n++] = number;
}

static uint64_t before(const struct logged *l, const struct chain *c)
{
	size_t i = 0;

	while (l->links[i].chain != c)
		i++;
	return l->links[i].before;
}

/* NULL: nothing is kept that was said there. Without memory that cannot be told. */
static const struct chain *chain_of(const struct recovery *r, struct slice nsp, struct slice room)
{
	struct buf key = BUF_INIT;
	struct map_node *node;

	packets_key(&key, nsp, room);
	if (key.failed)
		abort();
	node = map_find(&r->chains, buf_slice(&key));
	buf_fini(&key);
	return node ? map_item(node, struct chain, node) : NULL;
}

/* Those of one chain, the newest first. False: they alone are more than so many bytes. */
static bool walk(
	const struct recovery *r, const struct recovery_saved *s, struct slice room, size_t max_bytes, struct found *f)
{
	const struct chain *c = chain_of(r, s->nsp, room);
	size_t bytes = 0;

	for (uint64_t number = c ? c->last : 0; number > s->from && number >= r->first && bytes <= max_bytes;) {
		const struct logged *l = packets_at(r, number);

		found_add(f, number);
		bytes += is_left_out(l, s) ? 0 : l->frame->size;
		number = before(l, c);
	}
	return bytes <= max_bytes;
}

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* In order, each once, whichever of its rooms it was to. */
static void put_in_order(struct found *f)
{
	size_t n = 0;

	if (f->n == 0)
		return;
	qsort(f->at, f->n, sizeof(*f->at), by_number);
	for (size_t i = 0; i < f->n; i++)
		if (n == 0 || f->at[n - 1] != f->at[i])
			f->at[n++] = f->at[i];
	f->n = n;
}

static bool find_all(const struct recovery *r, const struct recovery_saved *s, size_t max_bytes, struct found *f)
{
	bool ok = walk(r, s, slice_of(NULL, 0), max_bytes, f);

	for (size_t i = 0; i < s->n_rooms && ok; i++)
		ok = walk(r, s, s->room[i], max_bytes, f);
	put_in_order(f);
	return ok;
}

/* --- What is made of them ----------------------------------------------------------------------------------------- */

static enum recovery_refusal judge(
	const struct recovery *r, const struct recovery_saved *s, const struct found *f, size_t max_bytes)
{
	size_t bytes = 0;

	for (size_t i = 0; i < f->n; i++) {
		const struct logged *l = packets_at(r, f->at[i]);

		/* It joined that room only then, perhaps, and was sent it. */
		if (f->at[i] <= s->joined && skips(l, s, 1))
			return RECOVERY_LEFT;
		bytes += is_left_out(l, s) ? 0 : l->frame->size;
	}
	return bytes > max_bytes ? RECOVERY_TOO_MUCH : RECOVERY_OK;
}

enum recovery_refusal missed_look(const struct recovery *r, const struct recovery_saved *s, size_t max_bytes)
{
	struct found f = { .n = 0 };
	enum recovery_refusal why = RECOVERY_TOO_MUCH;

	if (find_all(r, s, max_bytes, &f))
		why = judge(r, s, &f, max_bytes);
	free(f.at);
	return why;
}

uint64_t recovery_missed(
	const struct recovery *r, const struct recovery_saved *s, void (*each)(void *to, struct frame *f), void *to)
{
	struct found f = { .n = 0 };
	uint64_t last = s->from;

	find_all(r, s, SIZE_MAX, &f);
	for (size_t i = 0; i < f.n; i++) {
		struct logged *l = packets_at(r, f.at[i]);

		if (is_left_out(l, s))
			continue;
		each(to, l->frame);
		last = f.at[i];
	}
	free(f.at);
	return last;
}
