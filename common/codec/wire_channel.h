/*
 * wire_channel.h - the names of the channels that the servers of one cluster share, as @socket.io/redis-adapter 8
 * builds them. P is the cluster's prefix ("socket.io"), N a namespace with its slash.
 *
 *	P#N#               broadcasts
 *	P#N#room#          broadcasts to exactly this room, and nothing else
 *	P-request#N#       requests to all servers
 *	P-response#N#      their answers
 *	P-response#N#U#    answers to the server U alone
 *	P#emitter          broadcasts of emitters from before 2016
 *
 * Names stand there as they are: a room may hold '#', be empty, or be any bytes. A namespace with '#' would be taken for
 * a shorter one and a room; packets name their namespace, by which its messages are dropped then.
 */
#ifndef STOA_CODEC_WIRE_CHANNEL_H
#define STOA_CODEC_WIRE_CHANNEL_H

#include "buf.h"

enum wire_channel_kind {
	WIRE_CHANNEL_BROADCAST,
	WIRE_CHANNEL_ROOM,
	WIRE_CHANNEL_REQUEST,
	WIRE_CHANNEL_RESPONSE,
	WIRE_CHANNEL_RESPONSE_TO,
	WIRE_CHANNEL_EMITTER
};

struct wire_channel {
	enum wire_channel_kind kind;
	struct slice nsp;  /* empty: WIRE_CHANNEL_EMITTER */
	struct slice name; /* ROOM: the room; RESPONSE_TO: the server */
};

/* Appends the channel's name. */
void wire_channel_add(struct buf *to, struct slice prefix, const struct wire_channel *channel);

/* Appends the pattern (Redis's PSUBSCRIBE) of the room channels in `nsp` whose room begins with `start`; with an empty
 * start it takes in the broadcast channel. What Redis would take for a wildcard is escaped. */
void wire_channel_add_pattern(struct buf *to, struct slice prefix, struct slice nsp, struct slice start);

/* Takes a name apart, comparing the prefix literally: a pattern may match more than was meant. False: not one of
 * these. Slices point into `name`. */
bool wire_channel_parse(struct slice name, struct slice prefix, struct wire_channel *channel);

#endif
