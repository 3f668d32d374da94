/* setup.c - what STOA_APP says: namespaces, events, functions, tasks, options; and the first mistake in it. */
#include "registry.h"

#include "log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* The first mistake is the one to mend; later ones may only follow from it. */
static void mistake(struct stoa_app *reg, const char *call, const char *what, const char *which)
{
	if (reg->mistake[0] == '\0')
		snprintf(reg->mistake, sizeof(reg->mistake), "%s: %s%s%s%s", call, what, which ? " \"" : "",
			which ? which : "", which ? "\"" : "");
}

/* Setup has no memory to spare for handling its own lack of it. */
static void *take(struct stoa_app *reg, const char *call, size_t size)
{
	void *piece = arena_zero(reg->arena, size);

	if (piece == NULL)
		mistake(reg, call, "out of memory", NULL);
	return piece;
}

static bool is_open(struct stoa_app *reg, const char *call)
{
	if (!reg->is_open)
		log_error("setup is over", LOG_S("call", call));
	return reg->is_open;
}

static const char *pattern_fault(const char *text)
{
	const char *star;

	if (text == NULL)
		return "no namespace given";
	star = strchr(text, '*');
	if (star && star[1] != '\0')
		return "a star stands only at the end of namespace";
	if (text[0] != '/' && strcmp(text, "*") != 0)
		return "a namespace begins with a slash, not";
	return strchr(text, ',') ? "a comma cannot stand in namespace" : NULL;
}

static bool pattern_of(struct stoa_app *reg, const char *call, const char *text, struct pattern *p)
{
	const char *fault = pattern_fault(text), *copy;
	size_t size;

	if (fault) {
		mistake(reg, call, fault, text);
		return false;
	}
	size = strlen(text);
	copy = arena_copy(reg->arena, text, size);
	if (copy == NULL)
		mistake(reg, call, "out of memory", NULL);
	p->is_prefix = text[size - 1] == '*';
	p->text = slice_of(copy, size - (p->is_prefix ? 1 : 0));
	return copy != NULL;
}

static struct nsp *nsp_made(struct stoa_app *reg, struct pattern p)
{
	struct nsp *n;

	for (n = reg->nsps; n; n = n->next)
		if (pattern_equal(n->pattern, p))
			return n;
	n = take(reg, "stoa_on", sizeof(*n));
	if (n == NULL)
		return NULL;
	n->pattern = p;
	n->next = reg->nsps;
	reg->nsps = n;
	return n;
}

static struct handler *named_made(struct stoa_app *reg, struct nsp *n, const char *event)
{
	struct map_node *node = map_find(&n->events, slice_str(event));
	struct named *named;

	if (node)
		return &map_item(node, struct named, by_name)->handler;
	named = take(reg, "stoa_on", sizeof(*named));
	if (named == NULL)
		return NULL;
	named->by_name.key = slice_of(arena_copy(reg->arena, event, strlen(event)), strlen(event));
	if (named->by_name.key.at == NULL)
		return NULL;
	map_add(&n->events, &named->by_name);
	return &named->handler;
}

static struct handler *place_of_event(struct stoa_app *reg, struct nsp *n, const char *event)
{
	if (strcmp(event, "connect") == 0)
		return &n->connect;
	if (strcmp(event, "disconnecting") == 0)
		return &n->disconnecting;
	if (strcmp(event, "disconnect") == 0)
		return &n->disconnect;
	if (strcmp(event, "*") == 0)
		return &n->any;
	return named_made(reg, n, event);
}

static void place_handler(
	struct stoa_app *reg, const char *call, struct handler *place, struct handler h, const char *name)
{
	if (h.fn == NULL)
		mistake(reg, call, "no function given for", name);
	else if (place->fn)
		mistake(reg, call, "given twice:", name);
	else
		*place = h;
}

static bool event_fits(struct stoa_app *reg, const char *event)
{
	if (event == NULL) {
		mistake(reg, "stoa_on", "no event given", NULL);
		return false;
	}
	if (!app_event_is_reserved(slice_str(event)) || strcmp(event, "connect") == 0 ||
		strcmp(event, "disconnecting") == 0 || strcmp(event, "disconnect") == 0)
		return true;
	mistake(reg, "stoa_on", "no client can send the reserved event", event);
	return false;
}

void setup_on(struct stoa_app *reg, const char *nsp, const char *event, stoa_fn *fn, void *ctx)
{
	struct pattern p;
	struct nsp *n;
	struct handler *place;

	if (!is_open(reg, "stoa_on") || !event_fits(reg, event) || !pattern_of(reg, "stoa_on", nsp, &p))
		return;
	n = nsp_made(reg, p);
	place = n ? place_of_event(reg, n, event) : NULL;
	if (place)
		place_handler(reg, "stoa_on", place, (struct handler){ fn, ctx }, event);
	else
		mistake(reg, "stoa_on", "out of memory", NULL);
}

static struct rule *rule_made(struct stoa_app *reg, const char *call, const char *nsp, struct handler h)
{
	struct pattern p;
	struct rule *r;

	if (!is_open(reg, call) || !pattern_of(reg, call, nsp, &p))
		return NULL;
	r = take(reg, call, sizeof(*r));
	if (r == NULL)
		return NULL;
	r->pattern = p;
	place_handler(reg, call, &r->handler, h, nsp);
	return r->handler.fn ? r : NULL;
}

void setup_use(struct stoa_app *reg, const char *nsp, stoa_fn *fn, void *ctx)
{
	struct rule *r = rule_made(reg, "stoa_use", nsp, (struct handler){ fn, ctx });

	if (r == NULL)
		return;
	*reg->uses_end = r;
	reg->uses_end = &r->next;
}

void setup_on_error(struct stoa_app *reg, const char *nsp, stoa_fn *fn, void *ctx)
{
	struct rule *r = rule_made(reg, "stoa_on_error", nsp, (struct handler){ fn, ctx });

	if (r == NULL)
		return;
	for (struct rule *other = reg->errors; other; other = other->next)
		if (pattern_equal(other->pattern, r->pattern))
			mistake(reg, "stoa_on_error", "given twice:", nsp);
	r->next = reg->errors;
	reg->errors = r;
}

void setup_one_process(struct stoa_app *reg, const char *nsp)
{
	struct rule *r;
	struct pattern p;

	if (!is_open(reg, "stoa_one_process") || !pattern_of(reg, "stoa_one_process", nsp, &p))
		return;
	r = take(reg, "stoa_one_process", sizeof(*r));
	if (r == NULL)
		return;
	r->pattern = p;
	r->next = reg->one_process;
	reg->one_process = r;
}

static struct handler *server_event_made(struct stoa_app *reg, const char *event)
{
	struct server_event *s;

	for (s = reg->server_events; s; s = s->next)
		if (strcmp(s->name, event) == 0)
			return &s->handler;
	s = take(reg, "stoa_on_server", sizeof(*s));
	if (s == NULL)
		return NULL;
	s->name = arena_copy(reg->arena, event, strlen(event));
	s->next = reg->server_events;
	reg->server_events = s;
	return s->name ? &s->handler : NULL;
}

static struct handler *place_of_server_event(struct stoa_app *reg, const char *event)
{
	const struct {
		const char *name;
		struct handler *place;
	} events[] = {
		{ "start", &reg->start },
		{ "handshake", &reg->handshake },
		{ "connection_error", &reg->connection_error },
		{ "stop", &reg->stop },
	};

	for (size_t i = 0; event && i < sizeof(events) / sizeof(*events); i++)
		if (strcmp(events[i].name, event) == 0)
			return events[i].place;
	return event ? server_event_made(reg, event) : NULL;
}

void setup_on_server(struct stoa_app *reg, const char *event, stoa_fn *fn, void *ctx)
{
	struct handler *place;

	if (!is_open(reg, "stoa_on_server"))
		return;
	place = place_of_server_event(reg, event);
	if (place)
		place_handler(reg, "stoa_on_server", place, (struct handler){ fn, ctx }, event);
	else
		mistake(reg, "stoa_on_server", event ? "out of memory" : "no event given", NULL);
}

static const char *task_fault(struct stoa_app *reg, const char *name, int64_t ms, stoa_fn *fn)
{
	if (name == NULL)
		return "no name given";
	if (ms < 0)
		return "a period below 0 for";
	if (fn == NULL)
		return "no function given for";
	for (struct task *t = reg->tasks; t; t = t->next)
		if (strcmp(t->name, name) == 0)
			return "given twice:";
	return NULL;
}

void setup_every(struct stoa_app *reg, const char *name, int64_t ms, stoa_fn *fn, void *ctx)
{
	const char *fault;
	struct task *t;

	if (!is_open(reg, "stoa_every"))
		return;
	fault = task_fault(reg, name, ms, fn);
	if (fault) {
		mistake(reg, "stoa_every", fault, name);
		return;
	}
	t = take(reg, "stoa_every", sizeof(*t));
	if (t == NULL)
		return;
	t->name = arena_copy(reg->arena, name, strlen(name));
	if (t->name == NULL) {
		mistake(reg, "stoa_every", "out of memory", NULL);
		return;
	}
	t->period_ms = ms;
	t->handler = (struct handler){ fn, ctx };
	t->next = reg->tasks;
	reg->tasks = t;
}

/* The last of several, as on every command line. */
const char *setup_option(struct stoa_app *reg, const char *name, const char *otherwise)
{
	const char *value = otherwise;

	for (const char *const(*o)[2] = reg->options; o && name && (*o)[0]; o++)
		if (strcmp((*o)[0], name) == 0)
			value = (*o)[1];
	return value;
}

/* Digits and a sign, nothing before and after them. */
static bool whole_number(const char *text, int64_t *number)
{
	size_t sign = *text == '-' || *text == '+';
	char *end;

	if (text[sign] < '0' || text[sign] > '9')
		return false;
	errno = 0;
	*number = strtoll(text, &end, 10);
	return *end == '\0' && errno == 0;
}

int64_t setup_option_int(struct stoa_app *reg, const char *name, int64_t otherwise, int64_t min, int64_t max)
{
	const char *text = setup_option(reg, name, NULL);
	char why[sizeof(reg->mistake)];
	int64_t number;

	if (text == NULL)
		return otherwise;
	if (whole_number(text, &number) && number >= min && number <= max)
		return number;
	snprintf(why, sizeof(why), "option `%s` is a whole number from %" PRId64 " to %" PRId64 ", not \"%s\"", name,
		min, max, text);
	setup_abort(reg, why);
	return otherwise;
}

void setup_abort(struct stoa_app *reg, const char *why)
{
	if (is_open(reg, "stoa_abort") && reg->mistake[0] == '\0')
		snprintf(reg->mistake, sizeof(reg->mistake), "%s", why && *why ? why : "it gave up without a word");
}
