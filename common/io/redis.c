/* redis.c - see redis.h: the states of a connection, and when it is tried again. */
#include "redis.h"

#include <stdlib.h>

#include "alloc.h"
#include "log.h"
#include "metrics.h"
#include "random.h"
#include "redis_internal.h"

enum {
	BACKOFF_MS = 50,
	BACKOFF_MAX_MS = 5000,
	BACKOFF_SHORT_MAX_MS = 1000, /* after a connection that was ready, but not for long */
	HELD_MS = 1000,              /* a connection that was ready for so long was a good one */
	HELD_LONG_MS = 10 * 1000     /* the next trouble is news */
};

static struct redis *of_timer(struct timer *t)
{
	return (struct redis *)(void *)((char *)t - offsetof(struct redis, timer));
}

const char *redis_state_name(enum redis_state state)
{
	static const char *const names[] = { "resolving", "connecting", "securing", "opening", "ready", "waiting",
		"closed" };

	return names[state];
}

enum redis_state redis_state(const struct redis *r)
{
	return r->state;
}

enum redis_trouble redis_trouble(const struct redis *r)
{
	return r->last;
}

static enum metric_id connected_metric(const struct redis *r)
{
	return r->role == REDIS_COMMANDS ? M_REDIS_CONNECTED_COMMANDS : M_REDIS_CONNECTED_SUBSCRIBER;
}

void redis_enter(struct redis *r, enum redis_state state)
{
	if (r->state == REDIS_READY)
		metrics_add(connected_metric(r), -1);
	log_debug("redis-state", LOG_S("redis", r->shown), LOG_S("from", redis_state_name(r->state)),
		LOG_S("to", redis_state_name(state)));
	r->state = state;
	if (state == REDIS_READY)
		metrics_add(connected_metric(r), 1);
}

/* --- Ready -------------------------------------------------------------------------------------------------------- */

/* When to do something about silence: ping, or leave. */
static int64_t silence_due(const struct redis *r)
{
	const struct redis_sent *oldest = redis_oldest(r);
	int64_t timeout = r->config->command_timeout_ms, from = r->received_ms;

	if (oldest && oldest->given_ms > from)
		from = oldest->given_ms;
	return from + (oldest && oldest->kind != REDIS_SENT_PING ? timeout : timeout / 2);
}

static void on_silence(struct timer *t, int64_t now_ms)
{
	struct redis *r = of_timer(t);

	if (now_ms < silence_due(r))
		redis_watch(r);
	else if (redis_oldest(r))
		redis_fail(r, REDIS_TROUBLE_SILENT, NULL);
	else
		redis_ping(r);
}

void redis_watch(struct redis *r)
{
	timer_set(&r->loop->timers, &r->timer, on_silence, silence_due(r));
}

void redis_is_ready(struct redis *r)
{
	r->ready_ms = r->received_ms = loop_now(r->loop);
	redis_enter(r, REDIS_READY);
	metrics_count(M_REDIS_CONNECTS);
	redis_watch(r);
	if (!r->announced)
		log_info("redis-ready", LOG_S("redis", r->shown),
			LOG_S("role", r->role == REDIS_COMMANDS ? "commands" : "subscriber"));
	r->announced = true;
	if (r->ops->ready)
		r->ops->ready(r->ctx);
}

/* --- Not ready ---------------------------------------------------------------------------------------------------- */

static void attempt_over(struct timer *t, int64_t now_ms)
{
	struct redis *r = of_timer(t);

	(void)now_ms;
	if (r->state == REDIS_CONNECTING)
		r->dial.first += r->dial.tried;
	/* A Redis without TLS waits for the end of a line. */
	if (r->state == REDIS_SECURING)
		redis_fail(r, REDIS_TROUBLE_TLS, "no answer to the handshake; is TLS spoken at this port?");
	else
		redis_fail(r, REDIS_TROUBLE_TIMEOUT, redis_state_name(r->state));
}

static void begin(struct timer *t, int64_t now_ms)
{
	struct redis *r = of_timer(t);

	timer_set(&r->loop->timers, t, attempt_over, now_ms + r->config->connect_timeout_ms);
	redis_dial_start(r);
}

static int64_t wait_ms(struct redis *r)
{
	int64_t lived = loop_now(r->loop) - r->ready_ms, most = BACKOFF_MAX_MS, wait = BACKOFF_MS;

	if (r->was_ready) {
		most = BACKOFF_SHORT_MAX_MS;
		if (lived >= HELD_MS)
			r->failures = 0;
		if (lived >= HELD_LONG_MS)
			redis_note_held(r);
	}
	for (unsigned i = 0; i < r->failures && wait < most; i++)
		wait *= 2;
	if (wait > most)
		wait = most;
	else
		r->failures++;
	return wait / 2 + (int64_t)(random_u64() % (uint64_t)(wait / 2 + 1));
}

/* The first half of an end: nothing of the link or the attempt is left. */
static void go_down(struct redis *r, enum redis_trouble why, const char *detail)
{
	timer_stop(&r->loop->timers, &r->timer);
	redis_dial_stop(r);
	r->unsent = redis_link_down(r);
	r->was_ready = r->state == REDIS_READY;
	redis_enter(r, REDIS_WAITING);
	r->last = why;
	r->again_ms = loop_now(r->loop) + wait_ms(r);
	redis_note(r, why, slice_str(detail));
}

/* The second: who was ready hears of it. The state may be anything after it. */
static void tell(struct redis *r)
{
	enum redis_trouble why = r->last;
	bool was_ready = r->was_ready;

	r->was_ready = false;
	redis_queue_fail(r);
	if (was_ready && r->state != REDIS_CLOSED && r->ops->lost)
		r->ops->lost(r->ctx, why);
	else if (!was_ready && r->state != REDIS_CLOSED && r->ops->failed)
		r->ops->failed(r->ctx, why);
}

void redis_fail(struct redis *r, enum redis_trouble why, const char *detail)
{
	go_down(r, why, detail);
	timer_set(&r->loop->timers, &r->timer, begin, r->again_ms);
	tell(r);
}

static void tell_late(struct timer *t, int64_t now_ms)
{
	struct redis *r = of_timer(t);

	(void)now_ms;
	timer_set(&r->loop->timers, t, begin, r->again_ms);
	tell(r);
}

void redis_leave(struct redis *r, enum redis_trouble why)
{
	if (!redis_ready(r))
		return;
	go_down(r, why, NULL);
	timer_set(&r->loop->timers, &r->timer, tell_late, loop_now(r->loop));
}

/* --- Open and close ----------------------------------------------------------------------------------------------- */

static char *shown(const struct redis_url *url)
{
	struct buf text = BUF_INIT;
	char *copy;

	redis_url_print(url, &text);
	copy = must_strndup(text.at, text.size);
	buf_fini(&text);
	return copy;
}

struct redis *redis_open(struct loop *loop, const struct redis_config *config, enum redis_role role,
	const struct redis_ops *ops, void *ctx, char *why, size_t why_size)
{
	struct ssl_ctx_st *tls = config->url.tls ? redis_tls_open(config, why, why_size) : NULL;
	struct redis *r;

	if (config->url.tls && tls == NULL)
		return NULL;
	r = must_alloc(sizeof(*r));
	*r = (struct redis){ .loop = loop, .config = config, .role = role, .ops = ops, .ctx = ctx, .tls = tls };
	r->dial.fd = -1;
	r->state = REDIS_WAITING;
	r->last = REDIS_TROUBLE_COUNT;
	r->shown = shown(&config->url);
	r->reader = redis_reader_new(config->max_message);
	timer_set(&loop->timers, &r->timer, begin, loop_now(loop));
	return r;
}

static void free_redis(struct grave *g)
{
	struct redis *r = (struct redis *)(void *)((char *)g - offsetof(struct redis, grave));

	redis_reader_free(r->reader);
	if (r->tls)
		redis_tls_close(r->tls);
	free(r->shown);
	free(r);
}

void redis_close(struct redis *r)
{
	if (r == NULL)
		return;
	timer_stop(&r->loop->timers, &r->timer);
	redis_dial_stop(r);
	redis_link_down(r);
	redis_queue_clear(r);
	redis_enter(r, REDIS_CLOSED);
	graveyard_bury(&r->loop->graveyard, &r->grave, free_redis);
}
