/*
 * engineio.h - Engine.IO protocol 4: packets, polling payloads, the open packet.
 *
 * Pure functions over bytes. What a packet type means, and which of them a client may send, is the session's business.
 */
#ifndef STOA_CODEC_ENGINEIO_H
#define STOA_CODEC_ENGINEIO_H

#include "buf.h"
#include "frame.h"

enum eio_type { EIO_OPEN, EIO_CLOSE, EIO_PING, EIO_PONG, EIO_MESSAGE, EIO_UPGRADE, EIO_NOOP };
enum { EIO_SEPARATOR = 0x1e };

/* One packet as received. A binary message has type EIO_MESSAGE. */
struct eio_packet {
	enum eio_type type;
	bool binary;
	struct slice data; /* without the type character */
};

/*
 * Parses one text packet: "4hello", or "bAAEC" (a binary message as base64, which the reference takes on both
 * transports). 0, or -1: empty, or an unknown type. Base64 is decoded into `scratch` (cleared first), which then holds
 * packet->data until its next use; other data points into `text`. No memory counts as malformed.
 */
int eio_parse(struct slice text, struct buf *scratch, struct eio_packet *packet);

/* Takes the text of the next packet from a polling payload: false when nothing is left. An empty payload and an empty
 * packet (two separators in a row, one at an end) are packets of size 0, which eio_parse() refuses. Linear: a whole
 * payload is looked at once, however many packets it claims to hold.
 *	struct slice rest = payload; bool more = true;
 *	while (eio_payload_next(&rest, &more, &text)) .. */
bool eio_payload_next(struct slice *rest, bool *more, struct slice *text);

/* Appends one outgoing packet to a polling payload, with the separator before it when `to` is not empty. */
void eio_payload_add(struct buf *to, const struct frame_packet *packet);
/* The bytes that eio_payload_add() would append to a payload that is not empty; one less to an empty one. */
size_t eio_payload_size(const struct frame_packet *packet);

struct eio_open {
	const char *sid; /* written as it stands: no character that JSON escapes */
	bool websocket;  /* upgrades: ["websocket"], else [] */
	int64_t ping_interval_ms, ping_timeout_ms;
	size_t max_payload_bytes;
};

/* 0{"sid":"..","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}
 * NULL: no memory. */
struct frame *eio_open_frame(const struct eio_open *open);

/* A frame of one packet without data ("2", "3", "6", "1"): made once and never freed. Borrowed: whoever keeps it takes
 * a reference as of any frame. Aborts without memory (alloc.h). */
struct frame *eio_bare_frame(enum eio_type type);

#endif
