/* redis_url.c - see redis_url.h. */
#include "redis_url.h"

#include <stdlib.h>

#include "alloc.h"

static const char bad_percent[] = "a % in it is not followed by two hexadecimal digits; write a % itself as %25";

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = ascii_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Percent-decoded, on the heap; NULL: it cannot be. %00 cannot, as nothing that takes these takes a NUL. */
static char *decode(struct slice text)
{
	char *out = must_alloc(text.size + 1), *to = out;

	for (size_t i = 0; i < text.size; i++) {
		int high, low;

		if (text.at[i] != '%') {
			*to++ = text.at[i];
			continue;
		}
		high = i + 2 < text.size ? hex_digit(text.at[i + 1]) : -1;
		low = i + 2 < text.size ? hex_digit(text.at[i + 2]) : -1;
		if (high < 0 || low < 0 || (high == 0 && low == 0)) {
			explicit_bzero(out, text.size + 1);
			free(out);
			return NULL;
		}
		*to++ = (char)(high * 16 + low);
		i += 2;
	}
	*to = '\0';
	return out;
}

/* Decimal digits alone, at most `max`; -1: not so. */
static int read_number(struct slice text, int max)
{
	int value = 0;

	if (text.size == 0 || text.size > 7)
		return -1;
	for (size_t i = 0; i < text.size; i++) {
		if (text.at[i] < '0' || text.at[i] > '9')
			return -1;
		value = value * 10 + (text.at[i] - '0');
	}
	return value <= max ? value : -1;
}

/* What is before the first `c` goes to `head`, what is behind it stays; false: there is none. */
static bool cut_at(struct slice *rest, char c, struct slice *head)
{
	size_t at = slice_find(*rest, c);

	if (at == rest->size)
		return false;
	*head = slice_first(*rest, at);
	*rest = slice_from(*rest, at + 1);
	return true;
}

static const char *read_user(struct slice login, struct redis_url *url)
{
	struct slice user;

	if (!cut_at(&login, ':', &user))
		return "it has a user and no password; write redis://:PASSWORD@HOST, or redis://USER:PASSWORD@HOST";
	if (slice_find(login, ':') < login.size)
		return "the password has a : in it; write that as %3A";
	if (login.size == 0)
		return "the password is empty; without one leave out everything before the @";
	url->password = decode(login);
	url->user = user.size ? decode(user) : NULL;
	if (url->password == NULL || (user.size && url->user == NULL))
		return bad_percent;
	return NULL;
}

/* Takes "user:password@" off the front, when it is there. */
static const char *take_login(struct slice *rest, struct redis_url *url)
{
	struct slice login;

	if (!cut_at(rest, '@', &login))
		return NULL;
	if (slice_find(*rest, '@') < rest->size)
		return "it has more than one @; write one that belongs to the password as %40";
	return read_user(login, url);
}

static const char *read_port(struct slice text, struct redis_url *url)
{
	url->port = read_number(text, 65535);
	return url->port > 0 ? NULL : "the port is not a number from 1 to 65535";
}

static bool is_host(struct slice host, const char *allowed)
{
	for (size_t i = 0; i < host.size; i++) {
		char c = ascii_lower(host.at[i]);

		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c && strchr(allowed, c))))
			return false;
	}
	return host.size > 0 && host.size < 256;
}

static const char *read_bracketed(struct slice rest, struct redis_url *url)
{
	struct slice host;

	rest = slice_from(rest, 1);
	if (!cut_at(&rest, ']', &host) || !is_host(host, ":.") || slice_find(host, ':') == host.size)
		return "what is in the brackets is not an IPv6 address";
	if (rest.size && rest.at[0] != ':')
		return "there is more behind the ]; a port is written [ADDRESS]:PORT";
	url->host = must_strndup(host.at, host.size);
	return rest.size ? read_port(slice_from(rest, 1), url) : NULL;
}

static const char *read_host(struct slice rest, struct redis_url *url)
{
	struct slice host = rest;
	bool has_port;

	if (rest.size == 0)
		return "the host is missing; write redis://HOST:PORT";
	if (rest.at[0] == '[')
		return read_bracketed(rest, url);
	has_port = cut_at(&rest, ':', &host);
	if (has_port && slice_find(rest, ':') < rest.size)
		return "there is more than one : in the host; write an IPv6 address in brackets";
	if (!is_host(host, "-._"))
		return "the host is not a name or an address";
	url->host = must_strndup(host.at, host.size);
	return has_port ? read_port(rest, url) : NULL;
}

static const char *read_database(struct slice text, struct redis_url *url)
{
	url->database = read_number(text, REDIS_DATABASE_MAX);
	return url->database >= 0 ? NULL : "the database is not a number";
}

static const char *parse_tcp(struct slice rest, struct redis_url *url)
{
	struct slice authority = rest;
	bool has_path = cut_at(&rest, '/', &authority);
	const char *wrong = take_login(&authority, url);

	url->port = REDIS_PORT;
	if (wrong == NULL && has_path && slice_find(rest, '@') < rest.size)
		wrong = "the password has a / in it; write that as %2F";
	if (wrong == NULL && slice_find(authority, '?') + slice_find(rest, '?') < authority.size + rest.size)
		wrong = "there are no options behind a ?; the database is written redis://HOST/DATABASE";
	if (wrong == NULL)
		wrong = read_host(authority, url);
	if (wrong == NULL && has_path && rest.size)
		wrong = read_database(rest, url);
	return wrong;
}

static const char *parse_unix(struct slice rest, struct redis_url *url)
{
	struct slice path = rest, login = { 0 };
	bool has_login = rest.size && rest.at[0] != '/' && cut_at(&rest, '@', &login);
	const char *wrong = has_login ? read_user(login, url) : NULL;
	bool has_query = cut_at(&rest, '?', &path);

	if (wrong)
		return wrong;
	if (!has_query)
		path = rest;
	if (path.size < 2 || path.at[0] != '/')
		return "the path of the socket is missing; write unix:///path/to/redis.sock";
	if (has_query && !slice_starts(rest, SLICE("db=")))
		return "the only option behind the ? is db=NUMBER";
	url->path = decode(path);
	if (url->path == NULL)
		return bad_percent;
	if (strlen(url->path) > 107) /* sun_path in unix(7) */
		return "the path of the socket is longer than 107 bytes";
	return has_query ? read_database(slice_from(rest, 3), url) : NULL;
}

static bool is_visible(struct slice text)
{
	for (size_t i = 0; i < text.size; i++)
		if (text.at[i] <= ' ' || text.at[i] > '~')
			return false;
	return true;
}

const char *redis_url_parse(const char *text, struct redis_url *url)
{
	static const struct scheme {
		struct slice prefix;
		const char *(*parse)(struct slice rest, struct redis_url *url);
		bool tls;
	} schemes[] = {
		{ { "redis://", 8 }, parse_tcp, false },
		{ { "rediss://", 9 }, parse_tcp, true },
		{ { "unix://", 7 }, parse_unix, false },
	};
	struct slice all = slice_str(text);

	*url = (struct redis_url){ 0 };
	if (all.size > REDIS_URL_MAX)
		return "it is longer than 8192 bytes";
	if (!is_visible(all))
		return "there is a blank, a control character or a letter outside ASCII in it; write that as %XX";
	if (slice_find(all, '#') < all.size)
		return "there is a # in it; write one that belongs to the password as %23";
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		if (!slice_starts(all, schemes[i].prefix))
			continue;
		url->tls = schemes[i].tls;
		return schemes[i].parse(slice_from(all, schemes[i].prefix.size), url);
	}
	return "it does not begin with redis://, rediss:// or unix://";
}

void redis_url_fini(struct redis_url *url)
{
	if (url->password)
		explicit_bzero(url->password, strlen(url->password));
	free(url->password);
	free(url->user);
	free(url->host);
	free(url->path);
	*url = (struct redis_url){ 0 };
}

static void print_login(const struct redis_url *url, struct buf *to)
{
	if (url->password)
		buf_printf(to, "%s:***@", url->user ? url->user : "");
}

void redis_url_print(const struct redis_url *url, struct buf *to)
{
	bool bracketed = url->host && strchr(url->host, ':');

	buf_add_str(to, url->path ? "unix://" : url->tls ? "rediss://" : "redis://");
	print_login(url, to);
	if (url->path)
		buf_printf(to, url->database ? "%s?db=%d" : "%s", url->path, url->database);
	else
		buf_printf(to, "%s%s%s:%d/%d", bracketed ? "[" : "", url->host ? url->host : "", bracketed ? "]" : "",
			url->port, url->database);
}
