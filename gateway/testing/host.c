/*
 * host.c - values in a test program, which has no application around it: the host's own functions, with a place of the
 * program's to build in. Those that take an event have no meaning there, and a program has no event to give them.
 */
#include "app.h"
#include "internal.h"

struct stoa_host stoa_test_host_;

static struct arena built;
static unsigned n_open;

void values_open(void)
{
	app_build_in(&built);
	n_open++;
}

void values_close(void)
{
	if (--n_open == 0)
		arena_reset(&built);
}

/* Before main(): values may be built before the first test is open. */
__attribute__((constructor)) static void begin(void)
{
	stoa_test_host_ = *app_build_in(&built);
}

__attribute__((destructor)) static void end(void)
{
	app_build_in(NULL);
	arena_fini(&built);
}
