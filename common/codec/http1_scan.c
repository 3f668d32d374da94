/* http1_scan.c - see http1_scan.h. */
#include "http1_scan.h"

#include "http1_text.h"

static void stop(struct http_scan *s, int status, const char *reason)
{
	s->bad = true;
	s->why = (struct http_refusal){ status, reason };
}

/* The request line is too long when it goes on where its CR should be. Asked once, at that byte. */
static bool line_too_long(struct slice in, const struct http_scan *s, size_t max)
{
	return s->at - s->start == max && in.at[s->at] != '\r' && in.at[s->at] != '\n' &&
	       slice_find(slice_of(in.at + s->start, max), '\n') == max;
}

/* What may stand anywhere in a line: all but control characters, of which it is the tab alone. */
static bool is_plain(char c)
{
	unsigned char u = (unsigned char)c;

	return u >= ' ' ? u != 0x7f : u == '\t';
}

static void check_byte(struct slice in, const struct http_limits *limits, struct http_scan *s)
{
	char c = in.at[s->at];
	bool after_cr = s->at > 0 && in.at[s->at - 1] == '\r';

	if (after_cr && c != '\n')
		stop(s, 400, "bare CR");
	else if (!after_cr && c == '\n')
		stop(s, 400, "bare LF");
	else if (c != '\r' && c != '\n' && !is_plain(c))
		stop(s, 400, "control character");
	else if (s->at >= s->start && line_too_long(in, s, limits->max_line_bytes))
		stop(s, 414, "request line too long");
	else if (s->at >= limits->max_head_bytes)
		stop(s, 431, "head too large");
}

/* A line ends at s->at: is it the empty one behind the headers? An empty request line is for parse_lines() to refuse. */
static bool ends_head(struct slice in, const struct http_scan *s)
{
	return s->at >= s->start + 3 && memcmp(in.at + s->at - 3, "\r\n\r\n", 4) == 0;
}

/* Of a whole block; false where a tab is or what is not ASCII, too. */
static bool is_plain_block(const char *at)
{
	http_block b = http_block_at(at);

	return !http_block_any((b < ' ') | (b == 0x7f));
}

/* Past what is plain; where check_byte() has to look. Limits are asked about at their own bytes. */
static size_t skip_plain(struct slice in, const struct http_limits *limits, const struct http_scan *s)
{
	size_t i = s->at, end = in.size, line_end = s->start + limits->max_line_bytes;

	if (end > limits->max_head_bytes)
		end = limits->max_head_bytes;
	if (i <= line_end && end > line_end)
		end = line_end;
	if (i > 0 && in.at[i - 1] == '\r')
		return i;
	while (i + HTTP_BLOCK <= end && is_plain_block(in.at + i))
		i += HTTP_BLOCK;
	while (i + 8 <= end) {
		uint64_t odd = http_any_outside(http_eight(in.at + i), ' ');

		if (odd == 0) {
			i += 8;
			continue;
		}
		i += http_first_of(odd);
		if (!is_plain(in.at[i])) /* a tab is, and what is not ASCII */
			return i;
		i++;
	}
	while (i < end && is_plain(in.at[i]))
		i++;
	return i;
}

/* The end of a line, all of it, which no limit falls into. */
static bool is_line_end(struct slice in, const struct http_limits *limits, const struct http_scan *s)
{
	return s->at > s->start + 1 && s->at + 1 < in.size && s->at + 1 < limits->max_head_bytes &&
	       in.at[s->at] == '\r' && in.at[s->at + 1] == '\n' && in.at[s->at - 1] != '\r';
}

void http_scan(struct slice in, const struct http_limits *limits, struct http_scan *s)
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
