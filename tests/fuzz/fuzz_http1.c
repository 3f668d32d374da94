/*
 * fuzz_http1.c - a request from bytes of any kind. What must hold: the head parsed whole and in pieces gives one
 * answer; slices lie inside the input; a chunked body read whole and byte by byte is one body.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "http1.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(condition) \
	do { \
		if (!(condition)) { \
			fprintf(stderr, "not so: %s (line %d)\n", #condition, __LINE__); \
			abort(); \
		} \
	} while (0)

/* Small, so that inputs reach them. */
static const struct http_limits limits = { .max_head_bytes = 600, .max_line_bytes = 200, .max_headers = 12 };

struct answer {
	int n;
	struct http_head head;
	struct http_refusal refusal;
};

static struct answer parse(struct slice in, size_t step)
{
	struct answer a = { 0 };
	size_t scanned = 0, n = 0;

	do {
		n = step < in.size - n ? n + step : in.size;
		a.n = http_head_parse(slice_first(in, n), &limits, &scanned, &a.head, &a.refusal);
	} while (a.n == 0 && n < in.size);
	return a;
}

static void require_same_slice(struct slice a, struct slice b)
{
	REQUIRE(a.at == b.at && a.size == b.size);
}

static void require_same_head(const struct http_head *a, const struct http_head *b)
{
	require_same_slice(a->path, b->path);
	require_same_slice(a->query, b->query);
	REQUIRE(a->method == b->method && a->minor == b->minor && a->n_headers == b->n_headers);
	REQUIRE(a->content_length == b->content_length && a->chunked == b->chunked);
	REQUIRE(a->keep_alive == b->keep_alive && a->upgrade == b->upgrade);
	for (size_t i = 0; i < a->n_headers; i++) {
		require_same_slice(a->headers[i].name, b->headers[i].name);
		require_same_slice(a->headers[i].value, b->headers[i].value);
	}
}

static void require_same(const struct answer *a, const struct answer *b)
{
	REQUIRE(a->n == b->n);
	if (a->n < 0)
		REQUIRE(a->refusal.status == b->refusal.status && a->refusal.reason == b->refusal.reason);
	if (a->n > 0)
		require_same_head(&a->head, &b->head);
}

static void require_inside(struct slice s, struct slice in)
{
	REQUIRE(s.at >= in.at && s.size <= in.size && s.at + s.size <= in.at + in.size);
}

static void require_sane(const struct http_head *h, struct slice in)
{
	REQUIRE(in.size <= limits.max_head_bytes && h->n_headers <= limits.max_headers);
	REQUIRE(h->path.size && (h->path.at[0] == '/' || h->path.at[0] == '*'));
	REQUIRE(!h->chunked || h->content_length < 0);
	require_inside(h->path, in);
	require_inside(h->query, in);
	for (size_t i = 0; i < h->n_headers; i++) {
		require_inside(h->headers[i].name, in);
		require_inside(h->headers[i].value, in);
		REQUIRE(slice_find(h->headers[i].value, '\r') == h->headers[i].value.size);
		REQUIRE(slice_find(h->headers[i].value, '\0') == h->headers[i].value.size);
	}
}

static void look_into(const struct http_head *h)
{
	struct slice query = h->query, name, value;
	struct buf decoded = BUF_INIT;

	while (http_query_next(&query, &name, &value)) {
		http_unescape(&decoded, name, true);
		http_unescape(&decoded, value, true);
	}
	http_query_get(h->query, "sid");
	http_cookie_get(h, SLICE("io"));
	http_list_has(http_header_get(h, "Accept-Encoding"), "gzip");
	buf_fini(&decoded);
}

static int read_chunks(struct slice in, size_t step, struct buf *body)
{
	struct http_chunks c = { 0 };
	int result = HTTP_CHUNKS_MORE;
	size_t n;

	for (; in.size && result == HTTP_CHUNKS_MORE; in = slice_from(in, n)) {
		struct slice piece = slice_first(in, step < in.size ? step : in.size), rest = piece;

		result = http_chunks_feed(&c, &rest, body, 300);
		REQUIRE(body->size <= 300);
		n = piece.size - rest.size;
		if (rest.size && result == HTTP_CHUNKS_MORE)
			return -1; /* too large a body */
	}
	return result;
}

static void check_chunks(struct slice in)
{
	struct buf a = BUF_INIT, b = BUF_INIT;

	REQUIRE(read_chunks(in, in.size, &a) == read_chunks(in, 1, &b));
	REQUIRE(slice_equal(buf_slice(&a), buf_slice(&b)));
	buf_fini(&a);
	buf_fini(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = slice_of(data, size);
	struct answer whole, bytes, pieces;

	if (size == 0)
		return 0;
	whole = parse(in, size);
	bytes = parse(in, 1);
	pieces = parse(in, 1 + data[size - 1] % 31);
	require_same(&whole, &bytes);
	require_same(&whole, &pieces);
	check_chunks(in);
	if (whole.n <= 0)
		return 0;
	require_sane(&whole.head, slice_first(in, (size_t)whole.n));
	look_into(&whole.head);
	check_chunks(slice_from(in, (size_t)whole.n));
	return 0;
}
