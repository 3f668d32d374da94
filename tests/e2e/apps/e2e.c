/*
 * e2e.c - an application for the end-to-end tests: what no example does. Each handler does one thing, as often as its
 * argument says, so that a test can go past a limit.
 */
#include <stoa.h>

#include <string.h>

/* --- Rooms and targets -------------------------------------------------------------------------------------------- */

static int on_join(struct stoa_event *ev)
{
	const char *room;

	if (stoa_unpack(ev, &room) < 0)
		return STOA_EINPUT;
	stoa_join_room(ev, room);
	return stoa_ack(ev, stoa_rooms(ev));
}

static int on_join_many(struct stoa_event *ev)
{
	int count;

	if (stoa_unpack(ev, &count) < 0)
		return STOA_EINPUT;
	for (int i = 0; i < count; i++)
		stoa_join_room(ev, stoa_format("room %d", i));
	return 0;
}

/* (room, what): to the room. */
static int on_say(struct stoa_event *ev)
{
	struct stoa_value what;
	const char *room;

	if (stoa_unpack(ev, &room, &what) < 0)
		return STOA_EINPUT;
	return stoa_emit(stoa_to(ev, room), "said", what);
}

/* (a, b, not, what): to rooms a and b without those in `not`, and not to the sender. */
static int on_say_some(struct stoa_event *ev)
{
	const char *a, *b, *not_these;
	struct stoa_value what;

	if (stoa_unpack(ev, &a, &b, &not_these, &what) < 0)
		return STOA_EINPUT;
	return stoa_emit(
		stoa_to(ev, .rooms = stoa_names(a, b), .skip = stoa_names(not_these), .skip_self = true), "said", what);
}

/* (what): to everybody else, in the main namespace, wherever this came from. */
static int on_say_main(struct stoa_event *ev)
{
	struct stoa_value what;

	if (stoa_unpack(ev, &what) < 0)
		return STOA_EINPUT;
	return stoa_emit(stoa_to(ev, .namespace = "/", .broadcast = true, .skip_self = true), "said", what);
}

/* --- How a client came -------------------------------------------------------------------------------------------- */

static int on_who(struct stoa_event *ev)
{
	return stoa_ack(
		ev, stoa_object("sid", stoa_sid(ev), "namespace", stoa_namespace(ev), "query", stoa_query(ev, "color"),
			    "header", stoa_header(ev, "x-color"), "cookie", stoa_cookie(ev, "color"), "address",
			    stoa_address(ev), "transport", stoa_transport(ev), "auth", stoa_auth(ev)));
}

/* --- As often as one likes ---------------------------------------------------------------------------------------- */

/* (count, size): so many events of so many bytes, each. */
static int on_flood(struct stoa_event *ev)
{
	int count, size;
	struct stoa_value filler;

	if (stoa_unpack(ev, &count, &size) < 0)
		return STOA_EINPUT;
	filler = stoa_text(stoa_format("%0*d", size, 0));
	for (int i = 0; i < count; i++)
		stoa_emit(ev, "flood", i, filler);
	return 0;
}

static int on_flood_volatile(struct stoa_event *ev)
{
	int count, size;
	struct stoa_value filler;

	if (stoa_unpack(ev, &count, &size) < 0)
		return STOA_EINPUT;
	filler = stoa_text(stoa_format("%0*d", size, 0));
	for (int i = 0; i < count; i++)
		stoa_emit(stoa_to(ev, stoa_sid(ev), .is_volatile = true), "flood", i, filler);
	return 0;
}

static int on_time(struct stoa_event *ev)
{
	return stoa_emit(ev, "time", stoa_status(ev));
}

/* (count, ms): so many timers. */
static int on_timers(struct stoa_event *ev)
{
	int count, ms;

	if (stoa_unpack(ev, &count, &ms) < 0)
		return STOA_EINPUT;
	for (int i = 0; i < count; i++)
		stoa_after(ev, ms, on_time, NULL);
	return 0;
}

static int on_answer(struct stoa_event *ev)
{
	return stoa_emit(ev, "answered", stoa_status(ev), stoa_args(ev));
}

/* (count, ms): asks so many times. */
static int on_ask(struct stoa_event *ev)
{
	int count, ms;

	if (stoa_unpack(ev, &count, &ms) < 0)
		return STOA_EINPUT;
	for (int i = 0; i < count; i++)
		stoa_call(ev, ms, on_answer, NULL, "question", i);
	return 0;
}

/* --- Acks --------------------------------------------------------------------------------------------------------- */

static int on_defer(struct stoa_event *ev)
{
	stoa_defer(ev);
	return 0;
}

static int on_nothing(struct stoa_event *ev)
{
	(void)ev;
	return 0;
}

static int on_fail(struct stoa_event *ev)
{
	return stoa_fail(ev, "it failed", stoa_object("why", "because"));
}

/* The effects noted before are carried out all the same. */
static int on_emit_and_fail(struct stoa_event *ev)
{
	stoa_emit(ev, "said", "before");
	return -1;
}

static int on_anything_else(struct stoa_event *ev)
{
	return stoa_emit(ev, "caught", stoa_name(ev), stoa_spread(stoa_args(ev)));
}

/* --- Middleware --------------------------------------------------------------------------------------------------- */

static int forbid(struct stoa_event *ev)
{
	if (strcmp(stoa_name(ev), "forbidden") == 0)
		return stoa_fail(ev, "not allowed");
	return 0;
}

static int on_server(struct stoa_event *ev)
{
	stoa_log(ev, STOA_INFO, "the application saw %s", stoa_name(ev));
	return 0;
}

static const struct stoa_handler handlers[] = {
	{ "join", on_join },
	{ "join many", on_join_many },
	{ "say", on_say },
	{ "say some", on_say_some },
	{ "say main", on_say_main },
	{ "who", on_who },
	{ "flood", on_flood },
	{ "flood volatile", on_flood_volatile },
	{ "timers", on_timers },
	{ "ask", on_ask },
	{ "defer", on_defer },
	{ "nothing", on_nothing },
	{ "fail", on_fail },
	{ "emit and fail", on_emit_and_fail },
	{ "forbidden", on_nothing },
	{ "*", on_anything_else },
	{ 0 },
};

STOA_APP(app)
{
	stoa_on_namespace(app, "/", handlers, NULL);
	stoa_on_namespace(app, "/other-*", handlers, NULL);
	stoa_use(app, "*", forbid, NULL);
	stoa_on_server(app, "start", on_server, NULL);
	stoa_on_server(app, "stop", on_server, NULL);
}
