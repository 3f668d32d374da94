/*
 * test_send_batch.c - writes in batches of io_uring, on sockets of this machine. Where there is no io_uring, that is said
 * and nothing else is tested but that it is.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "buf.h"
#include "log.h"
#include "metrics.h"
#include "refuse.h"
#include "send_batch.h"
#include "test_main.h"

enum { PEERS = SEND_BATCH_MAX + 8, FULL = 1024 * 1024 };

/* --- Connections, and what became of their writes ----------------------------------------------------------------- */

struct peer {
	int near, far;
	unsigned done; /* calls */
	unsigned turn; /* which call of all it was, from 1 */
	struct buf rest;
};

static struct peer peers[PEERS];
static unsigned turns;
static struct send_batch *batch;

static void done(void *whose, struct slice rest)
{
	struct peer *p = whose;

	p->done++;
	p->turn = ++turns;
	buf_clear(&p->rest);
	buf_add_slice(&p->rest, rest);
}

static void connect_pair(struct peer *p, int listener, const struct sockaddr_in *to)
{
	*p = (struct peer){ .far = socket(AF_INET, SOCK_STREAM, 0), .rest = BUF_INIT };
	ck_assert_int_eq(connect(p->far, (const struct sockaddr *)to, sizeof(*to)), 0);
	p->near = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
	ck_assert_int_ge(p->near, 0);
}

static void begin(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(at);
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	char why[120];

	ck_assert_int_eq(bind(listener, (struct sockaddr *)&at, size), 0);
	ck_assert_int_eq(listen(listener, PEERS), 0);
	getsockname(listener, (struct sockaddr *)&at, &size);
	for (int i = 0; i < PEERS; i++)
		connect_pair(&peers[i], listener, &at);
	close(listener);
	turns = 0;
	batch = send_batch_new(done, why, sizeof(why));
	ck_assert_msg(batch != NULL, "%s", why);
}

static void end(void)
{
	send_batch_free(batch);
	for (int i = 0; i < PEERS; i++) {
		close(peers[i].near);
		if (peers[i].far >= 0)
			close(peers[i].far);
		buf_fini(&peers[i].rest);
	}
}

static bool add(int peer, const char *text)
{
	return send_batch_add(batch, peers[peer].near, slice_str(text), &peers[peer]);
}

/* What has come to a peer is `text`, and nothing more. */
static void expect(int peer, const char *text)
{
	char got[256];
	size_t size = strlen(text);

	ck_assert_int_eq(recv(peers[peer].far, got, size, MSG_WAITALL), (ssize_t)size);
	ck_assert_mem_eq(got, text, size);
	ck_assert_int_eq(recv(peers[peer].far, got, 1, MSG_DONTWAIT), -1);
}

/* Until the socket takes no more. */
static size_t fill(int fd)
{
	static char bytes[FULL];
	size_t total = 0;
	ssize_t n;

	while ((n = send(fd, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0)
		total += (size_t)n;
	return total;
}

static void drain(int fd, size_t size)
{
	static char bytes[FULL];

	while (size) {
		ssize_t n = recv(fd, bytes, size < sizeof(bytes) ? size : sizeof(bytes), 0);

		ck_assert_int_gt(n, 0);
		size -= (size_t)n;
	}
}

/* --- Cases -------------------------------------------------------------------------------------------------------- */

START_TEST(a_batch_is_sent_in_order_by_one_call)
{
	int64_t before = metrics_get(M_IO_URING_WRITES);

	begin();
	ck_assert_int_eq(metrics_get(M_IO_URING), 1);
	ck_assert(add(0, "one") && add(1, "one") && add(2, "two") && add(3, "one"));
	ck_assert_uint_eq(turns, 0);
	send_batch_send(batch);
	for (unsigned i = 0; i < 4; i++) {
		ck_assert_uint_eq(peers[i].turn, i + 1);
		ck_assert_uint_eq(peers[i].rest.size, 0);
		expect((int)i, i == 2 ? "two" : "one");
	}
	ck_assert_int_eq(metrics_get(M_IO_URING_WRITES) - before, 4);
	send_batch_send(batch);
	ck_assert_uint_eq(turns, 4);
	end();
	ck_assert_int_eq(metrics_get(M_IO_URING), 0);
}
END_TEST

/* The caller's memory is its own again: nothing is read of it later. */
START_TEST(bytes_are_copied)
{
	char text[] = "mine";

	begin();
	ck_assert(add(0, text));
	memcpy(text, "your", 4);
	ck_assert(add(1, text));
	memset(text, 'x', 4);
	send_batch_send(batch);
	expect(0, "mine");
	expect(1, "your");
	end();
}
END_TEST

START_TEST(one_alone_needs_no_ring)
{
	int64_t before = metrics_get(M_IO_URING_WRITES);

	begin();
	ck_assert(add(5, "alone"));
	send_batch_send(batch);
	expect(5, "alone");
	ck_assert_uint_eq(peers[5].done, 1);
	ck_assert_int_eq(metrics_get(M_IO_URING_WRITES), before);
	end();
}
END_TEST

START_TEST(what_does_not_fit_is_sent_before)
{
	begin();
	for (int i = 0; i < SEND_BATCH_MAX; i++)
		ck_assert(add(i, "full"));
	ck_assert_uint_eq(turns, 0);
	ck_assert(add(SEND_BATCH_MAX, "next"));
	ck_assert_uint_eq(turns, SEND_BATCH_MAX);
	for (int i = 0; i < SEND_BATCH_MAX; i++)
		expect(i, "full");
	ck_assert_uint_eq(peers[SEND_BATCH_MAX].done, 0);
	send_batch_send(batch);
	expect(SEND_BATCH_MAX, "next");
	end();
}
END_TEST

START_TEST(its_memory_has_an_end)
{
	enum { WRITES = SEND_BATCH_BYTES / SEND_BATCH_LARGE };
	static char bytes[SEND_BATCH_LARGE + 1];

	begin();
	ck_assert(!send_batch_add(batch, peers[0].near, slice_of(bytes, sizeof(bytes)), &peers[0]));
	for (int i = 0; i < WRITES; i++) {
		bytes[0] = (char)i; /* or they would be kept once */
		ck_assert(send_batch_add(batch, peers[i].near, slice_of(bytes, SEND_BATCH_LARGE), &peers[i]));
	}
	ck_assert_uint_eq(turns, 0);
	ck_assert(add(WRITES, "x"));
	ck_assert_uint_eq(turns, WRITES);
	send_batch_send(batch);
	for (int i = 0; i < WRITES; i++) {
		ck_assert_uint_eq(peers[i].rest.size, 0);
		ck_assert_int_eq(recv(peers[i].far, bytes, SEND_BATCH_LARGE, MSG_WAITALL), SEND_BATCH_LARGE);
		ck_assert_int_eq(bytes[0], i);
	}
	expect(WRITES, "x");
	end();
}
END_TEST

/* Equal bytes take no memory: more of them than it has. */
START_TEST(repeated_bytes_are_kept_once)
{
	static char bytes[SEND_BATCH_LARGE];

	begin();
	for (int i = 0; i < SEND_BATCH_MAX; i++)
		ck_assert(send_batch_add(batch, peers[i].near, slice_of(bytes, sizeof(bytes)), &peers[i]));
	ck_assert_uint_eq(turns, 0);
	send_batch_send(batch);
	ck_assert_uint_eq(turns, SEND_BATCH_MAX);
	end();
}
END_TEST

START_TEST(full_sockets_keep_their_bytes)
{
	size_t waiting;

	begin();
	waiting = fill(peers[1].near);
	ck_assert(add(0, "hello") && add(1, "hello") && add(2, "hello"));
	send_batch_send(batch);
	expect(0, "hello");
	expect(2, "hello");
	ck_assert(slice_equal(buf_slice(&peers[1].rest), SLICE("hello")));
	drain(peers[1].far, waiting);
	ck_assert(add(1, "later") && add(2, "later"));
	send_batch_send(batch);
	expect(1, "later");
	end();
}
END_TEST

/* The bytes of a stream from `at` on, so that each place has its own. */
static void write_stream(char *to, size_t at, size_t size)
{
	for (size_t i = at; i < at + size; i++)
		to[i - at] = (char)(i * 7 + i / 251);
}

static void expect_stream(int fd, size_t total)
{
	static char got[SEND_BATCH_LARGE], want[SEND_BATCH_LARGE];
	size_t at = 0;

	while (at < total) {
		ssize_t n = recv(fd, got, sizeof(got), 0);

		ck_assert_int_gt(n, 0);
		write_stream(want, at, (size_t)n);
		ck_assert_mem_eq(got, want, (size_t)n);
		at += (size_t)n;
	}
	ck_assert_uint_eq(at, total);
}

/* What was sent and what is left are the bytes, with nothing missing between them and nothing twice. */
START_TEST(short_writes_say_what_is_left)
{
	static char bytes[SEND_BATCH_LARGE];
	struct peer *p = &peers[0];
	int little = 5000;
	size_t total = 0;
	bool cut = false;

	begin();
	ck_assert_int_eq(setsockopt(p->near, SOL_SOCKET, SO_SNDBUF, &little, sizeof(little)), 0);
	for (int i = 0; i < 100000 && !cut; i++) {
		write_stream(bytes, total, sizeof(bytes));
		ck_assert(send_batch_add(batch, p->near, slice_of(bytes, sizeof(bytes)), p) && add(1, "."));
		send_batch_send(batch);
		cut = p->rest.size && p->rest.size < sizeof(bytes);
		total += sizeof(bytes) - p->rest.size;
		if (p->rest.size)
			ck_assert_mem_eq(p->rest.at, bytes + sizeof(bytes) - p->rest.size, p->rest.size);
		if (p->rest.size == sizeof(bytes))
			break;
	}
	ck_assert_msg(cut, "the socket was full at the end of a write");
	shutdown(p->near, SHUT_WR);
	expect_stream(p->far, total);
	end();
}
END_TEST

/* Those that are gone keep nobody else from theirs; the next write tells. */
START_TEST(closed_peers_take_nothing)
{
	const struct linger reset = { .l_onoff = 1 };

	begin();
	setsockopt(peers[1].far, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	close(peers[1].far);
	peers[1].far = -1;
	ck_assert(add(0, "both") && add(1, "both") && add(2, "both"));
	send_batch_send(batch);
	expect(0, "both");
	expect(2, "both");
	ck_assert(slice_equal(buf_slice(&peers[1].rest), SLICE("both")));
	end();
}
END_TEST

/* --- Where it is forbidden: each in a process of its own, since that cannot be undone ----------------------------- */

static void in_a_child(void (*test)(void))
{
	pid_t pid = fork();
	int status;

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		test();
		_exit(EXIT_SUCCESS);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS);
}

static void check(bool is, int line)
{
	if (is)
		return;
	fprintf(stderr, "test_send_batch.c:%d: it is not\n", line);
	_exit(EXIT_FAILURE);
}

#define CHECK(is) check((is), __LINE__)

static void refused_setup(void)
{
	char why[120] = "";

	CHECK(refuse_call(__NR_io_uring_setup, EPERM));
	CHECK(send_batch_new(done, why, sizeof(why)) == NULL);
	CHECK(strstr(why, "seccomp") || strstr(why, "without liburing"));
	CHECK(metrics_get(M_IO_URING) == 0);
}

START_TEST(a_refused_ring_is_explained)
{
	in_a_child(refused_setup);
}
END_TEST

static bool came(int peer, const char *text)
{
	char got[64];
	size_t size = strlen(text);

	return recv(peers[peer].far, got, size, MSG_WAITALL) == (ssize_t)size && memcmp(got, text, size) == 0;
}

/* The batch in hand is sent without the ring, and so are all that follow. */
static void refused_later(void)
{
	log_set_level(LOG_NONE);
	begin();
	CHECK(add(0, "first") && add(1, "first"));
	send_batch_send(batch);
	CHECK(refuse_call(__NR_io_uring_enter, ENOMEM));
	for (int i = 0; i < 3; i++)
		CHECK(add(i, "second"));
	send_batch_send(batch);
	CHECK(metrics_get(M_IO_URING) == 0);
	for (int i = 0; i < 3; i++)
		CHECK(add(i, "third"));
	send_batch_send(batch);
	CHECK(turns == 8);
	CHECK(came(0, "firstsecondthird") && came(1, "firstsecondthird") && came(2, "secondthird"));
	end();
}

START_TEST(a_lost_ring_costs_no_bytes)
{
	in_a_child(refused_later);
}
END_TEST

/* --- The suite ---------------------------------------------------------------------------------------------------- */

static TCase *cases_with_a_ring(void)
{
	TCase *t = tcase_create("ring");

	tcase_add_test(t, a_batch_is_sent_in_order_by_one_call);
	tcase_add_test(t, bytes_are_copied);
	tcase_add_test(t, one_alone_needs_no_ring);
	tcase_add_test(t, what_does_not_fit_is_sent_before);
	tcase_add_test(t, its_memory_has_an_end);
	tcase_add_test(t, repeated_bytes_are_kept_once);
	tcase_add_test(t, full_sockets_keep_their_bytes);
	tcase_add_test(t, short_writes_say_what_is_left);
	tcase_add_test(t, closed_peers_take_nothing);
	tcase_add_test(t, a_lost_ring_costs_no_bytes);
	return t;
}

Suite *suite(void)
{
	Suite *s = suite_create("send-batch");
	TCase *without = tcase_create("without");
	char why[120];

	batch = send_batch_new(done, why, sizeof(why));
	if (batch)
		suite_add_tcase(s, cases_with_a_ring());
	else
		printf("SKIP: no io_uring: %s\ncases: 0 passed, 0 failed, 1 skipped\n", why);
	send_batch_free(batch);
	tcase_add_test(without, a_refused_ring_is_explained);
	suite_add_tcase(s, without);
	return s;
}
