/* Every key needs a value. */
#include <stoa.h>

int h(struct stoa_event *ev);
int h(struct stoa_event *ev)
{
	return stoa_emit(ev, "x", stoa_object("user", 1, "n"));
}
