/* good.c - a module of two files, whose other half is good_too.c. */
#include "good.h"

static int on_go(struct stoa_event *ev)
{
	return say_hello(ev, stoa_ctx(ev));
}

STOA_APP(app)
{
	stoa_on(app, "/", "go", on_go, (void *)(uintptr_t)stoa_option(app, "name", "nobody"));
}
