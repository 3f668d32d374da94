/* emitter_calls.c - a call: it waits in order, is sent, ends. See emitter_internal.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "emitter_internal.h"

static struct call *of_deadline(struct timer *t)
{
	return (struct call *)(void *)((char *)t - offsetof(struct call, deadline));
}

void call_free(struct call *c)
{
	buf_fini(&c->seen);
	free(c);
}

/* --- Its end ------------------------------------------------------------------------------------------------------ */

static void unlink_call(struct call *c)
{
	struct stoa_emitter *e = c->e;
	struct call **at = &e->calls;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	if (e->calls_end == &c->next)
		e->calls_end = at;
	c->next = NULL;
}

/* Commands of it that have no answer yet keep it in memory: see answered(). */
void call_end(struct call *c, int status, const char *why)
{
	struct stoa_emitter *e = c->e;

	if (c->stage == CALL_ENDED)
		return;
	loop_now(&e->loop);
	if (c->stage == CALL_WAITS)
		e->waiting_bytes -= c->size;
	timer_stop(&e->loop.timers, &c->deadline);
	unlink_call(c);
	if (c->answers) {
		map_remove(&e->asking, &c->by_id);
		e->n_calls--;
	}
	links_unhear(e, c);
	c->stage = CALL_ENDED;
	c->result.status = status;
	snprintf(c->why, sizeof(c->why), "%s", why ? why : emitter_text(status));
	c->result.why = c->why;
	*e->ended_end = c;
	e->ended_end = &c->next;
}

static void linger(struct call *c)
{
	c->is_lingering = true;
	c->next = c->e->lingering;
	c->e->lingering = c;
}

static void forget_lingering(struct call *c)
{
	struct call **at = &c->e->lingering;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	call_free(c);
}

/* Frees it, or leaves that to the answer to its last command. */
void call_let_go(struct call *c)
{
	c->is_awaited = false;
	c->told = (struct stoa_emitter_call){ 0 };
	if (c->commands == 0)
		call_free(c);
	else
		linger(c);
}

static void run_done(struct call *c)
{
	struct stoa_emitter *e = c->e;

	if (c->told.later && c->result.status && e->later_error == 0) {
		e->later_error = c->result.status;
		snprintf(e->why, sizeof(e->why), "%s", c->why);
	}
	e->in_callback = true;
	if (c->told.done)
		c->told.done(c->told.ctx, &c->result);
	if (!e->closed)
		e->in_callback = false;
}

void calls_run_ended(struct stoa_emitter *e)
{
	struct call *c;

	while (!e->closed && (c = e->ended) != NULL) {
		e->ended = c->next;
		if (e->ended == NULL)
			e->ended_end = &e->ended;
		run_done(c);
		if (e->closed)
			call_free(c);
		else if (e->awaited == c)
			loop_stop(&e->loop);
		else
			call_let_go(c);
	}
	if (!e->closed && e->awaited == NULL && e->calls == NULL && !e->is_attached)
		loop_stop(&e->loop); /* a flush */
}

void call_on_deadline(struct timer *t, int64_t now_ms)
{
	struct call *c = of_deadline(t);

	(void)now_ms;
	if (c->is_gathering && c->stage == CALL_ASKS)
		call_end(c, 0, NULL);
	else if (c->stage == CALL_WAITS)
		call_end(c, -ENOTCONN,
			redis_trouble(c->e->commands) < REDIS_TROUBLE_COUNT
				? redis_trouble_hint(redis_trouble(c->e->commands))
				: NULL);
	else if (c->stage == CALL_SENT)
		call_end(c, -ECONNRESET, "Redis did not answer in time; it may have been published");
	else
		call_end(c, -ETIMEDOUT, NULL);
}

void calls_fail(struct stoa_emitter *e, int status, const char *why, bool waiting_only)
{
	for (struct call *c = e->calls, *next; c; c = next) {
		next = c->next;
		if (c->stage == CALL_WAITS || (!waiting_only && c->answers))
			call_end(c, status, why);
	}
}

/* The connections are closed: no command is answered any more. */
void calls_fini(struct stoa_emitter *e)
{
	struct call *c;

	while ((c = e->calls) != NULL) {
		c->hears[0] = c->hears[1] = slice_of(NULL, 0);
		call_end(c, -ENOTCONN, NULL);
	}
	while ((c = e->ended) != NULL) {
		e->ended = c->next;
		call_free(c);
	}
	e->ended_end = &e->ended;
	while ((c = e->lingering) != NULL) {
		e->lingering = c->next;
		call_free(c);
	}
}

struct call *calls_find(const struct stoa_emitter *e, struct slice id)
{
	struct map_node *n = map_find(&e->asking, id);

	return n ? map_item(n, struct call, by_id) : NULL;
}

/* --- Sending ------------------------------------------------------------------------------------------------------ */

static void refused(struct call *c, struct slice text)
{
	char why[EMITTER_WHY_MAX];
	bool permission = slice_starts(text, SLICE("NOPERM")) || slice_starts(text, SLICE("NOAUTH"));

	/* It may quote what was to be published. */
	for (size_t i = 0; i < text.size; i++)
		if (slice_starts(slice_from(text, i), SLICE(", with args")))
			text.size = i;
	snprintf(why, sizeof(why), "Redis refused: %.*s", text.size < 200 ? (int)text.size : 200, text.at);
	call_end(c, permission ? -EACCES : -EPROTO, why);
}

/* True: the call goes on with `reply`. */
static bool answered(struct call *c, enum redis_outcome outcome, const struct redis_reply *reply)
{
	c->commands--;
	if (c->stage == CALL_ENDED) {
		if (c->commands == 0 && c->is_lingering)
			forget_lingering(c);
		return false;
	}
	if (outcome == REDIS_ANSWERED && reply->type == REDIS_ERROR)
		refused(c, reply->text);
	else if (outcome == REDIS_UNKNOWN)
		call_end(c, -ECONNRESET, NULL);
	return c->stage != CALL_ENDED;
}

/* It keeps its place: those behind it were not sent either. */
static void wait_again(struct call *c)
{
	if (c->stage != CALL_WAITS)
		c->e->waiting_bytes += c->size;
	c->stage = CALL_WAITS;
}

static void end_if_complete(struct call *c)
{
	if (c->is_gathering)
		nodes_end_if_complete(c);
	else
		ask_end_if_complete(c);
}

static void published(void *ctx, enum redis_outcome outcome, const struct redis_reply *reply)
{
	struct call *c = ctx;

	if (!answered(c, outcome, reply))
		return;
	if (outcome == REDIS_UNSENT) {
		wait_again(c);
		return;
	}
	if (reply->type == REDIS_INTEGER)
		c->result.heard = reply->integer - (c->is_gathering && reply->integer > 0);
	c->stage = CALL_ASKS;
	if (c->answers == 0)
		call_end(c, 0, NULL);
	else
		end_if_complete(c);
}

/* [channel, subscribers] */
static void counted(void *ctx, enum redis_outcome outcome, const struct redis_reply *reply)
{
	struct call *c = ctx;

	if (!answered(c, outcome, reply) || outcome == REDIS_UNSENT)
		return;
	if (reply->type == REDIS_ARRAY && reply->count == 2 && reply->items[1].type == REDIS_INTEGER) {
		c->result.servers = reply->items[1].integer;
		end_if_complete(c);
	} else {
		call_end(c, -EPROTO, "Redis's answer to PUBSUB NUMSUB makes no sense");
	}
}

static int send_call(struct call *c)
{
	struct stoa_emitter *e = c->e;
	struct slice publish[] = { SLICE("PUBLISH"), c->channel, c->payload };
	struct slice count[] = { SLICE("PUBSUB"), SLICE("NUMSUB"), c->count };
	int error = 0;

	/* Asked first: once it is published there are answers. */
	if (c->count.size && c->commands == 0)
		error = redis_command(e->commands, count, 3, counted, c);
	if (error == 0)
		c->commands += c->count.size > 0;
	if (error == 0)
		error = redis_command(e->commands, publish, 3, published, c);
	if (error)
		return error;
	c->commands++;
	c->stage = CALL_SENT;
	e->waiting_bytes -= c->size;
	return 0;
}

void calls_send(struct stoa_emitter *e)
{
	struct call *c = e->calls;

	if (!redis_ready(e->commands))
		return;
	for (struct call *next; c; c = next) {
		next = c->next;
		if (c->stage != CALL_WAITS)
			continue;
		/* Those behind it wait as well: all is in order. */
		if ((c->answers && !links_hears(e, c)) || send_call(c) != 0)
			return;
	}
}
