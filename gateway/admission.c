/* admission.c - see admission.h. */
#include "admission.h"

#include <stdlib.h>

#include "alloc.h"
#include "server.h"

/* The request as the application knows such things. */
struct view {
	struct app_handshake handshake;
	struct app_request request;
};

static const struct app_request *view_of(struct view *v, const struct edge_request *r)
{
	const struct session_handshake *h = r->handshake;

	v->handshake = (struct app_handshake){ h->query, h->headers, h->address.at };
	v->request = (struct app_request){ .handshake = &v->handshake, .transport = r->transport };
	return &v->request;
}

struct question {
	struct map_node node; /* while it waits; its key is the number */
	struct server *server;
	uint64_t number;
	bool waits, answered;
};

static void forget(struct question *q)
{
	map_remove(&q->server->questions, &q->node);
	free(q);
}

static void decided(void *to, const struct effect *e, const char *trouble)
{
	struct question *q = to;
	struct edge_decision d = { .unavailable = true, .message = slice_str(trouble ? trouble : "") };

	if (e)
		d = (struct edge_decision){ .refused = e->kind == EFFECT_DENY,
			.message = e->text,
			.headers = e->headers,
			.session_headers = e->session_headers };
	q->answered = true;
	edge_decide(q->server->process.edge, q->number, &d);
	if (q->waits)
		forget(q);
}

static bool admit(void *ctx, int64_t now_ms, const struct edge_request *r)
{
	struct server *s = ctx;
	struct question *q = must_alloc(sizeof(*q));
	struct view v;

	q->server = s;
	q->number = r->number;
	q->node.key = slice_of((const char *)&q->number, sizeof(q->number));
	q->waits = dispatch_admit(&s->dispatch, now_ms, view_of(&v, r), decided, q) && !q->answered;
	if (!q->waits) {
		free(q);
		return false;
	}
	map_add(&s->questions, &q->node);
	return true;
}

static void left(void *ctx, uint64_t number)
{
	struct server *s = ctx;
	struct map_node *node = map_find(&s->questions, slice_of((const char *)&number, sizeof(number)));
	struct question *q = node ? map_item(node, struct question, node) : NULL;

	if (q == NULL)
		return;
	dispatch_forget_request(&s->dispatch, q);
	forget(q);
}

static bool hears(void *ctx)
{
	const struct server *s = ctx;

	return dispatch_hears_refusals(&s->dispatch);
}

static void refused(void *ctx, int64_t now_ms, const struct edge_request *r, struct slice error)
{
	struct server *s = ctx;
	struct view v;

	dispatch_refused(&s->dispatch, now_ms, view_of(&v, r), error);
}

const struct edge_door_ops admission_ops = { .admit = admit, .left = left, .hears = hears, .refused = refused };
