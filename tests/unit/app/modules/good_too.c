/* good_too.c - see good.c. */
#include "good.h"

int say_hello(struct stoa_event *ev, const char *name)
{
	return stoa_emit(ev, "hello", stoa_format("from %s", name));
}
