/*
 * session.c - the session of the event's client, as it will be when what the handler has noted so far is carried out.
 *
 * The host keeps it as keys and JSON texts. The first look or change in an event reads them, changes are noted as
 * effects and made here too, so that the size is known at the call.
 */
#include "internal.h"
#include "utf8.h"

#include <errno.h>

/* Both JSON text, in the event's arena. */
struct datum {
	struct slice key, json;
};

struct session_view {
	struct arena *arena;
	struct datum *at;
	size_t count, cap;
	size_t bytes; /* of all as one object */
	bool failed;
};

/* `"key":value,`; the last comma and the braces around all make one byte more. */
static size_t weight(struct slice key, struct slice json)
{
	return key.size + json.size + 2;
}

/* --- The view ----------------------------------------------------------------------------------------------------- */

static bool grow(struct session_view *v)
{
	size_t cap = v->cap ? 2 * v->cap : 8;
	struct datum *at = arena_take(v->arena, cap * sizeof(*at));

	if (at == NULL)
		return false;
	if (v->count)
		memcpy(at, v->at, v->count * sizeof(*at));
	v->at = at;
	v->cap = cap;
	return true;
}

static struct datum *find(const struct session_view *v, struct slice key)
{
	for (size_t i = 0; i < v->count; i++)
		if (slice_equal(v->at[i].key, key))
			return &v->at[i];
	return NULL;
}

/* json empty: the key goes. */
static void change(struct session_view *v, struct slice key, struct slice json)
{
	struct datum *d = find(v, key);

	if (d) {
		v->bytes -= weight(d->key, d->json);
		*d = v->at[--v->count];
	}
	if (json.size == 0)
		return;
	if (v->count == v->cap && !grow(v)) {
		v->failed = true;
		return;
	}
	v->at[v->count++] = (struct datum){ key, json };
	v->bytes += weight(key, json);
}

/* From the port: what is the host's is copied. */
static void add_copy(void *to, struct slice key, struct slice json)
{
	struct session_view *v = to;
	const char *key_copy = arena_copy(v->arena, key.at, key.size);
	const char *json_copy = arena_copy(v->arena, json.at, json.size);

	if (key_copy && json_copy)
		change(v, slice_of(key_copy, key.size), slice_of(json_copy, json.size));
	else
		v->failed = true;
}

/* NULL: no memory. */
static struct session_view *view_of(struct stoa_event *ev)
{
	const struct app_port *port = ev->app->port;

	if (ev->session == NULL) {
		ev->session = arena_zero(&ev->app->arena, sizeof(*ev->session));
		if (ev->session == NULL)
			return NULL;
		ev->session->arena = &ev->app->arena;
		port->session(port->ctx, ev->client, add_copy, ev->session);
	}
	return ev->session->failed ? NULL : ev->session;
}

/* --- The calls ---------------------------------------------------------------------------------------------------- */

struct stoa_value do_session(struct stoa_event *ev)
{
	struct session_view *v;
	struct stoa_value *pairs;

	if (ev->client == NULL)
		return value_null();
	v = view_of(ev);
	pairs = v ? arena_take(v->arena, 2 * v->count * sizeof(*pairs)) : NULL;
	for (size_t i = 0; pairs && i < v->count; i++) {
		struct slice key = json_decode_text(v->arena, v->at[i].key);
		if (key.at == NULL)
			return value_broken();
		pairs[2 * i] = value_text(key);
		pairs[2 * i + 1] = value_of_json(v->arena, v->at[i].json, 0, NULL, 0);
	}
	return pairs ? value_object(pairs, v->count) : value_broken();
}

/* What will be read back must be what every JSON of the application's must be. */
static const char *fault_of(const struct app *a, const struct payload *p)
{
	struct json_rules rules = { .max_depth = a->limits.max_json_depth, .blobs = JSON_NO_BLOBS };
	unsigned flags;

	if (p->n_blobs)
		return "a session holds no binary";
	return p->json.size ? json_check(p->json, &rules, &flags) : NULL;
}

static int encode(struct stoa_event *ev, const char *key, struct stoa_value v, struct payload *token, struct payload *p,
	const char **why)
{
	int error;

	*why = "no key";
	if (key == NULL)
		return -EINVAL;
	error = payload_of_json(ev->app, value_text(slice_str(key)), token);
	if (error == 0 && value_open(v).kind_ != VALUE_NULL)
		error = payload_of_json(ev->app, v, p);
	*why = error ? payload_fault(error) : fault_of(ev->app, p);
	return error == 0 && *why ? -EINVAL : error;
}

/* Where the session came along, all of it counts; elsewhere this key alone, and the host sees to the rest. */
static int check_size(struct stoa_event *ev, const struct payload *token, const struct payload *p, const char **why)
{
	size_t max = ev->app->limits.max_session_bytes;
	size_t bytes = p->json.size ? weight(token->json, p->json) + 1 : 1;
	struct session_view *v = ev->client ? view_of(ev) : NULL;
	const struct datum *old = v ? find(v, token->json) : NULL;

	*why = NULL;
	if (ev->client && v == NULL)
		return -ENOMEM;
	bytes += v ? v->bytes : 0;
	bytes -= old ? weight(old->key, old->json) : 0;
	*why = "the session would be larger than max_session_bytes";
	if (max == 0 || bytes <= max || p->json.size == 0)
		return 0;
	app_count(M_LIMIT_SESSION);
	return -E2BIG;
}

int do_session_put(struct stoa_event *ev, const char *key, struct stoa_value value)
{
	struct payload token, p = { .n_blobs = 0 };
	struct effect *e;
	const char *why = "not in a handler of this event";
	int error = target_event((struct stoa_target){ .from = ev }) ? 0 : -EINVAL;

	if (error)
		return call_failed(NULL, "stoa_session_put", error, why);
	error = encode(ev, key, value, &token, &p, &why);
	if (error == 0)
		error = check_size(ev, &token, &p, &why);
	if (error)
		return call_failed(ev, "stoa_session_put", error, why);
	error = effect_for("stoa_session_put", EFFECT_SESSION, (struct stoa_target){ .from = ev }, &e);
	if (error)
		return error;
	e->key = token.json;
	e->json = p.json;
	if (ev->session)
		change(ev->session, e->key, e->json);
	return job_leave(ev->app, "stoa_session_put", 0);
}
