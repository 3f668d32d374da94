/* rough.c - an application that does to its process what clients ask for. VERSION is the second build's name. */
#include "stoa.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#ifndef VERSION
#define VERSION "1"
#endif

static const char *mark; /* a file: where it is, "once" has crashed already */

static int on_who(struct stoa_event *ev)
{
	return stoa_ack(ev, VERSION, (int)getpid(), stoa_attempt(ev), stoa_rooms(ev), stoa_session(ev));
}

static int on_join(struct stoa_event *ev)
{
	stoa_join_room(ev, "room");
	return stoa_session_put(ev, "name", "Ann");
}

static int on_crash(struct stoa_event *ev)
{
	volatile int *nowhere = (volatile int *)(uintptr_t)4096;

	(void)ev;
	return *nowhere;
}

/* Crashes, but for the second time. */
static int on_once(struct stoa_event *ev)
{
	FILE *f;

	if (access(mark, F_OK) == 0)
		return stoa_ack(ev, "there", stoa_attempt(ev));
	f = fopen(mark, "w");
	if (f)
		fclose(f);
	return on_crash(ev);
}

static int on_hang(struct stoa_event *ev)
{
	(void)ev;
	for (;;)
		pause();
	return 0;
}

/* Holds up its process for as many milliseconds. */
static int on_slow(struct stoa_event *ev)
{
	int64_t ms = 0;

	if (stoa_unpack(ev, &ms) < 0)
		return STOA_EINPUT;
	usleep((useconds_t)ms * 1000);
	return stoa_ack(ev, ms);
}

static int on_stop(struct stoa_event *ev)
{
	return stoa_emit(stoa_to(ev, .broadcast = true), "stopped", VERSION);
}

STOA_APP(app)
{
	static const struct stoa_handler events[] = { { "who", on_who }, { "join", on_join }, { "crash", on_crash },
		{ "once", on_once }, { "hang", on_hang }, { "slow", on_slow }, { 0 } };

	mark = stoa_option(app, "mark", "/nowhere");
	stoa_on_namespace(app, "/", events, NULL);
	stoa_on_server(app, "stop", on_stop, NULL);
}
