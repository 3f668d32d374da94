/* test_doctor.c - what the doctor makes of URLs and of other people's bytes. */
#include <string.h>

#include "doctor_internal.h"
#include "test_main.h"

static struct doctor_url url;

static bool reads(const char *text)
{
	char why[400];

	return doctor_url_read(text, &url, why, sizeof(why));
}

static const char *origin_of_it(void)
{
	static struct buf to;

	buf_clear(&to);
	doctor_url_put_origin(&to, &url);
	buf_add_char(&to, '\0');
	return to.at;
}

START_TEST(urls)
{
	static const struct {
		const char *text, *host, *port, *path, *origin;
	} good[] = {
		{ "http://a", "a", "80", "/socket.io/", "http://a" },
		{ "https://a/", "a", "443", "/socket.io/", "https://a" },
		{ "wss://a:444/b?x=1", "a", "444", "/b/", "https://a:444" },
		{ "ws://[::1]:5000/b/c/", "::1", "5000", "/b/c/", "http://[::1]:5000" },
		{ "http://[::1]", "::1", "80", "/socket.io/", "http://[::1]" },
	};
	static const char *const bad[] = { "", "a", "ftp://a", "http://", "http:///x", "http://a:", "http://a:x",
		"http://a:123456", "http://a b", "http://a\r\n", "http://[::1]x" };

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		ck_assert_msg(reads(good[i].text), "%s", good[i].text);
		ck_assert_str_eq(url.host, good[i].host);
		ck_assert_str_eq(url.port, good[i].port);
		ck_assert_str_eq(url.path, good[i].path);
		ck_assert_str_eq(origin_of_it(), good[i].origin);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(!reads(bad[i]), "%s", bad[i]);
}
END_TEST

START_TEST(too_long_a_url)
{
	char text[1000] = "http://a/";

	memset(text + 9, 'x', 500);
	ck_assert(reads(text));
	ck_assert_uint_eq(strlen(url.path), 502);
	memset(text + 9, 'x', 511);
	ck_assert(!reads(text));
	memset(text + 7, 'x', 255);
	memcpy(text + 262, "/", 2);
	ck_assert(reads(text));
	memset(text + 7, 'x', 256);
	memcpy(text + 263, "/", 2);
	ck_assert(!reads(text));
}
END_TEST

/* Byte by byte: nothing until the head is whole. */
START_TEST(heads)
{
	const char *text = "HTTP/1.1 404 Not Found\r\nA: 1\r\nSet-Cookie:  io=x; Path=/ \r\n\r\nbody";
	size_t size = strlen(text) - 4;
	struct answer a = { .status = 0 };

	for (size_t n = 0; n < size; n++)
		ck_assert_int_eq(answer_read_head(&a, slice_of(text, n)), 0);
	ck_assert_int_eq(answer_read_head(&a, slice_str(text)), (long)size);
	ck_assert_int_eq(a.status, 404);
	ck_assert(slice_equal(answer_header(&a, "set-cookie"), SLICE("io=x; Path=/")));
	ck_assert(slice_equal(answer_header(&a, "A"), SLICE("1")));
	ck_assert_ptr_null(answer_header(&a, "b").at);
	answer_fini(&a);
}
END_TEST

START_TEST(what_is_no_head)
{
	static const char *const bad[] = { "x", "HTTP/2", "SSH-2.0", "HTTP/1.1 OK 200\r\n\r\n", "HTTP/1.1\r\n\r\n",
		"HTTP/1.1 20 x\r\n\r\n", "HTTP/1.1 2000000000000\r\n\r\nx" };
	struct answer a = { .status = 0 };
	struct buf large = BUF_INIT;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]) - 1; i++)
		ck_assert_msg(answer_read_head(&a, slice_str(bad[i])) == -1, "%s", bad[i]);
	buf_add_str(&large, "HTTP/1.1 200 OK\r\n");
	while (large.size < DOCTOR_HEAD_MAX)
		buf_add_char(&large, 'x');
	ck_assert_int_eq(answer_read_head(&a, buf_slice(&large)), 0);
	buf_add_char(&large, 'x');
	ck_assert_int_eq(answer_read_head(&a, buf_slice(&large)), -1);
	buf_fini(&large);
	answer_fini(&a);
}
END_TEST

START_TEST(open_packets)
{
	struct opened o;
	char text[400] = "0{\"sid\":\"";

	ck_assert(opened_read(&o, SLICE("0{\"sid\":\"aB-_3\",\"upgrades\":[\"websocket\"],\"pingInterval\":25000,"
					"\"pingTimeout\":20000,\"maxPayload\":1000000}")));
	ck_assert_str_eq(o.sid, "aB-_3");
	ck_assert_int_eq(o.ping_interval_ms, 25000);
	ck_assert_int_eq(o.ping_timeout_ms, 20000);
	ck_assert_int_eq(o.max_payload, 1000000);
	ck_assert(o.websocket);
	ck_assert(opened_read(&o, SLICE("0{\"sid\":\"a\",\"pingInterval\":-1,\"maxPayload\":1e99,\"upgrades\":{}}")));
	ck_assert_int_eq(o.ping_interval_ms + o.max_payload + o.websocket, 0);
	ck_assert(opened_read(&o, SLICE("0{\"sid\":\"a\",\"pingTimeout\":9223372036854775807}")));
	ck_assert_int_lt(o.ping_timeout_ms, INT64_MAX / 1000);
	ck_assert(!opened_read(&o, SLICE("")));
	ck_assert(!opened_read(&o, SLICE("0")));
	ck_assert(!opened_read(&o, SLICE("0[]")));
	ck_assert(!opened_read(&o, SLICE("0{\"sid\":7}")));
	ck_assert(!opened_read(&o, SLICE("0{\"sid\":\"\"}")));
	ck_assert(!opened_read(&o, SLICE("0{\"sid\":\"a&b\"}")));
	ck_assert(!opened_read(&o, SLICE("0{\"sid\":\"a\\r\\nb\"}")));
	memset(text + 9, 'x', DOCTOR_SID_MAX);
	memcpy(text + 9 + DOCTOR_SID_MAX, "\"}", 3);
	ck_assert(opened_read(&o, slice_str(text)));
	memcpy(text + 9 + DOCTOR_SID_MAX, "x\"}", 4);
	ck_assert(!opened_read(&o, slice_str(text)));
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("doctor");
	TCase *t = tcase_create("doctor");

	tcase_add_test(t, urls);
	tcase_add_test(t, too_long_a_url);
	tcase_add_test(t, heads);
	tcase_add_test(t, what_is_no_head);
	tcase_add_test(t, open_packets);
	suite_add_tcase(s, t);
	return s;
}
