/* polling.c - the GETs and POSTs of polling sessions, and what is answered to them; routes.c says which come here. */
#include <stdlib.h>

#include "alloc.h"
#include "cookie.h"
#include "edge_internal.h"
#include "log.h"
#include "metrics.h"
#include "relay.h"

/* What a connection lends to a session; made for its first request that does not upgrade. */
struct polling {
	struct session_poll poll;
	struct session_post post;
	struct http_conn *conn;
	struct buf headers;          /* CORS lines of the answer due */
	enum http_encoding encoding; /* that the request takes */
	bool old_explorer;
};

/* --- Answers ------------------------------------------------------------------------------------------------- */

static struct polling *polling_of(struct http_conn *c)
{
	return c->user;
}

struct buf *polling_lines(struct http_conn *c)
{
	return &polling_of(c)->headers;
}

void polling_answer_empty(struct http_conn *c, int status)
{
	http_conn_answer(c, &(struct http_answer){ .status = status, .headers = buf_slice(&polling_of(c)->headers) });
}

void polling_refuse(struct http_conn *c, const struct eio_request *r, const struct refusal *why)
{
	struct buf body = BUF_INIT;

	door_refused(c, r, why);
	log_debug("request refused", LOG_I("fd", c->fd), LOG_T("why", refusal_text(why)));
	door_put_error(&body, why);
	http_conn_answer(c, &(struct http_answer){ .status = refusal_status(why),
				    .type = "application/json",
				    .headers = buf_slice(&polling_of(c)->headers),
				    .body = buf_slice(&body) });
	buf_fini(&body);
}

static void put_polling_lines(struct polling *p)
{
	if (p->old_explorer)
		buf_add_str(&p->headers, "X-XSS-Protection: 0\r\n");
	buf_add_str(&p->headers, "cache-control: no-store\r\n");
}

/* What is to be sent of a payload; adds the line that says how. */
static struct slice encode(struct polling *p, struct slice payload)
{
	struct edge *e = edge_of(p->conn);
	struct slice smaller;

	if (p->encoding == HTTP_IDENTITY || p->poll.uncompressed ||
		payload.size < (size_t)e->config.options->compression_threshold ||
		!compressor_run(e->compressor, p->encoding, payload, &smaller))
		return payload;
	http_put_header(&p->headers, "Content-Encoding", slice_str(http_encoding_name(p->encoding)));
	return smaller;
}

static void answer_payload(struct session_poll *poll, struct slice payload, bool open)
{
	struct polling *p = (struct polling *)(void *)((char *)poll - offsetof(struct polling, poll));

	(void)open;
	payload = encode(p, payload);
	put_polling_lines(p);
	http_conn_answer(p->conn,
		&(struct http_answer){
			.status = 200, .type = poll->type, .headers = buf_slice(&p->headers), .body = payload });
}

static void abort_post(struct session_post *post)
{
	struct polling *p = (struct polling *)(void *)((char *)post - offsetof(struct polling, post));

	http_conn_close(p->conn, "two POSTs at once");
}

static void free_polling(void *user)
{
	struct polling *p = user;

	buf_fini(&p->headers);
	free(p);
}

/* What is known to take an answer for a page, and to "mend" it, as the reference has it. */
static bool is_old_explorer(const struct http_head *head)
{
	struct slice agent = http_field_get(head, HTTP_F_USER_AGENT);

	return agent.size && (memmem(agent.at, agent.size, ";MSIE", 5) || memmem(agent.at, agent.size, "Trident/", 8));
}

void polling_lend(struct http_conn *c, const struct http_head *head, struct slice lines)
{
	bool compresses =
		edge_of(c)->config.options->http_compression && http_field_count(head, HTTP_F_ACCEPT_ENCODING);
	struct polling *p = c->user;

	if (p == NULL) {
		p = must_alloc(sizeof(*p));
		p->poll.answer = answer_payload;
		p->post.abort = abort_post;
		p->conn = c;
		c->user = p;
		c->free_user = free_polling;
	}
	buf_clear(&p->headers);
	buf_add_slice(&p->headers, lines);
	p->encoding = compresses ? http_encoding_choose(head, HTTP_GZIP | HTTP_DEFLATE) : HTTP_IDENTITY;
	p->old_explorer = is_old_explorer(head);
}

/* --- Sessions, GET, POST ------------------------------------------------------------------------------------- */

/* Its answer goes out at the end of the turn. */
void polling_open(struct http_conn *c, const struct session_handshake *h)
{
	struct edge *e = edge_of(c);
	struct session *s = session_open_polling(e->config.sessions, loop_now(e->config.loop), h, &polling_of(c)->poll);

	if (s) {
		cookie_put(&polling_of(c)->headers, e->config.options, s->sid, edge_is_secure(c));
	} else {
		metrics_count(M_HANDSHAKES_REFUSED);
		polling_answer_empty(c, 503);
	}
}

void polling_get(struct http_conn *c, struct session *s)
{
	if (!session_poll_begin(s, loop_now(edge_of(c)->config.loop), &polling_of(c)->poll))
		polling_answer_empty(c, 400);
}

void polling_post(struct http_conn *c, const struct http_head *head, struct session *s)
{
	struct edge *e = edge_of(c);
	struct session_post *post = &polling_of(c)->post;
	int64_t now = loop_now(e->config.loop);
	struct slice type = http_field_get(head, HTTP_F_CONTENT_TYPE);

	post->octets = slice_equal_nocase(type, SLICE("application/octet-stream"));
	if (!session_post_begin(s, now, post)) {
		polling_answer_empty(c, 400);
	} else if (post->octets && !session_takes_octets(s)) {
		session_post_gone(post, now);
		polling_answer_empty(c, 400);
	} else {
		http_conn_want_body(c, (size_t)e->config.options->max_http_buffer_size);
	}
}

void polling_body(struct http_conn *c, struct slice body)
{
	struct polling *p = polling_of(c);

	if (c->relay) {
		relay_body(c, body);
		return;
	}
	session_post_end(&p->post, loop_now(edge_of(c)->config.loop), body);
	put_polling_lines(p);
	http_conn_answer(c,
		&(struct http_answer){
			.status = 200, .type = "text/html", .headers = buf_slice(&p->headers), .body = SLICE("ok") });
}

void polling_too_large(struct http_conn *c)
{
	if (c->relay) {
		relay_too_large(c);
		return;
	}
	http_server_limit(&edge_of(c)->server, LIMIT_PAYLOAD);
	session_post_cancel(&polling_of(c)->post);
	polling_answer_empty(c, 413);
}

void polling_gone(struct http_conn *c)
{
	struct polling *p = polling_of(c);
	int64_t now = loop_now(edge_of(c)->config.loop);

	if (c->relay) {
		relay_gone(c);
	} else if (c->question) {
		door_gone(c);
	} else if (p) {
		session_poll_gone(&p->poll, now);
		session_post_gone(&p->post, now);
	}
}
