/* doctor_answer.c - the head of an HTTP answer (RFC 9112 section 4), read leniently: it is to be told what came. See
 * doctor_internal.h. */
#include "doctor_internal.h"

void answer_fini(struct answer *a)
{
	buf_fini(&a->head);
	buf_fini(&a->body);
	a->status = 0;
}

static struct slice take_line(struct slice *rest)
{
	struct slice line = slice_first(*rest, slice_find(*rest, '\n'));

	*rest = slice_from(*rest, line.size < rest->size ? line.size + 1 : line.size);
	if (line.size && line.at[line.size - 1] == '\r')
		line.size--;
	return line;
}

/* How many bytes up to the empty line; 0: it is not there yet. */
static size_t head_size(struct slice in)
{
	struct slice rest = in;

	while (rest.size && slice_find(rest, '\n') < rest.size)
		if (take_line(&rest).size == 0)
			return in.size - rest.size;
	return 0;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* "HTTP/1.1 200 OK" */
static int status_of(struct slice line)
{
	if (line.size < 12 || !slice_starts(line, SLICE("HTTP/1.")) || line.at[8] != ' ')
		return 0;
	for (int i = 9; i < 12; i++)
		if (!is_digit(line.at[i]))
			return 0;
	return (line.at[9] - '0') * 100 + (line.at[10] - '0') * 10 + line.at[11] - '0';
}

long answer_read_head(struct answer *a, struct slice in)
{
	static const struct slice begin = { "HTTP/1.", 7 };
	size_t size, known = in.size < begin.size ? in.size : begin.size;
	struct slice rest;

	if (!slice_equal(slice_first(in, known), slice_first(begin, known)))
		return -1;
	size = head_size(in);
	if (size == 0)
		return in.size > DOCTOR_HEAD_MAX ? -1 : 0;
	rest = slice_first(in, size);
	a->status = status_of(take_line(&rest));
	buf_clear(&a->head);
	buf_add_slice(&a->head, rest);
	return a->status && size <= DOCTOR_HEAD_MAX ? (long)size : -1;
}

static struct slice trimmed(struct slice s)
{
	while (s.size && (s.at[0] == ' ' || s.at[0] == '\t'))
		s = slice_from(s, 1);
	while (s.size && (s.at[s.size - 1] == ' ' || s.at[s.size - 1] == '\t'))
		s.size--;
	return s;
}

struct slice answer_header(const struct answer *a, const char *name)
{
	struct slice rest = buf_slice(&a->head);

	while (rest.size) {
		struct slice line = take_line(&rest);
		size_t colon = slice_find(line, ':');

		if (colon < line.size && slice_equal_nocase(slice_first(line, colon), slice_str(name)))
			return trimmed(slice_from(line, colon + 1));
	}
	return (struct slice){ 0 };
}
