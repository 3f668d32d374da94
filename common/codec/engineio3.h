/*
 * engineio3.h - Engine.IO protocol 3, as socket.io-client 2.x speak it: packets, polling payloads in both
 * encodings, WebSocket frames (engine.io-parser 2.2).
 *
 *	text	<length>:<packet>..	length in UTF-16 code units, what JavaScript calls a string's
 *	binary	<0 text, 1 binary> <length, a byte of 0-9 for each digit> 0xff <packet> ..	length in bytes
 *
 * A text packet is a type character and data, or "b", a type character and base64. A binary packet is a type byte
 * (4, not '4') and data, in a payload as in a WebSocket's frame.
 *
 * What comes in is looked at once, whatever lengths it claims. Stricter than the reference, which takes for a length what
 * JavaScript takes for a number, and for a packet what a length too large leaves over: lengths are digits here and
 * must be there. A length that ends inside a surrogate pair, and types above 6 on every way in, are malformed.
 */
#ifndef STOA_CODEC_ENGINEIO3_H
#define STOA_CODEC_ENGINEIO3_H

#include "engineio.h"

/* A payload being read. Begins as { .rest = body, .octets = whether its Content-Type is application/octet-stream }. A
 * text payload must be valid UTF-8 (utf8_mend()); one of octets is checked where it holds text. */
struct eio3_payload {
	struct slice rest;
	bool octets;
	bool begun;
};

/* The next packet: 1, 0 at the end, -1 malformed, which is final. A text payload is not empty. A packet of size 0 ("0:",
 * an empty payload of theirs) is to be passed over. */
int eio3_payload_next(struct eio3_payload *p, bool *binary, struct slice *packet);

/* One packet, not empty, from a payload or a WebSocket. `scratch` as in eio_parse(). 0, or -1. Of the types only
 * EIO_MESSAGE is ever told as binary. */
int eio3_parse(bool binary, struct slice text, struct buf *scratch, struct eio_packet *packet);

/* Append one outgoing packet to a payload: to one of text, where binary is base64; to one of octets. */
void eio3_text_add(struct buf *to, const struct frame_packet *packet);
void eio3_octets_add(struct buf *to, const struct frame_packet *packet);

/* A frame as a WebSocket of protocol 3 takes it: f itself, with one more reference, when all of it is text; else a new
 * one, whose binary packets have their type byte, or are text in base64. NULL: no memory. */
struct frame *eio3_frame(struct frame *f, bool base64);
bool eio3_frame_has_binary(const struct frame *f);

#endif
