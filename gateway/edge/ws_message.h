/*
 * ws_message.h - one WebSocket message put together from the pieces that libwebsockets hands out. Pure: bytes in, bytes
 * out.
 *
 * A piece is part of a frame, as far as a read went; a frame is part of a message. A message that comes in one piece is
 * passed through without a copy. Nothing is allocated for what a peer merely announces: memory grows with what came.
 */
#ifndef STOA_EDGE_WS_MESSAGE_H
#define STOA_EDGE_WS_MESSAGE_H

#include "buf.h"

struct ws_message {
	struct buf bytes;   /* the pieces so far, when there was more than one */
	uint32_t fragments; /* frames begun, the current one included */
	bool inside_frame;
};

struct ws_piece {
	struct slice bytes;
	uint64_t missing; /* bytes of its frame that are still to come */
	bool final;       /* its frame is the last of the message */
};

struct ws_limits {
	uint64_t bytes;     /* of a message */
	uint32_t fragments; /* of a message; 0: no limit */
};

enum ws_progress {
	WS_PARTIAL,
	WS_COMPLETE,  /* *whole_r is the message, until the next call for `m` */
	WS_TOO_LARGE, /* or announces that it will be */
	WS_TOO_MANY_FRAGMENTS,
	WS_NO_MEMORY
};

/* A zeroed struct ws_message is ready. After anything but WS_PARTIAL call ws_message_clear(). */
enum ws_progress ws_message_add(
	struct ws_message *m, const struct ws_limits *limits, const struct ws_piece *piece, struct slice *whole_r);

/* Ready for the next message; gives the memory back, since most connections are idle most of the time. */
void ws_message_clear(struct ws_message *m);

#endif
