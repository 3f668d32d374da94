/* ws_input.c - see ws_internal.h: frames from the peer. */
#include "alloc.h"
#include "utf8.h"
#include "ws_internal.h"

/* The first byte of a frame (RFC 6455 5.2). */
enum { RSV1 = 0x40, OPCODE = 0x0f, OPCODE_CONTROL = 0x08, OPCODE_CLOSE = 0x08 };

/* False: it was refused. */
static bool inflate(struct ws *ws, struct slice *message)
{
	switch (ws_deflate_inflate(ws->engine->deflate, *message, message)) {
	case INFLATED:
		return true;
	case INFLATE_TOO_LARGE:
		ws_fail(ws, STATUS_TOO_LARGE, M_LIMIT_PAYLOAD);
		break;
	case INFLATE_INVALID:
		ws_fail(ws, STATUS_PAYLOAD, M_BAD_WEBSOCKET);
		break;
	case INFLATE_NO_MEMORY:
		ws_fail(ws, STATUS_INTERNAL, M_OUT_OF_MEMORY);
		break;
	}
	return false;
}

/* Text is checked here, whole: lws would look at every byte by itself, and does not see what was deflated. */
static void hand_up(struct ws *ws, struct slice message, bool binary)
{
	if (ws->message.deflated && !inflate(ws, &message))
		return;
	if (binary || utf8_valid(message))
		session_ws_message(&ws->base, loop_now(ws->engine->loop), binary, message);
	else
		ws_fail(ws, STATUS_PAYLOAD, M_BAD_WEBSOCKET);
}

static void refuse(struct ws *ws, enum ws_progress why)
{
	static const struct {
		unsigned status;
		enum metric_id metric;
	} refusals[] = {
		[WS_TOO_LARGE] = { STATUS_TOO_LARGE, M_LIMIT_PAYLOAD },
		[WS_TOO_MANY_FRAGMENTS] = { STATUS_POLICY, M_LIMIT_FRAGMENTS },
		[WS_NO_MEMORY] = { STATUS_INTERNAL, M_OUT_OF_MEMORY },
	};

	ws_fail(ws, refusals[why].status, refusals[why].metric);
}

/* RFC 7692 6: only the first frame of a message says that it is deflated. */
static bool is_rsv1_allowed(const struct ws *ws, unsigned char first)
{
	return ws->base.form && !(first & OPCODE_CONTROL) && (first & OPCODE) != 0;
}

static void data_frame(struct ws *ws, unsigned char first, size_t size)
{
	enum ws_progress progress = ws_message_frame(&ws->message, &ws->engine->limits, size);

	ws->message.deflated |= (first & RSV1) != 0;
	if (progress == WS_PARTIAL)
		return;
	refuse(ws, progress);
	ws_message_clear(&ws->message);
}

static void ping_or_pong(struct ws *ws)
{
	if (ws->controls == NULL)
		ws->controls = must_alloc(sizeof(*ws->controls));
	if (!ws_controls_count(ws->controls, &ws->engine->limits, loop_now(ws->engine->loop)))
		ws_fail(ws, STATUS_POLICY, M_LIMIT_CONTROLS);
}

void ws_frame_begins(struct ws *ws, unsigned char first, size_t size)
{
	if (ws->state != WS_OPEN)
		return;
	if ((first & RSV1) && !is_rsv1_allowed(ws, first))
		ws_fail(ws, STATUS_PROTOCOL, M_BAD_WEBSOCKET);
	else if (!(first & OPCODE_CONTROL))
		data_frame(ws, first, size);
	else if ((first & OPCODE) != OPCODE_CLOSE)
		ping_or_pong(ws);
}

void ws_frame_piece(struct ws *ws, struct slice piece, bool final, bool binary)
{
	enum ws_progress progress;
	struct slice whole;

	if (ws->state != WS_OPEN)
		return;
	progress = ws_message_add(&ws->message, &ws->engine->limits, piece, final, &whole);
	if (progress == WS_PARTIAL)
		return;
	if (progress == WS_COMPLETE)
		hand_up(ws, whole, binary);
	else
		refuse(ws, progress);
	ws_message_clear(&ws->message);
}

static unsigned status_of(struct slice payload)
{
	const unsigned char *at = (const unsigned char *)payload.at;

	return payload.size >= 2 ? (unsigned)(at[0] << 8 | at[1]) : 0;
}

/* The answer is the same, with a status or without. lws would answer itself, so that it ends here: behind output that
 * waits lws sends that first, then we hear of it again (ws_peer_gone()). */
void ws_peer_closes(struct ws *ws, struct slice payload)
{
	if (ws->state != WS_OPEN)
		return;
	if (payload.size > 2 && !utf8_valid(slice_of(payload.at + 2, payload.size - 2))) {
		ws_fail(ws, STATUS_PAYLOAD, M_BAD_WEBSOCKET);
		return;
	}
	session_ws_last_call(&ws->base);
	ws_close_with(ws, status_of(payload));
	session_ws_gone(&ws->base, loop_now(ws->engine->loop), false);
}
