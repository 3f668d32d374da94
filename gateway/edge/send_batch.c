/* send_batch.c - see send_batch.h. */
#include "send_batch.h"

#include <errno.h>
#include <liburing.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "alloc.h"
#include "log.h"
#include "metrics.h"

enum { FLAGS = MSG_DONTWAIT | MSG_NOSIGNAL, UNKNOWN = 1 << 30 };

struct entry {
	void *whose;
	const char *bytes;
	uint32_t size;
	int fd;
	int result; /* bytes that were sent, or -errno; UNKNOWN: the kernel has not told */
};

struct send_batch {
	struct io_uring ring;
	bool broken; /* there is no ring any more: send() makes the writes */
	send_batch_done *done;
	unsigned count;
	size_t used;
	struct entry entries[SEND_BATCH_MAX];
	char bytes[SEND_BATCH_BYTES];
};

/* --- The ring ----------------------------------------------------------------------------------------------------- */

static bool can_send(struct io_uring *ring)
{
	struct io_uring_probe *probe = io_uring_get_probe_ring(ring);
	bool can = probe && io_uring_opcode_supported(probe, IORING_OP_SEND);

	io_uring_free_probe(probe);
	return can;
}

/* 0 or -errno. The best that the kernel knows: without interrupts for what one thread waits for anyway (6.1, 5.19). */
static int open_ring(struct io_uring *ring)
{
	static const unsigned manners[] = { IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
		IORING_SETUP_COOP_TASKRUN, 0 };
	int error = -EINVAL;

	for (size_t i = 0; error == -EINVAL && i < sizeof(manners) / sizeof(manners[0]); i++)
		error = io_uring_queue_init(SEND_BATCH_MAX, ring, manners[i]);
	if (error == 0 && !can_send(ring)) {
		io_uring_queue_exit(ring);
		error = -EOPNOTSUPP;
	}
	return error;
}

static void explain(int error, char *why, size_t why_size)
{
	static const struct {
		int error;
		const char *text;
	} reasons[] = {
		{ ENOSYS, "this kernel has no io_uring" },
		{ EPERM, "it is forbidden here, by a seccomp filter or by the sysctl kernel.io_uring_disabled" },
		{ EACCES, "it is forbidden here" },
		{ ENOMEM, "no memory, or a limit of locked memory that is too low (before Linux 5.12)" },
		{ EOPNOTSUPP, "the io_uring of this kernel cannot send (before Linux 5.6)" },
	};

	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (reasons[i].error == error) {
			snprintf(why, why_size, "%s", reasons[i].text);
			return;
		}
	snprintf(why, why_size, "error %d", error);
}

struct send_batch *send_batch_new(send_batch_done *done, char *why, size_t why_size)
{
	struct send_batch *b = must_alloc(sizeof(*b));
	int error = open_ring(&b->ring);

	if (error < 0) {
		explain(-error, why, why_size);
		free(b);
		return NULL;
	}
	io_uring_ring_dontfork(&b->ring);
	b->done = done;
	metrics_set(M_IO_URING, 1);
	return b;
}

static void close_ring(struct send_batch *b)
{
	if (b->broken)
		return;
	b->broken = true;
	io_uring_queue_exit(&b->ring);
	metrics_set(M_IO_URING, 0);
}

void send_batch_free(struct send_batch *b)
{
	if (b == NULL)
		return;
	close_ring(b);
	free(b);
}

/* --- Adding ------------------------------------------------------------------------------------------------------- */

/* A room's members get the same bytes one after the other: they are kept once. NULL: these are others. */
static const char *find_same(const struct send_batch *b, struct slice bytes)
{
	const struct entry *last = b->count ? &b->entries[b->count - 1] : NULL;

	return last && slice_equal(slice_of(last->bytes, last->size), bytes) ? last->bytes : NULL;
}

static const char *keep(struct send_batch *b, struct slice bytes)
{
	char *to = b->bytes + b->used;

	memcpy(to, bytes.at, bytes.size);
	b->used += bytes.size;
	return to;
}

bool send_batch_add(struct send_batch *b, int fd, struct slice bytes, void *whose)
{
	const char *kept;

	if (bytes.size > SEND_BATCH_LARGE)
		return false;
	if (b->count == SEND_BATCH_MAX || bytes.size > SEND_BATCH_BYTES - b->used)
		send_batch_send(b);
	kept = find_same(b, bytes);
	if (kept == NULL)
		kept = keep(b, bytes);
	b->entries[b->count++] =
		(struct entry){ .whose = whose, .bytes = kept, .size = (uint32_t)bytes.size, .fd = fd };
	return true;
}

/* --- Sending ------------------------------------------------------------------------------------------------------ */

static void send_one(struct entry *e)
{
	ssize_t n = send(e->fd, e->bytes, e->size, FLAGS);

	e->result = n < 0 ? -errno : (int)n;
}

static void queue(struct send_batch *b, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		struct entry *e = &b->entries[i];
		struct io_uring_sqe *sqe = io_uring_get_sqe(&b->ring);

		e->result = UNKNOWN;
		io_uring_prep_send(sqe, e->fd, e->bytes, e->size, FLAGS);
		sqe->user_data = i;
	}
}

/* How many results the kernel has told. */
static unsigned take_results(struct send_batch *b)
{
	struct io_uring_cqe *cqe;
	unsigned head, n = 0;

	io_uring_for_each_cqe(&b->ring, head, cqe)
	{
		b->entries[cqe->user_data].result = cqe->res;
		n++;
	}
	io_uring_cq_advance(&b->ring, n);
	return n;
}

/* The kernel takes no more of them: those behind the first `taken` were not begun. Of one that was, and whose result is not
 * known, some bytes may be out, so that nothing can follow them. */
static void do_without(struct send_batch *b, unsigned count, unsigned taken, int error)
{
	char why[120];

	explain(error, why, sizeof(why));
	log_warn("io-uring-lost", LOG_S("why", why));
	close_ring(b);
	for (unsigned i = 0; i < count; i++) {
		struct entry *e = &b->entries[i];

		if (i >= taken)
			send_one(e);
		else if (e->result == UNKNOWN)
			shutdown(e->fd, SHUT_RDWR);
	}
}

static void send_by_ring(struct send_batch *b, unsigned count)
{
	unsigned told = 0;

	queue(b, count);
	while (told < count) {
		int n = io_uring_submit_and_wait(&b->ring, count - told);

		told += take_results(b);
		if (n < 0 && n != -EINTR) {
			do_without(b, count, count - io_uring_sq_ready(&b->ring), -n);
			return;
		}
	}
	metrics_add(M_IO_URING_WRITES, count);
}

static struct slice rest_of(const struct entry *e)
{
	size_t sent = e->result > 0 && e->result != UNKNOWN ? (size_t)e->result : 0;

	return slice_of(e->bytes + sent, e->size - sent);
}

void send_batch_send(struct send_batch *b)
{
	unsigned count = b->count;

	/* For one the ring would cost more, for two as much. */
	if (count > 1 && !b->broken)
		send_by_ring(b, count);
	else
		for (unsigned i = 0; i < count; i++)
			send_one(&b->entries[i]);
	b->count = 0;
	b->used = 0;
	for (unsigned i = 0; i < count; i++)
		b->done(b->entries[i].whose, rest_of(&b->entries[i]));
}
