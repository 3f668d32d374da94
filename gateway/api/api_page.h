/*
 * api_page.h - one page of a listing: of any number of names offered, the first few in order behind a cursor. Sorted by
 * name, so that pages fit together while names come and go, and so do pages of several processes.
 */
#ifndef STOA_API_PAGE_H
#define STOA_API_PAGE_H

#include "arena.h"

struct page_entry {
	struct slice name;
	void *item;
};

struct page {
	struct page_entry *at; /* a heap, the greatest name on top, until page_sort() */
	size_t count, max;
	struct slice after;
	bool more; /* a name was left out */
};

/* False: no memory. */
bool page_init(struct page *p, struct arena *arena, size_t max, struct slice after);
void page_offer(struct page *p, struct slice name, void *item);
void page_sort(struct page *p); /* the last step */

#endif
