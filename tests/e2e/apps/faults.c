/*
 * faults.c - an application for tests that kill it: a chat that says how often it was begun with a message.
 *
 *	join(room)          acks the rooms
 *	say(room, n)        said(room, client's name, n, attempt) to the room; acks (n)
 *	work(ms)            blocks for so long, then acks the attempt
 *
 * Who leaves is logged: `left NAME because of REASON`; and `at work`, before it blocks.
 */
#include <stoa.h>

#include <time.h>

static const char *name_of(struct stoa_event *ev)
{
	const char *name = "";

	return stoa_read(stoa_auth(ev), stoa_fields("name", &name)) == 0 ? name : "";
}

static int on_join(struct stoa_event *ev)
{
	const char *room;

	if (stoa_unpack(ev, &room) < 0)
		return STOA_EINPUT;
	stoa_join_room(ev, room);
	return stoa_ack(ev, stoa_rooms(ev));
}

static int on_say(struct stoa_event *ev)
{
	const char *room;
	int64_t n;

	if (stoa_unpack(ev, &room, &n) < 0)
		return STOA_EINPUT;
	stoa_emit(stoa_to(ev, room), "said", room, name_of(ev), n, stoa_attempt(ev));
	return stoa_ack(ev, n);
}

static int on_work(struct stoa_event *ev)
{
	int ms;

	if (stoa_unpack(ev, &ms) < 0)
		return STOA_EINPUT;
	stoa_log(ev, STOA_INFO, "at work");
	nanosleep(&(struct timespec){ ms / 1000, ms % 1000 * 1000000L }, NULL);
	return stoa_ack(ev, stoa_attempt(ev));
}

static int on_disconnect(struct stoa_event *ev)
{
	stoa_log(ev, STOA_INFO, "left %s because of %s", name_of(ev), stoa_reason(ev));
	return 0;
}

static const struct stoa_handler handlers[] = {
	{ "disconnect", on_disconnect },
	{ "join", on_join },
	{ "say", on_say },
	{ "work", on_work },
	{ 0 },
};

STOA_APP(app)
{
	stoa_on_namespace(app, "/", handlers, NULL);
}
