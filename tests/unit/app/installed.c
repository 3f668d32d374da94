/* installed.c - the one file that installed.cmake builds against an installed tree. */
#include <stoa.h>

static int on_go(struct stoa_event *ev)
{
	return stoa_emit(ev, "hello", "installed");
}

STOA_APP(app)
{
	stoa_on(app, "/", "go", on_go, NULL);
}
