/* The control: all that the others do, done right, compiles with the same flags. */
#include <stoa.h>

int h(struct stoa_event *ev, int n);
int h(struct stoa_event *ev, int n)
{
	const char *u;

	if (stoa_unpack(ev, stoa_fields("user", &u), stoa_optional(&n)) < 0)
		return STOA_EINPUT;
	return stoa_emit(stoa_to(ev, .room = "a"), "x", stoa_object("user", u, "n", n, "nothing", NULL));
}
