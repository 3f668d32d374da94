/* engineio3.c - see engineio3.h. */
#include "engineio3.h"

#include "base64.h"
#include "utf8.h"

enum { OCTETS_END = 0xff, MESSAGE_BYTE = EIO_MESSAGE };

/* --- Lengths ------------------------------------------------------------------------------------------------------ */

/* Another digit of a length that may not pass `most`: false when it does. */
static bool add_digit(size_t *n, unsigned digit, size_t most)
{
	if (digit > 9 || *n > most / 10)
		return false;
	*n = *n * 10 + digit;
	return *n <= most;
}

/* The bytes of the first `units` UTF-16 code units of valid UTF-8; SIZE_MAX: there are fewer, or the last is half of a
 * pair. */
static size_t bytes_of_units(struct slice text, size_t units)
{
	size_t i = 0;

	while (units && i < text.size) {
		unsigned char c = (unsigned char)text.at[i];
		size_t bytes = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;

		if (bytes == 4 && units == 1)
			return SIZE_MAX;
		units -= bytes == 4 ? 2 : 1;
		i += bytes;
	}
	return units || i > text.size ? SIZE_MAX : i;
}

/* One for each character, and one more for those of four bytes. */
static size_t units_of(struct slice text)
{
	size_t units = 0;

	for (size_t i = 0; i < text.size; i++) {
		unsigned char c = (unsigned char)text.at[i];

		units += (size_t)((c & 0xc0) != 0x80) + (c >= 0xf0);
	}
	return units;
}

/* --- Payloads, read ----------------------------------------------------------------------------------------------- */

static int next_text(struct slice *rest, struct slice *packet)
{
	size_t units = 0, i = 0, size;

	while (i < rest->size && rest->at[i] != ':')
		if (!add_digit(&units, (unsigned)((unsigned char)rest->at[i++] - '0'), rest->size))
			return -1;
	if (i == 0 || i == rest->size)
		return -1;
	*rest = slice_from(*rest, i + 1);
	size = bytes_of_units(*rest, units);
	if (size == SIZE_MAX)
		return -1;
	*packet = slice_first(*rest, size);
	*rest = slice_from(*rest, size);
	return 1;
}

static int next_octets(struct slice *rest, bool *binary, struct slice *packet)
{
	size_t size = 0, i = 1;

	if ((unsigned char)rest->at[0] > 1)
		return -1;
	*binary = rest->at[0] == 1;
	while (i < rest->size && (unsigned char)rest->at[i] != OCTETS_END)
		if (!add_digit(&size, (unsigned char)rest->at[i++], rest->size))
			return -1;
	if (i == 1 || i == rest->size || size > rest->size - i - 1)
		return -1;
	*packet = slice_first(slice_from(*rest, i + 1), size);
	*rest = slice_from(*rest, i + 1 + size);
	return *binary || utf8_valid(*packet) ? 1 : -1;
}

int eio3_payload_next(struct eio3_payload *p, bool *binary, struct slice *packet)
{
	bool empty = !p->begun && !p->octets;

	p->begun = true;
	if (p->rest.size == 0)
		return empty ? -1 : 0;
	if (p->octets)
		return next_octets(&p->rest, binary, packet);
	*binary = false;
	return next_text(&p->rest, packet);
}

/* --- Packets, read ------------------------------------------------------------------------------------------------ */

static int parse_base64(struct slice text, struct buf *scratch, struct eio_packet *packet)
{
	char *to;

	if (text.size == 0 || text.at[0] < '0' || text.at[0] > '0' + EIO_NOOP)
		return -1;
	packet->type = (enum eio_type)(text.at[0] - '0');
	packet->binary = packet->type == EIO_MESSAGE;
	text = slice_from(text, 1);
	buf_clear(scratch);
	to = buf_reserve(scratch, text.size / 4 * 3 + 3);
	if (to == NULL)
		return -1;
	scratch->size = base64_decode(to, text);
	packet->data = buf_slice(scratch);
	return 0;
}

int eio3_parse(bool binary, struct slice text, struct buf *scratch, struct eio_packet *packet)
{
	if (!binary && text.size && text.at[0] == 'b')
		return parse_base64(slice_from(text, 1), scratch, packet);
	if (!binary)
		return eio_parse(text, scratch, packet);
	if (text.size == 0 || (unsigned char)text.at[0] > EIO_NOOP)
		return -1;
	packet->type = (enum eio_type)text.at[0];
	packet->binary = packet->type == EIO_MESSAGE;
	packet->data = slice_from(text, 1);
	return 0;
}

/* --- Written ------------------------------------------------------------------------------------------------------ */

static size_t base64_size(size_t bytes)
{
	return (bytes + 2) / 3 * 4;
}

void eio3_text_add(struct buf *to, const struct frame_packet *packet)
{
	if (packet->binary) {
		buf_printf(to, "%zu:b4", 2 + base64_size(packet->data.size));
		base64_encode(to, packet->data);
	} else {
		buf_printf(to, "%zu:", units_of(packet->data));
		buf_add_slice(to, packet->data);
	}
}

static void add_octets_length(struct buf *to, size_t n)
{
	char digits[24];
	size_t i = sizeof(digits);

	do {
		digits[--i] = (char)(n % 10);
		n /= 10;
	} while (n);
	buf_add(to, digits + i, sizeof(digits) - i);
	buf_add_char(to, (char)OCTETS_END);
}

void eio3_octets_add(struct buf *to, const struct frame_packet *packet)
{
	buf_add_char(to, packet->binary ? 1 : 0);
	add_octets_length(to, packet->data.size + packet->binary);
	if (packet->binary)
		buf_add_char(to, MESSAGE_BYTE);
	buf_add_slice(to, packet->data);
}

/* --- WebSocket ---------------------------------------------------------------------------------------------------- */

bool eio3_frame_has_binary(const struct frame *f)
{
	struct frame_packet packet;
	size_t offset = 0;

	while (frame_next(f, &offset, &packet))
		if (packet.binary)
			return true;
	return false;
}

static size_t size_of_packet(const struct frame_packet *p, bool base64)
{
	if (!p->binary)
		return p->data.size;
	return base64 ? 2 + base64_size(p->data.size) : 1 + p->data.size;
}

static bool put_packet(struct frame *f, const struct frame_packet *p, bool base64)
{
	char *to = frame_put(f, p->binary && !base64, size_of_packet(p, base64));
	struct buf text = BUF_INIT;
	bool ok = true;

	if (p->binary && base64) {
		buf_add_str(&text, "b4");
		base64_encode(&text, p->data);
		ok = !text.failed;
		memcpy(to, text.at, ok ? text.size : 0);
		buf_fini(&text);
		return ok;
	}
	if (p->binary)
		*to++ = MESSAGE_BYTE;
	if (p->data.size)
		memcpy(to, p->data.at, p->data.size);
	return ok;
}

struct frame *eio3_frame(struct frame *f, bool base64)
{
	struct frame_packet packet;
	size_t size = 0, offset = 0;
	struct frame *made;

	if (!eio3_frame_has_binary(f))
		return frame_ref(f);
	while (frame_next(f, &offset, &packet))
		size += frame_packet_size(size_of_packet(&packet, base64));
	made = frame_new(size);
	offset = 0;
	while (made && frame_next(f, &offset, &packet)) {
		if (put_packet(made, &packet, base64))
			continue;
		frame_unref(made);
		return NULL;
	}
	return made;
}
