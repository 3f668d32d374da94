/* sending.c - an event's record, and when it goes. See remote_internal.h. */
#include <errno.h>

#include "log.h"
#include "metrics.h"
#include "remote_internal.h"

enum { PUMP_LANES = 256, RETRY_MS = 20 };

const struct app_record *remote_app(const struct remote *r)
{
	return r->carrier ? r->carrier->application(r->carrier_ctx) : NULL;
}

/* --- The record --------------------------------------------------------------------------------------------------- */

/* State goes along when it is new, when nobody else keeps it, and when it may be forgotten. */
static void add_state(struct lane *l, const struct remote_event *e, int64_t now_ms, struct event_record *record)
{
	const struct remote *r = l->remote;
	bool is_new;

	if (!is_of_client(e->carried.kind)) {
		record->has_state = l->kept != NULL && l->sid.size == 0;
		if (record->has_state)
			record->state = l->kept->state;
		return;
	}
	is_new = state_now(l, &record->state);
	if (is_new && r->carrier->put_state)
		state_put(l, now_ms);
	record->has_state = is_new || r->carrier->put_state == NULL || e->carried.again;
	record->state_n = l->state_n;
}

static int write_record(struct lane *l, const struct remote_event *e, int64_t now_ms)
{
	struct remote *r = l->remote;
	struct event_record record = { .kind = e->carried.kind,
		.node = slice_of(r->dispatch->clients->sessions->node_id, NODE_ID_SIZE),
		.nsp = e->carried.nsp,
		.sid = e->carried.sid,
		.n = e->n,
		.at_ms = e->at_ms,
		.name = e->name,
		.items = e->items,
		.flags = e->flags,
		.blobs = e->blobs,
		.n_blobs = e->n_blobs,
		.wants_ack = e->wants_ack,
		.ack_id = e->ack_id,
		.reason = slice_str(e->reason ? e->reason : ""),
		.error = e->error,
		.again = e->carried.again,
		.answer = e->answer };

	add_state(l, e, now_ms, &record);
	buf_clear(&r->record);
	return event_record_put(&r->record, r->encoding, &record);
}

/* --- When it goes ------------------------------------------------------------------------------------------------- */

static enum refusal refusal_of(int error)
{
	if (error == -EMSGSIZE)
		return REFUSED_TOO_LARGE;
	if (error == -EBUSY)
		return REFUSED_RESTING;
	return error == -ENOMEM ? REFUSED_MEMORY : REFUSED_BY_CARRIER;
}

/* What the application says of itself may be known only now. */
static bool is_to_be_sent(struct lane *l, int64_t now_ms)
{
	struct remote *r = l->remote;
	struct remote_event *e = l->first;
	const struct app_record *app = remote_app(r);

	if (e->carried.kind == RECORD_CONNECT && !app_record_has_namespace(app, l->nsp)) {
		if (l->client)
			refuse_client(r, l->client, SLICE("Invalid namespace"));
		l->client = NULL;
		lane_next(l, now_ms);
		return false;
	}
	if (request_is_idle(r, e)) {
		request_admit_now(r, now_ms, e);
		lane_next(l, now_ms);
		return false;
	}
	return true;
}

static void number_it(struct lane *l, struct remote_event *e)
{
	if (e->n == 0)
		e->n = is_of_client(e->carried.kind) ? ++l->last_n : e->carried.number;
}

static void give(struct lane *l, int64_t now_ms)
{
	struct remote *r = l->remote;
	struct remote_event *e = l->first;
	uint64_t number = e->carried.number;
	bool tried = e->tried;
	int error;

	number_it(l, e);
	error = write_record(l, e, now_ms);
	e->sent = e->tried = true; /* its batch may come from inside */
	if (error == 0)
		error = r->carrier->send(r->carrier_ctx, now_ms, &e->carried, buf_slice(&r->record));
	arena_reset(&r->arena);
	if (error == 0) {
		metrics_count(M_DISPATCH_EVENTS);
		return;
	}
	if (remote_event_find(r, number) == NULL)
		return;
	e->sent = false;
	e->tried = tried;
	if (error != -EAGAIN) {
		lane_give_up(l, now_ms, refusal_of(error), SLICE(""));
		return;
	}
	lane_todo(l, TODO_SEND);
	remote_pump(r, now_ms, RETRY_MS);
}

void lane_send(struct lane *l, int64_t now_ms)
{
	const struct remote_event *e = l->first;

	if (e == NULL || e->sent || l->is_doubted || l->held)
		return;
	if (!l->remote->is_ready)
		lane_todo(l, TODO_SEND);
	else if (is_to_be_sent(l, now_ms))
		give(l, now_ms);
}

/* --- What waits --------------------------------------------------------------------------------------------------- */

static void do_todo(struct lane *l, int64_t now_ms, unsigned what)
{
	struct remote *r = l->remote;
	struct remote_event *e = l->first;

	if ((what & TODO_LOOK) && r->carrier->look_state(r->carrier_ctx, now_ms, l->nsp, l->sid) < 0)
		lane_todo(l, TODO_LOOK);
	if ((what & TODO_STATE) && !l->is_doubted && l->state_n && r->carrier->put_state)
		state_put(l, now_ms);
	if ((what & TODO_CHECK) && e && e->sent)
		r->carrier->check(r->carrier_ctx, now_ms, &e->carried, r->fresh);
	else if (e && !e->sent)
		lane_send(l, now_ms);
}

static void pump(struct timer *t, int64_t now_ms)
{
	struct remote *r = (struct remote *)(void *)((char *)t - offsetof(struct remote, pump));

	for (int i = 0; i < PUMP_LANES && r->todo && r->is_ready; i++) {
		struct lane *l = r->todo;
		unsigned what = l->todo;

		lane_leave_todo(l);
		do_todo(l, now_ms, what);
	}
	if (r->todo && r->is_ready)
		remote_pump(r, now_ms, timer_is_set(&r->pump) ? RETRY_MS : 0);
}

void remote_pump(struct remote *r, int64_t now_ms, int64_t after_ms)
{
	if (!timer_is_set(&r->pump))
		timer_set(r->timers, &r->pump, pump, now_ms + after_ms);
}

/* --- What carriers say -------------------------------------------------------------------------------------------- */

static void note_alone(struct remote *r, int64_t now_ms)
{
	if (r->is_ready && r->is_served)
		r->alone_since_ms = INT64_MAX;
	else if (r->alone_since_ms == INT64_MAX || r->alone_since_ms == INT64_MIN)
		r->alone_since_ms = now_ms;
}

/* That it is not there says nothing any more. */
static void forget_put(struct lane *l)
{
	l->is_doubted = false;
	lane_todo(l, TODO_STATE);
	l->todo &= ~(unsigned)TODO_LOOK;
}

void remote_ready(struct remote *r, int64_t now_ms, bool fresh)
{
	struct map_node *node, *next;

	r->is_ready = true;
	r->fresh = fresh;
	note_alone(r, now_ms);
	if (fresh)
		map_foreach(&r->lanes, node, next) forget_put(map_item(node, struct lane, by_sid));
	map_foreach(&r->events, node, next)
	{
		struct remote_event *e = map_item(node, struct remote_event, by_number);

		if (e->lane->first == e)
			lane_todo(e->lane, e->sent ? TODO_CHECK : TODO_SEND);
	}
	remote_pump(r, now_ms, 0);
}

void remote_away(struct remote *r, int64_t now_ms)
{
	r->is_ready = false;
	note_alone(r, now_ms);
}

void remote_doubt(struct remote *r, int64_t now_ms)
{
	struct map_node *node, *next;

	map_foreach(&r->lanes, node, next)
	{
		struct lane *l = map_item(node, struct lane, by_sid);

		l->is_doubted = l->state_n > 0;
		if (l->is_doubted)
			lane_todo(l, TODO_LOOK);
	}
	remote_pump(r, now_ms, 0);
}

void remote_look_again(struct remote *r, struct slice sid)
{
	struct map_node *node = map_find(&r->lanes, sid);

	if (node)
		lane_todo(map_item(node, struct lane, by_sid), TODO_LOOK);
}

void remote_state_is(struct remote *r, int64_t now_ms, struct slice sid, bool there)
{
	struct map_node *node = map_find(&r->lanes, sid);
	struct lane *l = node ? map_item(node, struct lane, by_sid) : NULL;

	if (l == NULL || !l->is_doubted)
		return;
	l->is_doubted = false;
	if (!there) {
		lane_bury(l, now_ms);
		return;
	}
	state_put(l, now_ms); /* it may have changed meanwhile */
	lane_send(l, now_ms);
}

void remote_served(struct remote *r, int64_t now_ms, bool is_served)
{
	r->is_served = is_served;
	note_alone(r, now_ms);
}

void remote_application(struct remote *r, int64_t now_ms)
{
	(void)now_ms;
	dispatch_keep_namespaces(r->dispatch);
}

struct carried *remote_carried_event(struct remote *r, uint64_t number)
{
	struct remote_event *e = remote_event_find(r, number);

	return e ? &e->carried : NULL;
}

void remote_carried(struct remote *r, int64_t now_ms, uint64_t number)
{
	struct remote_event *e = remote_event_find(r, number);

	if (e && e->carried.kind == RECORD_ANSWER)
		lane_next(e->lane, now_ms);
}

void remote_again(struct remote *r, int64_t now_ms, uint64_t number)
{
	struct remote_event *e = remote_event_find(r, number);

	if (e == NULL || !e->sent)
		return;
	e->carried.again = true;
	e->carried.entry[0] = '\0';
	e->sent = false;
	metrics_count(M_DISPATCH_AGAIN);
	lane_send(e->lane, now_ms);
}

void remote_put_again(struct remote *r, int64_t now_ms, struct slice sid)
{
	struct map_node *node = map_find(&r->lanes, sid);

	if (node == NULL)
		return;
	lane_todo(map_item(node, struct lane, by_sid), TODO_STATE);
	remote_pump(r, now_ms, RETRY_MS);
}

void remote_released(struct remote *r, int64_t now_ms, struct slice sid)
{
	struct map_node *node = map_find(&r->lanes, sid);
	struct lane *l = node ? map_item(node, struct lane, by_sid) : NULL;

	if (l && l->held && --l->held == 0)
		lane_send(l, now_ms);
}

void remote_refuse(struct remote *r, int64_t now_ms, uint64_t number, enum refusal why)
{
	struct remote_event *e = remote_event_find(r, number);

	if (e && e->lane->first == e)
		lane_give_up(e->lane, now_ms, why, SLICE(""));
}
