/*
 * workers.c - which process a client is with, and processes that die.
 *
 *	pid()          acks the process id
 *	join(room)     acks its rooms
 *	say(room, ..)  emits said .. to the room, the sender included
 *	hang()         never returns
 *
 * Option `poison`: as long as a file of this name exists the process dies at "start", as it would of a crash.
 */
#include <signal.h>
#include <stoa.h>
#include <unistd.h>

static const char *poison;

static int on_pid(struct stoa_event *ev)
{
	return stoa_ack(ev, (int64_t)getpid());
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
	const char *room, *text;

	if (stoa_unpack(ev, &room, &text) < 0)
		return STOA_EINPUT;
	return stoa_emit(stoa_to(ev, room, .skip_self = false), "said", text);
}

static int on_hang(struct stoa_event *ev)
{
	while (ev)
		pause();
	return 0;
}

static int on_start(struct stoa_event *ev)
{
	(void)ev;
	if (poison && access(poison, F_OK) == 0)
		kill(getpid(), SIGKILL);
	return 0;
}

static const struct stoa_handler events[] = {
	{ "pid", on_pid },
	{ "join", on_join },
	{ "say", on_say },
	{ "hang", on_hang },
	{ 0 },
};

STOA_APP(app)
{
	poison = stoa_option(app, "poison", NULL);
	stoa_on_namespace(app, "/", events, NULL);
	stoa_on_server(app, "start", on_start, NULL);
}
