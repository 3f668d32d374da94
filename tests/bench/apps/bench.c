/*
 * bench.c - the application that every server of tests/bench runs:
 *
 *	join(room) with ack          the client is in the room
 *	say(room, payload)           everyone in the room gets say(payload)
 *	echo(payload) with ack       acks the payload
 */
#include <stoa.h>

static int on_join(struct stoa_event *ev)
{
	const char *room;

	if (stoa_unpack(ev, &room) < 0)
		return STOA_EINPUT;
	return stoa_join_room(ev, room);
}

static int on_say(struct stoa_event *ev)
{
	struct stoa_value payload;
	const char *room;

	if (stoa_unpack(ev, &room, &payload) < 0)
		return STOA_EINPUT;
	return stoa_emit(stoa_to(ev, room), "say", payload);
}

static int on_echo(struct stoa_event *ev)
{
	return stoa_ack(ev, stoa_arg(ev, 0));
}

STOA_APP(app)
{
	stoa_on(app, "/", "join", on_join, NULL);
	stoa_on(app, "/", "say", on_say, NULL);
	stoa_on(app, "/", "echo", on_echo, NULL);
}
