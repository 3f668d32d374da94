/* A keyword of a target that does not exist. */
#include <stoa.h>

int h(struct stoa_event *ev);
int h(struct stoa_event *ev)
{
	return stoa_emit(stoa_to(ev, .rom = "a"), "x", 1);
}
