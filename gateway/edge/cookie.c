/* cookie.c - see cookie.h. The options' checks leave nothing in a value that could end it. */
#include "cookie.h"

#include <inttypes.h>

/* Indexed by enum cookie_same_site. */
static const char *const same_site[] = { "; SameSite=Lax", "; SameSite=Strict", "; SameSite=None", "" };

/* The reference's order. */
void cookie_put(struct buf *to, const struct gateway_options *o, const char *sid, bool secure)
{
	if (o->cookie == NULL)
		return;
	buf_printf(to, "Set-Cookie: %s=%s", o->cookie, sid);
	if (o->cookie_max_age_ms >= 1000)
		buf_printf(to, "; Max-Age=%" PRId64, o->cookie_max_age_ms / 1000);
	if (o->cookie_domain)
		buf_printf(to, "; Domain=%s", o->cookie_domain);
	if (o->cookie_path)
		buf_printf(to, "; Path=%s", o->cookie_path);
	buf_add_str(to, o->cookie_http_only ? "; HttpOnly" : "");
	buf_add_str(to, o->cookie_secure || secure ? "; Secure" : "");
	buf_add_str(to, same_site[o->cookie_same_site]);
	buf_add_str(to, "\r\n");
}

static bool starts_nocase(const char *text, struct slice prefix)
{
	return strlen(text) >= prefix.size && slice_equal_nocase(slice_of(text, prefix.size), prefix);
}

const char *cookie_complaint(const struct gateway_options *o)
{
	if (o->cookie == NULL)
		return NULL;
	if (o->cookie_same_site == SAME_SITE_NONE && !o->cookie_secure)
		return "browsers drop a cookie with SameSite=None unless cookie_secure is on";
	if (starts_nocase(o->cookie, SLICE("__Secure-")) && !o->cookie_secure)
		return "browsers drop a cookie named __Secure-.. unless cookie_secure is on";
	if (starts_nocase(o->cookie, SLICE("__Host-")) &&
		(!o->cookie_secure || o->cookie_domain || !o->cookie_path || strcmp(o->cookie_path, "/") != 0))
		return "browsers drop a cookie named __Host-.. unless cookie_secure is on, cookie_path is / and there "
		       "is "
		       "no cookie_domain";
	return NULL;
}
