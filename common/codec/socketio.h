/*
 * socketio.h - Socket.IO protocol 5 packets, default parser (socket.io-parser 4.2): text in, typed packet of slices
 * out; packets into shared frames. What is malformed is malformed here, with a static reason, once for all
 * transports.
 *
 *	<type>[<attachments>-][<nsp>,][<id>][JSON]
 */
#ifndef STOA_CODEC_SOCKETIO_H
#define STOA_CODEC_SOCKETIO_H

#include "frame.h"
#include "json.h"

enum sio_type { SIO_CONNECT, SIO_DISCONNECT, SIO_EVENT, SIO_ACK, SIO_CONNECT_ERROR, SIO_BINARY_EVENT, SIO_BINARY_ACK };

struct sio_rules {
	unsigned max_depth;       /* of JSON */
	unsigned max_attachments; /* per packet */
	size_t max_event_bytes;   /* of an event's name */
};

struct sio_packet {
	enum sio_type type;
	bool has_id;
	unsigned attachments; /* binary messages that follow; 0 for types that have none */
	unsigned flags;       /* JSON_* of data; for the binary types after sio_check_attachments() */
	uint64_t id;
	struct slice nsp;  /* "/" when left out */
	struct slice data; /* the JSON text, empty when there is none */
	/* EVENT: the name's JSON token as it stands, with quotes; a number's text when the name is one */
	struct slice event;
	/* EVENT: the text between the comma after the name and the closing bracket, "" when the name stands alone; ACK:
	 * all between the brackets. Without white space at its ends */
	struct slice items;
};

/*
 * Parses one packet: `text` is what follows the Engine.IO message type. Checks everything that can be checked before
 * attachments arrive; for binary types call sio_check_attachments() when they are there. Slices point into `text`.
 * NULL, or why it is malformed: a static text ("invalid payload", "illegal attachments", "too many attachments",
 * "unknown packet type", "reserved event name", ...). Rules, from protocol.md 2.10:
 *	CONNECT: no data or an object; digits before it are an id and ignored. DISCONNECT: no data.
 *	EVENT: an array whose first item is a string or a number, the string not reserved (connect, connect_error,
 *	disconnect, disconnecting, newListener, removeListener; escapes do not hide it) and not longer than
 *	max_event_bytes when decoded. No data is malformed too, where Node would dispatch an event without a name.
 *	ACK: an array; an ACK without id is valid here and ignored by the caller. CONNECT_ERROR is malformed: servers
 *	send it.
 *	Attachment counts are digits, at least 1, required for the binary types, and forbidden ("-") elsewhere. Ids above
 *	2^64-1 are malformed. A namespace runs to the comma or the end, its query is part of it, and it is valid UTF-8.
 * What json_check() finds wrong is answered with its reason. Everything is looked at once: runs of digits and long
 * namespaces cost what their bytes cost. On malformed input *packet means nothing.
 */
const char *sio_parse(struct slice text, const struct sio_rules *rules, struct sio_packet *packet);

/* Whether an event may have this name, decoded: not reserved, not too long. NULL or why not. */
const char *sio_check_name(struct slice name, const struct sio_rules *rules);

/* The placeholders of a binary packet against its attachments; NULL or why not. Updates packet->flags. */
const char *sio_check_attachments(struct sio_packet *packet, const struct sio_rules *rules);

/* A packet to send, borrowed. `json` is the text that follows, brackets included, made by the caller; for another parser
 * (socketio_parser.h) what that parser has in its place. */
struct sio_out {
	enum sio_type type; /* EVENT and ACK become their binary forms when there are attachments */
	struct slice nsp;   /* "/" or empty: the main one */
	bool has_id;
	uint64_t id;
	struct slice json;
	const struct slice *blobs;
	size_t n_blobs;
	struct slice
		offset; /* of an EVENT: one more argument, behind the others, plain text without quotes; empty: none */
	bool latest;    /* an EVENT's frame gets a tag: its namespace and name */
	bool uncompressed;
};

/* The packet as a shared frame: one text packet beginning with Engine.IO's '4', then one binary packet per
 * attachment. NULL: no memory. */
struct frame *sio_frame(const struct sio_out *out);

#endif
