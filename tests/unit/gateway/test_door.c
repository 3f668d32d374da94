/* test_door.c - the edge asks who gets a session, and tells of refusals. */
#include <stdio.h>
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
static bool decides, listens;
static int asked;
static struct buf told; /* what the door heard, one line each */

static void note(const char *what, const struct edge_request *r)
{
	buf_printf(&told, "%s %s %.*s %.*s", what, r->transport ? r->transport : "none",
		SLICE_ARG(r->handshake->address), SLICE_ARG(r->handshake->query));
}

/* The decision's bytes are gone when this returns. */
static void admit(void *ctx, int64_t now_ms, const struct edge_request *r)
{
	char headers[] = "X-First: 1\r\n", lines[] = "X-All: 2\r\n", message[] = "not you";
	struct edge_decision d = decision;

	ck_assert_ptr_eq(ctx, &decision);
	ck_assert_int_gt(now_ms, 0);
	asked++;
	note("asked", r);
	buf_add_char(&told, '\n');
	if (d.headers.size)
		d.headers = slice_str(headers);
	if (d.session_headers.size)
		d.session_headers = slice_str(lines);
	if (d.message.size)
		d.message = slice_str(message);
	if (decides)
		edge_decide(fx.edge, r, &d);
	memset(headers, 'x', sizeof(headers) - 1);
	memset(lines, 'x', sizeof(lines) - 1);
	memset(message, 'x', sizeof(message) - 1);
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

static const struct edge_door_ops ops = { .admit = admit, .hears = hears, .refused = refused };

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
	asked = 0;
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
	return s;
}
