/* tool_url.c - which gateway, and with what key. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "alloc.h"
#include "tool.h"

static const char *environment(const char *name)
{
	const char *value = getenv(name);

	return value && value[0] ? value : NULL;
}

/* The gateway's option says where it listens: ":9000" is every address. */
const char *tool_url_default(void)
{
	static char url[300];
	const char *listen = environment("STOA_INTERNAL_LISTEN");

	if (listen == NULL)
		return "http://127.0.0.1:9000";
	snprintf(url, sizeof(url), "http://%s%s", listen[0] == ':' ? "127.0.0.1" : "", listen);
	return url;
}

static bool wrong(const char *text, const char *why)
{
	tool_complain("--url %s: %s", text, why);
	return false;
}

static bool copy(char *to, size_t size, struct slice from)
{
	if (from.size >= size)
		return false;
	memcpy(to, from.at, from.size);
	to[from.size] = '\0';
	return true;
}

/* The host of "host:port", "[::1]:port" or "host", and where it ends. */
static struct slice host_of(struct slice authority, struct slice *rest)
{
	bool bracketed = authority.size && authority.at[0] == '[';
	size_t end = slice_find(authority, bracketed ? ']' : ':');
	struct slice host = slice_first(authority, end);

	*rest = slice_from(authority, bracketed && end < authority.size ? end + 1 : end);
	return bracketed ? slice_from(host, 1) : host;
}

bool tool_url_read(const char *text, struct tool_url *url)
{
	struct slice all = slice_str(text), authority, host, rest, port = SLICE("80"), path;

	if (slice_starts(all, SLICE("https://")))
		return wrong(text, "the internal listener speaks plain HTTP; reach it through a tunnel");
	if (!slice_starts(all, SLICE("http://")))
		return wrong(text, "write it like http://127.0.0.1:9000");
	all = slice_from(all, 7);
	authority = slice_first(all, slice_find(all, '/'));
	path = slice_from(all, authority.size);
	while (path.size && path.at[path.size - 1] == '/')
		path.size--;
	host = host_of(authority, &rest);
	if (rest.size > 1 && rest.at[0] == ':')
		port = slice_from(rest, 1);
	if (host.size == 0 || !copy(url->host, sizeof(url->host), host) || !copy(url->port, sizeof(url->port), port) ||
		!copy(url->path, sizeof(url->path), path))
		return wrong(text, "write it like http://127.0.0.1:9000");
	return true;
}

static const char *key_in(const char *path)
{
	static char line[1002];
	FILE *f = fopen(path, "re");

	if (f == NULL || fgets(line, sizeof(line), f) == NULL) {
		tool_complain("cannot read the key from %s: %s", path, f ? "it is empty" : strerror(errno));
		line[0] = '\0';
	}
	if (f)
		fclose(f);
	line[strcspn(line, "\r\n")] = '\0';
	return line[0] ? line : NULL;
}

static bool is_visible(const char *key)
{
	for (; *key; key++)
		if (*key <= ' ' || *key > '~')
			return false;
	return true;
}

const char *tool_key(const struct tool_args *a)
{
	const char *key = a->key ? a->key : NULL;

	if (key == NULL && a->key_file)
		return key_in(a->key_file);
	if (key == NULL)
		key = environment("STOA_API_KEY");
	if (key == NULL && environment("STOA_API_KEY_FILE"))
		return key_in(environment("STOA_API_KEY_FILE"));
	if (key == NULL)
		tool_complain("no key; set STOA_API_KEY to the gateway's api_key, or say --key-file FILE");
	else if (!is_visible(key))
		tool_complain("the key has characters that no key has");
	return key && is_visible(key) ? key : NULL;
}
