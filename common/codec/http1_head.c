/*
 * http1_head.c - the heads of requests; see http1.h.
 *
 * Two passes. http_scan() looks at every byte once, whatever the pieces in which they come. parse_lines() then
 * understands the lines, from the first one on each time a new one is complete; as a head has few lines, that
 * repetition is bounded by their number. The passes take turns so that the first violation is the one reported, however
 * the bytes are cut.
 */
#include "http1.h"

#include "http1_scan.h"
#include "http1_text.h"

enum { MAX_METHOD_BYTES = 32 };

/* What a character is good for. */
enum { TOKEN = 1, TARGET = 2, HOST = 4 };

/* The combinations that occur: t = tokens, q = targets, h = targets and hosts, T = tokens and targets, a = everything.
 * '#' is a token's character but must never be sent in a target; a comma in Host is two hosts to some readers. Targets
 * hold what browsers leave unescaped in a query ([]{}|^"), though RFC 3986 has it escaped. Nothing above 127 is any of
 * these. */
enum { t = TOKEN, q = TARGET, h = TARGET | HOST, T = TOKEN | TARGET, a = TOKEN | TARGET | HOST };
static const unsigned char classes[256] = {
	/* clang-format off */
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, a, q, t, a, a, a, a, h, h, a, a, q, a, a, q, /*  !"#$%&'()*+,-./ */
	a, a, a, a, a, a, a, a, a, a, h, h, q, h, q, q, /* 0123456789:;<=>? */
	q, a, a, a, a, a, a, a, a, a, a, a, a, a, a, a, /* @ABCDEFGHIJKLMNO */
	a, a, a, a, a, a, a, a, a, a, a, h, q, h, T, a, /* PQRSTUVWXYZ[\]^_ */
	T, a, a, a, a, a, a, a, a, a, a, a, a, a, a, a, /* `abcdefghijklmno */
	a, a, a, a, a, a, a, a, a, a, a, q, T, q, a, 0, /* pqrstuvwxyz{|}~  */
	/* clang-format on */
};

static const struct {
	struct slice text;
	enum http_method method;
} methods[] = {
	{ { "GET", 3 }, HTTP_GET },
	{ { "POST", 4 }, HTTP_POST },
	{ { "OPTIONS", 7 }, HTTP_OPTIONS },
	{ { "HEAD", 4 }, HTTP_HEAD },
	{ { "PUT", 3 }, HTTP_PUT },
	{ { "DELETE", 6 }, HTTP_DELETE },
	{ { "PATCH", 5 }, HTTP_PATCH },
};

static bool is(char c, int class)
{
	return classes[(unsigned char)c] & class;
}

static bool all_are(struct slice s, int class)
{
	unsigned char all = 0xff;

	for (size_t i = 0; i < s.size; i++)
		all &= classes[(unsigned char)s.at[i]];
	return all & class;
}

/* Which of the bytes are not TARGET: '#' and what is outside of '!' to '~'. As signed bytes those above 127 are below. */
static http_block not_target(const char *at)
{
	http_block b = http_block_at(at);

	return (b < '!') | (b == '#') | (b == 0x7f);
}

/* The same as all_are() of targets, which are long; the last block may have bytes of the one before once more. */
static bool all_are_target(struct slice s)
{
	http_block bad = { 0 };

	if (s.size < HTTP_BLOCK)
		return all_are(s, TARGET);
	for (size_t i = 0; i + HTTP_BLOCK < s.size; i += HTTP_BLOCK)
		bad |= not_target(s.at + i);
	return !http_block_any(bad | not_target(s.at + s.size - HTTP_BLOCK));
}

static int refuse(struct http_refusal *refusal, int status, const char *reason)
{
	*refusal = (struct http_refusal){ status, reason };
	return -1;
}

/* The request line. */

/* Looks at the method before the line is complete, so that another protocol's first bytes are refused at once. */
static int check_method(struct slice line, struct http_refusal *refusal)
{
	size_t i;

	for (i = 0; i < line.size && line.at[i] != ' '; i++) {
		if (!is(line.at[i], TOKEN))
			return refuse(refusal, 400, "bad method");
		if (i == MAX_METHOD_BYTES)
			return refuse(refusal, 501, "method too long");
	}
	return i == 0 && line.size ? refuse(refusal, 400, "bad method") : 0;
}

static enum http_method method_of(struct slice text)
{
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (slice_equal(text, methods[i].text))
			return methods[i].method;
	return HTTP_OTHER;
}

static int parse_version(struct slice version, struct http_head *head, struct http_refusal *refusal)
{
	const char *v = version.at;

	if (version.size != 8 || !slice_starts(version, SLICE("HTTP/")) || v[6] != '.' || v[5] < '0' || v[5] > '9' ||
		v[7] < '0' || v[7] > '9')
		return refuse(refusal, 400, "bad request line");
	if (v[5] != '1' || v[7] > '1')
		return refuse(refusal, 505, "HTTP version not supported");
	head->minor = v[7] - '0';
	return 0;
}

static int parse_target(struct slice target, struct http_head *head, struct http_refusal *refusal)
{
	size_t end = slice_find(target, '?');

	if (!all_are_target(target))
		return refuse(refusal, 400, "bad character in target");
	if (slice_equal(target, SLICE("*")) ? head->method != HTTP_OPTIONS : target.size == 0 || target.at[0] != '/')
		return refuse(refusal, 400, "target is not in origin form");
	head->path = slice_first(target, end);
	head->query = slice_from(target, end < target.size ? end + 1 : end);
	return 0;
}

/* The method has passed check_method(). The version comes before the target: "PRI * HTTP/2.0" is a version of HTTP
 * that we do not speak, not a bad target. */
static int parse_request_line(struct slice line, struct http_head *head, struct http_refusal *refusal)
{
	size_t space = slice_find(line, ' ');
	struct slice rest;

	if (space == line.size)
		return refuse(refusal, 400, "bad request line");
	head->method_text = slice_first(line, space);
	head->method = method_of(head->method_text);
	rest = slice_from(line, space + 1);
	space = slice_find(rest, ' ');
	if (space == rest.size)
		return refuse(refusal, 400, "bad request line");
	if (parse_version(slice_from(rest, space + 1), head, refusal) < 0)
		return -1;
	return parse_target(slice_first(rest, space), head, refusal);
}

/* Headers. */

static int see_host(struct http_head *head, struct slice value, struct http_refusal *refusal)
{
	if (http_field_count(head, HTTP_F_HOST))
		return refuse(refusal, 400, "more than one Host");
	return all_are(value, HOST) ? 0 : refuse(refusal, 400, "bad Host");
}

static int see_content_length(struct http_head *head, struct slice value, struct http_refusal *refusal)
{
	int64_t n = 0;

	if (http_field_count(head, HTTP_F_CONTENT_LENGTH))
		return refuse(refusal, 400, "more than one Content-Length");
	if (head->chunked)
		return refuse(refusal, 400, "Content-Length with Transfer-Encoding");
	for (size_t i = 0; i < value.size; i++) {
		int digit = value.at[i] - '0';

		if (digit < 0 || digit > 9)
			return refuse(refusal, 400, "bad Content-Length");
		if (n > (INT64_MAX - digit) / 10)
			return refuse(refusal, 413, "Content-Length too large");
		n = n * 10 + digit;
	}
	head->content_length = n;
	return value.size ? 0 : refuse(refusal, 400, "bad Content-Length");
}

/* Codings that exist are not implemented; ones that do not are somebody's try at being read in two ways. */
static int refuse_coding(struct slice value, struct http_refusal *refusal)
{
	static const char *const codings[] = { "gzip", "deflate", "compress", "x-gzip", "x-compress" };
	struct slice first = http_trim(slice_first(value, slice_find(value, ',')));

	for (size_t i = 0; i < sizeof(codings) / sizeof(codings[0]); i++)
		if (slice_equal_nocase(first, slice_str(codings[i])))
			return refuse(refusal, 501, "transfer coding not implemented");
	return refuse(refusal, 400, "bad Transfer-Encoding");
}

static int see_transfer_encoding(struct http_head *head, struct slice value, struct http_refusal *refusal)
{
	if (head->minor == 0)
		return refuse(refusal, 400, "Transfer-Encoding in HTTP/1.0");
	if (head->content_length >= 0)
		return refuse(refusal, 400, "Content-Length with Transfer-Encoding");
	if (http_field_count(head, HTTP_F_TRANSFER_ENCODING))
		return refuse(refusal, 400, "more than one Transfer-Encoding");
	head->chunked = slice_equal_nocase(value, SLICE("chunked"));
	return head->chunked ? 0 : refuse_coding(value, refusal);
}

static int see_expect(struct http_head *head, struct slice value, struct http_refusal *refusal)
{
	if (!slice_equal_nocase(value, SLICE("100-continue")))
		return refuse(refusal, 417, "unknown expectation");
	head->expect_continue = head->minor > 0; /* an HTTP/1.0 client does not know the answer */
	return 0;
}

/* Headers that decide how the request is read; called before the header is noted. */
static int (*const rules[HTTP_FIELDS])(struct http_head *head, struct slice value, struct http_refusal *refusal) = {
	[HTTP_F_HOST] = see_host,
	[HTTP_F_CONTENT_LENGTH] = see_content_length,
	[HTTP_F_TRANSFER_ENCODING] = see_transfer_encoding,
	[HTTP_F_EXPECT] = see_expect,
};

/* By the size of their names, which are in lower case; at most two are of one size. */
enum { OF_A_SIZE = 2 };
static const struct {
	const char *name;
	enum http_field field;
} fields[][OF_A_SIZE] = {
	[4] = { { "host", HTTP_F_HOST } },
	[6] = { { "expect", HTTP_F_EXPECT }, { "origin", HTTP_F_ORIGIN } },
	[7] = { { "upgrade", HTTP_F_UPGRADE } },
	[10] = { { "connection", HTTP_F_CONNECTION }, { "user-agent", HTTP_F_USER_AGENT } },
	[12] = { { "content-type", HTTP_F_CONTENT_TYPE } },
	[14] = { { "content-length", HTTP_F_CONTENT_LENGTH } },
	[15] = { { "accept-encoding", HTTP_F_ACCEPT_ENCODING } },
	[17] = { { "transfer-encoding", HTTP_F_TRANSFER_ENCODING }, { "sec-websocket-key", HTTP_F_WEBSOCKET_KEY } },
	[21] = { { "sec-websocket-version", HTTP_F_WEBSOCKET_VERSION } },
	[22] = { { "sec-websocket-protocol", HTTP_F_WEBSOCKET_PROTOCOL } },
	[24] = { { "sec-websocket-extensions", HTTP_F_WEBSOCKET_EXTENSIONS } },
};

/* The size of the token that a line begins with. */
static size_t token_size(struct slice line)
{
	size_t i = 0;

	while (i < line.size && is(line.at[i], TOKEN))
		i++;
	return i;
}

/* Both are tokens, of one size; `lower` has letters and hyphens alone, and nothing else of a token becomes one here. */
static bool is_name(struct slice name, const char *lower)
{
	for (size_t i = 0; i < name.size; i++)
		if ((name.at[i] | 0x20) != lower[i])
			return false;
	return true;
}

static enum http_field field_of(struct slice name)
{
	if (name.size >= sizeof(fields) / sizeof(fields[0]))
		return HTTP_F_OTHER;
	for (size_t i = 0; i < OF_A_SIZE && fields[name.size][i].name; i++)
		if (is_name(name, fields[name.size][i].name))
			return fields[name.size][i].field;
	return HTTP_F_OTHER;
}

static void note_header(struct http_head *head, enum http_field field, struct slice name, struct slice value)
{
	if (head->fields[field].count++ == 0)
		head->fields[field].first = (unsigned char)head->n_headers;
	head->field_of[head->n_headers] = (unsigned char)field;
	head->headers[head->n_headers].name = name;
	head->headers[head->n_headers++].value = value;
}

static int refuse_name(struct slice line, struct http_refusal *refusal)
{
	bool colon = slice_find(line, ':') < line.size;

	return refuse(refusal, 400, colon ? "bad header name" : "header without a colon");
}

static int parse_header(struct slice line, size_t max, struct http_head *head, struct http_refusal *refusal)
{
	size_t colon = token_size(line);
	struct slice name, value;
	enum http_field field;

	if (line.at[0] == ' ' || line.at[0] == '\t')
		return refuse(refusal, 400, "folded header");
	if (head->n_headers == max)
		return refuse(refusal, 431, "too many headers");
	if (colon == 0 || colon == line.size || line.at[colon] != ':')
		return refuse_name(line, refusal);
	name = slice_first(line, colon);
	value = http_trim(slice_from(line, colon + 1));
	field = field_of(name);
	if (rules[field] && rules[field](head, value, refusal) < 0)
		return -1;
	note_header(head, field, name, value);
	return 0;
}

/* Whether any Connection header holds the token. */
static bool connection_has(const struct http_head *head, const char *token)
{
	size_t left = http_field_count(head, HTTP_F_CONNECTION);

	for (size_t i = head->fields[HTTP_F_CONNECTION].first; left; i++) {
		if (head->field_of[i] != HTTP_F_CONNECTION)
			continue;
		if (http_list_has(head->headers[i].value, token))
			return true;
		left--;
	}
	return false;
}

/* What only the whole head can tell. An Upgrade in HTTP/1.0 is ignored, as RFC 9110 7.8 demands. */
static int finish(struct http_head *head, struct http_refusal *refusal)
{
	if (head->minor > 0 && http_field_count(head, HTTP_F_HOST) == 0)
		return refuse(refusal, 400, "no Host");
	head->keep_alive = !connection_has(head, "close") && (head->minor > 0 || connection_has(head, "keep-alive"));
	head->upgrade =
		head->minor > 0 && http_field_get(head, HTTP_F_UPGRADE).size > 0 && connection_has(head, "upgrade");
	return 0;
}

/* Takes the next complete line, without its CRLF. */
static bool next_line(struct slice *lines, struct slice *line)
{
	size_t end = slice_find(*lines, '\n');

	if (end == lines->size)
		return false;
	*line = slice_first(*lines, end - 1);
	*lines = slice_from(*lines, end + 1);
	return true;
}

static int parse_lines(
	struct slice lines, const struct http_limits *limits, struct http_head *head, struct http_refusal *refusal)
{
	size_t max = limits->max_headers < HTTP_MAX_HEADERS ? limits->max_headers : HTTP_MAX_HEADERS;
	struct slice line;

	memset(head, 0, offsetof(struct http_head, field_of)); /* as many headers as are counted mean something */
	head->content_length = -1;
	if (!next_line(&lines, &line))
		return 0;
	if (parse_request_line(line, head, refusal) < 0)
		return -1;
	while (next_line(&lines, &line) && line.size)
		if (parse_header(line, max, head, refusal) < 0)
			return -1;
	return 0;
}

/* Where the request line begins, as far as the bytes tell. */
static size_t start_of(struct slice in)
{
	if (in.size == 0 || in.at[0] != '\r')
		return 0;
	return in.size == 1 ? 1 : 2;
}

int http_head_parse(struct slice in, const struct http_limits *limits, size_t *scanned, struct http_head *head,
	struct http_refusal *refusal)
{
	struct http_scan s = { .start = start_of(in), .at = *scanned };
	struct slice seen_;

	http_scan(in, limits, &s);
	if (s.at > s.start) {
		seen_ = slice_of(in.at + s.start, s.at - s.start);
		if (*scanned <= s.start + MAX_METHOD_BYTES && check_method(seen_, refusal) < 0)
			return -1;
		if (s.new_line && parse_lines(seen_, limits, head, refusal) < 0)
			return -1;
	}
	if (s.bad) {
		*refusal = s.why;
		return -1;
	}
	*scanned = s.whole ? 0 : s.at;
	if (!s.whole)
		return 0;
	return finish(head, refusal) < 0 ? -1 : (int)s.at;
}
