/* later.c - what waits: found by number, ended by time or by what it waits for, run when it may be. */
#include "alloc.h"
#include "internal.h"

#include <errno.h>
#include <stdlib.h>

void laters_init(struct laters *ls)
{
	*ls = (struct laters){ .ready = NULL };
	ls->ready_end = &ls->ready;
}

void laters_fini(struct laters *ls)
{
	free(ls->heap);
	laters_init(ls);
}

/* --- The heap: by due_ms, and in the order they were made ---------------------------------------------------------- */

static bool is_before(const struct later *a, const struct later *b)
{
	return a->due_ms != b->due_ms ? a->due_ms < b->due_ms : a->number < b->number;
}

static void put_at(struct laters *ls, size_t place, struct later *l)
{
	ls->heap[place] = l;
	l->place = place;
}

static void sift_up(struct laters *ls, size_t place, struct later *l)
{
	for (; place > 1 && is_before(l, ls->heap[place / 2]); place /= 2)
		put_at(ls, place, ls->heap[place / 2]);
	put_at(ls, place, l);
}

static void sift_down(struct laters *ls, size_t place, struct later *l)
{
	for (;;) {
		size_t child = 2 * place;
		if (child < ls->count && is_before(ls->heap[child + 1], ls->heap[child]))
			child++;
		if (child > ls->count || !is_before(ls->heap[child], l))
			break;
		put_at(ls, place, ls->heap[child]);
		place = child;
	}
	put_at(ls, place, l);
}

static void heap_add(struct laters *ls, struct later *l)
{
	if (ls->count + 1 >= ls->cap) {
		ls->cap = ls->cap ? 2 * ls->cap : 16;
		ls->heap = must_realloc(ls->heap, ls->cap * sizeof(struct later *));
	}
	sift_up(ls, ++ls->count, l);
}

static void heap_remove(struct laters *ls, struct later *l)
{
	struct later *last = ls->heap[ls->count--];
	size_t place = l->place;

	l->place = 0;
	if (last == l)
		return;
	if (place > 1 && is_before(last, ls->heap[place / 2]))
		sift_up(ls, place, last);
	else
		sift_down(ls, place, last);
}

/* --- One ---------------------------------------------------------------------------------------------------------- */

static char *dup_or_null(const char *text)
{
	return text ? must_strdup(text) : NULL;
}

struct later *later_new(struct app *a, enum later_kind kind, struct stoa_event *ev, struct handler h, int64_t due_ms)
{
	struct laters *ls = &a->laters;
	struct later *l = must_alloc(sizeof(*l));

	l->ack_number = ev ? event_ack_number(ev) : 0;
	l->number = kind == LATER_ACK ? l->ack_number : ++ls->last_number;
	l->by_number.key = slice_of(&l->number, sizeof(l->number));
	l->kind = kind;
	l->handler = h;
	l->due_ms = due_ms;
	l->sid = dup_or_null(ev ? ev->sid : NULL);
	l->nsp = must_strdup(ev ? ev->nsp : "/");
	l->name = must_strdup(ev ? ev->name : "");
	l->from = dup_or_null(ev ? ev->from : NULL);
	l->expected = SIZE_MAX;
	l->answers_end = &l->answers;
	map_add(&ls->by_number, &l->by_number);
	heap_add(ls, l);
	ls->waiting[kind]++;
	return l;
}

struct later *later_find(struct app *a, enum later_kind kind, uint64_t number)
{
	struct map_node *node = map_find(&a->laters.by_number, slice_of(&number, sizeof(number)));
	struct later *l = node ? map_item(node, struct later, by_number) : NULL;

	return l && l->kind == kind ? l : NULL;
}

static void unlink_ready(struct laters *ls, struct later *l)
{
	struct later **at = &ls->ready;

	while (*at && *at != l)
		at = &(*at)->next_ready;
	if (*at == NULL)
		return; /* it is running, or in the list that later_drain() holds */
	*at = l->next_ready;
	if (*at == NULL)
		ls->ready_end = at;
}

void later_free(struct app *a, struct later *l)
{
	struct laters *ls = &a->laters;

	if (l->place)
		heap_remove(ls, l);
	if (l->is_ready)
		unlink_ready(ls, l);
	map_remove(&ls->by_number, &l->by_number);
	if (!l->is_running)
		ls->waiting[l->kind]--;
	arena_fini(&l->arena);
	free(l->sid);
	free(l->nsp);
	free(l->name);
	free(l->from);
	free(l);
}

void later_end(struct app *a, struct later *l, int status)
{
	struct laters *ls = &a->laters;

	l->status = status; /* one that was due but not yet run may still be cancelled */
	if (l->is_ready)
		return;
	if (l->place)
		heap_remove(ls, l);
	l->is_ready = true;
	l->next_ready = NULL;
	*ls->ready_end = l;
	ls->ready_end = &l->next_ready;
}

void later_begin(struct app *a, struct later *l)
{
	l->is_running = true;
	a->laters.waiting[l->kind]--;
}

void later_again(struct app *a, struct later *l, int64_t due_ms)
{
	l->is_ready = false;
	l->due_ms = due_ms;
	heap_add(&a->laters, l);
}

/* --- All ---------------------------------------------------------------------------------------------------------- */

/* What each kind's end by time means. */
static const int ended_by_time[LATER_KINDS] = { [LATER_CALL] = -ETIMEDOUT, [LATER_ACK] = -ETIMEDOUT };

void later_end_due(struct app *a)
{
	struct laters *ls = &a->laters;

	while (ls->count && ls->heap[1]->due_ms <= a->now_ms)
		later_end(a, ls->heap[1], ended_by_time[ls->heap[1]->kind]);
}

int64_t later_due_ms(const struct app *a)
{
	return a->laters.count ? a->laters.heap[1]->due_ms : INT64_MAX;
}

/* One that a handler frees meanwhile (an ack that is used just in time) must not be in a list of our own: so they are
 * taken from the front one by one, up to the last that was there at the start. */
void later_drain(struct app *a)
{
	struct laters *ls = &a->laters;
	size_t n = 0;

	for (struct later *l = ls->ready; l; l = l->next_ready)
		n++;
	while (n-- > 0 && ls->ready) {
		struct later *l = ls->ready;
		ls->ready = l->next_ready;
		if (ls->ready == NULL)
			ls->ready_end = &ls->ready;
		l->next_ready = NULL;
		later_run(a, l);
	}
}
