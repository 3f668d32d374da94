/* frame.c - see frame.h. */
#include "frame.h"

#include <assert.h>
#include <stdlib.h>

static size_t all_bytes; /* of all frames: the loop's thread alone makes them */

enum { FIN_TEXT = 0x81, FIN_BINARY = 0x82, LEN_16 = 126, LEN_64 = 127 };

static size_t head_size(size_t n)
{
	return n < LEN_16 ? 2 : n <= UINT16_MAX ? 4 : FRAME_HEAD_MAX;
}

size_t frame_packet_size(size_t data_size)
{
	return head_size(data_size) + data_size;
}

struct frame *frame_new(size_t size)
{
	struct frame *f = size > UINT32_MAX ? NULL : malloc(sizeof(*f) + size);

	if (f == NULL)
		return NULL;
	all_bytes += sizeof(*f) + size;
	f->room = (uint32_t)size;
	f->refs = 1;
	f->packets = 0;
	f->size = 0;
	f->tag_at = f->tag_size = 0;
	f->deflated = NULL;
	f->uncompressed = f->deflate_tried = false;
	return f;
}

static char *put_head(char *to, bool binary, size_t n)
{
	*to++ = (char)(binary ? FIN_BINARY : FIN_TEXT);
	if (n < LEN_16) {
		*to++ = (char)n;
		return to;
	}
	*to++ = (char)(n <= UINT16_MAX ? LEN_16 : LEN_64);
	for (int shift = n <= UINT16_MAX ? 8 : 56; shift >= 0; shift -= 8)
		*to++ = (char)((uint64_t)n >> shift);
	return to;
}

char *frame_put(struct frame *f, bool binary, size_t data_size)
{
	char *data;

	assert(f->refs == 1);
	data = put_head(f->bytes + f->size, binary, data_size);
	f->size += frame_packet_size(data_size);
	f->packets++;
	return data;
}

struct frame *frame_text(struct slice a, struct slice b)
{
	struct frame *f = frame_new(frame_packet_size(a.size + b.size));
	char *to;

	if (f == NULL)
		return NULL;
	to = frame_put(f, false, a.size + b.size);
	if (a.size)
		memcpy(to, a.at, a.size);
	if (b.size)
		memcpy(to + a.size, b.at, b.size);
	return f;
}

struct frame *frame_fit(struct frame *f)
{
	struct frame *fitting = realloc(f, sizeof(*f) + f->size);

	if (fitting == NULL)
		return f;
	all_bytes -= fitting->room - fitting->size;
	fitting->room = (uint32_t)fitting->size;
	return fitting;
}

static void drop(struct frame *f)
{
	all_bytes -= sizeof(*f) + f->room;
	free(f);
}

void frame_unref(struct frame *f)
{
	if (f == NULL || --f->refs > 0)
		return;
	if (f->deflated) /* has no other reference, and none of its own */
		drop(f->deflated);
	drop(f);
}

size_t frames_bytes(void)
{
	return all_bytes;
}

bool frame_next(const struct frame *f, size_t *offset, struct frame_packet *packet)
{
	const unsigned char *at = (const unsigned char *)f->bytes + *offset;
	size_t n, head;

	if (*offset == f->size)
		return false;
	n = at[1];
	if (n >= LEN_16) {
		size_t bytes = n == LEN_16 ? 2 : 8;

		n = 0;
		for (size_t i = 0; i < bytes; i++)
			n = n << 8 | at[2 + i];
	}
	head = head_size(n);
	packet->binary = at[0] == FIN_BINARY;
	packet->data = slice_of(at + head, n);
	*offset += head + n;
	return true;
}
