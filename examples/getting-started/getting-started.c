/*
 * getting-started.c - a tour of what an application does, one handler for each thing.
 *
 * The handlers stand in the order of stoa.h's sections; the table of their names is at the end. Set the application's
 * option `tick` to a number of milliseconds (--set tick=1000) to have everybody sent `some event` that often.
 */
#include <stoa.h>

#include <string.h>

/* --- Connecting --------------------------------------------------------------------------------------------------- */

/* A connect that fails is a refusal: the client's connect_error has the message. */
static int on_connect(struct stoa_event *ev)
{
	const char *token = "";

	if (stoa_read(stoa_auth(ev), stoa_fields("token", &token)) == 0 && strcmp(token, "bad") == 0)
		return stoa_fail(ev, "unauthorized!");
	return stoa_emit(ev, "my response", stoa_object("data", "Connected"));
}

static int on_disconnect(struct stoa_event *ev)
{
	stoa_log(ev, STOA_INFO, "disconnected: %s", stoa_reason(ev));
	return 0;
}

/* --- Values come and go ------------------------------------------------------------------------------------------- */

/* socket.send(x) is an event named `message`, and so is stoa_send(). */
static int on_message(struct stoa_event *ev)
{
	struct stoa_value message;

	if (stoa_unpack(ev, &message) < 0)
		return STOA_EINPUT;
	return stoa_send(ev, message);
}

static int on_json(struct stoa_event *ev)
{
	struct stoa_value json;

	if (stoa_unpack(ev, &json) < 0)
		return STOA_EINPUT;
	return stoa_emit(ev, "json", json);
}

/* Three arguments, each of any type, passed on as three. */
static int on_my_underscore_event(struct stoa_event *ev)
{
	struct stoa_value a, b, c;

	if (stoa_unpack(ev, &a, &b, &c) < 0)
		return STOA_EINPUT;
	return stoa_emit(ev, "my response", a, b, c);
}

/* --- Acknowledging ------------------------------------------------------------------------------------------------ */

/* The client's callback gets what stoa_ack() is given: here (reply, number) => .. with "one", 2. */
static int on_my_event(struct stoa_event *ev)
{
	struct stoa_value json;

	if (stoa_unpack(ev, &json) < 0)
		return STOA_EINPUT;
	stoa_emit(ev, "my response", json);
	return stoa_ack(ev, "one", 2);
}

/* However many arguments of whatever type, binary too: the callback gets them all. */
static int on_echo(struct stoa_event *ev)
{
	return stoa_ack(ev, stoa_spread(stoa_args(ev)));
}

/* The other way round: the server asks, and the client's answer is an event of its own. */
static int on_answer(struct stoa_event *ev)
{
	if (stoa_status(ev) < 0) {
		stoa_log(ev, STOA_WARN, "no answer: %s", stoa_error(ev));
		return 0;
	}
	return stoa_emit(ev, "answered", stoa_spread(stoa_args(ev)));
}

static int on_ask(struct stoa_event *ev)
{
	return stoa_call(ev, 5000, on_answer, NULL, "question");
}

/* --- Everybody, and rooms ----------------------------------------------------------------------------------------- */

static int on_broadcast(struct stoa_event *ev)
{
	struct stoa_value json;

	if (stoa_unpack(ev, &json) < 0)
		return STOA_EINPUT;
	return stoa_emit(stoa_to(ev, .broadcast = true), "my response", json);
}

static int on_join(struct stoa_event *ev)
{
	const char *user, *room;

	if (stoa_unpack(ev, stoa_fields("username", &user, "room", &room)) < 0)
		return STOA_EINPUT;
	stoa_join_room(ev, room);
	return stoa_send(stoa_to(ev, room), stoa_format("%s has entered the room.", user));
}

static int on_leave(struct stoa_event *ev)
{
	const char *user, *room;

	if (stoa_unpack(ev, stoa_fields("username", &user, "room", &room)) < 0)
		return STOA_EINPUT;
	stoa_leave_room(ev, room);
	return stoa_send(stoa_to(ev, room), stoa_format("%s has left the room.", user));
}

static int on_room_event(struct stoa_event *ev)
{
	struct stoa_value data;
	const char *room;

	if (stoa_unpack(ev, stoa_fields("room", &room, "data", &data)) < 0)
		return STOA_EINPUT;
	return stoa_emit(stoa_to(ev, room), "my response", stoa_object("data", data));
}

/* Everybody in the room leaves it; nobody is disconnected. */
static int on_close_room(struct stoa_event *ev)
{
	const char *room;

	if (stoa_unpack(ev, stoa_fields("room", &room)) < 0)
		return STOA_EINPUT;
	return stoa_close_room(ev, room);
}

/* --- Errors ------------------------------------------------------------------------------------------------------- */

static int on_error_event(struct stoa_event *ev)
{
	return stoa_fail(ev, "this event always fails");
}

/* Sees every event that failed, those with unfit arguments too. */
static int on_error(struct stoa_event *ev)
{
	stoa_log(ev, STOA_WARN, "failed: %s", stoa_error(ev));
	return stoa_emit(ev, "error event", stoa_object("event", stoa_name(ev), "args", stoa_args(ev)));
}

/* --- Without a client --------------------------------------------------------------------------------------------- */

/* A timer has no sender, so whom it speaks to is always said. */
static int on_tick(struct stoa_event *ev)
{
	return stoa_emit(stoa_to(ev, .broadcast = true), "some event", stoa_object("data", 42));
}

/* --- A namespace of its own, as a table --------------------------------------------------------------------------- */

static int on_test_connect(struct stoa_event *ev)
{
	stoa_log(ev, STOA_INFO, "connected to %s", stoa_namespace(ev));
	return 0;
}

static int on_test_event(struct stoa_event *ev)
{
	return stoa_emit(ev, "my_response", stoa_spread(stoa_args(ev)));
}

static const struct stoa_handler test_namespace[] = {
	{ "connect", on_test_connect },
	{ "disconnect", on_disconnect },
	{ "my_event", on_test_event },
	{ 0 },
};

static const struct stoa_handler main_namespace[] = {
	{ "connect", on_connect },
	{ "disconnect", on_disconnect },
	{ "message", on_message },
	{ "json", on_json },
	{ "my event", on_my_event },
	{ "my_event", on_my_underscore_event },
	{ "echo", on_echo },
	{ "ask", on_ask },
	{ "my broadcast event", on_broadcast },
	{ "my room event", on_room_event },
	{ "join", on_join },
	{ "leave", on_leave },
	{ "close room", on_close_room },
	{ "my error event", on_error_event },
	{ 0 },
};

STOA_APP(app)
{
	int64_t tick_ms = stoa_option_int(app, "tick", 0, 0, 24 * 3600 * 1000); /* 0: never */

	stoa_on_namespace(app, "/", main_namespace, NULL);
	stoa_on_namespace(app, "/test", test_namespace, NULL);
	stoa_on_error(app, "/", on_error, NULL);
	stoa_every(app, "tick", tick_ms, on_tick, NULL);
}
