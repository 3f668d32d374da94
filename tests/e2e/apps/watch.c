/* watch.c - an application that tests/e2e/watch.test.mjs builds again and again, with another VERSION each time. */
#include <stoa.h>

#ifndef VERSION
#define VERSION "0"
#endif

static int waiting; /* of the functions below, those that have not run */

static int on_version(struct stoa_event *ev)
{
	return stoa_ack(ev, VERSION, stoa_rooms(ev));
}

static int on_waiting(struct stoa_event *ev)
{
	return stoa_ack(ev, waiting);
}

static int on_join(struct stoa_event *ev)
{
	return stoa_join_room(ev, "r");
}

static int on_all(struct stoa_event *ev)
{
	return stoa_emit(stoa_to(ev, "r"), "hello", VERSION);
}

/* Each is to end before its code is gone. */
static int ended(struct stoa_event *ev)
{
	waiting--;
	stoa_log(ev, STOA_INFO, "%s ended: %s %s", (const char *)stoa_ctx(ev), stoa_error(ev), VERSION);
	return 0;
}

static int on_wait(struct stoa_event *ev)
{
	waiting = 2;
	stoa_after(ev, 3600 * 1000, ended, "timer");
	return stoa_call(ev, 3600 * 1000, ended, "call", "question", VERSION);
}

static int on_defer(struct stoa_event *ev)
{
	(void)stoa_defer(ev);
	return 0;
}

/* On a thread, in the code that is to go. */
static int work(struct stoa_event *ev)
{
	while (stoa_sleep(ev, 10) == 0)
		stoa_emit(stoa_to(ev, "r"), "working", VERSION);
	return 0;
}

static int worked(struct stoa_event *ev)
{
	stoa_log(ev, STOA_INFO, "worked %s", VERSION);
	return 0;
}

static int on_work(struct stoa_event *ev)
{
	return stoa_start_background_task(ev, work, worked, NULL);
}

static int on_start(struct stoa_event *ev)
{
	stoa_log(ev, STOA_INFO, "start %s", VERSION);
	return 0;
}

static int on_stop(struct stoa_event *ev)
{
	stoa_log(ev, STOA_INFO, "stop %s waiting %d", VERSION, waiting);
	return 0;
}

static int on_tick(struct stoa_event *ev)
{
	return stoa_emit(stoa_to(ev, "r"), "tick", VERSION);
}

STOA_APP(app)
{
#ifdef BROKEN
	stoa_abort(app, "it is broken");
#endif
	stoa_on_server(app, "start", on_start, NULL);
	stoa_on_server(app, "stop", on_stop, NULL);
	stoa_on(app, "/", "version", on_version, NULL);
	stoa_on(app, "/", "waiting", on_waiting, NULL);
	stoa_on(app, "/", "join", on_join, NULL);
	stoa_on(app, "/", "all", on_all, NULL);
	stoa_on(app, "/", "wait", on_wait, NULL);
	stoa_on(app, "/", "defer", on_defer, NULL);
	stoa_on(app, "/", "work", on_work, NULL);
	stoa_every(app, "tick", 20, on_tick, NULL);
}
