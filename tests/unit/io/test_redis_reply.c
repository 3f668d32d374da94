/*
 * test_redis_reply.c - what Redis says: whole, byte by byte, cut at every length, broken, too large, too deep; and the
 * URL that says where it is.
 */
#include <stdio.h>
#include <stdlib.h>

#include "redis_reply.h"
#include "redis_url.h"
#include "test_main.h"

enum { LIMIT = 100 * 1000 };

/* --- Replies as text ---------------------------------------------------------------------------------------------- */

static void show(const struct redis_reply *reply, struct buf *to)
{
	switch (reply->type) {
	case REDIS_STRING:
		buf_printf(to, "'%.*s'", SLICE_ARG(reply->text));
		break;
	case REDIS_STATUS:
		buf_printf(to, "+%.*s", SLICE_ARG(reply->text));
		break;
	case REDIS_ERROR:
		buf_printf(to, "-%.*s", SLICE_ARG(reply->text));
		break;
	case REDIS_INTEGER:
		buf_printf(to, "%lld", (long long)reply->integer);
		break;
	case REDIS_NIL:
		buf_add_str(to, "nil");
		break;
	case REDIS_ARRAY:
		buf_add_char(to, '[');
		for (size_t i = 0; i < reply->count; i++) {
			buf_add_str(to, i ? " " : "");
			show(&reply->items[i], to);
		}
		buf_add_char(to, ']');
		break;
	}
}

static enum redis_read drain(struct redis_reader *r, struct buf *to)
{
	const struct redis_reply *reply;
	enum redis_read how;

	while ((how = redis_reader_next(r, &reply)) == REDIS_READ_REPLY) {
		show(reply, to);
		buf_add_char(to, ';');
	}
	return how;
}

/* Feeds `bytes` in pieces of `step`; what was read is appended. */
static enum redis_read read_in_steps(size_t limit, struct slice bytes, size_t step, struct buf *to)
{
	struct redis_reader *r = redis_reader_new(limit);
	enum redis_read how = REDIS_READ_MORE;

	for (size_t at = 0; at < bytes.size && how == REDIS_READ_MORE; at += step) {
		size_t size = bytes.size - at < step ? bytes.size - at : step;
		char *exact = malloc(size); /* so that a sanitizer sees a read of one byte too many */

		memcpy(exact, bytes.at + at, size);
		redis_reader_feed(r, slice_of(exact, size));
		free(exact);
		how = drain(r, to);
	}
	ck_assert_int_eq(drain(r, to), how); /* the end is the end */
	redis_reader_free(r);
	return how;
}

static void reads(const char *text, const char *expected)
{
	for (size_t step = 1; step <= strlen(text) + 1; step = step < 8 ? step + 1 : step * 2) {
		struct buf got = BUF_INIT;

		ck_assert_int_eq(read_in_steps(LIMIT, slice_str(text), step, &got), REDIS_READ_MORE);
		buf_add_char(&got, '\0');
		ck_assert_str_eq(got.at, expected);
		buf_fini(&got);
	}
}

static void refuses(const char *text, enum redis_read how)
{
	for (size_t step = 1; step <= strlen(text) + 1; step = step < 8 ? step + 1 : step * 2) {
		struct buf got = BUF_INIT;

		ck_assert_msg(
			read_in_steps(LIMIT, slice_str(text), step, &got) == how, "%s in steps of %zu", text, step);
		buf_fini(&got);
	}
}

START_TEST(every_type_is_read_however_it_is_cut)
{
	reads("+OK\r\n", "+OK;");
	reads("+\r\n", "+;");
	reads("-ERR no\r\n", "-ERR no;");
	reads(":-9223372036854775808\r\n:9223372036854775807\r\n", "-9223372036854775808;9223372036854775807;");
	reads("$0\r\n\r\n$5\r\na\r\nbc\r\n$-1\r\n", "'';'a\r\nbc';nil;");
	reads("*0\r\n*-1\r\n*2\r\n$1\r\na\r\n:1\r\n", "[];nil;['a' 1];");
	reads("*3\r\n*1\r\n*0\r\n$-1\r\n*2\r\n+x\r\n-y\r\n+after\r\n", "[[[]] nil [+x -y]];+after;");
	reads("*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$4\r\nload\r\n", "['message' 'c' 'load'];");
}
END_TEST

START_TEST(bytes_are_bytes)
{
	static const char wire[] = "*2\r\n$4\r\n\0\r\n\xff\r\n$3\r\n\0\0\0\r\n";
	struct redis_reader *r = redis_reader_new(LIMIT);
	const struct redis_reply *reply;

	redis_reader_feed(r, slice_of(wire, sizeof(wire) - 1));
	ck_assert_int_eq(redis_reader_next(r, &reply), REDIS_READ_REPLY);
	ck_assert(slice_equal(reply->items[0].text, slice_of("\0\r\n\xff", 4)));
	ck_assert(slice_equal(reply->items[1].text, slice_of("\0\0\0", 3)));
	redis_reader_free(r);
}
END_TEST

START_TEST(what_is_not_resp2_is_refused)
{
	refuses("HTTP/1.1 400 Bad Request\r\n\r\n", REDIS_READ_BAD);
	refuses("\r\n", REDIS_READ_BAD);
	refuses("%1\r\n+a\r\n+b\r\n", REDIS_READ_BAD); /* RESP3 */
	refuses(">2\r\n+a\r\n+b\r\n", REDIS_READ_BAD);
	refuses("$-2\r\n", REDIS_READ_BAD);
	refuses("$x\r\n", REDIS_READ_BAD);
	refuses("*-2\r\n", REDIS_READ_BAD);
	refuses("*99999999999\r\n", REDIS_READ_BAD);
	refuses("*1x\r\n", REDIS_READ_BAD);
	refuses(":1x\r\n", REDIS_READ_BAD);
	refuses(":9223372036854775808\r\n", REDIS_READ_BAD);
	refuses("$00000000000000000000000000000000000000000000", REDIS_READ_BAD);
}
END_TEST

START_TEST(seven_deep_and_no_deeper)
{
	reads("*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n", "[[[[[[[1]]]]]]];");
	refuses("*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n", REDIS_READ_BAD);
}
END_TEST

/* A bulk string whose reply is `size` bytes on the wire, in pieces of 16 KiB. */
static enum redis_read read_bulk_of(size_t size, size_t sent, struct buf *to)
{
	size_t payload = size - strlen("$99990\r\n") - 2;
	struct buf wire = BUF_INIT;
	enum redis_read how;

	buf_printf(&wire, "$%zu\r\n", payload);
	while (wire.size < size - 2)
		buf_add_char(&wire, 'x');
	buf_add_str(&wire, "\r\n");
	ck_assert_uint_eq(wire.size, size);
	how = read_in_steps(LIMIT, slice_first(buf_slice(&wire), sent), 16384, to);
	buf_fini(&wire);
	return how;
}

START_TEST(a_reply_as_large_as_the_limit_and_one_byte_more)
{
	struct buf got = BUF_INIT;

	ck_assert_int_eq(read_bulk_of(LIMIT, LIMIT, &got), REDIS_READ_MORE);
	ck_assert_uint_eq(got.size, LIMIT - 10 + 3);
	buf_clear(&got);
	ck_assert_int_eq(read_bulk_of(LIMIT + 1, LIMIT + 1, &got), REDIS_READ_LARGE);
	ck_assert_uint_eq(got.size, 0);
	/* Two that fit are not one that does not. */
	ck_assert_int_eq(read_bulk_of(LIMIT, LIMIT / 2, &got), REDIS_READ_MORE);
	buf_fini(&got);
}
END_TEST

START_TEST(what_is_announced_as_too_large_is_not_waited_for)
{
	refuses("$100001\r\n", REDIS_READ_LARGE);
	refuses("$536870912\r\n", REDIS_READ_LARGE);
	refuses("$9223372036854775807\r\n", REDIS_READ_LARGE);
	reads("$100000\r\n", "");
	refuses("*2\r\n+a\r\n$100001\r\n", REDIS_READ_LARGE);
}
END_TEST

START_TEST(an_array_that_would_fill_memory_is_refused_at_once)
{
	refuses("*2147483647\r\n", REDIS_READ_LARGE);
	refuses("*5532\r\n*2\r\n", REDIS_READ_LARGE);
	/* 2 * LIMIT + 65536 bytes hold 5531 elements of 48. */
	reads("*5531\r\n", "");
}
END_TEST

START_TEST(many_small_things_are_as_large_as_one)
{
	struct buf wire = BUF_INIT, got = BUF_INIT;

	buf_add_str(&wire, "*2000\r\n");
	for (int i = 0; i < 2000; i++)
		buf_printf(&wire, "$49\r\n%049d\r\n", i);
	ck_assert_uint_gt(wire.size, LIMIT);
	ck_assert_int_eq(read_in_steps(LIMIT, buf_slice(&wire), 16384, &got), REDIS_READ_LARGE);
	ck_assert_int_eq(read_in_steps(LIMIT * 2, buf_slice(&wire), 16384, &got), REDIS_READ_MORE);
	buf_fini(&wire);
	buf_fini(&got);
}
END_TEST

START_TEST(a_line_without_an_end_is_refused)
{
	struct buf wire = BUF_INIT, got = BUF_INIT;

	buf_add_char(&wire, '+');
	while (wire.size <= 64 * 1024)
		buf_add_char(&wire, 'x');
	ck_assert_int_eq(read_in_steps(LIMIT, buf_slice(&wire), 1000, &got), REDIS_READ_MORE);
	buf_add_char(&wire, 'x');
	ck_assert_int_eq(read_in_steps(LIMIT, buf_slice(&wire), 1000, &got), REDIS_READ_BAD);
	buf_fini(&wire);
	buf_fini(&got);
}
END_TEST

START_TEST(a_reset_forgets_everything)
{
	struct redis_reader *r = redis_reader_new(LIMIT);
	struct buf got = BUF_INIT;

	redis_reader_feed(r, slice_str("*2\r\n+half"));
	ck_assert_int_eq(drain(r, &got), REDIS_READ_MORE);
	redis_reader_reset(r);
	redis_reader_feed(r, slice_str("+whole\r\nrubbish"));
	ck_assert_int_eq(drain(r, &got), REDIS_READ_BAD);
	ck_assert(slice_equal(buf_slice(&got), SLICE("+whole;")));
	ck_assert_ptr_nonnull(strstr(redis_reader_why(r), "Protocol error"));
	redis_reader_feed(r, slice_str("+more\r\n"));
	ck_assert_int_eq(drain(r, &got), REDIS_READ_BAD);
	redis_reader_reset(r);
	redis_reader_feed(r, slice_str("+again\r\n"));
	ck_assert_int_eq(drain(r, &got), REDIS_READ_MORE);
	ck_assert(slice_equal(buf_slice(&got), SLICE("+whole;+again;")));
	buf_fini(&got);
	redis_reader_free(r);
}
END_TEST

/* --- Pushes ------------------------------------------------------------------------------------------------------- */

static struct redis_reader *pushes;

static struct redis_push push_of(const char *wire)
{
	const struct redis_reply *reply;
	struct redis_push push;

	redis_reader_free(pushes);
	pushes = redis_reader_new(LIMIT);
	redis_reader_feed(pushes, slice_str(wire));
	ck_assert_int_eq(redis_reader_next(pushes, &reply), REDIS_READ_REPLY);
	redis_push_of(reply, &push);
	return push;
}

static void forget_pushes(void)
{
	redis_reader_free(pushes);
	pushes = NULL;
}

START_TEST(what_a_subscriber_hears)
{
	struct redis_push p = push_of("*3\r\n$7\r\nmessage\r\n$2\r\nch\r\n$2\r\nhi\r\n");

	ck_assert(p.kind == REDIS_PUSH_MESSAGE && p.names == REDIS_CHANNELS);
	ck_assert(slice_equal(p.name, SLICE("ch")) && slice_equal(p.channel, SLICE("ch")));
	ck_assert(slice_equal(p.payload, SLICE("hi")));
	p = push_of("*4\r\n$8\r\npmessage\r\n$2\r\nc*\r\n$2\r\nch\r\n$0\r\n\r\n");
	ck_assert(p.kind == REDIS_PUSH_MESSAGE && p.names == REDIS_PATTERNS && p.payload.size == 0);
	ck_assert(slice_equal(p.name, SLICE("c*")) && slice_equal(p.channel, SLICE("ch")));
	p = push_of("*3\r\n$8\r\nsmessage\r\n$2\r\nch\r\n$2\r\nhi\r\n");
	ck_assert(p.kind == REDIS_PUSH_MESSAGE && p.names == REDIS_SHARDED);
	p = push_of("*3\r\n$10\r\npsubscribe\r\n$2\r\nc*\r\n:2\r\n");
	ck_assert(p.kind == REDIS_PUSH_SUBSCRIBED && p.names == REDIS_PATTERNS && p.count == 2);
	p = push_of("*3\r\n$11\r\nunsubscribe\r\n$2\r\nch\r\n:0\r\n");
	ck_assert(p.kind == REDIS_PUSH_UNSUBSCRIBED && p.names == REDIS_CHANNELS && p.count == 0);
	ck_assert(slice_equal(p.name, SLICE("ch")));
	ck_assert_int_eq(push_of("*2\r\n$4\r\npong\r\n$0\r\n\r\n").kind, REDIS_PUSH_PONG);
	forget_pushes();
}
END_TEST

START_TEST(what_only_begins_like_a_push)
{
	static const char *const bad[] = {
		"*1\r\n$7\r\nmessage\r\n",
		"*2\r\n$7\r\nmessage\r\n$2\r\nch\r\n",
		"*4\r\n$7\r\nmessage\r\n$2\r\nch\r\n$2\r\nhi\r\n$2\r\nhi\r\n",
		"*3\r\n$8\r\npmessage\r\n$2\r\nch\r\n$2\r\nhi\r\n",
		"*3\r\n$7\r\nmessage\r\n$2\r\nch\r\n:1\r\n",
		"*3\r\n$7\r\nmessage\r\n$-1\r\n$2\r\nhi\r\n",
		"*3\r\n$9\r\nsubscribe\r\n$2\r\nch\r\n$1\r\n1\r\n",
		"*3\r\n$11\r\nunsubscribe\r\n$-1\r\n:0\r\n",
		"*3\r\n$4\r\npong\r\n$0\r\n\r\n$0\r\n\r\n",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(push_of(bad[i]).kind == REDIS_PUSH_BAD, "%s", bad[i]);
	ck_assert_int_eq(push_of("+message\r\n").kind, REDIS_PUSH_NONE);
	ck_assert_int_eq(push_of("*0\r\n").kind, REDIS_PUSH_NONE);
	ck_assert_int_eq(push_of("*1\r\n+message\r\n").kind, REDIS_PUSH_NONE);
	ck_assert_int_eq(push_of("*1\r\n$8\r\nmessages\r\n").kind, REDIS_PUSH_NONE);
	forget_pushes();
}
END_TEST

/* --- The URL ------------------------------------------------------------------------------------------------------ */

static const struct {
	const char *text, *host, *path, *user, *password;
	int port, database;
	bool tls;
	const char *shown;
} urls[] = {
	{ "redis://localhost", "localhost", NULL, NULL, NULL, 6379, 0, false, "redis://localhost:6379/0" },
	{ "redis://h/", "h", NULL, NULL, NULL, 6379, 0, false, "redis://h:6379/0" },
	{ "redis://h:1/15", "h", NULL, NULL, NULL, 1, 15, false, "redis://h:1/15" },
	{ "rediss://my-host.example_1:65535", "my-host.example_1", NULL, NULL, NULL, 65535, 0, true,
		"rediss://my-host.example_1:65535/0" },
	{ "redis://:pw@10.0.0.1", "10.0.0.1", NULL, NULL, "pw", 6379, 0, false, "redis://:***@10.0.0.1:6379/0" },
	{ "redis://me:p%40%3a%2F%25@h", "h", NULL, "me", "p@:/%", 6379, 0, false, "redis://me:***@h:6379/0" },
	{ "redis://[::1]", "::1", NULL, NULL, NULL, 6379, 0, false, "redis://[::1]:6379/0" },
	{ "redis://[fe80::1]:7/3", "fe80::1", NULL, NULL, NULL, 7, 3, false, "redis://[fe80::1]:7/3" },
	{ "unix:///run/redis.sock", NULL, "/run/redis.sock", NULL, NULL, 0, 0, false, "unix:///run/redis.sock" },
	{ "unix:///run/a%20b?db=4", NULL, "/run/a b", NULL, NULL, 0, 4, false, "unix:///run/a b?db=4" },
	{ "unix://me:pw@/r.sock", NULL, "/r.sock", "me", "pw", 0, 0, false, "unix://me:***@/r.sock" },
	{ "unix:///r@x.sock", NULL, "/r@x.sock", NULL, NULL, 0, 0, false, "unix:///r@x.sock" },
};

static bool same(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

START_TEST(urls_that_are_read)
{
	struct redis_url url;
	struct buf text = BUF_INIT;
	const char *wrong = redis_url_parse(urls[_i].text, &url);

	ck_assert_msg(wrong == NULL, "%s: %s", urls[_i].text, wrong);
	ck_assert(same(url.host, urls[_i].host) && same(url.path, urls[_i].path));
	ck_assert(same(url.user, urls[_i].user) && same(url.password, urls[_i].password));
	ck_assert(url.database == urls[_i].database && url.tls == urls[_i].tls);
	if (url.host)
		ck_assert_int_eq(url.port, urls[_i].port);
	redis_url_print(&url, &text);
	buf_add_char(&text, '\0');
	ck_assert_str_eq(text.at, urls[_i].shown);
	buf_fini(&text);
	redis_url_fini(&url);
	ck_assert_ptr_null(url.password);
}
END_TEST

static const struct {
	const char *text, *says;
} bad_urls[] = {
	{ "", "redis://" },
	{ "localhost:6379", "redis://" },
	{ "http://h", "redis://" },
	{ "REDIS://h", "redis://" },
	{ "redis://", "host is missing" },
	{ "redis://:6379", "host is not" },
	{ "redis://h:", "port" },
	{ "redis://h:0", "port" },
	{ "redis://h:65536", "port" },
	{ "redis://h:6379x", "port" },
	{ "redis://h:99999999999", "port" },
	{ "redis://::1", "brackets" },
	{ "redis://[::1", "IPv6" },
	{ "redis://[h]", "IPv6" },
	{ "redis://[::1]6379", "behind the ]" },
	{ "redis://h/x", "database" },
	{ "redis://h/-1", "database" },
	{ "redis://h/1000001", "database" },
	{ "redis://h/0/1", "database" },
	{ "redis://h?db=1", "options" },
	{ "redis://h/0?x=1", "options" },
	{ "redis://h/#0", "#" },
	{ "redis://h h", "blank" },
	{ "redis://h\n", "blank" },
	{ "redis://s3cret@h", "no password" },
	{ "redis://me:@h", "empty" },
	{ "redis://me:s3cret@x@h", "%40" },
	{ "redis://me:s3cret:x@h", "%3A" },
	{ "redis://me:s3cret/x@h", "%2F" },
	{ "redis://me:s3cret%@h", "hexadecimal" },
	{ "redis://me:s3cret%4@h", "hexadecimal" },
	{ "redis://me:s3cret%zz@h", "hexadecimal" },
	{ "redis://me:s3cret%00@h", "hexadecimal" },
	{ "redis://m%e:s3cret@h", "hexadecimal" },
	{ "redis://me:s3cret@h\xc3\xa4", "ASCII" },
	{ "unix://", "path" },
	{ "unix:///", "path" },
	{ "unix://r.sock", "path" },
	{ "unix:///r.sock?x=1", "db=" },
	{ "unix:///r.sock?db=", "database" },
	{ "unix://s3cret@/r.sock", "no password" },
	{ "unix:///"
	  "23456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345"
	  "6789",
		"107" },
};

START_TEST(urls_that_are_refused)
{
	struct redis_url url;
	const char *wrong = redis_url_parse(bad_urls[_i].text, &url);

	ck_assert_msg(wrong && strstr(wrong, bad_urls[_i].says), "%s: %s", bad_urls[_i].text, wrong ? wrong : "read");
	ck_assert_ptr_null(strstr(wrong, "s3cret"));
	redis_url_fini(&url);
}
END_TEST

START_TEST(a_url_of_any_length_is_refused_or_read)
{
	char *text = malloc(9000);
	struct redis_url url;

	memset(text, 'h', 9000);
	memcpy(text, "redis://:", 9);
	text[8190] = '@';
	text[8192] = '\0';
	ck_assert_ptr_null(redis_url_parse(text, &url));
	ck_assert_uint_eq(strlen(url.password), 8190 - 9);
	redis_url_fini(&url);
	text[8192] = 'h';
	text[8193] = '\0';
	ck_assert_ptr_nonnull(strstr(redis_url_parse(text, &url), "8192"));
	redis_url_fini(&url);
	free(text);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("redis-reply");
	TCase *replies = tcase_create("replies"), *heard = tcase_create("pushes"), *where = tcase_create("url");

	tcase_add_test(replies, every_type_is_read_however_it_is_cut);
	tcase_add_test(replies, bytes_are_bytes);
	tcase_add_test(replies, what_is_not_resp2_is_refused);
	tcase_add_test(replies, seven_deep_and_no_deeper);
	tcase_add_test(replies, a_reply_as_large_as_the_limit_and_one_byte_more);
	tcase_add_test(replies, what_is_announced_as_too_large_is_not_waited_for);
	tcase_add_test(replies, an_array_that_would_fill_memory_is_refused_at_once);
	tcase_add_test(replies, many_small_things_are_as_large_as_one);
	tcase_add_test(replies, a_line_without_an_end_is_refused);
	tcase_add_test(replies, a_reset_forgets_everything);
	tcase_add_test(heard, what_a_subscriber_hears);
	tcase_add_test(heard, what_only_begins_like_a_push);
	tcase_add_loop_test(where, urls_that_are_read, 0, (int)(sizeof(urls) / sizeof(urls[0])));
	tcase_add_loop_test(where, urls_that_are_refused, 0, (int)(sizeof(bad_urls) / sizeof(bad_urls[0])));
	tcase_add_test(where, a_url_of_any_length_is_refused_or_read);
	suite_add_tcase(s, replies);
	suite_add_tcase(s, heard);
	suite_add_tcase(s, where);
	return s;
}
