/* background.c - see background.h. */
#include "background.h"

#include <errno.h>
#include <stdlib.h>

#include "alloc.h"
#include "metrics.h"
#include "pool.h"

struct background {
	struct pool pool;
	struct app_threads threads;
	struct notify *notify;
	int64_t timeout_ms;
	bool is_ended;
};

static void run(void *arg)
{
	app_job_run(arg);
}

static int start(void *ctx, struct app_job *job)
{
	struct background *b = ctx;

	return pool_add(&b->pool, run, job);
}

static int sleep_for(void *ctx, int64_t ms)
{
	struct background *b = ctx;

	return pool_sleep(&b->pool, ms);
}

static void wake(void *ctx)
{
	struct background *b = ctx;

	notify_send(b->notify);
}

/* Who did not end in time is not waited for twice. */
static void end(void *ctx)
{
	struct background *b = ctx;

	size_t left = pool_end(&b->pool, b->is_ended ? 0 : b->timeout_ms);

	if (left && !b->is_ended)
		metrics_count(M_LIMIT_TASK_TIME);
	b->is_ended = true;
}

struct background *background_new(const struct gateway_options *o, struct notify *notify)
{
	struct background *b = must_alloc(sizeof(*b));

	pool_init(&b->pool, (size_t)o->background_threads);
	b->threads = (struct app_threads){ start, sleep_for, wake, end, b };
	b->notify = notify;
	b->timeout_ms = o->background_timeout_ms;
	return b;
}

const struct app_threads *background_threads(struct background *b)
{
	return &b->threads;
}

bool background_free(struct background *b)
{
	if (b == NULL)
		return true;
	if (pool_end(&b->pool, 0))
		return false;
	pool_fini(&b->pool);
	free(b);
	return true;
}
