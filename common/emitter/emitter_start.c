/* emitter_start.c - a call's beginning: it is made, queued, and in the sync drive waited for. See emitter_internal.h. */
#include <errno.h>
#include <stdlib.h>

#include "emitter_internal.h"

enum { TIMEOUT_MS = 5000 };

static struct slice add(struct call *c, struct slice s)
{
	char *at = c->bytes + c->size;

	if (s.size)
		memcpy(at, s.at, s.size);
	c->size += s.size;
	return slice_of(at, s.size);
}

struct call *call_new(struct stoa_emitter *e, const struct stoa_emitter_call *told, struct slice count)
{
	size_t hears = 2 * (e->key.size + count.size + EMITTER_UID_SIZE + 20); /* -response#, -nodes#, #UID# */
	struct call *c = calloc(1, sizeof(*c) + e->channel.size + e->payload.size + count.size + hears);

	if (c == NULL)
		return NULL;
	c->e = e;
	c->told = told ? *told : (struct stoa_emitter_call){ 0 };
	c->result = (struct stoa_emitter_result){ .heard = -1, .servers = -1 };
	c->channel = add(c, buf_slice(&e->channel));
	c->payload = add(c, buf_slice(&e->payload));
	c->count = add(c, count);
	return c;
}

void call_hears(struct call *c, size_t which, struct slice channel)
{
	c->hears[which] = add(c, channel);
}

static int check_room(const struct call *c)
{
	const struct stoa_emitter *e = c->e;

	if (e->in_callback && !e->is_attached)
		return -EDEADLK;
	if (c->answers && e->n_calls >= e->max_calls)
		return -EAGAIN;
	return c->size > e->max_waiting - e->waiting_bytes ? -ENOBUFS : 0;
}

static void queue(struct call *c)
{
	struct stoa_emitter *e = c->e;
	int64_t timeout = c->told.timeout_ms > 0 ? c->told.timeout_ms : TIMEOUT_MS;

	e->waiting_bytes += c->size;
	*e->calls_end = c;
	e->calls_end = &c->next;
	timer_set(&e->loop.timers, &c->deadline, call_on_deadline, loop_now(&e->loop) + timeout);
	if (c->answers) {
		c->by_id.key = slice_str(c->id);
		map_add(&e->asking, &c->by_id);
		e->n_calls++;
	}
	links_hear(e, c);
}

static int run_sync(struct call *c)
{
	struct stoa_emitter *e = c->e;
	int status;

	c->is_awaited = true;
	e->awaited = c;
	calls_send(e);
	if (c->stage == CALL_ENDED)
		calls_run_ended(e);
	else
		loop_run(&e->loop);
	if (c->answers)
		loop_poll(&e->loop); /* Redis is told that no answers are wanted any more */
	e->awaited = NULL;
	status = c->result.status;
	emitter_fail(e, status, c->why);
	c->result.why = e->why;
	if (c->told.result)
		*c->told.result = c->result;
	call_let_go(c);
	return status;
}

int call_start(struct call *c)
{
	struct stoa_emitter *e = c->e;
	int error = check_room(c);

	if (error) {
		call_free(c);
		return emitter_fail(e, error, NULL);
	}
	/* What has come since the last call is taken first: the end of a connection for one, so that nothing is written to
	 * it. */
	if (!e->is_attached)
		loop_poll(&e->loop);
	queue(c);
	if (!e->is_attached && !(c->told.later && c->answers == 0))
		return run_sync(c);
	calls_send(e);
	return 0;
}

int stoa_emitter_flush(struct stoa_emitter *e)
{
	int error;

	if (e->is_attached || e->in_callback)
		return emitter_fail(e, -EDEADLK, NULL);
	loop_poll(&e->loop);
	calls_send(e);
	if (e->calls)
		loop_run(&e->loop);
	error = e->later_error;
	e->later_error = 0;
	return error;
}
