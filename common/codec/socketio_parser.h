/*
 * socketio_parser.h - what packets look like on the wire: Node's option of that name, one for all connections of a
 * process.
 *
 *	sio_default   socket.io-parser: text, with attachments behind it (socketio.h)
 *	sio_msgpack   socket.io-msgpack-parser 3.0: each packet one MessagePack map {type, data, id, nsp} in one binary
 *	              message, binary and dates in place
 *
 * Names, arguments and payloads are in the parser's `encoding` from the connection up to the application and back, so
 * that what is only passed on loses nothing. What lives longer than an event (auth, sessions) is JSON text.
 */
#ifndef STOA_CODEC_SOCKETIO_PARSER_H
#define STOA_CODEC_SOCKETIO_PARSER_H

#include "socketio.h"

struct sio_parser {
	enum value_encoding encoding;
	bool is_binary; /* a packet is one binary message, and no other message is any */

	/* sio_parse() and sio_frame() of this parser. The slices of a packet that is MessagePack:
	 *	data   the value, undefined being none
	 *	event  the name as a value, text or a number
	 *	items  the values behind it, or of an ACK all of them, one behind the other
	 * An ACK without id is that of 0. */
	const char *(*parse)(struct slice data, const struct sio_rules *rules, struct sio_packet *packet);
	struct frame *(*frame)(const struct sio_out *out);

	/* Append a payload (sio_out.json): {"sid": ..} of CONNECT, with "pid" unless that is empty, {"message": ..} of
	 * CONNECT_ERROR. `text` is UTF-8. */
	void (*put_connected)(struct buf *to, struct slice sid, struct slice pid);
	void (*put_message)(struct buf *to, struct slice text);

	/* Appends checked JSON as a payload, its placeholders being `blobs`, which in JSON stay beside it. 0, -EINVAL (a
	 * number of attachments that is not that of the placeholders), -ENOMEM. */
	int (*put_json)(struct buf *to, struct slice json, const struct slice *blobs, size_t n_blobs);

	/* Appends the data of a CONNECT as JSON text; nothing: there is none. 0, -ENOMEM. */
	int (*auth)(struct buf *json, const struct sio_packet *connect);
};

extern const struct sio_parser sio_default, sio_msgpack;

/* The parsers in the order of the option's choices, enum value_encoding. */
const struct sio_parser *sio_parser_of(enum value_encoding encoding);

/* Appends a MessagePack packet as JSON text, for logs: what is no packet as its size. */
void sio_msgpack_show(struct buf *to, struct slice data);

#endif
