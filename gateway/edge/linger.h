/*
 * linger.h - the one way a connection ends so that its last bytes arrive: nothing more is sent, what still comes is
 * read and dropped until the peer's end or close_timeout, then the descriptor is closed. Closing at once with unread
 * input would make the kernel send a reset, which can destroy what the peer has not read yet.
 */
#ifndef STOA_EDGE_LINGER_H
#define STOA_EDGE_LINGER_H

#include "loop.h"

struct lingers; /* all that linger */

struct lingers *lingers_new(struct loop *loop, int64_t timeout_ms);
void lingers_free(struct lingers *all); /* closes them at once; NULL is fine */
size_t lingers_count(const struct lingers *all);

/* Takes fd, which has all its output in the kernel. */
void linger_start(struct lingers *all, int fd);

#endif
