/* webhook_url.c - see webhook_url.h. */
#include "webhook_url.h"

#include <event2/http.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"

static char *join(const char *a, const char *b, const char *c)
{
	size_t size = strlen(a) + strlen(b) + strlen(c) + 1;
	char *text = must_alloc(size);

	snprintf(text, size, "%s%s%s", a, b, c);
	return text;
}

static bool take_host(const struct evhttp_uri *uri, struct webhook_url *url)
{
	const char *host = evhttp_uri_get_host(uri);
	size_t size = host ? strlen(host) : 0;
	bool brackets = size > 2 && host[0] == '[';
	int port = evhttp_uri_get_port(uri);
	char digits[16] = "";

	if (size == 0 || port == 0 || port > 65535)
		return false;
	if (port > 0)
		snprintf(digits, sizeof(digits), ":%d", port);
	url->port = port > 0 ? port : url->tls ? 443 : 80;
	url->host = brackets ? must_strndup(host + 1, size - 2) : must_strdup(host);
	url->authority = join(host, digits, "");
	return true;
}

static bool take(const struct evhttp_uri *uri, struct webhook_url *url)
{
	const char *scheme = evhttp_uri_get_scheme(uri), *path = evhttp_uri_get_path(uri),
		   *query = evhttp_uri_get_query(uri);

	if (scheme == NULL || (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0))
		return false;
	if (evhttp_uri_get_userinfo(uri) || evhttp_uri_get_fragment(uri))
		return false;
	url->tls = strcmp(scheme, "https") == 0;
	url->target = join(path && path[0] ? path : "/", query ? "?" : "", query ? query : "");
	return take_host(uri, url);
}

bool webhook_url_parse(const char *text, struct webhook_url *url, char *why, size_t why_size)
{
	struct evhttp_uri *uri = evhttp_uri_parse(text);
	bool taken;

	*url = (struct webhook_url){ .tls = false };
	taken = uri && take(uri, url);
	if (uri)
		evhttp_uri_free(uri);
	if (taken)
		return true;
	webhook_url_free(url);
	snprintf(why, why_size,
		"webhook_url: \"%s\" is none; write it like https://app.example.com/stoa, without a user or #", text);
	return false;
}

void webhook_url_free(struct webhook_url *url)
{
	free(url->host);
	free(url->authority);
	free(url->target);
	*url = (struct webhook_url){ .tls = false };
}
