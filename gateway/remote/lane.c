/* lane.c - queues of events: one under way, the others behind it. See remote_internal.h. */
#include <stdlib.h>

#include "alloc.h"
#include "log.h"
#include "metrics.h"
#include "remote_internal.h"

/* --- Events ------------------------------------------------------------------------------------------------------- */

static size_t text_bytes(const struct event_text *t)
{
	size_t bytes = t->name.size + t->items.size + t->error.size + t->nsp.size + t->sid.size +
		       t->n_blobs * sizeof(struct slice);

	for (size_t i = 0; i < t->n_blobs; i++)
		bytes += t->blobs[i].size;
	return bytes;
}

/* The list of attachments first: it wants to be aligned. */
static void copy_texts(struct remote_event *e, const struct event_text *t)
{
	char *at = e->copied + t->n_blobs * sizeof(struct slice);

	e->blobs = (struct slice *)(void *)e->copied;
	e->n_blobs = t->n_blobs;
	for (size_t i = 0; i < t->n_blobs; i++)
		e->blobs[i] = slice_put(&at, t->blobs[i]);
	e->name = slice_put(&at, t->name);
	e->items = slice_put(&at, t->items);
	e->error = slice_put(&at, t->error);
	e->carried.nsp = slice_put(&at, t->nsp);
	e->carried.sid = slice_put(&at, t->sid);
}

struct remote_event *remote_event_new(
	struct remote *r, int64_t now_ms, enum record_kind kind, const struct event_text *t)
{
	size_t bytes = sizeof(struct remote_event) + text_bytes(t);
	struct remote_event *e = calloc(1, bytes);

	if (e == NULL) {
		metrics_count(M_OUT_OF_MEMORY);
		return NULL;
	}
	e->carried.number = ++r->last_number;
	e->carried.kind = kind;
	e->carried.due_ms = now_ms + r->config.event_timeout_ms;
	e->came_ms = now_ms;
	e->at_ms = r->config.wall_ms();
	e->bytes = bytes;
	copy_texts(e, t);
	e->by_number.key = slice_of((const char *)&e->carried.number, sizeof(e->carried.number));
	map_add(&r->events, &e->by_number);
	r->bytes += bytes;
	metrics_set(M_DISPATCH_WAITING, (int64_t)map_count(&r->events));
	metrics_set(M_DISPATCH_WAITING_BYTES, (int64_t)r->bytes);
	return e;
}

void remote_event_free(struct remote *r, struct remote_event *e)
{
	request_unask(r, e);
	map_remove(&r->events, &e->by_number);
	r->bytes -= e->bytes;
	metrics_set(M_DISPATCH_WAITING, (int64_t)map_count(&r->events));
	metrics_set(M_DISPATCH_WAITING_BYTES, (int64_t)r->bytes);
	free(e);
}

struct remote_event *remote_event_find(struct remote *r, uint64_t number)
{
	struct map_node *node = map_find(&r->events, slice_of((const char *)&number, sizeof(number)));

	return node ? map_item(node, struct remote_event, by_number) : NULL;
}

/* --- Lanes -------------------------------------------------------------------------------------------------------- */

struct lane *lane_new(struct remote *r, struct client *c)
{
	struct slice nsp = c ? c->nsp : SLICE(""), sid = slice_str(c ? c->sid : "");
	struct lane *l = must_alloc(sizeof(*l) + nsp.size + sid.size + 2);

	l->remote = r;
	l->client = c;
	l->end = &l->first;
	l->nsp = slice_of(l->copied, nsp.size);
	memcpy(l->copied, nsp.at, nsp.size);
	l->sid = slice_of(l->copied + nsp.size + 1, sid.size);
	memcpy(l->copied + nsp.size + 1, sid.at, sid.size);
	if (c == NULL)
		return l;
	c->upper = l;
	if (c->recovered) /* the numbers of the client that it was are over */
		l->last_n = (uint64_t)r->config.wall_ms();
	l->by_sid.key = l->sid;
	map_add(&r->lanes, &l->by_sid);
	return l;
}

void lane_leave_todo(struct lane *l)
{
	struct remote *r = l->remote;

	if (l->todo == 0)
		return;
	l->todo = 0;
	*l->todo_link = l->todo_next;
	if (l->todo_next)
		l->todo_next->todo_link = l->todo_link;
	else
		r->todo_end = l->todo_link;
}

void lane_drop(struct lane *l)
{
	while (l->first) {
		struct remote_event *e = l->first;

		l->first = e->next;
		remote_event_free(l->remote, e);
	}
	l->end = &l->first;
	l->count = 0;
}

void lane_drop_rest(struct lane *l)
{
	while (l->first->next) {
		struct remote_event *e = l->first->next;

		l->first->next = e->next;
		l->count--;
		remote_event_free(l->remote, e);
	}
	l->end = &l->first->next;
}

void lane_free(struct lane *l)
{
	struct remote *r = l->remote;

	lane_drop(l);
	lane_leave_todo(l);
	timer_stop(r->timers, &l->deadline);
	deferred_drop(l);
	state_free(l);
	if (l->sid.size)
		map_remove(&r->lanes, &l->by_sid);
	if (l->client)
		l->client->upper = NULL;
	free(l);
}

void lane_drop_state(struct lane *l, int64_t now_ms)
{
	const struct remote *r = l->remote;

	if (l->state_n && r->carrier->put_state)
		r->carrier->drop_state(r->carrier_ctx, now_ms, l->nsp, l->sid);
}

void lane_todo(struct lane *l, unsigned what)
{
	struct remote *r = l->remote;

	if (l->todo == 0) {
		l->todo_next = NULL;
		l->todo_link = r->todo_end;
		*r->todo_end = l;
		r->todo_end = &l->todo_next;
	}
	l->todo |= what;
}

void lane_bury(struct lane *l, int64_t now_ms)
{
	struct remote *r = l->remote;
	struct client *c = l->client;
	int64_t count;

	metrics_count(M_DISPATCH_BURIED);
	if (sample_take(&r->buried_log, now_ms, &count))
		log_warn("clients-given-up", LOG_S("why", "brokers took this gateway for dead"), LOG_T("sid", l->sid),
			LOG_I("count", count));
	for (struct remote_event *e = l->first; e; e = e->next)
		if (e->sent)
			r->carrier->forget(r->carrier_ctx, now_ms, &e->carried);
	lane_free(l);
	if (c)
		session_close(client_session(c), now_ms, CLOSE_FORCED);
}

static void on_deadline(struct timer *t, int64_t now_ms)
{
	struct lane *l = (struct lane *)(void *)((char *)t - offsetof(struct lane, deadline));

	if (l->first) {
		lane_give_up(l, now_ms, REFUSED_LATE, SLICE(""));
		return;
	}
	lane_drop_state(l, now_ms); /* it was remembered long enough */
	lane_free(l);
}

void lane_set_deadline(struct lane *l, int64_t now_ms)
{
	struct timers *timers = l->remote->timers;

	if (l->first && l->first->carried.due_ms < INT64_MAX)
		timer_set(timers, &l->deadline, on_deadline, l->first->carried.due_ms);
	else if (l->first == NULL && l->remembered)
		timer_set(timers, &l->deadline, on_deadline, now_ms + 10 * l->remote->config.event_timeout_ms);
	else
		timer_stop(timers, &l->deadline);
}

void lane_add(struct lane *l, int64_t now_ms, struct remote_event *e)
{
	e->lane = l;
	if (is_of_client(e->carried.kind)) {
		e->carried.nsp = l->nsp;
		e->carried.sid = l->sid;
	}
	*l->end = e;
	l->end = &e->next;
	l->count++;
	if (l->first != e)
		return;
	lane_set_deadline(l, now_ms);
	lane_send(l, now_ms);
}

void lane_next(struct lane *l, int64_t now_ms)
{
	struct remote_event *e = l->first;

	l->first = e->next;
	if (l->first == NULL)
		l->end = &l->first;
	l->count--;
	remote_event_free(l->remote, e);
	if (l->first == NULL && l->client == NULL && !l->remembered) {
		lane_free(l);
		return;
	}
	lane_set_deadline(l, now_ms);
	lane_send(l, now_ms);
}
