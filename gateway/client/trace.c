/* trace.c - see trace.h. */
#include "trace.h"

#include "log.h"

static struct slice shown(struct slice text)
{
	return slice_first(text, text.size < TRACE_BYTES ? text.size : TRACE_BYTES);
}

void trace_in(const char *session, bool binary, struct slice data)
{
	if (binary)
		log_debug("packet-in", LOG_S("conn", session), LOG_I("binary", data.size));
	else
		log_debug("packet-in", LOG_S("conn", session), LOG_T("data", shown(data)), LOG_I("bytes", data.size));
}

/* What a frame holds: the Socket.IO packet's text, and what is attached to it. */
struct content {
	struct slice text;
	size_t binary;
};

static struct content content_of(const struct frame *f)
{
	struct content c = { { "", 0 }, 0 };
	struct frame_packet packet;
	size_t offset = 0;

	while (frame_next(f, &offset, &packet)) {
		if (packet.binary)
			c.binary += packet.data.size;
		else
			c.text = slice_from(packet.data, 1); /* Engine.IO's type */
	}
	return c;
}

void trace_out(const char *client, const struct frame *f)
{
	struct content c = content_of(f);

	log_debug("packet-out", LOG_S("to", client), LOG_T("data", shown(c.text)), LOG_I("bytes", c.text.size),
		LOG_I("binary", c.binary));
}

void trace_broadcast(struct slice to, const char *nsp, size_t clients, const struct frame *f)
{
	struct content c = content_of(f);

	log_debug("packet-out", LOG_T("to", shown(to)), LOG_S("nsp", nsp), LOG_I("clients", clients),
		LOG_T("data", shown(c.text)), LOG_I("bytes", c.text.size), LOG_I("binary", c.binary));
}
