/* api_object.c - see api_object.h. The text was checked, so finding where a value ends takes no understanding of it. */
#include "api_object.h"

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static struct slice skip_space(struct slice s)
{
	while (s.size && is_space(s.at[0]))
		s = slice_from(s, 1);
	return s;
}

struct slice json_trim(struct slice text)
{
	text = skip_space(text);
	while (text.size && is_space(text.at[text.size - 1]))
		text.size--;
	return text;
}

/* Bytes of the string that s begins with, quotes included. */
static size_t string_size(struct slice s)
{
	size_t n = 1;

	while (n < s.size && s.at[n] != '"')
		n += s.at[n] == '\\' ? 2 : 1;
	return n < s.size ? n + 1 : s.size;
}

static size_t scalar_size(struct slice s)
{
	size_t n = 0;

	while (n < s.size && s.at[n] != ',' && s.at[n] != '}' && s.at[n] != ']' && !is_space(s.at[n]))
		n++;
	return n;
}

static size_t container_size(struct slice s)
{
	size_t n = 0, depth = 0;

	do {
		char c = s.at[n];

		depth += c == '{' || c == '[';
		depth -= c == '}' || c == ']';
		n += c == '"' ? string_size(slice_from(s, n)) : 1;
	} while (depth && n < s.size);
	return n;
}

static size_t value_size(struct slice s)
{
	if (s.size == 0)
		return 0;
	if (s.at[0] == '"')
		return string_size(s);
	return s.at[0] == '{' || s.at[0] == '[' ? container_size(s) : scalar_size(s);
}

struct object_walk object_walk(struct slice text)
{
	text = skip_space(text);
	return (struct object_walk){ slice_from(text, text.size ? 1 : 0) };
}

/* Takes `size` bytes and what separates them from the next token. */
static struct slice take(struct slice *rest, size_t size)
{
	struct slice token = slice_first(*rest, size);

	*rest = skip_space(slice_from(*rest, size));
	if (rest->size && (rest->at[0] == ':' || rest->at[0] == ','))
		*rest = skip_space(slice_from(*rest, 1));
	return token;
}

bool object_next(struct object_walk *w, struct slice *key, struct slice *value)
{
	w->rest = skip_space(w->rest);
	if (w->rest.size == 0 || w->rest.at[0] != '"')
		return false;
	*key = take(&w->rest, string_size(w->rest));
	*value = take(&w->rest, value_size(w->rest));
	return true;
}
