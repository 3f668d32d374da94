/* trace.c - see trace.h. */
#include "trace.h"

#include "log.h"
#include "socketio_parser.h"

static struct slice shown(struct slice text)
{
	return slice_first(text, text.size < TRACE_BYTES ? text.size : TRACE_BYTES);
}

enum { TOKEN_MIN = 16 }; /* bytes; less is a word */

static bool is_token_char(char c)
{
	char l = ascii_lower(c);

	return (l >= 'a' && l <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
}

/* How far what can stand in a JSON Web Token goes. */
static size_t token_size(struct slice text)
{
	size_t n = 0;

	while (n < text.size && is_token_char(text.at[n]))
		n++;
	return n;
}

/* Log files are read by more people than may come in as others. Tokens begin with an object in base64url; the cut may leave
 * but a part of one. */
static void put_shown(struct buf *to, struct slice text)
{
	static const struct slice begin = { "eyJ", 3 };

	text = shown(text);
	while (text.size) {
		size_t size = slice_starts(text, begin) ? token_size(text) : 0;

		if (size >= TOKEN_MIN) {
			buf_add_str(to, "<token>");
		} else {
			size = 1;
			buf_add_char(to, text.at[0]);
		}
		text = slice_from(text, size);
	}
}

static void log_in(const char *session, struct slice data, size_t bytes)
{
	struct buf text = BUF_INIT;

	put_shown(&text, data);
	log_debug("packet-in", LOG_S("conn", session), LOG_T("data", buf_slice(&text)), LOG_I("bytes", bytes));
	buf_fini(&text);
}

void trace_in(const char *session, bool binary, bool packet, struct slice data)
{
	struct buf json = BUF_INIT;

	if (packet)
		sio_msgpack_show(&json, data);
	if (packet)
		log_in(session, buf_slice(&json), data.size);
	else if (binary)
		log_debug("packet-in", LOG_S("conn", session), LOG_I("binary", data.size));
	else
		log_in(session, data, data.size);
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
