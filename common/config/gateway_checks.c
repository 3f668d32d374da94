/* gateway_checks.c - see gateway_checks.h. */
#include "gateway_checks.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "netaddr.h"

static bool is_port(const char *text)
{
	size_t size = strlen(text);

	return size > 0 && size <= 5 && strspn(text, "0123456789") == size && strtol(text, NULL, 10) <= 65535;
}

/* HOST:PORT, [IPv6]:PORT or :PORT. Whether the host exists is found out when it is bound. */
const char *wrong_address(const char *text)
{
	static const char wrong[] = "is not an address; write HOST:PORT, [IPV6]:PORT or :PORT";
	const char *colon = strrchr(text, ':');
	size_t host = colon ? (size_t)(colon - text) : 0;

	if (colon == NULL || !is_port(colon + 1))
		return wrong;
	if (text[0] == '[')
		return host > 2 && text[host - 1] == ']' ? NULL : wrong;
	return memchr(text, ':', host) || strpbrk(text, " /[]") ? wrong : NULL;
}

/* What https:// is followed by in an answer: nothing that ends a line or begins a path. */
const char *wrong_host(const char *text)
{
	static const char chars[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._:[]";

	return text[0] && strspn(text, chars) == strlen(text)
		       ? NULL
		       : "is not a host; write it like example.com or example.com:8443";
}

/* Beginnings of names in Redis, which other programs write too. */
const char *wrong_redis_key(const char *text)
{
	return text[0] && strlen(text) <= 100 && strpbrk(text, "# \n\r") == NULL
		       ? NULL
		       : "cannot begin names in Redis; it has 1 to 100 characters, no # and no space";
}

const char *wrong_webhook_url(const char *text)
{
	const char *host = strstr(text, "://");
	bool known = strncmp(text, "http://", 7) == 0 || strncmp(text, "https://", 8) == 0;

	return known && host[3] != '\0' && host[3] != '/' && strpbrk(text, " @#\r\n") == NULL
		       ? NULL
		       : "is no address; write it like https://app.example.com/stoa, without a user or #";
}

/* Keys are believed as they come: nobody on the way may change them. */
const char *wrong_keys_url(const char *text)
{
	static const char *const near[] = { "http://localhost", "http://127.0.0.1", "http://[::1]" };
	const char *why = wrong_webhook_url(text);

	if (why || strncmp(text, "https://", 8) == 0)
		return why;
	for (size_t i = 0; i < sizeof(near) / sizeof(*near); i++)
		if (strncmp(text, near[i], strlen(near[i])) == 0 && strchr(":/?", text[strlen(near[i])]))
			return NULL;
	return "is http:// to another machine, where keys could be changed on the way; write https://";
}

const char *wrong_jwt_key(const char *text)
{
	if (strncmp(text, "-----BEGIN ", 11) == 0)
		return "is a key in PEM and no secret; name its file as jwt_public_key_file";
	return strlen(text) >= 32 ? NULL : "is too short for a secret; it has at least 32 bytes";
}

const char *wrong_namespace(const char *text)
{
	return text[0] == '/' || strcmp(text, "*") == 0 ? NULL : "is no namespace; write it like /chat, /game-* or *";
}

/* Names in Redis are made of it (common/records). */
const char *wrong_app_name(const char *text)
{
	static const char chars[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
	size_t size = strlen(text);

	return size && size <= 40 && strspn(text, chars) == size
		       ? NULL
		       : "is no application's name; it has 1 to 40 letters, digits and _ . -";
}

const char *wrong_node_text(const char *text)
{
	return text[0] && strlen(text) <= 80 ? NULL : "is no name; it has 1 to 80 characters";
}

const char *wrong_path(const char *text)
{
	return text[0] == '/' && strpbrk(text, " ?#%") == NULL
		       ? NULL
		       : "is not a path; write it like /socket.io, without ?, # and %";
}

/* Browsers send scheme://host[:port] and nothing behind: a slash at the end would never match. */
const char *wrong_origin(const char *text)
{
	const char *host = strstr(text, "://");

	if (strcmp(text, "*") == 0 || strcmp(text, "null") == 0)
		return NULL;
	if (host == NULL || host == text || host[3] == '\0' || strpbrk(host + 3, "/?# "))
		return "is not an origin; write it like https://example.com:8443, without a path or slash behind, or *";
	return NULL;
}

static bool is_token(const char *text)
{
	for (const char *c = text; *c; c++)
		if (*c <= ' ' || *c > '~' || strchr("()<>@,;:\\\"/[]?={}", *c))
			return false;
	return text[0] != '\0';
}

const char *wrong_header_name(const char *text)
{
	return is_token(text) ? NULL : "is not the name of a header";
}

const char *wrong_method(const char *text)
{
	return is_token(text) ? NULL : "is not a method; write it like GET";
}

const char *wrong_proxy(const char *text)
{
	struct net_range ranges[NET_RANGES_MAX];

	return net_ranges_parse(slice_str(text), ranges)
		       ? NULL
		       : "is not an address; write 192.0.2.1, 10.0.0.0/8, 2001:db8::/32, loopback or private";
}

const char *wrong_cookie_name(const char *text)
{
	return is_token(text) ? NULL : "is not a cookie's name; write letters, digits and - or _";
}

const char *wrong_cookie_path(const char *text)
{
	for (const char *c = text; *c; c++)
		if (*c <= ' ' || *c > '~' || *c == ';')
			return "is not a path for a cookie; write it without blanks and ;";
	return text[0] == '/' ? NULL : "is not a path for a cookie; it begins with /";
}

const char *wrong_cookie_domain(const char *text)
{
	static const char chars[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.";

	return strspn(text, chars) == strlen(text) ? NULL : "is not a domain; write it like example.com";
}

/* A bearer key goes into a header as it stands, and is the only thing between a stranger and all clients. */
const char *wrong_key(const char *text)
{
	size_t size = strlen(text);

	for (size_t i = 0; i < size; i++)
		if (text[i] <= ' ' || text[i] > '~')
			return "is not a key; write letters, digits and signs, without blanks";
	return size < 16 ? "is too short for a key; 16 characters at least, as from: openssl rand -hex 16" : NULL;
}
