/*
 * webhook_internal.h - what the files of the webhook share.
 *
 *	webhook.c  the carrier's functions, its life
 *	jobs.c     events that were taken: they wait, or are posted, and what becomes of that
 */
#ifndef STOA_WEBHOOK_INTERNAL_H
#define STOA_WEBHOOK_INTERNAL_H

#include <sys/queue.h>

#include "answer.h"
#include "breaker.h"
#include "carrier.h"
#include "map.h"
#include "poster.h"
#include "sample.h"
#include "webhook.h"

/* An event that was taken. */
struct job {
	struct post post;
	struct webhook *webhook;
	struct map_node by_number;
	uint64_t number;
	TAILQ_ENTRY(job) link; /* of what waits */
	bool waits;            /* for a connection or the breaker */
	bool owed;             /* it has no deadline: it waits as long as it takes */
	bool is_probe;         /* of the breaker */
	int64_t attempts;      /* that have failed, and the one under way */
	int64_t posted, begun_ms;
	struct timer retry; /* set: it pauses */
	struct answered event;
	size_t size;
	char record[]; /* and the texts of `event` behind it */
};

struct webhook {
	const struct gateway_options *options;
	struct loop *loop;
	struct remote *remote;
	struct webhook_url url;
	struct poster *poster;
	char *secret;
	struct app_record app;
	struct slice *namespaces;
	struct breaker breaker;
	struct map jobs; /* by number */
	TAILQ_HEAD(jobs, job) waiting;
	struct timer reopen, pump_soon;
	struct arena arena; /* of what is read in hand */
	struct sample failed_log, refused_log;
	size_t posting;
};

/* NULL: no memory. It is in the table, and waits for nothing yet. */
struct job *job_new(struct webhook *w, const struct carried *e, struct slice record, uint64_t n);
struct job *job_find(const struct webhook *w, uint64_t number);
void job_free(struct job *j); /* what is under way is given up */
void job_wait(struct job *j, bool first);
/* Posts what waits, as far as connections and the breaker allow. */
void jobs_pump(struct webhook *w, int64_t now_ms);

#endif
