/*
 * http1_head.c - the heads of requests; see http1.h.
 *
 * Two passes. scan() looks at every byte once, whatever the pieces in which they come: it refuses what may not stand
 * in a head at all, and finds the ends of lines. parse_lines() then understands the lines, from the first one on each
 * time a new one is complete; as a head has few lines, that repetition is bounded by their number. The passes take
 * turns so that the first violation is the one reported, however the bytes are cut.
 */
#include "http1.h"

#include "http1_text.h"

enum { MAX_METHOD_BYTES = 32 };

/* What a character is good for. */
enum { FIELD = 1, TOKEN = 2, TARGET = 4, HOST = 8 };

/* The combinations that occur: f = field values only, t = tokens, q = targets, h = hosts, T = tokens and targets,
 * a = everything. '#' is a token's character but must never be sent in a target; a comma in Host is two hosts to some
 * readers. Targets hold what browsers leave unescaped in a query ([]{}|^"), though RFC 3986 has it escaped. */
enum {
	f = FIELD,
	t = FIELD | TOKEN,
	q = FIELD | TARGET,
	h = FIELD | TARGET | HOST,
	T = FIELD | TOKEN | TARGET,
	a = FIELD | TOKEN | TARGET | HOST
};
static const unsigned char ascii[128] = {
	/* clang-format off */
	0, 0, 0, 0, 0, 0, 0, 0, 0, f, 0, 0, 0, 0, 0, 0, /* HTAB */
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	f, a, q, t, a, a, a, a, h, h, a, a, q, a, a, q, /*  !"#$%&'()*+,-./ */
	a, a, a, a, a, a, a, a, a, a, h, h, q, h, q, q, /* 0123456789:;<=>? */
	q, a, a, a, a, a, a, a, a, a, a, a, a, a, a, a, /* @ABCDEFGHIJKLMNO */
	a, a, a, a, a, a, a, a, a, a, a, h, q, h, T, a, /* PQRSTUVWXYZ[\]^_ */
	T, a, a, a, a, a, a, a, a, a, a, a, a, a, a, a, /* `abcdefghijklmno */
	a, a, a, a, a, a, a, a, a, a, a, q, T, q, a, 0, /* pqrstuvwxyz{|}~  */
	/* clang-format on */
};

static const struct {
	const char *text;
	enum http_method method;
} methods[] = {
	{ "GET", HTTP_GET },
	{ "POST", HTTP_POST },
	{ "OPTIONS", HTTP_OPTIONS },
	{ "HEAD", HTTP_HEAD },
	{ "PUT", HTTP_PUT },
	{ "DELETE", HTTP_DELETE },
	{ "PATCH", HTTP_PATCH },
};

static bool is(char c, int class)
{
	unsigned char u = (unsigned char)c;

	return u < sizeof(ascii) ? (ascii[u] & class) != 0 : class == FIELD;
}

/* Of a class of ASCII. */
static bool all_are(struct slice s, int class)
{
	unsigned char all = 0xff, any = 0;

	for (size_t i = 0; i < s.size; i++) {
		unsigned char u = (unsigned char)s.at[i];

		any |= u;
		all &= ascii[u & 0x7f];
	}
	return (any & 0x80) == 0 && (all & class);
}

/* The same of targets, which are long: what is not TARGET is below '!', '#', DEL or above. */
static bool all_are_target(struct slice s)
{
	while (s.size >= 8) {
		uint64_t x = http_eight(s.at);

		if ((x & HTTP_EACH(0x80)) | http_any_below(x, '!') | http_any_is(x, '#') | http_any_is(x, 0x7f))
			return false;
		s = slice_from(s, 8);
	}
	return all_are(s, TARGET);
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
		if (slice_equal(text, slice_str(methods[i].text)))
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

/* In lower case, the shortest first. */
static const struct {
	struct slice name;
	enum http_field field;
} fields[] = {
	{ { "host", 4 }, HTTP_F_HOST },
	{ { "expect", 6 }, HTTP_F_EXPECT },
	{ { "origin", 6 }, HTTP_F_ORIGIN },
	{ { "upgrade", 7 }, HTTP_F_UPGRADE },
	{ { "connection", 10 }, HTTP_F_CONNECTION },
	{ { "user-agent", 10 }, HTTP_F_USER_AGENT },
	{ { "content-type", 12 }, HTTP_F_CONTENT_TYPE },
	{ { "content-length", 14 }, HTTP_F_CONTENT_LENGTH },
	{ { "accept-encoding", 15 }, HTTP_F_ACCEPT_ENCODING },
	{ { "transfer-encoding", 17 }, HTTP_F_TRANSFER_ENCODING },
	{ { "sec-websocket-key", 17 }, HTTP_F_WEBSOCKET_KEY },
	{ { "sec-websocket-version", 21 }, HTTP_F_WEBSOCKET_VERSION },
	{ { "sec-websocket-protocol", 22 }, HTTP_F_WEBSOCKET_PROTOCOL },
	{ { "sec-websocket-extensions", 24 }, HTTP_F_WEBSOCKET_EXTENSIONS },
};

/* Both are tokens, of one size; `lower` has letters and hyphens alone, and nothing else of a token becomes one here. */
static bool is_name(struct slice name, struct slice lower)
{
	for (size_t i = 0; i < name.size; i++)
		if ((name.at[i] | 0x20) != lower.at[i])
			return false;
	return true;
}

static enum http_field field_of(struct slice name)
{
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]) && fields[i].name.size <= name.size; i++)
		if (fields[i].name.size == name.size && is_name(name, fields[i].name))
			return fields[i].field;
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

static int parse_header(struct slice line, size_t max, struct http_head *head, struct http_refusal *refusal)
{
	size_t colon = slice_find(line, ':');
	struct slice name, value;
	enum http_field field;

	if (line.at[0] == ' ' || line.at[0] == '\t')
		return refuse(refusal, 400, "folded header");
	if (head->n_headers == max)
		return refuse(refusal, 431, "too many headers");
	if (colon == line.size)
		return refuse(refusal, 400, "header without a colon");
	name = slice_first(line, colon);
	if (colon == 0 || !all_are(name, TOKEN))
		return refuse(refusal, 400, "bad header name");
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

/* Bytes. */

struct scan {
	size_t start;  /* of the request line: behind an empty line when there is one */
	size_t at;     /* everything before this may stand in a head */
	bool new_line; /* a line ended among the bytes that are new */
	bool whole;    /* the head ends at `at` */
	bool bad;      /* the byte at `at` is refused: */
	struct http_refusal why;
};

static void stop(struct scan *s, int status, const char *reason)
{
	s->bad = true;
	refuse(&s->why, status, reason);
}

/* The request line is too long when it goes on where its CR should be. Asked once, at that byte. */
static bool line_too_long(struct slice in, const struct scan *s, size_t max)
{
	return s->at - s->start == max && in.at[s->at] != '\r' && in.at[s->at] != '\n' &&
	       slice_find(slice_of(in.at + s->start, max), '\n') == max;
}

static void check_byte(struct slice in, const struct http_limits *limits, struct scan *s)
{
	char c = in.at[s->at];
	bool after_cr = s->at > 0 && in.at[s->at - 1] == '\r';

	if (after_cr && c != '\n')
		stop(s, 400, "bare CR");
	else if (!after_cr && c == '\n')
		stop(s, 400, "bare LF");
	else if (c != '\r' && c != '\n' && !is(c, FIELD))
		stop(s, 400, "control character");
	else if (s->at >= s->start && line_too_long(in, s, limits->max_line_bytes))
		stop(s, 414, "request line too long");
	else if (s->at >= limits->max_head_bytes)
		stop(s, 431, "head too large");
}

/* A line ends at s->at: is it the empty one behind the headers? An empty request line is for parse_lines() to refuse. */
static bool ends_head(struct slice in, const struct scan *s)
{
	return s->at >= s->start + 3 && memcmp(in.at + s->at - 3, "\r\n\r\n", 4) == 0;
}

static bool is_plain(uint64_t x)
{
	return (http_any_below(x, ' ') | http_any_is(x, 0x7f)) == 0;
}

/* Past what may stand anywhere in a line; where check_byte() has to look. Limits are asked about at their own bytes. */
static size_t skip_plain(struct slice in, const struct http_limits *limits, const struct scan *s)
{
	size_t i = s->at, end = in.size, line_end = s->start + limits->max_line_bytes;

	if (end > limits->max_head_bytes)
		end = limits->max_head_bytes;
	if (i <= line_end && end > line_end)
		end = line_end;
	if (i > 0 && in.at[i - 1] == '\r')
		return i;
	while (i + 8 <= end && is_plain(http_eight(in.at + i)))
		i += 8;
	while (i < end && is(in.at[i], FIELD))
		i++;
	return i;
}

/* The end of a line, all of it, which no limit falls into. */
static bool is_line_end(struct slice in, const struct http_limits *limits, const struct scan *s)
{
	return s->at > s->start + 1 && s->at + 1 < in.size && s->at + 1 < limits->max_head_bytes &&
	       in.at[s->at] == '\r' && in.at[s->at + 1] == '\n' && in.at[s->at - 1] != '\r';
}

static void scan(struct slice in, const struct http_limits *limits, struct scan *s)
{
	while (s->at < in.size && !s->whole) {
		s->at = skip_plain(in, limits, s);
		if (s->at == in.size)
			return;
		if (is_line_end(in, limits, s))
			s->at++;
		else
			check_byte(in, limits, s);
		if (s->bad)
			return;
		if (in.at[s->at] == '\n') {
			s->new_line = true;
			s->whole = ends_head(in, s);
		}
		s->at++;
	}
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
	struct scan s = { .start = start_of(in), .at = *scanned };
	struct slice seen_;

	scan(in, limits, &s);
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

struct slice http_header_get(const struct http_head *head, const char *name)
{
	struct slice wanted = slice_str(name);

	for (size_t i = 0; i < head->n_headers; i++)
		if (slice_equal_nocase(head->headers[i].name, wanted))
			return head->headers[i].value;
	return (struct slice){ 0 };
}

bool http_list_has(struct slice value, const char *token)
{
	struct slice wanted = slice_str(token);

	while (value.size) {
		size_t end = slice_find(value, ',');

		if (slice_equal_nocase(http_trim(slice_first(value, end)), wanted))
			return true;
		value = slice_from(value, end < value.size ? end + 1 : end);
	}
	return false;
}
