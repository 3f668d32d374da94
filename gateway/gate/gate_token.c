/* gate_token.c - where a client's token is. See gate.h. */
#include "gate_internal.h"
#include "http1.h"
#include "json.h"

/* `Authorization: Bearer x`; some clients write the same into their auth object. */
struct slice gate_without_bearer(struct slice token)
{
	struct slice scheme = SLICE("bearer ");

	if (token.size < scheme.size || !slice_equal_nocase(slice_first(token, scheme.size), scheme))
		return token;
	token = slice_from(token, scheme.size);
	while (token.size && token.at[0] == ' ')
		token = slice_from(token, 1);
	return token;
}

/* Texts of tokens need no escapes: one that has them is none. */
static struct slice in_auth(struct gate *g, const struct client *c)
{
	static const struct json_rules rules = { .max_depth = VALUE_DEPTH_MAX, .blobs = JSON_NO_BLOBS };
	struct json_items members = json_members_of(client_auth(c), &rules);
	struct slice key, value, found = slice_of(NULL, 0);

	if (client_auth(c).size == 0)
		return found;
	while (json_members_next(&members, &key, &value))
		if (slice_equal(key, buf_slice(&g->name)))
			found = value.at[0] == '"' ? slice_of(value.at + 1, value.size - 2) : slice_of(NULL, 0);
	return members.error ? slice_of(NULL, 0) : found;
}

static struct slice in_query(struct gate *g, const struct client *c)
{
	struct slice query = session_handshake(client_session(c)).query, name, value, found = slice_of(NULL, 0);
	struct buf plain = BUF_INIT;

	while (http_query_next(&query, &name, &value))
		if (slice_equal(name, slice_str(g->options->jwt_name)))
			found = value;
	if (found.size && http_unescape(&plain, found, true) == 0 && !plain.failed)
		found = slice_of(arena_copy(&g->arena, plain.at, plain.size), plain.size);
	buf_fini(&plain);
	return found.at ? found : slice_of(NULL, 0);
}

/* The value of a header's next line of that name. */
static bool next_line(struct slice *headers, struct slice name, struct slice *value)
{
	while (headers->size) {
		size_t end = slice_find(*headers, '\n');
		struct slice line = slice_first(*headers, end);
		size_t colon = slice_find(line, ':');

		*headers = slice_from(*headers, end < headers->size ? end + 1 : end);
		if (colon + 2 > line.size || !slice_equal(slice_first(line, colon), name))
			continue;
		*value = slice_from(line, colon + 2);
		return true;
	}
	return false;
}

static struct slice in_header(struct gate *g, const struct client *c)
{
	struct slice headers = session_handshake(client_session(c)).headers, value;

	(void)g;
	if (!next_line(&headers, SLICE("authorization"), &value))
		return slice_of(NULL, 0);
	return gate_without_bearer(value).at == value.at ? slice_of(NULL, 0) : value;
}

static struct slice cookie_in(struct slice line, struct slice name)
{
	while (line.size) {
		size_t end = slice_find(line, ';'), is;
		struct slice pair = slice_first(line, end);

		line = slice_from(line, end < line.size ? end + 1 : end);
		while (pair.size && pair.at[0] == ' ')
			pair = slice_from(pair, 1);
		is = slice_find(pair, '=');
		if (is < pair.size && slice_equal(slice_first(pair, is), name))
			return slice_from(pair, is + 1);
	}
	return slice_of(NULL, 0);
}

static struct slice in_cookie(struct gate *g, const struct client *c)
{
	struct slice headers = session_handshake(client_session(c)).headers, line, found = slice_of(NULL, 0);

	while (found.size == 0 && next_line(&headers, SLICE("cookie"), &line))
		found = cookie_in(line, slice_str(g->options->jwt_name));
	return found;
}

unsigned gate_find_token(struct gate *g, const struct client *c, struct slice *token)
{
	static const struct {
		const char *name;
		struct slice (*find)(struct gate *g, const struct client *c);
	} places[] = { { "auth", in_auth }, { "query", in_query }, { "header", in_header }, { "cookie", in_cookie } };
	const struct config_list *from = &g->options->jwt_from;

	for (size_t i = 0; i < from->count; i++)
		for (size_t j = 0; j < sizeof(places) / sizeof(*places); j++) {
			if (strcmp(from->at[i], places[j].name) != 0)
				continue;
			*token = gate_without_bearer(places[j].find(g, c));
			if (token->size)
				return JWT_OK;
		}
	return TOKEN_MISSING;
}

/* "/chat", "/game-*", "*". */
static bool is_of(struct slice nsp, const char *pattern)
{
	size_t size = strlen(pattern);

	if (pattern[size - 1] == '*')
		return slice_starts(nsp, slice_of(pattern, size - 1));
	return slice_equal(nsp, slice_str(pattern));
}

bool gate_asks_in(const struct gate *g, struct slice nsp)
{
	const struct config_list *patterns = &g->options->jwt_namespaces;

	for (size_t i = 0; i < patterns->count; i++)
		if (is_of(nsp, patterns->at[i]))
			return true;
	return false;
}
