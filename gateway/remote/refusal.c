/* refusal.c - events that are given up, and what their clients are told. See remote_internal.h. */
#include "json.h"
#include "log.h"
#include "metrics.h"
#include "msgpack.h"
#include "remote_internal.h"

/* --- Words -------------------------------------------------------------------------------------------------------- */

static const char busy[] = "The server is busy";

const char *const refusal_words[REFUSALS] = {
	[REFUSED_LATE] = "The application did not answer in time",
	[REFUSED_QUEUE] = busy,
	[REFUSED_MEMORY] = busy,
	[REFUSED_BACKLOG] = busy,
	[REFUSED_UNSERVED] = "The application is not there",
	[REFUSED_TOO_LARGE] = "The message is too large",
	[REFUSED_BY_CARRIER] = "The application did not answer",
	[REFUSED_RESTING] = busy,
	[REFUSED_FAILED] = "The application failed",
	[REFUSED_BAD_BATCH] = "The application failed",
};

/* For the log: which option it was, or what. */
static const char *const causes[REFUSALS] = {
	[REFUSED_LATE] = "event_timeout",
	[REFUSED_QUEUE] = "max_waiting_events",
	[REFUSED_MEMORY] = "max_waiting_memory",
	[REFUSED_BACKLOG] = "max_backlog",
	[REFUSED_UNSERVED] = "broker_timeout",
	[REFUSED_TOO_LARGE] = "too large",
	[REFUSED_BY_CARRIER] = "not carried",
	[REFUSED_RESTING] = "circuit breaker",
	[REFUSED_FAILED] = "failed",
	[REFUSED_BAD_BATCH] = "bad batch",
};

static const enum metric_id metrics_of[REFUSALS] = {
	[REFUSED_LATE] = M_DISPATCH_REFUSED_LATE,
	[REFUSED_QUEUE] = M_DISPATCH_REFUSED_QUEUE,
	[REFUSED_MEMORY] = M_DISPATCH_REFUSED_MEMORY,
	[REFUSED_BACKLOG] = M_DISPATCH_REFUSED_BACKLOG,
	[REFUSED_UNSERVED] = M_DISPATCH_REFUSED_UNSERVED,
	[REFUSED_TOO_LARGE] = M_DISPATCH_REFUSED_LARGE,
	[REFUSED_BY_CARRIER] = M_DISPATCH_REFUSED_CARRIER,
	[REFUSED_RESTING] = M_DISPATCH_REFUSED_RESTING,
	[REFUSED_FAILED] = M_DISPATCH_REFUSED_FAILED,
	[REFUSED_BAD_BATCH] = M_DISPATCH_REFUSED_BATCH,
};

void refusal_note(struct remote *r, int64_t now_ms, enum refusal why, enum record_kind kind, struct slice sid)
{
	int64_t count;

	metrics_count(metrics_of[why]);
	if (why == REFUSED_QUEUE)
		metrics_count(M_LIMIT_WAITING_EVENTS);
	if (why == REFUSED_MEMORY)
		metrics_count(M_LIMIT_WAITING_MEMORY);
	if (why == REFUSED_BACKLOG)
		metrics_count(M_LIMIT_BACKLOG);
	if (why == REFUSED_LATE)
		metrics_count(M_LIMIT_EVENT_TIME);
	if (sample_take(&r->refused_log[why], now_ms, &count))
		log_warn("event-refused", LOG_S("why", causes[why]), LOG_S("kind", record_kind_name(kind)),
			LOG_T("sid", sid), LOG_I("count", count));
}

/* At first nobody knows since when. */
static bool is_alone_for_long(struct remote *r, int64_t now_ms)
{
	if (r->alone_since_ms == INT64_MIN)
		r->alone_since_ms = now_ms;
	return r->alone_since_ms < INT64_MAX && now_ms - r->alone_since_ms >= r->config.broker_timeout_ms;
}

bool may_wait(struct remote *r, int64_t now_ms, const struct lane *l, size_t bytes, enum refusal *why)
{
	const struct remote_config *c = &r->config;

	if (is_alone_for_long(r, now_ms))
		*why = REFUSED_UNSERVED;
	else if (l && l->count >= c->max_waiting_events)
		*why = REFUSED_QUEUE;
	else if (r->bytes + bytes > c->max_waiting_memory)
		*why = REFUSED_MEMORY;
	else
		return true;
	return false;
}

/* --- To clients --------------------------------------------------------------------------------------------------- */

void refuse_client(struct remote *r, struct client *c, struct slice words)
{
	struct buf payload = BUF_INIT;

	c->upper = NULL;
	r->dispatch->clients->config.parser->put_message(&payload, words);
	if (payload.failed)
		metrics_count(M_OUT_OF_MEMORY);
	client_refuse(c, buf_slice(&payload));
	buf_fini(&payload);
}

/* [{"error": words}], as when a handler fails. */
static void put_error(struct buf *to, enum value_encoding encoding, struct slice words)
{
	struct stoa_value member[2] = { value_text(SLICE("error")), value_text(words) };
	struct stoa_value object = value_object(member, 1);
	struct stoa_value list = value_array(&object, 1);

	if (encoding == VALUE_MSGPACK)
		msgpack_encode(to, list, MSGPACK_CLIENT);
	else
		json_encode(to, list, NULL);
}

void refuse_ack(struct remote *r, struct client *c, uint64_t ack_id, struct slice words)
{
	struct buf payload = BUF_INIT;

	put_error(&payload, r->encoding, words);
	if (payload.size) {
		metrics_count(M_ACKS_SENT);
		client_send(c, &(struct sio_out){ .type = SIO_ACK,
				       .nsp = c->nsp,
				       .has_id = true,
				       .id = ack_id,
				       .json = buf_slice(&payload) });
	}
	buf_fini(&payload);
}

/* --- Of the first in a lane ---------------------------------------------------------------------------------------- */

static void tell(struct lane *l, const struct remote_event *e, enum refusal why, struct slice words)
{
	struct remote *r = l->remote;

	if (e->carried.kind == RECORD_CONNECT && l->client)
		refuse_client(r, l->client, words);
	else if (e->wants_ack && l->client && l->client->state == CLIENT_JOINED)
		refuse_ack(r, l->client, e->ack_id, words);
	else if (e->decided)
		e->decided(e->decided_to, NULL, refusal_words[why]);
}

/* What was to follow is not: it was never in. Unless the application lets it in after all. */
static void end_connect(struct lane *l, int64_t now_ms, enum refusal why)
{
	l->client = NULL;
	lane_drop_rest(l);
	l->remembered = l->first->tried && why == REFUSED_LATE && !l->remote->is_ending;
	if (!l->remembered)
		lane_drop_state(l, now_ms);
}

void lane_give_up(struct lane *l, int64_t now_ms, enum refusal why, struct slice words)
{
	struct remote *r = l->remote;
	struct remote_event *e = l->first;
	bool is_connect = e->carried.kind == RECORD_CONNECT;

	refusal_note(r, now_ms, why, e->carried.kind, l->sid);
	if (e->sent)
		r->carrier->forget(r->carrier_ctx, now_ms, &e->carried);
	if (is_connect && l->client && e->tried)
		state_keep(l);
	tell(l, e, why, words.size ? words : slice_str(refusal_words[why]));
	if (is_connect)
		end_connect(l, now_ms, why);
	else if (e->carried.kind == RECORD_DISCONNECT)
		lane_drop_state(l, now_ms);
	lane_next(l, now_ms);
}
