/*
 * effects.c - the batch: what handlers do to clients, noted in order.
 *
 * Values are encoded at the call (payload.c). Everything lives in the running event's arena.
 */
#include "internal.h"
#include "utf8.h"

#include <errno.h>

/* --- The list ----------------------------------------------------------------------------------------------------- */

struct effect *effect_add(struct app *a, enum effect_kind kind)
{
	/* What the host owes a client, its acceptance or its ack, has room even when the handler used all. */
	struct effect *e = arena_zero_beyond(&a->arena, sizeof(*e));

	if (e == NULL)
		return NULL;
	e->kind = kind;
	*a->batch.end = e;
	a->batch.end = &e->next;
	a->batch.count++;
	return e;
}

struct effect *effect_note(struct app *a, enum effect_kind kind, int *error)
{
	struct effect *e = NULL;

	*error = -ENOSPC;
	if (a->limits.max_effects && a->batch.count >= a->limits.max_effects) {
		app_count(M_LIMIT_EFFECTS);
		return NULL;
	}
	e = effect_add(a, kind);
	*error = e ? 0 : -ENOMEM;
	return e;
}

/* e is the last one, just added. */
void effect_put_first(struct app *a, struct effect *e)
{
	struct effect **at = &a->batch.first;

	if (*at == e)
		return;
	while (*at != e)
		at = &(*at)->next;
	*at = NULL;
	a->batch.end = at;
	e->next = a->batch.first;
	a->batch.first = e;
}

void effect_pay(struct effect *e, const struct payload *p)
{
	e->json = p->json;
	e->blobs = p->blobs;
	e->n_blobs = p->n_blobs;
}

/* --- Whom --------------------------------------------------------------------------------------------------------- */

struct stoa_event *target_event(struct stoa_target to)
{
	return to.from && app_current && app_current->running == to.from ? to.from : NULL;
}

static int check_room(struct app *a, const char *room, const char **why)
{
	struct slice name = slice_str(room);

	*why = "a room without a name";
	if (room == NULL)
		return -EINVAL;
	*why = "a room's name that is not UTF-8";
	if (!utf8_valid(name))
		return -EINVAL;
	*why = "a room's name that is too long";
	if (a->limits.max_room_bytes == 0 || name.size <= a->limits.max_room_bytes)
		return 0;
	app_count(M_LIMIT_ROOM_NAME);
	return -ENAMETOOLONG;
}

static size_t count_names(const char *const *names)
{
	size_t n = 0;

	while (names && names[n])
		n++;
	return n;
}

/* `first` (or NULL) and the names after it, copied. */
static int copy_names(struct app *a, const char *first, const char *const *names, const struct slice **to_r,
	size_t *n_r, const char **why)
{
	size_t n = count_names(names), at = 0;
	struct slice *to = arena_take(&a->arena, (n + 1) * sizeof(*to));
	int error = to ? 0 : -ENOMEM;

	for (size_t i = first ? 0 : 1; i <= n && error == 0; i++) {
		const char *name = i == 0 ? first : names[i - 1];
		error = check_room(a, name, why);
		if (error)
			break;
		to[at] = slice_of(arena_copy(&a->arena, name, strlen(name)), strlen(name));
		error = to[at++].at ? 0 : -ENOMEM;
	}
	*to_r = to;
	*n_r = at;
	return error;
}

static int check_namespace(struct stoa_target to, const char **why)
{
	*why = "a namespace begins with a slash";
	return to.namespace && (to.namespace[0] != '/' || !utf8_valid(slice_str(to.namespace))) ? -EINVAL : 0;
}

/* With neither rooms nor everybody it is the sender, if there is one. An empty list of rooms is nobody, and more
 * likely a mistake than meant. */
static int check_chosen(struct stoa_target to, const struct effect_target *out, const char **why)
{
	*why = "no room in .rooms";
	if (to.rooms && out->n_rooms == 0)
		return -EDESTADDRREQ;
	*why = "no sender, and neither a room nor .broadcast";
	return out->n_rooms || out->broadcast || out->sid ? 0 : -EDESTADDRREQ;
}

/* Only where many may be chosen is anybody left out, so the sender alone becomes the room that is its own. */
static int sender_as_room(struct app *a, struct effect_target *out)
{
	struct slice *own;

	if (out->n_rooms || out->broadcast || out->sid == NULL)
		return 0;
	own = arena_take(&a->arena, sizeof(*own));
	if (own == NULL)
		return -ENOMEM;
	*own = slice_str(out->sid);
	out->rooms = own;
	out->n_rooms = 1;
	return 0;
}

int target_resolve(struct app *a, struct stoa_target to, struct effect_target *out, const char **why)
{
	struct stoa_event *ev = to.from;
	bool is_home = to.namespace == NULL || strcmp(to.namespace, ev->nsp) == 0;
	int error = check_namespace(to, why);

	*out = (struct effect_target){
		.nsp = is_home ? ev->nsp : arena_copy(&a->arena, to.namespace, strlen(to.namespace)),
		.sid = ev->sid,
		.sid_nsp = ev->nsp,
		.sender = ev->client ? ev->client->host : NULL,
		.from = ev->from,
		.skip_self = to.skip_self,
		.local = to.local,
		.is_volatile = to.is_volatile,
		.latest = to.latest,
		.uncompressed = to.uncompressed,
	};
	out->host = is_home ? out->sender : NULL;
	if (error == 0 && out->nsp == NULL)
		error = -ENOMEM;
	if (error == 0 && (to.room || to.rooms))
		error = copy_names(a, to.room, to.rooms, &out->rooms, &out->n_rooms, why);
	if (error == 0 && to.skip)
		error = copy_names(a, NULL, to.skip, &out->skip, &out->n_skip, why);
	out->broadcast = to.broadcast && out->n_rooms == 0;
	if (error == 0 && is_home && (out->n_skip || out->skip_self))
		error = sender_as_room(a, out);
	return error ? error : check_chosen(to, out, why);
}

/* --- The calls ---------------------------------------------------------------------------------------------------- */

bool event_name_ok(const char *event, const char **why)
{
	struct arena *arena = app_work();
	size_t size = event ? strlen(event) : 0;
	char *text;

	*why = "an event without a name";
	if (event == NULL)
		return false;
	if (!app_event_is_reserved(slice_str(event)))
		return true;
	*why = "a reserved event name";
	text = arena ? arena_take(arena, size + sizeof("\"\" is a reserved event name")) : NULL;
	if (text) {
		text[0] = '"';
		memcpy(text + 1, event, size);
		memcpy(text + 1 + size, "\" is a reserved event name", sizeof("\" is a reserved event name"));
		*why = text;
	}
	return false;
}

int effect_for(const char *call, enum effect_kind kind, struct stoa_target to, struct effect **effect_r)
{
	struct stoa_event *ev = target_event(to);
	struct effect_target resolved;
	const char *why = NULL;
	int error;

	if (ev == NULL)
		return call_failed(NULL, call, -EINVAL, "not in a handler of this event");
	error = target_resolve(ev->app, to, &resolved, &why);
	if (error)
		return call_failed(ev, call, error, error == -ENOMEM ? NULL : why);
	*effect_r = effect_note(ev->app, kind, &error);
	if (*effect_r == NULL)
		return call_failed(ev, call, error, error == -ENOSPC ? "too many effects in one event" : NULL);
	(*effect_r)->to = resolved;
	return 0;
}

/* The value is encoded first: an effect is only noted when it can be carried out. */
int do_emit(struct stoa_target to, const char *event, struct stoa_list list)
{
	struct stoa_event *ev = target_event(to);
	struct payload p;
	struct effect *e;
	const char *why;
	int error;

	if (ev && !event_name_ok(event, &why))
		return call_failed(ev, "stoa_emit", -EINVAL, why);
	error = ev ? payload_of_list(ev->app, list, &p) : 0;
	if (error)
		return call_failed(ev, "stoa_emit", error, payload_fault(error));
	error = effect_for("stoa_emit", EFFECT_EMIT, to, &e);
	if (error)
		return error;
	effect_pay(e, &p);
	return job_leave(ev->app, "stoa_emit", 0);
}

static int note_room(const char *call, enum effect_kind kind, struct stoa_target to, const char *room)
{
	struct stoa_event *ev = target_event(to);
	const char *why, *copy = NULL;
	struct effect *e;
	int error = ev ? check_room(ev->app, room, &why) : 0;

	if (error)
		return call_failed(ev, call, error, why);
	if (ev)
		copy = arena_copy(&ev->app->arena, room, strlen(room));
	if (ev && copy == NULL)
		return call_failed(ev, call, -ENOMEM, NULL);
	error = effect_for(call, kind, to, &e);
	if (error)
		return error;
	e->room = slice_str(copy);
	return job_leave(ev->app, call, 0);
}

int do_join_room(struct stoa_target to, const char *room)
{
	return note_room("stoa_join_room", EFFECT_JOIN, to, room);
}

int do_leave_room(struct stoa_target to, const char *room)
{
	return note_room("stoa_leave_room", EFFECT_LEAVE, to, room);
}

int do_disconnect(struct stoa_target to, bool transport)
{
	const char *call = transport ? "stoa_disconnect_transport" : "stoa_disconnect";
	struct effect *e;
	int error = effect_for(call, EFFECT_DISCONNECT, to, &e);

	if (error)
		return error;
	e->transport = transport;
	return job_leave(to.from->app, call, 0);
}
