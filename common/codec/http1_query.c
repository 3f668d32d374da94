/* http1_query.c - what a request says in its headers, query and cookies; see http1.h. */
#include "http1.h"

#include "http1_text.h"

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

bool http_query_next(struct slice *query, struct slice *name, struct slice *value)
{
	while (query->size) {
		size_t end = slice_find(*query, '&'), equals;
		struct slice pair = slice_first(*query, end);

		*query = slice_from(*query, end < query->size ? end + 1 : end);
		if (pair.size == 0)
			continue;
		equals = slice_find(pair, '=');
		*name = slice_first(pair, equals);
		*value = slice_from(pair, equals < pair.size ? equals + 1 : equals);
		return true;
	}
	return false;
}

struct slice http_query_get(struct slice query, const char *name)
{
	struct slice wanted = slice_str(name), found = { 0 }, n, v;

	while (http_query_next(&query, &n, &v))
		if (slice_equal(n, wanted))
			found = v;
	return found;
}

int http_unescape(struct buf *to, struct slice text, bool plus)
{
	for (size_t i = 0; i < text.size; i++) {
		char c = text.at[i];

		if (c == '%') {
			int high = i + 2 < text.size ? http_hex_value(text.at[i + 1]) : -1;
			int low = i + 2 < text.size ? http_hex_value(text.at[i + 2]) : -1;

			if (high < 0 || low < 0)
				return -1;
			c = (char)(high << 4 | low);
			i += 2;
		} else if (c == '+' && plus) {
			c = ' ';
		}
		buf_add_char(to, c);
	}
	return 0;
}

static struct slice unquote(struct slice s)
{
	if (s.size >= 2 && s.at[0] == '"' && s.at[s.size - 1] == '"')
		return slice_of(s.at + 1, s.size - 2);
	return s;
}

static struct slice cookie_in(struct slice cookies, struct slice name)
{
	while (cookies.size) {
		size_t end = slice_find(cookies, ';');
		struct slice pair = http_trim(slice_first(cookies, end));
		size_t equals = slice_find(pair, '=');

		if (equals < pair.size && slice_equal(slice_first(pair, equals), name))
			return unquote(slice_from(pair, equals + 1));
		cookies = slice_from(cookies, end < cookies.size ? end + 1 : end);
	}
	return (struct slice){ 0 };
}

struct slice http_cookie_get(const struct http_head *head, struct slice name)
{
	struct slice found = { 0 };

	for (size_t i = 0; i < head->n_headers && found.at == NULL; i++)
		if (slice_equal_nocase(head->headers[i].name, SLICE("Cookie")))
			found = cookie_in(head->headers[i].value, name);
	return found;
}
