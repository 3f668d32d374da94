/* cors.c - see cors.h. */
#include "cors.h"

#include <inttypes.h>

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
bool cors_is_own(struct slice origin, const struct cors_self *self)
{
	enum scheme scheme = SCHEME_HTTP;
	struct slice port = SLICE(":80");

	if (skip_prefix(&origin, SLICE("https://"))) {
		scheme = SCHEME_HTTPS;
		port = SLICE(":443");
	} else if (!skip_prefix(&origin, SLICE("http://"))) {
		return false;
	}
	if (self->scheme != SCHEME_UNKNOWN && self->scheme != scheme)
		return false;
	return origin.size && slice_equal_nocase(without_port(origin, port), without_port(self->host, port));
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

static bool has_star(const struct config_list *allowed)
{
	for (size_t i = 0; i < allowed->count; i++)
		if (strcmp(allowed->at[i], "*") == 0)
			return true;
	return false;
}

bool cors_allows(const struct config_list *allowed, struct slice origin, const struct cors_self *self)
{
	if (origin.at == NULL || (allowed->set && allowed->count == 0))
		return true;
	if (!allowed->set)
		return cors_is_own(origin, self);
	for (size_t i = 0; i < allowed->count; i++)
		if (matches(slice_str(allowed->at[i]), origin))
			return true;
	return has_star(allowed);
}

/* What ends an item, or a line, of the configuration's. */
bool cors_is_option(struct slice origin)
{
	for (size_t i = 0; i < origin.size; i++)
		if (origin.at[i] <= ' ' || origin.at[i] > '~' || strchr(",;#*\"\\", origin.at[i]))
			return false;
	return origin.size > 0;
}

/* --- The lines of an answer ---------------------------------------------------------------------------------- */

static void put_list(struct buf *to, const char *name, const struct config_list *list)
{
	if (list->count == 0)
		return;
	buf_add_str(to, name);
	for (size_t i = 0; i < list->count; i++) {
		buf_add_str(to, i ? "," : ": ");
		buf_add_str(to, list->at[i]);
	}
	buf_add_str(to, "\r\n");
}

void cors_put(struct buf *to, const struct gateway_options *o, struct slice origin, bool allowed)
{
	const struct config_list *list = &o->cors_allowed_origins;
	bool any = !o->cors_credentials && has_star(list);

	if (!cors_is_on(list))
		return;
	if (any) {
		buf_add_str(to, "Access-Control-Allow-Origin: *\r\n");
	} else if (allowed && origin.size) {
		http_put_header(to, "Access-Control-Allow-Origin", origin);
		if (o->cors_credentials)
			buf_add_str(to, "Access-Control-Allow-Credentials: true\r\n");
	}
	if (any || (allowed && origin.size))
		put_list(to, "Access-Control-Expose-Headers", &o->cors_exposed_headers);
	if (!any)
		buf_add_str(to, "Vary: Origin\r\n");
}

enum { ASKED_MAX = 1024 }; /* bytes of Access-Control-Request-Headers that are echoed */

/* Names and commas; nothing else is echoed. */
static bool is_name_list(struct slice s)
{
	for (size_t i = 0; i < s.size; i++)
		if (s.at[i] < ' ' || s.at[i] > '~' || strchr("()<>@;:\\\"/[]?={}", s.at[i]))
			return false;
	return s.size > 0 && s.size <= ASKED_MAX;
}

static void put_allowed_headers(struct buf *to, const struct gateway_options *o, const struct http_head *head)
{
	struct slice asked = http_header_get(head, "Access-Control-Request-Headers");

	if (o->cors_allowed_headers.set) {
		put_list(to, "Access-Control-Allow-Headers", &o->cors_allowed_headers);
		return;
	}
	buf_add_str(to, "Vary: Access-Control-Request-Headers\r\n");
	if (is_name_list(asked))
		http_put_header(to, "Access-Control-Allow-Headers", asked);
}

void cors_put_preflight(struct buf *to, const struct gateway_options *o, const struct http_head *head)
{
	put_list(to, "Access-Control-Allow-Methods", &o->cors_methods);
	put_allowed_headers(to, o, head);
	if (o->cors_max_age_ms >= 1000)
		buf_printf(to, "Access-Control-Max-Age: %" PRId64 "\r\n", o->cors_max_age_ms / 1000);
}
