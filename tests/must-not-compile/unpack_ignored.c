/* Whether the arguments fitted cannot be ignored. */
#include <stoa.h>

int h(struct stoa_event *ev);
int h(struct stoa_event *ev)
{
	int n;

	stoa_unpack(ev, &n);
	return n;
}
