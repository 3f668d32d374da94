/* ws_message.c - see ws_message.h. */
#include "ws_message.h"

#include <stdlib.h>

#include "alloc.h"

enum { CONTROLS_MS = 1000 };

static uint64_t gathered(const struct ws_message *m)
{
	return m->bytes ? m->bytes->size : 0;
}

static bool gather(struct ws_message *m, struct slice piece)
{
	if (m->bytes == NULL)
		m->bytes = must_alloc(sizeof(*m->bytes));
	buf_add_slice(m->bytes, piece);
	return !m->bytes->failed;
}

enum ws_progress ws_message_frame(struct ws_message *m, const struct ws_limits *limits, uint64_t size)
{
	/* Written so that no sum of a peer's numbers can wrap. */
	if (size > limits->bytes - gathered(m))
		return WS_TOO_LARGE;
	m->fragments++;
	return limits->fragments && m->fragments > limits->fragments ? WS_TOO_MANY_FRAGMENTS : WS_PARTIAL;
}

enum ws_progress ws_message_add(
	struct ws_message *m, const struct ws_limits *limits, struct slice piece, bool ends, struct slice *whole_r)
{
	/* Pieces add up to what frames announced; whether or not they do, memory stays bounded. */
	if (piece.size > limits->bytes - gathered(m))
		return WS_TOO_LARGE;
	if (ends && gathered(m) == 0) {
		*whole_r = piece;
		return WS_COMPLETE;
	}
	if (piece.size && !gather(m, piece))
		return WS_NO_MEMORY;
	if (!ends)
		return WS_PARTIAL;
	*whole_r = buf_slice(m->bytes);
	return WS_COMPLETE;
}

void ws_message_clear(struct ws_message *m)
{
	if (m->bytes) {
		buf_fini(m->bytes);
		free(m->bytes);
	}
	*m = (struct ws_message){ 0 };
}

bool ws_controls_count(struct ws_controls *c, const struct ws_limits *limits, int64_t now_ms)
{
	if (c->count == 0 || now_ms - c->since_ms >= CONTROLS_MS)
		*c = (struct ws_controls){ .since_ms = now_ms };
	c->count++;
	return limits->controls == 0 || c->count <= limits->controls;
}
