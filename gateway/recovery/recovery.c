/* recovery.c - life, bounds and gaps. See recovery.h. */
#include <stdlib.h>

#include "alloc.h"
#include "metrics.h"
#include "random.h"
#include "recovery_internal.h"

struct recovery *recovery_new(const struct recovery_config *config, struct timers *timers)
{
	struct recovery *r = must_alloc(sizeof(*r));
	char prefix[sizeof(r->prefix) + 1];

	r->config = *config;
	r->timers = timers;
	r->first = r->next = 1;
	random_id(prefix, sizeof(r->prefix));
	memcpy(r->prefix, prefix, sizeof(r->prefix));
	return r;
}

static void show(const struct recovery *r)
{
	metrics_set(M_RECOVERY_BYTES, (int64_t)r->bytes);
	metrics_set(M_RECOVERY_PACKETS, (int64_t)(r->next - r->first));
	metrics_set(M_RECOVERY_SESSIONS, (int64_t)r->n_saved);
}

void recovery_free(struct recovery *r)
{
	if (r == NULL)
		return;
	timer_stop(r->timers, &r->expiry);
	r->ops = NULL;
	saved_fini(r);
	packets_fini(r);
	wants_fini(r);
	show(r);
	free(r);
}

void recovery_fit(struct recovery *r)
{
	while (r->n_saved > r->config.max_sessions) {
		metrics_count(M_LIMIT_RECOVERABLE_SESSIONS);
		saved_forget(r);
	}
	while (r->bytes > r->config.max_bytes && (r->first < r->next || r->oldest)) {
		metrics_count(M_LIMIT_RECOVERY_MEMORY);
		if (r->first < r->next)
			packets_forget(r);
		else
			saved_forget(r);
	}
	show(r);
}

size_t recovery_count(const struct recovery *r)
{
	return r ? r->n_saved : 0;
}

/* --- Time --------------------------------------------------------------------------------------------------------- */

enum { LOOK_MS = 1000 };

static void expire(struct timer *t, int64_t now_ms)
{
	struct recovery *r = (struct recovery *)(void *)((char *)t - offsetof(struct recovery, expiry));

	packets_expire(r, now_ms);
	saved_expire(r, now_ms);
	show(r);
	recovery_watch(r);
}

/* What is the first to be too old decides; not more than once a second, however much is added. */
void recovery_watch(struct recovery *r)
{
	int64_t due = INT64_MAX;

	if (timer_is_set(&r->expiry))
		return;
	if (r->first < r->next)
		due = r->ring[r->first & (r->cap - 1)]->at_ms + r->config.keep_ms;
	if (r->oldest && r->oldest->until_ms < due)
		due = r->oldest->until_ms;
	if (due < INT64_MAX)
		timer_set(r->timers, &r->expiry, expire, due + LOOK_MS);
}

/* --- Gaps --------------------------------------------------------------------------------------------------------- */

void recovery_gap(struct recovery *r, int64_t now_ms)
{
	if (r == NULL)
		return;
	packets_add_gap(r, now_ms);
	recovery_fit(r);
	recovery_watch(r);
}

void recovery_deaf(struct recovery *r, int64_t now_ms, bool deaf)
{
	if (r == NULL || r->is_deaf == deaf)
		return;
	r->is_deaf = deaf;
	recovery_gap(r, now_ms);
}

void recovery_listen(struct recovery *r, const struct recovery_ops *ops, void *ctx)
{
	if (r == NULL)
		return;
	r->ops = ops;
	r->ctx = ctx;
}

/* --- Words -------------------------------------------------------------------------------------------------------- */

static const struct {
	const char *text;
	enum metric_id metric;
} refusals[] = {
	[RECOVERY_OK] = { "recovered", M_RECOVERY_RECOVERED },
	[RECOVERY_UNKNOWN] = { "unknown", M_RECOVERY_UNKNOWN },
	[RECOVERY_OFFSET] = { "offset", M_RECOVERY_OFFSET },
	[RECOVERY_FORGOTTEN] = { "forgotten", M_RECOVERY_FORGOTTEN },
	[RECOVERY_LEFT] = { "left", M_RECOVERY_LEFT },
	[RECOVERY_DEAF] = { "deaf", M_RECOVERY_DEAF },
	[RECOVERY_TOO_MUCH] = { "too-much", M_RECOVERY_TOO_MUCH },
	[RECOVERY_BUSY] = { "busy", M_RECOVERY_BUSY },
};

const char *recovery_refusal_text(enum recovery_refusal why)
{
	return refusals[why].text;
}

void recovery_refused(enum recovery_refusal why)
{
	metrics_count(refusals[why].metric);
}
