/* deflate.c - see deflate.h. The agreement is in deflate_terms.c. */
#include "deflate.h"

#include <assert.h>
#include <limits.h>
#include <stdlib.h>
#include <zlib.h>

#include "alloc.h"

/* What a sender removes from the end of a message and a receiver puts back (7.2.1, 7.2.2). */
static const unsigned char tail[4] = { 0x00, 0x00, 0xff, 0xff };

/* --- Receiving ---------------------------------------------------------------------------------------------------- */

enum { ROOM_FIRST = 4096, KEEP_BYTES = 64 * 1024 };

struct inflater {
	z_stream z;
	size_t limit;
	struct buf whole;
};

struct inflater *inflater_new(size_t limit_bytes)
{
	struct inflater *in = must_alloc(sizeof(*in));

	in->limit = limit_bytes;
	if (inflateInit2(&in->z, -DEFLATE_BITS_MAX) == Z_OK)
		return in;
	free(in);
	return NULL;
}

void inflater_free(struct inflater *in)
{
	if (in == NULL)
		return;
	inflateEnd(&in->z);
	buf_fini(&in->whole);
	free(in);
}

/* Room that doubles, up to one byte over the limit, by which a message that is too large shows. */
static bool make_room(struct inflater *in)
{
	struct buf *b = &in->whole;
	size_t left = in->limit - b->size + 1, more = b->size > ROOM_FIRST ? b->size : ROOM_FIRST;

	if (more > left)
		more = left;
	if (more > UINT_MAX)
		more = UINT_MAX;
	in->z.next_out = (unsigned char *)buf_reserve(b, more);
	in->z.avail_out = (unsigned)more;
	return in->z.next_out != NULL;
}

/* One call of zlib's: its answer, and what it wrote is counted. */
static int step(struct inflater *in)
{
	unsigned room;
	int answer;

	if (!make_room(in))
		return Z_MEM_ERROR;
	room = in->z.avail_out;
	answer = inflate(&in->z, Z_SYNC_FLUSH);
	in->whole.size += room - in->z.avail_out;
	return answer;
}

static enum inflated error_of(int answer)
{
	return answer == Z_MEM_ERROR ? INFLATE_NO_MEMORY : INFLATE_INVALID;
}

/* All of it, and all that it stands for. *ended_r: it came to the end of a last block (BFINAL) with the last byte, or
 * before. */
static enum inflated feed(struct inflater *in, const unsigned char *bytes, size_t size, bool *ended_r)
{
	int answer;

	in->z.next_in = (unsigned char *)(uintptr_t)bytes;
	in->z.avail_in = (unsigned)size;
	do {
		answer = step(in);
		if (in->whole.size > in->limit)
			return INFLATE_TOO_LARGE;
		*ended_r = answer == Z_STREAM_END;
		/* A message may go on behind a last block (7.2.3.4). */
		if (*ended_r && in->z.avail_in)
			inflateReset(&in->z);
		else if (answer != Z_OK && answer != Z_STREAM_END && answer != Z_BUF_ERROR)
			return error_of(answer);
	} while (!(*ended_r && in->z.avail_in == 0) && (in->z.avail_in || in->z.avail_out == 0));
	return INFLATED;
}

/* Between two blocks, no bit of the next one read (zlib.h on data_type). */
static bool is_between_blocks(const z_stream *z)
{
	return (z->data_type & 128) != 0;
}

static enum inflated inflate_all(struct inflater *in, struct slice payload)
{
	bool ended = false;
	enum inflated result;

	inflateReset(&in->z);
	result = feed(in, (const unsigned char *)payload.at, payload.size, &ended);
	/* The tail belongs to a block of the sender's; after a last one it may be missing. */
	if (result != INFLATED || ended)
		return result;
	result = feed(in, tail, sizeof(tail), &ended);
	if (result == INFLATED && !ended && !is_between_blocks(&in->z))
		return INFLATE_INVALID;
	return result;
}

enum inflated inflate_message(struct inflater *in, struct slice payload, struct slice *whole_r)
{
	enum inflated result = INFLATED;

	if (in->whole.cap > KEEP_BYTES)
		buf_fini(&in->whole);
	buf_clear(&in->whole);
	if (payload.size > UINT_MAX)
		return INFLATE_TOO_LARGE;
	/* Against 7.2.3.6, but there is one thing only that it can mean. */
	if (payload.size)
		result = inflate_all(in, payload);
	*whole_r = buf_slice(&in->whole);
	return result;
}

/* --- Sending ------------------------------------------------------------------------------------------------------ */

/* Of zlib's levels 1 to 3 cost the same on JSON of a few kB, 14 us for 4 kB; 6 costs twice as much for a tenth less. */
enum { LEVEL = 3, MEMORY = 8, RSV1 = 0x40 };

struct deflater {
	z_stream z;
	struct buf out;
};

struct deflater *deflater_new(void)
{
	struct deflater *d = must_alloc(sizeof(*d));

	/* With blocks that are not the last one: some clients lose their way behind a last one. */
	if (deflateInit2(&d->z, LEVEL, Z_DEFLATED, -DEFLATE_BITS_MAX, MEMORY, Z_DEFAULT_STRATEGY) == Z_OK)
		return d;
	free(d);
	return NULL;
}

void deflater_free(struct deflater *d)
{
	if (d == NULL)
		return;
	deflateEnd(&d->z);
	buf_fini(&d->out);
	free(d);
}

/* `data` deflated, until the next call; an empty slice when that is not smaller. */
static struct slice squeeze(struct deflater *d, struct slice data)
{
	size_t room = data.size + sizeof(tail); /* filled up: not smaller */

	buf_clear(&d->out);
	if (room > UINT_MAX || !buf_reserve(&d->out, room))
		return SLICE("");
	deflateReset(&d->z);
	d->z.next_in = (unsigned char *)(uintptr_t)data.at;
	d->z.avail_in = (unsigned)data.size;
	d->z.next_out = (unsigned char *)d->out.at;
	d->z.avail_out = (unsigned)room;
	if (deflate(&d->z, Z_SYNC_FLUSH) != Z_OK || d->z.avail_out == 0)
		return SLICE("");
	return slice_of(d->out.at, room - d->z.avail_out - sizeof(tail));
}

static void put(struct frame *to, const struct frame_packet *p, struct slice deflated)
{
	struct slice bytes = deflated.size ? deflated : p->data;
	char *head = to->bytes + to->size, *data = frame_put(to, p->binary, bytes.size);

	if (deflated.size)
		*head = (char)(*head | RSV1);
	if (bytes.size)
		memcpy(data, bytes.at, bytes.size);
}

static struct frame *deflated(struct deflater *d, const struct frame *f, size_t threshold)
{
	struct frame *made = frame_new(f->size);
	struct frame_packet p;

	if (made == NULL)
		return NULL;
	for (size_t at = 0; frame_next(f, &at, &p);)
		put(made, &p, p.data.size >= threshold ? squeeze(d, p.data) : SLICE(""));
	if (d->out.cap > KEEP_BYTES)
		buf_fini(&d->out);
	if (made->size == f->size) {
		frame_unref(made);
		return NULL;
	}
	return frame_fit(made);
}

const struct frame *deflate_frame(struct deflater *d, struct frame *f, size_t threshold)
{
	if (!f->deflate_tried) {
		f->deflate_tried = true;
		f->deflated = f->uncompressed || f->size < threshold ? NULL : deflated(d, f, threshold);
	}
	return f->deflated;
}
