/* An event's name is text. */
#include <stoa.h>

int h(struct stoa_event *ev);
int h(struct stoa_event *ev)
{
	return stoa_emit(ev, 5, 1);
}
