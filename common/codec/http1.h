/*
 * http1.h - HTTP/1.1 requests, read strictly, and answers, written.
 *
 * RFC 9112 with nothing of its leniency: lines end with CRLF, no obs-fold, no white space before a colon, one
 * Content-Length of digits only, never both Content-Length and Transfer-Encoding, Host exactly once in HTTP/1.1. What
 * two readers could understand differently is refused, so nothing can be smuggled through us or past us. In detail:
 *
 *	method		a token of at most 32 characters; longer: 501
 *	target		"/path?query", visible ASCII without '#'; or "*" for OPTIONS. Absolute form ("http://host/") is
 *			for proxies and refused with 400, though RFC 9112 3.2.2 has servers accept it: it names the host
 *			a second time. Nothing is decoded or normalised here.
 *	version		HTTP/1.0 or HTTP/1.1; another number: 505
 *	Host		characters of a host and port; may be empty; may be missing in HTTP/1.0
 *	values		visible ASCII, spaces, tabs, and bytes from 0x80 up, whose encoding HTTP does not say
 *	Transfer-Encoding	"chunked", once, in HTTP/1.1; a registered coding in its place: 501; else 400
 *
 * Pure functions over bytes: no I/O, nothing global.
 */
#ifndef STOA_CODEC_HTTP1_H
#define STOA_CODEC_HTTP1_H

#include "buf.h"
#include "slice.h"

enum { HTTP_MAX_HEADERS = 101 }; /* the table's size: what the option max_headers allows, and one that a gateway adds */

enum http_method {
	HTTP_GET,
	HTTP_HEAD,
	HTTP_POST,
	HTTP_PUT,
	HTTP_DELETE,
	HTTP_OPTIONS,
	HTTP_PATCH,
	HTTP_OTHER /* any other token; CONNECT and TRACE too */
};

struct http_header {
	struct slice name, value; /* value without the white space around it */
};

/* Headers that are asked for in many requests, or more than once: noted while the head is read. */
enum http_field {
	HTTP_F_OTHER,
	HTTP_F_HOST,
	HTTP_F_EXPECT,
	HTTP_F_ORIGIN,
	HTTP_F_UPGRADE,
	HTTP_F_CONNECTION,
	HTTP_F_USER_AGENT,
	HTTP_F_CONTENT_TYPE,
	HTTP_F_CONTENT_LENGTH,
	HTTP_F_ACCEPT_ENCODING,
	HTTP_F_TRANSFER_ENCODING,
	HTTP_F_WEBSOCKET_KEY,
	HTTP_F_WEBSOCKET_VERSION,
	HTTP_F_WEBSOCKET_PROTOCOL,
	HTTP_F_WEBSOCKET_EXTENSIONS,
	HTTP_FIELDS
};

struct http_head {
	enum http_method method;
	struct slice method_text;
	struct slice path;  /* as sent, percent-encoded, begins with '/'; or "*" */
	struct slice query; /* as sent, without '?'; empty when there is none */
	int minor;          /* of HTTP/1.x */
	size_t n_headers;
	int64_t content_length; /* -1: not given */
	bool chunked;
	bool keep_alive;      /* by version and Connection */
	bool upgrade;         /* HTTP/1.1, Connection names "upgrade" and there is an Upgrade header */
	bool expect_continue; /* HTTP/1.1 and Expect: 100-continue; any other Expect is refused with 417 */
	struct {
		unsigned char count, first; /* how often it is there; where it is first */
	} fields[HTTP_FIELDS];
	unsigned char field_of[HTTP_MAX_HEADERS]; /* enum http_field of each header */
	struct http_header headers[HTTP_MAX_HEADERS];
};

struct http_limits {
	size_t max_head_bytes; /* of all that is consumed, CRLFs included; below INT_MAX. Past it: 431 */
	size_t max_line_bytes; /* of the request line, without its CRLF. Past it: 414 */
	size_t max_headers;
};

/* Why a head was refused. */
struct http_refusal {
	int status;         /* 400, 413 (a Content-Length of 2^63 or more), 414, 417, 431, 501, 505 */
	const char *reason; /* a static text, for the log */
};

/*
 * Parses a request's head. Returns the bytes consumed (> 0), 0 when more are needed, -1 when it is malformed, with
 * *refusal filled. Slices point into `in`. `in` may hold any amount of what follows. Called again with more bytes it
 * starts afresh; `scanned` (start it with 0; a success sets it back to 0) remembers how far the bytes were looked at,
 * so that a head that comes byte by byte costs no quadratic time: each byte is examined once, and lines are parsed
 * again only when one more is complete, of which there are at most max_headers + 2. Between the calls for one head the
 * bytes may move but not change.
 *
 * A violation is found as soon as its line is complete; a bad method, a bare LF or CR, a control character and each
 * limit with the very byte. So the answer is the same however the bytes are cut. *head means nothing unless the answer
 * is > 0. One empty line before the request line is passed over (RFC 9112 2.2).
 */
int http_head_parse(struct slice in, const struct http_limits *limits, size_t *scanned, struct http_head *head,
	struct http_refusal *refusal);

/* The value of the first header of that name (any case); .at is NULL when there is none. */
struct slice http_header_get(const struct http_head *head, const char *name);
/* The same of one that was noted, at once; and how many there are. */
static inline size_t http_field_count(const struct http_head *head, enum http_field field)
{
	return head->fields[field].count;
}
static inline struct slice http_field_get(const struct http_head *head, enum http_field field)
{
	return head->fields[field].count ? head->headers[head->fields[field].first].value : (struct slice){ 0 };
}
/* Without the spaces and tabs at both ends (RFC 9110's OWS). */
static inline struct slice http_trim(struct slice s)
{
	while (s.size && (s.at[0] == ' ' || s.at[0] == '\t'))
		s = slice_from(s, 1);
	while (s.size && (s.at[s.size - 1] == ' ' || s.at[s.size - 1] == '\t'))
		s.size--;
	return s;
}

/* Whether a comma-separated header value holds the token (any case). "gzip;q=1" is not "gzip". */
bool http_list_has(struct slice value, const char *token);

/* A chunked body, fed as it comes. Begins as { 0 }; owns nothing. */
struct http_chunks {
	int state_;
	uint64_t left_; /* of the chunk */
	size_t idle_;   /* bytes that carried nothing */
};
enum { HTTP_CHUNKS_MORE, HTTP_CHUNKS_END, HTTP_CHUNKS_BAD };
/* Takes bytes from the front of *in and appends the body's to `body`, at most up to max_body bytes in it: at the size
 * line of a chunk that would go beyond, it stops with HTTP_CHUNKS_MORE while *in is not empty, which is the sign of too
 * large a body. Chunk extensions are passed over, trailers are read and dropped, together within 4 KiB per body.
 * HTTP_CHUNKS_END leaves in *in what follows the body. HTTP_CHUNKS_BAD: malformed, or body->failed. Both are final. */
int http_chunks_feed(struct http_chunks *c, struct slice *in, struct buf *body, size_t max_body);

/*
 * Query strings and cookies. http_query_next() takes the next name=value from *query, still encoded; false at the end.
 * Empty pieces ("&&") are passed over, a piece without '=' is a name with an empty value. http_unescape() appends
 * decoded bytes (`plus`: '+' is a space, as in queries); -1: a '%' not followed by two hex digits, what stood before it
 * having been appended.
 */
bool http_query_next(struct slice *query, struct slice *name, struct slice *value);
int http_unescape(struct buf *to, struct slice text, bool plus);
/* The last value of `name`, still encoded; .at is NULL when it is not there. Names are compared as they stand. */
struct slice http_query_get(struct slice query, const char *name);
/* The value of the first cookie of that name over all Cookie headers; quotes around it are dropped. NULL at: none. */
struct slice http_cookie_get(const struct http_head *head, struct slice name);

/* "OK" for 200, ..; "Unknown" for what we never send. */
const char *http_status_text(int status);

/* Appends "HTTP/1.1 200 OK\r\n" */
void http_put_status(struct buf *to, int status);
/* Appends "Name: value\r\n". A CR, LF or NUL in value is a bug of the caller: such bytes are left out. */
void http_put_header(struct buf *to, const char *name, struct slice value);
void http_put_length(struct buf *to, uint64_t content_length);
void http_put_date(struct buf *to, int64_t wall_ms);       /* Date: Sun, 06 Nov 1994 08:49:37 GMT */
void http_put_date_value(struct buf *to, int64_t wall_ms); /* what stands behind the colon */
/* Of that form, which all have written for thirty years; the two older ones (RFC 9110 5.6.7) are not read. */
bool http_parse_date(struct slice text, int64_t *seconds);

#endif
