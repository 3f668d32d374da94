/*
 * memory.c - the application of memory.mjs: three namespaces, and
 *
 *	join(room) with ack          the client is in the room
 */
#include <stoa.h>

static int on_join(struct stoa_event *ev)
{
	const char *room;

	if (stoa_unpack(ev, &room) < 0)
		return STOA_EINPUT;
	return stoa_join_room(ev, room);
}

STOA_APP(app)
{
	stoa_on(app, "/", "join", on_join, NULL);
	stoa_on(app, "/one", "join", on_join, NULL);
	stoa_on(app, "/two", "join", on_join, NULL);
}
