/* session_polling.c - the GETs and POSTs of a session (protocol.md 2.3, 2.4). */
#include "metrics.h"
#include "session_internal.h"

/* --- GET ---------------------------------------------------------------------------------------------------------- */

/* Moves queued packets into the payload, as many as its size allows; a frame is never split. */
static void take_queued(struct session *s, struct buf *payload)
{
	struct frame *f;

	while ((f = out_peek(&s->out))) {
		struct frame_packet packet;
		size_t offset = 0;

		/* The size limit is on what we read; what we write is bounded so that a payload is not all of the queue. */
		if (payload->size && payload->size + f->size > s->all->config.max_payload_bytes)
			return;
		while (frame_next(f, &offset, &packet))
			eio_payload_add(payload, &packet);
		s->messages_out++;
		frame_unref(out_pop(&s->out));
	}
}

static void answer(struct session *s, struct buf *payload)
{
	struct session_poll *p = s->poll;
	bool open = s->open_poll;

	if (payload->failed) {
		metrics_count(M_OUT_OF_MEMORY);
		buf_clear(payload);
	}
	metrics_add(M_BYTES_SENT, (int64_t)payload->size);
	s->poll = NULL;
	s->open_poll = false;
	p->session = NULL;
	p->answer(p, buf_slice(payload), open);
}

void session_answer_poll(struct session *s)
{
	if (s->poll == NULL || out_is_empty(&s->out))
		return;
	buf_clear(&s->all->payload);
	take_queued(s, &s->all->payload);
	answer(s, &s->all->payload);
}

void session_answer_poll_with(struct session *s, struct frame *last)
{
	struct buf *payload = &s->all->payload;
	struct frame_packet packet;
	size_t offset = 0;

	if (s->poll == NULL)
		return;
	buf_clear(payload);
	take_queued(s, payload);
	frame_next(last, &offset, &packet);
	eio_payload_add(payload, &packet);
	answer(s, payload);
}

/* A GET for a closing session: what is queued, or at last `6`, `1`, as the reference ends it. */
static void poll_while_closing(struct session *s, int64_t now_ms)
{
	if (!out_is_empty(&s->out)) {
		session_answer_poll(s);
		return;
	}
	out_push(&s->out, s->all->noop);
	session_end(s, now_ms, s->why, s->all->close);
}

bool session_poll_begin(struct session *s, int64_t now_ms, struct session_poll *p)
{
	if (s->poll) {
		session_close(s, now_ms, CLOSE_TRANSPORT_ERROR);
		return false;
	}
	s->poll = p;
	p->session = s;
	if (s->state == SESSION_CLOSING)
		poll_while_closing(s, now_ms);
	else
		out_wake(&s->out);
	return true;
}

void session_poll_gone(struct session_poll *p, int64_t now_ms)
{
	struct session *s = p->session;

	if (s == NULL)
		return;
	p->session = NULL;
	s->poll = NULL;
	session_close(s, now_ms, CLOSE_TRANSPORT_ERROR);
}

/* --- POST --------------------------------------------------------------------------------------------------------- */

bool session_post_begin(struct session *s, int64_t now_ms, struct session_post *p)
{
	struct session_post *first = s->post;

	if (first) {
		first->session = NULL;
		s->post = NULL;
		session_close(s, now_ms, CLOSE_TRANSPORT_ERROR);
		first->abort(first);
		return false;
	}
	s->post = p;
	p->session = s;
	return true;
}

static struct session *let_go_of_post(struct session_post *p)
{
	struct session *s = p->session;

	if (s)
		s->post = NULL;
	p->session = NULL;
	return s;
}

static void too_many_packets(struct session *s, int64_t now_ms)
{
	metrics_count(M_LIMIT_PACKETS);
	session_close(s, now_ms, CLOSE_PARSE_ERROR);
}

void session_post_end(struct session_post *p, int64_t now_ms, struct slice body)
{
	struct session *s = let_go_of_post(p);
	struct slice text;
	size_t packets = 0;
	bool more = true;

	/* A packet may close the session; what follows it is then dropped. */
	while (s && s->state == SESSION_OPEN && eio_payload_next(&body, &more, &text)) {
		if (++packets > s->all->config.max_decode_packets)
			too_many_packets(s, now_ms);
		else
			session_text(s, now_ms, text);
	}
}

void session_post_cancel(struct session_post *p)
{
	let_go_of_post(p);
}

void session_post_gone(struct session_post *p, int64_t now_ms)
{
	struct session *s = let_go_of_post(p);

	if (s)
		session_close(s, now_ms, CLOSE_TRANSPORT_ERROR);
}
