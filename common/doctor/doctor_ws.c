/* doctor_ws.c - a WebSocket (RFC 6455), as far as text messages go. See doctor_internal.h. */
#include <string.h>

#include "base64.h"
#include "clock.h"
#include "doctor_internal.h"
#include "http1.h"
#include "random.h"

enum { OP_CONTINUATION = 0, OP_TEXT = 1, OP_BINARY = 2, OP_CLOSE = 8, OP_PING = 9, OP_PONG = 10, CONTROL_MAX = 125 };

static void put_key(struct buf *to)
{
	char bytes[16];

	random_bytes(bytes, sizeof(bytes));
	base64_encode(to, slice_of(bytes, sizeof(bytes)));
}

static bool is_accepted(const struct answer *a, struct slice key)
{
	unsigned char digest[20];
	struct buf text = BUF_INIT, wanted = BUF_INIT;
	unsigned size = sizeof(digest);
	bool good;

	buf_add_slice(&text, key);
	buf_add_str(&text, "258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
	good = EVP_Digest(text.at, text.size, digest, &size, EVP_sha1(), NULL) == 1;
	base64_encode(&wanted, slice_of(digest, size));
	good = good && slice_equal(answer_header(a, "sec-websocket-accept"), buf_slice(&wanted));
	buf_fini(&text);
	buf_fini(&wanted);
	return good;
}

bool ws_begin(struct doctor *d, struct link *l, struct slice query, bool deflate, struct answer *a)
{
	struct buf key = BUF_INIT, headers = BUF_INIT, behind = BUF_INIT;
	bool good;

	put_key(&key);
	buf_add_str(&headers, "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n");
	if (deflate)
		buf_add_str(&headers, "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n");
	buf_add_str(&headers, "Sec-WebSocket-Key: ");
	buf_add_slice(&headers, buf_slice(&key));
	buf_add_str(&headers, "\r\n");
	buf_add_slice(&headers, buf_slice(&d->cookie));
	buf_add_str(&behind, "websocket");
	buf_add_slice(&behind, query);
	good = ask_begin(d, l,
		       &(struct request){
			       .query = buf_slice(&behind), .headers = buf_slice(&headers), .upgrade = true },
		       a) &&
	       ask_end(l, a, clock_now_ms() + d->config->timeout_ms) && a->status == 101;
	if (good && !is_accepted(a, buf_slice(&key))) {
		a->why = "101, but not an answer to our key: something between answers in the server's place";
		good = false;
	}
	buf_fini(&key);
	buf_fini(&headers);
	buf_fini(&behind);
	return good;
}

static bool send_frame(struct link *l, unsigned op, struct slice payload, int64_t due_ms)
{
	unsigned char head[6] = { (unsigned char)(0x80 ^ op), (unsigned char)(0x80 | (payload.size & 0x7F)) };
	struct buf bytes = BUF_INIT;
	bool good;

	random_bytes(head + 2, 4);
	buf_add(&bytes, head, sizeof(head));
	for (size_t i = 0; i < payload.size && i < CONTROL_MAX; i++)
		buf_add_char(&bytes, (char)(payload.at[i] ^ (char)head[2 + i % 4]));
	good = !bytes.failed && link_write(l, buf_slice(&bytes), due_ms);
	buf_fini(&bytes);
	return good;
}

/* In frames of what one length byte can say. */
bool ws_send(struct link *l, const char *text, int64_t due_ms)
{
	struct slice rest = slice_str(text);
	bool first = true, good = true;

	while (good && (first || rest.size)) {
		struct slice part = slice_first(rest, rest.size < CONTROL_MAX ? rest.size : CONTROL_MAX);
		unsigned op = first ? OP_TEXT : OP_CONTINUATION;

		rest = slice_from(rest, part.size);
		good = send_frame(l, rest.size ? op ^ 0x80 : op, part, due_ms);
		first = false;
	}
	return good;
}

struct ws_frame {
	unsigned first;
	struct slice payload;
	size_t size; /* of all */
};

/* False: more is needed; `size` is SIZE_MAX when it is none. */
static bool frame_at(struct slice in, struct ws_frame *f)
{
	const unsigned char *at = (const unsigned char *)in.at;
	size_t head = 2;
	uint64_t length;

	f->size = 0;
	if (in.size < 2)
		return false;
	length = at[1] & 0x7F;
	if (length >= 126)
		head += length == 126 ? 2 : 8;
	if (in.size < head)
		return false;
	if (head > 2) {
		length = 0;
		for (size_t i = 2; i < head; i++)
			length = length << 8 | at[i];
	}
	if (at[1] & 0x80 || length > DOCTOR_BODY_MAX)
		f->size = SIZE_MAX;
	if (f->size || in.size - head < length)
		return false;
	f->first = at[0];
	f->payload = slice_of(in.at + head, (size_t)length);
	f->size = head + (size_t)length;
	return true;
}

/* What it is: a message that began in pieces is told as its first piece, which is enough here. */
enum ws_got ws_next(struct link *l, int64_t due_ms, struct slice *text, unsigned *code)
{
	struct ws_frame f;

	*code = 0;
	for (;;) {
		if (!frame_at(buf_slice(&l->in), &f)) {
			enum link_read r = f.size ? LINK_FAILED : link_read(l, due_ms);

			if (r != LINK_BYTES)
				return r == LINK_LATE ? WS_LATE : WS_CLOSED;
			continue;
		}
		if ((f.first & 0x0F) == OP_CLOSE) {
			const unsigned char *at = (const unsigned char *)f.payload.at;

			*code = f.payload.size >= 2 ? (unsigned)at[0] << 8 | at[1] : 0;
			return WS_CLOSED;
		}
		if ((f.first & 0x0F) == OP_PING)
			send_frame(l, OP_PONG, f.payload, due_ms);
		if ((f.first & 0x0F) == OP_TEXT) {
			buf_clear(&l->message);
			buf_add_slice(&l->message, f.payload);
			buf_drop_front(&l->in, f.size);
			*text = buf_slice(&l->message);
			return WS_TEXT;
		}
		buf_drop_front(&l->in, f.size);
	}
}
