/* ws_message.c - see ws_message.h. */
#include "ws_message.h"

/* Written so that no sum of a peer's numbers can wrap. */
static bool is_too_large(const struct ws_message *m, uint64_t limit, const struct ws_piece *piece)
{
	uint64_t room = limit - m->bytes.size;

	return piece->bytes.size > room || piece->missing > room - piece->bytes.size;
}

static bool is_too_fragmented(struct ws_message *m, uint32_t limit, const struct ws_piece *piece)
{
	if (!m->inside_frame)
		m->fragments++;
	m->inside_frame = piece->missing > 0;
	return limit && m->fragments > limit;
}

enum ws_progress ws_message_add(
	struct ws_message *m, const struct ws_limits *limits, const struct ws_piece *piece, struct slice *whole_r)
{
	bool ends = piece->final && piece->missing == 0;

	if (is_too_large(m, limits->bytes, piece))
		return WS_TOO_LARGE;
	if (is_too_fragmented(m, limits->fragments, piece))
		return WS_TOO_MANY_FRAGMENTS;
	if (ends && m->bytes.size == 0) {
		*whole_r = piece->bytes;
		return WS_COMPLETE;
	}
	if (piece->bytes.size)
		buf_add_slice(&m->bytes, piece->bytes);
	if (m->bytes.failed)
		return WS_NO_MEMORY;
	*whole_r = buf_slice(&m->bytes);
	return ends ? WS_COMPLETE : WS_PARTIAL;
}

void ws_message_clear(struct ws_message *m)
{
	buf_fini(&m->bytes);
	*m = (struct ws_message){ 0 };
}
