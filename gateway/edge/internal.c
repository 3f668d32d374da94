/* internal.c - the internal listener: health for load balancers, numbers for Prometheus. */
#include "edge_internal.h"
#include "metrics.h"

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

static void request(struct http_conn *c, const struct http_head *head)
{
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

/* No endpoint takes a body or parks, so these are never called. */
static void body(struct http_conn *c, struct slice bytes)
{
	(void)c;
	(void)bytes;
}

static void nothing(struct http_conn *c)
{
	(void)c;
}

const struct http_service_ops edge_internal_ops = {
	.request = request,
	.body = body,
	.too_large = nothing,
	.gone = nothing,
};
