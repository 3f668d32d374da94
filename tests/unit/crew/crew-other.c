/* crew-other.c - an application with another event, and one more namespace. */
#include "stoa.h"

static int on_say(struct stoa_event *ev)
{
	return stoa_emit(ev, "said otherwise", stoa_arg(ev, 0));
}

STOA_APP(app)
{
	stoa_on(app, "/", "say", on_say, NULL);
	stoa_on(app, "/more", "say", on_say, NULL);
}
