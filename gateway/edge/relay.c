/* relay.c - requests for sessions of other gateways, from their arrival to the answer. See relay.h. */
#include "relay.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <stdlib.h>

#include "alloc.h"
#include "log.h"
#include "metrics.h"

enum { ANSWER_MAX = 1 << 28 };

static struct loop *loop_of(const struct relays *all)
{
	return all->edge->config.loop;
}

static const struct gateway_options *options_of(const struct relays *all)
{
	return all->edge->config.options;
}

/* --- Counting ----------------------------------------------------------------------------------------------------- */

static void count(enum relay_kind kind, enum relay_result result)
{
	static const enum metric_id metrics[RELAY_KINDS][RELAY_RESULTS] = {
		[RELAY_POLL] = { M_RELAY_POLL_ANSWERED, M_RELAY_POLL_UNKNOWN, M_RELAY_POLL_FAILED,
			M_RELAY_POLL_ABORTED },
		[RELAY_POST] = { M_RELAY_POST_ANSWERED, M_RELAY_POST_UNKNOWN, M_RELAY_POST_FAILED,
			M_RELAY_POST_ABORTED },
		[RELAY_UPGRADE] = { M_RELAY_UPGRADE_ANSWERED, M_RELAY_UPGRADE_UNKNOWN, M_RELAY_UPGRADE_FAILED,
			M_RELAY_UPGRADE_ABORTED },
	};

	metrics_count(metrics[kind][result]);
}

/* --- Its end ------------------------------------------------------------------------------------------------------ */

static void free_relay(struct grave *g)
{
	struct relay *relay = (struct relay *)(void *)((char *)g - offsetof(struct relay, grave));

	buf_fini(&relay->head);
	buf_fini(&relay->origin);
	if (relay->body)
		evbuffer_free(relay->body);
	free(relay);
}

/* Lets go of its client, which is the caller's to answer; the link is the caller's as well. */
static struct http_conn *end(struct relay *relay, enum relay_result result)
{
	struct relays *all = relay->all;
	struct http_conn *c = relay->client;

	count(relay->kind, result);
	timer_stop(&loop_of(all)->timers, &relay->due);
	TAILQ_REMOVE(&all->requests, relay, entry);
	all->n_requests--;
	metrics_add(M_RELAYS, -1);
	c->relay = NULL;
	relay->client = NULL;
	graveyard_bury(&loop_of(all)->graveyard, &relay->grave, free_relay);
	return c;
}

static void drop_link(struct relay *relay)
{
	if (relay->link)
		relay_link_close(relay->link);
	relay->link = NULL;
}

/* An answer may be due before the body is here; what still comes of it is passed over. */
static void stop_body(struct http_conn *c)
{
	if (c->state == CONN_BODY)
		http_conn_enter(c, CONN_PARKED);
	buf_fini(&c->body);
}

/* The session is nobody's: answered as here, from the head that is kept, which was parsed before. */
static void fail(struct relay *relay, enum relay_result result)
{
	struct http_limits any = { .max_head_bytes = relay->head.size + 1,
		.max_line_bytes = relay->head.size,
		.max_headers = HTTP_MAX_HEADERS };
	struct http_head head;
	struct http_refusal why;
	size_t scanned = 0;
	struct http_conn *c;

	drop_link(relay);
	c = end(relay, result);
	stop_body(c);
	if (http_head_parse(buf_slice(&relay->head), &any, &scanned, &head, &why) <= 0)
		http_conn_close(c, "relay");
	else if (relay->kind == RELAY_UPGRADE)
		upgrade_answer_stranger(c, &head);
	else
		polling_answer_stranger(c, &head);
}

static void too_late(struct timer *t, int64_t now_ms)
{
	(void)now_ms;
	fail((struct relay *)(void *)((char *)t - offsetof(struct relay, due)), RELAY_FAILED);
}

static void set_due(struct relay *relay, int64_t ms)
{
	timer_set(&loop_of(relay->all)->timers, &relay->due, too_late, loop_now(loop_of(relay->all)) + ms);
}

void relay_gone(struct http_conn *c)
{
	struct relay *relay = c->relay;

	drop_link(relay);
	end(relay, RELAY_ABORTED);
}

/* --- Sending ------------------------------------------------------------------------------------------------------ */

/* A poll is answered with the next ping at the latest, or when the session times out; a body takes its time here. */
static void await_answer(struct relay *relay)
{
	const struct gateway_options *o = options_of(relay->all);

	if (relay->body_due)
		timer_stop(&loop_of(relay->all)->timers, &relay->due);
	else if (relay->kind == RELAY_POLL)
		set_due(relay, o->ping_interval_ms + o->ping_timeout_ms + o->relay_timeout_ms);
	else
		set_due(relay, o->relay_timeout_ms);
}

static struct evbuffer *output_of(const struct relay *relay)
{
	return bufferevent_get_output(relay->link->bev);
}

static void send_on(struct relay *relay, const char *address, bool fresh)
{
	struct relays *all = relay->all;

	relay->link = relay_link_open(all, relay, address, fresh);
	if (relay->link == NULL) {
		fail(relay, RELAY_FAILED);
		return;
	}
	relay_send_head(output_of(relay), buf_slice(&relay->head), all->secret[0], buf_slice(&relay->origin));
	if (relay->body)
		evbuffer_add_buffer(output_of(relay), relay->body);
	relay->connecting = !relay->link->used;
	if (relay->connecting)
		set_due(relay, options_of(all)->relay_connect_timeout_ms);
	else
		await_answer(relay);
}

void relay_connected(struct relay *relay)
{
	relay->connecting = false;
	await_answer(relay);
}

/* Where the body goes: on, or it waits for the link. */
static struct evbuffer *body_of(struct relay *relay)
{
	if (relay->link)
		return output_of(relay);
	if (relay->body == NULL)
		relay->body = evbuffer_new();
	return relay->body;
}

static void body_is_sent(struct relay *relay)
{
	relay->body_due = false;
	if (relay->link && !relay->connecting)
		await_answer(relay);
}

static bool put_body(struct evbuffer *to, bool chunked, struct slice body)
{
	if (to == NULL)
		return false;
	metrics_add(M_RELAY_BYTES_OUT, (int64_t)body.size);
	if (!chunked)
		return evbuffer_add(to, body.at, body.size) == 0;
	return (body.size == 0 ||
		       (evbuffer_add_printf(to, "%zx\r\n", body.size) > 0 &&
			       evbuffer_add(to, body.at, body.size) == 0 && evbuffer_add(to, "\r\n", 2) == 0)) &&
	       evbuffer_add(to, "0\r\n\r\n", 5) == 0;
}

void relay_body(struct http_conn *c, struct slice body)
{
	struct relay *relay = c->relay;

	if (put_body(body_of(relay), relay->chunked, body)) {
		body_is_sent(relay);
	} else {
		metrics_count(M_OUT_OF_MEMORY);
		fail(relay, RELAY_FAILED);
	}
}

/* The owner refuses it, with its head, or with the size of a chunk. */
void relay_too_large(struct http_conn *c)
{
	struct relay *relay = c->relay;
	struct evbuffer *to = body_of(relay);

	if (relay->chunked && to)
		evbuffer_add(to, "7fffffff\r\n", 10);
	body_is_sent(relay);
}

/* --- The answer --------------------------------------------------------------------------------------------------- */

static void become_tunnel(struct relay *relay)
{
	struct relays *all = relay->all;
	struct bufferevent *owner = relay_link_give_away(relay->link);
	struct http_conn *c = end(relay, RELAY_ANSWERED);
	int fd = http_conn_give_away(c);

	relay_tunnel_open(all, fd, buf_slice(&c->in), owner);
}

/* All of it is at the front of `from`, which the link keeps until this returns. */
static void pass_on(struct http_conn *c, enum relay_kind kind, const struct relay_answer *a, struct evbuffer *from)
{
	struct relays *all = edge_of(c)->relays;
	size_t size = a->head_size + a->body_size;
	const char *at = (const char *)evbuffer_pullup(from, (ssize_t)size);

	if (at == NULL) {
		metrics_count(M_OUT_OF_MEMORY);
		http_conn_close(c, "out of memory");
	} else if (kind == RELAY_UPGRADE) {
		http_conn_answer_raw(c, slice_of(at, size));
	} else {
		http_conn_answer(c, &(struct http_answer){ .status = a->status,
					    .type = all->type.size ? all->type.at : NULL,
					    .headers = buf_slice(&all->lines),
					    .body = slice_of(at + a->head_size, a->body_size) });
	}
}

static void answer(struct relay *relay, const struct relay_answer *a)
{
	struct relay_link *l = relay->link;
	struct evbuffer *from = bufferevent_get_input(l->bev);
	bool keep = !a->close && !relay->body_due && !evbuffer_get_length(bufferevent_get_output(l->bev));
	struct http_conn *c = end(relay, RELAY_ANSWERED);

	metrics_add(M_RELAY_BYTES_IN, (int64_t)(a->head_size + a->body_size));
	stop_body(c);
	pass_on(c, relay->kind, a, from);
	evbuffer_drain(from, a->head_size + a->body_size);
	if (keep)
		relay_link_keep(l);
	else
		relay_link_close(l);
}

static void denied(struct relay *relay)
{
	struct relays *all = relay->all;
	int64_t now_ms = loop_now(loop_of(all)), times;

	if (sample_take(&all->denied, now_ms, &times))
		log_warn("relay-denied", LOG_S("by", relay->link->address),
			LOG_S("why", "the gateways have different secrets"), LOG_I("count", times));
	fail(relay, RELAY_FAILED);
	if (all->ops)
		all->ops->denied(all->ctx, now_ms);
}

static bool is_sensible(const struct relay *relay, const struct relay_answer *a)
{
	return a->body_size <= ANSWER_MAX && (a->status != 101 || relay->kind == RELAY_UPGRADE);
}

void relay_heard(struct relay *relay)
{
	struct relays *all = relay->all;
	struct evbuffer *from = bufferevent_get_input(relay->link->bev);
	struct relay_answer a;
	int r = relay_read_answer(from, relay->head_only, &a, &all->type, &all->lines);

	if (r < 0 || (r > 0 && !is_sensible(relay, &a)))
		fail(relay, RELAY_FAILED);
	else if (r == 0 || evbuffer_get_length(from) < a.head_size + a.body_size)
		return;
	else if (a.denied)
		denied(relay);
	else if (a.status == 101)
		become_tunnel(relay);
	else
		answer(relay, &a);
}

/* The owner closed a kept connection while a request was put on it; the next is a fresh one, with which it is over. */
static bool may_retry(const struct relay *relay)
{
	return relay->kind == RELAY_POLL && relay->link->used &&
	       evbuffer_get_length(bufferevent_get_input(relay->link->bev)) == 0;
}

void relay_lost(struct relay *relay)
{
	char address[RELAY_ADDRESS_SIZE];

	if (!may_retry(relay)) {
		fail(relay, RELAY_FAILED);
		return;
	}
	memcpy(address, relay->link->address, sizeof(address));
	drop_link(relay);
	send_on(relay, address, true);
}

/* --- The request -------------------------------------------------------------------------------------------------- */

static bool is_sid(struct slice sid)
{
	for (size_t i = 0; i < sid.size; i++) {
		char c = ascii_lower(sid.at[i]);

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-' && c != '_')
			return false;
	}
	return sid.size == SID_SIZE;
}

/* Never of the own node, nor again: what a gateway brings is asked for nowhere else. */
static bool is_for_others(const struct relays *all, const struct http_conn *c, struct slice sid)
{
	return all->ops && c->service != &all->edge->relayed && is_sid(sid) &&
	       !slice_starts(sid, slice_str(all->edge->config.sessions->node_id));
}

static enum relay_kind kind_of(const struct eio_request *r, bool upgrade)
{
	if (upgrade)
		return RELAY_UPGRADE;
	return r->head->method == HTTP_POST ? RELAY_POST : RELAY_POLL;
}

static struct relay *relay_new(struct http_conn *c, const struct eio_request *r, enum relay_kind kind)
{
	struct relays *all = edge_of(c)->relays;
	struct relay *relay = must_alloc(sizeof(*relay));
	struct forwarded from;

	relay->all = all;
	relay->client = c;
	relay->kind = kind;
	relay->head_only = r->head->method == HTTP_HEAD;
	relay->chunked = r->head->chunked;
	relay->body_due = kind == RELAY_POST;
	memcpy(relay->node, r->sid.at, NODE_ID_SIZE);
	edge_read_origin(edge_of(c), c, r->head, &from);
	relay_put_origin(&relay->origin, &from);
	relay_put_head(&relay->head, r, kind, (size_t)options_of(all)->max_http_buffer_size);
	TAILQ_INSERT_TAIL(&all->requests, relay, entry);
	all->n_requests++;
	metrics_add(M_RELAYS, 1);
	c->relay = relay;
	return relay;
}

static bool is_full(struct relays *all)
{
	int64_t max = options_of(all)->max_relays, times;

	if (all->n_requests + all->n_tunnels < (size_t)max)
		return false;
	metrics_count(M_LIMIT_RELAYS);
	if (sample_take(&all->full, loop_now(loop_of(all)), &times))
		log_warn("limit passed", LOG_S("limit", "max_relays"), LOG_I("count", times));
	return true;
}

static void begin(struct relay *relay, const char *address)
{
	if (relay->head.failed || relay->origin.failed) {
		metrics_count(M_OUT_OF_MEMORY);
		http_conn_close(relay->client, "out of memory");
	} else if (address) {
		send_on(relay, address, false);
	} else {
		set_due(relay, options_of(relay->all)->relay_connect_timeout_ms);
	}
}

enum relay_verdict relay_request(struct http_conn *c, const struct eio_request *r, bool upgrade)
{
	struct relays *all = edge_of(c)->relays;
	enum relay_kind kind = kind_of(r, upgrade);
	enum edge_relay_where where;
	const char *address = NULL;

	if (!is_for_others(all, c, r->sid) || slice_equal(r->head->method_text, SLICE(RELAY_RELEASE)))
		return RELAY_NOT;
	if (is_full(all))
		return RELAY_FULL;
	where = all->ops->where(all->ctx, loop_now(loop_of(all)), slice_first(r->sid, NODE_ID_SIZE), &address);
	if (where == EDGE_RELAY_NOWHERE) {
		count(kind, RELAY_UNKNOWN);
		return RELAY_NOT;
	}
	begin(relay_new(c, r, kind), where == EDGE_RELAY_THERE ? address : NULL);
	if (c->relay && kind == RELAY_POST)
		http_conn_want_body(c, (size_t)options_of(all)->max_http_buffer_size);
	return RELAY_TAKEN;
}

void relay_go_on(struct relay *relay, const char *address)
{
	if (address)
		send_on(relay, address, false);
	else
		fail(relay, RELAY_UNKNOWN);
}
