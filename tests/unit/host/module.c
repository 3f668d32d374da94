/* module.c - an application that does all that applications can do. */
#include "stoa.h"

static struct stoa_ack kept;

static int on_connect(struct stoa_event *ev)
{
	const char *token = stoa_query(ev, "token");

	if (token && token[0] == 'x')
		return stoa_fail(ev, "no", stoa_object("why", token));
	stoa_join_room(ev, "lobby");
	return stoa_emit(stoa_to(ev, .room = "lobby", .skip_self = true), "joined", stoa_sid(ev), stoa_rooms(ev));
}

static int on_disconnecting(struct stoa_event *ev)
{
	return stoa_emit(stoa_to(ev, .room = "lobby"), "leaving", stoa_rooms(ev), stoa_reason(ev));
}

static int on_disconnect(struct stoa_event *ev)
{
	return stoa_emit(stoa_to(ev, .broadcast = true), "left", stoa_reason(ev), stoa_attempt(ev));
}

static int on_who(struct stoa_event *ev)
{
	return stoa_ack(ev, stoa_sid(ev), stoa_namespace(ev), stoa_query(ev, "token"), stoa_header(ev, "x-h"),
		stoa_cookie(ev, "c"), stoa_address(ev), stoa_transport(ev), stoa_auth(ev), stoa_rooms(ev),
		stoa_session(ev), stoa_attempt(ev));
}

static int on_echo(struct stoa_event *ev)
{
	stoa_emit(ev, "echo", stoa_spread(stoa_args(ev)));
	return stoa_ack(ev, stoa_spread(stoa_args(ev)));
}

static int on_targets(struct stoa_event *ev)
{
	const char *rooms[] = { "a", "b", NULL }, *skip[] = { "c", NULL };

	stoa_emit(stoa_to(ev, .rooms = rooms, .skip = skip), "one");
	stoa_emit(stoa_to(ev, .broadcast = true, .local = true, .is_volatile = true), "two");
	stoa_emit(stoa_to(ev, .namespace = "/other", .broadcast = true, .latest = true, .uncompressed = true), "three");
	stoa_join_room(stoa_to(ev, .room = "a"), "b");
	stoa_leave_room(ev, "a");
	stoa_disconnect(stoa_to(ev, .room = "gone"));
	return stoa_disconnect_transport(ev);
}

static int on_session(struct stoa_event *ev)
{
	stoa_session_put(ev, "name", stoa_object("first", "Ann"));
	stoa_session_put(ev, "old", stoa_json("null"));
	return stoa_emit(ev, "session", stoa_session(ev));
}

static int answered(struct stoa_event *ev)
{
	return stoa_emit(ev, "answered", stoa_status(ev), stoa_args(ev), (int)stoa_answers(ev), stoa_missing(ev));
}

static int on_call(struct stoa_event *ev)
{
	return stoa_call(ev, 1000, answered, NULL, "ask", 1);
}

static int on_fetch(struct stoa_event *ev)
{
	return stoa_fetch_sockets(stoa_to(ev, .room = "lobby"), 1000, answered, NULL);
}

static int on_servers(struct stoa_event *ev)
{
	return stoa_server_side_emit(ev, 1000, answered, NULL, "hello", 7);
}

static int rang(struct stoa_event *ev)
{
	return stoa_emit(ev, "rang", stoa_status(ev), stoa_name(ev));
}

static int64_t timer;

static int on_after(struct stoa_event *ev)
{
	timer = stoa_after(ev, 50, rang, NULL);
	return 0;
}

/* What was to come later comes now, behind the event's own. */
static int on_cancel(struct stoa_event *ev)
{
	stoa_cancel(ev, timer);
	return stoa_emit(ev, "cancelled");
}

static int on_hush(struct stoa_event *ev)
{
	stoa_cancel(ev, timer);
	return 0;
}

static int on_defer(struct stoa_event *ev)
{
	kept = stoa_defer(ev);
	return 0;
}

static int on_give(struct stoa_event *ev)
{
	stoa_emit(ev, "giving");
	stoa_ack(kept, "late");
	return stoa_emit(ev, "given");
}

static int work(struct stoa_event *ev)
{
	stoa_emit(ev, "worked", 1);
	return stoa_emit(ev, "worked", 2);
}

static int worked(struct stoa_event *ev)
{
	return stoa_ack(stoa_asked(ev), "done");
}

static int on_work(struct stoa_event *ev)
{
	return stoa_start_background_task(ev, work, worked, NULL);
}

static int on_fail(struct stoa_event *ev)
{
	return stoa_fail(ev, "broken");
}

static int on_nothing(struct stoa_event *ev)
{
	(void)ev;
	return 0;
}

static int on_handshake(struct stoa_event *ev)
{
	if (stoa_query(ev, "deny"))
		return stoa_fail(ev, "go away");
	stoa_set_header(ev, "X-One", "1");
	return stoa_set_session_header(ev, "X-All", stoa_transport(ev));
}

static int on_refused(struct stoa_event *ev)
{
	return stoa_emit(stoa_to(ev, .broadcast = true), "refused", stoa_arg(ev, 0), stoa_address(ev));
}

static int on_hello(struct stoa_event *ev)
{
	stoa_emit(stoa_to(ev, .broadcast = true), "hello", stoa_spread(stoa_args(ev)));
	return stoa_ack(ev, "hi");
}

static int beat(struct stoa_event *ev)
{
	return stoa_emit(stoa_to(ev, .broadcast = true), "beat");
}

static int started(struct stoa_event *ev)
{
	return stoa_emit(stoa_to(ev, .broadcast = true), stoa_name(ev));
}

static void events(struct stoa_app *app)
{
	static const struct {
		const char *name;
		stoa_fn *fn;
	} rows[] = { { "connect", on_connect }, { "disconnecting", on_disconnecting }, { "disconnect", on_disconnect },
		{ "who", on_who }, { "echo", on_echo }, { "targets", on_targets }, { "session", on_session },
		{ "call", on_call }, { "fetch", on_fetch }, { "servers", on_servers }, { "after", on_after },
		{ "cancel", on_cancel }, { "defer", on_defer }, { "give", on_give }, { "work", on_work },
		{ "hush", on_hush }, { "fail", on_fail }, { "nothing", on_nothing } };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		stoa_on(app, "/", rows[i].name, rows[i].fn, NULL);
}

STOA_APP(app)
{
	events(app);
	stoa_on(app, "/game-*", "echo", on_echo, NULL);
	stoa_one_process(app, "/game-*");
	stoa_on_server(app, "start", started, NULL);
	stoa_on_server(app, "stop", started, NULL);
	stoa_on_server(app, "handshake", on_handshake, NULL);
	stoa_on_server(app, "connection_error", on_refused, NULL);
	stoa_on_server(app, "hello", on_hello, NULL);
	stoa_on_server(app, "wait", on_defer, NULL);
	stoa_every(app, "beat", 100, beat, NULL);
}
