/* test_edge.c - Engine.IO over HTTP as bytes: handshakes, polls, POSTs, refusals, upgrades, origins. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "edge_fixture.h"
#include "metrics.h"
#include "test_main.h"

#define PATH   "/socket.io/?EIO=4&transport=polling"
#define HOST   "Host: x\r\n"
#define LAST   HOST "Connection: close\r\n"
#define WS     "Upgrade: websocket\r\nConnection: Upgrade\r\n"
#define KEY    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
#define WS_ALL WS KEY "Sec-WebSocket-Version: 13\r\n"

#define expect_begins(text, prefix) ck_assert_msg(strncmp((text), (prefix), strlen(prefix)) == 0, "%s", (text))
#define expect_holds(text, part)    ck_assert_msg(strstr((text), (part)) != NULL, "%s", (text))
#define expect_lacks(text, part)    ck_assert_msg(strstr((text), (part)) == NULL, "%s", (text))

static const char *post(const char *sid, const char *body)
{
	return talk("POST " PATH "&sid=%s HTTP/1.1\r\n" LAST "Content-Length: %zu\r\n\r\n%s", sid, strlen(body), body);
}

static const char *get(const char *sid)
{
	return talk("GET " PATH "&sid=%s HTTP/1.1\r\n" LAST "\r\n", sid);
}

/* The template, with the sid for a '$'. */
static void put_sid(char *to, const char *template, const char *sid)
{
	for (; *template; template ++) {
		*to = *template;
		if (*template == '$')
			memcpy(to, sid, SID_SIZE);
		to += *template == '$' ? SID_SIZE : 1;
	}
	*to = '\0';
}

static const char *body_of(const char *answer)
{
	const char *end = strstr(answer, "\r\n\r\n");

	ck_assert_msg(end != NULL, "%s", answer);
	return end + 4;
}

/* A GET that waits, on a connection that stays. */
static int park(const char *sid)
{
	int fd = dial();
	char request[200];

	snprintf(request, sizeof(request), "GET " PATH "&sid=%s HTTP/1.1\r\n" HOST "\r\n", sid);
	say(fd, request);
	ck_assert(is_quiet(fd, 20));
	return fd;
}

START_TEST(a_polling_session)
{
	const char *sid;

	start(NULL);
	expect_begins(talk("GET " PATH "&t=abc HTTP/1.1\r\n" LAST "\r\n"),
		"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=UTF-8\r\nContent-Length: 118\r\n");
	expect_holds(fx.heard.at, "cache-control: no-store\r\n");
	expect_holds(fx.heard.at, "\r\nDate: ");
	expect_begins(body_of(fx.heard.at), "0{\"sid\":\"");
	sid = shake_hands();
	expect_begins(post(sid, "4hello\x1e"
				"bAQID"),
		"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2\r\n");
	expect_holds(fx.heard.at, "cache-control: no-store\r\n");
	ck_assert_str_eq(body_of(fx.heard.at), "ok");
	ck_assert_str_eq(body_of(get(sid)), "4hello\x1e"
					    "bAQID");
	stop();
}
END_TEST

START_TEST(bodies_in_every_form)
{
	const char *sid;
	int fd;

	start(NULL);
	sid = shake_hands();
	ck_assert_str_eq(body_of(talk("POST " PATH "&sid=%s HTTP/1.1\r\n" LAST "Transfer-Encoding: chunked\r\n\r\n"
				      "2;x=y\r\n4a\r\n1\r\nb\r\n0\r\nTrailer: z\r\n\r\n",
				 sid)),
		"ok");
	fd = dial();
	say(fd, "POST " PATH "&sid=");
	say(fd, sid);
	for (const char *c = " HTTP/1.1\r\n" LAST "Content-Length: 3\r\n\r\n4cd"; *c; c++) {
		say_bytes(fd, c, 1);
		run_for(1);
	}
	ck_assert_str_eq(body_of(hear_all(fd)), "ok");
	close(fd);
	fd = dial();
	say(fd, "POST " PATH "&sid=");
	say(fd, sid);
	say(fd, " HTTP/1.1\r\n" LAST "Content-Length: 3\r\nExpect: 100-continue\r\n\r\n");
	ck_assert_str_eq(hear_bytes(fd, 25), "HTTP/1.1 100 Continue\r\n\r\n");
	say(fd, "4ef");
	ck_assert_str_eq(body_of(hear_all(fd)), "ok");
	close(fd);
	ck_assert_str_eq(body_of(get(sid)), "4ab\x1e"
					    "4cd\x1e"
					    "4ef");
	stop();
}
END_TEST

/* --- Refusals ----------------------------------------------------------------------------------------------------- */

#define CODE_0 "{\"code\":0,\"message\":\"Transport unknown\"}"
#define CODE_1 "{\"code\":1,\"message\":\"Session ID unknown\"}"
#define CODE_2 "{\"code\":2,\"message\":\"Bad handshake method\"}"
#define CODE_3 "{\"code\":3,\"message\":\"Bad request\"}"
#define CODE_4 "{\"code\":4,\"message\":\"Not an accepted origin.\"}"
#define CODE_5 "{\"code\":5,\"message\":\"Unsupported protocol version\"}"

static const struct {
	const char *line, *lines; /* '$' in the first is a valid sid */
	int status;
	const char *body;
} refusals[] = {
	{ "GET /socket.io/", "", 400, CODE_0 },
	{ "GET /socket.io/x?EIO=4&transport=tcp", "", 400, CODE_0 },
	{ "GET /socket.io/?EIO=4&transport=__proto__", "", 400, CODE_0 },
	{ "GET /socket.io/?EIO=4&transport=", "", 400, CODE_0 },
	{ "GET " PATH "&transport=webtransport", "", 400, CODE_0 }, /* the last value wins */
	{ "GET " PATH "&sid=nope", "", 400, CODE_1 },
	{ "GET " PATH "&sid=__proto__", "", 400, CODE_1 },
	{ "POST " PATH "&sid=$.", "Content-Length: 2\r\n\r\n4a", 400, CODE_1 },
	{ "POST " PATH, "Content-Length: 2\r\n\r\n4a", 400, CODE_2 },
	{ "PUT " PATH, "", 400, CODE_2 },
	{ "HEAD " PATH, "", 400, "" },
	{ "GET /socket.io/?EIO=4&transport=websocket", "", 400, CODE_3 },
	{ "GET /socket.io/?EIO=4&transport=websocket&sid=$", "", 400, CODE_3 },
	{ "GET /socket.io/?EIO=3&transport=polling&sid=$", "", 400, CODE_3 },
	{ "GET /socket.io/?transport=polling&sid=$", "", 400, CODE_3 },
	{ "GET " PATH, "Origin: http://x\xc3\xa9\r\n", 400, CODE_3 },
	{ "GET /socket.io/?transport=nope", "Origin: http://x\xc3\xa9\r\n", 400, CODE_0 },
	{ "GET " PATH "&sid=nope", "Origin: http://x\xc3\xa9\r\n", 400, CODE_3 },
	{ "GET " PATH, "Origin: http://evil\r\n", 403, CODE_4 },
	{ "POST " PATH "&sid=$", "Origin: http://evil\r\nContent-Length: 2\r\n\r\n4a", 403, CODE_4 },
	{ "OPTIONS " PATH, "Origin: http://evil\r\n", 403, CODE_4 },
	{ "GET /socket.io/?transport=nope", "Origin: http://evil\r\n", 403, CODE_4 },
	{ "GET /socket.io/?EIO=3&transport=polling", "", 400, CODE_5 },
	{ "GET /socket.io/?transport=polling", "", 400, CODE_5 },
	{ "GET " PATH "&EIO=5", "", 400, CODE_5 },
	{ "PUT " PATH "&sid=$", "", 500, "" },
	{ "HEAD " PATH "&sid=$", "", 500, "" },
	{ "GET /socket.io?EIO=4&transport=polling", "", 404, "Not Found" },
	{ "GET /socket.iox/?EIO=4&transport=polling", "", 404, "Not Found" },
	{ "GET /healthz", "", 404, "Not Found" },
	{ "GET /metrics", "", 404, "Not Found" },
};

START_TEST(refused)
{
	const char *sid, *lines = refusals[_i].lines;
	char line[200], status[32];

	start(NULL);
	sid = shake_hands();
	put_sid(line, refusals[_i].line, sid);
	snprintf(status, sizeof(status), "HTTP/1.1 %d ", refusals[_i].status);
	talk("%s HTTP/1.1\r\n" LAST "%s%s", line, lines, strstr(lines, "\r\n\r\n") ? "" : "\r\n");
	expect_begins(fx.heard.at, status);
	ck_assert_str_eq(body_of(fx.heard.at), refusals[_i].body);
	if (refusals[_i].status != 404)
		expect_holds(fx.heard.at, "Vary: Origin\r\n");
	post(sid, "4still here");
	ck_assert_str_eq(body_of(get(sid)), "4still here");
	stop();
}
END_TEST

START_TEST(two_at_once)
{
	const char *sid;
	int fd;

	start(NULL);
	sid = shake_hands();
	fd = park(sid);
	expect_begins(get(sid), "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n");
	ck_assert_str_eq(body_of(hear_answer(fd)), "1");
	ck_assert_str_eq(body_of(get(sid)), CODE_1);
	close(fd);
	sid = shake_hands();
	fd = dial();
	say(fd, "POST " PATH "&sid=");
	say(fd, sid);
	say(fd, " HTTP/1.1\r\n" HOST "Content-Length: 9\r\n\r\n4");
	ck_assert(is_quiet(fd, 20));
	expect_begins(post(sid, "4b"), "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n");
	hear_all(fd);
	expect_lacks(fx.heard.at, "HTTP");
	ck_assert_str_eq(body_of(get(sid)), CODE_1);
	close(fd);
	stop();
}
END_TEST

START_TEST(bodies_too_large)
{
	const char *sid;
	char *large = calloc(1, 200001);

	start("--max-http-buffer-size", "1000B", NULL);
	sid = shake_hands();
	memset(large, '4', 1001);
	expect_begins(post(sid, large), "HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n");
	expect_lacks(fx.heard.at, "<reset>");
	memset(large, '4', 200000); /* goes on after the answer */
	expect_begins(post(sid, large), "HTTP/1.1 413 ");
	expect_lacks(fx.heard.at, "<reset>");
	large[600] = '\0';
	expect_begins(talk("POST " PATH "&sid=%s HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
			   "258\r\n%s\r\n258\r\n%s\r\n0\r\n\r\n",
			      sid, large, large),
		"HTTP/1.1 413 ");
	expect_holds(fx.heard.at, "Connection: close\r\n");
	ck_assert_int_eq(metrics_get(M_LIMIT_PAYLOAD), 3);
	memset(large, 'x', 1000);
	large[0] = '4';
	large[1000] = '\0'; /* the limit itself is accepted, and the session is unharmed */
	ck_assert_str_eq(body_of(post(sid, large)), "ok");
	ck_assert_str_eq(body_of(get(sid)), large);
	free(large);
	stop();
}
END_TEST

START_TEST(binary_bodies_are_of_another_protocol)
{
	const char *sid;

	start(NULL);
	sid = shake_hands();
	talk("POST " PATH "&sid=%s HTTP/1.1\r\n" LAST
	     "Content-Type: application/octet-stream\r\nContent-Length: 2\r\n\r\n4a",
		sid);
	expect_begins(fx.heard.at, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n");
	ck_assert_str_eq(body_of(get(sid)), CODE_1);
	stop();
}
END_TEST

/* --- Peers that leave --------------------------------------------------------------------------------------------- */

START_TEST(a_parked_poll_notices)
{
	static const struct linger reset = { .l_onoff = 1 };
	char *flood = calloc(1, 40001);
	long turns;
	int fd;

	start(NULL);
	memset(flood, 'G', 40000);
	for (int way = 0; way < 4; way++) {
		fd = park(shake_hands());
		ck_assert_uint_eq(sessions_count(&fx.sessions), 1);
		if (way & 1)
			setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
		if (way & 2) /* more than is kept: reading has paused */
			say_bytes(fd, flood, 40000);
		turns = fx.turns;
		run_for(50);
		ck_assert_int_lt(fx.turns - turns, 20);
		ck_assert_uint_eq(sessions_count(&fx.sessions), 1);
		close(fd);
		run_for(20);
		ck_assert_uint_eq(sessions_count(&fx.sessions), 0);
	}
	free(flood);
	stop();
}
END_TEST

START_TEST(an_aborted_post_ends_the_session)
{
	char head[200];
	int fd;

	start(NULL);
	snprintf(head, sizeof(head), "POST " PATH "&sid=%s HTTP/1.1\r\n" HOST "Content-Length: 9\r\n\r\n4a",
		shake_hands());
	fd = dial();
	say(fd, head);
	run_for(20);
	ck_assert_uint_eq(sessions_count(&fx.sessions), 1);
	close(fd);
	run_for(20);
	ck_assert_uint_eq(sessions_count(&fx.sessions), 0);
	stop();
}
END_TEST

START_TEST(requests_behind_a_parked_poll_wait)
{
	char request[200];
	const char *sid;
	int fd;

	start(NULL);
	sid = shake_hands();
	fd = dial();
	snprintf(request, sizeof(request), "GET " PATH "&sid=%s HTTP/1.1\r\n" HOST "\r\n", sid);
	for (int i = 0; i < 3; i++)
		say(fd, request);
	say(fd, "GET /index.html HTTP/1.1\r\n" HOST "\r\n");
	ck_assert(is_quiet(fd, 20));
	for (int i = 0; i < 3; i++) {
		char message[3] = { '4', (char)('a' + i) };

		post(sid, message);
		ck_assert_str_eq(body_of(hear_answer(fd)), message);
	}
	ck_assert_str_eq(body_of(hear_answer(fd)), "<p>home");
	ck_assert(is_quiet(fd, 20));
	close(fd);
	stop();
}
END_TEST

/* --- Upgrades ----------------------------------------------------------------------------------------------------- */

static const struct {
	const char *query, *lines;
	int status;
	const char *text;
} bad_upgrades[] = {
	{ "EIO=4", WS_ALL, 400, "Transport unknown" },
	{ "EIO=4&transport=websocket&sid=nope", WS_ALL, 400, "Session ID unknown" },
	{ "EIO=3&transport=websocket&sid=$", WS_ALL, 400, "Bad request" },
	{ "EIO=3&transport=websocket", WS_ALL, 400, "Unsupported protocol version" },
	{ "transport=websocket", WS_ALL, 400, "Unsupported protocol version" },
	{ "EIO=4&transport=websocket", WS "Sec-WebSocket-Version: 13\r\n", 400,
		"Missing or invalid Sec-WebSocket-Key header" },
	{ "EIO=4&transport=websocket", WS "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: short==\r\n", 400,
		"Missing or invalid Sec-WebSocket-Key header" },
	{ "EIO=4&transport=websocket", WS_ALL KEY, 400, "Missing or invalid Sec-WebSocket-Key header" },
	{ "EIO=4&transport=websocket", WS KEY, 400, "Missing or invalid Sec-WebSocket-Version header" },
	{ "EIO=4&transport=websocket", WS KEY "Sec-WebSocket-Version: 8\r\n", 400,
		"Missing or invalid Sec-WebSocket-Version header" },
	{ "EIO=4&transport=websocket", "Upgrade: h2c\r\nConnection: upgrade\r\n" KEY "Sec-WebSocket-Version: 13\r\n",
		400, "Invalid Upgrade header" },
	{ "EIO=4&transport=websocket", WS_ALL "Content-Length: 3\r\n", 400, "Bad request" },
	{ "EIO=4&transport=websocket", WS_ALL "Origin: http://evil\r\n", 403, "Not an accepted origin." },
};

START_TEST(refused_upgrades)
{
	char query[100], expected[300];
	const char *text = bad_upgrades[_i].text, *sid;

	start(NULL);
	sid = shake_hands();
	put_sid(query, bad_upgrades[_i].query, sid);
	talk("GET /socket.io/?%s HTTP/1.1\r\n" HOST "%s\r\n", query, bad_upgrades[_i].lines);
	snprintf(expected, sizeof(expected),
		"HTTP/1.1 %s\r\nConnection: close\r\nContent-type: text/html\r\nContent-Length: %zu\r\n%s\r\n%s",
		bad_upgrades[_i].status == 403 ? "403 Forbidden" : "400 Bad Request", strlen(text),
		strstr(text, "-Version") ? "Sec-WebSocket-Version: 13\r\n" : "", text);
	ck_assert_str_eq(fx.heard.at, expected);
	stop();
}
END_TEST

/* The reference completes it and closes, without a status; a session that it names is unharmed. */
START_TEST(upgrades_of_the_other_transport)
{
	const char *sid;
	char line[200];

	start(NULL);
	sid = shake_hands();
	for (int i = 0; i < 2; i++) {
		int fd = dial();

		snprintf(line, sizeof(line), "GET " PATH "%s%s HTTP/1.1\r\n" HOST WS_ALL "\r\n", i ? "&sid=" : "",
			i ? sid : "");
		say(fd, line);
		expect_begins(hear_answer(fd), "HTTP/1.1 101 ");
		hear_bytes(fd, 2);
		ck_assert_int_eq(memcmp(fx.heard.at, "\x88\0", 2), 0);
		close(fd);
	}
	ck_assert_uint_eq(sessions_count(&fx.sessions), 1);
	stop();
}
END_TEST

START_TEST(foreign_upgrades)
{
	start(NULL);
	expect_begins(
		talk("GET /other HTTP/1.1\r\n" HOST WS_ALL "\r\n"), "HTTP/1.1 404 Not Found\r\nConnection: close\r\n");
	expect_begins(talk("GET " PATH " HTTP/1.1\r\n" HOST "Upgrade: h2c\r\nConnection: upgrade, close\r\n\r\n"),
		"HTTP/1.1 200 OK\r\n"); /* as Java's client offers */
	stop();
}
END_TEST

static int upgrade(const char *query, const char *lines, const char *behind, size_t behind_size)
{
	struct buf b = BUF_INIT;
	int fd = dial();

	buf_printf(&b, "GET /socket.io/?EIO=4&transport=websocket%s HTTP/1.1\r\n" HOST WS_ALL "%s\r\n", query, lines);
	buf_add(&b, behind, behind_size);
	say_bytes(fd, b.at, b.size);
	buf_fini(&b);
	return fd;
}

START_TEST(a_websocket_session)
{
	/* A frame in the same segment as the head: "4hi", masked with zeros. */
	int fd;

	start("--cors-allowed-origins", "http://a", NULL);
	fd = upgrade("", "Origin: http://a\r\nSec-WebSocket-Protocol: chat, superchat\r\n",
		"\x81\x83\0\0\0\0"
		"4hi",
		9);
	expect_begins(hear_answer(fd), "HTTP/1.1 101 ");
	expect_holds(fx.heard.at, "\r\nSec-WebSocket-Protocol: chat\r\n");
	expect_holds(fx.heard.at, "\r\nAccess-Control-Allow-Origin: http://a\r\n");
	hear_bytes(fd, 2 + 107 + 5);
	expect_begins(fx.heard.at + 2, "0{\"sid\":\"");
	ck_assert_str_eq(fx.heard.at + fx.heard.size - 5, "\x81\x03"
							  "4hi");
	ck_assert_uint_eq(sessions_count(&fx.sessions), 1);
	close(fd);
	run_for(20);
	ck_assert_uint_eq(sessions_count(&fx.sessions), 0);
	ck_assert(edge_is_empty(fx.edge));
	stop();
}
END_TEST

START_TEST(from_polling_to_websocket)
{
	char query[64], answer[] = CODE_3;
	const char *sid;
	int fd, second;

	start(NULL);
	sid = shake_hands();
	snprintf(query, sizeof(query), "&sid=%s", sid);
	fd = upgrade(query, "",
		"\x81\x86\0\0\0\0"
		"2probe",
		12);
	expect_begins(hear_answer(fd), "HTTP/1.1 101 ");
	ck_assert_str_eq(hear_bytes(fd, 8), "\x81\x06"
					    "3probe");
	second = upgrade(query, "", "", 0);
	expect_begins(hear_answer(second), "HTTP/1.1 101 ");
	hear_bytes(second, 2);
	ck_assert_int_eq(memcmp(fx.heard.at, "\x88\0", 2), 0); /* closed without a status */
	close(second);
	say_bytes(fd,
		"\x81\x81\0\0\0\0"
		"5\x81\x82\0\0\0\0"
		"4x",
		15);
	ck_assert_str_eq(hear_bytes(fd, 4), "\x81\x02"
					    "4x");
	ck_assert_str_eq(body_of(get(sid)), answer);
	close(fd);
	stop();
}
END_TEST

/* --- Origins ------------------------------------------------------------------------------------------------------ */

START_TEST(origins_are_answered)
{
	start("--cors-allowed-origins", "http://a,https://*.b", NULL);
	expect_holds(talk("GET " PATH " HTTP/1.1\r\n" LAST "Origin: https://x.b\r\n\r\n"),
		"\r\nAccess-Control-Allow-Origin: https://x.b\r\nAccess-Control-Allow-Credentials: true\r\n"
		"Vary: Origin\r\n");
	expect_holds(talk("GET /socket.io/ HTTP/1.1\r\n" LAST "Origin: http://a\r\n\r\n"),
		"\r\nAccess-Control-Allow-Origin: http://a\r\n"); /* errors too */
	expect_holds(talk("GET /socket.io/socket.io.js HTTP/1.1\r\n" LAST "Origin: http://a\r\n\r\n"),
		"\r\nAccess-Control-Allow-Origin: http://a\r\n");
	expect_lacks(talk("GET " PATH " HTTP/1.1\r\n" LAST "Origin: http://c\r\n\r\n"), "Access-Control");
	expect_lacks(talk("GET " PATH " HTTP/1.1\r\n" LAST "\r\n"), "Access-Control");
	talk("OPTIONS " PATH " HTTP/1.1\r\n" LAST "Origin: http://a\r\nAccess-Control-Request-Method: POST\r\n"
	     "Access-Control-Request-Headers: x-one, x-two\r\n\r\n");
	expect_begins(fx.heard.at, "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n");
	expect_holds(fx.heard.at, "\r\nAccess-Control-Allow-Origin: http://a\r\n");
	expect_holds(fx.heard.at, "\r\nAccess-Control-Allow-Methods: GET,HEAD,PUT,PATCH,POST,DELETE\r\n");
	expect_holds(fx.heard.at, "\r\nAccess-Control-Allow-Headers: x-one, x-two\r\n");
	expect_holds(fx.heard.at, "\r\nVary: Access-Control-Request-Headers\r\n");
	stop();
}
END_TEST

START_TEST(bad_origins_are_not_echoed)
{
	start("--cors-allowed-origins", "*", NULL);
	talk("GET " PATH " HTTP/1.1\r\n" LAST "Origin: http://\xc3\xa9\r\n\r\n");
	ck_assert_str_eq(body_of(fx.heard.at), CODE_3);
	expect_lacks(fx.heard.at, "Access-Control");
	stop();
}
END_TEST

START_TEST(origins_may_be_ignored)
{
	start("--cors-allowed-origins=", NULL);
	talk("GET " PATH " HTTP/1.1\r\n" LAST "Origin: http://evil\r\n\r\n");
	expect_begins(fx.heard.at, "HTTP/1.1 200 OK\r\n");
	expect_lacks(fx.heard.at, "Access-Control");
	expect_lacks(fx.heard.at, "Vary");
	ck_assert_str_eq(body_of(talk("OPTIONS " PATH " HTTP/1.1\r\n" LAST "\r\n")), CODE_2);
	stop();
}
END_TEST

START_TEST(transports_may_be_off)
{
	start("--transports", "websocket", NULL);
	ck_assert_str_eq(body_of(talk("GET " PATH " HTTP/1.1\r\n" LAST "\r\n")), CODE_0);
	stop();
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("edge");
	TCase *t = tcase_create("edge");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, a_polling_session);
	tcase_add_test(t, bodies_in_every_form);
	tcase_add_loop_test(t, refused, 0, sizeof(refusals) / sizeof(refusals[0]));
	tcase_add_test(t, two_at_once);
	tcase_add_test(t, bodies_too_large);
	tcase_add_test(t, binary_bodies_are_of_another_protocol);
	tcase_add_test(t, a_parked_poll_notices);
	tcase_add_test(t, an_aborted_post_ends_the_session);
	tcase_add_test(t, requests_behind_a_parked_poll_wait);
	tcase_add_loop_test(t, refused_upgrades, 0, sizeof(bad_upgrades) / sizeof(bad_upgrades[0]));
	tcase_add_test(t, upgrades_of_the_other_transport);
	tcase_add_test(t, foreign_upgrades);
	tcase_add_test(t, a_websocket_session);
	tcase_add_test(t, from_polling_to_websocket);
	tcase_add_test(t, origins_are_answered);
	tcase_add_test(t, bad_origins_are_not_echoed);
	tcase_add_test(t, origins_may_be_ignored);
	tcase_add_test(t, transports_may_be_off);
	suite_add_tcase(s, t);
	return s;
}
