/*
 * test_http1.c - request heads, chunked bodies, queries, cookies, and what we write. Everything that comes from a
 * peer is fed whole and byte by byte, each time from an allocation of exactly its size.
 */
#include "test_main.h"

#include <stdio.h>
#include <stdlib.h>

#include "http1.h"

#define COUNT(array) (int)(sizeof(array) / sizeof((array)[0]))
#define TEXT(literal) \
	{ \
		"" literal, sizeof(literal) - 1 \
	}

static const struct http_limits roomy = { .max_head_bytes = 16384, .max_line_bytes = 8192, .max_headers = 100 };

static void assert_slice(struct slice got, struct slice want)
{
	ck_assert_msg(slice_equal(got, want), "got \"%.*s\" (%zu), want \"%.*s\" (%zu)", SLICE_ARG(got), got.size,
		SLICE_ARG(want), want.size);
}

static char *copy_of(struct slice s)
{
	char *copy = malloc(s.size ? s.size : 1);

	ck_assert_ptr_nonnull(copy);
	if (s.size)
		memcpy(copy, s.at, s.size);
	return copy;
}

/* One parse, its answer, and the head as text: "GET /path ?query HTTP/1.1 [Name=value].. and what is set". */
struct answer {
	int n;
	struct http_refusal refusal;
	char head[4096];
};

static void describe(const struct http_head *h, char *to, size_t cap)
{
	struct buf b = BUF_INIT;

	buf_printf(&b, "%d %.*s %.*s ?%.*s 1.%d", (int)h->method, SLICE_ARG(h->method_text), SLICE_ARG(h->path),
		SLICE_ARG(h->query), h->minor);
	for (size_t i = 0; i < h->n_headers; i++)
		buf_printf(&b, " [%.*s=%.*s]", SLICE_ARG(h->headers[i].name), SLICE_ARG(h->headers[i].value));
	if (h->content_length >= 0)
		buf_printf(&b, " length=%lld", (long long)h->content_length);
	buf_printf(&b, "%s%s%s%s", h->chunked ? " chunked" : "", h->keep_alive ? " keep" : "",
		h->upgrade ? " upgrade" : "", h->expect_continue ? " expect" : "");
	ck_assert_uint_lt(b.size, cap);
	memcpy(to, b.at, b.size);
	to[b.size] = '\0';
	buf_fini(&b);
}

/* In the order of enum http_field, behind HTTP_F_OTHER. */
static const char *const noted[HTTP_FIELDS] = { NULL, "Host", "Expect", "Origin", "Upgrade", "Connection", "User-Agent",
	"Content-Type", "Content-Length", "Accept-Encoding", "Transfer-Encoding", "Sec-WebSocket-Key",
	"Sec-WebSocket-Version", "Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions" };

/* What was noted is what a search finds. One assertion for all: each is a system call, and heads are parsed by the thousand. */
static void check_noted(const struct http_head *h)
{
	size_t in_all = http_field_count(h, HTTP_F_OTHER);
	bool same = true;

	for (int f = HTTP_F_OTHER + 1; f < HTTP_FIELDS; f++) {
		struct slice first = http_field_get(h, (enum http_field)f);
		size_t n = 0;

		for (size_t i = 0; i < h->n_headers; i++)
			n += slice_equal_nocase(h->headers[i].name, slice_str(noted[f]));
		same &= http_field_count(h, (enum http_field)f) == n;
		same &= slice_equal(first, http_header_get(h, noted[f]));
		same &= (first.at == NULL) == (n == 0);
		in_all += n;
	}
	ck_assert(same && in_all == h->n_headers);
}

static struct answer parse(struct slice in, const struct http_limits *limits, size_t *scanned)
{
	struct answer answer = { 0 };
	struct http_head head;
	char *copy = copy_of(in);

	answer.n = http_head_parse(slice_of(copy, in.size), limits, scanned, &head, &answer.refusal);
	if (answer.n > 0) {
		describe(&head, answer.head, sizeof(answer.head));
		check_noted(&head);
	}
	free(copy);
	return answer;
}

static struct answer parse_whole(struct slice in, const struct http_limits *limits)
{
	size_t scanned = 0;

	return parse(in, limits, &scanned);
}

/* Only whether it is one, for those that are asked about thousands. */
static bool is_good(struct slice in)
{
	struct http_head head;
	struct http_refusal refusal;
	size_t scanned = 0;
	char *copy = copy_of(in);
	int n = http_head_parse(slice_of(copy, in.size), &roomy, &scanned, &head, &refusal);

	free(copy);
	return n > 0;
}

/* `step` bytes at a time; *fed: how many had come when there was an answer. */
static struct answer parse_pieces(struct slice in, const struct http_limits *limits, size_t step, size_t *fed)
{
	struct answer answer = { 0 };
	size_t scanned = 0, n = 0;

	do {
		n = n + step < in.size ? n + step : in.size;
		answer = parse(slice_first(in, n), limits, &scanned);
	} while (answer.n == 0 && n < in.size);
	*fed = n;
	return answer;
}

static void assert_same(const struct answer *a, const struct answer *b)
{
	const char *said[] = { a->n < 0 ? a->refusal.reason : a->head, b->n < 0 ? b->refusal.reason : b->head };

	ck_assert_msg(a->n == b->n && a->refusal.status == b->refusal.status && strcmp(said[0], said[1]) == 0,
		"%d %d %s, and %d %d %s", a->n, a->refusal.status, said[0], b->n, b->refusal.status, said[1]);
}

/* Heads that are good. */

#define H "Host: a\r\n"

static const struct {
	struct slice in;
	const char *head;
} good[] = {
	{ TEXT("GET / HTTP/1.1\r\nHost: example.com\r\n\r\n"), "0 GET / ? 1.1 [Host=example.com] keep" },
	{ TEXT("GET / HTTP/1.1\r\nHost:\r\n\r\n"), "0 GET / ? 1.1 [Host=] keep" },
	{ TEXT("\r\nGET / HTTP/1.1\r\n" H "\r\n"), "0 GET / ? 1.1 [Host=a] keep" },
	{ TEXT("GET / HTTP/1.1\r\nHost: [::1]:3000\r\n\r\n"), "0 GET / ? 1.1 [Host=[::1]:3000] keep" },
	{ TEXT("GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\n" H "\r\n"),
		"0 GET /socket.io/ ?EIO=4&transport=polling 1.1 [Host=a] keep" },
	{ TEXT("GET /a?b?c=d HTTP/1.1\r\n" H "\r\n"), "0 GET /a ?b?c=d 1.1 [Host=a] keep" },
	{ TEXT("GET /? HTTP/1.1\r\n" H "\r\n"), "0 GET / ? 1.1 [Host=a] keep" },
	{ TEXT("GET /%00%zz/../ HTTP/1.1\r\n" H "\r\n"), "0 GET /%00%zz/../ ? 1.1 [Host=a] keep" },
	{ TEXT("GET //a/?q={[|]}\"<>^`\\ HTTP/1.1\r\n" H "\r\n"), "0 GET //a/ ?q={[|]}\"<>^`\\ 1.1 [Host=a] keep" },
	{ TEXT("HEAD / HTTP/1.1\r\n" H "\r\n"), "1 HEAD / ? 1.1 [Host=a] keep" },
	{ TEXT("PUT / HTTP/1.1\r\n" H "\r\n"), "3 PUT / ? 1.1 [Host=a] keep" },
	{ TEXT("DELETE / HTTP/1.1\r\n" H "\r\n"), "4 DELETE / ? 1.1 [Host=a] keep" },
	{ TEXT("OPTIONS * HTTP/1.1\r\n" H "\r\n"), "5 OPTIONS * ? 1.1 [Host=a] keep" },
	{ TEXT("OPTIONS /x HTTP/1.1\r\n" H "\r\n"), "5 OPTIONS /x ? 1.1 [Host=a] keep" },
	{ TEXT("PATCH / HTTP/1.1\r\n" H "\r\n"), "6 PATCH / ? 1.1 [Host=a] keep" },
	{ TEXT("TRACE / HTTP/1.1\r\n" H "\r\n"), "7 TRACE / ? 1.1 [Host=a] keep" },
	{ TEXT("get / HTTP/1.1\r\n" H "\r\n"), "7 get / ? 1.1 [Host=a] keep" },
	{ TEXT("M!#$%&'*+-.^_`|~1 / HTTP/1.1\r\n" H "\r\n"), "7 M!#$%&'*+-.^_`|~1 / ? 1.1 [Host=a] keep" },
	{ TEXT("GET / HTTP/1.0\r\n\r\n"), "0 GET / ? 1.0" },
	{ TEXT("GET / HTTP/1.0\r\n" H "\r\n"), "0 GET / ? 1.0 [Host=a]" },
	{ TEXT("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"), "0 GET / ? 1.0 [Connection=Keep-Alive] keep" },
	{ TEXT("GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n"),
		"0 GET / ? 1.0 [Connection=keep-alive, close]" },
	{ TEXT("GET / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"),
		"0 GET / ? 1.0 [Connection=upgrade] [Upgrade=websocket]" },
	{ TEXT("GET / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n"), "0 GET / ? 1.0 [Expect=100-continue]" },
	{ TEXT("GET / HTTP/1.1\r\n" H "Connection: close\r\n\r\n"), "0 GET / ? 1.1 [Host=a] [Connection=close]" },
	{ TEXT("GET / HTTP/1.1\r\n" H "Connection: x\r\ncONNECTION: ,Close ,\r\n\r\n"),
		"0 GET / ? 1.1 [Host=a] [Connection=x] [cONNECTION=,Close ,]" },
	{ TEXT("GET / HTTP/1.1\r\n" H "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\n"),
		"0 GET / ? 1.1 [Host=a] [Connection=keep-alive, Upgrade] [Upgrade=websocket] keep upgrade" },
	{ TEXT("GET / HTTP/1.1\r\n" H "Connection: Upgrade\r\n\r\n"),
		"0 GET / ? 1.1 [Host=a] [Connection=Upgrade] keep" },
	{ TEXT("GET / HTTP/1.1\r\n" H "Upgrade: websocket\r\n\r\n"),
		"0 GET / ? 1.1 [Host=a] [Upgrade=websocket] keep" },
	{ TEXT("POST / HTTP/1.1\r\n" H "Content-Length: 0\r\n\r\n"),
		"2 POST / ? 1.1 [Host=a] [Content-Length=0] length=0 keep" },
	{ TEXT("POST / HTTP/1.1\r\n" H "content-length:\t 0042 \t\r\n\r\n"),
		"2 POST / ? 1.1 [Host=a] [content-length=0042] length=42 keep" },
	{ TEXT("POST / HTTP/1.1\r\n" H "Content-Length: 9223372036854775807\r\n\r\n"),
		"2 POST / ? 1.1 [Host=a] [Content-Length=9223372036854775807] length=9223372036854775807 keep" },
	{ TEXT("POST / HTTP/1.1\r\n" H "Transfer-Encoding: Chunked\r\n\r\n"),
		"2 POST / ? 1.1 [Host=a] [Transfer-Encoding=Chunked] chunked keep" },
	{ TEXT("POST / HTTP/1.1\r\n" H "Expect: 100-Continue\r\nContent-Length: 1\r\n\r\n"),
		"2 POST / ? 1.1 [Host=a] [Expect=100-Continue] [Content-Length=1] length=1 keep expect" },
	{ TEXT("GET / HTTP/1.1\r\n" H "X:\r\nY: \t \r\nZ:a: b\tc \xc3\xa9\xff\r\n\r\n"),
		"0 GET / ? 1.1 [Host=a] [X=] [Y=] [Z=a: b\tc \xc3\xa9\xff] keep" },
	{ TEXT("GET / HTTP/1.1\r\n" H "X: 1\r\nX: 2\r\n\r\n"), "0 GET / ? 1.1 [Host=a] [X=1] [X=2] keep" },
};

START_TEST(good_heads_are_understood)
{
	struct slice in = good[_i].in;
	struct answer whole = parse_whole(in, &roomy);

	ck_assert_msg(whole.n == (int)in.size, "%d %s", whole.refusal.status, whole.refusal.reason);
	ck_assert_str_eq(whole.head, good[_i].head);
}
END_TEST

START_TEST(good_heads_leave_what_follows)
{
	struct slice in = good[_i].in;
	struct buf b = BUF_INIT;
	struct answer answer;

	buf_add_slice(&b, in);
	buf_add(&b, "\n\0\r\nbody", 8);
	answer = parse_whole(buf_slice(&b), &roomy);
	ck_assert_int_eq(answer.n, (int)in.size);
	ck_assert_str_eq(answer.head, good[_i].head);
	buf_fini(&b);
}
END_TEST

START_TEST(good_heads_may_come_in_pieces)
{
	struct slice in = good[_i].in;
	struct answer whole = parse_whole(in, &roomy);

	for (size_t step = 1; step < 40; step++) {
		size_t fed;
		struct answer pieces = parse_pieces(in, &roomy, step, &fed);

		assert_same(&whole, &pieces);
		ck_assert_uint_eq(fed, in.size);
	}
}
END_TEST

START_TEST(good_heads_cut_short_are_partial)
{
	for (size_t n = 0; n < good[_i].in.size; n++)
		ck_assert_int_eq(parse_whole(slice_first(good[_i].in, n), &roomy).n, 0);
}
END_TEST

/* Each byte of a good head replaced by every other: never a crash, and the same answer whole and in pieces. */
START_TEST(good_heads_with_a_wrong_byte_are_judged_alike)
{
	char text[512];
	size_t size = good[_i].in.size, fed;

	for (size_t at = 0; at < size; at++) {
		for (int c = 0; c < 256; c += at < 24 ? 1 : 11) {
			struct answer whole, pieces;

			memcpy(text, good[_i].in.at, size);
			text[at] = (char)c;
			whole = parse_whole(slice_of(text, size), &roomy);
			pieces = parse_pieces(slice_of(text, size), &roomy, 13, &fed);
			assert_same(&whole, &pieces);
		}
	}
}
END_TEST

/* Heads that are not; `fed`: the byte that shows it, counted from 1, when they come one by one. */

#define G "GET / HTTP/1.1\r\n"
#define P "POST / HTTP/1.1\r\nHost: a\r\n"

static const struct {
	struct slice in;
	int status;
	const char *reason;
	size_t fed;
} bad[] = {
	/* request lines */
	{ TEXT("\r\n\r\n" G H "\r\n"), 400, "bad method", 3 },
	{ TEXT(" GET / HTTP/1.1\r\n"), 400, "bad method", 1 },
	{ TEXT("\r\n GET"), 400, "bad method", 3 },
	{ TEXT("G(T / HTTP/1.1\r\n"), 400, "bad method", 2 },
	{ TEXT("GET\t/ HTTP/1.1\r\n"), 400, "bad method", 4 },
	{ TEXT("G\xc3\x89T / HTTP/1.1\r\n"), 400, "bad method", 2 },
	{ TEXT("GET\r\n"), 400, "bad method", 4 },
	{ TEXT("GET \r\n"), 400, "bad request line", 6 },
	{ TEXT("GET /\r\n"), 400, "bad request line", 7 },
	{ TEXT("GET / \r\n"), 400, "bad request line", 8 },
	{ TEXT("GET  / HTTP/1.1\r\n"), 400, "bad request line", 17 },
	{ TEXT("GET /  HTTP/1.1\r\n"), 400, "bad request line", 17 },
	{ TEXT("GET / HTTP/1.1 \r\n"), 400, "bad request line", 17 },
	{ TEXT("GET / x HTTP/1.1\r\n"), 400, "bad request line", 18 },
	{ TEXT("GET / http/1.1\r\n"), 400, "bad request line", 16 },
	{ TEXT("GET / HTTP/1.10\r\n"), 400, "bad request line", 17 },
	{ TEXT("GET / HTTP/11\r\n"), 400, "bad request line", 15 },
	{ TEXT("GET / HTTP/1,1\r\n"), 400, "bad request line", 16 },
	{ TEXT("GET / HTTP/x.1\r\n"), 400, "bad request line", 16 },
	{ TEXT("GET / HTTP/1.x\r\n"), 400, "bad request line", 16 },
	{ TEXT("GET / HTTPS/1.1\r\n"), 400, "bad request line", 17 },
	{ TEXT("GET / HTTP/2.0\r\n"), 505, "HTTP version not supported", 16 },
	{ TEXT("GET / HTTP/0.9\r\n"), 505, "HTTP version not supported", 16 },
	{ TEXT("GET / HTTP/1.2\r\n"), 505, "HTTP version not supported", 16 },
	{ TEXT("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 505, "HTTP version not supported", 16 },
	{ TEXT("\x16\x03\x01\x02"), 400, "control character", 1 },
	{ TEXT("GET http://a/ HTTP/1.1\r\n" H "\r\n"), 400, "target is not in origin form", 24 },
	{ TEXT("CONNECT a:443 HTTP/1.1\r\n" H "\r\n"), 400, "target is not in origin form", 24 },
	{ TEXT("GET * HTTP/1.1\r\n" H "\r\n"), 400, "target is not in origin form", 16 },
	{ TEXT("OPTIONS *? HTTP/1.1\r\n" H "\r\n"), 400, "target is not in origin form", 21 },
	{ TEXT("GET ?a HTTP/1.1\r\n" H "\r\n"), 400, "target is not in origin form", 17 },
	{ TEXT("GET /a#b HTTP/1.1\r\n" H "\r\n"), 400, "bad character in target", 19 },
	{ TEXT("GET /\xc3\xa9 HTTP/1.1\r\n" H "\r\n"), 400, "bad character in target", 18 },
	{ TEXT("GET /a\tb HTTP/1.1\r\n" H "\r\n"), 400, "bad character in target", 19 },
	/* line ends and control characters */
	{ TEXT("GET / HTTP/1.1\n" H "\r\n"), 400, "bare LF", 15 },
	{ TEXT("\nGET"), 400, "bare LF", 1 },
	{ TEXT(G "Host: a\n\r\n"), 400, "bare LF", 24 },
	{ TEXT(G H "\n"), 400, "bare LF", 26 },
	{ TEXT(G "Host: a\rX: b\r\n\r\n"), 400, "bare CR", 25 },
	{ TEXT(G "Host: a\r\r\n\r\n"), 400, "bare CR", 25 },
	{ TEXT("\rGET"), 400, "bare CR", 2 },
	{ TEXT(G H "\r\r\n"), 400, "bare CR", 27 },
	{ TEXT(G "Host: a\0b\r\n\r\n"), 400, "control character", 24 },
	{ TEXT("GET /\0 HTTP/1.1\r\n"), 400, "control character", 6 },
	{ TEXT(G "Host: a\r\nX: \x7f\r\n"), 400, "control character", 29 },
	{ TEXT(G "X\0: a\r\n"), 400, "control character", 18 },
	/* headers */
	{ TEXT(G "Host: a\r\n b\r\n\r\n"), 400, "folded header", 29 },
	{ TEXT(G "X: a\r\n\tb\r\n\r\n"), 400, "folded header", 26 },
	{ TEXT(G " X: a\r\n\r\n"), 400, "folded header", 23 },
	{ TEXT(G "Host : a\r\n\r\n"), 400, "bad header name", 26 },
	{ TEXT(G "Host\t: a\r\n\r\n"), 400, "bad header name", 26 },
	{ TEXT(G ": a\r\n\r\n"), 400, "bad header name", 21 },
	{ TEXT(G "X\xc3\xa9: a\r\n\r\n"), 400, "bad header name", 24 },
	{ TEXT(G "A B: a\r\n\r\n"), 400, "bad header name", 24 },
	{ TEXT(G "Host\r\n\r\n"), 400, "header without a colon", 22 },
	/* Host */
	{ TEXT(G "\r\n"), 400, "no Host", 18 },
	{ TEXT(G "X: y\r\n\r\n"), 400, "no Host", 24 },
	{ TEXT(G H "HOST: a\r\n\r\n"), 400, "more than one Host", 34 },
	{ TEXT(G "Host:\r\nHost:\r\n\r\n"), 400, "more than one Host", 30 },
	{ TEXT("GET / HTTP/1.0\r\n" H H "\r\n"), 400, "more than one Host", 34 },
	{ TEXT(G "Host: a, b\r\n\r\n"), 400, "bad Host", 28 },
	{ TEXT(G "Host: a b\r\n\r\n"), 400, "bad Host", 27 },
	{ TEXT(G "Host: a/b\r\n\r\n"), 400, "bad Host", 27 },
	{ TEXT(G "Host: u@b\r\n\r\n"), 400, "bad Host", 27 },
	{ TEXT(G "Host: \xc3\xa9\r\n\r\n"), 400, "bad Host", 26 },
	/* smuggling: two lengths, two readings */
	{ TEXT(P "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"), 400,
		"Content-Length with Transfer-Encoding", 73 },
	{ TEXT(P "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n"), 400,
		"Content-Length with Transfer-Encoding", 73 },
	{ TEXT(P "Content-Length: 1\r\nContent-Length: 1\r\n\r\n"), 400, "more than one Content-Length", 64 },
	{ TEXT(P "Content-Length: 1\r\ncontent-length: 2\r\n\r\n"), 400, "more than one Content-Length", 64 },
	{ TEXT(P "Content-Length: 1, 1\r\n\r\n"), 400, "bad Content-Length", 48 },
	{ TEXT(P "Content-Length: +1\r\n\r\n"), 400, "bad Content-Length", 46 },
	{ TEXT(P "Content-Length: -1\r\n\r\n"), 400, "bad Content-Length", 46 },
	{ TEXT(P "Content-Length: 0x1\r\n\r\n"), 400, "bad Content-Length", 47 },
	{ TEXT(P "Content-Length: 1 1\r\n\r\n"), 400, "bad Content-Length", 47 },
	{ TEXT(P "Content-Length: 1.0\r\n\r\n"), 400, "bad Content-Length", 47 },
	{ TEXT(P "Content-Length:\r\n\r\n"), 400, "bad Content-Length", 43 },
	{ TEXT(P "Content-Length : 1\r\n\r\n"), 400, "bad header name", 46 },
	{ TEXT(P "Content-Length: 9223372036854775808\r\n\r\n"), 413, "Content-Length too large", 63 },
	{ TEXT(P "Content-Length: 99999999999999999999999\r\n\r\n"), 413, "Content-Length too large", 67 },
	{ TEXT(P "Transfer-Encoding: xchunked\r\n\r\n"), 400, "bad Transfer-Encoding", 55 },
	{ TEXT(P "Transfer-Encoding: chunked, chunked\r\n\r\n"), 400, "bad Transfer-Encoding", 63 },
	{ TEXT(P "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"), 400,
		"more than one Transfer-Encoding", 82 },
	{ TEXT(P "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n"), 400,
		"more than one Transfer-Encoding", 83 },
	{ TEXT(P "Transfer-Encoding: identity\r\n\r\n"), 400, "bad Transfer-Encoding", 55 },
	{ TEXT(P "Transfer-Encoding:\r\n\r\n"), 400, "bad Transfer-Encoding", 46 },
	{ TEXT(P "Transfer-Encoding: chunked;q=1\r\n\r\n"), 400, "bad Transfer-Encoding", 58 },
	{ TEXT(P "Transfer-Encoding: \"chunked\"\r\n\r\n"), 400, "bad Transfer-Encoding", 56 },
	{ TEXT(P "Transfer-Encoding: chunked, gzip\r\n\r\n"), 400, "bad Transfer-Encoding", 60 },
	{ TEXT(P "Transfer-Encoding: GZip , chunked\r\n\r\n"), 501, "transfer coding not implemented", 61 },
	{ TEXT(P "Transfer-Encoding: deflate\r\n\r\n"), 501, "transfer coding not implemented", 54 },
	{ TEXT(P "Transfer-Encoding:\r\n chunked\r\n\r\n"), 400, "bad Transfer-Encoding", 46 },
	{ TEXT(P "Transfer_Encoding : chunked\r\n\r\n"), 400, "bad header name", 55 },
	{ TEXT("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), 400, "Transfer-Encoding in HTTP/1.0", 45 },
	{ TEXT(P "Expect: 200-ok\r\n\r\n"), 417, "unknown expectation", 42 },
	{ TEXT(P "Expect:\r\n\r\n"), 417, "unknown expectation", 35 },
};

START_TEST(bad_heads_are_refused)
{
	struct answer whole = parse_whole(bad[_i].in, &roomy), pieces;
	size_t fed;

	ck_assert_int_eq(whole.n, -1);
	ck_assert_int_eq(whole.refusal.status, bad[_i].status);
	ck_assert_str_eq(whole.refusal.reason, bad[_i].reason);
	pieces = parse_pieces(bad[_i].in, &roomy, 1, &fed);
	assert_same(&whole, &pieces);
	ck_assert_msg(fed == bad[_i].fed, "%s: refused at byte %zu, not %zu", bad[_i].reason, fed, bad[_i].fed);
	for (size_t step = 2; step < 20; step++) {
		pieces = parse_pieces(bad[_i].in, &roomy, step, &fed);
		assert_same(&whole, &pieces);
	}
}
END_TEST

START_TEST(bad_heads_cut_short_are_never_good)
{
	for (size_t n = 0; n < bad[_i].in.size; n++) {
		int answer = parse_whole(slice_first(bad[_i].in, n), &roomy).n;

		ck_assert_int_eq(answer, n < bad[_i].fed ? 0 : -1);
	}
}
END_TEST

/* Targets and values are looked at in blocks: each byte in each place of them. */

enum { PLACES = 40 };

static bool in_target(int c)
{
	return c > ' ' && c < 0x7f && c != '#';
}

static bool in_value(int c)
{
	return c == '\t' || (c >= ' ' && c != 0x7f);
}

static void check_places(char *text, size_t before, bool (*is_in)(int c))
{
	struct slice in = slice_str(text);

	for (int at = 0; at < PLACES; at++) {
		char *place = text + before + at;
		int wrong = -1;

		for (int c = 0; c < 256; c++) {
			*place = (char)c;
			if (is_good(in) != is_in(c))
				wrong = c;
		}
		*place = 'a';
		ck_assert_msg(wrong < 0, "0x%02x in place %d is taken for what it is not", (unsigned)wrong, at);
	}
}

START_TEST(every_byte_of_a_target_is_seen)
{
	char text[] = "GET /aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa HTTP/1.1\r\nHost: a\r\n\r\n";

	check_places(text, strlen("GET /"), in_target);
}
END_TEST

START_TEST(targets_of_all_sizes_are_seen)
{
	char text[] = "GET /aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
	struct buf b = BUF_INIT;

	for (int size = 0; size <= PLACES; size++) {
		for (int at = 0; at <= size; at++) {
			buf_clear(&b);
			buf_add(&b, text, strlen("GET /") + (size_t)size);
			if (at)
				b.at[strlen("GET /") + (size_t)at - 1] = '#';
			buf_add_str(&b, " HTTP/1.1\r\nHost: a\r\n\r\n");
			ck_assert_msg(is_good(buf_slice(&b)) == (at == 0), "size %d, place %d", size, at);
		}
	}
	buf_fini(&b);
}
END_TEST

START_TEST(every_byte_of_a_value_is_seen)
{
	char text[] = "GET / HTTP/1.1\r\nHost: a\r\nX: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n\r\n";

	check_places(text, strlen("GET / HTTP/1.1\r\nHost: a\r\nX: "), in_value);
}
END_TEST

/* Limits: at them, and one past. */

/* "GET /xxx HTTP/1.1" of n bytes, headers of 4 bytes ("a:b" takes its CRLF, too), and Host. */
static void build(struct buf *b, size_t line, size_t headers)
{
	buf_clear(b);
	buf_add_str(b, "GET /");
	for (size_t i = sizeof("GET / HTTP/1.1") - 1; i < line; i++)
		buf_add_char(b, 'x');
	buf_add_str(b, " HTTP/1.1\r\nHost: a\r\n");
	for (size_t i = 1; i < headers; i++)
		buf_add_str(b, "a:b\r\n");
	buf_add_str(b, "\r\n");
}

static void assert_limit(struct slice in, const struct http_limits *limits, int status, size_t at)
{
	size_t fed;
	struct answer whole = parse_whole(in, limits), pieces = parse_pieces(in, limits, 1, &fed);

	assert_same(&whole, &pieces);
	ck_assert_int_eq(whole.refusal.status, status);
	ck_assert_int_eq(whole.n, status ? -1 : (int)in.size);
	ck_assert_uint_eq(fed, status ? at : in.size);
}

/* Every header that is noted, spelt in three ways, and what is nearly one. */
START_TEST(headers_are_noted)
{
	struct http_limits limits = { .max_head_bytes = 16384, .max_line_bytes = 100, .max_headers = 101 };
	struct buf b = BUF_INIT;

	buf_add_str(&b, "GET / HTTP/1.1\r\nhOsT: a\r\nExpect: 100-continue\r\ncontent-length: 0\r\n");
	for (int f = 1; f < HTTP_FIELDS; f++) {
		size_t size = strlen(noted[f]);

		buf_printf(&b, "X%s: 1\r\n%sX: 2\r\n%.*s: 3\r\n%.*s~: 4\r\n", noted[f], noted[f], (int)size - 1,
			noted[f], (int)size - 1, noted[f]);
		if (f == HTTP_F_HOST || f == HTTP_F_EXPECT || f == HTTP_F_CONTENT_LENGTH ||
			f == HTTP_F_TRANSFER_ENCODING)
			continue;
		for (int spelling = 0; spelling < 3; spelling++) {
			for (size_t i = 0; i < size; i++) {
				char c = noted[f][i], l = ascii_lower(c);
				bool upper = spelling == 1 && l >= 'a' && l <= 'z';

				buf_add_char(&b, spelling == 2 ? c : upper ? (char)(l & ~0x20) : l);
			}
			buf_printf(&b, ": value %d\r\n", spelling);
		}
	}
	buf_add_str(&b, "\r\n");
	ck_assert_int_eq(parse_whole(buf_slice(&b), &limits).n, (int)b.size);
	buf_fini(&b);
}
END_TEST

START_TEST(request_lines_are_limited)
{
	struct http_limits limits = { .max_head_bytes = 4096, .max_line_bytes = 100, .max_headers = 10 };
	struct buf b = BUF_INIT;

	for (size_t size = 90; size <= 100; size++) {
		build(&b, size, 1);
		assert_limit(buf_slice(&b), &limits, 0, 0);
	}
	build(&b, 101, 1);
	assert_limit(buf_slice(&b), &limits, 414, 101);
	build(&b, 5000, 1);
	assert_limit(buf_slice(&b), &limits, 414, 101);
	buf_clear(&b);
	buf_add_str(&b, "\r\nGET / HTTP/1.1\r\nHost: a\r\nX: ");
	for (int i = 0; i < 200; i++)
		buf_add_char(&b, 'x');
	buf_add_str(&b, "\r\n\r\n");
	assert_limit(buf_slice(&b), &limits, 0, 0);
	buf_fini(&b);
}
END_TEST

START_TEST(heads_are_limited)
{
	struct http_limits limits = { .max_line_bytes = 100, .max_headers = 10 };
	struct buf b = BUF_INIT;

	build(&b, 50, 4);
	limits.max_head_bytes = b.size;
	assert_limit(buf_slice(&b), &limits, 0, 0);
	for (size_t less = 1; less < b.size; less++) {
		limits.max_head_bytes = b.size - less;
		assert_limit(buf_slice(&b), &limits, 431, b.size - less + 1);
	}
	buf_fini(&b);
}
END_TEST

START_TEST(header_counts_are_limited)
{
	struct http_limits limits = { .max_head_bytes = 16384, .max_line_bytes = 100, .max_headers = 10 };
	struct buf b = BUF_INIT;

	build(&b, 20, 10);
	assert_limit(buf_slice(&b), &limits, 0, 0);
	build(&b, 20, 11);
	assert_limit(buf_slice(&b), &limits, 431, b.size - 2);
	limits.max_headers = 100000; /* the table's size counts */
	build(&b, 20, HTTP_MAX_HEADERS);
	assert_limit(buf_slice(&b), &limits, 0, 0);
	build(&b, 20, HTTP_MAX_HEADERS + 1);
	assert_limit(buf_slice(&b), &limits, 431, b.size - 2);
	build(&b, 20, 2000);
	ck_assert_int_eq(parse_whole(buf_slice(&b), &limits).refusal.status, 431);
	buf_fini(&b);
}
END_TEST

START_TEST(methods_are_limited)
{
	char text[80];

	for (int n = 30; n < 35; n++) {
		int size = snprintf(text, sizeof(text), "%.*s / HTTP/1.0\r\n\r\n", n,
			"ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGHIJKLMNOPQRSTUVWXYZ");

		assert_limit(slice_of(text, (size_t)size), &roomy, n <= 32 ? 0 : 501, 33);
	}
}
END_TEST

/* One byte per call over a long line and over many lines: with quadratic work this would take minutes. */
START_TEST(slow_heads_cost_linear_time)
{
	struct http_limits limits = { .max_head_bytes = 1000000, .max_line_bytes = 500000, .max_headers = 100 };
	struct http_head head;
	struct http_refusal refusal;
	struct buf b = BUF_INIT;
	size_t scanned = 0;

	build(&b, 500000, 1);
	b.size -= 2;
	buf_add_str(&b, "X: ");
	memset(buf_reserve(&b, 400000), 'y', 400000);
	b.size += 400000;
	buf_add_str(&b, "\r\n\r\n");
	for (size_t n = 1; n < b.size; n++) /* a million assertions would take long */
		if (http_head_parse(slice_of(b.at, n), &limits, &scanned, &head, &refusal) != 0)
			ck_abort_msg("an answer at byte %zu", n);
	ck_assert_int_eq(http_head_parse(buf_slice(&b), &limits, &scanned, &head, &refusal), (int)b.size);
	ck_assert_uint_eq(scanned, 0);
	ck_assert_uint_eq(head.path.size, 500000 - 13);
	ck_assert_uint_eq(http_header_get(&head, "x").size, 400000);
	buf_fini(&b);
}
END_TEST

/* Looking into a head. */

START_TEST(headers_are_found_in_any_case)
{
	static const char text[] = "GET / HTTP/1.1\r\nhOST: a\r\nX-A: 1\r\nx-a: 2\r\nEmpty:\r\n\r\n";
	struct http_head head;
	struct http_refusal refusal;
	size_t scanned = 0;

	ck_assert_int_gt(http_head_parse(slice_str(text), &roomy, &scanned, &head, &refusal), 0);
	assert_slice(http_header_get(&head, "Host"), SLICE("a"));
	assert_slice(http_header_get(&head, "X-a"), SLICE("1"));
	ck_assert_ptr_nonnull(http_header_get(&head, "empty").at);
	ck_assert_ptr_null(http_header_get(&head, "X").at);
}
END_TEST

static const struct {
	const char *list, *token;
	bool has;
} lists[] = {
	{ "gzip", "gzip", true },
	{ "deflate, gzip", "gzip", true },
	{ "deflate,GZIP\t,br", "gzip", true },
	{ " gzip ", "GZIP", true },
	{ ",,gzip,", "gzip", true },
	{ "xgzip", "gzip", false },
	{ "gzip;q=0", "gzip", false },
	{ "gzip deflate", "gzip", false },
	{ "", "gzip", false },
	{ ",", "gzip", false },
};

START_TEST(lists_are_searched)
{
	ck_assert_int_eq(http_list_has(slice_str(lists[_i].list), lists[_i].token), lists[_i].has);
	ck_assert(!http_list_has((struct slice){ 0 }, "gzip"));
}
END_TEST

/* Chunked bodies. */

static const struct {
	struct slice in;
	int result;
	struct slice body, rest; /* rest: of *in, fed whole */
} chunked[] = {
	{ TEXT("0\r\n\r\n"), HTTP_CHUNKS_END, TEXT(""), TEXT("") },
	{ TEXT("3\r\nabc\r\n0\r\n\r\nGET"), HTTP_CHUNKS_END, TEXT("abc"), TEXT("GET") },
	{ TEXT("a\r\n0123456789\r\nA\r\n0123456789\r\n00\r\n\r\n"), HTTP_CHUNKS_END, TEXT("01234567890123456789"),
		TEXT("") },
	{ TEXT("0003\r\na\r\n\r\n0\r\n\r\n"), HTTP_CHUNKS_END, TEXT("a\r\n"), TEXT("") },
	{ TEXT("3;a=b;c=\"d;\t\xff\"\r\nabc\r\n0;x\r\n\r\n"), HTTP_CHUNKS_END, TEXT("abc"), TEXT("") },
	{ TEXT("1\r\nx\r\n0\r\nTrailer: a\r\nB: c\r\n\r\nnext"), HTTP_CHUNKS_END, TEXT("x"), TEXT("next") },
	{ TEXT("3\r\nabc"), HTTP_CHUNKS_MORE, TEXT("abc"), TEXT("") },
	{ TEXT("3\r\nabc\r\n0\r\n"), HTTP_CHUNKS_MORE, TEXT("abc"), TEXT("") },
	{ TEXT("3\r\nabc\r\n0\r\nA: b\r\n"), HTTP_CHUNKS_MORE, TEXT("abc"), TEXT("") },
	{ TEXT(""), HTTP_CHUNKS_MORE, TEXT(""), TEXT("") }, { TEXT("g\r\n"), HTTP_CHUNKS_BAD, TEXT(""), TEXT("\r\n") },
	{ TEXT("-1\r\n"), HTTP_CHUNKS_BAD, TEXT(""), TEXT("1\r\n") },
	{ TEXT("+1\r\n"), HTTP_CHUNKS_BAD, TEXT(""), TEXT("1\r\n") },
	{ TEXT("0x1\r\na"), HTTP_CHUNKS_BAD, TEXT(""), TEXT("1\r\na") },
	{ TEXT(" 1\r\na"), HTTP_CHUNKS_BAD, TEXT(""), TEXT("1\r\na") },
	{ TEXT("1 \r\na"), HTTP_CHUNKS_BAD, TEXT(""), TEXT("\r\na") },
	{ TEXT("\r\n"), HTTP_CHUNKS_BAD, TEXT(""), TEXT("\n") },
	{ TEXT(";x\r\n"), HTTP_CHUNKS_BAD, TEXT(""), TEXT("x\r\n") },
	{ TEXT("1\na\r\n"), HTTP_CHUNKS_BAD, TEXT(""), TEXT("a\r\n") },
	{ TEXT("1\ra\r\n"), HTTP_CHUNKS_BAD, TEXT(""), TEXT("\r\n") },
	{ TEXT("1;a\nb\r\n"), HTTP_CHUNKS_BAD, TEXT(""), TEXT("b\r\n") },
	{ TEXT("1;\0\r\n"), HTTP_CHUNKS_BAD, TEXT(""), TEXT("\r\n") },
	{ TEXT("1\r\nab\r\n"), HTTP_CHUNKS_BAD, TEXT("a"), TEXT("\r\n") },
	{ TEXT("1\r\na\n0\r\n"), HTTP_CHUNKS_BAD, TEXT("a"), TEXT("0\r\n") },
	{ TEXT("1\r\na\r0\r\n"), HTTP_CHUNKS_BAD, TEXT("a"), TEXT("\r\n") },
	{ TEXT("2\r\na\r\n0\r\n\r\n"), HTTP_CHUNKS_BAD, TEXT("a\r"), TEXT("0\r\n\r\n") },
	{ TEXT("0\r\n\n"), HTTP_CHUNKS_BAD, TEXT(""), TEXT("") },
	{ TEXT("0\r\n\rx"), HTTP_CHUNKS_BAD, TEXT(""), TEXT("") },
	{ TEXT("0\r\nA: b\n\r\n"), HTTP_CHUNKS_BAD, TEXT(""), TEXT("\r\n") },
	{ TEXT("0\r\nA: b\rx"), HTTP_CHUNKS_BAD, TEXT(""), TEXT("") },
	{ TEXT("0\r\nA: \0\r\n"), HTTP_CHUNKS_BAD, TEXT(""), TEXT("\r\n") },
	{ TEXT("10000000000000000\r\n"), HTTP_CHUNKS_BAD, TEXT(""), TEXT("\r\n") },
	{ TEXT("ffffffffffffffffffff\r\n"), HTTP_CHUNKS_BAD, TEXT(""), TEXT("fff\r\n") },
	{ TEXT("ffffffffffffffff\r\nx"), HTTP_CHUNKS_MORE, TEXT(""), TEXT("\nx") }, /* too large */
};

static int feed_pieces(struct slice in, size_t step, struct buf *body, size_t max, size_t *left)
{
	struct http_chunks c = { 0 };
	int result = HTTP_CHUNKS_MORE;

	*left = 0;
	for (size_t n; in.size && result == HTTP_CHUNKS_MORE && *left == 0; in = slice_from(in, n)) {
		char *copy;
		struct slice piece;

		n = step < in.size ? step : in.size;
		copy = copy_of(slice_first(in, n));
		piece = slice_of(copy, n);
		result = http_chunks_feed(&c, &piece, body, max);
		*left = piece.size;
		free(copy);
	}
	*left += in.size;
	return result;
}

START_TEST(chunks_are_read)
{
	for (size_t step = 1; step <= chunked[_i].in.size; step++) {
		struct buf body = BUF_INIT;
		size_t left;

		ck_assert_int_eq(feed_pieces(chunked[_i].in, step, &body, 1000, &left), chunked[_i].result);
		assert_slice(buf_slice(&body), chunked[_i].body);
		ck_assert_uint_eq(left, chunked[_i].rest.size);
		buf_fini(&body);
	}
}
END_TEST

START_TEST(chunks_have_a_final_answer)
{
	struct http_chunks c = { 0 };
	struct slice in = SLICE("0\r\n\r\n0\r\n\r\n");
	struct buf body = BUF_INIT;

	ck_assert_int_eq(http_chunks_feed(&c, &in, &body, 10), HTTP_CHUNKS_END);
	ck_assert_int_eq(http_chunks_feed(&c, &in, &body, 10), HTTP_CHUNKS_END);
	ck_assert_uint_eq(in.size, 5);
	c = (struct http_chunks){ 0 };
	in = SLICE("z0\r\n\r\n");
	ck_assert_int_eq(http_chunks_feed(&c, &in, &body, 10), HTTP_CHUNKS_BAD);
	ck_assert_int_eq(http_chunks_feed(&c, &in, &body, 10), HTTP_CHUNKS_BAD);
	buf_fini(&body);
}
END_TEST

START_TEST(chunked_bodies_are_limited)
{
	static const char text[] = "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";

	for (size_t step = 1; step < sizeof(text); step++) {
		struct buf body = BUF_INIT;
		size_t left;

		ck_assert_int_eq(feed_pieces(slice_str(text), step, &body, 5, &left), HTTP_CHUNKS_END);
		assert_slice(buf_slice(&body), SLICE("abcde"));
		buf_clear(&body);
		ck_assert_int_eq(feed_pieces(slice_str(text), step, &body, 4, &left), HTTP_CHUNKS_MORE);
		assert_slice(buf_slice(&body), SLICE("abc"));
		ck_assert_uint_eq(left, sizeof("\nde\r\n0\r\n\r\n") - 1);
		buf_clear(&body);
		ck_assert_int_eq(feed_pieces(slice_str(text), step, &body, 0, &left), HTTP_CHUNKS_MORE);
		ck_assert_uint_gt(left, 0);
		buf_fini(&body);
	}
}
END_TEST

/* Bytes that carry nothing: `before`, then n times `fill`, then `after`. */
static const struct {
	const char *before, *fill, *after;
	size_t fixed; /* idle bytes in before and after */
} idle[] = {
	{ "1;", "x", "\r\na\r\n0\r\n\r\n", 2 }, /* an extension; ';' and the last '0' count */
	{ "0\r\nA: ", "x", "\r\n\r\n", 4 },     /* a trailer */
	{ "", "0", "1\r\na\r\n0\r\n\r\n", 1 },  /* leading zeros */
	{ "", "1;\r\na\r\n", "0\r\n\r\n", 1 },  /* a little with every chunk */
	{ "0\r\n", "A\r\n", "\r\n", 1 },        /* many trailers */
};

START_TEST(idle_bytes_are_limited)
{
	for (size_t n = 4096 - idle[_i].fixed; n < 4099 - idle[_i].fixed; n++) {
		struct buf text = BUF_INIT, body = BUF_INIT;
		size_t left;
		bool fits = n + idle[_i].fixed <= 4096;

		buf_add_str(&text, idle[_i].before);
		for (size_t i = 0; i < n; i++)
			buf_add_str(&text, idle[_i].fill);
		buf_add_str(&text, idle[_i].after);
		ck_assert_int_eq(feed_pieces(buf_slice(&text), 1000, &body, 100000, &left),
			fits ? HTTP_CHUNKS_END : HTTP_CHUNKS_BAD);
		buf_fini(&text);
		buf_fini(&body);
	}
}
END_TEST

/* Queries and cookies. */

static const struct {
	const char *query, *pairs; /* name>value| for each */
} queries[] = {
	{ "", "" },
	{ "a=1", "a>1|" },
	{ "EIO=4&transport=polling&t=abc", "EIO>4|transport>polling|t>abc|" },
	{ "a", "a>|" },
	{ "a=", "a>|" },
	{ "=b", ">b|" },
	{ "a=b=c", "a>b=c|" },
	{ "&&a=1&&b=2&", "a>1|b>2|" },
	{ "a=%20+&%61=1", "a>%20+|%61>1|" },
	{ "a;b=1", "a;b>1|" },
};

START_TEST(queries_are_walked)
{
	struct slice query = slice_str(queries[_i].query), name, value;
	struct buf out = BUF_INIT;

	while (http_query_next(&query, &name, &value))
		buf_printf(&out, "%.*s>%.*s|", SLICE_ARG(name), SLICE_ARG(value));
	assert_slice(buf_slice(&out), slice_str(queries[_i].pairs));
	query = (struct slice){ 0 };
	ck_assert(!http_query_next(&query, &name, &value));
	buf_fini(&out);
}
END_TEST

START_TEST(the_last_value_of_a_query_counts)
{
	struct slice query = SLICE("sid=1&transport=a&sid=2&x&sid=");

	assert_slice(http_query_get(query, "sid"), SLICE(""));
	ck_assert_ptr_nonnull(http_query_get(query, "sid").at);
	assert_slice(http_query_get(query, "transport"), SLICE("a"));
	ck_assert_ptr_nonnull(http_query_get(query, "x").at);
	ck_assert_ptr_null(http_query_get(query, "SID").at);
	ck_assert_ptr_null(http_query_get(query, "s").at);
	ck_assert_ptr_null(http_query_get((struct slice){ 0 }, "sid").at);
}
END_TEST

static const struct {
	struct slice text;
	bool plus;
	int answer;
	struct slice out;
} escapes[] = {
	{ TEXT(""), false, 0, TEXT("") },
	{ TEXT("abc"), false, 0, TEXT("abc") },
	{ TEXT("a%20b"), false, 0, TEXT("a b") },
	{ TEXT("%c3%A9%00"), false, 0, TEXT("\xc3\xa9\0") },
	{ TEXT("a+b"), false, 0, TEXT("a+b") },
	{ TEXT("a+b%2B"), true, 0, TEXT("a b+") },
	{ TEXT("%25%32%30"), false, 0, TEXT("%20") },
	{ TEXT("%"), false, -1, TEXT("") },
	{ TEXT("a%2"), false, -1, TEXT("a") },
	{ TEXT("a%zz"), false, -1, TEXT("a") },
	{ TEXT("a%2g"), false, -1, TEXT("a") },
	{ TEXT("%u0041"), false, -1, TEXT("") },
	{ TEXT("%+1"), false, -1, TEXT("") },
};

START_TEST(escapes_are_decoded)
{
	char *copy = copy_of(escapes[_i].text);
	struct buf out = BUF_INIT;

	ck_assert_int_eq(
		http_unescape(&out, slice_of(copy, escapes[_i].text.size), escapes[_i].plus), escapes[_i].answer);
	assert_slice(buf_slice(&out), escapes[_i].out);
	buf_fini(&out);
	free(copy);
}
END_TEST

static const struct {
	const char *headers, *name, *value; /* NULL: none */
} cookies[] = {
	{ "Cookie: io=abc\r\n", "io", "abc" },
	{ "Cookie: a=1; io=abc; b=2\r\n", "io", "abc" },
	{ "Cookie: a=1;io=abc\r\n", "io", "abc" },
	{ "Cookie: io=\"abc\"\r\n", "io", "abc" },
	{ "Cookie: io=\"\r\n", "io", "\"" },
	{ "Cookie: io=\r\n", "io", "" },
	{ "Cookie: io=a=b\r\n", "io", "a=b" },
	{ "Cookie: io=1; io=2\r\n", "io", "1" },
	{ "Cookie: a=1\r\nX: y\r\ncookie: io=2\r\n", "io", "2" },
	{ "Cookie: IO=1\r\n", "io", NULL },
	{ "Cookie: xio=1\r\n", "io", NULL },
	{ "Cookie: io\r\n", "io", NULL },
	{ "Cookie: ;; ;\r\n", "io", NULL },
	{ "Cookie:\r\n", "io", NULL },
	{ "", "io", NULL },
};

START_TEST(cookies_are_found)
{
	struct http_head head;
	struct http_refusal refusal;
	struct slice value;
	size_t scanned = 0;
	char text[256];

	snprintf(text, sizeof(text), "GET / HTTP/1.0\r\n%s\r\n", cookies[_i].headers);
	ck_assert_int_gt(http_head_parse(slice_str(text), &roomy, &scanned, &head, &refusal), 0);
	value = http_cookie_get(&head, slice_str(cookies[_i].name));
	ck_assert_int_eq(value.at != NULL, cookies[_i].value != NULL);
	assert_slice(value, slice_str(cookies[_i].value));
}
END_TEST

/* Answers. */

START_TEST(answers_are_written)
{
	struct buf b = BUF_INIT;

	http_put_status(&b, 200);
	http_put_header(&b, "Content-Type", SLICE("text/plain; charset=UTF-8"));
	http_put_length(&b, UINT64_MAX);
	http_put_header(&b, "X", SLICE("a\r\nSet-Cookie: b\0\n"));
	http_put_header(&b, "Empty", (struct slice){ 0 });
	buf_add_str(&b, "\r\n");
	assert_slice(buf_slice(&b), SLICE("HTTP/1.1 200 OK\r\n"
					  "Content-Type: text/plain; charset=UTF-8\r\n"
					  "Content-Length: 18446744073709551615\r\n"
					  "X: aSet-Cookie: b\r\n"
					  "Empty: \r\n"
					  "\r\n"));
	buf_fini(&b);
	ck_assert_str_eq(http_status_text(431), "Request Header Fields Too Large");
	ck_assert_str_eq(http_status_text(299), "Unknown");
}
END_TEST

/* Every refusal has a text, and every text stands under one number. */
START_TEST(statuses_have_texts)
{
	for (int i = 0; i < COUNT(bad); i++)
		ck_assert_str_ne(http_status_text(bad[i].status), "Unknown");
	for (int a = 100; a < 600; a++)
		for (int b = 100; b < a; b++)
			if (strcmp(http_status_text(a), http_status_text(b)) == 0)
				ck_assert_str_eq(http_status_text(a), "Unknown");
}
END_TEST

static const struct {
	int64_t wall_ms;
	const char *text;
} dates[] = {
	{ 784111777000, "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n" },
	{ 0, "Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n" },
	{ 951782400999, "Date: Tue, 29 Feb 2000 00:00:00 GMT\r\n" },
	{ 1798761599000, "Date: Thu, 31 Dec 2026 23:59:59 GMT\r\n" },
	{ 4102444800000, "Date: Fri, 01 Jan 2100 00:00:00 GMT\r\n" },
};

START_TEST(dates_are_written)
{
	struct buf b = BUF_INIT;

	http_put_date(&b, dates[_i].wall_ms);
	assert_slice(buf_slice(&b), slice_str(dates[_i].text));
	buf_fini(&b);
}
END_TEST

static void add_heads(TCase *c)
{
	tcase_set_timeout(c, 60);
	tcase_add_loop_test(c, good_heads_are_understood, 0, COUNT(good));
	tcase_add_loop_test(c, good_heads_leave_what_follows, 0, COUNT(good));
	tcase_add_loop_test(c, good_heads_may_come_in_pieces, 0, COUNT(good));
	tcase_add_loop_test(c, good_heads_cut_short_are_partial, 0, COUNT(good));
	tcase_add_loop_test(c, good_heads_with_a_wrong_byte_are_judged_alike, 0, COUNT(good));
	tcase_add_loop_test(c, bad_heads_are_refused, 0, COUNT(bad));
	tcase_add_loop_test(c, bad_heads_cut_short_are_never_good, 0, COUNT(bad));
	tcase_add_test(c, every_byte_of_a_target_is_seen);
	tcase_add_test(c, targets_of_all_sizes_are_seen);
	tcase_add_test(c, every_byte_of_a_value_is_seen);
	tcase_add_test(c, headers_are_noted);
	tcase_add_test(c, request_lines_are_limited);
	tcase_add_test(c, heads_are_limited);
	tcase_add_test(c, header_counts_are_limited);
	tcase_add_test(c, methods_are_limited);
	tcase_add_test(c, slow_heads_cost_linear_time);
	tcase_add_test(c, headers_are_found_in_any_case);
	tcase_add_loop_test(c, lists_are_searched, 0, COUNT(lists));
}

static void add_the_rest(TCase *c)
{
	tcase_add_loop_test(c, chunks_are_read, 0, COUNT(chunked));
	tcase_add_test(c, chunks_have_a_final_answer);
	tcase_add_test(c, chunked_bodies_are_limited);
	tcase_add_loop_test(c, idle_bytes_are_limited, 0, COUNT(idle));
	tcase_add_loop_test(c, queries_are_walked, 0, COUNT(queries));
	tcase_add_test(c, the_last_value_of_a_query_counts);
	tcase_add_loop_test(c, escapes_are_decoded, 0, COUNT(escapes));
	tcase_add_loop_test(c, cookies_are_found, 0, COUNT(cookies));
	tcase_add_test(c, answers_are_written);
	tcase_add_test(c, statuses_have_texts);
	tcase_add_loop_test(c, dates_are_written, 0, COUNT(dates));
}

Suite *suite(void)
{
	Suite *s = suite_create("http1");
	TCase *heads = tcase_create("heads"), *rest = tcase_create("bodies, queries, answers");

	add_heads(heads);
	add_the_rest(rest);
	suite_add_tcase(s, heads);
	suite_add_tcase(s, rest);
	return s;
}
