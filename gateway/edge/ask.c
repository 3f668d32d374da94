/* ask.c - the layer above is asked whether a request gets a session; requests wait for its answer. See door.h. */
#include <stdlib.h>

#include "alloc.h"
#include "door.h"
#include "metrics.h"

void edge_set_door(struct edge *e, const struct edge_door_ops *ops, void *ctx)
{
	e->door = must_alloc(sizeof(*e->door));
	e->door->ops = ops;
	e->door->ctx = ctx;
}

/* --- Questions that wait -------------------------------------------------------------------------------------- */

static void question_free(struct edge *e, struct question *q)
{
	map_remove(&e->door->waiting, &q->node);
	metrics_add(M_HANDSHAKES_WAITING, -1);
	addresses_leave(&e->config.sessions->addresses, q->address);
	buf_fini(&q->head);
	free(q);
}

static struct question *question_find(const struct door *d, uint64_t number)
{
	struct map_node *node = map_find(&d->waiting, slice_of((const char *)&number, sizeof(number)));

	return node ? map_item(node, struct question, node) : NULL;
}

static void put_head(struct buf *to, const struct http_head *head)
{
	buf_add_slice(to, head->method_text);
	buf_add_char(to, ' ');
	buf_add_slice(to, head->path);
	buf_add_char(to, '?');
	buf_add_slice(to, head->query);
	buf_printf(to, " HTTP/1.%d\r\n", head->minor);
	for (size_t i = 0; i < head->n_headers; i++) {
		buf_add_slice(to, head->headers[i].name);
		buf_add_str(to, ": ");
		buf_add_slice(to, head->headers[i].value);
		buf_add_str(to, "\r\n");
	}
	buf_add_str(to, "\r\n");
}

/* False: no memory. */
static bool park(struct http_conn *c, const struct http_head *head, struct slice address, bool upgrade)
{
	struct edge *e = edge_of(c);
	struct door *d = e->door;
	struct question *q = must_alloc(sizeof(*q));

	q->number = d->asked;
	q->node.key = slice_of((const char *)&q->number, sizeof(q->number));
	q->upgrade = upgrade;
	q->address = addresses_enter(&e->config.sessions->addresses, address);
	put_head(&q->head, head);
	map_add(&d->waiting, &q->node);
	metrics_add(M_HANDSHAKES_WAITING, 1);
	if (q->head.failed) {
		metrics_count(M_OUT_OF_MEMORY);
		question_free(e, q);
		return false;
	}
	q->client = c;
	c->question = q;
	return true;
}

void door_gone(struct http_conn *c)
{
	const struct door *d = edge_of(c)->door;
	struct question *q = c->question;

	c->question = NULL;
	d->ops->left(d->ctx, q->number);
	question_free(edge_of(c), q);
}

/* The request is as it was when it came, parsed again: it was fine then. */
static void resume(struct question *q, const struct edge_decision *d)
{
	struct http_limits any = {
		.max_head_bytes = q->head.size + 1, .max_line_bytes = q->head.size, .max_headers = HTTP_MAX_HEADERS
	};
	struct http_conn *c = q->client;
	struct http_head head;
	struct http_refusal why;
	size_t scanned = 0;

	c->question = NULL;
	if (http_head_parse(buf_slice(&q->head), &any, &scanned, &head, &why) <= 0)
		http_conn_close(c, "handshake");
	else
		handshake_decided(c, &head, q->upgrade, d);
}

void door_forget_all(struct edge *e)
{
	struct edge_decision ending = { .unavailable = true, .message = SLICE("Shutting down") };
	struct question *q;

	while (e->door && e->door->waiting.nodes) {
		q = map_item(e->door->waiting.nodes, struct question, node);
		e->door->ops->left(e->door->ctx, q->number);
		resume(q, &ending);
		question_free(e, q);
	}
}

/* --- Asking --------------------------------------------------------------------------------------------------- */

/* Until the request in hand is carried on. */
static void keep(struct door *door, const struct edge_decision *d)
{
	struct buf *text = &door->text;
	struct slice all;

	buf_clear(text);
	buf_add_slice(text, d->message);
	buf_add_slice(text, d->headers);
	buf_add_slice(text, d->session_headers);
	if (text->failed)
		return; /* nothing was decided: it stays out */
	all = buf_slice(text);
	door->decision = *d;
	door->decision.message = slice_first(all, d->message.size);
	door->decision.headers = slice_first(slice_from(all, d->message.size), d->headers.size);
	door->decision.session_headers = slice_from(all, d->message.size + d->headers.size);
}

void edge_decide(struct edge *e, uint64_t number, const struct edge_decision *d)
{
	struct door *door = e->door;
	struct question *q;

	if (number == door->in_hand) {
		door->in_hand = 0;
		keep(door, d);
		return;
	}
	q = question_find(door, number);
	if (q == NULL)
		return;
	resume(q, d);
	question_free(e, q);
}

static bool is_full(const struct edge *e)
{
	if (map_count(&e->door->waiting) < (size_t)e->config.options->max_waiting_handshakes)
		return false;
	metrics_count(M_LIMIT_HANDSHAKES);
	return true;
}

/* True: it was not decided yet, and will be. */
static bool ask(struct edge *e, const struct session_handshake *h, bool upgrade)
{
	struct door *d = e->door;
	bool waits;

	d->in_hand = ++d->asked;
	d->decision = (struct edge_decision){ .refused = true };
	waits = d->ops->admit(d->ctx, loop_now(e->config.loop),
		&(struct edge_request){
			.number = d->in_hand, .handshake = h, .transport = upgrade ? "websocket" : "polling" });
	waits = waits && d->in_hand;
	d->in_hand = 0;
	return waits;
}

enum door_verdict door_ask(struct http_conn *c, const struct http_head *head, const struct session_handshake *h,
	bool upgrade, struct edge_decision *answer)
{
	struct edge *e = edge_of(c);

	*answer = (struct edge_decision){ .refused = false };
	if (e->door == NULL)
		return DOOR_DECIDED;
	if (is_full(e))
		return DOOR_FULL;
	if (!ask(e, h, upgrade)) {
		*answer = e->door->decision;
		return DOOR_DECIDED;
	}
	if (park(c, head, h->address, upgrade))
		return DOOR_PARKED;
	e->door->ops->left(e->door->ctx, e->door->asked);
	return DOOR_FULL;
}
