/* test_door.c - the edge asks who gets a session, and tells of refusals. */
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "edge_fixture.h"
#include "metrics.h"
#include "test_main.h"

#define PATH "/socket.io/?EIO=4&transport=polling"
#define HOST "Host: x\r\n"
#define LAST HOST "Connection: close\r\n"
#define WS_ALL \
	HOST "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n" \
	     "Sec-WebSocket-Version: 13\r\n"

#define expect_begins(text, prefix) ck_assert_msg(strncmp((text), (prefix), strlen(prefix)) == 0, "%s", (text))
#define expect_holds(text, part)    ck_assert_msg(strstr((text), (part)) != NULL, "%s", (text))
#define expect_lacks(text, part)    ck_assert_msg(strstr((text), (part)) == NULL, "%s", (text))

/* --- A door ------------------------------------------------------------------------------------------------------- */

static struct edge_decision decision;
static bool decides, listens, later;
static int asked, left_count;
static uint64_t last;   /* the number of the last question */
static struct buf told; /* what the door heard, one line each */

static void note(const char *what, const struct edge_request *r)
{
	buf_printf(&told, "%s %s %.*s %.*s", what, r->transport ? r->transport : "none",
		SLICE_ARG(r->handshake->address), SLICE_ARG(r->handshake->query));
}

/* The decision's bytes are gone when this returns. */
static bool admit(void *ctx, int64_t now_ms, const struct edge_request *r)
{
	char headers[] = "X-First: 1\r\n", lines[] = "X-All: 2\r\n", message[] = "not you";
	struct edge_decision d = decision;

	ck_assert_ptr_eq(ctx, &decision);
	ck_assert_int_gt(now_ms, 0);
	asked++;
	last = r->number;
	note("asked", r);
	buf_add_char(&told, '\n');
	if (d.headers.size)
		d.headers = slice_str(headers);
	if (d.session_headers.size)
		d.session_headers = slice_str(lines);
	if (d.message.size)
		d.message = slice_str(message);
	if (decides)
		edge_decide(fx.edge, r->number, &d);
	memset(headers, 'x', sizeof(headers) - 1);
	memset(lines, 'x', sizeof(lines) - 1);
	memset(message, 'x', sizeof(message) - 1);
	return later;
}

static void left(void *ctx, uint64_t number)
{
	ck_assert_ptr_eq(ctx, &decision);
	ck_assert_uint_gt(number, 0);
	left_count++;
}

static bool hears(void *ctx)
{
	(void)ctx;
	return listens;
}

static void refused(void *ctx, int64_t now_ms, const struct edge_request *r, struct slice error)
{
	(void)ctx;
	(void)now_ms;
	note("refused", r);
	buf_printf(&told, " %.*s\n", SLICE_ARG(error));
}

static const struct edge_door_ops ops = { .admit = admit, .left = left, .hears = hears, .refused = refused };

static const char *heard_by_door(void)
{
	buf_add_char(&told, '\0');
	told.size--;
	return told.at;
}

static void begin(void)
{
	start(NULL);
	decision = (struct edge_decision){ .refused = false };
	decides = listens = true;
	later = false;
	asked = left_count = 0;
	buf_clear(&told);
	edge_set_door(fx.edge, &ops, &decision);
}

static void end(void)
{
	stop();
	buf_fini(&told);
}

/* --- Asking ------------------------------------------------------------------------------------------------------- */

START_TEST(who_is_let_in_gets_a_session)
{
	expect_begins(talk("GET " PATH "&a=1 HTTP/1.1\r\n" LAST "\r\n"), "HTTP/1.1 200 OK\r\n");
	ck_assert_str_eq(heard_by_door(), "asked polling 127.0.0.1 EIO=4&transport=polling&a=1\n");
	ck_assert_uint_eq(sessions_count(&fx.sessions), 1);
}
END_TEST

START_TEST(who_is_not_gets_none)
{
	int64_t before = metrics_get(M_HANDSHAKES_REFUSED);
	const char *answer;

	decision = (struct edge_decision){ .refused = true, .message = SLICE("-"), .headers = SLICE("-") };
	answer = talk("GET " PATH " HTTP/1.1\r\n" LAST "\r\n");
	expect_begins(answer, "HTTP/1.1 403 Forbidden\r\n");
	expect_holds(answer, "X-First: 1\r\n");
	expect_holds(answer, "\r\n\r\n{\"code\":4,\"message\":\"not you\"}");
	answer = talk("GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\n" WS_ALL "\r\n");
	expect_begins(answer, "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-type: text/html\r\n"
			      "Content-Length: 7\r\nX-First: 1\r\n\r\nnot you");
	ck_assert_uint_eq(sessions_count(&fx.sessions), 0);
	ck_assert_int_eq(metrics_get(M_HANDSHAKES_REFUSED), before + 2);
	ck_assert_str_eq(heard_by_door(),
		"asked polling 127.0.0.1 EIO=4&transport=polling\n"
		"refused polling 127.0.0.1 EIO=4&transport=polling "
		"{\"code\":4,\"message\":\"not you\",\"context\":{\"message\":\"not you\"}}\n"
		"asked websocket 127.0.0.1 EIO=4&transport=websocket\n"
		"refused websocket 127.0.0.1 EIO=4&transport=websocket "
		"{\"code\":4,\"message\":\"not you\",\"context\":{\"message\":\"not you\"}}\n");
}
END_TEST

START_TEST(who_gets_no_answer_stays_out)
{
	decides = false;
	expect_holds(talk("GET " PATH " HTTP/1.1\r\n" LAST "\r\n"), "{\"code\":4,\"message\":\"Forbidden\"}");
	expect_holds(talk("GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\n" WS_ALL "\r\n"), "\r\n\r\nForbidden");
	ck_assert_uint_eq(sessions_count(&fx.sessions), 0);
}
END_TEST

START_TEST(what_is_wrong_is_not_asked_about)
{
	talk("GET /socket.io/?EIO=4&transport=none HTTP/1.1\r\n" LAST "\r\n");
	talk("POST " PATH " HTTP/1.1\r\n" LAST "Content-Length: 0\r\n\r\n");
	talk("GET " PATH "&sid=x HTTP/1.1\r\n" LAST "\r\n");
	talk("GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\n" LAST "\r\n");
	ck_assert_int_eq(asked, 0);
}
END_TEST

/* The reference's order (protocol.md 2.2). */
START_TEST(version_and_websocket_are_looked_at_after_the_question)
{
	const char *answer;

	decision = (struct edge_decision){ .refused = true, .message = SLICE("-") };
	answer = talk("GET /socket.io/?EIO=3&transport=polling HTTP/1.1\r\n" LAST "\r\n");
	expect_holds(answer, "{\"code\":4,\"message\":\"not you\"}");
	answer = talk("GET /socket.io/?EIO=3&transport=websocket HTTP/1.1\r\n" LAST
		      "Connection: upgrade\r\nUpgrade: websocket\r\n\r\n");
	expect_holds(answer, "\r\n\r\nnot you");
	ck_assert_int_eq(asked, 2);
	decision = (struct edge_decision){ .headers = SLICE("-") };
	answer = talk("GET /socket.io/?EIO=3&transport=polling HTTP/1.1\r\n" LAST "\r\n");
	expect_holds(answer, "{\"code\":5,\"message\":\"Unsupported protocol version\"}");
	ck_assert_ptr_null(strstr(answer, "X-First"));
	answer = talk("GET /socket.io/?EIO=3&transport=websocket HTTP/1.1\r\n" LAST
		      "Connection: upgrade\r\nUpgrade: websocket\r\n\r\n");
	expect_holds(answer, "\r\n\r\nMissing or invalid Sec-WebSocket-Key header");
	ck_assert_uint_eq(sessions_count(&fx.sessions), 0);
}
END_TEST

START_TEST(who_does_not_listen_is_not_told)
{
	listens = false;
	talk("GET " PATH "&sid=x HTTP/1.1\r\n" LAST "\r\n");
	ck_assert_str_eq(heard_by_door(), "");
}
END_TEST

/* --- Headers ------------------------------------------------------------------------------------------------------ */

START_TEST(headers_of_the_first_answer_and_of_all)
{
	char sid[SID_SIZE + 1];
	const char *answer;

	decision = (struct edge_decision){ .headers = SLICE("-"), .session_headers = SLICE("-") };
	answer = talk("GET " PATH " HTTP/1.1\r\n" LAST "\r\n");
	expect_holds(answer, "\r\nX-First: 1\r\nX-All: 2\r\n");
	snprintf(sid, sizeof(sid), "%.*s", SID_SIZE, strstr(answer, "\"sid\":\"") + 7);
	answer = talk("POST " PATH "&sid=%s HTTP/1.1\r\n" LAST "Content-Length: 1\r\n\r\n3", sid);
	expect_begins(answer, "HTTP/1.1 200 OK\r\n");
	expect_holds(answer, "\r\nX-All: 2\r\n");
	expect_lacks(answer, "X-First");
	ck_assert_int_eq(asked, 1);
}
END_TEST

START_TEST(headers_of_one_session_are_not_anothers)
{
	int fd = dial();

	decision = (struct edge_decision){ .headers = SLICE("-"), .session_headers = SLICE("-") };
	say(fd, "GET " PATH " HTTP/1.1\r\n" HOST "\r\n");
	expect_holds(hear_answer(fd), "X-All: 2");
	decision = (struct edge_decision){ .refused = false };
	say(fd, "GET " PATH " HTTP/1.1\r\n" HOST "\r\n");
	expect_lacks(hear_answer(fd), "X-All");
	close(fd);
}
END_TEST

START_TEST(the_101_has_both)
{
	int fd = dial();
	const char *answer;

	decision = (struct edge_decision){ .headers = SLICE("-"), .session_headers = SLICE("-") };
	say(fd, "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\n" WS_ALL "\r\n");
	answer = hear_bytes(fd, 165);
	expect_begins(answer, "HTTP/1.1 101");
	expect_holds(answer, "X-First: 1\r\nX-All: 2\r\n");
	close(fd);
}
END_TEST

/* --- What is told ------------------------------------------------------------------------------------------------- */

static const struct {
	const char *request, *error;
} refusals[] = {
	{ "GET /socket.io/?EIO=4&transport=a\"b HTTP/1.1\r\n" LAST "\r\n",
		"{\"code\":0,\"message\":\"Transport unknown\",\"context\":{\"transport\":\"a\\\"b\"}}" },
	{ "GET " PATH "&sid=__proto__ HTTP/1.1\r\n" LAST "\r\n",
		"{\"code\":1,\"message\":\"Session ID unknown\",\"context\":{\"sid\":\"__proto__\"}}" },
	{ "PUT " PATH " HTTP/1.1\r\n" LAST "\r\n",
		"{\"code\":2,\"message\":\"Bad handshake method\",\"context\":{\"method\":\"PUT\"}}" },
	{ "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\n" LAST "\r\n",
		"{\"code\":3,\"message\":\"Bad request\",\"context\":{\"name\":\"TRANSPORT_HANDSHAKE_ERROR\"}}" },
	{ "GET " PATH " HTTP/1.1\r\n" LAST "Origin: http://evil\r\n\r\n",
		"{\"code\":4,\"message\":\"Not an accepted origin.\",\"context\":{\"origin\":\"http://evil\"}}" },
	{ "GET /socket.io/?EIO=5&transport=polling HTTP/1.1\r\n" LAST "\r\n",
		"{\"code\":5,\"message\":\"Unsupported protocol version\",\"context\":{\"protocol\":3}}" },
};

START_TEST(refusals_are_told_in_nodes_words)
{
	talk("%s", refusals[_i].request);
	expect_holds(heard_by_door(), refusals[_i].error);
	ck_assert_int_eq(asked, strstr(refusals[_i].request, "EIO=5") != NULL); /* the version comes last */
}
END_TEST

/* --- Later -------------------------------------------------------------------------------------------------------- */

#define WS_PATH "/socket.io/?EIO=4&transport=websocket"
#define HELLO \
	"\x81\x86\0\0\0\0" \
	"4hello" /* a frame, masked with nothing */

static const struct edge_decision welcome = { 0 };

static void begin_later(void)
{
	begin();
	decides = false;
	later = true;
}

/* Other options than none. */
static void begin_later_with(const char *flag, const char *value, const char *another)
{
	stop();
	start(flag, value, another, NULL);
	edge_set_door(fx.edge, &ops, &decision);
}

/* Until `n` have asked, or left. */
static void until(const int *count, int n)
{
	for (int i = 0; *count < n && i < 10000; i++)
		run_for(1);
	ck_assert_int_eq(*count, n);
}

static void expect_waiting(int64_t n)
{
	ck_assert_int_eq(metrics_get(M_HANDSHAKES_WAITING), n);
}

/* A client whose question waits. */
static int ask_with(const char *request)
{
	int fd = dial(), before = asked;

	say(fd, request);
	until(&asked, before + 1);
	return fd;
}

static int ask_polling(void)
{
	return ask_with("GET " PATH " HTTP/1.1\r\n" HOST "\r\n");
}

static int ask_websocket(void)
{
	return ask_with("GET " WS_PATH " HTTP/1.1\r\n" WS_ALL "\r\n");
}

/* With the turn in which it happens. */
static void decide(uint64_t number, const struct edge_decision *d)
{
	edge_decide(fx.edge, number, d);
	run_for(1);
}

/* As in admit(): nothing of the decision outlives the call. */
static void decide_with_headers(uint64_t number, bool refused)
{
	char headers[] = "X-First: 1\r\n", lines[] = "X-All: 2\r\n", message[] = "not you";

	edge_decide(fx.edge, number,
		&(struct edge_decision){ .refused = refused,
			.message = slice_str(message),
			.headers = slice_str(headers),
			.session_headers = slice_str(lines) });
	memset(headers, 'x', sizeof(headers) - 1);
	memset(lines, 'x', sizeof(lines) - 1);
	memset(message, 'x', sizeof(message) - 1);
	run_for(1);
}

static void decide_unavailable(void)
{
	decide(last, &(struct edge_decision){ .unavailable = true, .message = SLICE("Not in time") });
}

START_TEST(a_poll_waits_and_gets_its_session)
{
	int fd = ask_polling();
	const char *answer;

	ck_assert(is_quiet(fd, 20));
	expect_waiting(1);
	ck_assert_uint_eq(sessions_count(&fx.sessions), 0);
	decide_with_headers(last, false);
	expect_waiting(0);
	answer = hear_answer(fd);
	expect_begins(answer, "HTTP/1.1 200 OK\r\n");
	expect_holds(answer, "\r\nX-First: 1\r\nX-All: 2\r\n");
	expect_holds(answer, "\r\n\r\n0{\"sid\":\"");
	ck_assert_uint_eq(sessions_count(&fx.sessions), 1);
	ck_assert_int_eq(left_count, 0);
	close(fd);
}
END_TEST

START_TEST(a_poll_waits_and_is_refused)
{
	int fd = ask_polling();
	const char *answer;

	decide_with_headers(last, true);
	answer = hear_answer(fd);
	expect_begins(answer, "HTTP/1.1 403 Forbidden\r\n");
	expect_holds(answer, "X-First: 1\r\nX-All: 2\r\n");
	expect_holds(answer, "\r\n\r\n{\"code\":4,\"message\":\"not you\"}");
	ck_assert_uint_eq(sessions_count(&fx.sessions), 0);
	ck_assert_int_eq(metrics_get(M_HANDSHAKES_REFUSED), 1);
	ck_assert_str_eq(heard_by_door(),
		"asked polling 127.0.0.1 EIO=4&transport=polling\n"
		"refused polling 127.0.0.1 EIO=4&transport=polling "
		"{\"code\":4,\"message\":\"not you\",\"context\":{\"message\":\"not you\"}}\n");
	say(fd, "GET " PATH " HTTP/1.1\r\n" HOST "\r\n"); /* the connection is as good as before */
	until(&asked, 2);
	decide(last, &welcome);
	expect_begins(hear_answer(fd), "HTTP/1.1 200 OK\r\n");
	close(fd);
}
END_TEST

static void expect_unavailable(int fd, const char *type, const char *words)
{
	const char *answer = hear_answer(fd);

	expect_begins(answer, "HTTP/1.1 503 Service Unavailable\r\n");
	expect_holds(answer, type);
	expect_holds(answer, "\r\nRetry-After: 1\r\n");
	expect_holds(answer, words);
	close(fd);
}

START_TEST(nobody_could_be_asked)
{
	int fd = ask_polling();

	decide_unavailable();
	expect_unavailable(fd, "\r\nContent-Type: text/plain; charset=utf-8\r\n", "\r\n\r\nNot in time");
	fd = ask_websocket();
	decide_unavailable();
	expect_unavailable(fd, "\r\nContent-type: text/html\r\n", "\r\n\r\nNot in time");
	ck_assert_int_eq(metrics_get(M_HANDSHAKES_REFUSED), 2);
	expect_lacks(heard_by_door(), "refused");
	/* The same, said at once. */
	decides = true;
	decision = (struct edge_decision){ .unavailable = true, .message = SLICE("-") };
	fd = ask_polling();
	expect_unavailable(fd, "\r\nContent-Type: text/plain; charset=utf-8\r\n", "\r\n\r\nnot you");
	fd = ask_websocket();
	expect_unavailable(fd, "\r\nContent-type: text/html\r\n", "\r\n\r\nnot you");
	ck_assert_uint_eq(sessions_count(&fx.sessions), 0);
}
END_TEST

START_TEST(a_websocket_waits_and_opens)
{
	int fd = ask_websocket();
	const char *answer;

	ck_assert(is_quiet(fd, 20));
	decide_with_headers(last, false);
	answer = hear_bytes(fd, 165);
	expect_begins(answer, "HTTP/1.1 101");
	expect_holds(answer, "X-First: 1\r\nX-All: 2\r\n");
	ck_assert_uint_eq(sessions_count(&fx.sessions), 1);
	close(fd);
}
END_TEST

START_TEST(a_websocket_waits_and_is_refused)
{
	int fd = ask_websocket();

	decide_with_headers(last, true);
	expect_begins(hear_all(fd), "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-type: text/html\r\n"
				    "Content-Length: 7\r\nX-First: 1\r\nX-All: 2\r\n\r\nnot you");
	ck_assert_uint_eq(sessions_count(&fx.sessions), 0);
	close(fd);
}
END_TEST

/* What a client may not do, and some do: speak before it was answered. */
START_TEST(frames_before_the_answer_are_kept)
{
	static const int counts[] = { 1, 4000 }; /* more than a head's worth is left in the kernel */
	int fd = dial();

	say(fd, "GET " WS_PATH " HTTP/1.1\r\n" WS_ALL "\r\n");
	for (int i = 0; i < counts[_i]; i++)
		say_bytes(fd, HELLO, sizeof(HELLO) - 1);
	until(&asked, 1);
	ck_assert(is_quiet(fd, 20));
	decide(last, &welcome);
	expect_begins(hear_answer(fd), "HTTP/1.1 101");
	ck_assert_int_eq(hear_bytes(fd, 2)[0], (char)0x81);
	expect_begins(hear_bytes(fd, (size_t)fx.heard.at[1]), "0{\"sid\":");
	hear_bytes(fd, (size_t)counts[_i] * 8);
	for (int i = 0; i < counts[_i]; i++)
		ck_assert_int_eq(memcmp(fx.heard.at + (ptrdiff_t)i * 8,
					 "\x81\x06"
					 "4hello",
					 8),
			0);
	close(fd);
}
END_TEST

static const char *const leavers[] = {
	"GET " PATH " HTTP/1.1\r\n" HOST "\r\n",
	"GET " WS_PATH " HTTP/1.1\r\n" WS_ALL "\r\n",
};

START_TEST(who_leaves_is_forgotten)
{
	int fd = ask_with(leavers[_i]);

	close(fd);
	until(&left_count, 1);
	expect_waiting(0);
	decide(last, &welcome);
	run_for(10);
	ck_assert_uint_eq(sessions_count(&fx.sessions), 0);
}
END_TEST

/* Behind more than is read ahead. */
START_TEST(who_leaves_is_missed_behind_what_it_sent)
{
	static const char more[20000] = "x";
	int fd = ask_with(leavers[_i]);

	say_bytes(fd, more, sizeof(more));
	run_for(20);
	ck_assert_int_eq(left_count, 0);
	shutdown(fd, SHUT_WR);
	until(&left_count, 1);
	close(fd);
}
END_TEST

START_TEST(what_is_behind_a_question_waits_too)
{
	int fd = ask_with("GET " PATH "&a=1 HTTP/1.1\r\n" HOST "\r\nGET " PATH "&a=2 HTTP/1.1\r\n" HOST "\r\n");

	ck_assert(is_quiet(fd, 20));
	ck_assert_int_eq(asked, 1);
	decide(last, &welcome);
	expect_begins(hear_answer(fd), "HTTP/1.1 200 OK\r\n");
	until(&asked, 2);
	ck_assert_str_eq(heard_by_door(), "asked polling 127.0.0.1 EIO=4&transport=polling&a=1\n"
					  "asked polling 127.0.0.1 EIO=4&transport=polling&a=2\n");
	decide(last, &welcome);
	expect_begins(hear_answer(fd), "HTTP/1.1 200 OK\r\n");
	ck_assert_uint_eq(sessions_count(&fx.sessions), 2);
	close(fd);
}
END_TEST

START_TEST(only_one_decision_counts)
{
	int first = ask_polling(), second;
	uint64_t number = last;

	second = ask_polling();
	decide(last + 1, &welcome); /* nobody's */
	expect_waiting(2);
	decide(last, &welcome); /* not in the order asked */
	expect_begins(hear_answer(second), "HTTP/1.1 200 OK\r\n");
	ck_assert(is_quiet(first, 10));
	decide(number, &welcome);
	decide_with_headers(number, true);
	expect_begins(hear_answer(first), "HTTP/1.1 200 OK\r\n");
	ck_assert(is_quiet(first, 10));
	close(first);
	close(second);
	decides = true; /* it says that it will answer later, and has */
	expect_begins(talk("GET " PATH " HTTP/1.1\r\n" LAST "\r\n"), "HTTP/1.1 200 OK\r\n");
	expect_waiting(0);
}
END_TEST

START_TEST(so_many_wait_and_no_more)
{
	int fds[2];

	begin_later_with("--max-waiting-handshakes=2", NULL, NULL);
	fds[0] = ask_polling();
	fds[1] = ask_websocket();
	expect_begins(talk("GET " PATH " HTTP/1.1\r\n" LAST "\r\n"), "HTTP/1.1 503 Service Unavailable\r\n");
	expect_holds(talk("GET " PATH " HTTP/1.1\r\n" LAST "\r\n"), "\r\nRetry-After: 1\r\n");
	expect_begins(talk("GET " WS_PATH " HTTP/1.1\r\n" WS_ALL "\r\n"), "HTTP/1.1 503 Service Unavailable\r\n");
	ck_assert_int_eq(asked, 2);
	ck_assert_int_eq(metrics_get(M_LIMIT_HANDSHAKES), 3);
	close(fds[0]);
	until(&left_count, 1);
	fds[0] = ask_polling();
	close(fds[0]);
	close(fds[1]);
}
END_TEST

START_TEST(who_waits_counts_as_a_session_of_its_address)
{
	static const char from[] = "GET " PATH " HTTP/1.1\r\n" LAST "X-Forwarded-For: 192.0.2.%d\r\n\r\n";
	char request[200];
	int fd;

	begin_later_with("--trusted-proxies=127.0.0.1", "--max-sessions-per-address=1", "--enforce-rates=true");
	snprintf(request, sizeof(request), from, 1);
	fd = ask_with(request);
	expect_begins(talk("%s", request), "HTTP/1.1 429 Too Many Requests\r\n");
	ck_assert_int_eq(asked, 1);
	close(fd);
	until(&left_count, 1);
	fd = ask_with(request);
	decide(last, &welcome);
	expect_begins(hear_answer(fd), "HTTP/1.1 200 OK\r\n");
	close(fd);
}
END_TEST

START_TEST(who_waits_at_the_end_is_sent_away)
{
	int poll = ask_polling(), ws;
	uint64_t number = last;

	ws = ask_websocket();
	edge_stop_listening(fx.edge);
	ck_assert_int_eq(left_count, 2);
	expect_waiting(0);
	decide(number, &welcome);
	expect_unavailable(poll, "\r\nConnection: close\r\n", "\r\n\r\nShutting down");
	expect_unavailable(ws, "\r\nConnection: close\r\n", "\r\n\r\nShutting down");
	ck_assert_uint_eq(sessions_count(&fx.sessions), 0);
}
END_TEST

START_TEST(the_edge_ends_with_questions_open)
{
	int fds[2] = { ask_polling(), ask_websocket() };

	edge_free(fx.edge);
	fx.edge = NULL;
	ck_assert_int_eq(left_count, 2);
	expect_waiting(0);
	close(fds[0]);
	close(fds[1]);
}
END_TEST

static const struct {
	const char *request, *answer;
} kinds[] = {
	{ "GET " PATH "&j=3 HTTP/1.1\r\n" HOST "\r\n", "\r\n\r\n___eio[3](\"0{" },
	{ "GET /socket.io/?EIO=3&transport=polling HTTP/1.1\r\n" HOST "\r\n", ":0{\"sid\":" },
	{ "GET /socket.io/?EIO=3&transport=polling&j=0&b64=1 HTTP/1.1\r\n" HOST "\r\n", "\r\n\r\n___eio[0](\"1" },
	{ "GET " PATH "&j=x HTTP/1.1\r\n" HOST "\r\n", "{\"code\":3,\"message\":\"JSONP is not enabled" },
	{ "GET " PATH " HTTP/1.1\r\n" HOST "Origin: http://x\r\n\r\n",
		"\r\nAccess-Control-Allow-Origin: http://x\r\n" },
	{ "GET " PATH " HTTP/1.1\r\n" HOST "Accept-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc", "\r\n\r\n0{" },
	{ "GET /socket.io/?EIO=3&transport=websocket HTTP/1.1\r\n" WS_ALL "\r\n", "HTTP/1.1 101 " },
	{ "GET " WS_PATH " HTTP/1.1\r\n" HOST "Connection: upgrade\r\nUpgrade: websocket\r\n\r\n",
		"\r\n\r\nMissing or invalid Sec-WebSocket-Key header" },
};

START_TEST(every_kind_of_handshake_can_wait)
{
	int fd;

	begin_later_with("--jsonp=true", "--allow-eio3=true", NULL);
	fd = ask_with(kinds[_i].request);
	ck_assert(is_quiet(fd, 10));
	decide(last, &welcome);
	expect_holds(hear_answer(fd), kinds[_i].answer);
	close(fd);
}
END_TEST

START_TEST(an_old_version_is_refused_after_the_question)
{
	int fd = ask_with("GET /socket.io/?EIO=3&transport=polling HTTP/1.1\r\n" HOST "\r\n");

	decide(last, &welcome);
	expect_holds(hear_answer(fd), "{\"code\":5,\"message\":\"Unsupported protocol version\"}");
	close(fd);
}
END_TEST

static TCase *later_tests(void)
{
	TCase *c = tcase_create("later");

	tcase_add_checked_fixture(c, begin_later, end);
	tcase_add_test(c, a_poll_waits_and_gets_its_session);
	tcase_add_test(c, a_poll_waits_and_is_refused);
	tcase_add_test(c, nobody_could_be_asked);
	tcase_add_test(c, a_websocket_waits_and_opens);
	tcase_add_test(c, a_websocket_waits_and_is_refused);
	tcase_add_loop_test(c, frames_before_the_answer_are_kept, 0, 2);
	tcase_add_loop_test(c, who_leaves_is_forgotten, 0, 2);
	tcase_add_loop_test(c, who_leaves_is_missed_behind_what_it_sent, 0, 2);
	tcase_add_test(c, what_is_behind_a_question_waits_too);
	tcase_add_test(c, only_one_decision_counts);
	tcase_add_test(c, so_many_wait_and_no_more);
	tcase_add_test(c, who_waits_counts_as_a_session_of_its_address);
	tcase_add_test(c, who_waits_at_the_end_is_sent_away);
	tcase_add_test(c, the_edge_ends_with_questions_open);
	tcase_add_loop_test(c, every_kind_of_handshake_can_wait, 0, (int)(sizeof(kinds) / sizeof(kinds[0])));
	tcase_add_test(c, an_old_version_is_refused_after_the_question);
	return c;
}

Suite *suite(void)
{
	Suite *s = suite_create("door");
	TCase *c = tcase_create("door");

	tcase_add_checked_fixture(c, begin, end);
	tcase_add_test(c, who_is_let_in_gets_a_session);
	tcase_add_test(c, who_is_not_gets_none);
	tcase_add_test(c, who_gets_no_answer_stays_out);
	tcase_add_test(c, what_is_wrong_is_not_asked_about);
	tcase_add_test(c, version_and_websocket_are_looked_at_after_the_question);
	tcase_add_test(c, who_does_not_listen_is_not_told);
	tcase_add_test(c, headers_of_the_first_answer_and_of_all);
	tcase_add_test(c, headers_of_one_session_are_not_anothers);
	tcase_add_test(c, the_101_has_both);
	tcase_add_loop_test(c, refusals_are_told_in_nodes_words, 0, (int)(sizeof(refusals) / sizeof(refusals[0])));
	suite_add_tcase(s, c);
	suite_add_tcase(s, later_tests());
	return s;
}
