/* http_server.c - what connections share: limits and their counting, the services. See http_conn.h. */
#include <stdlib.h>

#include "alloc.h"
#include "http_conn.h"
#include "log.h"
#include "metrics.h"

void http_server_init(struct http_server *s, struct loop *loop, struct lingers *lingers)
{
	*s = (struct http_server){ .loop = loop, .lingers = lingers, .scratch = must_alloc(HTTP_READ_BYTES) };
}

void http_server_fini(struct http_server *s)
{
	free(s->scratch);
	s->scratch = NULL;
	buf_fini(&s->answer);
	buf_fini(&s->date);
}

void http_server_limit(struct http_server *s, enum http_limit limit)
{
	static const struct {
		enum metric_id metric;
		const char *name;
	} limits[LIMITS] = {
		[LIMIT_HEAD] = { M_LIMIT_HEAD, "max_head_size" },
		[LIMIT_HEAD_TIME] = { M_LIMIT_HEAD_TIME, "head_timeout" },
		[LIMIT_BODY_TIME] = { M_LIMIT_BODY_TIME, "body_timeout" },
		[LIMIT_PAYLOAD] = { M_LIMIT_PAYLOAD, "max_http_buffer_size" },
	};
	int64_t count;

	metrics_count(limits[limit].metric);
	if (limit == LIMIT_PAYLOAD) /* of WebSockets too: metrics_log_limits() */
		return;
	if (sample_take(&s->passed[limit], loop_now(s->loop), &count))
		log_warn("limit passed", LOG_S("limit", limits[limit].name), LOG_I("count", count));
}

void http_service_init(
	struct http_service *s, const struct http_service_ops *ops, struct http_server *server, void *ctx)
{
	*s = (struct http_service){ .ops = ops, .server = server, .limits = &server->limits, .ctx = ctx };
	TAILQ_INIT(&s->conns);
}

void http_service_close_idle(struct http_service *s)
{
	struct http_conn *c, *next;

	for (c = TAILQ_FIRST(&s->conns); c; c = next) {
		next = TAILQ_NEXT(c, link);
		if (c->state == CONN_HEAD && c->in.size == 0)
			http_conn_end(c);
	}
}

void http_service_close_all(struct http_service *s)
{
	while (!TAILQ_EMPTY(&s->conns))
		http_conn_close(TAILQ_FIRST(&s->conns), "shutdown");
}
