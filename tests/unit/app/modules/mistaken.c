/* mistaken.c - names an event twice. */
#include <stoa.h>

static int on_go(struct stoa_event *ev)
{
	return stoa_emit(ev, "x");
}

STOA_APP(app)
{
	stoa_on(app, "/", "go", on_go, NULL);
	stoa_on(app, "/", "go", on_go, NULL);
}
