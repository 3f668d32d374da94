/* gate_expiry.c - a token's end on a live connection: the warning, a newer token, the end. See gate.h. */
#include <inttypes.h>
#include <stdio.h>

#include "gate_internal.h"
#include "log.h"

enum { LOOK_AGAIN_MS = 200, TEXT_MAX = 100 };

static int64_t seconds_left(const struct pass *p, int64_t now_ms)
{
	int64_t left = p->expires_ms - now_ms;

	return left > 0 ? (left + 999) / 1000 : 0;
}

static void end(struct pass *p, int64_t now_ms)
{
	metrics_count(M_TOKENS_OVER);
	log_debug("token-expired", LOG_S("sid", p->client->sid), LOG_T("nsp", p->client->nsp));
	gate_tell(p->gate, p->client, "[\"token_expired\",{\"code\":\"token_expired\",\"message\":\"token expired\"}]");
	client_end(p->client, now_ms, CLOSE_TOKEN_EXPIRED);
}

static void warn(struct pass *p, int64_t now_ms)
{
	char json[TEXT_MAX];

	p->warned = true;
	snprintf(json, sizeof(json), "[\"token_expiring\",{\"expires_in\":%" PRId64 "}]", seconds_left(p, now_ms));
	gate_tell(p->gate, p->client, json);
}

static void on_timer(struct timer *t, int64_t now_ms)
{
	struct pass *p = (struct pass *)(void *)((char *)t - offsetof(struct pass, timer));
	const struct gateway_options *o = p->gate->options;
	struct timers *timers = p->gate->clients->sessions->timers;

	if (p->client->state == CLIENT_CONNECTING) { /* the application has not answered: nothing can be said yet */
		timer_set(timers, &p->timer, on_timer, now_ms + LOOK_AGAIN_MS);
	} else if (now_ms >= p->expires_ms + o->jwt_leeway_ms) {
		end(p, now_ms);
	} else {
		if (!p->warned && o->jwt_refresh_before_ms)
			warn(p, now_ms);
		gate_watch(p, now_ms);
	}
}

void gate_watch(struct pass *p, int64_t now_ms)
{
	const struct gateway_options *o = p->gate->options;
	int64_t warn_ms = p->expires_ms - o->jwt_refresh_before_ms, due_ms = p->expires_ms + o->jwt_leeway_ms;

	if (p->expires_ms == INT64_MAX)
		return;
	if (!p->warned && o->jwt_refresh_before_ms && warn_ms < due_ms)
		due_ms = warn_ms;
	timer_set(p->gate->clients->sessions->timers, &p->timer, on_timer, due_ms > now_ms ? due_ms : now_ms);
}

/* --- A newer token -------------------------------------------------------------------------------------------------- */

static struct slice token_of(struct gate *g, const struct sio_packet *p)
{
	struct stoa_value items, first;

	if (g->clients->config.parser->encoding == VALUE_MSGPACK)
		items = value_of_msgpack_items(&g->arena, p->items);
	else
		items = value_of_items(&g->arena, p->items, p->flags, NULL, 0);
	first = value_open(value_at(items, 0));
	return first.kind_ == VALUE_TEXT ? gate_without_bearer(value_slice(first)) : slice_of(NULL, 0);
}

/* One connection stays one person's: rooms and session are. */
static bool is_of_the_same(const struct pass *p, const struct jwt_claims *claims)
{
	return slice_equal(p->subject, claims->subject) && slice_equal(p->issuer, claims->issuer);
}

static unsigned judge_refresh(
	struct gate *g, const struct pass *p, int64_t now_ms, struct slice token, struct jwt_claims *claims)
{
	unsigned verdict = gate_judge(g, token, claims);

	if (verdict == JWT_OK && !is_of_the_same(p, claims))
		return TOKEN_SUBJECT;
	if (verdict == JWT_UNKNOWN_KEY && g->source && g->source->fetch(g->source_ctx, now_ms))
		return TOKEN_AGAIN;
	return verdict;
}

static void accept(struct gate *g, struct client *c, int64_t now_ms, struct pass *newer, const struct sio_packet *asked)
{
	char json[TEXT_MAX];

	timer_stop(g->clients->sessions->timers, &((struct pass *)c->pass)->timer);
	client_set_pass(c, &newer->shown);
	metrics_count(M_TOKENS_REFRESHED);
	gate_watch(newer, now_ms);
	if (newer->expires_ms == INT64_MAX)
		gate_ack(g, c, asked, "[{\"ok\":true}]");
	snprintf(json, sizeof(json), "[{\"ok\":true,\"expires_in\":%" PRId64 "}]", seconds_left(newer, now_ms));
	if (newer->expires_ms != INT64_MAX)
		gate_ack(g, c, asked, json);
}

static void refresh(struct gate *g, struct client *c, int64_t now_ms, const struct sio_packet *asked)
{
	struct jwt_claims claims;
	struct pass *newer = NULL;
	unsigned verdict = judge_refresh(g, (struct pass *)c->pass, now_ms, token_of(g, asked), &claims);

	if (verdict == JWT_OK)
		newer = gate_pass_new(g, c, &claims, now_ms);
	if (newer) {
		accept(g, c, now_ms, newer, asked);
		return;
	}
	if (verdict == JWT_OK)
		metrics_count(M_OUT_OF_MEMORY);
	gate_refuse_refresh(g, c, asked, verdict == JWT_OK ? TOKEN_UNCHECKED : verdict);
}

bool gate_event(void *ctx, struct client *c, int64_t now_ms, const struct sio_packet *packet)
{
	struct gate *g = ctx;

	if (g->refresh_event.size == 0 || !slice_equal(packet->event, buf_slice(&g->refresh_event)))
		return false;
	refresh(g, c, now_ms, packet);
	arena_reset(&g->arena);
	return true;
}
