/* crew-test.c - an application that does to its process what a test asks for. */
#include "stoa.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int said; /* events of this process */

/* The first argument; 0: there is none. */
static int64_t number_of(struct stoa_event *ev)
{
	int64_t n = 0;

	return stoa_unpack(ev, &n) < 0 ? 0 : n;
}

static int on_say(struct stoa_event *ev)
{
	return stoa_emit(ev, "said", stoa_arg(ev, 0), ++said, stoa_attempt(ev), (int)getpid());
}

static int on_crash(struct stoa_event *ev)
{
	volatile int *nowhere = (volatile int *)(uintptr_t)number_of(ev);

	return *nowhere;
}

static int on_abort(struct stoa_event *ev)
{
	(void)ev;
	abort();
}

static int deeper(volatile char *above, int n)
{
	volatile char here[4096];

	here[0] = *above;
	return n < 0 ? here[0] : deeper(here, n + 1) + here[0];
}

static int on_overflow(struct stoa_event *ev)
{
	volatile char here = 0;

	(void)ev;
	return deeper(&here, 0);
}

static int on_exit_now(struct stoa_event *ev)
{
	_exit((int)number_of(ev));
}

static int hangs(struct stoa_event *ev)
{
	(void)ev;
	for (;;)
		pause();
	return 0;
}

static int on_hang_later(struct stoa_event *ev)
{
	return stoa_after(ev, 1, hangs, NULL) > 0 ? 0 : -1;
}

static int on_close(struct stoa_event *ev)
{
	(void)ev;
	close(3);
	for (;;)
		pause();
	return 0;
}

/* Not what a broker and its worker say to each other. */
static int on_nonsense(struct stoa_event *ev)
{
	static const char junk[200] = "this is none of the messages that are known here";

	(void)ev;
	if (write(3, junk, sizeof(junk)) < 0)
		return -1;
	for (;;)
		pause();
	return 0;
}

static int on_flood(struct stoa_event *ev)
{
	int64_t n = number_of(ev);

	for (int64_t i = 0; i < n; i++)
		stoa_emit(
			ev, "flood", (int)i, "0123456789012345678901234567890123456789012345678901234567890123456789");
	return 0;
}

static int says_later(struct stoa_event *ev)
{
	return stoa_emit(ev, "later", stoa_status(ev));
}

static int on_after(struct stoa_event *ev)
{
	return stoa_after(ev, number_of(ev), says_later, NULL) > 0 ? 0 : -1;
}

static int answered(struct stoa_event *ev)
{
	return stoa_emit(ev, "answered", stoa_arg(ev, 0));
}

static int on_call(struct stoa_event *ev)
{
	return stoa_call(ev, 60000, answered, NULL, "q");
}

static int on_start(struct stoa_event *ev)
{
	return stoa_emit(stoa_to(ev, .broadcast = true), stoa_name(ev), (int)getpid());
}

static int beat(struct stoa_event *ev)
{
	return stoa_emit(stoa_to(ev, .broadcast = true), "beat");
}

/* Crashes as soon as it runs, but for the first time, if the option `mark` names a file. */
static int on_start_once(struct stoa_event *ev)
{
	const char *mark = stoa_ctx(ev);

	if (mark && access(mark, F_OK) == 0)
		abort();
	return on_start(ev);
}

STOA_APP(app)
{
	static const struct stoa_handler events[] = { { "say", on_say }, { "crash", on_crash }, { "abort", on_abort },
		{ "overflow", on_overflow }, { "exit", on_exit_now }, { "hang", hangs },
		{ "hang-later", on_hang_later }, { "close", on_close }, { "nonsense", on_nonsense },
		{ "flood", on_flood }, { "after", on_after }, { "call", on_call }, { 0 } };

	stoa_on_namespace(app, "/", events, NULL);
	stoa_on_server(app, "start", on_start_once, (void *)(uintptr_t)stoa_option(app, "mark", NULL));
	stoa_on_server(app, "stop", on_start, NULL);
	stoa_every(app, "beat", 20, beat, NULL);
}
