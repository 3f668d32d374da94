/* letters.c - an application that crashes on what a client says, until it is started without the option `crash`. */
#include <stoa.h>

#include <stdlib.h>
#include <string.h>

static bool crashes;

static int on_say(struct stoa_event *ev)
{
	const char *text;

	if (stoa_unpack(ev, &text) < 0)
		return STOA_EINPUT;
	if (crashes && strcmp(text, "fine") != 0)
		abort();
	stoa_emit(stoa_to(ev, .broadcast = true), "said", text, stoa_attempt(ev));
	return stoa_ack(ev, text);
}

static const struct stoa_handler handlers[] = {
	{ "say", on_say },
	{ 0 },
};

STOA_APP(app)
{
	crashes = strcmp(stoa_option(app, "crash", "no"), "yes") == 0;
	stoa_on_namespace(app, "/", handlers, NULL);
}
