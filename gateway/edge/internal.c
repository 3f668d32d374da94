/* internal.c - the internal listener: health for load balancers, numbers for Prometheus, the door to the HTTP API. */
#include <stdlib.h>

#include "alloc.h"
#include "arena.h"
#include "edge_internal.h"
#include "metrics.h"
#include "relay.h"

static void answer_text(struct http_conn *c, int status, struct slice body)
{
	http_conn_answer(c, &(struct http_answer){ .status = status,
				    .type = "text/plain; charset=utf-8",
				    .headers = SLICE("Cache-Control: no-store\r\n"),
				    .body = body });
}

static void answer_healthz(struct http_conn *c)
{
	answer_text(c, 200, SLICE("ok"));
}

static void answer_readyz(struct http_conn *c)
{
	const struct edge_config *config = &edge_of(c)->config;
	const char *why = config->not_ready ? config->not_ready(config->ctx) : NULL;

	answer_text(c, why ? 503 : 200, slice_str(why ? why : "ready"));
}

static void answer_metrics(struct http_conn *c)
{
	struct buf body = BUF_INIT;

	metrics_add(M_CONNECTIONS, (int64_t)edge_connections(edge_of(c)) - metrics_get(M_CONNECTIONS));
	metrics_write(&body);
	if (body.failed)
		answer_text(c, 503, SLICE("out of memory"));
	else
		http_conn_answer(c, &(struct http_answer){ .status = 200,
					    .type = "text/plain; version=0.0.4; charset=utf-8",
					    .body = buf_slice(&body) });
	buf_fini(&body);
}

static const struct {
	const char *path;
	void (*answer)(struct http_conn *c);
} endpoints[] = {
	{ "/healthz", answer_healthz },
	{ "/readyz", answer_readyz },
	{ "/metrics", answer_metrics },
};

/* --- The HTTP API -------------------------------------------------------------------------------------------- */

/* A request under /api/ whose body is being received: what its head said, copied. Belongs to its connection. */
struct api_request {
	struct edge_api_request request;
	struct arena arena;
};

static void api_request_free(void *user)
{
	struct api_request *r = user;

	if (r)
		arena_fini(&r->arena);
	free(r);
}

static struct edge_api_request api_request_of(const struct http_conn *c, const struct http_head *head)
{
	return (struct edge_api_request){ .now_ms = loop_now(edge_of(c)->config.loop),
		.method = head->method,
		.path = head->path,
		.query = head->query,
		.authorization = http_header_get(head, "Authorization"),
		.content_type = http_header_get(head, "Content-Type"),
		.content_encoding = http_header_get(head, "Content-Encoding"),
		.idempotency_key = http_header_get(head, "Idempotency-Key") };
}

/* Whether the slice is one again. */
static bool keep(struct arena *arena, struct slice *s)
{
	if (s->at)
		s->at = arena_copy(arena, s->at, s->size);
	return s->at || s->size == 0;
}

/* The head's slices end before the body comes. The key has been seen and is not kept. */
static bool keep_request(struct http_conn *c, const struct edge_api_request *request)
{
	struct api_request *r = c->user ? c->user : must_alloc(sizeof(*r));
	struct edge_api_request *kept = &r->request;

	c->user = r;
	c->free_user = api_request_free;
	arena_reset(&r->arena);
	*kept = *request;
	kept->authorization = (struct slice){ 0 };
	return keep(&r->arena, &kept->path) && keep(&r->arena, &kept->query) && keep(&r->arena, &kept->content_type) &&
	       keep(&r->arena, &kept->content_encoding) && keep(&r->arena, &kept->idempotency_key);
}

static void answer_api(struct http_conn *c, struct edge_api_answer *a)
{
	if (a->body.failed || a->headers.failed)
		answer_text(c, 503, SLICE("out of memory"));
	else
		http_conn_answer(c, &(struct http_answer){ .status = a->status,
					    .type = "application/json",
					    .headers = buf_slice(&a->headers),
					    .body = buf_slice(&a->body) });
	buf_fini(&a->body);
	buf_fini(&a->headers);
}

static void begin_api(struct http_conn *c, const struct http_head *head)
{
	struct edge *e = edge_of(c);
	struct edge_api_request request = api_request_of(c, head);
	struct edge_api_answer answer = { 0 };

	if (!e->api->head(e->api_ctx, &request, &answer))
		answer_api(c, &answer);
	else if (keep_request(c, &request))
		http_conn_want_body(c, (size_t)e->config.options->api_max_body);
	else
		answer_text(c, 503, SLICE("out of memory"));
}

/* Only the API takes bodies. */
static void body(struct http_conn *c, struct slice bytes)
{
	struct edge *e = edge_of(c);
	struct api_request *r = c->user;
	struct edge_api_answer answer = { 0 };

	r->request.body = bytes;
	e->api->request(e->api_ctx, &r->request, &answer);
	answer_api(c, &answer);
}

static void too_large(struct http_conn *c)
{
	struct edge *e = edge_of(c);
	struct edge_api_answer answer = { 0 };

	e->api->too_large(e->api_ctx, &answer);
	answer_api(c, &answer);
}

/* Nothing parks, and a body that does not come is nobody's loss. */
static void gone(struct http_conn *c)
{
	(void)c;
}

/* --- Routing ------------------------------------------------------------------------------------------------- */

static void request(struct http_conn *c, const struct http_head *head)
{
	if (http_header_get(head, "Stoa-Relay").at) {
		relay_take(c, head);
		return;
	}
	if (edge_of(c)->api && slice_starts(head->path, SLICE("/api/"))) {
		begin_api(c, head);
		return;
	}
	for (size_t i = 0; i < sizeof(endpoints) / sizeof(endpoints[0]); i++) {
		if (!slice_equal(head->path, slice_str(endpoints[i].path)))
			continue;
		if (head->method == HTTP_GET || head->method == HTTP_HEAD)
			endpoints[i].answer(c);
		else
			http_conn_answer(
				c, &(struct http_answer){ .status = 405, .headers = SLICE("Allow: GET, HEAD\r\n") });
		return;
	}
	answer_text(c, 404, SLICE("Not Found: there are /healthz, /readyz and /metrics"));
}

const struct http_service_ops edge_internal_ops = {
	.request = request,
	.body = body,
	.too_large = too_large,
	.gone = gone,
};
