/* test_http.c - a connection as bytes: heads, deadlines, pipelines, files, the internal listener, limits. */
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "edge_fixture.h"
#include "http_conn.h"
#include "metrics.h"
#include "test_main.h"

#define HOST "Host: x\r\n"
#define LAST HOST "Connection: close\r\n"

#define expect_begins(text, prefix) ck_assert_msg(strncmp((text), (prefix), strlen(prefix)) == 0, "%s", (text))
#define expect_holds(text, part)    ck_assert_msg(strstr((text), (part)) != NULL, "%s", (text))
#define expect_lacks(text, part)    ck_assert_msg(strstr((text), (part)) == NULL, "%s", (text))

static const char *body_of(const char *answer)
{
	const char *end = strstr(answer, "\r\n\r\n");

	ck_assert_msg(end != NULL, "%s", answer);
	return end + 4;
}

/* --- Heads -------------------------------------------------------------------------------------------------------- */

static const struct {
	const char *request;
	int status;
	enum metric_id metric;
} malformed[] = {
	{ "GET / HTTP/1.1\nHost: x\n\n", 400, M_BAD_HEAD }, { "GET / HTTP/1.1\r\n\r\n", 400, M_BAD_HEAD },
	{ "GET / HTTP/1.1\r\n" HOST HOST "\r\n", 400, M_BAD_HEAD },
	{ "GET / HTTP/1.1\r\n" HOST "A : b\r\n\r\n", 400, M_BAD_HEAD },
	{ "GET / HTTP/1.1\r\n" HOST "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400, M_BAD_HEAD },
	{ "GET / HTTP/1.1\r\n" HOST "Content-Length: -1\r\n\r\n", 400, M_BAD_HEAD },
	{ "GET / HTTP/1.1\r\n" HOST "Content-Length: 99999999999999999999\r\n\r\n", 413, M_LIMIT_PAYLOAD },
	{ "GET / HTTP/2.0\r\n" HOST "\r\n", 505, M_BAD_HEAD },
	{ "GET / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip\r\n\r\n", 501, M_BAD_HEAD },
	{ "GET / HTTP/1.1\r\n" HOST "Expect: magic\r\n\r\n", 417, M_BAD_HEAD },
	{ "\x16\x03\x01\x02", 400, M_BAD_HEAD }, /* TLS */
};

START_TEST(refused_heads)
{
	char status[32];

	start(NULL);
	snprintf(status, sizeof(status), "HTTP/1.1 %d ", malformed[_i].status);
	expect_begins(talk("%s", malformed[_i].request), status);
	expect_holds(fx.heard.at, "\r\nConnection: close\r\n");
	ck_assert_int_eq(metrics_get(malformed[_i].metric), 1);
	stop();
}
END_TEST

/* The answer arrives whole although the peer goes on sending. */
START_TEST(heads_too_large)
{
	char *large = calloc(1, 1000001);

	start("--max-head-size", "2KB", "--max-request-line", "1KB", NULL);
	memset(large, 'a', 1000000);
	expect_begins(talk("GET /%s HTTP/1.1\r\n" HOST "\r\n", large), "HTTP/1.1 414 ");
	expect_lacks(fx.heard.at, "<reset>");
	expect_begins(talk("GET / HTTP/1.1\r\n" HOST "A: %s\r\n\r\n", large), "HTTP/1.1 431 ");
	expect_lacks(fx.heard.at, "<reset>");
	free(large);
	stop();
}
END_TEST

START_TEST(keep_alive)
{
	int fd;

	start(NULL);
	fd = dial();
	say(fd, "GET / HTTP/1.1\r\n" HOST "\r\n");
	ck_assert_str_eq(body_of(hear_answer(fd)), "<p>home");
	expect_lacks(fx.heard.at, "Connection:");
	say(fd, "HEAD / HTTP/1.1\r\n" HOST "\r\n"); /* its answer is followed by the next at once */
	say(fd, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
	hear_bytes(fd, strlen("HTTP/1.1 200"));
	ck_assert(!is_quiet(fd, 20));
	say(fd, "GET / HTTP/1.0\r\n\r\n");
	hear_all(fd);
	expect_holds(fx.heard.at, "Content-Length: 7\r\n");
	expect_holds(fx.heard.at, "\r\n\r\nHTTP/1.1 200 OK\r\n");
	expect_holds(fx.heard.at, "\r\nConnection: keep-alive\r\n");
	expect_holds(fx.heard.at, "\r\nConnection: close\r\n");
	expect_lacks(fx.heard.at, "<reset>");
	close(fd);
	stop();
}
END_TEST

START_TEST(the_end_of_input_is_not_the_end_of_output)
{
	int fd;

	start(NULL);
	fd = dial();
	say(fd, "GET /d/ HTTP/1.1\r\n" HOST "\r\nGET /big.bin HTTP/1.1\r\n" HOST "\r\nGET / HTTP/1.1\r\n" HOST
		"\r\nGET /");
	shutdown(fd, SHUT_WR);
	hear_all(fd);
	ck_assert_uint_gt(fx.heard.size, BIG_FILE_BYTES);
	ck_assert_str_eq(fx.heard.at + fx.heard.size - 7, "<p>home");
	close(fd);
	stop();
}
END_TEST

START_TEST(bodies_that_nobody_wants)
{
	int fd;

	start(NULL);
	fd = dial();
	say(fd, "POST / HTTP/1.1\r\n" HOST "Content-Length: 30000\r\n\r\n");
	expect_begins(hear_answer(fd), "HTTP/1.1 405 Method Not Allowed\r\n");
	expect_holds(fx.heard.at, "\r\nAllow: GET, HEAD\r\n");
	for (int i = 0; i < 3000; i++)
		say(fd, "GET / HTTP");
	say(fd, "GET / HTTP/1.1\r\n" LAST "\r\n");
	ck_assert_str_eq(body_of(hear_all(fd)), "<p>home");
	close(fd);
	expect_holds(talk("POST / HTTP/1.1\r\n" HOST "Content-Length: 300000\r\n\r\n"), "\r\nConnection: close\r\n");
	expect_holds(
		talk("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"), "\r\nConnection: close\r\n");
	expect_holds(talk("POST / HTTP/1.1\r\n" HOST "Content-Length: 3\r\nExpect: 100-continue\r\n\r\n"),
		"\r\nConnection: close\r\n");
	expect_lacks(fx.heard.at, "100 Continue");
	stop();
}
END_TEST

/* --- Deadlines ---------------------------------------------------------------------------------------------------- */

START_TEST(deadlines)
{
	char post[200];
	int fd;

	/* What must not happen yet is far from when it must: a slow machine, or valgrind, has seconds to look. */
	start("--head-timeout", "1s", "--body-timeout", "1s", "--keep-alive-timeout", "4s", NULL);
	fd = dial();
	ck_assert(is_quiet(fd, 50));
	ck_assert_str_eq(hear_all(fd), ""); /* nothing said, nothing answered */
	close(fd);
	ck_assert_int_eq(metrics_get(M_LIMIT_HEAD_TIME), 1);
	fd = dial();
	for (int i = 0; i < 4; i++) { /* every byte is in time, the head is not */
		say(fd, "G");
		run_for(20);
	}
	expect_begins(hear_all(fd), "HTTP/1.1 408 ");
	close(fd);
	ck_assert_int_eq(metrics_get(M_LIMIT_HEAD_TIME), 2);
	snprintf(post, sizeof(post),
		"POST /socket.io/?EIO=4&transport=polling&sid=%s HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\n4",
		shake_hands());
	fd = dial();
	say(fd, post);
	expect_begins(hear_all(fd), "HTTP/1.1 408 ");
	close(fd);
	ck_assert_int_eq(metrics_get(M_LIMIT_BODY_TIME), 1);
	ck_assert_uint_eq(sessions_count(&fx.sessions), 0);
	fd = dial();
	say(fd, "GET / HTTP/1.1\r\n" HOST "\r\n");
	hear_answer(fd);
	ck_assert(is_quiet(fd, 1200)); /* longer than a head may take */
	ck_assert_str_eq(hear_all(fd), "");
	close(fd);
	ck_assert_int_eq(metrics_get(M_LIMIT_IDLE_TIME), 1);
	stop();
}
END_TEST

START_TEST(an_answer_that_is_not_taken)
{
	int fd;

	start("--body-timeout", "200ms", NULL);
	fd = dial();
	for (int i = 0; i < 4; i++)
		say(fd, "GET /big.bin HTTP/1.1\r\n" HOST "\r\n");
	run_for(1000);
	ck_assert_int_eq(metrics_get(M_LIMIT_BODY_TIME), 1);
	ck_assert(edge_is_empty(fx.edge));
	close(fd);
	stop();
}
END_TEST

/* --- Files -------------------------------------------------------------------------------------------------------- */

static const struct {
	const char *path;
	int status;
	const char *holds;
} files[] = {
	{ "/", 200, "\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: 7\r\n" },
	{ "/?a=b", 200, "\r\n\r\n<p>home" },
	{ "/index.html", 200, "\r\nX-Content-Type-Options: nosniff\r\n" },
	{ "/index%2ehtml", 200, "\r\nCache-Control: public, max-age=0\r\n" },
	{ "/d/", 200, "\r\n\r\n<p>folder" },
	{ "/d", 301, "\r\nLocation: /d/\r\n" },
	{ "/d?x=//y", 301, "\r\nLocation: /d/?x=//y\r\n" },
	{ "/empty.txt", 200, "\r\nContent-Length: 0\r\n" },
	{ "/client/", 404, "" },
	{ "/index.html/", 404, "" },
	{ "/missing", 404, "\r\n\r\nNot Found" },
	{ "/.hidden", 404, "" },
	{ "/link", 404, "" },
	{ "/up/passwd", 404, "" },
	{ "/fifo", 404, "" },
	{ "/../etc/passwd", 404, "" },
	{ "/%2e%2e/%2e%2e/etc/passwd", 404, "" },
	{ "//etc/passwd", 404, "" },
	{ "/d/../index.html", 404, "" },
	{ "/index.html%00", 404, "" },
	{ "/socket.io/socket.io.js", 200, "\r\nContent-Type: application/javascript; charset=utf-8\r\n" },
	{ "/socket.io/socket.io.js?v=1", 200, "\r\nETag: \"4.8.4\"\r\n" },
	{ "/socket.io/socket.io.min.js", 404, "" }, /* it should be there, but is not */
	{ "/socket.io/other.js", 400, "Transport unknown" },
};

START_TEST(pages)
{
	char status[32];

	start(NULL);
	snprintf(status, sizeof(status), "HTTP/1.1 %d ", files[_i].status);
	expect_begins(talk("GET %s HTTP/1.1\r\n" LAST "\r\n", files[_i].path), status);
	expect_holds(fx.heard.at, files[_i].holds);
	stop();
}
END_TEST

START_TEST(what_the_browser_has_is_not_sent)
{
	char etag[64], *at;

	start(NULL);
	at = strstr(talk("GET / HTTP/1.1\r\n" LAST "\r\n"), "ETag: ");
	ck_assert_ptr_nonnull(at);
	snprintf(etag, sizeof(etag), "%.*s", (int)strcspn(at + 6, "\r"), at + 6);
	expect_begins(talk("GET / HTTP/1.1\r\n" LAST "If-None-Match: \"a\", W/%s\r\n\r\n", etag),
		"HTTP/1.1 304 Not Modified\r\n");
	expect_lacks(fx.heard.at, "\r\nContent-");
	ck_assert_str_eq(body_of(fx.heard.at), "");
	expect_begins(talk("HEAD / HTTP/1.1\r\n" LAST "If-None-Match: *\r\n\r\n"), "HTTP/1.1 304 ");
	expect_begins(talk("GET / HTTP/1.1\r\n" LAST "If-None-Match: \"a\"\r\n\r\n"), "HTTP/1.1 200 ");
	expect_begins(talk("POST /socket.io/socket.io.js HTTP/1.1\r\n" LAST
			   "If-None-Match: \"4.8.4\"\r\nContent-Length: 1\r\n\r\nx"),
		"HTTP/1.1 304 ");
	expect_begins(talk("HEAD /big.bin HTTP/1.1\r\n" LAST "\r\n"), "HTTP/1.1 200 ");
	expect_holds(fx.heard.at, "\r\nContent-Length: 3000000\r\n");
	ck_assert_str_eq(body_of(fx.heard.at), "");
	stop();
}
END_TEST

START_TEST(a_file_that_shrinks_ends_the_connection)
{
	char path[128];
	int fd;

	start(NULL);
	fd = dial();
	say(fd, "GET /big.bin HTTP/1.1\r\n" HOST "\r\nGET /big.bin HTTP/1.1\r\n" HOST
		"\r\nGET /big.bin HTTP/1.1\r\n" HOST "\r\n");
	run_for(20);
	snprintf(path, sizeof(path), "%s/big.bin", fx.public_dir);
	ck_assert_int_eq(truncate(path, 10), 0);
	hear_all(fd);
	ck_assert_uint_lt(fx.heard.size, 3 * BIG_FILE_BYTES);
	close(fd);
	stop();
}
END_TEST

/* --- The internal listener ---------------------------------------------------------------------------------------- */

static const char *ask_internal(const char *line)
{
	int fd = dial_internal();

	say(fd, line);
	say(fd, " HTTP/1.1\r\n" LAST "\r\n");
	hear_all(fd);
	close(fd);
	return fx.heard.at;
}

START_TEST(internal_endpoints)
{
	int fd;

	start(NULL);
	expect_begins(ask_internal("GET /healthz"), "HTTP/1.1 200 OK\r\n");
	ck_assert_str_eq(body_of(fx.heard.at), "ok");
	ck_assert_str_eq(body_of(ask_internal("GET /readyz")), "ready");
	fx.unready = "shutting down";
	expect_begins(ask_internal("GET /readyz"), "HTTP/1.1 503 ");
	ck_assert_str_eq(body_of(fx.heard.at), "shutting down");
	expect_begins(ask_internal("HEAD /healthz"), "HTTP/1.1 200 OK\r\n");
	ck_assert_str_eq(body_of(fx.heard.at), "");
	expect_begins(ask_internal("POST /healthz"), "HTTP/1.1 405 ");
	expect_begins(ask_internal("GET /socket.io/?EIO=4&transport=polling"), "HTTP/1.1 404 ");
	fd = dial();
	run_for(20);
	expect_holds(ask_internal("GET /metrics"), "\r\nContent-Type: text/plain; version=0.0.4");
	expect_holds(fx.heard.at, "\nstoa_connections 1\n"); /* its own connection is not a client's */
	close(fd);
	stop();
}
END_TEST

/* --- Limits ------------------------------------------------------------------------------------------------------- */

START_TEST(too_many_connections)
{
	int first, second, third;

	start("--max-connections", "2", NULL);
	first = dial();
	second = dial();
	run_for(20);
	third = dial();
	say(third, "GET / HTTP/1.1\r\n" HOST "\r\n");
	expect_begins(hear_all(third), "HTTP/1.1 503 Service Unavailable\r\n");
	expect_lacks(fx.heard.at, "<reset>");
	ck_assert_int_eq(metrics_get(M_LIMIT_CONNECTIONS), 1);
	close(third);
	close(second);
	run_for(20);
	expect_begins(talk("GET / HTTP/1.1\r\n" LAST "\r\n"), "HTTP/1.1 200 ");
	close(first);
	stop();
}
END_TEST

/* Valgrind plays the limit itself: it accepts and then closes what is beyond. */
static bool under_valgrind(void)
{
	const char *preload = getenv("LD_PRELOAD");

	return preload && strstr(preload, "vgpreload");
}

START_TEST(no_descriptor_left)
{
	struct rlimit old, few;
	int clients[8];
	long turns;

	if (under_valgrind())
		return;
	start(NULL);
	for (int i = 0; i < 8; i++)
		clients[i] = dial(); /* the kernel connects; the loop does not run yet */
	getrlimit(RLIMIT_NOFILE, &old);
	few = old;
	few.rlim_cur = (rlim_t)dup(0);
	close((int)few.rlim_cur);
	setrlimit(RLIMIT_NOFILE, &few);
	turns = fx.turns;
	for (int i = 0; i < 8; i++)
		expect_begins(hear_all(clients[i]), "HTTP/1.1 503 ");
	run_for(50);
	ck_assert_int_lt(fx.turns - turns, 60);
	setrlimit(RLIMIT_NOFILE, &old);
	for (int i = 0; i < 8; i++)
		close(clients[i]);
	run_for(150);
	expect_begins(talk("GET / HTTP/1.1\r\n" LAST "\r\n"), "HTTP/1.1 200 ");
	stop();
}
END_TEST

/* The server's end of a client's socket: its peer has the number that this one is bound to. */
static int accepted_of(int client)
{
	struct sockaddr_in bound = { 0 }, peer;
	socklen_t size = sizeof(bound);

	ck_assert_int_eq(getsockname(client, (struct sockaddr *)&bound, &size), 0);
	for (int fd = 0; fd < 256; fd++) {
		size = sizeof(peer);
		if (fd != client && getpeername(fd, (struct sockaddr *)&peer, &size) == 0 &&
			peer.sin_port == bound.sin_port)
			return fd;
	}
	return -1;
}

static int option_of(int fd, int level, int option)
{
	socklen_t size = sizeof(int);
	int value = -1;

	ck_assert_int_eq(getsockopt(fd, level, option, &value, &size), 0);
	return value;
}

/* Both listeners hand down what their connections need. */
START_TEST(an_accepted_socket)
{
	int client, fd;

	start(NULL);
	client = _i ? dial_internal() : dial();
	run_for(20);
	fd = accepted_of(client);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_ne(option_of(fd, IPPROTO_TCP, TCP_NODELAY), 0);
	ck_assert_int_ne(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
	ck_assert_int_ne(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
	close(client);
	stop();
}
END_TEST

/* Few turns for many that wait, more than one turn takes at most; and nobody waits for the next to come. */
START_TEST(a_crowd_at_the_door)
{
	enum { CROWD = 200 };
	static int clients[CROWD];
	int64_t before;
	long turns;

	start(NULL);
	before = metrics_get(M_CONNECTIONS_TOTAL);
	for (int i = 0; i < CROWD; i++)
		clients[i] = dial(); /* the kernel connects; the loop does not run yet */
	turns = fx.turns;
	while (metrics_get(M_CONNECTIONS_TOTAL) < before + CROWD)
		run_for(1);
	ck_assert_int_ge(fx.turns - turns, CROWD / 64);
	ck_assert_int_le(fx.turns - turns, 50);
	for (int i = 0; i < CROWD; i++)
		close(clients[i]);
	expect_begins(talk("GET / HTTP/1.1\r\n" LAST "\r\n"), "HTTP/1.1 200 ");
	stop();
}
END_TEST

START_TEST(an_idle_connection_is_small)
{
	ck_assert_uint_lt(sizeof(struct http_conn), 1000);
}
END_TEST

START_TEST(the_end)
{
	char poll[200];
	int idle, parked, busy;

	start(NULL);
	snprintf(poll, sizeof(poll), "GET /socket.io/?EIO=4&transport=polling&sid=%s HTTP/1.1\r\n" HOST "\r\n",
		shake_hands());
	idle = dial();
	parked = dial();
	busy = dial();
	say(parked, poll);
	say(busy, "GET /big.bin HTTP/1.1\r\n" HOST "\r\n");
	run_for(20);
	edge_stop_listening(fx.edge);
	ck_assert_str_eq(hear_all(idle), "");
	close(idle);
	hear_all(busy);
	ck_assert_uint_gt(fx.heard.size, BIG_FILE_BYTES);
	close(busy);
	ck_assert(is_quiet(parked, 20));
	ck_assert(!edge_is_empty(fx.edge));
	sessions_shutdown(&fx.sessions, loop_now(&fx.loop));
	expect_holds(hear_all(parked), "\r\nConnection: close\r\n");
	ck_assert_str_eq(body_of(fx.heard.at), "1");
	close(parked);
	run_for(20);
	ck_assert(edge_is_empty(fx.edge));
	stop();
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("http");
	TCase *t = tcase_create("http");

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, refused_heads, 0, sizeof(malformed) / sizeof(malformed[0]));
	tcase_add_test(t, heads_too_large);
	tcase_add_test(t, keep_alive);
	tcase_add_test(t, the_end_of_input_is_not_the_end_of_output);
	tcase_add_test(t, bodies_that_nobody_wants);
	tcase_add_test(t, deadlines);
	tcase_add_test(t, an_answer_that_is_not_taken);
	tcase_add_loop_test(t, pages, 0, sizeof(files) / sizeof(files[0]));
	tcase_add_test(t, what_the_browser_has_is_not_sent);
	tcase_add_test(t, a_file_that_shrinks_ends_the_connection);
	tcase_add_test(t, internal_endpoints);
	tcase_add_test(t, too_many_connections);
	tcase_add_test(t, no_descriptor_left);
	tcase_add_loop_test(t, an_accepted_socket, 0, 2);
	tcase_add_test(t, a_crowd_at_the_door);
	tcase_add_test(t, an_idle_connection_is_small);
	tcase_add_test(t, the_end);
	suite_add_tcase(s, t);
	return s;
}
