/* admission.c - see admission.h. */
#include "admission.h"

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
	struct edge *edge;
	const struct edge_request *request;
};

static void decided(void *to, const struct effect *e)
{
	const struct question *q = to;

	edge_decide(q->edge, q->request,
		&(struct edge_decision){ .refused = e->kind == EFFECT_DENY,
			.message = e->text,
			.headers = e->headers,
			.session_headers = e->session_headers });
}

static void admit(void *ctx, int64_t now_ms, const struct edge_request *r)
{
	struct server *s = ctx;
	struct question q = { s->process.edge, r };
	struct view v;

	dispatch_admit(&s->dispatch, now_ms, view_of(&v, r), decided, &q);
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

const struct edge_door_ops admission_ops = { .admit = admit, .hears = hears, .refused = refused };
