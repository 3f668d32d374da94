/* session_polling.c - the GETs and POSTs of a session (protocol.md 2.3, 2.4). */
#include "engineio3.h"
#include "jsonp.h"
#include "metrics.h"
#include "session_internal.h"
#include "utf8.h"

/* How a payload is written. */
struct form {
	const char *type;
	void (*add)(struct buf *to, const struct frame_packet *packet);
};
static const struct form eio4 = { "text/plain; charset=UTF-8", eio_payload_add };
static const struct form eio3_text = { "text/plain; charset=UTF-8", eio3_text_add };
static const struct form eio3_octets = { "application/octet-stream", eio3_octets_add };

/* What goes out next; the open packet goes alone. */
static bool has_binary(const struct session *s)
{
	const struct frame *f;

	for (uint32_t i = 0; (f = out_at(&s->out, i)); i++)
		if (eio3_frame_has_binary(f))
			return !s->aside->open_poll;
	return false;
}

static const struct form *form_of(const struct session *s)
{
	if (!s->eio3)
		return &eio4;
	return s->base64 || s->aside->jsonp || !has_binary(s) ? &eio3_text : &eio3_octets;
}

/* --- GET ---------------------------------------------------------------------------------------------------------- */

/* Moves queued packets into the payload, as many as its size allows; a frame is never split. */
static void take_queued(struct session *s, const struct form *form, struct buf *payload)
{
	struct session_aside *a = s->aside;
	struct frame *f;

	a->poll->uncompressed = true;
	while ((f = out_peek(&s->out))) {
		struct frame_packet packet;
		size_t offset = 0;

		/* The size limit is on what we read; what we write is bounded so that a payload is not all of the queue. */
		if (payload->size && payload->size + f->size > s->all->config.max_payload_bytes)
			return;
		while (frame_next(f, &offset, &packet))
			form->add(payload, &packet);
		a->poll->uncompressed &= f->uncompressed;
		s->messages_out++;
		frame_unref(out_pop(&s->out));
		if (a->open_poll) /* the open packet, and nothing behind it, as in the reference */
			return;
	}
}

/* As a call of the page's function. */
static void wrap(const struct session *s, struct buf *payload)
{
	struct buf script = BUF_INIT, plain = *payload;

	if (!plain.failed && jsonp_wrap(&script, s->aside->jsonp_index, buf_slice(&plain)) == 0) {
		*payload = script;
		script = plain;
	} else {
		payload->failed = true;
	}
	buf_fini(&script);
}

static void answer(struct session *s, const struct form *form, struct buf *payload)
{
	struct session_poll *p = s->aside->poll;
	bool open = s->aside->open_poll;

	if (s->aside->jsonp)
		wrap(s, payload);
	if (payload->failed) {
		metrics_count(M_OUT_OF_MEMORY);
		buf_clear(payload);
	}
	metrics_add(M_BYTES_SENT, (int64_t)payload->size);
	s->aside->poll = NULL;
	s->aside->open_poll = false;
	p->session = NULL;
	p->type = form->type;
	p->answer(p, buf_slice(payload), open);
}

void session_answer_poll(struct session *s)
{
	const struct form *form;

	if (session_waiting_poll(s) == NULL || out_is_empty(&s->out))
		return;
	form = form_of(s);
	buf_clear(&s->all->payload);
	take_queued(s, form, &s->all->payload);
	answer(s, form, &s->all->payload);
}

void session_answer_poll_with(struct session *s, struct frame *last)
{
	struct buf *payload = &s->all->payload;
	const struct form *form;
	struct frame_packet packet;
	size_t offset = 0;

	if (session_waiting_poll(s) == NULL)
		return;
	form = form_of(s);
	buf_clear(payload);
	take_queued(s, form, payload);
	s->aside->poll->uncompressed = false;
	frame_next(last, &offset, &packet);
	form->add(payload, &packet);
	answer(s, form, payload);
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
	if (s->aside->poll) {
		session_close(s, now_ms, CLOSE_TRANSPORT_ERROR);
		return false;
	}
	s->aside->poll = p;
	p->session = s;
	if (s->state == SESSION_CLOSING)
		poll_while_closing(s, now_ms);
	else
		out_wake(&s->out);
	return true;
}

void session_poll_release(struct session *s)
{
	if (session_waiting_poll(s) && !s->aside->open_poll)
		session_answer_poll_with(s, s->all->noop);
}

void session_poll_gone(struct session_poll *p, int64_t now_ms)
{
	struct session *s = p->session;

	if (s == NULL)
		return;
	p->session = NULL;
	s->aside->poll = NULL;
	session_close(s, now_ms, CLOSE_TRANSPORT_ERROR);
}

/* --- POST --------------------------------------------------------------------------------------------------------- */

bool session_post_begin(struct session *s, int64_t now_ms, struct session_post *p)
{
	struct session_post *first = s->aside->post;

	if (first) {
		first->session = NULL;
		s->aside->post = NULL;
		session_close(s, now_ms, CLOSE_TRANSPORT_ERROR);
		first->abort(first);
		return false;
	}
	s->aside->post = p;
	p->session = s;
	return true;
}

static struct session *let_go_of_post(struct session_post *p)
{
	struct session *s = p->session;

	if (s)
		s->aside->post = NULL;
	p->session = NULL;
	return s;
}

void session_too_many_packets(struct session *s, int64_t now_ms)
{
	metrics_count(M_LIMIT_PACKETS);
	session_close(s, now_ms, CLOSE_PARSE_ERROR);
}

/* Packet by packet: one may close the session; what follows it is then dropped. */
static void read_eio4(struct session *s, int64_t now_ms, struct slice body)
{
	struct slice text;
	size_t packets = 0;
	bool more = true;

	while (s->state == SESSION_OPEN && eio_payload_next(&body, &more, &text)) {
		if (++packets > s->all->config.max_decode_packets)
			session_too_many_packets(s, now_ms);
		else
			session_text(s, now_ms, text);
	}
}

/* What is no UTF-8 becomes U+FFFD, as in the reference; `mended` keeps it. */
static struct slice readable(struct slice body, struct buf *mended)
{
	if (utf8_valid(body))
		return body;
	utf8_mend(mended, body);
	return buf_slice(mended);
}

static void read_text(struct session *s, int64_t now_ms, struct slice raw)
{
	struct buf mended = BUF_INIT;
	struct slice body = readable(raw, &mended);

	if (s->eio3)
		session_eio3_payload(s, now_ms, false, body);
	else
		read_eio4(s, now_ms, body);
	buf_fini(&mended);
}

/* One without a payload is passed over, as in the reference. */
static void read_form(struct session *s, int64_t now_ms, struct slice form)
{
	struct buf payload = BUF_INIT;

	if (jsonp_unwrap(&payload, form))
		read_text(s, now_ms, buf_slice(&payload));
	else if (payload.failed)
		metrics_count(M_OUT_OF_MEMORY);
	buf_fini(&payload);
}

void session_post_end(struct session_post *p, int64_t now_ms, struct slice body)
{
	struct session *s = let_go_of_post(p);

	if (s && s->aside->jsonp)
		read_form(s, now_ms, body);
	else if (s && p->octets)
		session_eio3_payload(s, now_ms, true, body);
	else if (s)
		read_text(s, now_ms, body);
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
