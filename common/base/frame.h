/*
 * frame.h - one message on its way out: encoded once, shared by every connection that sends it.
 *
 * A frame holds one or more Engine.IO packets, back to back, each already wrapped as a server's WebSocket frame
 * (RFC 6455: FIN, no mask): a text packet with its type character, a binary one as its bytes alone. So a WebSocket
 * sends the bytes as they are, and several frames may stand in one write; polling walks the packets with frame_next().
 * A Socket.IO message with attachments is one frame of several packets, which therefore never mix with another's.
 *
 * A frame may have a tag, by which it is known: what waits in a queue under the same tag can be replaced by a newer one.
 * It is a part of the first packet, or bytes of its own behind all packets, room that frame_new() was asked for and
 * frame_put() did not take, and nobody sends those.
 *
 * Compressed for WebSockets that agreed on it, a frame is another one, kept with the first: one for all who want it.
 *
 * Frames are immutable once built (that one aside) and the only reference-counted type of the house. One thread per
 * process: counts are plain integers.
 */
#ifndef STOA_BASE_FRAME_H
#define STOA_BASE_FRAME_H

#include "slice.h"

struct frame {
	uint32_t refs;
	uint32_t packets;
	size_t size;               /* of bytes */
	uint32_t tag_at, tag_size; /* in bytes; size 0: no tag */
	struct frame *deflated;    /* made by codec/deflate.h when first wanted, freed with this one; NULL: none */
	bool uncompressed;         /* the application asked that it be sent as it is, on every transport */
	bool deflate_tried;
	uint32_t room; /* what frame_new() was asked for */
	char bytes[];
};

/* One packet inside a frame. */
struct frame_packet {
	bool binary;
	struct slice data; /* text: with the Engine.IO type character; binary: the bytes */
};

enum { FRAME_HEAD_MAX = 10 }; /* bytes of the largest WebSocket header we write */

/*
 * Building: frame_new() with the sum of frame_packet_size() of all packets, then frame_put() for each, in order.
 * frame_put() returns where the n bytes of that packet's data go: the caller writes them. NULL from frame_new(): no
 * memory. The new frame has one reference, the caller's.
 */
struct frame *frame_new(size_t size);
size_t frame_packet_size(size_t data_size);
char *frame_put(struct frame *f, bool binary, size_t data_size);

/* Gives back what frame_new() was asked for and frame_put() did not take; the frame may be elsewhere then. */
struct frame *frame_fit(struct frame *f);

/* A frame of one text packet made of two parts; NULL: no memory. */
struct frame *frame_text(struct slice a, struct slice b);

static inline struct slice frame_tag(const struct frame *f)
{
	return slice_of(f->bytes + f->tag_at, f->tag_size);
}

static inline struct frame *frame_ref(struct frame *f)
{
	f->refs++;
	return f;
}
void frame_unref(struct frame *f); /* NULL is fine */

/* Many at once. */
static inline void frame_ref_times(struct frame *f, size_t times)
{
	f->refs += (uint32_t)times;
}
static inline void frame_unref_times(struct frame *f, uint32_t times) /* at least one */
{
	f->refs -= times - 1;
	frame_unref(f);
}

size_t frames_bytes(void); /* that all frames of the process take now */

/* Walks the packets: *offset starts at 0. False at the end. */
bool frame_next(const struct frame *f, size_t *offset, struct frame_packet *packet);

#endif
