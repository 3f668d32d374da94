/* api_query.c - the query of a GET as the object that a POST would have sent: ?to=a&limit=10 is {"to":"a","limit":10}. */
#include "api_internal.h"
#include "http1.h"

/* What is not text in JSON. */
static bool is_bare(struct slice name)
{
	return slice_equal(name, SLICE("limit")) || slice_equal(name, SLICE("local"));
}

/* Nothing that would be read as more than one value. */
static bool is_word(struct slice s)
{
	for (size_t i = 0; i < s.size; i++)
		if ((s.at[i] < 'a' || s.at[i] > 'z') && (s.at[i] < '0' || s.at[i] > '9'))
			return false;
	return s.size > 0;
}

static bool put_text(struct buf *json, struct slice encoded)
{
	struct buf text = BUF_INIT;
	bool put = http_unescape(&text, encoded, true) == 0 && json_encode_text(json, buf_slice(&text)) == 0;

	buf_fini(&text);
	return put;
}

static bool put_member(struct buf *json, struct slice name, struct slice value)
{
	if (json->size > 1)
		buf_add_char(json, ',');
	if (!put_text(json, name))
		return false;
	buf_add_char(json, ':');
	if (!is_bare(name) || !is_word(value))
		return put_text(json, value);
	buf_add_slice(json, value);
	return true;
}

bool api_read_query(struct api_call *c, struct slice query, struct buf *json)
{
	struct slice name, value;

	buf_add_char(json, '{');
	while (http_query_next(&query, &name, &value))
		if (!put_member(json, name, value))
			return api_fail(c, 400, NULL, "the query is not percent-encoded UTF-8");
	buf_add_char(json, '}');
	return !json->failed || api_no_memory(c);
}
