/* trace.c - see trace.h. */
#include "trace.h"

#include "log.h"
#include "socketio_parser.h"

static struct slice shown(struct slice text)
{
	return slice_first(text, text.size < TRACE_BYTES ? text.size : TRACE_BYTES);
}

void trace_in(const char *session, bool binary, bool packet, struct slice data)
{
	struct buf json = BUF_INIT;

	if (packet)
		sio_msgpack_show(&json, data);
	if (packet)
		log_debug("packet-in", LOG_S("conn", session), LOG_T("data", shown(buf_slice(&json))),
			LOG_I("bytes", data.size));
	else if (binary)
		log_debug("packet-in", LOG_S("conn", session), LOG_I("binary", data.size));
	else
		log_debug("packet-in", LOG_S("conn", session), LOG_T("data", shown(data)), LOG_I("bytes", data.size));
	buf_fini(&json);
}

/* What a frame holds: the Socket.IO packet's text, and what is attached to it. */
struct content {
	struct slice text;
	size_t bytes, binary;
	struct buf json; /* the text of a packet of MessagePack, which nothing is attached to */
};

static void content_init(struct content *c, const struct frame *f)
{
	struct frame_packet packet;
	size_t offset = 0;

	*c = (struct content){ .text = { "", 0 } };
	while (frame_next(f, &offset, &packet)) {
		if (!packet.binary) {
			c->text = slice_from(packet.data, 1); /* Engine.IO's type */
			c->bytes = c->text.size;
		} else if (c->bytes) {
			c->binary += packet.data.size;
		} else {
			sio_msgpack_show(&c->json, packet.data);
			c->text = buf_slice(&c->json);
			c->bytes = packet.data.size;
		}
	}
}

void trace_out(const char *client, const struct frame *f)
{
	struct content c;

	content_init(&c, f);
	log_debug("packet-out", LOG_S("to", client), LOG_T("data", shown(c.text)), LOG_I("bytes", c.bytes),
		LOG_I("binary", c.binary));
	buf_fini(&c.json);
}

void trace_broadcast(struct slice to, const char *nsp, size_t clients, const struct frame *f)
{
	struct content c;

	content_init(&c, f);
	log_debug("packet-out", LOG_T("to", shown(to)), LOG_S("nsp", nsp), LOG_I("clients", clients),
		LOG_T("data", shown(c.text)), LOG_I("bytes", c.bytes), LOG_I("binary", c.binary));
	buf_fini(&c.json);
}
