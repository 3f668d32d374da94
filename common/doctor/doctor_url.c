/* doctor_url.c - where the server is. See doctor_internal.h. */
#include <stdio.h>
#include <string.h>

#include "doctor_internal.h"

static const struct {
	const char *scheme;
	bool secure;
} schemes[] = { { "http://", false }, { "https://", true }, { "ws://", false }, { "wss://", true } };

static bool copy(char *to, size_t size, struct slice from)
{
	if (from.size >= size)
		return false;
	if (from.size)
		memcpy(to, from.at, from.size);
	to[from.size] = '\0';
	return true;
}

/* What a request line and a Host can hold. */
static bool is_plain(struct slice text)
{
	for (size_t i = 0; i < text.size; i++)
		if (text.at[i] <= ' ' || text.at[i] > '~')
			return false;
	return true;
}

static bool is_port(const char *port)
{
	size_t size = strlen(port);

	return size > 0 && size <= 5 && strspn(port, "0123456789") == size;
}

/* "host:port", "[::1]:port" or "host". */
static bool read_authority(struct doctor_url *url, struct slice authority)
{
	bool bracketed = authority.size && authority.at[0] == '[';
	size_t end = slice_find(authority, bracketed ? ']' : ':');
	struct slice host = slice_from(slice_first(authority, end), bracketed), rest;

	rest = slice_from(authority, bracketed && end < authority.size ? end + 1 : end);
	if (rest.size == 0)
		rest = url->secure ? SLICE(":443") : SLICE(":80");
	return host.size && rest.at[0] == ':' && copy(url->host, sizeof(url->host), host) &&
	       copy(url->port, sizeof(url->port), slice_from(rest, 1)) && is_port(url->port);
}

static bool read_path(struct doctor_url *url, struct slice path)
{
	path = slice_first(path, slice_find(path, '?'));
	path = slice_first(path, slice_find(path, '#'));
	url->path_given = path.size > 1;
	if (!url->path_given)
		path = SLICE("/socket.io/");
	if (!copy(url->path, sizeof(url->path) - 1, path))
		return false;
	if (path.at[path.size - 1] != '/')
		strcat(url->path, "/");
	return true;
}

bool doctor_url_read(const char *text, struct doctor_url *url, char *why, size_t why_size)
{
	struct slice all = slice_str(text), rest = { 0 }, authority;

	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]) && rest.at == NULL; i++) {
		if (!slice_starts(all, slice_str(schemes[i].scheme)))
			continue;
		rest = slice_from(all, strlen(schemes[i].scheme));
		url->secure = schemes[i].secure;
	}
	authority = slice_first(rest, slice_find(rest, '/'));
	if (rest.at && is_plain(rest) && read_authority(url, authority) &&
		read_path(url, slice_from(rest, authority.size)))
		return true;
	snprintf(why, why_size, "%.200s is no URL of a server; write it like https://example.org", text);
	return false;
}

void doctor_url_put_host(struct buf *to, const struct doctor_url *url)
{
	bool v6 = strchr(url->host, ':') != NULL;

	buf_printf(to, "%s%s%s", v6 ? "[" : "", url->host, v6 ? "]" : "");
	if (strcmp(url->port, url->secure ? "443" : "80") != 0)
		buf_printf(to, ":%s", url->port);
}

void doctor_url_put_origin(struct buf *to, const struct doctor_url *url)
{
	buf_add_str(to, url->secure ? "https://" : "http://");
	doctor_url_put_host(to, url);
}
