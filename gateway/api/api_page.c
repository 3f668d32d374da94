/* api_page.c - see api_page.h. */
#include "api_page.h"

#include <stdlib.h>

bool page_init(struct page *p, struct arena *arena, size_t max, struct slice after)
{
	*p = (struct page){ .max = max, .after = after, .at = arena_take(arena, max * sizeof(*p->at)) };
	return p->at != NULL;
}

static int compare(struct slice a, struct slice b)
{
	size_t both = a.size < b.size ? a.size : b.size;
	int order = both ? memcmp(a.at, b.at, both) : 0;

	return order ? order : (a.size > b.size) - (a.size < b.size);
}

static bool is_above(const struct page *p, size_t i, size_t j)
{
	return compare(p->at[i].name, p->at[j].name) > 0;
}

static void swap(struct page *p, size_t i, size_t j)
{
	struct page_entry e = p->at[i];

	p->at[i] = p->at[j];
	p->at[j] = e;
}

static void rise(struct page *p, size_t i)
{
	for (; i > 0 && is_above(p, i, (i - 1) / 2); i = (i - 1) / 2)
		swap(p, i, (i - 1) / 2);
}

static void sink(struct page *p)
{
	size_t i = 0, child;

	while ((child = 2 * i + 1) < p->count) {
		if (child + 1 < p->count && is_above(p, child + 1, child))
			child++;
		if (!is_above(p, child, i))
			return;
		swap(p, i, child);
		i = child;
	}
}

void page_offer(struct page *p, struct slice name, void *item)
{
	struct page_entry e = { name, item };

	if (p->after.at && compare(name, p->after) <= 0)
		return;
	if (p->count < p->max) {
		p->at[p->count] = e;
		rise(p, p->count++);
		return;
	}
	p->more = true;
	if (compare(name, p->at[0].name) < 0) {
		p->at[0] = e;
		sink(p);
	}
}

static int in_order(const void *a, const void *b)
{
	return compare(((const struct page_entry *)a)->name, ((const struct page_entry *)b)->name);
}

void page_sort(struct page *p)
{
	if (p->count)
		qsort(p->at, p->count, sizeof(*p->at), in_order);
}
