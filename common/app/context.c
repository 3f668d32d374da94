/* context.c - what happened: whose event it is, its arguments, and how the client came. */
#include "http1.h"
#include "internal.h"
#include "utf8.h"

void *context_ctx(struct stoa_event *ev)
{
	return ev->ctx;
}

const char *context_sid(struct stoa_event *ev)
{
	return ev->sid;
}

const char *context_nsp(struct stoa_event *ev)
{
	return ev->nsp;
}

const char *context_name(struct stoa_event *ev)
{
	return ev->name;
}

const char *context_reason(struct stoa_event *ev)
{
	return ev->in ? ev->in->reason : NULL;
}

int context_status(struct stoa_event *ev)
{
	return ev->status;
}

const char *context_error(struct stoa_event *ev)
{
	return ev->error;
}

/* A gateway runs an event once; behind a broker it may have been begun before. */
int context_attempt(struct stoa_event *ev)
{
	int attempt = ev->in ? ev->in->attempt : ev->request ? ev->request->attempt : 1;

	return attempt > 1 ? attempt : 1;
}

static const struct app_handshake *handshake_of(struct stoa_event *ev)
{
	if (ev->request)
		return ev->request->handshake;
	return ev->client ? ev->client->handshake : NULL;
}

const char *context_address(struct stoa_event *ev)
{
	const struct app_handshake *h = handshake_of(ev);

	return h ? h->address : NULL;
}

const char *context_transport(struct stoa_event *ev)
{
	if (ev->request)
		return ev->request->transport;
	return ev->client ? ev->client->transport : NULL;
}

bool context_recovered(struct stoa_event *ev)
{
	return ev->client && ev->client->recovered;
}

/* --- Values ------------------------------------------------------------------------------------------------------- */

static struct stoa_value args_of(struct stoa_event *ev)
{
	struct arena *arena = &ev->app->arena;
	const struct answer *answer = ev->answer;

	if (answer && answer->encoding == VALUE_MSGPACK)
		return value_of_msgpack_items(arena, answer->items);
	if (answer)
		return value_of_items(arena, answer->items, answer->flags, answer->blobs, answer->n_blobs);
	if (ev->in == NULL || (ev->in->kind != APP_EVENT && ev->in->kind != APP_SERVER))
		return value_array(NULL, 0);
	if (ev->app->encoding == VALUE_MSGPACK)
		return value_of_msgpack_items(arena, ev->in->items);
	return value_of_items(arena, ev->in->items, ev->in->flags, ev->in->blobs, ev->in->n_blobs);
}

struct stoa_value event_args(struct stoa_event *ev)
{
	if (!ev->has_args)
		ev->args = args_of(ev);
	ev->has_args = true;
	return ev->args;
}

/* An object that the host has as text, decoded where it is looked at. */
static struct stoa_value object_of(struct stoa_event *ev, struct slice json)
{
	return json.size ? value_of_json(&ev->app->arena, json, JSON_REWRITE, NULL, 0) : value_object(NULL, 0);
}

struct stoa_value context_auth(struct stoa_event *ev)
{
	if (!ev->has_auth)
		ev->auth = object_of(ev, ev->client ? ev->client->auth : slice_of(NULL, 0));
	ev->has_auth = true;
	return ev->auth;
}

struct stoa_value context_claims(struct stoa_event *ev)
{
	if (!ev->has_claims)
		ev->claims = object_of(ev, ev->client ? ev->client->claims : slice_of(NULL, 0));
	ev->has_claims = true;
	return ev->claims;
}

/* --- The handshake ------------------------------------------------------------------------------------------------ */

/* What a peer sent as text that C and JSON can carry; NULL with a NUL inside. */
static const char *plain_text(struct app *a, struct slice raw)
{
	struct buf *to = &a->scratch;

	if (slice_find(raw, '\0') != raw.size)
		return NULL;
	if (utf8_valid(raw))
		return arena_copy(&a->arena, raw.at, raw.size);
	buf_clear(to);
	utf8_mend(to, raw);
	return to->failed ? NULL : arena_copy(&a->arena, to->at, to->size);
}

/* A value with a broken escape is as it was sent. */
static struct slice unescaped(struct arena *arena, struct buf *to, struct slice value)
{
	const char *copy;

	buf_clear(to);
	if (http_unescape(to, value, true) < 0 || to->failed)
		return value;
	copy = arena_copy(arena, to->at, to->size);
	return slice_of(copy, copy ? to->size : 0);
}

const char *context_query(struct stoa_event *ev, const char *name)
{
	const struct app_handshake *h = handshake_of(ev);
	struct slice value = h ? http_query_get(h->query, name) : slice_of(NULL, 0);

	if (value.at == NULL)
		return NULL;
	return plain_text(ev->app, unescaped(&ev->app->arena, &ev->app->scratch, value));
}

/* Takes the next "name: value" line. */
static bool next_header(struct slice *lines, struct slice *name, struct slice *value)
{
	size_t end = slice_find(*lines, '\n');
	struct slice line = slice_first(*lines, end);
	size_t colon = slice_find(line, ':');

	if (lines->size == 0)
		return false;
	*lines = slice_from(*lines, end < lines->size ? end + 1 : end);
	*name = slice_first(line, colon);
	*value = colon + 2 <= line.size ? slice_from(line, colon + 2) : slice_of("", 0);
	return true;
}

const char *context_header(struct stoa_event *ev, const char *name)
{
	const struct app_handshake *h = handshake_of(ev);
	struct slice lines = h ? h->headers : slice_of(NULL, 0), key, value, all = { NULL, 0 };
	struct buf joined = BUF_INIT;
	const char *text = NULL;
	bool found = false;

	while (name && next_header(&lines, &key, &value)) {
		if (!slice_equal_nocase(key, slice_str(name)))
			continue;
		if (found)
			buf_add_str(&joined, slice_equal(key, SLICE("cookie")) ? "; " : ", ");
		buf_add_slice(&joined, value);
		found = true;
	}
	all = buf_slice(&joined);
	if (found && !joined.failed)
		text = plain_text(ev->app, all.at ? all : slice_of("", 0));
	buf_fini(&joined);
	return text;
}

static struct slice trimmed(struct slice s)
{
	while (s.size && (s.at[0] == ' ' || s.at[0] == '\t'))
		s = slice_from(s, 1);
	while (s.size && (s.at[s.size - 1] == ' ' || s.at[s.size - 1] == '\t'))
		s.size--;
	if (s.size >= 2 && s.at[0] == '"' && s.at[s.size - 1] == '"')
		s = slice_of(s.at + 1, s.size - 2);
	return s;
}

/* The value of `name` in "a=1; b=2"; at is NULL when it is not there. */
static struct slice cookie_in(struct slice header, struct slice name)
{
	while (header.size) {
		size_t end = slice_find(header, ';');
		struct slice pair = slice_first(header, end);
		size_t equals = slice_find(pair, '=');

		if (equals < pair.size && slice_equal(trimmed(slice_first(pair, equals)), name))
			return trimmed(slice_from(pair, equals + 1));
		header = slice_from(header, end < header.size ? end + 1 : end);
	}
	return slice_of(NULL, 0);
}

const char *context_cookie(struct stoa_event *ev, const char *name)
{
	const struct app_handshake *h = handshake_of(ev);
	struct slice lines = h ? h->headers : slice_of(NULL, 0), key, value, found = { NULL, 0 };

	while (name && found.at == NULL && next_header(&lines, &key, &value))
		if (slice_equal_nocase(key, SLICE("cookie")))
			found = cookie_in(value, slice_str(name));
	return found.at ? plain_text(ev->app, found) : NULL;
}
