/* registry.c - looking up what STOA_APP said; setup.c is where it says it. */
#include "registry.h"

/* The names that mean something to clients' own emitters; a client refuses to send or hear them. */
static const char *const reserved[] = { "connect", "connect_error", "disconnect", "disconnecting", "newListener",
	"removeListener" };

bool app_event_is_reserved(struct slice name)
{
	for (size_t i = 0; i < sizeof(reserved) / sizeof(*reserved); i++)
		if (slice_equal(name, slice_str(reserved[i])))
			return true;
	return false;
}

bool app_server_event_is_own(struct slice name)
{
	static const char *const own[] = { "start", "handshake", "connection_error", "stop" };

	for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++)
		if (slice_equal(slice_str(own[i]), name))
			return true;
	return false;
}

void registry_init(struct stoa_app *reg, struct arena *arena, const char *const (*options)[2])
{
	*reg = (struct stoa_app){ .arena = arena, .options = options };
	reg->uses_end = &reg->uses;
}

void registry_fini(struct stoa_app *reg)
{
	struct map_node *node, *next;

	for (struct nsp *n = reg->nsps; n; n = n->next)
		map_foreach(&n->events, node, next) map_remove(&n->events, node);
}

/* --- Looking up --------------------------------------------------------------------------------------------------- */

bool registry_fits(struct pattern p, struct slice nsp)
{
	return p.is_prefix ? slice_starts(nsp, p.text) : slice_equal(nsp, p.text);
}

/* Of two that fit: an exact one before any prefix, then the longer. */
static bool pattern_beats(struct pattern a, struct pattern b)
{
	return a.is_prefix != b.is_prefix ? b.is_prefix : a.text.size > b.text.size;
}

const struct nsp *registry_nsp(const struct stoa_app *reg, struct slice nsp)
{
	const struct nsp *best = NULL;

	for (const struct nsp *n = reg->nsps; n; n = n->next)
		if (registry_fits(n->pattern, nsp) && (!best || pattern_beats(n->pattern, best->pattern)))
			best = n;
	return best;
}

struct handler registry_handler(const struct nsp *n, enum app_kind kind, struct slice name)
{
	struct map_node *node;

	switch (kind) {
	case APP_CONNECT:
		return n->connect;
	case APP_DISCONNECT:
		return n->disconnect;
	case APP_DISCONNECTING:
		return n->disconnecting;
	case APP_EVENT:
	case APP_SERVER:
		break;
	}
	node = map_find(&n->events, name);
	return node ? map_item(node, struct named, by_name)->handler : n->any;
}

void app_namespaces(const struct app *a, void (*each)(void *to, struct slice nsp), void *to)
{
	for (const struct nsp *n = a->registry.nsps; n; n = n->next)
		if (!n->pattern.is_prefix)
			each(to, n->pattern.text);
}

/* The pattern as it was given: a prefix has lost its star. */
static void tell_pattern(struct pattern p, void (*each)(void *to, struct slice pattern), void *to)
{
	struct buf text = BUF_INIT;

	buf_add_slice(&text, p.text);
	buf_add_str(&text, p.is_prefix ? "*" : "");
	if (!text.failed)
		each(to, buf_slice(&text));
	buf_fini(&text);
}

void app_patterns(const struct app *a, void (*each)(void *to, struct slice pattern), void *to)
{
	for (const struct nsp *n = a->registry.nsps; n; n = n->next)
		tell_pattern(n->pattern, each, to);
}

static bool is_told(const struct stoa_app *reg, const struct rule *r)
{
	for (const struct rule *before = reg->one_process; before != r; before = before->next)
		if (pattern_equal(before->pattern, r->pattern))
			return true;
	return false;
}

void app_patterns_of_one_process(const struct app *a, void (*each)(void *to, struct slice pattern), void *to)
{
	for (const struct rule *r = a->registry.one_process; r; r = r->next)
		if (!is_told(&a->registry, r))
			tell_pattern(r->pattern, each, to);
}

struct handler registry_server_event(const struct stoa_app *reg, struct slice name)
{
	for (const struct server_event *s = reg->server_events; s; s = s->next)
		if (slice_equal(slice_str(s->name), name))
			return s->handler;
	return (struct handler){ NULL, NULL };
}

bool registry_one_process(const struct stoa_app *reg, struct slice nsp)
{
	for (const struct rule *r = reg->one_process; r; r = r->next)
		if (registry_fits(r->pattern, nsp))
			return true;
	return false;
}

struct handler registry_error(const struct stoa_app *reg, struct slice nsp)
{
	const struct rule *best = NULL;

	for (const struct rule *r = reg->errors; r; r = r->next)
		if (registry_fits(r->pattern, nsp) && (!best || pattern_beats(r->pattern, best->pattern)))
			best = r;
	return best ? best->handler : (struct handler){ NULL, NULL };
}
