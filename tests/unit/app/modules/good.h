/* good.h - what the two files of a module share. */
#include <stoa.h>

int say_hello(struct stoa_event *ev, const char *name);
