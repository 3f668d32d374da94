/* cors.c - see cors.h. */
#include "cors.h"

bool cors_is_on(const struct config_list *allowed)
{
	return !allowed->set || allowed->count > 0;
}

bool cors_origin_is_valid(struct slice origin)
{
	if (origin.size > CORS_ORIGIN_MAX)
		return false;
	for (size_t i = 0; i < origin.size; i++)
		if (origin.at[i] < 0x20 || origin.at[i] > 0x7e)
			return false;
	return true;
}

static bool skip_prefix(struct slice *s, struct slice prefix)
{
	if (s->size < prefix.size || !slice_equal_nocase(slice_first(*s, prefix.size), prefix))
		return false;
	*s = slice_from(*s, prefix.size);
	return true;
}

static struct slice without_port(struct slice host, struct slice port)
{
	size_t n = host.size - port.size;

	return host.size > port.size && slice_equal(slice_from(host, n), port) ? slice_first(host, n) : host;
}

/* A browser leaves the scheme's own port out of Origin, and a proxy may have put it into Host. */
static bool is_own(struct slice origin, struct slice host)
{
	struct slice port = SLICE(":80");

	if (skip_prefix(&origin, SLICE("https://")))
		port = SLICE(":443");
	else if (!skip_prefix(&origin, SLICE("http://")))
		return false;
	return origin.size && slice_equal_nocase(without_port(origin, port), without_port(host, port));
}

static bool is_host_char(char c)
{
	c = ascii_lower(c);
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
}

/* The classic walk with one point of return: a later star never needs an earlier one to take more. */
static bool matches(struct slice pattern, struct slice text)
{
	size_t p = 0, t = 0, star = SIZE_MAX, taken = 0;

	while (t < text.size) {
		if (p < pattern.size && pattern.at[p] == '*' && is_host_char(text.at[t])) {
			star = p++;
			taken = ++t;
		} else if (p < pattern.size && ascii_lower(pattern.at[p]) == ascii_lower(text.at[t]) &&
			   pattern.at[p] != '*') {
			p++;
			t++;
		} else if (star != SIZE_MAX && is_host_char(text.at[taken])) {
			p = star + 1;
			t = ++taken;
		} else {
			return false;
		}
	}
	return p == pattern.size;
}

bool cors_allows(const struct config_list *allowed, struct slice origin, struct slice host)
{
	if (origin.at == NULL || (allowed->set && allowed->count == 0))
		return true;
	if (!allowed->set)
		return is_own(origin, host);
	for (size_t i = 0; i < allowed->count; i++) {
		struct slice pattern = slice_str(allowed->at[i]);

		if (slice_equal(pattern, SLICE("*")) || matches(pattern, origin))
			return true;
	}
	return false;
}

void cors_put(struct buf *to, const struct config_list *allowed, struct slice allowed_origin, bool credentials)
{
	if (!cors_is_on(allowed))
		return;
	if (allowed_origin.size) {
		http_put_header(to, "Access-Control-Allow-Origin", allowed_origin);
		if (credentials)
			buf_add_str(to, "Access-Control-Allow-Credentials: true\r\n");
	}
	buf_add_str(to, "Vary: Origin\r\n");
}

void cors_put_preflight(struct buf *to, const struct http_head *head)
{
	struct slice asked = http_header_get(head, "Access-Control-Request-Headers");

	buf_add_str(to, "Access-Control-Allow-Methods: GET,HEAD,PUT,PATCH,POST,DELETE\r\n"
			"Vary: Access-Control-Request-Headers\r\n");
	if (asked.size)
		http_put_header(to, "Access-Control-Allow-Headers", asked);
}
