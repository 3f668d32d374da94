/*
 * deflate.h - permessage-deflate, RFC 7692: what is agreed on, messages inflated, frames deflated. zlib does the work.
 *
 * Nothing is kept from one message to the next in either direction (server_no_context_takeover and
 * client_no_context_takeover, which a server may both ask for: 7.1.1). So compression takes no memory per connection, and
 * a frame is deflated once, whoever many it is sent to. Who agreed to a window smaller than 32 KiB gets the same bytes,
 * as long as the whole frame fits into that window: nothing in it can then reach back further. Larger ones it gets as
 * they are.
 */
#ifndef STOA_CODEC_DEFLATE_H
#define STOA_CODEC_DEFLATE_H

#include "buf.h"
#include "frame.h"

/* --- What is agreed on -------------------------------------------------------------------------------------------- */

enum { DEFLATE_BITS_MAX = 15 }; /* a window of 32 KiB */

struct deflate_terms {
	unsigned server_bits; /* 8..15: the largest window of what we send is 2^bits bytes */
	bool names_bits;      /* the answer has to say so */
};

/*
 * The value of a Sec-WebSocket-Extensions header: the first offer of permessage-deflate that is acceptable. An offer
 * with an unknown or repeated parameter or a value out of range is declined and the next one looked at (7.1); behind
 * what is no list of extensions at all nothing is looked at. False: none.
 */
bool deflate_agree(struct slice offers, struct deflate_terms *terms_r);

/* Appends what answers it: "permessage-deflate; server_no_context_takeover; ...". */
void deflate_put_terms(struct buf *to, const struct deflate_terms *terms);

/* --- Receiving ---------------------------------------------------------------------------------------------------- */

struct inflater; /* one for all messages, about 50 kB once used */

struct inflater *inflater_new(size_t limit_bytes); /* NULL: no memory */
void inflater_free(struct inflater *in);           /* NULL is fine */

enum inflated {
	INFLATED,
	INFLATE_TOO_LARGE, /* over the limit, noticed within a few bytes of it */
	INFLATE_INVALID,   /* no deflate, reaches back to an earlier message, or ends inside a block */
	INFLATE_NO_MEMORY
};

/* The payload of a whole message. *whole_r is what it inflates to, until the next call. */
enum inflated inflate_message(struct inflater *in, struct slice payload, struct slice *whole_r);

/* --- Sending ------------------------------------------------------------------------------------------------------ */

struct deflater; /* about 270 kB */

struct deflater *deflater_new(void); /* NULL: no memory */
void deflater_free(struct deflater *d);

/*
 * The same packets in WebSocket frames, those of `threshold` bytes or more deflated (RSV1) where that makes them
 * smaller. Belongs to `f` and is kept with it. NULL: f is to be sent as it is, since it asks for that, is small, or
 * cannot be made smaller.
 */
const struct frame *deflate_frame(struct deflater *d, struct frame *f, size_t threshold);

#endif
