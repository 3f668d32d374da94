/* http1_write.c - the pieces of an answer's head; see http1.h. */
#include "http1.h"

#include "http1_text.h"

static const struct {
	int status;
	const char *text;
} texts[] = {
	{ 100, "Continue" },
	{ 101, "Switching Protocols" },
	{ 200, "OK" },
	{ 202, "Accepted" },
	{ 204, "No Content" },
	{ 206, "Partial Content" },
	{ 301, "Moved Permanently" },
	{ 302, "Found" },
	{ 304, "Not Modified" },
	{ 308, "Permanent Redirect" },
	{ 400, "Bad Request" },
	{ 401, "Unauthorized" },
	{ 403, "Forbidden" },
	{ 404, "Not Found" },
	{ 405, "Method Not Allowed" },
	{ 408, "Request Timeout" },
	{ 409, "Conflict" },
	{ 411, "Length Required" },
	{ 413, "Content Too Large" },
	{ 414, "URI Too Long" },
	{ 415, "Unsupported Media Type" },
	{ 416, "Range Not Satisfiable" },
	{ 417, "Expectation Failed" },
	{ 421, "Misdirected Request" },
	{ 422, "Unprocessable Content" },
	{ 426, "Upgrade Required" },
	{ 429, "Too Many Requests" },
	{ 431, "Request Header Fields Too Large" },
	{ 500, "Internal Server Error" },
	{ 501, "Not Implemented" },
	{ 502, "Bad Gateway" },
	{ 503, "Service Unavailable" },
	{ 504, "Gateway Timeout" },
	{ 505, "HTTP Version Not Supported" },
};

const char *http_status_text(int status)
{
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (texts[i].status == status)
			return texts[i].text;
	return "Unknown";
}

void http_put_status(struct buf *to, int status)
{
	if (status == 200) { /* most of them */
		buf_add_str(to, "HTTP/1.1 200 OK\r\n");
		return;
	}
	buf_add_str(to, "HTTP/1.1 ");
	buf_add_int(to, status);
	buf_add_char(to, ' ');
	buf_add_str(to, http_status_text(status));
	buf_add_str(to, "\r\n");
}

/* Size of the beginning that may stand in a header. */
static size_t fit(struct slice value)
{
	size_t i = 0;

	while (i + 8 <= value.size && !http_any_below(http_eight(value.at + i), ' '))
		i += 8;
	while (i < value.size && value.at[i] != '\r' && value.at[i] != '\n' && value.at[i] != '\0')
		i++;
	return i;
}

void http_put_header(struct buf *to, const char *name, struct slice value)
{
	buf_add_str(to, name);
	buf_add_str(to, ": ");
	while (value.size) {
		size_t n = fit(value);

		buf_add_slice(to, slice_first(value, n));
		value = slice_from(value, n < value.size ? n + 1 : n);
	}
	buf_add_str(to, "\r\n");
}

void http_put_length(struct buf *to, uint64_t content_length)
{
	buf_add_str(to, "Content-Length: ");
	buf_add_uint(to, content_length);
	buf_add_str(to, "\r\n");
}
