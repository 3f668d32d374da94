/* session_eio3.c - what protocol 3 does otherwise: packets, payloads, frames, and pings from the client (protocol.md 2.9). */
#include "engineio3.h"
#include "metrics.h"
#include "session_internal.h"

/* Over an upgrade too the clock runs on: the reference stops it there and never ends a session that went silent. */
void session_eio3_ping(struct session *s, int64_t now_ms)
{
	out_push(&s->out, eio_bare_frame(EIO_PONG)); /* what came with the ping is not sent back */
	session_start_heartbeat(s, now_ms);
}

void session_eio3_packet(struct session *s, int64_t now_ms, bool binary, struct slice text)
{
	struct eio_packet packet;

	if (eio3_parse(binary, text, &s->all->scratch, &packet) < 0)
		session_malformed(s, now_ms);
	else
		session_packet(s, now_ms, &packet);
}

/* A packet may close the session; what follows it is then dropped. */
void session_eio3_payload(struct session *s, int64_t now_ms, bool octets, struct slice body)
{
	struct eio3_payload payload = { .rest = body, .octets = octets };
	struct slice text;
	size_t packets = 0;
	bool binary;
	int found;

	while (s->state == SESSION_OPEN && (found = eio3_payload_next(&payload, &binary, &text)) != 0) {
		if (found < 0)
			session_malformed(s, now_ms);
		else if (++packets > s->all->config.max_decode_packets)
			session_too_many_packets(s, now_ms);
		else if (text.size)
			session_eio3_packet(s, now_ms, binary, text);
	}
}

static bool any_binary(const struct out_batch *batch)
{
	for (uint32_t i = 0; i < batch->n; i++)
		if (eio3_frame_has_binary(batch->frames[i]))
			return true;
	return false;
}

struct slice session_eio3_frames(struct session *s, const struct out_batch *batch)
{
	struct buf *to = &s->all->payload;

	if (!any_binary(batch))
		return batch->bytes;
	buf_clear(to);
	for (uint32_t i = 0; i < batch->n; i++) {
		struct frame *f = eio3_frame(batch->frames[i], s->ws->base64);

		to->failed |= f == NULL;
		if (f)
			buf_add(to, f->bytes, f->size);
		frame_unref(f);
	}
	if (to->failed) {
		metrics_count(M_OUT_OF_MEMORY);
		buf_clear(to);
	}
	return buf_slice(to);
}
