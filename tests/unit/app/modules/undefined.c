/* undefined.c - calls a function that nobody has. */
#include <stoa.h>

int nobody_has_this(struct stoa_event *ev);

STOA_APP(app)
{
	stoa_on(app, "/", "go", nobody_has_this, NULL);
}
