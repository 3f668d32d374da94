/*
 * conformance.c - the server that public protocol test suites expect.
 *
 *	/, /custom      right after CONNECT: auth <the client's auth object>
 *	/               message ..           message-back ..
 *	                message-with-ack ..  acks ..
 *	                join(room, cb)       joins; acks the rooms joined so far
 *	                bcast ..             bc .. to everybody
 *	                ask(cb)              emits q 1; acks the client's answer, or "operation has timed out"
 *	                bye                  disconnects the namespace
 *	                byebye               disconnects everything and closes the connection
 *	/guard          refuses unless auth.ok
 *	/dynamic-<n>    accepts any number n; all other names are refused by the server itself
 */
#include <stoa.h>

#include <string.h>

static int on_connect(struct stoa_event *ev)
{
	return stoa_emit(ev, "auth", stoa_auth(ev));
}

static int on_message(struct stoa_event *ev)
{
	return stoa_emit(ev, "message-back", stoa_spread(stoa_args(ev)));
}

static int on_message_with_ack(struct stoa_event *ev)
{
	return stoa_ack(ev, stoa_spread(stoa_args(ev)));
}

/* The rooms as of now: the one just joined is among them, and so is the client's own, whose name is its sid. */
static int on_join(struct stoa_event *ev)
{
	struct stoa_value *others = stoa_list();
	struct stoa_value rooms;
	const char *room;

	if (stoa_unpack(ev, &room) < 0)
		return STOA_EINPUT;
	stoa_join_room(ev, room);
	rooms = stoa_rooms(ev);
	for (size_t i = 0; i < stoa_size(rooms); i++)
		if (stoa_read(stoa_at(rooms, i), &room) == 0 && strcmp(room, stoa_sid(ev)) != 0)
			stoa_append(others, room);
	return stoa_ack(ev, *others);
}

static int on_bcast(struct stoa_event *ev)
{
	return stoa_emit(stoa_to(ev, .broadcast = true), "bc", stoa_spread(stoa_args(ev)));
}

/* The ack of the event that asked has waited for this. */
static int on_answer(struct stoa_event *ev)
{
	if (stoa_status(ev) < 0)
		return stoa_ack(stoa_asked(ev), "operation has timed out");
	return stoa_ack(stoa_asked(ev), stoa_spread(stoa_args(ev)));
}

static int on_ask(struct stoa_event *ev)
{
	stoa_defer(ev);
	return stoa_call(ev, 500, on_answer, NULL, "q", 1);
}

static int on_bye(struct stoa_event *ev)
{
	return stoa_disconnect(ev);
}

static int on_byebye(struct stoa_event *ev)
{
	return stoa_disconnect_transport(ev);
}

/* As JavaScript's `if (v)` would have it. */
static bool is_truthy(struct stoa_value v)
{
	double number;
	bool b;

	switch (stoa_type(v)) {
	case STOA_NULL:
		return false;
	case STOA_BOOL:
		return stoa_read(v, &b) == 0 && b;
	case STOA_INT:
	case STOA_FLOAT:
		return stoa_read(v, &number) == 0 && (number < 0 || number > 0);
	case STOA_TEXT:
		return stoa_size(v) > 0;
	case STOA_BYTES:
	case STOA_ARRAY:
	case STOA_OBJECT:
		return true;
	}
	return false;
}

static int on_guard_connect(struct stoa_event *ev)
{
	struct stoa_value auth = stoa_auth(ev);

	if (is_truthy(stoa_get(auth, "ok")))
		return 0;
	if (stoa_type(stoa_get(auth, "data")) == STOA_NULL)
		return stoa_fail(ev, "not authorized");
	return stoa_fail(ev, "not authorized", stoa_object("content", "Please retry later"));
}

/* The prefix lets every name in that begins so; what follows must be a number. */
static int on_dynamic_connect(struct stoa_event *ev)
{
	const char *number = stoa_namespace(ev) + strlen("/dynamic-");

	if (*number == '\0' || number[strspn(number, "0123456789")] != '\0')
		return stoa_fail(ev, "Invalid namespace");
	return 0;
}

STOA_APP(app)
{
	stoa_on(app, "/", "connect", on_connect, NULL);
	stoa_on(app, "/", "message", on_message, NULL);
	stoa_on(app, "/", "message-with-ack", on_message_with_ack, NULL);
	stoa_on(app, "/", "join", on_join, NULL);
	stoa_on(app, "/", "bcast", on_bcast, NULL);
	stoa_on(app, "/", "ask", on_ask, NULL);
	stoa_on(app, "/", "bye", on_bye, NULL);
	stoa_on(app, "/", "byebye", on_byebye, NULL);

	stoa_on(app, "/custom", "connect", on_connect, NULL);
	stoa_on(app, "/guard", "connect", on_guard_connect, NULL);
	stoa_on(app, "/dynamic-*", "connect", on_dynamic_connect, NULL);
}
