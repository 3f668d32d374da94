/*
 * send_batch.h - writes to many sockets made by one system call: io_uring (io_uring(7)), by way of liburing.
 *
 * send_batch_add() keeps a copy of the bytes; send_batch_send() makes the writes, and so does an add for which there is no
 * room. No write waits (MSG_DONTWAIT), so all of them are over when that returns: nothing is under way between two
 * batches, and nobody has to watch the ring.
 *
 * Whose socket has a write in the batch must not close it nor write to it in another way: send_batch_send() first, which
 * costs nothing when there is none.
 */
#ifndef STOA_EDGE_SEND_BATCH_H
#define STOA_EDGE_SEND_BATCH_H

#include <stddef.h>

#include "slice.h"

struct send_batch;

/* Most of the gain is there with 16. With many more, the kernel leaves the receiving half of what stays on the machine to a
 * thread of its own, where it costs the same but is not to be seen in the process. */
enum {
	SEND_BATCH_MAX = 32,          /* writes of a batch */
	SEND_BATCH_BYTES = 64 * 1024, /* and their bytes; one that repeats the bytes before it takes none */
	SEND_BATCH_LARGE = 8 * 1024   /* a larger write is not worth the copy */
};

/* What became of a write: what the socket did not take, of the bytes in the batch's memory. All of them: it takes nothing
 * now, or has failed, which the next write will tell. Must neither add nor send. */
typedef void send_batch_done(void *whose, struct slice rest);

/* NULL: it cannot be done here, `why` says why. M_IO_URING tells whether it is done. */
struct send_batch *send_batch_new(send_batch_done *done, char *why, size_t why_size);
void send_batch_free(struct send_batch *b); /* NULL is fine; what is in it is dropped */

/* One write of whose, who has none in the batch. False: it is too large, and not taken. */
bool send_batch_add(struct send_batch *b, int fd, struct slice bytes, void *whose);
void send_batch_send(struct send_batch *b); /* done() is called for each, in the order in which they were added */

#endif
