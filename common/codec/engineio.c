/* engineio.c - see engineio.h. */
#include "engineio.h"

#include <stdlib.h>

#include "base64.h"

static int parse_binary(struct slice text, struct buf *scratch, struct eio_packet *packet)
{
	char *to;

	buf_clear(scratch);
	to = buf_reserve(scratch, text.size / 4 * 3 + 3);
	if (to == NULL)
		return -1;
	scratch->size = base64_decode(to, text);
	*packet = (struct eio_packet){ .type = EIO_MESSAGE, .binary = true, .data = buf_slice(scratch) };
	return 0;
}

int eio_parse(struct slice text, struct buf *scratch, struct eio_packet *packet)
{
	struct slice data;

	if (text.size == 0)
		return -1;
	data = slice_from(text, 1);
	if (text.at[0] == 'b')
		return parse_binary(data, scratch, packet);
	if (text.at[0] < '0' || text.at[0] > '0' + EIO_NOOP)
		return -1;
	*packet = (struct eio_packet){ .type = (enum eio_type)(text.at[0] - '0'), .data = data };
	return 0;
}

bool eio_payload_next(struct slice *rest, bool *more, struct slice *text)
{
	size_t end = slice_find(*rest, EIO_SEPARATOR);

	if (!*more)
		return false;
	*more = end < rest->size;
	*text = slice_first(*rest, end);
	*rest = *more ? slice_from(*rest, end + 1) : (struct slice){ 0 };
	return true;
}

void eio_payload_add(struct buf *to, const struct frame_packet *packet)
{
	if (to->size)
		buf_add_char(to, EIO_SEPARATOR);
	if (packet->binary) {
		buf_add_char(to, 'b');
		base64_encode(to, packet->data);
	} else {
		buf_add_slice(to, packet->data);
	}
}

size_t eio_payload_size(const struct frame_packet *packet)
{
	return 1 + (packet->binary ? 1 + (packet->data.size + 2) / 3 * 4 : packet->data.size);
}

static void put_open(struct buf *to, const struct eio_open *open)
{
	buf_add_str(to, "0{\"sid\":\"");
	buf_add_str(to, open->sid);
	buf_add_str(to, open->websocket ? "\",\"upgrades\":[\"websocket\"]" : "\",\"upgrades\":[]");
	buf_add_str(to, ",\"pingInterval\":");
	buf_add_int(to, open->ping_interval_ms);
	buf_add_str(to, ",\"pingTimeout\":");
	buf_add_int(to, open->ping_timeout_ms);
	buf_add_str(to, ",\"maxPayload\":");
	buf_add_uint(to, open->max_payload_bytes);
	buf_add_char(to, '}');
}

struct frame *eio_open_frame(const struct eio_open *open)
{
	struct buf text = BUF_INIT;
	struct frame *f = NULL;

	buf_reserve(&text, 256); /* as a rule all of it */
	put_open(&text, open);
	if (!text.failed)
		f = frame_text(buf_slice(&text), (struct slice){ 0 });
	buf_fini(&text);
	return f;
}

struct frame *eio_bare_frame(enum eio_type type)
{
	static struct frame *frames[EIO_NOOP + 1];
	char c = (char)('0' + (int)type);

	if (frames[type] == NULL)
		frames[type] = frame_text(slice_of(&c, 1), (struct slice){ 0 });
	if (frames[type] == NULL)
		abort(); /* seven frames of one byte: see alloc.h */
	return frames[type];
}
