/* gate.c - see gate.h: asking in, judging, waiting for keys. */
#include "gate.h"

#include <stdlib.h>

#include "alloc.h"
#include "gate_internal.h"
#include "json.h"
#include "log.h"

/* --- A token -------------------------------------------------------------------------------------------------------- */

unsigned gate_judge(struct gate *g, struct slice token, struct jwt_claims *claims)
{
	if (token.size == 0)
		return TOKEN_MISSING;
	if (token.size > (size_t)g->options->jwt_max_token)
		return TOKEN_TOO_LARGE;
	if (g->keys == NULL)
		return TOKEN_UNCHECKED;
	return jwt_verify(&g->arena, token, g->keys, &g->rules, g->wall_ms(), claims);
}

static struct slice put(char **to, struct slice text)
{
	char *at = *to;

	if (text.size)
		memcpy(at, text.at, text.size);
	*to += text.size;
	return slice_of(at, text.size);
}

/* Deadlines are by the clock of timers: how long it is until then is asked of the wall clock now, and never again. */
static int64_t deadline_of(const struct gate *g, int64_t expires_ms, int64_t now_ms)
{
	return expires_ms == INT64_MAX ? INT64_MAX : now_ms + (expires_ms - g->wall_ms());
}

/* A token that names nobody is good for whoever shows the same one again. */
static struct slice who_of(const struct pass *p)
{
	return p->subject.size ? slice_of(p->issuer.at, p->issuer.size + 1 + p->subject.size) : p->shown.claims;
}

struct pass *gate_pass_new(struct gate *g, struct client *c, const struct jwt_claims *claims, int64_t now_ms)
{
	struct pass *p = calloc(1, sizeof(*p) + claims->json.size + claims->issuer.size + 1 + claims->subject.size);
	char *to;

	if (p == NULL)
		return NULL;
	to = p->copied;
	p->gate = g;
	p->client = c;
	p->shown.claims = put(&to, claims->json);
	p->issuer = put(&to, claims->issuer);
	to++;
	p->subject = put(&to, claims->subject);
	p->shown.who = who_of(p);
	p->expires_ms = deadline_of(g, claims->expires_ms, now_ms);
	return p;
}

/* --- Asking in ------------------------------------------------------------------------------------------------------ */

/* What could be right with newer keys. */
static bool is_worth_waiting(const struct gate *g, unsigned verdict, int64_t now_ms)
{
	return (verdict == TOKEN_UNCHECKED || verdict == JWT_UNKNOWN_KEY) && g->source &&
	       g->source->fetch(g->source_ctx, now_ms);
}

/* It cannot be told without a pass. */
static enum gate_answer give_up(struct client *c, int64_t now_ms)
{
	metrics_count(M_OUT_OF_MEMORY);
	session_close(client_session(c), now_ms, CLOSE_FORCED);
	return GATE_SHUT;
}

static enum gate_answer let_wait(struct gate *g, struct client *c, int64_t now_ms)
{
	struct pass *p = gate_pass_new(g, c, &(struct jwt_claims){ .expires_ms = INT64_MAX }, now_ms);

	if (p == NULL)
		return give_up(c, now_ms);
	p->waits = true;
	TAILQ_INSERT_TAIL(&g->waiting, p, in_waiting);
	client_set_pass(c, &p->shown);
	return GATE_LATER;
}

static enum gate_answer decide(struct gate *g, struct client *c, int64_t now_ms, bool may_wait)
{
	struct jwt_claims claims;
	struct slice token;
	struct pass *p;
	unsigned verdict = gate_find_token(g, c, &token);

	if (verdict == JWT_OK)
		verdict = gate_judge(g, token, &claims);
	if (may_wait && is_worth_waiting(g, verdict, now_ms))
		return let_wait(g, c, now_ms);
	if (verdict != JWT_OK) {
		gate_refuse(g, c, verdict);
		return GATE_SHUT;
	}
	p = gate_pass_new(g, c, &claims, now_ms);
	if (p == NULL)
		return give_up(c, now_ms);
	metrics_count(M_TOKENS_ACCEPTED);
	client_set_pass(c, &p->shown);
	gate_watch(p, now_ms);
	return GATE_OPEN;
}

static enum gate_answer on_connect(void *ctx, struct client *c, int64_t now_ms)
{
	struct gate *g = ctx;
	enum gate_answer answer = GATE_OPEN;

	if (gate_asks_in(g, c->nsp))
		answer = decide(g, c, now_ms, true);
	arena_reset(&g->arena);
	return answer;
}

static void on_left(void *ctx, struct client *c)
{
	struct gate *g = ctx;
	struct pass *p = (struct pass *)c->pass;

	timer_stop(g->clients->sessions->timers, &p->timer);
	if (p->waits)
		TAILQ_REMOVE(&g->waiting, p, in_waiting);
	p->waits = false;
}

/* --- Keys ----------------------------------------------------------------------------------------------------------- */

void gate_keep_keys(struct gate *g, int64_t now_ms)
{
	struct pass *p;

	while ((p = TAILQ_FIRST(&g->waiting))) {
		struct client *c = p->client;

		p->waits = false;
		TAILQ_REMOVE(&g->waiting, p, in_waiting);
		if (decide(g, c, now_ms, false) == GATE_OPEN)
			client_pass(c, now_ms);
		arena_reset(&g->arena);
	}
}

void gate_set_keys(struct gate *g, struct jwt_keys *keys, int64_t now_ms)
{
	jwt_keys_free(g->keys);
	g->keys = keys;
	metrics_set(M_TOKEN_KEYS, (int64_t)jwt_keys_count(keys));
	gate_keep_keys(g, now_ms);
}

bool gate_has_keys(const struct gate *g)
{
	return g->keys != NULL;
}

void gate_set_source(struct gate *g, const struct gate_keys_ops *ops, void *ctx)
{
	g->source = ops;
	g->source_ctx = ctx;
}

/* --- Life ----------------------------------------------------------------------------------------------------------- */

static const struct client_gate_ops ops = { on_connect, gate_event, on_left };

static const char *const *list_of(const struct config_list *list)
{
	return (const char *const *)list->at;
}

static unsigned algorithms_of(const struct config_list *names)
{
	unsigned bits = 0;

	for (size_t i = 0; i < names->count; i++)
		bits |= 1u << jwt_algorithm_of(slice_str(names->at[i]));
	return bits;
}

static void prepare_names(struct gate *g)
{
	const struct sio_parser *parser = g->clients->config.parser;
	struct buf event = BUF_INIT;

	json_encode_text(&g->name, slice_str(g->options->jwt_name));
	if (g->options->jwt_refresh_event) {
		json_encode_text(&event, slice_str(g->options->jwt_refresh_event));
		parser->put_json(&g->refresh_event, buf_slice(&event), NULL, 0);
	}
	buf_fini(&event);
}

struct gate *gate_new(const struct gateway_options *o, struct clients *clients, int64_t (*wall_ms)(void))
{
	struct gate *g = must_alloc(sizeof(*g));

	g->options = o;
	g->clients = clients;
	g->wall_ms = wall_ms;
	g->rules = (struct jwt_rules){ .algorithms = algorithms_of(&o->jwt_algorithms),
		.issuers = list_of(&o->jwt_issuer),
		.audiences = list_of(&o->jwt_audience),
		.required = list_of(&o->jwt_required),
		.leeway_ms = o->jwt_leeway_ms };
	TAILQ_INIT(&g->waiting);
	prepare_names(g);
	clients->gate = &ops;
	clients->gate_ctx = g;
	return g;
}

void gate_free(struct gate *g)
{
	if (g == NULL)
		return;
	g->clients->gate = NULL;
	jwt_keys_free(g->keys);
	buf_fini(&g->refresh_event);
	buf_fini(&g->name);
	arena_fini(&g->arena);
	free(g);
}
