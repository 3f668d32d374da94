/* test_relay.c - what gateways write and read of each other's requests. */
#include <event2/buffer.h>

#include "relay.h"
#include "test_main.h"

static struct relay_answer answer;
static struct buf type, lines;

static int read_answer(struct slice text, bool head_only)
{
	struct evbuffer *from = evbuffer_new();
	int r;

	/* In pieces, as it may lie in the buffer. */
	for (size_t i = 0; i < text.size; i++) {
		struct evbuffer *piece = evbuffer_new();

		evbuffer_add(piece, text.at + i, 1);
		evbuffer_add_buffer(from, piece);
		evbuffer_free(piece);
	}
	r = relay_read_answer(from, head_only, &answer, &type, &lines);
	ck_assert_uint_eq(evbuffer_get_length(from), text.size);
	evbuffer_free(from);
	return r;
}

static void forget(void)
{
	buf_fini(&type);
	buf_fini(&lines);
}

START_TEST(an_answer_is_read_when_its_head_is_whole)
{
	static const char head[] =
		"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=UTF-8\r\nContent-Length: 12\r\n"
		"X-Own:  a b \r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nConnection: close\r\n\r\n";

	for (size_t i = 0; i < sizeof(head) - 1; i++)
		ck_assert_int_eq(read_answer(slice_of(head, i), false), 0);
	ck_assert_int_eq(read_answer(SLICE("HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\nmore"), false), 1);
	ck_assert_uint_eq(answer.head_size, 46);
	ck_assert(!answer.close);
	ck_assert_uint_eq(type.size, 0);
	ck_assert_int_eq(read_answer(slice_str(head), false), 1);
	ck_assert_int_eq(answer.status, 200);
	ck_assert_uint_eq(answer.head_size, sizeof(head) - 1);
	ck_assert_uint_eq(answer.body_size, 12);
	ck_assert(answer.close && !answer.denied);
	ck_assert_str_eq(type.at, "text/plain; charset=UTF-8");
	ck_assert(slice_equal(buf_slice(&lines), SLICE("X-Own:  a b \r\n")));
	ck_assert_int_eq(read_answer(slice_str(head), true), 1);
	ck_assert_uint_eq(answer.body_size, 0);
	forget();
}
END_TEST

START_TEST(what_is_no_answer_of_a_gateway_is_refused)
{
	static const char *const wrong[] = {
		"x\r\n\r\n",
		"\r\n\r\n",
		"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 2x0 OK\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 600 OK\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 200\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: \r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 1 \r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551616\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nbare\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nX: a\rb\r\n\r\n",
		"HTTP/1.1 200 OK\nContent-Length: 1\r\n\r\n",
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		ck_assert_msg(read_answer(slice_str(wrong[i]), false) == -1, "%s", wrong[i]);
	forget();
}
END_TEST

START_TEST(a_head_without_an_end_is_refused_past_64_kib)
{
	struct buf head = BUF_INIT;

	buf_add_str(&head, "HTTP/1.1 200 OK\r\nX: ");
	while (head.size < 64 * 1024)
		buf_add_char(&head, 'x');
	ck_assert_int_eq(read_answer(buf_slice(&head), false), 0);
	buf_add_char(&head, 'x');
	ck_assert_int_eq(read_answer(buf_slice(&head), false), -1);
	buf_fini(&head);
	forget();
}
END_TEST

/* --- Requests ----------------------------------------------------------------------------------------------------- */

static void check_head(const char *came, enum relay_kind kind, const char *wanted)
{
	static const struct http_limits limits = {
		.max_head_bytes = 16000, .max_line_bytes = 8000, .max_headers = HTTP_MAX_HEADERS
	};
	struct http_head head;
	struct http_refusal why;
	struct eio_request r = { .head = &head };
	struct buf put = BUF_INIT;
	size_t scanned = 0;

	ck_assert_int_gt(http_head_parse(slice_str(came), &limits, &scanned, &head, &why), 0);
	relay_put_head(&put, &r, kind, 100);
	buf_add_char(&put, '\0');
	ck_assert_str_eq(put.at, wanted);
	buf_fini(&put);
}

START_TEST(a_request_is_written_anew)
{
	check_head("GET /a/?sid=1&b=%20 HTTP/1.1\r\nHost: h:1\r\nConnection: keep-alive, X\r\nx:  y \r\nTE: "
		   "a\r\nKeep-Alive: 1\r\n"
		   "stoa-relay: mine\r\nContent-Length: 3\r\nUpgrade: h2c\r\nX: 2\r\n\r\n",
		RELAY_POLL, "GET /a/?sid=1&b=%20 HTTP/1.1\r\nHost: h:1\r\nx: y\r\nX: 2\r\n\r\n");
	check_head("GET /a/?sid=1 HTTP/1.0\r\n\r\n", RELAY_POLL, "GET /a/?sid=1 HTTP/1.1\r\nHost:\r\n\r\n");
	check_head("POST /a/?sid=1 HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\nExpect: 100-continue\r\n\r\n",
		RELAY_POST, "POST /a/?sid=1 HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\n");
	check_head("POST /a/?sid=1 HTTP/1.1\r\nHost: h\r\nContent-Length: 101\r\n\r\n", RELAY_POST,
		"POST /a/?sid=1 HTTP/1.1\r\nHost: h\r\nContent-Length: 9223372036854775807\r\n\r\n");
	check_head("POST /a/?sid=1 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTrailer: a\r\n\r\n", RELAY_POST,
		"POST /a/?sid=1 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
	check_head("POST /a/?sid=1 HTTP/1.1\r\nHost: h\r\n\r\n", RELAY_POST,
		"POST /a/?sid=1 HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n");
	check_head("GET /a/?sid=1 HTTP/1.1\r\nHost: h\r\nConnection: x, Upgrade\r\nUpgrade: websocket\r\nUpgrade: x\r\n"
		   "Content-Length: 5\r\n\r\n",
		RELAY_UPGRADE,
		"GET /a/?sid=1 HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nUpgrade: "
		"x\r\nContent-Length: 1\r\n\r\n");
}
END_TEST

START_TEST(the_secret_stands_behind_the_first_line)
{
	struct evbuffer *to = evbuffer_new();
	struct buf origin = BUF_INIT;
	struct forwarded from = { .scheme = SCHEME_HTTPS, .host = SLICE("app.example") };

	ck_assert(net_address_parse(SLICE("192.0.2.1"), &from.client));
	relay_put_origin(&origin, &from);
	ck_assert(slice_equal(buf_slice(&origin), SLICE("192.0.2.1 https app.example")));
	relay_send_head(to, SLICE("GET /?sid=1 HTTP/1.1\r\nHost:\r\n\r\n"), "secret", buf_slice(&origin));
	evbuffer_add(to, "", 1);
	ck_assert_str_eq((const char *)evbuffer_pullup(to, -1),
		"GET /?sid=1 HTTP/1.1\r\nStoa-Relay: secret 192.0.2.1 https app.example\r\nHost:\r\n\r\n");
	evbuffer_free(to);
	buf_fini(&origin);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("relay");
	TCase *t = tcase_create("relay");

	tcase_add_test(t, an_answer_is_read_when_its_head_is_whole);
	tcase_add_test(t, what_is_no_answer_of_a_gateway_is_refused);
	tcase_add_test(t, a_head_without_an_end_is_refused_past_64_kib);
	tcase_add_test(t, a_request_is_written_anew);
	tcase_add_test(t, the_secret_stands_behind_the_first_line);
	suite_add_tcase(s, t);
	return s;
}
