/* Text that was read is borrowed: it does not go into a char *. */
#include <stoa.h>

int h(struct stoa_event *ev);
int h(struct stoa_event *ev)
{
	char *u;

	return stoa_unpack(ev, stoa_fields("user", &u));
}
