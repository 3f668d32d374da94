/*
 * chat.c - rooms, as taught: people give a name, join a room, and talk to whoever is in it.
 *
 *	client sends                   everyone in the room gets
 *	join  {room}                   join   "NAME joined the room"
 *	leave {room}                   leave  "NAME left the room"
 *	chat  {message, room}          chat   message
 *
 * The name comes with the connection: io({ auth: { name: "Ada" } }).
 */
#include <stoa.h>

/* What the client said when it connected is there in every later event, so that nothing need be remembered here. */
static const char *name_of(struct stoa_event *ev)
{
	const char *name = "";

	if (stoa_read(stoa_auth(ev), stoa_fields("name", &name)) < 0 || *name == '\0')
		return "Someone";
	return name;
}

static int on_connect(struct stoa_event *ev)
{
	stoa_log(ev, STOA_INFO, "%s connected by %s", name_of(ev), stoa_transport(ev));
	return 0;
}

static int on_disconnect(struct stoa_event *ev)
{
	stoa_log(ev, STOA_INFO, "%s disconnected: %s", name_of(ev), stoa_reason(ev));
	return 0;
}

static int on_join(struct stoa_event *ev)
{
	const char *room;

	if (stoa_unpack(ev, stoa_fields("room", &room)) < 0)
		return STOA_EINPUT;
	stoa_join_room(ev, room);
	return stoa_emit(stoa_to(ev, room), "join", stoa_format("%s joined the room", name_of(ev)));
}

static int on_leave(struct stoa_event *ev)
{
	const char *room;

	if (stoa_unpack(ev, stoa_fields("room", &room)) < 0)
		return STOA_EINPUT;
	stoa_leave_room(ev, room);
	return stoa_emit(stoa_to(ev, room), "leave", stoa_format("%s left the room", name_of(ev)));
}

static int on_chat(struct stoa_event *ev)
{
	struct stoa_value message;
	const char *room;

	if (stoa_unpack(ev, stoa_fields("message", &message, "room", &room)) < 0)
		return STOA_EINPUT;
	return stoa_emit(stoa_to(ev, room), "chat", message);
}

STOA_APP(app)
{
	stoa_on(app, "/", "connect", on_connect, NULL);
	stoa_on(app, "/", "disconnect", on_disconnect, NULL);
	stoa_on(app, "/", "join", on_join, NULL);
	stoa_on(app, "/", "leave", on_leave, NULL);
	stoa_on(app, "/", "chat", on_chat, NULL);
}
