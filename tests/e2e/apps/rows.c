/*
 * rows.c - an application for rows.test.mjs: what docs/features.md names and no other test application does. One handler
 * for each thing, in the order of that page.
 */
#include <stoa.h>

static int without_sender;

/* --- Emitting ----------------------------------------------------------------------------------------------------- */

/* (sid, what): to everybody but that one. */
static int on_skip(struct stoa_event *ev)
{
	struct stoa_value what;
	const char *sid;

	if (stoa_unpack(ev, &sid, &what) < 0)
		return STOA_EINPUT;
	return stoa_emit(stoa_to(ev, .broadcast = true, .skip = stoa_names(sid)), "said", what);
}

/* (room, what): with every flag that changes nothing for a client that keeps up. */
static int on_flags(struct stoa_event *ev)
{
	struct stoa_value what;
	const char *room;

	if (stoa_unpack(ev, &room, &what) < 0)
		return STOA_EINPUT;
	stoa_emit(stoa_to(ev, room, .local = true), "local", what);
	stoa_emit(stoa_to(ev, room, .uncompressed = true), "uncompressed", what);
	stoa_emit(stoa_to(ev, room, .latest = true), "latest", what);
	return stoa_emit(stoa_to(ev, room, .namespace = "/", .local = true, .uncompressed = true), "all", what);
}

/* (what): to the sender, and not compressed. */
static int on_plainly(struct stoa_event *ev)
{
	return stoa_emit(stoa_to(ev, stoa_sid(ev), .uncompressed = true), "plainly", stoa_spread(stoa_args(ev)));
}

/* The same, like any other. */
static int on_echo(struct stoa_event *ev)
{
	return stoa_emit(ev, "echo", stoa_spread(stoa_args(ev)));
}

/* (namespace, what): to the sender, there. */
static int on_elsewhere(struct stoa_event *ev)
{
	struct stoa_value what;
	const char *nsp;

	if (stoa_unpack(ev, &nsp, &what) < 0)
		return STOA_EINPUT;
	return stoa_emit(stoa_to(ev, .namespace = nsp), "said", what);
}

static int on_refused(struct stoa_event *ev)
{
	return stoa_ack(
		ev, stoa_emit(ev, "connect"), stoa_emit(ev, "disconnect"), stoa_emit(ev, "error"), without_sender);
}

/* --- Rooms and clients, by sid ------------------------------------------------------------------------------------ */

/* (to, room): whoever `to` names, a sid or a room, joins or leaves `room`. */
static int on_join(struct stoa_event *ev)
{
	const char *to, *room;

	if (stoa_unpack(ev, &to, &room) < 0)
		return STOA_EINPUT;
	return stoa_join_room(stoa_to(ev, to), room);
}

static int on_leave(struct stoa_event *ev)
{
	const char *to, *room;

	if (stoa_unpack(ev, &to, &room) < 0)
		return STOA_EINPUT;
	return stoa_leave_room(stoa_to(ev, to), room);
}

static int on_join_elsewhere(struct stoa_event *ev)
{
	const char *nsp, *room;

	if (stoa_unpack(ev, &nsp, &room) < 0)
		return STOA_EINPUT;
	return stoa_join_room(stoa_to(ev, .namespace = nsp), room);
}

static int on_close_elsewhere(struct stoa_event *ev)
{
	const char *nsp, *room;

	if (stoa_unpack(ev, &nsp, &room) < 0)
		return STOA_EINPUT;
	return stoa_leave_room(stoa_to(ev, room, .namespace = nsp), room);
}

/* (to, namespace) */
static int on_disconnect_other(struct stoa_event *ev)
{
	const char *to, *nsp;

	if (stoa_unpack(ev, &to, &nsp) < 0)
		return STOA_EINPUT;
	return stoa_disconnect(stoa_to(ev, to, .namespace = nsp));
}

static int on_disconnect_transport(struct stoa_event *ev)
{
	const char *to;

	if (stoa_unpack(ev, &to) < 0)
		return STOA_EINPUT;
	return stoa_disconnect_transport(stoa_to(ev, to));
}

static int on_set(struct stoa_event *ev)
{
	struct stoa_value value;
	const char *key;

	if (stoa_unpack(ev, &key, &value) < 0)
		return STOA_EINPUT;
	stoa_session_put(ev, key, value);
	return stoa_ack(ev, stoa_session(ev), stoa_rooms(ev));
}

/* --- Asking ------------------------------------------------------------------------------------------------------- */

static int on_found(struct stoa_event *ev)
{
	struct stoa_value *found = stoa_list(), client;

	while (stoa_next(ev))
		if (stoa_unpack(ev, &client) == 0)
			stoa_append(found, client);
	return stoa_emit(ev, "found", stoa_status(ev), *found);
}

/* (to, namespace) */
static int on_fetch(struct stoa_event *ev)
{
	const char *to, *nsp;

	if (stoa_unpack(ev, &to, &nsp) < 0)
		return STOA_EINPUT;
	return stoa_fetch_sockets(stoa_to(ev, to, .namespace = nsp), 5000, on_found, NULL);
}

static int on_answers(struct stoa_event *ev)
{
	struct stoa_value *answers = stoa_list();

	while (stoa_next(ev))
		stoa_append(answers, stoa_args(ev));
	return stoa_emit(ev, "answers", stoa_status(ev), *answers, stoa_error(ev));
}

/* (to, ms): asks whoever it names. */
static int on_ask(struct stoa_event *ev)
{
	const char *to;
	int64_t ms;

	if (stoa_unpack(ev, &to, &ms) < 0)
		return STOA_EINPUT;
	return stoa_call(stoa_to(ev, to), ms, on_answers, NULL, "question", "a", 2);
}

static int on_servers_answered(struct stoa_event *ev)
{
	int answers = 0;

	while (stoa_next(ev))
		answers++;
	return stoa_emit(ev, "servers", stoa_status(ev), answers, stoa_missing(ev));
}

static int on_servers(struct stoa_event *ev)
{
	return stoa_server_side_emit(ev, 1000, on_servers_answered, NULL, "hello", 1);
}

/* --- Connecting --------------------------------------------------------------------------------------------------- */

static int refuse(struct stoa_event *ev)
{
	(void)ev;
	return -1;
}

static int refuse_with_data(struct stoa_event *ev)
{
	return stoa_fail(ev, "no", stoa_array(1, "two"));
}

static int on_where(struct stoa_event *ev)
{
	return stoa_ack(ev, stoa_namespace(ev), stoa_name(ev), stoa_spread(stoa_args(ev)));
}

/* --- Later -------------------------------------------------------------------------------------------------------- */

static struct stoa_ack waiting;

static int on_time(struct stoa_event *ev)
{
	if (stoa_status(ev) < 0)
		return 0;
	return stoa_ack(waiting, "later", 2);
}

static int on_ack_later(struct stoa_event *ev)
{
	waiting = stoa_defer(ev);
	return stoa_after(ev, 10, on_time, NULL) < 0 ? stoa_fail(ev, "no timer") : 0;
}

static int on_cancelled(struct stoa_event *ev)
{
	return stoa_emit(ev, "cancelled", stoa_status(ev), stoa_error(ev));
}

static int on_cancel(struct stoa_event *ev)
{
	stoa_cancel(ev, stoa_after(ev, 60000, on_cancelled, NULL));
	return 0;
}

static int work(struct stoa_event *ev)
{
	stoa_emit(stoa_to(ev, .broadcast = true), "from work", stoa_sleep(ev, 1));
	stoa_join_room(ev, "workers");
	return -7;
}

static int on_done(struct stoa_event *ev)
{
	return stoa_emit(stoa_to(ev, "workers"), "done", stoa_status(ev));
}

static int on_work(struct stoa_event *ev)
{
	return stoa_start_background_task(ev, work, on_done, NULL);
}

static int on_levels(struct stoa_event *ev)
{
	stoa_log(ev, STOA_ERROR, "at error");
	stoa_log(ev, STOA_WARN, "at warn");
	stoa_log(ev, STOA_INFO, "at info");
	stoa_log(ev, STOA_DEBUG, "at debug");
	return 0;
}

static int on_start(struct stoa_event *ev)
{
	without_sender = stoa_emit(ev, "said", "to whom?");
	return 0;
}

static const struct stoa_handler handlers[] = {
	{ "skip", on_skip },
	{ "flags", on_flags },
	{ "plainly", on_plainly },
	{ "echo", on_echo },
	{ "elsewhere", on_elsewhere },
	{ "refused", on_refused },
	{ "join", on_join },
	{ "leave", on_leave },
	{ "join elsewhere", on_join_elsewhere },
	{ "close elsewhere", on_close_elsewhere },
	{ "disconnect other", on_disconnect_other },
	{ "disconnect transport", on_disconnect_transport },
	{ "set", on_set },
	{ "fetch", on_fetch },
	{ "ask", on_ask },
	{ "servers", on_servers },
	{ "ack later", on_ack_later },
	{ "cancel", on_cancel },
	{ "work", on_work },
	{ "levels", on_levels },
	{ 0 },
};

STOA_APP(app)
{
	stoa_on_namespace(app, "/", handlers, NULL);
	stoa_on_namespace(app, "/other", handlers, NULL);
	stoa_on(app, "/refuse", "connect", refuse, NULL);
	stoa_on(app, "/refuse-with-data", "connect", refuse_with_data, NULL);
	stoa_on(app, "*", "*", on_where, NULL);
	stoa_on_server(app, "start", on_start, NULL);
}
