/*
 * page.h - memory that a broker shares with one of its worker processes: who the worker is, what it has in hand, what it
 * counts, and where it was when it died.
 *
 * The worker writes all of it but what is said at its start, and may write anything: the broker looks at numbers and
 * texts, and follows nothing.
 */
#ifndef STOA_CREW_PAGE_H
#define STOA_CREW_PAGE_H

#include <stdatomic.h>

#include "metrics.h"
#include "records.h"

enum { PAGE_TRACE_MAX = 16384, PAGE_SOCKET_FD = 3, PAGE_FD = 4 };

struct page {
	/* The broker's, from before the worker is. */
	uint32_t magic, size;
	int32_t parent;
	uint32_t slot;
	char by[BY_MAX + 1];
	/* The broker's at any time: until when, by clock_now_ms(), events of a partition may be begun. */
	_Atomic int64_t until_ms[PARTITIONS_MAX];
	/* The worker's. */
	_Atomic uint64_t job;     /* in hand; 0: none */
	_Atomic int64_t since_ms; /* of clock_now_ms(): code of the application runs; 0: none does */
	_Atomic uint32_t traced;  /* bytes of `trace` */
	int64_t metrics[METRIC_COUNT];
	char trace[PAGE_TRACE_MAX];
};

/* In the broker: a new one and its descriptor, which is closed on exec. NULL: errno. */
struct page *page_new(int *fd);
/* In the worker: that of PAGE_FD. NULL: it is none. */
struct page *page_open(void);
void page_free(struct page *p); /* NULL is fine */

#endif
