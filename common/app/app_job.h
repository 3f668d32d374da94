/*
 * app_job.h - a background task and its letters: what jobs.c and mail.c share.
 *
 * A job has a desk: a struct app of its own that shares what was set up and has memory, a batch and a running event for
 * itself. So all that notes effects and encodes values works on it as it does at home, without a lock. What is noted
 * leaves at once as a letter.
 */
#ifndef STOA_APP_APP_JOB_H
#define STOA_APP_APP_JOB_H

#include "internal.h"

enum letter_kind { LETTER_EFFECT, LETTER_QUESTION, LETTER_ACK, LETTER_END };

struct letter {
	struct letter *next;
	enum letter_kind kind;
	struct app_job *job;
	struct arena arena;    /* where the letter itself is, and all below; of LETTER_END: nothing is */
	struct effect *effect; /* but of LETTER_END */

	struct question question; /* LETTER_QUESTION */
	bool is_single;

	uint64_t number; /* LETTER_ACK */
	struct payload payload;
};

struct app_job {
	struct app desk;
	struct app *home;
	struct arena values;
	struct handler work;
	stoa_fn *done;
	char *sid, *nsp, *name; /* of the event that began it; sid may be NULL */
	char *from;             /* its; NULL: none */
	uint64_t ack_number;    /* its */
	struct letter end;
	int status;
	char *message;              /* of stoa_fail() */
	struct app_job *next, **at; /* among mail.jobs */
};

static inline struct app_job *job_of(struct app *desk)
{
	return (struct app_job *)(void *)((char *)desk - offsetof(struct app_job, desk));
}

struct stoa_event app_job_event(
	const struct app_job *job); /* the one that began it, as it is later; lives with the job */
void app_job_free(struct app_job *job);

/* 0, or -ENOSPC: the loop is behind; -ECANCELED: and it will not catch up, since the process is ending. The end of a job
 * always has room. */
int mail_post(struct app *home, struct letter *letter);
void mail_count(enum metric_id id, int64_t n); /* from any thread */

#endif
