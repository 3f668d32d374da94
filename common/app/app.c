/* app.c - an application's life, and what its host calls. */
#include "alloc.h"
#include "internal.h"
#include "log.h"
#include "msgpack.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

_Thread_local struct app *app_current;

/* --- Life --------------------------------------------------------------------------------------------------------- */

static struct app *app_new(const char *name, const struct app_setup *setup)
{
	struct app *a = must_alloc(sizeof(*a));

	a->name = must_strdup(name);
	a->port = setup->port;
	a->threads = setup->threads;
	a->clock_ms = setup->clock_ms;
	a->limits = setup->limits;
	a->encoding = setup->encoding;
	arena_limit(&a->arena, setup->limits.max_handler_bytes);
	mail_init(&a->mail);
	a->batch.end = &a->batch.first;
	laters_init(&a->laters);
	registry_init(&a->registry, &a->setup_arena, setup->options);
	return a;
}

static void run_setup(struct app *a, app_setup_fn *fn)
{
	struct app *outer = app_current;

	app_current = a;
	a->work = &a->setup_arena;
	a->registry.is_open = true;
	fn(&host_table, &a->registry);
	a->registry.is_open = false;
	a->work = NULL;
	app_current = outer;
}

struct app *app_from(const char *name, app_setup_fn *fn, const struct app_setup *setup, char *why, size_t why_size)
{
	struct app *a = app_new(name, setup);

	run_setup(a, fn);
	if (a->registry.mistake[0] == '\0')
		return a;
	snprintf(why, why_size, "%s: %s", name, a->registry.mistake);
	app_free(a);
	return NULL;
}

/* Everything that waits ends; its functions may start nothing new, so this comes to an end. */
static void cancel_all(struct app *a)
{
	struct map_node *node, *next;

	a->is_stopping = true;
	map_foreach(&a->laters.by_number, node, next)
	{
		struct later *l = map_item(node, struct later, by_number);
		if (l->kind == LATER_TASK)
			later_free(a, l);
		else
			later_end(a, l, -ECANCELED);
	}
	while (a->laters.ready)
		later_drain(a);
}

void app_free(struct app *a)
{
	if (a == NULL)
		return;
	a->is_mute = true;
	jobs_end(a);
	if (app_jobs_left(a))
		return;
	cancel_all(a);
	mail_fini(&a->mail);
	laters_fini(&a->laters);
	registry_fini(&a->registry);
	arena_fini(&a->arena);
	arena_fini(&a->setup_arena);
	buf_fini(&a->scratch);
	module_close(&a->module);
	free(a->name);
	free(a);
}

static void run_server_event(struct app *a, const char *name, struct handler h)
{
	struct stoa_event ev = { .app = a, .nsp = "/", .name = name, .error = "", .is_later = true };

	if (h.fn == NULL)
		return;
	event_begin(a, &ev);
	event_run_plain(&ev, h);
	event_end(a);
}

void app_start(struct app *a, int64_t now_ms)
{
	a->now_ms = now_ms;
	run_server_event(a, "start", a->registry.start);
	tasks_begin(a);
	later_drain(a);
}

void app_lead(struct app *a, int64_t now_ms, bool leads)
{
	a->now_ms = now_ms;
	tasks_end(a);
	if (leads && !a->is_stopping)
		tasks_begin(a);
}

bool app_defers(const struct app *a)
{
	return a->defers;
}

struct app_origin app_origin(const struct app *a)
{
	return a->origin;
}

void app_stop(struct app *a, int64_t now_ms)
{
	if (a->is_stopping)
		return;
	a->now_ms = now_ms;
	jobs_end(a);
	cancel_all(a);
	run_server_event(a, "stop", a->registry.stop);
}

/* --- Events ------------------------------------------------------------------------------------------------------- */

bool app_has_namespace(struct app *a, struct slice nsp)
{
	return registry_nsp(&a->registry, nsp) != NULL;
}

bool app_is_one_process(struct app *a, struct slice nsp)
{
	return registry_one_process(&a->registry, nsp);
}

/* The name as text: a NUL would cut it short, and a handler could be made to see a name that was not sent. */
static const char *shown_name(struct app *a, struct slice name)
{
	struct buf *to = &a->scratch;

	if (slice_find(name, '\0') == name.size)
		return name.at;
	buf_clear(to);
	for (size_t i = 0; i < name.size; i++) {
		if (name.at[i])
			buf_add_char(to, name.at[i]);
		else
			buf_add_str(to, "\xEF\xBF\xBD");
	}
	return to->failed ? NULL : arena_copy(&a->arena, to->at, to->size);
}

/* A name is a string, or a number, which is its own digits. */
static struct slice decode_name(struct app *a, struct slice token)
{
	struct stoa_value v;

	if (a->encoding == VALUE_JSON && token.size && token.at[0] == '"')
		return json_decode_text(&a->arena, token);
	if (a->encoding == VALUE_JSON)
		return slice_of(arena_copy(&a->arena, token.at, token.size), token.size);
	v = msgpack_decode(&a->arena, token, MSGPACK_CLIENT);
	if (v.kind_ == VALUE_TEXT)
		return value_slice(v);
	buf_clear(&a->scratch);
	if (json_encode(&a->scratch, v, NULL) < 0)
		return slice_of(NULL, 0);
	return slice_of(arena_copy(&a->arena, a->scratch.at, a->scratch.size), a->scratch.size);
}

static bool take_name(struct stoa_event *ev)
{
	static const char *const fixed[] = {
		[APP_CONNECT] = "connect", [APP_DISCONNECTING] = "disconnecting", [APP_DISCONNECT] = "disconnect"
	};
	struct slice token = ev->in->name;

	if (ev->in->kind != APP_EVENT && ev->in->kind != APP_SERVER)
		ev->name_text = slice_str(fixed[ev->in->kind]);
	else
		ev->name_text = decode_name(ev->app, token);
	ev->name = ev->name_text.at ? shown_name(ev->app, ev->name_text) : NULL;
	return ev->name != NULL;
}

static void run_client_event(struct app *a, const struct app_event_in *in)
{
	struct stoa_event ev = {
		.app = a,
		.in = in,
		.client = in->client,
		.sid = in->client->sid,
		.nsp = in->client->nsp,
		.from = in->from,
		.error = "",
		.ack = in->kind == APP_EVENT && in->wants_ack ? ACK_OPEN : ACK_NOT_ASKED,
	};

	event_begin(a, &ev);
	if (take_name(&ev))
		event_run_client(&ev, registry_nsp(&a->registry, slice_str(ev.nsp)));
	else
		log_error("event dropped", LOG_S("why", "out of memory"), LOG_S("sid", ev.sid));
	event_end(a);
}

/* An event of its own, so that what it does is done when "disconnect" runs. */
static void run_disconnecting(struct app *a, const struct app_event_in *in)
{
	const struct nsp *n = registry_nsp(&a->registry, slice_str(in->client->nsp));
	struct app_event_in before = *in;

	before.kind = APP_DISCONNECTING;
	if (n && registry_handler(n, APP_DISCONNECTING, slice_str("")).fn)
		run_client_event(a, &before);
}

void app_event(struct app *a, int64_t now_ms, const struct app_event_in *in)
{
	a->now_ms = now_ms;
	if (in->kind == APP_DISCONNECT)
		run_disconnecting(a, in);
	run_client_event(a, in);
	later_drain(a);
}

bool app_server_event(struct app *a, int64_t now_ms, const char *nsp, const struct app_event_in *in)
{
	struct stoa_event ev = { .app = a,
		.in = in,
		.nsp = nsp,
		.from = in->from,
		.error = "",
		.ack = in->wants_ack ? ACK_OPEN : ACK_NOT_ASKED };
	struct handler h = { NULL, NULL };

	a->now_ms = now_ms;
	event_begin(a, &ev);
	if (take_name(&ev))
		h = registry_server_event(&a->registry, ev.name_text);
	if (h.fn) {
		event_run_plain(&ev, h);
		ack_settle(&ev, true);
	}
	event_end(a);
	later_drain(a);
	return h.fn != NULL;
}

/* --- Time --------------------------------------------------------------------------------------------------------- */

int64_t app_due_ms(const struct app *a)
{
	return a->laters.ready ? a->now_ms : later_due_ms(a);
}

void app_tick(struct app *a, int64_t now_ms)
{
	a->now_ms = now_ms;
	mail_take(a);
	later_end_due(a);
	later_drain(a);
}
