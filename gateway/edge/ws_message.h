/*
 * ws_message.h - one WebSocket message put together from the pieces that libwebsockets hands out, and what a peer may
 * send per message and per second. Pure: bytes in, bytes out.
 *
 * A piece is part of a frame, as far as a read went; a frame is part of a message. A message that comes in one piece is
 * passed through without a copy. Nothing is allocated for what a peer merely announces: memory grows with what came.
 * What is too large is refused when it is announced.
 */
#ifndef STOA_EDGE_WS_MESSAGE_H
#define STOA_EDGE_WS_MESSAGE_H

#include "buf.h"

struct ws_message {
	struct buf *bytes;  /* the pieces so far, when there was more than one; else NULL */
	uint32_t fragments; /* frames begun, the current one included */
	bool deflated;      /* its first frame had RSV1 */
};

struct ws_limits {
	uint64_t bytes;     /* of a message, as it comes */
	uint32_t fragments; /* of a message; 0: no limit */
	uint32_t controls;  /* pings and pongs in a second; 0: no limit */
};

enum ws_progress {
	WS_PARTIAL,
	WS_COMPLETE,  /* *whole_r is the message, until the next call for `m` */
	WS_TOO_LARGE, /* or announces that it will be */
	WS_TOO_MANY_FRAGMENTS,
	WS_NO_MEMORY
};

/* A zeroed struct ws_message is ready. After anything but WS_PARTIAL call ws_message_clear(). */

/* A frame of `size` bytes begins. */
enum ws_progress ws_message_frame(struct ws_message *m, const struct ws_limits *limits, uint64_t size);

/* `ends`: it is the last piece of the last frame. */
enum ws_progress ws_message_add(
	struct ws_message *m, const struct ws_limits *limits, struct slice piece, bool ends, struct slice *whole_r);

/* Ready for the next message; gives the memory back, since most connections are idle most of the time. */
void ws_message_clear(struct ws_message *m);

/* A peer's pings and pongs, counted from the first for a second, then anew. Zeroed: ready. */
struct ws_controls {
	int64_t since_ms;
	uint32_t count;
};

/* One more. False: over the limit. */
bool ws_controls_count(struct ws_controls *c, const struct ws_limits *limits, int64_t now_ms);

#endif
